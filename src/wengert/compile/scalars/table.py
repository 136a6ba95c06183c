"""The table of lowerings: how a primitive of each element becomes instructions, and how exact it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from wengert.compile.emit import F64, Emitter, Value

__all__ = ["BOUNDS", "KINDS", "LOWER", "MISSING", "Bound", "Rule", "in_double", "lowering", "supports"]

# (emitter, operands, the dtype of the loop, parameters) -> result
Rule = Callable[[Emitter, Sequence[Value], "np.dtype[Any]", dict[str, Any]], Value]

LOWER: dict[str, Rule] = {}
KINDS: dict[str, str] = {}  # the kinds of dtype (b, i, u, f) that a name's rule has


# names whose rule may have to do without what it calls, and whether it has to
MISSING: dict[str, Callable[[], bool]] = {}


@final
@dataclass(frozen=True)
class Bound:
    """``ulp``: the distance from the exact value, in units of the last place of it, for operands in [low, high].

    Beside the smallest normal numbers a unit is that of the subnormal ones. Stated for machines with fused
    multiplication and addition; without them a bound can double.
    """

    ulp: float
    low: float = -math.inf
    high: float = math.inf


BOUNDS: dict[str, dict[str, Bound]] = {}


def lowering(
    *names: str, kinds: str = "f", typed: bool = False, f32: Bound | float = 0.0, f64: Bound | float = 0.0
) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Enter a function of values as the rule of ``names`` for dtypes of ``kinds``, with its bounds in ulp.

    A ``typed`` one takes the loop's dtype first, and parameters by keyword.
    """

    def enter(f: Callable[..., Value]) -> Callable[..., Value]:
        def rule(_e: Emitter, operands: Sequence[Value], dtype: np.dtype[Any], params: dict[str, Any]) -> Value:
            return f(dtype, *operands, **params) if typed else f(*operands)

        for name in names:
            LOWER[name], KINDS[name] = rule, kinds
            if f32 or f64:
                pair = {"f32": f32, "f64": f64}
                BOUNDS[name] = {k: b if isinstance(b, Bound) else Bound(b) for k, b in pair.items()}
        return f

    return enter


def in_double(f: Callable[..., Value]) -> Callable[..., Value]:
    """Single precision by way of double: rounded once at the end, where speed matters less than a second formula."""

    def either(*xs: Value) -> Value:
        e, lanes = xs[0].e, xs[0].type.lanes
        if xs[0].type.element == "f64":
            return f(*xs)
        if (
            lanes * 8 > e.target.bytes and lanes % 2 == 0
        ):  # by halves that fit a register, whose instructions f may know
            first, second = (
                either(*(e.shuffle(x, e.undefined(x.type), range(at, at + lanes // 2)) for x in xs))
                for at in (0, lanes // 2)
            )
            return e.shuffle(first, second, range(lanes))
        return e.convert(f(*(e.convert(x, F64) for x in xs)), xs[0].type.scalar)

    return either


def supports(name: str, dtype: Any) -> bool:
    """Whether there is a rule for this primitive over loops of this dtype (for a cast: from it)."""
    dtype = np.dtype(dtype)
    if name in MISSING and MISSING[name]():
        return False
    sized = dtype.kind in "iu" or dtype.kind == "b" or (dtype.kind == "f" and dtype.itemsize in (4, 8))
    return sized and dtype.isnative and dtype.kind in KINDS.get(name, "")
