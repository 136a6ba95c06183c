"""Calls of scipy.linalg, ``f(linalg, *args)``: with SciPy's module they are SciPy, with ours they can be traced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

RNG = np.random.default_rng(3)


@dataclass(frozen=True)
class Call:
    """One call. ``batched``: it runs under vmap and in a Program; ``dtype``: SciPy gives the type that we give."""

    label: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    batched: bool = True
    order: int = 2


CALLS: list[Call] = []


def add(label: str, f: Callable[..., Any], *args: Any, batched: bool = True, order: int = 2) -> None:
    """Enter a call."""
    CALLS.append(Call(label, f, args, batched, order))


def conditioned(*shape: int) -> Any:
    """Matrices with singular values from 0.7 to 2."""
    u, _, vh = np.linalg.svd(RNG.normal(size=shape), full_matrices=False)
    return (u * np.linspace(2.0, 0.7, min(shape[-2:]))) @ vh


A, B, T, W, ST = conditioned(3, 3), conditioned(3, 3), conditioned(4, 3), conditioned(3, 4), conditioned(2, 3, 3)
S, Q = A @ A.T + np.diag([0.0, 1.0, 2.0]), B @ B.T + np.eye(3)
STS = np.stack([S, S + np.diag([0.0, 0.3, 0.1])])
b, bb, c = RNG.normal(size=3), RNG.normal(size=(3, 2)), np.array([3.0, 0.4, 0.2])
E = np.diag([1.0, 2.5, 4.0]) + 0.3 * A
POSITIVE, SIGNS = A + 3 * np.eye(3), np.diag([1.0, -1.0, 2.0]) + 0.2 * A
Z = A + 1j * B

# ---- systems

add("solve", lambda l, a, b: l.solve(a, b), A, b)
add("solve, a stack", lambda l, a, b: l.solve(a, b), ST, bb)
add("solve, transposed", lambda l, a, b: l.solve(a, b, transposed=True), A, bb)
for _s in ("gen", "diagonal", "tridiagonal", "upper triangular", "lower triangular", "sym", "her", "pos"):
    add(f"solve, {_s}", lambda l, a, b, s=_s: l.solve(a, b, assume_a=s, lower=True), S, b)
for _t in (0, "T", 2):
    for _l in (False, True):
        add(
            f"solve_triangular {_t} {_l}",
            lambda l, a, b, t=_t, w=_l: l.solve_triangular(a, b, trans=t, lower=w, unit_diagonal=w), S, b,
        )  # fmt: skip
add("solve_triangular, a stack", lambda l, a, b: l.solve_triangular(a, b), STS, bb)
add(
    "solve_banded",
    lambda l, d, b: l.solve_banded((1, 1), d, b),
    np.array([[0, 0.1, 0.2], [3, 2.5, 4], [0.3, 0.1, 0]]),
    b,
)
for _l in (False, True):
    add(f"cholesky {_l}", lambda l, a, w=_l: l.cholesky(a, lower=w), S)
    add(f"cho_factor {_l}", lambda l, a, w=_l: l.cho_factor(a, lower=w)[0], S)
    add(f"cho_solve {_l}", lambda l, a, b, w=_l: l.cho_solve(l.cho_factor(a, lower=w), b), S, b)
    _d = np.array([[3, 2.5, 4], [0.3, 0.1, 0]]) if _l else np.array([[0, 0.1, 0.2], [3, 2.5, 4]])
    add(f"solveh_banded {_l}", lambda l, d, b, w=_l: l.solveh_banded(d, b, lower=w), _d, bb)
for _t in (0, 1, 2):
    add(f"lu_solve {_t}", lambda l, a, b, t=_t: l.lu_solve(l.lu_factor(a), b, trans=t), A, b)
add("solve_toeplitz", lambda l, c, b: l.solve_toeplitz(c, b), c, b)
add("solve_toeplitz of both", lambda l, c, r, b: l.solve_toeplitz((c, r), b), c, np.array([3.0, 0.1, 0.3]), bb)
add("matmul_toeplitz", lambda l, c, r, b: l.matmul_toeplitz((c, r), b), b, b, bb)
add("solve_circulant", lambda l, c, b: l.solve_circulant(c, b), c, bb)
add("solve_circulant, axes", lambda l, c, b: l.solve_circulant(c, b, baxis=-1, outaxis=-1), c, bb.T.copy())
add("inv", lambda l, a: l.inv(a), ST)
add("det", lambda l, a: l.det(a), ST)
add("lstsq", lambda l, a, b: l.lstsq(a, b), T, RNG.normal(size=(4, 2)), batched=False)
add("lstsq, a vector", lambda l, a, b: l.lstsq(a, b), T, RNG.normal(size=4), batched=False)
add("pinv", lambda l, a: l.pinv(a, return_rank=True), T)
add("pinv, atol", lambda l, a: l.pinv(a, atol=1e-3, rtol=1e-5), W)
add("pinvh", lambda l, a: l.pinvh(a), S)
add("norm", lambda l, a: l.norm(a, 1), T)

# ---- factorisations

for _m in (A, T, W):
    _n = "×".join(map(str, _m.shape))
    add(f"lu {_n}", lambda l, a: l.lu(a), _m)
    add(f"lu, p_indices {_n}", lambda l, a: l.lu(a, p_indices=True), _m)
    add(f"lu, permute_l {_n}", lambda l, a: l.lu(a, permute_l=True), _m)
    add(f"lu_factor {_n}", lambda l, a: l.lu_factor(a), _m)
    for _o in ("full", "r", "economic", "raw"):
        add(f"qr {_o} {_n}", lambda l, a, o=_o: l.qr(a, mode=o), _m)
        add(f"rq {_o} {_n}", lambda l, a, o=_o: l.rq(a, mode=o.replace("raw", "full")), _m)
    add(f"qr, pivoting {_n}", lambda l, a: l.qr(a, mode="economic", pivoting=True), _m)
    add(f"polar {_n}", lambda l, a: l.polar(a), _m)
    add(f"polar, left {_n}", lambda l, a: l.polar(a, "left"), _m)
add("lu, a stack", lambda l, a: tuple(l.lu(a)), ST)
add("svd", lambda l, a: l.svd(a, full_matrices=False), T)
add("svdvals", lambda l, a: l.svdvals(a), T)
add("orthogonal_procrustes", lambda l, a, b: l.orthogonal_procrustes(a, b), T, conditioned(4, 3))
add("subspace_angles", lambda l, a, b: l.subspace_angles(a, b), conditioned(5, 2), conditioned(5, 2), batched=False)

# ---- spectra; SciPy's driver gives vectors signs that jump, so it is their squares that are compared

add("eigh", lambda l, a: [x**2 for x in l.eigh(a)], S)
add("eigh, upper, some", lambda l, a: [x**2 for x in l.eigh(a, lower=False, subset_by_index=(0, 1))], S)
add("eigh, evd", lambda l, a: l.eigh(a, driver="evd"), S)
add("eigvalsh, a stack", lambda l, a: l.eigvalsh(a), STS)
for _k in (1, 2, 3):
    add(f"eigh, type {_k}", lambda l, a, b, k=_k: l.eigh(a, b, type=k, lower=k == 1), S, Q)
add("eigvalsh, by value", lambda l, a: l.eigvalsh(a, subset_by_value=(-1, 2.5)), S, batched=False)
add("eig", lambda l, a: [np.real(x) for x in l.eig(a)], E, batched=False)
add("eigvals", lambda l, a: np.real(l.eigvals(a)), E)
add("schur", lambda l, a: l.schur(a), E)

# ---- functions and equations

for _f in ("expm", "cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm"):
    add(_f, lambda l, a, f=_f: getattr(l, f)(a), 0.4 * A)
add("expm, a stack", lambda l, a: l.expm(a), 0.4 * ST)
add("expm_frechet", lambda l, a, e: l.expm_frechet(a, e), 0.4 * A, B)
for _f in ("logm", "sqrtm"):
    add(_f, lambda l, a, f=_f: getattr(l, f)(a), POSITIVE)
add("signm", lambda l, a: l.signm(a), SIGNS)
add("fractional_matrix_power", lambda l, a: l.fractional_matrix_power(a, 0.3).real, Q)
add("fractional_matrix_power, whole", lambda l, a: l.fractional_matrix_power(a, -2), A)
add("fractional_matrix_power, in t", lambda l, a, t: l.fractional_matrix_power(a, t).real, Q, 0.7, batched=False)
add("solve_sylvester", lambda l, a, b, q: l.solve_sylvester(a, b, q), POSITIVE, conditioned(2, 2) + 3 * np.eye(2), bb)
add("solve_continuous_lyapunov", lambda l, a, q: l.solve_continuous_lyapunov(a, q), POSITIVE, B)
for _o in ("direct", "bilinear", None):
    add(f"solve_discrete_lyapunov {_o}", lambda l, a, q, o=_o: l.solve_discrete_lyapunov(a, q, o), 0.3 * A, B)
_R, _S = np.array([[2.0, 0.3], [0.3, 1.0]]), 0.1 * conditioned(3, 2)
for _f in ("solve_continuous_are", "solve_discrete_are"):
    add(_f, lambda l, a, b, q, r, f=_f: getattr(l, f)(a, b, q + q.T, r + r.T), A, conditioned(3, 2), S, _R)
    add(
        f"{_f}, e and s",
        lambda l, a, b, q, r, e, s, f=_f: getattr(l, f)(a, b, q + q.T, r + r.T, e, s),
        A, conditioned(3, 2), S, _R, np.eye(3) + 0.1 * B, _S, order=1,
    )  # fmt: skip

# ---- structure

add("block_diag", lambda l, a, x: l.block_diag(a, x, [1.0, 2.0]), A, bb)
add("toeplitz", lambda l, c, r: l.toeplitz(c, r), b, RNG.normal(size=4))
add("toeplitz of one", lambda l, c: l.toeplitz(c), b)
add("hankel", lambda l, c, r: l.hankel(c, r), b, RNG.normal(size=4))
add("leslie", lambda l, f, s: l.leslie(f, s), b, b[:2].copy())
add("convolution_matrix", lambda l, a: l.convolution_matrix(a, 4, "same"), b)
add("diagsvd", lambda l, s: l.diagsvd(s, 3, 4), b)
add("khatri_rao", lambda l, x, y: l.khatri_rao(x, y), A, T)
for _f in ("circulant", "hankel", "fiedler", "companion"):
    add(_f, lambda l, a, f=_f: getattr(l, f)(a), c)
