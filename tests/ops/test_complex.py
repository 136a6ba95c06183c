"""Elementwise records at complex numbers: mpmath's derivatives, in every quadrant and at both sides of each branch cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from wengert import FlatDerivativeWarning, jvp, vjp
from wengert.frontend.tables import UFUNCS

mp = mpmath.mp.clone()
mp.dps = 40
POINTS = [0.3 + 0.4j, -0.7 + 0.2j, 1.3 - 0.9j, -1.1 - 1.7j, 2.5 + 0.1j, -2.5 + 0.3j, 0.1 + 2.2j, -0.2 - 1.9j, 0.5 + 0j]

# holomorphic ufuncs of one number, the derivative by mpmath, and where their branch cuts are met
ONE: dict[Any, tuple[Callable[[Any], Any], list[complex]]] = {
    np.negative: (lambda z: mp.mpc(-1), []), np.positive: (lambda z: mp.mpc(1), []), np.square: (lambda z: 2 * z, []),
    np.reciprocal: (lambda z: -1 / z**2, []), np.exp: (mp.exp, []), np.exp2: (lambda z: mp.log(2) * 2**z, []),
    np.expm1: (mp.exp, []), np.log: (lambda z: 1 / z, [-2]), np.log2: (lambda z: 1 / (z * mp.log(2)), [-2]),
    np.log10: (lambda z: 1 / (z * mp.log(10)), [-2]), np.log1p: (lambda z: 1 / (1 + z), [-2]),
    np.sqrt: (lambda z: 1 / (2 * mp.sqrt(z)), [-2]), np.sin: (mp.cos, []), np.cos: (lambda z: -mp.sin(z), []),
    np.tan: (lambda z: 1 / mp.cos(z) ** 2, []), np.sinh: (mp.cosh, []), np.cosh: (mp.sinh, []),
    np.tanh: (lambda z: 1 / mp.cosh(z) ** 2, []),
    np.arcsin: (lambda z: 1 / mp.sqrt(1 - z * z), [2, -2, 1.5]), np.arccos: (lambda z: -1 / mp.sqrt(1 - z * z), [2, -2]),
    np.arctan: (lambda z: 1 / (1 + z * z), [2j, -2j]), np.arcsinh: (lambda z: 1 / mp.sqrt(1 + z * z), [2j, -2j, 1.5j]),
    np.arccosh: (lambda z: 1 / (mp.sqrt(z - 1) * mp.sqrt(z + 1)), [0.5, -0.5, -2]),
    np.arctanh: (lambda z: 1 / (1 - z * z), [2, -2]),
}  # fmt: skip
TWO: dict[Any, tuple[Callable[..., Any], Callable[..., Any]]] = {
    np.add: (lambda x, y: mp.mpc(1), lambda x, y: mp.mpc(1)),
    np.subtract: (lambda x, y: mp.mpc(1), lambda x, y: mp.mpc(-1)),
    np.multiply: (lambda x, y: y, lambda x, y: x),
    np.divide: (lambda x, y: 1 / y, lambda x, y: -x / y**2),
    np.power: (lambda x, y: y * x ** (y - 1), lambda x, y: mp.log(x) * x**y),
}
TWO[np.float_power] = TWO[np.power]
# not holomorphic, or piecewise: tests/transforms/test_complex.py has these
OTHERS = {"absolute", "conjugate", "sign", "maximum", "minimum", "fmax", "fmin", "rint"}
# what complex arithmetic itself loses: products of quotients, powers by exp and log
TOL = 1e-13


def number(z: complex) -> Any:
    return mp.mpc(z.real, z.imag)


def slopes(f: Callable[..., Any], args: tuple[Any, ...], k: int) -> tuple[Any, Any, Any, Any]:
    """The derivative in operand k: along 1, along i, and what the walks back with 1 and i give."""

    def of_one(x: Any) -> Any:
        return f(*args[:k], x, *args[k + 1 :])

    x = np.array([args[k]])
    _, pullback = vjp(of_one, x)
    pushed = [jvp(of_one, (x,), (np.array([v]),))[1][0] for v in (1.0 + 0j, 1j)]
    return (*pushed, *(pullback(np.array([w]))[0][0] for w in (1.0 + 0j, 1j)))  # type: ignore[return-value]


def check(f: Any, args: tuple[Any, ...], k: int, want: complex) -> None:
    got = slopes(f, args, k)
    for d, unit in zip(got, (1, 1j, 1, 1j), strict=True):
        assert abs(d - unit * want) <= TOL * abs(want), f"{f.__name__}{args}, operand {k}: {got}, mpmath: {want}"


def test_every_ufunc_of_complex_numbers_is_here() -> None:
    mine = {
        u.__name__ for u in UFUNCS
        if getattr(np, u.__name__, None) is u and u.signature is None and any(set(t.split("->")[0]) == {"D"} for t in u.types)
        and np.asarray(u(*[np.array([0.3 + 0.4j])] * u.nin)).dtype.kind in "fc"
    }  # fmt: skip
    assert mine == {u.__name__ for u in (*ONE, *TWO)} | OTHERS


@pytest.mark.parametrize("f", ONE, ids=lambda f: f.__name__)
def test_one_operand(f: Any) -> None:
    for z in POINTS:
        if z.imag or not ONE[f][1]:
            check(f, (z,), 0, complex(ONE[f][0](number(z))))


@pytest.mark.parametrize("f", [f for f in ONE if ONE[f][1]], ids=lambda f: f.__name__)
def test_both_sides_of_branch_cuts(f: Any) -> None:
    """The sign of a zero says from which side the cut is met, for the derivative as for NumPy's value."""
    derivative, cuts = ONE[f]
    for at in map(complex, cuts):
        for side in (1.0, -1.0):
            z = complex(at.real, 0.0 * side) if at.real else complex(0.0 * side, at.imag)
            beside = mp.mpf("1e-30") * side * (mp.mpc(0, 1) if at.real else 1)
            check(f, (z,), 0, complex(derivative(number(z) + beside)))


@pytest.mark.parametrize("f", TWO, ids=lambda f: f.__name__)
def test_two_operands(f: Any) -> None:
    for x, y in zip(POINTS, POINTS[::-1], strict=True):
        for k in (0, 1):
            check(f, (x, y), k, complex(TWO[f][k](number(x), number(y))))
            # the other one is real, also below zero
            args = (x, y.real - 3.0) if k == 0 else (x.real - 3.0, y)
            check(f, args, k, complex(TWO[f][k](*map(number, map(complex, args)))))


def test_powers_of_negative_numbers_with_complex_exponents() -> None:
    for x in (-2.0, np.array([-2.0, -0.5])):
        y = 0.3 + 0.7j
        d = jvp(lambda y, x=x: x**y, (y,), (1.0 + 0j,))[1]
        np.testing.assert_allclose(d, np.log(np.abs(x) + 0j) * np.power(x + 0j, y) + 1j * np.pi * np.power(x + 0j, y))


def test_large_numbers_do_not_overflow() -> None:
    z = np.array([1e200 + 1e200j, -1e200 + 1e190j])
    for f, sign in ((np.arcsinh, [1, -1]), (np.arccosh, [1, 1])):
        d = jvp(f, (z,), (np.ones(2, complex),))[1]
        np.testing.assert_allclose(d * z, sign, rtol=1e-14)


def test_rounding_is_flat() -> None:
    with pytest.warns(FlatDerivativeWarning, match="rint"):
        assert vjp(np.rint, np.array([0.3 + 0.8j]))[1](np.array([1 + 1j]))[0] == 0
