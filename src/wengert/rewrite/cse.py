"""Common subexpressions: what is computed twice is computed once."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.program import Program, Var
from wengert.rewrite.edit import Editor, atom_key, frozen

SMALL = 1 << 16  # bytes up to which constants are compared


def cse(program: Program) -> Program:
    """One equation where several have the same primitive, operands and parameters; one constant for equal ones."""
    editor = Editor(program)
    known: dict[Any, tuple[Var, ...]] = {}
    editor.constants = merged_constants(program, editor)
    for equation in program.equations:
        inputs = editor.inputs(equation)
        key = (equation.primitive, *map(atom_key, inputs))
        if equation.params:
            key = (*key, frozen(equation.params))
        first = known.setdefault(key, equation.outputs)
        if first is equation.outputs:
            editor.keep(equation)
        else:
            editor.replace(equation.outputs, first)
    return editor.finish() if editor.replaced else program


def merged_constants(program: Program, editor: Editor) -> list[tuple[Var, Any]]:
    """Constants without repetitions."""
    first: dict[Any, Var] = {}
    kept: list[tuple[Var, Any]] = []
    for var, value in program.constants:
        # other constants are tracers of an outer transform
        small = type(value) is np.ndarray and value.nbytes <= SMALL
        key = frozen(value) if small else id(value)
        same = first.setdefault(key, var)
        if same is var:
            kept.append((var, value))
        else:
            editor.replace((var,), (same,))
    return kept
