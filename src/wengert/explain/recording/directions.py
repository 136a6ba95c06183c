"""The direction of forward mode: which tangents the inputs begin with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.types import dtype_of, shape_of
from wengert.errors import ModelError, ShapeError, at_line
from wengert.explain.recording.record import Recording
from wengert.transforms.inputs import check_tangent, name_of

__all__ = ["directions_of"]


def directions_of(f: Callable[..., Any], trace: Recording, tangents: Any, args: tuple[Any, ...]) -> dict[int, Any]:
    """The tangent of each input by its number in the list; what is not named has none."""
    what = f"explain({name_of(f)}, tangents=...)"
    values = [trace.entries[n].out for n in range(len(trace.inputs))]
    if isinstance(tangents, str):
        tangents = {tangents: _one(values[trace.inputs.index(tangents)]) if tangents in trace.inputs else 1.0}
    if isinstance(tangents, Mapping):
        named: dict[str, Any] = dict(tangents)  # pyright: ignore[reportUnknownArgumentType]
        unknown = [name for name in named if name not in trace.inputs]
        if unknown:
            raise ModelError(f"{what}: no input is called {unknown[0]!r}{at_line()}\n  it has: {_listed(trace.inputs)}")
        given = [named.get(name) for name in trace.inputs]
    else:
        given = _like_arguments(trace, tangents, args, what)
    return {
        n: _tangent(t, x, f"the tangent of {trace.inputs[n]}", what)
        for n, (t, x) in enumerate(zip(given, values, strict=True))
        if t is not None
    }


def _one(value: Any) -> Any:
    return np.ones(shape_of(value), dtype_of(value))[()]


def _tangent(t: Any, value: Any, name: str, what: str) -> Any:
    t = check_tangent(t, value, name, what)
    return np.asarray(t, dtype_of(value))[()] if not shape_of(value) else np.array(t, dtype_of(value))


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")


def _like_arguments(trace: Recording, tangents: Any, args: tuple[Any, ...], what: str) -> list[Any]:
    """Tangents that are given as arguments are: a tuple of trees, None for an argument that has none."""
    trees = tangents if isinstance(tangents, tuple) else (tangents,)
    if len(trees) != len(args):
        raise ShapeError(
            f"{what}: {len(trees)} tangents for {len(args)} arguments{at_line()}\n"
            f"  write: a tuple with one for each, None for those without; or tangents={trace.inputs[0]!r}"
        )
    leaves: list[Any] = []
    for tree, arg in zip(trees, args, strict=True):
        own, size = pytree.leaves(tree), len(pytree.leaves(arg))
        if tree is not None and len(own) != size:
            raise ShapeError(f"{what}: a tangent of {len(own)} leaves for an argument of {size}{at_line()}")
        leaves += [None] * size if tree is None else own
    numbers = [x for arg in args for x in pytree.leaves(arg)]
    if len(numbers) == len(trace.inputs):
        return leaves
    real = [isinstance(x, np.ndarray | np.generic | float | complex) and dtype_of(x).kind in "fc" for x in numbers]
    found = [t for t, r in zip(leaves, real, strict=True) if r]
    if len(found) != len(trace.inputs):
        raise ShapeError(f"{what}: write tangents as a dict, {{{trace.inputs[0]!r}: …}}{at_line()}")
    return found
