"""Values of LLVM IR: a name with a type, and operators that emit instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

if TYPE_CHECKING:
    from wengert.compile.emit import Emitter

__all__ = ["BOOL", "F32", "F64", "I8", "I16", "I32", "I64", "LLVM", "PTR", "Type", "Value", "type_of"]

LLVM = {"f32": "float", "f64": "double", "ptr": "ptr", "i1": "i1"}


@final
class Type:
    """An element type (f32, f64, i1, i8 … i64, ptr), and how many lanes: 0 for a scalar. There is one of each.

    ``bits`` are those of one element, ``size`` its bytes in memory.
    """

    __slots__ = ("bits", "element", "is_float", "lanes", "size", "text")
    _all: ClassVar[dict[tuple[str, int], Type]] = {}
    bits: int
    element: str
    is_float: bool
    lanes: int
    size: int
    text: str

    def __new__(cls, element: str, lanes: int = 0) -> Type:
        """The one there is."""
        found = cls._all.get((element, lanes))
        if found is None:
            found = super().__new__(cls)
            name = LLVM.get(element, element)
            found.element, found.lanes, found.text = element, lanes, f"<{lanes} x {name}>" if lanes else name
            found.is_float = element in ("f32", "f64")
            found.bits = 64 if element == "ptr" else int(element[1:])
            found.size = max(found.bits // 8, 1)
            found = cls._all.setdefault((element, lanes), found)  # whole, and the one of whichever thread was first
        return found

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Type({self.element!r}, {self.lanes})"

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
        return f"{self.type.text} {self.name}"

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
