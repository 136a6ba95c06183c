"""Functions under ``jit`` that are staged again and again: for what cause, and what to write."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.types import Aval
from wengert.errors import RetraceWarning, at_line

__all__ = ["Retraces"]

MANY = 8


class Retraces:
    """The history of one function: what was new each time it was staged."""

    __slots__ = ("causes", "last", "name", "row", "warned")

    def __init__(self, name: str) -> None:
        self.name = name
        self.last: Any = None
        self.row = 0
        self.causes: Counter[str] = Counter()
        self.warned = False

    def hit(self, key: Any) -> None:
        """A call that found its form."""
        self.row = 0
        self.last = key

    def new(self, key: Any, paths: Callable[[pytree.TreeDef], list[str]]) -> None:
        """A call whose arguments are of a new kind."""
        if self.last is not None and not self.warned:
            cause, text = difference(self.last, key, paths)
            self.count(cause, text)
        self.last = key

    def rebound(self, name: str) -> None:
        """A call before which something was rebound."""
        self.count(
            name,
            f"{name}, which the function reads from outside, is another one than before\n"
            f"  write: an argument in place of {name}, or an array that is written to in place",
        )

    def count(self, cause: str, text: str) -> None:
        """One more for a cause; the warning comes once."""
        self.row += 1
        self.causes[cause] += 1
        if self.warned or max(self.row, self.causes[cause]) < MANY:
            return
        self.warned = True
        warnings.warn(
            f"jit({self.name}) is staged again at each of {max(self.row, self.causes[cause])} calls: {text}{at_line()}",
            RetraceWarning,
            stacklevel=7,
        )


def difference(before: Any, after: Any, paths: Callable[[pytree.TreeDef], list[str]]) -> tuple[str, str]:
    """What is new in the arguments: a name for it, and a sentence with the line to write."""
    (old_def, old, old_static), (new_def, new, new_static) = before, after
    if old_static != new_static:
        for (k, _, x), (_, _, y) in zip(old_static, new_static, strict=False):
            if x is not y and x != y:
                return f"static {k}", (
                    f"static argument {k!r} was {x!r}, and is {y!r}\n"
                    "  write: the function so that it takes it as a number that is not static"
                )
    if old_def != new_def:
        return "structure", (
            f"the arguments' structure was {old_def}, and is {new_def}\n  write: arguments of one structure"
        )
    for path, x, y in zip(paths(new_def), old, new, strict=True):
        if x != y:
            return path, f"{path} was {_text(x)}, and is {_text(y)}\n  write: {_remedy(path, x, y)}"
    return "arguments", "the arguments are of a new kind\n  write: arguments of one kind"


def _text(sig: Any) -> str:
    if isinstance(sig, tuple):
        shape, dtype, rows = sig
        return f"{Aval(shape, dtype, 'array')}{'' if rows else ', not contiguous'}"
    return str(sig) if isinstance(sig, Aval) else sig.__name__


def _remedy(path: str, x: Any, y: Any) -> str:
    if not (isinstance(x, tuple) and isinstance(y, tuple)):
        return f"one type of number for {path} at all calls, such as np.float64({path})"
    if x[0] != y[0]:
        return f"arrays of one shape for {path}: batches of one size, or padded to it with a mask"
    if x[1] != y[1]:
        return f"{path}.astype(np.{np.dtype(x[1])})"
    return f"np.ascontiguousarray({path})"
