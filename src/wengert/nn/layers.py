"""Layers: frozen dataclasses that are pytrees and callable, ``layer(x, *, key=None, training=False)``.

``x`` has one sample a row. What a layer learns are its leaves, so a gradient, an optimiser's state or a
file of a model has the layer's own form.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy
from numpy.typing import DTypeLike

import wengert.numpy as np
from wengert import random
from wengert.errors import ModelError, ShapeError
from wengert.nn import initial as initial_values
from wengert.nn.activations import ACTIVATIONS, activation
from wengert.nn.initial import Initial
from wengert.pytree import static
from wengert.random import Key

__all__ = ["Activation", "Dense", "Dropout", "Embedding", "Maxout"]


@final
@dataclass(frozen=True, eq=False)
class Dense:
    """A fully connected layer, x W + b.

    ``weight`` has shape (inputs, outputs), ``bias`` (outputs,) or is None. The lectures write columns,
    W x + b: their matrix is ``weight.T``.

    Raises:
        ShapeError: if weight and bias do not fit, or a row of ``x`` has not ``inputs`` numbers.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> layer = nn.Dense(np.array([[1.0, 0.0], [2.0, 1.0]]), np.array([0.5, 0.5]))
        >>> layer(np.array([[3.0, -2.0]]))
        array([[-0.5, -1.5]])
    """

    weight: Any
    bias: Any = None
    draws: ClassVar[bool] = False

    def __post_init__(self) -> None:
        weight, bias = np.shape(self.weight), None if self.bias is None else np.shape(self.bias)
        if len(weight) != 2 or bias not in (None, weight[1:]):
            raise ShapeError(
                "Dense takes a weight of shape (inputs, outputs) and a bias of shape (outputs,), "
                f"not {weight} and {bias}; a matrix written for columns goes in transposed: "
                "nn.Dense(W.T, b.ravel())"
            )

    @classmethod
    def init(
        cls,
        key: Key,
        inputs: int,
        outputs: int,
        init: str | Initial = "xavier_uniform",
        *,
        bias: bool = True,
        dtype: DTypeLike = np.float64,
    ) -> Dense:
        """A layer with initial values by name (``nn.initial.INITIAL``), and a bias of zeros.

        Example:
            >>> from wengert import nn, random
            >>> nn.Dense.init(random.key(0), 64, 10, "he_normal")
            Dense(64 → 10)
        """
        if any(type(n) is not int or n < 1 for n in (inputs, outputs)):
            raise ModelError(f"a layer needs at least one input and one output, not {inputs!r} and {outputs!r}")
        weight = initial_values.by_name(init)(key, (inputs, outputs), dtype)
        return cls(weight, np.zeros(outputs, dtype) if bias else None)

    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False) -> Any:
        """X W + b for the rows of ``x``."""
        del key, training
        weight, bias = self.weight, self.bias
        try:
            fits = x.shape[-1] == weight.shape[0]
        except (AttributeError, IndexError):
            fits = False
        if not fits:
            raise ShapeError(_misfit(self, x))
        y = x @ weight
        return y if bias is None else y + bias

    def __repr__(self) -> str:
        bias = "" if self.bias is not None else ", no bias"
        return f"Dense({' → '.join(map(str, np.shape(self.weight)))}{bias})"


def _misfit(layer: Dense, x: Any) -> str:
    """What is wrong with the shape of ``x``, and the line that mends it."""
    if not hasattr(x, "shape"):
        return f"{layer} takes an array, one sample a row, not a {type(x).__name__}: np.asarray(x, float)"
    shape, inputs = tuple(x.shape), layer.weight.shape[0]
    if inputs == 1:
        mend = "x[:, None] makes rows of one number each"
    elif len(shape) > 2 and math.prod(shape[1:]) == inputs:
        mend = "x.reshape(len(x), -1) makes one row of each sample"
    elif shape[:1] == (inputs,) and len(shape) == 2:
        mend = "these look like samples in columns: x.T"
    else:
        wide = shape[-1] if shape else 1
        mend = f"take a first layer with {wide} inputs, as in nn.mlp(key, [{wide}, …]), or the columns it knows"
    return f"{layer} takes rows of {inputs} numbers (weight {layer.weight.shape}); x has shape {shape}: {mend}"


@final
@dataclass(frozen=True)
class Activation:
    """An activation as a layer, by name or as a function.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.Activation("relu")(np.array([-1.0, 2.0]))
        array([0., 2.])
    """

    function: str | Callable[[Any], Any] = static()
    draws: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not callable(self.function):
            activation(self.function)

    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False) -> Any:
        """The function of each element of ``x`` (softmax: of each row)."""
        del key, training
        function = self.function
        return ACTIVATIONS[function](x) if isinstance(function, str) else function(x)

    def __repr__(self) -> str:
        return f"Activation({getattr(self.function, '__name__', self.function)})"


@final
@dataclass(frozen=True, eq=False)
class Maxout:
    """The largest of several dense layers, unit by unit: maxₖ(x Wₖ + bₖ).

    I. Goodfellow, D. Warde-Farley, M. Mirza, A. Courville, Y. Bengio, "Maxout networks", ICML 2013.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> plus, minus = nn.Dense(np.array([[1.0]])), nn.Dense(np.array([[-1.0]]))
        >>> nn.Maxout((plus, minus))(np.array([[-3.0], [2.0]])).ravel()  # |x|
        array([3., 2.])
    """

    pieces: tuple[Dense, ...]
    draws: ClassVar[bool] = False

    def __post_init__(self) -> None:
        shapes = {np.shape(piece.weight) for piece in self.pieces}
        if len(shapes) != 1:
            raise ShapeError(f"Maxout takes dense layers of one shape, not of {sorted(shapes) or 'none at all'}")

    @classmethod
    def init(
        cls,
        key: Key,
        inputs: int,
        outputs: int,
        pieces: int = 2,
        init: str | Initial = "xavier_uniform",
        *,
        dtype: DTypeLike = np.float64,
    ) -> Maxout:
        """A layer of ``pieces`` dense layers with initial values by name.

        Example:
            >>> from wengert import nn, random
            >>> len(nn.Maxout.init(random.key(0), 4, 3, pieces=5).pieces)
            5
        """
        keys = random.split(key, pieces)
        return cls(tuple(Dense.init(k, inputs, outputs, init, dtype=dtype) for k in keys))

    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False) -> Any:
        """The largest piece for the rows of ``x``."""
        del key, training
        return functools.reduce(np.maximum, [piece(x) for piece in self.pieces])


@final
@dataclass(frozen=True)
class Dropout:
    """In training, each number becomes 0 with probability ``rate`` and is divided by 1 − rate otherwise.

    Outside of training it does nothing, for the mean is the same.

    N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, "Dropout: a simple way to
    prevent neural networks from overfitting", JMLR 15 (2014).

    Raises:
        ModelError: if ``rate`` is not in [0, 1), or for ``training=True`` without a key.

    Example:
        >>> import numpy as np
        >>> from wengert import nn, random
        >>> x = np.ones((2, 4))
        >>> sorted(set(nn.Dropout(0.5)(x, key=random.key(0), training=True).ravel().tolist()))
        [0.0, 2.0]
    """

    rate: float = static()
    draws: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 <= self.rate < 1:
            raise ModelError(f"Dropout's rate is the probability of a zero, in [0, 1), and not {self.rate}")

    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False) -> Any:
        """``x`` itself, or in training a random part of it."""
        if not training or self.rate == 0:
            return x
        if key is None:
            raise ModelError(
                f"{self} draws random numbers in training and was given no key: "
                "model(x, key=wengert.random.key(0), training=True), with a new key for each step"
            )
        keep = 1 - self.rate
        return x * (random.bernoulli(key, keep, x.shape).astype(x.dtype) * (1 / keep))


@final
@dataclass(frozen=True, eq=False)
class Embedding:
    """A vector for each of so many things: row x of ``weight`` for the number x.

    ``x`` has any shape and holds numbers from 0 to ``number`` − 1 (as floats too, which is what ``training.fit`` makes
    of its inputs); the vectors stand along a new last axis.

    Raises:
        ShapeError: if ``weight`` is not of shape (number, features).
        IndexError: for a number that has no row.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.Embedding(np.array([[1.0, 2.0], [3.0, 4.0]]))(np.array([1, 1, 0]))
        array([[3., 4.],
               [3., 4.],
               [1., 2.]])
    """

    weight: Any
    draws: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if len(np.shape(self.weight)) != 2:
            raise ShapeError(f"Embedding takes a weight of shape (number, features), not {np.shape(self.weight)}")

    @classmethod
    def init(
        cls, key: Key, number: int, features: int, init: str | Initial = "normal", *, dtype: DTypeLike = np.float64
    ) -> Embedding:
        """A layer with initial values by name (``nn.initial.INITIAL``), by default small normal ones.

        Example:
            >>> from wengert import nn, random
            >>> nn.Embedding.init(random.key(0), 1000, 16)
            Embedding(1000 → 16)
        """
        if any(type(n) is not int or n < 1 for n in (number, features)):
            raise ModelError(f"an embedding needs at least one row and one feature, not {number!r} and {features!r}")
        return cls(initial_values.by_name(init)(key, (number, features), dtype))

    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False) -> Any:
        """The vectors of the numbers ``x``."""
        del key, training
        rows = np.asarray(x).astype(np.int64)
        # where the numbers are traced, the matrix must be too: NumPy would ask for their values to index a plain one
        weight = self.weight if type(rows) is numpy.ndarray else np.array(self.weight)
        return weight[rows]

    def __repr__(self) -> str:
        return f"Embedding({' → '.join(map(str, np.shape(self.weight)))})"
