"""Convolution as networks mean it: a kernel slid over 1, 2, 3 … spatial axes, channels last.

``conv[strides, padding, input_dilation, kernel_dilation, groups] x kernel`` with x of shape (batch, *spatial, inputs)
and the kernel of (*window, inputs / groups, outputs) is

    y[b, p, o] = Σ over w and i of x̃[b, p · strides + w · kernel_dilation, i] · kernel[w, i, o],

where x̃ is x with input_dilation − 1 zeros between neighbours and then ``padding`` = ((before, after), …) zeros around
(what is negative is cut off). In groups, the channels of x and the outputs are cut into so many equal runs, and
each run of outputs sees its run of inputs.

It is bilinear, and both transposes are convolutions again: in x, by the kernel turned round, where strides and
input dilation change places; in the kernel, of x by the cotangent, where strides and kernel dilation do.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.types import Aval, shape_of
from wengert.ops.families import multilinear

Sizes = tuple[int, ...]
# how many bytes of windows are laid out at once: what stays in the second cache while it is multiplied
BYTES = 1 << 20


def dilated(n: int, by: int) -> int:
    """The length of ``n`` elements with ``by`` − 1 zeros between neighbours."""
    return (n - 1) * by + 1 if n else 0


def output_sizes(spatial: Sizes, window: Sizes, params: dict[str, Any]) -> Sizes:
    """How many places the window has along each axis."""
    return tuple(
        max(0, (dilated(n, d) + before + after - dilated(w, k)) // s + 1)
        for n, w, s, (before, after), d, k in zip(
            spatial, window, params["strides"], params["padding"], params["input_dilation"], params["kernel_dilation"],
            strict=True,
        )
    )  # fmt: skip


def _infer(x: Aval, kernel: Aval, **params: Any) -> Aval:
    spatial = output_sizes(x.shape[1:-1], kernel.shape[:-2], params)
    return Aval((x.shape[0], *spatial, kernel.shape[-1]), np.result_type(x.dtype, kernel.dtype), "array")


# ---- the value


def _padded(x: Any, padding: Sequence[tuple[int, int]], dilation: Sizes) -> Any:
    """x̃: zeros between neighbours and around, or less where the padding is negative."""
    sizes = tuple(dilated(n, d) for n, d in zip(x.shape[1:-1], dilation, strict=True))
    if any(d > 1 for d in dilation):
        spread = np.zeros((x.shape[0], *sizes, x.shape[-1]), x.dtype)
        spread[:, *[slice(None, None, d) for d in dilation]] = x
        x = spread
    cut = [slice(max(0, -a), n - max(0, -b)) for n, (a, b) in zip(sizes, padding, strict=True)]
    x = x[:, *cut]
    if not any(a > 0 or b > 0 for a, b in padding):
        return x
    grown = [n + max(0, a) + max(0, b) for n, (a, b) in zip(x.shape[1:-1], padding, strict=True)]
    out = np.zeros((x.shape[0], *grown, x.shape[-1]), x.dtype)
    out[:, *[slice(max(0, a), max(0, a) + n) for n, (a, _) in zip(x.shape[1:-1], padding, strict=True)]] = x
    return out


def _conv(
    x: Any, kernel: Any, *, strides: Sizes, padding: Any, input_dilation: Sizes, kernel_dilation: Sizes, groups: int
) -> Any:
    params = {"strides": strides, "padding": padding,
              "input_dilation": input_dilation, "kernel_dilation": kernel_dilation}  # fmt: skip
    places = output_sizes(x.shape[1:-1], kernel.shape[:-2], params)
    out = np.zeros((x.shape[0], *places, kernel.shape[-1]), np.result_type(x, kernel))
    if out.size and kernel.size:
        x = _padded(x, padding, input_dilation)
        by = _by_offsets if kernel.shape[-2] == 1 and groups > 1 else _by_windows
        by(x, kernel, out, strides, kernel_dilation, groups)
    return out


def _by_offsets(x: Any, kernel: Any, out: Any, strides: Sizes, dilation: Sizes, groups: int) -> None:
    """Each channel by itself: the sum over the window's elements, each of them times x moved."""
    x, total = x[..., None], out.reshape(*out.shape[:-1], groups, -1)
    places = out.shape[1:-1]
    for offset in itertools.product(*map(range, kernel.shape[:-2])):
        run = [
            slice(w * k, w * k + (p - 1) * s + 1, s)
            for w, k, p, s in zip(offset, dilation, places, strides, strict=True)
        ]
        total += x[:, *run] * kernel[offset].reshape(groups, -1)


