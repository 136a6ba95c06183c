"""What simple rules make of the same data: the measure that a network's errors are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Reference", "error_of", "is_labels", "labels_of", "neighbours_error", "reference", "standardised"]

Array = NDArray[Any]
_MOST_ROWS = 1000
_NEIGHBOURS = 5


@final
@dataclass(frozen=True)
class Reference:
    """Shares of the targets that stay unexplained: by the five nearest rows, of rows not among them; by a constant.

    For classes it is the share of rows with a wrong label, for amounts that of the variance.
    """

    neighbours: float
    constant: float
    classes: int


def is_labels(y: Array, outputs: int | None) -> bool:
    """Whether targets are classes: one-hot rows, 0 and 1, or integers where there are as many outputs and more.

    Without knowledge of the outputs, integers of at most 20 values count.
    """
    if y.size == 0 or y.dtype.kind not in "biuf" or y.ndim > 2:
        return False
    if y.ndim == 2 and y.shape[1] > 1:
        return bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())
    if np.isin(y, (0, 1)).all():
        return True
    if y.dtype.kind == "f" or y.min() < 0:
        return False
    return y.max() < outputs if outputs is not None and outputs > 1 else outputs is None and len(np.unique(y)) <= 20


def labels_of(y: Array) -> Array:
    """Class numbers, one a row."""
    return np.argmax(y, axis=1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(-1).astype(int)


def error_of(outputs: Array, y: Array) -> float | None:
    """The share of wrong labels, or of the targets' variance that the outputs leave; None where they do not fit."""
    if not np.isfinite(outputs).all():
        return 1.0
    if outputs.ndim <= 2 and is_labels(y, outputs.size // len(y)):
        labels = labels_of(y)
        if outputs.ndim == 2 and outputs.shape[1] > 1:
            return float(np.mean(np.argmax(outputs, axis=1) != labels))
        flat = outputs.reshape(-1)
        cut = 0.5 if flat.min() >= 0 and flat.max() <= 1 else 0.0
        return float(np.mean((flat > cut) != (labels > 0))) if flat.shape == labels.shape else None
    if outputs.size != y.size:
        return None
    flat = y.reshape(len(y), -1).astype(float)
    variance = np.sum((flat - flat.mean(axis=0)) ** 2)
    return float(np.sum((outputs.reshape(flat.shape) - flat) ** 2) / variance) if variance > 0 else None


def standardised(x: Array) -> Array:
    """Rows laid flat, each column with mean 0 and variance 1; constant columns are 0."""
    flat = x.reshape(len(x), -1).astype(float)
    flat = flat - flat.mean(axis=0)
    spread = flat.std(axis=0)
    return flat / np.where(spread > 0, spread, 1)


def nearest(x: Array) -> Array:
    """For each row the numbers of its five nearest others."""
    flat = standardised(x)
    squares = np.sum(flat * flat, axis=1)
    distances = squares[:, None] - 2 * flat @ flat.T + squares
    np.fill_diagonal(distances, np.inf)
    return np.argpartition(distances, _NEIGHBOURS, axis=1)[:, :_NEIGHBOURS]


def neighbours_error(near: Array, y: Array, classes: int) -> float:
    """What the nearest rows leave unexplained: T. Cover, P. Hart, "Nearest neighbor pattern classification", 1967."""
    if classes:
        votes = (labels_of(y)[near][:, :, None] == np.arange(classes)).sum(axis=1)
        return float(np.mean(np.argmax(votes, axis=1) != labels_of(y)))
    flat = y.reshape(len(y), -1).astype(float)
    variance = np.sum((flat - flat.mean(axis=0)) ** 2)
    return float(np.sum((flat[near].mean(axis=1) - flat) ** 2) / variance) if variance > 0 else 1.0


def reference(x: Array, y: Array, outputs: int) -> Reference | None:
    """What neighbours and a constant make of at most 1000 of the rows; None with fewer than 20."""
    if len(x) < 20 or x.dtype.kind not in "biuf" or y.dtype.kind not in "biuf":
        return None
    chosen = np.linspace(0, len(x) - 1, min(len(x), _MOST_ROWS)).astype(int)
    x, y = x[chosen], y[chosen]
    classes = int(labels_of(y).max()) + 1 if is_labels(y, outputs) else 0
    if not classes and y.reshape(len(y), -1).shape[1] != outputs:
        return None
    if classes:
        constant = 1 - float(np.bincount(labels_of(y)).max()) / len(y)
    else:
        constant = 1.0
    return Reference(neighbours_error(nearest(x), y, classes), constant, classes)
