"""Products: matmul and einsum, linear in each operand."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.types import Aval, ndim_of, shape_of
from wengert.ops.families import align, multilinear
from wengert.ops.index import ARRAY, scatter_add
from wengert.ops.shape import broadcast_to

# ---- matmul


def _turned(x: Any) -> Any:
    return x.T if ndim_of(x) == 2 else np.swapaxes(x, -1, -2)


def _matmul_transpose(k: int, g: Any, operands: Sequence[Any]) -> Any:
    x, y = operands
    nx, ny = len(shape_of(x)), len(shape_of(y))
    if nx >= 2 and ny >= 2:
        return g @ _turned(y) if k == 0 else _turned(x) @ g
    if nx == 1 and ny == 1:
        return g * (y if k == 0 else x)
    if ny == 1:
        return g[..., None] * y if k == 0 else (_turned(x) @ g[..., None])[..., 0]
    return (y @ g[..., None])[..., 0] if k == 0 else x[:, None] * g[..., None, :]


def _matmul_batch(batched: Sequence[bool], operands: Sequence[Any], _params: Any) -> Any:
    (x, y), (bx, by) = operands, batched
    row, column = ndim_of(x) - bx == 1, ndim_of(y) - by == 1
    x = x[..., None, :] if row else x
    y = y[..., :, None] if column else y
    out = matmul(*align((bx, by), (x, y)))
    out = out[..., 0] if column else out
    return (out[..., 0] if column else out[..., 0, :]) if row else out


def _matmul_infer(x: Aval, y: Aval) -> Aval:
    left, right = x.shape, y.shape
    n = left[-2:-1]
    m = right[-1:] if len(right) > 1 else ()
    shape = (*np.broadcast_shapes(left[:-2], right[:-2]), *n, *m)
    return Aval(shape, np.result_type(x.dtype, y.dtype), "array" if shape else "scalar")


matmul = multilinear("matmul", operator.matmul, _matmul_transpose, _matmul_batch, _matmul_infer, r"{0} {1}")

# ---- einsum. ``inputs`` are the labels of each operand's axes, ``output`` those of the result's


def _einsum(*operands: Any, inputs: tuple[str, ...], output: str) -> Any:
    # of more than two operands np.einsum gives an array also where no axes are left
    return np.einsum(f"{','.join(inputs)}->{output}", *operands, optimize=len(operands) > 2)[() if not output else ...]


def _einsum_transpose(k: int, g: Any, operands: Sequence[Any], *, inputs: tuple[str, ...], output: str) -> Any:
    labels = inputs[k]
    sizes: dict[str, int] = {}
    for names, x in zip((*inputs, output), (*operands, g), strict=True):
        for name, n in zip(names, shape_of(x), strict=True):
            sizes[name] = n if sizes.get(name, 1) == 1 else sizes[name]
    others = [j for j in range(len(operands)) if j != k]
    known = set(output).union(*(inputs[j] for j in others))
    unique = "".join(dict.fromkeys(labels))
    found = "".join(c for c in unique if c in known)
    d = einsum(g, *[operands[j] for j in others], inputs=(output, *[inputs[j] for j in others]), output=found)
    full = tuple(sizes[c] for c in unique)
    if shape_of(d) != full:  # an axis was summed that only this operand has, or has long: every element counts alike
        have = dict(zip(found, shape_of(d), strict=True))
        d = broadcast_to(np.reshape(d, tuple(have.get(c, 1) for c in unique)), shape=full)
    return d if unique == labels else _onto_diagonal(d, unique, labels, sizes)


def _onto_diagonal(d: Any, unique: str, labels: str, sizes: dict[str, int]) -> Any:
    """The transpose of taking a diagonal (a label that stands twice): zeros beside it."""
    grids = dict(zip(unique, np.ogrid[tuple(slice(sizes[c]) for c in unique)], strict=True))
    shape = tuple(sizes[c] for c in labels)
    return scatter_add(d, *[grids[c] for c in labels], shape=shape, index=(ARRAY,) * len(labels))


def _einsum_batch(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> Any:
    inputs, output = params["inputs"], params["output"]
    fresh = next(c for c in map(chr, range(65, 1 << 16)) if c.isalpha() and all(c not in s for s in inputs))
    named = tuple(fresh + s if b else s for s, b in zip(inputs, batched, strict=True))
    return einsum(*operands, inputs=named, output=fresh + output)


def _einsum_infer(*avals: Aval, inputs: tuple[str, ...], output: str) -> Aval:
    sizes: dict[str, int] = {}
    for names, a in zip(inputs, avals, strict=True):
        for name, n in zip(names, a.shape, strict=True):
            sizes[name] = n if sizes.get(name, 1) == 1 else sizes[name]
    shape = tuple(sizes[c] for c in output)
    return Aval(shape, np.result_type(*(a.dtype for a in avals)), "array" if shape else "scalar")


einsum = multilinear("einsum", _einsum, _einsum_transpose, _einsum_batch, _einsum_infer, r"\langle {0}, \ldots \rangle")
