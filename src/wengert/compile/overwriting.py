"""Results that are written over inputs which nobody needs any more: what a loop carries, what was donated."""

from __future__ import annotations

from wengert.compile.affine import of, row_major
from wengert.compile.finding import Finder
from wengert.compile.plan import Kernel, Nest, Plan, Product, Step, symbols_for
from wengert.compile.views import form, operands_in_memory
from wengert.compile.writes import writes
from wengert.core.program import Equation, Var

__all__ = ["overwritable"]


def overwritable(plan: Plan, pairs: dict[Var, Var]) -> dict[Var, Var]:
    """Of pairs of a result and an input: those where the result can be written over the input.

    Kernels that overwrite are moved behind the ones that still read, where nothing needs them earlier.
    """
    found: dict[Var, Var] = {}
    for out, var in pairs.items():
        if _overwrites(plan, out, var, found):
            found[out] = var
    return found


def _overwrites(plan: Plan, out: Var, var: Var, others: dict[Var, Var]) -> bool:
    if out.aval.shape != var.aval.shape or out.aval.dtype != var.aval.dtype or var in plan.program.outputs:
        return False
    at = next((k for k, kernel in enumerate(plan.kernels) if out in kernel.vars), None)
    if at is None or not _reads_where_it_writes(plan.kernels[at], out, var, plan.made, plan.stored):
        return False
    last = max((k for k, reads in enumerate(plan.reads) if var in reads), default=0)
    if any(plan.reads[k].keys() & set(plan.kernels[at].vars) for k in range(at + 1, last + 1)):
        return False
    if last > at:
        _move(plan, at, last)
        if not all(_is_last_reader(plan, o, v) for o, v in others.items()):
            _move(plan, last, at)
            return False
    return True


def _move(plan: Plan, at: int, to: int) -> None:
    plan.kernels.insert(to, plan.kernels.pop(at))
    plan.reads.insert(to, plan.reads.pop(at))


def _is_last_reader(plan: Plan, out: Var, var: Var) -> bool:
    """Whether nobody reads an input behind the kernel that overwrites it."""
    writer = next(k for k, kernel in enumerate(plan.kernels) if out in kernel.vars)
    return all(k <= writer for k, reads in enumerate(plan.reads) if var in reads)


def _reads_where_it_writes(kernel: Kernel, out: Var, var: Var, made: dict[Var, Equation], stored: set[Var]) -> bool:
    """Whether a kernel reads ``var`` only at the element of ``out`` that it is about to write."""
    if isinstance(kernel, Step):
        alone = operands_in_memory(kernel.equation, made, stored).count(var) == 1
        inputs = kernel.equation.inputs
        return alone and var in inputs and inputs.index(var) == _takes(kernel, out)
    if isinstance(kernel, Product):
        found = form(kernel.unit.equation, made, stored)
        if found is None or var in (found.a.base, found.b.base) or kernel.unit.var is out:
            return False
    phases = any(u.kind == "reduce" or u.shape != kernel.units[0].shape for u in kernel.units)
    for unit in kernel.units:
        symbols = symbols_for(unit, kernel) if isinstance(kernel, Nest) else kernel.symbols
        assert symbols is not None
        finder = Finder(made, stored)
        index = tuple(map(of, symbols))
        if unit.kind == "reduce":
            finder.read(unit.equation.inputs[0], index)
        else:
            finder.virtual(unit.equation, index)
        places = [position for v, position in finder.found if v is var]
        if var in finder.sometimes:
            return False  # what is read under a condition is read anew, also behind the write
        if unit.var is out and (not places or unit.kind == "reduce"):
            return False
        if places and unit.var is not out and phases:
            return False
        if any(p != row_major(index, unit.shape) or unit.shape != var.aval.shape for p in places):
            return False
    return True


def _takes(step: Step, out: Var) -> int | None:
    """Which operand's memory a result may be written over."""
    equation = step.equation
    name, params, k = equation.primitive.name, equation.params, equation.outputs.index(out)
    if name == "update" and writes(equation):
        return 0
    if name == "scan" and k < params["carry"]:
        return params["constants"] + k
    return params["test_constants"] + params["body_constants"] + k if name == "while_loop" else None
