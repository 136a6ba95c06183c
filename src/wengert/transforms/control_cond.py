"""``cond``: one of several Programs, chosen by an integer, as one operation.

``cond[branches] index *operands -> outputs``; an index below 0 or beyond the last branch takes the nearest one. What is
derived from it is a ``cond`` of what is derived from its branches; only where each element of a batch has an index
of its own do all branches run, and their results are selected from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.primitive import Augmented, Primitive, reads_everything, register
from wengert.core.program import Program
from wengert.core.types import Aval, aval_of, ndim_of, shape_of
from wengert.transforms.call import call, cotangent_of, execute, jvp_of, tangent_types, with_absent
from wengert.transforms.programs import (
    avals_of,
    batched_program,
    derived,
    grouped,
    jvp_program,
    retyped,
    staged,
    tangent_type,
    types_of,
    zeros_of,
)
from wengert.transforms.residuals import Split, active_outputs, split_program

__all__ = ["cond_p"]

Branches = tuple[Program, ...]
Mask = tuple[bool, ...]


def _impl(index: Any, *operands: Any, branches: Branches) -> tuple[Any, ...]:
    return tuple(execute(branches[min(max(int(index), 0), len(branches) - 1)], operands))


def _infer(_index: Aval, *avals: Aval, branches: Branches) -> tuple[Aval, ...]:
    return types_of(retyped(branches[0], avals))


def union(masks: Sequence[Sequence[bool]]) -> Mask:
    """Where any of the masks is true."""
    return tuple(any(column) for column in zip(*masks, strict=True))


# ---- forward mode and batching


def _dual(tangents: Sequence[Any], operands: Sequence[Any], params: dict[str, Any]) -> tuple[Any, Any]:
    index, *values = operands
    branches: Branches = params["branches"]
    avals, types = avals_of(values), tangent_types(tangents[1:])
    found = union([jvp_program(b, avals, types)[1] for b in branches])
    pushed = tuple(jvp_program(b, avals, types, found)[0] for b in branches)
    outs = cond_p(index, *values, *(t for t in tangents[1:] if t is not None), branches=pushed)
    return outs[: len(found)], with_absent(outs[len(found) :], found)


def _batch(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> tuple[Any, ...]:
    index, *values = operands
    branches: Branches = params["branches"]
    size = next(shape_of(x)[0] for x, b in zip(operands, batched, strict=True) if b)
    everything = (True,) * len(branches[0].outputs)
    stacks = tuple(
        batched_program(b, avals_of(values), tuple(batched[1:]), size, everything)[0] for b in branches
    )  # fmt: skip
    if not batched[0]:
        return cond_p(index, *values, branches=stacks)
    outs = [call(*values, program=b) for b in stacks]
    return tuple(chosen(index, column) for column in zip(*outs, strict=True))


def chosen(index: Any, stacks: Sequence[Any]) -> Any:
    """For each element of a batch the one of the results that its index names."""
    out = stacks[-1]
    for k in range(len(stacks) - 2, -1, -1):
        out = select(np.less_equal(index, k), stacks[k], out)
    return out


def select(test: Any, x: Any, y: Any) -> Any:
    """``x`` for the elements of a batch for which the test holds, ``y`` for the others."""
    return np.where(np.reshape(test, (*shape_of(test), *(1,) * (ndim_of(x) - 1))), x, y)


# ---- reverse mode


def _splits(params: dict[str, Any], avals: tuple[Aval, ...], wanted: Mask) -> tuple[Split, ...]:
    """Both ways of each branch, with cotangents of the same outputs."""
    branches: Branches = params["branches"]
    active = union([active_outputs(b, wanted) for b in branches])
    n, outs = len(avals), len(active)
    given, none = (True,) * n, (False,) * n
    return tuple(split_program(b, avals, wanted, (False,) * outs, given, none, active) for b in branches)


def slots_of(splits: Sequence[Split], outputs: int) -> tuple[tuple[Aval, ...], list[list[int]]]:
    """Types of places for residuals that the branches share, and for each branch the places of its own."""
    slots: list[Aval] = []
    places: list[list[int]] = []
    for split in splits:
        free = list(range(len(slots)))
        mine: list[int] = []
        for aval in types_of(split.forward)[outputs:]:
            k = next((k for k in free if slots[k] == aval), None)
            if k is None:
                k = len(slots)
                slots.append(aval)
            else:
                free.remove(k)
            mine.append(k)
        places.append(mine)
    return tuple(slots), places


def _forward(split: Split, avals: tuple[Aval, ...], outputs: int, slots: tuple[Aval, ...], mine: list[int]) -> Program:
    """A branch that gives its residuals in their places, and zeros in those of the other branches'."""

    def run(*xs: Any) -> list[Any]:
        outs, residuals = grouped(split.forward.evaluate(xs), (outputs,))
        return [*outs, *(residuals[mine.index(k)] if k in mine else zeros_of(t) for k, t in enumerate(slots))]

    key = ("beside others", slots, tuple(mine))
    return derived(split.forward, key, lambda: staged(run, avals, split.forward.name))


