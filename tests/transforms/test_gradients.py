"""grad, value_and_grad and vjp: arguments, trees, auxiliary values, what they return and what they refuse."""

from __future__ import annotations

import functools
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from wengert import (
    DerivativeError,
    ShapeError,
    elementwise_grad,
    grad,
    pytree,
    value_and_grad,
    vjp,
)

V = np.array([0.3, -0.7, 1.1])
M = np.array([[1.0, 2.0, 0.5], [0.3, -1.0, 2.0]])


def loss(w: Any, b: Any, x: Any, scale: float = 1.0) -> Any:
    return scale * np.sum(np.tanh(x @ w + b) ** 2)


W, B, XS = np.array([0.5, -0.2]), 0.1, np.arange(6.0).reshape(3, 2) / 5


# ---- argnums


def test_argnums() -> None:
    every = grad(loss, (0, 1, 2))(W, B, XS)
    assert [type(d) for d in every] == [np.ndarray, float, np.ndarray]
    for k in range(3):
        np.testing.assert_array_equal(grad(loss, k)(W, B, XS), every[k])
        np.testing.assert_array_equal(grad(loss, k - 3)(W, B, XS), every[k])
        np.testing.assert_array_equal(grad(loss, np.int64(k))(W, B, XS), every[k])
        (alone,) = grad(loss, (k,))(W, B, XS)
        np.testing.assert_array_equal(alone, every[k])
    backwards = grad(loss, (2, -3))(W, B, XS)
    np.testing.assert_array_equal(backwards[0], every[2])
    np.testing.assert_array_equal(backwards[1], every[0])
    assert grad(loss, ())(W, B, XS) == ()
    listed = grad(loss, [0, 1])(W, B, XS)
    assert isinstance(listed, tuple)
    assert listed[1] == every[1]


@pytest.mark.parametrize("argnums", [3, -4, (0, 5)])
def test_argnums_beyond_the_arguments(argnums: Any) -> None:
    with pytest.raises(
        DerivativeError,
        match=r"(?s)grad\(loss\): argnums=.* but the call has 3 positional arguments.*test_gradients\.py.*from 0 to 2; keyword",
    ):
        grad(loss, argnums)(W, B, XS)
    with pytest.raises(DerivativeError, match="has 0 positional arguments"):
        grad(loss)(w=W, b=B, x=XS)


@pytest.mark.parametrize("argnums", [(0, 0), (0, -3), (1, 2, 1)])
def test_an_argument_named_twice(argnums: Any) -> None:
    with pytest.raises(DerivativeError, match=r"(?s)names an argument twice.*test_gradients\.py"):
        grad(loss, argnums)(W, B, XS)


def test_value_and_grad() -> None:
    value, d = value_and_grad(loss)(W, B, XS)
    assert value == loss(W, B, XS)
    assert type(value) is np.float64
    np.testing.assert_array_equal(d, grad(loss)(W, B, XS))
    value, (dw, db) = value_and_grad(loss, (0, 1))(W, B, XS)
    np.testing.assert_array_equal(dw, d)
    assert value == loss(W, B, XS)
    assert type(db) is float


def test_keyword_arguments_are_not_differentiated() -> None:
    np.testing.assert_allclose(grad(loss)(W, B, x=XS, scale=3.0), 3 * grad(loss)(W, B, XS))
    assert grad(lambda x, *, y: x * y)(2.0, y=5.0) == 5.0
    assert grad(lambda x, *rest: x * sum(rest))(2.0, 3.0, 4.0) == 7.0


# ---- auxiliary values


def test_aux() -> None:
    def f(x: Any) -> Any:
        y = np.sin(x)
        return np.sum(y), {"y": y, "n": 3, "text": "as it is", "none": None, "half": (y[0], [np.ones(2)])}

    d, aux = grad(f, has_aux=True)(V)
    np.testing.assert_array_equal(d, np.cos(V))
    np.testing.assert_array_equal(aux["y"], np.sin(V))
    assert type(aux["y"]) is np.ndarray
    assert type(aux["half"][0]) is np.float64
    assert type(aux["half"][1][0]) is np.ndarray
    assert aux["n"] == 3
    assert aux["text"] == "as it is"
    (value, aux), d = value_and_grad(f, has_aux=True)(V)
    assert value == np.sum(np.sin(V))
    np.testing.assert_array_equal(aux["y"], np.sin(V))
    _, pullback, aux = vjp(f, V, has_aux=True)
    np.testing.assert_array_equal(pullback(1.0)[0], np.cos(V))
    assert aux["n"] == 3


