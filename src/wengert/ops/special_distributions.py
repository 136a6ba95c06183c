"""Distribution functions and their inverses in what varies continuously, by the densities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.ops.special_densities import ROOT_2_PI, beta_density, fisher_density, gamma_density, student_density
from wengert.ops.special_erf import quantile_slope
from wengert.ops.special_parameters_gamma import gammainc_da, gammaincinv_da
from wengert.ops.special_parameters_shapes import chi2_slope, fisher_slopes, student_slope
from wengert.ops.special_record import numeric, special

SHAPE = "that derivative is not known to this version"
COUNT = "it counts whole things"

# ---- counts: Poisson, binomial, negative binomial; flat in k, which is rounded down

pdtr = special("pdtr", None, lambda t, _z, k, m: -t * gamma_density(np.floor(k) + 1, m))
pdtrc = special("pdtrc", None, lambda t, _z, k, m: t * gamma_density(np.floor(k) + 1, m))
pdtri = special("pdtri", None, lambda t, z, k, _y: -t / gamma_density(np.floor(k) + 1, z))


def _binomial(k: Any, n: Any, p: Any) -> Any:
    return beta_density(np.floor(k) + 1, n - np.floor(k), p)


bdtr = special("bdtr", None, COUNT, lambda t, _z, k, n, p: -t * _binomial(k, n, p))
bdtrc = special("bdtrc", None, COUNT, lambda t, _z, k, n, p: t * _binomial(k, n, p))
bdtri = special("bdtri", None, COUNT, lambda t, z, k, n, _y: -t / _binomial(k, n, z))
nbdtr = special("nbdtr", COUNT, COUNT, lambda t, _z, k, n, p: t * beta_density(n, k + 1, p))
nbdtrc = special("nbdtrc", COUNT, COUNT, lambda t, _z, k, n, p: -t * beta_density(n, k + 1, p))
nbdtri = special("nbdtri", COUNT, COUNT, lambda t, z, k, n, _y: t / beta_density(n, k + 1, z))

# ---- gamma and χ²


def _chi2(v: Any, x: Any) -> Any:
    return gamma_density(v / 2, x / 2) / 2


chdtr = special("chdtr", lambda t, _z, v, x: t * chi2_slope(v, x), lambda t, _z, v, x: t * _chi2(v, x))
chdtrc = special("chdtrc", lambda t, _z, v, x: -t * chi2_slope(v, x), lambda t, _z, v, x: -t * _chi2(v, x))
chdtri = special(
    "chdtri", lambda t, z, v, _p: t * gammaincinv_da(v / 2, z / 2), lambda t, z, v, _p: -t / _chi2(v, z)
)  # fmt: skip
gdtr = special(
    "gdtr", lambda t, _z, a, b, x: t * (x * gamma_density(b, a * x)), lambda t, _z, a, b, x: t * gammainc_da(b, a * x),
    lambda t, _z, a, b, x: t * (a * gamma_density(b, a * x)),
)  # fmt: skip
gdtrc = special(
    "gdtrc", lambda t, _z, a, b, x: -t * (x * gamma_density(b, a * x)),
    lambda t, _z, a, b, x: -t * gammainc_da(b, a * x),
    lambda t, _z, a, b, x: -t * (a * gamma_density(b, a * x)),
)  # fmt: skip
gdtrix = special(
    "gdtrix", lambda t, z, a, _b, _p: -t * (z / a), lambda t, z, a, b, _p: t * (gammaincinv_da(b, a * z) / a),
    lambda t, z, a, b, _p: t / (a * gamma_density(b, a * z))
)  # fmt: skip
gdtria = special(
    "gdtria", lambda t, z, _p, b, x: t / (x * gamma_density(b, z * x)),
    lambda t, z, _p, b, x: t * (gammaincinv_da(b, z * x) / x), lambda t, z, _p, _b, x: -t * (z / x)
)  # fmt: skip

# ---- Student and Fisher

stdtr = special(
    "stdtr", lambda t, _z, df, x: t * student_slope(df, x), lambda t, _z, df, x: t * student_density(df, x)
)  # fmt: skip
stdtrit = special(
    "stdtrit", lambda t, z, df, _p: -t * (student_slope(df, z) / student_density(df, z)),
    lambda t, z, df, _p: t / student_density(df, z),
)  # fmt: skip


fdtr = special(
    "fdtr", lambda t, _z, m, n, x: t * fisher_slopes(m, n, x)[0], lambda t, _z, m, n, x: t * fisher_slopes(m, n, x)[1],
    lambda t, _z, m, n, x: t * fisher_density(m, n, x),
)  # fmt: skip
fdtrc = special(
    "fdtrc", lambda t, _z, m, n, x: -t * fisher_slopes(m, n, x)[0],
    lambda t, _z, m, n, x: -t * fisher_slopes(m, n, x)[1], lambda t, _z, m, n, x: -t * fisher_density(m, n, x),
)  # fmt: skip
fdtri = special(
    "fdtri", lambda t, z, m, n, _p: -t * (fisher_slopes(m, n, z)[0] / fisher_density(m, n, z)),
    lambda t, z, m, n, _p: -t * (fisher_slopes(m, n, z)[1] / fisher_density(m, n, z)),
    lambda t, z, m, n, _p: t / fisher_density(m, n, z),
)  # fmt: skip

# ---- noncentral χ²


def _noncentral(k: Any, nc: Any, x: Any) -> Any:
    # ½ e^(-(√x-√λ)²/2) (x/λ)^((k-2)/4) e^(-√(λx)) I_{k/2-1}(√(λx))
    with np.errstate(all="ignore"):
        central = nc == 0
        e, root = np.where(central, 1.0, nc), np.sqrt(x)
        bell = np.exp(-((root - np.sqrt(e)) ** 2) / 2)
        out = bell / 2 * np.power(x / e, (k - 2) / 4) * sc.ive(k / 2 - 1, np.sqrt(e * x))
        out = np.where(central, _chi2(k, x), out)
        return out.astype(np.result_type(k, nc, x), copy=False)[()]


noncentral_density = numeric(
    "noncentral_density", _noncentral, SHAPE,
    lambda t, z, k, nc, x: t * ((noncentral_density(k + 2, nc, x) - z) / 2),
    lambda t, z, k, nc, x: t * ((noncentral_density(k - 2, nc, x) - z) / 2),
    tex=r"\chi'^2_{{{0}, {1}}}({2})",
)  # fmt: skip
chndtr = special(
    "chndtr", lambda t, _z, x, k, nc: t * noncentral_density(k, nc, x), SHAPE,
    lambda t, _z, x, k, nc: -t * noncentral_density(k + 2, nc, x),
)  # fmt: skip
chndtrix = special(
    "chndtrix", lambda t, z, _p, k, nc: t / noncentral_density(k, nc, z), SHAPE,
    lambda t, z, _p, k, nc: t * (noncentral_density(k + 2, nc, z) / noncentral_density(k, nc, z)),
)  # fmt: skip
chndtrinc = special(
    "chndtrinc", lambda t, z, x, k, _p: t * (noncentral_density(k, z, x) / noncentral_density(k + 2, z, x)), SHAPE,
    lambda t, z, x, k, _p: -t / noncentral_density(k + 2, z, x),
)  # fmt: skip

# ---- the normal distribution's mean and deviation, from a quantile

nrdtrimn = special(
    "nrdtrimn", lambda t, _z, p, sd, _x: -t * (sd * quantile_slope(sc.ndtri(p), p)),
    lambda t, _z, p, _sd, _x: -t * sc.ndtri(p), lambda t, _z, _p, _sd, _x: t,
)  # fmt: skip
nrdtrisd = special(
    "nrdtrisd", lambda t, _z, _m, p, _x: -t / sc.ndtri(p),
    lambda t, z, _m, p, _x: -t * (z * quantile_slope(sc.ndtri(p), p) / sc.ndtri(p)),
    lambda t, _z, _m, p, _x: t / sc.ndtri(p),
)  # fmt: skip

# ---- Kolmogorov: two series, in e^(-2x²) and in e^(-π²/8x²)


def kolmogorov_slope(x: Any) -> Any:
    """The derivative of 2 Σ (−1)^(k−1) e^(−2k²x²), from k = 1."""
    far = x > 1
    y, u = np.where(far, x, 1.0), np.where(far, 1.0, np.maximum(x, 0.04))  # 0 below
    tail, head = 0.0, 0.0
    for k in range(1, 6):
        tail = tail + (-1) ** k * k * k * np.exp(-2 * k * k * y * y)
        w = ((2 * k - 1) * math.pi / u) ** 2 / 4
        head = head + np.exp(-w / 2) * (1 - w)
    return np.where(far, 8 * y * tail, np.where(x > 0.04, ROOT_2_PI * head / (u * u), 0.0))


kolmogorov = special("kolmogorov", lambda t, _z, x: t * kolmogorov_slope(x))
kolmogi = special("kolmogi", lambda t, z, _p: t / kolmogorov_slope(z))