def _augment(avals: tuple[Aval, ...], wanted: Mask, params: dict[str, Any]) -> Augmented:
    splits = _splits(params, avals[1:], wanted[1:])
    outputs = len(splits[0].active)
    slots, places = slots_of(splits, outputs)
    branches = tuple(
        _forward(s, avals[1:], outputs, slots, mine) for s, mine in zip(splits, places, strict=True)
    )  # fmt: skip
    reads = (True, *union([s.reads for s in splits]))
    return Augmented({"branches": branches}, {**params, "splits": splits}, outputs, reads, (), splits[0].active)


def _vjp(cts: Any, outs: Any, operands: Sequence[Any], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
    if "splits" not in params:
        form = _augment(avals_of(operands), tuple(wanted), params)
        params, outs = form.rule, cond_p(*operands, **form.params)
    splits: tuple[Split, ...] = params["splits"]
    index, *values = operands
    active = splits[0].active
    slots, places = slots_of(splits, len(active))
    reads, found = union([s.reads for s in splits]), union([s.found for s in splits])
    given = [x for x, r in zip(values, reads, strict=True) if r]
    gs = [cotangent_of(g, o) for g, o, there in zip(cts, outs, active, strict=False) if there]
    xs = [*outs[len(active) :], *given, *gs]
    types = tuple(tangent_type(aval_of(x)) for x, there in zip(values, found, strict=True) if there)
    branches = tuple(
        _backward(s, avals_of(xs), len(slots), mine, reads, found, types)
        for s, mine in zip(splits, places, strict=True)
    )  # fmt: skip
    return (None, *with_absent(cond_p(index, *xs, branches=branches), found))


def _backward(
    split: Split,
    avals: tuple[Aval, ...],
    slots: int,
    mine: list[int],
    reads: Mask,
    found: Mask,
    types: tuple[Aval, ...],
) -> Program:
    """The way back of a branch, from what all branches are handed to what all branches give."""

    def run(*xs: Any) -> list[Any]:
        kept, read, gs = grouped(xs, (slots, sum(reads)))
        own = [x for x, r in zip(with_absent(read, reads), split.reads, strict=True) if r]
        ds = with_absent(
            split.pull([*(kept[mine[k - len(split.active)]] for k in split.sources), *own, *gs]), split.found
        )
        asked = [d for d, there in zip(ds, found, strict=True) if there]
        return [zeros_of(t) if d is None else d for d, t in zip(asked, types, strict=True)]

    key = ("beside others", avals, slots, tuple(mine), reads, found)
    return derived(split.backward, key, lambda: staged(run, avals, split.backward.name))


cond_p = register(
    Primitive(
        "cond", "general", _impl, _infer, jvp_of(_dual), _vjp, _batch, reads_everything,
        r"\operatorname{{cond}}({0})", multiple=True, augment=_augment, dual=_dual,
    )
)  # fmt: skip
