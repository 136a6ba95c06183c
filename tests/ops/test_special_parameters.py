"""Derivatives of special functions in their parameters against mpmath, over wide ranges and to high orders."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp
import numpy as np
import pytest
import scipy.special as sc
from tests.ops._special_parameters import BESSEL, derivative

from wengert import UnsupportedError, grad, jvp, make_program, vmap
from wengert.ops.special_parameters_bessel import iv_dv, ive_dv, jv_dv, kv_dv, kve_dv, yv_dv
from wengert.ops.special_parameters_beta import betainc_da, betainc_db
from wengert.ops.special_parameters_gamma import gammainc_da
from wengert.ops.special_parameters_integrals import hyperu_da, hyperu_db, modstruve_dv, struve_dv
from wengert.ops.special_parameters_polynomials import gegenbauer_da, genlaguerre_da, jacobi_da, jacobi_db
from wengert.ops.special_parameters_series import hyp0f1_db, hyp1f1_da, hyp1f1_db, hyp2f1_da, hyp2f1_db, hyp2f1_dc
from wengert.ops.special_parameters_shapes import fisher_slopes, student_slope
from wengert.ops.special_parameters_wright import wright_da, wright_db

Points = list[tuple[float, ...]]


def slope(f: Callable[..., Any], at: Sequence[float], k: int) -> float:
    """∂f/∂(operand k) by a difference of fourth order in 50 digits; mpmath is the oracle of f alone."""
    with mp.workdps(50):
        xs: list[Any] = [mp.mpf(x) for x in at]
        h = mp.mpf(10) ** -11 * max(1, abs(xs[k])) if xs[k] == 0 or abs(xs[k]) > 1 else mp.mpf(10) ** -11 * abs(xs[k])

        def moved(m: int) -> Any:
            return f(*xs[:k], xs[k] + m * h, *xs[k + 1 :])

        return float((moved(-2) - 8 * moved(-1) + 8 * moved(1) - moved(2)) / (12 * h))


def value(f: Callable[..., Any], at: Sequence[float]) -> float:
    with mp.workdps(30):
        return float(f(*map(mp.mpf, at)))


def agree(got: Any, want: Any, bound: float, points: Points, scale: Any = 0.0) -> None:
    """Relative to the derivative; where a scale is given, to the larger of the two."""
    error = np.abs(got - want) / np.maximum(np.maximum(np.abs(want), np.abs(scale)), 1e-300)
    worst = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
    assert error[worst] <= bound, f"{points[worst]}: {got[worst]}, mpmath: {want[worst]}, error {error[worst]:.2g}"


def columns(points: Points) -> list[Any]:
    return list(np.array(points).T)


# ---- incomplete gamma and beta


def gamma_points() -> Points:
    points: Points = []
    for a in (1e-3, 0.02, 0.3, 1.0, 4.0, 37.0, 600.0, 1e4):
        points += [(a, a * f) for f in (1e-3, 0.2, 0.9, 1.0, 1.3, 4.0) if a < 50]
        points += [(a, a + z * a**0.5) for z in (-12.0, -3.0, -0.5, 0.01, 0.7, 5.0, 15.0) if a + z * a**0.5 > 0]
    return points


def test_incomplete_gamma_in_both_tails() -> None:
    """Relative error 2e-13 where the derivative is 1e-100 as where it is 1."""
    points = gamma_points()

    def tail(a: Any, x: Any) -> Any:
        return -mp.gammainc(a, x, mp.inf, regularized=True) if upper else mp.gammainc(a, 0, x, regularized=True)

    want: list[float] = []
    for a, x in points:
        upper = x > a
        want.append(slope(tail, (a, x), 0))
    agree(gammainc_da(*columns(points)), np.array(want), 2e-13, points)
    assert min(np.abs(want)) < 1e-40


def test_incomplete_beta_in_both_tails() -> None:
    """Relative error 1e-12, and 1e-10 where a parameter is small and the other one large."""
    parameters = [(0.4, 0.7), (1.0, 1.0), (3.3, 0.5), (2.0, 20.0), (50.0, 40.0), (300.0, 3.0)]
    points = [(a, b, x) for a, b in parameters for x in (1e-3, 0.1, 0.5, a / (a + b), 0.93)]
    extreme = [(1e-3, 5.0, 0.2), (2.0, 1e-3, 0.9), (1e-3, 1e-3, 0.4)]
    for chosen, bound in ((points, 1e-12), (extreme, 1e-10)):
        for k, f in enumerate((betainc_da, betainc_db)):
            want: list[float] = []
            for a, b, x in chosen:
                upper = x > a / (a + b)

                def tail(a: Any, b: Any, x: Any, upper: bool = upper) -> Any:
                    one = -mp.betainc(b, a, 0, 1 - x, regularized=True)
                    return one if upper else mp.betainc(a, b, 0, x, regularized=True)

                want.append(slope(tail, (a, b, x), k))
            agree(f(*columns(chosen)), np.array(want), bound, chosen)


def test_large_beta_parameters_by_symmetry() -> None:
    """Where mpmath is slow: I_x(a, b) = 1 − I_{1−x}(b, a), and I_½(a, a) = ½; down to 1e-229."""
    a = np.array([1e-3, 0.5, 30.0, 1e3, 1e4])
    agree(betainc_da(a, 2 * a, 0.25), -betainc_db(2 * a, a, 0.75), 1e-12, [(x,) for x in a])
    agree(betainc_da(a, a, 0.5), -betainc_db(a, a, 0.5), 1e-12, [(x,) for x in a])


def test_student_and_fisher_in_their_degrees_of_freedom() -> None:
    """Relative to the terms that cancel, which are of size 1/df; where the function is tiny it is told through a tail."""
    points: Points = list(itertools.product((0.7, 3.0, 40.0, 1e3), (-30.0, -3.0, -0.2, 0.9, 8.0)))

    def student(df: Any, x: Any) -> Any:
        tail = mp.betainc(df / 2, mp.mpf(0.5), 0, df / (df + x * x), regularized=True) / 2
        return tail if x < 0 else -tail

    want = np.array([slope(student, p, 0) for p in points])
    agree(student_slope(*columns(points)), want, 1e-12, points, [0.1 / df for df, _ in points])
    triples: Points = list(itertools.product((1.0, 12.0), (0.8, 30.0), (0.01, 1.1, 20.0)))

    def fisher(m: Any, n: Any, x: Any) -> Any:
        low = m * x < n
        one = mp.betainc(m / 2, n / 2, 0, m * x / (m * x + n), regularized=True)
        return one if low else -mp.betainc(n / 2, m / 2, 0, n / (m * x + n), regularized=True)

    for k in (0, 1):
        want = np.array([slope(fisher, p, k) for p in triples])
        agree(fisher_slopes(*columns(triples))[k], want, 1e-12, triples, 0.01)


ORDERS: dict[str, tuple[Callable[..., Any], Callable[..., Any], tuple[float, ...]]] = {
    "gammainc": (sc.gammainc, lambda a, x: mp.gammainc(a, 0, x, regularized=True), (2.3, 3.1)),
    "gammaincc": (sc.gammaincc, lambda a, x: mp.gammainc(a, x, mp.inf, regularized=True), (0.6, 1.2)),
    "betainc": (sc.betainc, lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True), (2.3, 1.4, 0.3)),
    "jv": (sc.jv, mp.besselj, (1.3, 2.2)), "yv": (sc.yv, mp.bessely, (2.0, 3.1)),
    "iv": (sc.iv, mp.besseli, (0.4, 1.7)), "kv": (sc.kv, mp.besselk, (-1.5, 0.8)),
    "hyp1f1": (sc.hyp1f1, mp.hyp1f1, (1.3, 2.1, -0.7)), "hyp2f1": (sc.hyp2f1, mp.hyp2f1, (1.3, 0.4, 2.1, 0.6)),
    "hyperu": (sc.hyperu, mp.hyperu, (1.3, 0.4, 2.1)),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERS)
def test_all_second_and_third_derivatives(name: str) -> None:
    """Every mixture of two operands, and the third derivative in the first one, through SciPy's own name."""
    f, oracle, at = ORDERS[name]
    with mp.workdps(40):
        exact: tuple[Any, ...] = tuple(mp.mpf(x) for x in at)
        for k, j in itertools.combinations_with_replacement(range(len(at)), 2):
            orders = [0] * len(at)
            orders[k] += 1
            orders[j] += 1
            want = float(derivative(oracle, exact, tuple(orders)))
            assert grad(grad(f, k), j)(*at) == pytest.approx(want, rel=1e-11, abs=1e-12), (k, j)
        want = float(derivative(oracle, exact, (3, *(0,) * (len(at) - 1))))
    assert grad(grad(grad(f)))(*at) == pytest.approx(want, rel=1e-10, abs=1e-11)


