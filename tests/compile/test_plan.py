"""What the planner fuses, stores and overwrites."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert import control, grad, make_program
from wengert.compile.compiler import compile_program
from wengert.compile.overwriting import overwritable
from wengert.compile.plan import Nest, Plan, Product, Step, plan
from wengert.rewrite import rewrite


def planned(f: Any, *args: Any) -> Plan:
    return plan(rewrite(make_program(f)(*args)))


def test_a_softmax_is_one_nest() -> None:
    def softmax(x: Any) -> Any:
        y = np.exp(x - x.max(1, keepdims=True))
        return y / y.sum(1, keepdims=True)

    kernels = planned(softmax, np.ones((8, 10))).kernels
    assert len(kernels) == 1
    assert isinstance(kernels[0], Nest)
    assert len(kernels[0].kept) == 1  # only the result is written


def test_the_gradient_of_rosenbrock_keeps_one_value() -> None:
    def rosenbrock(x: Any) -> Any:
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    kernels = planned(grad(rosenbrock), np.ones(10)).kernels
    assert all(isinstance(k, Nest) for k in kernels)
    assert sum(len(k.kept) for k in kernels if isinstance(k, Nest)) <= 2


def test_a_layer_is_a_product_with_its_bias() -> None:
    kernels = planned(lambda x, w, b: np.maximum(x @ w + b, 0), np.ones((8, 4)), np.ones((4, 5)), np.ones(5)).kernels
    assert len(kernels) == 1
    assert isinstance(kernels[0], Product)
    assert kernels[0].unit.var not in kernels[0].kept


def test_a_weight_is_updated_where_it_lies() -> None:
    program = rewrite(
        make_program(lambda w, x, d: w - 0.1 * (x.T @ d))(np.ones((4, 5)), np.ones((8, 4)), np.ones((8, 5)))
    )
    made = plan(program)
    (out,) = program.outputs
    assert overwritable(made, {out: program.inputs[0]}) == {out: program.inputs[0]}  # type: ignore[dict-item]


def test_a_factor_of_a_product_is_not_overwritten_by_it() -> None:
    program = rewrite(make_program(lambda w: w @ w + w)(np.ones((4, 4))))
    (out,) = program.outputs
    assert not overwritable(plan(program), {out: program.inputs[0]})  # type: ignore[dict-item]


def test_who_overwrites_waits_for_who_still_reads() -> None:
    def f(w: Any, v: Any) -> Any:
        return w * 2, v + w.sum(0)

    program = rewrite(make_program(f)(np.ones((4, 5)), np.ones(5)))
    made = plan(program)
    pairs = dict(zip(program.outputs, program.inputs, strict=True))
    assert overwritable(made, pairs)  # type: ignore[arg-type]
    w = np.arange(20.0).reshape(4, 5)
    got = compile_program(program, donated=(True, True))(w.copy(), np.zeros(5))
    np.testing.assert_array_equal(got[0], 2 * w)
    np.testing.assert_array_equal(got[1], w.sum(0))


def test_carries_that_change_places() -> None:
    def f(a: Any, b: Any) -> Any:
        return control.fori_loop(0, 7, lambda _, c: (c[1], c[0] + c[1]), (a, b))

    a, b = np.ones(5), 2 * np.ones(5)
    got = compile_program(make_program(f)(a, b))(a, b)
    for _ in range(7):
        a, b = b, a + b
    np.testing.assert_array_equal(got[0], a)
    np.testing.assert_array_equal(got[1], b)


def test_filling_an_array_in_a_loop_copies_nothing() -> None:
    def f(x: Any) -> Any:
        def step(k: Any, out: Any) -> Any:
            out[k] = x[k] ** 2
            return out

        return control.fori_loop(0, 1000, step, np.zeros(1000))

    program = rewrite(make_program(f)(np.ones(1000)))
    (scan,) = [e for e in program.equations if e.primitive.name == "scan"]
    body = scan.params["body"]
    made = plan(body)
    at = scan.params["constants"]
    assert any(isinstance(k, Step) for k in made.kernels)
    pairs = {out: var for out, var in zip(body.outputs, body.inputs[at:], strict=False) if out.aval.shape == (1000,)}
    assert overwritable(made, pairs) == pairs
    x = np.arange(1000.0)
    np.testing.assert_array_equal(compile_program(program)(x)[0], x**2)


def test_an_index_out_of_bounds_is_an_error_also_where_it_is_a_one_hot() -> None:
    def f(z: Any, y: Any) -> Any:
        return grad(lambda z: np.sum(z[np.arange(4), y]))(z)

    z, y = np.ones((4, 3)), np.array([0, 1, 2, 3])
    compiled = compile_program(make_program(f)(z, y))
    for threads in (1, 2):
        compiled = compile_program(make_program(f)(z, y), threads=threads)
        try:
            compiled(z, y)
        except IndexError as problem:
            assert "out of bounds" in str(problem)  # noqa: PT017 - the loop goes on
        else:
            raise AssertionError("an index of 3 in an axis of 3 was taken")
        np.testing.assert_array_equal(compiled(z, np.array([0, -1, 2, 1]))[0], np.eye(3)[[0, 2, 2, 1]])
