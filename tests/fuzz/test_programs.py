"""Random programs: NumPy's values, the derivatives of central differences, and every mode the same."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np
import pytest
from tests.fuzz._programs import Program, generate

from wengert import grad, hvp, jacfwd, jacrev, jvp, linearize, make_program, value_and_grad, vjp, vmap
from wengert.errors import ConcretizationError

COUNT = int(os.environ.get("WENGERT_FUZZ", "125"))
START = int(os.environ.get("WENGERT_FUZZ_START", "0"))


@pytest.fixture(params=range(START, START + COUNT))
def program(request: pytest.FixtureRequest) -> Program:
    return generate(request.param, 6 + request.param % 25)  # up to 30 statements


@pytest.fixture(autouse=True)
def _flat_programs_are_programs_too() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zero derivatives, and what NumPy says beside a kink
        yield


def plain(program: Program, x: Any) -> Any:
    """NumPy's value."""
    return program.loss(x.copy(), program.y.copy())


def differences(program: Program, step: float) -> Any:
    """Central differences of NumPy's values."""
    out = np.zeros(program.x.shape)
    for at in np.ndindex(out.shape):
        e = np.zeros(out.shape)
        e[at] = step
        out[at] = (plain(program, program.x + e) - plain(program, program.x - e)) / (2 * step)
    return out


def close(actual: Any, wanted: Any, tol: float = 1e-8) -> None:
    np.testing.assert_allclose(actual, wanted, rtol=tol, atol=tol * max(1.0, float(np.max(np.abs(wanted)))))


def direction(x: Any) -> Any:
    return np.cos(np.arange(x.size)).reshape(x.shape)


def flat(program: Program) -> Any:
    """All that the program computes, in one row."""
    return lambda x, y: np.concatenate([np.ravel(v) for v in program.run(x, y)])


def test_value_and_gradient(program: Program) -> None:
    x, y = program.x.copy(), program.y.copy()
    value, (gx, gy) = value_and_grad(program.loss, (0, 1))(x, y)
    assert np.array_equal(x, program.x), "the caller's array has changed"
    assert np.array_equal(y, program.y), "the caller's array has changed"
    close(value, plain(program, x))
    close(grad(program.loss)(x, y), gx, 1e-12)
    fine, coarse = differences(program, 1e-6), differences(program, 1e-5)
    if np.allclose(fine, coarse, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(fine).max())):  # else there is a kink beside x
        close(gx, coarse, 2e-4)
    _, pullback = vjp(program.loss, x, y)
    first = pullback(1.0)
    first[0][...] = np.nan  # one result is written to: the others stay
    close(pullback(1.0)[0], gx, 1e-12)
    close(pullback(2.0)[1], 2 * gy, 1e-12)


def test_modes_agree(program: Program) -> None:
    x, y = program.x, program.y
    gx, t = grad(program.loss)(x, y), direction(program.x)
    value, tangent = jvp(program.loss, (x, y), (t, None))
    close(value, plain(program, x))
    close(tangent, np.sum(gx * t))
    close(jacfwd(flat(program))(x, y), jacrev(flat(program))(x, y))
    value, push = linearize(program.loss, x, y)
    close(push(2 * t, np.zeros_like(y)), 2 * tangent)


def test_second_order(program: Program) -> None:
    x, t = program.x, direction(program.x)

    def loss(x: Any) -> Any:
        return program.loss(x, np.array(program.y))

    over = hvp(loss, x, t)
    close(grad(lambda x: np.sum(grad(loss)(x) * t))(x), over)
    close(grad(lambda x: jvp(loss, (x,), (t,))[1])(x), over)
    close(jvp(lambda x: jvp(loss, (x,), (t,))[1], (x,), (t,))[1], np.sum(over * t))


def test_staged_and_batched(program: Program) -> None:
    x, y = program.x, program.y
    other = x + 0.01 * direction(x)
    try:
        staged = make_program(program.loss)(x, y)
        batched = vmap(program.loss, in_axes=(0, None))(np.stack([x, other]), y)
    except ConcretizationError:  # the program asks for a value
        return
    close(staged(other, y), plain(program, other))
    close(batched, [plain(program, x), plain(program, other)])
    rows = vmap(grad(program.loss), in_axes=(0, None))(np.stack([x, other]), y)
    close(rows, [grad(program.loss)(x, y), grad(program.loss)(other, y)])
    close(grad(staged)(x, y), rows[0])
