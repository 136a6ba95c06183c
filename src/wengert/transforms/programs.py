"""Programs of Programs: the derivative, the batched form and the transpose of a staged function, staged themselves.

Operations that hold Programs (``call``, ``cond``, ``while_loop``, ``scan``) have no rules of their own making: what
they do to their operands under a transform is what the transform makes of their bodies. Each derived Program is made
once for each type of operands, and kept in the ``cache`` of the Program that it comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.core.program import Program
from wengert.core.trace import Constant, Tracer, current
from wengert.core.types import Aval, aval_of, dtype_of, shape_of
from wengert.ops.elementwise import cast
from wengert.ops.index import getitem
from wengert.ops.shape import broadcast_to, reshape
from wengert.transforms.batch import Batch
from wengert.transforms.forward import Forward
from wengert.transforms.inputs import run
from wengert.transforms.stage import Stage

__all__ = [
    "avals_of", "batched_program", "coerced", "has_tangent", "jvp_program", "retyped", "staged", "types_of",
]  # fmt: skip

Avals = tuple[Aval, ...]


def avals_of(values: Sequence[Any]) -> Avals:
    """The types of values."""
    return tuple(map(aval_of, values))


def types_of(program: Program) -> Avals:
    """The types of a Program's outputs."""
    return tuple(a.aval for a in program.outputs)


def staged(f: Callable[..., Sequence[Any]], avals: Avals, name: str) -> Program:
    """The Program of a function from flat operands of these types, which lie row by row, to flat results."""
    trace = Stage()
    inputs = [trace.declare(aval) for aval in avals]
    outs = run(trace, lambda *xs: list(f(*xs)), inputs, {})
    return trace.program([z.i for z in inputs], outs, name)


def derived(program: Program, key: tuple[Any, ...], make: Callable[[], Any]) -> Any:
    """What is made from a Program, made once."""
    try:
        return program.cache[key]
    except KeyError:
        out = program.cache[key] = make()
        return out


def retyped(program: Program, avals: Avals) -> Program:
    """The same function for operands of other types; the Program itself where they are its own."""
    if all(v.aval == aval for v, aval in zip(program.inputs, avals, strict=True)):
        return program
    return derived(program, ("retyped", avals), lambda: staged(lambda *xs: program.evaluate(xs), avals, program.name))


def coerced(x: Any, aval: Aval) -> Any:
    """A value of the same shape as a value of this very type: of its dtype and kind."""
    have = aval_of(x)
    if have == aval or aval.kind == "python":
        return x
    if have.dtype != aval.dtype or have.kind == "python":
        x = cast(x, dtype=aval.dtype)
    kind = aval_of(x).kind
    if kind == aval.kind:
        return x
    return reshape(x, shape=()) if aval.kind == "array" else getitem(x, index=())


def rearranged(program: Program, inputs: Sequence[int], outputs: Sequence[int], name: str) -> Program:
    """The same equations with inputs and outputs in another order; ``inputs`` names each once."""
    return Program(
        tuple(program.inputs[k] for k in inputs), program.constants, program.equations,
        tuple(program.outputs[k] for k in outputs), name,
    )  # fmt: skip


def grouped(values: Sequence[Any], sizes: Sequence[int]) -> list[Any]:
    """The values in groups of these sizes, and behind them the rest."""
    out: list[Any] = []
    start = 0
    for n in sizes:
        out.append(values[start : start + n])
        start += n
    return [*out, values[start:]]


def interleaved(own: Sequence[int], beside: Sequence[int]) -> list[int]:
    """For (all groups, then all that goes beside them): the positions of each group and what goes beside it, in turn.

    Example:
        >>> from wengert.transforms.programs import interleaved
        >>> interleaved([2, 1], [1, 1])
        [0, 1, 3, 2, 4]
    """
    positions = range(sum(own) + sum(beside))
    groups = grouped(positions, [*own, *beside])
    return [k for pair in zip(groups[: len(own)], groups[len(own) : -1], strict=True) for group in pair for k in group]


def depending(program: Program, mask: Sequence[bool]) -> tuple[bool, ...]:
    """The outputs that depend on the inputs of the mask."""
    found = {v for v, m in zip(program.inputs, mask, strict=True) if m}
    for equation in program.equations:
        if any(a in found for a in equation.inputs):
            found.update(equation.outputs)
    return tuple(a in found for a in program.outputs)


# ---- forward


def has_tangent(aval: Aval) -> bool:
    """Whether values of this type have derivatives."""
    return aval.dtype.kind in "fc"


