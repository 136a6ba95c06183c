"""The typechecker of Programs."""

from __future__ import annotations

from wengert.core.program import Atom, Equation, Program, Var
from wengert.core.types import Aval, aval_of
from wengert.errors import ProgramError

__all__ = ["check_program", "held_by"]


def held_by(equation: Equation) -> list[Program]:
    """The Programs that stand in an equation's parameters: bodies, branches, tests."""
    found: list[Program] = []
    for value in equation.params.values():
        found.extend(x for x in (value if isinstance(value, tuple) else (value,)) if isinstance(x, Program))
    return found


def check_program(program: Program) -> Program:
    """Check that every variable is assigned once, before its use, with the type that its equation infers.

    Raises:
        ProgramError: naming the equation and what is wrong with it.

    Example:
        >>> import numpy as np
        >>> from wengert import make_program
        >>> from wengert.core.check import check_program
        >>> check_program(make_program(np.sin)(1.0)).name
        'sin'
    """
    for equation in program.equations:
        for inner in held_by(equation):
            check_program(inner)
    known: set[Var] = set()

    def define(var: Var, where: str) -> None:
        if var in known:
            raise ProgramError(f"{program.name}: {where}: a variable is assigned twice")
        known.add(var)

    def use(atom: Atom, where: str) -> Aval:
        if isinstance(atom, Var) and atom not in known:
            raise ProgramError(f"{program.name}: {where}: a variable is used before it is assigned")
        return atom.aval

    for var in program.inputs:
        define(var, "inputs")
    for var, value in program.constants:
        define(var, "constants")
        if aval_of(value) != var.aval:
            raise ProgramError(f"{program.name}: constants: a variable of type {var.aval} holds {aval_of(value)}")
    for k, equation in enumerate(program.equations):
        where = f"equation {k} ({equation.primitive.name})"
        inferred = equation.primitive.infer(*(use(x, where) for x in equation.inputs), **equation.params)
        types = inferred if equation.primitive.multiple else (inferred,)
        if len(types) != len(equation.outputs):
            raise ProgramError(f"{program.name}: {where}: {len(equation.outputs)} outputs, {len(types)} inferred")
        for var, aval in zip(equation.outputs, types, strict=True):
            if var.aval != aval:
                raise ProgramError(f"{program.name}: {where}: output typed {var.aval}, inferred {aval}")
            define(var, where)
    for atom in program.outputs:
        use(atom, "outputs")
    return program
