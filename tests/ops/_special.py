"""Operands for the records of special functions, and what others compute from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zlib import crc32

import numpy as np
import scipy.integrate
import scipy.special as sc
import scipy.stats

from wengert.ops import special

assert special.RECORDS  # entered into the registry by this import

# name -> for each operand an interval, or whole numbers. Operands without a derivative of their own are whole.
OPERANDS: dict[str, tuple[Any, ...]] = {
    # gamma
    "gamma": ((-1.8, 3.0),), "gammaln": ((0.2, 5.0),), "loggamma": ((0.2, 5.0),), "rgamma": ((-2.4, 3.0),),
    "psi": ((-0.9, 4.0),), "gammasgn": ((-3.0, 3.0),), "zetac": ((-3.0, 4.0),), "riemann_zeta": ((1.3, 6.0),),
    "zeta": ((1.4, 5.0), (0.3, 4.0)), "beta": ((0.4, 3.0), (0.3, 20.0)), "betaln": ((0.4, 3.0), (0.3, 20.0)),
    "binom": ((2.1, 6.0), (0.2, 2.0)), "poch": ((0.4, 20.0), (0.3, 3.0)),
    "gammainc": ([1.0, 2.0, 14.0], (0.3, 4.0)), "gammaincc": ([1.0, 2.0, 14.0], (0.3, 4.0)),
    "gammaincinv": ([1.0, 2.0, 14.0], (0.1, 0.9)), "gammainccinv": ([1.0, 2.0, 14.0], (0.1, 0.9)),
    "betainc": ([1.0, 2.0, 14.0], [2.0, 1.0, 12.0], (0.1, 0.9)), "betaincc": ([1.0, 2.0, 14.0], [2.0, 1.0, 12.0], (0.1, 0.9)),
    "betaincinv": ([1.0, 2.0, 14.0], [2.0, 1.0, 12.0], (0.1, 0.9)), "betainccinv": ([1.0, 2.0, 14.0], [2.0, 1.0, 12.0], (0.1, 0.9)),
    "gamma_density": ((0.5, 20.0), (0.4, 15.0)), "beta_density": ((0.5, 20.0), (0.6, 18.0), (0.2, 0.8)),
    "gaussian": ((-2.0, 2.0),), "bell": ((-2.0, 2.0),),
    # error functions
    "erf": ((-2.0, 2.0),), "erfc": ((-2.0, 2.0),), "erfcx": ((-1.0, 9.0),), "erfi": ((-1.5, 1.5),),
    "dawsn": ((-8.0, 8.0),), "wofz": ((-2.0, 8.0),), "erfinv": ((-0.9, 0.9),), "erfcinv": ((0.1, 1.9),),
    "ndtr": ((-3.0, 3.0),), "log_ndtr": ((-12.0, 3.0),), "ndtri": ((0.05, 0.95),), "ndtri_exp": ((-3.0, -0.1),),
    "owens_t": ((-2.0, 2.0), (-1.5, 1.5)), "fresnel": ((-1.5, 1.5),), "modfresnelp": ((0.2, 1.5),),
    "modfresnelm": ((0.2, 1.5),), "voigt_profile": ((-9.0, 9.0), (0.5, 2.0), (0.4, 2.0)),
    # elementary
    "expit": ((-3.0, 3.0),), "logit": ((0.1, 0.9),), "log_expit": ((-3.0, 3.0),), "special_exp2": ((-2.0, 2.0),),
    "exp10": ((-1.0, 1.0),), "special_expm1": ((-2.0, 2.0),), "special_log1p": ((-0.7, 2.0),),
    "special_cbrt": ((0.3, 3.0),), "cosm1": ((-2.0, 2.0),), "sindg": ((-70.0, 70.0),), "cosdg": ((-70.0, 70.0),),
    "tandg": ((-70.0, 70.0),), "cotdg": ((20.0, 70.0),), "radian": ((0.0, 9.0), (0.0, 50.0), (0.0, 50.0)),
    "round": ((-3.0, 3.0),), "exprel": ((-2.0, 2.0),), "xlogy": ((-2.0, 2.0), (0.3, 3.0)),
    "xlog1py": ((-2.0, 2.0), (-0.6, 3.0)), "entr": ((0.2, 2.0),), "rel_entr": ((0.2, 2.0), (0.3, 2.0)),
    "kl_div": ((0.2, 2.0), (0.3, 2.0)), "huber": ((0.5, 1.0), (1.2, 3.0)), "pseudo_huber": ((0.5, 1.0), (-3.0, 3.0)),
    "boxcox": ((0.3, 3.0), (-1.2, 1.3)), "boxcox1p": ((-0.6, 3.0), (-1.2, 1.3)),
    "inv_boxcox": ((0.2, 2.0), (0.1, 1.3)), "inv_boxcox1p": ((0.2, 2.0), (0.1, 1.3)),
    "powm1": ((0.3, 2.0), (-1.5, 1.5)), "tklmbda": ((-1.5, 1.5), (-0.6, 0.5)),
    # integrals
    "expi": ((0.2, 3.0),), "exp1": ((0.2, 3.0),), "expn": ([0, 1, 3], (0.3, 2.0)), "sici": ((0.3, 5.0),),
    "shichi": ((0.3, 3.0),), "spence": ((0.2, 3.0),), "lambertw": ((0.1, 3.0), [0], 1e-8), "wrightomega": ((-2.0, 3.0),),
    # Bessel
    **dict.fromkeys(("jv", "yv", "iv", "kv", "ive", "kve", "jve", "yve"), ([0.0, 1.0, 3.0], (0.4, 6.0))),
    **dict.fromkeys(("yn", "kn"), ([0, 1, 3], (0.4, 6.0))),
    **dict.fromkeys(("hankel1", "hankel2", "hankel1e", "hankel2e", "struve", "modstruve"), ([0.0, 1.0, 3.0], (0.4, 6.0))),
    **{f"spherical_{k}n": ([0, 1, 3], (0.4, 6.0)) for k in "jyik"},
    **dict.fromkeys(("j0", "j1", "y0", "y1", "i0", "i1", "k0", "k1", "i0e", "i1e", "k0e", "k1e"), ((0.4, 5.0),)),
    # Airy, Kelvin, cylinders
    "airy": ((-3.0, 2.0),), "airye": ((0.2, 12.0),), "itairy": ((-2.0, 2.0),), "kelvin": ((0.3, 4.0),),
    **dict.fromkeys(("ber", "bei", "berp", "beip", "ker", "kei", "kerp", "keip"), ((0.3, 4.0),)),
    **dict.fromkeys(("itj0y0", "iti0k0", "it2j0y0", "it2i0k0"), ((0.4, 4.0),)),
    **dict.fromkeys(("itstruve0", "itmodstruve0", "it2struve0"), ((0.4, 4.0),)),
    "besselpoly": ((0.4, 2.0), [0.0, 1.0, 2.0], [1.0, 2.0, 1.0]), "pbdv": ([0, 1, 2], (-2.0, 2.0)), "pbvv": ([0, 1, 2], (-2.0, 2.0)),
    "pbwa": ([0, 1, 2], (-2.0, 2.0)),
    # elliptic
    "ellipk": ((-2.0, 0.9),), "ellipkm1": ((0.1, 3.0),), "ellipe": ((-2.0, 0.9),), "agm": ((0.5, 2.0), (0.4, 2.0)),
    "ellipkinc": ((-4.0, 4.0), (-1.0, 0.9)), "ellipeinc": ((-4.0, 4.0), (-1.0, 0.9)), "ellipj": ((-1.0, 2.0), (0.1, 0.9)),
    "elliprc": ((0.3, 2.0), (0.4, 2.0)), "elliprf": ((0.3, 1.0), (0.4, 2.0), (0.5, 2.0)),
    "elliprg": ((0.3, 1.0), (0.4, 2.0), (0.5, 2.0)), "elliprd": ((0.3, 1.0), (0.4, 2.0), (0.5, 2.0)),
    "elliprj": ((0.3, 0.6), (0.4, 0.8), (0.5, 0.8), (1.1, 2.0)),
    "moment": (3, (0.4, 2.0), (0.5, 2.0)),
    # Mathieu functions, spheroidal waves
    **dict.fromkeys(("mathieu_cem", "mathieu_sem"), ([1, 2, 3], [1.5, 0.5, 2.0], (20.0, 80.0))),
    **{f"mathieu_mod{kind}{k}": ([1, 2, 3], [1.5, 0.5, 2.0], (0.2, 1.0)) for kind in ("cem", "sem") for k in (1, 2)},
    **dict.fromkeys(("pro_ang1", "obl_ang1"), ([0, 1, 1], [1, 1, 2], [1.5, 0.5, 1.0], (-0.6, 0.7))),
    "pro_rad1": ([0, 1, 1], [1, 1, 2], [1.5, 0.5, 1.0], (1.2, 2.0)),
    "obl_rad1": ([0, 1, 1], [1, 1, 2], [1.5, 0.5, 1.0], (0.3, 1.0)),
    "pro_ang1_cv": (0, 1, [1.5, 0.5, 1.0], sc.pro_cv(0, 1, [1.5, 0.5, 1.0]), (-0.6, 0.7)),
    "obl_ang1_cv": (0, 1, [1.5, 0.5, 1.0], sc.obl_cv(0, 1, [1.5, 0.5, 1.0]), (-0.6, 0.7)),
    "pro_rad1_cv": (0, 1, [1.5, 0.5, 1.0], sc.pro_cv(0, 1, [1.5, 0.5, 1.0]), (1.2, 2.0)),
    "obl_rad1_cv": (0, 1, [1.5, 0.5, 1.0], sc.obl_cv(0, 1, [1.5, 0.5, 1.0]), (0.3, 1.0)),
    # hypergeometric
    "hyp0f1": ([1.0, 2.0, 3.0], (-2.0, 2.0)), "hyp1f1": ([1.0, 2.0, 3.0], [2.0, 3.0, 5.0], (-2.0, 2.0)),
    "hyp2f1": ([1.0, 2.0, 3.0], [1.0, 2.0, 1.0], [2.0, 3.0, 5.0], (-0.8, 0.8)), "hyperu": ([1.0, 2.0, 1.0], [2.0, 1.0, 1.0], (0.4, 3.0)),
    "wright_bessel": ([1.0, 2.0, 1.0], [2.0, 1.0, 1.0], (0.3, 2.0)), "log_wright_bessel": ([1.0, 2.0, 1.0], [2.0, 1.0, 1.0], (0.3, 2.0)),
    **{f"eval_{name}": ([0, 1, 4], (-0.8, 0.9)) for name in (
        "legendre", "chebyt", "chebyu", "chebyc", "chebys", "sh_legendre", "sh_chebyt", "sh_chebyu", "hermite",
        "hermitenorm", "laguerre")},
    "eval_genlaguerre": ([0, 1, 4], (0.4, 2.0), (0.1, 2.0)), "eval_gegenbauer": ([0, 1, 4], (0.4, 2.0), (-0.8, 0.9)),
    "eval_jacobi": ([0, 1, 4], (0.4, 2.0), (-0.4, 2.0), (-0.8, 0.9)),
    "eval_sh_jacobi": ([0, 1, 4], (2.5, 4.0), (0.8, 2.0), (0.1, 0.9)), "lpmv": ([0, 1, 1], [1, 2, 3], (-0.8, 0.8)),
    "sph_harm_y": ([0, 1, 3], [0, 1, -2], (0.2, 2.9), (-3.0, 3.0)),
    # distributions
    "pdtr": ([0, 1, 4], (0.4, 5.0)), "pdtrc": ([0, 1, 4], (0.4, 5.0)), "pdtri": ([0, 1, 4], (0.1, 0.9)),
    **{name: ([0, 1, 4], [5, 6, 7], (0.2, 0.8)) for name in ("bdtr", "bdtrc", "bdtri", "nbdtr", "nbdtrc", "nbdtri")},
    "chdtr": ([1.0, 2.0, 5.0], (0.4, 5.0)), "chdtrc": ([1.0, 2.0, 5.0], (0.4, 5.0)), "chdtri": ([1.0, 2.0, 5.0], (0.1, 0.9)),
    "gdtr": ((0.5, 2.0), [1.0, 2.0, 4.0], (0.5, 3.0)), "gdtrc": ((0.5, 2.0), [1.0, 2.0, 4.0], (0.5, 3.0)),
    "gdtrix": ((0.5, 2.0), [1.0, 2.0, 4.0], (0.1, 0.9)), "gdtria": ((0.1, 0.9), [1.0, 2.0, 4.0], (0.5, 2.0)),
    "stdtr": ([1.0, 2.0, 30.0], (-3.0, 3.0)), "stdtrit": ([1.0, 2.0, 30.0], (0.1, 0.9)),
    "fdtr": ([2.0, 3.0, 30.0], [4.0, 3.0, 24.0], (0.3, 3.0)), "fdtrc": ([2.0, 3.0, 30.0], [4.0, 3.0, 24.0], (0.3, 3.0)),
    "fdtri": ([2.0, 3.0, 30.0], [4.0, 3.0, 24.0], (0.1, 0.9)), "noncentral_density": ([3.0, 4.0, 6.0], (0.3, 2.0), (0.5, 5.0)),
    "chndtr": ((0.5, 5.0), [3.0, 4.0, 6.0], (0.3, 2.0)), "chndtrix": ((0.1, 0.9), [3.0, 4.0, 6.0], (0.3, 2.0)),
    "chndtrinc": ((7.0, 9.0), [3.0, 4.0, 2.0], (0.5, 0.6)), "nrdtrimn": ((0.1, 0.4), (0.5, 2.0), (-1.0, 1.0)),
    "nrdtrisd": ((-1.0, 1.0), (0.6, 0.9), (1.5, 3.0)), "kolmogorov": ((0.4, 1.9),), "kolmogi": ((0.02, 0.95),),
}  # fmt: skip


def _operands(name: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Vectors of three, and numbers from their ends."""
    rng = np.random.default_rng(crc32(name.encode()))
    vectors: list[Any] = []
    for given in OPERANDS[name]:
        if isinstance(given, tuple):
            low, high = given
            vectors.append(rng.permutation(low + (high - low) * (np.arange(3) + rng.uniform(0.2, 0.8, 3)) / 3))
        else:
            vectors.append(np.array(given) if isinstance(given, list | np.ndarray) else given)
    numbers = [
        float(v[-1]) if getattr(v, "dtype", None) is np.dtype(float) else v[-1] if np.ndim(v) else v for v in vectors
    ]
    numbers = [
        np.float64(x) if isinstance(x, float) and np.ndim(v) else x for x, v in zip(numbers, vectors, strict=True)
    ]
    return [(tuple(vectors), {}), (tuple(numbers), {})]


SAMPLES: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {name: _operands(name) for name in OPERANDS}
ORACLES: dict[str, Callable[..., Any]] = {
    "gaussian": lambda x: np.exp(-x * x), "bell": lambda x: np.exp(-x * x / 2),
    "gamma_density": lambda a, x: scipy.stats.gamma.pdf(x, a),
    "beta_density": lambda a, b, x: scipy.stats.beta.pdf(x, a, b),
    "noncentral_density": lambda k, nc, x: scipy.stats.ncx2.pdf(x, k, nc),
    "sph_harm_y": getattr(sc, "sph_harm_y", None),  # SciPy 1.15 has it
    "moment": lambda p, y, m: np.vectorize(
        lambda y, m: scipy.integrate.quad(lambda t: (t + y) ** -0.5 * (t + m) ** -p, 0, np.inf, epsabs=1e-14)[0]
    )(y, m),
    **{f"spherical_{k}n": getattr(sc, f"spherical_{k}n") for k in "jyik"},
}  # fmt: skip
