"""Which encoders the columns of the training rows call for, and which columns are left out."""

from __future__ import annotations

import re
import warnings

import numpy as np

from wengert.data._columns import Array, DataWarning, kind_of, missing_in
from wengert.data._encoders import (
    PARTS,
    Category,
    Cycle,
    Encoder,
    Missing,
    Number,
    Year,
    date_part,
    texts,
    years,
)
from wengert.data._scale import mean_and_scale
from wengert.data._table import Table

__all__ = ["fit_columns"]

# whole numbers of 3 to 31 values (a month, an hour, a day of the month), ten rows each, are levels as well
LEVELS = range(3, 32)
ROWS_A_LEVEL = 10
# … unless the table has so many of them that they are pixels or counts
MOST_LEVEL_FEATURES = 256
# text of more values than this is an identifier or prose, unless each value comes twenty times
MOST_CATEGORIES = 100
# columns left out that are told of one by one
MOST_TOLD = 10
_IDENTIFIER = re.compile(r"(.*[_ ])?(id|index|idx|uuid|guid|key)|unnamed.*|", re.IGNORECASE)

_Fitted = tuple[list[Encoder], dict[str, str]]


def fit_columns(table: Table, names: list[str]) -> _Fitted:
    """Encoders for these columns, and for each column left out the reason."""
    return _fit_pixels(table, names) if table.image_shape else _fit_each(table, names)


def _fit_pixels(table: Table, names: list[str]) -> _Fitted:
    """Pixels of one picture are of one kind: rare ones are not blown up, and the grid stays whole."""
    values = np.stack([table[name].astype(np.float64) for name in names], axis=1)
    mean, scale = mean_and_scale("the picture", values[~np.isnan(values)])
    return [Number(name, mean, scale or 1.0) for name in names], {}


def _fit_each(table: Table, names: list[str]) -> _Fitted:
    encoders: list[Encoder] = []
    dropped: dict[str, str] = {}
    levels = _level_columns(table, names)
    for name in names:
        column = table[name]
        reason = _why_dropped(name, column)
        if reason:
            dropped[name] = reason
            continue
        encoders += _fit_column(name, column, name in levels)
        if missing_in(column).any():
            encoders.append(Missing(name))
    _warn_of(dropped)
    return encoders, dropped


def _warn_of(dropped: dict[str, str]) -> None:
    told = [f'column "{name}" is left out: it {reason}' for name, reason in list(dropped.items())[:MOST_TOLD]]
    if len(dropped) > MOST_TOLD:
        told.append(f"{len(dropped) - MOST_TOLD} more columns are left out, {len(dropped)} in all")
    for message in told:
        warnings.warn(message, DataWarning, stacklevel=6)


def _level_columns(table: Table, names: list[str]) -> set[str]:
    counts = {name: _whole_values(table[name]) for name in names}
    few = {n: k for n, k in counts.items() if k in LEVELS and k * ROWS_A_LEVEL <= len(table)}
    return set(few) if sum(few.values()) <= MOST_LEVEL_FEATURES else set()


def _whole_values(column: Array) -> int:
    """How many different whole numbers a column has; 0 for a column of anything else."""
    if column.dtype.kind not in "if":
        return 0
    present = column[~missing_in(column)]
    # a float column is one of whole numbers only if gaps made it so
    gaps_made_it_float = column.dtype.kind == "f" and len(present) < len(column)
    whole = column.dtype.kind == "i" or (gaps_made_it_float and bool((present == np.floor(present)).all()))
    return len(np.unique(present)) if whole else 0


def _why_dropped(name: str, column: Array) -> str:
    gaps = missing_in(column)
    present = column[~gaps]
    kind = kind_of(column)
    if kind == "other":
        return f"holds values of type {type(present[0]).__name__}, not numbers, text or dates"
    distinct = len(set(present.tolist()))
    if not distinct:
        return "has no value in any row"
    if distinct == 1 and not gaps.any():
        return f"is {present[0]} in every row"
    if kind == "text" and _is_prose(distinct, len(present)):
        return f"has {distinct} different texts in {len(present)} rows, as an identifier or free text has"
    if kind == "integer" and distinct == len(column) and _IDENTIFIER.fullmatch(name):
        return "numbers the rows, as an identifier does"
    return ""


def _is_prose(distinct: int, rows: int) -> bool:
    few = distinct <= 10 or (distinct <= MOST_CATEGORIES and 2 * distinct <= rows)
    return not few and distinct * 20 > rows


def _fit_column(name: str, column: Array, has_levels: bool) -> list[Encoder]:
    match kind_of(column):
        case "text":
            return [Category(name, tuple(sorted({v for v in column if v is not None})))]
        case "date":
            return _fit_date(name, column)
        case _:
            numeric = _fit_number(name, column)
            levels = dict.fromkeys(texts(np.sort(column[~missing_in(column)]))) if has_levels else {}
            return [*numeric, Category(name, tuple(str(level) for level in levels))] if levels else numeric


def _fit_number(name: str, column: Array) -> list[Encoder]:
    mean, scale = mean_and_scale(f'column "{name}"', column[~missing_in(column)])
    # a column of one value and gaps says only where the gaps are
    return [Number(name, mean, scale)] if scale else []


def _fit_date(name: str, column: Array) -> list[Encoder]:
    present = column[~missing_in(column)]
    found = years(present)
    by_year: list[Encoder] = [Year(name, float(found.mean()), float(found.std()))] if np.ptp(found) else []
    cycles = [Cycle(name, part) for part in PARTS if np.ptp(date_part(present, part))]
    return [*by_year, *cycles]
