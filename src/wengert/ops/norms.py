"""The Euclidean norm, as one record: lengths are common, and their rule divides by what may be zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import Aval, shape_of
from wengert.ops.families import general
from wengert.ops.linalg import Operands, Params, conj, real_dtype
from wengert.ops.reduce import keep, kept_shape


def _euclidean(x: Any, *, axes: tuple[int, ...], keepdims: bool) -> Any:
    if len(axes) == np.ndim(x):
        size = np.linalg.norm(x)
        return np.reshape(size, (1,) * len(axes)) if keepdims else size
    return np.sqrt(np.add.reduce(np.real(conj(x) * x), axis=axes, keepdims=keepdims))


def _beside(z: Any, x: Any, params: Params) -> Any:
    """A result, or its cotangent, in a shape that multiplies ``x``."""
    return z if params["keepdims"] or not shape_of(x) else keep(z, shape_of(x), params["axes"])


def _direction(x: Any, z: Any, params: Params) -> Any:
    """conj(x)/|x|; at the zero vector the subgradient 0."""
    size = _beside(z, x, params)
    zero = size == 0
    return np.where(zero, 0.0, conj(x) / np.where(zero, 1.0, size))


def _infer(x: Aval, *, axes: tuple[int, ...], keepdims: bool) -> Aval:
    kept = kept_shape(x.shape, axes)
    shape = kept if keepdims else tuple(n for k, n in enumerate(x.shape) if k not in axes)
    return Aval(shape, real_dtype(x.dtype), "array" if shape else "scalar")


def _jvp(ts: Operands, z: Any, xs: Operands, params: Params) -> Any:
    along = _direction(xs[0], z, params) * ts[0]
    return np.real(np.sum(along, axis=params["axes"], keepdims=params["keepdims"]))


def _batch(_batched: Any, xs: Operands, params: Params) -> Any:
    return euclidean(xs[0], axes=tuple(k + 1 for k in params["axes"]), keepdims=params["keepdims"])


# |x| = √Σ|x_k|² over ``axes``, a sorted tuple; d|x| = Re Σ conj(x_k) dx_k / |x|
euclidean = general(
    "euclidean", _euclidean, jvp=_jvp,
    vjp=lambda g, z, xs, _w, p: (_beside(g, xs[0], p) * _direction(xs[0], z, p),),
    batch=_batch, infer=_infer, tex=r"\left\|{0}\right\|", family="reduction",
)  # fmt: skip
