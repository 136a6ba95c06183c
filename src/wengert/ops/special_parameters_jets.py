"""Products and quotients of derivatives: arithmetic on all mixed derivatives up to some order at once.

An array holds the derivatives of a function in some parameters, an axis for each parameter, index k on it being the
k-th derivative; the elements lie along the last axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

__all__ = ["constant", "divided", "indices", "times"]


def constant(orders: Sequence[int], size: int) -> Any:
    """The constant 1."""
    out = np.zeros((*(k + 1 for k in orders), size))
    out[(0,) * len(orders)] = 1.0
    return out


def indices(orders: Sequence[int]) -> list[tuple[int, ...]]:
    """All indices up to ``orders``, lower ones before higher ones."""
    return list(product(*(range(k + 1) for k in orders)))


def times(f: Any, value: Any, slopes: Sequence[float]) -> Any:
    """The product with an expression that is linear in the parameters, by Leibniz's rule."""
    out = value * f
    for at, terms in _plan(f.shape[:-1], tuple(slopes)):
        for lower, weight in terms:
            out[at] += weight * f[lower]
    return out


def divided(f: Any, value: Any, slopes: Sequence[float]) -> Any:
    """The quotient by an expression that is linear in the parameters."""
    out = f / value
    for at, terms in _plan(f.shape[:-1], tuple(slopes)):
        for lower, weight in terms:
            out[at] -= weight * out[lower] / value
    return out


@lru_cache(maxsize=256)
def _plan(shape: tuple[int, ...], slopes: tuple[float, ...]) -> list[tuple[tuple[int, ...], list[Any]]]:
    """For each index, lower ones first: the lower indices that Leibniz's rule adds, and their factors."""
    return [(at, terms) for at in indices([n - 1 for n in shape]) if (terms := _lower(at, slopes))]


def _lower(at: tuple[int, ...], slopes: tuple[float, ...]) -> list[tuple[tuple[int, ...], float]]:
    return [
        ((*at[:axis], k - 1, *at[axis + 1 :]), k * slope)
        for axis, (k, slope) in enumerate(zip(at, slopes, strict=True))
        if k and slope
    ]
