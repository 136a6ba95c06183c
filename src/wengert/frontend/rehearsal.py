"""A call tried by NumPy itself on small plain arrays of the same types: what NumPy rejects, it rejects in its words."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from wengert.core.trace import Tracer
from wengert.core.types import Aval, aval_of


def small(x: Any) -> Any:
    """A plain stand-in for a value: of its kind, dtype and number of axes, with at most one element along each."""
    if isinstance(x, np.ndarray | Tracer):
        aval = aval_of(x)
        return stand_in(aval, tuple(min(n, 1) for n in aval.shape))
    if type(x) in (list, tuple):
        return type(x)(small(e) for e in x)
    return x


def stand_in(aval: Aval, shape: tuple[int, ...]) -> Any:
    """Ones of a kind and dtype."""
    if aval.kind == "array":
        return np.ones(shape, aval.dtype)
    return aval.dtype.type(1) if aval.kind == "scalar" else aval.dtype.type(1).item()


def rehearse(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Run NumPy's function on stand-ins, for its errors and for the type of its result."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*[small(x) for x in args], **{name: small(x) for name, x in kwargs.items()})
