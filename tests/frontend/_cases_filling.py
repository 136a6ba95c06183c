"""Calls of NumPy's functions that write into their argument, as users write them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tests.frontend._cases import MASK, S, V, X, add


def filled(write: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """Of a computed array, of a view of it and of an array of zeros: what they are after ``write``."""

    def f(x: Any) -> Any:
        a, b, z = x * 2.0, x * 3.0, np.zeros((3, *x.shape))
        views = a[..., 1:], b.T
        write(a, x)
        write(b.T, x.T * 0.5)
        write(z[1], x)
        return a * x, b, z, [v * v for v in views]

    return f


add(
    np.put,
    filled(lambda a, x: np.put(a, [0, 4, 1], x[0])), filled(lambda a, x: np.put(a, [1, 1, 0], x.ravel()[:3] ** 2)),
    filled(lambda a, x: np.put(a, [5, -6], x[0, 0])), filled(lambda a, x: np.put(a, [[0, 1], [2, 3]], x.ravel()[:2])),
    filled(lambda a, x: np.put(a, [7, -8], x.ravel()[:2], mode="wrap")), filled(lambda a, _: np.put(a, 2, 5)),
    filled(lambda a, x: np.put(a, [7, -8], x.ravel()[:2], mode="clip")), filled(lambda a, x: np.put(a, [], x)),
    filled(lambda a, _: np.put(a, [0, 1], [])), filled(lambda a, x: np.put(a, np.argsort(a, axis=None)[:2], x)),
    filled(lambda a, _: np.put(a, [0, 1, 2], a[::-1, 0])),
    args=(X,),
)  # fmt: skip
add(
    np.place,
    filled(lambda a, x: np.place(a, a > 2.0, x[0])), filled(lambda a, x: np.place(a, np.arange(6) % 2 == 0, x * x)),
    filled(lambda a, x: np.place(a, a > 2.0, [x[0, 0], 7.0])),
    filled(lambda a, _: np.place(a, a > 2.0, -1)),
    args=(X,),
)  # fmt: skip
add(
    np.putmask,
    filled(lambda a, x: np.putmask(a, a > 2.0, x * x)), filled(lambda a, x: np.putmask(a, a > 2.0, x.ravel()[:4])),
    filled(lambda a, x: np.putmask(a, np.arange(6) % 3, x[0, 1])), filled(lambda a, _: np.putmask(a, a > 0, [])),
    args=(X,),
)  # fmt: skip
add(
    np.fill_diagonal,
    filled(lambda a, x: np.fill_diagonal(a, x[0])), filled(lambda a, x: np.fill_diagonal(a, x[0, 0] * x[1, 1])),
    filled(lambda a, x: np.fill_diagonal(a, x.ravel()[:2], wrap=True)), filled(lambda a, _: np.fill_diagonal(a, 7)),
    args=(S,),
)  # fmt: skip
add(
    np.fill_diagonal,
    lambda x: (a := np.ones((7, 2)), np.fill_diagonal(a, x, wrap=True), np.fill_diagonal(a[1:], x * x), a)[3],
    lambda x: (a := np.zeros((3, 3, 3)), np.fill_diagonal(a, x), np.fill_diagonal(a.T[..., ::-1], x[0]), a)[3],
    args=(V,),
)
add(
    np.put_along_axis,
    filled(lambda a, x: np.put_along_axis(a, np.array([[1], [0]])[: len(a)], x[:1, :1], 1) if len(a) == 2 else None),
    filled(lambda a, x: np.put_along_axis(a, np.argmax(a, axis=0, keepdims=True), x[0], 0)),
    filled(lambda a, _: np.put_along_axis(a, np.array([[0] * a.shape[1]]), 9.0, 0)),
    lambda x: (a := x * 2.0, np.put_along_axis(a, np.array([4, 1]), x.ravel()[:2], None), a)[2],
    args=(X,),
)
add(
    np.copyto,
    filled(lambda a, x: np.copyto(a, x, where=a > 2.0)), filled(lambda a, x: np.copyto(a[:1], x[0] ** 2)),
    lambda x: (a := np.zeros((2, 3)), np.copyto(a, x * x, where=MASK), np.copyto(a, [1, 2, 3], where=~MASK), a)[3],
    args=(X,),
)  # fmt: skip
