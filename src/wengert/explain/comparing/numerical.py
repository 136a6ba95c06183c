"""Numerical derivatives: their error against the step size, and what theory says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.transforms import jvp

__all__ = ["STEPS", "Curve", "Objective", "complex_step", "sweep"]

Array = NDArray[np.float64]
Scalar = Callable[[Any], Any]
STEPS = tuple(float(f"{10.0 ** (-k / 4):.6g}") for k in range(4, 61))  # 1e-1 … 1e-15, four a decade
EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Objective:
    """A function of one number or array at ``x``, and the ``places`` in it that are looked at."""

    f: Scalar
    x: Any
    places: tuple[int, ...]

    def moved(self, place: int, by: Any) -> Any:
        """X with one of its numbers moved."""
        if not isinstance(self.x, np.ndarray):
            return self.x + by
        moved = self.x.astype(complex) if isinstance(by, complex) else self.x.copy()
        moved.flat[place] += by
        return moved

    def at(self, place: int, by: Any) -> Any:
        """The function there, or NaN where it has no value."""
        with np.errstate(all="ignore"):
            return self.f(self.moved(place, by))

    def number(self, place: int) -> float:
        """One of the numbers of x."""
        return float(np.ravel(self.x)[place])

    def direction(self, place: int) -> Any:
        """The unit tangent of one number."""
        if not isinstance(self.x, np.ndarray):
            return 1.0
        unit = np.zeros_like(self.x)
        unit.flat[place] = 1.0
        return unit


@dataclass(frozen=True)
class Curve:
    """The error of a way of differentiating, one for each of :data:`STEPS`, and where it is least.

    ``truncation`` and ``rounding`` are what theory says of the two parts of the error, and ``predicted`` the step where
    their sum is least; they are None where the higher derivatives that they need could not be had.
    """

    name: str
    errors: tuple[float, ...]
    truncation: tuple[float, ...] | None = None
    rounding: tuple[float, ...] | None = None
    predicted: float | None = None

    @property
    def best(self) -> int:
        """The place of the best step: where the errors around it, too, are small, and not one by luck."""
        worst = [max(e if e == e else np.inf for e in self.errors[max(k - 2, 0) : k + 3]) for k in range(len(STEPS))]
        return int(np.argmin(worst)) if min(worst) < np.inf else _first_number(self.errors)

    @property
    def best_step(self) -> float:
        """The step with the least error."""
        return STEPS[self.best]

    @property
    def best_error(self) -> float:
        """The least error."""
        return self.errors[self.best]


def _first_number(errors: Sequence[float]) -> int:
    return next((k for k, e in enumerate(errors) if e == e), 0)


def relative(estimate: Array, truth: Array) -> float:
    """The largest error, relative to the largest derivative; absolute where that is 0."""
    size = float(np.max(np.abs(truth), initial=0.0))
    return float(np.max(np.abs(estimate - truth), initial=0.0)) / (size or 1.0)


def _forward(o: Objective, place: int, h: float) -> float:
    step = (o.number(place) + h) - o.number(place)  # as it is after rounding
    return (o.at(place, step) - o.at(place, 0.0)) / step if step else np.nan


def _central(o: Objective, place: int, h: float) -> float:
    x = o.number(place)
    step = (x + h) - (x - h)
    return (o.at(place, h) - o.at(place, -h)) / step if step else np.nan


def complex_step(o: Objective, place: int, h: float) -> float:
    """Im f(x + ih) / h: nothing is subtracted, so nothing is lost.

    W. Squire, G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40 (1998).
    """
    y = o.at(place, complex(0.0, h))
    return float(np.imag(y)) / h


WAYS: dict[str, Callable[[Objective, int, float], float]] = {
    "forward differences": _forward,
    "central differences": _central,
    "complex step": complex_step,
}


def estimate(o: Objective, way: str, h: float) -> Array:
    """The derivatives at all places."""
    return np.array([float(WAYS[way](o, place, h)) for place in o.places])


def sweep(o: Objective, way: str, truth: Array) -> Curve:
    """The error for each step, beside what theory says."""
    errors = tuple(_error(o, way, h, truth) for h in STEPS)
    return _with_theory(Curve(way, errors), o, truth)


def _error(o: Objective, way: str, h: float, truth: Array) -> float:
    found = estimate(o, way, h)
    return relative(found, truth) if np.all(np.isfinite(found)) else float("nan")


# ---- theory


def _with_theory(curve: Curve, o: Objective, truth: Array) -> Curve:
    """Truncation c hᵖ from the next derivative that was left out, rounding ε |f| / h from the subtraction."""
    order = {"forward differences": 2, "central differences": 3}.get(curve.name)
    if order is None:
        return curve
    try:
        higher = max(abs(_derivative(o, place, order)) for place in o.places)
        value = abs(float(o.at(o.places[0], 0.0)))
    except Exception:  # noqa: BLE001 - no theory for functions that are not differentiable so often
        return curve
    size = float(np.max(np.abs(truth), initial=0.0)) or 1.0
    power, c = order - 1, higher / (2 if order == 2 else 6) / size
    r = EPSILON * value / (order - 1) / size
    if not (np.isfinite(c) and np.isfinite(r)):
        return curve
    predicted = (r / (power * c)) ** (1 / (power + 1)) if c and r else None
    return Curve(curve.name, curve.errors, tuple(c * h**power for h in STEPS), tuple(r / h for h in STEPS), predicted)


def _derivative(o: Objective, place: int, order: int) -> float:
    """∂ᵒʳᵈᵉʳf along one number, by forward mode nested."""

    def along(g: Scalar) -> Scalar:
        return lambda x: jvp(g, (x,), (o.direction(place),))[1]

    g = o.f
    for _ in range(order):
        g = along(g)
    return float(g(o.x))


def all_places(x: Any, most: int) -> tuple[int, ...]:
    """The places of a number or array, or of a large one ``most`` of them, evenly spaced."""
    n = int(np.size(x))
    return tuple(range(n)) if n <= most else tuple(np.unique(np.linspace(0, n - 1, most).round().astype(int)).tolist())


def taken(gradient: Any, places: Sequence[int]) -> Array:
    """The derivatives at the places, of a whole gradient."""
    return np.ravel(np.asarray(gradient, float))[list(places)]
