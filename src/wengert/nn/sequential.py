"""Layers one after another."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy
from numpy.typing import DTypeLike

from wengert import pytree, random
from wengert.errors import ModelError, ShapeError
from wengert.nn.initial import Initial, for_activation
from wengert.nn.layers import Activation, Dense, Dropout
from wengert.random import Key

__all__ = ["Sequential", "count_parameters", "mlp"]

Function = str | Callable[[Any], Any]


def _as_layer(layer: Any) -> Any:
    """A plain function becomes a layer: as a leaf of the tree it could not be differentiated."""
    if not callable(layer) or isinstance(layer, type):
        raise ModelError(f"Sequential takes layers, called as layer(x), and {layer!r} is none")
    if hasattr(layer, "__name__") or isinstance(layer, functools.partial):
        return Activation(layer)
    if any(leaf is layer for leaf in pytree.leaves(layer)):
        raise ModelError(
            f"{type(layer).__name__} is no tree, so nothing in it would be learned: "
            "write @dataclass(frozen=True) above its class, and its arrays as fields"
        )
    return layer


@final
@dataclass(frozen=True, eq=False)
class Sequential:
    """Layers one after another; a plain function among them becomes an :class:`Activation`.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> model = nn.Sequential([nn.Dense(np.array([[1.0], [1.0]])), nn.relu])
        >>> model(np.array([[1.0, 2.0], [3.0, -2.0]])).ravel()
        array([3., 1.])
        >>> model[1], len(model)
        (Activation(relu), 2)
    """

    layers: Sequence[Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", tuple(_as_layer(layer) for layer in self.layers))

    @property
    def draws(self) -> bool:
        """Whether a layer may draw random numbers in training."""
        return any(getattr(layer, "draws", True) for layer in self.layers)

    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False) -> Any:
        """The last layer's output for the rows of ``x``; each layer has a key of its own."""
        if key is None or not (training and self.draws):
            keys: Sequence[Key | None] = (None,) * len(self.layers)
        else:
            keys = random.split(key, len(self.layers))
        for number, (layer, own) in enumerate(zip(self.layers, keys, strict=True)):
            try:
                x = layer(x, key=own, training=training)
            except ShapeError as error:
                raise ShapeError(f"layers[{number}]: {error}") from error
        return x

    def __getitem__(self, index: int) -> Any:
        return self.layers[index]

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.layers)


def mlp(
    key: Key,
    sizes: Sequence[int],
    activation: Function = "relu",
    init: str | Initial | None = None,
    dropout: float = 0.0,
    *,
    output: Function | None = None,
    dtype: DTypeLike = numpy.float64,
) -> Sequential:
    """A multilayer perceptron of the widths ``sizes``, inputs first, outputs last.

    Between two dense layers stand ``activation`` and, if ``dropout`` is not 0, dropout of that rate; after
    the last one ``output``, by default nothing: logits or numbers. Initial values are by default what suits
    the activation: he_uniform for the rectifiers, else xavier_uniform; biases are 0.

    Raises:
        ModelError: if there are fewer than two sizes, or one is not a positive integer.

    Example:
        >>> from wengert import nn, random
        >>> nn.mlp(random.key(0), [2, 16, 3], activation="tanh")
        Sequential(layers=(Dense(2 → 16), Activation(tanh), Dense(16 → 3)))
    """
    if len(sizes) < 2:
        raise ModelError(f"an mlp needs the number of inputs and of outputs at least, [4, 1]; sizes is {sizes}")
    layers: list[Any] = []
    last = len(sizes) - 2
    for number, own in enumerate(random.split(key, len(sizes) - 1)):
        follows = activation if number < last else output
        chosen = init or for_activation(follows or "identity")
        layers.append(Dense.init(own, sizes[number], sizes[number + 1], chosen, dtype=dtype))
        layers += [Activation(follows)] if follows else []
        layers += [Dropout(dropout)] if dropout and number < last else []
    return Sequential(layers)


def count_parameters(model: Any) -> int:
    """How many numbers a model learns: the sizes of its leaves, added up, without what it only remembers.

    Example:
        >>> from wengert import nn, random
        >>> nn.count_parameters(nn.mlp(random.key(0), [64, 100, 10]))
        7510
    """
    return sum(
        numpy.size(x) for x, held in zip(pytree.leaves(model), pytree.state_mask(model), strict=True) if not held
    )
