"""Reductions with every option: what NumPy accepts gives NumPy's result, what it rejects raises NumPy's exception."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from tests.frontend._agreement import agree
from tests.frontend._harness import draw, kind, quietly

from wengert import grad, vjp, vmap

X = draw("reductions", 2, 3, low=-1.5, high=1.9)
MASK = np.array([[True, False, True], [True, True, False]])
NO = np._NoValue  # type: ignore[attr-defined]
FLOAT = (np.sum, np.prod, np.mean, np.var, np.std)
EXTREME = (np.max, np.min)
TRUTH = (np.any, np.all)
PLACE = (np.argmax, np.argmin)
ALL = (*FLOAT, *EXTREME, *TRUTH, *PLACE, np.ptp, np.count_nonzero)
CUMULATIVE = (np.cumsum, np.cumprod)
AXES = (None, 0, -1, 2, -3, (0, 1), (1,), (), (-1, 0), (0, 0), (0, 5), [0], 1.0, "a", np.int64(1), True)


@pytest.mark.parametrize("function", ALL, ids=lambda f: f.__name__)
def test_axis_and_keepdims(function: Any) -> None:
    for axis in AXES:
        agree(lambda x, a=axis: function(x, axis=a), X)
        agree(lambda x, a=axis: function(x, axis=a, keepdims=True), X)
    for keepdims in (1, 0, np.True_):
        agree(lambda x, k=keepdims: function(x, axis=1, keepdims=k), X)
    if function is not np.count_nonzero:
        agree(lambda x: function(x, axis=1, keepdims=NO), X)


@pytest.mark.parametrize("function", [*ALL, *CUMULATIVE], ids=lambda f: f.__name__)
def test_numbers_and_empty_arrays(function: Any) -> None:
    for x, axis in itertools.product((1.5, np.float64(1.5), np.array(1.5)), (None, 0, -1, 1)):
        agree(lambda x, a=axis: function(x, axis=a), x)
    for shape, axis in itertools.product(((0,), (0, 3), (3, 0)), (None, 0, -1)):
        agree(lambda x, a=axis: function(x, axis=a), np.zeros(shape))


@pytest.mark.parametrize("function", [*ALL, *CUMULATIVE], ids=lambda f: f.__name__)
def test_dtypes(function: Any) -> None:
    for dtype, rtol in ((np.float16, 2e-3), (np.float32, 1e-6), (np.longdouble, 1e-17)):
        agree(lambda x: function(x, axis=1), X.astype(dtype), rtol)
    agree(lambda x: function((3 * x).astype(int), axis=0), X)
    agree(lambda x: function((3 * x).astype(np.int8)), X)
    agree(lambda x: function(x > 0, axis=0), X)
    agree(lambda x: np.real(function(x + 1j * x[::-1], axis=0)), X)


def test_half_precision_is_added_up_as_numpy_does() -> None:
    x = np.full(3000, 50.0, np.float16)  # the sum, 150000, is no number of half precision
    assert vjp(np.mean, x)[0] == np.float16(50.0)
    assert grad(lambda x: np.mean(x).astype(np.float32))(x)[0] == np.float16(1 / 3000)


@pytest.mark.parametrize("function", [*FLOAT, *CUMULATIVE], ids=lambda f: f.__name__)
def test_dtype(function: Any) -> None:
    for dtype in (np.float32, int, bool, complex, "f8", np.longdouble):
        agree(lambda x, d=dtype: function(x, axis=1, dtype=d), X, 1e-6)
        agree(lambda x, d=dtype: function((3 * x).astype(int), axis=1, dtype=d), X, 1e-6)


@pytest.mark.parametrize("function", [*FLOAT, *EXTREME, np.ptp], ids=lambda f: f.__name__)
def test_out(function: Any) -> None:
    for shape, dtype in (
        ((2,), float),
        ((2,), np.float32),
        ((3,), float),
        ((2, 2), float),
        ((2,), complex),
        ((5, 2), float),
    ):
        agree(lambda x, s=shape, d=dtype: function(x, axis=1, out=np.zeros(s, d)), X, 1e-6)

    def in_a_buffer(x: Any) -> Any:
        out = np.zeros(2)
        view = out[1:]
        returned = function(x, axis=1, out=out)
        return np.sum(returned) + 10.0 * view[0]

    def by_value(x: Any) -> Any:
        y = function(x, axis=1)
        return np.sum(y) + 10.0 * y[1]

    np.testing.assert_allclose(grad(in_a_buffer)(X), grad(by_value)(X), rtol=1e-14)


def test_out_of_integers_is_refused() -> None:
    """NumPy would cut the digits off; a derivative would be lost without a word."""
    for function in (np.sum, np.mean, np.max):
        with pytest.raises(TypeError, match="out= of int64"):
            grad(lambda x, f=function: np.sum(f(x, axis=1, out=np.zeros(2, int))))(X)


@pytest.mark.parametrize("function", [np.sum, np.prod, *EXTREME], ids=lambda f: f.__name__)
def test_initial(function: Any) -> None:
    for initial in (0, 1.5, np.float32(2), None, np.array(3.0), NO, 1j, "a", np.array([1.0, 2.0])):
        for f in (
            lambda x, i=initial: function(x, axis=1, initial=i),
            lambda x, i=initial: function(x, axis=1, initial=i, where=MASK),
            lambda x, i=initial: function((3 * x).astype(int), initial=i, keepdims=True),
        ):
            agree(f, X)
        agree(lambda x, i=initial: function(x, axis=0, initial=i, keepdims=True), np.zeros((0, 3), np.float32))


@pytest.mark.parametrize("function", [*FLOAT, *EXTREME, *TRUTH], ids=lambda f: f.__name__)
def test_where(function: Any) -> None:
    masks = (MASK, MASK[0], True, False, NO, [True, False, True], np.array(True), np.zeros((2, 3), bool), MASK[:, :1],
             np.ones((4, 2, 3), bool), np.ones(2, bool), None, MASK.astype(int), np.array([1.0, 0, 2.0]))  # fmt: skip
    options = ({"initial": 0.1}, {}) if function in EXTREME else ({},)
    for mask, extra in itertools.product(masks, options):
        agree(lambda x, m=mask, e=extra: function(x, axis=1, where=m, **e), X)
        agree(lambda x, m=mask, e=extra: function(x, where=m, keepdims=True, **e), X)


@pytest.mark.parametrize("function", [np.var, np.std], ids=lambda f: f.__name__)
def test_degrees_of_freedom_and_means(function: Any) -> None:
    for options in ({"ddof": 1}, {"ddof": 3}, {"ddof": 2.5}, {"ddof": 9}, {"correction": 1}, {"ddof": 1, "correction": 1},
                    {"mean": np.ones((2, 1))}, {"mean": 0.3}, {"mean": None}):  # fmt: skip
        agree(lambda x, o=options: function(x, axis=1, **o), X)


def test_unknown_options() -> None:
    for function in ALL:
        agree(lambda x, f=function: f(x, foo=1), X)


# ---- derivatives where options meet kinks and what is left out


def test_what_where_leaves_out_has_no_derivative() -> None:
    x = np.array([1.0, np.nan, 3.0, -np.inf])
    mask = np.isfinite(x)
    for function in FLOAT:
        d = grad(lambda x, f=function: f(x, where=mask))(x)
        assert np.all(d[~mask] == 0.0)
        np.testing.assert_allclose(d[mask], grad(function)(x[mask]), rtol=1e-14)
    for function in EXTREME:
        d = grad(lambda x, f=function: f(x, where=mask, initial=2.0))(x)
        assert np.all(d == (np.array([0, 0, 1, 0]) if function is np.max else np.array([1, 0, 0, 0])))


def test_initial_and_elements_that_tie_share_equally() -> None:
    d, e = grad(lambda x, y: np.max(x, initial=y), (0, 1))(np.array([1.0, 2.0]), 2.0)
    np.testing.assert_array_equal(d, [0.0, 0.5])
    assert e == 0.5
    d, e = grad(lambda x, y: np.max(x, initial=y, where=[True, False]), (0, 1))(np.array([1.0, 9.0]), 2.0)
    np.testing.assert_array_equal(d, [0.0, 0.0])
    assert e == 1.0


def test_initial_of_an_empty_reduction_is_the_result() -> None:
    assert grad(lambda y: np.sum(np.max(np.zeros((0, 3)) * y, axis=0, initial=y)))(2.0) == 3.0
    assert grad(lambda y: np.max(np.zeros(0) * y, initial=y))(2.0) == 1.0


def test_standard_deviation_of_equal_numbers() -> None:
    np.testing.assert_array_equal(grad(np.std)(np.full(3, 0.7)), 0.0)


def test_average() -> None:
    with pytest.raises(ZeroDivisionError):
        grad(lambda x: np.average(x, weights=[1.0, -1.0]))(np.ones(2))
    with pytest.raises(TypeError):
        grad(lambda x: np.average(x, weights=[1.0, 1.0]))(np.ones((2, 2)))
    with pytest.raises(ValueError, match="do not fit"):
        grad(lambda x: np.sum(np.average(x, axis=0, weights=[1.0, 1.0, 1.0])))(np.ones((2, 2)))


def test_truth_under_vmap() -> None:
    got = quietly(lambda: vmap(lambda x: x * np.any(x > 1.0, where=MASK[0]))(X))
    np.testing.assert_array_equal(got, X * np.any(X > 1.0, axis=1, where=MASK[0], keepdims=True))


def test_cumulative_sums_say_when_they_need_an_axis() -> None:
    if hasattr(np, "cumulative_sum"):
        with pytest.raises(ValueError, match="axis"):
            grad(lambda x: np.sum(np.cumulative_sum(x)))(X)
    assert kind(vjp(np.cumsum, 1.5)[0]) == kind(np.cumsum(1.5))
