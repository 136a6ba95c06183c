"""Schedules: the learning rate as a function of the step's number, from 0. Given in place of a number.

Example:
    >>> from wengert import optim
    >>> optimizer = optim.adam(optim.schedules.warmup_cosine(1e-3, warmup=100, steps=1000))
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import wengert.numpy as np
from wengert.errors import ModelError
from wengert.optim._parts import positive

__all__ = ["Schedule", "constant", "cosine", "exponential_decay", "step_decay", "warmup_cosine"]

Schedule = Callable[[Any], Any]


def _count(value: Any, name: str) -> int:
    if not isinstance(value, int) or value < 1:
        raise ModelError(f"{name} is a number of steps, at least 1, and not {value!r}")
    return value


def constant(rate: float) -> Schedule:
    """η(t) = rate.

    Example:
        >>> from wengert import optim
        >>> optim.schedules.constant(0.1)(1000)
        0.1
    """
    eta = positive(rate, "the learning rate")
    return lambda _step: eta


def step_decay(rate: float, every: int, factor: float = 0.1) -> Schedule:
    """η(t) = rate · factor^⌊t/every⌋.

    Example:
        >>> from wengert import optim
        >>> decay = optim.schedules.step_decay(1.0, every=10, factor=0.5)
        >>> [decay(t) for t in (0, 9, 10, 20)]
        [1.0, 1.0, 0.5, 0.25]
    """
    eta, every, factor = (
        positive(rate, "the learning rate"),
        _count(every, "every"),
        positive(factor, "factor"),
    )
    return lambda step: eta * factor ** (step // every)


def exponential_decay(rate: float, steps: int, factor: float) -> Schedule:
    """η(t) = rate · factor^(t/steps): smaller by ``factor`` in every ``steps`` steps.

    Example:
        >>> from wengert import optim
        >>> optim.schedules.exponential_decay(1.0, steps=10, factor=0.5)(20)
        0.25
    """
    eta, steps, factor = (
        positive(rate, "the learning rate"),
        _count(steps, "steps"),
        positive(factor, "factor"),
    )
    return lambda step: eta * factor ** (step / steps)


def cosine(rate: float, steps: int, final: float = 0.0) -> Schedule:
    """Half a cosine from ``rate`` at t = 0 to ``final`` at t = steps, and ``final`` from there on.

    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017.

    Example:
        >>> from wengert import optim
        >>> fall = optim.schedules.cosine(1.0, steps=100)
        >>> [round(float(fall(t)), 3) for t in (0, 50, 100, 200)]
        [1.0, 0.5, 0.0, 0.0]
    """
    eta, steps = positive(rate, "the learning rate"), _count(steps, "steps")
    return lambda step: final + (eta - final) * 0.5 * (1 + np.cos(math.pi * np.minimum(step / steps, 1.0)))


def warmup_cosine(rate: float, warmup: int, steps: int, final: float = 0.0) -> Schedule:
    """A straight rise to ``rate`` over the first ``warmup`` steps, then :func:`cosine` until ``steps``.

    P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", arXiv:1706.02677.

    Example:
        >>> from wengert import optim
        >>> schedule = optim.schedules.warmup_cosine(1.0, warmup=4, steps=104)
        >>> [round(float(schedule(t)), 3) for t in (0, 1, 4, 54, 104)]
        [0.25, 0.5, 1.0, 0.5, 0.0]
    """
    eta, warmup, steps = positive(rate, "the learning rate"), _count(warmup, "warmup"), _count(steps, "steps")
    if steps <= warmup:
        raise ModelError(f"the rise takes {warmup} steps and all of it {steps}: steps must be more than warmup")
    fall = cosine(rate, steps - warmup, final)
    return lambda step: np.where(step < warmup, eta * (step + 1) / warmup, fall(np.maximum(step - warmup, 0)))
