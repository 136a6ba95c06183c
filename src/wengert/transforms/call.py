"""``call``: a whole Program as one operation, and the executor that runs Programs on plain values.

``call[program] *operands -> outputs``. The executor is a hook: it interprets, until ``wengert.compile`` puts machine
code in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from wengert.core.primitive import Primitive, reads_everything, register
from wengert.core.program import Program
from wengert.core.types import Aval
from wengert.transforms.programs import avals_of, batched_program, jvp_program, retyped, types_of

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


def _impl(*operands: Any, program: Program) -> tuple[Any, ...]:
    return tuple(execute(program, operands))


def _infer(*avals: Aval, program: Program) -> tuple[Aval, ...]:
    return types_of(retyped(program, avals))


def _jvp(tangents: Sequence[Any], _outs: Any, operands: Sequence[Any], params: dict[str, Any]) -> tuple[Any, ...]:
    program: Program = params["program"]
    pushed, found = jvp_program(program, avals_of(operands), tangent_types(tangents))
    outs = call(*operands, *(t for t in tangents if t is not None), program=pushed)
    return with_absent(outs[len(found) :], found)


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


def _vjp(cts: Any, outs: Any, operands: Sequence[Any], wanted: Sequence[bool], params: dict[str, Any]) -> Any:
    raise NotImplementedError


call = register(
    Primitive(
        "call", "general", _impl, _infer, _jvp, _vjp, _batch, reads_everything,
        r"\operatorname{{program}}({0})", multiple=True,
    )
)  # fmt: skip
