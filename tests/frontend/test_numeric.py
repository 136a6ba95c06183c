"""NumPy's classes and modules that call other functions, arrays made from traced values, and what is refused."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view as windows
from tests.frontend._harness import Case, check, check_gradient, check_value, draw, quietly

from wengert import ConcretizationError, EscapeError, UnsupportedError, grad, hessian, jacobian, make_program, vjp, vmap

V, X, T = draw("V", 3), draw("X", 2, 3), draw("T", 2, 3, 4)
C = draw("C", 4)


@np.vectorize
def decorated(a: Any) -> Any:
    return a**2 if a > 1 else 2 * a - 1


@np.vectorize(otypes=[float], doc="a branch without an if")
def decorated_with_options(a: Any) -> Any:
    return np.where(a > 1, a**2, 2 * a - 1)


VECTORIZED: dict[str, Case] = {
    "two operands": Case("", lambda x, y: np.vectorize(lambda a, b: np.sin(a) * b)(x, y), (X, V)),
    "a branch": Case("", lambda x, y: np.vectorize(lambda a, b: a * b if a > 1 else a + b)(x, y), (X, V), abstract=False),
    "a decorator": Case("", lambda x: decorated(x), (X,), abstract=False),
    "a decorator with options": Case("", lambda x: decorated_with_options(x), (X,)),
    "a traced value in the closure": Case("", lambda x: np.vectorize(lambda k: x**k, otypes=[float])(np.arange(3)), (1.3,)),
    "two results": Case("", lambda x: np.vectorize(lambda a: (a * a, np.exp(a)))(x), (X,)),
    "an excluded place": Case("", lambda x, p: np.vectorize(lambda a, p: np.polyval(p, a), excluded=[1])(x, p), (X, V)),
    "an excluded name": Case("", lambda x, p: np.vectorize(lambda a, p: np.polyval(p, a), excluded=["p"])(x, p=p), (X, V)),
    "a keyword": Case("", lambda x, y: np.vectorize(lambda a, b: a * b)(x, b=y), (X, V)),
    "a signature": Case("", lambda x, y: np.vectorize(lambda a, b: np.outer(a, b) @ b, signature="(n),(m)->(n)")(x, y), (X, draw("q", 2, 4))),
    "a signature with two results": Case("", lambda x: np.vectorize(lambda a: (a.sum(), a * 2), signature="(n)->(),(n)")(x), (X,)),
    "a number": Case("", lambda x: np.vectorize(lambda a: a * 2)(x), (1.3,)),
    "plain numbers": Case("", lambda x: x * np.vectorize(lambda k: k % 2)(np.arange(3)), (X,)),
    "text": Case("", lambda x: x * np.vectorize(len)(np.array(["a", "bcd", "ef"])), (X,)),
}  # fmt: skip


@pytest.mark.parametrize("name", VECTORIZED)
def test_vectorize(name: str) -> None:
    check(VECTORIZED[name])


def test_vectorize_is_numpys_outside() -> None:
    before = np.vectorize.__call__
    grad(lambda x: np.sum(decorated(x)))(X)
    assert np.vectorize.__call__ is before
    np.testing.assert_array_equal(decorated(X), np.where(X > 1, X**2, 2 * X - 1))


def test_vectorize_does_not_truncate() -> None:
    """NumPy takes the dtype of the first result for all."""
    with pytest.raises(EscapeError, match=r"(?s)makes an array of int64.*write: np\.vectorize\(f, otypes=\[float\]\)"):
        grad(lambda x: np.sum(np.vectorize(lambda a: 0 if a > 1.5 else a)(x)))(np.array([1.8, 0.3]))


def test_vectorize_rejects_what_numpy_rejects() -> None:
    for f in (
        lambda x: np.vectorize(lambda a, b: a * b)(x, x[:1, :2]),
        lambda x: np.vectorize(lambda a: a)(x[:0]),
        lambda x: np.vectorize(np.dot, signature="(n),(n)->()")(x, x[0, :2]),
    ):
        for run in (f, lambda x, f=f: vjp(f, x)):
            with pytest.raises(ValueError):
                run(X)


# ---- brackets and iteration

BRACKETS: dict[str, Any] = {
    "r_": lambda x, v: np.r_[v, 1.0, 2:4, x[0]],
    "r_ of integers and a traced number": lambda x, v: np.r_[1, 2, v[0], 0:2],
    "r_ with a range": lambda x, v: np.r_[0 : v[0] : 3j, v],
    "r_ along the last axis": lambda x, v: np.r_["-1", x, x * 2],
    "r_ with axes": lambda x, v: np.r_["0,2", x, v],
    "r_ with axes in front": lambda x, v: np.r_["1,3,0", v, v * 2],
    "r_ with axes behind": lambda x, v: np.r_["0,3,-1", v, v * 2],
    "r_ with axes between": lambda x, v: np.r_["0,3,1", v, v * 2],
    "c_": lambda x, v: np.c_[v, v * 2, np.ones(3)],
    "c_ of matrices": lambda x, v: np.c_[x, [[1.0], [2.0]], x],
}


@pytest.mark.parametrize("name", BRACKETS)
def test_brackets(name: str) -> None:
    check(Case(name, BRACKETS[name], (X, V)))


def test_brackets_that_make_matrices_are_refused() -> None:
    with pytest.raises(UnsupportedError, match=r"write: np\.r_ without it"):
        grad(lambda x: np.r_["c", x].sum())(V)


def test_ndenumerate() -> None:
    check(Case("ndenumerate", lambda x: sum(v * (i + 2 * j) for (i, j), v in np.ndenumerate(x)), (X,)))
    check(Case("ndenumerate of a number", lambda x: sum(v for _, v in np.ndenumerate(x[0])), (V,)))


# ---- numpy.polynomial, which is written in NumPy

BASES = ("poly", "cheb", "leg", "herm", "herme", "lag")
MODULES: dict[str, Any] = dict(
    zip(
        BASES,
        (
            getattr(np.polynomial, n)
            for n in ("polynomial", "chebyshev", "legendre", "hermite", "hermite_e", "laguerre")
        ),
        strict=True,
    )
)
CLASSES: dict[str, Any] = dict(
    zip(
        BASES,
        (getattr(np.polynomial, n) for n in ("Polynomial", "Chebyshev", "Legendre", "Hermite", "HermiteE", "Laguerre")),
        strict=True,
    )
)


@pytest.mark.parametrize("basis", BASES)
def test_polynomial_modules(basis: str) -> None:
    def get(name: str) -> Any:
        return getattr(MODULES[basis], basis + name)

    check(Case("val", lambda x, c: get("val")(x, c), (X, V)))
    check(Case("val2d", lambda x, c: get("val2d")(x, x + 1, c), (V, X), order=1))
    check(Case("der, int", lambda c: (get("der")(c), get("int")(c)), (V,), order=1))
    check(Case("vander", lambda x: get("vander")(x, 3), (V,), order=1))
    check(Case("mul, add", lambda c, d: get("mul")(get("add")(c, d), c), (V, draw("d", 2)), abstract=False, order=1))
    fit = Case("fit", lambda x, y: get("fit")(x, y, 2), (np.linspace(0, 1, 5), draw("y", 5)), abstract=False, order=1)
    check(fit)
    check(
        Case("roots", lambda c: np.real(get("roots")(c)), (np.array([0.3, -2.0, 0.4, 0.6]),), abstract=False, order=1)
    )


@pytest.mark.parametrize("basis", BASES)
def test_polynomial_classes(basis: str) -> None:
    make = CLASSES[basis]
    check(Case(basis, lambda c, x: (make(c) ** 2 + make(c).deriv() - 1)(x), (V, X), abstract=False, order=1))


def test_poly1d() -> None:
    d = draw("d", 3)
    for f in (
        lambda c, d: np.poly1d(c)(d),
        lambda c, d: (np.poly1d(c) * np.poly1d(d)).coeffs,
        lambda c, d: ((np.poly1d(c) + 2 * np.poly1d(d)).deriv().integ() - 1)(0.3),
        lambda c, d: (np.poly1d(c) ** 2)(d),
        lambda c, d: (np.poly1d(c) / np.poly1d(d))[1].coeffs,
    ):
        check(Case("poly1d", f, (C, d), abstract=False, order=1))


def test_polymul_trims_zeros_in_front() -> None:
    """As NumPy does where it sees them: a product is then shorter, and has no derivative in them."""
    zero = np.array([0.0, 1, 1, 1])
    case = Case("polymul", lambda c: np.polymul(c * zero, [2.0, 1.0]), (C,))
    check_value(case)
    check_gradient(case)
    assert np.polymul(C * zero, [2.0, 1.0]).shape == (4,)


def test_roots_move_as_their_polynomial_says() -> None:
    """Of (x − a)(x − b) by its coefficients 1, −(a + b), ab: dr = −(r ds₁ + ds₀)/(2r − a − b)."""
    a, b = 3.0, 1.25
    j = jacobian(np.roots)(np.array([1.0, -(a + b), a * b]))
    for row, r in zip(j, (a, b), strict=True):
        np.testing.assert_allclose(row, -np.array([r * r, r, 1.0]) / (2 * r - a - b), rtol=1e-14)


def test_where_roots_coincide_the_derivative_is_infinite() -> None:
    """(x − 1)² has a double root, which moves as the square root of a change of its coefficients."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        j = jacobian(np.roots)(np.array([1.0, -2.0, 1.0]))
    assert not np.any(np.abs(j) < 1e6)  # not finite, or as large as the rounding of the root leaves it


