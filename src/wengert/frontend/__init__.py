"""NumPy's names on traced values: tables from functions to primitives, and what tracers refuse."""

from wengert.frontend import (
    choosing,
    creation,
    escapes,
    indexing,
    joining,
    linalg,
    methods,
    moving,
    norms,
    products,
    reductions,
    shaping,
    tables,
    ufuncs,
    values,
)

__all__ = [
    "choosing",
    "creation",
    "escapes",
    "indexing",
    "joining",
    "linalg",
    "methods",
    "moving",
    "norms",
    "products",
    "reductions",
    "shaping",
    "tables",
    "ufuncs",
    "values",
]
