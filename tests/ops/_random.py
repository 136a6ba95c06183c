"""Samples of random bits, and Philox written out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

MASK = (1 << 64) - 1
_KEYS = np.random.default_rng(3).integers(0, 1 << 64, (3, 2), np.uint64, endpoint=False)
_ZERO = np.uint64(0)

SAMPLES: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "random_bits": [
        ((_KEYS[0], _ZERO), {"shape": (5,), "purpose": 0}), ((_KEYS[1], np.uint64(7)), {"shape": (2, 3), "purpose": 2}),
        ((_KEYS[0], np.uint64(MASK)), {"shape": (), "purpose": 1}), ((_KEYS[0], _ZERO), {"shape": (0, 2), "purpose": 0}),
        ((_KEYS, _ZERO), {"shape": (5,), "purpose": 0}), ((_KEYS[0], np.arange(4, dtype=np.uint64)), {"shape": (2,), "purpose": 2}),
        ((_KEYS[:, None], np.arange(4, dtype=np.uint64)), {"shape": (2, 1), "purpose": 2}),
    ],
}  # fmt: skip


def philox(counter: Any, key: Any) -> list[int]:
    """Philox4x64-10, from the paper: ten rounds of two multiplications."""
    c, k = list(counter), list(key)
    for _ in range(10):
        p0, p1 = c[0] * 0xD2E7470EE14C6C93, c[2] * 0xCA5A826395121157
        c = [(p1 >> 64) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 64) ^ c[3] ^ k[1], p0 & MASK]
        k = [(k[0] + 0x9E3779B97F4A7C15) & MASK, (k[1] + 0xBB67AE8584CAA73B) & MASK]
    return c


def _bits(key: Any, data: Any, shape: tuple[int, ...], purpose: int) -> Any:
    lead = np.broadcast_shapes(key.shape[:-1], np.shape(data))
    keys, rows = np.broadcast_to(key, (*lead, 2)), np.broadcast_to(data, lead)
    out = np.empty((*lead, *shape), np.uint64)
    for at in np.ndindex(lead):
        for i, place in enumerate(np.ndindex(shape)):
            counter = [i // 4 + 1, 0, int(rows[at]), purpose]
            out[(*at, *place)] = philox(counter, [int(w) for w in keys[at]])[i % 4]
    return out


ORACLES: dict[str, Any] = {"random_bits": _bits}