# ---- arrays made from traced values

MADE: dict[str, Case] = {
    "arange": Case("", lambda a, b: np.arange(a, 3, b), (0.3, 0.7), abstract=False),
    "arange to a traced number": Case("", lambda a: np.arange(a + 3.0), (0.3,), abstract=False),
    "arange by keyword": Case("", lambda a: np.arange(1, step=a), (0.3,), abstract=False),
    "fromiter": Case("", lambda x: np.fromiter((v * v for v in x), float), (V,)),
    "fromiter of some": Case("", lambda x: np.fromiter((v * v for v in x), float, 2), (V,)),
    "fromiter of plain numbers": Case("", lambda x: x * np.fromiter(range(3), float), (V,)),
    "fromfunction": Case("", lambda x: np.fromfunction(lambda i, j: x * i + j, (2, 3)), (1.3,)),
    "require": Case("", lambda x: np.require(x * 2, float, ["C", "W"]) * 1, (V,)),
    "require columns": Case("", lambda x: np.ravel(np.require(x * 2, requirements="F"), "K"), (X,)),
    "asarray_chkfinite": Case("", lambda x: np.asarray_chkfinite(x) * 1, (X,), abstract=False),
    "mgrid": Case("", lambda a: np.mgrid[0:a:5j], (1.3,)),
    "kaiser": Case("", lambda x: x * np.hanning(3) + np.kaiser(3, 2.0), (X,)),
}


