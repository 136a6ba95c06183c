"""Calling machine code: what is taken, what is refused, what comes back, and what stays alive."""

import gc
import sys
import threading
import time
import tracemalloc
import weakref
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

from wengert.compile import callbacks, objects
from wengert.compile import entry as entry_module
from wengert.compile.callbacks import callback
from wengert.compile.donating import was_donated
from wengert.compile.emit import F64, I8, I32, I64, PTR, Emitter, type_of
from wengert.compile.engine import link, object_code
from wengert.compile.entry import entry, slow, take_over
from wengert.compile.runtime import emitted
from wengert.compile.target import Target
from wengert.core.types import Aval, aval_of
from wengert.errors import CompileError, ShapeError

KINDS = "?bhilqBHILQfdFD"
PLAIN = np.arange(10.0)


@pytest.fixture(params=["native", "plain"])
def path(request, monkeypatch):
    """Both entries: the native one, and the one for interpreters whose objects are not known."""
    if request.param == "plain":
        monkeypatch.setattr(entry_module.objects, "usable", lambda: False)
    return request.param


def array(*shape, dtype=float):
    return Aval(shape, np.dtype(dtype), "array")


def scalar(dtype=float):
    return Aval((), np.dtype(dtype), "scalar")


def number(kind):
    return Aval((), np.dtype({float: "f8", int: "i8", bool: "?", complex: "c16"}[kind]), "python")


def build(body, inputs, outputs, symbols=(), keep=None, **options):
    """An entry to a core with this body: ``body(e, addresses, arena)`` may give a code."""
    e = Emitter()
    for name, address in symbols:
        e.external(name, address, I32, PTR)
    constants = options.get("constants", ())
    with e.function("core", ["ptr", "ptr", "i64", "ptr"], I32) as (operands, arena, _thread, _team):
        addresses = [e.load(operands, PTR, k) for k in range(len(inputs) + len(outputs) + len(constants))]
        e.ret(body(e, addresses, arena) or e.const(I32, 0))
    unit = link(object_code(e.text()), e.exports, e.symbols, keep)
    return entry(unit["core"], inputs, outputs, unit=unit, **options)


def copying(*avals):
    """A core that copies operand by operand, byte by byte."""

    def body(e, at, _arena):
        n = len(avals)
        for k, aval in enumerate(avals):
            e.loop(
                aval.size * aval.dtype.itemsize,
                lambda i, k=k: e.store(e.load(at[k], I8, i), at[n + k], i),
            )

    return body


def copier(*avals, **options):
    return build(copying(*avals), avals, avals, **options)


def doubler(aval, **options):
    t = type_of(aval.dtype)

    def body(e, at, _arena):
        e.loop(aval.size, lambda i: e.store(2 * e.load(at[0], t, i), at[1], i))

    return build(body, [aval], [aval], result="single", **options)


# ---- results


def test_an_array_comes_back(path):
    f = doubler(array(10))
    out = f(PLAIN)
    assert type(out) is np.ndarray
    np.testing.assert_array_equal(out, 2 * PLAIN, strict=True)
    assert out.flags.owndata and out.flags.writeable and out.flags.c_contiguous


