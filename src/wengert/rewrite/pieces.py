"""Pieces: a sum of arrays that are zero but for a part each, as derivatives of parts leave it, is one joined array."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from wengert.core.program import Atom, Equation, Literal, Program, Var
from wengert.ops.elementwise import add
from wengert.ops.index import expand, getitem, scatter_add
from wengert.ops.shape import broadcast_to, concatenate, reshape
from wengert.rewrite.edit import Editor, uses

MOST = 64  # pieces of one array


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands at ``start:stop`` along ``axis`` of an array that is zero elsewhere."""

    axis: int
    start: int
    stop: int
    value: Atom


def pieces(program: Program) -> Program:
    """``scatter(a) + scatter(b)`` of parts that do not meet becomes ``concatenate(a, b)``, rows joined a slice."""
    program = rows_together(program)
    found, inner = joined(program)
    roots = {v for v in found if len(found[v]) > 1 and v not in inner}
    if not roots:
        return program
    editor = Editor(program)
    for equation in program.equations:
        var = equation.outputs[0]
        if var in roots:
            editor.replace((var,), (assembled(editor, equation, found[var]),))
        else:
            editor.keep(equation)
    return editor.finish()


def rows_together(program: Program) -> Program:
    """``concatenate(x[3][None], x[4][None], …)`` becomes ``x[3:…]``."""
    editor = Editor(program)
    for equation in program.equations:
        if equation.primitive is concatenate and equation.params["axis"] == 0:
            parts = grouped_rows(editor, editor.inputs(equation))
            if len(parts) < len(equation.inputs):
                out = parts[0] if len(parts) == 1 else editor.emit(concatenate, *parts, line=equation.line, axis=0)
                editor.replace(equation.outputs, (out,))
                continue
        editor.keep(equation)
    return editor.finish() if editor.replaced else program


def grouped_rows(editor: Editor, inputs: tuple[Atom, ...]) -> list[Atom]:
    """Operands, with a slice in place of rows that follow one another in an array."""
    found = [row_of(editor, atom) for atom in inputs]
    out: list[Atom] = []
    at = 0
    while at < len(inputs):
        end, row = at + 1, found[at]
        while row is not None and end < len(inputs) and found[end] == (row[0], row[1] + end - at):
            end += 1
        if row is None or end - at < 2:
            out.append(inputs[at])
            at += 1
        else:
            out.append(editor.emit(getitem, row[0], index=(slice(row[1], row[1] + end - at),)))
            at = end
    return out


def row_of(editor: Editor, atom: Atom) -> tuple[Atom, int] | None:
    """(array, number) of the row that an operand is."""
    made = editor.made.get(atom) if isinstance(atom, Var) else None
    if made is None or made.primitive is not reshape or made.outputs[0].aval.shape[1:] != made.inputs[0].aval.shape:
        return None
    inner = editor.made.get(made.inputs[0]) if isinstance(made.inputs[0], Var) else None
    if inner is None or inner.primitive is not getitem or len(inner.params["index"]) != 1:
        return None
    (entry,) = inner.params["index"]
    array, *_ = inner.inputs
    return (array, entry % array.aval.shape[0]) if type(entry) is int else None


def joined(program: Program) -> tuple[dict[Var, tuple[Piece, ...]], set[Var]]:
    """The pieces of each variable that has some, and the variables that are only read by a longer sum of pieces."""
    count = uses(program)
    found: dict[Var, tuple[Piece, ...]] = {}
    inner: set[Var] = set()
    for equation in program.equations:
        if equation.primitive is scatter_add:
            piece = piece_of(equation)
            if piece is not None:
                found[equation.outputs[0]] = (piece,)
        elif equation.primitive is add:
            a, b = equation.inputs
            if isinstance(a, Var) and isinstance(b, Var) and a in found and b in found:
                both = merged(found[a], found[b])
                if both is not None and a.aval == b.aval:
                    found[equation.outputs[0]] = both
                    inner.update(v for v in (a, b) if count[v] == 1)
    return found, inner


def piece_of(equation: Equation) -> Piece | None:
    """A scatter of one slice, or one index, along one axis."""
    shape, index = equation.params["shape"], equation.params["index"]
    value, *arrays = equation.inputs
    if arrays or None in [i for i in index if i is None]:
        return None
    found: Piece | None = None
    for axis, entry in enumerate(expand(index, len(shape))):
        if isinstance(entry, slice):
            start, stop, step = entry.indices(shape[axis])
        elif isinstance(entry, int):
            start, step = entry % shape[axis], 1
            stop = start + 1
        else:
            return None
        if isinstance(entry, slice) and (start, stop, step) == (0, shape[axis], 1):
            continue
        if found is not None or step != 1 or stop <= start:
            return None
        found = Piece(axis, start, stop, value)
    return found


def merged(a: tuple[Piece, ...], b: tuple[Piece, ...]) -> tuple[Piece, ...] | None:
    """Pieces of two arrays together, in order; None where they meet, or lie along different axes."""
    both = sorted((*a, *b), key=lambda p: p.start)
    apart = all(p.stop <= q.start and p.axis == q.axis for p, q in itertools.pairwise(both))
    return tuple(both) if apart and len(both) <= MOST else None


def assembled(editor: Editor, equation: Equation, parts: tuple[Piece, ...]) -> Atom:
    """Pieces, and zeros between them, joined."""
    aval = equation.outputs[0].aval
    axis, at = parts[0].axis, 0
    zero = aval.dtype.type(0)
    rows: list[Atom] = []

    def shape(n: int) -> tuple[int, ...]:
        return (*aval.shape[:axis], n, *aval.shape[axis + 1 :])

    for piece in parts:
        if piece.start > at:
            rows.append(editor.emit(broadcast_to, Literal(zero), shape=shape(piece.start - at)))
        rows.append(editor.emit(reshape, editor.read(piece.value), shape=shape(piece.stop - piece.start)))
        at = piece.stop
    if at < aval.shape[axis]:
        rows.append(editor.emit(broadcast_to, Literal(zero), shape=shape(aval.shape[axis] - at)))
    whole = editor.emit(concatenate, *rows, line=equation.line, axis=axis)
    # -0.0 + 0.0 is 0.0: in the sum that this replaces a zero was added to each element
    return editor.emit(add, whole, Literal(zero)) if aval.dtype.kind in "fc" else whole
