"""Logistic functions, entropies, power transforms and what else is elementary in ``scipy.special``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.ops.special_record import flat_ufunc, special

DEGREE, LN2, LN10 = math.pi / 180, math.log(2.0), math.log(10.0)

# ---- logistic

expit = special("expit", lambda t, z, x: t * (z * sc.expit(-x)), tex=r"\sigma({0})")
logit = special("logit", lambda t, _z, p: t / (p * (1 - p)), tex=r"\operatorname{{logit}} {0}")
log_expit = special("log_expit", lambda t, _z, x: t * sc.expit(-x), tex=r"\ln \sigma({0})")

# ---- exponentials, logarithms, degrees

exp2 = special("exp2", lambda t, z, _x: t * (z * LN2), tex="2^{{{0}}}")
exp10 = special("exp10", lambda t, z, _x: t * (z * LN10), tex="10^{{{0}}}")
expm1 = special("expm1", lambda t, _z, x: t * np.exp(x), tex="e^{{{0}}} - 1")
log1p = special("log1p", lambda t, _z, x: t / (1 + x), tex=r"\ln(1 + {0})")
cbrt = special("cbrt", lambda t, z, _x: t / (3 * z * z), tex=r"\sqrt[3]{{{0}}}")
cosm1 = special("cosm1", lambda t, _z, x: -t * np.sin(x), tex=r"\cos {0} - 1")
sindg = special("sindg", lambda t, _z, x: t * (sc.cosdg(x) * DEGREE))
cosdg = special("cosdg", lambda t, _z, x: t * (sc.sindg(x) * -DEGREE))
tandg = special("tandg", lambda t, z, _x: t * ((1 + z * z) * DEGREE))
cotdg = special("cotdg", lambda t, z, _x: t * ((1 + z * z) * -DEGREE))
radian = special(
    "radian", lambda t, _z, _d, _m, _s: t * DEGREE, lambda t, _z, _d, _m, _s: t * (DEGREE / 60),
    lambda t, _z, _d, _m, _s: t * (DEGREE / 3600),
)  # fmt: skip
flat_ufunc("round")


def exprel_slope(s: Any) -> Any:
    """The derivative of (e^s − 1)/s: ½ ₁F₁(2; 3; s) near 0, where the closed form is a difference of near equals."""
    near = np.abs(s) < 1
    far = np.where(near, 1, s)
    return np.where(near, sc.hyp1f1(2.0, 3.0, np.where(near, s, 0)) / 2, (np.exp(far) * (1 - 1 / far) + 1 / far) / far)


exprel = special("exprel", lambda t, _z, x: t * exprel_slope(x), tex=r"\frac{{e^{{{0}}} - 1}}{{{0}}}")

# ---- entropies; 0 log 0 = 0


def _per(x: Any, y: Any) -> Any:
    """x/y, which is 0 where both are 0."""
    return x / np.where((x == 0) & (y == 0), 1.0, y)


def _log_ratio(x: Any, y: Any) -> Any:
    # by log1p where the ratio is near 1, and without dividing where it over- or underflows
    near = np.abs(x - y) < 0.5 * np.abs(y)
    safe = np.where(near, y, 1.0)
    return np.where(near, np.log1p((x - y) / safe), np.log(np.where(near, 1.0, x)) - np.log(np.where(near, 1.0, y)))


xlogy = special(
    "xlogy", lambda t, _z, _x, y: t * np.log(y), lambda t, _z, x, y: t * _per(x, y), tex=r"{0} \ln {1}"
)  # fmt: skip
xlog1py = special(
    "xlog1py", lambda t, _z, _x, y: t * sc.log1p(y), lambda t, _z, x, y: t * _per(x, 1 + y), tex=r"{0} \ln(1 + {1})"
)  # fmt: skip
entr = special("entr", lambda t, _z, x: -t * (np.log(x) + 1), tex=r"-{0} \ln {0}")
rel_entr = special(
    "rel_entr", lambda t, _z, x, y: t * (_log_ratio(x, y) + 1), lambda t, _z, x, y: -t * _per(x, y),
    tex=r"{0} \ln \frac{{{0}}}{{{1}}}",
)  # fmt: skip
kl_div = special(
    "kl_div", lambda t, _z, x, y: t * _log_ratio(x, y),
    lambda t, _z, x, y: t * (_per(y - x, y) + ((x == 0) & (y == 0))),
    tex=r"{0} \ln \frac{{{0}}}{{{1}}} - {0} + {1}",
)  # fmt: skip

# ---- Huber's losses: at |r| = δ both sides agree to first order

huber = special(
    "huber", lambda t, _z, d, r: t * np.maximum(np.abs(r) - d, 0.0), lambda t, _z, d, r: t * np.clip(r, -d, d)
)


def _pseudo_huber_in_scale(t: Any, _z: Any, d: Any, r: Any) -> Any:
    # δ (s-1)²/s with s = √(1 + (r/δ)²)
    s = np.hypot(1.0, r / d)
    excess = (r / d) ** 2 / (1 + s)
    return t * (d * excess * (excess / s))


pseudo_huber = special(
    "pseudo_huber", _pseudo_huber_in_scale, lambda t, _z, d, r: t * (r / np.hypot(1.0, r / d))
)  # fmt: skip

# ---- power transforms, through λ = 0


def _transform_in_exponent(t: Any, log: Any, power: Any, e: Any) -> Any:
    """∂/∂λ of (e^(λ log) − 1)/λ: log² exprel'(λ log), or written out where λ log is large."""
    near = np.abs(e * log) < 0.5
    small, scale = np.where(near, log, 0.0), np.where(near, 1.0, e)
    s = np.where(near | (power == 0), 0.0, e * log)
    far = (power * (s - 1) + 1) / (scale * scale)
    return t * np.where(near, small * small * exprel_slope(e * small), far)


