"""Threads that work together: barriers, teams, failures, forks, the end of the process."""

import ctypes
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from wengert.compile import entry as entry_module
from wengert.compile import threads, values
from wengert.compile.callbacks import callback
from wengert.compile.emit import F64, I32, I64, PTR, Emitter
from wengert.compile.engine import link, object_code
from wengert.compile.entry import entry
from wengert.compile.records import Team
from wengert.compile.threads import barrier, blas_threads, get_threads, set_threads
from wengert.core.types import Aval
from wengert.errors import CompileError

forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")


def array(*shape, dtype=float):
    return Aval(shape, np.dtype(dtype), "array")


def build(body, inputs, outputs, n, symbols=(), keep=None, **options):
    """An entry to a core run by n threads: ``body(e, addresses, arena, thread, team)`` may give a code."""
    e = Emitter()
    for name, address in symbols:
        e.external(name, address, I32, PTR)
    with e.function("core", ["ptr", "ptr", "i64", "ptr"], I32) as (operands, arena, thread, team):
        addresses = [e.load(operands, PTR, k) for k in range(len(inputs) + len(outputs))]
        e.ret(body(e, addresses, arena, thread, team) or e.const(I32, 0))
    unit = link(object_code(e.text()), e.exports, e.symbols, keep)
    return entry(unit["core"], inputs, outputs, unit=unit, threads=n, result="single", **options)


def passing(n, rounds):
    """Each thread adds 1 to what its neighbour wrote, round after round: without barriers the sums are wrong."""

    def body(e, at, arena, thread, team):
        neighbour = e.value(I64, f"srem {thread + 1}, {n}")
        e.store(e.load(at[0], F64, thread), arena, thread * 8)

        def once(_k):
            barrier(e, team, n)
            x = e.load(arena, F64, neighbour * 8)
            barrier(e, team, n)
            e.store(x + 1.0, arena, thread * 8)

        e.loop(rounds, once)
        e.store(e.load(arena, F64, thread * 8), at[1], thread)

    return build(body, [array(n)], [array(n)], n, arena_bytes=64 * n)


def passed(x, rounds):
    return np.roll(x, -rounds) + rounds


# ---- barriers and teams


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("rounds", [1, 2, 7, 100])
def test_threads_see_what_the_others_wrote(n, rounds):
    f = passing(n, rounds)
    x = np.arange(n) * 10.0
    for _ in range(5):
        np.testing.assert_array_equal(f(x), passed(x, rounds))


def test_every_thread_of_the_team_runs_once():
    def body(e, at, _arena, thread, _team):
        e.store(e.load(at[0], F64, thread) + e.convert(thread, F64), at[1], thread)

    f = build(body, [array(4)], [array(4)], 4)
    for _ in range(200):
        np.testing.assert_array_equal(f(np.ones(4)), [1, 2, 3, 4])


def test_threads_are_of_the_system():
    """Each writes where its stack is; stacks lie apart."""

    def body(e, at, _arena, thread, _team):
        e.store(e.value(I64, f"ptrtoint {e.alloca(I64)} to i64"), at[0], thread)

    places = build(body, [], [array(3, dtype="i8")], 3)()
    assert np.diff(np.sort(places)).min() > 100_000
    assert threading.active_count() == len(threading.enumerate())


def test_one_thread_needs_no_barrier():
    e = Emitter()
    with e.function("core", ["ptr"]) as (team,):
        barrier(e, team, 1)
    assert "call" not in e.text()


def test_helpers_that_fell_asleep_are_woken():
    f = passing(2, 3)
    x = np.arange(2.0)
    for k in range(100):
        np.testing.assert_array_equal(f(x), passed(x, 3))
        time.sleep(1e-5 * (k % 30))


def test_a_new_call_reuses_the_team():
    f, g = passing(3, 2), passing(3, 5)
    f(np.ones(3))
    before = len(threads._helpers)
    for _ in range(50):
        f(np.ones(3))
        g(np.ones(3))
    assert len(threads._helpers) == before


