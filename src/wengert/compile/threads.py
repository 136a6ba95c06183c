"""Threads: how many, the teams they form, and BLAS's own.

A team is a caller and its helpers, which are threads of the system that never touch Python. Teams of one size form a
group; a free one is used again. One team runs at a time, for two would share the same processors; a second caller
waits, without the interpreter's lock. A child made by fork has no helpers and makes its own.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from threadpoolctl import ThreadpoolController

from wengert.compile.names import exported
from wengert.compile.once import once
from wengert.compile.records import PLACES, Gate, Group, Team
from wengert.compile.runtime import kernel32, runtime
from wengert.compile.teams import barrier
from wengert.errors import CompileError

__all__ = ["barrier", "blas_threads", "gate", "get_threads", "group", "set_threads"]

VARIABLE: Final = "WENGERT_NUM_THREADS"
_LOOKING: Final = 40e-6  # seconds that a helper looks for the next job before it sleeps
_STACK: Final = 8 << 20  # bytes; some systems give threads half a megabyte
_chosen: list[int] = []
_groups: list[Any] = []
_helpers: dict[int, list[int]] = {}  # threads by the address of their team
_lock = threading.Lock()


def _available() -> int:
    """How many processors this process may use."""
    count = getattr(os, "process_cpu_count", None)
    if count is not None:
        return count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _checked(n: Any, where: str) -> int:
    try:
        number = int(n)
    except (TypeError, ValueError):
        number = 0
    if number < 1 or (number != n and not isinstance(n, str)):
        raise ValueError(f"{where} is {n!r}: a number of threads is 1, 2, ...\n  write: wengert.set_threads(2)")
    return number


def get_threads() -> int:
    """How many threads a compiled function may use.

    It is what :func:`set_threads` was given, else the environment variable ``WENGERT_NUM_THREADS``, else the number
    of processors that this process may use.

    Example:
        >>> from wengert.compile.threads import get_threads
        >>> get_threads() >= 1
        True
    """
    if not _chosen:
        given = os.environ.get(VARIABLE)
        _chosen.append(_checked(given, VARIABLE) if given else _available())
    return _chosen[0]


def set_threads(n: int) -> None:
    """Let functions that are compiled from now on use ``n`` threads; functions compiled before keep theirs.

    Raises:
        ValueError: ``n`` is not a positive whole number.

    Example:
        >>> from wengert.compile.threads import get_threads, set_threads
        >>> before = get_threads()
        >>> set_threads(1)
        >>> get_threads()
        1
        >>> set_threads(before)
    """
    _chosen[:] = [_checked(n, "n")]


# ---- teams


def _block(record: type[Any]) -> Any:
    """A record in memory that starts a cache line and lasts for ever: threads may look at it as long as they live."""
    memory = ctypes.create_string_buffer(ctypes.sizeof(record) + 64)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(memory))
    return record.from_address((ctypes.addressof(memory) + 63) & -64)


def _system() -> Any:
    return ctypes.CDLL(None)


def _prepare_lock(record: Any, mutex: str, condition: str) -> None:
    """Windows's are ready when they are zero."""
    if sys.platform == "win32":
        return
    base = ctypes.addressof(record)
    _system().pthread_mutex_init(ctypes.c_void_p(base + getattr(type(record), mutex).offset), None)
    _system().pthread_cond_init(ctypes.c_void_p(base + getattr(type(record), condition).offset), None)


_gates: list[Any] = []  # one at most


@once
def gate() -> Any:
    """Where teams wait for one another."""
    made = _block(Gate)
    _prepare_lock(made, "mutex", "opened")
    _gates.append(made)
    return made


@once
def group(threads: int) -> Any:
    """The teams of so many threads."""
    made = _block(Group)
    make = functools.partial(_make_team, threads)
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(make))
    made.make, made.gate = id(make), ctypes.addressof(gate())
    _groups.append(made)
    return made


def _make_team(threads: int) -> int:
    """A team with its helpers; gives its address."""
    team = _block(Team)
    _prepare_lock(team, "mutex", "wake")
    team.threads, team.spins, team.pause = threads, _spins(), runtime()["wengert_pause"]
    if hasattr(os, "sched_getaffinity"):
        team.allowed = sum(1 << k for k in os.sched_getaffinity(0) if k < 8 * PLACES).to_bytes(PLACES, "little")
    address = ctypes.addressof(team)
    _helpers[address] = []
    try:
        for number in range(1, threads):
            helper = _block(_Helper)
            helper.team, helper.number = address, number
            _helpers[address].append(_start(runtime()["wengert_work"], ctypes.addressof(helper)))
    except CompileError:
        _dismiss(address)
        raise
    return address


