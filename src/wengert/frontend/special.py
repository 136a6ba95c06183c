"""The ufuncs of ``scipy.special``: which record each one is, and why some have none.

Loaded with the first of them that a traced value meets, for it loads SciPy.
"""

from __future__ import annotations

import scipy.special as sc
from scipy.special import _ufuncs as private  # pyright: ignore[reportPrivateUsage]  # spherical_jn calls these

from wengert.frontend.tables import REFUSED, UFUNCS
from wengert.ops.special import RECORDS

# not the record itself: what makes closures of NumPy's records once must not meet these
UFUNCS.update({ufunc: record.__call__ for ufunc, record in RECORDS.items()})

_INVERSE = "it is the inverse of a distribution function in a shape parameter, whose derivative is not known"
_NONCENTRAL = "the density of this noncentral distribution is not among SciPy's functions"
REASONS = {
    "chndtridf": _INVERSE,
    **dict.fromkeys(
        ("ncfdtr", "ncfdtri", "ncfdtridfd", "ncfdtridfn", "ncfdtrinc", "nctdtr", "nctdtridf", "nctdtrinc", "nctdtrit"),
        _NONCENTRAL,
    ),
    **dict.fromkeys(("mathieu_a", "mathieu_b"), "a characteristic value's derivative in q is an integral"),
    **dict.fromkeys(("obl_cv", "pro_cv"), "a characteristic value's derivative in c is an integral"),
    **dict.fromkeys(
        ("obl_rad2", "obl_rad2_cv", "pro_rad2", "pro_rad2_cv"),
        "SciPy's value and slope agree to a few digits at most, and their derivatives to none",
    ),
    "sph_harm": "SciPy 1.15 has sph_harm_y(n, m, theta, phi) in its place, which has one in wengert.scipy.special",
    **dict.fromkeys(("smirnov", "smirnovi"), "Smirnov's statistic has a density of a piece for each sample"),
}  # fmt: skip

for _name, _reason in REASONS.items():
    _ufunc = getattr(sc, _name, None)
    if _ufunc is not None and _ufunc not in RECORDS:
        REFUSED[_ufunc] = _reason

# Python functions call these, some releases of SciPy with traced values
for _letter in "jyik":
    for _form in ("n", "n_d"):
        _ufunc = getattr(private, f"_spherical_{_letter}{_form}", None)
        if _ufunc is not None:
            REFUSED[_ufunc] = f"write wengert.scipy.special.spherical_{_letter}n(...), which has one"
