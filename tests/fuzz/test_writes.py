"""Random sequences of reads, views and writes: NumPy's values after every line, and exact derivatives of them.

NumPy itself runs each program on plain arrays: on floats for the values, on complex numbers for the derivatives, by the
complex step Im f(x + ih)/h with h = 1e-30, which subtracts nothing and is exact to rounding (Squire and Trapp 1998,
"Using complex variables to estimate derivatives of real functions", SIAM Review 40). ``WENGERT_FUZZ=N`` runs N programs.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.fuzz._writes import Program, generate

from wengert import grad, jvp, make_program, vjp, vmap
from wengert.errors import ConcretizationError, UnsupportedError, WengertError

COUNT = int(os.environ.get("WENGERT_FUZZ", "100"))
START = int(os.environ.get("WENGERT_FUZZ_START", "0"))
LENGTH = 9
STEP = 1e-30


@pytest.fixture(autouse=True)
def _flat_programs_are_programs_too() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def weights(k: int, shape: tuple[int, ...]) -> Any:
    return np.cos(0.7 * k + 0.9 * np.arange(int(np.prod(shape)))).reshape(shape)


def loss_of(run: Callable[..., Any], dtype: Any = float) -> Callable[..., Any]:
    """One number in which every element that the program shows has a weight of its own."""

    def loss(x: Any, n: Any) -> Any:
        total, k = 0.0, 0
        for arrays in run(x, n, dtype):
            for a in arrays:
                k += 1
                if a.dtype.kind in "fc":
                    total = total + np.sum(a * weights(k, a.shape))
        return total

    return loss


def complex_step(run: Callable[..., Any], x: Any, n: int) -> Any:
    """The gradient of a program by complex arithmetic in NumPy."""
    loss, out = loss_of(run, complex), np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        z = x.astype(complex)
        z[at] += 1j * STEP
        out[at] = loss(z, n).imag / STEP
    return out


def close(actual: Any, wanted: Any, tol: float, what: str, program: Program) -> None:
    scale = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
    np.testing.assert_allclose(actual, wanted, rtol=0, atol=tol * scale, err_msg=f"{what} of\n{program.source}")


def same_values(got: Any, want: Any, what: str, program: Program) -> None:
    assert len(got) == len(want)
    for k, (mine, numpys) in enumerate(zip(got, want, strict=True)):
        line = program.lines[min(k, len(program.lines) - 1)]
        for a, b in zip(mine, numpys, strict=True):
            kinds = [(type(y) is np.ndarray, np.shape(y), np.asarray(y).dtype) for y in (a, b)]
            assert kinds[0] == kinds[1], f"{what} after {line} of\n{program.source}"
            np.testing.assert_allclose(
                a, b, rtol=1e-13, atol=1e-13, err_msg=f"{what} after {line} of\n{program.source}"
            )


def check_plain(program: Program) -> None:
    """Reverse and forward mode on the program, watched after each line and not."""
    x = program.argument()
    for watch in (False, True):
        check_run(program, program.compiled(watch), x)


def check_run(program: Program, run: Callable[..., Any], x: Any) -> None:
    """Values and first derivatives, in both modes, of one way to run a program."""
    want, wanted = run(x.copy(), 1, float), complex_step(run, x, 1)
    given, t, loss = x.copy(), weights(3, x.shape), loss_of(run)
    same_values(vjp(lambda x: run(x, 1, float), given)[0], want, "reverse", program)
    assert np.array_equal(given, x), f"the caller's array has changed by\n{program.source}"
    close(grad(loss)(x, 1), wanted, 1e-11, "gradient", program)
    value, tangent = jvp(lambda x: loss(x, 1), (x,), (t,))
    close(value, loss(x.copy(), 1), 1e-12, "value", program)
    close(tangent, np.sum(wanted * t), 1e-11, "tangent", program)
    same_values(jvp(lambda x: run(x, 1, float), (x,), (t,))[0], want, "forward", program)


def check_second(program: Program) -> None:
    """The second derivative along a direction by all four pairs, against differences of exact first ones."""
    x, run = program.argument(), program.compiled(False)
    loss, t = loss_of(run), weights(3, x.shape)
    f = lambda x: loss(x, 1)
    over = grad(lambda x: jvp(f, (x,), (t,))[1])(x)
    h = 1e-5
    fine = (complex_step(run, x + h * t, 1) - complex_step(run, x - h * t, 1)) / (2 * h)
    coarse = (complex_step(run, x + 2 * h * t, 1) - complex_step(run, x - 2 * h * t, 1)) / (4 * h)
    if np.allclose(fine, coarse, rtol=1e-6, atol=1e-6):  # else there is a kink beside x
        close(over, fine, 1e-6, "second derivative", program)
    close(grad(lambda x: np.sum(grad(f)(x) * t))(x), over, 1e-11, "reverse over reverse", program)
    close(jvp(grad(f), (x,), (t,))[1], over, 1e-11, "forward over reverse", program)
    close(jvp(lambda x: jvp(f, (x,), (t,))[1], (x,), (t,))[1], np.sum(over * t), 1e-11, "forward over forward", program)


def check_batched(program: Program) -> None:
    """vmap over both arguments against NumPy on each element, of values and gradients."""
    run = program.compiled(False)
    xs, ns = np.stack([program.argument(), program.argument() * 1.001]), np.array([0, 1])
    try:
        got = vmap(lambda x, n: run(x, n, float))(xs.copy(), ns)
    except ConcretizationError:
        return  # the program asks for a value
    rows = [run(x.copy(), int(n), float)[0] for x, n in zip(xs, ns, strict=True)]
    same_values([got[0]], [[np.stack(pair) for pair in zip(*rows, strict=True)]], "vmap", program)
    wanted = np.stack([complex_step(run, x, int(n)) for x, n in zip(xs, ns, strict=True)])
    close(vmap(grad(loss_of(run)))(xs, ns), wanted, 1e-11, "vmap of grad", program)
    close(grad(lambda xs: np.sum(vmap(loss_of(run))(xs, ns)))(xs), wanted, 1e-11, "grad of vmap", program)


def check_staged(program: Program) -> None:
    """The Program of the values, and that of the gradient, where the function can be staged."""
    x, run = program.argument(), program.compiled(False)
    try:
        staged = make_program(lambda x, n: run(x, n, float))(x, 1)
        derivative = make_program(grad(loss_of(run)))(x, 1)
    except (ConcretizationError, UnsupportedError):
        return  # it asks for a value, or how an abstract array lies in memory
    for n in (0, 1):
        want = run(x.copy(), n, float)[0]
        same_values([staged.evaluate([x.copy(), n])], [want], "program", program)
        close(derivative(x.copy(), n), complex_step(run, x, n), 1e-11, "program of the gradient", program)


def check_refused(program: Program) -> None:
    """What NumPy refuses is refused."""
    if not program.refused:
        return
    run, x = program.compiled(False, refused=True), program.argument()
    for transform in (lambda f: vjp(f, x), lambda f: jvp(f, (x,), (x,))):
        try:
            transform(lambda x: run(x, 1, float))
        except (ValueError, IndexError, TypeError, WengertError):
            continue
        raise AssertionError(f"NumPy refuses {program.refused} after\n{program.source}")


CHECKS = [check_plain, check_second, check_batched, check_staged, check_refused]


@pytest.mark.parametrize("seed", range(START, START + COUNT))
def test_program(seed: int) -> None:
    program = generate(seed, LENGTH)
    for check in CHECKS:
        check(program)
