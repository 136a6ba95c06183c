"""Writes into parts of arrays: ``update`` and ``scatter_add`` by arrays of indices."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from wengert.compile.affine import ZERO, Affine, Index, Symbol, of
from wengert.compile.emission import Emission, Held
from wengert.compile.emit import I64, Emitter, Value, type_of
from wengert.compile.reading import arrange, broadcast, slice_entry
from wengert.compile.scalars import LOWER
from wengert.core.program import Equation, Var
from wengert.ops.index import ARRAY, expand, follow

__all__ = ["emit_write", "writes"]


class Part(NamedTuple):
    """The view that is written to: its shape, the position of its first element, and the stride of each axis."""

    shape: tuple[int, ...]
    offset: int
    strides: tuple[int, ...]


def part(equation: Equation) -> Part | None:
    """Where a chain of views leads in what is written to; None where that is no view with strides."""
    root = np.empty(equation.outputs[0].aval.shape, np.int8)
    try:
        found = follow(root, equation.params.get("chain", ()))
    except TypeError:  # by integers that are traced themselves
        return None
    if found is not root and not np.may_share_memory(found, root):
        return None
    return Part(found.shape, found.ctypes.data - root.ctypes.data, found.strides)


def writes(equation: Equation) -> bool:
    """Whether there is native code for a write."""
    name = equation.primitive.name
    if part(equation) is None or not equation.outputs[0].aval.size:
        return False
    if any(x.aval.dtype.char not in "fd" and x.aval.dtype.kind not in "iub" for x in equation.inputs):
        return False
    entries = _entries(equation)
    arrays = equation.inputs[2 if name == "update" else 1 :]
    plain = all(e is None or e is ARRAY or isinstance(e, slice) or type(e) is int for e in entries)
    return plain and all(a.aval.dtype.kind in "iu" for a in arrays)


def _entries(equation: Equation) -> tuple[Any, ...]:
    where = part(equation)
    assert where is not None
    return expand(equation.params["index"], len(where.shape))


def emit_write(
    e: Emitter, equation: Equation, made: dict[Var, Equation], pointers: dict[Var, Value], flags: Value
) -> None:
    """Write the operand's elements to their places; what lies there already is there."""
    _Write(e, equation, made, pointers, flags).emit()


class _Write:
    def __init__(
        self, e: Emitter, equation: Equation, made: dict[Var, Equation], pointers: dict[Var, Value], flags: Value
    ) -> None:
        self.e, self.equation = e, equation
        self.reader = Emission(e, made, pointers, flags, {}, lambda _var: ())
        self.out = equation.outputs[0]
        self.base = pointers[self.out]
        self.adds = equation.primitive.name == "scatter_add"
        self.value = equation.inputs[0 if self.adds else 1]
        self.arrays = equation.inputs[1 if self.adds else 2 :]
        self.entries = _entries(equation)
        where = part(equation)
        assert where is not None
        self.part = where
        self.shape = self._region()

    def _region(self) -> tuple[int, ...]:
        """The shape of what is written to."""
        dummy = np.broadcast_to(np.zeros(()), self.part.shape)
        rest = iter([np.zeros(a.aval.shape, np.intp) for a in self.arrays])
        return dummy[tuple(next(rest) if entry is ARRAY else entry for entry in self.entries)].shape

    def emit(self) -> None:
        lanes = self.e.target.lanes(max(self.out.aval.dtype.itemsize, 4))
        n = self.shape[-1] if self.shape else 1
        vector = n >= lanes // 2 and self._last_is_slice() and self.value.aval.shape[-1:] == (n,)
        self._loops([], lanes if vector else 0)

    def _last_is_slice(self) -> bool:
        last = self.entries[-1] if self.entries else None
        arrays_last = any(entry is ARRAY for entry in self.entries) and not self._arrays_lead()
        return isinstance(last, slice) and last.step in (None, 1) and not arrays_last

    def _arrays_lead(self) -> bool:
        """Whether the axes of the index arrays come before the last axis of the region."""
        symbols = tuple(of(Symbol(max(n, 2))) for n in self.shape)
        own, _ = arrange(self.entries, [a.aval.shape for a in self.arrays], symbols)
        return bool(own) and own[-1] == symbols[-1]

    def _loops(self, index: list[Affine], lanes: int) -> None:
        k = len(index)
        if k == len(self.shape):
            self._put(tuple(index))
            return
        n = self.shape[k]

        def body(i: Value, wide: int = 0) -> None:
            self._loops([*index, of(Symbol(n, self.reader.depth, i, wide)) if n != 1 else ZERO], lanes)

        with self.reader.scope():
            if k < len(self.shape) - 1 or not lanes:
                self.e.loop(n, lambda i: body(i))
                return
            full = n // lanes * lanes
            self.e.loop(full, lambda i: body(i, lanes), step=lanes)
        if n % lanes:
            with self.reader.scope(), self.reader.under(Held(self.e.tail_mask(lanes, n % lanes), 0)):
                body(self.e.const(I64, full), lanes)

    def _put(self, index: Index) -> None:
        reader, dtype = self.reader, self.out.aval.dtype
        own = index[max(0, len(index) - self.value.aval.ndim) :]
        shape = self.value.aval.shape[max(0, self.value.aval.ndim - len(index)) :]  # leading ones too many are dropped
        at = (*[ZERO] * (self.value.aval.ndim - len(shape)), *broadcast(own, shape))
        held = reader.converted(reader.read(self.value, at), self.value.aval.dtype, dtype)
        position = self._target(index)
        mask = reader.mask if position.lanes else None
        value = held.value
        if self.adds:
            before = reader.fetch(self.base, type_of(dtype), position, mask)
            value = LOWER["add"](self.e, [before, reader.spread(held, before.type.lanes).value], dtype, {})
        reader.put(self.base, position, value, mask)

    def _target(self, index: Index) -> Affine:
        own, together = arrange(self.entries, [a.aval.shape for a in self.arrays], index)
        rest = iter(self.arrays)
        shape = self.part.shape
        inner: list[Affine] = []
        for entry, at in zip(self.entries, own, strict=True):
            if entry is None:
                continue
            n = shape[len(inner)]
            if entry is ARRAY:
                array = next(rest)
                found = self.reader.read(array, broadcast(together, array.aval.shape))
                inner.append(self.reader.gathered(found, array.aval, n))
            elif isinstance(entry, slice):
                start, step, _ = slice_entry(entry, n)
                inner.append(at * step + start)
            else:
                inner.append(Affine(constant=int(entry) % n))
        position = Affine(constant=self.part.offset)
        for at, n, stride in zip(inner, shape, self.part.strides, strict=True):
            position = position + at * (stride if n != 1 else 0)
        return position
