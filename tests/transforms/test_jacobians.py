"""Jacobians, Hessians and Hessian products, against closed forms and central differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert import DerivativeError, grad, hessian, hvp, jacfwd, jacobian, jacrev, make_program, vmap

V = np.array([0.3, -0.7, 1.1])
M = np.array([[1.0, 2.0, 0.5], [0.3, -1.0, 2.0]])
WAYS = {"forward": jacfwd, "reverse": jacrev, "either": jacobian}

pytestmark = pytest.mark.parametrize("jac", WAYS.values(), ids=WAYS)


def test_closed_forms(jac: Any) -> None:
    np.testing.assert_allclose(jac(np.sin)(V), np.diag(np.cos(V)))
    np.testing.assert_allclose(jac(lambda x: M @ x)(V), M)
    np.testing.assert_allclose(jac(lambda x: np.outer(x, x))(V)[0, 1], [V[1], V[0], 0.0])
    np.testing.assert_allclose(jac(lambda x: np.cumsum(x))(V), np.tril(np.ones((3, 3))))
    np.testing.assert_allclose(jac(np.sum)(V), np.ones(3))
    assert jac(lambda x: x**3)(2.0) == 12.0


def test_shapes_are_output_then_input(jac: Any) -> None:
    f = lambda x: np.einsum("ij,k->kij", x, np.array([1.0, 2.0]))
    J = jac(f)(M)
    assert J.shape == (2, 2, 3, 2, 3)
    np.testing.assert_allclose(np.einsum("kijlm,lm->kij", J, M), f(M))
    assert jac(lambda x: x[0] * M)(V).shape == (2, 3, 3)
    assert jac(lambda s: s * V)(2.0).shape == (3,)
    assert np.shape(jac(lambda x: x * x)(np.array(2.0))) == ()
    assert jac(lambda x: x[None] * np.ones((0, 1)))(V).shape == (0, 3, 3)
    assert jac(lambda x: np.sum(x) * V)(np.zeros(0)).shape == (3, 0)


def test_argnums(jac: Any) -> None:
    f = lambda a, x: a * x
    da, dx = jac(f, (0, 1))(2.0, V)
    np.testing.assert_array_equal(da, V)
    np.testing.assert_array_equal(dx, 2 * np.eye(3))
    np.testing.assert_array_equal(jac(f, -1)(2.0, V), dx)
    (only,) = jac(f, (1,))(2.0, V)
    np.testing.assert_array_equal(only, dx)
    for bad in (2, -3, (0, 0)):
        with pytest.raises(DerivativeError, match=r"(?s)argnums=.*test_jacobians\.py"):
            jac(f, bad)(2.0, V)


def test_trees(jac: Any) -> None:
    f = lambda t: {"y": t["a"] * t["b"][0], "s": np.sum(t["a"])}
    J = jac(f)({"a": V, "b": [2.0]})
    np.testing.assert_array_equal(J["y"]["a"], 2 * np.eye(3))
    np.testing.assert_array_equal(J["y"]["b"][0], V)
    np.testing.assert_array_equal(J["s"]["a"], np.ones(3))
    assert J["s"]["b"][0] == 0.0


def test_keywords_and_constants(jac: Any) -> None:
    f = lambda x, c, *, k, table: (x * c) ** k + table["t"]
    np.testing.assert_allclose(jac(f)(V, 3.0, k=2, table={"t": V}), np.diag(18 * V))


def test_dtypes(jac: Any) -> None:
    J = jac(np.sin)(V.astype(np.float32))
    assert J.dtype == np.float32
    np.testing.assert_allclose(J, np.diag(np.cos(V)), rtol=1e-6)
    J = jac(lambda x, y: x * y, (0, 1))(V.astype(np.float32), V)
    np.testing.assert_allclose(J[0], np.diag(V), rtol=1e-6)
    np.testing.assert_allclose(J[1], np.diag(V), rtol=1e-6)


def test_inputs_that_have_no_derivative(jac: Any) -> None:
    for x in (3, np.arange(3), "text", 1j):
        with pytest.raises(DerivativeError, match=r"test_jacobians\.py"):
            jac(lambda x: x)(x)


def test_nothing_of_the_callers_changes(jac: Any) -> None:
    def f(x: Any, c: Any, *, k: Any) -> Any:
        x[0] = c[1]
        c *= x
        k[:] = 3.0
        return x * c + k

    x, c, k = V.copy(), V.copy(), V.copy()
    jac(f)(x, c, k=k)
    for array in (x, c, k):
        np.testing.assert_array_equal(array, V)


def test_of_a_function_with_branches_and_loops(jac: Any) -> None:
    def f(x: Any) -> Any:
        out = np.zeros(3)
        for k in range(3):
            out[k] = x[k] ** 2 if x[k] > 0 else -x[k]
        return out

    np.testing.assert_allclose(jac(f)(V), np.diag([0.6, -1.0, 2.2]))


def test_inside_other_transforms(jac: Any) -> None:
    f = lambda x: np.sin(x) * x[0]
    trace = lambda x: np.trace(jac(f)(x))
    # trace = x0 Σ cos(x_k) + sin(x_0)
    want = np.array(
        [np.sum(np.cos(V)) - V[0] * np.sin(V[0]) + np.cos(V[0]), -V[0] * np.sin(V[1]), -V[0] * np.sin(V[2])]
    )
    np.testing.assert_allclose(grad(trace)(V), want, rtol=1e-13)
    stack = np.stack([V, 2 * V])
    np.testing.assert_allclose(vmap(jac(f))(stack), np.stack([jac(f)(x) for x in stack]), rtol=1e-14)
    np.testing.assert_allclose(make_program(jac(f))(V)(2 * V), jac(f)(2 * V), rtol=1e-14)
    np.testing.assert_allclose(jac(jac(lambda x: x**3))(V)[1, 1, 1], 6 * V[1])


@pytest.mark.parametrize("outer", WAYS.values(), ids=WAYS)
def test_second_derivatives_by_every_pair(jac: Any, outer: Any) -> None:
    f = lambda x: np.sum(np.exp(x) * x[::-1]) + x[0] ** 2 * x[1]
    H = outer(jac(f))(V)
    np.testing.assert_allclose(H, H.T, rtol=1e-13)
    np.testing.assert_allclose(H, hessian(f)(V), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(H @ V, hvp(f, V, V), rtol=1e-12)
    step = 1e-5
    numeric = np.stack([(grad(f)(V + step * e) - grad(f)(V - step * e)) / (2 * step) for e in np.eye(3)])
    np.testing.assert_allclose(H, numeric, rtol=1e-7, atol=1e-8)


def test_the_choice_says_why(jac: Any) -> None:
    del jac
    J, why = jacobian(lambda x: M @ x, explain=True)(V)
    np.testing.assert_allclose(J, M)
    assert (why.mode, why.inputs, why.outputs) == ("reverse", 3, 2)
    assert str(why) == "reverse mode: 2 outputs and 3 inputs, so 2 walks back in place of 3 passes forward"
    _, why = jacobian(lambda x: np.outer(x, x), explain=True)(V)
    assert str(why) == "forward mode: 3 inputs and 9 outputs, so 3 passes forward in place of 9 walks back"
    _, why = jacobian(np.sin, explain=True)(V)
    assert why.mode == "forward"
    _, why = jacobian(np.sin, explain=True)(1.0)
    assert str(why) == "forward mode: 1 input and 1 output, so 1 pass forward in place of 1 walk back"
    _, why = jacobian(lambda t: t["a"] * 2, explain=True)({"a": V, "b": M})
    assert (why.inputs, why.outputs) == (9, 3)


def test_hessians(jac: Any) -> None:
    del jac
    H = hessian(lambda x: x[0] ** 2 * x[1] + np.sin(x[2]))(V)
    np.testing.assert_allclose(H, [[2 * V[1], 2 * V[0], 0], [2 * V[0], 0, 0], [0, 0, -np.sin(V[2])]], atol=1e-16)
    assert hessian(lambda x: x**4)(2.0) == 48.0
    assert hessian(lambda m: np.sum(m @ m.T))(M).shape == (2, 3, 2, 3)
    both = hessian(lambda a, x: a**2 * np.sum(x**2), (0, 1))(2.0, V)
    assert both[0][0] == 2 * np.sum(V**2)
    np.testing.assert_allclose(both[0][1], 8 * V)
    np.testing.assert_allclose(both[1][0], 8 * V)
    np.testing.assert_allclose(both[1][1], 8 * np.eye(3))
    tree = hessian(lambda t: t["a"] ** 2 * np.sum(t["b"]))({"a": 3.0, "b": V})
    np.testing.assert_allclose(tree["a"]["b"], np.full(3, 6.0))
    np.testing.assert_allclose(tree["b"]["b"], np.zeros((3, 3)))


def test_hvp(jac: Any) -> None:
    del jac
    f = lambda x: np.sum(np.cos(x) * x**2)
    d = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(hvp(f, V, d), hessian(f)(V) @ d, rtol=1e-12)
    got = hvp(lambda t: t["a"] ** 2 * np.sum(t["b"] ** 2), {"a": 2.0, "b": V}, {"a": 1.0, "b": d})
    np.testing.assert_allclose(got["a"], 2 * np.sum(V**2) + 4 * 2 * V @ d)
    np.testing.assert_allclose(got["b"], 8 * V + 8 * d)
    with pytest.raises(DerivativeError, match="returned an array"):
        hvp(np.sin, V, d)
