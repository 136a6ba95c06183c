"""Hypergeometric functions and orthogonal polynomials in their argument (DLMF 13.3, 15.5, 18.9)."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special as sc

from wengert.ops.special_parameters_integrals import hyperu_da, hyperu_db
from wengert.ops.special_parameters_polynomials import (
    gegenbauer_da,
    genlaguerre_da,
    jacobi_da,
    jacobi_db,
    sh_jacobi_dp,
    sh_jacobi_dq,
)
from wengert.ops.special_parameters_series import hyp0f1_db, hyp1f1_da, hyp1f1_db, hyp2f1_da, hyp2f1_db, hyp2f1_dc
from wengert.ops.special_parameters_wright import wright_da, wright_db
from wengert.ops.special_record import numeric, special

DEGREE = "the degree of a polynomial is a whole number"

hyp0f1 = special(
    "hyp0f1", lambda t, _z, v, x: t * hyp0f1_db(v, x), lambda t, _z, v, x: t * (sc.hyp0f1(v + 1, x) / v),
    tex="{{}}_0F_1({0}; {1})",
)  # fmt: skip
hyp1f1 = special(
    "hyp1f1", lambda t, _z, a, b, x: t * hyp1f1_da(a, b, x), lambda t, _z, a, b, x: t * hyp1f1_db(a, b, x),
    lambda t, _z, a, b, x: t * (a / b * sc.hyp1f1(a + 1, b + 1, x)),
    tex="{{}}_1F_1({0}; {1}; {2})",
)  # fmt: skip
hyp2f1 = special(
    "hyp2f1", lambda t, _z, a, b, c, x: t * hyp2f1_da(a, b, c, x), lambda t, _z, a, b, c, x: t * hyp2f1_db(a, b, c, x),
    lambda t, _z, a, b, c, x: t * hyp2f1_dc(a, b, c, x),
    lambda t, _z, a, b, c, x: t * (a * b / c * sc.hyp2f1(a + 1, b + 1, c + 1, x)),
    tex="{{}}_2F_1({0}, {1}; {2}; {3})",
)  # fmt: skip
hyperu = special(
    "hyperu", lambda t, _z, a, b, x: t * hyperu_da(a, b, x), lambda t, _z, a, b, x: t * hyperu_db(a, b, x),
    lambda t, _z, a, b, x: -t * (a * sc.hyperu(a + 1, b + 1, x)),
    tex="U({0}, {1}, {2})",
)  # fmt: skip
wright_bessel = special(
    "wright_bessel", lambda t, _z, a, b, x: t * wright_da(a, b, x), lambda t, _z, a, b, x: t * wright_db(a, b, x),
    lambda t, _z, a, b, x: t * sc.wright_bessel(a, a + b, x)
)  # fmt: skip
log_wright_bessel = special(
    "log_wright_bessel", lambda t, z, a, b, x: t * (wright_da(a, b, x) * np.exp(-z)),
    lambda t, z, a, b, x: t * (wright_db(a, b, x) * np.exp(-z)),
    lambda t, z, a, b, x: t * np.exp(sc.log_wright_bessel(a, a + b, x) - z),
)  # fmt: skip

# ---- orthogonal polynomials: the slope is a polynomial of the next lower degree, and 0 in degree 0


def _less(n: Any) -> Any:
    return np.where(n == 0, n, n - 1)


def _lower(n: Any, slope: Any) -> Any:
    return np.where(n == 0, 0.0, slope)


special("eval_legendre", DEGREE, lambda t, _z, n, x: t * _lower(n, sc.eval_gegenbauer(n - 1, 1.5, x)))
special("eval_chebyt", DEGREE, lambda t, _z, n, x: t * (n * sc.eval_chebyu(n - 1, x)))
special("eval_chebyu", DEGREE, lambda t, _z, n, x: t * _lower(n, 2 * sc.eval_gegenbauer(n - 1, 2.0, x)))
special("eval_chebyc", DEGREE, lambda t, _z, n, x: t * (n * sc.eval_chebys(n - 1, x)))
special("eval_chebys", DEGREE, lambda t, _z, n, x: t * _lower(n, sc.eval_gegenbauer(n - 1, 2.0, x / 2)))
special("eval_sh_legendre", DEGREE, lambda t, _z, n, x: t * _lower(n, 2 * sc.eval_gegenbauer(n - 1, 1.5, 2 * x - 1)))
special("eval_sh_chebyt", DEGREE, lambda t, _z, n, x: t * (2 * n * sc.eval_sh_chebyu(n - 1, x)))
special("eval_sh_chebyu", DEGREE, lambda t, _z, n, x: t * _lower(n, 4 * sc.eval_gegenbauer(n - 1, 2.0, 2 * x - 1)))
special("eval_hermite", DEGREE, lambda t, _z, n, x: t * (2 * n * sc.eval_hermite(_less(n), x)))
special("eval_hermitenorm", DEGREE, lambda t, _z, n, x: t * (n * sc.eval_hermitenorm(_less(n), x)))
special("eval_laguerre", DEGREE, lambda t, _z, n, x: -t * _lower(n, sc.eval_genlaguerre(n - 1, 1.0, x)))
special(
    "eval_genlaguerre", DEGREE, lambda t, _z, n, a, x: t * genlaguerre_da(n, a, x),
    lambda t, _z, n, a, x: -t * _lower(n, sc.eval_genlaguerre(n - 1, a + 1, x))
)  # fmt: skip


def _gegenbauer(n: Any, a: Any, x: Any) -> Any:
    return _lower(n, 2 * a * sc.eval_gegenbauer(n - 1, a + 1, x))


def _jacobi(n: Any, a: Any, b: Any, x: Any) -> Any:
    return _lower(n, (n + a + b + 1) / 2 * sc.eval_jacobi(_less(n), a + 1, b + 1, x))


def _sh_jacobi(n: Any, p: Any, q: Any, x: Any) -> Any:
    # these have leading coefficient 1
    return n * sc.eval_sh_jacobi(_less(n), p + 2, q + 1, x)


special(
    "eval_gegenbauer", DEGREE, lambda t, _z, n, a, x: t * gegenbauer_da(n, a, x),
    lambda t, _z, n, a, x: t * _gegenbauer(n, a, x),
)  # fmt: skip
special(
    "eval_jacobi", DEGREE, lambda t, _z, n, a, b, x: t * jacobi_da(n, a, b, x),
    lambda t, _z, n, a, b, x: t * jacobi_db(n, a, b, x), lambda t, _z, n, a, b, x: t * _jacobi(n, a, b, x),
)  # fmt: skip
special(
    "eval_sh_jacobi", DEGREE, lambda t, _z, n, p, q, x: t * sh_jacobi_dp(n, p, q, x),
    lambda t, _z, n, p, q, x: t * sh_jacobi_dq(n, p, q, x), lambda t, _z, n, p, q, x: t * _sh_jacobi(n, p, q, x),
)  # fmt: skip
special(
    "lpmv", "order and degree are whole numbers", "order and degree are whole numbers",
    lambda t, z, m, v, x: t * ((v * x * z - (v + m) * sc.lpmv(m, v - 1, x)) / ((x - 1) * (x + 1))),
)  # fmt: skip


# ---- spherical harmonics: raised and lowered in m, which has no pole on the axis


def _harmonic(n: Any, m: Any, theta: Any, phi: Any) -> Any:
    return sc.sph_harm_y(n, m, theta, phi)


def _root(product: Any) -> Any:
    return np.sqrt(np.maximum(product, 0))  # beyond |m| = n the harmonics are 0


def _harmonic_in_theta(t: Any, _z: Any, n: Any, m: Any, theta: Any, phi: Any) -> Any:
    up = _root((n - m) * (n + m + 1)) * np.exp(-1j * phi) * sph_harm_y(n, m + 1, theta, phi)
    down = _root((n + m) * (n - m + 1)) * np.exp(1j * phi) * sph_harm_y(n, m - 1, theta, phi)
    return t * ((up - down) / np.where(np.sin(theta) < 0, -2, 2))  # SciPy's is even beyond the poles


if hasattr(sc, "sph_harm_y"):
    sph_harm_y = numeric(
        "sph_harm_y", _harmonic, None, None, _harmonic_in_theta, lambda t, z, _n, m, _theta, _phi: t * (1j * m * z),
        tex="Y_{{{0}}}^{{{1}}}({2}, {3})",
    )  # fmt: skip
