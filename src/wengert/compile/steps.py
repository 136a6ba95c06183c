"""Equations that are written one by one: control flow as native loops, writes into parts, and calls of NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.compile.arranging import ARRANGING
from wengert.compile.convolving import CONVOLVING
from wengert.compile.cumulative import CUMULATIVE
from wengert.compile.drawing import DRAWING
from wengert.compile.emit import I8, I64, PTR, Value, type_of
from wengert.compile.estimate import UNKNOWN
from wengert.compile.extremes import EXTREMES
from wengert.compile.joining import JOINING
from wengert.compile.matrices import MATRICES
from wengert.compile.ordering import ORDERING
from wengert.compile.overwriting import overwritable
from wengert.compile.routine import address_of, fallback, size_of
from wengert.compile.writes import emit_write, writes
from wengert.core.program import Atom, Equation, Program, Var

if TYPE_CHECKING:
    from wengert.compile.core import Frame

__all__ = ["STEPS", "fallback"]


# ---- control


def _call(frame: Frame, equation: Equation) -> bool:
    frame.run(
        equation.params["program"], [address_of(frame, x) for x in equation.inputs],
        [frame.pointers[v] for v in equation.outputs], [frame.is_iota(x) for x in equation.inputs],
    )  # fmt: skip
    return True


def _recompute(frame: Frame, equation: Equation) -> bool:
    given = zip(equation.params["program"].inputs, equation.inputs, strict=True)
    alike = all((v.aval.dtype, v.aval.shape) == (x.aval.dtype, x.aval.shape) for v, x in given)
    return alike and _call(frame, equation)


def _checked(frame: Frame, equation: Equation) -> bool:
    """What is tested only where it is differentiated again is a copy."""
    if equation.params["order"] == 0:
        return False
    x, out = equation.inputs[0], equation.outputs[0]
    frame.move(address_of(frame, x), frame.pointers[out], size_of(out))
    return True


def _cond(frame: Frame, equation: Equation) -> bool:
    e = frame.e
    index, *operands = equation.inputs
    branches: Sequence[Program] = equation.params["branches"]
    given = [address_of(frame, x) for x in operands]
    results = [frame.pointers[v] for v in equation.outputs]
    frame.barrier()
    chosen = e.convert(e.load(address_of(frame, index), type_of(index.aval.dtype)), I64)

    def run(k: int) -> None:
        frame.run(branches[k], given, results, [frame.is_iota(x) for x in operands])
        frame.barrier()

    def branch(k: int) -> None:
        if k == len(branches) - 1:
            run(k)
        else:
            e.if_(chosen <= k, lambda: run(k), lambda: branch(k + 1))

    branch(0)
    return True


def _scan(frame: Frame, equation: Equation) -> bool:
    e = frame.e
    body: Program = equation.params["body"]
    length, nc, carried = (equation.params[k] for k in ("length", "constants", "carry"))
    reverse = equation.params["reverse"]
    constants, start, xs = _parts(equation.inputs, nc, carried)
    given = [address_of(frame, x) for x in constants]
    slices = [(address_of(frame, x), size_of(x) // max(length, 1)) for x in xs]
    ys = [(frame.pointers[v], size_of(v) // max(length, 1)) for v in equation.outputs[carried:]]
    carry = _Carry(frame, body, constants, list(start), list(equation.outputs[:carried]), length)

    def step(i: Value, *pointers: Value) -> list[Value]:
        at = e.const(I64, length - 1) - i if reverse else i
        moved = [e.offset(base, at * size, I8) for base, size in slices]
        out = [e.offset(base, at * size, I8) for base, size in ys]
        return carry.step(given, moved, out, pointers)

    pointers = carry.begin()
    frame.barrier()
    carry.finish(e.loop(length, step, pointers))
    return True


def _while(frame: Frame, equation: Equation) -> bool:
    e = frame.e
    test, body = equation.params["test"], equation.params["body"]
    nt, nb = equation.params["test_constants"], equation.params["body_constants"]
    tested, constants, start = _parts(equation.inputs, nt, nb)
    for_test = [address_of(frame, x) for x in tested]
    given = [address_of(frame, x) for x in constants]
    carry = _Carry(frame, body, constants, list(start), list(equation.outputs), None)
    answer = frame.room(8)

    def holds(*pointers: Value) -> Value:
        frame.run(test, [*for_test, *carry.current(pointers)], [answer], rounds=UNKNOWN)
        frame.barrier()
        return e.load(answer, type_of(np.dtype(bool)))

    def step(*pointers: Value) -> list[Value]:
        out = carry.step(given, [], [], pointers)
        frame.always_barrier()  # the answer has been read by all
        return out

    pointers = carry.begin()
    frame.barrier()
    carry.finish(e.while_(holds, step, pointers))
    return True


def _parts(inputs: Sequence[Atom], first: int, second: int) -> tuple[Sequence[Atom], Sequence[Atom], Sequence[Atom]]:
    return inputs[:first], inputs[first : first + second], inputs[first + second :]


class _Carry:
    """What a loop carries: in place where the body allows it, else in two buffers that change their parts.

    ``length``: how many rounds there will be, where that is known.
    """

    def __init__(
        self, frame: Frame, body: Program, constants: Sequence[Atom], start: list[Atom], outputs: list[Var],
        length: int | None,
    ) -> None:  # fmt: skip
        self.frame, self.body, self.outputs, self.length = frame, body, outputs, length
        self.start = start
        n = len(start)
        self.iotas = [frame.is_iota(x) for x in constants]
        self.inputs = body.inputs[len(constants) : len(constants) + n]
        self.inside = overwritable(
            frame.planned(body, self.iotas),
            {out: var for out, var in zip(body.outputs[:n], self.inputs, strict=True) if isinstance(out, Var)},
        )
        self.fixed = [
            out is var or (isinstance(out, Var) and self.inside.get(out) is var)
            for out, var in zip(body.outputs[:n], self.inputs, strict=True)
        ]
        self.spare = [None if fixed else frame.room(size_of(v)) for fixed, v in zip(self.fixed, outputs, strict=True)]

    def begin(self) -> list[Value]:
        """The first values where the loop expects them; the pointers that it carries."""
        frame = self.frame
        pointers: list[Value] = []
        for x, v, spare in zip(self.start, self.outputs, self.spare, strict=True):
            here = frame.pointers[v]
            if spare is not None and self.length is not None and self.length % 2:
                here, spare = spare, here  # so that the last value comes to lie where the result is wanted
            frame.move(address_of(frame, x), here, size_of(x))
            if spare is not None:
                pointers += [here, spare]
        return pointers

    def current(self, pointers: Sequence[Value]) -> list[Value]:
        """Where the carried values are in this round."""
        rest = iter(pointers)
        out: list[Value] = []
        for v, fixed in zip(self.outputs, self.fixed, strict=True):
            if fixed:
                out.append(self.frame.pointers[v])
            else:
                out.append(next(rest))
                next(rest)
        return out

    def step(
        self, constants: list[Value], slices: list[Value], ys: list[Value], pointers: Sequence[Value]
    ) -> list[Value]:
        """One round; gives the pointers for the next one."""
        here = self.current(pointers)
        following = [p for k, p in enumerate(pointers) if k % 2]
        rest = iter(following)
        there = [p if fixed else next(rest) for p, fixed in zip(here, self.fixed, strict=True)]
        rounds = UNKNOWN if self.length is None else self.length
        self.frame.run(self.body, [*constants, *here, *slices], [*there, *ys], self.iotas, rounds)
        self.frame.barrier()
        moved = [(pointers[k], pointers[k + 1]) for k in range(0, len(pointers), 2)]
        return [p for a, b in moved for p in (b, a)]

    def finish(self, pointers: Sequence[Value]) -> None:
        """The last values where the results are wanted."""
        if self.length is None:
            for here, v in zip(self.current(pointers), self.outputs, strict=True):
                if here is not self.frame.pointers[v]:
                    self.frame.move(here, self.frame.pointers[v], size_of(v))


# ---- writes into parts


def _update(frame: Frame, equation: Equation) -> bool:
    if not writes(equation):
        return False
    source, dest = address_of(frame, equation.inputs[0]), frame.pointers[equation.outputs[0]]
    if source is not dest:
        frame.move(source, dest, size_of(equation.outputs[0]))
    return _write(frame, equation)


def _scatter_add(frame: Frame, equation: Equation) -> bool:
    if not writes(equation):
        return False
    out = equation.outputs[0]
    frame.clear(frame.pointers[out], size_of(out))
    return _write(frame, equation)


def _write(frame: Frame, equation: Equation) -> bool:
    e = frame.e
    used = list(dict.fromkeys([*equation.outputs, *(x for x in equation.inputs if isinstance(x, Var))]))
    name = e.fresh("k")
    with e.function(name, [PTR] * (len(used) + 1), export=False) as (*args, flags):
        emit_write(e, equation, {}, dict(zip(used, args, strict=True)), flags)
    given = [(frame.pointers[v], size_of(v)) for v in used]
    frame.alone(given[1:], given[:1], lambda: e.call(name, None, *(p for p, _ in given), frame.flags))
    return True


STEPS: dict[str, Callable[[Any, Equation], bool]] = {
    "call": _call,
    "checked": _checked,
    "cond": _cond,
    "recompute": _recompute,
    "scan": _scan,
    "scatter_add": _scatter_add,
    "update": _update,
    "while_loop": _while,
    **ARRANGING,
    **CONVOLVING,
    **CUMULATIVE,
    **DRAWING,
    **EXTREMES,
    **JOINING,
    **MATRICES,
    **ORDERING,
}