@pytest.mark.parametrize("name", MADE)
def test_made(name: str) -> None:
    check(MADE[name])


# ---- subtleties


def test_interp_at_the_knots() -> None:
    """To the right of a knot; at the last knot, and beyond the ends, what NumPy's own lines say."""
    xp, fp = np.array([0.0, 1.0, 3.0]), np.array([1.0, 3.0, 2.0])
    slope = vmap(grad(lambda x: np.interp(x, xp, fp)))(np.array([-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0]))
    np.testing.assert_array_equal(slope, [0, 2, 2, -0.5, -0.5, -0.5, 0])


def test_interp_with_coinciding_knots() -> None:
    xp, fp, x = np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.0, 5.0, 6.0]), np.array([0.5, 1.0, 1.5])
    y, pullback = vjp(lambda x, fp: np.interp(x, xp, fp), x, fp)
    np.testing.assert_array_equal(y, np.interp(x, xp, fp))
    assert all(np.all(np.isfinite(d)) for d in pullback(np.ones(3)))


def test_gradient_in_evenly_spaced_coordinates() -> None:
    """d/dh of np.gradient(f, x) where the points happen to be evenly spaced, against a shift of one of them."""
    f, x = np.array([1.0, 4.0, 9.0, 16.0]), np.arange(4.0)
    got = jacobian(lambda x: np.gradient(f, x))(x)
    for k in range(4):
        e = 1e-6 * np.eye(4)[k]
        np.testing.assert_allclose(got[:, k], (np.gradient(f, x + e) - np.gradient(f, x - e)) / 2e-6, atol=1e-8)


def test_bessel_to_high_order() -> None:
    """I₀ satisfies x² y'' + x y' − x² y = 0 (DLMF 10.25.1), and so do its derivatives what follows from that."""
    x = np.array([0.7, 3.0, 9.5])
    y1, y2 = vmap(grad(np.i0))(x), vmap(grad(grad(np.i0)))(x)
    np.testing.assert_allclose(x * y2 + y1, x * np.i0(x), rtol=1e-13)
    y3 = vmap(grad(grad(grad(np.i0))))(x)
    np.testing.assert_allclose(x * y3 + 2 * y2, np.i0(x) + x * y1, rtol=1e-13)


