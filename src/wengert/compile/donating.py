"""Donation: a result takes over the memory of an operand, which is overwritten in place.

The operand's array is emptied: its shape becomes (0, ..., 0), and the result becomes its base. So whoever still holds
the operand, or a view of it, holds the result's memory with it: nothing that anybody can reach is ever freed. What
views of a donated array show is the result's values. An emptied array is known by its strides, which no other has.

Memory is taken over only if the array owns it, may be written to, has an axis (a shape of () cannot be empty), and no
other operand or constant of the call shares it. Else the result has new memory, into which the operand is copied.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from wengert.compile import objects
from wengert.compile.emit import I8, I32, I64, PTR, Emitter, Value
from wengert.compile.records import ARRAY, Call, Operand, get, record_at

__all__ = ["define_take", "new_array", "was_donated"]

_PLAIN: Final = objects.C_CONTIGUOUS | objects.ALIGNED | objects.WRITEABLE
MARK: Final = 0x77656E67657274  # the stride of emptied arrays: "wengert"


def was_donated(x: Any) -> bool:
    """Whether ``x`` is an array whose memory a result has taken over."""
    return type(x) is np.ndarray and x.ndim > 0 and x.strides == (MARK,) * x.ndim and not x.size


def define_take(e: Emitter) -> None:
    """``ptr take(call, operands, record, x)``: the result that takes over, or copies, ``x``; null after an exception.

    ``operands`` are the addresses of inputs and constants.
    """
    with e.function("take", ["ptr"] * 4, PTR, export=False) as (call, operands, record, x):
        data, null = e.load(_field(e, x, "data"), PTR), e.const(PTR, 0)
        allowed = _owned(e, x) & _alone(e, call, operands, record, data)
        (memory,) = e.if_(allowed, lambda: [data], lambda: [null])
        result = new_array(e, call, record, memory)

        def copy() -> None:
            target, size = e.load(_field(e, result, "data"), PTR), get(e, record, Operand, "bytes")
            e.call("wengert_copy", PTR, target, data, size)

        def fill() -> None:
            e.if_(allowed, lambda: _move(e, x, result), copy)

        e.if_(result.differs(null), fill)
        e.ret(result)


def new_array(e: Emitter, call: Value, record: Value, memory: Value) -> Value:
    """An array at ``memory``, or with memory of its own where that is null; null after an exception."""
    dtype, null = get(e, record, Operand, "dtype"), e.const(PTR, 0)
    e.call("Py_IncRef", None, dtype)
    flags = e.select(memory.differs(null), e.const(I32, _PLAIN), e.const(I32, 0))
    ndim = e.convert(get(e, record, Operand, "ndim"), I32)
    array, shape = get(e, call, Call, "array"), get(e, record, Operand, "shape")
    return e.call("PyArray_NewFromDescr", PTR, array, dtype, ndim, shape, null, memory, flags, null)


def _move(e: Emitter, x: Value, result: Value) -> None:
    """The result owns the memory now, and what frees it; ``x`` is empty and holds the result."""
    null, handler, flags = e.const(PTR, 0), _field(e, x, "handler"), _field(e, result, "flags")
    e.store(e.load(flags, I32) | objects.OWNDATA, flags)
    e.store(e.load(handler, PTR), _field(e, result, "handler"))
    e.store(null, handler)
    e.store(e.const(I32, objects.C_CONTIGUOUS | objects.F_CONTIGUOUS | objects.ALIGNED), _field(e, x, "flags"))
    e.call("Py_IncRef", None, result)
    e.store(result, _field(e, x, "base"))
    shape, strides = e.load(_field(e, x, "shape"), PTR), e.load(_field(e, x, "strides"), PTR)

    def axis(k: Value) -> None:
        e.store(e.const(I64, 0), shape, k)
        e.store(e.const(I64, MARK), strides, k)

    e.loop(e.convert(e.load(_field(e, x, "ndim"), I32), I64), axis)


def _field(e: Emitter, x: Value, name: str) -> Value:
    return e.offset(x, objects.array_fields[name], I8)


def _owned(e: Emitter, x: Value) -> Value:
    """Whether the array's memory is its own, to be written to, and can be given away."""
    needed = e.const(I32, objects.OWNDATA | objects.WRITEABLE)
    owned = (e.load(_field(e, x, "flags"), I32) & needed).equals(needed)
    free = e.load(_field(e, x, "base"), PTR).equals(e.const(PTR, 0))
    return owned & free & (e.load(_field(e, x, "ndim"), I32) > 0)


def _alone(e: Emitter, call: Value, operands: Value, record: Value, data: Value) -> Value:
    """Whether exactly one input, the donated one, and no constant lies in its memory."""
    start = e.value(I64, f"ptrtoint {data} to i64")
    end = start + get(e, record, Operand, "bytes")
    inputs, outputs = get(e, call, Call, "inputs"), get(e, call, Call, "outputs")

    def shared(k: Value, count: Value) -> list[Value]:
        other = record_at(e, call, k)
        (inside,) = e.if_(
            get(e, other, Operand, "kind").equals(ARRAY),
            lambda: [_meets(e, e.load(operands, I64, k), get(e, other, Operand, "bytes"), start, end)],
            lambda: [e.const(I64, 0)],
        )
        return [count + inside]

    (count,) = e.loop(inputs, shared, [e.const(I64, 0)])
    rest = inputs + outputs
    (count,) = e.loop(rest + get(e, call, Call, "constants"), shared, [count], start=rest)
    return count.equals(1)


def _meets(e: Emitter, address: Value, size: Value, start: Value, end: Value) -> Value:
    """1 where two stretches of memory share a byte."""
    low, high = e.compare("lt", address, end, unsigned=True), e.compare("lt", start, address + size, unsigned=True)
    return e.convert(low & high, I64)
