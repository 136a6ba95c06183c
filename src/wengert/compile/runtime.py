"""The library's own native code: how functions are called, and how threads work together. Made once a process."""

from __future__ import annotations

import ctypes
import functools
import sys
from typing import Any

from wengert.compile import objects
from wengert.compile.cache import store
from wengert.compile.calling import define_call
from wengert.compile.emit import I32, I64, PTR, Emitter
from wengert.compile.engine import Unit, link, object_code
from wengert.compile.foreign import addresses, declare
from wengert.compile.keys import compiler_key
from wengert.compile.once import once
from wengert.compile.target import Target
from wengert.compile.teams import (
    define_dismiss,
    define_gate,
    define_group,
    define_pause,
    define_run,
    define_spin,
    define_worker,
)

__all__ = ["emitted", "kernel32", "runtime", "threading_functions"]


def kernel32() -> Any:
    """Windows."""
    return getattr(ctypes, "WinDLL")("kernel32")  # noqa: B009  # type checkers elsewhere do not know it


@functools.cache
def threading_functions() -> dict[str, int]:
    """Addresses of the system's functions: lock, unlock, wait (for a condition), wake (all who wait), yield."""
    windows = sys.platform == "win32"
    system = kernel32() if windows else ctypes.CDLL(None)
    names = {
        "lock": ("pthread_mutex_lock", "AcquireSRWLockExclusive"),
        "unlock": ("pthread_mutex_unlock", "ReleaseSRWLockExclusive"),
        "wait": ("pthread_cond_wait", "SleepConditionVariableSRW"),
        "wake": ("pthread_cond_broadcast", "WakeAllConditionVariable"),
        "yield": ("sched_yield", "SwitchToThread"),
    }
    found = {name: objects.address_of(getattr(system, both[windows])) for name, both in names.items()}
    if places():
        found["place"] = objects.address_of(system.sched_getcpu)
        found["go"] = objects.address_of(system.sched_setaffinity)
    return found


@functools.cache
def places() -> bool:
    """Whether a thread can know which processor it is on, and go to another one: on Linux."""
    return sys.platform == "linux" and all(
        hasattr(ctypes.CDLL(None), name) for name in ("sched_getcpu", "sched_setaffinity")
    )


def _addresses() -> dict[str, int]:
    """What the code imports."""
    system = {f"wengert_{name}": where for name, where in threading_functions().items()}
    return system | (addresses() if objects.usable() else {})


def emitted(target: Target | None = None) -> Emitter:
    """All of it as LLVM IR."""
    e, where = Emitter(target), _addresses()
    waits = [PTR, PTR, I32, I32] if sys.platform == "win32" else [PTR, PTR]
    for name, types in (("lock", [PTR]), ("unlock", [PTR]), ("wait", waits), ("wake", [PTR]), ("yield", [])):
        e.external(f"wengert_{name}", where[f"wengert_{name}"], I32, *types)
    if places():
        e.external("wengert_place", where["wengert_place"], I32)
        e.external("wengert_go", where["wengert_go"], I32, I32, I64, PTR)
    for define in (define_pause, define_worker, define_run, define_dismiss, define_gate, define_group, define_spin):
        define(e)
    if objects.usable():
        declare(e)
        define_call(e)
    return e


def _kept() -> tuple[bytes, list[str]]:
    """Object file and exports, of another process if there has been one."""
    shelf, key = store(), f"runtime-{compiler_key()}-{int(objects.usable())}"
    found = shelf.read(key) if shelf else None
    if found is not None:
        names, code = found.split(b"\n", 1)
        return code, names.decode().split()
    e = emitted()
    code = object_code(e.text(), e.target, level=0)
    if shelf:
        shelf.write(key, " ".join(e.exports).encode() + b"\n" + code)
    return code, e.exports


@once
def runtime() -> Unit:
    """The code, linked. It is never unloaded, for helper threads run it as long as the process lasts.

    For the same reason its reference count is raised by one that nobody gives back.
    """
    unit = link(*_kept(), _addresses())
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(unit))
    return unit
