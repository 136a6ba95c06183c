"""Operands for the records of convolutions, polynomials and running maxima, and what others compute from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_RNG = np.random.default_rng(17)


def _draw(*shape: int) -> Any:
    return _RNG.uniform(0.3, 1.8, shape)


_A, _V = _draw(5), _draw(3)
_TIED = np.array([[0.2, 0.9, 0.4, 1.3, 1.1], [1.5, 0.3, 0.7, 1.6, 1.9]])
_KNOTS = np.array([-1.0, 0.5, 0.5, 2.0])

SAMPLES: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "convolve": [
        ((_A, _V), {}), ((_V, _A), {}), ((_draw(2, 5), _draw(2, 3)), {}), ((_draw(2, 3), _A), {}), ((_A, _draw(2, 1, 4)), {}),
        ((_A + 1j * _draw(5), _V), {}),
    ],
    "bracket": [((_draw(2, 3), _KNOTS), {}), ((np.array([-2.0, 0.5, 7.0]), _KNOTS), {})],
    "roots": [
        ((np.array([1.0, -1.0, -10.0, 6.0]),), {}), ((np.array([0.7, 0.5, 2.0, 0.3, 1.1]),), {}), ((np.array([2.0, 1.0]),), {}),
        ((np.array([1.0, 0.5 + 1j, 2.0, 0.3j]),), {}),
    ],
    "modified_bessel": [((_draw(2, 3) * s,), {"order": n}) for n in (0, 1, 2, 5) for s in (1.0, -6.0)],
    "running_max": [((_TIED,), {"axis": k}) for k in (0, 1)] + [((_TIED[0],), {"axis": 0}), ((np.ones((0, 2)),), {"axis": 0})],
}  # fmt: skip


def _convolution(a: Any, v: Any) -> Any:
    lead = np.broadcast_shapes(a.shape[:-1], v.shape[:-1])
    n, m = a.shape[-1], v.shape[-1]
    out = np.zeros((*lead, n + m - 1), np.result_type(a, v))
    for i in range(n):
        for j in range(m):
            out[..., i + j] += a[..., i] * v[..., j]
    return out


def _bessel(x: Any, order: int) -> Any:
    """I_n(x) = (1/π) ∫ e^(x cos θ) cos nθ dθ over [0, π] (DLMF 10.32.3), by the trapezoidal rule, which is exact here."""
    theta = np.linspace(0.0, np.pi, 201)
    values = np.exp(x[..., None] * np.cos(theta)) * np.cos(order * theta)
    return np.trapezoid(values, theta, axis=-1) / np.pi


ORACLES: dict[str, Callable[..., Any]] = {
    "convolve": _convolution,
    "bracket": lambda x, knots: np.sum(knots <= x[..., None], axis=-1) - 1,
    "roots": lambda p: np.roots(p).astype(complex),
    "modified_bessel": _bessel,
    "running_max": lambda x, axis: np.maximum.accumulate(x, axis=axis),
}
