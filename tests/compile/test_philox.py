"""Random bits from machine code against NumPy's generator."""

import ctypes

import numpy as np
import pytest

from wengert.compile.emit import I64, Emitter
from wengert.compile.engine import link, object_code
from wengert.compile.scalars import philox
from wengert.random import _philox


def blocks(lanes):
    """A function that fills n blocks of random words: (key, counter, out, n)."""
    e = Emitter()
    with e.function("f", ["ptr", "ptr", "ptr", "i64"]) as (key, counter, out, n):

        def wide(base, k):
            return e.splat(e.load(base, I64, k), lanes)

        def step(i):
            first = wide(counter, 0) + i + (e.lane_numbers(lanes) + 1 if lanes else 1)
            words = philox(e, wide(key, 0), wide(key, 1), first, *(wide(counter, k) for k in (1, 2, 3)))
            for k, word in enumerate(words):
                for lane in range(lanes or 1):
                    one = e.extract(word, lane) if lanes else word
                    e.store(one, out, (i + lane) * 4 + k)

        e.loop(n, step, step=lanes or 1)
    unit = link(object_code(e.text()), e.exports, e.symbols)
    return unit.function("f", None, *[ctypes.c_void_p] * 3, ctypes.c_int64)


@pytest.mark.parametrize("lanes", [0, 1, 4, 5, 8])
def test_words_are_those_of_numpys_generator(lanes):
    f = blocks(lanes)
    rng = np.random.default_rng(5)
    for _ in range(3):
        key, counter = rng.integers(0, 2**64, 2, np.uint64), rng.integers(0, 2**63, 4, np.uint64)
        n = 5 * max(lanes, 1)
        ours = np.empty(4 * n, np.uint64)
        f(key.ctypes.data, counter.ctypes.data, ours.ctypes.data, n)
        np.testing.assert_array_equal(ours, np.random.Philox(key=key, counter=counter).random_raw(4 * n))


def test_blocks_of_a_key_of_this_library():
    key = np.array([11, 12], np.uint64)
    counter = np.array([0, 0, 9, _philox.SPLIT], np.uint64)
    ours = np.empty(32, np.uint64)
    blocks(8)(key.ctypes.data, counter.ctypes.data, ours.ctypes.data, 8)
    np.testing.assert_array_equal(ours, _philox.bits(key, (32,), _philox.SPLIT, 9))
