"""Choosing elements: what NumPy accepts gives NumPy's result, what it rejects raises NumPy's exception."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from tests.frontend._agreement import agree
from tests.frontend._harness import draw

from wengert import grad, make_program, vmap

X = draw("choosing", 3, 4, low=-1.5, high=1.9)
INDICES = (0, -1, 5, [0, 2], [-1, 0], [[0, 1], [2, 0]], np.array([], int), [0.5], np.array([0.5]), np.int8(1),
           [True, False], 7, -9, (0, 1), slice(0, 1), np.array(1))  # fmt: skip


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip", "none"])
def test_take(mode: Any) -> None:
    for x, at, axis in itertools.product((X, X[0], np.array(1.5), 1.5), INDICES, (None, 0, -1, 3, 1.0)):
        agree(lambda x, i=at, a=axis: np.take(x, i, axis=a, mode=mode), x)
    agree(lambda x: np.take(x, [0, 1], axis=0, out=np.zeros((2, 4)), mode=mode), X)
    agree(lambda x: np.take(x, [0, 1], axis=0, out=np.zeros((2, 4), np.float32), mode=mode), X)


def test_take_by_traced_indices() -> None:
    rows = np.array([[0, -1], [4, -5], [2, 3]])
    for mode in ("wrap", "clip"):
        got = vmap(lambda x, i, m=mode: np.take(x, i, mode=m))(X, rows)
        np.testing.assert_array_equal(got, [np.take(x, i, mode=mode) for x, i in zip(X, rows, strict=True)])
    program = make_program(lambda x: np.take(x, np.argsort(x)))(X[0])
    np.testing.assert_array_equal(program(X[1]), np.sort(X[1]))


def test_take_along_axis() -> None:
    chosen = ((np.zeros((1, 4), int), 0), (np.zeros((3, 1), int), 1), (np.zeros((3, 2), int), -1), (np.array([0, 1]), None),
              (np.zeros((2, 2), int), 0), (np.zeros(3, int), 0), (np.zeros((3, 4)), 1), (np.full((3, 1), 9), 1), (np.zeros((3, 4), int), 5))  # fmt: skip
    for at, axis in chosen:
        agree(lambda x, i=at, a=axis: np.take_along_axis(x, i, a), X)


def test_compress_and_extract() -> None:
    conditions = (
        [True, False, True],
        [1, 0, 1, 0],
        [True] * 9,
        [False, True],
        np.array([[True, False]]),
        True,
        [0.5, 0],
    )
    for condition, axis in itertools.product(conditions, (None, 0, 1, -1, 4)):
        agree(lambda x, c=condition, a=axis: np.compress(c, x, axis=a), X)
        agree(lambda x, c=condition: np.extract(c, x), X)


def test_where() -> None:
    for f in (
        lambda x: np.where(x > 0, x),
        lambda x: np.where(x, x, 1),
        lambda x: np.where(True, x, 1j),
        lambda x: np.where(x > 0),
    ):
        agree(f, X)


def test_what_is_taken_several_times_adds_up() -> None:
    d = grad(lambda x: np.sum(np.take(x, [0, 5, -7, 5], mode="wrap") * np.array([1.0, 2.0, 4.0, 8.0])))(X)
    np.testing.assert_array_equal(d.ravel(), np.bincount([0, 5, 5, 5], [1.0, 2.0, 4.0, 8.0], 12))
