"""Operands for the records of Fourier transforms, and what others compute from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_RNG = np.random.default_rng(5)
_R7, _R23, _R345 = _RNG.uniform(-1, 1, 7), _RNG.uniform(-1, 1, (2, 3)), _RNG.uniform(-1, 1, (3, 4, 5))
_C6, _C34 = _R7[:6] + 1j * _R7[1:], _R345[..., 0] + 1j * _R345[..., 1]
_NORMS = ("backward", "ortho", "forward", None)


def _whole(x: Any, s: Any = None, axes: Any = (-1,), inverse: bool = False, norm: Any = None) -> Any:
    return (x,), {"s": s or tuple(x.shape[k] for k in axes), "axes": axes, "inverse": inverse, "norm": norm}


def _half(x: Any, n: int, axis: int = -1, norm: Any = None) -> Any:
    return (x,), {"n": n, "axis": axis, "norm": norm}


SAMPLES: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "fft": [
        *(_whole(x, inverse=i, norm=norm) for x in (_R7, _C6) for i in (False, True) for norm in _NORMS),
        # cropped and filled up, odd and even, to a single number and from one
        *(_whole(x, (n,), inverse=i) for x in (_R7, _C6) for n in (1, 4, 9) for i in (False, True)),
        _whole(_R7[:1]), _whole(_R23.T, axes=(-2,)), _whole(_C34, axes=(-1, -2), norm="ortho"),
        _whole(_R345, (2, 6), axes=(-3, -1)), _whole(_R345, (4, 4, 3), axes=(-2, -1, -3), inverse=True),
    ],
    "rfft": [
        *(_half(x, len(x), norm=norm) for x in (_R7, _R7[:6]) for norm in _NORMS),
        *(_half(_R7, n) for n in (1, 2, 3, 4, 8, 9)),
        _half(_R7[:1], 1), _half(_R345, 4, -3), _half(_R345, 3, -2, "ortho"), _half(_R23.T, 3, -2),
    ],
    "irfft": [
        *(_half(x, n, norm=norm) for x in (_R7, _C6) for n in (10, 11) for norm in _NORMS),
        *(_half(_C6, n) for n in (1, 2, 3, 4, 14, 15)),
        _half(_C6[:1], 1), _half(_C34, 4, -2), _half(_C34, 5, -2, "ortho"), _half(_C34.T, 9, -1, "forward"),
    ],
    "trigonometric": [
        ((x,), {"sines": sines, "kind": kind, "axis": axis, "norm": norm, "orthogonal": orthogonal})
        for sines in (False, True) for kind in (1, 2, 3, 4)
        for x, axis, norm in ((_R7, -1, None), (_R7[:2], -1, "ortho"), (_R345, -2, "forward"), (_C34, -1, "backward"))
        for orthogonal in (False, True)
    ],
}  # fmt: skip


def _factor(n: int, inverse: bool, norm: Any) -> float:
    return {"backward": 1 / n if inverse else 1, "ortho": n**-0.5, "forward": 1 if inverse else 1 / n}[
        norm or "backward"
    ]


def _matrix(n: int, inverse: bool, norm: Any) -> Any:
    jk = np.outer(np.arange(n), np.arange(n)) % n
    return _factor(n, inverse, norm) * np.exp((2j if inverse else -2j) * np.pi * jk / n)


def _sized(x: Any, n: int, axis: int) -> Any:
    """Cropped or filled up with zeros, the axis moved to the end."""
    x = np.moveaxis(x, axis, -1)[..., :n]
    return np.concatenate([x, np.zeros((*x.shape[:-1], n - x.shape[-1]), x.dtype)], axis=-1)


def _by_matrices(x: Any, s: Any, axes: Any, inverse: bool, norm: Any) -> Any:
    for n, axis in zip(s, axes, strict=True):
        x = np.moveaxis(_sized(x, n, axis) @ _matrix(n, inverse, norm), -1, axis)
    return x


def _half_by_matrix(x: Any, n: int, axis: int, norm: Any) -> Any:
    return np.moveaxis(_sized(x, n, axis) @ _matrix(n, False, norm)[:, : n // 2 + 1], -1, axis)


def _back_by_matrix(x: Any, n: int, axis: int, norm: Any) -> Any:
    half = _sized(x, n // 2 + 1, axis).astype(complex)
    full = np.zeros((*half.shape[:-1], n), complex)
    for k in range(n // 2 + 1):
        full[..., -k % n] = np.conj(half[..., k])
        full[..., k] = half[..., k] if 0 < k < n - k else half[..., k].real
    return np.moveaxis((full @ _matrix(n, True, norm)).real, -1, axis)


def _sum_of_cosines(x: Any, sines: bool, kind: int, axis: int, norm: Any, orthogonal: bool) -> Any:
    n = x.shape[axis]
    j, k = np.arange(n)[:, None], np.arange(n)
    if sines:
        angle = {1: (j + 1) * (k + 1) / (n + 1), 2: (2 * j + 1) * (k + 1) / (2 * n)}
        angle |= {3: angle[2].T, 4: (2 * j + 1) * (2 * k + 1) / (4 * n)}
        matrix = 2 * np.sin(np.pi * angle[kind])
    else:
        angle = {1: j * k / max(n - 1, 1), 2: (2 * j + 1) * k / (2 * n), 4: (2 * j + 1) * (2 * k + 1) / (4 * n)}
        angle |= {3: angle[2].T}
        matrix = 2 * np.cos(np.pi * angle[kind])
    ends = {1: [] if sines else [0, -1], 2: [], 3: [-1 if sines else 0], 4: []}[kind]
    matrix[ends] /= 2
    size = {1: 2 * (n + 1) if sines else 2 * (n - 1)}.get(kind, 2 * n)
    matrix = matrix * {None: 1, "backward": 1, "ortho": size**-0.5, "forward": 1 / size}[norm]
    if orthogonal:
        matrix[ends] *= 2**0.5
        matrix[:, {1: ends, 2: [-1 if sines else 0]}.get(kind, [])] /= 2**0.5
    return np.moveaxis(np.moveaxis(x, axis, -1) @ matrix, -1, axis)


# the definition, as products with matrices
ORACLES: dict[str, Callable[..., Any]] = {
    "fft": _by_matrices,
    "rfft": _half_by_matrix,
    "irfft": _back_by_matrix,
    "trigonometric": _sum_of_cosines,
}
