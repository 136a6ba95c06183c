"""The parts that optimisers are composed of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import wengert.numpy as np
from wengert import pytree
from wengert.errors import ModelError
from wengert.optim._optimizer import Optimizer, stateless

__all__ = [
    "Rate",
    "add_decayed_weights",
    "clip",
    "clip_by_global_norm",
    "global_norm",
    "scale",
    "scale_by_adam",
    "scale_by_learning_rate",
    "scale_by_rms",
    "scale_by_sum_of_squares",
    "trace",
]

Rate = float | Callable[[Any], Any]


def positive(value: Any, name: str) -> float:
    """``value``, if it is a finite number above 0."""
    if not (isinstance(value, int | float | np.floating) and math.isfinite(value) and value > 0):
        raise ModelError(f"{name} must be a number above 0 and is {value!r}")
    return float(value)


def fraction(value: Any, name: str) -> float:
    """``value``, if it lies in [0, 1)."""
    if not (isinstance(value, int | float | np.floating) and 0 <= value < 1):
        raise ModelError(f"{name} must be a number in [0, 1) and is {value!r}")
    return float(value)


def zeros(params: Any) -> Any:
    """A tree of the form of ``params``, all zero."""
    return pytree.map(np.zeros_like, params)


def scale(factor: float) -> Optimizer:
    """Updates u = factor · g.

    Example:
        >>> from wengert import optim
        >>> optim.scale(-0.5).update(3.0, (), None)[0]
        -1.5
    """
    return stateless(lambda gradients, _params: pytree.map(lambda g: factor * g, gradients))


def scale_by_learning_rate(rate: Rate) -> Optimizer:
    """Steps down: u = −η g, with η a number or a schedule: a function of the step's number, from 0.

    Raises:
        ModelError: if η is not above 0.

    Example:
        >>> from wengert import optim
        >>> part = optim.scale_by_learning_rate(lambda step: 1.0 / (1 + step))
        >>> state = part.init(0.0)
        >>> first, state = part.update(4.0, state, 0.0)
        >>> second, state = part.update(4.0, state, 0.0)
        >>> float(first), float(second), state
        (-4.0, -2.0, 2)
    """
    if not callable(rate):
        eta = positive(rate, "the learning rate")
        fixed = scale(-eta)
        return Optimizer(fixed.init, fixed.update, lambda _step: eta)

    def update(gradients: Any, step: Any, _params: Any) -> tuple[Any, Any]:
        factor = -rate(step)
        # in the gradient's dtype: a float64 number would make float32 gradients float64
        scaled = pytree.map(lambda g: np.asarray(factor, dtype=np.asarray(g).dtype) * g, gradients)
        return scaled, step + 1

    return Optimizer(lambda _params: 0, update, rate)


def trace(decay: float, nesterov: bool = False) -> Optimizer:
    """Velocity: v ← μ v + g and u = v, or with ``nesterov`` u = g + μ v.

    Example:
        >>> from wengert import optim
        >>> part = optim.trace(0.5)
        >>> first, state = part.update(1.0, part.init(0.0), 0.0)
        >>> float(first), float(part.update(1.0, state, 0.0)[0])
        (1.0, 1.5)
    """
    mu = fraction(decay, "the decay of the velocity")

    def update(gradients: Any, velocity: Any, _params: Any) -> tuple[Any, Any]:
        velocity = pytree.map(lambda v, g: mu * v + g, velocity, gradients)
        if not nesterov:
            return velocity, velocity
        return pytree.map(lambda v, g: g + mu * v, velocity, gradients), velocity

    return Optimizer(zeros, update)


def scale_by_sum_of_squares(eps: float = 1e-10) -> Optimizer:
    """The rule of adagrad: G ← G + g², u = g/(√G + ε).

    Example:
        >>> from wengert import optim
        >>> part = optim.scale_by_sum_of_squares()
        >>> float(part.update(5.0, part.init(0.0), 0.0)[0].round(6))
        1.0
    """

    def update(gradients: Any, total: Any, _params: Any) -> tuple[Any, Any]:
        total = pytree.map(lambda t, g: t + g * g, total, gradients)
        return pytree.map(lambda g, t: g / (np.sqrt(t) + eps), gradients, total), total

    return Optimizer(zeros, update)


def scale_by_rms(decay: float = 0.9, eps: float = 1e-8) -> Optimizer:
    """The rule of rmsprop: v ← ρ v + (1 − ρ) g², u = g/(√v + ε).

    Example:
        >>> from wengert import optim
        >>> part = optim.scale_by_rms(0.75)
        >>> float(part.update(5.0, part.init(0.0), 0.0)[0].round(6))
        2.0
    """
    rho = fraction(decay, "the decay of the mean square")

    def update(gradients: Any, mean: Any, _params: Any) -> tuple[Any, Any]:
        mean = pytree.map(lambda v, g: rho * v + (1 - rho) * (g * g), mean, gradients)
        return pytree.map(lambda g, v: g / (np.sqrt(v) + eps), gradients, mean), mean

    return Optimizer(zeros, update)


def scale_by_adam(b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> Optimizer:
    """The rule of Adam: m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², u = m̂/(√v̂ + ε).

    m̂ = m/(1 − β₁ᵗ) and v̂ = v/(1 − β₂ᵗ) at step t = 1, 2, …

    Example:
        >>> from wengert import optim
        >>> part = optim.scale_by_adam()
        >>> float(part.update(5.0, part.init(0.0), 0.0)[0].round(6))
        1.0
    """
    b1, b2 = fraction(b1, "b1"), fraction(b2, "b2")

    def update(gradients: Any, state: Any, _params: Any) -> tuple[Any, Any]:
        step, m, v = state
        step = step + 1
        m = pytree.map(lambda m, g: b1 * m + (1 - b1) * g, m, gradients)
        v = pytree.map(lambda v, g: b2 * v + (1 - b2) * (g * g), v, gradients)
        unbias_m, unbias_v = 1 / (1 - b1**step), 1 / (1 - b2**step)
        updates = pytree.map(lambda m, v: unbias_m * m / (np.sqrt(unbias_v * v) + eps), m, v)
        return updates, (step, m, v)

    return Optimizer(lambda params: (0, zeros(params), zeros(params)), update)


def add_decayed_weights(decay: float) -> Optimizer:
    """Weight decay: u = g + λ θ. Before the learning rate is applied, as in ``adamw``. Of what is learned only.

    Raises:
        ModelError: in ``update``, if it is called without the parameters.

    Example:
        >>> from wengert import optim
        >>> optim.add_decayed_weights(0.1).update(1.0, (), 20.0)[0]
        3.0
    """

    def decayed(gradients: Any, params: Any) -> Any:
        if params is None:
            raise ModelError("weight decay needs the weights: optimizer.update(gradients, state, params)")
        return pytree.map_learned(lambda g, p: g + decay * p, gradients, params)

    return stateless(decayed)


def clip(limit: float) -> Optimizer:
    """Gradients cut to ±limit, number by number: u = min(max(g, −limit), limit).

    Example:
        >>> import numpy as np
        >>> from wengert import optim
        >>> optim.clip(1.0).update(np.array([-3.0, 0.5]), (), None)[0]
        array([-1. ,  0.5])
    """
    limit = positive(limit, "the limit of clip")
    return stateless(lambda gradients, _params: pytree.map(lambda g: np.clip(g, -limit, limit), gradients))


def global_norm(tree: Any) -> Any:
    """√ of the sum of the squares of (the moduli of) all numbers in a tree.

    Example:
        >>> import numpy as np
        >>> from wengert import optim
        >>> float(optim.global_norm({"w": np.array([3.0]), "b": np.array([4.0])}))
        5.0
    """
    total: Any = 0.0
    for leaf in pytree.leaves(tree):
        total = total + np.sum((leaf * np.conj(leaf)).real if np.iscomplexobj(leaf) else leaf * leaf)
    return np.sqrt(total)


def clip_by_global_norm(limit: float) -> Optimizer:
    """Gradients cut in length: u = g · min(1, limit/‖g‖), with the norm over all leaves: the direction stays.

    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks", ICML 2013.

    Example:
        >>> import numpy as np
        >>> from wengert import optim
        >>> optim.clip_by_global_norm(1.0).update([np.array([3.0]), np.array([4.0])], (), None)[0]
        [array([0.6]), array([0.8])]
    """
    limit = positive(limit, "the limit of clip_by_global_norm")

    def clipped(gradients: Any, _params: Any) -> Any:
        factor = limit / np.maximum(global_norm(gradients), limit)
        return pytree.map(lambda g: np.asarray(factor, dtype=np.asarray(g).dtype) * g, gradients)

    return stateless(clipped)
