"""Operations that arrange elements anew: all are linear, and none reads a value in its rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.primitive import reads_nothing
from wengert.core.types import Aval, dtype_of, ndim_of, shape_of
from wengert.ops.families import fit, general, linear, repeated, unbroadcast

Shape = tuple[int, ...]


def _reshape(x: Any, *, shape: Shape) -> Any:
    # np.reshape leaves a number to the shape () as it is
    return x.reshape(shape) if type(x) is np.ndarray else np.full(shape, x)


reshape = linear(
    "reshape", _reshape,
    lambda g, x, *, shape: reshape(g, shape=shape_of(x)),
    lambda _b, xs, p: reshape(xs[0], shape=(shape_of(xs[0])[0], *p["shape"])),
    r"\operatorname{{reshape}} {0}", infer=lambda x, *, shape: Aval(shape, x.dtype, "array"),
)  # fmt: skip


def inverse(order: Shape) -> Shape:
    """The permutation that undoes ``order``."""
    back = [0] * len(order)
    for k, axis in enumerate(order):
        back[axis] = k
    return tuple(back)


transpose = linear(
    "transpose", lambda x, *, axes: x.transpose(axes),
    lambda g, _x, *, axes: transpose(g, axes=inverse(axes)),
    lambda _b, xs, p: transpose(xs[0], axes=(0, *(k + 1 for k in p["axes"]))),
    r"{0}^{{\mathsf T}}", infer=lambda x, *, axes: Aval(tuple(x.shape[k] for k in axes), x.dtype, "array"),
)  # fmt: skip


def _broadcast_to(x: Any, *, shape: Shape) -> Any:
    # an array of its own: for what follows faster than NumPy's view with zero strides
    if type(x) is np.ndarray and not x.flags.c_contiguous and x.dtype.kind in "biufc":
        view = np.broadcast_to(x, shape)  # what is computed from it lies as this does, and not row by row
        return np.logical_or(view, False) if x.dtype.kind == "b" else np.positive(view)
    out = np.empty(shape, dtype_of(x))
    out[...] = x
    return out


broadcast_to = linear(
    "broadcast_to", _broadcast_to,
    lambda g, x, *, shape: unbroadcast(g, shape_of(x)),
    lambda _b, xs, p: broadcast_to(
        np.reshape(xs[0], (n := shape_of(xs[0]))[:1] + (1,) * (len(p["shape"]) + 1 - len(n)) + n[1:]),
        shape=(n[0], *p["shape"]),
    ),
    r"{0}", infer=lambda x, *, shape: Aval(shape, x.dtype, "array"),
)  # fmt: skip

# ---- joining


def _infer_concatenate(*avals: Aval, axis: int) -> Aval:
    shape = list(avals[0].shape)
    shape[axis] = sum(a.shape[axis] for a in avals)
    return Aval(tuple(shape), np.result_type(*(a.dtype for a in avals)), "array")


def _concatenate_jvp(ts: Any, _z: Any, xs: Any, params: dict[str, Any]) -> Any:
    return concatenate(*[np.zeros_like(x) if t is None else t for t, x in zip(ts, xs, strict=True)], **params)


def _concatenate_vjp(g: Any, _z: Any, xs: Any, wanted: Any, params: dict[str, Any]) -> Any:
    out: list[Any] = []
    start, head = 0, (slice(None),) * params["axis"]
    for x, want in zip(xs, wanted, strict=True):
        stop = start + shape_of(x)[params["axis"]]
        out.append(fit(g[(*head, slice(start, stop))], x) if want else None)
        start = stop
    return tuple(out)


def _concatenate_batch(batched: Any, operands: Any, params: dict[str, Any]) -> Any:
    size = next(shape_of(x)[0] for x, b in zip(operands, batched, strict=True) if b)
    full = [x if b else repeated(x, size) for x, b in zip(operands, batched, strict=True)]
    return concatenate(*full, axis=params["axis"] + 1)


concatenate = general(
    "concatenate", lambda *xs, axis: np.concatenate(xs, axis=axis),
    jvp=_concatenate_jvp, vjp=_concatenate_vjp, batch=_concatenate_batch, infer=_infer_concatenate,
    # jvp only asks operands for their shape, which their abstract values have
    reads=reads_nothing, tex=r"[{0}, \ldots]", family="linear",
)  # fmt: skip


def stacked(xs: Any, axis: int = 0) -> Any:
    """Arrays or numbers of one shape, joined along a new axis."""
    ndim = ndim_of(xs[0]) + 1
    axis = axis % ndim
    shape = shape_of(xs[0])
    return concatenate(*[reshape(x, shape=(*shape[:axis], 1, *shape[axis:])) for x in xs], axis=axis)
