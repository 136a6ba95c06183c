"""Layers that bring their inputs to mean 0 and variance 1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, final

from numpy.typing import DTypeLike

import wengert.numpy as np
from wengert.errors import ModelError, ShapeError
from wengert.nn.state import newest, remember
from wengert.pytree import state, static
from wengert.random import Key
from wengert.transforms import stop_gradient

__all__ = ["BatchNorm", "LayerNorm"]


def _check(layer: Any, x: Any) -> None:
    if np.shape(x)[-1:] != np.shape(layer.scale):
        name, features = type(layer).__name__, (np.shape(x) or (1,))[-1]
        raise ShapeError(
            f"{layer} takes {len(layer.scale)} features along the last axis, and x has shape {np.shape(x)}: "
            f"take {name}.init({features}), or np.moveaxis(x, 1, -1) for channels first"
        )


def _positive(features: Any) -> int:
    if type(features) is not int or features < 1:
        raise ModelError(f"a layer that normalises needs at least one feature, not {features!r}")
    return features


@final
@dataclass(frozen=True, eq=False)
class BatchNorm:
    """γ (x − μ)/√(σ² + ε) + β, feature by feature, with mean and variance of the batch in training.

    The features are along the last axis; a batch is all the rest: the rows of a table, or all pixels of all images.
    ``scale`` γ and ``shift`` β are learned. ``mean`` and ``variance`` are remembered: outside of training they stand
    for μ and σ², and :func:`wengert.nn.apply` in training moves them towards the batch's by

        mean ← (1 − momentum) · mean + momentum · μ,

    the variance likewise, by the batch's unbiased one, n/(n − 1) σ². ``training.fit`` does so by itself.

    S. Ioffe, C. Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
    shift", ICML 2015.

    Raises:
        ShapeError: if the last axis of ``x`` has not as many features.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> layer = nn.BatchNorm.init(2)
        >>> layer(np.array([[1.0, 10.0], [3.0, 30.0]]), training=True).round(3)
        array([[-1., -1.],
               [ 1.,  1.]])
    """

    scale: Any
    shift: Any
    mean: Any = state()
    variance: Any = state()
    momentum: float = static(default=0.1)
    epsilon: float = static(default=1e-5)
    draws: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0 < self.momentum <= 1:
            raise ModelError(f"BatchNorm's momentum is the weight of a new batch, in (0, 1], and not {self.momentum}")

    @classmethod
    def init(
        cls, features: int, *, momentum: float = 0.1, epsilon: float = 1e-5, dtype: DTypeLike = np.float64
    ) -> BatchNorm:
        """A layer that begins with γ = 1, β = 0, mean 0 and variance 1.

        Example:
            >>> from wengert import nn
            >>> nn.BatchNorm.init(16)
            BatchNorm(16)
        """
        n = _positive(features)
        return cls(
            np.ones(n, dtype), np.zeros(n, dtype), np.zeros(n, dtype), np.ones(n, dtype), momentum, epsilon
        )  # fmt: skip

    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False) -> Any:
        """``x`` normalised by its own mean and variance in training, else by those that are remembered."""
        del key
        _check(self, x)
        if training:
            axes = tuple(range(np.ndim(x) - 1))
            mean = np.mean(x, axis=axes)
            centred = x - mean
            variance = np.mean(centred * centred, axis=axes)
            self._remember(mean, variance, math.prod(np.shape(x)[:-1]))
        else:
            variance, centred = stop_gradient(self.variance), x - stop_gradient(self.mean)
        return centred * (self.scale / np.sqrt(variance + self.epsilon)) + self.shift

    def _remember(self, mean: Any, variance: Any, n: int) -> None:
        old, m = newest(self), self.momentum
        unbiased = n / max(1, n - 1)
        remember(
            self,
            mean=(1 - m) * old.mean + m * mean,
            variance=(1 - m) * old.variance + m * unbiased * variance,
        )

    def __repr__(self) -> str:
        return f"BatchNorm({len(self.scale)})"


@final
@dataclass(frozen=True, eq=False)
class LayerNorm:
    """γ (x − μ)/√(σ² + ε) + β with mean and variance over the features of each sample, the last axis.

    J. Ba, J. Kiros, G. Hinton, "Layer normalization", arXiv:1607.06450 (2016).

    Raises:
        ShapeError: if the last axis of ``x`` has not as many features.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.LayerNorm.init(3)(np.array([[1.0, 2.0, 3.0]])).round(3)
        array([[-1.225,  0.   ,  1.225]])
    """

    scale: Any
    shift: Any
    epsilon: float = static(default=1e-5)
    draws: ClassVar[bool] = False

    @classmethod
    def init(cls, features: int, *, epsilon: float = 1e-5, dtype: DTypeLike = np.float64) -> LayerNorm:
        """A layer that begins with γ = 1 and β = 0.

        Example:
            >>> from wengert import nn
            >>> nn.LayerNorm.init(16)
            LayerNorm(16)
        """
        n = _positive(features)
        return cls(np.ones(n, dtype), np.zeros(n, dtype), epsilon)

    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False) -> Any:
        """Each sample normalised."""
        del key, training
        _check(self, x)
        centred = x - np.mean(x, axis=-1, keepdims=True)
        variance = np.mean(centred * centred, axis=-1, keepdims=True)
        return centred / np.sqrt(variance + self.epsilon) * self.scale + self.shift

    def __repr__(self) -> str:
        return f"LayerNorm({len(self.scale)})"
