"""Reading parts of arrays: every kind of index, by position, by array, by mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.frontend._harness import Case, check, draw

from wengert import ConcretizationError, EscapeError, UnsupportedError, grad, jacfwd, jit, make_program, vmap

X, T, V = draw("X", 2, 3), draw("T", 2, 3, 4), draw("V", 5)
I2 = np.array([1, 0])

READS: dict[str, Callable[[Any], Any]] = {
    "int": lambda x: x[1],
    "negative int": lambda x: x[-1],
    "ints": lambda x: x[1, 2, 3],
    "NumPy int": lambda x: x[np.int64(1), np.intp(-1)],
    "slice": lambda x: x[:, 1:],
    "step": lambda x: x[:, ::2],
    "backwards": lambda x: x[::-1, :, ::-2],
    "empty slice": lambda x: x[:, 2:1],
    "slice of NumPy ints": lambda x: x[:, np.int64(0) : np.int64(2)],
    "ellipsis": lambda x: x[..., 1],
    "ellipsis in the middle": lambda x: x[1, ..., 2],
    "ellipsis alone": lambda x: x[...],
    "ellipsis without axes": lambda x: x[0, 1, 2, ...],
    "new axis": lambda x: x[None, :, None, 1],
    "new axis by name": lambda x: x[..., np.newaxis],
    "empty tuple": lambda x: x[()],
    "list": lambda x: x[[1, 0, 1]],
    "empty list": lambda x: x[[]],
    "array": lambda x: x[:, I2],
    "array of arrays": lambda x: x[np.array([[0, 1], [1, 1]])],
    "array without axes": lambda x: x[np.array(1)],
    "negative array": lambda x: x[:, [-1, -3]],
    "two arrays": lambda x: x[I2, [2, 0]],
    "two arrays that broadcast": lambda x: x[I2[:, None], [2, 0, 1]],
    "arrays apart": lambda x: x[I2, :, [3, 0]],
    "arrays apart after a new axis": lambda x: x[None, I2, :, [3, 0]],
    "array and int": lambda x: x[I2, 1],
    "int, then array": lambda x: x[1, :, [0, 3]],
    "array in the middle": lambda x: x[:, [2, 0, 2], 1:],
    "three arrays": lambda x: x[I2, [0, 1], [1, 2]],
    "np.ix_": lambda x: x[np.ix_([1, 0], [0, 2], [3, 1])],
    "mask": lambda x: x[np.array([True, False])],
    "mask on an axis": lambda x: x[:, np.array([True, False, True])],
    "mask of two axes": lambda x: x[np.array([[True, False, True], [False, True, True]])],
    "mask and int": lambda x: x[np.array([False, True]), 2],
    "mask and array": lambda x: x[np.array([True, True]), [0, 2]],
    "list of bools": lambda x: x[[True, False]],
    "empty mask": lambda x: x[np.zeros(2, bool)],
    "constant handle": lambda x: x[:, np.arange(2)] + x[np.array([1]), np.zeros(1, int)][:, :1],
    "range": lambda x: x[:, list(range(2))],
    "chain": lambda x: x[1][1:][:, 2][0],
    "argsort": lambda x: x[:, [1, 0, 2], 0][:, np.argsort([3, 1, 2])],
}


@pytest.mark.parametrize("name", READS)
def test_read(name: str) -> None:
    check(Case(name, READS[name], (T,)))


def test_mask_that_depends_on_the_values() -> None:
    check(Case("mask", lambda x: x[x > 1.0] ** 2, (X,), abstract=False))
    check(Case("mask of rows", lambda x: x[x[:, 0] > 0.5], (X,), abstract=False))
    check(Case("mask of a part", lambda x: x[:, 0][x[:, 0] > 0.5], (X,), abstract=False))


def test_the_index_of_the_largest() -> None:
    check(Case("argmax", lambda x: x[np.argmax(x)] * np.argmax(x), (V,)))
    check(Case("argsort", lambda x: x[np.argsort(x)] * np.arange(5.0), (V,)))
    check(Case("unravel", lambda x: x[np.unravel_index(3, x.shape)], (X,)))


def test_indices_in_a_batch() -> None:
    xs, at = draw("xs", 4, 5), np.array([[0, 1], [4, 4], [-1, 2], [3, 0]])
    for f in (lambda x, i: x[i], lambda x, i: x[i[0]], lambda x, i: x[i][::-1] * i, lambda x, i: np.outer(x, x)[i, i[0]],
              lambda x, i: np.take(x, i, mode="wrap"), lambda x, i: np.outer(x, x)[:, i], lambda x, i: x[None, None][0, :, i]):  # fmt: skip
        want = np.stack([f(x, i) for x, i in zip(xs, at, strict=True)])
        np.testing.assert_array_equal(vmap(f)(xs, at), want)
        np.testing.assert_array_equal(vmap(f, in_axes=(None, 0))(xs[0], at), np.stack([f(xs[0], i) for i in at]))
        slope = lambda x, i, f=f: grad(lambda x: np.sum(f(x, i) ** 2))(x)
        np.testing.assert_allclose(vmap(slope)(xs, at), np.stack([slope(x, i) for x, i in zip(xs, at, strict=True)]))


def test_indices_as_inputs_of_a_program() -> None:
    program = make_program(lambda x, i: x[i] * x[0])(V, 3)
    assert program(V, 1) == V[1] * V[0]
    rows = make_program(lambda x, i: x[i])(X, I2)
    np.testing.assert_array_equal(rows(X, np.array([0, 0])), X[[0, 0]])


def refused(f: Callable[[Any], Any], error: type[Exception], text: str) -> None:
    for run in (grad(lambda x: np.sum(f(x))), jacfwd(f)):
        with pytest.raises(error, match=text) as caught:
            run(V)
        assert "test_indexing.py" in str(caught.value) or error is IndexError


def test_a_traced_float_is_no_index() -> None:
    refused(lambda x: x[x[0]], EscapeError, "a traced f64 is not an index")
    refused(lambda x: V[x[0]], (IndexError, EscapeError), "index")
    refused(lambda x: x[: x[0]], TypeError, "cannot be an index or a count")
    refused(lambda x: [1.0, 2.0][x[0]] * x, TypeError, "cannot be an index or a count")
    refused(lambda x: x[0] * len(range(x[1])), TypeError, "cannot be an index or a count")


def test_indices_that_numpy_refuses() -> None:
    for f in (
        lambda x: x[7],
        lambda x: x[0, 0],
        lambda x: x[[9]],
        lambda x: x["a"],
        lambda x: x[1.0],
        lambda x: x[[0.5]],
    ):
        with pytest.raises(IndexError):
            f(V)
        with pytest.raises(IndexError):
            grad(lambda x, f=f: np.sum(f(x)))(V)
    refused(lambda x: x[True, 0], UnsupportedError, "a single True or False")


def test_one_truth_is_a_mask_without_axes() -> None:
    def f(x: Any) -> Any:
        y, z = x * 1.0, x[0, ...] * 2.0
        y[np.True_] *= x
        y[False] = 7.0
        w = np.array(z)
        w[w > 0.0] = x[1]
        return np.concatenate([y[True], x[False], w[None, None] * np.ones((1, 5))])

    check(Case("truth", f, (V,), abstract=False))


def test_a_mask_of_unknown_truth_shows_the_rewrite() -> None:
    for run in (lambda: vmap(lambda x: np.sum(x[x > 1.0]))(X), lambda: make_program(lambda x: x[x > 1.0])(V)):
        with pytest.raises(
            ConcretizationError, match=r"(?s)unknown shape.*test_indexing\.py.*write: np\.where\(mask, x, 0\.0\)"
        ):
            run()


TRACED: dict[str, Callable[[Any, Any], Any]] = {
    "read": lambda x, k: x[k] * x[k, 1],
    "read by a list": lambda x, k: x[[k, 0, k]],
    "read by lists": lambda x, k: x[[[k], [0]], [1, k]],
    "an own row": lambda x, k: (y := x * 1.0, y.__setitem__(k, y[0]), y)[2],
    "an own number": lambda x, k: (y := x * 1.0, y.__setitem__((k % 2, 1), y[0, 2]), y)[2],
    "own rows by a list": lambda x, k: (y := x * 1.0, y.__setitem__([k, 0], y[::-1]), y)[2],
    "rows by a list": lambda x, k: (y := x * 1.0, y.__setitem__([0, k], x * x), y)[2],
}


@pytest.mark.parametrize("name", TRACED)
def test_indices_that_are_arguments_of_a_staged_function(name: str) -> None:
    def f(x: Any, k: Any) -> Any:
        return np.sum(TRACED[name](x, k) ** 2)

    k = np.array(1)
    exact = np.array([[f(X + 1e-30j * e.reshape(X.shape), 1).imag / 1e-30 for e in np.eye(6)]]).reshape(X.shape)
    for run in (grad(f), jit(grad(f)), make_program(grad(f))(X, k)):
        np.testing.assert_allclose(run(X, k), exact, rtol=1e-14)
    rows = vmap(grad(f), in_axes=(None, 0))(X, np.array([1, 1]))
    np.testing.assert_allclose(rows, np.stack([exact, exact]), rtol=1e-14)