def test_the_native_entry_is_a_builtin():
    assert type(doubler(array(3))) is type(len)
    assert "twice" in repr(doubler(array(3), name="twice"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_dtype_as_array_and_as_scalar(path, kind):
    dtype = np.dtype(kind)
    a = np.arange(6).reshape(2, 3).astype(dtype)
    x = dtype.type(1)
    found = copier(aval_of(a), aval_of(x))(a, x)
    np.testing.assert_array_equal(found[0], a, strict=True)
    assert type(found[1]) is type(x) and found[1] == x


@pytest.mark.parametrize("x", [2.5, -0.0, float("inf"), 3, -1, (1 << 63) - 1, -(1 << 63), 10**9, True, False, 1 - 2j])
def test_python_numbers_come_back_as_such(path, x):
    (found,) = copier(aval_of(x))(x)
    assert type(found) is type(x) and repr(found) == repr(x)


def test_a_nan_keeps_its_type(path):
    (found,) = copier(scalar())(np.float64("nan"))
    assert np.isnan(found)


@pytest.mark.parametrize("result", ["tuple", "list"])
def test_many_results(path, result):
    avals = [array(2), scalar("f4"), number(int), array(0, 3), number(float)]
    operands = [np.ones(2), np.float32(3), 4, np.zeros((0, 3)), 0.5]
    found = copier(*avals, result=result)(*operands)
    assert type(found).__name__ == result
    for x, y in zip(found, operands, strict=True):
        np.testing.assert_array_equal(x, y, strict=True)
        assert type(x) is type(y)


def test_no_results_and_no_operands(path):
    ran = []
    assert build(lambda *_: None, [], [])() == ()
    f = build(lambda e, at, _: e.store(e.const(F64, 7), at[0]), [], [scalar()], result="single")
    assert f() == 7.0 and not ran


def test_zero_dimensional_arrays_and_many_axes(path):
    for shape in [(), (1,) * 32, (1,) * 64, (2,) * 10]:
        x = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
        (found,) = copier(array(*shape))(x)
        np.testing.assert_array_equal(found, x, strict=True)


def test_a_core_without_elements_to_compute_does_not_run(path):
    f = build(lambda e, *_: e.const(I32, 5), [array(0, 4)], [array(4, 0)], result="single")
    assert f(np.zeros((0, 4))).shape == (4, 0)
    g = build(lambda e, at, _: e.store(e.const(F64, 3), at[1]), [array(0)], [array()], result="single")
    assert g(np.zeros(0)) == 3  # a sum of no elements is still a sum


def test_the_arena_is_aligned_and_as_large_as_asked(path):
    def body(e, at, arena):
        n = e.value(I64, f"ptrtoint {arena} to i64")
        e.store(n & 63, at[0])
        e.loop(1000, lambda i: e.store(i, arena, i))

    f = build(body, [], [number(int)], arena_bytes=8000, result="single")
    assert [f() for _ in range(3)] == [0, 0, 0]


def test_constants_are_read_and_kept_alive(path):
    constants = [np.arange(5.0), np.arange(10.0)[::2], np.array(2.0)]
    kept = weakref.ref(constants[0])

    def body(e, at, _):
        e.loop(5, lambda i: e.store(e.load(at[1], F64, i) + e.load(at[2], F64, i) * e.load(at[3], F64), at[0], i))

    f = build(body, [], [array(5)], constants=constants, result="single")
    del constants
    gc.collect()
    assert kept() is not None
    np.testing.assert_array_equal(f(), np.arange(5.0) * 5)
    np.testing.assert_array_equal(f(), np.arange(5.0) * 5)


# ---- refusals


SUBCLASS = type("Sub", (np.ndarray,), {})
MISALIGNED = np.zeros(81, np.uint8)[1:].view(float)
REFUSED = {
    "a list": list(PLAIN),
    "None": None,
    "a float": 1.0,
    "a NumPy scalar": np.float64(1),
    "another dtype": PLAIN.astype("f4"),
    "another dtype of the same size": np.arange(10),
    "swapped bytes": PLAIN.astype(PLAIN.dtype.newbyteorder()),
    "another length": np.zeros(11),
    "another ndim": np.zeros((10, 1)),
    "no axis": np.zeros(()),
    "every second": np.zeros(20)[::2],
    "backwards": PLAIN[::-1],
    "misaligned": MISALIGNED,
    "a subclass": PLAIN.view(SUBCLASS),
    "masked": np.ma.array(PLAIN),
    "a matrix": PLAIN.view(np.matrix),
}


@pytest.mark.parametrize("what", REFUSED)
def test_arrays_that_do_not_fit(path, what):
    assert not MISALIGNED.flags.aligned
    f = doubler(array(10))
    x = REFUSED[what]
    before = sys.getrefcount(x)
    found = {id(f(x)) for _ in range(100)}
    assert found == {id(NotImplemented)}
    assert abs(sys.getrefcount(x) - before) < 50  # those of None go up and down by themselves
    np.testing.assert_array_equal(f(PLAIN), 2 * PLAIN)


def test_shapes_of_the_same_size_and_orders():
    f = copier(array(2, 3))
    for x in (np.zeros((3, 2)), np.zeros(6), np.zeros((2, 3), order="F"), np.zeros((2, 3, 1)), np.zeros((1, 2, 3))):
        assert f(x) is NotImplemented
    assert f(np.zeros((2, 3)))[0].shape == (2, 3)


def test_a_dtype_with_metadata_is_the_same_dtype(path):
    x = np.arange(10.0).astype(np.dtype(float, metadata={"unit": "m"}))
    assert x.dtype is not PLAIN.dtype
    np.testing.assert_array_equal(doubler(array(10))(x), 2 * PLAIN)


@pytest.mark.parametrize(
    ("aval", "refused"),
    [
        (number(float), [1, True, np.float64(1), np.array(1.0), 1j, "1", None]),
        (number(int), [1.0, True, np.int64(1), np.array(1), 1 << 63, -(1 << 63) - 1, 1 << 200]),
        (number(bool), [1, 0.0, np.True_, None]),
        (number(complex), [1.0, np.complex128(1)]),
        (scalar(), [1.0, np.float32(1), np.array(1.0), np.int64(1)]),
        (scalar("i8"), [1, np.int32(1), np.uint64(1), np.float64(1)]),
        (scalar("?"), [True, np.int8(1)]),
    ],
    ids=str,
)
def test_numbers_that_do_not_fit(path, aval, refused):
    f = copier(aval)
    for x in refused:
        assert f(x) is NotImplemented, x


def test_the_number_of_operands(path):
    f = doubler(array(10))
    assert f() is NotImplemented
    assert f(PLAIN, PLAIN) is NotImplemented
    with pytest.raises(TypeError):
        f(x=PLAIN)


def test_read_only_operands_are_fine(path):
    x = PLAIN.copy()
    x.flags.writeable = False
    np.testing.assert_array_equal(doubler(array(10))(x), 2 * PLAIN)


def test_strange_dtypes_are_refused_when_made():
    for dtype in ("M8[s]", "U3", "O", np.dtype(float).newbyteorder(), [("a", float)]):
        with pytest.raises(CompileError, match="no arrays of"):
            copier(array(3, dtype=dtype))


# ---- the slow path


@pytest.mark.parametrize("what", ["swapped bytes", "every second", "backwards", "misaligned"])
def test_other_layouts_are_copied(path, what):
    x = np.zeros(10) + PLAIN
    other = REFUSED[what].copy() if what == "swapped bytes" else REFUSED[what]
    if what in ("every second", "misaligned"):
        other[...] = PLAIN
    expected = 2 * np.asarray(other, float)
    np.testing.assert_array_equal(slow(doubler(array(10)), [other]), expected, strict=True)
    del x


def test_numbers_of_another_kind_but_the_same_type(path):
    assert slow(copier(scalar()), [np.array(2.5)]) == (2.5,)
    assert type(slow(copier(scalar()), [2.5])[0]) is np.float64
    assert type(slow(copier(number(float)), [np.float64(2.5)])[0]) is float
    assert slow(copier(array()), [2.5])[0].shape == ()


def test_a_memory_map_is_an_array(path, tmp_path):
    x = np.memmap(tmp_path / "x", float, "w+", shape=(10,))
    x[...] = PLAIN
    np.testing.assert_array_equal(slow(doubler(array(10)), [x]), 2 * PLAIN)
    x._mmap.close()


def test_what_cannot_be_converted_is_explained(path):
    f = doubler(array(10), name="loss")
    with pytest.raises(
        ShapeError, match=r"operand 0 of loss has shape \(11,\), where an array of float64 of shape \(10,\)"
    ):
        slow(f, [np.zeros(11)])
    with pytest.raises(CompileError, match=r"params\['w'\] is an array of float32(.|\n)*write: np.asarray"):
        slow(f, [np.zeros(10, "f4")], ["params['w']"])
    with pytest.raises(CompileError, match="MaskedArray"):
        slow(f, [np.ma.array(PLAIN)])
    with pytest.raises(CompileError, match="takes 1 operands, not 2"):
        slow(f, [PLAIN, PLAIN])
    with pytest.raises(CompileError, match="64 bits"):
        slow(copier(number(int)), [1 << 63])


# ---- failures


def test_a_code_becomes_an_exception(path):
    f = build(
        lambda e, at, _: e.convert(e.load(at[0], I64), I32), [number(int)], [array(1000)],
        raise_code=lambda code: ZeroDivisionError(f"code {code}"), result="single",
    )  # fmt: skip
    assert f(0).shape == (1000,)
    for code in (1, 7, 65):
        with pytest.raises(ZeroDivisionError, match=f"code {code}"):
            f(code)
    assert f(0).shape == (1000,)


def test_a_code_nobody_explains(path):
    f = build(lambda e, *_: e.const(I32, 3), [], [array(1)], name="loss")
    with pytest.raises(CompileError, match="loss: its machine code failed with code 3"):
        f()


def test_failed_calls_leave_no_memory_behind():
    f = build(lambda e, *_: e.const(I32, 3), [array(1 << 17)], [array(1 << 17)] * 2)
    x = np.zeros(1 << 17)
    tracemalloc.start()
    try:
        for _ in range(10):  # 20 MB, were they kept
            with pytest.raises(CompileError):
                f(x)
        assert tracemalloc.get_traced_memory()[0] < 3e6
    finally:
        tracemalloc.stop()
    assert sys.getrefcount(x) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are Linux's")
def test_no_memory():
    f = build(lambda *_: None, [], [array(1 << 45)])
    with pytest.raises(MemoryError):
        f()


# ---- references and lifetime


def test_reference_counts_stay(path):
    x, y = np.zeros(10), np.float64(3)
    f = copier(array(10), scalar(), seconds=1.0)
    before = sys.getrefcount(x), sys.getrefcount(y), sys.getrefcount(f), sys.getrefcount(x.dtype)
    for _ in range(100):
        f(x, y)
        f(y, x)
    assert (sys.getrefcount(x), sys.getrefcount(y), sys.getrefcount(f), sys.getrefcount(x.dtype)) == before
    assert sys.getrefcount(f(x, y)[0]) == 1 + (sys.version_info < (3, 14))


def test_a_dropped_function_lets_go_of_all(path):
    class Anything:
        pass

    keep, constant = Anything(), np.zeros(3)
    gone = [weakref.ref(keep), weakref.ref(constant)]
    e = Emitter()
    with e.function("core", ["ptr", "ptr", "i64", "ptr"], I32):
        e.ret(e.const(I32, 0))
    unit = link(object_code(e.text()), e.exports)
    gone.append(weakref.ref(unit))
    f = entry(unit["core"], [], [], unit=(unit, keep), constants=[constant], arena_bytes=1 << 20)
    f()
    del unit, keep, constant
    assert all(r() is not None for r in gone)
    del f
    gc.collect()
    assert not any(r() for r in gone)


def test_a_function_in_a_circle_of_references_is_collected(path):
    class Holder:
        def explain(self, code):
            return ArithmeticError(code)

    def circle():
        holder = Holder()
        holder.f = build(lambda e, *_: e.const(I32, 3), [], [array(1)], raise_code=holder.explain)
        holder.calls = [holder.f] * 3
        with pytest.raises(ArithmeticError):
            holder.f()
        return weakref.ref(holder)

    gone = [circle() for _ in range(10)]
    gc.collect()
    assert not any(r() for r in gone)


def resident():
    """Megabytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_of_many_functions_that_come_and_go():
    e = Emitter()
    with e.function("core", ["ptr", "ptr", "i64", "ptr"], I32):
        e.ret(e.const(I32, 0))
    unit = link(object_code(e.text()), e.exports)
    x = np.zeros((3, 4))

    def some(n):
        for _ in range(n):
            f = entry(unit["core"], [aval_of(x)] * 4, [aval_of(x)], unit=unit, arena_bytes=10_000)
            f(x, x, x, x)

    some(500)
    before = resident()
    some(10_000)
    assert resident() - before < 10  # 100 MB of arenas alone, were they kept


def test_a_function_dropped_during_its_own_call():
    box = []

    def drop(_):
        box.clear()
        gc.collect()
        return np.ones(3)

    address, keep = callback(drop, [array(3)], [array(3)])

    def body(e, at, arena):
        e.store(at[0], arena)
        e.store(at[1], arena, 1)
        return e.call("python", I32, arena)

    box.append(build(body, [array(3)], [array(3)], [("python", address)], keep, arena_bytes=16, seconds=1.0))
    np.testing.assert_array_equal(box[0](np.zeros(3))[0], np.ones(3))
    assert not box


def test_arrays_cannot_be_resized_during_a_call():
    x = np.zeros(3)
    outcome = []

    def resize(_):
        try:
            x.resize(1000)
        except ValueError as error:
            outcome.append(str(error))
        return np.ones(3)

    f = calling(resize, [array(3)], [array(3)])
    f(x)
    assert "cannot resize" in outcome[0] and x.shape == (3,)


# ---- callbacks


def calling(function, inputs, outputs, *, options=None, **settings):
    """An entry whose core calls Python."""
    address, keep = callback(function, inputs, outputs, **(options or {}))

    def body(e, at, arena):
        for k, a in enumerate(at):
            e.store(a, arena, k)
        return e.call("python", I32, arena)

    settings = {"arena_bytes": 8 * (len(inputs) + len(outputs)), **settings}
    return build(body, inputs, outputs, [("python", address)], (keep, function), **settings)


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_python_is_called_with_its_own_kinds(path, seconds):
    seen = []

    def f(*operands):
        seen.extend(operands)
        assert not operands[0].flags.writeable and not operands[0].flags.owndata
        return operands[0] + 1, operands[1] * 2, operands[2] + 1, not operands[3], operands[4] - 1

    avals = [array(2, 3, dtype="f4"), scalar("i4"), number(int), number(bool), number(float)]
    operands = [np.ones((2, 3), "f4"), np.int32(4), 5, True, 0.5]
    found = calling(f, avals, avals, seconds=seconds)(*operands)
    assert [type(x) for x in seen] == [type(x) for x in operands]
    for x, y in zip(found, [np.full((2, 3), 2, "f4"), np.int32(8), 6, False, -0.5], strict=True):
        assert type(x) is type(y)
        np.testing.assert_array_equal(x, y, strict=True)


@pytest.mark.parametrize("seconds", [0.0, 1.0])
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_the_callbacks_exception_is_raised(path, seconds, kind):
    error = kind("mine")

    def f(_):
        raise error

    g = calling(f, [array(2)], [array(2)], seconds=seconds)
    x = np.zeros(2)
    with pytest.raises(kind) as caught:
        g(x)
    assert caught.value is error
    del caught
    assert error not in callbacks._raised.values()
    error.__traceback__ = error.__context__ = None  # its frames hold the operands
    assert sys.getrefcount(x) == 2


def test_what_a_callback_gives_is_checked():
    for wrong in (np.zeros(3), np.zeros(2, "f4"), 1.0):
        with pytest.raises(CompileError, match=r"where f64\[2\] was expected"):
            calling(lambda x, wrong=wrong: wrong, [array(2)], [array(2)])(np.zeros(2))
    with pytest.raises(ValueError, match="shorter"):
        calling(lambda x: [x], [array(2)], [array(2), array(2)])(np.zeros(2))


def test_copies_may_be_kept():
    kept = []

    def f(x):
        kept.append(x)
        return x

    calling(f, [array(2)], [array(2)], options={"copies": True})(np.ones(2))
    assert kept[0].flags.owndata
    np.testing.assert_array_equal(kept[0], np.ones(2))


def test_a_function_calls_itself():
    def f(n):
        return 0 if n == 0 else n + g(n - 1)

    g = calling(f, [number(int)], [number(int)], result="single", arena_bytes=1 << 20)
    tracemalloc.start()
    try:
        assert g(20) == 210
        assert tracemalloc.get_traced_memory()[0] < 2e6  # one arena is kept for the next call
    finally:
        tracemalloc.stop()


# ---- functions that are used by turns


def adding(constant, arena_bytes):
    """Adds a constant, by way of all of its arena."""

    def body(e, at, arena):
        e.loop(arena_bytes, lambda i: e.store(e.const(I8, -1), arena, i))
        e.store(e.load(at[0], F64), arena)
        e.store(e.load(arena, F64) + e.load(at[1 + 1], F64), at[1])

    constants = [np.array([constant]), np.zeros(3)][: 1 + (arena_bytes > 1 << 20)]  # the layouts differ
    options = {"arena_bytes": arena_bytes, "constants": constants, "result": "single"}
    return build(body, [number(float)], [number(float)], **options)


@pytest.mark.parametrize(("first", "second"), [(1 << 20, 1 << 20), (3 << 20, 1 << 20), (1 << 20, 3 << 20)])
def test_two_functions_need_the_memory_of_one(first, second):
    f, g = adding(1.0, first), adding(10.0, second)
    tracemalloc.start()
    try:
        for k in range(10):
            assert f(float(k)) == k + 1
            take_over(g, f)
            assert g(float(k)) == k + 10
            assert tracemalloc.get_traced_memory()[0] < max(first, second) + 3e5
            take_over(f, g)
    finally:
        tracemalloc.stop()


def test_memory_that_fits_is_the_same_memory():
    f, g = adding(1.0, 3 << 20), adding(10.0, 1 << 20)
    f(0.0)
    place = f.__self__.workspace
    take_over(g, f)
    assert (g.__self__.workspace, f.__self__.workspace) == (place, None)
    assert g(0.0) == 10.0
    take_over(f, g)  # it is as large as ever
    assert f.__self__.workspace == place
    take_over(g, f)
    take_over(g, f)  # now there is nothing to be had
    assert g.__self__.workspace == place


def test_who_has_memory_needs_no_more(path):
    f, g = adding(1.0, 1 << 20), adding(10.0, 1 << 20)
    tracemalloc.start()
    try:
        assert (f(0.0), g(0.0)) == (1.0, 10.0)
        take_over(f, g)
        assert tracemalloc.get_traced_memory()[0] < 1.3e6
        assert (f(0.0), g(0.0)) == (1.0, 10.0)
    finally:
        tracemalloc.stop()


def test_memory_changes_hands_while_others_call():
    f, g = adding(1.0, 1 << 16), adding(10.0, 1 << 16)
    wrong, over = [], threading.Event()

    def work(call, constant):
        while not over.is_set():
            wrong.extend(k for k in range(50) if call(float(k)) != k + constant)

    threads = [threading.Thread(target=work, args=pair) for pair in [(f, 1.0), (g, 10.0)] * 2]
    for thread in threads:
        thread.start()
    for _ in range(3000):
        take_over(f, g)
        take_over(g, f)
    over.set()
    for thread in threads:
        thread.join()
    assert not wrong


# ---- threads of Python


def test_the_lock_is_given_up_where_a_call_is_long():
    """Another thread must run for the core to end: it waits for a flag that the thread sets."""
    flag = np.zeros(1, np.int64)

    def body(e, at, _):
        def waiting():
            return e.value(I64, f"load atomic i64, {at[0]} acquire, align 8").equals(0)

        e.while_(waiting, lambda: None)
        e.store(e.const(I64, 1), at[1])

    f = build(body, [array(1, dtype="i8")], [number(int)], seconds=1.0, result="single")
    thread = threading.Thread(target=lambda: (time.sleep(0.02), flag.__setitem__(0, 1)))
    thread.start()
    assert f(flag) == 1
    thread.join()


@pytest.mark.parametrize("seconds", [0.0, 1.0])
def test_many_threads_at_once(path, seconds):
    """Each call writes its own numbers to the arena and reads them back."""

    def body(e, at, arena):
        e.loop(300, lambda i: e.store(e.load(at[0], F64), arena, i))
        (total,) = e.loop(300, lambda i, s: [s + e.load(arena, F64, i)], [e.const(F64, 0)])
        e.loop(3, lambda i: e.store(total, at[1], i))

    f = build(body, [scalar()], [array(3)], arena_bytes=2400, seconds=seconds, result="single")
    wrong = []

    def work(number):
        x = np.float64(number)
        wrong.extend(number for _ in range(1000) if not (f(x) == 300 * number).all())

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ---- donation


def adder(**options):
    """x + y, where x may be donated."""

    def body(e, at, _):
        e.loop(10, lambda i: e.store(e.load(at[0], F64, i) + e.load(at[1], F64, i), at[2], i))

    return build(body, [array(2, 5), array(2, 5)], [array(2, 5)], result="single", **options)


def test_the_result_takes_the_memory_over():
    f = adder(donated={0: 0})
    x, y = np.arange(10.0).reshape(2, 5).copy(), np.ones((2, 5))
    where = x.ctypes.data
    z = f(x, y)
    assert z.ctypes.data == where and z.flags.owndata and z.base is None and z.flags.writeable
    np.testing.assert_array_equal(z, np.arange(10.0).reshape(2, 5) + 1)
    assert was_donated(x) and x.shape == (0, 0) and not x.flags.writeable and not x.flags.owndata
    assert not was_donated(z)
    np.testing.assert_array_equal(y, np.ones((2, 5)))


def test_a_donated_pair_has_one_address(path):
    """Also where the memory is not the operand's."""

    def body(e, at, _):
        e.store(e.convert(at[0].equals(at[1]), F64), at[1])

    f = build(body, [array(3)], [array(3)], donated={0: 0}, result="single")
    assert f(np.zeros(3))[0] == 1
    assert f(np.zeros(6)[:3])[0] == 1


def test_memory_is_freed_by_whom_it_was_taken_from():
    handler = np._core.multiarray.get_handler_name
    x = np.zeros((2, 5))
    z = adder(donated={0: 0})(x, np.ones((2, 5)))
    assert handler(z) == handler(np.zeros(3))
    assert handler(x) is None


def test_a_long_chain_of_donations():
    f = adder(donated={0: 0})
    x, y = np.zeros((2, 5)), np.ones((2, 5))
    where = x.ctypes.data
    for _ in range(1000):
        x = f(x, y)
    assert (x == 1000).all() and x.ctypes.data == where


def test_a_donated_array_used_again_is_explained(path):
    f = adder(donated={0: 0})
    x, y = np.zeros((2, 5)), np.ones((2, 5))
    f(x, y)
    if path == "plain":  # it cannot empty the array
        assert not was_donated(x)
        return
    assert f(x, y) is NotImplemented
    with pytest.raises(CompileError, match=r"was donated to an earlier call(.|\n)*write: p = f"):
        slow(f, [x, y], ["p", "g"])
    with pytest.raises(CompileError, match="was donated"):
        slow(adder(), [y, x])


def test_views_of_a_donated_array_stay_safe():
    """They show the result's values, and keep its memory alive."""
    f = adder(donated={0: 0})
    x = np.zeros((2, 5))
    view = x[1]
    memory = memoryview(x)
    z = f(x, np.ones((2, 5)))
    np.testing.assert_array_equal(view, np.ones(5))
    alive = weakref.ref(z)
    del z, x
    gc.collect()
    assert alive() is not None
    others = [np.full((2, 5), 7.0) for _ in range(50)]
    np.testing.assert_array_equal(view, np.ones(5))
    assert memory[1, 1] == 1.0
    del view, others
    memory.release()
    gc.collect()
    assert alive() is None


def read_only(x):
    x.flags.writeable = False
    return x


KEPT = {
    "a view": lambda: np.zeros((4, 5))[:2],
    "read-only": lambda: np.frombuffer(bytes(80)).reshape(2, 5),
    "its own, but read-only": lambda: read_only(np.zeros((2, 5))),
    "not its own": lambda: np.frombuffer(bytearray(80)).reshape(2, 5),
}


@pytest.mark.parametrize("what", KEPT)
def test_memory_that_cannot_be_given_away_is_copied(path, what):
    x = KEPT[what]()
    z = adder(donated={0: 0})(x, np.ones((2, 5)))
    np.testing.assert_array_equal(z, np.ones((2, 5)))
    np.testing.assert_array_equal(x, np.zeros((2, 5)))
    assert not was_donated(x)


def test_memory_that_another_operand_shares_is_copied(path):
    f = adder(donated={0: 0})
    x = np.arange(10.0).reshape(2, 5).copy()
    np.testing.assert_array_equal(f(x, x), 2 * np.arange(10.0).reshape(2, 5))
    assert x.shape == (2, 5) and x[1, 4] == 9
    big = np.arange(20.0)
    y = big[:10].reshape(2, 5)
    whole = np.arange(10.0).reshape(2, 5).copy()
    np.testing.assert_array_equal(f(whole, whole[:]), 2 * whole)
    np.testing.assert_array_equal(f(y, np.zeros((2, 5))), y)


def test_constants_are_never_given_away(path):
    c = np.arange(10.0).reshape(2, 5).copy()

    def body(e, at, _):
        e.loop(10, lambda i: e.store(e.load(at[0], F64, i) + e.load(at[2], F64, i), at[1], i))

    f = build(body, [array(2, 5)], [array(2, 5)], constants=[c], donated={0: 0}, result="single")
    expected = 2 * c.copy()
    np.testing.assert_array_equal(f(c), expected)
    assert not was_donated(c)
    np.testing.assert_array_equal(f(c), expected)


def test_two_donations_in_one_call():
    def body(e, at, _):
        e.loop(4, lambda i: e.store(e.load(at[0], F64, i) + 1.0, at[2], i))
        e.loop(4, lambda i: e.store(e.load(at[1], F64, i) * 2.0, at[3], i))

    f = build(body, [array(4), array(4)], [array(4), array(4)], donated={0: 0, 1: 1})
    a, b = np.arange(4.0), np.arange(4.0)
    places = a.ctypes.data, b.ctypes.data
    u, v = f(a, b)
    assert (u.ctypes.data, v.ctypes.data) == places
    np.testing.assert_array_equal(u, [1, 2, 3, 4])
    np.testing.assert_array_equal(v, [0, 2, 4, 6])
    c = np.arange(4.0)
    u, v = f(c, c)
    np.testing.assert_array_equal(u, [1, 2, 3, 4])
    np.testing.assert_array_equal(v, [0, 2, 4, 6])


def test_empty_and_zero_dimensional_donations(path):
    x = np.array(3.0)
    z = doubler(array(), donated={0: 0})(x)
    assert z == 6 and x == 3
    (z,) = copier(array(0), donated={0: 0})(np.zeros(0))
    assert z.shape == (0,)


def test_donations_that_make_no_sense():
    with pytest.raises(CompileError, match=r"output 0 is f64\[3\] and cannot take over operand 0, which is f64\[2\]"):
        build(lambda *_: None, [array(2)], [array(3)], donated={0: 0})
    with pytest.raises(CompileError, match="two outputs"):
        build(lambda *_: None, [array(2)], [array(2), array(2)], donated={0: 0, 1: 0})
    with pytest.raises(CompileError, match="cannot take over"):
        copier(scalar(), donated={0: 0})
    with pytest.raises(CompileError, match="2 outputs"):
        copier(array(1), array(1), result="single")


def test_an_emptied_array_is_an_ordinary_empty_array():
    f = adder(donated={0: 0})
    x = np.zeros((2, 5))
    f(x, np.ones((2, 5)))
    assert x.sum() == 0 and x.T.shape == (0, 0) and x.copy().shape == (0, 0) and len(x) == 0
    assert "shape=(0, 0)" in repr(x)
    assert (x + x).shape == (0, 0) and x.reshape(0).shape == (0,)
    with pytest.raises(ValueError, match="read-only"):
        x[...] = 1


# ---- how objects lie in memory


def test_objects_are_as_expected():
    objects.verify()
    assert objects.usable()


def test_another_layout_is_noticed(monkeypatch):
    moved = dict(objects.array_fields) | {"shape": objects.array_fields["strides"]}
    monkeypatch.setattr(objects, "array_fields", moved)
    with pytest.raises(CompileError, match="an array's shape is not where it is expected"):
        objects.verify()


@pytest.mark.parametrize(
    "triple", ["arm64-apple-darwin23", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-msvc", "x86_64-apple-darwin"]
)
def test_the_code_can_be_made_for_other_machines(triple):
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    module = llvm.parse_assembly(emitted(Target(triple, "", "", 16, False, 32)).text())
    module.verify()
    module.triple = triple
    code = llvm.Target.from_triple(triple).create_target_machine().emit_assembly(module)
    assert "wengert_call" in code
    assert ("pause" if triple.startswith("x86") else "yield") in code
