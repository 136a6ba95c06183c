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


def _conv_params(
    strides: Any = (1,),
    padding: Any = ((0, 0),),
    input_dilation: Any = (1,),
    kernel_dilation: Any = (1,),
    groups: int = 1,
) -> dict[str, Any]:
    return {"strides": strides, "padding": padding, "input_dilation": input_dilation,
            "kernel_dilation": kernel_dilation, "groups": groups}  # fmt: skip


def _conv_samples() -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    planar = _conv_params((2, 1), ((1, 2), (0, 1)), (1, 2), (1, 1))
    grouped = _conv_params((1, 2), ((1, 0), (-1, 1)), (1, 1), (2, 1), 2)
    spatial = _conv_params((1, 2, 1), ((0, 0), (1, 1), (0, 0)), (1, 1, 1), (1, 1, 2))
    x, xx, xxx = _draw(2, 6, 3), _draw(2, 5, 4, 2), _draw(1, 2, 3, 4, 2)
    return [
        ((x, _draw(3, 3, 2)), _conv_params()), ((x, _draw(2, 3, 1)), _conv_params((3,), ((2, 1),))),
        ((x, _draw(3, 3, 2)), _conv_params((2,), ((-1, 3),), (2,), (2,))), ((x, _draw(2, 1, 6)), _conv_params((1,), ((1, 0),), groups=3)),
        ((x, _draw(2, 1, 3)), _conv_params((2,), ((1, 1),), (2,), (3,), 3)), ((x, _draw(1, 3, 2)), _conv_params((4,))),
        ((xx, _draw(3, 2, 2, 3)), planar), ((_draw(1, 6, 5, 4), _draw(2, 3, 2, 6)), grouped), ((xxx, _draw(2, 2, 2, 2, 1)), spatial),
        ((x + 1j * _draw(2, 6, 3), _draw(3, 3, 2)), _conv_params()),
    ]  # fmt: skip


SAMPLES: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "convolve": [
        ((_A, _V), {}), ((_V, _A), {}), ((_draw(2, 5), _draw(2, 3)), {}), ((_draw(2, 3), _A), {}), ((_A, _draw(2, 1, 4)), {}),
        ((_A + 1j * _draw(5), _V), {}),
    ],
    "conv": _conv_samples(),
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


def _network_convolution(
    x: Any, kernel: Any, strides: Any, padding: Any, input_dilation: Any, kernel_dilation: Any, groups: int
) -> Any:
    """The definition, an output at a time; what lies outside of x or between its elements counts as zero."""
    (*window, inputs, outputs), spatial = kernel.shape, x.shape[1:-1]
    sizes = [
        ((n - 1) * d + 1 + a + b - ((w - 1) * k + 1)) // s + 1
        for n, d, (a, b), w, k, s in zip(
            spatial, input_dilation, padding, window, kernel_dilation, strides, strict=True
        )
    ]
    y = np.zeros((len(x), *sizes, outputs), np.result_type(x, kernel))
    for place in np.ndindex(*sizes):
        for offset in np.ndindex(*window):
            at = [
                p * s + w * k - a
                for p, s, w, k, (a, _) in zip(place, strides, offset, kernel_dilation, padding, strict=True)
            ]
            if any(i % d or not 0 <= i // d < n for i, d, n in zip(at, input_dilation, spatial, strict=True)):
                continue
            seen = x[(slice(None), *(i // d for i, d in zip(at, input_dilation, strict=True)))]
            for o in range(outputs):
                first = o // (outputs // groups) * inputs
                y[(slice(None), *place, o)] += seen[:, first : first + inputs] @ kernel[(*offset, slice(None), o)]
    return y


def _bessel(x: Any, order: int) -> Any:
    """I_n(x) = (1/π) ∫ e^(x cos θ) cos nθ dθ over [0, π] (DLMF 10.32.3), by the trapezoidal rule, which is exact here."""
    theta = np.linspace(0.0, np.pi, 201)
    values = np.exp(x[..., None] * np.cos(theta)) * np.cos(order * theta)
    return np.trapezoid(values, theta, axis=-1) / np.pi


ORACLES: dict[str, Callable[..., Any]] = {
    "convolve": _convolution,
    "conv": _network_convolution,
    "bracket": lambda x, knots: np.sum(knots <= x[..., None], axis=-1) - 1,
    "roots": lambda p: np.roots(p).astype(complex),
    "modified_bessel": _bessel,
    "running_max": lambda x, axis: np.maximum.accumulate(x, axis=axis),
}
