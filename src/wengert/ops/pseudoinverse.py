"""The pseudoinverse.

With P = A⁺:  dP = −P dA P + P Pᴴ dAᴴ (I − A P) + (I − P A) dAᴴ Pᴴ P, as long as the rank stays what it is
(Golub and Pereyra 1973, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate"). Where the rank grows A⁺ jumps. A matrix of full rank cannot leave it by a small change.
At others the formula is the derivative along changes that keep the rank, such as those of the factors of
B @ C: forward mode sees the change and refuses one that does not; reverse mode cannot, and warns.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.exceptions import RankWarning

from wengert.core.types import Aval
from wengert.errors import DerivativeError, at_line, user_line
from wengert.ops.families import fit, general
from wengert.ops.gaps import checked, condition, largest, noise
from wengert.ops.linalg import Operands, Params, adjoint, conj

Matrix = np.ndarray[Any, Any]


def _lacking(p: Matrix, a: Matrix) -> Matrix:
    """Where the rank, which is the trace of A⁺ A, is less than it could be."""
    rank = np.real(np.einsum("...ij,...ji->...", p, a))
    return np.asarray(rank < min(a.shape[-2:]) - 0.5)


def _what(a: Matrix) -> str:
    m, n = a.shape[-2:]
    return f"the pseudoinverse (or a basis) of a {m}×{n} matrix of rank less than {min(m, n)}"


def _whole(p: Matrix, a: Matrix) -> None:
    """What counts as zero must be zero: A P A is A, else the formula is not the derivative of what was computed."""
    if np.any(largest(a - a @ (p @ a)) > np.sqrt(noise(a)) * largest(a)):
        raise DerivativeError(
            f"{_what(a)}: here rcond cuts off singular values that are not zero, and the derivative\n"
            f"  of a pseudoinverse that is cut off is not supported{at_line()}\n"
            "  write: a smaller rcond, or the smooth np.linalg.solve(A.T @ A + 1e-6 * np.eye(n), A.T)"
        )


@condition("rank kept, forward")
def _rank_kept(t: Matrix, p: Matrix, a: Matrix) -> None:
    """(I − A P) dA (I − P A) is zero where the rank is not full."""
    _whole(p, a)
    outside = t - a @ (p @ t)
    outside = outside - (outside @ p) @ a
    if np.any(_lacking(p, a) & (largest(outside) > noise(a) * largest(t))[..., 0, 0]):
        raise DerivativeError(
            f"{_what(a)} along a direction in which its rank grows: the pseudoinverse jumps there{at_line()}\n"
            "  write: a matrix of full rank, or the smooth np.linalg.solve(A.T @ A + 1e-6 * np.eye(n), A.T)"
        )


@condition("rank kept, reverse")
def _rank_assumed(_p: Matrix, p: Matrix, a: Matrix) -> None:
    """A warning where the rank is not full: it is taken to stay."""
    _whole(p, a)
    if np.any(_lacking(p, a)):
        warnings.warn(
            f"{_what(a)}: this derivative is that along changes which keep the rank, such as those of B and C in\n"
            f"  A = B @ C; along others it jumps\n  at {user_line()}\n"
            "  write: the factors as inputs, or the smooth np.linalg.solve(A.T @ A + 1e-6 * np.eye(n), A.T)",
            RankWarning,
            stacklevel=2,
        )


def _jvp(ts: Operands, p: Any, xs: Operands, _params: Params) -> Any:
    a = xs[0]
    t = checked(ts[0], p, a, test="rank kept, forward", order=0)
    rows = adjoint(t) @ (adjoint(p) @ p)
    columns = (p @ adjoint(p)) @ adjoint(t)
    return -(p @ t @ p) + (columns - (columns @ a) @ p) + (rows - p @ (a @ rows))


def _vjp(g: Any, z: Any, xs: Operands, _wanted: Any, _params: Params) -> Any:
    a = xs[0]
    p = checked(z, z, a, test="rank kept, reverse", order=0)
    h = adjoint(conj(g))  # the formulas pair with conjugation
    columns = h @ (p @ adjoint(p))
    rows = (adjoint(p) @ p) @ h
    total = -(adjoint(p) @ adjoint(h) @ adjoint(p)) + (columns - a @ (p @ columns)) + (rows - (rows @ p) @ a)
    return (fit(conj(total), a),)


def _pinv(a: Any, *, rcond: Any, atol: float = 0.0) -> Any:
    if atol:
        rcond = rcond + atol / np.linalg.svd(a, compute_uv=False)[..., 0]
    return np.linalg.pinv(a, rcond).astype(a.dtype)


def _infer(a: Aval, **_: Any) -> Aval:
    return Aval((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype, "array")


# singular values up to ``rcond`` (one number, or one for each matrix) times the largest one, and ``atol`` more,
# count as zero
pinv = general(
    "pinv", _pinv, jvp=_jvp, vjp=_vjp, batch=lambda _b, xs, p: pinv(*xs, **p), infer=_infer, tex="{0}^+"
)  # fmt: skip
