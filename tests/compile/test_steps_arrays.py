"""Joins, running sums, orders and searches as machine code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.compile._compiled import agrees, run

from wengert import make_program

NUMBERS = ("f4", "f8", "i4", "i8", "u1", "u8", "?")
FLOATS = ("f4", "f8")


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> int:
    return request.param


def numbers(shape: Any, dtype: str, seed: int = 0) -> np.ndarray:
    """Numbers of which many are equal."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.choice(np.array([-1.5, -0.0, 0.0, 0.25, 1.75, 3.0]), shape).astype(dtype)
    return rng.integers(0, 2 if dtype == "?" else 9, shape).astype(dtype)


# ---- joins


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("dtype", NUMBERS)
def test_concatenate(dtype: str, axis: int, threads: int) -> None:
    parts = []
    for k, n in enumerate((2, 1, 5)):
        shape = [3, 4, 6]
        shape[axis] = n
        parts.append(numbers(tuple(shape), dtype, k))
    agrees(lambda *xs: np.concatenate(xs, axis=axis), *parts, threads=threads)


def test_concatenate_of_many_elements_and_types(threads: int) -> None:
    a, b = numbers((70, 50), "f4"), numbers((70, 33), "i4")
    agrees(lambda a, b: np.concatenate([a, b, a[:, ::-1]], axis=1), a, b, threads=threads)
    agrees(lambda a: np.stack([a, 2 * a], axis=1), a, threads=threads)


def test_arrays_of_numbers(threads: int) -> None:
    agrees(lambda x: np.array([x[0], 2.0, x[1] * x[2]]), numbers(4, "f8"), threads=threads)
    agrees(lambda x, y: np.array([[x, y], [1.0, x * y]]), 1.5, np.float64(2.5), threads=threads)


# ---- along an axis


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5), (9, 70), (2, 3, 4), (100, 3, 17)])
@pytest.mark.parametrize("dtype", NUMBERS)
def test_running_sums_products_and_maxima(shape: tuple[int, ...], dtype: str, threads: int) -> None:
    x = numbers(shape, dtype)
    for axis in range(x.ndim):
        for f in (np.cumsum, np.cumprod, np.maximum.accumulate):
            agrees(lambda x, f=f, axis=axis: f(x, axis=axis), x, threads=threads)


def test_running_maxima_keep_nan() -> None:
    x = np.array([[1.0, np.nan, 3.0], [2.0, 1.0, np.inf]])
    agrees(lambda x: np.maximum.accumulate(x, axis=1), x)


def test_a_negative_zero_comes_first() -> None:
    program = make_program(np.cumsum)(np.array([-0.0, -0.0]))
    (got,), _ = run(program, [np.array([-0.0, -0.0])])
    assert np.signbit(got).all()


# ---- extremes


@pytest.mark.parametrize("dtype", NUMBERS)
def test_places_of_extremes(dtype: str, threads: int) -> None:
    x = numbers((4, 5, 60), dtype)
    for f in (np.argmax, np.argmin):
        agrees(f, x, threads=threads)
        for axis in range(3):
            agrees(lambda x, f=f, axis=axis: f(x, axis=axis), x, threads=threads)


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_first_nan_is_the_extreme(dtype: str) -> None:
    x = np.array([[1, np.nan, 3, np.nan], [np.nan, 1, 2, 3], [1, 2, 3, np.nan], [-0.0, 0.0, -0.0, 0.0]], dtype)
    for f in (np.argmax, np.argmin):
        agrees(lambda x, f=f: f(x, axis=1), x)


@pytest.mark.parametrize("dtype", NUMBERS)
def test_counts(dtype: str) -> None:
    x = numbers((6, 7), dtype)
    agrees(np.count_nonzero, x)
    agrees(lambda x: np.count_nonzero(x, axis=1), x)


# ---- orders


