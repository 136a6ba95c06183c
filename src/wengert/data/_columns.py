"""One column of a table as a NumPy array of one of five kinds, and what is missing in it."""

from __future__ import annotations

import datetime
import difflib
import numbers
import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from wengert.errors import DataError

__all__ = ["DataWarning", "Kind", "as_column", "kind_of", "missing_in", "named_rows", "nearest", "some_of"]

type_ = type
Kind = Literal["number", "integer", "boolean", "date", "text", "other"]
Array = NDArray[Any]

_KINDS: dict[str, Kind] = {"f": "number", "i": "integer", "b": "boolean", "M": "date"}
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?Z?")
_DATES = (datetime.date, np.datetime64)


class DataWarning(UserWarning):
    """A column or a value of a table was left out, and the message says which and why."""


def as_column(name: str, values: Any) -> Array:
    """``values`` as a column: float64, int64, bool, datetime64[us], or text (objects, str or None).

    What is missing is NaN, NaT or None; whole numbers and booleans with gaps become float64. Text that
    is all ISO 8601 dates becomes dates. Anything else (lists, bytes) stays as objects.

    Raises:
        DataError: if ``values`` is not one-dimensional, or complex.

    Example:
        >>> as_column("paid", [True, None, False])
        array([ 1., nan,  0.])
        >>> as_column("day", ["2011-01-01", None]).dtype
        dtype('<M8[us]')
    """
    array = _plain_array(values)
    if array.ndim != 1:
        raise DataError(
            f'column "{name}" has shape {array.shape}; a column is one-dimensional, '
            f"one value a row: give each of its parts a column of its own"
        )
    match array.dtype.kind:
        case "b" | "f" | "i" | "u":
            return _numeric(array)
        case "M":
            return array.astype("datetime64[us]")
        case "m":
            return array.astype("timedelta64[us]") / np.timedelta64(1, "s")
        case "c":
            raise DataError(f'column "{name}" is complex; give its real and imaginary part a column each')
        case _:
            return _from_objects(array.astype(object))


def _plain_array(values: Any) -> Array:
    """NumPy's reading of ``values``; a list goes in as objects, so that 1 and "a" stay what they are."""
    if not isinstance(values, (list, tuple)):
        return np.asarray(values)
    if any(isinstance(value, (list, tuple, np.ndarray)) for value in values):
        return _objects(values)
    array = np.asarray(values)
    return array if array.dtype.kind in "bifuM" else _objects(values)


def _objects(values: Sequence[Any]) -> Array:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _numeric(array: Array) -> Array:
    if array.dtype.kind == "u" and array.size and array.max() > np.iinfo(np.int64).max:
        return array.astype(np.float64)
    kind = {"b": np.bool_, "f": np.float64}.get(array.dtype.kind, np.int64)
    return array.astype(kind)


def _is_missing(value: Any) -> bool:
    # NaN and NaT are what differs from itself; pandas' NA refuses to be asked
    return value is None or type_(value).__name__ == "NAType" or (np.ndim(value) == 0 and bool(value != value))


def _from_objects(array: Array) -> Array:
    gaps = np.array([_is_missing(value) for value in array], dtype=bool)
    present = array[~gaps]
    if not present.size:
        return np.full(array.shape, np.nan)
    if _all(present, (bool, np.bool_)):
        return _filled(array, gaps, np.bool_)
    if _all(present, (numbers.Integral,)):
        return _filled(array, gaps, np.int64)
    if _all(present, (numbers.Number,)) or {type_(v).__name__ for v in present} <= {
        "Decimal",
        "int",
        "float",
    }:
        return _filled(array, gaps, np.float64)
    if _all(present, _DATES):
        return _dates(array, gaps)
    if _all(present, (str, numbers.Number, np.bool_)):
        return _text(array, gaps)
    return array


def _all(values: Iterable[Any], kinds: tuple[type, ...]) -> bool:
    return all(isinstance(value, kinds) for value in values)


def _filled(array: Array, gaps: Array, dtype: Any) -> Array:
    if not gaps.any():
        try:
            return array.astype(dtype)
        except OverflowError:  # whole numbers beyond 64 bits
            dtype = np.float64
    out = np.full(array.shape, np.nan)
    out[~gaps] = array[~gaps].astype(np.float64)
    return out


def _dates(array: Array, gaps: Array) -> Array:
    out = np.full(array.shape, np.datetime64("NaT", "us"), dtype="datetime64[us]")
    # the clock on the wall matters to what people do, not the instant: the zone is dropped
    out[~gaps] = [v.replace(tzinfo=None) if isinstance(v, datetime.datetime) else v for v in array[~gaps]]
    return out


def _text(array: Array, gaps: Array) -> Array:
    out = np.full(array.shape, None, dtype=object)
    out[~gaps] = [str(value) for value in array[~gaps]]
    texts = out[~gaps]
    if all(_ISO_DATE.fullmatch(text) for text in texts):
        try:
            return _dates(_objects([t and np.datetime64(t.rstrip("Z")) for t in out]), gaps)
        except ValueError:  # it looks like a date and is none: 2011-13-01
            pass
    return out


def kind_of(column: Array) -> Kind:
    """The kind of a column made by :func:`as_column`.

    Example:
        >>> kind_of(as_column("city", ["Kyiv", None]))
        'text'
    """
    if column.dtype.kind == "O":
        return "text" if all(value is None or isinstance(value, str) for value in column) else "other"
    return _KINDS[column.dtype.kind]


def missing_in(column: Array) -> NDArray[np.bool_]:
    """Where ``column`` has no value.

    Example:
        >>> missing_in(as_column("city", ["Kyiv", None]))
        array([False,  True])
    """
    match column.dtype.kind:
        case "f":
            return np.isnan(column)
        case "M":
            return np.isnat(column)
        case "O":
            return np.array([value is None for value in column], dtype=bool)
        case _:
            return np.zeros(column.shape, dtype=bool)


def nearest(name: str, names: Iterable[str]) -> str:
    """A clause that suggests the name meant, or an empty text.

    Example:
        >>> nearest("CTN", ["cnt", "temp"])
        ' Did you mean "cnt"?'
    """
    by_lower = {other.lower(): other for other in names}
    found = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)
    return f' Did you mean "{by_lower[found[0]]}"?' if found else ""


def some_of(words: Sequence[str], separator: str = ", ", limit: int = 10) -> str:
    """The first of many words for a message, and how many more there are.

    Example:
        >>> some_of(["a", "b", "c", "d"], limit=2)
        'a, b and 2 more'
    """
    shown = separator.join(words[:limit])
    return (
        f"{shown}{' ' if separator == ', ' else separator}and {len(words) - limit} more"
        if len(words) > limit
        else shown
    )


def named_rows(rows: Sequence[int] | Array, limit: int = 5) -> str:
    """Row numbers for a message, the first few of them.

    Example:
        >>> named_rows([3, 8, 9, 11], limit=2)
        'rows 3, 8 and 2 more'
    """
    shown = ", ".join(str(row) for row in rows[:limit])
    more = f" and {len(rows) - limit} more" if len(rows) > limit else ""
    return f"row{'s' if len(rows) > 1 else ''} {shown}{more}"
