"""NumPy's random generators while a function is staged: what they draw would stay the same in all later calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from wengert.errors import TraceError, at_line
from wengert.transforms.inputs import name_of

__all__ = ["no_drawing"]

_staged: ContextVar[str | None] = ContextVar("wengert_staged", default=None)
_GLOBAL: Any = np.random.normal.__self__  # type: ignore[attr-defined]  # behind the functions of np.random
ORIGINALS: dict[str, Callable[..., Any]] = {
    name: value for name, value in vars(np.random).items() if getattr(value, "__self__", None) is _GLOBAL
}
_lock = threading.Lock()
_count = 0


def _error(name: str, what: str) -> TraceError:
    return TraceError(
        f"jit({name}): {what} while the function is staged: its numbers would be the same at each call{at_line()}\n"
        "  write: key = wengert.random.key(0) outside, pass it in, and draw with wengert.random.normal(key, shape)"
    )


def _guard(name: str) -> Callable[..., Any]:
    original = ORIGINALS[name]

    def drawing(*args: Any, **kwargs: Any) -> Any:
        staged = _staged.get()
        if staged is None:
            return original(*args, **kwargs)
        raise _error(staged, f"np.random.{name}() is called")

    return drawing


GUARDS = {name: _guard(name) for name in ORIGINALS if not name.startswith(("get_", "set_"))}


class no_drawing:
    """While a function is staged, what draws from NumPy's generators raises; those that it reads are looked after."""

    def __init__(self, f: Any, generators: Sequence[Any]) -> None:
        self.name = name_of(f)
        unique = {id(g): g for g in [*generators, _GLOBAL]}
        self.before = [(g, _state(g)) for g in unique.values()]

    def __enter__(self) -> None:
        global _count
        self.token = _staged.set(self.name)
        with _lock:
            if not _count:
                np.random.__dict__.update(GUARDS)
            _count += 1

    def __exit__(self, kind: Any, *_: object) -> None:
        global _count
        _staged.reset(self.token)
        with _lock:
            _count -= 1
            if not _count:
                np.random.__dict__.update({name: ORIGINALS[name] for name in GUARDS})
        if kind is None and any(_state(g) != state for g, state in self.before):
            raise _error(self.name, "a random generator of NumPy's draws")


def _state(g: Any) -> str:
    return repr(g.bit_generator.state if isinstance(g, np.random.Generator) else _legacy(g))


def _legacy(g: Any) -> Any:
    name, keys, *rest = g.get_state()
    return name, keys.tobytes(), rest
