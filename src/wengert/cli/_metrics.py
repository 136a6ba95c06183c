"""How good predictions are, in the target's own units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from wengert.data import Encoding, Table

__all__ = ["class_metrics", "measure", "number_metrics", "probabilities"]

Array = NDArray[np.float64]


def number_metrics(actual: Array, predicted: Array) -> dict[str, float]:
    """``r2`` = 1 − Σ(y − ŷ)²/Σ(y − ȳ)², ``rmse`` = √mean (y − ŷ)², ``mae`` = mean |y − ŷ|.

    Example:
        >>> import numpy as np
        >>> number_metrics(np.array([1.0, 3.0]), np.array([2.0, 3.0]))["r2"]
        0.5
    """
    errors = actual - predicted
    spread = float(((actual - actual.mean()) ** 2).sum())
    squares = float((errors**2).sum())
    return {
        # where every held-out value is the same there is no spread to explain
        "r2": 1 - squares / spread if spread else float(squares == 0),
        "rmse": float(np.sqrt((errors**2).mean())),
        "mae": float(np.abs(errors).mean()),
    }


def class_metrics(actual: NDArray[np.int64], log_probabilities: Array) -> dict[str, float]:
    """``accuracy``, the share of rows whose likeliest class is right, and ``log_loss`` = −mean ln p(class).

    Example:
        >>> import numpy as np
        >>> class_metrics(np.array([0, 1]), np.log([[0.5, 0.5], [0.25, 0.75]]))["accuracy"]
        1.0
    """
    right = np.argmax(log_probabilities, axis=1) == actual
    chosen = np.take_along_axis(log_probabilities, actual[:, None], axis=1)
    return {"accuracy": float(right.mean()), "log_loss": -float(chosen.mean())}


def log_softmax(logits: Array) -> Array:
    """``z − ln Σ eᶻ`` along each row, finite for any finite logits."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def probabilities(logits: Array) -> Array:
    """Softmax of each row."""
    return np.exp(log_softmax(logits))


def measure(encoding: Encoding, table: Table, outputs: Array) -> dict[str, float]:
    """The metrics of a network's outputs for the rows of ``table``."""
    targets = encoding.targets(table)
    if encoding.task == "classification":
        return class_metrics(targets.astype(np.int64), log_softmax(outputs))
    return number_metrics(encoding.decode(targets), encoding.decode(outputs))
