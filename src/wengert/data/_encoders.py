"""How one column of a table becomes columns of numbers. Each encoder is fitted once and stored as JSON."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from wengert.data._columns import Array, DataWarning, kind_of, missing_in, named_rows
from wengert.data._scale import standardised
from wengert.data._table import Table
from wengert.errors import DataError

__all__ = ["Category", "Cycle", "Encoder", "Missing", "Number", "Year", "encoder_from_config", "texts"]

Matrix = NDArray[np.float64]

# part of a date -> (its period, how to find it from 0 up in datetime64[us])
PARTS: dict[str, tuple[int, Callable[[Array], Array]]] = {
    "month": (12, lambda t: t.astype("datetime64[M]").astype(int) % 12),
    "day": (31, lambda t: (t.astype("datetime64[D]") - t.astype("datetime64[M]")).astype(int)),
    # day 0 of datetime64 is a Thursday; Monday is 0 here
    "weekday": (7, lambda t: (t.astype("datetime64[D]").astype(int) + 3) % 7),
    "hour": (24, lambda t: (t - t.astype("datetime64[D]")) // np.timedelta64(1, "h")),
}


@dataclass(frozen=True)
class Encoder:
    """Reads the column ``name`` of a table; ``features`` names the columns of numbers it gives."""

    name: str

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns that :meth:`encode` gives."""
        return (self.name,)

    def encode(self, table: Table) -> Matrix:
        """The column as float64 of shape (rows, len(features))."""
        raise NotImplementedError

    def to_config(self) -> dict[str, Any]:
        """What :func:`encoder_from_config` rebuilds the encoder from; JSON can hold it."""
        return {"encoder": type(self).__name__, **dataclasses.asdict(self)}


@dataclass(frozen=True)
class Number(Encoder):
    """``(x - mean) / scale``; a missing value becomes the mean, 0."""

    mean: float
    scale: float

    def encode(self, table: Table) -> Matrix:
        """Standardised values, one column."""
        return _filled(
            standardised(f'column "{self.name}"', numbers(table, self.name), self.mean, self.scale, table.rows)
        )


@dataclass(frozen=True)
class Category(Encoder):
    """One column for each level, 1 where the row has it; all zeros for a level not seen in training."""

    levels: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """``name=level`` for each level."""
        return tuple(f"{self.name}={level}" for level in self.levels)

    def encode(self, table: Table) -> Matrix:
        """Zeros and ones, one column a level."""
        values = texts(table[self.name])
        place: dict[str | None, int] = {level: i for i, level in enumerate(self.levels)}
        codes = np.array([place.get(value, -1) for value in values], dtype=np.int64)
        self._warn_of_unknown(sorted({v for v in values if v is not None and v not in place}))
        return (codes[:, None] == np.arange(len(self.levels))).astype(np.float64)

    def _warn_of_unknown(self, unknown: list[str]) -> None:
        if unknown:
            shown = ", ".join(f'"{value}"' for value in unknown[:5]) + (", …" if len(unknown) > 5 else "")
            warnings.warn(
                f'column "{self.name}" has {shown}, which the training rows did not have; '
                f"such a value is encoded as none of the {len(self.levels)} known ones",
                DataWarning,
                stacklevel=2,
            )


@dataclass(frozen=True)
class Missing(Encoder):
    """1 where the column has no value."""

    @property
    def features(self) -> tuple[str, ...]:
        """``name missing``."""
        return (f"{self.name} missing",)

    def encode(self, table: Table) -> Matrix:
        """Zeros and ones, one column."""
        return missing_in(table[self.name])[:, None].astype(np.float64)


@dataclass(frozen=True)
class Year(Encoder):
    """The year of a date, standardised."""

    mean: float
    scale: float

    @property
    def features(self) -> tuple[str, ...]:
        """``name year``."""
        return (f"{self.name} year",)

    def encode(self, table: Table) -> Matrix:
        """Standardised years, one column."""
        return _filled((years(dates(table, self.name)) - self.mean) / self.scale)


@dataclass(frozen=True)
class Cycle(Encoder):
    """A part of a date that comes around, as sine and cosine of its angle: December is next to January."""

    part: str
    PERIODS: ClassVar[dict[str, int]] = {part: period for part, (period, _) in PARTS.items()}

    @property
    def features(self) -> tuple[str, ...]:
        """``name part sin`` and ``name part cos``."""
        return (f"{self.name} {self.part} sin", f"{self.name} {self.part} cos")

    def encode(self, table: Table) -> Matrix:
        """Sine and cosine, two columns; zeros where the date is missing."""
        values = dates(table, self.name)
        angle = 2 * np.pi * date_part(values, self.part) / self.PERIODS[self.part]
        waves = np.stack([np.sin(angle), np.cos(angle)], axis=1)
        return np.where(missing_in(values)[:, None], 0.0, waves)


ENCODERS: dict[str, type[Encoder]] = {kind.__name__: kind for kind in (Number, Category, Missing, Year, Cycle)}


def encoder_from_config(config: dict[str, Any]) -> Encoder:
    """The encoder that ``to_config`` described.

    Example:
        >>> encoder_from_config(Category("season", ("dry", "wet")).to_config())
        Category(name='season', levels=('dry', 'wet'))
    """
    fields: dict[str, Any] = {
        key: tuple(v) if isinstance(v, list) else v for key, v in config.items() if key != "encoder"
    }
    return ENCODERS[config["encoder"]](**fields)


def _filled(values: Array) -> Matrix:
    return np.where(np.isnan(values), 0.0, values)[:, None]


def numbers(table: Table, name: str) -> Matrix:
    """A column as float64 with NaN where missing."""
    column = table[name]
    if column.dtype.kind not in "bif":
        raise _wrong_kind(table, name, "numbers")
    return column.astype(np.float64)


def dates(table: Table, name: str) -> Array:
    """A column as datetime64[us] with NaT where missing."""
    column = table[name]
    if missing_in(column).all():
        return np.full(column.shape, np.datetime64("NaT", "us"), dtype="datetime64[us]")
    if kind_of(column) != "date":
        raise _wrong_kind(table, name, "dates")
    return column


def _wrong_kind(table: Table, name: str, wanted: str) -> DataError:
    column = table[name]
    place = int(np.argmin(missing_in(column)))
    return DataError(
        f'column "{name}" was {wanted} when the encoding was fitted, and here it is {kind_of(column)}: '
        f"{str(column[place])!r} in {named_rows(table.rows[place : place + 1])}; "
        f"bring the column to {wanted}, or fit an encoding anew"
    )


def years(values: Array) -> Matrix:
    """Years as float64, NaN where missing."""
    found = values.astype("datetime64[Y]").astype(np.int64) + 1970.0
    return np.where(missing_in(values), np.nan, found)


def date_part(values: Array, part: str) -> Array:
    """A part of each date, from 0 up; its value where the date is missing means nothing."""
    epoch = np.where(missing_in(values), np.datetime64(0, "us"), values)
    return PARTS[part][1](epoch)


def texts(column: Array) -> list[str | None]:
    """A column as text, None where missing; a whole number is written without a point.

    Example:
        >>> texts(np.array([3.0, np.nan, 0.5]))
        ['3', None, '0.5']
    """
    if column.dtype.kind == "f":
        return [None if np.isnan(v) else f"{v:.0f}" if v == np.floor(v) else str(v) for v in column.tolist()]
    gaps = missing_in(column)
    return [None if gap else str(value) for value, gap in zip(column.tolist(), gaps, strict=True)]
