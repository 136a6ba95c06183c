"""Constants: what is known before the Program runs is computed now, or written as a number that is stretched."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.program import Atom, Equation, Literal, Program, Var, uniform
from wengert.core.types import Aval, aval_of
from wengert.ops.shape import broadcast_to
from wengert.rewrite.edit import Editor, literal_of

FOLDED = 1 << 12  # bytes up to which a result becomes a constant of the Program
READ = 1 << 18  # bytes up to which operands are made to compute one
# what stretches and arranges numbers is cheaper to do than to load
SYMBOLIC = frozenset(["broadcast_to", "reshape", "transpose"])


def fold(program: Program) -> Program:
    """Equations of known operands are evaluated, and constants whose elements are all equal become one number."""
    editor = Editor(program)
    editor.constants = []
    known: dict[Var, np.ndarray[Any, Any]] = {}
    for var, value in program.constants:
        number = uniform(value)
        if number is not None:
            editor.replace((var,), (editor.emit(broadcast_to, Literal(number), shape=var.aval.shape),))
            continue
        editor.constants.append((var, value))
        if type(value) is np.ndarray and value.nbytes <= FOLDED:
            known[var] = value
    for equation in program.equations:
        inputs = editor.inputs(equation)
        out = evaluated(equation, inputs, editor, known)
        if out is None:
            editor.keep(equation)
        else:
            editor.replace(equation.outputs, [placed(editor, out, equation.outputs[0].aval, known)])
    return editor.finish() if editor.replaced else program


def evaluated(equation: Equation, inputs: tuple[Atom, ...], editor: Editor, known: dict[Var, Any]) -> Any:
    """An equation's value where its operands are known and the value is small; else None."""
    primitive = equation.primitive
    if primitive.multiple or (
        primitive.name in SYMBOLIC and not all(isinstance(a, Literal) or a in known for a in inputs)
    ):
        return None
    aval = equation.outputs[0].aval
    if (primitive.name == "broadcast_to" and isinstance(inputs[0], Literal)) or size(aval) > FOLDED:
        return None
    values: list[Any] = []
    for atom in inputs:
        if not isinstance(atom, Literal) and atom not in known and atom not in editor.made:
            return None
        value = value_of(atom, editor, known)
        if value is None:
            return None
        values.append(value)
    return computed(equation, values, aval)


def computed(equation: Equation, values: list[Any], aval: Aval) -> Any:
    """The value that NumPy computes; None where it refuses, or gives another type."""
    try:
        with np.errstate(all="ignore"):
            out = equation.primitive.impl(*values, **equation.params)
    except Exception:  # noqa: BLE001 - it will raise again where the Program runs
        return None
    return out if aval_of(out) == aval else None


def size(aval: Aval) -> int:
    """Bytes of a value."""
    return aval.size * aval.dtype.itemsize


def value_of(atom: Atom, editor: Editor, known: dict[Var, Any]) -> Any:
    """What an atom is, if that is known: a literal, a small constant, or a number that is stretched a little."""
    if isinstance(atom, Literal):
        return atom.value
    if atom in known:
        return known[atom]
    number = literal_of(atom, editor.made)
    if number is None or size(atom.aval) > READ:
        return None
    return np.full(atom.aval.shape, number.value, atom.aval.dtype)


def placed(editor: Editor, value: Any, aval: Aval, known: dict[Var, Any]) -> Atom:
    """A value that was computed, as a literal, a number that is stretched, or a constant."""
    if aval.kind != "array":
        return Literal(value)
    number = uniform(value)
    if number is not None:
        return editor.emit(broadcast_to, Literal(number), shape=aval.shape)
    var = editor.constant(np.ascontiguousarray(value).reshape(aval.shape))
    known[var] = value
    return var
