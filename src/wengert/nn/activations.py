"""Activations: functions of each element, and softmax, of each row.

They take arrays, plain or traced, and keep their dtype. Derivatives at the kinks are stated with each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import wengert.numpy as np
from wengert.nn._names import named
from wengert.transforms import stop_gradient

__all__ = [
    "activation",
    "elu",
    "gelu",
    "identity",
    "leaky_relu",
    "log_softmax",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "step",
    "swish",
    "tanh",
]


def identity(x: Any) -> Any:
    """``x`` itself.

    Example:
        >>> from wengert import nn
        >>> nn.identity(3.0)
        3.0
    """
    return x


def sigmoid(x: Any) -> Any:
    """σ(x) = 1/(1 + e⁻ˣ), with σ′ = σ(1 − σ). No overflow for any x, full precision in both tails.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.sigmoid(np.array([-1000.0, 0.0, 1000.0]))
        array([0. , 0.5, 1. ])
    """
    # with e = exp(−|x|) it is 1/(1 + e) on the right and e/(1 + e) on the left; not by abs, whose
    # derivative at 0 would be taken for that of the whole
    right = x >= 0
    e = np.exp(np.where(right, -x, x))
    return np.where(right, 1, e) / (1 + e)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent, with tanh′ = 1 − tanh².

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.tanh(np.array([0.0, 100.0]))
        array([0., 1.])
    """
    return np.tanh(x)


def relu(x: Any) -> Any:
    """Rectified linear unit, max(0, x). The derivative is 1 for x > 0 and 0 for x ≤ 0: at 0 it is 0.

    For −∞ it gives NaN.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.relu(np.array([-2.0, 0.0, 3.0]))
        array([-0.,  0.,  3.])
    """
    # not max(x, 0), whose derivative is 1/2 where the two tie, and dearer; a NaN stays one
    return x * (x > 0)


def leaky_relu(x: Any, slope: float = 0.1) -> Any:
    """Max(x, slope · x): x for x > 0, else slope · x. The derivative at 0 is ``slope``.

    A. Maas, A. Hannun, A. Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.leaky_relu(np.array([-2.0, 3.0]))
        array([-0.2,  3. ])
    """
    # the slope of each element is a constant: one product to differentiate
    one = x.dtype.type
    return x * np.where(x > 0, one(1), one(slope))


def elu(x: Any, alpha: float = 1.0) -> Any:
    """Exponential linear unit: x for x ≥ 0, else α(eˣ − 1). The derivative at 0 is 1.

    D. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by exponential
    linear units (ELUs)", ICLR 2016.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.elu(np.array([-1000.0, 0.0, 3.0]))
        array([-1.,  0.,  3.])
    """
    right = x >= 0
    # the exponential sees only the left side: on the right it would overflow
    return np.where(right, x, alpha * np.expm1(np.where(right, 0, x)))


def softplus(x: Any) -> Any:
    """ln(1 + eˣ), a smooth relu, with the sigmoid as derivative. No overflow for any x.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.softplus(np.array([-1000.0, 1000.0]))
        array([   0., 1000.])
    """
    return np.logaddexp(x, 0)


def gelu(x: Any) -> Any:
    """Gaussian error linear unit, x Φ(x), as x/2 (1 + tanh(√(2/π) (x + 0.044715 x³))), off by less than 5e-4.

    D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.gelu(np.array([-100.0, 0.0, 100.0]))
        array([ -0.,   0., 100.])
    """
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
    return 0.5 * x * (1 + np.tanh(inner))


def silu(x: Any) -> Any:
    """Sigmoid linear unit, x σ(x), also called swish.

    S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network function
    approximation in reinforcement learning", Neural Networks 107 (2018).

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.silu(np.array([0.0, 100.0]))
        array([  0., 100.])
    """
    return x * sigmoid(x)


swish = silu


def step(x: Any) -> Any:
    """1 for x ≥ 0, else 0: the perceptron's threshold. Its derivative is zero, so nothing is learned by it.

    To train a threshold unit by gradients use :func:`sigmoid` in its place.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.step(np.array([-0.5, 0.0, 2.0]))
        array([0., 1., 1.])
    """
    return np.heaviside(x, 1)


def shifted(x: Any, axis: int) -> Any:
    """``x`` less its maximum: the softmax stays the same, and no exponential overflows."""
    return x - stop_gradient(x).max(axis=axis, keepdims=True)


def softmax(x: Any, axis: int = -1) -> Any:
    """eˣ divided by its sum along ``axis``: positive numbers that add up to 1.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.softmax(np.array([-1.0, 0.0, 3.0, 5.0])).round(6)
        array([0.002166, 0.005887, 0.118243, 0.873704])
    """
    e = np.exp(shifted(x, axis))
    return e / np.sum(e, axis=axis, keepdims=True)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """The logarithm of :func:`softmax`, finite also where the softmax itself rounds to 0.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.log_softmax(np.array([0.0, 1000.0]))
        array([-1000.,     0.])
    """
    z = shifted(x, axis)
    return z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    f.__name__: f
    for f in (
        elu,
        gelu,
        identity,
        leaky_relu,
        log_softmax,
        relu,
        sigmoid,
        silu,
        softmax,
        softplus,
        step,
        tanh,
    )
} | {"swish": silu}


def activation(name: str) -> Callable[[Any], Any]:
    """The activation of that name.

    Raises:
        ModelError: if there is none; the message lists them.

    Example:
        >>> from wengert import nn
        >>> nn.activation("relu") is nn.relu
        True
    """
    return named(ACTIVATIONS, name, "activation")
