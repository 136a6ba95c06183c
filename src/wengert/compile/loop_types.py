"""The dtypes that NumPy computes in."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from wengert.core.program import Equation

__all__ = ["loop_types"]


def loop_types(equation: Equation) -> tuple[np.dtype[Any], ...]:
    """The dtypes of NumPy's own loop for an elementwise operation: operands, then result."""
    out = equation.outputs[0].aval.dtype
    ufunc = equation.primitive.ufunc
    avals = [x.aval for x in equation.inputs]
    if equation.primitive.name == "where":
        return (np.dtype(bool), out, out, out)
    plain = all(a.kind == "python" for a in avals)
    given = [np.dtype(np.int64) if plain and a.dtype == bool else a.dtype for a in avals]  # as Python has it
    if ufunc is None:
        return (*given, out)
    if plain:  # NumPy would compare Python's integers as objects
        return _resolved(ufunc, *given)
    return _resolved(ufunc, *[WEAK.get(a.dtype.kind, a.dtype) if a.kind == "python" else a.dtype for a in avals])


WEAK: dict[str, Any] = {"f": float, "i": int, "c": complex}


@lru_cache(maxsize=1024, typed=True)
def _resolved(ufunc: np.ufunc, *types: Any) -> tuple[np.dtype[Any], ...]:
    return ufunc.resolve_dtypes((*types, *(None,) * ufunc.nout))
