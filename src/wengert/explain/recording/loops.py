"""Loops of running functions: which are under way at an instruction, and in which turn.

A loop is a jump backwards in the bytecode, so that ``for``, ``while`` and comprehensions are found without the source.
Python does not say when a turn begins; it is seen from the operations. A ``for`` is in another turn than at the
operation before if its variable is bound to another object, or if the function has gone back in its code; a ``while``
if it has gone back. Where several loops around an instruction may have turned, it is the outermost whose variable is
another one; if none says so, the innermost. Turns without an operation are not counted.
"""

from __future__ import annotations

import dis
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

__all__ = ["Loop", "Run", "Turns", "loops_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """The instructions ``start`` to ``end`` that are run again and again; ``line`` is the ``for`` or ``while``.

    ``targets`` are the variables that a ``for`` binds, without those that its body binds again.
    """

    start: int
    end: int
    line: int
    targets: tuple[str, ...]


@lru_cache(2048)
def loops_of(code: CodeType) -> tuple[Loop, ...]:
    """The loops of a function, the outermost first."""
    instructions = list(dis.get_instructions(code))
    ends: dict[int, tuple[int, int]] = {}
    for at in instructions:
        if "JUMP_BACKWARD" in at.opname and "NO_INTERRUPT" not in at.opname:
            line = at.positions.lineno if at.positions else None
            ends[at.argval] = at.offset, line or code.co_firstlineno
    found = [_loop(instructions, start, end, line) for start, (end, line) in ends.items()]
    return tuple(sorted(found, key=lambda loop: (loop.start, -loop.end)))


def _loop(instructions: list[dis.Instruction], start: int, end: int, line: int) -> Loop:
    body = [at for at in instructions if start <= at.offset <= end]
    head = next((k for k, at in enumerate(body) if not at.opname.startswith(("EXTENDED_ARG", "CACHE"))), 0)
    if not body or body[head].opname != "FOR_ITER":
        return Loop(start, end, line, ())
    positions = body[head].positions
    line = (positions.lineno if positions else None) or line
    bound: list[str] = []
    rest = iter(body[head + 1 :])
    stores: list[str] = []
    for at in rest:
        if at.opname.startswith("STORE_"):
            bound += _names(at)
        elif not at.opname.startswith(("UNPACK", "EXTENDED_ARG", "CACHE", "NOT_TAKEN")):
            break
    for at in rest:
        if at.opname.startswith(("STORE_", "DELETE_")):
            stores += _names(at)
    return Loop(start, end, line, tuple(name for name in bound if name not in stores))


def _names(at: dis.Instruction) -> list[str]:
    """The variables that an instruction stores; there are instructions that store two."""
    names = at.argval if isinstance(at.argval, tuple) else (at.argval,)
    if "LOAD" in at.opname:  # which stores one and loads the other
        names = names[:1]
    return [name for name in names if isinstance(name, str)]


class Run:
    """A loop under way: the ``number`` of this run among all, its ``turn`` from 1 on, and what it is bound to."""

    __slots__ = ("first", "loop", "number", "turn", "values")

    def __init__(self, loop: Loop, number: int, values: tuple[Any, ...]) -> None:
        self.loop, self.number, self.turn = loop, number, 1
        self.first = self.values = values


class Turns:
    """The loops that a frame is in, from operation to operation."""

    __slots__ = ("inner", "last", "runs")

    def __init__(self) -> None:
        self.runs: dict[Loop, Run] = {}
        self.last = -1
        self.inner: FrameType | None = None

    def at(
        self, frame: FrameType, inner: FrameType | None, names: Callable[[], Mapping[str, Any]], fresh: Iterator[int]
    ) -> None:
        """Note where the frame is now, and which frame it has called; while that is the same one, it has not moved."""
        if inner is not None and inner is self.inner:
            return
        code, instruction, self.inner = frame.f_code, frame.f_lasti, inner
        inside = [loop for loop in loops_of(code) if loop.start <= instruction <= loop.end]
        if inside or self.runs:
            values = {loop: tuple(names().get(n) for n in loop.targets) if loop.targets else () for loop in inside}
            stayed = [self.runs[loop] for loop in inside if loop in self.runs]
            turned = turned_of(stayed, values, instruction - self.last)
            kept = stayed if turned is None else stayed[: stayed.index(turned) + 1]
            runs = {run.loop: run for run in kept}
            self.runs = {loop: runs.get(loop) or Run(loop, next(fresh), values[loop]) for loop in inside}
            if turned is not None:
                turned.turn += 1
            for run in kept:
                run.values = values[run.loop]
        self.last = instruction


def turned_of(runs: list[Run], values: dict[Loop, tuple[Any, ...]], way: int) -> Run | None:
    """The outermost of the loops around an instruction that has begun another turn, after ``way`` bytes of code."""
    for k, run in enumerate(runs):
        now = values[run.loop]
        if run.loop.targets and not same(run.values, now):
            # back at its first value: it has begun anew, in another turn of a loop around it that does not tell
            if run.turn > 1 and same(run.first, now):
                around = next((outer for outer in reversed(runs[:k]) if not outer.loop.targets), None)
                return around or run
            return run
    # several operations of one instruction, as in sum(xs), are in one turn
    return runs[-1] if runs and (way < 0 or (way == 0 and not runs[-1].loop.targets)) else None


def same(old: tuple[Any, ...], new: tuple[Any, ...]) -> bool:
    """Whether variables are bound to what they were bound to."""
    return all(
        a is b or (type(a) is type(b) and isinstance(a, int | str) and a == b) for a, b in zip(old, new, strict=True)
    )
