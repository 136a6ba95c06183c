"""Transforms of transforms: every pair, in both orders, and triples, against closed forms."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert import (
    LeakError,
    control,
    custom_vjp,
    elementwise_grad,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    jit,
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


# ---- writes into what an inner function has made of an outer one's values


def sines(x: Any) -> Callable[[Any], Any]:
    def inner(t: Any) -> Any:
        y = np.sin(x)
        y[0] = t
        y[1:] *= t
        return np.sum(y * y)

    return inner


def views(x: Any) -> Callable[[Any], Any]:
    def inner(t: Any) -> Any:
        y = np.cos(x).reshape(3, 1)
        part = y[1:, 0]
        part[0] = t
        y[0] += t
        return np.sum(part * part) + np.sum(y)

    return inner


def steps(x: Any) -> Callable[[Any], Any]:
    def inner(t: Any) -> Any:
        y = np.floor(x)
        y[0] = t * t
        return np.sum(y * x)

    return inner


def constants(x: Any) -> Callable[[Any], Any]:
    c = np.zeros(3) + 1.0  # of the outer function, without a derivative

    def inner(t: Any) -> Any:
        y = c * 2.0
        y[0] = t
        y[1] = x[1] * t
        return np.sum(y * y)

    return inner


def again(x: Any) -> Callable[[Any], Any]:
    def inner(t: Any) -> Any:
        y = x * 2.0
        y[0] = x[1]  # still a value of the outer function
        y[1] = t
        return np.sum(y * y) * t

    return inner


POINT, AT = np.array([0.5, 1.5, 2.5]), 2.0
# of each the derivative at AT in closed form, by the closed-over x
WRITES: dict[Callable[[Any], Any], Callable[[Any], Any]] = {
    sines: lambda x: 2 * AT + 2 * AT * np.sum(np.sin(x[1:]) ** 2),
    views: lambda x: 2 * AT + 2 + 0 * x[0],
    steps: lambda x: 2 * AT * x[0],
    constants: lambda x: 2 * AT + 2 * AT * x[1] ** 2,
    again: lambda x: x[1] ** 2 + 4 * x[2] ** 2 + 3 * AT**2,
}
INNER: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: grad(f)(AT),
    "jvp": lambda f: jvp(f, (AT,), (1.0,))[1],
    "jit of grad": lambda f: jit(grad(f))(AT),
    "grad of vmap": lambda f: grad(lambda t: np.sum(vmap(f)(np.stack([t, t]))) / 2)(AT),
    "grad of jit": lambda f: grad(jit(f))(AT),
    "jvp of grad": lambda f: jvp(lambda t: grad(lambda s: s * f(t))(AT), (AT,), (1.0,))[1],
}
OUTER: dict[str, tuple[Callable[[Any], Any], bool]] = {  # whether it gives the derivative
    "grad": (lambda f: grad(f)(POINT), True),
    "jacfwd": (lambda f: jacfwd(f)(POINT), True),
    "jit": (lambda f: jit(f)(POINT), False),
    "jit of grad": (lambda f: jit(grad(f))(POINT), True),
    "vmap": (lambda f: vmap(f)(np.stack([POINT, POINT]))[1], False),
    "vmap of grad": (lambda f: vmap(grad(f))(np.stack([POINT, POINT]))[1], True),
    "grad of vmap": (lambda f: grad(lambda x: np.sum(vmap(f)(x[None])))(POINT), True),
    "make_program": (lambda f: make_program(f)(POINT)(POINT), False),
}


@pytest.mark.parametrize("inner", INNER)
@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize("f", WRITES)
def test_arrays_made_inside_of_outer_values_can_be_written_to(f: Any, outer: str, inner: str) -> None:
    run, derived = OUTER[outer]
    exact = WRITES[f]
    want = exact(POINT)
    if derived:  # by the complex step
        want = np.array([exact(POINT + 1e-30j * e).imag / 1e-30 for e in np.eye(3)])
    np.testing.assert_allclose(run(lambda x: INNER[inner](f(x))), want, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("outer", OUTER)
@pytest.mark.parametrize("write", [
    lambda out, t: out.__setitem__(0, t),
    lambda out, t: out[1:].__setitem__(0, t),
    lambda out, t: (out.__setitem__(0, 3.0), out.__setitem__(1, t)),
    lambda out, t: out.reshape(3, 1).__setitem__((slice(0, 2), 0), t),
])  # fmt: skip
def test_arrays_made_outside_are_not_written_to_from_inside(outer: str, write: Any) -> None:
    def f(x: Any) -> Any:
        out = np.sin(x)

        def inner(t: Any) -> Any:
            write(out, t)
            return t * t

        return grad(inner)(AT) * np.sum(out)

    with pytest.raises(LeakError):
        OUTER[outer][0](f)


def test_integers_are_counted_by_indices_that_are_arguments() -> None:
    def f(x: Any, counts: Any, k: Any) -> Any:
        mine = np.array(counts)
        mine[k % 2] += k
        mine[k] = 5
        more = counts * 2
        more[k] += mine[0]
        return np.sum(x * mine) + np.sum(x * more)

    x, counts, k = np.array([1.0, 2.0, 3.0]), np.array([1, 2, 3]), np.array(2)
    want = np.array([1 + 2, 2, 5]) + np.array([2, 4, 6 + 3])
    for transform in (grad, jacfwd):
        for run in (transform(f), jit(transform(f)), jit(lambda *a, t=transform: t(f)(*a))):
            np.testing.assert_array_equal(run(x, counts, k), want)
    for axes in [(0, None, None), (0, 0, None), (0, None, 0), (0, 0, 0)]:
        args = [a if axis is None else np.stack([a, a]) for a, axis in zip((x, counts, k), axes, strict=True)]
        np.testing.assert_array_equal(vmap(grad(f), in_axes=axes)(*args)[1], want)
    np.testing.assert_array_equal(hessian(f)(x, counts, k), np.zeros((3, 3)))


def test_what_an_outer_tape_computes_inside_a_staged_function_stays_there() -> None:
    """Values of the outer tape alone, computed where an inner tape is innermost, are the staged function's too."""

    def f(x: Any) -> Any:
        def inner(t: Any) -> Any:
            y = np.sign(x) * 2
            return np.sum(y * y) * t + np.sum(np.sin(x)) * t

        return jit(grad(inner))(AT)

    for run in (grad(f), jit(grad(f)), jit(jit(grad(f)))):
        np.testing.assert_allclose(run(POINT), np.cos(POINT), rtol=1e-14)