def take(group: Any) -> int | None:
    """The address of a free team of a group, if there is one; it is the caller's then."""
    with _lock:
        return runtime().function("wengert_take", ctypes.c_void_p, ctypes.c_void_p, holds_gil=True)(
            ctypes.addressof(group)
        )


def give(group: Any, team: int) -> None:
    """Put a team back into its group."""
    with _lock:
        runtime().function("wengert_give", None, ctypes.c_void_p, ctypes.c_void_p, holds_gil=True)(
            ctypes.addressof(group), team
        )


def dismiss() -> None:
    """End the helpers of all teams that do nothing; the next call makes new ones.

    It happens before a fork, so that no thread is missing in the child, and when Python ends.
    """
    for made in _groups:
        while team := take(made):
            _dismiss(team)


def _dismiss(team: int) -> None:
    runtime().function("wengert_dismiss", None, ctypes.c_void_p)(team)
    for thread in _helpers.pop(team):
        _join(thread)


class _Helper(ctypes.Structure):
    _fields_ = [("team", ctypes.c_void_p), ("number", ctypes.c_int64)]


@functools.cache
def _spins() -> int:
    """How often a helper looks for a job before it sleeps: a look takes from 10 to 150 cycles."""
    spin = runtime().function("wengert_spin", None, ctypes.c_int64)
    best = min(_seconds(spin, 1000) for _ in range(3))
    return max(10, int(1000 * _LOOKING / best))


def _seconds(f: Any, n: int) -> float:
    start = time.perf_counter()
    f(n)
    return time.perf_counter() - start


def _start(function: int, argument: int) -> int:
    """A thread of the system; gives what :func:`_join` needs. Signals go to Python's threads."""
    if sys.platform == "win32":
        create = kernel32().CreateThread
        create.restype = ctypes.c_void_p
        thread = create(None, ctypes.c_size_t(_STACK), ctypes.c_void_p(function), ctypes.c_void_p(argument), 0, None)
    else:
        with _signals_blocked():
            thread = _start_posix(_system(), function, argument)
    if not thread:
        raise CompileError("the system gives no more threads\n  write: wengert.set_threads(1)")
    return thread


def _start_posix(system: Any, function: int, argument: int) -> int | None:
    attributes, thread = ctypes.create_string_buffer(256), ctypes.c_void_p()
    system.pthread_attr_init(attributes)
    system.pthread_attr_setstacksize(attributes, ctypes.c_size_t(_STACK))
    failed = system.pthread_create(
        ctypes.byref(thread), attributes, ctypes.c_void_p(function), ctypes.c_void_p(argument)
    )
    system.pthread_attr_destroy(attributes)
    return None if failed else thread.value


def _join(thread: int) -> None:
    if sys.platform == "win32":
        kernel32().WaitForSingleObject(ctypes.c_void_p(thread), -1)
        kernel32().CloseHandle(ctypes.c_void_p(thread))
    else:
        _system().pthread_join(ctypes.c_void_p(thread), None)


@contextmanager
def _signals_blocked() -> Generator[None]:
    """A new thread inherits which signals it does not get; those of its own faults stay."""
    faults = {getattr(signal, name) for name in ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP")}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# ---- fork


def _after_fork() -> None:
    """In the child only the thread that forked is left: no helpers, and nobody who would open the gate."""
    global _lock
    for made in _gates:
        ctypes.memset(ctypes.addressof(made), 0, ctypes.sizeof(Gate))
        _prepare_lock(made, "mutex", "opened")
    for made in _groups:
        made.free = None  # nor is a team whole that another thread was about to put back
    _helpers.clear()
    _lock = threading.Lock()


atexit.register(dismiss)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=dismiss, after_in_child=_after_fork)


# ---- BLAS


@functools.cache
def _blas() -> list[Any]:
    """The BLAS that SciPy brings, whose functions compiled code calls; NumPy's own wheel has another."""
    exported("blas")  # it loads the library
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    return [library for library in found if f"{os.sep}numpy" not in library.filepath] or found


def blas_threads(n: int) -> int:
    """Let the BLAS that compiled code calls use ``n`` threads for each product; gives how many it used before.

    Large products use BLAS's threads, kernels that a team runs use the team's; never both at once: a core that a team
    runs and that calls BLAS must find ``n = 1``. A BLAS that cannot be told (Apple's) stays as it is.

    Example:
        >>> from wengert.compile.threads import blas_threads
        >>> before = blas_threads(1)
        >>> blas_threads(before)
        1
    """
    before = max([1, *(library.num_threads for library in _blas())])
    for library in _blas():
        library.set_num_threads(n)
    return before
