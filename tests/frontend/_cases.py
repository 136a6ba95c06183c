"""Calls of NumPy's functions, by function: each entry of the front end's table has some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from tests.frontend._harness import Case, draw, quietly

V, W = draw("V", 3), draw("W", 3)
X, Y = draw("X", 2, 3), draw("Y", 2, 3)
S, R = draw("S", 3, 3), draw("R", 3, 3)
T = draw("T", 2, 3, 4)
N = draw("N", 4, 3)
FIVE = draw("FIVE", 5)
MASK = np.array([[True, False, True], [True, True, False]])

TABLE: dict[Any, list[Case]] = {}


def add(
    function: Any, *calls: Callable[..., Any], args: tuple[Any, ...], abstract: bool = True, order: int = 2,
    staged: bool = True,
) -> None:  # fmt: skip
    """Enter calls of one function at the same arguments."""
    cases = TABLE.setdefault(function, [])
    for f in calls:
        cases.append(Case(f"{function.__name__}-{len(cases)}", f, args, abstract, order, staged))


# ---- reductions

for _r in (np.sum, np.prod, np.mean):
    add(
        _r, _r, lambda x, r=_r: r(x, axis=0), lambda x, r=_r: r(x, axis=-1), lambda x, r=_r: r(x, axis=(0, 1)),
        lambda x, r=_r: r(x, axis=1, keepdims=True), lambda x, r=_r: r(x, keepdims=True), lambda x, r=_r: r(x, axis=()),
        lambda x, r=_r: r(x, axis=0, where=MASK), lambda x, r=_r: r(x, where=MASK, keepdims=True),
        lambda x, r=_r: r(x, dtype=np.float64), lambda x, r=_r: r(x, axis=0, out=np.zeros(3)),
        lambda x, r=_r: r(x, axis=1, where=np.array([True, False, True])), lambda x, r=_r: r(x.T, axis=0),
        args=(X,),
    )  # fmt: skip
    add(_r, lambda x, r=_r: r(x, axis=(0, -1)), lambda x, r=_r: r(x, axis=(2, 0), keepdims=True), args=(T,))
    add(_r, _r, args=(1.3,))
for _r in (np.sum, np.prod):
    add(_r, lambda x, r=_r: r(x, axis=1, initial=2.5), lambda x, r=_r: r(x, where=MASK, initial=3.0), args=(X,))
    add(_r, lambda x, y, r=_r: r(x, axis=0, initial=y), args=(X, 1.2))
    add(_r, lambda x, r=_r: r(np.where(np.arange(3) == 1, 0.0, x), axis=1), args=(X,))
for _r in (np.max, np.min, np.amax, np.amin):
    add(
        _r, _r, lambda x, r=_r: r(x, axis=0), lambda x, r=_r: r(x, axis=-1, keepdims=True),
        lambda x, r=_r: r(x, axis=(0, 1), keepdims=True), lambda x, r=_r: r(x, initial=1.0),
        lambda x, r=_r: r(x, axis=0, initial=1.05, where=MASK), lambda x, r=_r: r(x, axis=1, out=np.zeros(2)),
        args=(X,),
    )  # fmt: skip
    add(_r, _r, args=(1.3,))
for _r in (np.var, np.std):
    add(
        _r, _r, lambda x, r=_r: r(x, axis=0), lambda x, r=_r: r(x, axis=1, keepdims=True), lambda x, r=_r: r(x, ddof=1),
        lambda x, r=_r: r(x, axis=1, ddof=1.5), lambda x, r=_r: r(x, correction=1), lambda x, r=_r: r(x, axis=1, where=MASK),
        lambda x, r=_r: r(x, axis=1, mean=np.mean(x, axis=1, keepdims=True)), lambda x, r=_r: r(x, dtype=np.float64),
        lambda x, r=_r: r(x, axis=0, out=np.zeros(3)), args=(X,),
    )  # fmt: skip
    add(_r, lambda x, r=_r: r(x, axis=(0, 2)), args=(T,))
add(np.average, np.average, lambda x: np.average(x, axis=0), lambda x: np.average(x, axis=1, weights=[1.0, 2.0, 3.0]),
    lambda x: np.average(x, weights=Y), lambda x: np.average(x, axis=0, weights=Y, returned=True),
    lambda x: np.average(x, axis=1, keepdims=True), lambda x: np.average(x, axis=1, weights=V, keepdims=True),
    lambda x: np.average(x, returned=True), args=(X,))  # fmt: skip
add(np.average, lambda x, w: np.average(x, axis=0, weights=w), args=(X, np.array([0.7, 1.3])))
add(np.ptp, np.ptp, lambda x: np.ptp(x, axis=0), lambda x: np.ptp(x, axis=1, keepdims=True), args=(X,))
for _r in (np.cumsum, np.cumprod):
    add(_r, _r, lambda x, r=_r: r(x, axis=0), lambda x, r=_r: r(x, axis=-1), lambda x, r=_r: r(x, axis=1, dtype=float),
        lambda x, r=_r: r(x, axis=0, out=np.zeros((2, 3))), args=(X,))  # fmt: skip
    add(_r, lambda x, r=_r: r(x, axis=1), args=(T,))
    add(_r, _r, args=(1.3,))
    add(_r, lambda x, r=_r: r(x * np.array([1.0, 0.0, 1.0])), args=(V,))
add(np.diff, np.diff, lambda x: np.diff(x, axis=0), lambda x: np.diff(x, n=2), lambda x: np.diff(x, prepend=0.0),
    lambda x: np.diff(x, append=[[1.0], [2.0]]), lambda x: np.diff(x, prepend=1.0, append=2.0), args=(X,))  # fmt: skip
add(np.diff, lambda x, a: np.diff(x, prepend=a), args=(V, 0.4))
for _r in (np.any, np.all, np.count_nonzero):
    add(_r, lambda x, r=_r: x * r(x > 1.0), lambda x, r=_r: x * r(x > 1.0, axis=0), args=(X,), abstract=True)
    add(_r, lambda x, r=_r: x * r(x, axis=1, keepdims=True), args=(X,))
for _r in (np.argmax, np.argmin):
    add(_r, lambda x, r=_r: x + r(x), lambda x, r=_r: x + r(x, axis=0), lambda x, r=_r: x + r(x, axis=1, keepdims=True),
        _r, lambda x, r=_r: r(x, axis=-1), args=(X,))  # fmt: skip
    add(_r, lambda x, r=_r: x[r(x)], args=(V,))

# ---- choosing

add(np.where, lambda x, y: np.where(MASK, x, y), lambda x, y: np.where(x > y, x, 2.0 * y), lambda x, y: np.where(MASK[0], x, y),
    lambda x, y: np.where([True, False, True], x, [1.0, 2.0, 3.0]), lambda x, y: np.where(1, x, y),
    lambda x, y: np.where(MASK, x, 0), lambda x, y: np.where(x > 1.0, 0.5, y), args=(X, Y))  # fmt: skip
add(np.where, lambda x: np.where(x > 1.0), lambda x: x[np.where(x > 1.0)], args=(X,), abstract=False)
add(np.where, lambda x: np.where(x > 0.5, x, 1.0), args=(1.3,))
add(np.nonzero, lambda x: np.nonzero(x), lambda x: x[np.nonzero(x > 1.0)], args=(X,), abstract=False)
add(
    np.flatnonzero,
    lambda x: np.flatnonzero(x),
    lambda x: np.ravel(x)[np.flatnonzero(x > 1.0)],
    args=(X,),
    abstract=False,
)
add(np.clip, lambda x: np.clip(x, 0.6, 1.4), lambda x: np.clip(x, None, 1.2), lambda x: np.clip(x, 1.0, None),
    lambda x: np.clip(x, [0.5, 0.6, 0.7], 1.5),
    lambda x: np.clip(x, 0.6, 1.4, out=np.zeros((2, 3))), args=(X,))  # fmt: skip
add(np.clip, np.clip, args=(X, draw("low", 3, low=0.3, high=0.9), 1.5))
add(np.take, lambda x: np.take(x, [0, 5, 5]), lambda x: np.take(x, np.array([[0, 2], [2, 1]]), axis=1),
    lambda x: np.take(x, 1, axis=0), lambda x: np.take(x, [-1, 4], axis=1, mode="wrap"), lambda x: np.take(x, [-1, 4], axis=1, mode="clip"),
    lambda x: np.take(x, [0, 2], axis=1, out=np.zeros((2, 2), x.dtype)), lambda x: np.take(x, 2), args=(X,))  # fmt: skip
add(np.take_along_axis, lambda x: np.take_along_axis(x, np.argsort(x, axis=1), 1), lambda x: np.take_along_axis(x, np.array([[0], [2]]), 1),
    lambda x: np.take_along_axis(x, np.array([[0, 1, 0]]), 0), lambda x: np.take_along_axis(x, np.array([4, 0, -1]), None),
    args=(X,))  # fmt: skip
add(
    np.compress,
    lambda x: np.compress([True, False, True], x, axis=1),
    lambda x: np.compress(MASK.ravel(), x),
    args=(X,),
)
add(np.extract, lambda x: np.extract(MASK, x), args=(X,))
add(np.extract, lambda x: np.extract(x > 1.0, x), args=(X,), abstract=False)
add(np.choose, lambda x, y: np.choose([0, 1, 1], [x, y]), lambda x, y: np.choose(np.array([[0, 1, 2]]), [x, y, 3.0], mode="wrap"),
    lambda x, y: np.choose([[5, 1, -2], [0, 0, 0]], (x, y), mode="clip"), args=(X, Y))  # fmt: skip
add(np.select, lambda x, y: np.select([x > 1.0, y > 1.0], [x * x, y], 0.5), lambda x, y: np.select([MASK, x > 0.0], [x, y]),
    lambda x, y: np.select([MASK[0], MASK], [1.0, y], default=x), args=(X, Y))  # fmt: skip
for _r in (np.sort,):
    add(_r, _r, lambda x: np.sort(x, axis=0), lambda x: np.sort(x, axis=None), lambda x: np.sort(x, kind="stable"),
        lambda x: np.sort(x, axis=1, stable=True), lambda x: np.sort(x.T, axis=0), args=(X,))  # fmt: skip
add(
    np.argsort,
    lambda x: x * np.argsort(x),
    lambda x: np.argsort(x, axis=0),
    lambda x: np.argsort(x, axis=None),
    args=(X,),
)
add(np.partition, lambda x: np.sort(np.partition(x, 2)[:3]), args=(FIVE,))
add(np.partition, lambda x: np.partition(x, 1, axis=1)[:, 1], lambda x: np.partition(x, (0, 2), axis=-1), args=(X,))
add(np.argpartition, lambda x: x[np.argpartition(x, 2)[2]], lambda x: np.argpartition(x, 2)[2], args=(FIVE,))
add(np.real, np.real, lambda x: np.real(x * (1 + 2j)), lambda x: np.real((x + 1j) ** 2), args=(X,))
add(np.imag, np.imag, lambda x: np.imag(x * (1 + 2j)), lambda x: np.imag((x + 1j) ** 3), args=(X,))
add(np.angle, np.angle, lambda x: np.angle(x + 2j), lambda x: np.angle(x * x - 3j * x, deg=True), lambda x: np.angle(-x),
    args=(X,))  # fmt: skip
for _r in (np.round, np.around):
    add(_r, lambda x, r=_r: x + r(x), lambda x, r=_r: r(x, 1), lambda x, r=_r: r(1000 * x, decimals=-2),
        lambda x, r=_r: r(x, out=np.zeros((2, 3))), args=(X,))  # fmt: skip
add(np.fix, lambda x: x * quietly(lambda: np.fix(3 * x), DeprecationWarning), args=(X,))
if np.lib.NumpyVersion(np.__version__) >= "2.1.0":
    add(np.clip, lambda x: np.clip(x, min=0.7), lambda x: np.clip(x, max=1.1), args=(X,))
    add(np.reshape, lambda x: np.reshape(x, (3, 2), copy=True), args=(X,))
add(np.copy, np.copy, lambda x: np.copy(x, order="F"), args=(X,))
add(np.sinc, np.sinc, lambda x: np.sinc(0.001 * x), args=(X,))
add(np.sinc, np.sinc, args=(0.4,))
add(np.nan_to_num, np.nan_to_num, lambda x: np.nan_to_num(np.where(MASK, x, np.nan), nan=3.0),
    lambda x: np.nan_to_num(np.where(MASK, x, np.inf), posinf=7.0), lambda x: np.nan_to_num(np.where(MASK, x, -np.inf), neginf=7.0),
    args=(X,))  # fmt: skip
add(np.nan_to_num, np.nan_to_num, args=(0.4,))
add(np.shape, lambda x: x * np.shape(x)[1], args=(X,))
add(np.ndim, lambda x: x * np.ndim(x), args=(X,))
add(np.size, lambda x: x * np.size(x), lambda x: x * np.size(x, 1), args=(X,))
add(np.iscomplexobj, lambda x: x * np.iscomplexobj(x), args=(X,))
add(np.isrealobj, lambda x: x * np.isrealobj(x), args=(X,))
add(np.result_type, lambda x: np.zeros(2, np.result_type(x, np.float32)) + x[0, 0], args=(X,))
add(
    np.array_equal,
    lambda x: x * np.array_equal(x, x),
    lambda x: x * np.array_equal(x, 2 * x),
    args=(X,),
    abstract=False,
)
add(np.array_equal, lambda x: x * np.array_equal(x, x[0]), args=(X,))
add(np.allclose, lambda x: x * np.allclose(x, x + 1e-12), lambda x: x * np.allclose(x, 1.0), args=(X,), abstract=False)
add(np.isclose, lambda x: x * np.isclose(x, 1.0, atol=0.5), lambda x: x * np.isclose(np.inf, x), lambda x: x * np.isclose(x, np.inf),
    lambda x: x * np.isclose(x * np.nan, np.nan, equal_nan=True), args=(X,))  # fmt: skip

# ---- shaping

add(np.reshape, lambda x: np.reshape(x, (3, 2)), lambda x: np.reshape(x, -1), lambda x: np.reshape(x, (1, -1, 2)),
    lambda x: np.reshape(x, (3, 2), order="F"), lambda x: np.reshape(x.T, 6),
    args=(X,))  # fmt: skip
add(np.reshape, lambda x: np.reshape(x, (1, 1)), args=(1.3,))
add(np.ravel, np.ravel, lambda x: np.ravel(x, order="F"), lambda x: np.ravel(x.T), args=(X,))
add(np.transpose, np.transpose, lambda x: np.transpose(x, (2, 0, 1)), lambda x: np.transpose(x, (-1, 0, 1)), args=(T,))
add(np.transpose, np.transpose, args=(V,))
for _r in (np.matrix_transpose, np.linalg.matrix_transpose):
    add(_r, _r, args=(T,))
add(np.swapaxes, lambda x: np.swapaxes(x, 0, 2), lambda x: np.swapaxes(x, -1, 1), args=(T,))
add(np.moveaxis, lambda x: np.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, (0, 1), (2, 0)), args=(T,))
add(np.rollaxis, lambda x: np.rollaxis(x, 2), lambda x: np.rollaxis(x, 0, 3), lambda x: np.rollaxis(x, 1, 0), args=(T,))
add(np.expand_dims, lambda x: np.expand_dims(x, 1), lambda x: np.expand_dims(x, (0, -1)), args=(X,))
add(np.squeeze, lambda x: np.squeeze(x[:, :1]), lambda x: np.squeeze(x[None, :1], axis=0), lambda x: np.squeeze(x[:1, :1, None]),
    lambda x: np.squeeze(x[None, :, None], axis=(0, 2)), args=(X,))  # fmt: skip
add(np.broadcast_to, lambda x: np.broadcast_to(x, (4, 3)), lambda x: np.broadcast_to(x[0], 2), args=(V,))
add(np.broadcast_arrays, lambda x, y: np.broadcast_arrays(x, y), args=(X, V))
for _r in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    add(_r, _r, lambda x, r=_r: r(x, x[0]), lambda x, r=_r: r(x[0, 0]), args=(X,))
    add(_r, _r, args=(V,))
add(np.flip, np.flip, lambda x: np.flip(x, 1), lambda x: np.flip(x, (0, 1)), args=(X,))
add(np.flipud, np.flipud, args=(X,))
add(np.fliplr, np.fliplr, args=(X,))
add(np.rot90, *(lambda x, k=k: np.rot90(x, k) for k in range(-1, 4)), lambda x: np.rot90(x, 1, axes=(1, 0)), args=(X,))
add(np.rot90, lambda x: np.rot90(x, axes=(1, 2)), args=(T,))
for _r in (np.split, np.array_split):
    add(_r, lambda x, r=_r: r(x, 2), lambda x, r=_r: r(x, [1, 2], axis=1), lambda x, r=_r: r(x, 3, 1),
        lambda x, r=_r: r(x, [2, 1, 5], axis=1), args=(X,))  # fmt: skip
add(np.array_split, lambda x: np.array_split(x, 3), args=(FIVE,))
add(np.vsplit, lambda x: np.vsplit(x, 2), args=(X,))
add(np.hsplit, lambda x: np.hsplit(x, 3), lambda x: np.hsplit(x[0], [1]), args=(X,))
add(np.dsplit, lambda x: np.dsplit(x, [1, 3]), args=(T,))
if hasattr(np, "unstack"):
    add(np.unstack, np.unstack, lambda x: np.unstack(x, axis=-1), args=(X,))
add(np.concatenate, lambda x, y: np.concatenate([x, y]), lambda x, y: np.concatenate((x, y), axis=-1),
    lambda x, y: np.concatenate([x, y], axis=None), lambda x, y: np.concatenate([x, np.ones((1, 3)), y]),
    lambda x, y: np.concatenate([x, y], dtype=np.float64), lambda x, y: np.concatenate([x, y], out=np.zeros((4, 3))),
    lambda x, y: np.concatenate([x, [[1, 2, 3]]]), args=(X, Y))  # fmt: skip
add(np.stack, lambda x, y: np.stack([x, y]), lambda x, y: np.stack([x, y], axis=-1), lambda x, y: np.stack((x, 1 + y), 1),
    lambda x, y: np.stack([x[0, 0], y[1, 1], 2.0]), args=(X, Y))  # fmt: skip
add(np.vstack, lambda x, y: np.vstack([x, y]), lambda x, y: np.vstack([x[0], y]), lambda x, y: np.vstack([x[0], [1, 2, 3]]),
    args=(X, Y))  # fmt: skip
add(np.hstack, lambda x, y: np.hstack([x, y]), lambda x, y: np.hstack([x[0], y[0, 0], 1.0]), args=(X, Y))
add(np.dstack, lambda x, y: np.dstack([x, y]), lambda x, y: np.dstack([x[0], y[0]]), args=(X, Y))
add(np.column_stack, lambda x, y: np.column_stack([x, y]), lambda x, y: np.column_stack([x[:, 0], y]), args=(X, Y))
add(np.append, lambda x, y: np.append(x, y), lambda x, y: np.append(x, y, axis=0), lambda x, y: np.append(x, 1.0),
    lambda x, y: np.append([1.0, 2.0], y), args=(X, Y))  # fmt: skip
add(np.block, lambda x, y: np.block([[x, y], [y, x]]), lambda x, y: np.block([x[0], 1.0, y[1]]), lambda x, y: np.block([[x], [y]]),
    args=(X, Y))  # fmt: skip
add(
    np.roll,
    lambda x: np.roll(x, 1),
    lambda x: np.roll(x, -2, axis=1),
    lambda x: np.roll(x, (1, 2), axis=(0, 1)),
    args=(X,),
)
add(
    np.repeat,
    lambda x: np.repeat(x, 2),
    lambda x: np.repeat(x, [1, 2], axis=0),
    lambda x: np.repeat(x, 3, axis=-1),
    args=(X,),
)
add(np.repeat, lambda x: np.repeat(x, 2), args=(1.3,))
add(np.tile, lambda x: np.tile(x, 2), lambda x: np.tile(x, (2, 1)), lambda x: np.tile(x, (2, 1, 2)), args=(X,))
add(np.resize, lambda x: np.resize(x, (2, 5)), lambda x: np.resize(x, 4), args=(X,))
add(np.diagflat, lambda x: np.diagflat(x), lambda x: np.diagflat(x[0], 1), args=(X,))
for _r in (np.tril, np.triu):
    add(_r, _r, lambda x, r=_r: r(x, 1), lambda x, r=_r: r(x, -1), args=(S,))
    add(_r, _r, args=(T,))
add(
    np.delete,
    lambda x: np.delete(x, 1),
    lambda x: np.delete(x, [0, 2], axis=1),
    lambda x: np.delete(x, slice(0, 1), axis=0),
    args=(X,),
)
add(np.insert, lambda x: np.insert(x, 1, 5.0), lambda x: np.insert(x, [0, 2], [7.0, 8.0], axis=1), lambda x: np.insert(x, 0, x[1], axis=0),
    args=(X,))  # fmt: skip
add(np.insert, lambda x, v: np.insert(x, 1, v), args=(V, 0.3))
add(np.diagonal, np.diagonal, lambda x: np.diagonal(x, 1), lambda x: np.diagonal(x, -1), args=(S,))
add(np.diagonal, lambda x: np.diagonal(x, 0, 1, 2), lambda x: np.diagonal(x, 1, 2, 0), args=(T,))
add(np.linalg.diagonal, np.linalg.diagonal, lambda x: np.linalg.diagonal(x, offset=1), args=(T,))
add(np.diag, np.diag, lambda x: np.diag(x, 1), args=(S,))
add(np.diag, np.diag, lambda x: np.diag(x, -1), args=(V,))
add(np.trace, np.trace, lambda x: np.trace(x, 1), args=(S,))
add(np.trace, np.trace, lambda x: np.trace(x, 0, 1, 2), args=(T,))
add(np.linalg.trace, np.linalg.trace, lambda x: np.linalg.trace(x, offset=1), args=(T,))
add(np.pad, lambda x: np.pad(x, 1), lambda x: np.pad(x, ((0, 1), (2, 0))), lambda x: np.pad(x, 1, mode="edge"),
    lambda x: np.pad(x, ((1, 1), (2, 1)), mode="reflect"), lambda x: np.pad(x, 2, mode="symmetric"), lambda x: np.pad(x, 1, mode="wrap"),
    lambda x: np.pad(x, 1, constant_values=4.0), lambda x: np.pad(x, ((1, 0), (0, 1)), constant_values=((1, 2), (3, 4))),
    args=(X,))  # fmt: skip

# ---- products

add(np.dot, np.dot, args=(X, N.T))
add(np.dot, np.dot, args=(V, W))
add(np.dot, np.dot, args=(X, V))
add(np.dot, np.dot, args=(T, draw("dot", 4)))
add(np.dot, np.dot, args=(X, draw("dot3", 2, 3, 2)))
add(np.dot, np.dot, args=(1.3, V))
add(np.dot, lambda x: np.dot([1.0, 2.0], x), lambda x: np.dot(x, x.T, out=np.zeros((2, 2), x.dtype)), args=(X,))
add(np.inner, np.inner, args=(X, N))
add(np.inner, np.inner, args=(V, W))
add(np.inner, np.inner, args=(X, 1.3))
add(np.vdot, np.vdot, args=(X, Y))
add(np.vdot, lambda x, y: np.abs(np.vdot(x + 1j * y, y - 2j * x)), args=(V, W))
add(np.outer, np.outer, lambda x, y: np.outer(x, [1.0, 2.0]), lambda x, y: np.outer(2.0, y), args=(X, V))
add(np.linalg.outer, np.linalg.outer, args=(V, W))
add(np.linalg.matmul, np.linalg.matmul, args=(X, S))
for _r in (np.linalg.vecdot,):
    add(_r, _r, lambda x, y: np.linalg.vecdot(x, y, axis=0), args=(X, Y))
add(np.tensordot, lambda x, y: np.tensordot(x, y, axes=([1], [1])), lambda x, y: np.tensordot(x, y), lambda x, y: np.tensordot(x, y, 0),
    lambda x, y: np.tensordot(x, y, ((0, 1), (0, 1))), args=(X, Y))  # fmt: skip
add(np.tensordot, lambda x, y: np.tensordot(x, y, 1), args=(T, draw("td", 4, 2)))
add(np.linalg.tensordot, lambda x, y: np.linalg.tensordot(x, y, axes=1), args=(X, S))
add(np.kron, np.kron, args=(X, S))
add(np.kron, np.kron, args=(V, X))
add(np.cross, np.cross, lambda x, y: np.cross(x, W), args=(X, Y))
add(np.cross, lambda x, y: np.cross(x, y, axis=0), args=(S, R))
add(np.cross, lambda x, y: np.cross(x, y, axisa=0, axisb=1, axisc=0), args=(draw("ca", 3, 2), draw("cb", 2, 3)))
add(np.einsum, lambda x, y: np.einsum("ij,ij->i", x, y), lambda x, y: np.einsum("ij,kj", x, y), lambda x, y: np.einsum("ij,ij", x, y),
    lambda x, y: np.einsum("ij->ji", x), lambda x, y: np.einsum("...j,...j->...", x, y), lambda x, y: np.einsum(x, [0, 1], y, [2, 1], [0, 2]),
    lambda x, y: np.einsum("ij,jk,kl->il", x, y.T, x, optimize=True), lambda x, y: np.einsum("i...->...", x),
    lambda x, y: np.einsum("ij,j->i", x, [1.0, 2.0, 3.0]), lambda x, y: np.einsum(x, [0, Ellipsis], y, [1, Ellipsis]),
    args=(X, Y))  # fmt: skip
add(np.einsum, lambda x: np.einsum("ii->i", x), lambda x: np.einsum("ii", x), lambda x: np.einsum("ji", x), lambda x: np.einsum("ii,ij->j", x, x),
    args=(S,))  # fmt: skip

# ---- making arrays

add(np.zeros_like, lambda x: x + np.zeros_like(x), lambda x: np.zeros_like(x, shape=(2,)) + x[0, 0], args=(X,))
add(np.ones_like, lambda x: x * np.ones_like(x), lambda x: x * np.ones_like(x, dtype=int), args=(X,))
add(np.empty_like, lambda x: x.shape[0] * x[0] + np.empty_like(x).size, args=(X,))
add(np.full_like, lambda x: np.full_like(x, 2.5) * x, lambda x: np.full_like(x, x[0, 1]), lambda x: np.full_like(x, x[0]),
    lambda x: np.full_like(x, 2.5, shape=(3,)) * x, lambda x: np.full_like(x, x[0, 0], shape=4, dtype=np.float64), args=(X,))  # fmt: skip
add(np.linspace, lambda a, b: np.linspace(a, b, 5), lambda a, b: np.linspace(a, 3.0, 4, endpoint=False), lambda a, b: np.linspace(a, b, 3, retstep=True),
    lambda a, b: np.linspace(a, b, 1), lambda a, b: np.linspace(-7 * a, b, 6, dtype=int), lambda a, b: np.linspace(a, b), args=(0.3, 1.7))  # fmt: skip
add(
    np.linspace,
    lambda a, b: np.linspace(a, b, 4),
    lambda a, b: np.linspace(a, b, 4, axis=1),
    lambda a, b: np.linspace(a, 2.0, 4),
    args=(X, Y),
)


def _copyto(x: Any, y: Any, **options: Any) -> Any:
    out = np.zeros((2, 3))
    np.copyto(out, x * y, **options)
    return out + y


add(
    np.copyto,
    _copyto,
    lambda x, y: _copyto(x, y, where=MASK),
    lambda x, y: _copyto(x[0], y, where=x > 1.0),
    args=(X, Y),
)