def overwritten(out: Any, x: Any, t: Any) -> None:
    out[0] = 3.0
    out[1] = t


OUTSIDE: dict[str, Callable[[Any, Any, Any], Any]] = {
    "at once": lambda out, x, t: out.__setitem__(0, t),
    "after a number": overwritten,
    "after an outer value": lambda out, x, t: (out.__setitem__(0, x[1]), out.__setitem__(1, t)),
    "after outer values": lambda out, x, t: (out.__imul__(x), out.__setitem__(1, t)),
    "after out": lambda out, x, t: (np.multiply(out, x, out=out), out.__setitem__(1, t)),
    "after a view": lambda out, x, t: (out[1:].__setitem__(0, x[0]), out.__setitem__(1, t)),
    "after an index array": lambda out, x, t: (out.__setitem__([0, 1], x[0]), out.__setitem__(1, t)),
    "after a sort": lambda out, x, t: (out.sort(), out.__setitem__(1, t)),
    "through a view": lambda out, x, t: (out[1:].__setitem__(0, x[0]), out[1:].__setitem__(0, t)),
}


@pytest.mark.parametrize("outer", [
    lambda f: jacrev(f)(POINT), lambda f: vjp(f, POINT), lambda f: jacfwd(f)(POINT), lambda f: jvp(f, (POINT,), (POINT,)),
    lambda f: jit(f)(POINT), lambda f: vmap(f)(POINT[None]), lambda f: make_program(f)(POINT),
    lambda f: grad(lambda x: np.sum(f(x)))(POINT), lambda f: linearize(f, POINT), lambda f: jit(jacrev(f))(POINT),
    lambda f: vjp(lambda x: {"a": f(x), "b": np.sum(x)}, POINT),
])  # fmt: skip
@pytest.mark.parametrize(
    "inner", [grad, lambda f: lambda t: jvp(f, (t,), (1.0,)), lambda f: lambda t: vmap(f)(np.stack([t]))]
)
@pytest.mark.parametrize("write", OUTSIDE.values(), ids=OUTSIDE)
def test_no_write_makes_an_array_from_outside_one_of_the_inside(write: Any, inner: Any, outer: Any) -> None:
    def f(x: Any) -> Any:
        out = np.sin(x)

        def h(t: Any) -> Any:
            write(out, x, t)
            return t * t

        inner(h)(AT)
        return out

    with pytest.raises(LeakError, match="written into an array of an outer one"):
        outer(f)


def test_arrays_of_a_transform_in_between_are_outside_of_the_innermost() -> None:
    def f(x: Any, first: bool) -> Any:
        def middle(s: Any) -> Any:
            y = np.sin(x)

            def h(t: Any) -> Any:
                if first:
                    y[1] = s * s
                y[0] = t
                return t * t

            grad(h)(2.0)
            return y

        return jacrev(middle)(1.0) * x

    for first in (False, True):
        for outer in (grad, jacrev, jacfwd):
            with pytest.raises(LeakError, match="written into an array of an outer one"):
                outer(lambda x, first=first: np.sum(f(x, first)))(POINT)


