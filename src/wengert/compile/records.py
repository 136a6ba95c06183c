"""What Python and machine code both read and write: records in memory, and how code reaches their fields.

Each record is written once, as a ctypes structure. Python fills it in by name; :func:`get` and :func:`put` emit the
loads and stores of the same fields.
"""

from __future__ import annotations

import ctypes
from ctypes import c_char, c_char_p, c_int8, c_int32, c_int64, c_void_p
from typing import Any, Final, final

from wengert.compile.emit import I8, I32, I64, PTR, Emitter, Type, Value

__all__ = [
    "ARRAY", "BOOL", "COMPLEX", "FLOAT", "INT", "SCALAR", "Call", "Gate", "Group", "MethodDef", "Operand", "Team",
    "at", "get", "put", "record_at",
]  # fmt: skip

ARRAY, SCALAR, FLOAT, INT, BOOL, COMPLEX = range(6)  # what kind of object an operand is
LINE = 64  # bytes between fields that different threads write
_TYPES = {c_void_p: PTR, c_int64: I64, c_int32: I32, c_int8: I8}


@final
class MethodDef(ctypes.Structure):
    """CPython's PyMethodDef."""

    _fields_ = [("name", c_char_p), ("function", c_void_p), ("flags", c_int32), ("doc", c_char_p)]


@final
class Operand(ctypes.Structure):
    """An input, an output or a constant: what its object must be, or is made from."""

    _fields_ = [
        ("kind", c_int32),
        ("type_number", c_int32),
        ("type", c_void_p),  # the object's type
        ("dtype", c_void_p),
        ("ndim", c_int64),
        ("shape", c_void_p),
        ("bytes", c_int64),
        ("input", c_int64),  # of an output: the input whose memory it takes over, or -1
        ("address", c_void_p),  # of a constant
    ]


class Call(ctypes.Structure):
    """One compiled function: all that its entry needs.

    A workspace is a block of memory that one call uses: the address to be freed, in a line of its own, the operands'
    addresses, the results' objects, slots for numbers, and the arena.
    """

    _fields_ = [
        ("core", c_void_p),
        ("inputs", c_int64),
        ("outputs", c_int64),
        ("constants", c_int64),
        ("operands", c_void_p),  # Operand records: inputs, outputs, constants
        ("workspace", c_void_p),  # one that is free
        ("bytes", c_int64),  # of a workspace
        ("objects_at", c_int64),
        ("slots_at", c_int64),
        ("arena_at", c_int64),
        ("unlock", c_int64),  # whether other Python threads may run meanwhile
        ("result", c_int64),  # 0: the only output, 1: a tuple, 2: a list
        ("group", c_void_p),  # teams of threads
        ("fail", c_void_p),  # a Python function that raises what a code means
        ("mismatch", c_void_p),  # NotImplemented
        ("true", c_void_p),  # True
        ("array", c_void_p),  # np.ndarray
    ]


@final
class Gate(ctypes.Structure):
    """Who passes may keep the processors busy; the others wait."""

    _fields_ = [("mutex", c_char * 128), ("opened", c_char * 128), ("busy", c_int64)]


@final
class Group(ctypes.Structure):
    """Teams of the same number of threads. Read and written by those who hold the interpreter's lock."""

    _fields_ = [("free", c_void_p), ("make", c_void_p), ("gate", c_void_p)]


PLACES: Final = 128  # bytes of a set of processors, as Linux has them


@final
class Team(ctypes.Structure):
    """A caller and its helpers. Fields that different threads write lie in different cache lines."""

    _fields_ = [
        ("round", c_int64),  # how many jobs there have been: a new number is the signal to begin
        ("_0", c_char * (LINE - 8)),
        ("core", c_void_p),
        ("operands", c_void_p),
        ("arena", c_void_p),
        ("threads", c_int64),
        ("spins", c_int64),  # how often a helper looks for a job before it falls asleep
        ("pause", c_void_p),  # gives the processor to another thread
        ("next", c_void_p),  # free team of the group
        ("_1", c_char * (LINE - 56)),
        ("place", c_int64),  # the processor that the caller is on
        ("allowed", c_char * PLACES),  # the processors that threads may be on, a bit each
        ("_6", c_char * (LINE - 8)),
        ("working", c_int64),  # helpers
        ("_2", c_char * (LINE - 8)),
        ("arrived", c_int64),  # at the barrier
        ("_3", c_char * (LINE - 8)),
        ("passed", c_int64),  # barriers
        ("code", c_int64),  # of the first thread that failed
        ("_4", c_char * (LINE - 16)),
        ("sleepers", c_int64),
        ("_5", c_char * (LINE - 8)),
        ("mutex", c_char * 128),
        ("wake", c_char * 128),
    ]


def at(e: Emitter, base: Value, record: type[ctypes.Structure], field: str) -> Value:
    """The address of a field."""
    return e.offset(base, getattr(record, field).offset, I8)


def _type(record: type[ctypes.Structure], field: str) -> Type:
    declared: dict[str, Any] = {name: kind for name, kind, *_ in record._fields_}
    return _TYPES[declared[field]]


def get(e: Emitter, base: Value, record: type[ctypes.Structure], field: str) -> Value:
    """Read a field."""
    return e.load(at(e, base, record, field), _type(record, field))


def put(e: Emitter, a: Value | int, base: Value, record: type[ctypes.Structure], field: str) -> None:
    """Write a field."""
    value = a if isinstance(a, Value) else e.const(_type(record, field), a)
    e.store(value, at(e, base, record, field))


def record_at(e: Emitter, call: Value, number: Value) -> Value:
    """The record of an operand: inputs, then outputs, then constants."""
    return e.offset(get(e, call, Call, "operands"), number * ctypes.sizeof(Operand), I8)