@pytest.mark.parametrize("out", [lambda x: x * x, lambda x: (x, x, x), lambda x: [x, x], lambda x: {"loss": x}])
def test_aux_needs_a_pair(out: Any) -> None:
    with pytest.raises(
        DerivativeError, match=r"(?s)has_aux=True\): the function must return \(loss, aux\).*test_gradients\.py"
    ):
        grad(out, has_aux=True)(2.0)


# ---- trees of arguments


@dataclass(frozen=True)
class Layer:
    weight: Any
    bias: Any
    name: str = pytree.static(default="layer")
    inner: Any = None

    def __call__(self, x: Any) -> Any:
        return np.tanh(x @ self.weight + self.bias)


Pair = namedtuple("Pair", "a b")


def layer_loss(layer: Layer, x: Any) -> Any:
    return np.sum(layer(x) ** 2)


def test_dataclasses() -> None:
    layer = Layer(M.T, np.zeros(2), "first")
    d = grad(layer_loss)(layer, V)
    assert type(d) is Layer
    assert d.name == "first"
    assert d.inner is None
    y = np.tanh(V @ M.T)
    np.testing.assert_allclose(d.bias, 2 * y * (1 - y * y), rtol=1e-14)
    np.testing.assert_allclose(d.weight, np.outer(V, d.bias), rtol=1e-14)
    nested = Layer(layer, Pair(1.5, [V]))
    d = grad(lambda n: layer_loss(n.weight, n.bias.b[0]) * n.bias.a)(nested)
    assert type(d.weight) is Layer
    assert type(d.bias) is Pair
    assert type(d.bias.a) is float
    assert d.bias.a == layer_loss(layer, V)


def test_containers() -> None:
    tree = {"a": [V, (2.0, {"deep": np.ones((2, 2))})], "b": None, "c": Pair(np.float64(3.0), np.float32(2.0))}

    def f(t: Any) -> Any:
        return np.sum(t["a"][0] ** 2) * t["a"][1][0] + np.sum(t["a"][1][1]["deep"]) * t["c"].a * t["c"].b

    d = grad(f)(tree)
    assert list(d) == ["a", "b", "c"]
    np.testing.assert_allclose(d["a"][0], 4 * V)
    assert d["a"][1][0] == np.sum(V**2)
    assert type(d["a"][1][0]) is float
    np.testing.assert_array_equal(d["a"][1][1]["deep"], np.full((2, 2), 6.0))
    assert d["b"] is None
    assert (type(d["c"].a), type(d["c"].b)) == (np.float64, np.float32)
    assert (d["c"].a, d["c"].b) == (8.0, 12.0)


def test_kinds_of_dict() -> None:
    ordered = OrderedDict(b=V, a=2.0)
    d = grad(lambda t: np.sum(t["b"]) * t["a"])(ordered)
    assert type(d) is OrderedDict
    assert list(d) == ["b", "a"]
    made: defaultdict[str, Any] = defaultdict(list, w=V)
    d = grad(lambda t: np.sum(t["w"] ** 2))(made)
    np.testing.assert_allclose(d["w"], 2 * V)


def test_empty_trees() -> None:
    assert grad(lambda t, x: x * x)({}, 3.0) == {}
    assert grad(lambda t, x: x * x)(None, 3.0) is None
    assert grad(lambda t, x: x * x)((), 3.0) == ()
    empty = grad(lambda x: np.sum(x) + 1.0)(np.zeros((0, 3)))
    assert empty.shape == (0, 3)


# ---- what comes back


