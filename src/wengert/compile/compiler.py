"""From a Program to a function that runs it as machine code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

from wengert.compile.core import Core, emit_core
from wengert.compile.engine import link, object_code
from wengert.compile.entry import entry, slow
from wengert.compile.plan import Nest, Product
from wengert.core.program import Program
from wengert.rewrite import rewrite

__all__ = ["Compiled", "compile_program"]


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
) -> Compiled:
    """Rewrite a Program, make its machine code, and link it."""
    rewritten = rewrite(program)
    core = emit_core(rewritten, donated, 1 if threads is None else threads)
    unit = link(object_code(core.emitter.text()), core.emitter.exports, core.emitter.symbols, core.callbacks)
    call = entry(
        unit["core"], [v.aval for v in rewritten.inputs], [a.aval for a in rewritten.outputs],
        arena_bytes=core.arena, constants=core.constants, threads=core.threads, seconds=_seconds(core), donated=core.donated, unit=unit,
        raise_code=_explain, result="list", name=program.name,
    )  # fmt: skip
    return Compiled(rewritten, core, call, names)


def _explain(code: int) -> Exception:
    if code == 1:
        return IndexError("an index is out of bounds for the axis that it reads or writes")
    return RuntimeError(f"machine code failed with code {code}")


def _seconds(core: Core) -> float:
    """A rough estimate of how long a call takes."""
    total = 0.0
    for made in core.plans.values():
        for kernel in made.kernels:
            if isinstance(kernel, Nest):
                size = 1
                for n in kernel.shape:
                    size *= n
                total += size * len(kernel.units) * 5e-10
            elif isinstance(kernel, Product):
                total += kernel.unit.var.aval.size * 1e-8
            else:
                total += 1e-5
    return total
