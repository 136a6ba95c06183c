"""Local Jacobians of steps, and Jacobians between any two."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert
from wengert.errors import ModelError, UnsupportedError


def network(W: Any, b: Any, x: Any) -> Any:
    s = W @ x + b
    h = np.tanh(s)
    return np.sum(h * h)


W, B, X = np.array([[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]]), np.array([0.1, -0.1]), np.array([1.0, 2.0, -1.0])


def test_l1_l2_the_jacobian_of_a_product_by_its_vector_is_the_matrix() -> None:
    local = wengert.explain(network)(W, B, X).jacobian_of("v1")
    np.testing.assert_array_equal(local["x"], W)
    np.testing.assert_array_equal(local["W"], np.einsum("ij,k->ijk", np.eye(2), X))


def test_an_operand_that_is_read_twice_counts_twice() -> None:
    local = wengert.explain(lambda x: x * x)(3.0).jacobian_of("v1")
    assert {name: float(j) for name, j in local.items()} == {"x": 6.0}


def test_inputs_have_no_operands() -> None:
    assert wengert.explain(lambda x: x * x)(3.0).jacobian_of("x") == {}


def test_jacobians_between_steps_are_those_of_the_functions_between() -> None:
    e = wengert.explain(network)(W, B, X)
    h = next(step for step in e.steps if step.variable == "h")
    want = (1 - np.tanh(W @ X + B) ** 2)[:, None] * W
    np.testing.assert_allclose(e.jacobian(h.name, "x"), want, rtol=1e-14)
    np.testing.assert_allclose(e.jacobian(e.output.name, "W"), e.gradients["W"], rtol=1e-13)
    np.testing.assert_array_equal(e.jacobian("x", "x"), np.eye(3))
    np.testing.assert_array_equal(e.jacobian("x", "b"), np.zeros((3, 2)))


def test_large_ones_are_refused_with_their_size() -> None:
    e = wengert.explain(lambda x: np.sum(np.tanh(x)))(np.ones(1001))
    with pytest.raises(UnsupportedError, match=r"1001 × 1001 numbers, too many to write down: at most 1000000"):
        e.jacobian_of("v1")
    with pytest.raises(UnsupportedError, match=r"the Jacobian of v1 by x has 1001 × 1001"):
        e.jacobian("v1", "x")


def test_unknown_steps_are_named() -> None:
    with pytest.raises(ModelError, match="no step 'v9'"):
        wengert.explain(lambda x: x * x)(3.0).jacobian_of("v9")