@pytest.mark.parametrize(
    "x",
    [
        2.0,
        np.float64(2.0),
        np.float32(2.0),
        np.float16(2.0),
        np.longdouble(2.0),
        np.array(2.0),
        np.array([2.0], np.float32),
    ],
)
def test_the_gradient_has_the_type_of_its_argument(x: Any) -> None:
    value, d = value_and_grad(lambda x: np.sum(x**3))(x)
    assert type(d) is type(x)
    assert np.asarray(d).dtype == np.asarray(x).dtype
    assert np.shape(d) == np.shape(x)
    assert d == 12
    assert np.asarray(value).dtype == np.asarray(np.sum(np.asarray(x) ** 3)).dtype


def test_single_precision_beside_double() -> None:
    x, c = np.ones(3, np.float32), np.arange(3.0)
    d = grad(lambda x: np.sum(np.sin(x) * c))(x)
    assert d.dtype == np.float32
    d, dc = grad(lambda x, c: np.sum(x * c), (0, 1))(x, c)
    assert (d.dtype, dc.dtype) == (np.float32, np.float64)


def test_results_share_no_memory() -> None:
    square = np.arange(9.0).reshape(3, 3)
    cases: list[tuple[Any, tuple[Any, ...]]] = [
        (lambda x, y: np.sum((x.T + y) ** 2), (square, square + 1)),
        (lambda x, y: np.sum(x + y), (V, V + 1)),
        (lambda x, y: np.sum(np.concatenate([x, y]) ** 2), (V, V + 1)),
        (lambda x, y: np.sum(x.reshape(-1) * y.T.reshape(-1)), (square, square)),
        (lambda x, y: np.sum(np.broadcast_to(x, (2, 3))) + np.sum(y), (V, V)),
    ]
    for f, args in cases:
        ds = grad(f, (0, 1))(*args)
        for d in ds:
            assert d.flags.writeable
            assert d.flags.owndata
        for other in (*args, ds[1]):
            assert not np.shares_memory(ds[0], other)
        before = ds[1].copy()
        ds[0][...] = 77.0
        np.testing.assert_array_equal(ds[1], before)


def test_the_pullback_gives_memory_of_its_own() -> None:
    for f in (
        lambda x: x,
        lambda x: x.T,
        lambda x: x.reshape(-1),
        lambda x: x[:, ::-1],
        lambda x: +x,
        lambda x: x[None],
    ):
        y, pullback = vjp(f, M.copy())
        ct = np.ones_like(y)
        (d,) = pullback(ct)
        d[...] = 5.0
        np.testing.assert_array_equal(ct, 1.0)
        (again,) = pullback(ct)
        np.testing.assert_array_equal(again, 1.0)


def test_what_is_overwritten_before_the_pullback() -> None:
    for f, slope in (
        (np.exp, np.exp),
        (np.sin, np.cos),
        (lambda x: x * x, lambda x: 2 * x),
        (lambda x: np.sqrt(x + 2) * 1, None),
    ):
        x = V.copy()
        y, pullback = vjp(f, x)
        (want,) = pullback(np.ones(3))
        x[:] = 50.0
        y[:] = -50.0
        (got,) = pullback(np.ones(3))
        np.testing.assert_array_equal(got, want)
        if slope is not None:
            np.testing.assert_allclose(got, slope(V), rtol=1e-15)


def test_the_pullback_can_be_called_again_and_differentiated() -> None:
    def f(x: Any) -> Any:
        y = np.zeros(3)
        for k in range(3):
            y[k] = x[k] * x[k - 1]
        return y

    _, pullback = vjp(f, V)
    J = np.stack([pullback(e)[0] for e in np.eye(3)])
    np.testing.assert_allclose(np.stack([pullback(e)[0] for e in np.eye(3)]), J)
    np.testing.assert_allclose(pullback(2 * np.ones(3))[0], 2 * J.sum(0))
    w = np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(grad(lambda w: np.sum(pullback(w)[0] * w))(w), (J + J.T) @ w, rtol=1e-14)


