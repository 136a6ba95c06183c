"""vmap: axes, trees, nesting, and what it refuses."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from wengert import ShapeError, grad, jvp, value_and_grad, vmap
from wengert.ops.families import repeated

X = np.arange(12.0).reshape(4, 3) / 7
Y = np.cos(X)


def loop(f: Any, *stacks: Any) -> Any:
    return np.stack([f(*rows) for rows in zip(*stacks, strict=True)])


def test_in_axes() -> None:
    f = lambda x, y: np.outer(x, y)
    np.testing.assert_array_equal(vmap(f)(X, Y), loop(f, X, Y))
    np.testing.assert_array_equal(vmap(f, in_axes=(1, 0))(X.T, Y), loop(f, X, Y))
    np.testing.assert_array_equal(vmap(f, in_axes=(-1, -2))(X.T, Y), loop(f, X, Y))
    np.testing.assert_array_equal(vmap(f, in_axes=(None, 0))(X[0], Y), loop(lambda y: f(X[0], y), Y))
    np.testing.assert_array_equal(vmap(f, in_axes=[0, None])(X, Y[1]), loop(lambda x: f(x, Y[1]), X))
    np.testing.assert_array_equal(vmap(f, in_axes=1)(X.T, Y.T), loop(f, X, Y))


def test_out_axes() -> None:
    f = lambda x: np.outer(x, x[:2])
    want = loop(f, X)
    for axis in (0, 1, 2, -1, -2):
        np.testing.assert_array_equal(vmap(f, out_axes=axis)(X), np.moveaxis(want, 0, axis))
    a, b = vmap(lambda x: (np.sum(x), f(x)), out_axes=(0, 2))(X)
    assert a.shape == (4,)
    np.testing.assert_array_equal(b, np.moveaxis(want, 0, 2))
    shared = vmap(lambda x: {"y": x, "c": np.ones(2), "k": 3.0}, out_axes={"y": 1, "c": None, "k": None})(X)
    assert shared["y"].shape == (3, 4)
    np.testing.assert_array_equal(shared["c"], [1, 1])
    assert shared["k"] == 3.0


def test_outputs_that_do_not_depend_on_the_batch() -> None:
    y, c, k = vmap(lambda x: (x, np.arange(2), 3.0))(X)
    np.testing.assert_array_equal(y, X)
    np.testing.assert_array_equal(c, np.tile(np.arange(2), (4, 1)))
    np.testing.assert_array_equal(k, np.full(4, 3.0))
    c[0, 0] = 9  # memory of its own, that can be written to
    assert c[1, 0] == 0
    with pytest.raises(ShapeError, match=r"(?s)out_axes=None for an output that differs.*test_batch\.py"):
        vmap(lambda x: x, out_axes=None)(X)


def test_trees() -> None:
    f = lambda t, s: {"p": t["a"] * s, "q": [np.sum(t["b"][0])]}
    got = vmap(f)({"a": X, "b": (Y,)}, np.arange(4.0))
    np.testing.assert_array_equal(got["p"], X * np.arange(4.0)[:, None])
    np.testing.assert_array_equal(got["q"][0], Y.sum(1))
    got = vmap(f, in_axes=({"a": 0, "b": (None,)}, None))({"a": X, "b": (Y[0],)}, 2.0)
    np.testing.assert_array_equal(got["p"], 2 * X)
    np.testing.assert_array_equal(got["q"][0], np.full(4, Y[0].sum()))
    got = vmap(f, in_axes=({"a": 1, "b": 0}, 0))({"a": X.T, "b": (Y,)}, np.ones(4))
    np.testing.assert_array_equal(got["p"], X)


def test_keywords_are_shared() -> None:
    np.testing.assert_array_equal(vmap(lambda x, *, c: x * c)(X, c=Y[0]), X * Y[0])


def test_numbers() -> None:
    np.testing.assert_array_equal(vmap(lambda a, b: a * b + 1.0)(X[:, 0], Y[:, 0]), X[:, 0] * Y[:, 0] + 1)
    np.testing.assert_array_equal(vmap(lambda x: x[0])(X), X[:, 0])
    np.testing.assert_array_equal(vmap(lambda k: k * 2)(np.arange(3)), [0, 2, 4])
    assert vmap(lambda k: k * 2)(np.arange(3)).dtype == np.int64
    assert vmap(lambda x: x.astype(np.float32))(X).dtype == np.float32
    np.testing.assert_array_equal(vmap(lambda x: x)(np.array([1.0, 2.0])), [1.0, 2.0])


def test_a_batch_of_one_and_of_none() -> None:
    f = lambda x: np.sum(np.sin(x) * x)
    np.testing.assert_allclose(vmap(f)(X[:1]), loop(f, X[:1]))
    assert vmap(f)(X[:0]).shape == (0,)
    assert vmap(grad(f))(X[:0]).shape == (0, 3)


def test_broadcasting_inside_stays_inside() -> None:
    """The batch axis never meets an axis of the function."""
    square = np.arange(9.0).reshape(3, 3)
    for f in (lambda x: x + square, lambda x: square * x, lambda x: x[:, None] + x, lambda x: np.where(square > 4, x, 0.0), lambda x: x @ square,
              lambda x: square @ x, lambda x: np.concatenate([x, square[0]]), lambda x: np.stack([x, x * 2])[:, ::-1], lambda x: np.max(square - x),
              lambda x: np.einsum("i,ij->j", x, square), lambda x: np.maximum(x, 0.5), lambda x: np.broadcast_to(x, (2, 3)), lambda x: x.reshape(3, 1).T):  # fmt: skip
        rows = np.arange(9.0).reshape(3, 3) / 5  # as many rows as columns: a mistake would not show by its shape
        np.testing.assert_allclose(vmap(f)(rows), loop(f, rows))
        np.testing.assert_allclose(vmap(lambda c, x, f=f: f(x) + c, in_axes=(None, 0))(1.0, rows), loop(f, rows) + 1)


def test_nested() -> None:
    f = lambda x, y: np.sum(x * np.sin(y))
    table = vmap(vmap(f, in_axes=(None, 0)), in_axes=(0, None))(X, Y)
    np.testing.assert_allclose(table, [[f(x, y) for y in Y] for x in X])
    np.testing.assert_allclose(vmap(vmap(f, in_axes=(0, None)), in_axes=(None, 0))(X, Y), table.T)
    np.testing.assert_allclose(vmap(vmap(lambda x: x * x))(X), X * X)
    np.testing.assert_allclose(vmap(vmap(lambda x: x * x, out_axes=0), in_axes=1, out_axes=1)(X), X * X)
    np.testing.assert_allclose(vmap(vmap(vmap(lambda t: t + 1)))(X[None]), X[None] + 1)


def test_with_derivatives() -> None:
    f = lambda x: np.sum(np.exp(x) * x[::-1])
    np.testing.assert_allclose(vmap(grad(f))(X), loop(grad(f), X))
    values, ds = vmap(value_and_grad(f))(X)
    np.testing.assert_allclose(values, loop(f, X))
    np.testing.assert_allclose(ds, loop(grad(f), X))
    total = lambda w: np.sum(vmap(lambda x: np.tanh(x @ w))(X))
    np.testing.assert_allclose(grad(total)(Y[0]), X.T @ (1 - np.tanh(X @ Y[0]) ** 2))
    np.testing.assert_allclose(jvp(lambda x: vmap(f)(x), (X,), (Y,))[1], loop(lambda x, y: grad(f)(x) @ y, X, Y))
    per_example = vmap(grad(lambda w, x: np.tanh(x @ w)), in_axes=(None, 0))(Y[0], X)
    np.testing.assert_allclose(per_example.sum(0), grad(total)(Y[0]))


def test_writes() -> None:
    def f(x: Any, k: Any) -> Any:
        out = np.zeros((2, 3))
        out[0] = x
        out[1, k] = 1.0
        out[:, 0] += x[0]
        x[1] = 5.0
        return out * x

    ks = np.array([0, 1, 2, 1])
    given = X.copy()
    np.testing.assert_array_equal(vmap(f)(given, ks), np.stack([f(x.copy(), k) for x, k in zip(X, ks, strict=True)]))
    np.testing.assert_array_equal(given, X)


def test_what_does_not_fit() -> None:
    f = lambda *xs: xs[0]
    for run, text in (
        (
            lambda: vmap(f)(X, Y[:2]),
            r"batch axes differ in length: argument 0 has 4 along axis 0 \(shape \(4, 3\)\); argument 1 has 2",
        ),
        (lambda: vmap(f, in_axes=(0,))(X, Y), r"in_axes=\(0,\) names 1 arguments, the call has 2"),
        (lambda: vmap(f, in_axes=2)(X), r"argument 0 has shape \(4, 3\), and no axis 2"),
        (lambda: vmap(f)(3.0), r"argument 0 has shape \(\), and no axis 0 to run over.*in_axes with None"),
        (lambda: vmap(f, in_axes=None)(X), r"no argument has a batch axis.*in_axes=0"),
        (lambda: vmap(f)(), r"no argument has a batch axis"),
        (
            lambda: vmap(f, in_axes=({"a": 0, "b": 0},))({"a": X}),
            r"in_axes\[0\] = .* does not fit the structure \{'a': \*\}",
        ),
        (lambda: vmap(f, in_axes=((0, 0),))({"a": X}), r"in_axes\[0\] = \(0, 0\) does not fit the structure"),
        (lambda: vmap(f, in_axes=((0, 0),))([X]), r"in_axes\[0\] = \(0, 0\) does not fit the structure \[\*\]"),
        (lambda: vmap(f, in_axes=({"b": 0},))(X), r"in_axes\[0\] = \{'b': 0\} does not fit the structure \*"),
        (lambda: vmap(lambda x: [x, x], out_axes=(0,))(X), r"out_axes = \(0,\) does not fit the structure \[\*, \*\]"),
    ):
        with pytest.raises(ShapeError, match=rf"(?s)vmap.*: .*{text}") as caught:
            run()
        assert "test_batch.py:" in str(caught.value)


def test_the_order_of_keys_in_in_axes() -> None:
    got = vmap(lambda t: t["a"] * t["b"], in_axes=({"b": None, "a": 0},))({"a": X, "b": Y[0]})
    np.testing.assert_array_equal(got, X * Y[0])


def test_names_are_kept() -> None:
    def model(x: Any) -> Any:
        return x

    assert vmap(model).__name__ == "model"


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_what_is_repeated_lies_in_memory_as_it_did(order: tuple[int, ...]) -> None:
    """How arrays lie decides what shares memory with them."""
    x = np.arange(24.0).reshape(2, 3, 4).transpose(order)
    for y in (x, x[::-1]):
        for element in repeated(y, 3):
            np.testing.assert_array_equal(element, y)
            assert np.argsort(element.strides).tolist() == np.argsort(np.abs(y.strides)).tolist()


@pytest.mark.parametrize("index", [slice(None), slice(1, 3), np.array([0, 2])])
@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)])
def test_what_is_written_may_have_leading_axes_of_length_one(index: Any, axes: tuple[Any, Any]) -> None:
    def f(x: Any, v: Any) -> Any:
        y = x * 1.0
        y[index] = v[None, None]
        return y

    n = len(np.arange(3)[index])
    v = np.arange(4.0 * n).reshape(4, n) + 100
    args = [a if axis == 0 else a[0] for a, axis in zip((X, v), axes, strict=True)]
    want = loop(f, *(a if axis == 0 else np.stack([a] * 4) for a, axis in zip(args, axes, strict=True)))
    np.testing.assert_array_equal(vmap(f, in_axes=axes)(*args), want)