boxcox = special(
    "boxcox", lambda t, _z, x, e: t * np.power(x, e - 1),
    lambda t, _z, x, e: _transform_in_exponent(t, np.log(x), np.power(x, e), e),
    tex=r"\frac{{{0}^{{{1}}} - 1}}{{{1}}}",
)  # fmt: skip
boxcox1p = special(
    "boxcox1p", lambda t, _z, x, e: t * np.exp((e - 1) * sc.log1p(x)),
    lambda t, _z, x, e: _transform_in_exponent(t, sc.log1p(x), np.exp(e * sc.log1p(x)), e),
    tex=r"\frac{{(1 + {0})^{{{1}}} - 1}}{{{1}}}",
)  # fmt: skip


def _inverse_in_exponent(x: Any, y: Any, e: Any) -> Any:
    """Times x, ∂/∂λ of log1p(λy)/λ: −y²/2 ₂F₁(2, 2; 3; −λy), or written out where λy is large."""
    near = np.abs(e * y) < 0.5
    s = np.where(near, e * y, 0.0)
    u, safe = np.where(near, 1.0, e * y), np.where(near, 1.0, e)
    far = (u / (1 + u) - sc.log1p(u)) / (safe * safe)
    return x * np.where(near, -y * y / 2 * sc.hyp2f1(2.0, 2.0, 3.0, -s), far)


inv_boxcox = special(
    "inv_boxcox", lambda t, z, y, e: t * (z / (1 + e * y)),
    lambda t, z, y, e: t * _inverse_in_exponent(z, y, e), tex="(1 + {1} {0})^{{1/{1}}}",
)  # fmt: skip
inv_boxcox1p = special(
    "inv_boxcox1p", lambda t, z, y, e: t * ((1 + z) / (1 + e * y)),
    lambda t, z, y, e: t * _inverse_in_exponent(1 + z, y, e), tex="(1 + {1} {0})^{{1/{1}}} - 1",
)  # fmt: skip


def _in_base(t: Any, _z: Any, x: Any, y: Any) -> Any:
    return t * (y * np.power(x, y - 1))


powm1 = special(
    "powm1", _in_base, lambda t, z, x, _y: t * sc.xlogy(z + 1, x), tex="{0}^{{{1}}} - 1"
)  # fmt: skip


def _tukey(x: Any, p: Any, e: Any) -> tuple[Any, Any]:
    """The slopes of Tukey's quantile function (p^λ − (1−p)^λ)/λ in p and in λ."""
    q = sc.tklmbda(-x, e)  # 1 - p, which cancels above
    low, high = np.log(p), np.log(q)
    in_e = low * low * exprel_slope(e * low) - high * high * exprel_slope(e * high)
    return np.power(p, e - 1) + np.power(q, e - 1), in_e


def _in_support(t: Any, x: Any, e: Any) -> Any:
    return np.where(np.abs(x) * e < 1, t, 0.0)


tklmbda = special(
    "tklmbda", lambda t, z, x, e: _in_support(t / _tukey(x, z, e)[0], x, e),
    lambda t, z, x, e: _in_support(-t * (_tukey(x, z, e)[1] / _tukey(x, z, e)[0]), x, e),
)  # fmt: skip
