"""The code by which Python calls a compiled function: one native function serves them all.

``PyObject *wengert_call(PyObject *self, PyObject *const *args, Py_ssize_t given)`` is a builtin method whose ``self``
is a :class:`~wengert.compile.records.Call`. It compares the operands with the records of what is expected, makes the
results' arrays, runs the core, and hands the results out; about a tenth of a microsecond in all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from wengert.compile import objects
from wengert.compile.donating import define_take, new_array
from wengert.compile.emit import F64, I8, I32, I64, PTR, Emitter, Value
from wengert.compile.records import (
    ARRAY,
    BOOL,
    COMPLEX,
    FLOAT,
    INT,
    SCALAR,
    Call,
    Group,
    Operand,
    get,
    record_at,
)
from wengert.compile.teams import give_free, take_free
from wengert.compile.workspaces import define_take_over, define_workspace, give_back, objects_at, operands_at, slot_at

__all__ = ["define_call"]


def _choose(e: Emitter, kind: Value, branches: Mapping[int, Callable[[], Sequence[Value]]]) -> list[Value]:
    """The branch of this kind; the last one where it is no other."""
    (number, branch), *rest = branches.items()
    if not rest:
        return list(branch())
    return e.if_(kind.equals(number), branch, lambda: _choose(e, kind, dict(rest)))


def _must(e: Emitter, condition: Value, otherwise: str) -> None:
    """Go on where the condition holds; else to a block that comes later."""
    on = e.fresh("O")
    e.branch(condition, on, otherwise)
    e.begin(on)


def define_call(e: Emitter) -> None:
    """All of it, part by part."""
    define_take(e)
    define_workspace(e)
    define_take_over(e)
    _define_inputs(e)
    _define_outputs(e)
    _define_drop(e)
    _define_execute(e)
    _define_results(e)
    with e.function("wengert_call", ["ptr", "ptr", "i64"], PTR) as (self, args, given):
        call = e.load(self, PTR, objects.HEADER // 8)
        _must(e, call.differs(e.const(PTR, 0)), "gone")
        _must(e, given.equals(get(e, call, Call, "inputs")), "mismatch")
        work = e.call("workspace", PTR, call)
        _must(e, work.differs(e.const(PTR, 0)), "memory")
        _must(e, e.call("inputs", I32, call, work, args).equals(0), "other")
        _must(e, e.call("outputs", I32, call, work, args).equals(0), "failed")
        _keep(e, self, call, args, "Py_IncRef")
        code = e.call("execute", I32, call, work)
        (result,) = e.if_(
            code.equals(0), lambda: [e.call("results", PTR, call, work)], lambda: [_fail(e, call, work, code)]
        )
        give_back(e, call, work)
        _keep(e, self, call, args, "Py_DecRef")
        e.ret(result)
        e.begin("failed")
        e.call("drop", None, call, work)
        give_back(e, call, work)
        e.ret(e.const(PTR, 0))
        e.begin("memory")
        e.ret(e.call("PyErr_NoMemory", PTR))
        e.begin("gone")  # the garbage collector has begun to take the function apart
        e.call("PyErr_BadInternalCall", None)
        e.ret(e.const(PTR, 0))
        e.begin("other")
        give_back(e, call, work)
        e.jump("mismatch")
        e.begin("mismatch")
        mismatch = get(e, call, Call, "mismatch")
        e.call("Py_IncRef", None, mismatch)
        e.ret(mismatch)


# ---- inputs


def _define_inputs(e: Emitter) -> None:
    """``i32 inputs(call, work, args)``: compare the operands with what is expected, and write down where they are."""
    with e.function("inputs", ["ptr", "ptr", "ptr"], I32, export=False, attributes="alwaysinline ") as (
        call, work, args,
    ):  # fmt: skip

        def one(k: Value) -> None:
            record, x = record_at(e, call, k), e.load(args, PTR, k)
            _must(e, e.load(x, PTR, objects.TYPE // 8).equals(get(e, record, Operand, "type")), "other")
            kind = get(e, record, Operand, "kind")
            (address,) = _choose(e, kind, {
                ARRAY: lambda: [_array(e, record, x)],
                INT: lambda: [_int(e, x, slot_at(e, call, work, k))],
                BOOL: lambda: [_bool(e, call, x, slot_at(e, call, work, k))],
                SCALAR: lambda: [e.offset(x, objects.NUMBER, I8)],
            })  # fmt: skip
            e.store(address, operands_at(e, work), k)

        e.loop(get(e, call, Call, "inputs"), one)
        e.ret(e.const(I32, 0))
        e.begin("other")
        e.ret(e.const(I32, 1))


def field(e: Emitter, x: Value, name: str) -> Value:
    """The address of an array's field."""
    return e.offset(x, objects.array_fields[name], I8)


