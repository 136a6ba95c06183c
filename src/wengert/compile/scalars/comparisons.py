"""Comparisons, logic, and questions about a number; their results are booleans."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert.compile.emit import Value
from wengert.compile.scalars.bits import absolute, constant
from wengert.compile.scalars.table import lowering

__all__: list[str] = []

HOW = {"greater": "gt", "greater_equal": "ge", "less": "lt", "less_equal": "le", "equal": "eq", "not_equal": "ne"}


def _compare(how: str, dtype: np.dtype[Any], x: Value, y: Value, other: np.dtype[Any] | None = None) -> Value:
    """``other``: the second operand's dtype, where NumPy's loop compares int64 with uint64."""
    e = x.e
    plain = e.compare(how, x, y, unsigned=dtype.kind in "bu" or (other is not None and other.kind == "u"))
    if other is None or other == dtype:
        return plain
    # of different signs: a negative number lies below every unsigned one
    signed, below = (x, how in ("lt", "le", "ne")) if dtype.kind == "i" else (y, how in ("gt", "ge", "ne"))
    return e.select(signed < 0, constant(plain, below), plain)


for _name, _how in HOW.items():
    lowering(_name, kinds="biuf", typed=True)(
        lambda dtype, x, y, other=None, how=_how: _compare(how, dtype, x, y, other)
    )


def truth(x: Value) -> Value:
    """Not zero; NaN is true."""
    return x if x.type.element == "i1" else x.differs(0)


@lowering("logical_and", kinds="biuf")
def logical_and(x: Value, y: Value) -> Value:
    return truth(x) & truth(y)


@lowering("logical_or", kinds="biuf")
def logical_or(x: Value, y: Value) -> Value:
    return truth(x) | truth(y)


@lowering("logical_xor", kinds="biuf")
def logical_xor(x: Value, y: Value) -> Value:
    return truth(x) ^ truth(y)


@lowering("logical_not", kinds="biuf")
def logical_not(x: Value) -> Value:
    return x.e.invert(truth(x))


def _always(x: Value, answer: bool) -> Value:
    return x.e.const(x.type.of("i1"), answer)


@lowering("isnan", kinds="biuf")
def isnan(x: Value) -> Value:
    return x.e.is_nan(x) if x.type.is_float else _always(x, False)


@lowering("isinf", kinds="biuf")
def isinf(x: Value) -> Value:
    return absolute(x).equals(math.inf) if x.type.is_float else _always(x, False)


@lowering("isfinite", kinds="biuf")
def isfinite(x: Value) -> Value:
    return absolute(x) < math.inf if x.type.is_float else _always(x, True)
