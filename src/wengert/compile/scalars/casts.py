"""From one dtype to another, with NumPy's meaning of ``astype``.

What C leaves open, a float beyond the integers of the wanted dtype, is as NumPy has it on x86: the instruction's
answer, which is the most negative of the 32-bit integers for dtypes up to that size (cut to their bits), of the
64-bit ones beyond. On ARM the instruction saturates, and gives 0 for NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.compile.emit import Emitter, Type, Value, type_of
from wengert.compile.scalars.table import lowering

__all__ = ["convert"]


def convert(e: Emitter, x: Value, source: np.dtype[Any], wanted: np.dtype[Any]) -> Value:
    """``x``, elements of dtype ``source``, as elements of dtype ``wanted``."""
    t = type_of(wanted).wide(x.type.lanes)
    if source.kind == "f" and wanted.kind in "iu":
        return _whole(e, x, wanted, t)
    return e.convert(x, t, unsigned=source.kind in "bu")


def _whole(e: Emitter, x: Value, wanted: np.dtype[Any], t: Type) -> Value:
    """The whole part of floats, through the integers that the machine's instruction gives."""
    if wanted == np.uint64:
        return _whole_unsigned(e, x, t)
    small = wanted.itemsize < 4 or wanted == np.int32
    if e.target.arm:
        name = "fptoui.sat" if wanted == np.uint32 else "fptosi.sat"
        wide = t.of("i32") if small or wanted == np.uint32 else t
        return e.convert(_saturated(e, name, x, wide), t)
    return e.convert(_cut(e, x, t.of("i32") if small else t.of("i64")), t)


def _saturated(e: Emitter, name: str, x: Value, t: Type) -> Value:
    return e.intrinsic(f"{name}.{t.element if not t.lanes else f'v{t.lanes}{t.element}'}", x, result=t)


def _cut(e: Emitter, x: Value, t: Type) -> Value:
    """As x86 does: the most negative integer for everything outside."""
    limit = 2.0 ** (t.bits - 1)
    inside = (x < limit) & ((x >= -limit) if x.type.bits <= t.bits else (x > -limit - 1.0))
    # outside, the conversion is poison, which the choice does not look at
    return e.select(inside, e.value(t, f"fptosi {x} to {t}"), -(1 << (t.bits - 1)))


def _whole_unsigned(e: Emitter, x: Value, t: Type) -> Value:
    if e.target.arm:
        return _saturated(e, "fptoui.sat", x, t)
    # below 2⁶³ as signed; from there on less 2⁶³, whose bit is set afterwards
    above = x >= 2.0**63
    low = _cut(e, e.select(above, x - 2.0**63, x), t)
    return e.select(above, low ^ e.const(t, 1 << 63), low)


@lowering("cast", "cast_to_integer", kinds="biuf", typed=True)
def cast(source: np.dtype[Any], x: Value, *, dtype: Any) -> Value:
    """The loop's dtype is the operand's."""
    return convert(x.e, x, source, np.dtype(dtype))
