"""Operands for the records of derivatives of special functions in their parameters, and what mpmath makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np

from wengert.ops import special

assert special.RECORDS  # entered into the registry by this import


def _pairs(*operands: Any, **members: Any) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Vectors, and a column against numbers."""
    vectors = [np.asarray(x) for x in operands]
    numbers = [x[-1] for x in vectors]
    return [(tuple(vectors), members), ((*numbers[:-1], vectors[-1][:2, None]), members)]


def _members(operands: tuple[Any, ...], *members: dict[str, Any]) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
    """The first member in all shapes, the others as vectors."""
    samples = [sample for each in members for sample in _pairs(*operands, **each)]
    return samples[:2] + samples[2::2]


_GAMMA = ([0.4, 2.0, 7.5], [0.9, 1.3, 6.1])
_BETA = ([0.6, 2.0, 5.5], [1.4, 0.7, 8.0], [0.15, 0.8, 0.45])
_BESSEL = ([0.0, 1.0, -1.3, 7.2], [0.7, 2.4, 4.1, 3.3])
_DEGREE = np.array([0, 1, 4])

SAMPLES: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {
    "gamma_tail": _members(_GAMMA, *({"order": n} for n in (0, 1, 3))),
    "beta_tail": _members(_BETA, *({"i": i, "j": j} for i, j in ((0, 0), (1, 0), (1, 1)))),
    **{f"bessel_{k}": _members(_BESSEL, *({"order": n} for n in (0, 2))) for k in "jyik"},
    "series_0f1": _members(([0.7, 2.0, 3.3], [-1.5, 0.4, 2.2]), *({"orders": (n,)} for n in (0, 1))),
    "series_1f1": _members(
        ([0.7, 2.0, -1.3], [1.5, 3.0, 2.4], [-1.5, 0.4, 2.2]), *({"orders": n} for n in ((0, 0), (1, 1)))
    ),
    "series_1f2": _members(
        ([0.7, 2.0, 1.3], [1.5, 3.0, 2.4], [0.8, 2.1, 4.0], [-1.5, 0.4, 2.2]),
        *({"orders": n} for n in ((0, 0, 0), (0, 0, 1))),
    ),
    "series_2f1": _members(
        ([0.7, 2.0, -1.3], [1.5, 0.6, 2.4], [0.8, 2.1, 4.0], [0.3, 0.1, 0.2]),
        *({"orders": n} for n in ((0, 0, 0), (1, 0, 1))),
    ),
    "tricomi": _members(
        ([0.7, 2.0, 4.3], [1.5, -0.6, 2.4], [0.5, 2.0, 1.1]),
        *({"i": i, "j": j, "k": k} for i, j, k in ((0, 0, 0), (1, 1, 0))),
    ),
    "wright_series": _members(
        ([0.7, 2.0, 0.3], [1.5, 0.6, 2.4], [0.5, 2.0, 1.1]), *({"i": i, "j": j} for i, j in ((0, 0), (1, 1)))
    ),
    "struve_integral": _members(
        ([-0.7, 2.0, 4.3], [3.5, 6.0, 9.0]), *({"order": n, "power": m} for n, m in ((0, 0), (1, 1)))
    ),
    "laguerre_polynomial": _members((_DEGREE, [0.4, 1.0, 2.3], [0.3, 1.2, 2.0]), *({"order": n} for n in (0, 1))),
    "gegenbauer_polynomial": _members((_DEGREE, [0.4, 1.0, 2.3], [0.3, -0.7, 1.2]), *({"order": n} for n in (0, 1))),
    "jacobi_polynomial": _members(
        (_DEGREE, [0.4, 1.0, 2.3], [1.3, 0.2, 0.6], [0.3, -0.7, 1.2]), *({"i": i, "j": j} for i, j in ((0, 0), (1, 1)))
    ),
    # inverses of distribution functions in their parameters
    "btdtria": _pairs([0.3, 0.6, 0.2], [1.7, 3.0, 0.8], [0.4, 0.3, 0.6]),
    "btdtrib": _pairs([1.7, 3.0, 0.8], [0.3, 0.6, 0.2], [0.4, 0.3, 0.6]),
    "chdtriv": _pairs([0.3, 0.6, 0.2], [2.2, 1.0, 5.0]), "gdtrib": _pairs([1.2, 0.7, 2.0], [0.3, 0.6, 0.2], [2.2, 4.0, 1.5]),
    "pdtrik": _pairs([0.6, 0.8, 0.7], [2.2, 4.0, 1.5]), "stdtridf": _pairs([0.8, 0.85, 0.82], [1.1, 1.2, 1.15]),
    "fdtridfd": _pairs([3.1, 5.0, 2.0], [0.6, 0.7, 0.55], [1.2, 1.4, 1.1]),
    "bdtrik": _pairs([0.6, 0.7, 0.8], [8.0, 5.0, 12.0], [0.3, 0.4, 0.5]),
    "bdtrin": _pairs([2.0, 3.0, 1.0], [0.6, 0.7, 0.8], [0.3, 0.4, 0.2]),
    "nbdtrik": _pairs([0.6, 0.7, 0.8], [8.0, 5.0, 3.0], [0.7, 0.6, 0.5]),
    "nbdtrin": _pairs([2.0, 3.0, 1.0], [0.6, 0.7, 0.8], [0.7, 0.6, 0.5]),
}  # fmt: skip


