"""The inverses of distribution functions in their parameters.

Where F(z, …) = p defines z, its derivatives are 1/F_z in p, and −F_y/F_z in every other operand y.
"""

from __future__ import annotations

from typing import Any

from wengert.core.primitive import Rule
from wengert.ops.special_densities import beta_density, fisher_density, gamma_density, student_density
from wengert.ops.special_parameters_beta import betainc_da, betainc_db
from wengert.ops.special_parameters_gamma import gammainc_da
from wengert.ops.special_parameters_shapes import (
    binomial_slopes,
    chi2_slope,
    fisher_slopes,
    negative_slopes,
    student_slope,
)
from wengert.ops.special_record import special

__all__: list[str] = []


def _inverse(name: str, slopes: Rule, at: int, probability: int) -> None:
    """The inverse in operand ``at`` of F, which has ``slopes``; ``probability`` takes its place in the inverse's call.

    F's operands, without the one that is sought, are the inverse's in the same order, but for the probability.
    """

    def own(z: Any, operands: tuple[Any, ...]) -> Any:
        rest = [x for k, x in enumerate(operands) if k != probability]
        return slopes(*rest[:at], z, *rest[at:])

    def in_probability(t: Any, z: Any, *operands: Any) -> Any:
        return t / own(z, operands)[at]

    def in_other(k: int) -> Rule:
        position = k - (k > probability)
        position += position >= at

        def diff(t: Any, z: Any, *operands: Any) -> Any:
            all_slopes = own(z, operands)
            return -t * (all_slopes[position] / all_slopes[at])

        return diff

    count = slopes.__code__.co_argcount  # type: ignore[attr-defined]  # a plain function
    special(name, *(_named(in_probability if k == probability else in_other(k), count) for k in range(count)))


def _named(diff: Rule, count: int) -> Rule:
    """A differential whose parameters have names, by which it declares that it reads them."""
    return (lambda t, z, x, y: diff(t, z, x, y)) if count == 2 else (lambda t, z, w, x, y: diff(t, z, w, x, y))


def _beta(a: Any, b: Any, x: Any) -> Any:
    return betainc_da(a, b, x), betainc_db(a, b, x), beta_density(a, b, x)


def _chi2(v: Any, x: Any) -> Any:
    return chi2_slope(v, x), gamma_density(v / 2, x / 2) / 2


def _gamma(a: Any, b: Any, x: Any) -> Any:
    density = gamma_density(b, a * x)
    return x * density, gammainc_da(b, a * x), a * density


def _poisson(k: Any, m: Any) -> Any:
    return -gammainc_da(k + 1, m), -gamma_density(k + 1, m)


def _student(df: Any, x: Any) -> Any:
    return student_slope(df, x), student_density(df, x)


def _fisher(m: Any, n: Any, x: Any) -> Any:
    return (*fisher_slopes(m, n, x), fisher_density(m, n, x))


_inverse("btdtria", _beta, at=0, probability=0)
_inverse("btdtrib", _beta, at=1, probability=1)
_inverse("chdtriv", _chi2, at=0, probability=0)
_inverse("gdtrib", _gamma, at=1, probability=1)
_inverse("pdtrik", _poisson, at=0, probability=0)
_inverse("stdtridf", _student, at=0, probability=0)
_inverse("fdtridfd", _fisher, at=1, probability=1)
_inverse("bdtrik", binomial_slopes, at=0, probability=0)
_inverse("bdtrin", binomial_slopes, at=1, probability=1)
_inverse("nbdtrik", negative_slopes, at=0, probability=0)
_inverse("nbdtrin", negative_slopes, at=1, probability=1)
