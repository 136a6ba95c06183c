"""Illnesses where outputs meet targets: a loss that does not go with the last layer."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert import nn
from wengert.explain.charts.numbers import number, percent
from wengert.explain.doctor import thresholds
from wengert.explain.doctor.case import Case
from wengert.explain.doctor.finding import Finding
from wengert.explain.doctor.reference import is_labels, labels_of

__all__ = ["baseline_of", "head_findings", "loss_kind", "targets_like"]

Array = NDArray[Any]
_PROBABILITIES = (nn.binary_cross_entropy, nn.categorical_cross_entropy, nn.k_class_binary_cross_entropy)


def softmax(z: Array) -> Array:
    """Rows of positive numbers with sum 1."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def sigmoid(z: Array) -> Array:
    """1/(1 + e⁻ᶻ)."""
    return 0.5 * (1 + np.tanh(0.5 * z))


def targets_like(outputs: Array, y: Array) -> Array | None:
    """Targets in the shape of outputs, labels as one-hot rows; None where they do not fit."""
    if y.size == outputs.size:
        return y.reshape(outputs.shape).astype(float)
    if outputs.ndim == 2 and y.size == len(outputs) and is_labels(y, outputs.shape[1]):
        return (labels_of(y)[:, None] == np.arange(outputs.shape[1])).astype(float)
    return None


def loss_kind(outputs: Array, gradient: Array, y: Array) -> str:
    """Which loss it is by its gradient at the outputs, whatever it is called; empty where it is none of these.

    p − t of a softmax or sigmoid, o − t of squares, each times a constant.
    """
    t = targets_like(outputs, y)
    if t is None or not np.isfinite(outputs).all():
        return ""
    expected = {"squares": outputs - t, "sigmoid": sigmoid(outputs) - t}
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        expected = {"softmax": softmax(outputs) - t, **expected}
    scale, tolerance = float(np.sqrt(np.sum(gradient**2))), 1e-9 if gradient.dtype == np.float64 else 1e-5
    for kind, of in expected.items():
        size = float(np.sqrt(np.sum(of**2)))
        if scale > 0 and size > 0 and np.sum(gradient * of) / (scale * size) > 1 - tolerance:
            return kind
    return ""


