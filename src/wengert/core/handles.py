"""Array handles: views with NumPy's aliasing, and writes that rebind the value behind a handle.

A view knows its root and the chain of steps from it; a root knows its views weakly. A write replays the
chain on the root's value, then the live views are read anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

from wengert.core.trace import ArrayTracer, Constant, Tracer, set_class

__all__ = ["adopt", "attach", "live_views", "refresh", "root_of"]

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


def adopt(handle: ArrayTracer, value: Tracer) -> None:
    """Rebind ``handle`` to what ``value`` is."""
    if type(handle) is not type(value):
        set_class(handle, type(value))
    handle.v, handle.t, handle.i = value.v, value.t, value.i


def refresh(root: ArrayTracer) -> None:
    """Read the live views of ``root`` anew after a write."""
    for view in live_views(root):
        if type(root) is Constant:
            view.v = FOLLOW[0](root.v, view.chain)
        else:
            adopt(view, FOLLOW[0](root, view.chain))
