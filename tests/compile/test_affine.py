"""Positions as sums of loop variables."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from wengert.compile.affine import ZERO, Affine, Symbol, of, row_major, split


def value(a: Affine, at: dict[Symbol, int]) -> int:
    return a.constant + sum(c * at[s] for s, c in a.terms.items())


@pytest.mark.parametrize("shape", [(3,), (3, 4), (2, 3, 4), (1, 5), (4, 1, 3)])
def test_row_major_is_the_place_in_memory(shape: tuple[int, ...]) -> None:
    symbols = [Symbol(n) for n in shape]
    position = row_major([of(s) for s in symbols], shape)
    for index in np.ndindex(*shape):
        assert value(position, dict(zip(symbols, index, strict=True))) == np.ravel_multi_index(index, shape)


@pytest.mark.parametrize(
    ("loops", "shape"),
    [((6, 4), (24,)), ((24,), (24,)), ((2, 3, 4), (6, 4)), ((2, 3, 4), (2, 12)), ((6, 4), (6, 2, 2))],
)
def test_split_undoes_row_major_or_says_that_it_cannot(loops: tuple[int, ...], shape: tuple[int, ...]) -> None:
    symbols = [Symbol(n) for n in loops]
    position = row_major([of(s) for s in symbols], loops)
    index = split(position, shape)
    if index is None:  # a loop variable would have to be divided
        assert shape == (6, 2, 2)
        return
    for at in itertools.product(*map(range, loops)):
        env = dict(zip(symbols, at, strict=True))
        assert np.ravel_multi_index([value(a, env) for a in index], shape) == value(position, env)


def test_bounds_and_equality() -> None:
    i, j = Symbol(5), Symbol(3)
    a = of(i) * 3 + of(j) + 7
    assert a.bounds == (7, 7 + 12 + 2)
    assert a == of(j) + 7 + of(i) * 3
    assert of(Symbol(1)) == ZERO  # a loop of one round is no loop
    assert (of(i) * -2).bounds == (-8, 0)
