"""Random numbers from keys: a function of its arguments, nothing is kept between calls.

A key is an array of two uint64, a leaf like any other. The same key gives the same numbers, on every
machine and in every order of calls; for new numbers, split the key. The bits are those of
Philox4x64-10 (:mod:`numpy.random.Philox`), looked up by counter. Keys may be traced: under ``jit``, ``vmap``
and in a ``scan`` the same key gives the same bits.

Example:
    >>> from wengert import random
    >>> weights_key, noise_key = random.split(random.key(0))
    >>> random.normal(weights_key, (2, 3)).shape
    (2, 3)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from wengert.errors import DataError, UnsupportedError
from wengert.random._normal import normal_quantile
from wengert.random._philox import FOLD, GENERATOR, NO_DATA, SPLIT, WORD, Key, bit_generator, bits, checked, word

__all__ = [
    "Key",
    "bernoulli",
    "fold_in",
    "generator",
    "integers",
    "key",
    "normal",
    "permutation",
    "split",
    "uniform",
]

Shape = int | tuple[int, ...]


def _shape(shape: Shape) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(shape)


def _floating(dtype: DTypeLike) -> np.dtype[Any]:
    found = np.dtype(dtype)
    if found.name not in ("float32", "float64"):
        raise UnsupportedError(f"random numbers are float32 or float64, not {found}: cast them after")
    return found


def key(seed: int) -> Key:
    """The key of a seed, an integer from 0 to 2**64 − 1 (it may be traced). Different seeds give independent numbers.

    Raises:
        DataError: if the seed is negative, too large or no integer.

    Example:
        >>> from wengert import random
        >>> random.key(7)
        array([7, 0], dtype=uint64)
    """
    return np.stack([word(seed, "a seed"), NO_DATA])


def split(key: Key, n: int = 2) -> list[Key]:
    """``n`` new keys, independent of each other and of ``key``. The first ones do not depend on ``n``.

    Example:
        >>> from wengert import random
        >>> a, b = random.split(random.key(0))
        >>> bool((a == b).all())
        False
    """
    return list(bits(key, (n, 4), SPLIT)[:, :2])


def fold_in(key: Key, data: int) -> Key:
    """A new key from ``key`` and an integer from 0 to 2**64 − 1 (a step, a layer's number; it may be traced).

    Example:
        >>> from wengert import random
        >>> steps = [random.fold_in(random.key(0), step) for step in range(3)]
        >>> len({step.tobytes() for step in steps})
        3
    """
    return bits(key, (2,), FOLD, word(data, "the number folded into a key"))


def uniform(key: Key, shape: Shape = (), dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Uniform numbers in [0, 1): multiples of 2⁻⁵³ in float64, of 2⁻²⁴ in float32.

    Example:
        >>> from wengert import random
        >>> u = random.uniform(random.key(0), (1000,), "float32")
        >>> u.dtype, bool((u >= 0).all() and (u < 1).all())
        (dtype('float32'), True)
    """
    found = _floating(dtype)
    digits = np.finfo(found).nmant + 1
    drawn = bits(key, (*_shape(shape), 1)) >> np.uint64(64 - digits)
    return (drawn.astype(found) * 2.0**-digits)[..., 0]


def normal(key: Key, shape: Shape = (), dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Standard normal numbers: the quantile of uniform ones, |z| < 8.3.

    Example:
        >>> from wengert import random
        >>> z = random.normal(random.key(0), (10_000,))
        >>> abs(float(z.mean())) < 0.05, abs(float(z.std()) - 1) < 0.05
        (True, True)
    """
    # 52 bits and a half: never 0, never 1, and symmetric about 1/2
    u = ((bits(key, (*_shape(shape), 1)) >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    return normal_quantile(u).astype(_floating(dtype), copy=False)[..., 0]


def bernoulli(key: Key, p: float = 0.5, shape: Shape = ()) -> NDArray[np.bool_]:
    """True with probability ``p``, to within 2⁻⁶⁴.

    Raises:
        DataError: if ``p`` is not between 0 and 1.

    Example:
        >>> from wengert import random
        >>> random.bernoulli(random.key(0), 1.0, (3,))
        array([ True,  True,  True])
    """
    if not 0.0 <= p <= 1.0:
        raise DataError(f"a probability lies between 0 and 1 and p is {p}")
    if p == 1.0:
        checked(key)
        return np.ones(_shape(shape), dtype=np.bool_)
    return (bits(key, (*_shape(shape), 1)) < np.uint64(int(p * WORD)))[..., 0]


def integers(key: Key, low: int, high: int, shape: Shape = ()) -> NDArray[np.int64]:
    """Integers from ``low`` to ``high`` − 1, int64; uneven by at most (high − low)/2⁶⁴.

    Raises:
        DataError: if there is no integer in that range, or it does not fit into int64.

    Example:
        >>> from wengert import random
        >>> d = random.integers(random.key(0), 1, 7, (100,))
        >>> int(d.min()), int(d.max())
        (1, 6)
    """
    if not -(1 << 63) <= low < high <= 1 << 63:
        raise DataError(f"integers need low < high, within int64; low is {low} and high is {high}")
    drawn = bits(key, (*_shape(shape), 1))
    if high - low < WORD:
        drawn = drawn % np.uint64(high - low)
    # modulo 2⁶⁴, where int64 and uint64 are the same bits
    return (drawn + np.uint64(low % WORD)).astype(np.int64)[..., 0]


def permutation(key: Key, n: int) -> NDArray[np.int64]:
    """The numbers 0 … n − 1 in random order, int64.

    Example:
        >>> from wengert import random
        >>> sorted(random.permutation(random.key(0), 4).tolist())
        [0, 1, 2, 3]
    """
    return np.argsort(bits(key, (n,)), kind="stable").astype(np.int64, copy=False)


def generator(key: Key) -> np.random.Generator:
    """NumPy's own Generator, started from ``key``; its numbers are not those of the functions here.

    For distributions that are not in this namespace. It has a state that moves on with every draw, and
    NumPy does not promise the same numbers from one release to the next.

    Example:
        >>> from wengert import random
        >>> random.generator(random.key(0)).gamma(2.0, size=3).shape
        (3,)
    """
    return np.random.Generator(bit_generator(checked(key), GENERATOR))
