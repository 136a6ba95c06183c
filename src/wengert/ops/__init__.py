"""Every array primitive and all its rules, once.

Rules are written in NumPy's own notation, on values that may be plain or traced, so they differentiate
again, batch and stage.
"""

from wengert.ops import (
    determinants,
    eigen,
    elementwise,
    factorisations,
    gaps,
    index,
    linalg,
    norms,
    products,
    reduce,
    shape,
    singular,
)

__all__ = [
    "determinants",
    "eigen",
    "elementwise",
    "factorisations",
    "gaps",
    "index",
    "linalg",
    "norms",
    "products",
    "reduce",
    "shape",
    "singular",
]
