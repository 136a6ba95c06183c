"""Layers that make spatial axes shorter: the largest or the mean of each window, and the end of spatial axes."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy

import wengert.numpy as np
from wengert.convolution import Padding, Sizes, along_axes, pads
from wengert.errors import ShapeError
from wengert.pytree import static
from wengert.random import Key

__all__ = ["AvgPool1d", "AvgPool2d", "Flatten", "GlobalAvgPool", "MaxPool1d", "MaxPool2d"]


@dataclass(frozen=True)
class _Pool:
    """A window over the spatial axes: of what size, how far it moves (by default its size), and what is around."""

    window: Sizes = static(default=2)
    strides: Sizes | None = static(default=None)
    padding: Padding = static(default="valid")
    axes: ClassVar[int]
    draws: ClassVar[bool] = False

    def __post_init__(self) -> None:
        along_axes(self.window, self.axes, "window")
        along_axes(self.window if self.strides is None else self.strides, self.axes, "strides")

    def geometry(self, shape: tuple[int, ...]) -> tuple[Any, Any, Any, list[int]]:
        """The window, strides and padding along each axis, and how many places there are, for x of ``shape``."""
        window = along_axes(self.window, self.axes, "window")
        strides = window if self.strides is None else along_axes(self.strides, self.axes, "strides")
        if len(shape) != self.axes + 2:
            raise ShapeError(
                f"{self} takes x of shape (batch, {', '.join('hw'[: self.axes])}, channels), with spatial axes in the "
                f"middle, and x has shape {shape}"
            )
        around = pads(self.padding, shape[1:-1], window, strides)
        places = [(n + sum(p) - w) // s + 1 for n, p, w, s in zip(shape[1:-1], around, window, strides, strict=True)]
        if min(places) < 1:
            raise ShapeError(f"{self}: a window of {window} has no place in spatial axes of {shape[1:-1]}")
        return window, strides, around, places

    def pooled(self, x: Any, empty: float, join: Callable[[list[Any]], Any], reduce: Callable[..., Any]) -> Any:
        """The windows' elements joined; ``empty`` stands around x."""
        window, strides, around, places = self.geometry(np.shape(x))
        if any(map(any, around)):
            x = np.pad(x, [(0, 0), *around, (0, 0)], constant_values=empty)
        if window == strides:
            return reduce(*_tiles(x, window, places))
        runs = [[slice(k, k + (p - 1) * s + 1, s) for k in range(w)]
                for w, s, p in zip(window, strides, places, strict=True)]  # fmt: skip
        return join([x[:, *run] for run in itertools.product(*runs)])


def _tiles(x: Any, window: Any, places: list[int]) -> tuple[Any, tuple[int, ...]]:
    """X with every spatial axis cut into places and windows, and the windows' axes."""
    x = x[:, *[slice(0, p * w) for p, w in zip(places, window, strict=True)]]
    shape = [n for pair in zip(places, window, strict=True) for n in pair]
    return np.reshape(x, (len(x), *shape, x.shape[-1])), tuple(range(2, 2 + len(shape), 2))


@dataclass(frozen=True)
class _MaxPool(_Pool):
    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False) -> Any:
        """The largest element of each window, channel by channel."""
        del key, training
        return self.pooled(x, -numpy.inf, lambda parts: np.max(np.stack(parts), axis=0), np.max)


@dataclass(frozen=True)
class _AvgPool(_Pool):
    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False) -> Any:
        """The mean of each window, channel by channel; what is around x does not count."""
        del key, training
        total = self.pooled(x, 0.0, lambda parts: functools.reduce(operator.add, parts), np.sum)
        return total * self.shares(np.shape(x)).astype(x.dtype)

    def shares(self, shape: tuple[int, ...]) -> Any:
        """One over the number of elements in each window, of shape (*places, 1)."""
        window, strides, around, places = self.geometry(shape)
        counts = []
        for n, w, s, (before, _), p in zip(shape[1:-1], window, strides, around, places, strict=True):
            first = numpy.arange(p) * s - before
            counts.append(numpy.minimum(first + w, n) - numpy.maximum(first, 0))
        return 1.0 / functools.reduce(numpy.multiply.outer, counts)[..., None]


@final
@dataclass(frozen=True)
class MaxPool1d(_MaxPool):
    """The largest element of each window along one axis, x (batch, n, channels).

    Elements that tie share the derivative.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.MaxPool1d(2)(np.array([1.0, 5.0, 2.0, 3.0]).reshape(1, 4, 1)).ravel()
        array([5., 3.])
    """

    axes: ClassVar[int] = 1


@final
@dataclass(frozen=True)
class MaxPool2d(_MaxPool):
    """The largest element of each window along two axes, x (batch, height, width, channels).

    Windows of ``window`` move by ``strides``, by default their own size; what is left at the end is dropped, unless
    there is ``padding`` (as :func:`wengert.convolution.conv` takes it), which is smaller than every number.

    Raises:
        ShapeError: if ``x`` has not two spatial axes, or the window is larger than they are.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.MaxPool2d(2)(np.arange(16.0).reshape(1, 4, 4, 1))[0, ..., 0]
        array([[ 5.,  7.],
               [13., 15.]])
    """

    axes: ClassVar[int] = 2


@final
@dataclass(frozen=True)
class AvgPool1d(_AvgPool):
    """The mean of each window along one axis, x (batch, n, channels).

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.AvgPool1d(2)(np.array([1.0, 5.0, 2.0, 4.0]).reshape(1, 4, 1)).ravel()
        array([3., 3.])
    """

    axes: ClassVar[int] = 1


@final
@dataclass(frozen=True)
class AvgPool2d(_AvgPool):
    """The mean of each window along two axes, x (batch, height, width, channels).

    Window, strides and padding are those of :class:`MaxPool2d`; padding does not count among the elements.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.AvgPool2d(3, strides=1, padding="same")(np.ones((1, 4, 4, 2))).sum()
        np.float64(32.0)
    """

    axes: ClassVar[int] = 2


@final
@dataclass(frozen=True)
class GlobalAvgPool:
    """The mean over all spatial axes: (batch, *spatial, channels) → (batch, channels).

    M. Lin, Q. Chen, S. Yan, "Network in network", ICLR 2014.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.GlobalAvgPool()(np.arange(8.0).reshape(1, 2, 2, 2))
        array([[3., 4.]])
    """

    draws: ClassVar[bool] = False

    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False) -> Any:
        """The mean of each channel of each sample."""
        del key, training
        return np.mean(x, axis=tuple(range(1, np.ndim(x) - 1)))


@final
@dataclass(frozen=True)
class Flatten:
    """One row of numbers for each sample: (batch, a, b, …) → (batch, a · b · …).

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.Flatten()(np.zeros((5, 4, 4, 2))).shape
        (5, 32)
    """

    draws: ClassVar[bool] = False

    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False) -> Any:
        """``x`` as a matrix."""
        del key, training
        shape = np.shape(x)
        return np.reshape(x, (shape[0], int(numpy.prod(shape[1:]))))
