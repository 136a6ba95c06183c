"""What a process has one of, also where several threads ask for the first time at once."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["once"]

F = TypeVar("F", bound=Callable[..., Any])
_lock = threading.RLock()


def once(f: F) -> F:
    """``functools.cache`` whose function is called once for each argument; other threads wait for what it gives.

    Example:
        >>> from wengert.compile.once import once
        >>> @once
        ... def made():
        ...     return []
        >>> made() is made()
        True
    """
    known = functools.cache(f)

    @functools.wraps(f)
    def call(*args: Any) -> Any:
        with _lock:
            return known(*args)

    return call  # type: ignore[return-value]


def _in_child() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
