"""Abstract values: what is known of a value before it is computed."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from wengert.errors import UnsupportedError, at_line

__all__ = ["Aval", "Kind", "aval_of", "dtype_of", "is_array", "is_inexact", "ndim_of", "refuse_strange", "shape_of"]

Kind = Literal["python", "scalar", "array"]
_PYTHON = {bool: np.dtype(bool), int: np.dtype(np.int64), float: np.dtype(float), complex: np.dtype(complex)}
_LETTERS = {"f": "f", "i": "i", "u": "u", "c": "c", "b": "b"}


@dataclass(frozen=True, slots=True)
class Aval:
    """An abstract value: ``shape``, ``dtype``, and which of NumPy's three kinds of number it is.

    A ``python`` scalar is weak in promotion, a ``scalar`` is a NumPy scalar, and only an ``array`` can
    be indexed and written to.

    Example:
        >>> import numpy as np
        >>> from wengert.core.types import aval_of
        >>> print(aval_of(np.zeros((2, 3))), aval_of(np.float32(1)), aval_of(1.0))
        f64[2,3] f32 float
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    kind: Kind

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    def __str__(self) -> str:
        if self.kind == "python":
            return {"f": "float", "i": "int", "c": "complex", "b": "bool"}[self.dtype.kind]
        kind = self.dtype.kind
        name = "bool" if kind == "b" else f"{_LETTERS.get(kind, kind)}{8 * self.dtype.itemsize}"
        return name if self.kind == "scalar" else f"{name}[{','.join(map(str, self.shape))}]"


def aval_of(x: Any) -> Aval:
    """The abstract value of ``x``: a number, an array, a tracer, or an abstract value already."""
    if isinstance(x, Aval):
        return x
    dtype = _PYTHON.get(type(x))
    if dtype is not None:
        return Aval((), dtype, "python")
    found = getattr(type(x), "aval", None)
    if found is not None:
        return x.aval
    return Aval(tuple(x.shape), x.dtype, "array" if type(x) is np.ndarray else "scalar")


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of a number, array or tracer."""
    return () if type(x) in _PYTHON else x.shape


def ndim_of(x: Any) -> int:
    """The number of axes of a number, array or tracer."""
    return 0 if type(x) in _PYTHON else x.ndim


def dtype_of(x: Any) -> np.dtype[Any]:
    """The dtype of a number, array or tracer."""
    return _PYTHON.get(type(x)) or x.dtype


def is_array(x: Any) -> bool:
    """Whether ``x`` is an array, and not a scalar, to the program that holds it."""
    return aval_of(x).kind == "array"


def refuse_strange(name: str, out: Any) -> None:
    """Refuse the result of an operation on traced values that is neither a number nor an array of numbers.

    Objects, time differences and subclasses of ndarray would take the value on without its derivative.
    """
    strange = type(out) not in _PYTHON and not hasattr(type(out), "aval")
    if strange and (type(out) is np.ndarray or isinstance(out, np.generic)):
        strange = out.dtype.kind not in "biufc"
    if strange:
        what = f"an array of {out.dtype}" if type(out) is np.ndarray else f"a {type(out).__name__}"
        raise UnsupportedError(
            f"np.{name} of a traced value gives {what}, which would carry it on without its derivative{at_line()}\n"
            "  write: plain arrays of floats as operands, such as np.asarray(x, dtype=float)"
        )


def is_inexact(x: Any) -> bool:
    """Whether ``x`` is real or complex floating point, so that it can have a derivative."""
    return dtype_of(x).kind in "fc"
