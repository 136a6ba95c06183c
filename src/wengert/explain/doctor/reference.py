"""What simple rules make of the same data: the measure that a network's errors are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Neighbours", "Reference", "error_of", "is_labels", "labels_of", "neighbours", "neighbours_error", "of_usual_size",
    "reference", "standardised",
]  # fmt: skip

Array = NDArray[Any]
_MOST_ROWS = 1000
_NEIGHBOURS = 5
_SQUARES = 1e100  # beyond it squares and their sums may overflow


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


def of_usual_size(x: Array) -> tuple[Array, Array]:
    """Columns whose squares are finite, and the unit that each was divided by."""
    peak = np.abs(x).max(axis=0)
    unit = np.where(peak > _SQUARES, peak, 1.0)
    return x / unit, unit


def standardised(x: Array) -> Array:
    """Rows laid flat, each column with mean 0 and variance 1; constant columns are 0."""
    flat = of_usual_size(x.reshape(len(x), -1).astype(float))[0]
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


@final
@dataclass(frozen=True, eq=False)
class Neighbours:
    """At most 1000 ``rows`` of the data, evenly spaced, and for each the places of its five ``nearest`` among them."""

    rows: Array
    nearest: Array


def neighbours(x: Array) -> Neighbours:
    """The neighbours among some rows of the inputs, at least six."""
    rows = np.linspace(0, len(x) - 1, min(len(x), _MOST_ROWS)).astype(int)
    return Neighbours(rows, nearest(x[rows]))


def reference(found: Neighbours, y: Array, outputs: int) -> Reference | None:
    """What neighbours and a constant make of the targets; None with fewer than 20 rows."""
    y = y[found.rows]
    if len(y) < 20 or y.dtype.kind not in "biuf":
        return None
    classes = int(labels_of(y).max()) + 1 if is_labels(y, outputs) else 0
    if not classes and y.reshape(len(y), -1).shape[1] != outputs:
        return None
    if classes:
        constant = 1 - float(np.bincount(labels_of(y)).max()) / len(y)
    else:
        constant = 1.0
    return Reference(neighbours_error(found.nearest, y, classes), constant, classes)
