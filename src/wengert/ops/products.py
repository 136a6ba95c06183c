"""Products: matmul, einsum and dot, linear in each operand."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.types import Aval, ndim_of, shape_of
from wengert.ops.families import align, multilinear
from wengert.ops.index import ARRAY, scatter_add
from wengert.ops.shape import broadcast_to, inverse, transpose

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
    if left[-1:] != right[-2:][:1]:
        raise ValueError(f"matmul of shapes {left} and {right}: {left[-1:]} and {right[-2:][:1]} differ in length")
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
            sizes[name] = known = n if sizes.get(name, 1) == 1 else sizes[name]
            if n not in (1, known):
                shapes = ", ".join(str(a.shape) for a in avals)
                raise ValueError(f"einsum of shapes {shapes}: the axes {name!r} differ in length, {known} and {n}")
    shape = tuple(sizes[c] for c in output)
    return Aval(shape, np.result_type(*(a.dtype for a in avals)), "array" if shape else "scalar")


einsum = multilinear("einsum", _einsum, _einsum_transpose, _einsum_batch, _einsum_infer, r"\langle {0}, \ldots \rangle")

# ---- dot, what every product of two arrays is: ``contract`` and ``batch`` are pairs of tuples of axes, one for each
# operand. The result's axes are the batch's, then the first operand's remaining ones, then the second's. The compiler
# knows this one alone; rewriting brings the others to it

Axes = tuple[int, ...]
Pair = tuple[Axes, Axes]


def remaining(ndim: int, *taken: Axes) -> Axes:
    """The axes that are in none of these."""
    return tuple(k for k in range(ndim) if all(k not in axes for axes in taken))


def _dot(a: Any, b: Any, *, contract: Pair, batch: Pair) -> Any:
    free_a, free_b = (remaining(np.ndim(x), contract[k], batch[k]) for k, x in enumerate((a, b)))
    size_a, size_b = np.shape(a), np.shape(b)
    shared = tuple(size_a[k] for k in batch[0])
    rows, columns = tuple(size_a[k] for k in free_a), tuple(size_b[k] for k in free_b)
    inner = math.prod(size_a[k] for k in contract[0])
    # sizes are given, not found by -1: there may be none
    left = np.transpose(a, (*batch[0], *free_a, *contract[0])).reshape((*shared, math.prod(rows), inner))
    right = np.transpose(b, (*batch[1], *contract[1], *free_b)).reshape((*shared, inner, math.prod(columns)))
    return (left @ right).reshape((*shared, *rows, *columns))[() if not shared + rows + columns else ...]


def _dot_transpose(k: int, g: Any, operands: Sequence[Any], *, contract: Pair, batch: Pair) -> Any:
    x, other = operands[k], operands[1 - k]
    nb, n_x, n_other = len(batch[0]), ndim_of(x), ndim_of(other)
    free_x = remaining(n_x, contract[k], batch[k])
    free_other = remaining(n_other, contract[1 - k], batch[1 - k])
    split = nb + len(free_x) if k == 0 else nb + len(free_other)
    of_first, of_second = tuple(range(nb, split)), tuple(range(split, nb + len(free_x) + len(free_other)))
    d = dot(
        g, other,
        contract=((of_second, of_first)[k], free_other), batch=(tuple(range(nb)), batch[1 - k]),
    )  # fmt: skip
    # its axes: the batch's, those of x alone, and the contracted ones in the order in which the other operand has them
    paired = tuple(contract[k][contract[1 - k].index(axis)] for axis in sorted(contract[1 - k]))
    return transpose(d, axes=inverse((*batch[k], *free_x, *paired))) if n_x else d


def _dot_batch(batched: Sequence[bool], operands: Sequence[Any], params: dict[str, Any]) -> Any:
    contract, batch = (
        tuple(tuple(axis + b for axis in axes) for axes, b in zip(params[key], batched, strict=True))
        for key in ("contract", "batch")
    )
    nb = len(batch[0])
    if all(batched):
        return dot(*operands, contract=contract, batch=((0, *batch[0]), (0, *batch[1])))
    out = dot(*operands, contract=contract, batch=batch)
    at = nb if batched[0] else nb + len(remaining(ndim_of(operands[0]), contract[0], batch[0]))
    return transpose(out, axes=(at, *(k for k in range(ndim_of(out)) if k != at)))


def _dot_infer(a: Aval, b: Aval, *, contract: Pair, batch: Pair) -> Aval:
    for first, second in ((contract[0], contract[1]), (batch[0], batch[1])):
        if [a.shape[k] for k in first] != [b.shape[k] for k in second]:
            raise ValueError(f"dot of shapes {a.shape} and {b.shape}: axes {first} and {second} differ in length")
    free_a, free_b = (remaining(x.ndim, contract[k], batch[k]) for k, x in enumerate((a, b)))
    shape = (*(a.shape[k] for k in batch[0]), *(a.shape[k] for k in free_a), *(b.shape[k] for k in free_b))
    return Aval(shape, np.result_type(a.dtype, b.dtype), "array" if shape else "scalar")


dot = multilinear("dot", _dot, _dot_transpose, _dot_batch, _dot_infer, r"\langle {0}, {1} \rangle")
