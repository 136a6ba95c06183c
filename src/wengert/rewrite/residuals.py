"""What a loop keeps of each step for another loop: what is soon computed from the rest is computed again instead.

Walking back through 1 − tanh² x needs tanh x and 1 − tanh² x: of the two arrays of all steps one will do. What is kept
has to be written to memory and read back, and that takes longer than an addition, and no less than a division. (The
cheap end of checkpointing: A. Griewank, A. Walther, "Evaluating Derivatives", 2nd edition, 2008, chapter 12.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wengert.core.program import Atom, Equation, Program, Var
from wengert.rewrite.edit import Editor
from wengert.rewrite.loops import Loop, closed, opened

__all__ = ["residuals"]

ARITHMETIC, COMPARISONS = "absolute add divide maximum minimum multiply negative square subtract", "equal greater less"
CHEAP = frozenset(f"{ARITHMETIC} {COMPARISONS} greater_equal less_equal not_equal".split())
MOST = 4  # equations that are computed again for one array


@dataclass(frozen=True, slots=True)
class Derived:
    """How a value of the body is computed from others that are kept: by these equations, in this order."""

    var: Var
    equations: tuple[Equation, ...]
    kept: dict[Var, Var]  # what they read, inside, and the array of all steps' values of it


def residuals(program: Program) -> Program:
    """Loops compute what another loop need not have kept for them."""
    if sum(e.primitive.name == "scan" for e in program.equations) < 2:
        return program
    editor = Editor(program)
    sliced = only_run_over(program)
    derived: dict[Var, Derived] = {}
    touched = False
    for equation in program.equations:
        if equation.primitive.name != "scan":
            editor.keep(equation)
            continue
        loop = opened(equation, editor.inputs(equation))
        derived.update(derivable(loop, sliced))
        if computed_again(loop, derived):
            closed(loop, editor)
            touched = True
        else:
            editor.keep(equation)
    return editor.finish() if touched else program


def only_run_over(program: Program) -> set[Var]:
    """Variables that nothing needs but loops, a slice in each step."""
    found = set[Var]()
    for equation in program.equations:
        direct = equation.inputs
        if equation.primitive.name == "scan":
            direct = direct[: equation.params["constants"] + equation.params["carry"]]
            found.update(equation.outputs)
        found -= _variables(direct)
    return found - _variables(program.outputs)


def _variables(atoms: Sequence[Atom]) -> set[Var]:
    return {a for a in atoms if isinstance(a, Var)}


def derivable(loop: Loop, sliced: set[Var]) -> dict[Var, Derived]:
    """Of the arrays that a loop gives, those that are soon computed from others that it gives."""
    made = {v: (k, e) for k, e in enumerate(loop.equations) for v in e.outputs}
    stacks = zip(loop.ys_out, loop.results[len(loop.carry) :], strict=True)
    given = {y: stack for y, stack in stacks if isinstance(y, Var)}
    found: dict[Var, Derived] = {}

    def how(var: Var) -> Derived | None:
        equations, kept, todo = dict[int, Equation](), dict[Var, Var](), [var]
        while todo:
            at, equation = made.get(todo.pop(), (0, None))
            if equation is None or equation.primitive.name not in CHEAP or len(equations | {at: equation}) > MOST:
                return None
            if at in equations:
                continue
            equations[at] = equation
            for atom in _variables(equation.inputs):
                stack = given.get(atom)
                if stack is None or stack in found:
                    todo.append(atom)
                else:
                    kept[atom] = stack
        return Derived(var, tuple(equations[k] for k in sorted(equations)), kept) if kept else None

    for var in made:
        if var in given and given[var] in sliced and (derived := how(var)):
            found[given[var]] = derived
    return found


def computed_again(loop: Loop, derived: dict[Var, Derived]) -> bool:
    """Compute in the body what the loop runs over, where it runs over all that this takes."""
    slices = {outer: inner for inner, outer in zip(loop.xs, loop.xs_from, strict=True) if isinstance(outer, Var)}
    first: list[Equation] = []
    for k in range(len(loop.xs) - 1, -1, -1):
        inner, outer = loop.xs[k], loop.xs_from[k]
        how = derived.get(outer) if isinstance(outer, Var) else None
        if how is None or how.var.aval != inner.aval:
            continue
        own: dict[Var, Var] = {v: slices[stack] for v, stack in how.kept.items() if stack in slices}
        if len(own) < len(how.kept) or any(v.aval != x.aval for v, x in own.items()):
            continue
        for equation in how.equations:
            last = equation is how.equations[-1]
            own[equation.outputs[0]] = out = inner if last else Var(equation.outputs[0].aval)
            read = tuple(own[a] if isinstance(a, Var) else a for a in equation.inputs)
            first.append(replace(equation, inputs=read, outputs=(out,)))
        del loop.xs[k], loop.xs_from[k]
    loop.equations[:0] = first
    return bool(first)
