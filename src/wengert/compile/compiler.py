"""From a Program to a function that runs it as machine code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

from wengert.compile.core import Core, emit_core
from wengert.compile.engine import link, object_code
from wengert.compile.entry import entry, slow
from wengert.compile.estimate import Estimate, estimate
from wengert.compile.expanding import expanded
from wengert.compile.threads import get_threads
from wengert.compile.variants import Variants
from wengert.core.program import Program
from wengert.rewrite import rewrite

__all__ = ["Compiled", "compile_program"]

# A team is worth a trial for calls of so many seconds, whose kernels take so many each: waiting at a barrier costs
# some tens of nanoseconds, and handing a call to the team a few microseconds.
LONG, GRAIN = 1e-4, 5e-7


@final
@dataclass(frozen=True, eq=False)
class Compiled:
    """A Program as machine code: called on flat operands, it gives the list of results."""

    program: Program
    core: Core
    call: Callable[..., Any]
    names: tuple[str, ...] | None = None

    @property
    def entry(self) -> Callable[..., Any]:
        """The native function, which gives NotImplemented for operands that it was not made for."""
        return self.call

    def __call__(self, *operands: Any) -> Any:
        """The results; operands that lie otherwise in memory than the code expects are copied first."""
        out = self.call(*operands)
        return slow(self.call, operands, self.names) if out is NotImplemented else out


def compile_program(
    program: Program, donated: Sequence[bool] = (), names: tuple[str, ...] | None = None, threads: int | None = None
) -> Compiled | Variants:
    """Rewrite a Program, make its machine code, and link it.

    ``threads``: for a team of so many; by default alone, or, where it may pay, in two variants that are tried.
    """
    rewritten = rewrite(expanded(program))
    cost = estimate(rewritten)
    team = get_threads()

    def make(threads: int) -> Compiled:
        return _compiled(rewritten, donated, names, threads, cost)

    if threads is None and team > 1 and cost.seconds > LONG and cost.seconds > GRAIN * cost.kernels:
        return Variants(make, team, cost.seconds)
    return make(threads or 1)


def _compiled(
    program: Program, donated: Sequence[bool], names: tuple[str, ...] | None, threads: int, cost: Estimate
) -> Compiled:
    core = emit_core(program, donated, threads)
    unit = link(object_code(core.emitter.text()), core.emitter.exports, core.emitter.symbols, core.callbacks)
    call = entry(
        unit["core"], [v.aval for v in program.inputs], [a.aval for a in program.outputs],
        arena_bytes=core.arena, constants=core.constants, threads=threads, seconds=cost.seconds,
        donated=core.donated, unit=unit, raise_code=_explain, result="list", name=program.name,
    )  # fmt: skip
    return Compiled(program, core, call, names)


def _explain(code: int) -> Exception:
    if code == 1:
        return IndexError("an index is out of bounds for the axis that it reads or writes")
    return RuntimeError(f"machine code failed with code {code}")