def _array(e: Emitter, record: Value, x: Value) -> Value:
    """Its data, where dtype, shape and layout are as expected."""
    dtype, expected = e.load(field(e, x, "dtype"), PTR), get(e, record, Operand, "dtype")
    e.if_(dtype.differs(expected), lambda: _dtype(e, record, dtype))
    wanted = e.const(I32, objects.C_CONTIGUOUS | objects.ALIGNED)
    _must(e, (e.load(field(e, x, "flags"), I32) & wanted).equals(wanted), "other")
    ndim = get(e, record, Operand, "ndim")
    _must(e, e.convert(e.load(field(e, x, "ndim"), I32), I64).equals(ndim), "other")
    shape, given = get(e, record, Operand, "shape"), e.load(field(e, x, "shape"), PTR)

    def length(axis: Value) -> None:
        _must(e, e.load(given, I64, axis).equals(e.load(shape, I64, axis)), "other")

    e.loop(ndim, length)
    return e.load(field(e, x, "data"), PTR)


def _dtype(e: Emitter, record: Value, dtype: Value) -> None:
    """Another object for the same type, as metadata make one; in this machine's order of bytes."""
    number = e.load(e.offset(dtype, objects.dtype_fields["number"], I8), I32)
    _must(e, number.equals(get(e, record, Operand, "type_number")), "other")
    order = e.load(e.offset(dtype, objects.dtype_fields["byteorder"], I8), I8)
    _must(e, order.differs(ord(objects.FOREIGN)), "other")


def _int(e: Emitter, x: Value, slot: Value) -> Value:
    """An int, where it has no more than 64 bits."""
    overflow = e.alloca(I32)
    e.store(e.call("PyLong_AsLongLongAndOverflow", I64, x, overflow), slot)
    _must(e, e.load(overflow, I32).equals(0), "other")
    return slot


def _bool(e: Emitter, call: Value, x: Value, slot: Value) -> Value:
    e.store(x.equals(get(e, call, Call, "true")), slot)
    return slot


# ---- outputs


def _define_outputs(e: Emitter) -> None:
    """``i32 outputs(call, work, args)``: make the results' arrays; 1 where Python has raised an exception."""
    with e.function("outputs", ["ptr", "ptr", "ptr"], I32, export=False) as (call, work, args):
        n, inputs, made = get(e, call, Call, "outputs"), get(e, call, Call, "inputs"), objects_at(e, call, work)
        nothing = e.const(PTR, 0)
        e.loop(n, lambda k: e.store(nothing, made, k))

        def one(k: Value) -> None:
            number = inputs + k
            record = record_at(e, call, number)

            def array() -> list[Value]:
                source = get(e, record, Operand, "input")
                (x,) = e.if_(
                    source < 0,
                    lambda: [new_array(e, call, record, nothing)],
                    lambda: [e.call("take", PTR, call, operands_at(e, work), record, e.load(args, PTR, source))],
                )
                _must(e, x.differs(nothing), "failed")
                e.store(x, made, k)
                data = e.load(field(e, x, "data"), PTR)
                e.if_(source >= 0, lambda: e.store(data, operands_at(e, work), source))
                return [data]

            (address,) = e.if_(
                get(e, record, Operand, "kind").equals(ARRAY), array, lambda: [slot_at(e, call, work, number)]
            )
            e.store(address, operands_at(e, work), number)

        e.loop(n, one)
        e.ret(e.const(I32, 0))
        e.begin("failed")
        e.ret(e.const(I32, 1))


def _define_drop(e: Emitter) -> None:
    """Let go of the results that were made."""
    with e.function("drop", ["ptr", "ptr"], export=False) as (call, work):
        made = objects_at(e, call, work)
        e.loop(get(e, call, Call, "outputs"), lambda k: e.call("Py_DecRef", None, e.load(made, PTR, k)))


# ---- the core


def _keep(e: Emitter, self: Value, call: Value, args: Value, how: str) -> None:
    """Hold, or let go of, the function and the operands, where other threads or callbacks may drop them meanwhile."""

    def all_of_them() -> None:
        e.loop(get(e, call, Call, "inputs"), lambda k: e.call(how, None, e.load(args, PTR, k)))
        e.call(how, None, self)

    e.if_(get(e, call, Call, "unlock").differs(0), all_of_them)


def _define_execute(e: Emitter) -> None:
    """``i32 execute(call, work)``: the core's code; -1 where Python has raised an exception."""
    with e.function("execute", ["ptr", "ptr"], I32, export=False) as (call, work):
        null = e.const(PTR, 0)
        core, group, operands = get(e, call, Call, "core"), get(e, call, Call, "group"), operands_at(e, work)
        arena = e.offset(work, get(e, call, Call, "arena_at"), I8)
        _must(e, core.differs(null), "nothing")
        run = f"call i32 {core.name}({operands}, {arena}, i64 0, ptr null)"
        (code,) = e.if_(
            group.equals(null),
            lambda: [_unlocked(e, call, lambda: e.value(I32, run))],
            lambda: [_by_team(e, group, core, operands, arena)],
        )
        e.ret(code)
        e.begin("nothing")
        e.ret(e.const(I32, 0))


