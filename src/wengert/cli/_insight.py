"""What can be seen in a trained network: which columns it needs, what it says over a plane, its weights as pictures.

Everything is measured on held-out rows, at most so many that it takes a few percent of an ordinary training time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert import nn, pytree, random
from wengert.cli._metrics import class_metrics, log_softmax, number_metrics, probabilities
from wengert.cli._outcome import Outcome
from wengert.data import Encoding, Table
from wengert.explain.report import (
    Confidences,
    Importance,
    InputGradients,
    Plane,
    Saliency,
    class_gradients,
    class_saliency,
    output_gradients,
    permutation_importance,
)
from wengert.training import predict

__all__ = ["confidences", "gradients", "importance", "plane", "saliency", "weights"]

Array = NDArray[Any]
#: rows that go through the network to measure importance, all columns and repeats together
MOST_PASSES = 80_000
LEAST_ROWS = 100
REPEATS = 5
#: where the columns are pixels, which are many and alike
PICTURE_PASSES, PICTURE_REPEATS = 60_000, 3
MOST_GRADIENTS = 1000
#: points of the plane along each axis
FINE = 72
MOST_CLASSES = 12


def confidences(encoding: Encoding, held_out: Table, outputs: Array) -> Confidences:
    """How sure of each held-out row the network is, and whether it is right."""
    actual, shares = encoding.targets(held_out).astype(int), probabilities(outputs)
    return Confidences(shares.max(axis=1), shares.argmax(axis=1) == actual)


# ---- columns ----------------------------------------------------------------------------------


def importance(outcome: Outcome, held_out: Table) -> list[Importance]:
    """Permutation importance of each column of the table."""
    encoding = outcome.encoding
    columns = _features(encoding)
    passes, repeats = (PICTURE_PASSES, PICTURE_REPEATS) if held_out.image_shape else (MOST_PASSES, REPEATS)
    allowed = max(LEAST_ROWS, passes // (len(columns) * repeats))
    table = held_out.take(_spread(len(held_out), allowed))
    if len(table) < 2:
        return []  # one row has nothing to be shuffled with
    key = random.key(outcome.settings.seed)
    quick = pytree.map(lambda leaf: np.asarray(leaf, np.float32), outcome.result.model)  # twice as fast; 7 digits do
    return permutation_importance(
        lambda x: predict(quick, x).astype(float), _measures(encoding, table), encoding.inputs(table), columns,
        repeats=repeats, key=key,
    )  # fmt: skip


def _features(encoding: Encoding) -> dict[str, list[int]]:
    """Which columns of the inputs encode each column of the table."""
    found: dict[str, list[int]] = {}
    at = 0
    for encoder in encoding.encoders:
        found.setdefault(encoder.name, []).extend(range(at, at + len(encoder.features)))
        at += len(encoder.features)
    return found


def _spread(rows: int, most: int) -> Array:
    """At most so many row numbers, evenly spaced."""
    return np.linspace(0, rows - 1, min(rows, most)).astype(int)


def _measures(encoding: Encoding, table: Table) -> dict[str, Any]:
    targets = encoding.targets(table)
    if encoding.task == "classification":
        chosen = targets.astype(np.int64)
        loss: dict[str, Any] = {"log_loss": lambda z: class_metrics(chosen, log_softmax(z))["log_loss"]}
        return (
            loss
            if table.image_shape
            else {**loss, "accuracy": lambda z: float(np.mean(np.argmax(z, axis=1) == chosen))}
        )
    actual = encoding.decode(targets)
    return {
        "rmse": lambda z: number_metrics(actual, encoding.decode(z))["rmse"],
        "mae": lambda z: number_metrics(actual, encoding.decode(z))["mae"],
    }


def gradients(outcome: Outcome, held_out: Table) -> InputGradients | None:
    """Mean derivatives of the output by the columns of numbers, in the target's unit by their deviations."""
    encoding, model = outcome.encoding, outcome.result.model
    columns = _features(encoding)
    # a standardised number alone, beside at most what says that it is missing: a step of 1 is one deviation
    plain = {e.name: columns[e.name][0] for e in encoding.encoders if type(e).__name__ == "Number"}
    plain = {n: k for n, k in plain.items() if not any(f.startswith(f"{n}=") for f in encoding.features)}
    if not plain:
        return None
    inputs = encoding.inputs(held_out.take(_spread(len(held_out), MOST_GRADIENTS)))
    classify = encoding.task == "classification"
    by_feature = class_gradients(model, inputs) if classify else output_gradients(model, inputs) * encoding.target_scale
    found = by_feature[:, list(plain.values())]
    unit = "the probability of the predicted class" if classify else outcome.target
    left_out = [name for name in columns if name not in plain]
    return InputGradients(list(plain), np.abs(found).mean(axis=0), found.mean(axis=0), unit, left_out)