@pytest.mark.parametrize("n", [1, 2, 3, 17, 64, 1000])
@pytest.mark.parametrize("dtype", [*NUMBERS, "i1", "u4"])
def test_argsort_is_stable(dtype: str, n: int, threads: int) -> None:
    x = numbers((3, n), dtype)
    agrees(lambda x: np.argsort(x, axis=1, kind="stable"), x, threads=threads)
    agrees(lambda x: np.argsort(x, axis=0, kind="stable"), x.T.copy(), threads=threads)
    agrees(np.sort, x, threads=threads)


@pytest.mark.parametrize("dtype", FLOATS)
def test_argsort_puts_nan_last(dtype: str) -> None:
    x = numbers(50, dtype)
    x[[3, 20, 21]], x[7], x[8] = np.nan, np.inf, -np.inf
    x[22] = -np.nan
    agrees(lambda x: np.argsort(x, kind="stable"), x)
    agrees(np.median, numbers(31, dtype))


def test_argsort_of_large_integers() -> None:
    agrees(np.argsort, np.array([2**63 + 1, 5, 2**64 - 1, 0, 2**63], np.uint64))
    agrees(np.argsort, np.array([-(2**63), 2**63 - 1, -1, 0, 1]))


def test_lexsort() -> None:
    agrees(lambda a, b: np.lexsort((a, b)), numbers(40, "f8"), numbers(40, "i8", 1))


# ---- searches


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("n", [1, 2, 3, 8, 33])
@pytest.mark.parametrize("dtype", [*FLOATS, "i4", "u8"])
def test_searchsorted(dtype: str, n: int, side: Any, threads: int) -> None:
    a, v = np.sort(numbers(n, dtype)), numbers((40, 30), dtype, 1)
    agrees(lambda a, v: np.searchsorted(a, v, side=side), a, v, threads=threads)


def test_searchsorted_of_other_types_and_nan() -> None:
    a = np.array([0.0, 1.0, 2.0, np.nan, np.nan])
    v = np.array([-1.0, 0.0, np.nan, 1.5, np.inf])
    for side in ("left", "right"):
        agrees(lambda a, v, side=side: np.searchsorted(a, v, side=side), a, v)
        agrees(lambda a, v, side=side: np.searchsorted(a, v, side=side), a.astype("f4"), np.arange(-1, 4))


@pytest.mark.parametrize("right", [False, True])
def test_digitize(right: bool) -> None:
    x, bins = numbers(30, "f8"), np.array([-1.0, 0.0, 0.0, 2.0])
    agrees(lambda x, b: np.digitize(x, b, right=right), x, bins)
    # falling bins are NumPy's affair, which is asked when they are met
    agrees(lambda x, b: np.digitize(x, b, right=right), x, bins[::-1].copy())
    with pytest.raises(ValueError, match="monotonic"):
        run(make_program(lambda x, b: np.digitize(x, b, right=right))(x, bins), [x, np.array([0.0, 2.0, 1.0, 3.0])])


def test_isin() -> None:
    x = numbers((5, 6), "i8")
    agrees(lambda x: np.isin(x, np.array([1, 4])), x)
    agrees(lambda x: np.isin(x, np.array([1.0, 4.5]), invert=True), x)


# ---- products that are no products of matrices as they lie


def test_einsum_of_diagonals_and_numbers() -> None:
    a, b = numbers((3, 3), "f8"), numbers((3, 4), "f8", 1)
    agrees(lambda a, b: np.einsum("ii,ij->j", a, b), a, b, eps=8)
    agrees(lambda a: np.einsum("ii->", a), a, eps=8)
    agrees(lambda a, b: np.einsum(",ij->i", np.sum(a), b), a, b, eps=8)


def test_products_of_axes_that_do_not_follow(threads: int) -> None:
    a, b = numbers((2, 3, 4), "f8"), numbers((4, 5, 3), "f8", 1)
    agrees(lambda a, b: np.tensordot(a, b, axes=([1, 2], [2, 0])), a, b, threads=threads, eps=8)
    agrees(lambda a, b: a @ b, a[0, :, 0].copy(), a.swapaxes(1, 2).copy().mT.copy(), threads=threads, eps=8)
