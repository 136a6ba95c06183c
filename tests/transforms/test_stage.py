"""make_program: what is written down, how it prints, and that it evaluates, differentiates and batches."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

import wengert.numpy as wnp
from wengert import ConcretizationError, ShapeError, WengertError, grad, hessian, jvp, make_program, vjp, vmap
from wengert.core.check import check_program
from wengert.core.program import Program

V = np.array([0.3, -0.7, 1.1])
M = np.arange(6.0).reshape(2, 3)


def printed(program: Program, text: str) -> None:
    assert str(program) == dedent(text).strip("\n"), f"\n{program}"


def test_a_function_of_a_number() -> None:
    def f(x: Any) -> Any:
        return np.sin(x) * 2.0 + x

    printed(
        make_program(f)(1.0),
        """
        f(a: float) -> d
          b: f64 = sin a
          c: f64 = multiply b 2.0
          d: f64 = add c a
        """,
    )


def test_arrays_indices_and_parameters() -> None:
    def f(x: Any, k: Any) -> Any:
        y = x[1:, ::2].T
        return {"s": np.sum(y, axis=0), "t": (x[k], np.max(x))}

    printed(
        make_program(f)(M, 1),
        """
        f(a: f64[2,3], b: int) -> e, f, g
          c: f64[1,2] = getitem[index=(1:, ::2)] a
          d: f64[2,1] = transpose[axes=(1, 0)] c
          e: f64[1] = sum[axes=(0,), keepdims=False] d
          f: f64[3] = getitem[index=(·,)] a b
          g: f64 = max[axes=(0, 1), keepdims=False] a
        """,
    )


def test_a_derivative() -> None:
    def loss(w: Any, x: Any) -> Any:
        return np.sum(np.tanh(x @ w))

    program = make_program(grad(loss))(V, M)
    printed(
        program,
        """
        loss(a: f64[3], b: f64[2,3]) -> l
          c: f64[2] = constant
          d: f64[2] = matmul b a
          e: f64[2] = tanh d
          f: f64[2] = multiply e e
          g: f64[2] = subtract 1 f
          h: f64[2] = multiply c g
          i: f64[3,2] = transpose[axes=(1, 0)] b
          j: f64[2,1] = getitem[index=(..., None)] h
          k: f64[3,1] = matmul i j
          l: f64[3] = getitem[index=(..., 0)] k
        """,
    )
    np.testing.assert_array_equal(program(V, M), M.T @ (1 - np.tanh(M @ V) ** 2))


def test_a_batch() -> None:
    printed(
        make_program(vmap(lambda x: np.sum(x) * x))(M),
        """
        <lambda>(a: f64[2,3]) -> d
          b: f64[2] = sum[axes=(1,), keepdims=False] a
          c: f64[2,1] = reshape[shape=(2, 1)] b
          d: f64[2,3] = multiply c a
        """,
    )


def test_constants_and_writes() -> None:
    table = np.ones(3)

    def f(x: Any) -> Any:
        y = np.zeros(3)
        y[1:] = x[:2] * table[0]
        return y * table

    program = make_program(f)(V)
    printed(
        program,
        """
        f(a: f64[3]) -> g
          b: f64[3] = constant
          c: f64[3] = constant
          d: f64[2] = getitem[index=(:2,)] a
          e: f64[2] = multiply d 1.0
          f: f64[3] = update[chain=(), index=(1:,)] b e
          g: f64[3] = multiply f c
        """,
    )
    want = f(V)
    table[:] = 100.0
    np.testing.assert_array_equal(program(V), want)


def test_types() -> None:
    program = make_program(lambda a, b, c, d: (a + b, b * c, d))(1, np.float32(2), np.ones(2, np.float32), True)
    assert str(program).splitlines()[0] == "<lambda>(a: int, b: f32, c: f32[2], d: bool) -> e, f, d"
    y = program(1, np.float32(3), np.ones(2, np.float32), False)
    assert y[0].dtype == np.float32
    assert y[1].dtype == np.float32
    assert y[2] is False


def test_evaluation_is_the_function() -> None:
    def f(x: Any, t: Any) -> Any:
        y = np.tanh(x @ t["w"]) + t["b"]
        y[0] *= 2.0
        return np.sort(y)[::-1], np.where(y > 0, y, 0.0), [y.mean()]

    tree = {"w": M.T, "b": 0.1}
    program = make_program(f)(np.ones((4, 3)), tree)
    for x in (np.ones((4, 3)), np.arange(12.0).reshape(4, 3) / 10):
        got = program(x, M.T, 0.1)
        a, b, (c,) = f(x, tree)
        for g, w in zip(got, (a, b, c), strict=True):
            np.testing.assert_array_equal(g, w)


def test_programs_differentiate_and_batch() -> None:
    f = lambda x: np.sum(np.exp(x) * x[::-1])
    program = make_program(f)(V)
    np.testing.assert_array_equal(grad(program)(V), grad(f)(V))
    np.testing.assert_allclose(hessian(program)(V), hessian(f)(V), rtol=1e-14)
    np.testing.assert_allclose(vmap(program)(np.stack([V, 2 * V])), [f(V), f(2 * V)])
    assert jvp(program, (V,), (V,))[1] == jvp(f, (V,), (V,))[1]
    again = make_program(program)(V)
    assert len(again.equations) == len(program.equations)
    assert again(V) == program(V)


def test_transforms_stage() -> None:
    f = lambda x: np.sum(np.tanh(x) ** 2)
    for transformed in (
        grad(f),
        hessian(f),
        lambda x: vmap(grad(f))(np.stack([x, x])),
        lambda x: jvp(f, (x,), (x,)),
        lambda x: vjp(f, x)[1](1.0),
    ):
        program = make_program(transformed)(V)
        check_program(program)
        want = transformed(V)
        got = program.evaluate([V])
        flat = [want] if isinstance(want, np.ndarray) else list(want)
        for g, w in zip(got, flat, strict=True):
            np.testing.assert_allclose(g, w, rtol=1e-14, atol=1e-16)


def test_inputs_can_be_written_to() -> None:
    def f(x: Any) -> Any:
        x[0] = x[1] * 2.0
        x *= x
        return x, np.sum(x)

    given = V.copy()
    program = make_program(f)(given)
    np.testing.assert_array_equal(given, V)
    y, s = program(given)
    np.testing.assert_array_equal(given, V)
    want = V.copy()
    f(want)
    np.testing.assert_array_equal(y, want)
    assert s == want.sum()


def test_keyword_arguments_and_static_values() -> None:
    program = make_program(lambda x, *, k: x * k)(V, k=3.0)
    np.testing.assert_array_equal(program(V), 3 * V)
    assert len(program.inputs) == 1


@dataclass(frozen=True)
class Model:
    w: Any
    b: Any

    def __call__(self, x: Any) -> Any:
        return self.w * x + self.b


def test_models_are_trees_of_inputs() -> None:
    program = make_program(lambda model, x: model(x))(Model(2.0, 1.0), 3.0)
    assert len(program.inputs) == 3
    assert program(2.0, 1.0, 3.0) == 7.0


def test_equations_that_nothing_needs_are_left_out() -> None:
    def f(x: Any) -> Any:
        np.exp(x)
        unused = np.zeros(3)
        unused[0] = x[0]
        return x + 1.0

    assert [e.primitive.name for e in make_program(f)(V).equations] == ["add"]
    assert not make_program(lambda x: 3.0)(V).equations
    assert make_program(lambda x: 3.0)(V)(V) == 3.0
    assert make_program(lambda x: ())(V)(V) == ()


def test_equations_know_the_users_line() -> None:
    program = make_program(lambda x: np.sin(x) + 1.0)(1.0)
    for equation in program.equations:
        assert "test_stage.py:" in equation.line


def test_constants_are_handles_of_their_own() -> None:
    def f(x: Any) -> Any:
        inner = make_program(lambda t: t * x)(1.0)
        first = inner(2.0)
        x[0] = 5.0
        return np.sum(first) + np.sum(inner(2.0)) + np.sum(x)

    assert abs(f(V.copy()) - (4 * V.sum() + 5 + V[1] + V[2])) < 1e-14
    np.testing.assert_allclose(grad(f)(V), [4.0, 5.0, 5.0])


def test_wrong_arguments_of_a_program() -> None:
    program = make_program(lambda x, y: x + y)(V, 1.0)
    with pytest.raises(ShapeError, match="takes 2 inputs, and got 1"):
        program(V)
    with pytest.raises(ShapeError, match=r"(?s)staged for input 0 of shape \(3,\), and got \(2,\).*make_program\(f\)"):
        program(V[:2], 1.0)


def test_values_that_are_not_known() -> None:
    for f in (lambda x: x if x > 0 else -x, lambda x: [x] * int(x), lambda x: np.zeros(int(x)), lambda x: range(x)):
        with pytest.raises((ConcretizationError, WengertError, TypeError)):
            make_program(f)(1.0)


def test_arguments_that_are_no_numbers() -> None:
    for x in ("text", object(), np.array(["a"]), np.array([None])):
        with pytest.raises(
            WengertError, match=r"(?s)make_program\(<lambda>\): argument 0 is .*test_stage\.py.*write: "
        ):
            make_program(lambda x: 1.0)(x)


def test_the_facade_stages_too() -> None:
    program = make_program(lambda x: wnp.array([x, 2.0 * x]) * wnp.arange(2.0))(1.0)
    np.testing.assert_array_equal(program(3.0), [0.0, 6.0])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x @ np.ones((4, 2)),
        lambda x: np.ones(2) @ x,
        lambda x: np.einsum("ij,jk->ik", x, np.ones((4, 2))),
        lambda x: np.einsum("ij,ij->", x, np.ones((3, 1)) @ np.ones((1, 2))),
    ],
)
def test_products_of_shapes_that_do_not_fit_are_refused_while_staging(f):
    with pytest.raises(ValueError, match=r"\(3, 3\)|mismatch|broadcast"):
        make_program(f)(np.ones((3, 3)))
