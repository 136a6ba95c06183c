"""Random bits as a function of key, purpose, data and position: Philox4x64-10.

J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

The definition, for those who compute it otherwise than by NumPy. The block cipher P maps a counter of four words
c₀ c₁ c₂ c₃ and a key of two words k₀ k₁ (all of 64 bits, arithmetic modulo 2⁶⁴) to four words, by ten rounds of

    (h, l) = the high and the low word of c₀ · 0xD2E7470EE14C6C93
    (H, L) = the high and the low word of c₂ · 0xCA5A826395121157
    c ← (H ⊕ c₁ ⊕ k₀, L, h ⊕ c₃ ⊕ k₁, l)
    k ← (k₀ + 0x9E3779B97F4A7C15, k₁ + 0xBB67AE8584CAA73B)

Element i of the result, counted row by row, is word i mod 4 of P at the counter (⌊i/4⌋ + 1, 0, data, purpose) under the
key as it is. The first block has number 1, since NumPy's generator steps its counter before it takes a block.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.types import Aval, ndim_of, shape_of
from wengert.ops.families import flat


def _stream(key: Any, data: Any, purpose: int, n: int) -> Any:
    """The first n words that belong to a key, a purpose and data."""
    counter = np.array([0, 0, data, purpose], dtype=np.uint64)
    return np.random.Philox(key=key, counter=counter).random_raw(n)


def _random_bits(key: Any, data: Any, *, shape: tuple[int, ...], purpose: int) -> Any:
    n = math.prod(shape)
    if key.ndim == 1 and ndim_of(data) == 0:
        return _stream(key, data, purpose, n).reshape(shape)
    lead = _lead(key, data)
    keys = np.broadcast_to(key, (*lead, 2)).reshape(-1, 2)
    rows = np.broadcast_to(data, lead).ravel()
    out = np.empty((len(keys), n), np.uint64)
    for r in range(len(keys)):
        out[r] = _stream(keys[r], rows[r], purpose, n)
    return out.reshape(*lead, *shape)


def _lead(key: Any, data: Any) -> tuple[int, ...]:
    """The axes of a batch: those of the keys but the last one, and those of the data."""
    return np.broadcast_shapes(shape_of(key)[:-1], shape_of(data))


def _infer(key: Aval, data: Aval, *, shape: tuple[int, ...], purpose: int) -> Aval:
    del purpose
    return Aval((*_lead(key, data), *shape), np.dtype(np.uint64), "array")


def _batch(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> Any:
    (key, data), (by_key, by_data) = operands, batched
    # the batch in front of every other axis; the axes of a batch further in are then the same for both
    inner = len(np.broadcast_shapes(shape_of(key)[by_key:-1], shape_of(data)[by_data:]))
    return random_bits(
        _widened(key, inner + 1) if by_key else key, _widened(data, inner) if by_data else data, **params
    )


def _widened(x: Any, inner: int) -> Any:
    """A stack of operands of ``inner`` axes each: missing ones are put in behind axis 0."""
    shape = shape_of(x)
    return np.reshape(x, (shape[0], *(1,) * (inner + 1 - len(shape)), *shape[1:]))


# ``random_bits[shape, purpose] key data``: uint64 of ``shape`` from a key of two uint64 and one uint64. Keys of shape
# (..., 2) and data of shape (...) are a batch, whose axes stand in front of the result's.
random_bits = flat("random_bits", _random_bits, r"\operatorname{{bits}}({0}, {1})", batch=_batch, infer=_infer)
