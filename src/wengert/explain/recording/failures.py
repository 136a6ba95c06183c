"""Where a function stopped that raised an exception while it was explained: the operation, and what it was given."""

from __future__ import annotations

import linecache
import re
import traceback
from dataclasses import dataclass
from typing import Any

from wengert.core.types import aval_of
from wengert.errors import is_library_file, place_line
from wengert.explain.recording.record import Recording
from wengert.explain.recording.scopes import Place, Scope
from wengert.transforms.inputs import is_number

__all__ = ["Failure", "failure_of"]

_LONGEST, _MOST_LINES = 2000, 30  # characters and lines of an exception's message
# Python names in its own messages the types of what it was given, and they stand for the user's numbers and arrays.
_OWN_NUMBERS = re.compile(r"\bRecorded(Scalar|Array)\b")
_USERS = {"Scalar": "float", "Array": "numpy.ndarray"}


@dataclass(frozen=True, slots=True)
class Failure:
    """The operation or line at which the function raised ``error``.

    ``operation`` is the primitive's name, or an empty string where it was not an operation that failed; ``operands``
    are the steps' names, or those of the variables on the line, with their types (``f64[3,2]``).

    Example:
        >>> import numpy as np
        >>> import wengert
        >>> def f(x, W):
        ...     h = np.tanh(x)
        ...     return np.sum(h @ W)
        >>> e = wengert.explain(f)(np.ones(3), np.ones((4, 2)))
        >>> e.failure.operands, [step.name for step in e.steps]
        ([('h', 'f64[3]'), ('W', 'f64[4,2]')], ['v1'])
    """

    error: Exception
    operation: str
    operands: list[tuple[str, str]]
    place: Place
    scopes: tuple[Scope, ...] = ()

    @property
    def line(self) -> str:
        """The user's line, as ``file:line: source``."""
        return place_line(self.place)

    def __str__(self) -> str:
        what = f"{self.operation}({', '.join(f'{n}: {t}' for n, t in self.operands)})" if self.operation else ""
        what = what or ("the line" if self.line else "the call, before the first line")
        names = "" if self.operation else ", ".join(f"{name} {kind}" for name, kind in self.operands)
        at = f"\n  at {self.line}" if self.line else ""
        given = f"\n  with {names}" if names else ""
        return f"stopped at {what}{at}{given}\n  {type(self.error).__name__}: " + "\n  ".join(self.message.splitlines())

    @property
    def message(self) -> str:
        """What the exception says; of a very long message the beginning."""
        try:
            said = _OWN_NUMBERS.sub(lambda found: _USERS[found[1]], str(self.error))
        except Exception as error:  # noqa: BLE001 - a class of the user's own, which may raise anything
            return f"(str() of this exception raised {type(error).__name__})"
        lines = said.splitlines()
        shown = "\n".join(lines[:_MOST_LINES])
        return f"{shown[:_LONGEST]} …" if len(lines) > _MOST_LINES or len(shown) > _LONGEST else said


def failure_of(trace: Recording, error: Exception, names: list[str]) -> Failure:
    """Where and on what the function failed."""
    if trace.failed is not None and trace.failed[0] is error:
        entry = trace.failed[1]
        assert entry.primitive is not None
        operands = [
            (names[i] if i >= 0 else "constant", type_of(x)) for i, x in zip(entry.sources, entry.operands, strict=True)
        ]
        return Failure(error, entry.primitive.name, operands, entry.place, entry.scopes)
    users = [(f, n) for f, n in traceback.walk_tb(error.__traceback__) if not is_library_file(f.f_code.co_filename)]
    if not users:
        return Failure(error, "", [], ("", 0))
    frame, number = users[-1]
    place = frame.f_code.co_filename, number
    words = dict.fromkeys(re.findall(r"[^\W\d]\w*", linecache.getline(*place)))
    found = [(word, frame.f_locals[word]) for word in words if word in frame.f_locals]
    return Failure(error, "", [(word, type_of(x)) for word, x in found if is_number(x)], place)


def type_of(x: Any) -> str:
    """A value's type, as in ``f64[3,2]``."""
    return str(aval_of(x))
