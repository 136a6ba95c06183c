"""Calls of the names that stand in no other table of calls: creation, ufunc methods, numpy.linalg, numpy.lib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib import scimath
from tests.frontend._cases import TABLE, N, S, T, V, W, X, Y, add
from tests.frontend._harness import Case

M = S + 4 * np.eye(3)
STACK = T[:, :, :3] + 4 * np.eye(3)


def written(y: Any, index: Any, value: Any) -> Any:
    """``y`` with a traced value in it."""
    y[index] = value
    return y


# ---- creation: what is made takes traced values on, or is made of them

for _f, _g in (
    (np.zeros, lambda: np.zeros(3)), (np.ones, lambda: np.ones(3)), (np.empty, lambda: np.empty(3)),
    (np.arange, lambda: np.arange(3.0)),
):  # fmt: skip
    add(_f, lambda x, g=_g: written(g(), slice(None), x) ** 2, args=(V,))
add(
    np.zeros,
    lambda x: written(np.zeros((2, 3), x.dtype), 0, x) * x,
    lambda x: written(np.zeros(3), 1, x[0]) @ x,
    args=(V,),
)
for _f, _g in ((np.eye, lambda: np.eye(3)), (np.identity, lambda: np.identity(3)), (np.tri, lambda: np.tri(3))):
    add(_f, lambda x, g=_g: written(g(), 0, x) @ x, args=(V,))
# by their own names, for that is how they are found while a transform runs
add(np.array, lambda x: np.array(x) * x, lambda x: np.array([x[0], 2.0, x[1]]), lambda x: np.array([[x[0], x[1]], [1.0, 2.0]]),
    lambda x: np.array([x, x * x]), lambda x: np.array(x, ndmin=2), lambda x: np.array(x, copy=True) + 1, args=(V,))  # fmt: skip
add(
    np.asarray,
    lambda x: np.asarray(x) * x,
    lambda x: np.asarray([x[0], 2.0, x[1]]),
    lambda x: np.asarray([x, x * x]),
    args=(V,),
)
add(np.asanyarray, lambda x: np.asanyarray(x) * x, lambda x: np.asanyarray([x[0], 2.0, x[1]]), args=(V,))
add(np.ascontiguousarray, lambda x: np.ascontiguousarray(x.T) * 2, lambda x: np.ascontiguousarray(x), args=(X,))
add(np.asfortranarray, lambda x: np.asfortranarray(x.T) * 2, lambda x: np.asfortranarray(x), args=(X,))
for _f in (np.zeros_like, np.ones_like, np.empty_like):
    add(_f, lambda x, f=_f: written(f(x), 0, x[1])[0] * x, args=(X,))
add(
    np.full,
    lambda x: np.full(3, x[0]),
    lambda x: np.full((2, 3), x),
    lambda x: written(np.full(3, 2.0), 1, x[2]) * x,
    args=(V,),
)
add(np.full_like, lambda x: np.full_like(x, x[0]), lambda x: written(np.full_like(x, 2.0), 1, x[2]) * x, args=(V,))
add(np.fromfunction, lambda x: np.fromfunction(lambda i: (i + 1) * x, (3,)), args=(V,))
add(np.fromiter, lambda x: written(np.fromiter((1.0, 2.0), float), 0, x[0]), args=(V,))
add(np.copy, lambda x: written(np.copy(x), 0, x[1]) * x, args=(V,))

add(np.require, lambda x: np.require(x, float, "C") * x, args=(X,))
add(np.asarray_chkfinite, lambda x: np.asarray_chkfinite(x) * x, args=(X,), abstract=False)

# ---- attributes of arrays

add(np.ndarray.flat, lambda x: x.flat[2] * x.flat[1:4], lambda x: written((x * 1.0).flat, 1, 2.0)[:3], args=(X,))
if hasattr(np.ndarray, "to_device"):
    add(np.ndarray.to_device, lambda x: x.to_device("cpu") * x, args=(X,))

# ---- the methods of ufuncs

add(np.ufunc.reduce, lambda x: np.add.reduce(x, axis=1), lambda x: np.multiply.reduce(x, axis=(0, 1), keepdims=True),
    lambda x: np.maximum.reduce(x, axis=0, initial=1.0), lambda x: np.logaddexp.reduce(x), args=(X,))  # fmt: skip
add(np.ufunc.accumulate, lambda x: np.add.accumulate(x), lambda x: np.multiply.accumulate(x, axis=1),
    lambda x: np.minimum.accumulate(x, axis=1), args=(X,))  # fmt: skip
add(np.ufunc.reduceat, lambda x: np.add.reduceat(x, [0, 2], axis=1), args=(X,))
add(np.ufunc.outer, np.multiply.outer, np.divide.outer, lambda x, y: np.subtract.outer(x[0], y), args=(V, W))


def _at(ufunc: np.ufunc, *index: Any) -> Callable[..., Any]:
    def f(x: Any, y: Any) -> Any:
        z = x * 1.0
        ufunc.at(z, *index, y)
        return z * x

    return f


add(np.ufunc.at, _at(np.add, [0, 0, 2]), _at(np.multiply, [2, 1, 0]), _at(np.subtract, slice(None)), args=(V, W))

# ---- numpy.linalg: matrices that are far from singular, with values that are far apart

LA = np.linalg


def _symmetric(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda a: f(a + np.swapaxes(a, -1, -2))


for _f in (LA.inv, LA.det, LA.slogdet, LA.pinv, LA.matrix_norm):
    add(_f, _f, args=(M,))
    add(_f, _f, args=(STACK,))
add(LA.solve, LA.solve, lambda a, b: LA.solve(a, b[:, None]), args=(M, V))
add(LA.cholesky, _symmetric(LA.cholesky), _symmetric(lambda a: LA.cholesky(a, upper=True)), args=(M,))
add(LA.qr, LA.qr, lambda a: LA.qr(a, mode="r"), args=(M,))
add(LA.svd, lambda a: LA.svd(a, full_matrices=False)[1], lambda a: LA.svd(a, compute_uv=False),
    lambda a: np.absolute(LA.svd(a)[0]), args=(X,))  # fmt: skip
add(LA.svdvals, LA.svdvals, args=(X,))
add(LA.eigh, _symmetric(lambda a: LA.eigh(a)[0]), _symmetric(lambda a: np.absolute(LA.eigh(a, UPLO="U")[1])), args=(M,))
add(LA.eigvalsh, _symmetric(LA.eigvalsh), args=(M,))
# of these the kind of result depends on values, which a batch has and staging does not
for _f, _call, _args in (
    (LA.lstsq, lambda a, b: LA.lstsq(a, b, rcond=None)[0], (N + 2 * np.eye(4, 3), np.arange(4.0) + 0.5)),
    (LA.eigvals, lambda a: np.sum(LA.eigvals(a) ** 2).real, (M,)),
    (LA.eig, lambda a: np.sum(LA.eig(a)[0] ** 3).real, (M,)),
):
    TABLE[_f] = [*TABLE.get(_f, []), Case(f"{_f.__name__}-values", _call, _args, staged=False)]
add(LA.cond, LA.cond, lambda a: LA.cond(a, "fro"), args=(M,))
add(LA.norm, LA.norm, lambda a: LA.norm(a, axis=1), lambda a: LA.norm(a, 1), lambda a: LA.norm(a, "nuc"), lambda a: LA.norm(a, 2),
    lambda a: LA.norm(a, 3, axis=0, keepdims=True), args=(X,))  # fmt: skip
add(LA.vector_norm, LA.vector_norm, lambda a: LA.vector_norm(a, axis=0, ord=3), args=(X,))
add(
    LA.matrix_norm, lambda a: LA.matrix_norm(a, ord=2), lambda a: LA.matrix_norm(a, ord="nuc", keepdims=True), args=(X,)
)
add(LA.matrix_power, lambda a: LA.matrix_power(a, 3), lambda a: LA.matrix_power(a, -2), args=(M,))
add(LA.matrix_rank, lambda a: a * LA.matrix_rank(a), args=(M,))
add(LA.multi_dot, lambda a, b: LA.multi_dot([a, b, a]), args=(X, N[:3, :2]))
add(LA.cross, LA.cross, args=(V, W))
add(LA.tensorinv, lambda a: LA.tensorinv(a, ind=1), args=(M,))
add(LA.tensorsolve, LA.tensorsolve, args=(M, V))

# ---- numpy.lib.scimath

for _f in (scimath.sqrt, scimath.log, scimath.log10, scimath.log2):
    add(
        _f,
        _f,
        lambda x, f=_f: np.absolute(f(x - 1.03)),
        lambda x, f=_f: f(x - 1.03).imag + x,
        args=(X,),
        abstract=False,
    )
for _f in (scimath.arccos, scimath.arcsin, scimath.arctanh):
    add(
        _f,
        lambda x, f=_f: f(x / 3),
        lambda x, f=_f: f(x * 1.03).real,
        lambda x, f=_f: f(x * 1.03).imag,
        args=(X,),
        abstract=False,
    )
add(
    scimath.logn,
    lambda x, y: scimath.logn(x + 2, y),
    lambda x, y: scimath.logn(2, y - 1.03).imag,
    args=(X, Y),
    abstract=False,
)
add(scimath.power, scimath.power, lambda x, y: scimath.power(x - 1.03, y).real, args=(X, Y), abstract=False)
add(
    scimath.power,
    lambda x: scimath.power(x, -2),
    lambda x: scimath.power(x, np.array([2, -1, 3])),
    args=(X,),
    abstract=False,
)

# ---- positions

add(np.unravel_index, lambda x: x * np.unravel_index(np.argmax(x), (2, 3))[1],
    lambda x: x * np.unravel_index(np.argsort(x), (3, 2), order="F")[0], args=(X,))  # fmt: skip
add(np.ravel_multi_index, lambda x: x * np.ravel_multi_index((np.argmax(x, axis=1), np.argmin(x, axis=1)), (3, 4))[:, None],
    lambda x: x * np.ravel_multi_index((np.argmax(x), 7), (6, 4), mode=("raise", "wrap"), order="F"),
    lambda x: x * np.ravel_multi_index([np.argmax(x), 7], (6, 4), mode="clip"), args=(X,))  # fmt: skip

# ---- what only some NumPys have

if hasattr(np.polynomial.polynomial, "polyvalnd"):
    _valnd = np.polynomial.polynomial.polyvalnd  # type: ignore[attr-defined]  # since NumPy 2.5
    add(
        _valnd,
        lambda x, y: _valnd((x, y), np.array([[1.0, 2.0], [3.0, 4.0]])),
        lambda x, y: _valnd((x, 2.0 * x), y),
        args=(V, S),
    )
