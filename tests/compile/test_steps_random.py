"""Random numbers as machine code: the bits are those of the interpreter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.compile._compiled import agrees

from wengert import control, random
from wengert.ops.random import random_bits

KEY = random.key(20)


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 127, 128, 131, 1500])
def test_bits(n: int, threads: int) -> None:
    agrees(lambda key: random_bits(key, np.uint64(3), shape=(n,), purpose=2), KEY, threads=threads)


@pytest.mark.parametrize("n", [2, 70, 700])
def test_bits_of_several_keys(n: int, threads: int) -> None:
    keys = np.stack(random.split(KEY, 3))
    data = np.array([7, 2**64 - 1, 0], np.uint64)

    def bits(key: Any, data: Any) -> Any:
        return random_bits(key, data, shape=(n,), purpose=1)

    agrees(bits, keys, data, threads=threads)
    agrees(bits, keys, data[0], threads=threads)
    agrees(bits, KEY, data, threads=threads)
    agrees(bits, keys[:, None], data, threads=threads)


def test_distributions(threads: int) -> None:
    agrees(lambda key: random.uniform(key, (20, 9), "float32"), KEY, threads=threads)
    agrees(lambda key: random.normal(key, (65,)), KEY, threads=threads)
    agrees(lambda key: random.bernoulli(key, 0.3, (40, 40)), KEY, threads=threads)
    agrees(lambda key: random.integers(key, -3, 12, (50,)), KEY, threads=threads)
    agrees(lambda key: random.permutation(key, 57), KEY, threads=threads)


def test_keys_from_keys(threads: int) -> None:
    agrees(lambda key: random.split(key, 3), KEY, threads=threads)
    agrees(random.fold_in, KEY, np.int64(5), threads=threads)


def test_dropout_in_a_loop(threads: int) -> None:
    def f(x: Any, key: Any) -> Any:
        def step(x: Any, i: Any) -> Any:
            kept = random.bernoulli(random.fold_in(key, i), 0.75, x.shape)
            return np.where(kept, x / 0.75, 0.0), np.sum(kept)

        return control.scan(step, x, np.arange(5))

    agrees(f, np.ones((8, 40)), KEY, threads=threads)
