"""Networks: layers, activations, initial values, losses, and backpropagation layer by layer.

A model is a frozen dataclass, a pytree and a function ``model(x, *, key=None, training=False)`` of a batch
``x`` with one sample a row. Any dataclass of the kind is a model; those here are the usual ones.

Example:
    >>> import numpy as np
    >>> from wengert import nn, random
    >>> model = nn.mlp(random.key(0), [4, 16, 3])
    >>> model(np.zeros((5, 4))).shape
    (5, 3)
"""

from wengert.nn import activations, initial, losses, state
from wengert.nn.activations import (
    activation,
    elu,
    gelu,
    identity,
    leaky_relu,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    step,
    swish,
    tanh,
)
from wengert.nn.cells import GRUCell, LSTMCell, RNNCell
from wengert.nn.convolutional import Conv1d, Conv2d, Conv3d
from wengert.nn.layers import Activation, Dense, Dropout, Embedding, Maxout
from wengert.nn.losses import (
    accuracy,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    categorical_cross_entropy,
    half_sse,
    huber,
    k_class_binary_cross_entropy,
    mae,
    mse,
    softmax_cross_entropy,
)
from wengert.nn.normalisation import BatchNorm, LayerNorm
from wengert.nn.pooling import AvgPool1d, AvgPool2d, Flatten, GlobalAvgPool, MaxPool1d, MaxPool2d
from wengert.nn.recurrent import GRU, LSTM, RNN
from wengert.nn.sequential import Sequential, count_parameters, mlp
from wengert.nn.state import apply, remember, state_of, with_state
from wengert.nn.stepper import LayerStepper, Node, Stepper

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GlobalAvgPool",
    "LSTMCell",
    "LayerNorm",
    "LayerStepper",
    "MaxPool1d",
    "MaxPool2d",
    "Maxout",
    "Node",
    "RNNCell",
    "Sequential",
    "Stepper",
    "accuracy",
    "activation",
    "activations",
    "apply",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "categorical_cross_entropy",
    "count_parameters",
    "elu",
    "gelu",
    "half_sse",
    "huber",
    "identity",
    "initial",
    "k_class_binary_cross_entropy",
    "leaky_relu",
    "log_softmax",
    "losses",
    "mae",
    "mlp",
    "mse",
    "relu",
    "remember",
    "sigmoid",
    "silu",
    "softmax",
    "softmax_cross_entropy",
    "softplus",
    "state",
    "state_of",
    "step",
    "swish",
    "tanh",
    "with_state",
]
