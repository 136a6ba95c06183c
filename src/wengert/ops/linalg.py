"""Linear systems and inverses, and what the other rules for matrices share.

Every record takes matrices in the last two axes, and stacks of them in the axes before. Rules are those of
Giles 2008, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from wengert.core.types import Aval, dtype_of, shape_of
from wengert.errors import at_line
from wengert.ops.families import align, fit, general

Operands = Sequence[Any]
Params = dict[str, Any]

# ---- shared by all records of matrices


def conj(x: Any) -> Any:
    """The complex conjugate; a real array is its own."""
    return np.conjugate(x) if dtype_of(x).kind == "c" else x


def adjoint(x: Any) -> Any:
    """The conjugate transpose of each matrix."""
    return conj(x).mT


def real_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of the real part."""
    return np.dtype(dtype.char.lower()) if dtype.kind == "c" else dtype


@lru_cache(maxsize=64)
def halved_triangle(n: int, lower: bool, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    """Ones below (or above) the diagonal, one half on it."""
    below = np.tri(n, k=-1) + 0.5 * np.eye(n)
    mask = (below if lower else below.T.copy()).astype(dtype)
    mask.flags.writeable = False
    return mask


def half(x: Any, lower: bool = True) -> Any:
    """Φ(X): one triangle of each matrix, with half the diagonal.

    Φ(X) + Φ(X)ᴴ is what a routine sees of X that reads one triangle and takes the matrix for Hermitian. Φ is
    its own transpose.
    """
    return x * halved_triangle(shape_of(x)[-1], lower, real_dtype(dtype_of(x)))


def alike(x: Aval, **_: Any) -> Aval:
    """The inferred type of a result that is like its operand."""
    return Aval(x.shape, x.dtype, "array")


def stacked_alike(get: Callable[[], Any]) -> Callable[..., Any]:
    """Batching for records whose operands all are matrices: a batch is one more axis of the stack."""
    return lambda batched, operands, params: get()(*align(batched, operands), **params)


def broken(a: np.ndarray[Any, Any], bad: np.ndarray[Any, Any]) -> str:
    """Which matrix of a stack an error is about: ``the 3×3 matrix at index (4,)``."""
    n = a.shape[-1]
    at = tuple(int(k) for k in np.argwhere(bad)[0]) if bad.ndim and bad.any() else ()
    return f"the {n}×{n} matrix" + (f" at index {at} of the stack" if at else "")


def singular(name: str, a: np.ndarray[Any, Any]) -> LinAlgError:
    """The error for a matrix that has no inverse."""
    rank = np.asarray(np.linalg.matrix_rank(a))
    bad = rank < a.shape[-1]
    found = f" has rank {rank[bad][0]}" if bad.any() else " is singular to working precision"
    return LinAlgError(
        f"Singular matrix: {name}: {broken(a, bad)}{found}: it has no inverse{at_line()}\n"
        "  write: a matrix with independent rows and columns, or add a small multiple of np.eye(n) to it"
    )


# ---- A X = B


def _solve(a: Any, b: Any) -> Any:
    try:
        return np.linalg.solve(a, b)
    except LinAlgError:
        raise singular("np.linalg.solve", np.asarray(a)) from None


def _solve_infer(a: Aval, b: Aval) -> Aval:
    stack = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return Aval((*stack, *b.shape[-2:]), np.result_type(a.dtype, b.dtype), "array")


def _solve_jvp(ts: Operands, x: Any, operands: Operands, _params: Params) -> Any:
    # A dX = dB - dA X
    da, db = ts
    right = db if da is None else -(da @ x) if db is None else db - da @ x
    return solve(operands[0], right)


def _solve_vjp(g: Any, x: Any, operands: Operands, wanted: Sequence[bool], _params: Params) -> Any:
    a, b = operands
    gb = solve(a.mT, g)
    return (fit(-gb @ x.mT, a) if wanted[0] else None, fit(gb, b) if wanted[1] else None)


def _solve_batch(batched: Sequence[bool], operands: Operands, _params: Params) -> Any:
    a, b = operands
    if batched[0]:
        return solve(*align(batched, operands))
    # one factorisation serves the whole batch: its right-hand sides stand side by side
    size, *stack, n, k = shape_of(b)
    wide = np.reshape(np.moveaxis(b, 0, -2), (*stack, n, size * k))
    x = solve(a, wide)
    return np.moveaxis(np.reshape(x, (*shape_of(x)[:-1], size, k)), -2, 0)


solve = general(
    "solve", _solve, jvp=_solve_jvp, vjp=_solve_vjp, batch=_solve_batch, infer=_solve_infer,
    reads=lambda k, _n: (True, False, k == 0), tex="{0}^{{-1}} {1}",
)  # fmt: skip

# ---- the inverse


def _inv(a: Any) -> Any:
    try:
        return np.linalg.inv(a)
    except LinAlgError:
        raise singular("np.linalg.inv (or a derivative that needs it)", np.asarray(a)) from None


inv = general(
    "inv", _inv,
    jvp=lambda ts, z, _xs, _p: -(z @ ts[0] @ z),
    vjp=lambda g, z, _xs, _w, _p: (-(z.mT @ g @ z.mT),),
    batch=stacked_alike(lambda: inv), infer=alike, reads=lambda _k, _n: (False, True), tex="{0}^{{-1}}",
)  # fmt: skip
