"""What a simpler predictor reaches: the mean or the most frequent class, and a linear model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.cli._metrics import measure
from wengert.cli._network import Settings, train_network
from wengert.data import Encoding, Table
from wengert.training import predict

__all__ = ["baselines"]

Array = NDArray[Any]


def baselines(
    encoding: Encoding, inputs: Array, targets: Array, held_out: Table, tested: Array, settings: Settings
) -> dict[str, dict[str, float]]:
    """The metrics on ``held_out`` (encoded: ``tested``) of a constant predictor and of a linear one."""
    if encoding.task == "classification":
        constant, linear = "majority", _logistic(encoding, inputs, targets, tested, settings)
        share = np.bincount(targets, minlength=len(encoding.classes)) / len(targets)
        outputs = np.tile(np.log(np.maximum(share, 1e-12)), (len(held_out), 1))
    else:
        constant, linear = "mean", _least_squares(inputs, targets, tested)
        outputs = np.zeros(len(held_out))  # standardised targets have mean 0
    return {
        constant: measure(encoding, held_out, outputs),
        "linear": measure(encoding, held_out, linear),
    }


def _least_squares(inputs: Array, targets: Array, tested: Array) -> Array:
    """Predictions of the w that minimises ‖[x 1] w − y‖, the shortest one where there are many."""
    weights = np.linalg.lstsq(_with_one(inputs), targets, rcond=None)[0]
    return _with_one(tested) @ weights


def _with_one(inputs: Array) -> Array:
    return np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)


def _logistic(encoding: Encoding, inputs: Array, targets: Array, tested: Array, settings: Settings) -> Array:
    """Logits of a network without hidden layers: logistic regression, stopped early as the network is."""
    plain = replace(settings, hidden=(), optimizer="adam", learning_rate=1e-2, batch_size=64)
    result, _ = train_network(encoding, inputs, targets, plain, progress="none")
    if result.interrupted:
        raise KeyboardInterrupt
    return predict(result.model, tested)
