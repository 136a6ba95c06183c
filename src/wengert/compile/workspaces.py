"""The memory of a call: operands' addresses, results' objects, slots for numbers, and the arena, in one block.

A function keeps one block for its next call; of functions that are used by turns, the one whose turn it is.
A block begins with the address to be freed and how many bytes lie behind it.
"""

from __future__ import annotations

from typing import Final

from wengert.compile.emit import I8, I32, I64, PTR, Emitter, Value
from wengert.compile.foreign import HUGE_PAGES
from wengert.compile.records import LINE, Call, Operand, get, put, record_at

__all__ = ["SLOT", "define_take_over", "define_workspace", "give_back", "objects_at", "operands_at", "slot_at"]

SLOT: Final = 16  # bytes for a number that is not read where it lies
LARGE: Final = 4 << 20  # bytes from which on memory is asked for in large pages: NumPy's own measure
PAGE: Final = 4096
MADV_HUGEPAGE: Final = 14


def define_workspace(e: Emitter) -> None:
    """The free one, or a new one, in which the constants' addresses stand from the start."""
    with e.function("workspace", ["ptr"], PTR, export=False) as (call,):
        free = get(e, call, Call, "workspace")
        put(e, e.const(PTR, 0), call, Call, "workspace")

        def new() -> list[Value]:
            size = get(e, call, Call, "bytes") + LINE
            memory = e.call("PyMem_RawMalloc", PTR, size)
            if HUGE_PAGES:
                e.if_(size >= LARGE, lambda: _advise(e, memory, size))
            return e.if_(memory.differs(e.const(PTR, 0)), lambda: [_prepare(e, call, memory)], lambda: [memory])

        (work,) = e.if_(free.equals(e.const(PTR, 0)), new, lambda: [free])
        e.ret(work)


def _advise(e: Emitter, memory: Value, size: Value) -> None:
    """Ask for large pages, as NumPy does for its arrays: a page of 4 KB costs as much as computing with what is on it.

    Where the system has none, or there was no memory, nothing comes of it.
    """
    number = e.value(I64, f"ptrtoint {memory} to i64")
    begin = (number + (PAGE - 1)) & -PAGE
    length = (size - PAGE) & -PAGE
    e.call("madvise", I32, e.value(PTR, f"inttoptr {begin} to ptr"), length, e.const(I32, MADV_HUGEPAGE))


def _prepare(e: Emitter, call: Value, memory: Value) -> Value:
    number = e.value(I64, f"ptrtoint {memory} to i64")
    work = e.value(PTR, f"inttoptr {(number + (LINE - 1)) & -LINE} to ptr")
    e.store(memory, work)
    e.store(get(e, call, Call, "bytes"), work, 1)
    return _furnish(e, call, work)


def _furnish(e: Emitter, call: Value, work: Value) -> Value:
    """Write down where the constants are."""
    first = get(e, call, Call, "inputs") + get(e, call, Call, "outputs")

    def constant(k: Value) -> None:
        e.store(get(e, record_at(e, call, first + k), Operand, "address"), operands_at(e, work), first + k)

    e.loop(get(e, call, Call, "constants"), constant)
    return work


def define_take_over(e: Emitter) -> None:
    """``wengert_take_over(call, other)``, for Python, which holds the interpreter's lock.

    What the other function keeps is kept by this one from now on, or freed where that is too small or there is one.
    """
    with e.function("wengert_take_over", ["ptr", "ptr"]) as (call, other):
        null, work = e.const(PTR, 0), get(e, other, Call, "workspace")

        def take() -> None:
            put(e, null, other, Call, "workspace")
            e.if_(
                e.load(work, I64, 1) >= get(e, call, Call, "bytes"),
                lambda: give_back(e, call, _furnish(e, call, work)),
                lambda: e.call("PyMem_RawFree", None, e.load(work, PTR)),
            )

        e.if_(work.differs(null), take)


def give_back(e: Emitter, call: Value, work: Value) -> None:
    """Keep it for the next call, or free it where one is kept already."""
    e.if_(
        get(e, call, Call, "workspace").equals(e.const(PTR, 0)),
        lambda: put(e, work, call, Call, "workspace"),
        lambda: e.call("PyMem_RawFree", None, e.load(work, PTR)),
    )


def operands_at(e: Emitter, work: Value) -> Value:
    """Where the operands' addresses stand."""
    return e.offset(work, LINE, I8)


def objects_at(e: Emitter, call: Value, work: Value) -> Value:
    """Where the results' objects stand."""
    return e.offset(work, get(e, call, Call, "objects_at"), I8)


def slot_at(e: Emitter, call: Value, work: Value, number: Value) -> Value:
    """Where the number of an operand stands."""
    return e.offset(work, get(e, call, Call, "slots_at") + number * SLOT, I8)