def baseline_of(case: Case) -> float | None:
    """The loss of the best constant outputs: the targets' mean, or for classes their logarithms if those do better."""
    outputs, y = case.seen.outputs, case.sample[1]
    t = targets_like(outputs, y)
    if t is None:
        return None
    constants = [t.mean(axis=0)]
    if is_labels(y, outputs.size // len(outputs)):
        p = np.clip(t.reshape(len(t), -1).mean(axis=0), 1e-12, 1)
        constants.append(np.log(p) if len(p) > 1 else np.log(p / np.maximum(1 - p, 1e-12)))
    return min(float(case.loss(np.broadcast_to(c, outputs.shape).astype(outputs.dtype), y)) for c in constants)


def head_findings(case: Case) -> Iterator[Finding]:
    """What is wrong between the last layer, the loss and the targets."""
    seen, (_, y) = case.seen, case.sample
    outputs, z = seen.outputs, seen.last
    if outputs.dtype.kind != "f" or outputs.ndim > 2 or not np.isfinite(outputs).all():
        return
    kind, head = loss_kind(outputs, seen.outputs_gradient, y), _head(z, outputs)
    layer = seen.looks[-1].layer if seen.looks else ""
    if kind == "softmax" and head == "softmax":
        yield _twice("softmax", "softmax_cross_entropy", outputs, layer)
    elif kind == "sigmoid" and head == "sigmoid":
        yield _twice("sigmoid", "binary_cross_entropy_with_logits", outputs, layer)
    elif kind == "squares" and head == "" and is_labels(y, outputs.size // len(y)):
        yield from _squares(outputs, y, layer)
    elif _plain(case.loss) in _PROBABILITIES and (outputs.min() < 0 or outputs.max() > 1):
        yield _no_probabilities(case, outputs, layer)
    yield from _out_of_reach(kind, head, outputs, y, layer)


def _plain(loss: Any) -> Any:
    while isinstance(loss, functools.partial):
        loss = loss.func
    return loss


def _head(z: Array, outputs: Array) -> str:
    """What stands between the last layer's sums and the outputs; empty for nothing, "?" for something else."""
    if z.shape != outputs.shape:
        return "?"
    close = functools.partial(np.allclose, outputs, rtol=1e-5, atol=1e-6)
    # by the numbers: a head is named only where it changes them
    for name, f in (
        ("softmax", softmax),
        ("sigmoid", sigmoid),
        ("tanh", np.tanh),
        ("relu", lambda z: np.maximum(z, 0)),
    ):
        if close(f(z)) and not np.allclose(z, outputs, rtol=1e-5, atol=1e-6):
            return name
    return "" if close(z) else "?"


def _twice(head: str, loss: str, outputs: Array, layer: str) -> Finding:
    flattest = number(float(outputs.max()), 3)
    return Finding(
        f"{head}_twice", "severe",
        f"the model ends in a {head}, and {loss} takes the {head} of its outputs once more: of outputs between 0 and 1 "
        f"(largest {flattest}) it can make no confident prediction, and gradients shrink",
        f"leave the last {head} out of the model: nn.{loss} takes logits; use nn.{head}(model(x)) to predict",
        layer=layer, numbers={"largest_output": float(outputs.max())},
    )  # fmt: skip


def _squares(outputs: Array, y: Array, layer: str) -> Iterator[Finding]:
    t = targets_like(outputs, y)
    if t is not None and np.sum((outputs - t) ** 2) < thresholds.MET * np.sum((t - t.mean(axis=0)) ** 2):
        return  # outputs that meet 0 and 1 as amounts are punished for nothing
    classes = outputs.shape[1] if outputs.ndim == 2 and outputs.shape[1] > 1 else 2
    better = "softmax_cross_entropy" if classes > 2 or outputs.shape[-1] == 2 else "binary_cross_entropy_with_logits"
    outside = float(np.mean((outputs < 0) | (outputs > 1)))
    yield Finding(
        "squared_error_for_classes", "serious",
        f"targets are {classes} classes, and the loss is the squared distance of logits from 0 and 1: "
        f"{percent(outside)} of the outputs lie outside of [0, 1], and too much confidence is punished",
        f"loss=nn.{better}",
        layer=layer, numbers={"outside": outside},
    )  # fmt: skip


def _no_probabilities(case: Case, outputs: Array, layer: str) -> Finding:
    name = _plain(case.loss).__name__
    low, high = float(outputs.min()), float(outputs.max())
    better = {
        "binary_cross_entropy": "loss=nn.binary_cross_entropy_with_logits",
        "categorical_cross_entropy": "loss=nn.softmax_cross_entropy",
    }.get(name, "end the model in nn.sigmoid")
    return Finding(
        "logits_as_probabilities", "severe",
        f"{name} takes the logarithm of probabilities, and outputs run from {number(low, 3)} to {number(high, 3)}: "
        "beyond 0 and 1 nothing is learned",
        better, layer=layer, numbers={"lowest": low, "highest": high},
    )  # fmt: skip


_REACH = {"relu": (0.0, np.inf), "sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "softmax": (0.0, 1.0)}


def _out_of_reach(kind: str, head: str, outputs: Array, y: Array, layer: str) -> Iterator[Finding]:
    if kind in ("softmax", "sigmoid") and head in ("relu", "tanh"):
        yield Finding(
            "bounded_logits", "serious",
            f"logits go through a {head} before the loss: they cannot be "
            f"{'negative' if head == 'relu' else 'beyond ±1'}, which bounds how sure the model can be",
            f"leave the last {head} out of the model", layer=layer, numbers={"largest_output": float(outputs.max())},
        )  # fmt: skip
    if kind in ("softmax", "sigmoid") or head not in _REACH or y.dtype.kind not in "biuf":
        return
    low, high = _REACH[head]
    outside = float(np.mean((y < low) | (y > high))) if not is_labels(y, outputs.size // len(y)) else 0.0
    if outside > 0.05:
        yield Finding(
            "targets_out_of_reach", "severe",
            f"the model ends in a {head}, whose values lie in [{number(low)}, {number(high)}], and {percent(outside)} "
            f"of the targets, from {number(float(y.min()), 3)} to {number(float(y.max()), 3)}, do not",
            f"leave the last {head} out of the model, or scale the targets into its range",
            layer=layer, numbers={"outside": outside},
        )  # fmt: skip
