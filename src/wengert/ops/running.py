"""The largest element so far, along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import Aval, dtype_of
from wengert.ops.families import general
from wengert.ops.reduce import recurrence, reversed_along


def _hits(x: Any, z: Any, axis: int) -> tuple[Any, Any]:
    """Where the running maximum stays what it was before, and where an element equals it, as 0 and 1."""
    head = (slice(None),) * axis
    stays = (z[(*head, slice(1, None))] == z[(*head, slice(0, -1))]).astype(dtype_of(z))
    same = np.concatenate([np.zeros_like(z[(*head, slice(0, 1))]), stays], axis=axis)
    return same, (x == z).astype(dtype_of(z))


def _jvp(ts: Any, z: Any, xs: Any, params: dict[str, Any]) -> Any:
    # elements that tie share equally: the mean of the tangents of those that equal the maximum so far
    same, hit = _hits(xs[0], z, **params)
    return recurrence(same, hit * ts[0], **params) / recurrence(same, hit, **params)


def _vjp(g: Any, z: Any, xs: Any, _wanted: Any, params: dict[str, Any]) -> Any:
    axis = params["axis"]
    same, hit = _hits(xs[0], z, axis)
    head = (slice(None),) * axis
    onward = np.concatenate([same[(*head, slice(1, None))], 0 * same[(*head, slice(0, 1))]], axis=axis)
    share = g / recurrence(same, hit, axis=axis)
    back = recurrence(reversed_along(onward, axis), reversed_along(share, axis), axis=axis)
    return (hit * reversed_along(back, axis),)


running_max = general(
    "running_max", lambda x, *, axis: np.maximum.accumulate(x, axis=axis), jvp=_jvp, vjp=_vjp,
    batch=lambda _b, xs, p: running_max(xs[0], axis=p["axis"] + 1),
    infer=lambda x, *, axis: Aval(x.shape, x.dtype, "array"), tex=r"\max_{{j \le k}} {0}_j",
)  # fmt: skip
