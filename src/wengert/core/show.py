"""The printer of Programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core import program as program_module
from wengert.core.program import Atom, Program, Var

__all__ = ["show"]


def name(index: int) -> str:
    """a, b, …, z, ba, bb, …: the names of variables in order."""
    letters = ""
    while True:
        letters = chr(97 + index % 26) + letters
        index //= 26
        if not index:
            return letters


def show(program: Program) -> str:
    """A Program as text, one equation a line.

    Example:
        >>> import numpy as np
        >>> from wengert import make_program
        >>> print(make_program(lambda x: 2.0 * np.sin(x))(1.0))
        <lambda>(a: float) -> c
          b: f64 = sin a
          c: f64 = multiply 2.0 b
    """
    return "\n".join(lines_of(program))


def lines_of(program: Program) -> list[str]:
    """The lines of a Program; those of Programs that stand in an equation come below it, indented."""
    names: dict[Var, str] = {}

    def read(atom: Atom) -> str:
        if isinstance(atom, Var):
            return names.setdefault(atom, name(len(names)))
        return value_text(atom.value)

    inputs = ", ".join(f"{read(v)}: {v.aval}" for v in program.inputs)
    lines = [f"  {read(v)}: {v.aval} = constant" for v, _ in program.constants]
    for equation in program.equations:
        operands = " ".join(read(x) for x in equation.inputs)
        inner = {key: value for key, value in equation.params.items() if programs(value)}
        params = ", ".join(
            f"{key}={param_text(value)}" for key, value in equation.params.items() if key not in inner
        )  # fmt: skip
        left = ", ".join(f"{read(v)}: {v.aval}" for v in equation.outputs)
        lines.append(f"  {left} = {equation.primitive.name}{f'[{params}]' if params else ''} {operands}".rstrip())
        for key, value in inner.items():
            for n, body in enumerate(programs(value)):
                first, *rest = lines_of(body)
                lines.append(f"    {key}{f' {n}' if isinstance(value, tuple) else ''} = {first}")
                lines.extend(f"    {line}" for line in rest)
    outputs = ", ".join(read(x) for x in program.outputs)
    return [f"{program.name}({inputs}) -> {outputs or '()'}", *lines]


def programs(value: Any) -> list[Program]:
    """The Programs that a parameter holds."""
    found = value if isinstance(value, tuple) else (value,)
    return [x for x in found if isinstance(x, Program)]


def value_text(value: Any) -> str:
    """A literal, short."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def param_text(value: Any) -> str:
    """A parameter, short: indices as they are written."""
    if isinstance(value, slice):
        parts = ["" if p is None else str(p) for p in (value.start, value.stop)]
        return ":".join(parts) + (f":{value.step}" if value.step is not None else "")
    if isinstance(value, tuple):
        return "(" + ", ".join(param_text(v) for v in value) + ("," if len(value) == 1 else "") + ")"
    return "..." if value is Ellipsis else str(value)


program_module.SHOW.append(show)
