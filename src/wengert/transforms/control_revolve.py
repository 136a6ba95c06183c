"""The way back through a loop whose number of steps is known only when it has run.

The states are needed from the last to the first, and there is room for SNAPSHOTS of them. The state before each step
is computed again from the nearest snapshot before it, and on the way there new snapshots are put where they serve
best. With s places, the first of which holds the state at the beginning, and r repetitions of each step at most,
β(s, r) = C(s + r, s) steps can be walked back: β(s, r − 1) up to the next snapshot, and β(s − 1, r) behind it. So with
32 places a step is computed again 2 times for up to 561 steps, 3 times for 6545, 5 times for 435,897.

Source: Griewank 1992, "Achieving logarithmic growth of temporal and spatial complexity in reverse automatic
differentiation"; Griewank and Walther 2000, Algorithm 799: Revolve.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.core.program import Program
from wengert.core.types import Aval, aval_of
from wengert.ops.index import ARRAY, getitem, update
from wengert.ops.shape import broadcast_to
from wengert.transforms.call import call, with_absent
from wengert.transforms.programs import avals_of, coerced, derived, grouped, staged, tangent_type, zeros_of
from wengert.transforms.residuals import active_outputs, both_ways, part

__all__ = ["SNAPSHOTS", "next_snapshot", "way_back"]

SNAPSHOTS = 32
ZERO, ONE = np.int64(0), np.int64(1)
Mask = tuple[bool, ...]
# The operation itself, which is made of this module's functions.
WHILE: list[Any] = []


def loop(
    test: Callable[..., Any], body: Callable[..., Sequence[Any]], consts: Sequence[Any], carry: Sequence[Any]
) -> Any:
    """``while test(*consts, *carry): carry = body(*consts, *carry)``, in the operation's own terms."""
    types = avals_of([*consts, *carry])
    test_program = staged(lambda *xs: [test(*xs)], types, "test")
    body_program = staged(body, types, "body")
    return WHILE[0](
        *consts, *consts, *carry, test=test_program, body=body_program, test_constants=len(consts),
        body_constants=len(consts),
    )  # fmt: skip


def way_back(
    body: Program, consts: Sequence[Any], init: Sequence[Any], count: Any, gs: Sequence[Any], mask: Mask
) -> Sequence[Any]:
    """Cotangents of the body's operands of the mask, from those of the carry that is in it, through ``count`` steps."""
    b, m = len(consts), len(init)
    sums = [zeros_of(tangent_type(aval_of(x))) for x, there in zip(consts, mask, strict=False) if there]
    # one place more, for the state that is wanted just now
    stacks = [broadcast_to(x, shape=(SNAPSHOTS + 1, *aval_of(x).shape)) for x in init]
    starts = np.zeros(SNAPSHOTS + 1, np.int64)
    back = _step_back(body, avals_of([*consts, *init]), mask)
    types = avals_of(init)

    def step(*xs: Any) -> list[Any]:
        consts_, (left, top, starts), stacks, gs_, sums_ = grouped(xs, (b, 3, m, len(gs)))
        target = left - ONE
        top, starts, *stacks = _snapshots_up_to(body, consts_, target, top, starts, stacks, types)
        state = [_read(s, top, t) for s, t in zip(stacks, types, strict=True)]
        ds = call(*consts_, *state, *gs_, program=back)
        of_consts, of_carry = grouped(ds, (len(sums_),))
        return [target, top - ONE, starts, *stacks, *of_carry, *(s + d for s, d in zip(sums_, of_consts, strict=True))]

    carry = [count, ZERO, starts, *stacks, *gs, *sums]
    outs = loop(lambda *xs: np.greater(xs[b], ZERO), step, consts, carry)
    _, _, of_carry, of_consts = grouped(outs, (3, m, len(gs)))
    return [*of_consts, *of_carry]


def _read(stack: Any, at: Any, aval: Aval) -> Any:
    return coerced(getitem(stack, at, index=(ARRAY,)), aval)


def _snapshots_up_to(
    body: Program,
    consts: Sequence[Any],
    target: Any,
    top: Any,
    starts: Any,
    stacks: Sequence[Any],
    types: Sequence[Aval],
) -> Sequence[Any]:
    """Run on from the last snapshot, making new ones, until one is the state at ``target``."""
    b = len(consts)

    def before(*xs: Any) -> Any:
        target, top, starts = xs[b : b + 3]
        return np.less(getitem(starts, top, index=(ARRAY,)), target)

    def advance(*xs: Any) -> list[Any]:
        consts_, (target, top, starts), stacks = grouped(xs, (b, 3))
        start = getitem(starts, top, index=(ARRAY,))
        stop = next_snapshot(start, target, np.int64(SNAPSHOTS) - top)
        state = [_read(s, top, t) for s, t in zip(stacks, types, strict=True)]
        _, _, *state = loop(
            lambda *xs: np.less(xs[b], xs[b + 1]),
            lambda *xs: [xs[b] + ONE, xs[b + 1], *body.evaluate([*xs[:b], *xs[b + 2 :]])],
            consts_, [start, stop, *state],
        )  # fmt: skip
        top = top + ONE
        write = lambda stack, x: update(stack, x, top, chain=(), index=(ARRAY,))
        return [target, top, write(starts, stop), *(write(s, x) for s, x in zip(stacks, state, strict=True))]

    return loop(before, advance, consts, [target, top, starts, *stacks])[1:]


def next_snapshot(start: Any, target: Any, places: Any) -> Any:
    """Where the next snapshot stands between one and a later step, with so many places, of which the first is taken.

    Example:
        >>> import numpy as np
        >>> from wengert.transforms.control_revolve import next_snapshot
        >>> int(next_snapshot(np.int64(0), np.int64(9), np.int64(3)))  # 10 steps, β(3, 2) = β(3, 1) + β(2, 2) = 4 + 6
        4
    """
    steps = target - start + ONE
    # the fewest repetitions with which so many steps can be walked back
    r, reach, *_ = loop(
        lambda _r, reach, steps, _places: np.less(reach, steps),
        lambda r, reach, steps, places: [r + ONE, reach * (places + r + ONE) // (r + ONE), steps, places],
        [], [ZERO, ONE, steps, places],
    )  # fmt: skip
    behind = reach * places // (places + r)  # β(places − 1, r)
    less = (reach - behind) * (r - ONE) // (places + r - ONE)  # β(places, r − 2)
    return start + np.maximum(steps - behind, np.maximum(less, ONE))


def _step_back(body: Program, avals: tuple[Aval, ...], mask: Mask) -> Program:
    """``(*operands, *cotangents of the carry in the mask) -> cotangents of the operands in the mask``."""
    n, b = len(avals), len(avals) - len(body.outputs)
    carried = mask[b:]
    active = tuple(a and there for a, there in zip(active_outputs(body, mask), carried, strict=True))
    joint, found = both_ways(body, avals, mask, active)
    pull = part(joint, joint.inputs, joint.equations, joint.outputs[len(body.outputs) :], f"step back of {body.name}")

    def run(*xs: Any) -> list[Any]:
        operands, gs = grouped(xs, (n,))
        into = [g for g, a in zip(with_absent(gs, carried), active, strict=True) if a]
        ds = with_absent(pull.evaluate([*operands, *into]), found)
        return [
            zeros_of(tangent_type(aval)) if d is None else d
            for d, aval, there in zip(ds, avals, mask, strict=True)
            if there
        ]

    types = (*avals, *(tangent_type(t) for t, there in zip(avals[b:], carried, strict=True) if there))
    return derived(body, ("step back", avals, mask), lambda: staged(run, types, pull.name))
