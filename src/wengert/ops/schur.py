"""Schur's form A = Z T Zᴴ, T upper triangular.

With B = Zᴴ dA Z and Ω = Zᴴ dZ = X − Xᴴ, X strictly lower: X solves the strictly lower part of X T − T X = B, column
by column from the left, each a triangular system with the gaps between eigenvalues on its diagonal; and
dT = B − Ω T + T Ω. Of complex matrices the phase of each column of Z is arbitrary: functions that it does not
matter to have a derivative in reverse mode. Source: Anderson and Fung 2019, "Schur decomposition sensitivity".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.types import Aval, shape_of
from wengert.errors import DerivativeError, UnsupportedError, at_line
from wengert.ops.bases import unusable
from wengert.ops.eigen import eye_like
from wengert.ops.families import general, vjp_from_jvp
from wengert.ops.gaps import as_row, checked, condition, noise, refuse, repeats
from wengert.ops.linalg import Operands, Params, adjoint
from wengert.ops.triangular import solve_triangular, triangle

Matrix = np.ndarray[Any, Any]


def _schur(a: Matrix, *, sort: Any) -> Matrix:
    """T and Z, one behind the other."""
    import scipy.linalg  # loaded by those who use it

    out = np.empty((*a.shape[:-2], 2, *a.shape[-2:]), a.dtype)
    for at in np.ndindex(a.shape[:-2]):
        t, z = scipy.linalg.schur(a[at], "complex" if a.dtype.kind == "c" else "real", sort=sort)[:2]
        if a.dtype.kind != "c" and np.any(np.diagonal(t, -1)):
            raise UnsupportedError(
                "scipy.linalg.schur of a real matrix with complex eigenvalues, in its real form: T has 2×2 blocks,\n"
                f"  whose derivative is not known here{at_line()}\n  write: schur(a, output='complex')"
            )
        out[at] = t, z
    return out


@condition("schur")
def _distinct(_x: Matrix, row: Matrix) -> None:
    """All eigenvalues are distinct."""
    refuse(
        row, repeats(row), "the vectors of Schur's form are one choice of many there",
        "functions of the matrix that need no vectors (expm, sqrtm, products), or one with distinct eigenvalues",
        what="eigenvalue",
    )  # fmt: skip


@condition("schur's phase")
def _no_phase(turn: Matrix) -> None:
    """No phase of a column of Z matters."""
    if np.any(np.abs(np.imag(turn)) > noise(turn) * np.max(np.abs(turn), initial=0.0)):
        raise DerivativeError(
            f"a function of Schur's form depends on the phase of its complex vectors, which is arbitrary{at_line()}\n"
            "  write: a function that a factor exp(iφ) on a column of Z leaves alone, such as Z @ T @ Z.conj().T"
        )


def _parts(packed: Any) -> tuple[Any, Any]:
    return packed[..., 0, :, :], packed[..., 1, :, :]


def _push(ts: Operands, packed: Any, _xs: Operands, _params: Params) -> Any:
    t, z = _parts(packed)
    n = shape_of(t)[-1]
    row = as_row(np.sum(t * eye_like(t), axis=-1))
    b = adjoint(z) @ checked(ts[0], row, test="schur", order=0) @ z
    columns: list[Any] = []
    for j in range(n - 1):
        rest = t[..., j, j][..., None, None] * np.eye(n - 1 - j, dtype=t.dtype) - t[..., j + 1 :, j + 1 :]
        right = b[..., j + 1 :, j : j + 1]
        for k, x in enumerate(columns):
            right = right - x[..., j - k :, :] * t[..., k, j][..., None, None]
        columns.append(solve_triangular(rest, right, lower=False, unit=False))
    x = _lower(columns, t)
    turn = x - adjoint(x)
    dt = triangle(b - turn @ t + t @ turn, False)
    return np.stack([dt, z @ turn], axis=-3)


def _lower(columns: list[Any], like: Any) -> Any:
    """A strictly lower matrix from its columns below the diagonal."""
    n = shape_of(like)[-1]
    full = [np.concatenate([np.zeros_like(like[..., : j + 1, :1]), x], axis=-2) for j, x in enumerate(columns)]
    return np.concatenate([*full, np.zeros_like(like[..., :, :1])], axis=-1) if n else np.zeros_like(like)


def _jvp(ts: Operands, packed: Any, xs: Operands, params: Params) -> Any:
    if packed.dtype.kind == "c":
        return unusable(
            packed,
            "forward mode cannot see whether what follows depends on the phase of the complex vectors of Schur's form"
            f"{at_line()}\n  write: wengert.grad, which can see it",
        )
    return _push(ts, packed, xs, params)


_transposed: Callable[..., Any] = vjp_from_jvp(_push)


def _vjp(g: Any, packed: Any, xs: Operands, wanted: Any, params: Params) -> Any:
    if packed.dtype.kind == "c":
        (t, z), (gt, gz) = _parts(packed), _parts(g)
        moved = gt * t
        turn = np.sum(z * gz, axis=-2) + np.sum(moved, axis=-2) - np.sum(moved, axis=-1)
        g = g + 0.0 * np.sum(checked(turn, test="schur's phase", order=0))
    return _transposed(g, packed, xs, wanted, params)


schur = general(
    "schur", _schur, jvp=_jvp, vjp=_vjp, batch=lambda _b, xs, p: schur(*xs, **p),
    infer=lambda a, **_: Aval((*a.shape[:-2], 2, *a.shape[-2:]), a.dtype, "array"),
    reads=lambda _k, _n: (True, True), tex=r"\operatorname{{schur}} {0}",
)  # fmt: skip
