"""Arrays side by side: ``concatenate``."""

from __future__ import annotations

from math import prod
from typing import Any

from wengert.compile.emit import I8, Emitter, Value, type_of
from wengert.compile.routine import Routine, copy_bytes, routine
from wengert.compile.scalars import convert
from wengert.core.program import Equation

__all__ = ["JOINING"]

MANY = 1 << 12  # elements from which threads share the work


def _concatenate(frame: Any, equation: Equation) -> bool:
    out, axis = equation.outputs[0].aval, equation.params["axis"]
    pieces = [x.aval for x in equation.inputs]
    types = {p.dtype for p in (*pieces, out)}
    if len(types) > 1 and any(t.kind not in "iubf" or t.itemsize > 8 for t in types):
        return False
    rows = prod(out.shape[:axis])
    lengths = [p.size // rows if rows else 0 for p in pieces]

    def write(r: Routine) -> None:
        e, size = r.e, out.dtype.itemsize

        def row(i: Value) -> None:
            at = e.offset(r.results[0], i * (sum(lengths) * size), I8)
            for piece, n, source in zip(pieces, lengths, r.operands, strict=True):
                if n:
                    own = e.offset(source, i * (n * piece.dtype.itemsize), I8)
                    _run(e, own, at, n, piece.dtype, out.dtype)
                at = e.offset(at, n * size, I8)

        r.each(row)

    return routine(frame, equation, write, rounds=rows, shared=out.size >= MANY) if rows else True


def _run(e: Emitter, source: Value, dest: Value, n: int, given: Any, wanted: Any) -> None:
    """``n`` elements, one after another."""
    if given == wanted:
        copy_bytes(e, source, dest, n * given.itemsize)
        return
    lanes = e.target.lanes(max(given.itemsize, wanted.itemsize, 4))
    full = n // lanes * lanes

    def move(i: Value, wide: int) -> None:
        e.store(convert(e, e.load(source, type_of(given).wide(wide), i), given, wanted), dest, i)

    e.loop(full, lambda i: move(i, lanes), step=lanes)
    e.loop(n, lambda i: move(i, 0), start=full)


JOINING = {"concatenate": _concatenate}
