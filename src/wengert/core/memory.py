"""What is done about the memory allocator, one block taken and given back, and about Python's garbage collector.

glibc maps blocks of 128 KB and more from the system and unmaps them when they are freed, so each temporary array
of that size costs its page faults anew: up to half the time of a training step. When a mapped block is freed, glibc
raises both limits to that block's size and twice that (mallopt(3), M_MMAP_THRESHOLD), up to 32 MB. The block is never
touched, so this takes microseconds and no memory; other allocators do not notice.
"""

import contextlib
import gc
import os
import threading
from collections.abc import Generator

import numpy as np

LARGEST = 31 << 20


def keep_freed_memory() -> None:
    """Let freed arrays of up to :data:`LARGEST` bytes be used again, in place of fresh pages."""
    np.empty(LARGEST, np.uint8)


keep_freed_memory()


_lock = threading.Lock()
_paused = 0
_was_on = False


@contextlib.contextmanager
def collections_paused() -> Generator[None]:
    """No garbage collection while a function is staged or compiled, which makes many objects and hardly a circle.

    A full collection looks at everything that is loaded, ten or twenty milliseconds' worth, and would find nothing.
    """
    global _paused, _was_on
    with _lock:
        if not _paused:
            _was_on = gc.isenabled()
            gc.disable()
        _paused += 1
    try:
        yield
    finally:
        with _lock:
            _paused = max(0, _paused - 1)
            if not _paused and _was_on:
                gc.enable()


def _after_fork() -> None:
    """A child has none of the threads that were at it."""
    global _lock, _paused
    _lock = threading.Lock()
    if _paused and _was_on:
        gc.enable()
    _paused = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
