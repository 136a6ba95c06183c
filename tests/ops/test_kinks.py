"""Where a function has a kink or a boundary: the documented subgradient, and never a NaN from a branch not taken."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wengert import grad, jvp, vmap

INF, NAN = np.inf, np.nan

# function, arguments, the derivative in each argument
KINKS: list[tuple[str, Any, tuple[float, ...], tuple[float, ...]]] = [
    # ties share equally
    ("maximum at a tie", np.maximum, (2.0, 2.0), (0.5, 0.5)),
    ("minimum at a tie", np.minimum, (2.0, 2.0), (0.5, 0.5)),
    ("fmax at a tie", np.fmax, (2.0, 2.0), (0.5, 0.5)),
    ("fmin at a tie", np.fmin, (2.0, 2.0), (0.5, 0.5)),
    ("fmax beside a NaN", np.fmax, (2.0, NAN), (1.0, 0.0)),
    ("fmin beside a NaN", np.fmin, (NAN, 2.0), (0.0, 1.0)),
    ("maximum with infinity", np.maximum, (2.0, INF), (0.0, 1.0)),
    ("maximum of infinities", np.maximum, (INF, INF), (0.5, 0.5)),
    ("maximum of zeros of both signs", np.maximum, (0.0, -0.0), (0.5, 0.5)),
    ("relu at 0", lambda x: np.maximum(x, 0.0) * 1.0, (0.0,), (0.5,)),
    ("relu as a product with a step", lambda x: x * (x > 0), (0.0,), (0.0,)),
    ("clip at the lower bound", lambda x: np.clip(x, 0.0, 1.0), (0.0,), (0.5,)),
    ("clip at the upper bound", lambda x: np.clip(x, 0.0, 1.0), (1.0,), (0.5,)),
    ("clip outside", lambda x: np.clip(x, 0.0, 1.0), (2.0,), (0.0,)),
    ("clip below infinity", lambda x: np.clip(x, 0.0, INF), (2.0,), (1.0,)),
    # subgradient 0 in the middle of a cone
    ("absolute at 0", np.absolute, (0.0,), (0.0,)),
    ("absolute at -0", np.absolute, (-0.0,), (0.0,)),
    ("fabs at 0", np.fabs, (0.0,), (0.0,)),
    ("hypot at the origin", np.hypot, (0.0, 0.0), (0.0, 0.0)),
    ("hypot on an axis", np.hypot, (0.0, -2.0), (0.0, -1.0)),
    ("hypot of large numbers", np.hypot, (3e300, 4e300), (0.6, 0.8)),
    ("copysign at 0", np.copysign, (0.0, -1.0), (0.0, 0.0)),
    ("copysign to a negative zero", np.copysign, (2.0, -0.0), (-1.0, 0.0)),
    ("std of equal numbers", lambda x, y: np.std(np.array([x, y])), (1.0, 1.0), (0.0, 0.0)),
    ("heaviside at 0", np.heaviside, (0.0, 0.5), (0.0, 1.0)),
    ("heaviside beside 0", np.heaviside, (1.0, 0.5), (0.0, 0.0)),
    # powers at 0
    ("square at 0", lambda x: x**2, (0.0,), (0.0,)),
    ("x to the 1 at 0", lambda x: np.power(x, 1.0), (0.0,), (1.0,)),
    ("x to the 0 at 0", lambda x: x**0, (0.0,), (0.0,)),
    ("x to the array 0 at 0", lambda x: np.sum(x ** np.zeros(1)), (0.0,), (0.0,)),
    ("x to the array 1 at 0", lambda x: np.sum(x ** np.ones(1)), (0.0,), (1.0,)),
    ("0 to the y", np.power, (0.0, 2.0), (0.0, 0.0)),
    ("negative base, whole exponent", lambda x: x**3, (-2.0,), (12.0,)),
    ("negative base, whole exponent in an array", lambda x: np.sum(x ** np.array([3])), (-2.0,), (12.0,)),
    ("negative base, negative exponent", lambda x: x**-1, (-2.0,), (-0.25,)),
    ("float_power of an integer exponent", lambda x: np.float_power(x, 3), (-2.0,), (12.0,)),
    # a branch that is not taken
    ("where around a logarithm", lambda x: np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), 0.0) * 1.0, (0.0,), (0.0,)),
    ("where, the other branch infinite", lambda x: np.where(x > 1.0, x, INF) * 1.0, (2.0,), (1.0,)),
    # ufuncs compute with Python's numbers as NumPy does
    ("division by zero", lambda x: np.divide(x, 0.0), (2.0,), (INF,)),
    ("a root of a negative number", lambda x: np.where(np.isnan(np.power(x, 1 / 3)), x, 0.0) * 1.0, (-8.0,), (1.0,)),
    # saturation and overflow
    ("logaddexp of far numbers", np.logaddexp, (1000.0, 0.0), (1.0, 0.0)),
    ("logaddexp of equal numbers", np.logaddexp, (3.0, 3.0), (0.5, 0.5)),
    ("logaddexp with minus infinity", np.logaddexp, (1.0, -INF), (1.0, 0.0)),
    ("logaddexp2 of far numbers", np.logaddexp2, (2000.0, 0.0), (1.0, 0.0)),
    ("tanh far out", np.tanh, (400.0,), (0.0,)),
    ("arctan far out", np.arctan, (1e200,), (0.0,)),
    ("arcsinh far out", np.arcsinh, (1e200,), (1e-200,)),
    ("arctan2 of large numbers", np.arctan2, (1e300, 1e300), (5e-301, -5e-301)),
    ("arctan2 on the cut", np.arctan2, (0.0, -1.0), (-1.0, -0.0)),
    ("expm1 near 0", np.expm1, (1e-20,), (1.0,)),
    ("log1p near 0", np.log1p, (1e-20,), (1.0,)),
    ("sinc at 0", np.sinc, (0.0,), (0.0,)),
    ("sinc near 0", np.sinc, (1e-9,), (-np.pi**2 / 3 * 1e-9,)),
    ("sinc where the series ends", np.sinc, (0.0032,), (-0.0105274716315095,)),
    # remainders: the quotient that NumPy took
    ("remainder whose quotient rounds", np.remainder, (1.0, 0.1), (1.0, -9.0)),
    ("remainder of a negative number", np.remainder, (-5.0, 3.0), (1.0, 2.0)),
    ("remainder by a negative number", np.remainder, (5.0, -3.0), (1.0, 2.0)),
    ("fmod whose quotient rounds", np.fmod, (1.0, 0.1), (1.0, -9.0)),
    ("fmod of a negative number", np.fmod, (-5.0, 3.0), (1.0, 1.0)),
    ("modf", lambda x: np.modf(x)[0], (-2.5,), (1.0,)),
    ("frexp", lambda x: np.frexp(x)[0], (6.0,), (0.125,)),
    # degenerate sizes
    ("mean of one", lambda x: np.mean(np.array([x])), (3.0,), (1.0,)),
    ("max of one", lambda x: np.max(np.array([x])), (3.0,), (1.0,)),
    ("product with zeros", lambda x, y: np.prod(np.array([x, y, 0.0, 2.0])), (0.0, 3.0), (0.0, 0.0)),
    ("product with one zero", lambda x, y: np.prod(np.array([x, y, 2.0])), (0.0, 3.0), (6.0, 0.0)),
    ("cumulative product from zero", lambda x, y: np.sum(np.cumprod(np.array([x, y, 2.0]))), (0.0, 3.0), (10.0, 0.0)),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::wengert.errors.FlatDerivativeWarning")
@pytest.mark.parametrize(("f", "args", "want"), [k[1:] for k in KINKS], ids=[k[0] for k in KINKS])
def test_kink(f: Any, args: tuple[float, ...], want: tuple[float, ...]) -> None:
    every = tuple(range(len(args)))
    unit = lambda k: tuple(float(j == k) for j in every)
    ways = {
        "reverse": grad(f, argnums=every)(*args),
        "reverse, NumPy numbers": grad(f, argnums=every)(*map(np.float64, args)),
        "forward": tuple(jvp(f, args, unit(k))[1] for k in every),
        "batched": tuple(d[0] for d in vmap(grad(f, argnums=every))(*[np.array([x]) for x in args])),
    }
    for way, got in ways.items():
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=0, err_msg=way)


# name, function of a vector, the vector, its gradient
TIES = [
    ("max", np.max, [1.0, 3.0, 3.0], [0.0, 0.5, 0.5]),
    ("min", np.min, [1.0, 1.0, 1.0], [1 / 3] * 3),
    ("max of infinities", np.max, [INF, 1.0, INF], [0.5, 0.0, 0.5]),
    ("max with initial below", lambda x: np.max(x, initial=0.0), [1.0, 3.0, 3.0], [0.0, 0.5, 0.5]),
    ("max with initial above", lambda x: np.max(x, initial=5.0), [1.0, 3.0, 3.0], [0.0, 0.0, 0.0]),
    ("max with where", lambda x: np.max(x, initial=0.0, where=[True, False, True]), [1.0, 9.0, 3.0], [0, 0, 1]),
    ("ptp of equal numbers", np.ptp, [2.0, 2.0], [0.0, 0.0]),
    ("sort takes equal numbers in order", lambda x: np.sort(x)[0], [1.0, 1.0, 2.0], [1.0, 0.0, 0.0]),
    ("sort in place", lambda x: (x.sort(), x @ np.array([1.0, 2, 3]))[1], [3.0, 1.0, 2.0], [3.0, 1.0, 2.0]),
    ("var of one", lambda x: np.var(x), [2.0], [0.0]),
    ("std of equal numbers", lambda x: np.std(x), [2.0, 2.0], [0.0, 0.0]),
    ("norm-like length at 0", lambda x: np.sqrt(np.sum(x * x) + 0.0 * x[0] + 1.0), [0.0, 0.0], [0.0, 0.0]),
    ("prod", np.prod, [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
    ("nansafe where", lambda x: np.sum(np.where(np.isnan(x), 0.0, x)), [NAN, 2.0], [0.0, 1.0]),
    ("nan_to_num", lambda x: np.sum(np.nan_to_num(x)), [NAN, 2.0, INF], [0.0, 1.0, 0.0]),
    ("sum of nothing", lambda x: np.sum(x[:0]), [1.0, 2.0], [0.0, 0.0]),
    ("product of nothing", lambda x: np.prod(x[:0]) * x[0], [1.0, 2.0], [1.0, 0.0]),
    ("duplicate reads add", lambda x: np.sum(x[[0, 0, 1]]), [1.0, 2.0], [2.0, 1.0]),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::wengert.errors.FlatDerivativeWarning")
@pytest.mark.parametrize(("f", "x", "want"), [t[1:] for t in TIES], ids=[t[0] for t in TIES])
def test_ties(f: Any, x: list[float], want: list[float]) -> None:
    a = np.array(x)
    np.testing.assert_allclose(grad(f)(a), want, rtol=1e-12)
    np.testing.assert_allclose([jvp(f, (a,), (e,))[1] for e in np.eye(len(x))], want, rtol=1e-12)
    np.testing.assert_allclose(vmap(grad(f))(np.stack([a, a]))[1], want, rtol=1e-12)
    assert np.array_equal(a, np.array(x), equal_nan=True)


@pytest.mark.filterwarnings("ignore::wengert.errors.FlatDerivativeWarning")
def test_second_derivatives_at_kinks() -> None:
    twice = lambda f: grad(grad(f))
    assert twice(lambda x: x**2)(0.0) == 2.0
    assert twice(lambda x: np.power(x, np.array(2.0)))(0.0) == 2.0
    assert twice(lambda x: np.power(x, 3.0))(0.0) == 0.0
    assert twice(np.absolute)(0.0) == 0.0
    assert twice(lambda x: np.maximum(x, 0.0) ** 2)(3.0) == 2.0
    assert abs(twice(np.sinc)(0.0) + np.pi**2 / 3) < 1e-12
    assert abs(twice(lambda x: np.sinc(x))(0.5) - twice(lambda x: np.sin(np.pi * x) / (np.pi * x))(0.5)) < 1e-12


def test_infinite_slopes_are_infinite() -> None:
    with np.errstate(divide="ignore"):
        assert grad(np.sqrt)(0.0) == INF
        assert grad(np.cbrt)(0.0) == INF
        assert grad(np.log)(0.0) == INF
        assert grad(lambda x: np.power(x, 0.5))(0.0) == INF
        assert grad(np.arcsin)(1.0) == INF
        assert jvp(np.sqrt, (0.0,), (1.0,))[1] == INF


# ---- docs/kinks.md, line by line

PAGE = (Path(__file__).parents[2] / "docs" / "kinks.md").read_text(encoding="utf-8")
LINES = re.findall(r"^\| `(.+)` \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)


def numbers(text: str) -> tuple[float, ...]:
    return tuple(float(Fraction(part)) if "/" in part else float(part) for part in text.split(", "))


@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::wengert.errors.FlatDerivativeWarning")
@pytest.mark.parametrize(("expression", "at", "derivative"), LINES, ids=[f"{e} at {a}" for e, a, _ in LINES])
def test_page(expression: str, at: str, derivative: str) -> None:
    point = numbers(at)
    f = eval(f"lambda {', '.join('xy'[: len(point)])}: {expression} * 1.0", {"np": np})  # noqa: S307 - a line of our own page
    test_kink(f, point, numbers(derivative))


def test_the_page_has_its_lines() -> None:
    assert len(LINES) == PAGE.count("| `") > 60