# ---- Bessel functions


def bessel_points() -> Points:
    points = itertools.product((-2.0, -0.4, 0.0, 0.3, 1.0, 2.5, 33.3), (1e-6, 0.7, 2.1, 20.0, 33.0, 150.0))
    return [p for p in points if not (p[0] == 33.3 and p[1] == 1e-6)]


@pytest.mark.parametrize(("name", "f"), [("j", jv_dv), ("y", yv_dv), ("i", ive_dv), ("k", kve_dv)])
def test_bessel_functions(name: str, f: Any) -> None:
    """Relative to the larger of the derivative and the function."""
    points = bessel_points()
    want = np.array([slope(BESSEL[name], p, 0) for p in points])
    scale = np.array([value(BESSEL[name], p) for p in points])
    agree(f(*columns(points)), want, 1e-12, points, scale)


def test_exponentially_small_and_large_bessel_functions() -> None:
    """Relative accuracy, not absolute, where ν is much larger than x, and at the turning point."""
    points = [(120.0, 3.0), (80.0, 60.0), (200.0, 150.0), (50.0, 50.0), (50.0, 57.0)]
    for f, oracle in ((jv_dv, mp.besselj), (yv_dv, mp.bessely), (iv_dv, mp.besseli), (kv_dv, mp.besselk)):
        agree(f(*columns(points)), np.array([slope(oracle, p, 0) for p in points]), 1e-12, points)