def test_convolution_is_the_product_of_polynomials() -> None:
    a, v = draw("a", 6), draw("v", 4)
    h = hessian(lambda a: np.sum(np.convolve(a, a)[3:5]))(a)
    i, j = np.indices((6, 6))
    np.testing.assert_array_equal(h, np.where((i + j == 3) | (i + j == 4), 2.0, 0.0))
    np.testing.assert_allclose(
        jacobian(lambda a: np.convolve(a, v, "valid"))(a), windows(np.pad(v[::-1], (2, 2)), 6)[::-1], rtol=1e-15
    )


def test_piecewise_of_what_is_not_known_tells_elementwise_functions_apart() -> None:
    def centred(x: Any) -> Any:
        return np.piecewise(x, [x > 0.5], [lambda v: v - v.mean(), lambda v: v])

    for run in (lambda: vmap(centred)(X), lambda: make_program(centred)(V)):
        with pytest.raises(ConcretizationError, match=r"(?s)does not.*act on each element by itself.*write: np\.where"):
            run()


def test_piecewise_keeps_out_what_is_undefined() -> None:
    """ln is not asked for numbers below zero, neither where they are known nor where they are not."""

    def f(x: Any) -> Any:
        return np.piecewise(x, [x > 0], [np.log, lambda v: 2 * v])

    x = np.array([[-1.0, 2.0, 0.5], [0.25, -3.0, 4.0]])
    want = np.where(x > 0, 1 / x, 2.0)
    np.testing.assert_allclose(vjp(f, x)[1](np.ones((2, 3)))[0], want, rtol=1e-15)
    np.testing.assert_allclose(vmap(lambda v: vjp(f, v)[1](np.ones(3))[0])(x), want, rtol=1e-15)


def test_reduceat_sums_as_it_says() -> None:
    d = grad(lambda x: np.add.reduceat(x, [0, 4, 1, 5, 2, 6]) @ np.arange(1.0, 7.0))(np.zeros(8))
    want = np.zeros(8)
    for weight, piece in zip(range(1, 7), ((0, 4), (4, 5), (1, 5), (5, 6), (2, 6), (6, 8)), strict=True):
        want[slice(*piece)] += weight
    np.testing.assert_array_equal(d, want)


def test_text_of_a_traced_array_is_numpys() -> None:
    seen: list[str] = []

    def f(x: Any) -> Any:
        seen.extend([np.array_repr(x), np.array_str(x), np.array2string(x, precision=3), str(x), f"{x}", f"{x[0]:.3f}"])
        return np.sum(x)

    grad(f)(V)
    assert seen == [repr(V), str(V), np.array2string(V, precision=3), str(V), f"{V}", f"{V[0]:.3f}"]


def test_memory_is_shared_as_numpy_says() -> None:
    answers: list[bool] = []

    def f(x: Any) -> Any:
        a = np.zeros((2, 3))
        b = x * 1
        answers.extend(np.shares_memory(*pair) for pair in (
            (x, x.T), (x[0], x[1]), (x[:, ::2], x[:, 1]), (x.reshape(-1), x), (x, x.copy()), (a, a[0]), (a, b), (b, b[1:]),
            (x, 3.0), (x.ravel()[::2], x[0]),
        ))  # fmt: skip
        return np.sum(x * a)

    grad(f)(X)
    assert answers == [True, False, False, True, False, True, False, True, False, True]


def test_constants_stay_numpys() -> None:
    """On arrays that are not traced these are NumPy's own functions, also while a transform runs."""

    def f(x: Any) -> Any:
        a = np.array([3.0, 1.0, 2.0])
        b = np.interp([0.5], [0, 1], a[:2]) + np.polyval(a, 2.0) + np.gradient(a)[0] + np.convolve(a, a)[0]
        c = np.pad(a, 1) + np.insert(np.delete(a, 0), 1, [7.0, 8.0, 9.0])
        return x * (b[0] + c.sum() + np.linspace(a, a + 1, 3).sum() + np.piecewise(a, [a > 1], [2.0, 3.0]).sum())

    assert grad(f)(1.0) == f(1.0)


def test_flat_results_say_so() -> None:
    assert quietly(lambda: grad(lambda x: np.searchsorted(np.arange(3.0), x) * 1.0)(1.5)) == 0.0
