"""Transforms of transforms: every pair, in both orders, and triples, against closed forms."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert import (
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    make_program,
    value_and_grad,
    vjp,
    vmap,
)

# Each takes the k-th derivative of a smooth function of one number and gives the next one, by another way.
DERIVE: dict[str, Callable[[Any], Any]] = {
    "grad": grad,
    "value_and_grad": lambda f: lambda x: value_and_grad(f)(x)[1],
    "vjp": lambda f: lambda x: vjp(f, x)[1](1.0)[0],
    "jvp": lambda f: lambda x: jvp(f, (x,), (1.0,))[1],
    "linearize": lambda f: lambda x: linearize(f, x)[1](1.0),
    "jacfwd": jacfwd,
    "jacrev": jacrev,
    "elementwise_grad": elementwise_grad,
    "grad of a sum over vmap": lambda f: (
        lambda x: grad(lambda t: np.sum(vmap(f)(np.stack([t, 2.0 * t]) / np.array([1.0, 2.0]))) / 2)(x)
    ),
    "grad through an array": lambda f: (
        lambda x: grad(lambda t: (a := np.zeros(2), a.__setitem__(1, f(t)), np.sum(a))[2])(x)
    ),
}
# Each leaves a function as it is.
KEEP: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda f: f,
    "vmap": lambda f: lambda x: vmap(f)(np.stack([x, x + 1.0]))[0],
    "vmap over another argument": lambda f: (
        lambda x: vmap(lambda t, s: f(t) * s, in_axes=(None, 0))(x, np.array([1.0, 2.0]))[0]
    ),
    "make_program": lambda f: lambda x: make_program(f)(x)(x),
    "vmap of vmap": lambda f: lambda x: vmap(vmap(f))(np.stack([np.stack([x]), np.stack([x])]))[1, 0],
    "jvp's value": lambda f: lambda x: jvp(f, (x,), (1.0,))[0],
    "vjp's value": lambda f: lambda x: vjp(f, x)[0],
    "aux": lambda f: lambda x: grad(lambda t: (t * t, f(t)), has_aux=True)(x)[1],
}
X = 0.7
# f(x) = e^(2x) sin x written with a write, a branch-free choice and a product; its derivatives are Im of (2+i)^k e^((2+i)x)
EXACT = [((2 + 1j) ** k * np.exp((2 + 1j) * X)).imag for k in range(5)]


def f(x: Any) -> Any:
    y = np.zeros(2)
    y[0] = np.exp(x)
    y[1] = y[0] * np.where(x > -100.0, np.sin(x), 3.0)
    return y @ np.array([[0.0, 0.5], [0.5, 0.0]]) @ y


def check(g: Any, order: int) -> None:
    for x in (X, np.float64(X)):
        got = g(x)
        assert np.shape(got) == ()
        assert abs(got - EXACT[order]) < 1e-12 * max(1.0, abs(EXACT[order])), (got, EXACT[order])


@pytest.mark.filterwarnings("ignore::wengert.errors.FlatDerivativeWarning")
@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(DERIVE, DERIVE)))
def test_derivative_of_derivative(outer: str, inner: str) -> None:
    check(DERIVE[outer](DERIVE[inner](f)), 2)


@pytest.mark.parametrize(("keep", "derive"), list(itertools.product(KEEP, DERIVE)))
def test_what_keeps_a_function_around_and_inside_a_derivative(keep: str, derive: str) -> None:
    check(KEEP[keep](DERIVE[derive](f)), 1)
    check(DERIVE[derive](KEEP[keep](f)), 1)


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product(KEEP, KEEP)))
def test_what_keeps_a_function_around_itself(outer: str, inner: str) -> None:
    check(KEEP[outer](KEEP[inner](f)), 0)


TRIPLE = ["grad", "jvp", "linearize", "jacfwd", "jacrev"]


@pytest.mark.parametrize(("a", "b", "c"), list(itertools.product(TRIPLE, TRIPLE, TRIPLE)))
def test_third_derivatives(a: str, b: str, c: str) -> None:
    check(DERIVE[a](DERIVE[b](DERIVE[c](f))), 3)


@pytest.mark.parametrize(
    ("keep", "a", "b"),
    list(
        itertools.product(
            ["vmap", "make_program", "vmap of vmap"], ["grad", "jvp", "jacfwd"], ["grad", "jvp", "linearize"]
        )
    ),
)
def test_something_between_two_derivatives(keep: str, a: str, b: str) -> None:
    check(DERIVE[a](KEEP[keep](DERIVE[b](f))), 2)
    check(KEEP[keep](DERIVE[a](DERIVE[b](f))), 2)


def test_fourth_derivative() -> None:
    check(grad(jacfwd(grad(jacfwd(f)))), 4)
    check(jacfwd(jacfwd(jacfwd(jacfwd(f)))), 4)
    check(grad(grad(grad(grad(f)))), 4)


# ---- variables of different levels are not confused


def test_perturbations_are_not_confused() -> None:
    """Siskind and Pearlmutter 2005: d/dx (x · d/dy (x + y)) = 1, by every pair of modes."""
    for outer, inner in itertools.product(DERIVE.values(), DERIVE.values()):
        assert abs(outer(lambda x, inner=inner: x * inner(lambda y: x + y)(1.0))(1.0) - 1.0) < 1e-14
        assert abs(outer(lambda x, inner=inner: inner(lambda y: x * y)(2.0) * x)(3.0) - 6.0) < 1e-12


def test_an_inner_derivative_at_a_point_that_depends_on_the_outer() -> None:
    for outer, inner in itertools.product(DERIVE.values(), DERIVE.values()):
        # d/dx [ (sin)'(x²) ] = −sin(x²) 2x
        assert abs(outer(lambda x, inner=inner: inner(np.sin)(x * x))(X) + np.sin(X * X) * 2 * X) < 1e-13


def test_partial_derivatives_that_mix() -> None:
    g = lambda x, y: np.sin(x) * y**3 + x**2 * y
    for k, j in itertools.product((0, 1), (0, 1)):
        d2 = grad(grad(g, k), j)(0.3, 0.7)
        exact = [
            [-np.sin(0.3) * 0.7**3 + 2 * 0.7, 3 * np.cos(0.3) * 0.7**2 + 0.6],
            [3 * np.cos(0.3) * 0.7**2 + 0.6, 6 * np.sin(0.3) * 0.7],
        ]
        assert abs(d2 - exact[k][j]) < 1e-13


def test_a_step_of_descent_inside_a_loss() -> None:
    """A derivative through derivatives: the rate that is best after three steps on a parabola."""

    def after(rate: Any) -> Any:
        w = np.array([1.0, -2.0])
        for _ in range(3):
            w = w - rate * grad(lambda w: np.sum(w**2 * np.array([1.0, 0.5])))(w)
        return np.sum(w**2)

    # w_k = (1 − 2 c_k r)³ w_k(0)
    exact = sum(2 * w**2 * (1 - 2 * c * 0.1) ** 5 * 3 * (-2 * c) for w, c in ((1.0, 1.0), (-2.0, 0.5)))
    for derive in DERIVE.values():
        assert abs(derive(after)(0.1) - exact) < 1e-12


def test_implicit_step_inside_vmap_inside_grad() -> None:
    xs = np.array([0.5, 1.0, 2.0])

    def root(a: Any) -> Any:
        y = a * 1.0
        for _ in range(6):
            y = y - (y**2 - a) / grad(lambda t: t**2)(y)
        return y

    total = lambda scale: np.sum(vmap(lambda x: root(scale * x))(xs))
    assert abs(grad(total)(4.0) - np.sum(np.sqrt(xs)) / (2 * np.sqrt(4.0))) < 1e-10
    assert abs(jacfwd(jacfwd(total))(4.0) + np.sum(np.sqrt(xs)) / (4 * 4.0**1.5)) < 1e-9


def test_hessian_of_a_batched_loss() -> None:
    xs = np.linspace(-1.0, 1.0, 12).reshape(4, 3)
    w = np.array([0.3, -0.2, 0.9])
    loss = lambda w: np.mean(vmap(lambda x: np.tanh(x @ w) ** 2)(xs))
    plain = lambda w: np.mean(np.tanh(xs @ w) ** 2)
    H = hessian(loss)(w)
    np.testing.assert_allclose(H, hessian(plain)(w), rtol=1e-12)
    np.testing.assert_allclose(hvp(loss, w, w), H @ w, rtol=1e-12)
    np.testing.assert_allclose(vmap(lambda v: hvp(plain, w, v))(np.eye(3)), H, rtol=1e-12)
    np.testing.assert_allclose(make_program(hessian(plain))(w)(w), H, rtol=1e-12)


def test_constants_of_an_outer_function_are_seen_by_the_inner() -> None:
    def outer(x: Any) -> Any:
        table = np.zeros(3)
        table[0] = x
        table[1] = 2.0

        def inner(y: Any) -> Any:
            mine = table * y
            mine[2] = y * x
            return np.sum(mine**2)

        slope = grad(inner)(1.5)
        table[2] = slope
        return np.sum(table) * x

    # inner' = 2y(x² + 4 + x²), at 1.5: 6x² + 12; outer = (x + 2 + 6x² + 12) x
    assert abs(outer(X) - (X + 14 + 6 * X**2) * X) < 1e-12
    for derive in DERIVE.values():
        assert abs(derive(outer)(X) - (2 * X + 14 + 18 * X**2)) < 1e-11


def test_arguments_of_an_inner_transform_can_be_written_to() -> None:
    def outer(x: Any) -> Any:
        c = x * np.ones(3)

        def inner(y: Any, c: Any) -> Any:
            c[0] = y * y
            return np.sum(c * y)

        return grad(inner)(2.0, c) + np.sum(c)

    # inner = y³ + 2xy: inner' = 3y² + 2x; c of the outer function is as it was
    assert abs(outer(X) - (12 + 2 * X + 3 * X)) < 1e-13
    for derive in DERIVE.values():
        assert abs(derive(outer)(X) - 5.0) < 1e-12


def test_results_of_an_inner_transform_are_arrays_of_the_outer() -> None:
    def outer(x: Any) -> Any:
        d = grad(lambda y: np.sum(y**2 * x))(np.array([1.0, 2.0]))
        d[0] = x * 3.0
        d *= x
        return np.sum(d)

    for derive in DERIVE.values():
        assert abs(derive(outer)(X) - (6 * X + 8 * X)) < 1e-12
