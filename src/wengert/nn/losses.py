"""Losses: ``loss(outputs, targets)`` is one number, the mean over the samples (rows) unless said otherwise.

Labels are integers from 0 to K − 1, one a sample, or one row of K numbers a sample ("one-hot"). Targets of
shape (n,) go with outputs of shape (n, 1). The dtype is that of the outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

import wengert.numpy as np
from wengert.errors import ConcretizationError, DataError, ShapeError
from wengert.nn.activations import shifted

__all__ = [
    "accuracy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "categorical_cross_entropy",
    "half_sse",
    "huber",
    "k_class_binary_cross_entropy",
    "mae",
    "mse",
    "softmax_cross_entropy",
]


def _array(targets: Any) -> Any:
    return targets if hasattr(targets, "dtype") else numpy.asarray(targets)


def _aligned(outputs: Any, targets: Any) -> Any:
    """``targets`` in the shape and dtype of ``outputs``: (n,) and (n, 1) would broadcast to (n, n)."""
    targets = _array(targets)
    shape = tuple(outputs.shape)
    if targets.shape != shape:
        if (*targets.shape, 1) != shape and targets.shape != (*shape, 1):
            raise ShapeError(
                f"outputs have shape {shape} and targets {tuple(targets.shape)}: one is compared with one; "
                f"the model's last layer must have as many outputs as a row of the targets has numbers"
            )
        targets = targets.reshape(shape)
    return targets if targets.dtype == outputs.dtype else targets.astype(outputs.dtype)


def _labels(outputs: Any, targets: Any) -> Any:
    """``targets`` as labels of shape (samples,), or None where they are one-hot rows."""
    rows, classes = _rows_and_classes(outputs, targets)
    if targets.size == rows * classes and (classes > 1 or targets.dtype.kind == "f"):
        return None
    _check_labels(outputs, targets, classes)
    return targets.reshape(rows)


def _one_hot(outputs: Any, targets: Any) -> Any:
    """``targets`` as one row of K numbers a sample, in the dtype of ``outputs``."""
    targets = _array(targets)
    labels = _labels(outputs, targets)
    if labels is None:
        return _aligned(outputs, targets)
    return (labels[:, None] == numpy.arange(outputs.shape[1])).astype(outputs.dtype)


def _rows_and_classes(outputs: Any, targets: Any) -> tuple[int, int]:
    shape = tuple(outputs.shape)
    if len(shape) != 2:
        raise ShapeError(
            f"outputs have shape {shape} and must have (samples, classes): a batch of one is outputs[None, :]"
        )
    if tuple(targets.shape) not in ((shape[0],), (shape[0], 1), shape):
        raise ShapeError(
            f"outputs have shape {shape} and targets {tuple(targets.shape)}: "
            f"give {shape[0]} labels, or one-hot rows of shape {shape}"
        )
    return shape


def _check_labels(outputs: Any, targets: Any, classes: int) -> None:
    if targets.dtype.kind not in "iub":
        raise DataError(
            f"labels are integers and these have dtype {targets.dtype}: targets.astype(int), "
            f"or one-hot rows of shape {tuple(outputs.shape)}"
        )
    if targets.size == 0:
        return
    smallest, largest = targets.min(), targets.max()
    try:
        in_range = bool(smallest >= 0 and largest < classes)
    except ConcretizationError:  # batched or staged labels have no one value to look at
        return
    if not in_range:
        mend = f"its last layer needs {largest + 1} outputs" if smallest >= 0 else "number them from 0"
        raise DataError(
            f"labels run from {smallest} to {largest} and the model has {classes} outputs, "
            f"for labels 0 to {classes - 1}: {mend}"
        )


def mse(outputs: Any, targets: Any) -> Any:
    """Mean squared error: the mean of (o − t)² over all numbers.

    Raises:
        ShapeError: if the shapes differ.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> float(nn.mse(np.array([[1.0], [4.0]]), np.array([0.0, 2.0])))
        2.5
    """
    d = outputs - _aligned(outputs, targets)
    return np.mean(d * d)


def half_sse(outputs: Any, targets: Any) -> Any:
    """½ Σ (o − t)², a sum over all numbers and samples: its derivative is o − t.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> float(nn.half_sse(np.array([[-21.0, -2.0]]), np.array([[1.0, 4.0]])))
        260.0
    """
    d = outputs - _aligned(outputs, targets)
    return 0.5 * np.sum(d * d)


def mae(outputs: Any, targets: Any) -> Any:
    """Mean absolute error: the mean of |o − t|; its derivative at o = t is 0.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> float(nn.mae(np.array([1.0, -1.0]), np.array([0.0, 1.0])))
        1.5
    """
    return np.mean(np.abs(outputs - _aligned(outputs, targets)))


def huber(outputs: Any, targets: Any, delta: float = 1.0) -> Any:
    """The mean of ½ d² where |d| ≤ δ and δ(|d| − ½ δ) beyond, with d = o − t.

    P. Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35 (1964).

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> float(nn.huber(np.array([0.5, 3.0]), np.array([0.0, 0.0])))
        1.3125
    """
    d = outputs - _aligned(outputs, targets)
    inner = np.clip(d, -delta, delta)
    # ½ c² + δ(|d| − δ) with c = d cut at ±δ, in a form whose derivative is c
    return np.mean(inner * (d - 0.5 * inner))


def _tiny(p: Any) -> float:
    return float(numpy.finfo(p.dtype).eps)


def _log(p: Any) -> Any:
    # a probability that rounded to 0 costs −ln ε, not infinity
    return np.log(np.maximum(p, _tiny(p)))


def binary_cross_entropy(probabilities: Any, targets: Any) -> Any:
    """The mean of −t ln p − (1 − t) ln(1 − p), for targets 0 and 1 (or between).

    Logarithms are taken of numbers not below the dtype's ε, beyond which the derivative is 0. Where the
    probabilities come from a sigmoid, :func:`binary_cross_entropy_with_logits` loses nothing.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> round(float(nn.binary_cross_entropy(np.array([0.9, 0.2]), np.array([1, 0]))), 6)
        0.164252
    """
    t = _aligned(probabilities, targets)
    return -np.mean(t * _log(probabilities) + (1 - t) * _log(1 - probabilities))


def binary_cross_entropy_with_logits(logits: Any, targets: Any) -> Any:
    """:func:`binary_cross_entropy` of sigmoid(logits) in one: the mean of ln(1 + eᶻ) − t z.

    Finite for any logits; its derivative is (σ(z) − t)/n.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> float(nn.binary_cross_entropy_with_logits(np.array([1000.0, -1000.0]), np.array([1, 1])))
        500.0
    """
    return np.mean(np.logaddexp(logits, 0) - _aligned(logits, targets) * logits)


def k_class_binary_cross_entropy(probabilities: Any, targets: Any) -> Any:
    """The binary cross-entropies of K classes added up, −Σₖ tₖ ln pₖ + (1 − tₖ) ln(1 − pₖ), per sample.

    For K sigmoid outputs, each its own question. Takes labels or one-hot rows.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> round(float(nn.k_class_binary_cross_entropy(np.array([[0.9, 0.2]]), np.array([0]))), 6)
        0.328504
    """
    t = _one_hot(probabilities, targets)
    return -np.sum(t * _log(probabilities) + (1 - t) * _log(1 - probabilities)) / len(t)


def categorical_cross_entropy(probabilities: Any, targets: Any) -> Any:
    """The mean of −Σₖ tₖ ln pₖ, for rows of probabilities. Takes labels or one-hot rows.

    Logarithms as in :func:`binary_cross_entropy`. Where the probabilities come from a softmax,
    :func:`softmax_cross_entropy` of its inputs loses nothing and costs less.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> p = np.array([[0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
        >>> round(float(nn.categorical_cross_entropy(p, np.array([0, 1]))), 6)
        0.289909
    """
    t = _one_hot(probabilities, targets)
    return -np.sum(t * _log(probabilities)) / len(t)


def softmax_cross_entropy(logits: Any, targets: Any) -> Any:
    """:func:`categorical_cross_entropy` of softmax(logits) in one function, finite for any logits.

    Takes labels or one-hot rows; the derivative is (p − t)/n for n rows with sums of t equal to 1.

    Raises:
        ShapeError: if logits are not (samples, classes), or the targets do not fit.
        DataError: if labels are not integers from 0 to classes − 1.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> float(nn.softmax_cross_entropy(np.array([[1000.0, -1000.0]]), np.array([1])))
        2000.0
    """
    targets = _array(targets)
    labels = _labels(logits, targets)
    z = shifted(logits, axis=1)
    lse = np.log(np.sum(np.exp(z), axis=1))
    if labels is not None:
        return np.mean(lse - z[numpy.arange(len(labels)), labels])
    t = _aligned(logits, targets)
    return np.mean(lse * np.sum(t, axis=1) - np.sum(t * z, axis=1))


def accuracy(outputs: Any, targets: Any, threshold: float = 0.0) -> Any:
    """The share of rows whose largest output is the target's class; not to be trained on.

    It is flat: between jumps it does not change, so its derivative is zero, and ``grad`` warns. One output
    a row is a logit: class 1 where it is above ``threshold`` (0.5 for probabilities).

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> float(nn.accuracy(np.array([[2.0, 1.0], [0.0, 3.0]]), np.array([0, 0])))
        0.5
    """
    targets = _array(targets)
    if outputs.ndim == 1 or outputs.shape[1] == 1:
        return np.mean((outputs > threshold) == (_aligned(outputs, targets) > 0.5))
    return np.mean(np.argmax(outputs, axis=1) == np.argmax(_one_hot(outputs, targets), axis=1))


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    f.__name__: f
    for f in (
        mse, half_sse, mae, huber, binary_cross_entropy, binary_cross_entropy_with_logits,
        k_class_binary_cross_entropy, categorical_cross_entropy, softmax_cross_entropy,
    )
}  # fmt: skip
