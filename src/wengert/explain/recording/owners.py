"""Whose parameters are at work: the path of a layer in the model that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.types import shape_of

__all__ = ["Owners"]

_CONTAINERS = frozenset({tuple, list, dict, type(None)})
_LONGEST = 48  # characters of a layer's own text


class Owners:
    """The objects that models are made of, by identity, with their paths.

    Transforms copy a model with other leaves in it; a copy is known by the inputs that its leaves are.
    ``input_of`` gives the name of the input that a leaf is, or an empty string.
    """

    def __init__(self, input_of: Callable[[Any], str]) -> None:
        self.input_of = input_of
        self.known: dict[int, tuple[Any, str]] = {}  # the object too, lest its id is given to another one

    def enter(self, tree: Any, path: str) -> None:
        """Note a tree and all objects in it."""
        for below, node in pytree.nodes_with_paths(tree):
            if type(node) not in _CONTAINERS:
                self.known.setdefault(id(node), (node, path + below))

    def layer(self, owner: Any, caller: FrameType | None) -> tuple[str, str] | None:
        """The path and the description of an object, if it is a model or a part of one."""
        if type(owner) in _CONTAINERS or not pytree.nodes_with_paths(owner):
            return None
        known = self.known.get(id(owner))
        if known is None or known[0] is not owner:
            leaves = pytree.flatten_with_paths(owner)
            if not any(isinstance(x, np.ndarray) for _, x in leaves):
                return None
            self.known.pop(id(owner), None)
            self.enter(owner, self.of_inputs(leaves) or _variable(owner, caller) or type(owner).__name__)
            known = self.known[id(owner)]
        return known[1], describe(owner)

    def of_inputs(self, leaves: Sequence[tuple[str, Any]]) -> str:
        """The path of a tree whose leaves are inputs: what comes before the leaves' own paths."""
        for path, x in leaves:
            name = self.input_of(x)
            if name.endswith(path) and name != path:
                return name.removesuffix(path)
        return ""


def _variable(owner: Any, frame: FrameType | None) -> str:
    """The name under which the caller knows an object."""
    if frame is None:
        return ""
    found = (name for names in (frame.f_locals, frame.f_globals) for name, x in names.items() if x is owner)
    return next(found, "")


def describe(owner: Any) -> str:
    """A layer as a reader knows it: its own short text, or its class with the shapes of what it learns."""
    kind = type(owner)
    generated = hasattr(kind.__repr__, "__wrapped__") or kind.__repr__ is object.__repr__
    if not generated:
        try:
            own = repr(owner)
        except Exception:  # noqa: BLE001 - of the user's class, which is given traced values
            own = ""
        if own and len(own) <= _LONGEST and "\n" not in own:
            return own
    if any(type(node) not in _CONTAINERS for _, node in pytree.nodes_with_paths(owner)[1:]):
        return kind.__name__
    shapes = [" × ".join(map(str, shape_of(x))) for x in pytree.leaves(owner) if isinstance(x, np.ndarray)]
    return f"{kind.__name__}({', '.join(shapes)})" if len(shapes) <= 4 else kind.__name__
