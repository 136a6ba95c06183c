"""Mathieu functions and spheroidal waves, by their differential equations (DLMF 28.2, 28.20, 30.2, 30.11)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.ops.special_record import several

WHOLE = "the order is a whole number"
PARAMETER = "a characteristic value's derivative is an integral, which SciPy does not have"
DEGREE = math.pi / 180

# ---- Mathieu: of an angle in degrees, and modified


def _angular(characteristic: Any) -> Any:
    def partials(zs: Any, m: Any, q: Any, x: Any) -> Any:
        bend = 2 * q * np.cos(2 * DEGREE * x) - characteristic(m, q)
        return zs[1] * DEGREE, bend * zs[0] * DEGREE

    return partials


def _modified(characteristic: Any) -> Any:
    return lambda zs, m, q, x: (zs[1], (characteristic(m, q) - 2 * q * np.cosh(2 * x)) * zs[0])


several("mathieu_cem", WHOLE, PARAMETER, _angular(sc.mathieu_a))
several("mathieu_sem", WHOLE, PARAMETER, _angular(sc.mathieu_b))
several("mathieu_modcem1", WHOLE, PARAMETER, _modified(sc.mathieu_a))
several("mathieu_modcem2", WHOLE, PARAMETER, _modified(sc.mathieu_a))
several("mathieu_modsem1", WHOLE, PARAMETER, _modified(sc.mathieu_b))
several("mathieu_modsem2", WHOLE, PARAMETER, _modified(sc.mathieu_b))

# ---- spheroidal waves: prolate with sign 1, oblate with -1


def _on_the_sphere(zs: Any, m: Any, c: Any, e: Any, x: Any, sign: int) -> Any:
    inside = (1 - x) * (1 + x)
    return zs[1], (2 * x * zs[1] - (e - sign * c * c * x * x - m * m / inside) * zs[0]) / inside


def _outwards(zs: Any, m: Any, c: Any, e: Any, x: Any, sign: int) -> Any:
    outside = x * x - sign
    return zs[1], (-2 * x * zs[1] + (e - c * c * x * x + sign * m * m / outside) * zs[0]) / outside


# the functions with _cv are handed the characteristic value, without which they solve no equation
def _spheroidal(kind: str, part: str, equation: Any, sign: int) -> None:
    value = getattr(sc, f"{kind}_cv")
    several(
        f"{kind}_{part}", WHOLE, WHOLE, PARAMETER,
        lambda zs, m, n, c, x: equation(zs, m, c, value(m, n, c), x, sign),
    )  # fmt: skip
    several(
        f"{kind}_{part}_cv", WHOLE, WHOLE, PARAMETER, PARAMETER,
        lambda zs, m, _n, c, e, x: equation(zs, m, c, e, x, sign),
    )  # fmt: skip


for _kind, _sign in (("pro", 1), ("obl", -1)):
    _spheroidal(_kind, "ang1", _on_the_sphere, _sign)
    _spheroidal(_kind, "rad1", _outwards, _sign)