def _unlocked(e: Emitter, call: Value, run: Callable[[], Value]) -> Value:
    """Run without the interpreter's lock, where that is worth it."""

    def without() -> list[Value]:
        state = e.call("PyEval_SaveThread", PTR)
        code = run()
        e.call("PyEval_RestoreThread", None, state)
        return [code]

    return e.if_(get(e, call, Call, "unlock").differs(0), without, lambda: [run()])[0]


def _by_team(e: Emitter, group: Value, core: Value, operands: Value, arena: Value) -> Value:
    """By a free team of the group, or a new one, one team at a time."""
    null, free = e.const(PTR, 0), take_free(e, group)

    def make() -> list[Value]:
        number = e.call("PyObject_CallNoArgs", PTR, get(e, group, Group, "make"))

        def address() -> list[Value]:
            found = e.call("PyLong_AsVoidPtr", PTR, number)
            e.call("Py_DecRef", None, number)
            return [found]

        return e.if_(number.differs(null), address, lambda: [null])

    (team,) = e.if_(free.differs(null), lambda: [free], make)

    def run() -> list[Value]:
        gate = get(e, group, Group, "gate")
        state = e.call("PyEval_SaveThread", PTR)
        e.call("wengert_enter", None, gate)
        code = e.call("wengert_run", I32, team, core, operands, arena)
        e.call("wengert_leave", None, gate)
        e.call("PyEval_RestoreThread", None, state)
        give_free(e, group, team)
        return [code]

    return e.if_(team.differs(null), run, lambda: [e.const(I32, -1)])[0]


def _fail(e: Emitter, call: Value, work: Value, code: Value) -> Value:
    """Raise what the code means."""
    null = e.const(PTR, 0)
    e.call("drop", None, call, work)

    def raise_() -> None:
        number = e.call("PyLong_FromLongLong", PTR, e.convert(code, I64))

        def ask() -> None:
            e.call("Py_DecRef", None, e.call("PyObject_CallOneArg", PTR, get(e, call, Call, "fail"), number))
            e.call("Py_DecRef", None, number)

        e.if_(number.differs(null), ask)

    e.if_(code.differs(-1), raise_)
    return null


# ---- results


def _define_results(e: Emitter) -> None:
    """``ptr results(call, work)``: the only result, or a tuple or list of all; null after an exception."""
    with e.function("results", ["ptr", "ptr"], PTR, export=False) as (call, work):
        n, made, null = get(e, call, Call, "outputs"), objects_at(e, call, work), e.const(PTR, 0)

        def number(k: Value) -> None:
            which = get(e, call, Call, "inputs") + k
            record = record_at(e, call, which)
            address = slot_at(e, call, work, which)
            (x,) = _choose(e, get(e, record, Operand, "kind"), {
                ARRAY: lambda: [e.load(made, PTR, k)],
                FLOAT: lambda: [e.call("PyFloat_FromDouble", PTR, e.load(address, F64))],
                INT: lambda: [e.call("PyLong_FromLongLong", PTR, e.load(address, I64))],
                BOOL: lambda: [e.call("PyBool_FromLong", PTR, e.convert(e.load(address, I8), I64))],
                COMPLEX: lambda: [e.call("PyComplex_FromDoubles", PTR, e.load(address, F64), e.load(address, F64, 1))],
                SCALAR: lambda: [e.call("PyArray_Scalar", PTR, address, get(e, record, Operand, "dtype"), null)],
            })  # fmt: skip
            e.store(x, made, k)
            _must(e, x.differs(null), "failed")

        e.loop(n, number)
        shape = get(e, call, Call, "result")
        (result,) = e.if_(
            shape.equals(0),
            lambda: [e.load(made, PTR)],
            lambda: e.if_(
                shape.equals(1),
                lambda: [_packed(e, "Tuple", n, made)],
                lambda: [_packed(e, "List", n, made)],
            ),
        )
        e.ret(result)
        e.begin("failed")
        e.call("drop", None, call, work)
        e.ret(null)


def _packed(e: Emitter, kind: str, n: Value, made: Value) -> Value:
    """A tuple or list that takes the results over."""
    result = e.call(f"Py{kind}_New", PTR, n)
    _must(e, result.differs(e.const(PTR, 0)), "failed")
    e.loop(n, lambda k: e.call(f"Py{kind}_SetItem", I32, result, k, e.load(made, PTR, k)) and None)
    return result
