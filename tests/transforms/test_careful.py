"""What a choice left out has derivative 0, whatever its slope; every other NaN stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert import (
    checkpoint,
    custom_vjp,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacrev,
    jvp,
    make_program,
    value_and_grad,
    vjp,
    vmap,
)

INF, NAN = np.inf, np.nan
X = np.array([-1.0, 0.0, 2.0])
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def written(y: Any, where: Any) -> Any:
    y[where] = 0.0
    return np.sum(y)


# label, function, gradient and diagonal of the Hessian at X; where not, whether it needs values
CHOSEN: list[tuple[str, Callable[[Any], Any], list[float], list[float]]] = [
    ("log", lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)), [0, 0, 0.5], [0, 0, -0.25]),
    ("log, the other way round", lambda x: np.sum(np.where(x <= 0, 0.0, np.log(x))), [0, 0, 0.5], [0, 0, -0.25]),
    ("quotient", lambda x: np.sum(np.where(x == 0, 1.0, np.sin(x) / x)),
     [np.sin(1) - np.cos(1), 0, np.cos(2) / 2 - np.sin(2) / 4],
     [np.sin(1) - 2 * np.cos(1), 0, -np.sin(2) / 2 - np.cos(2) / 2 + np.sin(2) / 4]),
    ("reciprocal", lambda x: np.sum(np.where(x == 0, 0.0, 1 / x)), [-1, 0, -0.25], [-2, 0, 0.25]),
    ("root", lambda x: np.sum(np.where(x > 0, np.sqrt(x), x)), [1, 1, 0.5 / 2**0.5], [0, 0, -0.25 / 2**1.5]),
    ("power, steep in the second derivative", lambda x: np.sum(np.where(x > 0, x**1.5, x)),
     [1, 1, 1.5 * 2**0.5], [0, 0, 0.75 / 2**0.5]),
    ("arcsine", lambda x: np.sum(np.where(np.abs(x) < 1, np.arcsin(x), x**2)), [-2, 1, 4], [2, 0, 2]),
    ("select", lambda x: np.sum(np.select([x > 1, x > 0], [np.log(x - 1), np.sqrt(x)], 0.0)), [0, 0, 1], [0, 0, -1]),
    ("nan_to_num", lambda x: np.sum(np.nan_to_num(np.log(x))), [0, 0, 0.5], [0, 0, -0.25]),
    ("clip", lambda x: np.sum(np.clip(np.log(x), -5, 5)), [0, 0, 0.5], [0, 0, -0.25]),
    ("maximum", lambda x: np.sum(np.maximum(np.log(x), -5)), [0, 0, 0.5], [0, 0, -0.25]),
    ("sum of some", lambda x: np.sum(np.log(x), where=x > 0), [0, 0, 0.5], [0, 0, -0.25]),
    ("mean of some", lambda x: np.mean(np.log(x), where=x > 0), [0, 0, 0.5], [0, 0, -0.25]),
    ("division into out", lambda x: np.sum(np.divide(1.0, x, where=x != 0, out=np.zeros(3))), [-1, 0, -0.25],
     [-2, 0, 0.25]),
    ("arccos into out", lambda x: np.sum(np.arccos(x, where=np.abs(x) < 1, out=np.zeros(3))), [0, -1, 0], [0, 0, 0]),
    ("by a mask", lambda x: np.sum(np.log(x)[x > 0]), [0, 0, 0.5], [0, 0, -0.25]),
    ("by a slice", lambda x: np.sum(np.log(x)[2:]), [0, 0, 0.5], [0, 0, -0.25]),
    ("by a number", lambda x: np.log(x)[2] * 1.0, [0, 0, 0.5], [0, 0, -0.25]),
    ("overwritten", lambda x: written(np.log(x), slice(0, 2)), [0, 0, 0.5], [0, 0, -0.25]),
    ("overwritten by a mask", lambda x: written(np.log(x), x <= 0), [0, 0, 0.5], [0, 0, -0.25]),
    ("moved about", lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)[::-1].reshape(3, 1) @ np.ones((1, 2))),
     [0, 0, 1], [0, 0, -0.5]),
    ("behind a product", lambda x: np.ones(3) @ (np.eye(3) @ np.where(x > 0, np.log(x), 0.0)), [0, 0, 0.5],
     [0, 0, -0.25]),
    ("element by element", lambda x: sum(np.where(x[i] > 0, np.sqrt(x[i]), 0.0) * 1.0 for i in range(3)),
     [0, 0, 0.5 / 2**0.5], [0, 0, -0.25 / 2**1.5]),
    ("in a checkpoint", lambda x: np.sum(checkpoint(lambda v: np.where(v > 0, np.log(v), 0.0))(x)), [0, 0, 0.5],
     [0, 0, -0.25]),
]  # fmt: skip
IDS = [c[0] for c in CHOSEN]
VALUED = {"by a mask", "overwritten by a mask"}
# staging knows no values, so the careful walk is written down only where np.where stands beside a pole
WALKED_PLAINLY = VALUED | {"clip", "maximum", "by a slice", "by a number", "overwritten"}


@pytest.mark.parametrize(("f", "want", "curvature"), [c[1:] for c in CHOSEN], ids=IDS)
def test_what_is_not_chosen_has_no_slope(f: Any, want: list[float], curvature: list[float]) -> None:
    tight = {"rtol": 1e-14, "atol": 1e-15}
    np.testing.assert_allclose(grad(f)(X), want, err_msg="grad", **tight)
    np.testing.assert_allclose(vjp(f, X)[1](1.0)[0], want, err_msg="vjp", **tight)
    np.testing.assert_allclose(jacrev(f)(X), want, err_msg="jacrev", **tight)
    np.testing.assert_allclose(jacfwd(f)(X), want, err_msg="jacfwd", **tight)
    np.testing.assert_allclose([jvp(f, (X,), (e,))[1] for e in np.eye(3)], want, err_msg="jvp", **tight)
    for name, second in (("hessian", hessian(f)(X)), ("reverse over reverse", jacrev(jacrev(f))(X)),
                         ("forward over forward", jacfwd(jacfwd(f))(X)), ("reverse over forward", jacrev(jacfwd(f))(X)),
                         ("grad of grad", np.stack([grad(lambda x, i=i: grad(f)(x)[i])(X) for i in range(3)])),
                         ("hvp", np.stack([hvp(f, X, e) for e in np.eye(3)]))):  # fmt: skip
        np.testing.assert_allclose(second, np.diag(curvature), err_msg=name, **tight)


@pytest.mark.parametrize(("f", "want"), [c[1:3] for c in CHOSEN if c[0] not in VALUED],
                         ids=[c[0] for c in CHOSEN if c[0] not in VALUED])  # fmt: skip
def test_batched(f: Any, want: list[float]) -> None:
    stack = np.stack([X, [3.0, 4.0, 5.0], X])
    got = vmap(grad(f))(stack)
    np.testing.assert_allclose(got[[0, 2]], [want, want], rtol=1e-14)
    np.testing.assert_allclose(got[1], grad(f)(stack[1]), rtol=1e-14)


@pytest.mark.parametrize(("f", "want"), [c[1:3] for c in CHOSEN if c[0] not in WALKED_PLAINLY],
                         ids=[c[0] for c in CHOSEN if c[0] not in WALKED_PLAINLY])  # fmt: skip
def test_staged(f: Any, want: list[float]) -> None:
    program = make_program(grad(f))(np.array([1.5, 2.5, 3.5]))
    np.testing.assert_allclose(program(X), want, rtol=1e-14)


def test_a_program_without_a_pole_is_walked_plainly() -> None:
    program = str(make_program(grad(lambda x: np.sum(np.where(x > 0, np.sin(x), x))))(X))
    assert program.count("where") == 2  # one for each branch


def test_distances_off_the_diagonal() -> None:
    # the roots of zeros on the diagonal are never read
    points = np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]])
    upper = np.triu_indices(3, 1)

    def total(p: Any) -> Any:
        return np.sum(np.sqrt(np.sum((p[:, None] - p[None]) ** 2, axis=-1))[upper])

    want = [[-0.6 - 1, -0.8], [0.6, 0.8 + 1], [1, -1]]
    np.testing.assert_allclose(grad(total)(points), want, rtol=1e-14)


# the choice stands before the pole: the walk back ends at the choice
BEFORE_A_POLE = [
    ("maximum", lambda x: np.sum(np.sqrt(np.maximum(x, 0)))),
    ("clip", lambda x: np.sum(np.sqrt(np.clip(x, 0, None)))),
    ("fmax", lambda x: np.sum(np.sqrt(np.fmax(x, 0)))),
    ("where", lambda x: np.sum(np.sqrt(np.where(x > 0, x, 0)))),
    ("a condition as a factor", lambda x: np.sum(np.sqrt(x * (x > 0)))),
]


@pytest.mark.parametrize("f", [b[1] for b in BEFORE_A_POLE], ids=[b[0] for b in BEFORE_A_POLE])
def test_a_choice_before_a_pole(f: Any) -> None:
    x = np.array([-1.0, 2.0])
    want = [0.0, 0.5 / 2**0.5]
    np.testing.assert_allclose(grad(f)(x), want, rtol=1e-15)
    np.testing.assert_allclose(vmap(grad(f))(x[None])[0], want, rtol=1e-15)
    np.testing.assert_allclose(jacrev(jacrev(f))(x), np.diag([0, -0.25 / 2**1.5]), rtol=1e-14)


# a computed zero times an infinite slope is no choice: NaN is what is known of it
HONEST = [
    ("the root of a square", lambda x: np.sqrt(x * x), 0.0),
    ("the square of a root", lambda x: np.sqrt(x) ** 2, 0.0),
    ("a product with a value that happens to be 0", lambda x: x * np.log(x), 0.0),
    ("taken, and undefined", lambda x: np.where(x > -1, np.log(x) * x, 0.0) * 1.0, 0.0),
    ("zero upstream of a pole", lambda x: np.where(x < 1, np.sqrt(x) ** 2, x) * 1.0, 0.0),
]


@pytest.mark.parametrize(("f", "x"), [h[1:] for h in HONEST], ids=[h[0] for h in HONEST])
def test_computed_zeros_clear_nothing(f: Any, x: float) -> None:
    assert np.isnan(grad(f)(x))
    assert np.isnan(vjp(f, x)[1](1.0)[0])


def test_infinite_slopes_of_what_is_chosen_stay() -> None:
    assert grad(lambda x: np.where(x >= 0, np.sqrt(x), 0.0) * 1.0)(0.0) == INF
    got = grad(lambda x: np.sum(np.where(x > -1, np.sqrt(x), 0.0)))(np.array([0.0, 4.0]))
    assert got.tolist() == [INF, 0.25]


def test_a_nan_in_the_input_stays() -> None:
    got = grad(lambda x: np.sum(np.where(x > 0, np.log(x), x * x)))(np.array([NAN, 2.0]))
    np.testing.assert_array_equal(got, [NAN, 0.5])


def test_only_what_is_left_out_is_cleared() -> None:
    # beside an honest NaN the rest of the gradient is right
    got = grad(lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)) + np.sqrt(x[0] * x[0]))(np.array([0.0, 0.0, 4.0]))
    np.testing.assert_array_equal(got, [NAN, 0.0, 0.25])


def test_trees_and_kinds_of_number() -> None:
    def f(p: Any) -> Any:
        return np.where(p["a"] > 0, np.log(p["a"]), 0.0) * p["b"] + np.sum(np.where(p["c"] > 0, 1 / p["c"], p["c"]))

    point = {"a": 0.0, "b": np.float32(2.0), "c": np.zeros(2, np.float32)}
    value, d = value_and_grad(f)(point)
    assert value == 0
    assert (d["a"], d["b"]) == (0.0, 0.0)
    assert type(d["a"]) is float
    assert type(d["b"]) is np.float32
    assert d["c"].dtype == np.float32
    assert d["c"].tolist() == [1.0, 1.0]


def test_complex_values_on_the_way() -> None:
    def f(x: Any) -> Any:
        z = np.where(x > 0, np.log(x) * 1j, 0.0)
        return np.sum(np.abs(z) ** 2)

    np.testing.assert_allclose(grad(f)(np.array([0.0, 2.0])), [0.0, np.log(2.0)], rtol=1e-14)


def test_extreme_values_are_chosen_too() -> None:
    # the slope at the largest element is infinite; the others have none, not 0 times infinity
    got = grad(lambda x: np.sqrt(np.max(x)))(np.array([-1.0, 0.0]))
    assert got.tolist() == [0.0, INF]
    _, t = jvp(lambda x: np.max(np.log(x)), (np.array([0.0, 2.0]),), (np.ones(2),))
    assert t == 0.5
    assert np.isnan(grad(np.max)(np.array([NAN, 1.0]))).all()


def test_rules_of_ones_own() -> None:
    @custom_vjp
    def root(x: Any) -> Any:
        return np.sqrt(x)

    root.defvjp(lambda x: (np.sqrt(x), x), lambda x, g: (g / (2 * np.sqrt(x)),))
    x = np.array([0.0, 4.0])
    assert grad(lambda x: np.sum(np.where(x > 0, root(x), 0.0)))(x).tolist() == [0.0, 0.25]

    @custom_vjp
    def plain(x: Any) -> Any:
        return np.sqrt(x)

    # by code that wants numbers: the NaN of the first walk stays
    plain.defvjp(lambda x: (np.sqrt(x), x), lambda x, g: (np.array([float(v) for v in g]) / (2 * np.sqrt(x)),))
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.where(x > 0, plain(x), 0.0)))(x), [np.nan, 0.25])
