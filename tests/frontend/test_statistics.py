"""Statistics where it is not plain calculus: ties, NaN, ends of ranges, empty slices, edges, sets, wrong input."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from tests.frontend._agreement import agree
from tests.frontend._harness import Case, check, draw, quietly

from wengert import ConcretizationError, grad, hessian, jacfwd, jacrev, jvp, make_program, vjp, vmap

X = draw("statistics", 3, 4, low=-1.5, high=1.9)
V = draw("statistics", 7, low=-1.5, high=1.9)
NAN = np.nan
HOLED = np.array([[1.0, NAN, 1.5, 2.5], [0.0, -0.5, 3.0, 3.5], [NAN, NAN, NAN, NAN], [NAN, 0.7, NAN, NAN]])
PASSING = (np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmin, np.nanmedian)
# ---- what statisticians write

WEIGHED = np.array([0.2, 0.4, 0.1, 0.9, 0.5, 0.7, 0.3])
USES: dict[str, Any] = {
    "interquartile range": lambda x: np.subtract(*np.percentile(x, [75, 25])),
    "deviations in units of the median deviation": lambda x: (x - np.median(x)) / np.median(np.abs(x - np.median(x))),
    "pinball loss": lambda x: np.mean(np.maximum(0.3 * (V - np.quantile(x, 0.3)), -0.7 * (V - np.quantile(x, 0.3)))),
    "winsorised": lambda x: np.clip(x, *np.quantile(x, [0.1, 0.9])),
    "trimmed mean": lambda x: np.sort(x)[1:-1].mean(),
    "three largest": lambda x: np.partition(x, -3)[-3:].sum(),
    "Gini coefficient": lambda x: np.abs(np.subtract.outer(x, x)).sum() / (98 * (x + 3).mean()),
    "Lorenz curve": lambda x: np.cumsum(np.sort(x + 2)) / np.sum(x + 2),
    "ranks": lambda x: x * np.argsort(np.argsort(x)),
    "correlation with ranks": lambda x: np.corrcoef(x, np.argsort(V))[0, 1],
    "explained variance": lambda x: 1 - np.var(V**2 - x) / np.var(V**2),
    "weighted mean and spread": lambda x: (m := np.average(x, weights=WEIGHED), np.average((x - m) ** 2, weights=WEIGHED)),
    "slopes between quantiles": lambda x: np.diff(np.quantile(x, np.linspace(0, 1, 5))),
    "sorted in place": lambda x: (y := x.copy(), y.sort(), y)[2],
    "partitioned in place": lambda x: (y := x.copy(), y.partition(3), y)[2],
    "means by group": lambda x: np.bincount([0, 1, 1, 2, 0, 1, 2], x) / np.bincount([0, 1, 1, 2, 0, 1, 2]),
    "density of weights": lambda x: np.histogram(V, 4, weights=x + 2, density=True),
    "table of a digitised value": lambda x: np.array([1.0, 2.0, 3.0, 4.0])[np.digitize(x, [-0.5, 0.0, 0.5])] * x,
    "rows in the order of their columns": lambda x: np.outer(x, V)[np.lexsort((x, np.floor(x)))],
    "whitened": lambda x: np.linalg.cholesky(np.cov(np.stack([x, x**2, V])) + np.eye(3)),
}  # fmt: skip


@pytest.mark.parametrize("name", USES)
def test_use(name: str) -> None:
    check(Case(name, USES[name], (V,)))


def test_correlations_of_a_batch() -> None:
    stack = draw("stack", 5, 3, 6)
    got = vmap(lambda x: np.corrcoef(x)[0])(stack)
    np.testing.assert_allclose(got, [np.corrcoef(x)[0] for x in stack], rtol=1e-13)
    d = vmap(grad(lambda x: np.corrcoef(x)[0, 1]))(stack)
    np.testing.assert_allclose(d, [grad(lambda x: np.corrcoef(x)[0, 1])(x) for x in stack], rtol=1e-11, atol=1e-13)


# ---- calls as NumPy answers them, right and wrong


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    "function", [*PASSING, np.nancumsum, np.nancumprod, np.nanargmax, np.nanargmin], ids=lambda f: f.__name__
)
def test_passing_over_nan(function: Any) -> None:
    for x in (HOLED, HOLED[:2], HOLED.astype(np.float32), HOLED[2], X, np.zeros((0, 3)), 1.5, np.float64(NAN)):
        for axis in (None, 0, 1, 5, (0, 1)):
            agree(lambda x, a=axis: function(x, axis=a), x, 1e-6 if getattr(x, "dtype", float) == np.float32 else 1e-14)
    agree(lambda x: function((3 * x).astype(int), axis=0), X)


@pytest.mark.parametrize("function", PASSING[:-1], ids=lambda f: f.__name__)
def test_passing_over_nan_with_options(function: Any) -> None:
    seen = np.array([True, True, False, True])
    initial = {"initial": -1.0} if function in (np.nanmax, np.nanmin) else {}
    agree(lambda x: function(x, axis=1, where=seen, **initial), HOLED)
    agree(lambda x: function(x, axis=1, where=seen), HOLED)
    agree(lambda x: function(x, axis=0, keepdims=True, out=np.zeros((1, 4))), HOLED)
    for options in (
        {"ddof": 1},
        {"correction": 1},
        {"ddof": 1, "correction": 1},
        {"dtype": int},
        {"dtype": np.float32},
        {"initial": NAN},
    ):
        agree(lambda x, o=options: function(x, axis=1, **o), HOLED[:2], 1e-6)


def test_covariances() -> None:
    five = [1.0, 2.0, 0.5, 0.3, 0.2]
    options = ({}, {"rowvar": False}, {"bias": True}, {"ddof": 2}, {"ddof": 9}, {"ddof": 1.5}, {"fweights": [1, 2, 3, 1, 2]},
               {"aweights": five}, {"fweights": [1, 2, 3, 1, 2], "aweights": five}, {"fweights": [1.5] * 5}, {"aweights": [-1.0] * 5},
               {"aweights": [1.0] * 4}, {"fweights": [[1]]}, {"dtype": np.float32}, {"y": [five]}, {"y": np.ones((1, 1, 1))})  # fmt: skip
    for x, chosen in itertools.product((draw("cov", 3, 5), draw("cov", 5), np.zeros((0, 5))), options):
        agree(lambda x, o=chosen: np.cov(x, **o), x, 1e-6 if "dtype" in chosen else 1e-13)
    agree(lambda x: np.real(np.corrcoef(x + 1j * x[::-1])), draw("cov", 3, 5), 1e-13)
    agree(lambda x: np.corrcoef(x, rowvar=False), draw("cov", 3, 5), 1e-13)


def test_histograms() -> None:
    data = np.array([0.1, 0.2, 0.25, 0.7, 0.9, 1.0, 0.55, 0.2])
    weights = np.linspace(0.5, 2, 8)
    bins = (10, 1, 0, 2.5, [0.0, 0.25, 0.5, 1.0], [1.0, 0.0], [[1.0]], "auto", "none such")
    options = (
        {},
        {"density": True},
        {"range": (0.0, 0.8)},
        {"range": (1, 0)},
        {"weights": weights},
        {"weights": [1.0]},
    )
    for x, b, o in itertools.product(
        (data, data.astype(np.float32), np.zeros(8), np.array([0.0, np.inf])), bins, options
    ):
        agree(lambda x, b=b, o=o: np.histogram(x, b, **o), x, 1e-6 if x.dtype == np.float32 else 1e-14)
    for w, b in itertools.product(
        (weights, weights.astype(np.float32), weights.astype(np.longdouble)), (3, [0.0, 0.5, 1.0])
    ):
        agree(lambda w, b=b: np.histogram(data, b, weights=w), w, 1e-6)
        agree(lambda w, b=b: np.histogram2d(data, data**2, b, weights=w), w, 1e-6)
    for x, n in itertools.product(([0, 1, 1, 2, 5, 0, 0, 1], [0, 1], [-1] * 8, [[0]]), (0, 10, -1)):
        agree(lambda w, x=x, n=n: np.bincount(x, w, n), weights)
    points = draw("p", 8, 2, low=0.0, high=1.0)
    for b, o in itertools.product(
        (3, [2, 3], [2], [[0.0, 0.5, 1.0], 2], 0, 2.5),
        ({}, {"density": True}, {"range": [(0, 1)]}, {"weights": weights}),
    ):
        agree(lambda p, b=b, o=o: np.histogramdd(p, b, **o), points)
        agree(lambda p, b=b, o=o: np.histogram2d(p[:, 0], p[:, 1], b, **o), points)


def test_sets() -> None:
    tied = np.array([3.0, 1.0, 2.0, 1.0, 3.0, NAN, NAN, -0.0, 0.0])
    for x in (tied, tied[:5], np.array([[1.0, 2.0], [0.0, 3.0], [1.0, 2.0]]), np.zeros(0)):
        for flags in itertools.product((False, True), repeat=3):
            for o in ({}, {"axis": 0}, {"axis": -1}, {"equal_nan": False}, {"axis": 5}):
                agree(lambda x, f=flags, o=o: np.unique(x, *f, **o), x)
        for function, y in itertools.product(
            (np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d), ([1.0, 2.0], [], [[1.0], [3.0]], [5, 6])
        ):
            agree(lambda x, f=function, y=y: f(x, y), x)
            agree(lambda x, f=function, y=y: f(y, x), x)
        agree(lambda x: np.ediff1d(x, to_begin=[[1.0]], to_end=2), x)
        agree(lambda x: np.ediff1d(x, to_end=1j), x)


def test_sorting_and_comparing() -> None:
    tied = np.array([[1.0, 2.0, 1.0, 2.0], [0.0, -0.0, 3.0, NAN], [1.0, 1.0, 1.0, 1.0]])
    kinds = (
        {},
        {"kind": "stable"},
        {"kind": "heapsort"},
        {"kind": "none"},
        {"order": "a"},
        {"stable": True},
        {"kind": "stable", "stable": True},
    )
    for x, axis, o in itertools.product((tied, X), (-1, 0, None, 5), kinds):
        agree(lambda x, a=axis, o=o: np.sort(x, axis=a, **o), x)
        agree(lambda x, a=axis, o=o: np.argsort(x, axis=a, **o), x)
    for x, k in itertools.product((tied, X), (0, -1, (0, 2), 9, 1.0)):
        agree(lambda x, k=k: np.partition(x, k), x)
        agree(lambda x, k=k: np.argpartition(x, k, axis=0), x)
    for bins, right in itertools.product(
        ([0.0, 1.0, 2.0], [2.0, 1.0, 0.0], [0.0, 2.0, 1.0], [1.0, 1.0], []), (False, True)
    ):
        agree(lambda x, b=bins, r=right: np.digitize(x, b, right=r), tied)
    for options in ({"side": "right"}, {"side": "middle"}, {"sorter": [2, 1, 0]}):
        agree(lambda x, o=options: np.searchsorted([0.0, 1.0, 2.0], x, **o), tied)
    for options in ({}, {"equal_nan": True}, {"rtol": 0.1}, {"atol": np.inf}, {"rtol": NAN}):
        agree(lambda x, o=options: np.isclose(x, [1.0, 2.0, NAN, np.inf], **o), tied)
        agree(lambda x, o=options: np.allclose(x, x[0], **o), tied)
    for options in (
        {"a_min": 0},
        {"a_min": 0, "a_max": 1, "foo": 1},
        {"a_min": None, "a_max": 0.5},
        {"a_min": 2, "a_max": 1},
        {"a_min": NAN, "a_max": 1},
    ):
        agree(lambda x, o=options: np.clip(x, **o), tied)
    agree(lambda x: np.clip((x * 3).astype(np.int8), -300, 2), X)


# ---- derivatives where there is a choice


def test_elements_that_tie_keep_their_order() -> None:
    x = np.array([2.0, 1.0, 2.0, 2.0])
    np.testing.assert_array_equal(jacrev(np.sort)(x), np.eye(4)[[1, 0, 2, 3]])
    np.testing.assert_array_equal(grad(lambda x: np.quantile(x, 1 / 3))(x), [1.0, 0.0, 0.0, 0.0])
    # along every direction in which they stay tied any choice is right: here along the elements themselves
    for f in (np.sort, np.median, lambda x: np.partition(x, 2), lambda x: np.quantile(x, [0.2, 0.7])):
        np.testing.assert_allclose(jvp(f, (x,), (x,))[1], f(x), rtol=1e-15)


def test_a_partition_lies_as_numpys_does() -> None:
    x = np.round(draw("partition", 200, low=0.0, high=20.0))
    y, t = jvp(lambda x: np.partition(x, (40, 100)), (x,), (x,))
    np.testing.assert_array_equal(y, np.partition(x, (40, 100)))
    np.testing.assert_array_equal(t, y)
    rows = jacrev(lambda x: np.partition(x, 40))(x)
    np.testing.assert_array_equal(np.sort(rows.argmax(axis=1)), np.arange(200))  # each element once


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of slices without numbers, as NumPy gives it
@pytest.mark.parametrize("function", PASSING, ids=lambda f: f.__name__)
def test_gradients_pass_over_nan_too(function: Any) -> None:
    """Zero at NaN, finite everywhere, and in each row those of the numbers alone."""
    d = grad(lambda x: np.nansum(function(x, axis=1)))(HOLED)
    assert np.all(d[np.isnan(HOLED)] == 0.0)
    assert np.all(np.isfinite(d))
    plain = getattr(np, function.__name__[3:])
    for row, got in zip(HOLED[[0, 1, 3]], d[[0, 1, 3]], strict=True):
        numbers = ~np.isnan(row)
        np.testing.assert_allclose(got[numbers], grad(plain)(row[numbers]), rtol=1e-14)
    second = hessian(lambda x: np.nansum(function(x)))(HOLED[0])
    assert np.all(np.isfinite(second))
    assert np.all(second[1] == 0.0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_too_few_numbers_have_no_derivative() -> None:
    for function in (np.nanvar, np.nanstd):
        y, pull = vjp(lambda x, f=function: f(x, axis=1, ddof=1), HOLED)
        assert np.array_equal(np.isnan(y), [False, False, True, True])
        d = pull(np.ones(4))[0]
        assert np.all(np.isfinite(d))
        assert np.all(d[2:] == 0.0)
    d, e = grad(lambda x, q: np.nansum(np.nanquantile(x, q, axis=1)), (0, 1))(HOLED, 0.4)
    assert np.all(np.isfinite(d))
    assert np.isfinite(e)


def test_slices_without_numbers_warn_as_numpys_do() -> None:
    for function, text in ((np.nanmean, "Mean of empty slice"), (np.nanvar, "Degrees of freedom"), (np.nanmax, "All-NaN"),
                           (np.nanmedian, "All-NaN"), (lambda x, axis: np.nanquantile(x, 0.3, axis=axis), "All-NaN")):  # fmt: skip
        with pytest.warns(RuntimeWarning, match=text):
            vjp(lambda x, f=function: f(x, axis=1), HOLED)
    with pytest.raises(ValueError, match="All-NaN slice encountered"):
        vjp(lambda x: x[np.nanargmax(x, axis=1)], HOLED)


def test_correlation_at_its_bound() -> None:
    """corr(x, t + εv) is 1 at ε = 0 and falls off as ε²: rounding to [−1, 1] must not cut this curvature off."""
    x = np.array([0.3, -0.4, 1.1, 0.2])
    v = np.array([1.0, -1.0, 0.5, 0.3])

    def f(e: Any) -> Any:
        return np.corrcoef(x, 3.0 * x + e * v)[0, 1]

    dx, dv = x - x.mean(), v - v.mean()
    across = dv @ dv - (dx @ dv) ** 2 / (dx @ dx)
    want = -across / (9.0 * (dx @ dx))
    assert abs(grad(f)(0.0)) < 1e-15
    np.testing.assert_allclose(grad(grad(f))(0.0), want, rtol=1e-13)
    assert vjp(lambda x: np.corrcoef(x, x), x)[0].max() <= 1.0


def test_densities_follow_their_edges() -> None:
    """Twice the data, half the density: along x the derivative of a density is its negative."""
    x = draw("density", 9)
    y, t = jvp(lambda x: np.histogram(x, 3, density=True)[0], (x,), (x,))
    np.testing.assert_allclose(t, -y, rtol=1e-13)
    edges, moved = jvp(lambda x: np.histogram(x, 3)[1], (x,), (x,))
    np.testing.assert_allclose(moved, edges, rtol=1e-14)


def test_elements_on_edges_fall_where_numpys_fall() -> None:
    for x in (np.arange(13) / 4.0, np.arange(13, dtype=np.float32) / 3, np.linspace(-1, 1, 31), np.full(5, 0.1)):
        for bins in (3, 6, 7, 12):
            np.testing.assert_array_equal(
                quietly(lambda x=x, b=bins: vmap(lambda x: np.histogram(x, b)[0])(x[None]))[0], np.histogram(x, bins)[0]
            )


def test_sets_fetch_each_in_its_turn() -> None:
    x = np.array([1.0, 5.0, 1.0, 2.0])
    np.testing.assert_array_equal(jacfwd(np.unique)(x), np.eye(4)[[0, 3, 1]])
    rows = jacrev(lambda x: np.setdiff1d(x, [2.0], assume_unique=True))(x)
    np.testing.assert_array_equal(rows, np.eye(4)[[0, 1, 2]])
    pair = jacrev(lambda x: np.unique(np.stack([x[:2], x[2:], x[:2]]), axis=0))(x)
    np.testing.assert_array_equal(pair, np.eye(4)[[[2, 3], [0, 1]]])


def test_what_has_no_shape_without_values_says_so() -> None:
    for f in (
        np.unique,
        lambda x: np.union1d(x, x),
        lambda x: np.histogram(x, "auto"),
        np.argwhere,
        lambda x: np.bincount(x.astype(int)),
    ):
        with pytest.raises(ConcretizationError):
            quietly(lambda f=f: vmap(f)(np.abs(X)))
        with pytest.raises(ConcretizationError):
            make_program(f)(np.abs(X[0]))


def test_positions_batch_and_stage() -> None:
    edges = np.array([-1.0, 0.0, 1.0])
    uses = (lambda x: np.searchsorted(edges, x), lambda x: np.searchsorted(np.sort(x), 0.3), lambda x: np.isin(x, x[:2]),
            lambda x: np.digitize(x, edges), lambda x: np.lexsort((x, np.floor(x))), lambda x: np.argsort(x, kind="stable"))  # fmt: skip
    for f in uses:
        np.testing.assert_array_equal(vmap(f)(X), [f(x) for x in X])
        np.testing.assert_array_equal(make_program(f)(X[0])(X[1]), f(X[1]))
