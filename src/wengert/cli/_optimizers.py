"""The optimisers that can be named, and the learning rate that suits each on standardised inputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert import optim

__all__ = ["OPTIMIZERS", "optimizer"]

# name -> (optimiser of a schedule, rate at the start)
OPTIMIZERS: dict[str, tuple[Callable[[Any], optim.Optimizer], float]] = {
    "adam": (optim.adam, 3e-3),
    "adamw": (optim.adamw, 3e-3),
    "rmsprop": (optim.rmsprop, 1e-3),
    "adagrad": (optim.adagrad, 2e-2),
    "nesterov": (optim.nesterov, 2e-2),
    "momentum": (optim.momentum, 2e-2),
    "sgd": (optim.sgd, 1e-1),
}


def optimizer(name: str, learning_rate: float | None, steps: int) -> optim.Optimizer:
    """The optimiser of that name, its rate falling as half a cosine over ``steps``.

    Example:
        >>> float(optimizer("sgd", 0.5, steps=10).rate(0))
        0.5
    """
    make, usual = OPTIMIZERS[name]
    return make(optim.schedules.cosine(usual if learning_rate is None else learning_rate, steps))
