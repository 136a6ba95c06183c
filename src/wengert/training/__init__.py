"""Training: the loop, its history, the path it takes, and model files.

Example:
    >>> import numpy as np
    >>> from wengert import nn, optim, random, training
    >>> x = np.linspace(-1, 1, 100)[:, None]
    >>> model = nn.mlp(random.key(0), [1, 16, 1], activation="tanh")
    >>> result = training.fit(
    ...     model, x, x**2, loss=nn.mse, optimizer=optim.adam(0.03), epochs=100, progress="none"
    ... )
    >>> result.history["loss"][-1] < 0.01
    True
"""

from wengert.training._fit import Epoch, Result, fit
from wengert.training._layout import Layout, Leaf
from wengert.training._saving import load_model, save_model
from wengert.training._steps import predict
from wengert.training._trajectory import Trajectory, TrajectoryRecorder, trajectory
from wengert.training._watching import Failure, Setup, Step
from wengert.training.history import History

__all__ = [
    "Epoch",
    "Failure",
    "History",
    "Layout",
    "Leaf",
    "Result",
    "Setup",
    "Step",
    "Trajectory",
    "TrajectoryRecorder",
    "fit",
    "load_model",
    "predict",
    "save_model",
    "trajectory",
]