def test_vjp_of_trees() -> None:
    y, pullback = vjp(lambda a, t: {"s": np.sum(a) * t["b"], "p": (a * t["b"], 3.0)}, V, {"b": 2.0})
    assert y["p"][1] == 3.0
    da, dt = pullback({"s": 1.0, "p": (np.ones(3), 0.0)})
    np.testing.assert_allclose(da, 4.0)
    assert abs(dt["b"] - 2 * np.sum(V)) < 1e-14
    for ct in ({"s": 1.0}, 1.0, {"s": 1.0, "p": (np.ones(3),)}):
        with pytest.raises(
            ShapeError,
            match=r"(?s)the cotangent has structure .* the output \{'s': \*, 'p': \(\*, \*\)\}.*test_gradients\.py",
        ):
            pullback(ct)
    with pytest.raises(
        ShapeError, match=r"(?s)a cotangent has shape \(2,\), its value has shape \(3,\).*np\.ones_like\(value\)"
    ):
        pullback({"s": 1.0, "p": (np.ones(2), 0.0)})
    np.testing.assert_allclose(pullback({"s": 1, "p": (np.ones(3, int), 0)})[0], 4.0)


# ---- the functions that are made


def test_names_are_kept() -> None:
    for transform in (grad, value_and_grad, elementwise_grad):
        made = transform(loss)
        assert made.__name__ == "loss"
        assert made.__wrapped__ is loss
    assert grad(functools.partial(loss, scale=2.0))(W, B, XS).shape == (2,)
    assert grad(np.sin)(0.0) == 1.0

    class Model:
        def __init__(self) -> None:
            self.k = 3.0

        def method(self, x: Any) -> Any:
            return self.k * x

        def __call__(self, x: Any) -> Any:
            return self.k * x * x

    assert grad(Model().method)(1.0) == 3.0
    assert grad(Model())(1.0) == 6.0


def test_the_same_array_in_two_places() -> None:
    x = V.copy()
    np.testing.assert_allclose(grad(lambda a, b: np.sum(a * a * b), (0, 1))(x, x), (2 * V * V, V * V))
    d = grad(lambda t: np.sum(t[0] * t[1]))([x, x])
    assert d[0] is not d[1]
    np.testing.assert_allclose(d[0], V)
    shared = grad(lambda a, b: np.sum(a + b), (0, 1))(x, x)
    shared[0][0] = 9.0
    assert shared[1][0] == 1.0


def test_unused_arguments_have_gradient_zero() -> None:
    _, db = grad(lambda a, b: np.sum(a), (0, 1))(V, M)
    np.testing.assert_array_equal(db, np.zeros_like(M))
    assert grad(lambda a, b: a * 2.0, 1)(1.0, 2.0) == 0.0
    assert grad(lambda t: t["used"])({"used": 1.0, "not": V})["not"].shape == (3,)


def test_deep_programs() -> None:
    def f(x: Any) -> Any:
        for _ in range(20_000):
            x = x + 1e-5 * x
        return x

    assert abs(grad(f)(1.0) - f(1.0)) < 1e-9


def test_branches_take_the_value() -> None:
    def f(x: Any) -> Any:
        n = 0
        while x < 100.0:
            x = x * x if n % 2 else x * 3.0
            n += 1
        return x if n > 1 else -x

    for x in (2.0, 5.0, 200.0):
        assert abs(grad(f)(x) - (f(x + 1e-6) - f(x - 1e-6)) / 2e-6) < 1e-3


def test_arguments_that_are_not_differentiated() -> None:
    """Arrays in trees, also in models that can be called, come in as handles; what holds none is the caller's own."""
    layer, log, note = Layer(M.T.copy(), np.zeros(2)), [], {"n": 0}

    def f(x: Any, layer: Any, log: Any, note: Any, double: Any) -> Any:
        log.append(x.shape)
        note["n"] += 1
        layer.bias[0] = x[0]
        layer.weight[...] *= 2.0
        return double(np.sum(layer(x)))

    want = np.tanh(V @ (2 * M.T) + np.array([V[0], 0.0]))
    value, _ = value_and_grad(f)(V, layer, log, note, lambda t: 2.0 * t)
    assert abs(value - 2 * want.sum()) < 1e-14
    assert log == [(3,)]
    assert note == {"n": 1}
    np.testing.assert_array_equal(layer.weight, M.T)
    np.testing.assert_array_equal(layer.bias, 0.0)
