"""Bits as a function of (key, purpose, position): Philox4x64-10.

J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
The counter has four words: the block's number in the lowest, data in the third, the purpose in the
highest, so that samples, split keys and folded keys never share a block.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.errors import DataError, ShapeError

__all__ = ["FOLD", "GENERATOR", "SAMPLE", "SPLIT", "WORD", "Key", "bit_generator", "bits", "checked", "word"]

WORD = 1 << 64
SAMPLE, SPLIT, FOLD, GENERATOR = range(4)

Key = NDArray[np.uint64]


def checked(key: Any) -> Key:
    """``key`` itself, if it is one."""
    if getattr(key, "dtype", None) != np.uint64 or key.shape != (2,):
        raise ShapeError(
            f"a key is an array of two uint64 and this is {_described(key)}; "
            "make one with wengert.random.key(0), and more from it with wengert.random.split(key)"
        )
    return key


def _described(value: Any) -> str:
    if hasattr(value, "dtype"):
        return f"an array of shape {value.shape} and dtype {value.dtype}"
    return f"{value!r}, a {type(value).__name__}"


def word(value: Any, name: str) -> int:
    """``value`` as a non-negative integer of at most 64 bits."""
    try:
        number = value.__index__()
    except (AttributeError, TypeError):
        raise DataError(f"{name} must be an integer and is {value!r}, a {type(value).__name__}") from None
    if not 0 <= number < WORD:
        raise DataError(f"{name} must lie between 0 and 2**64 - 1 and is {number}")
    return number


def bit_generator(key: Key, purpose: int, data: int = 0) -> np.random.Philox:
    """NumPy's Philox at the start of the blocks that belong to ``purpose`` and ``data``."""
    counter = np.array([0, 0, data, purpose], dtype=np.uint64)
    return np.random.Philox(key=checked(key), counter=counter)


def bits(key: Key, shape: tuple[int, ...], purpose: int = SAMPLE, data: int = 0) -> NDArray[np.uint64]:
    """64 random bits for each element of an array of ``shape``."""
    return bit_generator(key, purpose, data).random_raw(math.prod(shape)).reshape(shape)