def test_callers_at_the_same_time_wait_for_one_another():
    functions = [passing(2, 20), passing(3, 20), passing(2, 5)]
    sizes, rounds = [2, 3, 2], [20, 20, 5]
    wrong = []

    def work(k):
        for r in range(50):
            x = np.arange(sizes[k % 3]) * float(r)
            if not np.array_equal(functions[k % 3](x), passed(x, rounds[k % 3])):
                wrong.append((k, r))

    callers = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


def test_one_team_works_at_a_time():
    """Each call counts the calls that are under way when it begins, and takes some time."""
    counter = np.zeros(1, np.int64)

    def body(e, at, arena, thread, _team):
        def count():
            others = e.value(I64, f"atomicrmw add {at[0]}, i64 1 seq_cst")
            e.loop(20_000, lambda i: e.line(f"store volatile {i}, {arena}, align 8"))
            e.value(I64, f"atomicrmw sub {at[0]}, i64 1 seq_cst")
            e.store(others, at[1])

        e.if_(thread.equals(0), count)

    f = build(body, [array(1, dtype="i8")], [array(1, dtype="i8")], 2, arena_bytes=64)
    found = []
    callers = [threading.Thread(target=lambda: found.extend(f(counter)[0] for _ in range(200))) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert found == [0] * 600


def test_the_plain_entry_runs_teams(monkeypatch):
    monkeypatch.setattr(entry_module.objects, "usable", lambda: False)
    x = np.arange(3.0)
    f = passing(3, 4)
    assert type(f) is not type(len)
    for _ in range(5):
        np.testing.assert_array_equal(f(x), passed(x, 4))


# ---- failures


@pytest.mark.parametrize("failing", [0, 1, 2])
@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_one_thread_that_fails_ends_the_call(failing, rounds):
    """It never comes to the last barrier, where the others wait."""

    def body(e, at, _arena, thread, team):
        for _ in range(rounds):
            barrier(e, team, 3)
        wrong = thread.equals(failing) & e.load(at[0], F64).equals(1)
        stop, on = e.fresh("stop"), e.fresh("on")
        e.branch(wrong, stop, on)
        e.begin(stop)
        e.ret(e.const(I32, 40 + failing))
        e.begin(on)
        barrier(e, team, 3)
        barrier(e, team, 3)
        e.store(e.load(at[0], F64), at[1], thread)

    f = build(body, [array(1)], [array(3)], 3, raise_code=lambda code: ArithmeticError(code))
    for _ in range(20):
        with pytest.raises(ArithmeticError, match=str(40 + failing)):
            f(np.ones(1))
        np.testing.assert_array_equal(f(np.zeros(1)), np.zeros(3))


def calling(function, n, caller=0):
    """A core of which one thread calls Python between two barriers."""
    address, keep = callback(function, [array(2)], [array(2)], threaded=True)

    def body(e, at, arena, thread, team):
        barrier(e, team, n)
        e.store(at[0], arena)
        e.store(at[1], arena, 1)

        def call():
            return [e.call("python", I32, arena)]

        (code,) = e.if_(thread.equals(caller), call, lambda: [e.const(I32, 0)])
        stop, on = e.fresh("stop"), e.fresh("on")
        e.branch(code.differs(0), stop, on)
        e.begin(stop)
        e.ret(code)
        e.begin(on)
        barrier(e, team, n)

    return build(body, [array(2)], [array(2)], n, [("python", address)], keep, arena_bytes=16)


@pytest.mark.parametrize("caller", [0, 1])
def test_any_thread_may_call_python(caller):
    f = calling(lambda x: x + 1, 2, caller)
    for _ in range(20):
        np.testing.assert_array_equal(f(np.zeros(2)), np.ones(2))

    def fail(_):
        raise KeyError("mine")

    g = calling(fail, 2, caller)
    for _ in range(3):
        with pytest.raises(KeyError, match="mine"):
            g(np.zeros(2))
    np.testing.assert_array_equal(f(np.zeros(2)), np.ones(2))


def test_python_that_a_team_calls_may_call_a_team():
    inner = passing(2, 3)

    def f(x):
        return inner(x)

    np.testing.assert_array_equal(calling(f, 2)(np.zeros(2)), [3, 3])

    def in_a_thread(x):
        out = []
        thread = threading.Thread(target=lambda: out.append(inner(x.copy())))
        thread.start()
        thread.join()
        return out[0]

    np.testing.assert_array_equal(calling(in_a_thread, 2)(np.zeros(2)), [3, 3])


# ---- fork and the end


def in_a_child(f):
    """Run f in a forked process; its exit status."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            signal.alarm(20)
            f()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1]


@forking
def test_a_child_makes_its_own_threads():
    f = passing(3, 5)
    x = np.arange(3.0)
    f(x)

    def check():
        for _ in range(10):
            np.testing.assert_array_equal(f(x), passed(x, 5))

    for _ in range(3):
        assert in_a_child(check) == 0
        check()
    assert in_a_child(lambda: in_a_child(check)) == 0


@forking
def test_no_helper_is_alive_when_the_process_forks():
    f = passing(3, 5)
    f(np.arange(3.0))
    assert threads._helpers
    assert in_a_child(lambda: None) == 0
    assert not threads._helpers
    np.testing.assert_array_equal(f(np.arange(3.0)), passed(np.arange(3.0), 5))


@forking
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # it is: a call runs in another thread
def test_a_fork_while_a_call_runs():
    """The child inherits a gate that is shut, by a team that it has not."""
    f, x = passing(2, 100), np.arange(2.0)
    stop = []

    def work():
        while not stop:
            f(x)

    caller = threading.Thread(target=work)
    caller.start()
    try:
        found = [in_a_child(lambda: np.testing.assert_array_equal(f(x), passed(x, 100))) for _ in range(20)]
    finally:
        stop.append(1)
        caller.join()
    assert found == [0] * 20


def run(code):
    """Run a program; what it printed."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


PROGRAM = """
import numpy as np, threading
from wengert.compile.emit import *
from wengert.compile.engine import link, object_code
from wengert.compile.entry import entry
from wengert.compile.threads import barrier
from wengert.core.types import Aval
e = Emitter()
with e.function("core", ["ptr", "ptr", "i64", "ptr"], I32) as (operands, arena, thread, team):
    e.loop(50, lambda _: barrier(e, team, 2))
    e.store(e.const(F64, 1), e.load(operands, PTR), thread)
    e.ret(e.const(I32, 0))
unit = link(object_code(e.text()), e.exports, e.symbols)
f = entry(unit["core"], [], [Aval((2,), np.dtype(float), "array")], threads=2, unit=unit, result="single")
print(f().sum(), flush=True)
"""


def test_a_process_ends_while_helpers_look_for_work():
    for _ in range(3):
        assert run(PROGRAM) == "2.0\n"


def test_a_process_ends_while_a_thread_calls():
    program = PROGRAM + textwrap.dedent("""
        def forever():
            while True:
                f()
        threading.Thread(target=forever, daemon=True).start()
        f()
    """)
    for _ in range(3):
        assert run(program) == "2.0\n"


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="signals are POSIX's")
def test_ctrl_c_reaches_python():
    f = passing(3, 2)
    f(np.ones(3))
    before = signal.getsignal(signal.SIGINT)
    caught = []
    signal.signal(signal.SIGINT, lambda *_: caught.append(threading.current_thread()))
    try:
        os.kill(os.getpid(), signal.SIGINT)
        f(np.ones(3))
        time.sleep(0.01)
    finally:
        signal.signal(signal.SIGINT, before)
    assert caught == [threading.main_thread()]


