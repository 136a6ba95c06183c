"""Airy, Kelvin and parabolic cylinder functions; integrals of Bessel functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.ops.special_bessel import ive_slope, kve_slope
from wengert.ops.special_record import real_only, several, special

ORDER = "that derivative is not known to this version"
ROOT_3 = math.sqrt(3.0)

# ---- Airy: y'' = x y

airy = several("airy", lambda zs, x: (zs[1], x * zs[0], zs[3], x * zs[2]))


def _airye(zs: Any, x: Any) -> Any:
    """Of Ai, Ai′ times e^ζ and Bi, Bi′ times e^(−ζ), ζ = ⅔ x^(3/2): far out by Bessel functions, without cancelling."""
    real_only(x, "airye")
    far = x > 8
    y = np.where(far, 0.0, np.maximum(x, 0.0))
    root = np.sqrt(np.where(y == 0, 1.0, y)) * (y != 0)
    ai, dai, bi, dbi = zs
    near = (dai + root * ai, x * ai + root * dai, dbi - root * bi, x * bi - root * dbi)
    away = np.where(far, x, 9.0)
    zeta = away * np.sqrt(away) * (2 / 3)
    power = away * np.sqrt(away)
    first, second = (kve_slope(v, zeta, sc.kve(v, zeta)) for v in (1 / 3, 2 / 3))
    third, fourth = (sum(ive_slope(u, zeta, sc.ive(u, zeta)) for u in (v, -v)) for v in (1 / 3, 2 / 3))
    series = (
        ai / (2 * away) + away / (math.pi * ROOT_3) * first,
        dai / away - power / (math.pi * ROOT_3) * second,
        bi / (2 * away) + away / ROOT_3 * third,
        dbi / away + power / ROOT_3 * fourth,
    )
    return tuple(np.where(far, s, n) for s, n in zip(series, near, strict=True))


airye = several("airye", _airye)
itairy = several("itairy", lambda _zs, x: (*sc.airy(x)[0::2], *sc.airy(-x)[0::2]))

# ---- Kelvin: ber + i bei = J₀(x e^(3πi/4)), w'' = i w − w'/x


def _on_diagonal(x: Any) -> Any:
    return sc.jv(2, x * complex(-math.sqrt(0.5), math.sqrt(0.5)))


# w'/x is (J₀ + J₂)/2 there, which is regular at 0
ber = special("ber", lambda t, _z, x: t * sc.berp(x))
bei = special("bei", lambda t, _z, x: t * sc.beip(x))
berp = special("berp", lambda t, _z, x: t * ((np.imag(_on_diagonal(x)) - sc.bei(x)) / 2))
beip = special("beip", lambda t, _z, x: t * ((sc.ber(x) - np.real(_on_diagonal(x))) / 2))
ker = special("ker", lambda t, _z, x: t * sc.kerp(x))
kei = special("kei", lambda t, _z, x: t * sc.keip(x))
kerp = special("kerp", lambda t, z, x: -t * (sc.kei(x) + z / x))
keip = special("keip", lambda t, z, x: t * (sc.ker(x) - z / x))


def _kelvin(zs: Any, x: Any) -> Any:
    be, _, dbe, dke = zs
    return dbe, dke, 0.5j * (be - _on_diagonal(x)), 1j * zs[1] - dke / x


kelvin = several("kelvin", _kelvin)

# ---- integrals of Bessel and Struve functions

itj0y0 = several("itj0y0", lambda _zs, x: (sc.j0(x), sc.y0(x)))
iti0k0 = several("iti0k0", lambda _zs, x: (sc.i0(x), sc.k0(x)))
it2j0y0 = several("it2j0y0", lambda _zs, x: ((1 - sc.j0(x)) / x, -sc.y0(x) / x))
it2i0k0 = several("it2i0k0", lambda _zs, x: ((sc.i0(x) - 1) / x, -sc.k0(x) / x))
itstruve0 = special("itstruve0", lambda t, _z, x: t * sc.struve(0.0, x))
itmodstruve0 = special("itmodstruve0", lambda t, _z, x: t * sc.modstruve(0.0, x))
it2struve0 = special("it2struve0", lambda t, _z, x: -t * (sc.struve(0.0, x) / x))
besselpoly = special(
    "besselpoly",
    lambda t, _z, a, e, v: t * (sc.besselpoly(a, e + 1, v - 1) - sc.besselpoly(a, e + 1, v + 1)),
    ORDER, ORDER,
)  # fmt: skip

# ---- solutions (y, y') of y'' = c y: parabolic cylinders


def _oscillates(coefficient: Callable[..., Any]) -> Any:
    return lambda zs, *operands: (zs[1], coefficient(*operands) * zs[0])


pbdv = several("pbdv", ORDER, _oscillates(lambda v, x: x * x / 4 - v - 0.5))
pbvv = several("pbvv", ORDER, _oscillates(lambda v, x: x * x / 4 - v - 0.5))
pbwa = several("pbwa", ORDER, _oscillates(lambda a, x: a - x * x / 4))
