"""Steps as functions of their own: what they are given, which rounds a thread does, and calls of NumPy beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from wengert.compile.callbacks import of_equation
from wengert.compile.emit import I8, I32, I64, PTR, Emitter, Value
from wengert.compile.views import stretch
from wengert.core.program import Atom, Equation, Literal

if TYPE_CHECKING:
    from wengert.compile.core import Frame

__all__ = ["Routine", "address_of", "clear_bytes", "copy_bytes", "fallback", "routine", "size_of"]

Ends = Sequence[tuple[Value, int]]  # addresses, and how many bytes there are
LINE = 64  # bytes to which threads' scratch memory is aligned


def address_of(frame: Frame, atom: Atom) -> Value:
    """Where an operand lies; numbers that stand in the program become data of the module."""
    if isinstance(atom, Literal):
        return frame.e.data(np.asarray(atom.value, atom.aval.dtype).tobytes().ljust(8, b"\0"))
    found = frame.pointers.get(atom)
    if found is not None:
        return found
    assert frame.plan is not None
    part = stretch(atom, frame.plan.made, frame.plan.stored)
    assert part is not None
    return frame.inside(frame.pointers[part.base], part.offset * atom.aval.dtype.itemsize)


def size_of(atom: Atom) -> int:
    """The bytes of a value."""
    return atom.aval.size * atom.aval.dtype.itemsize


def copy_bytes(e: Emitter, source: Value, dest: Value, size: int) -> None:
    """Bytes from one place to another; they must not overlap."""
    name = "llvm.memcpy.p0.p0.i64"
    e.declare(name, f"declare void @{name}(ptr, ptr, i64, i1)")
    e.line(f"call void @{name}({dest}, {source}, i64 {size}, i1 false)")


def clear_bytes(e: Emitter, dest: Value, size: int) -> None:
    """Zeros."""
    name = "llvm.memset.p0.i64"
    e.declare(name, f"declare void @{name}(ptr, i8, i64, i1)")
    e.line(f"call void @{name}({dest}, i8 0, i64 {size}, i1 false)")


@final
@dataclass(frozen=True)
class Routine:
    """Inside a step's function: addresses of operands and results, scratch memory, and the rounds [low, high)."""

    e: Emitter
    operands: Sequence[Value]
    results: Sequence[Value]
    space: Value
    flags: Value
    thread: Value
    low: Value | int
    high: Value | int

    def each(self, body: Callable[[Value], Any]) -> None:
        """``body(round)`` for each of this thread's rounds."""
        self.e.loop(self.high, lambda i: body(i), start=self.low)


def routine(
    frame: Frame, equation: Equation, write: Callable[[Routine], Value | None], *,
    rounds: int = 1, shared: bool = True, scratch: int = 0, reports: bool = False, reads: Ends | None = None,
    writes: Ends | None = None,
) -> bool:  # fmt: skip
    """Write a step as a function, and its call.

    Threads share ``rounds`` that do not depend on one another where that is wanted; else one does all. ``scratch`` are
    the bytes that each thread has for itself. ``reports``: ``write`` gives an integer, and where that is not zero the
    NumPy implementation is called, which does it another way or says what is wrong. ``reads`` and ``writes`` are
    addresses and bytes, of the equation's operands and results unless they are given.
    """
    e, threads = frame.e, frame.core.threads
    threads = threads if shared and rounds >= threads and not reports else 1
    scratch = -(-scratch // LINE) * LINE
    reads = [(address_of(frame, x), max(size_of(x), 1)) for x in equation.inputs] if reads is None else reads
    writes = [(frame.pointers[v], max(size_of(v), 1)) for v in equation.outputs] if writes is None else writes
    name = e.fresh("k")
    types = [PTR] * (len(reads) + len(writes) + 2)
    with e.function(name, [*types, I64], I64 if reports else None, export=False) as (*places, space, flags, thread):
        low, high = (0, rounds) if threads == 1 else _part(e, rounds, threads, thread)
        if threads > 1 and scratch:
            space = e.offset(space, thread * scratch, I8)
        given, made = places[: len(reads)], places[len(reads) :]
        report = write(Routine(e, given, made, space, flags, thread if threads > 1 else e.const(I64, 0), low, high))
        if reports:
            assert report is not None
            e.ret(report)
    otherwise = _python(frame, equation) if reports else None
    _call(frame, name, reads, writes, threads, scratch * threads, otherwise)
    return True


def _part(e: Emitter, rounds: int, threads: int, thread: Value) -> tuple[Value, Value]:
    """Which rounds are this thread's."""
    if rounds % threads == 0:
        low = thread * (rounds // threads)
        return low, low + rounds // threads
    return e.div(thread * rounds, threads), e.div((thread + 1) * rounds, threads)


def _call(
    frame: Frame, name: str, reads: Ends, writes: Ends, threads: int, scratch: int, otherwise: Callable[[], None] | None
) -> None:
    e = frame.e
    at = frame.arena.take(scratch) if scratch else 0
    space = frame.at(at) if scratch else frame.memory
    given = [*(p for p, _ in (*reads, *writes)), space, frame.flags, frame.thread]

    def call() -> None:
        report = e.call(name, I64 if otherwise else None, *given)
        if otherwise:
            e.if_(report.differs(0), otherwise)

    writes = [*writes, (space, scratch)] if scratch else writes
    if threads == 1:
        frame.alone(reads, writes, call)
    else:
        touched = [frame.access(p, n, "all", write=False) for p, n in reads]
        frame.touch([*touched, *(frame.access(p, n, "all", write=True) for p, n in writes)])
        call()
    if scratch:
        frame.arena.give(at, scratch)


# ---- calls of the NumPy implementation


def fallback(frame: Frame, equation: Equation) -> None:
    """Call the primitive's NumPy implementation."""
    frame.core.fallbacks.append(equation)
    call = _python(frame, equation)
    reads, writes = (
        [(address_of(frame, x), max(size_of(x), 1)) for x in atoms] for atoms in (equation.inputs, equation.outputs)
    )
    frame.alone(reads, writes, call)


def _python(frame: Frame, equation: Equation) -> Callable[[], None]:
    """How the call of the NumPy implementation is written: where it fails, so does the core."""
    e, core = frame.e, frame.core
    address, keep = of_equation(equation, core.threads > 1)
    core.callbacks.append(keep)
    core.called.append(equation)
    name = f"python{len(core.callbacks)}"
    e.external(name, address, I32, PTR)

    def call() -> None:
        values = [*equation.inputs, *equation.outputs]
        table = e.alloca(PTR, len(values), align=8)
        for k, x in enumerate(values):
            e.store(address_of(frame, x), table, k)
        code = e.call(name, I32, table)
        stop, go = e.fresh("F"), e.fresh("G")
        e.branch(e.compare("ne", code, 0), stop, go)
        e.begin(stop)
        e.ret(code)
        e.begin(go)

    return call