def test_bessel_functions_of_large_argument() -> None:
    """The phase x + |ν| has an error of its own unit in the last place."""
    points = [(150.0, 900.0), (1000.0, 1001.0), (2.0, 5000.0), (90.0, 4000.0), (10.0, 1e6)]
    for f, oracle in ((jv_dv, mp.besselj), (yv_dv, mp.bessely)):
        want = np.array([slope(oracle, p, 0) for p in points])
        agree(f(*columns(points)), want, 1e-11, points, scale=[2 / np.sqrt(x) for _, x in points])


def test_bessel_functions_at_the_ends() -> None:
    assert jv_dv(0.5, 0.0) == 0.0
    assert ive_dv(2.0, 0.0) == 0.0
    nan = [jv_dv(0.0, 0.0), jv_dv(-0.5, 0.0), yv_dv(1.0, 0.0), kv_dv(1.0, 0.0), jv_dv(0.5, -1.0), jv_dv(np.nan, 1.0)]
    assert np.all(np.isnan(nan))
    assert np.isnan(jv_dv(400.0, 2e4))  # neither Hankel's series nor the integral is known well enough
    assert np.isnan(jv_dv(6000.0, 6100.0))
    assert np.isfinite(jv_dv(5000.0, 5000.0))
    assert jv_dv(1.0, np.inf) == kve_dv(1.0, np.inf) == 0.0


# ---- hypergeometric functions, Struve's, polynomials


