"""Activations against SciPy and closed forms, in value and in first and second derivative."""

import warnings

import numpy as np
import pytest
from scipy import special

from wengert import nn
from wengert.errors import FlatDerivativeWarning, ModelError
from wengert.nn.activations import ACTIVATIONS
from wengert.transforms import grad, vjp

X = np.array([-30.0, -3.0, -1.0, -1e-3, 1e-3, 0.5, 2.0, 30.0])
EXTREME = np.array([-np.inf, -1e308, -1000.0, 1000.0, 1e308, np.inf])


def derivative(f):
    """The derivative of a function of each element."""
    return lambda x: grad(lambda x: np.sum(f(x)))(x)


def normal_pdf(x):
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


VALUES = {
    "elu": lambda x: np.where(x >= 0, x, np.expm1(np.minimum(x, 0))),
    "identity": lambda x: x,
    "leaky_relu": lambda x: np.maximum(0.1 * x, x),
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": special.expit,
    "silu": lambda x: x * special.expit(x),
    "softplus": lambda x: -special.log_expit(-x),
    "step": lambda x: np.heaviside(x, 1.0),
    "swish": lambda x: x * special.expit(x),
    "tanh": np.tanh,
    "softmax": special.softmax,
    "log_softmax": special.log_softmax,
}
DERIVATIVES = {
    "elu": lambda x: np.where(x >= 0, 1, np.exp(np.minimum(x, 0))),
    "identity": np.ones_like,
    "leaky_relu": lambda x: np.where(x > 0, 1, 0.1),
    "relu": lambda x: 1.0 * (x > 0),
    "sigmoid": lambda x: special.expit(x) * special.expit(-x),
    "silu": lambda x: special.expit(x) * (1 + x * special.expit(-x)),
    "softplus": special.expit,
    "tanh": lambda x: 1 - np.tanh(x) ** 2,
}


@pytest.mark.parametrize("name", sorted(VALUES))
def test_value(name):
    np.testing.assert_allclose(nn.activation(name)(X), VALUES[name](X), rtol=1e-14)


def test_gelu_is_close_to_the_normal_distribution_function():
    np.testing.assert_allclose(nn.gelu(X), X * special.ndtr(X), atol=5e-4)


@pytest.mark.parametrize("name", sorted(DERIVATIVES))
def test_derivative(name):
    x = np.concatenate([X, [0.0]])
    np.testing.assert_allclose(derivative(nn.activation(name))(x), DERIVATIVES[name](x), rtol=1e-13)


def test_derivatives_at_the_kinks_are_those_documented():
    zero = np.array([0.0])
    found = {name: float(derivative(nn.activation(name))(zero)[0]) for name in ("relu", "leaky_relu", "elu")}
    assert found == {"relu": 0.0, "leaky_relu": 0.1, "elu": 1.0}
    assert derivative(lambda x: nn.elu(x, alpha=3.0))(zero) == [1.0]


def test_gelu_derivative():
    np.testing.assert_allclose(derivative(nn.gelu)(X), special.ndtr(X) + X * normal_pdf(X), atol=2e-3)


def test_second_derivatives():
    x = np.array([-3.0, -0.5, 0.0, 1.0])
    s = special.expit(x)
    np.testing.assert_allclose(derivative(derivative(nn.sigmoid))(x), s * (1 - s) * (1 - 2 * s), rtol=1e-12)
    np.testing.assert_allclose(derivative(derivative(nn.softplus))(x), s * (1 - s), rtol=1e-12)
    t = np.tanh(x)
    np.testing.assert_allclose(derivative(derivative(nn.tanh))(x), -2 * t * (1 - t * t), rtol=1e-12)


def test_the_sigmoid_keeps_its_precision_in_both_tails():
    x = np.array([-700.0, -40.0, 40.0, 700.0])
    np.testing.assert_allclose(nn.sigmoid(x), special.expit(x), rtol=4e-16)
    np.testing.assert_allclose(derivative(nn.sigmoid)(x), special.expit(x) * special.expit(-x), rtol=1e-13)


@pytest.mark.parametrize("name", ["elu", "leaky_relu", "relu", "sigmoid", "softplus", "tanh"])
def test_extremes_neither_overflow_nor_become_nan(name):
    x = EXTREME if name in ("leaky_relu", "tanh", "sigmoid") else EXTREME[1:-1]
    f = nn.activation(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(f(x), VALUES[name](x))
        assert np.isfinite(derivative(f)(EXTREME[1:-1])).all()


@pytest.mark.filterwarnings("ignore::wengert.errors.FlatDerivativeWarning")  # of the step
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_float32_stays_and_nan_stays(name):
    x = np.array([[-1.0, 0.0, 2.0]], np.float32)
    f = nn.activation(name)
    assert f(x).dtype == np.float32
    assert vjp(f, x)[1](np.ones_like(x))[0].dtype == np.float32
    with np.errstate(invalid="ignore"):
        assert np.isnan(f(np.array([np.nan, 1.0]))[0])


def test_softmax_of_the_lecture():
    expected = [0.0021657, 0.00588697, 0.11824302, 0.87370431]
    np.testing.assert_allclose(nn.softmax(np.array([-1, 0, 3, 5])), expected, atol=5e-9)


def test_softmax_rows_and_its_jacobian():
    x = np.array([[-1.0, 0.0, 3.0], [1000.0, -1000.0, 999.0]])
    p = special.softmax(x, axis=1)
    np.testing.assert_allclose(nn.softmax(x), p, atol=1e-16)
    np.testing.assert_allclose(nn.softmax(x, axis=0), special.softmax(x, axis=0), atol=1e-16)
    v = np.array([[1.0, 2.0, -1.0], [0.5, 0.0, 2.0]])
    expected = p * (v - (p * v).sum(axis=1, keepdims=True))
    np.testing.assert_allclose(vjp(nn.softmax, x)[1](v)[0], expected, atol=1e-15)
    expected = v - p * v.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(vjp(nn.log_softmax, x)[1](v)[0], expected, atol=1e-15)


def test_the_step_has_no_useful_gradient_and_says_so():
    with pytest.warns(FlatDerivativeWarning):
        assert derivative(nn.step)(np.array([-1.0, 2.0])).tolist() == [0.0, 0.0]


def test_a_misspelt_name_is_helped():
    with pytest.raises(ModelError, match='did you mean "sigmoid"'):
        nn.activation("sigmoyd")
    with pytest.raises(ModelError, match="The names are: elu, gelu"):
        nn.Activation("nothing")
