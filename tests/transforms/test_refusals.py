"""What reverse mode refuses, where derivatives are zero, and derivatives of each element."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from wengert import (
    DerivativeError,
    FlatDerivativeWarning,
    elementwise_grad,
    grad,
    jvp,
    pytree,
    stop_gradient,
    value_and_grad,
    vjp,
)

V = np.array([0.3, -0.7, 1.1])
M = np.array([[1.0, 2.0, 0.5], [0.3, -1.0, 2.0]])


@dataclass(frozen=True)
class Layer:
    weight: Any
    bias: Any
    name: str = pytree.static(default="layer")
    inner: Any = None

    def __call__(self, x: Any) -> Any:
        return np.tanh(x @ self.weight + self.bias)


def refused(run: Any, *parts: str) -> None:
    with pytest.raises(DerivativeError) as caught:
        run()
    text = str(caught.value)
    for part in (*parts, "test_refusals.py:", "write: "):
        assert part in text, text


def test_outputs_that_have_no_gradient() -> None:
    refused(
        lambda: grad(lambda x: x * 2)(V),
        "grad(<lambda>)",
        "array of shape (3,)",
        "np.sum(...)",
        "wengert.jacobian",
        "wengert.elementwise_grad",
    )
    refused(lambda: grad(lambda x: x[:1])(V), "array of shape (1,)")
    refused(lambda: grad(lambda x: (x, x))(2.0), "returned a tuple", "has_aux=True")
    refused(lambda: grad(lambda x: [x])(2.0), "returned a list", "return the loss alone")
    refused(lambda: grad(lambda x: {"loss": x})(2.0), "returned a dict")
    refused(lambda: grad(lambda x: None)(2.0), "returned a NoneType")
    refused(lambda: grad(lambda x: "text")(2.0), "returned a str")
    refused(lambda: grad(lambda x: x * 1j)(2.0), "complex number", "y.real")
    refused(lambda: value_and_grad(lambda x: np.exp(1j * x[0]))(V), "value_and_grad", "complex number")


@pytest.mark.parametrize(
    "transform",
    [grad, value_and_grad, lambda f: lambda *a: vjp(f, *a), lambda f: lambda x: jvp(f, (x,), (x,)), elementwise_grad],
)
def test_inputs_that_have_no_derivative(transform: Any) -> None:
    f = lambda x: np.sum(np.asarray(x)) if not isinstance(x, dict) else 1.0
    run = lambda x: lambda: transform(f)(x)
    refused(run(3), "argument 0", "integer type (int 3)", "float(x)", "3.0 for 3")
    refused(run(np.arange(3)), "integer type (int64, shape (3,))", "x.astype(float)")
    refused(run(True), "integer type (bool True)")
    refused(run(np.array([True])), "integer type (bool, shape (1,))")
    refused(run("text"), "is a str", "argnums=", "static()")
    refused(run(object()), "is a object")
    refused(run({"a": 1.0, "b": [2.0, 3]}), "argument 0['b'][1]", "integer type")
    refused(run(Layer(V, 1)), "argument 0.bias", "integer type")
    with pytest.raises(DerivativeError, match="array of object"):
        transform(f)(np.array([None, 1.0]))
    with pytest.raises(DerivativeError, match="array of datetime64"):
        transform(f)(np.array(["2020-01-01"], "M8[D]"))
    with pytest.raises(DerivativeError, match=r"(?s)is a (matrix|MaskedArray), a subclass of ndarray.*np\.asarray"):
        transform(f)(np.ma.array([1.0, 2.0]))


# ---- zero derivatives


def test_flat_results_warn() -> None:
    def accuracy(w: Any) -> Any:
        return np.mean((V * w > 0) == np.array([True, False, True]))

    with pytest.warns(
        FlatDerivativeWarning,
        match=r"(?s)grad\(accuracy\): the result reaches the input only through np\.greater.*test_refusals\.py:\d+: return np\.mean.*cross-entropy",
    ):
        assert grad(accuracy)(2.0) == 0.0
    for f, name in ((lambda x: np.sum(np.floor(x)), "floor"), (lambda x: np.sign(x[0]), "sign"), (lambda x: np.sum(np.round(x)), "rint"),
                    (lambda x: 1.0 * np.argmax(x), "argmax"), (lambda x: np.sum(x.astype(int)) * 1.0, "cast_to_integer"),
                    (lambda x: 1.0 if x[0] > 0 else 2.0, "greater")):  # fmt: skip
        with pytest.warns(FlatDerivativeWarning, match=rf"through np\.{name},"):
            np.testing.assert_array_equal(grad(f)(V), 0.0)
        with pytest.warns(FlatDerivativeWarning):
            vjp(f, V)


def test_what_is_meant_to_be_zero_does_not_warn() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert grad(lambda x: 3.0)(2.0) == 0.0
        np.testing.assert_array_equal(grad(lambda x: np.sum(stop_gradient(x)))(V), 0.0)
        np.testing.assert_array_equal(grad(lambda x: np.sum(np.ones(3)))(V), 0.0)
        np.testing.assert_array_equal(grad(lambda x: np.sum(x) * 0.0)(V), 0.0)
        assert grad(lambda x: x * (x > 1.0))(2.0) == 1.0
        assert grad(lambda x: x if x > 1.0 else -x)(2.0) == 1.0
        assert grad(lambda x: np.sum(stop_gradient({"a": x, "b": [x]})["b"][0]))(V).tolist() == [0, 0, 0]


def test_stop_gradient_of_plain_values() -> None:
    assert stop_gradient(3.0) == 3.0
    assert stop_gradient({"a": [V]})["a"][0] is V
    assert grad(lambda x: x * stop_gradient(x))(3.0) == 3.0
    assert grad(grad(lambda x: x * x * stop_gradient(x)))(3.0) == 6.0


# ---- elementwise_grad


def test_elementwise_grad() -> None:
    for f, slope in (
        (np.sin, np.cos),
        (lambda x: x**3, lambda x: 3 * x**2),
        (lambda x: np.where(x > 0, x, 0.0) * x, lambda x: 2 * x * (x > 0)),
    ):
        for x in (V, M, np.float64(0.3), 0.3, np.zeros((0, 2)), V.astype(np.float32)):
            d = elementwise_grad(f)(x)
            np.testing.assert_allclose(d, slope(x), rtol=1e-6 if np.asarray(x).dtype == np.float32 else 1e-14)
            assert type(d) is type(x)
    np.testing.assert_allclose(elementwise_grad(elementwise_grad(np.sin))(V), -np.sin(V))
    np.testing.assert_allclose(elementwise_grad(lambda a, x: a * x**2, 1)(3.0, V), 6 * V)
    np.testing.assert_allclose(elementwise_grad(lambda a, x: a * x**2, -1)(3.0, V), 6 * V)
    np.testing.assert_allclose(elementwise_grad(lambda x, *, k: x**k)(V, k=2), 2 * V)
    np.testing.assert_array_equal(elementwise_grad(lambda x: np.ones(3))(V), 0.0)


@pytest.mark.parametrize(
    "f",
    [lambda x: x / np.sum(x), lambda x: np.roll(x, 1), lambda x: x[::-1], lambda x: np.cumsum(x), lambda x: x - np.mean(x), lambda x: x + 1e-4 * x[0],
     lambda x: np.array([x[0], x[1] + x[2], x[2]]), lambda x: np.array([x[0], x[1], x[2] + x[1]]), lambda x: np.array([x[0] + x[2], x[1], x[2]]),
     lambda x: np.sort(-x)],
)  # fmt: skip
def test_elementwise_grad_finds_what_is_not_elementwise(f: Any) -> None:
    refused(lambda: elementwise_grad(f)(V), "depend on several elements", "wengert.jacobian(<lambda>)")


def test_elementwise_grad_of_another_shape() -> None:
    refused(lambda: elementwise_grad(np.sum)(V), "input of shape (3,), output of shape ()", "wengert.jacobian(sum)")
