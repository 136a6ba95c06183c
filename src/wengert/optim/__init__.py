"""Optimisers: pairs of pure functions ``(init, update)`` that compose.

Example:
    >>> import numpy as np
    >>> from wengert import optim
    >>> optimizer = optim.chain(optim.clip_by_global_norm(1.0), optim.adam(1e-2))
    >>> params = {"w": np.ones(3)}
    >>> state = optimizer.init(params)
    >>> updates, state = optimizer.update({"w": np.full(3, 0.5)}, state, params)
    >>> optim.apply_updates(params, updates)["w"].round(4)
    array([0.99, 0.99, 0.99])
"""

from wengert.optim import schedules
from wengert.optim._descent import Descent, gradient_descent
from wengert.optim._optimizer import Optimizer, apply_updates, chain, identity, stateless
from wengert.optim._optimizers import adagrad, adam, adamw, momentum, nesterov, rmsprop, sgd
from wengert.optim._parts import (
    add_decayed_weights,
    clip,
    clip_by_global_norm,
    global_norm,
    scale,
    scale_by_adam,
    scale_by_learning_rate,
    scale_by_rms,
    scale_by_sum_of_squares,
    trace,
)

__all__ = [
    "Descent",
    "Optimizer",
    "adagrad",
    "adam",
    "adamw",
    "add_decayed_weights",
    "apply_updates",
    "chain",
    "clip",
    "clip_by_global_norm",
    "global_norm",
    "gradient_descent",
    "identity",
    "momentum",
    "nesterov",
    "rmsprop",
    "scale",
    "scale_by_adam",
    "scale_by_learning_rate",
    "scale_by_rms",
    "scale_by_sum_of_squares",
    "schedules",
    "sgd",
    "stateless",
    "trace",
]
