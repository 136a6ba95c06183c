"""NumPy's functions that stand by themselves: square roots and logarithms that turn complex, indices as numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib import scimath

from wengert.core.trace import plain
from wengert.core.types import dtype_of, shape_of
from wengert.frontend.asking import answer
from wengert.frontend.tables import implements
from wengert.frontend.values import as_array

# ---- numpy.lib.scimath (numpy.emath): complex where the real function is not defined for some element


def _widened(x: Any, outside: Callable[[Any], Any]) -> Any:
    """``x``, as complex numbers where some element is outside of the real function's domain."""
    x = as_array(x)
    kind = dtype_of(x)
    if kind.kind == "c" or not np.any(outside(plain(x))):
        return x
    return x.astype(np.complex64 if kind.char in "bBhHef" else np.complex128)


def _negative(x: Any) -> Any:
    return x < 0


def _beyond_one(x: Any) -> Any:
    return np.absolute(x) > 1


def _widening(function: Any, ufunc: np.ufunc, outside: Callable[[Any], Any]) -> None:
    def rule(x: Any) -> Any:
        return ufunc(_widened(x, outside))

    rule.__name__ = function.__name__
    implements(function)(rule)


for _name in ("sqrt", "log", "log10", "log2"):
    _widening(getattr(scimath, _name), getattr(np, _name), _negative)
for _name in ("arccos", "arcsin", "arctanh"):
    _widening(getattr(scimath, _name), getattr(np, _name), _beyond_one)


@implements(scimath.logn)
def logn(n: Any, x: Any) -> Any:
    """Log x / log n."""
    x, n = _widened(x, _negative), _widened(n, _negative)
    return np.log(x) / np.log(n)


@implements(scimath.power)
def power(x: Any, p: Any) -> Any:
    x, p = _widened(x, _negative), as_array(p)
    if dtype_of(p).kind in "iu" and np.any(plain(p) < 0):
        p = p * 1.0
    return np.power(x, p)


# ---- positions as tuples of indices and as numbers: integers, also those of a batch


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in np.atleast_1d(shape))


def _strides(shape: tuple[int, ...], order: str) -> list[int]:
    sizes = [1]
    for n in reversed(shape[1:]) if order == "C" else shape[:-1]:
        sizes.append(sizes[-1] * n)
    return sizes[::-1] if order == "C" else sizes


@implements(np.unravel_index)
def unravel_index(indices: Any, shape: Any, order: str = "C") -> Any:
    at = as_array(indices)
    sizes = _sizes(shape)
    answer(np.unravel_index, at, sizes, order=order)  # a stand-in of ones: what is out of bounds is not known
    return tuple(at // step % n for step, n in zip(_strides(sizes, order), sizes, strict=True))


@implements(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    at = [as_array(k) for k in multi_index]
    sizes = _sizes(dims)
    modes = (mode,) * len(sizes) if isinstance(mode, str) else tuple(mode)
    kept = [k % n if m == "wrap" else np.clip(k, 0, n - 1) if m == "clip" else k
            for k, n, m in zip(at, sizes, modes, strict=True)]  # fmt: skip
    total: Any = 0
    for k, step in zip(kept, _strides(sizes, order), strict=True):
        total = total + k * step
    return np.broadcast_to(total, np.broadcast_shapes(*map(shape_of, at))) if shape_of(total) else total
