"""Operands for the records of linear algebra, and what NumPy computes from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

Operands = tuple[Any, ...]


def _general(*shape: int) -> Any:
    """Matrices with singular values from 0.5 to about 2, no two alike."""
    rng = np.random.default_rng(shape)
    u, _, vh = np.linalg.svd(rng.normal(size=shape), full_matrices=False)
    k = min(shape[-2:])
    s = np.linspace(2.0, 0.5, k) + rng.uniform(0.0, 0.2, (*shape[:-2], k))
    return (u * s[..., None, :]) @ vh


def _definite(*shape: int) -> Any:
    """Symmetric matrices with eigenvalues from 0.5 to about 2, no two alike."""
    u, s, _ = np.linalg.svd(_general(*shape))
    return (u * s[..., None, :]) @ np.swapaxes(u, -1, -2)


def _squares(**params: Any) -> list[tuple[Operands, dict[str, Any]]]:
    return [((_general(*shape),), params) for shape in ((3, 3), (1, 1), (2, 4, 4), (0, 0))]


def _symmetric(**params: Any) -> list[tuple[Operands, dict[str, Any]]]:
    return [((_definite(*shape),), params) for shape in ((3, 3), (1, 1), (2, 4, 4), (0, 0))]


def _rectangles(**params: Any) -> list[tuple[Operands, dict[str, Any]]]:
    return [((_general(*shape),), params) for shape in ((3, 3), (4, 2), (2, 4, 3))]


def _wide(**params: Any) -> list[tuple[Operands, dict[str, Any]]]:
    return [((_general(*shape),), params) for shape in ((2, 4), (2, 3, 4))]


_SINGULAR = np.arange(9.0).reshape(3, 3)

SAMPLES: dict[str, list[tuple[Operands, dict[str, Any]]]] = {
    "solve": [
        ((_general(*a), _general(*b)), {})
        for a, b in (((3, 3), (3, 2)), ((2, 3, 3), (3, 2)), ((3, 3), (2, 3, 4)), ((2, 1, 3, 3), (4, 3, 1)))
    ],
    "inv": _squares(),
    "det": [*_squares(), ((_SINGULAR,), {})],
    "slogdet": _squares(),
    "cofactor": [
        ((_general(3, 3),), {}), ((_general(2, 4, 4),), {}), ((_SINGULAR,), {}),
        ((_general(3, 3), _general(2, 3, 3)), {}), ((np.diag([1.0, 0.0, 0.0]), _definite(3, 3)), {}),
        ((np.arange(16.0).reshape(4, 4), _general(4, 4), _definite(4, 4)), {}),
    ],
    "cholesky": [*_symmetric(upper=False), *_symmetric(upper=True)],
    "qr": _rectangles(),
    "eigh": [*_symmetric(lower=True), *_symmetric(lower=False)],
    "eigvalsh": [*_symmetric(lower=True), *_symmetric(lower=False)],
    "svd": [*_rectangles(), *_wide()],
    "svdvals": [*_rectangles(), *_wide()],
    "pinv": [*_rectangles(rcond=1e-15), *_wide(rcond=np.float64(1e-15)), *_wide(rcond=1e-15, atol=1e-9)],
    "eigvals": [((_general(3, 3) + np.diag([0.0, 3.0, 6.0]),), {}), ((np.array([[1.0, 2.0], [-3.0, 1.0]]),), {})],
    "matrix_rank": [((_SINGULAR,), {"tol": None, "hermitian": False}), ((_general(2, 4, 3),), {"tol": 1.0, "hermitian": False})],
    "rank_of": [((np.array([2.0, 1.0, 1e-20]),), {"bound": 1e-15})],
    "least_squares": [((_general(4, 2), _general(4, 3)), {"rcond": 1e-15})],
    "vectors_beside": [((_general(4, 2),), {})],
    "range_vectors": [((_general(4, 2),), {"rank": 2}), ((_SINGULAR,), {"rank": 2})],
    "null_vectors": [((_general(2, 4),), {"rank": 2}), ((_SINGULAR,), {"rank": 2})],
    "signs_of_driver": [((_definite(3, 3), np.linalg.eigh(_definite(3, 3))[1]), {"lower": True, "driver": "evr"})],
    "checked": [
        ((_definite(3, 3), np.array([[1.0, 2.0, 4.0]])), {"test": test, "order": order})
        for test in ("vectors, forward", "second derivative") for order in (0, 1)
    ],
    "euclidean": [
        ((np.linspace(-1.0, 2.0, n).reshape(shape),), {"axes": axes, "keepdims": keepdims})
        for n, shape, axes in (
            (1, (), ()), (4, (4,), (0,)), (6, (2, 3), (0, 1)), (24, (2, 3, 4), (1,)), (24, (2, 3, 4), (0, 2)),
        )
        for keepdims in (False, True)
    ],
}  # fmt: skip


def _numpy_cofactor(a: Any, *directions: Any) -> Any:
    """From minors, and their mixed differences, which are exact for polynomials of this degree in each t."""
    if not directions:
        n = a.shape[-1]
        minors = [
            [np.linalg.det(np.delete(np.delete(a, i, -2), j, -1)) * (-1) ** (i + j) for j in range(n)] for i in range(n)
        ]
        return np.moveaxis(np.array(minors).reshape(n, n, *a.shape[:-2]), (0, 1), (-2, -1))
    first, *rest = directions
    first = np.broadcast_to(first, np.broadcast_shapes(a.shape, first.shape))
    points = np.arange(-a.shape[-1], a.shape[-1] + 1) / a.shape[-1]
    weights = [
        np.polynomial.Polynomial.fit(points, np.eye(len(points))[k], len(points) - 1) for k in range(len(points))
    ]
    slopes = [p.deriv()(0.0) for p in weights]
    return sum(c * _numpy_cofactor(a + t * first, *rest) for c, t in zip(slopes, points, strict=True))


def _numpy_norm(x: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    return np.sqrt(np.sum(x * x, axis=axes, keepdims=keepdims))


ORACLES: dict[str, Callable[..., Any]] = {
    "solve": lambda a, b: np.linalg.inv(a) @ b,
    "inv": np.linalg.inv,
    "det": np.linalg.det,
    "slogdet": lambda a: tuple(np.linalg.slogdet(a)),
    "cofactor": _numpy_cofactor,
    "cholesky": lambda a, upper: np.linalg.cholesky(a, upper=upper),
    "qr": lambda a: tuple(np.linalg.qr(a)),
    "eigh": lambda a, lower: tuple(np.linalg.eigh(a, "L" if lower else "U")),
    "eigvalsh": lambda a, lower: np.linalg.eigvalsh(a, "L" if lower else "U"),
    "svd": lambda a: tuple(np.linalg.svd(a, full_matrices=False)),
    "svdvals": np.linalg.svdvals,
    "pinv": lambda a, rcond, atol=0.0: np.linalg.pinv(a, rcond),
    "eigvals": lambda a: np.linalg.eigvals(a).astype(complex),
    "matrix_rank": lambda a, tol, hermitian: np.linalg.matrix_rank(a, tol, hermitian),
    "rank_of": lambda s, bound: np.int64(np.sum(s > bound * s.max())),
    "least_squares": lambda a, b, rcond: np.linalg.lstsq(a, b, rcond)[0],
    "vectors_beside": lambda a: np.linalg.svd(a)[0][:, a.shape[1] :],
    "range_vectors": lambda a, rank: np.linalg.svd(a)[0][:, :rank],
    "null_vectors": lambda a, rank: np.linalg.svd(a)[2][rank:].T,
    "signs_of_driver": lambda a, v, lower, driver: np.sign(np.sum(v * scipy.linalg.eigh(a, lower=lower)[1], axis=0))[
        None
    ],
    "checked": lambda x, row, test, order: x,
    "euclidean": _numpy_norm,
}
