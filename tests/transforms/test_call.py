"""Programs as operations, what is derived from them, and how they are printed and checked."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

from wengert import control, grad, hessian, jacobian, jvp, make_program, vjp, vmap
from wengert.core.check import check_program
from wengert.core.program import Equation, Program, Var
from wengert.core.types import aval_of
from wengert.errors import ProgramError, ShapeError
from wengert.transforms import call as call_module
from wengert.transforms.call import EXECUTE, call, interpret
from wengert.transforms.programs import batched_program, coerced, jvp_program, retyped
from wengert.transforms.residuals import split_program

X = np.array([0.3, -0.7, 1.2])
Y = np.array([0.5, 0.2, -0.4])


def f(x: Any, y: Any) -> Any:
    return np.sin(x) * np.exp(y) + x


def program() -> Program:
    return make_program(f)(X, Y)


def bound(x: Any, y: Any, body: Program | None = None) -> Any:
    return call(x, y, program=body or program())[0]


def test_is_the_function():
    np.testing.assert_array_equal(bound(X, Y), f(X, Y))


def test_plain_values_go_through_the_executor(monkeypatch: pytest.MonkeyPatch):
    seen: list[Program] = []

    def executor(body: Program, operands: Any) -> Any:
        seen.append(body)
        return interpret(body, operands)

    body = program()
    monkeypatch.setattr(call_module, "EXECUTE", [*EXECUTE, executor])
    bound(X, Y, body)
    assert seen == [body]
    grad(lambda x: np.sum(bound(x, Y, body)))(X)
    assert len(seen) == 3, "the way forward and the way back are Programs of their own"


def test_a_loop_is_one_program_for_the_executor(monkeypatch: pytest.MonkeyPatch):
    seen: list[str] = []

    def executor(body: Program, operands: Any) -> Any:
        seen.append(body.name)
        return interpret(body, operands)

    monkeypatch.setattr(call_module, "EXECUTE", [*EXECUTE, executor])
    f = lambda x: control.scan(lambda c, y: (np.sin(c * y), None), x, np.ones(3))[0]
    g = lambda x: control.while_loop(lambda c: c < 9.0, lambda c: c * 2.0, x)
    assert (f(0.5), g(3.0)) == (np.sin(np.sin(np.sin(0.5))), 12.0)
    # the whole first; an executor that interprets comes back to the steps, and to the loop no more
    assert seen == ["scan", *["<lambda>"] * 3, "while_loop", *["<lambda>"] * 5]
    seen.clear()
    grad(f)(0.5)
    assert seen.count("scan") == 2, "a scan forward and one back"


def test_both_modes_are_those_of_the_function():
    np.testing.assert_allclose(jvp(bound, (X, Y), (Y, X)), jvp(f, (X, Y), (Y, X)), rtol=1e-15)
    for k in (0, 1):
        got = grad(lambda *a: np.sum(bound(*a) ** 2), k)(X, Y)
        np.testing.assert_allclose(got, grad(lambda *a: np.sum(f(*a) ** 2), k)(X, Y), rtol=1e-14)


def test_second_derivatives_and_batches():
    square = lambda g: lambda x: np.sum(g(x, Y) ** 2)
    np.testing.assert_allclose(hessian(square(bound))(X), hessian(square(f))(X), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(jacobian(grad(square(bound)))(X), hessian(square(f))(X), rtol=1e-13, atol=1e-15)
    xs = np.stack([X, 2 * X])
    np.testing.assert_allclose(vmap(bound, (0, None))(xs, Y), vmap(f, (0, None))(xs, Y), rtol=1e-15)
    np.testing.assert_allclose(vmap(grad(square(bound)))(xs), vmap(grad(square(f)))(xs), rtol=1e-14)


def test_what_a_branch_left_out_stays_out():
    root = make_program(lambda x: np.where(x > 0, np.sqrt(x), 0.0))(X)
    x = np.array([0.0, 4.0, -1.0])
    with np.errstate(all="ignore"):
        inside = grad(lambda x: np.sum(call(x, program=root)[0]))(x)
        body = make_program(np.sqrt)(X)
        outside = grad(lambda x: np.sum(np.where(x > 0, call(x, program=body)[0], 0.0)))(x)
    np.testing.assert_array_equal(inside, [0.0, 0.25, 0.0])
    np.testing.assert_array_equal(outside, [0.0, 0.25, 0.0])


# ---- derived Programs


def test_derived_programs_are_made_once():
    body = program()
    avals = (aval_of(X), aval_of(Y))
    assert jvp_program(body, avals, (aval_of(X), None))[0] is jvp_program(body, avals, (aval_of(X), None))[0]
    stacked, mask = (aval_of(np.ones((2, 3))), aval_of(Y)), (True, False)
    assert batched_program(body, stacked, mask, 2)[0] is batched_program(body, stacked, mask, 2)[0]


def test_tangents_only_where_there_are_some():
    body = make_program(lambda x, y: (x * 2.0, np.sin(y), np.floor(x)))(X, Y)
    pushed, found = jvp_program(body, (aval_of(X), aval_of(Y)), (aval_of(X), None))
    assert found == (True, False, False)
    assert len(pushed.outputs) == 4
    pushed, found = jvp_program(body, (aval_of(X), aval_of(Y)), (aval_of(X), None), (True, True, False))
    assert found == (True, True, False)
    np.testing.assert_array_equal(pushed(X, Y, X)[4], np.zeros(3))


def test_other_types_restage():
    body = program()
    assert retyped(body, (aval_of(X), aval_of(Y))) is body
    single = X.astype(np.float32), Y.astype(np.float32)
    assert retyped(body, tuple(map(aval_of, single))).outputs[0].aval.dtype == np.float32
    assert make_program(lambda *a: call(*a, program=body))(*single).outputs[0].aval.dtype == np.float32


@pytest.mark.parametrize("x", [1.5, np.float32(1.5), np.array(1.5), np.float64(1.5), 1])
@pytest.mark.parametrize("to", [np.float64(0), np.array(0.0), np.float32(0), 0.0])
def test_coerced_values_have_the_type(x: Any, to: Any):
    out = coerced(x, aval_of(to))
    assert out == x
    if type(to) is not float:  # nothing makes a Python number of another one
        assert aval_of(out) == aval_of(to)


def test_the_two_ways_share_only_residuals():
    body = program()
    n = (True, True)
    split = split_program(body, (aval_of(X), aval_of(Y)), n, (False,), given=n, invariant=(False, False))
    names = [e.primitive.name for e in split.backward.equations]
    assert "sin" not in names, names
    assert "exp" not in names, names
    assert "cos" not in names, f"a factor that does not depend on the cotangent belongs to the way forward: {names}"
    outs = split.forward.evaluate([X, Y])
    np.testing.assert_array_equal(outs[0], f(X, Y))
    read = [x for x, r in zip((X, Y), split.reads, strict=True) if r]
    ds = split.backward.evaluate([*[outs[k] for k in split.sources], *read, np.ones(3)])
    _, pullback = vjp(f, X, Y)
    np.testing.assert_allclose(ds, pullback(np.ones(3)), rtol=1e-15)


def test_operands_that_are_there_are_no_residuals():
    body = make_program(lambda x, y: x * y)(X, Y)
    both, none = (True, True), (False, False)
    kept = split_program(body, (aval_of(X), aval_of(Y)), both, (False,), given=both, invariant=none)
    assert (len(kept.forward.outputs), kept.reads) == (1, both)
    not_there = split_program(body, (aval_of(X), aval_of(Y)), both, (False,), given=none, invariant=none)
    assert (len(not_there.forward.outputs), not_there.reads) == (3, none)


def test_an_output_is_used_as_its_own_residual():
    body = make_program(np.exp)(X)
    split = split_program(body, (aval_of(X),), (True,), (True,), given=(True,), invariant=(False,))
    assert split.sources == (0,)
    assert len(split.forward.outputs) == 1


def test_everything_goes_with_the_program():
    def use(body: Program) -> Any:
        marker = type("Marker", (), {})()
        body.cache["marker"] = marker
        grad(lambda x: np.sum(bound(x, Y, body)))(X)
        vmap(lambda x: bound(x, Y, body))(np.stack([X, X]))
        return weakref.ref(marker)

    gone = use(program())
    gc.collect()
    assert gone() is None


# ---- printing and checking


def test_programs_within_programs_are_indented():
    text = str(make_program(lambda x: call(x, Y, program=program())[0])(X))
    assert text.splitlines() == [
        "<lambda>(a: f64[3]) -> c",
        "  b: f64[3] = constant",
        "  c: f64[3] = call a b",
        "    program = f(a: f64[3], b: f64[3]) -> f",
        "      c: f64[3] = sin a",
        "      d: f64[3] = exp b",
        "      e: f64[3] = multiply c d",
        "      f: f64[3] = add e a",
    ]


def test_programs_within_programs_are_checked():
    body = program()
    wrong = Program(body.inputs, (), body.equations[::-1], body.outputs, "wrong")
    x, y = Var(aval_of(X)), Var(aval_of(Y))
    outer = Program((x, y), (), (Equation(call, (x, y), (Var(aval_of(X)),), {"program": wrong}),), (x,))
    with pytest.raises(ProgramError, match="wrong: equation 0"):
        check_program(outer)


def test_operands_must_have_the_shapes_of_the_program():
    with pytest.raises(ShapeError, match="was staged for input 1 of shape"):
        bound(X, np.ones(4))
