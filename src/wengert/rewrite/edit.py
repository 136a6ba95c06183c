"""What all passes need: building Programs, finding the Programs inside equations, comparing what is equal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from wengert.core.primitive import REGISTRY, Primitive
from wengert.core.program import Atom, Equation, Literal, Program, Var
from wengert.core.types import Aval

Pass = Callable[[Program], Program]


class Editor:
    """A Program in the making: equations are appended, and variables of the old one read as what replaces them."""

    __slots__ = ("constants", "equations", "made", "old", "replaced")

    def __init__(self, program: Program) -> None:
        self.old = program
        self.constants = list(program.constants)
        self.equations: list[Equation] = []
        self.replaced: dict[Var, Atom] = {}
        self.made: dict[Var, Equation] = {}

    def read(self, atom: Atom) -> Atom:
        """What stands for an atom of the old Program."""
        return self.replaced.get(atom, atom) if isinstance(atom, Var) else atom

    def inputs(self, equation: Equation) -> tuple[Atom, ...]:
        """What an equation of the old Program now reads."""
        replaced = self.replaced
        if replaced and not replaced.keys().isdisjoint(equation.inputs):  # literals are in no dict of variables
            return tuple([replaced.get(a, a) if isinstance(a, Var) else a for a in equation.inputs])
        return equation.inputs

    def append(self, equation: Equation) -> Equation:
        """Append an equation as it is."""
        self.equations.append(equation)
        for var in equation.outputs:
            self.made[var] = equation
        return equation

    def keep(self, equation: Equation) -> Equation:
        """Append an equation of the old Program, on what its operands have become."""
        inputs = self.inputs(equation)
        return self.append(equation if inputs is equation.inputs else replace(equation, inputs=inputs))

    def emit(self, primitive: Primitive, *inputs: Atom, line: str = "", **params: Any) -> Var:
        """The variable of a new equation with one output."""
        return self.emit_all(primitive, inputs, params, line)[0]

    def emit_all(
        self, primitive: Primitive, inputs: Iterable[Atom], params: dict[str, Any], line: str = ""
    ) -> tuple[Var, ...]:
        """The variables of a new equation."""
        inputs = tuple(inputs)
        outputs = tuple(map(Var, inferred(primitive, inputs, params)))
        return self.append(Equation(primitive, inputs, outputs, params, line)).outputs

    def replace(self, variables: Sequence[Var], atoms: Sequence[Atom]) -> None:
        """From here on the old variables read as these atoms."""
        self.replaced.update(zip(variables, atoms, strict=True))

    def constant(self, value: np.ndarray[Any, Any]) -> Var:
        """The variable of a new constant."""
        var = Var(Aval(value.shape, value.dtype, "array"))
        self.constants.append((var, value))
        return var

    def insert(self, program: Program, inputs: Sequence[Atom]) -> list[Atom]:
        """Append another Program's equations, under variables of their own, and give its outputs."""
        own: dict[Var, Atom] = dict(zip(program.inputs, inputs, strict=True))
        for var, value in program.constants:
            own[var] = fresh = Var(var.aval)
            self.constants.append((fresh, value))

        def read(atom: Atom) -> Atom:
            return own[atom] if isinstance(atom, Var) else atom

        for equation in program.equations:
            outputs = tuple(Var(v.aval) for v in equation.outputs)
            own.update(zip(equation.outputs, outputs, strict=True))
            self.append(replace(equation, inputs=tuple(map(read, equation.inputs)), outputs=outputs))
        return [read(atom) for atom in program.outputs]

    def finish(self) -> Program:
        """The new Program."""
        outputs = tuple(map(self.read, self.old.outputs))
        return changed(self.old, constants=tuple(self.constants), equations=tuple(self.equations), outputs=outputs)


def changed(program: Program, **fields: Any) -> Program:
    """A Program with other fields, and without what was derived from it as it was."""
    return replace(program, **fields, cache={})


def inferred(primitive: Primitive, inputs: Sequence[Atom], params: dict[str, Any]) -> tuple[Aval, ...]:
    """The types of an equation's outputs."""
    found = primitive.infer(*(a.aval for a in inputs), **params)
    return found if primitive.multiple else (found,)


def record(name: str) -> Primitive | None:
    """A primitive of a room that this one does not import; None where that room is not loaded."""
    return REGISTRY.get(name)


# ---- the Programs inside equations


def programs_of(value: Any) -> tuple[Program, ...]:
    """The Programs that a parameter holds."""
    if isinstance(value, Program):
        return (value,)
    if isinstance(value, tuple) and value and isinstance(value[0], Program):
        return value  # pyright: ignore[reportUnknownVariableType]
    return ()


def everywhere(do: Pass, program: Program, memo: dict[Program, Program] | None = None) -> Program:
    """Apply a pass to a Program and, before that, to the Programs inside its equations."""
    memo = {} if memo is None else memo
    if program not in memo:
        memo[program] = do(inside(lambda body: everywhere(do, body, memo), program))
    return memo[program]


def inside(do: Pass, program: Program) -> Program:
    """Apply ``do`` to each Program that stands in a parameter."""
    equations: list[Equation] = []
    touched = False
    for equation in program.equations:
        params = equation.params
        if params and any(isinstance(v, Program) or (type(v) is tuple and v and isinstance(v[0], Program))
                          for v in params.values()):  # fmt: skip
            found = {key: new for key, value in params.items() if (new := changed_programs(do, value)) is not value}
            if found:
                equation = replace(equation, params={**params, **found})
                touched = True
        equations.append(equation)
    return changed(program, equations=tuple(equations)) if touched else program


def changed_programs(do: Pass, value: Any) -> Any:
    """A parameter with ``do`` applied to its Programs, the same object where that changes nothing."""
    if isinstance(value, Program):
        return do(value)
    programs = programs_of(value)
    new = tuple(map(do, programs))
    return value if all(a is b for a, b in zip(programs, new, strict=True)) else new


# ---- what is equal


def frozen(value: Any) -> Any:
    """A parameter as something that hashes, equal exactly where parameters mean the same."""
    if isinstance(value, tuple | list):
        return (type(value), *map(frozen, value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if isinstance(value, dict):
        return tuple((key, frozen(v)) for key, v in value.items())  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, slice):
        return (slice, frozen(value.start), frozen(value.stop), frozen(value.step))
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.shape, value.tobytes())
    if isinstance(value, bool | int | float | complex | np.generic):
        return number_key(value)
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value


def number_key(value: Any) -> Any:
    """A number as a key: by type and bits, so that −0.0 differs from 0.0, and NaN equals itself."""
    kind = type(value)
    if kind is int or kind is bool:
        return (kind, value)
    return (kind, np.asarray(value).tobytes())


def atom_key(atom: Atom) -> Any:
    """An atom as a key."""
    return atom if isinstance(atom, Var) else number_key(atom.value)


def uses(program: Program) -> dict[Var, int]:
    """How often each variable is read."""
    count: dict[Var, int] = {}
    for equation in program.equations:
        for atom in equation.inputs:
            if isinstance(atom, Var):
                count[atom] = count.get(atom, 0) + 1
    for atom in program.outputs:
        if isinstance(atom, Var):
            count[atom] = count.get(atom, 0) + 1
    return count


def literal_of(atom: Atom, made: dict[Var, Equation]) -> Literal | None:
    """The number that all elements of an atom are, where it is one: a literal, or a literal stretched."""
    if isinstance(atom, Literal):
        return atom
    equation = made.get(atom)
    if equation is not None and equation.primitive.name == "broadcast_to":
        return literal_of(equation.inputs[0], made)
    return None
