"""Writes through views as machine code: each lands where NumPy's does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.compile._compiled import agrees


def _set(view: Any, index: Any, value: Any) -> None:
    view[index] = value


WRITES: dict[str, Callable[[Any, Any], None]] = {
    "transposed": lambda x, v: _set(x.T, (1, slice(0, 2)), v[:2]),
    "a row of a part": lambda x, v: _set(x[1:], 0, v),
    "backwards": lambda x, v: _set(x[::-1, ::2], (slice(None), 1), v[:3]),
    "a new axis": lambda x, v: _set(x[:, None], (slice(None), 0, 2), v[:3]),
    "reshaped": lambda x, v: _set(x.reshape(-1), slice(1, 9, 2), v),
    "a part reshaped": lambda x, v: _set(x[1].reshape(2, 2), (1, slice(None)), v[:2]),
    "by positions of a view": lambda x, v: _set(x.T, (np.array([3, 0, -1]), 1), v[:3]),
    "a diagonal": lambda x, v: _set(np.einsum("ii->i", x[:, :3]), slice(None), v[:3]),
    "moved axes": lambda x, v: _set(np.moveaxis(x[None], 0, -1), (2, 1), v[0]),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", WRITES)
def test_writes_through_views(name: str, threads: int) -> None:
    def f(x: Any, v: Any) -> Any:
        x = x.copy()
        WRITES[name](x, v)
        return x

    agrees(f, np.arange(12.0).reshape(3, 4), np.array([10.5, 11.5, 12.5, 13.5]), threads=threads)
