"""Better code for what was made in haste.

LLVM takes less time where it does not look for the best instructions, and the code takes longer. So the first call of a
function runs hasty code, and one thread makes better code meanwhile, a part at a time and while nobody else is
compiling; then the function goes on with that. The numbers are the same.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from operator import itemgetter

from wengert.compile import engine
from wengert.compile.engine import Part
from wengert.compile.target import Target
from wengert.errors import CompileError

__all__ = ["compiling", "later", "overloaded", "settled"]

MOST = 16  # functions that wait
# Seconds that a job waits at least and at most: the first call, which comes now, has the processors for itself.
DELAY, LONGEST = 0.03, 1.0
PATIENCE = 1.0  # seconds that a process that ends waits for more than the function in hand
Work = Callable[[], Sequence[tuple[str, Target]]]  # the modules to be made; none where nobody wants them any more
Done = Callable[[list[bytes] | None], None]  # takes their object files, or None where they could not be made
_state = threading.Condition()
_jobs: list[tuple[float, Work, Done]] = []  # and when they may begin
_compiling = 0  # how many are compiling in the foreground, or about to fork
_worker: threading.Thread | None = None
_at_work = False  # inside LLVM
_hurrying = False  # somebody waits for the jobs
_closing = False


@contextmanager
def compiling() -> Generator[None]:
    """Somebody waits for code: what can wait does."""
    global _compiling
    with (state := _state):
        _compiling += 1
    try:
        yield
    finally:
        with state:
            if state is _state:  # else this is the child of a fork, which has begun anew
                _compiling -= 1
                state.notify_all()


def later(work: Work, done: Done, call: float = 0.0) -> None:
    """Make the object files of some modules when there is time, and hand them to ``done``.

    Not before a ``call`` of so many seconds has had time to end, unless it is a long one.
    """
    with _state:
        _jobs.append((time.monotonic() + min(DELAY + call, LONGEST), work, done))
        _state.notify_all()
    _start()


def _start() -> None:
    """The thread, where there are jobs and it does not run."""
    global _worker
    with _state:
        if _worker is not None or not _jobs:
            return
        _worker = threading.Thread(target=_run, name="wengert better code", daemon=True)
        try:
            _worker.start()
            return
        except RuntimeError:  # there are as many threads as there can be: the hasty code stays
            _worker = None
            dropped = [done for _, _, done in _jobs]
            _jobs.clear()
    for done in dropped:
        done(None)


def overloaded() -> bool:
    """Whether so many wait for better code that the next one had better be made well at once."""
    return _closing or len(_jobs) >= MOST


def settled() -> None:
    """Wait until all functions have their better code.

    Example:
        >>> from wengert.compile.refining import settled
        >>> settled()
    """
    with _hurry():
        while (worker := _worker) is not None:
            worker.join()


@contextmanager
def _hurry() -> Generator[None]:
    """No job waits for its time."""
    global _hurrying
    with _state:
        _hurrying = True
        _state.notify_all()
    try:
        yield
    finally:
        _hurrying = False


def _run() -> None:
    global _worker
    if sys.platform == "linux":  # where a thread has a priority: behind those who compute
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
    try:
        while (job := _next()) is not None:
            _do(*job)
    except BaseException:
        with _state:
            _worker = None
        _start()  # the others are not to blame
        raise


def _next() -> tuple[Work, Done] | None:
    """The job whose time comes first, when it has come; None where there is none, and the thread ends."""
    global _worker
    with _state:
        while _jobs and not _closing:
            job = min(_jobs, key=itemgetter(0))
            early = job[0] - time.monotonic()
            if early <= 0 or _hurrying:
                _jobs.remove(job)
                return job[1:]
            _state.wait(early)
        _worker = None
        return None


def _do(work: Work, done: Done) -> None:
    code: list[bytes] | None = None
    try:
        with contextlib.suppress(CompileError, MemoryError):
            code = [_made(text, target) for text, target in work()]
    finally:
        with _working():
            done(code or None)


def _made(text: str, target: Target) -> bytes:
    with _working():
        part = Part(text, target)
        try:
            return part.object_code()
        finally:
            part.close()


@contextmanager
def _working() -> Generator[None]:
    global _at_work
    with _state:
        _state.wait_for(lambda: not _compiling)
        _at_work = True
    try:
        yield
    finally:
        with _state:
            _at_work = False
            _state.notify_all()


@atexit.register
def _close() -> None:
    """What has been begun is finished, and what can be in a second more: its code is kept on the disk."""
    global _closing
    if (worker := _worker) is not None:
        with _hurry():
            worker.join(PATIENCE)
    with _state:
        _closing = True
        _state.notify_all()
    if worker is not None:
        worker.join()


def _before_fork() -> None:
    """A child has no worker, and must not find anybody's locks of LLVM taken."""
    global _compiling
    with _state:
        _compiling += 1
        _state.wait_for(lambda: not _at_work)
    engine.hold()


def _in_parent() -> None:
    global _compiling
    engine.let_go()
    with _state:
        _compiling -= 1
        _state.notify_all()


def _in_child() -> None:
    global _state, _compiling, _worker, _at_work, _hurrying
    engine.let_go()
    _state = threading.Condition()
    _jobs.clear()
    _compiling, _worker, _at_work, _hurrying = 0, None, False, False


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_in_parent, after_in_child=_in_child)
