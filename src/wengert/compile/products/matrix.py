"""Matrices in memory, and the arithmetic of their addresses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TypeAlias, final

from wengert.compile.emit import I64, Emitter, Type, Value

__all__ = ["Finish", "Matrix", "Numbered", "Start", "address", "literal", "locate", "plus"]

# (row i, column j of the first lane, lanes, mask) -> what the sum begins with; None: zero
Start: TypeAlias = Callable[[Value, Value, int, Value | None], Value | None]
# (finished sum, i, j, lanes, mask) -> what is stored; None: it has been dealt with
Finish: TypeAlias = Callable[[Value, Value, Value, int, Value | None], Value | None]
# (first row, how many) -> the numbers of a tile's rows, as a finish takes them while the context is open
Numbered: TypeAlias = Callable[[Value, int], AbstractContextManager[Sequence[Value]]]


@final
@dataclass(frozen=True)
class Matrix:
    """A matrix in memory: the address of element (0, 0), and strides counted in elements."""

    base: Value
    row: int
    column: int

    @property
    def transposed(self) -> Matrix:
        """The same memory with rows and columns exchanged."""
        return Matrix(self.base, self.column, self.row)

    @property
    def strides(self) -> tuple[int, int]:
        """Of rows and of columns."""
        return self.row, self.column


def literal(index: Value | int) -> int | None:
    """The number that an index is, where it is known now."""
    if isinstance(index, int):
        return index
    return int(index.name) if index.name.lstrip("-").isdigit() else None


def address(e: Emitter, base: Value, t: Type, *terms: tuple[Value | int, int]) -> Value:
    """``base`` moved by the sum of index × stride, in elements of ``t``; known terms come last, as a displacement."""
    fixed = 0
    for index, stride in terms:
        number = literal(index)
        if number is not None:
            fixed += number * stride
        elif stride:
            assert isinstance(index, Value)
            base = e.offset(base, index if stride == 1 else index * e.const(I64, stride), t)
    return e.offset(base, fixed, t)


def locate(e: Emitter, a: Matrix, i: Value | int, j: Value | int, t: Type) -> Value:
    """The address of element (i, j)."""
    return address(e, a.base, t, (i, a.row), (j, a.column))


def plus(e: Emitter, index: Value, number: int) -> Value:
    """``index + number``, added now where it is known."""
    known = literal(index)
    if known is not None:
        return e.const(I64, known + number)
    return index + number if number else index
