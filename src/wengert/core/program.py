"""Programs: Wengert lists written down. Inputs, constants, equations, outputs; no variable assigned twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.core.trace import bind
from wengert.core.types import Aval, aval_of, shape_of
from wengert.errors import ShapeError

__all__ = ["Equation", "Literal", "Program", "Var", "uniform"]


@dataclass(frozen=True, slots=True, eq=False)
class Var:
    """A variable: known by identity, typed by its abstract value."""

    aval: Aval


@dataclass(frozen=True, slots=True)
class Literal:
    """A number that stands in an equation itself."""

    value: Any

    @property
    def aval(self) -> Aval:
        return aval_of(self.value)


Atom = Var | Literal


@dataclass(frozen=True, slots=True, eq=False)
class Equation:
    """``outputs = primitive(inputs, **params)``, and the user's line that it came from."""

    primitive: Primitive
    inputs: tuple[Atom, ...]
    outputs: tuple[Var, ...]
    params: dict[str, Any]
    line: str = ""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Program:
    """A staged function: ``program(*inputs)`` evaluates it; ``print(program)`` shows it.

    ``constants`` are the arrays that the function closed over, as pairs of variable and value. ``cache`` holds what
    is derived from the Program (its jvp, its machine code), so that it is freed with it.
    """

    inputs: tuple[Var, ...]
    constants: tuple[tuple[Var, Any], ...]
    equations: tuple[Equation, ...]
    outputs: tuple[Atom, ...]
    name: str = "program"
    cache: dict[Any, Any] = field(default_factory=dict[Any, Any], repr=False)

    def __call__(self, *args: Any) -> Any:
        """The outputs, a tuple of them if there are several, for inputs of the Program's shapes."""
        out = self.evaluate(args)
        return out[0] if len(out) == 1 else tuple(out)

    def evaluate(self, args: Sequence[Any]) -> list[Any]:
        """The list of outputs; operands may be traced, so Programs differentiate and batch."""
        if len(args) != len(self.inputs):
            raise ShapeError(f"{self.name} takes {len(self.inputs)} inputs, and got {len(args)}")
        for k, (x, var) in enumerate(zip(args, self.inputs, strict=True)):
            if shape_of(x) != var.aval.shape:
                raise ShapeError(
                    f"{self.name} was staged for input {k} of shape {var.aval.shape}, and got {shape_of(x)}\n"
                    "  write: make_program(f)(*args) again for arguments of these shapes"
                )
        env: dict[Var, Any] = dict(zip(self.inputs, args, strict=True))
        env.update(self.constants)

        def read(atom: Atom) -> Any:
            return env[atom] if isinstance(atom, Var) else atom.value

        for equation in self.equations:
            out = bind(equation.primitive, *map(read, equation.inputs), **equation.params)
            outs = out if equation.primitive.multiple else (out,)
            env.update(zip(equation.outputs, outs, strict=True))
        held = {var for var, _ in self.constants}
        # a constant that is a result belongs to the Program: what is handed out is a copy
        return [read(a).copy() if isinstance(a, Var) and a in held else read(a) for a in self.outputs]

    def __str__(self) -> str:
        return SHOW[0](self)

    __repr__ = __str__


# The printer, which lives in a module of its own.
SHOW: list[Any] = []


def uniform(value: Any) -> Any:
    """The number that all elements of an array are, to the bit, as a NumPy scalar; None if they differ.

    Example:
        >>> import numpy as np
        >>> from wengert.core.program import uniform
        >>> uniform(np.full(3, 0.5)), uniform(np.array([0.0, -0.0]))
        (np.float64(0.5), None)
    """
    if type(value) is not np.ndarray or not value.size:
        return None
    first = value[(0,) * value.ndim]
    if any(stride and n > 1 for stride, n in zip(value.strides, value.shape, strict=True)):
        if value.flat[-1].tobytes() != first.tobytes():  # which tells most arrays apart
            return None
        # in words, and without a copy where the elements lie side by side
        word = next(n for n in (8, 4, 2, 1) if value.itemsize % n == 0)
        words = value.ravel("K").view(f"u{word}").reshape(-1, value.itemsize // word)
        if not (words == words[0]).all():
            return None
    return first