quad: Any = mp.quad

# ---- by mpmath: integrals by its quadrature, derivatives by its differences in many digits


def _of_each(f: Callable[..., Any]) -> Callable[..., Any]:
    """A function of numbers, of arrays; its members by keyword."""

    def run(*operands: Any, **members: Any) -> Any:
        with mp.workdps(22):
            return np.vectorize(lambda *xs: float(f(*map(_number, xs), **members)), otypes=[float])(*operands)[()]

    return run


def _number(x: Any) -> Any:
    return int(x) if isinstance(x, int | np.integer) else mp.mpf(float(x))


def derivative(f: Callable[..., Any], at: tuple[Any, ...], orders: tuple[int, ...]) -> Any:
    """The mixed derivative of the given orders, by mpmath's differences."""
    for k, n in enumerate(orders):
        if n:
            rest = (*orders[:k], 0, *orders[k + 1 :])
            return mp.diff(lambda x, k=k, rest=rest: derivative(f, (*at[:k], x, *at[k + 1 :]), rest), at[k], n)
    return f(*at)


def _differentiated(f: Callable[..., Any], orders: Callable[..., tuple[int, ...]]) -> Callable[..., Any]:
    return _of_each(lambda *xs, **members: derivative(f, xs, orders(**members)))


def _gamma_tail(a: Any, x: Any, order: int) -> Any:
    psi: Any = mp.psi(0, a)

    def member(t: Any) -> Any:
        log: Any = mp.log(t)
        return t ** (a - 1) * mp.exp(-t) / mp.gamma(a) * (log - psi) ** order

    return quad(member, [0, x / 100, x]) if x < a else -quad(member, [x, 2 * x + 5, mp.inf])


def _beta_tail(a: Any, b: Any, x: Any, i: int, j: int) -> Any:
    rest: Any = mp.psi(0, a + b)

    psi_a, psi_b = mp.psi(0, a) - rest, mp.psi(0, b) - rest
    beta = mp.beta(a, b)

    def member(t: Any) -> Any:
        first: Any = mp.log(t)
        second: Any = mp.log(1 - t)
        return t ** (a - 1) * (1 - t) ** (b - 1) / beta * (first - psi_a) ** i * (second - psi_b) ** j

    return quad(member, [0, x / 100, x]) if x < a / (a + b) else -quad(member, [x, 1 - (1 - x) / 100, 1])


def _tricomi(a: Any, b: Any, x: Any, i: int, j: int, k: int) -> Any:
    psi: Any = mp.psi(0, a)

    def member(t: Any) -> Any:
        first: Any = mp.log(t / (1 + t))
        logs = (first - psi) ** i * mp.log(1 + t) ** j
        return mp.exp(-x * t) * t ** (a - 1 + k) * (1 + t) ** (b - a - 1) / mp.gamma(a) * logs

    return quad(member, [0, 0.01, 1, 10, mp.inf])


def _struve_integral(v: Any, x: Any, order: int, power: int) -> Any:
    def member(t: Any) -> Any:
        return mp.exp(-x * t) * (1 + t * t) ** (v - 0.5) * mp.log(1 + t * t) ** order * (-t) ** power

    return quad(member, [0, 1, 5, mp.inf])


BESSEL: dict[str, Callable[..., Any]] = {
    "j": mp.besselj, "y": mp.bessely,
    "i": lambda v, x: mp.exp(-x) * mp.besseli(v, x), "k": lambda v, x: mp.exp(x) * mp.besselk(v, x),
}  # fmt: skip


def _gegenbauer(n: Any, a: Any, x: Any) -> Any:
    """By its sum, which is a polynomial in a (DLMF 18.5.10)."""
    return mp.fsum(
        (-1) ** k * mp.rf(a, n - k) / mp.factorial(k) / mp.factorial(n - 2 * k) * (2 * x) ** (n - 2 * k)
        for k in range(n // 2 + 1)
    )


def _wright(a: Any, b: Any, x: Any) -> Any:
    return mp.fsum(x**k / mp.factorial(k) * mp.rgamma(a * k + b) for k in range(40))


ORACLES: dict[str, Callable[..., Any]] = {
    "gamma_tail": _of_each(_gamma_tail), "beta_tail": _of_each(_beta_tail),
    **{f"bessel_{k}": _differentiated(f, lambda order: (order, 0)) for k, f in BESSEL.items()},
    "series_0f1": _differentiated(mp.hyp0f1, lambda orders: (*orders, 0)),
    "series_1f1": _differentiated(mp.hyp1f1, lambda orders: (*orders, 0)),
    "series_1f2": _differentiated(mp.hyp1f2, lambda orders: (*orders, 0)),
    "series_2f1": _differentiated(mp.hyp2f1, lambda orders: (*orders, 0)),
    "wright_series": _differentiated(_wright, lambda i, j: (i, j, 0)),
    "tricomi": _of_each(_tricomi), "struve_integral": _of_each(_struve_integral),
    "laguerre_polynomial": _differentiated(mp.laguerre, lambda order: (0, order, 0)),
    "gegenbauer_polynomial": _differentiated(_gegenbauer, lambda order: (0, order, 0)),
    "jacobi_polynomial": _differentiated(mp.jacobi, lambda i, j: (0, i, j, 0)),
}  # fmt: skip
