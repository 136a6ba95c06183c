"""Roots of polynomials, and the modified Bessel functions of integer order."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import Aval, dtype_of, shape_of
from wengert.ops.families import general


def horner(p: Any, x: Any) -> Any:
    """Σ p_k x^(n−k) for the coefficients in the last axis of ``p``."""
    y = p[..., 0:1]
    for k in range(1, shape_of(p)[-1]):
        y = y * x + p[..., k : k + 1]
    return y


def _slope(p: Any, r: Any) -> Any:
    """p'(r)."""
    n = shape_of(p)[-1] - 1
    return horner(p[..., :-1] * np.arange(n, 0, -1, dtype=dtype_of(p)), r)


def _roots(p: Any) -> Any:
    n = p.shape[-1] - 1
    companion = np.zeros((*p.shape[:-1], n, n), p.dtype)
    companion[..., range(1, n), range(n - 1)] = 1
    companion[..., 0, :] = -p[..., 1:] / p[..., :1]
    return np.linalg.eigvals(companion).astype(np.result_type(p.dtype, np.complex64))


def _roots_jvp(ts: Any, r: Any, xs: Any, _params: Any) -> Any:
    # p(r) = 0 stays so: Σ ṗ_k r^(n−k) + p'(r) ṙ = 0
    return -horner(ts[0], r) / _slope(xs[0], r)


def _roots_vjp(g: Any, r: Any, xs: Any, _wanted: Any, _params: Any) -> Any:
    term = -g / _slope(xs[0], r)
    columns = [np.sum(term, axis=-1)]
    for _ in range(shape_of(xs[0])[-1] - 1):
        term = term * r
        columns.append(np.sum(term, axis=-1))
    d = np.stack(columns[::-1], axis=-1)
    return (d if dtype_of(xs[0]).kind == "c" else np.real(d),)


def _infer_roots(p: Aval) -> Aval:
    return Aval((*p.shape[:-1], p.shape[-1] - 1), np.result_type(p.dtype, np.complex64), "array")


# the n complex roots of polynomials of degree n, whose leading coefficients are not zero
roots = general(
    "roots", _roots, jvp=_roots_jvp, vjp=_roots_vjp, batch=lambda _b, xs, _p: roots(xs[0]), infer=_infer_roots,
    tex=r"\operatorname{{roots}} {0}",
)  # fmt: skip


def _modified_bessel(x: Any, *, order: int) -> Any:
    if order == 0:
        return np.i0(x)
    from scipy.special import iv

    return np.asarray(iv(order, x))


def _modified_bessel_slope(x: Any, order: int) -> Any:
    """I_0' = I_1 and I_n' = (I_(n−1) + I_(n+1))/2: DLMF 10.29.1."""
    if order == 0:
        return modified_bessel(x, order=1)
    return (modified_bessel(x, order=order - 1) + modified_bessel(x, order=order + 1)) / 2


modified_bessel = general(
    "modified_bessel", _modified_bessel,
    jvp=lambda ts, _z, xs, p: ts[0] * _modified_bessel_slope(xs[0], **p),
    vjp=lambda g, _z, xs, _w, p: (g * _modified_bessel_slope(xs[0], **p),),
    reads=lambda _k, _n: (True, False), batch=lambda _b, xs, p: modified_bessel(xs[0], **p),
    infer=lambda x, *, order: Aval(x.shape, x.dtype, "array"), tex=r"I_n({0})",
)  # fmt: skip
