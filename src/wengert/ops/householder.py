"""QR factorisation by reflections, written out: Q whole, and what LAPACK keeps of it.

LAPACK's ``geqrf``, step by step, on stacks: H_k = I − τ v vᴴ with v_k = 1 takes column k below the diagonal to
zero, and A = Q R with Q = H_0 ⋯ H_{k−1}. Each step is smooth, so that also the columns of Q beside the range of
A, which are one choice of many, have the derivative of the choice that NumPy makes. Source: Golub and Van Loan,
"Matrix Computations", 5.1 and 5.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import dtype_of, shape_of
from wengert.ops.elementwise import stop_gradient
from wengert.ops.linalg import adjoint, conj, real_dtype


def reflections(a: Any) -> tuple[list[Any], list[Any], Any]:
    """Vectors v as columns (..., m, 1) that are one at k and zero above, factors τ as (..., 1, 1), and R."""
    m, n = shape_of(a)[-2:]
    vs: list[Any] = []
    taus: list[Any] = []
    for k in range(min(m, n)):
        v, tau = _reflection(a[..., :, k : k + 1], k)
        a = a - conj(tau) * (v @ (adjoint(v) @ a))
        vs.append(v)
        taus.append(tau)
    # what the reflections have made zero, up to rounding
    return vs, taus, a * np.tri(n, m, dtype=real_dtype(dtype_of(a))).T


def _reflection(column: Any, k: int) -> tuple[Any, Any]:
    """V and τ of the reflection that leaves of a column, from row k on, its first element."""
    m = shape_of(column)[-2]
    unit = np.eye(m, dtype=real_dtype(dtype_of(column)))[:, k : k + 1]
    below = np.tri(m, dtype=unit.dtype)[:, k : k + 1] - unit
    head, tail = column[..., k : k + 1, :], column * below
    square = np.sum(np.real(conj(tail) * tail), axis=-2, keepdims=True)
    done = _nothing_to_do(head, square)  # then H = I
    size = np.sqrt(np.where(done, 1.0, square + np.real(conj(head) * head)))
    beta = np.where(np.signbit(np.real(stop_gradient(head))), size, -size)
    factor = np.where(done, 0.0, (beta - head) / beta)
    return unit + tail / np.where(done, 1.0, head - beta), factor


def _nothing_to_do(head: Any, square: Any) -> Any:
    done = stop_gradient(square) == 0
    return done & (np.imag(stop_gradient(head)) == 0) if dtype_of(head).kind == "c" else done


def complete(a: Any) -> tuple[Any, Any]:
    """Q of as many columns as A has rows, and R of the shape of A."""
    m = shape_of(a)[-2]
    vs, taus, r = reflections(a)
    q = np.broadcast_to(np.eye(m, dtype=dtype_of(a)), (*shape_of(a)[:-1], m)).copy()
    for v, tau in zip(vs[::-1], taus[::-1], strict=True):
        q = q - tau * (v @ (adjoint(v) @ q))
    return q, r


def raw(a: Any) -> tuple[Any, Any]:
    """R with the vectors v below its diagonal, transposed as NumPy gives it, and the factors τ."""
    m, n = shape_of(a)[-2:]
    vs, taus, r = reflections(a)
    below = np.tri(m, len(vs), -1, dtype=real_dtype(dtype_of(a)))
    packed = np.concatenate(vs, axis=-1) * below
    if n > len(vs):
        packed = np.concatenate([packed, 0.0 * r[..., len(vs) :]], axis=-1)
    return (r + packed).mT, np.concatenate(taus, axis=-1)[..., 0, :]
