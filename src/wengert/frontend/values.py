"""What users hand to NumPy's functions, as arrays and numbers: lists, Python's numbers, traced values."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.trace import Constant, Tracer
from wengert.core.types import aval_of, ndim_of, shape_of
from wengert.errors import ShapeError, at_line
from wengert.frontend.tables import as_numpy, tracers_in
from wengert.ops import shape as ops


def as_array(x: Any) -> Any:
    """Lists and numbers as arrays; of traced numbers those of Python become NumPy's."""
    if isinstance(x, np.ndarray):
        return x
    if isinstance(x, list | tuple) and any(type(t) is not Constant for t in tracers_in(x)):
        return stacked(x)
    return as_numpy((x,))[0] if isinstance(x, Tracer) else np.array(x)


def stacked(values: Any) -> Any:
    """A nested list with traced values in it, as one array."""
    rows = [stacked(v) if isinstance(v, list | tuple) else v for v in values]
    shapes = [shape_of(r) for r in rows]
    if len(set(shapes)) > 1:
        raise ShapeError(f"np.array of rows of different shapes, {shapes}{at_line()}\n  write: rows of one length")
    return ops.stacked([r.v if type(r) is Constant else r for r in rows])


def like_scalar(x: Any, y: Any) -> Any:
    """``y``, as a number where ``x`` is one: np.where and its like give arrays without axes."""
    return y if aval_of(x).kind == "array" else as_number(y)


def as_number(y: Any) -> Any:
    """An array without axes as a number; an array that has some as it is."""
    return y if ndim_of(y) or aval_of(y).kind != "array" else y[()]


def common_dtype(values: Any) -> np.dtype[Any]:
    """The dtype that NumPy finds for values together, in which Python's numbers are weak."""
    weak = {"f": 0.0, "i": 0, "c": 0j, "b": False}
    avals = [aval_of(as_array(x) if isinstance(x, list | tuple) else x) for x in values]
    return np.result_type(*[weak[a.dtype.kind] if a.kind == "python" else a.dtype for a in avals])
