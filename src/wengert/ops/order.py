"""Positions of elements: where they stand when sorted, where they would be put, whether they are among others.

Positions are integers and have no derivative; elements are fetched by them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.ops.families import batch_by_loop, flat


def _batch_along(get: Any) -> Any:
    return lambda _b, xs, p: get()(xs[0], **{**p, "axis": p["axis"] + 1})


def _batch_of(k: int, get: Any) -> Any:
    """Operand ``k`` may have any shape: where it alone is batched, its elements are looked at together."""
    loop = batch_by_loop(get)

    def batch(batched: Any, operands: Any, params: dict[str, Any]) -> Any:
        alone = all(b == (j == k) for j, b in enumerate(batched))
        return get()(*operands, **params) if alone else loop(batched, operands, params)

    return batch


argsort = flat(
    "argsort", lambda x, *, axis, kind=None: np.argsort(x, axis=axis, kind=kind), r"\operatorname{{argsort}} {0}",
    batch=_batch_along(lambda: argsort),
)  # fmt: skip
argpartition = flat(
    "argpartition", lambda x, *, axis, kth: np.argpartition(x, kth, axis=axis), r"\operatorname{{argpartition}} {0}",
    batch=_batch_along(lambda: argpartition),
)  # fmt: skip


def _partition_order(x: Any, *, axis: int, kth: Any) -> Any:
    # np.partition and np.argpartition may leave the rest in different orders: the places are read off the values
    done = np.partition(x, kth, axis=axis)
    order = np.empty(np.shape(x), np.intp)
    after, before = (np.argsort(v, axis=axis, kind="stable") for v in (done, x))
    np.put_along_axis(order, after, before, axis)
    return order


partition_order = flat(
    "partition_order", _partition_order, r"\operatorname{{partition}} {0}", batch=_batch_along(lambda: partition_order)
)
lexsort = flat(
    "lexsort", lambda *keys, axis: np.lexsort(keys, axis=axis), r"\operatorname{{lexsort}} {0}",
    batch=batch_by_loop(lambda: lexsort),
)  # fmt: skip


def _searchsorted(a: Any, v: Any, *sorter: Any, side: str) -> Any:
    return np.searchsorted(a, v, side, *sorter)  # type: ignore[call-overload]


searchsorted = flat(
    "searchsorted", _searchsorted, r"\operatorname{{searchsorted}}({0}, {1})", batch=_batch_of(1, lambda: searchsorted)
)
digitize = flat(
    "digitize", lambda x, bins, *, right: np.digitize(x, bins, right), r"\operatorname{{bin}}({0})",
    batch=_batch_of(0, lambda: digitize),
)  # fmt: skip
isin = flat(
    "isin", lambda x, among, **options: np.isin(x, among, **options), r"{0} \in {1}", batch=_batch_of(0, lambda: isin)
)
