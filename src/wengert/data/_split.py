"""Which rows are held out, and in which order the others are read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wengert import random
from wengert.errors import DataError

__all__ = ["batches", "row_order", "split_rows"]

Rows = NDArray[np.int64]


def split_rows(n: int, fraction: float, seed: int = 0, strata: ArrayLike | None = None) -> tuple[Rows, Rows]:
    """Indices of the training rows and of the held-out rows, both ascending, at least one of each.

    Args:
        n: how many rows there are.
        fraction: the part of them to hold out, between 0 and 1.
        seed: decides which.
        strata: a class for each row; each class is split in the same proportion and none is held out whole.

    Raises:
        DataError: if there are fewer than two rows, or ``fraction`` is not between 0 and 1.

    Example:
        >>> from wengert import data
        >>> training, held_out = data.split_rows(10, 0.2)
        >>> len(training), len(held_out)
        (8, 2)
    """
    if n < 2:
        raise DataError(f"{n} row{'s' * (n != 1)} cannot be split into training and held-out rows; two are needed")
    if not 0 < fraction < 1:
        raise DataError(f"the held-out fraction lies between 0 and 1, and {fraction} does not; 0.2 is usual")
    classes = np.zeros(n) if strata is None else np.asarray(strata)
    if classes.shape != (n,):
        raise DataError(f"strata has shape {classes.shape} and there are {n} rows; give each row its class")
    groups = [np.flatnonzero(classes == label) for label in np.unique(classes)]
    key = random.key(seed)
    drawn = [_draw(random.fold_in(key, i), rows, fraction) for i, rows in enumerate(groups)]
    held_out = np.concatenate(drawn)
    if not held_out.size:
        largest = max(groups, key=len)
        held_out = largest[random.integers(key, 0, len(largest), (1,))]
    mask = np.zeros(n, dtype=bool)
    mask[held_out] = True
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def _draw(key: random.Key, rows: Rows, fraction: float) -> Rows:
    """About ``fraction`` of ``rows``, and never all of them."""
    count = min(round(fraction * len(rows)), len(rows) - 1)
    return rows[random.permutation(key, len(rows))[:count]]


def row_order(n: int, key: random.Key, replace: bool = False) -> Rows:
    """The numbers of ``n`` rows in an order drawn from ``key``, or ``n`` draws from them with ``replace``.

    Example:
        >>> from wengert import data, random
        >>> sorted(data.row_order(4, random.key(0)).tolist())
        [0, 1, 2, 3]
    """
    order = random.integers(key, 0, n, (n,)) if replace else random.permutation(key, n)
    return np.asarray(order, dtype=np.int64)


def batches(n: int, size: int, key: random.Key, replace: bool = False) -> Iterator[Rows]:
    """Index arrays that go over ``n`` rows once in an order drawn from ``key``; the last may be shorter.

    With ``replace`` every index is drawn anew from all rows, as many as there are rows in all. A ``size``
    beyond ``n`` gives one batch of everything. For another order, as for each epoch, pass another key:
    ``random.fold_in(key, epoch)``.

    Raises:
        DataError: if ``n`` or ``size`` is less than one.

    Example:
        >>> from wengert import data, random
        >>> [len(rows) for rows in data.batches(10, 4, random.key(0))]
        [4, 4, 2]
    """
    if n < 1 or size < 1:
        raise DataError(f"batches of {size} from {n} rows cannot be drawn; both are at least 1")
    rows = row_order(n, key, replace)
    return (rows[start : start + size] for start in range(0, n, size))