def test_hypergeometric_functions() -> None:
    grids: list[tuple[Any, tuple[Any, ...], Points]] = [
        (mp.hyp0f1, (hyp0f1_db,), list(itertools.product((0.3, 2.5, -1.5), (-300, -61, -50, -1, 0.7, 100)))),
        (
            mp.hyp1f1, (hyp1f1_da, hyp1f1_db),
            list(itertools.product((-2.5, -1, 0.3, 10), (0.3, 2.5, -1.5), (-100, -10, -1, 0.7, 100))),
        ),
        (
            mp.hyp2f1, (hyp2f1_da, hyp2f1_db, hyp2f1_dc),
            list(itertools.product((-2.5, 0.3, 1), (-1, 3.2), (0.3, 10), (-45, -1, -0.3, 0.7, 0.95))),
        ),
    ]  # fmt: skip
    for oracle, slopes, points in grids:
        for k, f in enumerate(slopes):
            want = np.array([slope(oracle, p, k) for p in points])
            scale = np.array([value(oracle, p) for p in points])
            agree(f(*columns(points)), want, 1e-10, points, scale)  # digits cancel in some of the series


def test_terms_that_grow_after_they_were_small() -> None:
    """Just beside a pole in b the tenth term is divided by almost nothing."""
    b = float(np.nextafter(-9.0, 0.0))
    with mp.workdps(60):
        exact = mp.mpf(b)
        step = (exact + 9) * mp.mpf(10) ** -12
        rise = mp.hyp0f1(exact + step, mp.mpf(0.01)) - mp.hyp0f1(exact - step, mp.mpf(0.01))
        want = float(rise / (2 * step))
    assert hyp0f1_db(b, 0.01) == pytest.approx(want, rel=1e-10)


def test_what_the_series_do_not_know_is_nan() -> None:
    assert np.isnan(hyp1f1_da(40.0, 1.0, -50.0))
    assert np.isnan(hyp2f1_da(1.0, 2.0, 3.0, 0.999))
    assert np.isnan(hyp2f1_da(1.0, 2.0, 3.0, 1.5))
    assert np.isnan(hyperu_da(-0.5, 1.5, 2.0))
    assert np.isnan(genlaguerre_da(1.5, 1.0, 2.0))
    assert np.isnan(gammainc_da(-1.0, 2.0))
    assert np.isnan(betainc_da(1.0, 2.0, 1.2))


def test_tricomi() -> None:
    points: Points = list(itertools.product((1e-3, 0.5, 3, 40), (-3.3, 2.5, 12), (0.01, 2, 30)))
    points += [(-0.5, 0.2, 1.3), (-2.0, -3.5, 0.7)]
    for k, f in enumerate((hyperu_da, hyperu_db)):
        agree(f(*columns(points)), np.array([slope(mp.hyperu, p, k) for p in points]), 1e-11, points)


def test_wright() -> None:
    points: Points = list(itertools.product((0.0, 0.4, 2.0), (0.0, 0.7), (0.3, 20.0)))

    def oracle(a: Any, b: Any, x: Any) -> Any:
        return mp.fsum(x**k / mp.factorial(k) * mp.rgamma(a * k + b) for k in range(120))

    for k, f in enumerate((wright_da, wright_db)):
        agree(f(*columns(points)), np.array([slope(oracle, p, k) for p in points]), 1e-11, points)


def test_struve() -> None:
    points: Points = list(itertools.product((-2.2, 0, 0.5, 3.3, 30), (0.01, 2, 7.9, 8.1, 29, 60)))
    v, x = columns(points)
    for f, ufunc, oracle in ((struve_dv, sc.struve, mp.struveh), (modstruve_dv, sc.modstruve, mp.struvel)):
        z = ufunc(v, x)
        agree(f(v, x, z), np.array([slope(oracle, p, 0) for p in points]), 1e-11, points, z)


