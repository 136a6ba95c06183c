"""A staged function's way forward and its way back, as two Programs.

Forward and backward pass are staged together, from operands and cotangents to outputs and cotangents, and that one
Program is cut in two: what does not depend on the cotangents is the way forward, the rest is the way back. The values
that cross the cut are the residuals. (Partial evaluation of the transposed function; Radul et al. 2022, "You only
linearize once", arXiv:2204.10923.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wengert.core.check import check_program
from wengert.core.primitive import Primitive
from wengert.core.program import Atom, Equation, Program, Var
from wengert.core.trace import Constant, Tracer
from wengert.core.types import Aval
from wengert.ops.shape import broadcast_to, reshape, transpose
from wengert.ops.splitting import settled
from wengert.transforms.careful import cotangents_of
from wengert.transforms.inputs import run
from wengert.transforms.programs import coerced, depending, derived, has_tangent, staged, tangent_type, types_of
from wengert.transforms.reverse import Tape

__all__ = ["Split", "split_program"]

Mask = tuple[bool, ...]
Keeps = Callable[[str, Aval], bool]


@dataclass(frozen=True, slots=True)
class Split:
    """A function's two ways.

    ``forward(*operands)`` gives the outputs and behind them what only the way back reads.
    ``backward(*residuals, *operands that it reads, *cotangents)`` gives cotangents: the residuals are the outputs of
    ``forward`` at the positions ``sources``, ``reads`` says which operands it reads, ``active`` of which outputs it
    takes cotangents, and ``found`` for which of the ``wanted`` operands it gives some.
    """

    forward: Program
    backward: Program
    sources: tuple[int, ...]
    reads: Mask
    active: Mask
    wanted: Mask
    found: Mask

    def pull(self, operands: Sequence[Any]) -> list[Any]:
        """The way back, for operands that may be of other kinds than those of the Program's inputs."""
        typed = [coerced(x, var.aval) for x, var in zip(operands, self.backward.inputs, strict=True)]
        ds = self.backward.evaluate(typed)
        return [coerced(d, a.aval) for d, a in zip(ds, self.backward.outputs, strict=True)]


def split_program(
    program: Program,
    avals: tuple[Aval, ...],
    wanted: Mask,
    reusable: Mask,
    given: Mask,
    invariant: Mask,
    active: Mask | None = None,
    keeps: Keeps | None = None,
) -> Split:
    """The two ways of ``program`` for operands of these types, with cotangents of the wanted ones.

    ``reusable`` are the outputs that the way back can be given, ``given`` the operands; what is computed from
    ``invariant`` operands alone is computed again on the way back. ``active`` are the outputs that have cotangents,
    in the ordinary case those that depend on the wanted operands. With ``keeps(operation, type)`` only residuals of
    which it is true are kept, and the others computed again.
    """
    active = active or active_outputs(program, wanted)
    key = ("split", avals, wanted, reusable, given, invariant, active, keeps)
    return derived(program, key, lambda: _split(program, avals, wanted, reusable, given, invariant, active, keeps))


def both_ways(program: Program, avals: tuple[Aval, ...], wanted: Mask, active: Mask) -> tuple[Program, Mask]:
    """``(*operands, *cotangents of active outputs) -> (*outputs, *cotangents of wanted operands)``."""
    n = len(avals)
    found: list[bool] = []

    def walk(*xs: Any) -> list[Any]:
        tape = Tape()
        leaves = [tape.leaf(x) if want else x for x, want in zip(xs[:n], wanted, strict=True)]
        outs = run(tape, lambda *ls: program.evaluate(ls), leaves, {})
        rest = iter(xs[n:])
        cts = [next(rest) if there else None for there in active]
        mine = [isinstance(z, Tracer) and type(z) is not Constant and z.t is tape for z in outs]
        ends = [(z.i, g) for z, g, m in zip(outs, cts, mine, strict=True) if m and g is not None]
        values = [settled(z.v) if m or type(z) is Constant else z for z, m in zip(outs, mine, strict=True)]
        at = [z.i for z, want in zip(leaves, wanted, strict=True) if want]
        pulled = iter(cotangents_of(tape.close(), ends, at))
        ds = [settled(next(pulled)) if want else None for want in wanted]
        found[:] = [d is not None for d in ds]
        return [*values, *(coerced(d, tangent_type(a)) for d, a in zip(ds, avals, strict=True) if d is not None)]

    types = tuple(tangent_type(t) for t, there in zip(types_of(program), active, strict=True) if there)
    return staged(walk, (*avals, *types), f"vjp of {program.name}"), tuple(found)


