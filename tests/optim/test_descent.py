"""Gradient descent against the closed form of its path on quadratics, and against exact regression."""

import numpy as np
import pytest

from wengert import optim
from wengert.errors import ModelError


def test_on_a_quadratic_it_follows_the_closed_form():
    # x_t = (1 − λ a)^t x_0 for f = a x²/2
    result = optim.gradient_descent(lambda x: 1.5 * x * x, 4.0, step=0.1, tol=1e-3, record=True)
    factor = 1 - 0.1 * 3
    np.testing.assert_allclose(result.trajectory, 4.0 * factor ** np.arange(result.steps + 1), rtol=1e-12)
    moves = np.abs(np.diff(result.trajectory))
    assert result.converged
    assert moves[-1] <= 1e-3 < moves[-2]
    assert result.length == pytest.approx(moves.sum())
    assert result.value == pytest.approx(1.5 * float(result.x) ** 2)


def test_it_stops_at_max_steps_and_says_so():
    result = optim.gradient_descent(lambda x: x @ x, np.ones(2), step=0.01, tol=1e-12, max_steps=7)
    assert (result.steps, result.converged, result.trajectory) == (7, False, ())
    np.testing.assert_allclose(result.x, 0.98**7)


def test_a_start_at_the_minimum_converges_in_one_step():
    result = optim.gradient_descent(lambda x: x @ x, np.zeros(2))
    assert (result.steps, result.converged, result.length) == (1, True, 0.0)


def test_linear_regression_agrees_with_the_exact_solution(rng):
    x, noise = rng.normal(size=(40, 3)), rng.normal(size=40)
    y = x @ [1.0, -2.0, 0.5] + 0.1 * noise
    exact = np.linalg.solve(x.T @ x, x.T @ y)
    result = optim.gradient_descent(lambda w: np.mean((x @ w - y) ** 2), np.zeros(3), step=0.2, tol=1e-12)
    assert result.converged
    np.testing.assert_allclose(result.x, exact, atol=1e-10)


def test_trees_and_integers():
    start = {"w": np.array([3, 4]), "b": 5}
    result = optim.gradient_descent(lambda p: p["w"] @ p["w"] + (p["b"] - 1) ** 2, start, step=0.25)
    np.testing.assert_allclose(result.x["w"], [0, 0], atol=1e-7)
    assert float(result.x["b"]) == pytest.approx(1)
    assert start["w"].tolist() == [3, 4]


def test_a_step_that_is_too_long_is_named():
    with pytest.raises(ModelError, match=r"the step is too long, try step=0\.2"), np.errstate(all="ignore"):
        optim.gradient_descent(lambda x: x**4, 10.0, step=2.0)
    with pytest.raises(ModelError, match="the step must be a number above 0"):
        optim.gradient_descent(lambda x: x * x, 1.0, step=-1.0)


def test_complex_numbers():
    result = optim.gradient_descent(lambda z: np.sum(np.abs(z - np.array([3 - 1j, 2j])) ** 2), np.zeros(2, complex))
    assert result.converged
    np.testing.assert_allclose(result.x, [3 - 1j, 2j], atol=1e-7)
