"""Operands of BLAS and LAPACK, which take everything by reference; and where their routines are."""

from __future__ import annotations

import numpy as np

from wengert.compile.emit import F32, Emitter, Type, Value
from wengert.compile.names import blas_symbol, lapack_symbol

__all__ = ["blas_symbol", "by_reference", "lapack_symbol"]


def by_reference(e: Emitter, t: Type, number: float | int | str) -> Value:
    """The address of a constant; a letter is a byte."""
    if isinstance(number, str):
        return e.data(number.encode(), align=1)
    if t.is_float:
        return e.data(np.array(number, np.float32 if t == F32 else np.float64).tobytes())
    return e.data(int(number).to_bytes(t.size, "little", signed=True), align=8)
