"""Files and dataframes → columns. Polars reads files, narwhals reads dataframes; both load here only."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from wengert.data._columns import nearest
from wengert.errors import DataError

__all__ = ["frame_columns", "not_installed", "read_columns"]

MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"]
TEXT, PARQUET = (".csv", ".tsv", ".txt"), (".parquet", ".pq")


def not_installed(package: str, extra: str, purpose: str) -> DataError:
    """The error for an optional package that is absent: it says what to install.

    Example:
        >>> print(not_installed("polars", "tables", "reading a file"))
        reading a file needs polars, which is not installed: pip install 'wengert[tables]'
    """
    return DataError(f"{purpose} needs {package}, which is not installed: pip install 'wengert[{extra}]'")


def _polars(purpose: str) -> Any:
    try:
        import polars
    except ImportError as error:
        raise not_installed("polars", "tables", purpose) from error
    return polars


def _narwhals(purpose: str) -> Any:
    try:
        import narwhals
    except ImportError as error:
        raise not_installed("narwhals", "tables", purpose) from error
    return narwhals


def read_columns(path: Path) -> Mapping[str, Any]:
    """The columns of a CSV or Parquet file."""
    _check_file(path)
    polars = _polars(f'reading "{path.name}"')
    if path.suffix.lower() in PARQUET:
        frame = _reading(path, polars, lambda: polars.read_parquet(path))
    else:
        separator, line_end = _check_header(path)
        frame = _reading(
            path,
            polars,
            lambda: polars.read_csv(
                path, separator=separator, eol_char=line_end, null_values=MISSING, infer_schema_length=None
            ),
        )
    if not frame.width or not frame.height:
        raise DataError(f'"{path}" has names of columns and no rows below them; there is nothing to learn from')
    return frame_columns(frame)


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise DataError(f'"{path}" is a directory; name one file in it{_tables_in(path)}')
    if not path.exists():
        siblings = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
        where = "" if path.is_absolute() else f" in {Path.cwd()}"
        raise DataError(f'there is no file "{path}"{where}.{nearest(path.name, siblings)}')
    if path.suffix.lower() not in TEXT + PARQUET:
        raise DataError(
            f'"{path.name}" ends in "{path.suffix}", and tables are read from {", ".join(TEXT + PARQUET)}; '
            f"save it as one of them, or read it yourself: data.Table.from_frame(dataframe)"
        )
    if not path.is_file():
        raise DataError(f'"{path}" is not a regular file; write the table to a file first')
    try:
        with path.open("rb") as file:
            start = file.read(1)
    except OSError as error:
        raise DataError(f'"{path}" cannot be read: {error.strerror}') from error
    if not start:
        raise _empty(path)


def _empty(path: Path) -> DataError:
    return DataError(f'"{path}" is empty; a table has a line of column names and a line for each row')


def _tables_in(path: Path) -> str:
    found = sorted(p.name for p in path.iterdir() if p.suffix.lower() in TEXT + PARQUET)
    return f" ({', '.join(found[:5])})" if found else ""


def _reading(path: Path, polars: Any, read: Any) -> Any:
    try:
        return read()
    except (polars.exceptions.PolarsError, OSError) as error:
        reason = str(error).strip().split("\n")[0]
        if "more fields" in reason:
            reason = "a row has more fields than the line of names: quote the fields that hold the separator"
        raise DataError(f'"{path}" cannot be read as a table: {reason}') from error


def _check_header(path: Path) -> tuple[str, str]:
    """The separator and the line end of a text file, whose first line has to name each column once."""
    with path.open("rb") as file:
        start = file.read(1 << 20)
    # some programs still end lines as the Macintosh did before 2001
    line_end = b"\n" if b"\n" in start or b"\r" not in start else b"\r"
    try:
        text = start[: start.rfind(line_end) + 1 or None].decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise DataError(f'"{path}" is not a text file in UTF-8; save the table as CSV in UTF-8, or as Parquet')
    lines = text.lstrip().splitlines()
    if not lines:
        raise _empty(path)
    separator = max(",;\t|", key=lines[0].count)
    _check_names(path.name, next(csv.reader(lines, delimiter=separator)))
    return separator, line_end.decode()


def _check_names(table: str, names: list[str]) -> None:
    if all(_is_number(name) for name in names) and any("." in name for name in names):
        raise DataError(
            f'the first line of "{table}" is numbers ({", ".join(names[:4])}, …) and not names of columns; '
            f"put a line of names above it"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        places = [str(i + 1) for i, name in enumerate(names) if name == twice[0]]
        raise DataError(
            f'"{table}" has {len(places)} columns called "{twice[0]}" (columns {", ".join(places)}); '
            f"give each column a name of its own"
        )


def _is_number(text: str) -> bool:
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


def frame_columns(frame: Any) -> Mapping[str, Any]:
    """The columns of any dataframe that narwhals knows, as arrays or lists of Python values."""
    narwhals = _narwhals("reading a dataframe")
    try:
        table = narwhals.from_native(frame)
    except TypeError as error:
        raise DataError(
            f"a {type(frame).__name__} is not a dataframe; pass one of polars, pandas or PyArrow, "
            f"or arrays by name: data.Table({{'x': x, 'y': y}})"
        ) from error
    except narwhals.exceptions.NarwhalsError as error:  # pandas allows two columns of one name
        raise DataError(f"the dataframe cannot be read as a table: {' '.join(str(error).split())}") from error
    table = table.collect() if isinstance(table, narwhals.LazyFrame) else table
    return {str(series.name): _series_values(series) for series in table.iter_columns()}


def _series_values(series: Any) -> Any:
    """Numbers without gaps as an array; everything else as Python values, None where missing."""
    if series.dtype.is_numeric() and not series.dtype.is_decimal() and not series.null_count():
        return series.to_numpy()
    return series.to_list()
