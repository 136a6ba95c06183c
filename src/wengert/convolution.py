"""Convolution as networks mean it, over any number of spatial axes, on plain and on traced arrays.

NumPy has ``np.convolve`` for vectors, which is differentiated as it is. Here is the one with channels, strides and
padding: a namespace of one function, since neither NumPy nor SciPy has it.
"""

from __future__ import annotations

from typing import Any, Literal

from wengert.core.types import shape_of
from wengert.errors import ShapeError, at_line
from wengert.ops.conv import conv as _conv
from wengert.ops.conv import dilated, output_sizes

__all__ = ["Padding", "Sizes", "along_axes", "conv", "pads"]

Sizes = int | tuple[int, ...]
Padding = Literal["same", "valid"] | int | tuple[int | tuple[int, int], ...]


def conv(
    x: Any,
    kernel: Any,
    *,
    strides: Sizes = 1,
    padding: Padding = "valid",
    dilation: Sizes = 1,
    input_dilation: Sizes = 1,
    groups: int = 1,
) -> Any:
    """``kernel`` slid over the spatial axes of ``x``, which stand between the samples and the channels.

    y[b, p, o] = Σ over w and i of x[b, p · strides + w · dilation − before, i] · kernel[w, i, o]: the kernel is not
    turned round, as is usual in networks; signal processing calls it a correlation.

    Args:
        x: (batch, *spatial, inputs), channels last.
        kernel: (*window, inputs / groups, outputs).
        strides: how far the window moves between places; one number, or one for each axis.
        padding: zeros around ``x``. "valid": none. "same": so many that there are ⌈n / stride⌉ places along an axis of
            n, half of them before (rounded down). A number: so many on both sides of each axis. Or for each axis a
            number or a pair (before, after); what is negative is cut off.
        dilation: how far elements of the window stand apart.
        input_dilation: elements of ``x`` are put so far apart, with zeros between: a transposed convolution.
        groups: cut channels and outputs into so many equal runs; each run of outputs sees its run of channels.

    Returns:
        (batch, *places, outputs).

    Raises:
        ShapeError: if the shapes do not fit, or the window is larger than the padded ``x``.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.convolution import conv
        >>> x, kernel = np.array([[[1.0], [2.0], [4.0]]]), np.array([[[-1.0]], [[1.0]]])
        >>> conv(x, kernel).ravel()
        array([1., 2.])
        >>> grad(lambda kernel: conv(x, kernel, padding="same").sum())(kernel).ravel()
        array([7., 6.])
    """
    spatial, window = _axes_of(x, kernel, groups)
    n = len(spatial)
    strides, dilation = along_axes(strides, n, "strides"), along_axes(dilation, n, "dilation")
    input_dilation = along_axes(input_dilation, n, "input_dilation")
    params: dict[str, Any] = {
        "strides": strides,
        "padding": pads(
            padding,
            tuple(map(dilated, spatial, input_dilation)),
            tuple(map(dilated, window, dilation)),
            strides,
        ),
        "input_dilation": input_dilation,
        "kernel_dilation": dilation,
    }
    if min(output_sizes(spatial, window, params), default=1) < 1:
        raise ShapeError(
            f"a window of {window}{_times(dilation)} has no place in spatial axes of {spatial} with the padding "
            f'{padding!r}{at_line()}\n  write: a smaller window, or padding="same"'
        )
    return _conv(x, kernel, **params, groups=groups)


def _times(dilation: tuple[int, ...]) -> str:
    return f", {dilation} apart," if any(d > 1 for d in dilation) else ""


def _axes_of(x: Any, kernel: Any, groups: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The lengths of the spatial axes and of the window, where shapes fit."""
    of_x, of_kernel = shape_of(x), shape_of(kernel)
    if len(of_x) < 3 or len(of_x) != len(of_kernel):
        raise ShapeError(
            "conv takes x of shape (batch, *spatial, channels) and a kernel of shape (*window, channels / groups, "
            f"outputs), with as many axes; x has shape {of_x} and the kernel {of_kernel}{at_line()}\n"
            "  write: x[..., None] for samples of one channel, x[None] for one sample"
        )
    *window, inputs, outputs = of_kernel
    if of_x[-1] != inputs * groups or outputs % groups:
        raise ShapeError(
            f"a kernel of shape {of_kernel} in groups={groups} takes {inputs * groups} channels, and outputs in "
            f"{groups} equal runs; x has shape {of_x}, channels last{at_line()}\n"
            "  write: np.moveaxis(x, 1, -1) for channels first"
        )
    return of_x[1:-1], tuple(window)


def along_axes(value: Sizes, n: int, name: str) -> tuple[int, ...]:
    """One positive integer for each of ``n`` axes.

    Example:
        >>> from wengert.convolution import along_axes
        >>> along_axes(2, 3, "strides")
        (2, 2, 2)
    """
    sizes = (value,) * n if isinstance(value, int) else tuple(value)
    if len(sizes) != n or any(type(size) is not int or size < 1 for size in sizes):
        raise ShapeError(f"{name} is a positive integer, or {n} of them, one for each spatial axis, not {value!r}")
    return sizes


def pads(
    padding: Padding, spatial: tuple[int, ...], window: tuple[int, ...], strides: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    """Zeros before and after each axis, for a padding as :func:`conv` takes it.

    Example:
        >>> from wengert.convolution import pads
        >>> pads("same", (5, 6), (3, 2), (1, 2)), pads(1, (5,), (3,), (1,))
        (((1, 1), (0, 0)), ((1, 1),))
    """
    if padding == "valid":
        return ((0, 0),) * len(spatial)
    if padding == "same":
        both = [max(0, (-(-n // s) - 1) * s + w - n) for n, w, s in zip(spatial, window, strides, strict=True)]
        return tuple((b // 2, b - b // 2) for b in both)
    given = (padding,) * len(spatial) if isinstance(padding, int) else padding
    if isinstance(given, str) or len(given) != len(spatial):
        raise ShapeError(
            f'padding is "same", "valid", a number, or {len(spatial)} numbers or pairs (before, after), one for each '
            f"spatial axis, not {padding!r}"
        )
    return tuple((p, p) if isinstance(p, int) else (p[0], p[1]) for p in given)
