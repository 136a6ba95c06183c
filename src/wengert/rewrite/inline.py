"""Inlining: what calls another Program, and need not, becomes that Program's equations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.program import Atom, Equation, Literal, Program
from wengert.core.types import Aval
from wengert.ops.elementwise import cast
from wengert.ops.index import getitem
from wengert.ops.shape import broadcast_to, reshape
from wengert.rewrite.edit import Editor

Inline = Callable[[Editor, Equation, tuple[Atom, ...]], "list[Atom] | None"]


def inline(program: Program) -> Program:
    """Calls, branches that are known, and loops of at most one step become equations."""
    if not any(e.primitive.name in INLINE for e in program.equations):
        return program
    editor = Editor(program)
    changed = False
    for equation in program.equations:
        how = INLINE.get(equation.primitive.name)
        outputs = how(editor, equation, editor.inputs(equation)) if how else None
        if outputs is None:
            editor.keep(equation)
        else:
            changed = True
            editor.replace(equation.outputs, outputs)
    return editor.finish() if changed else program


def inline_call(editor: Editor, equation: Equation, inputs: tuple[Atom, ...]) -> list[Atom]:
    """The called Program's equations."""
    return insert(editor, equation.params["program"], inputs, equation)


def inline_cond(editor: Editor, equation: Equation, inputs: tuple[Atom, ...]) -> list[Atom] | None:
    """The equations of the branch that is always taken."""
    index, *operands = inputs
    branches = equation.params["branches"]
    if len(branches) > 1 and not isinstance(index, Literal):
        return None
    at = min(max(int(index.value), 0), len(branches) - 1) if isinstance(index, Literal) else 0
    return insert(editor, branches[at], operands, equation)


def inline_scan(editor: Editor, equation: Equation, inputs: tuple[Atom, ...]) -> list[Atom] | None:
    """No step: the carry as it was, and empty arrays. One step: the body."""
    body, length = equation.params["body"], equation.params["length"]
    head = equation.params["constants"] + equation.params["carry"]
    carry = inputs[equation.params["constants"] : head]
    if length > 1:
        return None
    if length == 0:
        zeros = [
            editor.emit(broadcast_to, Literal(v.aval.dtype.type(0)), shape=v.aval.shape)
            for v in equation.outputs[len(carry) :]
        ]
        return [*carry, *zeros]
    slices = [editor.emit(getitem, x, index=(0,)) for x in inputs[head:]]
    outs = insert(editor, body, [*inputs[:head], *slices], equation)
    ys = [
        editor.emit(reshape, y, shape=v.aval.shape)
        for y, v in zip(outs[len(carry) :], equation.outputs[len(carry) :], strict=True)
    ]
    return [*(fitted(editor, x, v.aval) for x, v in zip(outs, equation.outputs, strict=False))][: len(carry)] + ys


def insert(editor: Editor, program: Program, inputs: Any, equation: Equation) -> list[Atom]:
    """A Program's equations on operands, and results, of the kinds that the two sides expect."""
    operands = [fitted(editor, x, v.aval) for x, v in zip(inputs, program.inputs, strict=True)]
    outs = editor.insert(program, operands)
    if equation.primitive.name == "scan":
        return outs
    return [fitted(editor, x, v.aval) for x, v in zip(outs, equation.outputs, strict=True)]


def fitted(editor: Editor, atom: Atom, aval: Aval) -> Atom:
    """An atom as a value of another kind (a number, a scalar, an array without axes) where its own is not that."""
    have = atom.aval
    if have == aval:
        return atom
    if isinstance(atom, Literal) and aval.kind != "array":
        return Literal(aval.dtype.type(atom.value) if aval.kind == "scalar" else np.asarray(atom.value).item())
    if have.dtype != aval.dtype or have.kind == "python":
        atom = editor.emit(cast, atom, dtype=aval.dtype)
    if aval.kind == "array" and atom.aval.kind != "array":
        return editor.emit(broadcast_to, atom, shape=())
    return editor.emit(getitem, atom, index=()) if aval.kind != "array" and atom.aval.kind == "array" else atom


INLINE: dict[str, Inline] = {"call": inline_call, "cond": inline_cond, "scan": inline_scan}
