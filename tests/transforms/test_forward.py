"""jvp and linearize: directions, trees, what comes back and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert import DerivativeError, ShapeError, grad, jvp, linearize, make_program, stop_gradient, vmap
from wengert.core.check import check_program

V = np.array([0.3, -0.7, 1.1])
D = np.array([1.0, 0.5, -2.0])


def test_jvp() -> None:
    y, t = jvp(np.sin, (V,), (D,))
    np.testing.assert_array_equal(y, np.sin(V))
    np.testing.assert_array_equal(t, np.cos(V) * D)
    y, t = jvp(lambda a, b: a * np.sum(b), (2.0, V), (1.0, D))
    assert (type(y), type(t)) == (np.float64, np.float64)
    assert abs(t - (V.sum() + 2 * D.sum())) < 1e-14


def test_primals_and_tangents_may_be_lists() -> None:
    assert jvp(lambda a, b: a * b, [2.0, 3.0], [1.0, 0.0]) == (6.0, 3.0)


def test_trees() -> None:
    f = lambda t, k: {"p": t["a"] * k, "q": (t["b"][0], 3.0, None)}
    y, t = jvp(f, ({"a": V, "b": [2.0]}, 2.0), ({"a": D, "b": [5.0]}, 1.0))
    np.testing.assert_allclose(t["p"], 2 * D + V)
    assert t["q"] == (5.0, 0.0, None)
    assert y["q"][1] == 3.0


def test_arguments_without_a_tangent_are_constants() -> None:
    def f(x: Any, n: Any, text: Any, c: Any) -> Any:
        c[0] = x[0]
        return x**n * len(text) + c

    c = np.ones(3)
    y, t = jvp(f, (V, 2, "ab", c), (D, None, None, None))
    np.testing.assert_allclose(y, f(V, 2, "ab", c.copy()))
    np.testing.assert_allclose(t, 4 * V * D + np.array([D[0], 0, 0]))
    np.testing.assert_array_equal(c, 1.0)


def test_outputs_that_do_not_depend_on_the_input() -> None:
    y, t = jvp(lambda x: (np.ones(2), 3.0, x > 0, np.zeros(3), stop_gradient(x)), (V,), (D,))
    assert [np.shape(u) for u in t] == [(2,), (), (3,), (3,), (3,)]
    assert not any(np.any(u) for u in t)
    np.testing.assert_array_equal(y[2], V > 0)
    np.testing.assert_array_equal(y[4], V)
    assert type(y[3]) is np.ndarray


def test_types_are_the_values() -> None:
    for x in (2.0, np.float64(2.0), np.float32(2.0), np.array(2.0), np.array([2.0], np.float32)):
        y, t = jvp(lambda x: x * x, (x,), (x,))
        plain = x * x
        assert type(y) is type(plain)
        assert np.asarray(t).dtype == np.asarray(plain).dtype
        assert np.shape(t) == np.shape(plain)
        assert t == 8.0


def test_complex_numbers_go_forward() -> None:
    z, dz = np.array([1 + 2j, -0.5j]), np.array([1j, 2.0 + 0j])
    _, t = jvp(lambda z: np.exp(z) * z, (z,), (dz,))
    np.testing.assert_allclose(t, np.exp(z) * (1 + z) * dz, rtol=1e-14)
    _, t = jvp(np.abs, (z,), (dz,))
    np.testing.assert_allclose(t, (z.real * dz.real + z.imag * dz.imag) / np.abs(z), rtol=1e-14)


def test_integer_tangents_count_as_floats() -> None:
    assert jvp(lambda x: x * x, (3.0,), (1,))[1] == 6.0
    np.testing.assert_array_equal(jvp(lambda x: x * x, (V,), (np.ones(3, int),))[1], 2 * V)


def test_aux() -> None:
    _, t, aux = jvp(lambda x: (np.sum(x), {"x": x * 2, "n": 1}), (V,), (D,), has_aux=True)
    assert t == D.sum()
    np.testing.assert_array_equal(aux["x"], 2 * V)
    assert type(aux["x"]) is np.ndarray


def test_shapes_and_structures_that_do_not_fit() -> None:
    with pytest.raises(
        ShapeError, match=r"(?s)tangent 0 has shape \(2,\), its value has shape \(3,\).*test_forward\.py.*np\.ones_like"
    ):
        jvp(np.sin, (V,), (np.ones(2),))
    with pytest.raises(ShapeError, match=r"(?s)2 primals, 1 tangents.*test_forward\.py"):
        jvp(lambda a, b: a, (1.0, 2.0), (1.0,))
    with pytest.raises(ShapeError, match=r"(?s)tangent 0 has structure \[\*\], its primal \{'a': \*\}"):
        jvp(lambda t: t["a"], ({"a": 1.0},), ([1.0],))
    with pytest.raises(DerivativeError, match="integer type"):
        jvp(lambda x: x, (3,), (1.0,))


def test_forward_writes_do_not_reach_the_caller() -> None:
    x, d = V.copy(), D.copy()

    def f(x: Any) -> Any:
        x[0] = 5.0
        x *= 2.0
        return x

    y, t = jvp(f, (x,), (d,))
    np.testing.assert_array_equal(x, V)
    np.testing.assert_array_equal(d, D)
    np.testing.assert_array_equal(y, [10.0, 2 * V[1], 2 * V[2]])
    np.testing.assert_array_equal(t, [0.0, 2 * D[1], 2 * D[2]])


# ---- linearize


def test_linearize() -> None:
    calls: list[int] = []

    def f(x: Any, k: Any) -> Any:
        calls.append(1)
        return {"y": np.sin(x) * k, "s": np.sum(x)}

    y, J = linearize(f, V, 2.0)
    np.testing.assert_array_equal(y["y"], 2 * np.sin(V))
    for d, e in ((D, 0.0), (V, 1.5), (np.ones(3), -1.0)):
        t = J(d, e)
        want = jvp(f, (V, 2.0), (d, e))[1]
        np.testing.assert_allclose(t["y"], want["y"], rtol=1e-14)
        assert abs(t["s"] - want["s"]) < 1e-14
    assert len(calls) == 4  # once for the linearization
    check_program(J.program)
    assert "linearization of f(" in str(J.program)


def test_the_linear_map_is_linear_batches_and_differentiates() -> None:
    _, J = linearize(lambda x: np.tanh(x) * x[0], V)
    np.testing.assert_allclose(J(2 * D) - 3 * J(V), J(2 * D - 3 * V), rtol=1e-13)
    matrix = vmap(J)(np.eye(3)).T
    np.testing.assert_allclose(matrix @ D, J(D), rtol=1e-14)
    w = np.array([1.0, -1.0, 2.0])
    np.testing.assert_allclose(grad(lambda d: np.sum(w * J(d)))(D), matrix.T @ w, rtol=1e-14)


def test_linearize_at_a_point_that_is_overwritten() -> None:
    x = V.copy()
    _, J = linearize(lambda x: x * x, x)
    x[:] = 100.0
    np.testing.assert_array_equal(J(np.ones(3)), 2 * V)


def test_linearize_takes_branches_once() -> None:
    _, J = linearize(lambda x: x * 3.0 if x > 0 else -x, 2.0)
    assert J(1.0) == 3.0
    assert J(-7.0) == -21.0


def test_linearize_of_other_structure() -> None:
    _, J = linearize(lambda t: t["a"] * 2.0, {"a": 1.0})
    with pytest.raises(
        TypeError, match=r"(?s)tangents of structure \(\*\), primals of \(\{'a': \*\}\).*test_forward\.py"
    ):
        J(1.0)


def test_linearize_inside_other_transforms() -> None:
    def f(x: Any) -> Any:
        _, J = linearize(lambda y: y**3 * x, 2.0)
        return J(1.0)

    assert f(5.0) == 60.0
    assert grad(f)(5.0) == 12.0
    np.testing.assert_array_equal(vmap(f)(np.array([1.0, 2.0])), [12.0, 24.0])
    assert make_program(f)(1.0)(5.0) == 60.0
