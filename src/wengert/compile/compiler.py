"""From a Program to a function that runs it as machine code: kept from another time, or made."""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, final

from wengert.compile.engine import Unit, link
from wengert.compile.entry import Function, entry, slow, take_over
from wengert.compile.kept import Kept, Shelf, describe
from wengert.compile.objects import usable
from wengert.compile.refining import compiling, later, overloaded
from wengert.compile.threads import get_threads
from wengert.compile.variants import Variants
from wengert.core.program import Program
from wengert.errors import CompileError

if TYPE_CHECKING:
    from wengert.compile.core import Core
    from wengert.compile.estimate import Estimate
    from wengert.compile.parts import Parts
    from wengert.compile.target import Target

__all__ = ["Compiled", "compile_program"]

# A team is worth a trial for calls of so many seconds, whose kernels take so many each: waiting at a barrier costs
# some tens of nanoseconds, and handing a call to the team a few microseconds.
LONG, GRAIN, COARSE = 1e-4, 5e-7, 2e-3


@final
@dataclass(frozen=True, eq=False)
class Compiled:
    """A Program as machine code: called on flat operands, it gives the list of results.

    ``core`` is what was emitted; None where the code comes from the disk.
    """

    program: Program
    core: Core | None
    call: Callable[..., Any]
    names: tuple[str, ...] | None = None
    uses_blas: bool = False

    @property
    def entry(self) -> Callable[..., Any]:
        """The native function, which gives NotImplemented for operands that it was not made for."""
        return self.call

    def __call__(self, *operands: Any) -> Any:
        """The results; operands that lie otherwise in memory than the code expects are copied first."""
        out = self.call(*operands)
        return slow(self.call, operands, self.names) if out is NotImplemented else out

    def take_over(self, other: Compiled) -> None:
        """Go on in the memory that the other has kept for its next call."""
        take_over(self.call, other.call)


def compile_program(
    program: Program, donated: Sequence[bool] = (), names: tuple[str, ...] | None = None, threads: int | None = None,
    *, hasty: bool = False,
) -> Compiled | Variants:  # fmt: skip
    """Rewrite a Program, make its machine code, and link it; or link what the disk has of it.

    ``threads``: for a team of so many; by default alone, or, where it may pay, in two variants that are tried.
    ``hasty``: the first code may be what is made soonest, and get better while it runs.
    """
    source, team = _Source(program, donated, names, hasty=hasty), get_threads()
    if threads is not None or team == 1:
        return source.compiled(threads or 1)
    seconds, kernels = source.cost(1, team)
    if seconds > LONG and seconds > GRAIN * kernels:
        return Variants(source.compiled, team, seconds, coarse=seconds > COARSE * kernels)
    return source.compiled(1)


def tools() -> Any:
    """What emits code."""
    return import_module("wengert.compile.making")


