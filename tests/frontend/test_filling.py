"""Loops that fill arrays: recurrences, tables, elimination, stencils."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.frontend._harness import Case, check, draw

from wengert import grad

V, X = draw("V", 3), draw("X", 2, 3)
Function = Callable[[Any], Any]


def recurrence(x: Any) -> Any:
    out = np.zeros(6)
    out[0] = x[0]
    for k in range(1, 6):
        out[k] = np.sin(out[k - 1]) * x[1] + x[2]
    return out


def table(x: Any) -> Any:
    out = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            out[i, j] = x[i] * x[j] ** 2
    return out @ x


def elimination(x: Any) -> Any:
    """Gaussian elimination with row swaps, in place."""
    a = np.outer(x, x) + np.diag([3.0, 1.0, 2.0])
    b = x.copy()
    n = len(b)
    for k in range(n):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        a[[k, pivot]] = a[[pivot, k]]
        b[k], b[pivot] = b[pivot] * 1.0, b[k] * 1.0
        for i in range(k + 1, n):
            m = a[i, k] / a[k, k]
            a[i, k:] -= m * a[k, k:]
            b[i] -= m * b[k]
    for k in range(n - 1, -1, -1):
        b[k] = (b[k] - a[k, k + 1 :] @ b[k + 1 :]) / a[k, k]
    return b


def grow(x: Any) -> Any:
    values = [x[0]]
    for k in range(4):
        values.append(values[-1] * x[k % 3])
    return np.array(values)


def euler(x: Any) -> Any:
    state = np.array([x[0], x[1]])
    path = np.zeros((5, 2))
    for k in range(5):
        path[k] = state
        state += 0.1 * np.array([state[1], -x[2] * state[0]])
    return path


def prefix(x: Any) -> Any:
    y = x.copy()
    y[1:] += y[:-1]
    y[1:] *= y[:-1]
    return y


LOOPS = [recurrence, table, elimination, grow, euler, prefix]


@pytest.mark.parametrize("f", LOOPS, ids=lambda f: f.__name__)
def test_loop(f: Function) -> None:
    check(Case(f.__name__, f, (V,), abstract=f is not elimination))


def test_stencil() -> None:
    def f(x: Any) -> Any:
        grid = np.zeros((4, 4))
        grid[1:3, 1:3] = x[0]
        for _ in range(3):
            inner = grid[1:-1, 1:-1]
            inner[:] = (grid[:-2, 1:-1] + grid[2:, 1:-1] + grid[1:-1, :-2] + grid[1:-1, 2:]) / 4 + x[1]
            grid[0, 1:] = x
            grid[0, 0] = grid[1, 1]
        return grid

    check(Case("stencil", f, (V,)))


def test_elimination_is_a_solve() -> None:
    x = V
    a = np.outer(x, x) + np.diag([3.0, 1.0, 2.0])
    np.testing.assert_allclose(elimination(x), np.linalg.solve(a, x), rtol=1e-12)


def test_filling_is_linear_in_the_tape() -> None:
    """Cotangents of reads and writes accumulate in one buffer: the derivative of 3000 steps is exact and quick."""
    n = 3000

    def f(x: Any) -> Any:
        y = np.zeros(n)
        y[0] = x
        for k in range(1, n):
            y[k] = y[k - 1] * x
        return y[n - 1]

    x = 1.0 + 1e-4
    assert abs(grad(f)(x) - n * x ** (n - 1)) < 1e-9 * n