def active_outputs(program: Program, wanted: Mask) -> Mask:
    """The outputs through which derivatives reach the wanted operands."""
    reached = depending(program, wanted)
    return tuple(r and has_tangent(a.aval) for r, a in zip(reached, program.outputs, strict=True))


# operations that cost nothing beside keeping their results
CHEAP: tuple[Primitive, ...] = (broadcast_to, reshape, transpose)


def _split(
    program: Program,
    avals: tuple[Aval, ...],
    wanted: Mask,
    reusable: Mask,
    given: Mask,
    invariant: Mask,
    active: Mask,
    keeps: Keeps | None,
) -> Split:
    joint, found = both_ways(program, avals, wanted, active)
    n, k = len(avals), len(program.outputs)
    operands, cts = joint.inputs[:n], joint.inputs[n:]
    outs, ds = joint.outputs[:k], joint.outputs[k:]
    there = [v for v, g in zip(operands, given, strict=True) if g]
    fixed = [v for v, i in zip(operands, invariant, strict=True) if i]
    equations, crossing = _way_back(joint, cts, ds, there, fixed, keeps)
    positions = {a: i for i, (a, r) in enumerate(zip(outs, reusable, strict=True)) if r and isinstance(a, Var)}
    extra = [v for v in crossing if v not in positions]
    positions |= {v: k + i for i, v in enumerate(extra)}
    reads = tuple(v in there and _reads(equations, ds, v) for v in operands)
    inputs = (*crossing, *(v for v, r in zip(operands, reads, strict=True) if r), *cts)
    return Split(
        part(joint, operands, joint.equations, (*outs, *extra), f"forward of {program.name}"),
        part(joint, inputs, equations, ds, f"backward of {program.name}"),
        tuple(positions[v] for v in crossing), reads, active, wanted, found,
    )  # fmt: skip


def _way_back(
    joint: Program,
    cts: Sequence[Var],
    ds: Sequence[Atom],
    given: Sequence[Var],
    fixed: Sequence[Var],
    keeps: Keeps | None,
) -> tuple[list[Equation], list[Var]]:
    """The equations of the way back, and the variables that it is to be handed."""
    after = reached(joint, cts)

    def again(equation: Equation) -> bool:
        if keeps is not None:
            return not keeps(equation.primitive.name, equation.outputs[0].aval)
        return equation.primitive in CHEAP or equation.outputs[0] in constant

    free = {v for v, _ in joint.constants} | set(given)
    constant = reached_only(joint, {v for v, _ in joint.constants} | set(fixed))
    needed = {a for a in ds if isinstance(a, Var)}
    mine: list[Equation] = []
    crossing: list[Var] = []
    made: set[Var] = set(free) | set(cts)
    for equation in reversed(joint.equations):
        if not needed.intersection(equation.outputs):
            continue
        if equation.outputs[0] in after or again(equation):
            mine.append(equation)
            made.update(equation.outputs)
            needed.update(a for a in equation.inputs if isinstance(a, Var))
        else:
            crossing.extend(v for v in equation.outputs if v in needed)
    crossing += [v for v in joint.inputs if v in needed and v not in made]
    return mine[::-1], crossing


def _reads(equations: Sequence[Equation], ds: Sequence[Atom], var: Var) -> bool:
    return var in ds or any(var in e.inputs for e in equations)


def reached(program: Program, start: Sequence[Var]) -> set[Var]:
    """The variables that depend on some of these."""
    found = set(start)
    for equation in program.equations:
        if any(a in found for a in equation.inputs):
            found.update(equation.outputs)
    return found


def reached_only(program: Program, start: set[Var]) -> set[Var]:
    """The variables that depend on nothing but these."""
    found = set(start)
    for equation in program.equations:
        if all(not isinstance(a, Var) or a in found for a in equation.inputs):
            found.update(equation.outputs)
    return found


def part(
    program: Program, inputs: Sequence[Var], equations: Sequence[Equation], outputs: Sequence[Atom], name: str
) -> Program:
    """A Program of some of another one's equations, without those that nothing needs."""
    needed = {a for a in outputs if isinstance(a, Var)}
    kept: list[Equation] = []
    for equation in reversed(equations):
        if needed.intersection(equation.outputs):
            needed.update(a for a in equation.inputs if isinstance(a, Var))
            kept.append(equation)
    constants = tuple((v, x) for v, x in program.constants if v in needed)
    return check_program(Program(tuple(inputs), constants, tuple(kept[::-1]), tuple(outputs), name))
