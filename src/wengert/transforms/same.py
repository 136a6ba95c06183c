"""Whether two runs of a function gave the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.program import Atom, Equation, Literal, Var
from wengert.core.trace import Constant, Tracer
from wengert.core.types import aval_of, dtype_of
from wengert.transforms.forward import Forward
from wengert.transforms.stage import Stage

__all__ = ["same"]

# Units in the last place of the largest number, by which two runs of one function may differ: machine code for one
# thread and for a team may add in another order.
ROUNDING = 16


def same(a: Any, b: Any) -> bool:
    """Whether two results are the same, at all levels; of what is only written down, whether it is computed alike."""
    a, b = (x.v if type(x) is Constant else x for x in (a, b))
    if not (isinstance(a, Tracer) and isinstance(b, Tracer) and a.t is b.t):
        if isinstance(a, Tracer) or isinstance(b, Tracer):  # one of them needed no tracing
            return aval_of(a) == aval_of(b)
        return _equal(a, b)
    if aval_of(a) != aval_of(b):
        return False
    if isinstance(a.t, Stage):
        return _computed_alike(a.t, a.i, b.i)
    if isinstance(a.t, Forward) and (a.i is not None or b.i is not None):
        return a.i is not None and b.i is not None and same(a.v, b.v) and same(a.i, b.i)
    return same(a.v, b.v)


def _equal(a: Any, b: Any) -> bool:
    if np.array_equal(a, b, equal_nan=True):
        return True
    if aval_of(a) != aval_of(b) or dtype_of(a).kind not in "fc":
        return False
    scale = np.max(np.abs(a), initial=0.0, where=np.isfinite(a))
    error = ROUNDING * np.finfo(dtype_of(a)).eps * scale
    return np.allclose(a, b, rtol=0.0, atol=error, equal_nan=True)


def _computed_alike(stage: Stage, a: Var, b: Var) -> bool:
    """Whether two variables are computed by the same operations from the same values."""
    made, constants = stage.read()
    waiting: list[tuple[Atom, Atom]] = [(a, b)]
    seen = set[tuple[Atom, Atom]]()
    while waiting:
        pair = x, y = waiting.pop()
        if x is y or pair in seen:
            continue
        seen.add(pair)
        if isinstance(x, Literal) or isinstance(y, Literal):
            if not (isinstance(x, Literal) and isinstance(y, Literal) and same(x.value, y.value)):
                return False
            continue
        first, second = made.get(x), made.get(y)
        if first is None or second is None:
            if not (x in constants and y in constants and same(constants[x], constants[y])):
                return False
        elif _do_the_same(first, second) and first.outputs.index(x) == second.outputs.index(y):
            waiting.extend(zip(first.inputs, second.inputs, strict=True))
        else:
            return False
    return True


def _do_the_same(first: Equation, second: Equation) -> bool:
    """Whether two equations do the same; of what only objects tell (functions, Programs) it is taken for granted."""

    def alike(p: Any, q: Any) -> bool:
        if isinstance(p, tuple) and isinstance(q, tuple):
            return len(p) == len(q) and all(map(alike, p, q))
        if not isinstance(p, int | float | str | slice | None):
            return True
        return p == q or (p != p and q != q)

    one, other = first.primitive, second.primitive
    return (
        # functions with rules of their own have a record for each call
        (one is other or (one.name == other.name and "call" in first.params))
        and len(first.inputs) == len(second.inputs)
        and all(alike(p, second.params.get(name)) for name, p in first.params.items())
    )