@pytest.mark.skipif(sys.platform != "linux", reason="masks of signals are read from /proc")
def test_helpers_get_no_signals_but_those_of_faults():
    threads.dismiss()
    others = set(Path("/proc/self/task").iterdir())  # of BLAS and other libraries
    passing(3, 2)(np.ones(3))
    found = Path("/proc/self/task").glob("*/status")
    mine = [path for path in found if path.parent not in others]
    masks = [int(re.search(r"SigBlk:\s*(\w+)", path.read_text())[1], 16) for path in mine]

    def blocked(mask, number):
        return mask >> (number - 1) & 1

    assert sum(blocked(mask, signal.SIGINT) for mask in masks) == sum(map(len, threads._helpers.values()))
    assert not any(blocked(mask, signal.SIGSEGV) for mask in masks)


# ---- how many


@pytest.fixture
def chosen():
    before = get_threads()
    yield before
    set_threads(before)


def test_the_number_of_threads(chosen):
    set_threads(3)
    assert get_threads() == 3
    set_threads(np.int64(2))
    assert get_threads() == 2 and type(get_threads()) is int
    for wrong in (0, -1, 1.5, "many", None):
        with pytest.raises(ValueError, match=r"a number of threads is 1, 2(.|\n)*set_threads"):
            set_threads(wrong)
    assert get_threads() == 2


