"""What becomes of a Program as machine code, to be read: the plan kernel by kernel, and a summary."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import final

from wengert.compile.making import Core, assembly, emit_core, estimate
from wengert.compile.plan import Kernel, Nest, Plan, Product, Step
from wengert.compile.products import method
from wengert.compile.sharing import Share, share
from wengert.compile.storing import COSTS
from wengert.compile.values import type_of
from wengert.compile.views import form
from wengert.core.program import Atom, Equation, Program, Var
from wengert.core.show import name, value_text
from wengert.rewrite import count

__all__ = ["Report", "emitted", "plan_text", "report", "text_of"]

LONG = 100  # characters of a formula that is shown whole
NATIVE = frozenset(("scan", "while_loop", "cond", "call"))


@final
@dataclass(frozen=True)
class Report:
    """What becomes of a function as machine code; ``print`` shows all of it.

    ``fused`` are loops with how many operations each does; ``products`` and ``blas`` what is multiplied by kernels of
    our own and by BLAS or LAPACK; ``fallbacks`` the operations that call NumPy in between, each with the user's line.
    ``arena`` and ``constants`` are bytes of memory, ``flops``, ``moved`` (bytes read and written) and ``seconds`` of
    one call on one thread, roughly.
    """

    function: str
    fused: tuple[tuple[str, int], ...]
    products: tuple[str, ...]
    blas: tuple[str, ...]
    fallbacks: tuple[tuple[str, str], ...]
    barriers: int
    arena: int
    constants: int
    donated: int
    flops: int
    moved: int
    seconds: float

    def __str__(self) -> str:
        lines = [f"{self.function} as machine code"]
        operations = sum(n for _, n in self.fused)
        lines.append(f"  loops      {len(self.fused)}, with {operations} operations in them")
        lines += [f"               {shape}: {n}" for shape, n in self.fused]
        lines.append(f"  products   {len(self.products)} by kernels of their shapes")
        lines += [f"               {text}" for text in self.products]
        lines.append(f"  libraries  {', '.join(self.blas) if self.blas else 'none'}")
        lines.append(f"  fallbacks  {len(self.fallbacks) or 'none: no call of Python or NumPy'}")
        lines += [f"               {primitive}: {line or 'no line of yours'}" for primitive, line in self.fallbacks]
        lines.append(f"  memory     {_bytes(self.arena)} of scratch, {_bytes(self.constants)} of constants")
        if self.donated:
            lines.append(f"  in place   {self.donated} results take over the memory of donated arguments")
        if self.barriers:
            lines.append(f"  threads    wait at {self.barriers} places in the code")
        lines.append(f"  work       {_large(self.flops)} operations, {_bytes(self.moved)} read and written")
        lines.append(f"  time       about {_time(self.seconds)} on one thread")
        return "\n".join(lines)

    __repr__ = __str__


def emitted(program: Program, donated: Sequence[bool] = (), threads: int = 1) -> Core:
    """The code of a rewritten Program."""
    return emit_core(program, donated, threads)


def text_of(core: Core, *, assembler: bool = False) -> str:
    """LLVM IR, or assembly language."""
    text = core.emitter.text()
    return assembly(text, core.emitter.target) if assembler else text


# ---- the summary


def report(program: Program, core: Core) -> Report:
    """Of a rewritten Program and its code."""
    fused: list[tuple[str, int]] = []
    products: list[str] = []
    for plan, _ in _plans(program, core):
        for kernel in plan.kernels:
            if isinstance(kernel, Nest):
                fused.append((_shape(kernel.shape), _operations(kernel, plan)))
            elif isinstance(kernel, Product) and "BLAS" not in (text := _product(kernel, plan)):
                products.append(text)
    libraries = [n.partition("_")[2] for n in core.emitter.symbols if n.startswith(("blas_", "lapack_"))]
    return Report(
        program.name, tuple(fused), tuple(products), tuple(libraries),
        tuple((e.primitive.name, e.line) for e in core.fallbacks),
        core.emitter.text().count("call i32 @wengert_barrier"), core.arena,
        sum(x.nbytes for x in core.constants), len(core.donated), count(program).flops,
        sum(_moved(plan) * turns for plan, turns in _plans(program, core)), estimate(program).seconds,
    )  # fmt: skip


def _plans(program: Program, core: Core, turns: int = 1) -> Iterator[tuple[Plan, int]]:
    """The plan of a Program and those of the Programs in it, with how often each runs (once, where it is not known)."""
    found = next((made for (one, _), made in core.plans.items() if one is program), None)
    if found is None:
        return
    yield found, turns
    for kernel in found.kernels:
        if isinstance(kernel, Step):
            for _, inner, times in _inside(kernel.equation):
                yield from _plans(inner, core, turns * times)


def _inside(equation: Equation) -> Iterator[tuple[str, Program, int]]:
    for key, value in equation.params.items():
        for k, inner in enumerate(value if isinstance(value, tuple) else (value,)):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            if isinstance(inner, Program):
                yield f"{key} {k}" if isinstance(value, tuple) else key, inner, equation.params.get("length", 1)


def _operations(kernel: Nest | Product, plan: Plan) -> int:
    """Operations that are done in one round of a kernel."""
    return sum(_nodes(unit.equation, plan) for unit in kernel.units)


def _nodes(equation: Equation, plan: Plan) -> int:
    own = int(COSTS.get(equation.primitive.name, 1) > 0)
    inner = [plan.made[x] for x in equation.inputs if isinstance(x, Var) and x not in plan.stored and x in plan.made]
    return own + sum(_nodes(e, plan) for e in inner)


def _moved(plan: Plan) -> int:
    total = 0
    for kernel, reads in zip(plan.kernels, plan.reads, strict=True):
        if isinstance(kernel, Step) and kernel.equation.primitive.name in NATIVE:
            continue  # what is inside is counted there
        kept = kernel.vars if isinstance(kernel, Step) else [v for v in kernel.vars if v in kernel.kept]
        outside = [v for v in reads if v not in kernel.vars]
        total += sum(v.aval.size * v.aval.dtype.itemsize for v in (*kept, *outside))
    return total


# ---- the plan


def plan_text(program: Program, core: Core) -> str:
    """Kernels in their order: loops with what they compute, products, control flow, and calls of NumPy."""
    threads = f"{core.threads} threads" if core.threads > 1 else "one thread"
    head = f"plan of {program.name}: {threads}, {_bytes(core.arena)} of scratch memory"
    return "\n".join([head, *_lines(program, core, "  ")])


def _lines(program: Program, core: Core, indent: str) -> Iterator[str]:
    plan = next((made for (one, _), made in core.plans.items() if one is program), None)
    if plan is None:
        return
    names = _names(program)
    for number, kernel in enumerate(plan.kernels):
        cut = share(kernel, plan, core.threads)
        shared = "" if core.threads == 1 or isinstance(kernel, Step) else f", {_shared(cut)}"
        yield f"{indent}{number + 1} {_title(kernel, plan, core)}{shared}"
        if isinstance(kernel, Step):
            for label, inner, times in _inside(kernel.equation):
                yield f"{indent}    {label}{f' × {times}' if times != 1 else ''}"
                yield from _lines(inner, core, indent + "      ")
            continue
        for unit in kernel.units if isinstance(kernel, Nest) else [kernel.unit, *kernel.units]:
            where = (
                _bytes(unit.var.aval.size * unit.var.aval.dtype.itemsize) if unit.var in kernel.kept else "registers"
            )
            yield f"{indent}    {names[unit.var]}: {unit.var.aval} = {_formula(unit.equation, plan, names)}  ({where})"


def _shared(cut: Share) -> str:
    """Who computes a kernel."""
    if cut.cut == "one":
        return "by one thread"
    return "by each thread for itself" if cut.cut == "each" else f"by {cut.threads} threads, cut along {cut.cut}"


def _names(program: Program) -> Mapping[Var, str]:
    """The names that the printer of Programs gives."""
    order = [*program.inputs, *(v for v, _ in program.constants), *(v for e in program.equations for v in e.outputs)]
    return {var: name(k) for k, var in enumerate(order)}


def _title(kernel: Kernel, plan: Plan, core: Core) -> str:
    if isinstance(kernel, Nest):
        return f"loop {_shape(kernel.shape)}"
    if isinstance(kernel, Product):
        return f"product {_product(kernel, plan)}"
    if kernel.equation in core.fallbacks:
        return f"call of NumPy: {kernel.equation.primitive.name}" + (
            f"  ({kernel.equation.line})" if kernel.equation.line else ""
        )
    return kernel.equation.primitive.name


def _product(kernel: Product, plan: Plan) -> str:
    found = form(kernel.unit.equation, plan.made, plan.stored)
    assert found is not None
    how = method(found.m, found.n, found.k, type_of(kernel.unit.var.aval.dtype))
    batch = f"{_shape(found.batch)} times " if prod(found.batch) != 1 else ""
    flops = 2 * prod(found.batch) * found.m * found.n * found.k
    by = "by BLAS" if how == "blas" else "by a kernel"
    after = f", and {_operations(kernel, plan)} operations on each element" if kernel.units else ""
    return f"{batch}{found.m} × {found.k} × {found.n} {by}, {_large(flops)} operations{after}"


def _formula(equation: Equation, plan: Plan, names: Mapping[Var, str]) -> str:
    def read(x: Atom) -> str:
        if not isinstance(x, Var):
            return value_text(x.value)
        return names.get(x, "?") if x in plan.stored or x not in plan.made else formula(plan.made[x])

    def formula(e: Equation) -> str:
        return f"{e.primitive.name}({', '.join(map(read, e.inputs))})"

    text = formula(equation)
    return text if len(text) <= LONG else re.sub(r"[^(]*$", "", text[: LONG - 1]) + "…"


# ---- numbers to be read


def _shape(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape)) or "1"


def _scaled(number: float, units: Sequence[str], step: float) -> str:
    for unit in units[:-1]:
        if number < step:
            return f"{number:.3g} {unit}".rstrip()
        number /= step
    return f"{number:.3g} {units[-1]}"


def _bytes(number: float) -> str:
    return _scaled(number, ("bytes", "KiB", "MiB", "GiB"), 1024)


def _large(number: float) -> str:
    return f"{number:.0f}" if number < 1e4 else _scaled(number / 1e3, ("thousand", "million", "billion"), 1e3)


def _time(seconds: float) -> str:
    return _scaled(seconds * 1e9, ("ns", "µs", "ms", "s"), 1e3)
