"""What NumPy spells with brackets, np.r_ and np.c_, and np.ndenumerate: classes that NumPy does not dispatch."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.trace import Tracer
from wengert.core.types import ndim_of, shape_of
from wengert.errors import UnsupportedError, at_line
from wengert.frontend.creation import CLASS_GUARDS
from wengert.frontend.joining import concatenate
from wengert.frontend.ranges import arange
from wengert.frontend.tables import tracers_in
from wengert.frontend.values import as_array, common_dtype
from wengert.ops.shape import reshape

CONCATENATOR: Any = type(np.r_).__mro__[1]
_JOIN, _ENUMERATE = CONCATENATOR.__getitem__, np.ndenumerate.__init__


def _bounds(item: Any) -> tuple[Any, ...]:
    return (item.start, item.stop, item.step) if isinstance(item, slice) else (item,)


def joined(self: Any, key: Any) -> Any:
    """``np.r_[a, b, 1:3]`` and ``np.c_[a, b]``: slices are ranges, the rest is joined along an axis."""
    items = list(key) if isinstance(key, tuple) else [key]
    if not tracers_in([bound for item in items for bound in _bounds(item)]):
        return _JOIN(self, key)
    axis, ndmin, lead = self.axis, self.ndmin, self.trans1d
    if isinstance(items[0], str):
        axis, ndmin, lead = _directive(items.pop(0), ndmin, lead)
    parts = [_range(item) if isinstance(item, slice) else as_array(item) for item in items]
    kinds = [item if _is_number(item) else part for item, part in zip(items, parts, strict=True)]
    kind = common_dtype(kinds)
    return concatenate([_grown(part.astype(kind), ndmin, lead) for part in parts], axis)


def _is_number(item: Any) -> bool:
    return isinstance(item, int | float | complex) and not isinstance(item, np.generic)


def _directive(text: str, ndmin: int, lead: int) -> tuple[int, int, int]:
    """The axis, the least number of axes, and where the axes of what has fewer stand."""
    if text in ("r", "c"):
        raise UnsupportedError(f"np.r_[{text!r}, ...] makes a matrix{at_line()}\n  write: np.r_ without it, or np.c_")
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(f"unknown special directive {text!r}{at_line()}") from None
    return numbers[0], (numbers[1] if len(numbers) > 1 else ndmin), (numbers[2] if len(numbers) > 2 else lead)


def _range(item: slice) -> Any:
    start, step = 0 if item.start is None else item.start, 1 if item.step is None else item.step
    if isinstance(step, complex):
        return np.linspace(start, item.stop, num=int(abs(step)))
    return as_array(arange(start, item.stop, step))


def _grown(x: Any, ndmin: int, lead: int) -> Any:
    shape = shape_of(x)
    extra = max(ndmin, 1) - ndim_of(x)
    if extra <= 0:
        return x
    before = extra if lead == -1 else lead + extra + 1 if lead < 0 else lead
    return reshape(x, shape=(*(1,) * min(before, extra), *shape, *(1,) * max(extra - before, 0)))


class _Elements:
    """The elements of an array one after another, and where the next one stands."""

    def __init__(self, base: Any) -> None:
        self.base, self.places, self.at = base, list(np.ndindex(shape_of(base))), 0

    @property
    def coords(self) -> tuple[int, ...]:
        """The indices of the next element."""
        return self.places[self.at] if self.at < len(self.places) else ()

    def __next__(self) -> Any:
        if self.at >= len(self.places):
            raise StopIteration
        self.at += 1
        return self.base[self.places[self.at - 1]]


def enumerated(self: Any, arr: Any) -> None:
    """``np.ndenumerate`` of a traced array goes through its elements as NumPy's does."""
    if isinstance(arr, Tracer):
        self.iter = _Elements(arr if ndim_of(arr) else reshape(arr, shape=()))  # pyright: ignore[reportAttributeAccessIssue]
    else:
        _ENUMERATE(self, arr)


CLASS_GUARDS.extend(
    [
        (CONCATENATOR, "__getitem__", joined),
        (np.ndenumerate, "__init__", enumerated),
    ]
)
