"""The numbers a tree learns, as one row: where each leaf stands in it, and what its elements are called."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from wengert import pytree
from wengert.errors import DataError, ModelError, ShapeError

__all__ = ["Layout", "Leaf"]

_KEY = re.compile(r"\['([A-Za-z_]\w*)'\]")


@final
@dataclass(frozen=True)
class Leaf:
    """An array of learned numbers: its name as one would write it, its shape and dtype, and its place in the row."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    start: int

    @property
    def stop(self) -> int:
        """Where the next leaf begins."""
        return self.start + math.prod(self.shape)


@final
class Layout:
    """How the learned numbers of trees like ``like`` stand in a row, leaf after leaf.

    Floats are learned, and integers that stand for numbers; what a model only remembers
    (:func:`wengert.pytree.state`) is not in the row, and is in each rebuilt tree as it is in ``like``.

    Raises:
        ModelError: if there is nothing to learn, or a leaf is complex or no number.

    Example:
        >>> import numpy as np
        >>> from wengert.training import Layout
        >>> layout = Layout({"w": np.array([1.0, 2.0]), "b": 0.5})
        >>> layout.row({"w": np.array([3.0, 4.0]), "b": 5.0}), layout.names()
        (array([3., 4., 5.]), ['w[0]', 'w[1]', 'b'])
        >>> layout.tree(np.array([0.0, 1.0, 2.0]))
        {'w': array([0., 1.]), 'b': 2.0}
    """

    def __init__(self, like: Any) -> None:
        self.like = like
        self.values, self.structure = pytree.flatten(like)
        self.learned = [not held for held in pytree.state_mask(like)]
        named = [item for item, own in zip(pytree.flatten_with_paths(like), self.learned, strict=True) if own]
        starts = accumulate((np.size(value) for _, value in named), initial=0)
        self.leaves = [_leaf(path, value, start) for (path, value), start in zip(named, starts, strict=False)]
        self.size = self.leaves[-1].stop if self.leaves else 0
        if not self.size:
            raise ModelError("there is no path to record: nothing is learned here, the tree holds no numbers")

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that holds every leaf."""
        return np.result_type(*(leaf.dtype for leaf in self.leaves))

    def row(self, tree: Any) -> NDArray[Any]:
        """The learned numbers of a tree like this one.

        Raises:
            ShapeError: if the tree is another one; the message names the first leaf that differs.
        """
        values, structure = pytree.flatten(tree)
        if structure != self.structure:  # or of dicts only the order
            values = pytree.leaves(pytree.map(lambda _mine, its: its, self.like, tree))
        own = [value for value, learned in zip(values, self.learned, strict=True) if learned]
        for leaf, value in zip(self.leaves, own, strict=True):
            if np.shape(value) != leaf.shape:
                raise ShapeError(f"{leaf.name or 'the parameter'} has shape {leaf.shape} in one and {np.shape(value)} "
                                 "in the other")  # fmt: skip
        return np.concatenate([np.asarray(value, self.dtype).reshape(-1) for value in own])

    def tree(self, row: Any) -> Any:
        """The tree of a row of numbers, which may be traced: in the shapes and dtypes of ``like``."""
        places = iter(self.leaves)
        found = [
            self._value(row, next(places), old) if own else old
            for old, own in zip(self.values, self.learned, strict=True)
        ]
        return pytree.unflatten(self.structure, found)

    def _value(self, row: Any, leaf: Leaf, old: Any) -> Any:
        if isinstance(old, np.ndarray):
            return row[leaf.start : leaf.stop].reshape(leaf.shape).astype(leaf.dtype)
        number = row[leaf.start]
        # a traced number stays one
        return float(number) if type(row) is np.ndarray and isinstance(old, float) else number

    def differs(self, other: Layout) -> str:
        """How another layout differs from this one, "" if it does not."""
        for mine, its in zip(self.leaves, other.leaves, strict=False):
            if (mine.name, mine.shape) != (its.name, its.shape):
                return f"{_described(mine)} against {_described(its)}"
        longer = max(self.leaves, other.leaves, key=len)[min(len(self.leaves), len(other.leaves)) :]
        return f"{_described(longer[0])} is in one of them only" if longer else ""

    def name(self, place: int) -> str:
        """What the element at a place of the row is called."""
        leaf = next(leaf for leaf in self.leaves if place < leaf.stop)
        index = np.unravel_index(place - leaf.start, leaf.shape) if leaf.shape else ()
        return leaf.name + (f"[{', '.join(map(str, index))}]" if leaf.shape else "")

    def names(self) -> list[str]:
        """The names of all elements."""
        return [self.name(place) for place in range(self.size)]

    def place(self, name: str) -> int:
        """The place in the row of an element by its name: ``"b"``, ``"w[0]"``, ``"layers[0].weight[3, 1]"``.

        Raises:
            DataError: if there is no such element, or the name is that of an array of several.
        """
        wanted = "".join(_clean(name).split())
        for leaf in self.leaves:
            own = "".join(leaf.name.split())
            if wanted == own and leaf.stop == leaf.start + 1:
                return leaf.start
            if wanted == own:
                raise DataError(f"{name} has the shape {leaf.shape}: name an element, as {self.name(leaf.start)}")
            if wanted.startswith(own + "[") and (index := _index(wanted[len(own) :], leaf.shape)) is not None:
                return leaf.start + index
        known = [self.name(leaf.start) + (f" of shape {leaf.shape}" if leaf.shape else "") for leaf in self.leaves]
        some = ", ".join(known[:8]) + (f" and {len(known) - 8} more" if len(known) > 8 else "")
        raise DataError(f'no parameter is called "{name}"; there are {some}')


def _leaf(path: str, value: Any, start: int) -> Leaf:
    dtype, name = np.asarray(value).dtype, _clean(path)
    if dtype.kind == "c":
        raise ModelError(
            f"{name or 'the parameter'} is complex, and a surface stands over real numbers\n"
            "  write: two real parameters, x and y of z = x + 1j * y"
        )
    if dtype.kind not in "fiub":
        raise ModelError(f"{name or 'the parameter'} is no number but {value!r}")
    return Leaf(name, np.shape(value), dtype if dtype.kind == "f" else np.dtype(np.float64), start)


def _clean(path: str) -> str:
    """``w`` for ``['w']``, ``layers[0].weight`` for ``.layers[0].weight``."""
    return _KEY.sub(r".\1", path).removeprefix(".")


def _described(leaf: Leaf) -> str:
    return f"{leaf.name or 'the parameter'} of shape {leaf.shape}"


def _index(text: str, shape: tuple[int, ...]) -> int | None:
    """The place within an array of shape ``shape`` that ``[3,1]`` means, None if it means none."""
    if not re.fullmatch(r"(\[-?\d+(,-?\d+)*\])+", text):
        return None
    numbers = [int(n) for n in re.findall(r"-?\d+", text)]
    if len(numbers) != len(shape) or any(not -size <= n < size for n, size in zip(numbers, shape, strict=True)):
        return None
    return int(np.ravel_multi_index([n % size for n, size in zip(numbers, shape, strict=True)], shape))
