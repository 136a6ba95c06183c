"""Samples and oracles of the records of positions."""

from __future__ import annotations

from typing import Any

import numpy as np

_X = np.random.default_rng(5).permutation(24).reshape(2, 3, 4) / 7.0
_TIED = np.floor(_X)


def _partition_oracle(x: Any, axis: int, kth: Any) -> Any:
    # each element once, in the order in which np.partition leaves the values
    done = np.partition(x, kth, axis=axis)
    lines, out = np.moveaxis(x, axis, -1), np.empty(np.moveaxis(x, axis, -1).shape, np.intp)
    for at in np.ndindex(lines.shape[:-1]):
        left = list(range(lines.shape[-1]))
        for k, value in enumerate(np.moveaxis(done, axis, -1)[at]):
            out[at][k] = left.pop(next(j for j, n in enumerate(left) if lines[at][n] == value))
    return np.moveaxis(out, -1, axis)


def _below(x: Any, bins: Any, right: bool) -> Any:
    """How many edges lie below each element, or at it too where the bins are closed on the left."""
    x = np.asarray(x)[..., None]
    return np.sum(bins < x if right else bins <= x, axis=-1)


SAMPLES: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "partition_order": [((x,), {"axis": k, "kth": 1}) for x in (_X, _TIED) for k in (0, 1, 2)],
    "lexsort": [((_TIED[0, 0], _X[0, 0]), {"axis": -1}), ((_X[0], _TIED[1]), {"axis": -2}), ((_X[0], _TIED[1]), {"axis": -1})],
    "searchsorted": [
        ((np.sort(_TIED[0, 0]), _X), {"side": "left"}), ((np.sort(_TIED[0, 0]), 2.0), {"side": "right"}),
        ((_X[0, 0], _X[1, 0], np.argsort(_X[0, 0])), {"side": "left"}), ((np.sort(_X[0, 1]), np.float64(1.5)), {"side": "left"}),
    ],
    "digitize": [
        ((_X, np.array([0.5, 1.0, 3.0])), {"right": False}), ((_TIED, np.array([2.0, 1.0])), {"right": True}),
        ((2.0, np.array([1.0, 2.0])), {"right": False}), ((np.float64(0.3), np.sort(_X[0, 0])), {"right": True}),
    ],
    "isin": [((_TIED, _TIED[0, 0]), {}), ((_TIED[0], _TIED[1]), {"invert": True}), ((_TIED[0, 0], np.array([1.0, 2.0])), {"kind": "sort"})],
}  # fmt: skip

ORACLES: dict[str, Any] = {
    "partition_order": _partition_oracle,
    "lexsort": lambda *keys, axis: np.lexsort(keys, axis),
    "searchsorted": lambda a, v, *sorter, side: np.searchsorted(a, v, side, *sorter),
    "digitize": lambda x, bins, right: (
        (len(bins) - _below(x, bins, right)) if bins[0] > bins[-1] else _below(x, bins, right)
    ),
    "isin": lambda x, among, invert=False, kind=None: (x[..., None] == np.ravel(among)).any(-1) ^ invert,
}
