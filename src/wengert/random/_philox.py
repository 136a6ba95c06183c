"""Keys, and the bits that belong to one: :mod:`wengert.ops.random` says which.

The purpose stands in the highest word of Philox's counter, so that samples, split keys and folded keys never share
a block.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.core.trace import Tracer
from wengert.errors import DataError, ShapeError
from wengert.ops.elementwise import cast_to_integer
from wengert.ops.random import random_bits

__all__ = ["FOLD", "GENERATOR", "NO_DATA", "SAMPLE", "SPLIT", "WORD", "Key", "bit_generator", "bits", "checked", "word"]

WORD = 1 << 64
SAMPLE, SPLIT, FOLD, GENERATOR = range(4)
NO_DATA = np.uint64(0)

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


def word(value: Any, name: str) -> Any:
    """``value``, an integer from 0 to 2⁶⁴ − 1, as a uint64; a traced one cannot be asked whether it lies there."""
    if isinstance(value, Tracer):
        if value.dtype.kind not in "iub" or value.shape:
            raise DataError(f"{name} must be an integer and is a traced {value.aval}")
        return cast_to_integer(value, dtype=np.dtype(np.uint64))
    try:
        number = value.__index__()
    except (AttributeError, TypeError):
        raise DataError(f"{name} must be an integer and is {value!r}, a {type(value).__name__}") from None
    if not 0 <= number < WORD:
        raise DataError(f"{name} must lie between 0 and 2**64 - 1 and is {number}")
    return np.uint64(number)


def bit_generator(key: Key, purpose: int) -> np.random.Philox:
    """NumPy's Philox at the start of the blocks that belong to ``purpose``."""
    counter = np.array([0, 0, 0, purpose], dtype=np.uint64)
    return np.random.Philox(key=checked(key), counter=counter)


def bits(key: Key, shape: tuple[int, ...], purpose: int = SAMPLE, data: Any = NO_DATA) -> Any:
    """64 random bits for each element of an array of ``shape``."""
    return random_bits(checked(key), data, shape=shape, purpose=purpose)
