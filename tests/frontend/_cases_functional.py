"""Calls of NumPy's functions of functions."""

from __future__ import annotations

import numpy as np
from tests.frontend._cases import T, V, X, add

add(np.apply_along_axis, lambda x: np.apply_along_axis(lambda v: v / np.sum(v), 1, x), lambda x: np.apply_along_axis(np.sum, 0, x),
    args=(X,))  # fmt: skip
add(np.apply_along_axis, lambda x: np.apply_along_axis(lambda v: np.outer(v, v[:2]), 1, x), args=(T,))
add(np.apply_along_axis, lambda x, a: np.apply_along_axis(lambda v, p, q=1: v**p * q, -1, x, a, q=3), args=(X, 1.3))
add(
    np.apply_over_axes,
    lambda x: np.apply_over_axes(np.sum, x, [0, 2]),
    lambda x: np.apply_over_axes(np.cumsum, x, -1),
    args=(T,),
)
add(np.piecewise, lambda x: np.piecewise(x, [x < 0.8, x > 1.2], [lambda v: v**2, np.log]),
    lambda x: np.piecewise(x, [x < 0.8, x > 1.2], [lambda v: v**2, lambda v: np.log(v), 3.0]),
    lambda x: np.piecewise(x[0], x[0] < 0.8, [lambda v: v**2, np.sqrt]),
    lambda x: np.piecewise(x - 1, [x > 1], [np.log, lambda v: -v]),
    lambda x: np.piecewise(x, [x > 0.5, x > 1.0], [lambda v: v**2, lambda v: v**3]), args=(X,))  # fmt: skip
add(np.piecewise, lambda x, a: np.piecewise(x, [x < 1], [lambda v, p: v**p, lambda v, p: p * v], a), args=(X, 1.5))
add(np.piecewise, lambda x: np.piecewise(x, [x < 1, x >= 1], [lambda v: -v, lambda v: v * v]), args=(1.3,))
# of all elements for which the condition holds together, which under vmap are not known
add(np.piecewise, lambda x: np.piecewise(x, [x < 1], [lambda v: v - v.mean(), lambda v: v]), args=(X,), abstract=False)
add(
    np.select,
    lambda x: np.select([x > 1, x > 0.5], [x**2, -x], default=x[0]),
    lambda x: np.select([x > 1], [x]),
    args=(X,),
)
add(np.select, lambda x: np.select([x > 1, x < 2], [x, 2 * x]), args=(1.3,))
add(np.choose, lambda x: np.choose([0, 1, 2], [x[0], x[1], 7.0]), lambda x: np.choose([0, 1], [x[:, :2], 2.0], out=np.zeros((2, 2))),
    args=(X,))  # fmt: skip
add(np.choose, lambda v: np.choose([2, 0, 1], v), args=(V,))
