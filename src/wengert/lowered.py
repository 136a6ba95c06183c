"""A function on its way to machine code, to be looked at: every stage, and what became of each part."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING, Any, final

from wengert.core.program import Program
from wengert.errors import CompileError
from wengert.rewrite import count, rewrite
from wengert.transforms import jit, machine_code

if TYPE_CHECKING:
    from wengert.compile.exporting import Exported
    from wengert.compile.reporting import Report

__all__ = ["Lowered", "Passes", "export", "lower", "lowered"]


def lower(f: Callable[..., Any], *, threads: int = 1, **options: Any) -> Callable[..., Lowered]:
    """What :func:`wengert.jit` makes of ``f``, stage by stage, without running it.

    Args:
        f: the function, or what ``jit`` gave.
        threads: how many the code is for.
        **options: those of ``jit``.

    Returns:
        A function of the same arguments, which gives a :class:`Lowered`: ``.program`` as it was staged, ``.rewritten``,
        ``.passes()``, ``.plan``, ``.llvm``, ``.assembly``, ``.report()``.

    Example:
        >>> import numpy as np
        >>> import wengert
        >>> low = wengert.lower(lambda x: np.sum((x * 1.0 + 0.5 * x) ** 2))(np.ones(3))
        >>> print(low.program)
        <lambda>(a: f64[3]) -> f
          b: f64[3] = multiply a 1.0
          c: f64[3] = multiply 0.5 a
          d: f64[3] = add b c
          e: f64[3] = square d
          f: f64 = sum[axes=(0,), keepdims=False] e
        >>> len(low.rewritten.equations)
        4
        >>> print(low.passes())
        <lambda>: 5 equations as staged
          simplify: 5 → 4
        >>> "loop 3" in low.plan
        True
        >>> low.report().fallbacks
        ()
    """
    jitted = getattr(f, "jitted", None) or jit(f, **options).jitted
    return lambda *args, **kwargs: lowered(jitted, args, kwargs, threads)


def lowered(jitted: Any, args: tuple[Any, ...], kwargs: dict[str, Any], threads: int = 1) -> Lowered:
    """The form of a function under ``jit`` for these arguments."""
    form, _, donated, _ = jitted.form(args, kwargs)
    program: Program = form.program
    more = (False,) * (len(program.inputs) - len(donated))
    return Lowered(program, form, jitted.paths(form.key[0]), (*donated, *more), threads)


def export(f: Callable[..., Any], **options: Any) -> Callable[..., Exported]:
    """``f`` as files that need neither this library nor Python: an object file, a C header, and a library.

    Arrays that ``f`` closes over, such as the weights of a model, become part of the code. It calls nothing but the C
    library, runs in the thread that calls it, and may be called by many at once, each with a workspace of its own.

    Args:
        f: the function.
        **options: those of ``jit``; nothing can be donated.

    Returns:
        A function of example arguments and of

        - ``path``: the files are ``path.o``, ``path.h``, ``path.py`` (a loader that needs NumPy alone) and, where
          there is a C compiler, the library ``libpath.so``, ``libpath.dylib`` or ``path.dll``; the C function is
          called like the last part of it.
        - ``cpu``: ``"host"`` for this processor, or ``"x86-64-v2"``, ``"x86-64-v3"``, ``"x86-64-v4"`` for all of that
          level.

    Raises:
        CompileError: an operation has no machine code, and would call NumPy; the message lists them with their lines.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> import wengert
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     made = wengert.export(lambda x: 2 * x)(np.ones(3), path=pathlib.Path(directory) / "twice")
        ...     next(line for line in made.header.read_text().splitlines() if "twice(" in line)
        'int32_t twice(const double *x, double *result, void *workspace);'
    """
    make = lower(f, **options)

    def files(*args: Any, path: str | PathLike[str], cpu: str = "host", **kwargs: Any) -> Exported:
        return make(*args, **kwargs).export(path, cpu=cpu)

    return files


@final
@dataclass(frozen=True, eq=False)
class Lowered:
    """A function on its way to machine code.

    ``program`` is the Program as it was staged; arrays that the function reads besides its arguments are inputs too.
    """

    program: Program
    form: Any
    names: list[str]
    donated: tuple[bool, ...]
    threads: int = 1

    @functools.cached_property
    def expanded(self) -> Program:
        """As staged, with what others express in its place; without llvmlite as staged."""
        if not machine_code():
            return self.program
        return import_module("wengert.compile.expanding").expanded(self.program)

    @functools.cached_property
    def rewritten(self) -> Program:
        """The Program that becomes machine code."""
        return rewrite(self.expanded)

    def passes(self) -> Passes:
        """The Program after each pass that changed it; ``print`` shows how many equations each left."""
        found = [("expand", self.expanded)] if self.expanded is not self.program else []

        def watch(name: str, program: Program) -> None:
            if program is not (found[-1][1] if found else self.program):
                found.append((name, program))

        rewrite(self.expanded, watch=watch)
        return Passes(self.program, tuple(found))

    @property
    def plan(self) -> str:
        """Which loops, products and calls the machine code consists of."""
        return self._reporting.plan_text(self.rewritten, self._core)

    @property
    def llvm(self) -> str:
        """The machine code as text of LLVM's intermediate language."""
        return self._reporting.text_of(self._core)

    @property
    def assembly(self) -> str:
        """The machine code in assembly language."""
        return self._reporting.text_of(self._core, assembler=True)

    def report(self) -> Report:
        """What was fused, what calls BLAS, what falls back to NumPy, and what it costs."""
        return self._reporting.report(self.rewritten, self._core)

    def export(self, path: str | PathLike[str], *, cpu: str = "host") -> Exported:
        """Write files that need neither this library nor Python; see :func:`wengert.export`."""
        _need_machine_code()
        return import_module("wengert.compile.exporting").export_files(self, path, cpu)

    @property
    def _reporting(self) -> Any:
        _need_machine_code()
        return import_module("wengert.compile.reporting")

    @functools.cached_property
    def _core(self) -> Any:
        return self._reporting.emitted(self.rewritten, self.donated, self.threads)


@final
@dataclass(frozen=True, eq=False)
class Passes(Sequence[tuple[str, Program]]):
    """Names of passes, each with the Program that it left: those that changed something."""

    start: Program
    found: tuple[tuple[str, Program], ...]

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, k: Any) -> Any:
        return self.found[k]

    def __str__(self) -> str:
        before = count(self.start).equations
        lines = [f"{self.start.name}: {before} equations as staged"]
        for name, program in self.found:
            after = count(program).equations
            lines.append(f"  {name}: {before} → {after}")
            before = after
        return "\n".join(lines)

    __repr__ = __str__


def _need_machine_code() -> None:
    if not machine_code():
        raise CompileError(
            "this needs llvmlite, which makes machine code and cannot be loaded here; .program, .rewritten and "
            ".passes() do without\n  write: pip install llvmlite"
        )
