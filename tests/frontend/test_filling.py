"""Loops that fill arrays: recurrences, tables, elimination, stencils."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.frontend._harness import Case, check, draw

from wengert import EscapeError, UnsupportedError, grad, jvp, make_program, vjp, vmap

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


# ---- .flat, ufunc.at, and rows by an integer that is traced


def by_flat(x: Any) -> Any:
    a, z = x * 1.0, np.zeros(x.shape)
    a.flat[1] = x[0, 0] ** 2
    a.T.flat[2:] = x[1]
    a.flat[[0, -1, 0]] = [x[0, 1], 3.0, x[1, 1]]
    a.flat[np.array([True, False] * 3)] *= 2.0
    z.flat = x[0]
    z.T.flat[...] = z.flat[::-1] * x.flat[3]
    z[0, 0, ...].flat[0] = a.flat[2]
    return (
        a,
        z,
        np.array(list(a.flat)),
        np.sum(np.sin(z.flat)),
        x.flat[[[0, 1], [5, 4]]],
        x.flat.copy(),
        a.flat == a.flat,
    )


def test_flat() -> None:
    check(Case("flat", by_flat, (X,)))


def test_flat_as_numpys() -> None:
    def f(x: Any) -> Any:
        it = x.flat
        first, second = next(it), next(it)
        assert (it.index, it.coords, len(it), isinstance(it, np.flatiter)) == (2, (0, 2), 6, True)
        assert it.base is x
        for wrong, error in (
            (lambda: x.flat[9], IndexError), (lambda: x.flat[[7]], IndexError),
            (lambda: x.flat.__setitem__(0, [1.0, 2.0]), ValueError), (lambda: hash(x.flat), TypeError),
        ):  # fmt: skip
            with pytest.raises(error):
                wrong()
        return first * second + np.sum(list(it)[-1]) + np.sum(np.array(x.flat) * x.ravel())

    check(Case("flat", f, (X,), abstract=False))


def test_flat_refuses_a_value_that_changes_meanwhile() -> None:
    def f(x: Any) -> Any:
        a = x * 1.0
        a.flat[1:] = a.ravel()[:-1]
        return np.sum(a)

    for run in (grad(f), lambda x: jvp(f, (x,), (x,)), make_program(f)):
        with pytest.raises(UnsupportedError, match=r"(?s)changes meanwhile.*test_filling\.py.*value\.copy\(\)"):
            run(X)


AT: dict[str, Function] = {
    "add": lambda x: (a := np.zeros((2, 3)), np.add.at(a, ([0, 1, 0, 0], [1, 2, 1, 0]), x.ravel()[:4]), a)[2],
    "subtract": lambda x: (a := x * 1.0, np.subtract.at(a, [0, 0, 1], x[1]), a)[2],
    "multiply": lambda x: (a := x * 1.0, np.multiply.at(a, ([0, 1, 0, 0], [1, 2, 1, 1]), x.ravel()[:4]), a)[2],
    "divide": lambda x: (a := x * 1.0, np.divide.at(a.T, [0, 2, 0], x[:, 1]), a)[2],
    "power": lambda x: (a := x * 1.0, np.power.at(a[0], [0, 1, 0], x[1]), a)[2],
    "maximum": lambda x: (a := x * 1.0, np.maximum.at(a.ravel(), [0, 3, 0, 1], x.ravel()[2:]), a)[2],
    "minimum of one": lambda x: (a := x * 1.0, np.minimum.at(a, 0, 0.9), np.minimum.at(a, (1, 1), x[0, 0]), a)[3],
    "of one operand": lambda x: (a := x * 1.0, np.sin.at(a, [0, 0]), np.negative.at(a, (slice(None), [2])), a)[3],
    "by a mask": lambda x: (a := x * 1.0, np.multiply.at(a, np.array([True, False]), x[1]), a)[2],
    "of its own value": lambda x: (a := x * 1.0, np.multiply.at(a, [0, 0], a[0]), a)[2],
    "without axes": lambda x: (a := x[0, 0, ...] * 1.0 + np.zeros(()), np.array(a) * 2.0)[1],
    "into integers": lambda x: (k := np.zeros(3, int), np.add.at(k, [0, 2, 2], 1), x * k)[2],
}


@pytest.mark.parametrize("name", AT)
def test_ufunc_at(name: str) -> None:
    check(Case(name, AT[name], (X,)))


def test_ufunc_at_by_traced_indices() -> None:
    ks = np.array([[0, 2, 0], [1, 1, 1]])

    def f(x: Any, k: Any) -> Any:
        a, b = x * 1.0, np.zeros(3)
        np.multiply.at(a, k, np.array([2.0, 3.0, 5.0]) * x)
        np.add.at(b, k, x)
        return a * b

    want = [f(V, k) for k in ks]
    np.testing.assert_allclose(vmap(f, in_axes=(None, 0))(V, ks), want, rtol=1e-13)
    got = vmap(grad(lambda x, k: np.sum(f(x, k))), in_axes=(None, 0))(V, ks)
    np.testing.assert_allclose(got, [grad(lambda x, k=k: np.sum(f(x, k)))(V) for k in ks], rtol=1e-13)
    check(Case("at", lambda x: f(x, ks[0]), (V,)))


def test_ufunc_at_does_not_truncate() -> None:
    def f(x: Any) -> Any:
        k = np.zeros(3, int)
        np.add.at(k, [0], x[:1])
        return np.sum(k * x)

    with pytest.raises(EscapeError, match=r"(?s)truncated in an array of int64.*test_filling\.py.*dtype=float"):
        grad(f)(V)


def rows_by_traced_integers(x: Any, k: Any) -> Any:
    a, z = x * 1.0, np.zeros((2, 3))
    row, column = a[k], a[:, k]
    row[...] = np.sin(x[0])
    column *= 2.0
    z[k][1:] += x[1, :2]
    inner = z.T[1:, k][::-1]
    a[0] = row * 3.0
    inner[0] = np.sum(column)
    return a, z, row, column, inner


def test_rows_by_traced_integers_are_views() -> None:
    xs, ks = np.stack([X, X + 0.3]), np.array([0, 1])
    got = vmap(rows_by_traced_integers)(xs, ks)
    for k, x in zip(ks, xs, strict=True):
        for mine, numpys in zip(got, rows_by_traced_integers(x, int(k)), strict=True):
            np.testing.assert_allclose(mine[k], numpys, rtol=1e-14)

    def loss(x: Any, k: Any) -> Any:
        return sum(np.sum(np.cos(v) * v) for v in rows_by_traced_integers(x, k))

    want = [grad(lambda x, k=int(k): loss(x, k))(x) for x, k in zip(xs, ks, strict=True)]
    np.testing.assert_allclose(vmap(grad(loss))(xs, ks), want, rtol=1e-12)
    program = make_program(grad(loss))(X, 1)
    for k in (0, 1):
        np.testing.assert_allclose(program(X, k), grad(lambda x, k=k: loss(x, k))(X), rtol=1e-12)


# ---- what lies in memory with gaps, or backwards


def through_memory(x: Any) -> Any:
    x[0] = x[1] * 2
    y = x.reshape(-1)
    y[2] = 5.0
    z = x[::-1].ravel()
    z[0] = 9.0
    w = x[::-1].T
    w[0] *= 3.0
    x += np.asfortranarray(x)
    x.reshape(-1)[1] *= 7.0
    return x, y, z, w


LAYOUTS: dict[str, Function] = {
    "rows": lambda b: b[:, :2].copy(), "columns": lambda b: b[:, :2].copy("F"), "every other": lambda b: b[:, ::2],
    "part": lambda b: b[1:, 1:3], "backwards": lambda b: b[:, ::-2], "upwards": lambda b: b[::-1, :2], "turned": lambda b: b[:, :3].T,
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arguments_as_they_lie(layout: str) -> None:
    """A write to an argument does not change which reshapes of it are views."""
    base = np.arange(1.0, 13.0).reshape(3, 4)
    x = LAYOUTS[layout](base)
    want = through_memory(LAYOUTS[layout](base.copy()))
    for got in (
        vjp(through_memory, x)[0],
        jvp(through_memory, (x,), (x,))[0],
        make_program(through_memory)(x).evaluate([x]),
    ):
        for mine, numpys in zip(got, want, strict=True):
            np.testing.assert_allclose(mine, numpys, rtol=1e-14)
    first = grad(lambda x: sum(np.sum(np.sin(v)) for v in through_memory(x)))(x)
    assert np.all(np.isfinite(first))
    _, pullback = vjp(lambda x: sum(np.sum(np.sin(v)) for v in through_memory(x)), x)
    np.testing.assert_allclose(pullback(1.0)[0], first, rtol=1e-13)
    np.testing.assert_array_equal(base, np.arange(1.0, 13.0).reshape(3, 4))


def test_masks_that_do_not_fit() -> None:
    for mask in ([True, False, True], [False] * 4, np.zeros((2, 2), bool), (slice(None), [True, True]), (..., [False])):
        for use in (lambda x, m=mask: np.sum(x[m]), lambda x, m=mask: (x.__setitem__(m, 0.0), np.sum(x))[1]):
            with pytest.raises(IndexError):
                use(X.copy())
            for run in (grad(use), lambda x, use=use: jvp(use, (x,), (x,)), make_program(use)):
                with pytest.raises(IndexError):
                    run(X)


def test_writes_that_do_not_fit_are_refused_while_staged() -> None:
    for write in (
        lambda a: a.__setitem__(7, 1.0),
        lambda a: a.__setitem__(0, a[:, 0]),
        lambda a: a[0].__setitem__(3, 0.0),
    ):

        def f(x: Any, write: Any = write) -> Any:
            a = x * 1.0
            with pytest.raises((ValueError, IndexError)):
                write(a)
            return a

        np.testing.assert_array_equal(make_program(f)(X)(X), X)