def _by_windows(x: Any, kernel: Any, out: Any, strides: Sizes, dilation: Sizes, groups: int) -> None:
    """The windows laid out as rows of a matrix, some samples at a time, and multiplied by the kernel's."""
    places, (*window, inputs, outputs) = out.shape[1:-1], kernel.shape
    batch, *along, channel = x.strides
    steps = [t * s for t, s in zip(along, strides, strict=True)]
    inside = [t * k for t, k in zip(along, dilation, strict=True)]
    # channels within a window stand together, as they do in memory
    views = np.lib.stride_tricks.as_strided(
        x, (groups, len(x), *places, *window, inputs), (channel * inputs, batch, *steps, *inside, channel),
        writeable=False,
    )  # fmt: skip
    n, depth = math.prod(places), math.prod(window) * inputs
    matrices = kernel.reshape(depth, groups, outputs // groups).transpose(1, 0, 2)
    # rows enough for a product to be worth its while: the windows of a kernel's gradient are large and few
    some = max(1, 256 // n, BYTES // (groups * n * depth * x.itemsize))
    for start in range(0, len(x), some):
        part = views[:, start : start + some]
        product = part.reshape(groups, -1, depth) @ matrices
        into = out[start : start + some].reshape(-1, groups, outputs // groups)
        into[...] = product.transpose(1, 0, 2)


# ---- its transposes


def _transpose(k: int, g: Any, operands: Sequence[Any], **params: Any) -> Any:
    x, kernel = operands
    return _transpose_in_x(g, shape_of(x), kernel, **params) if k == 0 else _in_kernel(g, x, shape_of(kernel), **params)


def _transpose_in_x(
    g: Any, shape: Sizes, kernel: Any, *, strides: Sizes, padding: Any, input_dilation: Sizes, kernel_dilation: Sizes,
    groups: int,
) -> Any:  # fmt: skip
    *window, inputs, outputs = shape_of(kernel)
    n = len(window)
    turned = np.reshape(kernel[(slice(None, None, -1),) * n], (*window, inputs, groups, outputs // groups))
    turned = np.reshape(np.moveaxis(turned, n, -1), (*window, groups, outputs // groups, inputs))
    turned = np.reshape(np.swapaxes(turned, n, n + 1), (*window, outputs // groups, groups * inputs))
    around = tuple(
        _pair(dilated(w, k) - 1 - before, dilated(m, d) + dilated(w, k) - 1 - dilated(p, s))
        for w, k, (before, _), m, d, p, s in zip(
            window, kernel_dilation, padding, shape[1:-1], input_dilation, shape_of(g)[1:-1], strides, strict=True
        )
    )
    return conv(
        g, turned, strides=input_dilation, padding=around, input_dilation=strides, kernel_dilation=kernel_dilation,
        groups=groups,
    )  # fmt: skip


def _in_kernel(
    g: Any, x: Any, shape: Sizes, *, strides: Sizes, padding: Any, input_dilation: Sizes, kernel_dilation: Sizes,
    groups: int,
) -> Any:  # fmt: skip
    *window, inputs, _ = shape
    batch, *spatial, _ = shape_of(x)
    # the channels of a group take the place of the batch, and the batch, once for each group, that of the channels
    lhs = np.reshape(x, (batch, *spatial, groups, inputs))
    lhs = np.reshape(np.moveaxis(lhs, (-1, 0), (0, -1)), (inputs, *spatial, groups * batch))
    around = tuple(
        _pair(before, dilated(w, k) - 1 + dilated(p, s) - dilated(m, d))
        for w, k, (before, _), m, d, p, s in zip(
            window, kernel_dilation, padding, spatial, input_dilation, shape_of(g)[1:-1], strides, strict=True
        )
    )
    found = conv(
        lhs, np.moveaxis(g, 0, -2), strides=kernel_dilation, padding=around, input_dilation=input_dilation,
        kernel_dilation=strides, groups=groups,
    )  # fmt: skip
    return np.moveaxis(found, 0, -2)


def _pair(before: int, both: int) -> tuple[int, int]:
    return before, both - before


# ---- batches


def _batch(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> Any:
    """A batch of x joins its own; one of kernels joins the outputs; one of both makes more groups."""
    (x, kernel), (by_x, by_kernel) = operands, batched
    size = shape_of(x if by_x else kernel)[0]
    groups = params["groups"]
    if not by_kernel:
        y = conv(np.reshape(x, (-1, *shape_of(x)[2:])), kernel, **params)
        return np.reshape(y, (size, -1, *shape_of(y)[1:]))
    *rest, outputs = shape_of(kernel)[1:]
    if by_x:
        x = _joined(np.moveaxis(x, 0, -2))
        y = conv(x, _joined(np.moveaxis(kernel, 0, -2)), **{**params, "groups": size * groups})
        return np.moveaxis(np.reshape(y, (*shape_of(y)[:-1], size, outputs)), -2, 0)
    kernel = np.moveaxis(np.reshape(kernel, (size, *rest, groups, outputs // groups)), 0, -2)
    y = conv(x, np.reshape(kernel, (*rest, size * outputs)), **params)
    y = np.reshape(y, (*shape_of(y)[:-1], groups, size, outputs // groups))
    y = np.moveaxis(y, -2, 0)
    return np.reshape(y, (*shape_of(y)[:-2], outputs))


def _joined(x: Any) -> Any:
    """The last two axes as one."""
    shape = shape_of(x)
    return np.reshape(x, (*shape[:-2], shape[-2] * shape[-1]))


conv = multilinear("conv", _conv, _transpose, _batch, _infer, r"{0} \star {1}")