@pytest.mark.parametrize("outer", [
    lambda f: jacrev(f)(POINT), lambda f: vjp(f, POINT), lambda f: jacfwd(f)(POINT), lambda f: jvp(f, (POINT,), (POINT,)),
    lambda f: jit(f)(POINT), lambda f: vmap(f)(POINT[None]), lambda f: make_program(f)(POINT),
    lambda f: grad(lambda x: (np.sum(x), f(x)), has_aux=True)(POINT), lambda f: linearize(f, POINT),
])  # fmt: skip
@pytest.mark.parametrize("written", [False, True])
def test_a_value_of_a_transform_that_has_ended_is_no_result(written: bool, outer: Any) -> None:
    def f(x: Any) -> Any:
        kept = []

        def inner(t: Any) -> Any:
            y = np.cos(x) if written else t * x
            if written:
                y[0] = t
            kept.append(y)
            return t * t

        grad(inner)(AT)
        return kept[0]

    with pytest.raises(LeakError, match="has ended"):
        outer(f)


class Slotted:
    __slots__ = ("a",)


def test_staged_functions_that_hold_outer_values_where_nobody_looks() -> None:
    def f(x: Any) -> Any:
        o = Slotted()
        o.a = np.cos(x)
        return np.sum(jit(grad(lambda t: np.sum((o.a * 2.0) * t * t)))(AT) * x)

    def exact(x: Any) -> Any:  # 4 AT sum(cos x) sum(x)
        return 4 * AT * (np.sum(np.cos(x)) - np.sin(x) * np.sum(x))

    for run in (grad(f), jit(grad(f)), jit(jit(grad(f)))):
        np.testing.assert_allclose(run(POINT), exact(POINT), rtol=1e-13)


def test_a_staged_inner_derivative_may_ask_what_outer_values_are() -> None:
    def f(x: Any) -> Any:
        return np.sum(jit(grad(lambda t: t * np.sum(x) if x[0] > 0 else t))(AT) * x)

    np.testing.assert_allclose(grad(f)(POINT), 2 * np.sum(POINT) * np.ones(3), rtol=1e-15)


def test_a_value_of_an_earlier_transform_is_no_result() -> None:
    kept: list[Any] = []
    grad(lambda t: (kept.append(t * np.ones(3)), t * t)[1])(AT)
    for outer in (jacrev, jacfwd, jit, lambda f: lambda x: vjp(f, x), lambda f: lambda x: vmap(f)(x[None]),
                  lambda f: lambda x: grad(lambda x: (np.sum(x), f(x)), has_aux=True)(x), make_program):  # fmt: skip
        with pytest.raises(LeakError, match="has ended"):
            outer(lambda x: kept[0])(POINT)


def test_a_rule_of_ones_own_writes_into_what_its_own_transform_made() -> None:
    def backward(a: Any, g: Any) -> Any:
        def k(t: Any) -> Any:
            y = np.cos(a)
            y[0] = t * y[0]
            return np.sum(y * g)

        return (grad(k)(1.0) * a,)

    own = custom_vjp(np.sin)
    own.defvjp(lambda a: (np.sin(a), a), backward)

    # J^T g = cos(x_0) g_0 x, so that J t = (cos(x_0) x.t, 0, 0)
    def f(x: Any) -> Any:
        return np.sum(jvp(own, (x,), (x,))[1])

    want = 2 * np.cos(POINT[0]) * POINT - np.eye(3)[0] * np.sin(POINT[0]) * np.sum(POINT**2)
    for run in (grad(f), jit(grad(f)), lambda x: vmap(grad(f))(x[None])[0]):
        np.testing.assert_allclose(run(POINT), want, rtol=1e-14)


def test_values_beside_written_tangents_are_values() -> None:
    for f in (
        jit(np.sin), lambda x: control.scan(lambda c, _: (np.sin(c), None), x, None, length=1)[0],
        lambda x: control.cond(True, np.sin, np.cos, x), jit(lambda x: jit(np.sin)(x)),
    ):  # fmt: skip
        value, tangent = linearize(lambda x, f=f: np.sum(f(x)) if np.max(f(x)) > 0 else f(x), POINT)
        assert type(value) is np.float64
        np.testing.assert_allclose(value, np.sum(np.sin(POINT)), rtol=1e-15)
        np.testing.assert_allclose(tangent(np.ones(3)), np.sum(np.cos(POINT)), rtol=1e-15)
        value, tangent = jit(lambda x, f=f: linearize(f, x)[0])(POINT), linearize(f, POINT)[1]
        np.testing.assert_allclose(value, np.sin(POINT), rtol=1e-15)
        np.testing.assert_allclose(tangent(POINT), np.cos(POINT) * POINT, rtol=1e-15)
