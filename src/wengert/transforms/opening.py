"""Whether loops, branches and staged functions run as they are written, so that their steps can be seen.

``wengert.explain`` asks for it. A function that is being staged is written down all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from contextvars import ContextVar
from typing import Any, Protocol

import numpy as np

from wengert import pytree
from wengert.core.trace import ArrayTracer, Constant, Tracer, current, fresh_handle

__all__ = ["OPENING", "Opening", "fresh_handles", "opening", "stacked"]


class Opening(Protocol):
    """Who looks: up to ``turns`` turns of a loop, of which it is told."""

    turns: int

    def loop(self, label: str) -> Iterator[AbstractContextManager[None]]:
        """A context for each turn of a loop, in which its operations are done."""
        ...


OPENING: ContextVar[Opening | None] = ContextVar("wengert_opening", default=None)


def opening() -> Opening | None:
    """Who looks at what is computed now, if anybody does."""
    here = current()
    return None if here is not None and here.captures else OPENING.get()


def fresh_handles(tree: Any) -> Any:
    """Arguments of a function that may write to them without anybody else seeing it."""

    def one(x: Any) -> Any:
        if isinstance(x, ArrayTracer):
            return x.copy() if type(x) is Constant and x.v.flags.writeable else fresh_handle(x)
        return x.copy() if type(x) is np.ndarray and x.flags.writeable else x

    return pytree.map(one, tree)


def stacked(rows: Sequence[Any]) -> Any:
    """The results of the turns of a loop as one tree of arrays."""
    first, treedef = pytree.flatten(rows[0])
    columns = zip(*(pytree.leaves(row) for row in rows), strict=True) if first else ()
    return pytree.unflatten(treedef, [np.stack([*column]) for column in columns])


def concrete(x: Any) -> Any:
    """The plain truth value of a test, None where there is none."""
    if isinstance(x, Tracer):
        try:
            x = x.v if type(x) is Constant else x.concrete()
        except TypeError:  # abstract, or one for each element of a batch
            return None
    return None if np.ndim(x) else bool(x)
