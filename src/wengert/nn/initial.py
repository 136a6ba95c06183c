"""Initial values of weights, by name: ``f(key, shape, dtype)`` with shape (inputs, outputs).

A convolution's weight has shape (*window, inputs, outputs): each output has as many inputs as the window has elements.

The widths keep the variance of activations (lecun, he) or a compromise with that of gradients (xavier)
the same from layer to layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from wengert import random
from wengert.errors import ModelError
from wengert.nn._names import named
from wengert.random import Key

__all__ = [
    "INITIAL",
    "Initial",
    "by_name",
    "constant",
    "for_activation",
    "normal",
    "orthogonal",
    "scaled_normal",
    "scaled_uniform",
    "zeros",
]

Shape = tuple[int, ...]
Initial = Callable[[Key, Shape, DTypeLike], NDArray[Any]]


def zeros(key: Key, shape: Shape, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """All zero: right for biases; weights that start equal stay equal.

    Example:
        >>> from wengert import nn, random
        >>> nn.initial.zeros(random.key(0), (2,))
        array([0., 0.])
    """
    del key
    return np.zeros(shape, dtype)


def constant(key: Key, shape: Shape, dtype: DTypeLike = np.float64, *, value: float = 0.1) -> NDArray[Any]:
    """All ``value``.

    Example:
        >>> from wengert import nn, random
        >>> nn.initial.constant(random.key(0), (2,), value=0.5)
        array([0.5, 0.5])
    """
    del key
    return np.full(shape, value, dtype)


def normal(key: Key, shape: Shape, dtype: DTypeLike = np.float64, *, scale: float = 0.01) -> NDArray[Any]:
    """Normal with mean 0 and standard deviation ``scale``.

    Example:
        >>> from wengert import nn, random
        >>> nn.initial.normal(random.key(0), (64, 10), "float32").dtype
        dtype('float32')
    """
    return random.normal(key, shape, dtype) * scale


def _variance(shape: Shape, gain: float, mode: str) -> float:
    window, inputs, outputs = (math.prod(shape[:-2]), *shape[-2:]) if len(shape) > 1 else (1, 1, math.prod(shape))
    inputs, outputs = window * inputs, window * outputs
    return gain / max(1.0, {"in": inputs, "mean": (inputs + outputs) / 2}[mode])


def scaled_normal(key: Key, shape: Shape, dtype: DTypeLike = np.float64, *, gain: float, mode: str) -> NDArray[Any]:
    """Normal with variance gain/n; n is the inputs (``mode="in"``) or the mean of inputs and outputs.

    Example:
        >>> from wengert import nn, random
        >>> w = nn.initial.scaled_normal(random.key(0), (400, 100), gain=2.0, mode="in")
        >>> abs(float(w.var()) - 2 / 400) < 2e-4
        True
    """
    return random.normal(key, shape, dtype) * math.sqrt(_variance(shape, gain, mode))


def scaled_uniform(key: Key, shape: Shape, dtype: DTypeLike = np.float64, *, gain: float, mode: str) -> NDArray[Any]:
    """Uniform on ±√(3 gain/n), which has variance gain/n; ``mode`` as in :func:`scaled_normal`.

    Example:
        >>> from wengert import nn, random
        >>> w = nn.initial.scaled_uniform(random.key(0), (30, 20), gain=1.0, mode="mean")
        >>> bool(abs(w).max() <= (6 / 50) ** 0.5)
        True
    """
    limit = math.sqrt(3 * _variance(shape, gain, mode))
    return (2 * random.uniform(key, shape, dtype) - 1) * limit


def orthogonal(key: Key, shape: Shape, dtype: DTypeLike = np.float64, *, gain: float = 1.0) -> NDArray[Any]:
    """A random matrix with orthonormal columns (or rows, if it has more columns), times ``gain``.

    A. Saxe, J. McClelland, S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
    linear neural networks", ICLR 2014.

    Example:
        >>> import numpy as np
        >>> from wengert import nn, random
        >>> w = nn.initial.orthogonal(random.key(0), (5, 3))
        >>> bool(np.allclose(w.T @ w, np.eye(3)))
        True
    """
    if len(shape) != 2:
        raise ModelError(f"orthogonal initial values are for matrices, not for shape {shape}")
    rows, columns = max(shape), min(shape)
    q, r = np.linalg.qr(random.normal(key, (rows, columns)))
    # signs of the diagonal make the distribution uniform over the orthogonal group (Mezzadri, 2007)
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return np.ascontiguousarray((q if shape[0] == rows else q.T) * gain, dtype=dtype)


# Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010
_XAVIER_UNIFORM: Initial = partial(scaled_uniform, gain=1.0, mode="mean")
_XAVIER_NORMAL: Initial = partial(scaled_normal, gain=1.0, mode="mean")
INITIAL: dict[str, Initial] = {
    "zeros": zeros,
    "ones": partial(constant, value=1.0),
    "constant": constant,
    "normal": normal,
    "xavier_uniform": _XAVIER_UNIFORM,
    "xavier_normal": _XAVIER_NORMAL,
    "glorot_uniform": _XAVIER_UNIFORM,
    "glorot_normal": _XAVIER_NORMAL,
    # He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015
    "he_uniform": partial(scaled_uniform, gain=2.0, mode="in"),
    "he_normal": partial(scaled_normal, gain=2.0, mode="in"),
    # LeCun, Bottou, Orr, Müller, "Efficient backprop", 1998
    "lecun_uniform": partial(scaled_uniform, gain=1.0, mode="in"),
    "lecun_normal": partial(scaled_normal, gain=1.0, mode="in"),
    "orthogonal": orthogonal,
}
RECTIFIERS = ("relu", "leaky_relu", "elu", "gelu", "silu", "swish", "softplus")


def by_name(name: str | Initial) -> Initial:
    """The initial values of that name; a function is returned as it is.

    Raises:
        ModelError: if there is none; the message lists them.

    Example:
        >>> from wengert import nn, random
        >>> nn.initial.by_name("he_normal")(random.key(0), (64, 10), "float32").shape
        (64, 10)
    """
    return name if callable(name) else named(INITIAL, name, "initial value")


def for_activation(name: str | Callable[[Any], Any]) -> str:
    """The usual initial values before an activation: he for the rectifiers, xavier for the others.

    Example:
        >>> from wengert import nn
        >>> nn.initial.for_activation("relu"), nn.initial.for_activation("tanh")
        ('he_uniform', 'xavier_uniform')
    """
    return "he_uniform" if name in RECTIFIERS else "xavier_uniform"
