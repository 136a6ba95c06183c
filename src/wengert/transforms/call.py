"""``call``: a whole Program as one operation, and the executor that runs Programs on plain values.

``call[program] *operands -> outputs``. The executor is a hook: it interprets, until ``wengert.compile`` puts machine
code in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from wengert.core.primitive import Augmented, Primitive, reads_everything, register
from wengert.core.program import Program
from wengert.core.types import Aval, aval_of
from wengert.transforms.closing import frozen
from wengert.transforms.programs import (
    avals_of,
    batched_program,
    coerced,
    derived,
    has_tangent,
    jvp_program,
    retyped,
    staged,
    tangent_type,
    types_of,
    zeros_of,
)
from wengert.transforms.residuals import Split, split_program

__all__ = ["EXECUTE", "call", "execute", "interpret"]

Executor = Callable[[Program, Sequence[Any]], list[Any]]


def interpret(program: Program, operands: Sequence[Any]) -> list[Any]:
    """Run a Program on plain values, one primitive after the other."""
    return program.evaluate(operands)


# What runs Programs on plain values: the last one. Operands may be of other types than the Program's inputs (an
# executor that is made for these types has to look, and hand others on to `interpret`).
EXECUTE: list[Executor] = [interpret]


def execute(program: Program, operands: Sequence[Any]) -> list[Any]:
    """Run a Program on plain values."""
    return EXECUTE[-1](program, operands)


_running: ContextVar[tuple[Program, ...]] = ContextVar("wengert_running", default=())


def execute_whole(primitive: Primitive, operands: Sequence[Any], home: Program, params: dict[str, Any]) -> Any:
    """Run an operation that holds Programs as a Program of its own, so that the executor makes one thing of it.

    None where the executor interprets, or has come back to this operation to interpret it. ``home`` keeps the Program.
    """
    if EXECUTE[-1] is interpret:
        return None
    types = avals_of(operands)
    key = ("whole", primitive.name, types, frozen(params))
    program = derived(home, key, lambda: staged(lambda *xs: primitive(*xs, **params), types, primitive.name))
    running = _running.get()
    if program in running:
        return None
    token = _running.set((*running, program))
    try:
        return tuple(execute(program, operands))
    finally:
        _running.reset(token)


def _impl(*operands: Any, program: Program) -> tuple[Any, ...]:
    return tuple(execute(program, operands))


def _infer(*avals: Aval, program: Program) -> tuple[Aval, ...]:
    return types_of(retyped(program, avals))


def jvp_of(dual: Callable[..., tuple[Any, Any]]) -> Callable[..., Any]:
    """The rule for tangents from one that gives outputs and tangents together."""
    return lambda tangents, _outs, operands, params: dual(tangents, operands, params)[1]


def _dual(tangents: Sequence[Any], operands: Sequence[Any], params: dict[str, Any]) -> tuple[Any, Any]:
    program: Program = params["program"]
    pushed, found = jvp_program(program, avals_of(operands), tangent_types(tangents))
    outs = call(*operands, *(t for t in tangents if t is not None), program=pushed)
    return outs[: len(found)], with_absent(outs[len(found) :], found)


def tangent_types(tangents: Sequence[Any]) -> tuple[Aval | None, ...]:
    """The types of tangents or cotangents, None where there is none."""
    return tuple(None if t is None else avals_of([t])[0] for t in tangents)


def with_absent(values: Sequence[Any], present: Sequence[bool]) -> tuple[Any, ...]:
    """The values at the places where there are any, None elsewhere."""
    rest = iter(values)
    return tuple(next(rest) if there else None for there in present)


def _batch(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> tuple[Any, ...]:
    program: Program = params["program"]
    size = next(x.shape[0] for x, b in zip(operands, batched, strict=True) if b)
    everything = (True,) * len(program.outputs)
    inner, _ = batched_program(program, avals_of(operands), tuple(batched), size, everything)
    return call(*operands, program=inner)


def _split(program: Program, avals: tuple[Aval, ...], wanted: Sequence[bool]) -> Split:
    reusable = tuple(has_tangent(a.aval) for a in program.outputs)
    n = len(avals)
    return split_program(program, avals, tuple(wanted), reusable, given=(True,) * n, invariant=(False,) * n)


def _augment(avals: tuple[Aval, ...], wanted: tuple[bool, ...], params: dict[str, Any]) -> Augmented:
    program: Program = params["program"]
    split = _split(program, avals, wanted)
    rule = {"program": program, "split": split}
    return Augmented({"program": split.forward}, rule, len(program.outputs), split.reads, split.sources, split.active)


def _vjp(cts: Any, outs: Any, operands: Sequence[Any], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
    split: Split | None = params.get("split")
    if split is None:
        split = _split(params["program"], avals_of(operands), wanted)
        outs = call(*operands, program=split.forward)
    read = [x for x, r in zip(operands, split.reads, strict=True) if r]
    gs = [cotangent_of(g, o) for g, o, there in zip(cts, outs, split.active, strict=False) if there]
    ds = call(*[outs[k] for k in split.sources], *read, *gs, program=split.backward)
    return with_absent(ds, split.found)


def cotangent_of(g: Any, out: Any) -> Any:
    """The cotangent of an output, of the type that Programs take it in; zeros where none has come."""
    aval = tangent_type(aval_of(out))
    return zeros_of(aval) if g is None else coerced(g, aval)


call = register(
    Primitive(
        "call", "general", _impl, _infer, jvp_of(_dual), _vjp, _batch, reads_everything,
        r"\operatorname{{program}}({0})", multiple=True, augment=_augment, dual=_dual,
    )
)  # fmt: skip