def tangent_type(aval: Aval) -> Aval:
    """The type of a value's tangents and cotangents: those of Python's numbers are NumPy's."""
    return Aval(aval.shape, aval.dtype, "scalar") if aval.kind == "python" else aval


def jvp_program(
    program: Program, primals: Avals, tangents: tuple[Aval | None, ...], instantiate: Sequence[bool] = ()
) -> tuple[Program, tuple[bool, ...]]:
    """The Program ``(*primals, *tangents that are not None) -> (*outputs, *tangents of outputs that are not zero)``.

    Also says which outputs have a tangent; those marked in ``instantiate`` do in any case.
    """
    forced = tuple(instantiate) or (False,) * len(program.outputs)
    key = ("jvp", primals, tangents, forced)
    return derived(program, key, lambda: _jvp_program(program, primals, tangents, forced))


def _jvp_program(
    program: Program, primals: Avals, tangents: tuple[Aval | None, ...], forced: tuple[bool, ...]
) -> tuple[Program, tuple[bool, ...]]:
    found: list[bool] = []

    def push(*operands: Any) -> list[Any]:
        trace = Forward()
        rest = iter(operands[len(primals) :])
        inputs = [x if t is None else trace.tracer(x, next(rest)) for x, t in zip(operands, tangents, strict=False)]
        outs = run(trace, lambda *xs: program.evaluate(xs), inputs, {})
        trace.open = False
        pairs = [primal_and_tangent(trace, z) for z in outs]
        ts = [
            zeros_of(tangent_type(aval_of(y))) if t is None and force else t
            for (y, t), force in zip(pairs, forced, strict=True)
        ]  # fmt: skip
        found[:] = [t is not None for t in ts]
        typed = [coerced(t, tangent_type(aval_of(y))) for t, (y, _) in zip(ts, pairs, strict=True) if t is not None]
        return [*(y for y, _ in pairs), *typed]

    avals = (*primals, *(t for t in tangents if t is not None))
    return staged(push, avals, f"jvp of {program.name}"), tuple(found)


def primal_and_tangent(trace: Forward, z: Any) -> tuple[Any, Any]:
    """What a result of forward mode stands for; the tangent is None where it is zero."""
    if isinstance(z, Tracer) and type(z) is not Constant and z.t is trace:
        return z.v, z.i
    return (z.v if type(z) is Constant else z), None


# ---- batching


def batched_program(
    program: Program, avals: Avals, batched: tuple[bool, ...], size: int, instantiate: Sequence[bool] = ()
) -> tuple[Program, tuple[bool, ...]]:
    """The Program of stacked operands that does for each of ``size`` elements what this one does for one.

    Also says which outputs are stacks; those marked in ``instantiate`` are in any case.
    """
    forced = tuple(instantiate) or (False,) * len(program.outputs)
    key = ("batch", avals, batched, size, forced)
    return derived(program, key, lambda: _batched_program(program, avals, batched, size, forced))


def _batched_program(
    program: Program, avals: Avals, batched: tuple[bool, ...], size: int, forced: tuple[bool, ...]
) -> tuple[Program, tuple[bool, ...]]:
    found: list[bool] = []

    def of_all(*operands: Any) -> list[Any]:
        trace = Batch(size)
        inputs = [
            trace.tracer(x, array=var.aval.kind == "array") if b else x
            for x, b, var in zip(operands, batched, program.inputs, strict=True)
        ]
        outs = run(trace, lambda *xs: program.evaluate(xs), inputs, {})
        trace.open = False
        pairs = [_stack(trace, z, force) for z, force in zip(outs, forced, strict=True)]
        found[:] = [b for _, b in pairs]
        return [y for y, _ in pairs]

    return staged(of_all, avals, f"batch of {program.name}"), tuple(found)


def _stack(trace: Batch, z: Any, force: bool) -> tuple[Any, bool]:
    mine = isinstance(z, Tracer) and type(z) is not Constant and z.t is trace
    value = z.v if mine or type(z) is Constant else z
    if mine and z.i:
        return value, True
    return (stretched(value, trace.size), True) if force else (value, False)


def stretched(x: Any, size: int) -> Any:
    """``x`` for each element of a batch."""
    return broadcast_to(x, shape=(size, *shape_of(x)))


def zeros_of(aval: Aval) -> Any:
    """A zero of this type; where it is staged, an operation and no constant that takes memory."""
    here = current()
    if aval.kind == "array" and isinstance(here, Stage):
        return here.process(broadcast_to, (aval.dtype.type(0),), {"shape": aval.shape})
    if aval.kind == "array":
        return np.zeros(aval.shape, aval.dtype)
    return aval.dtype.type(0).item() if aval.kind == "python" else aval.dtype.type(0)


_ = dtype_of
