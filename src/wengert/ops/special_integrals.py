"""Exponential, logarithmic, sine and cosine integrals, dilogarithm, Lambert's function."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from wengert.ops.special_bessel import spherical_in, spherical_jn
from wengert.ops.special_record import several, special

# ---- exponential integrals

expi = special("expi", lambda t, _z, x: t * (np.exp(x) / x), tex=r"\operatorname{{Ei}} {0}")
exp1 = special("exp1", lambda t, _z, x: -t * (np.exp(-x) / x), tex="E_1({0})")


def _expn_slope(n: Any, x: Any) -> Any:
    # -E_{n-1}, and of E_0 = e^-x/x by hand
    first = n == 0
    y = np.where(first, x, 1.0)
    return np.where(first, -np.exp(-y) * (1 + y) / (y * y), -sc.expn(np.maximum(n - 1, 0), np.where(first, 1.0, x)))


expn = special(
    "expn", "the order is a whole number", lambda t, _z, n, x: t * _expn_slope(n, x), tex="E_{{{0}}}({1})"
)  # fmt: skip

# ---- sine and cosine integrals; sin x/x by the spherical Bessel function of order 0, which is regular at 0


sici = several("sici", lambda _zs, x: (spherical_jn(0, x), np.cos(x) / x))
shichi = several("shichi", lambda _zs, x: (spherical_in(0, x), np.cosh(x) / x))


def _spence_slope(x: Any) -> Any:
    # log x/(1-x); near 1 it is -₂F₁(1, 1; 2; 1-x)
    near = np.abs(x - 1) < 0.5
    u, v = np.where(near, x, 1.0), np.where(near, 2.0, x)
    return np.where(near, -sc.hyp2f1(1.0, 1.0, 2.0, 1 - u), np.log(v) / (1 - v))


spence = special("spence", lambda t, _z, x: t * _spence_slope(x), tex=r"\operatorname{{Li}}_2(1 - {0})")

# ---- Lambert's W and Wright's ω: w e^w = x


def _lambertw_slope(w: Any, x: Any) -> Any:
    # 1/(e^w + x): at x = 0 it is 1 where w = 0
    return 1 / (np.exp(w) + x)


lambertw = special(
    "_lambertw", lambda t, w, x, _k, _e: t * _lambertw_slope(w, x), None, None, tex="W_{{{1}}}({0})"
)  # fmt: skip
wrightomega = special("wrightomega", lambda t, w, _x: t * (w / (1 + w)), tex=r"\omega({0})")
