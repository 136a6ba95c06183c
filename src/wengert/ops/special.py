"""The special functions of SciPy: every record of theirs, by its ufunc."""

from wengert.ops import (
    special_airy,
    special_bessel,
    special_densities,
    special_distributions,
    special_elementary,
    special_elliptic,
    special_erf,
    special_gamma,
    special_hyper,
    special_integrals,
    special_parameters_inverses,
    special_waves,
    special_zeta,
)
from wengert.ops.special_record import RECORDS

__all__ = [
    "RECORDS",
    "special_airy",
    "special_bessel",
    "special_densities",
    "special_distributions",
    "special_elementary",
    "special_elliptic",
    "special_erf",
    "special_gamma",
    "special_hyper",
    "special_integrals",
    "special_parameters_inverses",
    "special_waves",
    "special_zeta",
]