# ---- pictures ---------------------------------------------------------------------------------


def saliency(outcome: Outcome, held_out: Table) -> list[Saliency]:
    """Which pixels speak for a class."""
    encoding, shape = outcome.encoding, held_out.image_shape
    if shape is None or encoding.task != "classification":
        return []
    table = held_out.take(_spread(len(held_out), MOST_GRADIENTS))
    pixels = np.stack([table[name] for name in encoding.columns], axis=1).reshape(len(table), *shape)
    actual = encoding.targets(table).astype(np.int64)
    return class_saliency(outcome.result.model, encoding.inputs(table), actual, encoding.classes, pixels)


def weights(outcome: Outcome) -> Array | None:
    """(units, height, width): the first layer's weights, the units that do most first."""
    shape = outcome.table.image_shape
    dense = [layer for layer in outcome.result.model if isinstance(layer, nn.Dense)]
    if shape is None or not dense:
        return None
    first = np.asarray(dense[0].weight)
    strength = np.linalg.norm(first, axis=0)
    if len(dense) > 1:
        strength = strength * np.linalg.norm(dense[1].weight, axis=1)
    images = first.T[np.argsort(-strength, kind="stable")].reshape(-1, *shape)
    return images if len(shape) == 2 else images.sum(axis=-1)


# ---- a plane of two columns -------------------------------------------------------------------


def plane(outcome: Outcome) -> Plane | None:
    """What the network says over the plane of its two columns, if it has two, of numbers."""
    encoding, table = outcome.encoding, outcome.table
    if len(encoding.columns) != 2 or any(table.kind(n) not in ("number", "integer") for n in encoding.columns):
        return None
    if len(encoding.classes) > MOST_CLASSES:
        return None
    first, second = encoding.columns
    whole = np.flatnonzero(~(table.missing(first) | table.missing(second)))
    shown = table.take(whole)
    xs, ys = (_axis(encoding, shown, name) for name in (first, second))
    grid = Table({first: np.tile(xs, len(ys)), second: np.repeat(ys, len(xs))})
    outputs = predict(outcome.result.model, encoding.inputs(grid))
    values = probabilities(outputs) if encoding.classes else encoding.decode(outputs)
    targets = encoding.targets(shown)
    return Plane(
        (first, second), xs, ys, values.reshape(len(ys), len(xs), *values.shape[1:]),
        np.stack([shown[first], shown[second]], axis=1).astype(float),
        targets if encoding.classes else encoding.decode(targets),
        np.isin(whole, outcome.held_out_rows), encoding.classes,
    )  # fmt: skip


def _axis(encoding: Encoding, table: Table, name: str) -> Array:
    """Where the plane is sampled: evenly over the column's range and a little beyond; levels as they are."""
    values = table[name].astype(float)
    if any(feature.startswith(f"{name}=") for feature in encoding.features):
        return np.unique(values)
    low, high = float(values.min()), float(values.max())
    room = 0.06 * (high - low) or 0.5
    return np.linspace(low - room, high + room, FINE)
