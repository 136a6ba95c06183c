"""Operands for the records of functions of matrices, and what others compute from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

Operands = tuple[Any, ...]


def _matrix(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).uniform(-0.6, 0.6, shape)


def _regular(seed: int, *shape: int) -> Any:
    """Eigenvalues and singular values far from zero, and from the negative real axis."""
    return _matrix(seed, *shape) + 2.0 * np.eye(shape[-1])


def _definite(seed: int, *shape: int) -> Any:
    a = _matrix(seed, *shape)
    return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])


A, ST = _regular(1, 3, 3), _regular(2, 2, 3, 3)
SQUARES: list[tuple[Operands, dict[str, Any]]] = [((A,), {}), ((ST,), {}), ((_regular(3, 1, 1),), {})]
MIXED = np.diag([1.0, -1.2, 2.0]) + 0.3 * _matrix(4, 3, 3)
DISTINCT = np.diag([1.0, 2.5, 4.0]) + 0.4 * _matrix(5, 3, 3)
RICCATI = (
    _matrix(6, 3, 3), _matrix(7, 3, 2), _definite(8, 3, 3), _definite(9, 2, 2), 0.1 * _matrix(10, 3, 2),
    np.eye(3) + 0.2 * _matrix(11, 3, 3),
)  # fmt: skip

SAMPLES: dict[str, list[tuple[Operands, dict[str, Any]]]] = {
    "solve_triangular": [
        ((_regular(20, *a), _matrix(21, *b)), {"lower": lower, "unit": unit})
        for a, b in (((3, 3), (3, 2)), ((2, 3, 3), (3, 1)))
        for lower in (True, False) for unit in (True, False)
    ],
    "lu_without_pivots": [*SQUARES],
    "lu_pivots": [((MIXED[::-1].copy(),), {}), ((_matrix(22, 2, 4, 3),), {})],
    "permutation_of_pivots": [((np.array([2, 2, 3], np.int32),), {"rows": 5})],
    "column_pivots": [((_matrix(23, 3, 3),), {}), ((_matrix(24, 2, 4, 3),), {})],
    "sylvester": [
        ((A, _regular(25, 2, 2), _matrix(26, 3, 2)), {}), ((ST, _regular(27, 2, 2), _matrix(28, 3, 2)), {}),
    ],
    "continuous_riccati": [(RICCATI, {})],
    "discrete_riccati": [(RICCATI, {})],
    "expm": [((_matrix(29, 3, 3),), {}), ((_matrix(30, 2, 2, 2),), {}), ((np.zeros((2, 2)),), {})],
    "logm": [*SQUARES, ((np.eye(2),), {})],
    "sqrtm": [*SQUARES, ((np.eye(2),), {})],
    "fractional_matrix_power": [((A,), {"t": 0.3}), ((np.eye(2),), {"t": -1.7})],
    "signm": [((MIXED,), {}), ((np.diag([1.0, -1.0]),), {})],
    "unitary_factor": [((A,), {}), ((_matrix(31, 4, 2),), {}), ((_matrix(32, 2, 3, 3) + np.eye(3),), {})],
    "schur": [((DISTINCT,), {"sort": None}), ((np.stack([DISTINCT, 1.1 * DISTINCT]),), {"sort": None})],
}  # fmt: skip


def _each(f: Callable[..., Any]) -> Callable[..., Any]:
    """SciPy's function of one matrix, for stacks."""

    def run(*operands: Any, **params: Any) -> Any:
        stack = np.broadcast_shapes(*(x.shape[:-2] for x in operands))
        full = [np.broadcast_to(x, (*stack, *x.shape[-2:])) for x in operands]
        return np.stack([f(*(x[at] for x in full), **params) for at in np.ndindex(stack)]).reshape(
            *stack, *np.shape(f(*(x[(0,) * len(stack)] for x in full), **params))
        )

    return run


def _by_eigenvalues(f: Callable[[Any], Any]) -> Callable[..., Any]:
    """V f(w) V⁻¹, for matrices with independent eigenvectors."""

    def run(a: Any, **params: Any) -> Any:
        w, v = np.linalg.eig(a.astype(complex))
        return (v * f(w, **params)[..., None, :] @ np.linalg.inv(v)).real

    return run


def _riccati_residual_free(name: str) -> Callable[..., Any]:
    def run(a: Any, b: Any, q: Any, r: Any, s: Any, e: Any) -> Any:
        return getattr(scipy.linalg, name)(a, b, q, r, e=e, s=s)

    return run


def _sylvester(a: Any, b: Any, q: Any) -> Any:
    n, m = q.shape
    system = np.kron(a, np.eye(m)) + np.kron(np.eye(n), b.T)
    return np.linalg.solve(system, q.ravel()).reshape(n, m)


def _elimination(a: Any) -> Any:
    f = a.copy()
    n = len(a)
    for k in range(n):
        for i in range(k + 1, n):
            f[i, k] /= f[k, k]
            f[i, k + 1 :] -= f[i, k] * f[k, k + 1 :]
    return f


def _permutation(pivots: Any, rows: int) -> Any:
    order = list(range(rows))
    for k, j in enumerate(pivots):
        order[k], order[j] = order[j], order[k]
    return np.array(order)


ORACLES: dict[str, Callable[..., Any]] = {
    "solve_triangular": _each(
        lambda a, b, lower, unit: scipy.linalg.solve_triangular(a, b, lower=lower, unit_diagonal=unit)
    ),
    "lu_without_pivots": _each(_elimination),
    "lu_pivots": _each(lambda a: scipy.linalg.lu_factor(a)[1]),
    "permutation_of_pivots": _permutation,
    "column_pivots": _each(lambda a: scipy.linalg.qr(a, pivoting=True)[2]),
    "sylvester": _each(_sylvester),
    "continuous_riccati": _riccati_residual_free("solve_continuous_are"),
    "discrete_riccati": _riccati_residual_free("solve_discrete_are"),
    "expm": _by_eigenvalues(np.exp),
    "logm": _by_eigenvalues(np.log),
    "sqrtm": _by_eigenvalues(np.sqrt),
    "fractional_matrix_power": _by_eigenvalues(lambda w, t: w**t),
    "signm": _by_eigenvalues(lambda w: np.sign(w.real)),
    "unitary_factor": _each(lambda a: scipy.linalg.polar(a)[0]),
    "schur": _each(lambda a, sort: np.stack(scipy.linalg.schur(a))),
}
