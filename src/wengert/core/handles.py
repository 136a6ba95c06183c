"""Array handles: views with NumPy's aliasing, and writes that rebind the value behind a handle.

A view knows its root and the chain of steps from it; a root knows its views weakly. A write replays the
chain on the root's value, then the live views are read anew.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np
from numpy.lib.array_utils import byte_bounds

from wengert.core.trace import ArrayTracer, Constant, Tracer, born_at, set_class

__all__ = ["adopt", "attach", "copied", "held_elsewhere", "live_views", "refresh", "root_of", "show"]

# Reads a root through a chain; the index records provide it.
FOLLOW: list[Callable[[Any, tuple[Any, ...]], Any]] = []


def root_of(x: ArrayTracer) -> tuple[ArrayTracer, tuple[Any, ...]]:
    """The root of a handle, and the chain of steps that leads from there to it."""
    root = getattr(x, "root", None)
    return (x, ()) if root is None else (root, x.chain)


def attach(view: ArrayTracer, base: ArrayTracer, step: Any) -> None:
    """Make ``view``, which is ``base`` after one step, share ``base``'s memory as NumPy's views do."""
    root = getattr(base, "root", None)
    if root is None:
        root = base
        view.chain = (step,)
    else:
        view.chain = (*base.chain, step)
    view.root = root
    views = getattr(root, "views", None)
    if views is None:
        root.views = [ref(view)]
        return
    n = len(views)
    if n >= 64 and not n & (n - 1):  # at each doubling: dead references must not pile up
        views[:] = [r for r in views if r() is not None]
    views.append(ref(view))


def live_views(root: ArrayTracer) -> list[ArrayTracer]:
    """The views of ``root`` that somebody still holds."""
    views = getattr(root, "views", None)
    if not views:
        return []
    found = [(r, view) for r in views if (view := r()) is not None]
    root.views = [r for r, _ in found]
    return [view for _, view in found]


def copied(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A copy that lies in memory as ``x`` does, with gaps and directions: on that depends which reshapes are views."""
    strides = [step for step, n in zip(x.strides, x.shape, strict=True) if n > 1]
    low, high = byte_bounds(x)
    if high - low <= x.nbytes and min(strides, default=1) > 0:
        return x.copy("K")
    if not x.size or 0 in strides:
        return x.copy("K")
    offset = x.__array_interface__["data"][0] - low
    out = np.ndarray(x.shape, x.dtype, np.empty(high - low, np.uint8), offset, x.strides)
    out[...] = x
    return out


SHOWN = -10  # ``i`` of a constant handle that foreign code has seen the memory of: this less the references it had


def references(root: ArrayTracer) -> int:
    """How many references to a plain root's memory there are that are not known views of it."""
    owner = root.v if root.v.base is None else root.v.base
    known = sum(view.v is owner or view.v.base is owner for view in live_views(root) if type(view) is Constant)
    return sys.getrefcount(owner) - known


def show(x: ArrayTracer) -> None:
    """Remember that foreign code sees the memory of a constant handle; to be called before it does."""
    root, _ = root_of(x)
    if type(root) is Constant and root.i == -1:
        root.i = SHOWN - references(root)


def held_elsewhere(root: ArrayTracer) -> bool:
    """Whether foreign code holds the memory of a constant handle, so that it would miss what is written next."""
    if root.i > SHOWN:
        return False
    return not getattr(sys, "_is_gil_enabled", lambda: True)() or references(root) > SHOWN - root.i


def adopt(handle: ArrayTracer, value: Tracer) -> None:
    """Rebind ``handle`` to what ``value`` is."""
    if type(handle) is not type(value):
        set_class(handle, type(value))
    handle.born = born_at(handle)
    handle.v, handle.t, handle.i = value.v, value.t, value.i


def refresh(root: ArrayTracer) -> None:
    """Read the live views of ``root`` anew after a write."""
    for view in live_views(root):
        value = FOLLOW[0](root.v if type(root) is Constant else root, view.chain)
        if isinstance(value, Tracer):
            adopt(view, value)
        else:
            view.v = value
