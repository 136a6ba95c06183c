"""Maps and prefix sums over an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.types import ndim_of, shape_of
from wengert.errors import ShapeError, at_line
from wengert.transforms.carrying import check_numbers
from wengert.transforms.control import scan
from wengert.transforms.inputs import name_of

__all__ = ["associative_scan", "map"]


def map(f: Callable[[Any], Any], xs: Any) -> Any:  # noqa: A001 - the name that it has elsewhere
    """``f`` of each slice of ``xs`` along axis 0, one after the other, and the results stacked.

    The same as ``vmap(f)(xs)`` in the memory of one slice.

    Example:
        >>> import numpy as np
        >>> from wengert import control
        >>> control.map(lambda row: row @ row, np.array([[1.0, 2.0], [3.0, 4.0]]))
        array([ 5., 25.])
    """

    def step(_: Any, x: Any) -> tuple[Any, Any]:
        return (), f(x)

    step.__name__ = name_of(f)
    return scan(step, (), xs)[1]


def associative_scan(f: Callable[[Any, Any], Any], xs: Any, axis: int = 0, reverse: bool = False) -> Any:
    """The running results x₀, f(x₀, x₁), f(f(x₀, x₁), x₂), … of an associative ``f``, in about 2 log₂ n calls of it.

    ``f`` takes two trees of slices along ``axis`` and combines them element by element along it; it is called on many
    pairs at once. With ``reverse`` the results run from the last element to the first.

    Source: Blelloch 1990, "Prefix sums and their applications", CMU-CS-90-190.

    Example:
        >>> import numpy as np
        >>> from wengert import control
        >>> control.associative_scan(np.multiply, np.array([1.0, 2.0, 3.0, 4.0]))
        array([ 1.,  2.,  6., 24.])
        >>> def after(first, second):  # y = a x + b, one map after the other
        ...     return first[0] * second[0], second[0] * first[1] + second[1]
        >>> control.associative_scan(after, (np.full(3, 0.5), np.ones(3)))[1]
        array([1.  , 1.5 , 1.75])
    """
    leaves, treedef = check_numbers(xs, f"associative_scan({name_of(f)}): xs")
    found = {shape_of(x)[axis] if -ndim_of(x) <= axis < ndim_of(x) else None for x in leaves}
    if len(found) != 1 or None in found:
        raise ShapeError(
            f"associative_scan({name_of(f)}): xs has shapes {[shape_of(x) for x in leaves]}, and axis {axis} must have "
            f"one length in all of them{at_line()}"
        )
    moved = [np.moveaxis(x, axis, 0) for x in leaves]
    moved = [x[::-1] if reverse else x for x in moved]

    def combine(a: list[Any], b: list[Any]) -> list[Any]:
        # f sees the axis where the user has it
        a, b = ([np.moveaxis(x, 0, axis) for x in group] for group in (a, b))
        pair = (b, a) if reverse else (a, b)
        out = f(*(pytree.unflatten(treedef, group) for group in pair))
        return [np.moveaxis(x, axis, 0) for x in pytree.leaves(out)]

    outs = _prefixes(combine, moved)
    outs = [x[::-1] if reverse else x for x in outs]
    return pytree.unflatten(treedef, [np.moveaxis(x, 0, axis) for x in outs])


def _prefixes(f: Callable[[list[Any], list[Any]], list[Any]], xs: list[Any]) -> list[Any]:
    n = shape_of(xs[0])[0] if xs else 0
    if n < 2:
        return xs
    pairs = f([x[0 : n - 1 : 2] for x in xs], [x[1::2] for x in xs])
    odd = _prefixes(f, pairs)
    last = [x[: (n - 1) // 2] for x in odd]
    even = f(last, [x[2::2] for x in xs]) if n > 2 else [x[2:] for x in xs]
    even = [np.concatenate([x[:1], y]) for x, y in zip(xs, even, strict=True)]
    return [_interleaved(a, b, n) for a, b in zip(even, odd, strict=True)]


def _interleaved(even: Any, odd: Any, n: int) -> Any:
    """even[0], odd[0], even[1], odd[1], …"""
    both = np.concatenate([even, odd])
    order = np.arange(n)
    return both[np.where(order % 2 == 0, order // 2, shape_of(even)[0] + order // 2)]
