"""What a loop keeps for another one: fewer arrays of all steps, and the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.rewrite._equal import rewritten_is_equal, same_bits

from wengert import control, grad, jit, make_program, vjp
from wengert.core.program import Program
from wengert.rewrite import passes, rewrite

RNG = np.random.default_rng(3)
X, XS = RNG.normal(size=6), RNG.normal(size=(9, 6))
STEPS = len(XS)


def logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def over(step: Any) -> Any:
    return lambda x, xs: np.sum(control.scan(lambda c, row: (step(c, row), None), x, xs)[0] ** 2)


def tanh(c: Any, row: Any) -> Any:
    return np.tanh(c + row)


def gated(c: Any, row: Any) -> Any:
    return logistic(c + row) * np.tanh(c - row) + c


def rectified(c: Any, row: Any) -> Any:
    return np.where(c > 0, c, 0.1 * c) * np.maximum(row, -0.5) + np.abs(c)


def chained(c: Any, row: Any) -> Any:
    a = np.sin(c)
    b = a * a
    d = b + 1
    return np.exp(-np.abs(a * b * d)) * np.cos(d) + row


def kept(program: Program) -> int:
    """How many arrays of all steps the loops give."""
    return sum(v.aval.shape[:1] == (STEPS,) for e in program.equations if e.primitive.name == "scan" for v in e.outputs)


# of exp, 1 + exp and its inverse only exp stays, of tanh and 1 - tanh^2 the first
@pytest.mark.parametrize(("step", "with_all", "without"), [(gated, 5, 2), (tanh, 1, 1)])
def test_what_is_soon_computed_is_not_kept(step, with_all, without):
    program = make_program(grad(over(step)))(X, XS)
    assert kept(rewrite(program, skip=["residuals"])) == with_all
    assert kept(rewrite(program)) == without


@pytest.mark.parametrize("step", [tanh, gated, rectified, chained])
@pytest.mark.parametrize("argnums", [0, (0, 1)])
def test_the_bits_are_the_same(step, argnums):
    program = make_program(grad(over(step), argnums))(X, XS)
    new = rewritten_is_equal(program, (X, XS))
    for a, b in zip(new.evaluate((X, XS)), rewrite(program, skip=["residuals"]).evaluate((X, XS)), strict=True):
        same_bits(a, b)


@pytest.mark.parametrize("step", [tanh, gated, rectified, chained])
def test_gradients_are_those_of_the_loop_of_python(step):
    def plain(x, xs):
        for row in xs:
            x = step(x, row)
        return np.sum(x**2)

    got, want = jit(grad(over(step), (0, 1)))(X, XS), grad(plain, (0, 1))(X, XS)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def test_what_somebody_else_reads_is_kept():
    """Slopes that are a result as well are there anyhow, and are run over."""

    def f(x, xs):
        def step(c, row):
            y = np.tanh(c + row)
            return y, 1 - y * y

        last, slopes = control.scan(step, x, xs)
        pulled = control.scan(lambda c, s: (c * s, None), last, slopes)[0]
        return pulled, slopes

    program = make_program(f)(X, XS)
    got, want = rewrite(program), rewrite(program, skip=["residuals"])
    assert str(got) == str(want)
    assert kept(got) == 1


def test_what_takes_an_array_that_is_not_run_over_is_kept():
    """Here the other loop reads one array; the array it would be computed from is none of its own."""

    def f(x, xs):
        def step(c, row):
            y = np.tanh(c + row)
            return y, (y, y + 1)

        last, (ys, more) = control.scan(step, x, xs)
        return control.scan(lambda c, s: (c * s, None), last, more)[0], ys

    program = make_program(f)(X, XS)
    assert str(rewrite(program)) == str(rewrite(program, skip=["residuals"]))


def test_steps_of_numbers_rather_than_arrays():
    def f(x, xs):
        return control.scan(lambda c, row: (np.tanh(c * row), None), x, xs)[0]

    program = make_program(grad(f))(0.3, XS[:, 0])
    (got,), (want,) = (rewrite(program, skip=skip).evaluate((0.3, XS[:, 0])) for skip in ([], ["residuals"]))
    same_bits(got, want)


def test_loops_in_loops_and_second_derivatives():
    def inner(x, xs):
        return over(gated)(x, xs)

    def f(x, xs):
        return control.scan(lambda c, _: (c + grad(inner)(c, xs) * 0.01, None), x, None, length=3)[0]

    value, pull = vjp(jit(f), X, XS)
    plain, pull_plain = vjp(f, X, XS)
    np.testing.assert_allclose(value, plain, rtol=1e-12)
    for a, b in zip(pull(X), pull_plain(X), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    ("more", "times"), [(lambda c: c + 0.5, 2000), (lambda c: c + c, 60)], ids=["chain", "diamonds"]
)
def test_long_ways_are_given_up_soon(more, times):
    """Two thousand additions, or 2**60 paths through sixty, between what is kept."""

    def step(c, row):
        for _ in range(times):
            c = more(c)
        return np.tanh(c * row)

    program = make_program(grad(over(step)))(X, XS[:2])
    names = [p.name for p in passes()]
    new = rewrite(program, skip=[name for name in names if name != "residuals"])
    same_bits(new.evaluate((X, XS[:2]))[0], program.evaluate((X, XS[:2]))[0])
