"""Discrete convolution of vectors, and the positions of numbers between ordered ones.

``convolve`` is over the last axis; leading axes, where there are any, are a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.types import Aval, shape_of
from wengert.ops.families import align, batch_by_loop, flat, multilinear


def _convolve(a: Any, v: Any) -> Any:
    if a.ndim == 1 and v.ndim == 1:
        return np.convolve(a, v)
    if v.shape[-1] > a.shape[-1]:
        a, v = v, a
    n = v.shape[-1]
    edge = [(0, 0)] * (a.ndim - 1) + [(n - 1, n - 1)]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(a, edge), n, axis=-1)
    return np.einsum("...ij,...j->...i", windows, v[..., ::-1])


def _transpose(k: int, g: Any, operands: Sequence[Any]) -> Any:
    """c_k = Σ a_i v_(k−i), hence d_i = Σ g_(i+j) v_j: the middle of the convolution with ``v`` reversed."""
    n = shape_of(operands[k])[-1]
    other = operands[1 - k]
    m = shape_of(other)[-1]
    return convolve(g, other[..., ::-1])[..., m - 1 : m - 1 + n]


def _infer(a: Aval, v: Aval) -> Aval:
    lead = np.broadcast_shapes(a.shape[:-1], v.shape[:-1])
    return Aval((*lead, a.shape[-1] + v.shape[-1] - 1), np.result_type(a.dtype, v.dtype), "array")


def _batch(batched: Sequence[bool], operands: Sequence[Any], _params: Any) -> Any:
    return convolve(*align(batched, operands))


convolve = multilinear("convolve", _convolve, _transpose, _batch, _infer, "{0} * {1}")


def _bracket(x: Any, knots: Any) -> Any:
    return np.searchsorted(knots, x, side="right") - 1


def _bracket_batch(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> Any:
    if batched[1]:
        return _bracket_loop(batched, operands, params)
    return bracket(*operands)


_bracket_loop = batch_by_loop(lambda: bracket)
# for each number the index of the last knot that is not greater; -1 before the first one
bracket = flat("bracket", _bracket, r"\max \{{j : {1}_j \le {0}\}}", batch=_bracket_batch)