def test_polynomials_of_higher_degree() -> None:
    n, a, b, x = (
        np.array([7, 20, 33]),
        np.array([0.4, 2.0, 5.5]),
        np.array([1.3, -0.5, 0.2]),
        np.array([0.3, -0.8, 0.9]),
    )
    triples: Points = list(zip(n, a, x, strict=True))
    with mp.workdps(30):
        for f, oracle in ((genlaguerre_da, mp.laguerre), (gegenbauer_da, mp.gegenbauer)):
            want = np.array([float(mp.diff(lambda a, p=p, o=oracle: o(int(p[0]), a, p[2]), p[1])) for p in triples])
            agree(f(n, a, x), want, 1e-11, triples)
        quadruples: Points = list(zip(n, a, b, x, strict=True))
        for k, f in ((1, jacobi_da), (2, jacobi_db)):
            orders = (0, int(k == 1), int(k == 2), 0)
            want = np.array(
                [float(derivative(mp.jacobi, (int(p[0]), *map(mp.mpf, p[1:])), orders)) for p in quadruples]
            )
            agree(f(n, a, b, x), want, 1e-11, quadruples)


# ---- forms of a call


def test_many_elements_are_as_few() -> None:
    """Elements are computed some thousand at a time: the seams do not show."""
    a = np.linspace(0.5, 30, 9001)
    whole = gammainc_da(a, 4.0)
    assert whole.shape == (9001,)
    for k in (0, 4095, 4096, 8191, 8192, 9000):
        assert whole[k] == pytest.approx(float(gammainc_da(a[k], 4.0)), rel=1e-14)
    assert gammainc_da(np.zeros((0, 3)), 1.0).shape == (0, 3)


def test_dtypes_and_kinds() -> None:
    x = np.array([0.5, 2.0], np.float32)
    assert gammainc_da(x, x).dtype == np.float32
    assert gammainc_da(x, 1.5).dtype == np.float32
    assert gammainc_da(x, np.float64(1.5)).dtype == np.float64
    assert gammainc_da(np.array([1, 2]), 1.5).dtype == np.float64
    assert type(gammainc_da(2, 1.5)) is np.float64
    assert grad(lambda a: np.sum(sc.gammainc(a, 1.5)))(x).dtype == np.float32


def test_batched_and_staged_under_scipy_names() -> None:
    a, x = np.array([0.7, 2.0, 11.0]), np.array([0.4, 2.5, 9.0])
    slopes = vmap(grad(sc.gammainc))(a, x)
    np.testing.assert_allclose(slopes, gammainc_da(a, x), rtol=1e-14)
    (staged,) = make_program(grad(sc.gammainc))(2.0, 2.5).evaluate((2.0, 2.5))
    assert staged == gammainc_da(2.0, 2.5)
    _, tangent = jvp(lambda v: sc.jv(v, 2.0), (1.5,), (1.0,))
    assert tangent == jv_dv(1.5, 2.0)


def test_complex_argument_is_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"known for real numbers only"):
        grad(lambda v: np.real(sc.jv(v, 1.0 + 2.0j)))(0.5)


def test_hankel_functions_in_their_order() -> None:
    for f, side in ((sc.hankel1, 1), (sc.hankel2, -1)):
        assert grad(lambda v, f=f: np.real(f(v, 2.2)))(1.3) == pytest.approx(jv_dv(1.3, 2.2), rel=1e-14)
        assert grad(lambda v, f=f: np.imag(f(v, 2.2)))(1.3) == pytest.approx(side * yv_dv(1.3, 2.2), rel=1e-14)


def test_incomplete_gamma_of_small_parameters() -> None:
    """Where a → 0 the score ln t − ψ(a) is a difference of near equals in the lower tail: the upper one serves."""
    worst = 0.0
    for a in (1e-200, 1e-30, 3e-9, 9e-4, 1e-3, 2e-3):
        for x in (1e-250, a * 0.9, a * 1.1, 1e-5, 1.0):
            with mp.workdps(50):
                p, q = mp.mpf(a), mp.mpf(x)
                term = lambda k, p=p, q=q: (mp.log(q) - mp.digamma(p + k + 1)) * q**k / mp.gamma(p + k + 1)
                want = q**p * mp.exp(-q) * mp.nsum(term, [0, mp.inf])
                got = mp.mpf(float(gammainc_da(np.float64(a), np.float64(x))))
                worst = max(worst, float(abs(got / want - 1)))
    assert worst < 2e-13