def test_the_default_is_what_the_process_may_use(chosen, monkeypatch):
    monkeypatch.delenv(threads.VARIABLE, raising=False)
    monkeypatch.setattr(threads, "_chosen", [])
    if hasattr(os, "sched_getaffinity"):
        assert get_threads() == len(os.sched_getaffinity(0))
    monkeypatch.setenv(threads.VARIABLE, "7")
    monkeypatch.setattr(threads, "_chosen", [])
    assert get_threads() == 7
    monkeypatch.setenv(threads.VARIABLE, "none")
    monkeypatch.setattr(threads, "_chosen", [])
    with pytest.raises(ValueError, match="WENGERT_NUM_THREADS is 'none'"):
        get_threads()


def test_blas_is_told():
    before = blas_threads(1)
    try:
        assert blas_threads(2) == 1
        assert blas_threads(1) in (1, 2)  # a build for one thread stays at one
    finally:
        blas_threads(before)


@pytest.mark.skipif(sys.platform == "win32", reason="threads are made in another way")
def test_no_more_threads(monkeypatch):
    start, started = threads._start_posix, []

    def some(*operands):
        started.append(len(started))
        return start(*operands) if len(started) < 4 else None

    monkeypatch.setattr(threads, "_start_posix", some)
    f = passing(9, 1)
    x = np.ones(9)
    before = len(threads._helpers)
    with pytest.raises(CompileError, match="no more threads"):
        f(x)
    assert len(threads._helpers) == before
    monkeypatch.undo()
    np.testing.assert_array_equal(f(x), passed(x, 1))


def test_a_teams_fields_lie_in_lines_of_their_own():
    lines = [getattr(Team, f).offset // 64 for f in ("round", "core", "working", "arrived", "passed", "sleepers")]
    assert len(set(lines)) == len(lines)
    assert ctypes.sizeof(Team) % 8 == 0


def test_a_type_that_two_threads_make_at_once_is_one_and_whole(monkeypatch):
    """The second asks while the first is making it."""
    found = []

    def ask():
        t = values.Type("f32", 1000)
        found.append((t, t.text, t.bits, t.size, t.is_float))

    class Slow(dict):
        def get(self, *key):
            if not asked:
                asked.append(threading.Thread(target=ask))
                asked[0].start()
                asked[0].join()
            return super().get(*key)

    asked = []
    monkeypatch.setattr(values.Type, "_all", dict(values.Type._all))  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(values, "LLVM", Slow(values.LLVM))
    ask()
    assert found == [(found[0][0], "<1000 x float>", 32, 4, True)] * 2