@final
class _Source:
    """A Program that is to run, rewritten when it has to be."""

    def __init__(
        self, program: Program, donated: Sequence[bool], names: tuple[str, ...] | None, *, hasty: bool = False
    ) -> None:
        self.program, self.donated, self.names, self.hasty = program, donated, names, hasty
        self.shelf = Shelf(program, donated)

    @functools.cached_property
    def rewritten(self) -> Program:
        """The Program that is compiled."""
        return tools().prepared(self.program)

    @functools.cached_property
    def estimate(self) -> Estimate:
        """How long it takes."""
        return tools().estimate(self.rewritten)

    def cost(self, *threads: int) -> tuple[float, int]:
        """Seconds and kernels, as far as possible from what was kept for one of these numbers of threads."""
        for n in threads:
            if kept := self.shelf.get(n):
                return kept.seconds, kept.kernels
        return self.estimate.seconds, self.estimate.kernels

    def compiled(self, threads: int) -> Compiled:
        """As code for so many threads."""
        return self.restored(threads) or self.made(threads)

    def restored(self, threads: int) -> Compiled | None:
        """From the disk, or from who has made it in haste and will put it there."""
        kept, hasty = self.shelf.get(threads), None
        if kept is None:
            hasty = _in_haste.get(self.shelf.key(threads))
            kept = hasty and hasty.kept
        if kept is None:
            return None
        try:
            unit = kept.linked(lambda: self.rewritten, threads)
        except CompileError:  # another SciPy, or a damaged entry
            self.shelf.drop(threads)
            return None
        made = self.called(kept, unit, threads)
        if hasty is not None:
            with _lock:
                late = hasty.over
                hasty.functions.append(_function(made))
            if late:  # better code came meanwhile, and the disk has it
                self.shelf.found.pop(threads, None)
                return self.restored(threads)
        return made

    def made(self, threads: int) -> Compiled:
        """Anew, and kept."""
        hasty = self.hasty and usable() and not overloaded()
        self.hasty = False  # another variant is measured against the first
        with compiling(), tools().Parts(get_threads(), hasty=hasty) as parts:
            core = tools().emit_core(self.rewritten, self.donated, threads, written=parts)
            core.emitter.written = None
            code = parts.finish(core.emitter)
            kept = describe(self.program, self.rewritten, core, code, self.estimate)
            unit = link(code, core.emitter.exports, core.emitter.symbols, core.callbacks)
            made = self.called(kept, unit, threads, core)
        if 0 in parts.levels:
            self.refine(made, kept, core, threads, parts)
        else:
            self.shelf.put(threads, kept)
        return made

    def refine(self, made: Compiled, kept: Kept, core: Core, threads: int, parts: Parts) -> None:
        """Go on with better code as soon as there is some."""
        e, key = core.emitter, self.shelf.key(threads) if kept.lasting else None
        hasty = _Hasty(kept, [_function(made)])
        numbers = [k for k, level in enumerate(parts.levels) if level == 0]
        if key is not None:
            _in_haste[key] = hasty

        def work() -> list[tuple[str, Target]]:
            wanted = key is not None or any(function() for function in hasty.functions)
            return [(parts.texts[k], e.target) for k in numbers] if wanted else []

        def done(better: list[bytes] | None) -> None:
            code = None
            if better is not None:
                code = list(kept.code)
                for k, made_well in zip(numbers, better, strict=True):
                    code[k] = made_well
                self.shelf.put(threads, replace(kept, code=code))
            with _lock:
                hasty.over = True
                _in_haste.pop(key, None)
                functions = [found for function in hasty.functions if (found := function()) is not None]
            if code is not None and functions:
                unit = link(code, e.exports, e.symbols, core.callbacks)
                for function in functions:
                    function.go_on_with(unit)

        later(work, done, kept.seconds)

    def called(self, kept: Kept, unit: Unit, threads: int, core: Core | None = None) -> Compiled:
        """Linked code as a function."""
        call = entry(
            unit["core"], [v.aval for v in self.program.inputs], kept.outputs,
            arena_bytes=kept.arena, constants=kept.constants, threads=threads, seconds=kept.seconds,
            donated=kept.donated, unit=unit, raise_code=_explain, result="list", name=self.program.name,
        )  # fmt: skip
        program = self.program if core is None else self.rewritten
        return Compiled(program, core, call, self.names, kept.blas)


@final
@dataclass(eq=False)
class _Hasty:
    """Code that was made in haste, and the functions that run it."""

    kept: Kept
    functions: list[Callable[[], Function | None]]
    over: bool = False  # the better code is there, or will not come


_lock = threading.Lock()
_in_haste: dict[str | None, _Hasty] = {}  # by key, until the disk has better code
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_haste.clear)  # there it will not come


def _function(made: Compiled) -> Callable[[], Function | None]:
    return weakref.ref(made.call.__self__)  # type: ignore[attr-defined]


def _explain(code: int) -> Exception:
    if code == 1:
        return IndexError("an index is out of bounds for the axis that it reads or writes")
    return RuntimeError(f"machine code failed with code {code}")
