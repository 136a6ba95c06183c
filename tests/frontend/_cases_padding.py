"""Calls of np.pad in every mode, and of what puts elements in and takes them out."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.frontend._cases import T, V, X, add
from tests.frontend._harness import draw

WIDTHS = ((1, 2), (0, 3))
STATISTICS = ("maximum", "mean", "median", "minimum")
for _m in ("constant", "edge", "linear_ramp", *STATISTICS, "reflect", "symmetric", "wrap"):
    add(np.pad, lambda x, m=_m: np.pad(x, WIDTHS, mode=m), args=(X,))
    add(np.pad, lambda x, m=_m: np.pad(x, (7, 5), m), lambda x, m=_m: np.pad(x[:1], (3, 2), m), args=(V,))
for _m in ("reflect", "symmetric"):
    add(np.pad, *(lambda x, w=w, m=_m: np.pad(x, w, m, reflect_type="odd") for w in ((7, 5), (1, 9), (4, 0), (5, 4))),
        lambda x, m=_m: np.pad(x[:1], (3, 2), m, reflect_type="odd"), args=(V,))  # fmt: skip
    add(np.pad, lambda x, m=_m: np.pad(x, ((5, 1), (0, 7), (2, 2)), m, reflect_type="odd"), args=(T,), order=1)
for _m in STATISTICS:
    add(np.pad, lambda x, m=_m: np.pad(x, WIDTHS, m, stat_length=((2, 1), (2, 2))), lambda x, m=_m: np.pad(x, 1, m, stat_length=2),
        args=(X,))  # fmt: skip
add(np.pad, lambda x, c, d: np.pad(x, WIDTHS, constant_values=((c, d), (2, c))), lambda x, c, d: np.pad(x, 1, constant_values=c * d),
    lambda x, c, d: np.pad(x, WIDTHS, "linear_ramp", end_values=((c, d), (2, c))), args=(X, 1.3, 0.4))  # fmt: skip
add(np.pad, lambda c: np.pad(np.ones(2), 1, constant_values=c), args=(np.array([0.3, 0.4]),))


def _ends(line: Any, widths: Any, axis: int, options: Any) -> None:
    if widths[0]:
        line[: widths[0]] = line[widths[0]] * options.get("scale", 2) + axis
    if widths[1]:
        line[-widths[1] :] = np.sum(line)


add(np.pad, lambda x, s: np.pad(x, WIDTHS, _ends), lambda x, s: np.pad(x, 1, _ends, scale=s), args=(X, 1.3))
add(np.pad, lambda x: np.pad(x, 1, "empty")[1:-1, 1:-1], args=(X,))
if np.lib.NumpyVersion(np.__version__) >= "2.4.0":
    add(np.pad, lambda x: np.pad(x, {1: (1, 2)}), lambda x: np.pad(x, {-1: 2}, "edge"), args=(X,))

add(np.insert, lambda x, v: np.insert(x, [1, 1, 2], v, axis=1), args=(X, draw("iv", 2, 3)))
add(np.insert, lambda x, v: np.insert(x, slice(0, 3, 2), v), lambda x, v: np.insert(x, 3, x[0] * v), args=(V, 1.4))
add(
    np.insert,
    lambda x, v: np.insert(x, -1, v, axis=0),
    lambda x, v: np.insert([[1.0, 2.0, 3.0]], 1, v, axis=0),
    args=(X, V),
)
add(np.insert, lambda x, v: np.insert(x, np.array([True, False, True]), v), args=(V, draw("z", 2)))
add(np.delete, lambda x: np.delete(x, slice(None, None, 2), axis=1), lambda x: np.delete(x, -1, 0),
    lambda x: np.delete(x, np.array([True, False, True]), 1), lambda x: np.delete(x, [0, -1]), args=(X,))  # fmt: skip
add(np.trim_zeros, lambda x: np.trim_zeros(np.concatenate([[0.0], x, [0.0, 0.0]])),
    lambda x: np.trim_zeros(np.concatenate([[0.0], x, [0.0, 0.0]]), "b"), args=(V,), abstract=False)  # fmt: skip
