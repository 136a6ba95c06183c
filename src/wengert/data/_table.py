"""A table: columns by name, each a NumPy array."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wengert.data._columns import Kind, as_column, kind_of, missing_in, nearest
from wengert.data._read import frame_columns, read_columns
from wengert.errors import DataError

__all__ = ["Table"]

Array = NDArray[Any]


def _no_columns() -> Mapping[str, Array]:
    return {}


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length by name; nothing in it can be changed.

    Args:
        columns: name → one-dimensional values, brought to float64, int64, bool, datetime64[us] or text.
        name: what the table is called in messages and reports.
        target: the column to predict where nobody says otherwise (built-in sets have one).
        image_shape: the shape of a picture whose pixels the input columns are, in order.

    Raises:
        DataError: if the columns differ in length.

    Example:
        >>> from wengert import data
        >>> table = data.Table({"hour": [7, 8, 9], "rides": [20.0, 41.0, None]}, name="rides")
        >>> table
        Table "rides": 3 rows, 2 columns
        >>> table.columns["rides"]
        array([20., 41., nan])
    """

    columns: Mapping[str, Array] = field(default_factory=_no_columns)
    name: str = "table"
    target: str | None = None
    image_shape: tuple[int, ...] | None = None
    rows: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        columns = {str(name): as_column(str(name), values) for name, values in self.columns.items()}
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"the columns of a table have one length, and these have {lengths}")
        self._set(columns, np.arange(1, max(lengths.values(), default=0) + 1))

    def _set(self, columns: Mapping[str, Array], rows: Array) -> Table:
        for column in (*columns.values(), rows):
            column.flags.writeable = False
        object.__setattr__(self, "columns", dict(columns))
        # numbers of the rows where they were read, so that messages about a part of a table are right
        object.__setattr__(self, "rows", rows)
        return self

    @staticmethod
    def read(path: str | Path) -> Table:
        r"""Read a CSV or Parquet file; the table is named after the file.

        Empty fields and NA, N/A, NaN, null, None and ? are missing values. The separator is the one of
        comma, semicolon, tab and bar that the first line has most of.

        Raises:
            DataError: if the file is missing, empty, not a table, or has two columns of one name.

        Example:
            >>> import pathlib, tempfile
            >>> from wengert import data
            >>> path = pathlib.Path(tempfile.mkdtemp(), "rides.csv")
            >>> _ = path.write_text("day,rides\n2011-01-01,985\n2011-01-02,801\n")
            >>> data.Table.read(path).columns["rides"]
            array([985, 801])
        """
        path = Path(path)
        return Table(read_columns(path), name=path.name.split(".")[0])

    @staticmethod
    def from_frame(frame: Any, name: str = "table") -> Table:
        """A table from any dataframe that narwhals knows: polars, pandas, PyArrow, DuckDB, …

        Raises:
            DataError: if ``frame`` is not one of them, or has two columns of one name.

        Example:
            >>> import polars
            >>> from wengert import data
            >>> data.Table.from_frame(polars.DataFrame({"x": [1, None]})).columns["x"]
            array([ 1., nan])
        """
        return Table(frame_columns(frame), name=name)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f'Table "{self.name}": {len(self)} rows, {len(self.columns)} columns'

    def __getitem__(self, name: str) -> Array:
        """The column called ``name``.

        Raises:
            DataError: if there is none; the message suggests the nearest name.
        """
        self.require(name)
        return self.columns[name]

    def kind(self, name: str) -> Kind:
        """What a column holds: number, integer, boolean, date, text or other.

        Example:
            >>> from wengert import data
            >>> data.blobs().kind("label")
            'integer'
        """
        return kind_of(self[name])

    def missing(self, name: str) -> NDArray[np.bool_]:
        """Where a column has no value.

        Example:
            >>> from wengert import data
            >>> data.Table({"x": [1.0, None]}).missing("x")
            array([False,  True])
        """
        return missing_in(self[name])

    def require(self, *names: str, what: str = "column") -> None:
        """Raise a DataError unless every one of ``names`` is a column.

        Example:
            >>> from wengert import data
            >>> data.blobs().require("lable")
            Traceback (most recent call last):
              ...
            wengert.errors.DataError: "blobs" has no column "lable". Did you mean "label"? It has: x1, ...
        """
        for name in names:
            if name not in self.columns:
                known = ", ".join(list(self.columns)[:30]) + (", …" if len(self.columns) > 30 else "")
                raise DataError(f'"{self.name}" has no {what} "{name}".{nearest(name, self.columns)} It has: {known}')

    def take(self, rows: ArrayLike) -> Table:
        """The table of these rows, in this order; ``rows`` are indices or one boolean a row.

        Example:
            >>> from wengert import data
            >>> data.Table({"x": [1, 2, 3]}).take([2, 0])["x"]
            array([3, 1])
        """
        index = np.asarray(rows)
        index = index if index.dtype == bool else index.astype(np.int64)
        return copy.copy(self)._set({n: c[index] for n, c in self.columns.items()}, self.rows[index])

    def drop(self, names: Iterable[str]) -> Table:
        """The table without these columns.

        Example:
            >>> from wengert import data
            >>> list(data.blobs().drop(["label"]).columns)
            ['x1', 'x2']
        """
        gone = [names] if isinstance(names, str) else list(names)
        self.require(*gone, what="column to drop")
        kept = {name: column.view() for name, column in self.columns.items() if name not in gone}
        return copy.copy(self)._set(kept, self.rows)

    def without_missing(self, *names: str) -> Table:
        """The rows in which each of these columns (all, where none is named) has a value.

        Example:
            >>> from wengert import data
            >>> len(data.Table({"x": [1.0, None, 3.0]}).without_missing("x"))
            2
        """
        self.require(*names)
        gaps = np.zeros(len(self), dtype=bool)
        for name in names or self.columns:
            gaps |= missing_in(self.columns[name])
        return self.take(~gaps)

    def arrays(self, target: str | None = None) -> tuple[NDArray[np.float64], Array]:
        """``(inputs, targets)`` as they are: a float64 matrix of all columns but the target, and the target.

        For tables of numbers; :class:`Encoding` prepares any other.

        Raises:
            DataError: if no target is known, or a column is neither numbers nor booleans.

        Example:
            >>> from wengert import data
            >>> x, y = data.moons(100).arrays()
            >>> x.shape, y.shape
            ((100, 2), (100,))
        """
        chosen = self.target if target is None else target
        if chosen is None:
            raise DataError(f'"{self.name}" has no target of its own; write table.arrays("column")')
        inputs = [name for name in self.columns if name != chosen]
        for name in inputs:
            if self.columns[name].dtype.kind not in "bif":
                raise DataError(
                    f'column "{name}" of "{self.name}" is not numbers; encode the table: '
                    f'data.Encoding.fit(table, "{chosen}").inputs(table)'
                )
        matrix = [self.columns[name].astype(np.float64) for name in inputs]
        return np.stack(matrix, axis=1) if matrix else np.empty((len(self), 0)), self[chosen]
