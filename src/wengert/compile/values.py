"""Values of LLVM IR: a name with a type, and operators that emit instructions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, final

import numpy as np

if TYPE_CHECKING:
    from wengert.compile.emit import Emitter

__all__ = ["BOOL", "F32", "F64", "I8", "I16", "I32", "I64", "LLVM", "PTR", "Type", "Value", "type_of"]

LLVM = {"f32": "float", "f64": "double", "ptr": "ptr", "i1": "i1", "void": "void"}


@final
@dataclass(frozen=True, slots=True)
class Type:
    """An element type (f32, f64, i1, i8 … i64, ptr), and how many lanes: 0 for a scalar."""

    element: str
    lanes: int = 0

    def __str__(self) -> str:
        return _type_text(self)

    @property
    def is_float(self) -> bool:
        """Whether it has NaNs."""
        return self.element in ("f32", "f64")

    @property
    def bits(self) -> int:
        """Of one element."""
        return 64 if self.element == "ptr" else int(self.element[1:])

    @property
    def size(self) -> int:
        """Bytes of one element in memory."""
        return max(self.bits // 8, 1)

    @property
    def scalar(self) -> Type:
        """One element of it."""
        return Type(self.element)

    @property
    def integer(self) -> Type:
        """The integers of the same width, lane by lane."""
        return Type(f"i{self.bits}", self.lanes)

    def of(self, element: str) -> Type:
        """The same lanes of another element type."""
        return Type(element, self.lanes)

    def wide(self, lanes: int) -> Type:
        """The same elements in so many lanes."""
        return Type(self.element, lanes)


@cache
def _type_text(t: Type) -> str:
    name = LLVM.get(t.element, t.element)
    return f"<{t.lanes} x {name}>" if t.lanes else name


F32, F64, PTR, BOOL = Type("f32"), Type("f64"), Type("ptr"), Type("i1")
I8, I16, I32, I64 = Type("i8"), Type("i16"), Type("i32"), Type("i64")


def type_of(dtype: np.dtype[Any]) -> Type:
    """The type of an array's elements in registers; booleans are i1 there, and a byte in memory."""
    return BOOL if dtype.kind == "b" else Type(f"{'f' if dtype.kind == 'f' else 'i'}{8 * dtype.itemsize}")


@final
class Value:
    """The result of an instruction: ``name`` as it stands in the text, its type, and who emitted it."""

    __slots__ = ("e", "name", "type")

    def __init__(self, e: Emitter, name: str, t: Type) -> None:
        self.e, self.name, self.type = e, name, t

    def __str__(self) -> str:
        return f"{self.type} {self.name}"

    def __add__(self, other: Any) -> Value:
        return self.e.add(self, other)

    def __radd__(self, other: Any) -> Value:
        return self.e.add(other, self)

    def __sub__(self, other: Any) -> Value:
        return self.e.sub(self, other)

    def __rsub__(self, other: Any) -> Value:
        return self.e.sub(other, self)

    def __mul__(self, other: Any) -> Value:
        return self.e.mul(self, other)

    def __rmul__(self, other: Any) -> Value:
        return self.e.mul(other, self)

    def __truediv__(self, other: Any) -> Value:
        return self.e.div(self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return self.e.div(other, self)

    def __neg__(self) -> Value:
        return self.e.neg(self)

    def __and__(self, other: Any) -> Value:
        return self.e.bitand(self, other)

    def __or__(self, other: Any) -> Value:
        return self.e.bitor(self, other)

    def __xor__(self, other: Any) -> Value:
        return self.e.bitxor(self, other)

    def __lshift__(self, other: Any) -> Value:
        return self.e.shl(self, other)

    def __lt__(self, other: Any) -> Value:
        return self.e.compare("lt", self, other)

    def __le__(self, other: Any) -> Value:
        return self.e.compare("le", self, other)

    def __gt__(self, other: Any) -> Value:
        return self.e.compare("gt", self, other)

    def __ge__(self, other: Any) -> Value:
        return self.e.compare("ge", self, other)

    def equals(self, other: Any) -> Value:
        """Lane by lane; false beside a NaN."""
        return self.e.compare("eq", self, other)

    def differs(self, other: Any) -> Value:
        """Lane by lane; true beside a NaN."""
        return self.e.compare("ne", self, other)
