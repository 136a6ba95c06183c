"""Numbers as people read them, and the round numbers that axes are marked with."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["HUGE", "Scale", "count", "duration", "finite", "number", "percent"]

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
HUGE = 1e250  # beyond it the differences that a scale takes overflow; below its inverse, logarithms do


def finite(values: Iterable[float]) -> list[float]:
    """The values that can be drawn."""
    return [float(v) for v in values if abs(float(v)) < HUGE]


def number(value: float, digits: int = 4) -> str:
    """A number with ``digits`` significant ones, in powers of ten where it is very large or small.

    Example:
        >>> [number(v) for v in (0.97777, 1234567.0, 3.2e-7, 12.0, float("nan"))]
        ['0.9778', '1,234,567', '3.2×10⁻⁷', '12', 'NaN']
    """
    value = float(value)
    if not math.isfinite(value):
        return {"nan": "NaN", "inf": "∞", "-inf": "−∞"}[str(value)]
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if not -4 <= exponent <= 8:
        return _scientific(value, digits)
    decimals = max(digits - 1 - exponent, 0)
    text = f"{value:,.{decimals}f}"
    return _minus(text.rstrip("0").rstrip(".") if "." in text else text)


def count(value: int, noun: str = "", plural: str = "") -> str:
    """A whole number, and what it counts.

    Example:
        >>> count(1), count(1797, "row"), count(1, "class", "classes")
        ('1', '1,797 rows', '1 class')
    """
    name = noun if value == 1 else plural or (noun and noun + "s")
    return f"{value:,} {name}".strip()


def percent(share: float) -> str:
    """A share of one in percent.

    Example:
        >>> percent(0.97777), percent(1.0), percent(0.00012)
        ('97.8%', '100%', '0.01%')
    """
    if not math.isfinite(share):
        return number(share)
    decimals = 1
    while decimals < 4 and share not in (0, 1) and round(100 * share, decimals) in (0, 100):
        decimals += 1  # all but one in many is not all
    text = f"{100 * share:.{decimals}f}"
    return _minus(text.rstrip("0").rstrip(".")) + "%"


def duration(seconds: float) -> str:
    """A time span in the units people say it in.

    Example:
        >>> duration(0.0312), duration(8.42), duration(125), duration(7380)
        ('31 ms', '8.4 s', '2 min 5 s', '2 h 3 min')
    """
    if not math.isfinite(seconds):
        return number(seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _minus(text: str) -> str:
    return text.replace("-", "−")


def _scientific(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPT)
    if mantissa in ("1", "-1"):
        return _minus(mantissa[:-1]) + power
    return f"{_minus(mantissa)}×{power}"


# ---- scales -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """A map from values in [low, high] to places in [start, stop], linear or logarithmic, and its marks."""

    low: float
    high: float
    start: float
    stop: float
    marks: tuple[float, ...]
    log: bool = False

    def __call__(self, value: float) -> float:
        """The place of a value."""
        low, high, value = (_log(v) if self.log else v for v in (self.low, self.high, value))
        return self.start + (value - low) / (high - low) * (self.stop - self.start)

    def label(self, mark: float) -> str:
        """The text beside a mark: all marks of a linear scale have as many decimals."""
        if self.log and self.high > 1e5 * self.low:
            return _scientific(mark, 3)
        if self.log or len(self.marks) < 2:
            return number(mark, 3)
        step = self.marks[1] - self.marks[0]
        largest = max(abs(m) for m in self.marks)
        if step < 1e-4 or largest >= 1e7:
            return number(mark, 3)
        return _minus(f"{mark:,.{max(0, -math.floor(math.log10(step) + 1e-9))}f}")

    @staticmethod
    def fit(
        values: Iterable[float],
        start: float,
        stop: float,
        *,
        log: bool = False,
        whole: bool = False,
        room: float | None = None,
        marks: int = 5,
    ) -> Scale:
        """The scale that shows ``values``.

        Its ends are marks, unless ``room`` says which share of the range to leave at either end instead.
        ``log`` counts only positive values; ``whole`` marks whole numbers only.
        """
        found = [v for v in finite(values) if v > 1 / HUGE or not log] or [1.0 if log else 0.0]
        low, high = _widened(min(found), max(found), log)
        places = _log_marks(low, high, marks) if log else _linear_marks(low, high, marks, whole)
        if room is None:
            return Scale(min(low, places[0]), max(high, places[-1]), start, stop, places, log)
        if log:
            spare = room * (_log(high) - _log(low))
            low, high = low * 10.0**-spare, high * 10.0**spare
        else:
            low, high = low - room * (high - low), high + room * (high - low)
        slack = 0.0 if log else (high - low) * 1e-9
        return Scale(low, high, start, stop, tuple(m for m in places if low - slack <= m <= high + slack), log)


def _log(value: float) -> float:
    return math.log10(value)


def _widened(low: float, high: float, log: bool) -> tuple[float, float]:
    """One value alone is given room about it."""
    if high > low * (1 + 1e-9) if log else high - low > 1e-12 * max(abs(low), abs(high)):
        return low, high
    if log:
        return low / 2, high * 2
    room = abs(low) / 2 or 0.5
    return low - room, high + room


def _linear_marks(low: float, high: float, wanted: int, whole: bool) -> tuple[float, ...]:
    step = _round_step((high - low) / wanted)
    if whole:
        step = max(1.0, step)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(k * step for k in range(first, last + 1))


def _round_step(step: float) -> float:
    """The least of 1, 2, 5 times a power of ten that is not below ``step``."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= step * (1 - 1e-9))


def _log_marks(low: float, high: float, wanted: int) -> tuple[float, ...]:
    first, last = math.floor(_log(low) + 1e-9), math.ceil(_log(high) - 1e-9)
    if last - first <= 2:
        fine = [m * 10.0**e for e in range(first, last + 1) for m in (1, 2, 5)]
        below = [m for m in fine if m <= low * (1 + 1e-9)][-1]
        above = next((m for m in fine if m >= high * (1 - 1e-9)), fine[-1])
        return tuple(m for m in fine if below <= m <= above)
    step = math.ceil((last - first) / wanted)
    last = first + math.ceil((last - first) / step) * step
    return tuple(10.0**e for e in range(first, last + 1, step))
