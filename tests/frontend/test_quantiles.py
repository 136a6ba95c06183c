"""Medians and quantiles: every method and option, ties and NaN, slopes in q, weights."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from tests.frontend._agreement import agree
from tests.frontend._harness import draw, quietly
from tests.frontend.test_statistics import HOLED

from wengert import grad, vjp, vmap

X = draw("statistics", 3, 4, low=-1.5, high=1.9)
V = draw("statistics", 7, low=-1.5, high=1.9)
NAN = np.nan
METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull",
    "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip
CONTINUOUS = METHODS[3:9]


@pytest.mark.parametrize("function", [np.median, np.nanmedian], ids=lambda f: f.__name__)
def test_medians(function: Any) -> None:
    for x in (
        X,
        HOLED,
        HOLED[0],
        HOLED.astype(np.float32),
        np.zeros((0, 3)),
        1.5,
        np.array(1.5),
        np.array([3.0]),
        np.array([NAN]),
    ):
        for options in ({}, {"axis": 0}, {"axis": -1}, {"axis": 5}, {"axis": (1, 0), "keepdims": True}, {"keepdims": True},
                        {"axis": [0, 1]}, {"axis": 1.0}, {"axis": (0, 0)}, {"overwrite_input": True}):  # fmt: skip
            agree(lambda x, o=options: function(x, **o), x, 1e-6 if getattr(x, "dtype", float) == np.float32 else 1e-14)


@pytest.mark.parametrize("function", [np.quantile, np.nanquantile], ids=lambda f: f.__name__)
def test_quantiles(function: Any) -> None:
    places = (
        0.5,
        0,
        1,
        [0.0, 0.25, 0.5, 0.9, 1.0],
        np.float64(0.3),
        np.float32(0.25),
        np.array(0.3),
        [[0.1, 0.2], [0.3, 1.0]],
        [],
        1.2,
        -1,
    )
    for x in (
        X,
        HOLED,
        X.astype(np.float32),
        np.floor(X),
        X[0],
        np.array([np.inf, -np.inf, 1.0, 2.0]),
        np.array([3.0]),
    ):
        for q in places:
            agree(lambda x, q=q: function(x, q, axis=-1), x, 1e-6 if x.dtype == np.float32 else 1e-14)
        for method in (*METHODS, "cubic") if x is not HOLED else METHODS:
            agree(lambda x, m=method: function(x, [0.0, 0.1, 0.25, 1 / 3, 0.5, 0.75, 1.0], axis=0, method=m), x, 1e-6)
    agree(lambda x: function(x + 1j, 0.5), X)
    agree(lambda x: function(x, 0.5, axis=5), X)
    agree(lambda x: function((10 * x).astype(int), [0.3, 1.0], axis=0), X)
    agree(lambda x: function(x, 0.5, axis=0, out=np.zeros(3)), X)


@pytest.mark.parametrize(
    "function", [np.quantile, np.nanquantile, np.percentile, np.nanpercentile], ids=lambda f: f.__name__
)
def test_weighted_quantiles(function: Any) -> None:
    unit = 1 if "quantile" in function.__name__ else 100
    w = np.linspace(0.0, 2.0, 12).reshape(3, 4)
    for weights, axis in itertools.product((w, np.floor(w), -w, 0 * w, w * NAN, [1.0, 2.0]), (None, 0, (0, 1))):
        agree(lambda x, w=weights, a=axis: function(x, [0.0, 0.3 * unit, unit], a, method="inverted_cdf", weights=w), X)
    agree(lambda x: function(x, 0.3, weights=w), X)


def test_the_median_of_an_even_number_shares() -> None:
    np.testing.assert_array_equal(grad(np.median)(np.array([3.0, 1.0, 2.0, 5.0])), [0.5, 0.0, 0.5, 0.0])


@pytest.mark.parametrize("method", CONTINUOUS)
def test_quantiles_are_lines_in_q(method: str) -> None:
    """The slope is that between neighbours; outside of the first and last place a quantile does not move."""
    x = np.array([1.0, 2.0, 4.0, 8.0])

    def f(q: Any) -> Any:
        return np.quantile(x, q, method=method)

    d = grad(f)
    for q in (0.03, 0.3, 0.41, 0.79, 0.97):
        np.testing.assert_allclose(d(q), (f(q + 1e-6) - f(q - 1e-6)) / 2e-6, rtol=1e-8, atol=1e-8)
    assert quietly(lambda: grad(d)(0.41)) == 0.0


def test_slopes_in_q_at_corners_and_ends() -> None:
    d = grad(lambda q: np.quantile([1.0, 2.0, 4.0], q))
    assert (d(0.0), d(0.5), d(1.0)) == (2.0, 4.0, 4.0)  # to the right; at the upper end to the left
    assert grad(lambda q: np.percentile([1.0, 2.0, 4.0], q))(25.0) == 0.02
    assert grad(lambda q: np.quantile([7.0], q))(1.0) == 0.0
    for method in METHODS[:3] + METHODS[9:]:
        assert quietly(lambda m=method: grad(lambda q: np.quantile([1.0, 2.0, 4.0], q, method=m))(0.4)) == 0.0


def test_weights_of_quantiles_are_steps() -> None:
    x, w = np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 3.0])

    def f(x: Any, w: Any) -> Any:
        return np.quantile(x, 0.5, weights=w, method="inverted_cdf")

    d, e = quietly(lambda: grad(f, (0, 1))(x, w))
    np.testing.assert_array_equal(d, [0.0, 0.0, 1.0])
    np.testing.assert_array_equal(e, 0.0)


def test_a_quantile_with_nan_is_nan() -> None:
    y, pull = vjp(lambda x: np.quantile(x, [0.2, 0.8], axis=1), HOLED[:2])
    np.testing.assert_array_equal(np.isnan(y), [[True, False]] * 2)
    assert np.all(pull(np.array([[0.0, 1.0]] * 2))[0][0] == 0.0)


def test_what_cannot_be_refused_under_vmap_is_nan() -> None:
    got = vmap(lambda q: np.quantile(V, q))(np.array([0.5, 1.0, 1.5, -0.1]))
    np.testing.assert_array_equal(got, [*np.quantile(V, [0.5, 1.0]), NAN, NAN])
    weights = np.stack([np.ones(7), -np.ones(7), np.zeros(7)])
    with np.errstate(invalid="ignore"):
        got = vmap(lambda w: np.quantile(V, 0.3, weights=w, method="inverted_cdf"))(weights)
    np.testing.assert_array_equal(got, [np.quantile(V, 0.3, method="inverted_cdf"), NAN, NAN])
