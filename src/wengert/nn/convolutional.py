"""Layers that slide a window over spatial axes: x has shape (batch, *spatial, channels), channels last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

from numpy.typing import DTypeLike

import wengert.numpy as np
from wengert.convolution import Padding, Sizes, along_axes, conv
from wengert.errors import ModelError, ShapeError
from wengert.nn import initial as initial_values
from wengert.nn.initial import Initial
from wengert.pytree import static
from wengert.random import Key

__all__ = ["Conv1d", "Conv2d", "Conv3d"]


@dataclass(frozen=True, eq=False)
class _Conv:
    """What the convolutions of all dimensions share."""

    weight: Any
    bias: Any = None
    strides: Sizes = static(default=1)
    padding: Padding = static(default="same")
    dilation: Sizes = static(default=1)
    groups: int = static(default=1)
    axes: ClassVar[int]
    draws: ClassVar[bool] = False

    def __post_init__(self) -> None:
        weight, bias = np.shape(self.weight), None if self.bias is None else np.shape(self.bias)
        if len(weight) != self.axes + 2 or bias not in (None, weight[-1:]):
            window = ", ".join(["depth", "height", "width"][-self.axes :])
            raise ShapeError(
                f"{type(self).__name__} takes a weight of shape ({window}, inputs / groups, outputs) and a bias "
                f"of shape (outputs,), not {weight} and {bias}"
            )

    @classmethod
    def init(
        cls,
        key: Key,
        inputs: int,
        outputs: int,
        window: Sizes = 3,
        init: str | Initial = "he_uniform",
        *,
        strides: Sizes = 1,
        padding: Padding = "same",
        dilation: Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        dtype: DTypeLike = np.float64,
    ) -> Self:
        """A layer with initial values by name (``nn.initial.INITIAL``), and a bias of zeros."""
        if any(type(n) is not int or n < 1 for n in (inputs, outputs, groups)) or inputs % groups or outputs % groups:
            raise ModelError(
                f"a convolution takes positive numbers of channels and outputs that its groups divide, not "
                f"{inputs!r} and {outputs!r} in {groups!r}"
            )
        shape = (*along_axes(window, cls.axes, "window"), inputs // groups, outputs)
        weight = initial_values.by_name(init)(key, shape, dtype)
        return cls(weight, np.zeros(outputs, dtype) if bias else None, strides, padding, dilation, groups)

    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False) -> Any:
        """The convolution of each sample, plus the bias."""
        del key, training
        y = conv(x, self.weight, strides=self.strides, padding=self.padding, dilation=self.dilation, groups=self.groups)
        return y if self.bias is None else y + self.bias

    def __repr__(self) -> str:
        *window, inputs, outputs = np.shape(self.weight)
        stride = "" if self.strides == 1 else f", strides {self.strides}"
        return f"{type(self).__name__}({inputs * self.groups} → {outputs}, window {'×'.join(map(str, window))}{stride})"


@final
@dataclass(frozen=True, eq=False, repr=False)
class Conv1d(_Conv):
    """A convolution over one axis, y = x ⋆ W + b: of series (batch, time, inputs).

    ``weight`` has shape (width, inputs / groups, outputs); :func:`wengert.convolution.conv` says what strides, padding,
    dilation and groups do.

    Raises:
        ShapeError: if weight, bias and ``x`` do not fit.

    Example:
        >>> import numpy as np
        >>> from wengert import nn, random
        >>> differences = nn.Conv1d(np.array([[[-1.0]], [[1.0]]]), padding="valid")
        >>> differences(np.array([[[1.0], [4.0], [9.0]]])).ravel()
        array([3., 5.])
        >>> nn.Conv1d.init(random.key(0), 3, 8, window=5, strides=2)
        Conv1d(3 → 8, window 5, strides 2)
    """

    axes: ClassVar[int] = 1


@final
@dataclass(frozen=True, eq=False, repr=False)
class Conv2d(_Conv):
    """A convolution over two axes, y = x ⋆ W + b: of images (batch, height, width, inputs).

    ``weight`` has shape (height, width, inputs / groups, outputs); :func:`wengert.convolution.conv` says what strides,
    padding, dilation and groups do.

    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
    Proceedings of the IEEE 86 (1998).

    Raises:
        ShapeError: if weight, bias and ``x`` do not fit.

    Example:
        >>> import numpy as np
        >>> from wengert import nn, random
        >>> layer = nn.Conv2d.init(random.key(0), 1, 8, window=3, strides=2)
        >>> layer
        Conv2d(1 → 8, window 3×3, strides 2)
        >>> layer(np.zeros((5, 28, 28, 1))).shape
        (5, 14, 14, 8)
    """

    axes: ClassVar[int] = 2


@final
@dataclass(frozen=True, eq=False, repr=False)
class Conv3d(_Conv):
    """A convolution over three axes, y = x ⋆ W + b: of volumes or films (batch, depth, height, width, inputs).

    Raises:
        ShapeError: if weight, bias and ``x`` do not fit.

    Example:
        >>> import numpy as np
        >>> from wengert import nn, random
        >>> nn.Conv3d.init(random.key(0), 2, 4, padding="valid")(np.zeros((1, 5, 6, 7, 2))).shape
        (1, 3, 4, 5, 4)
    """

    axes: ClassVar[int] = 3
