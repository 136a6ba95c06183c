"""A table by the name of a built-in set or the path of a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from wengert.data._bundled import breast_cancer, diabetes, digits
from wengert.data._columns import nearest
from wengert.data._synthetic import blobs, circles, moons, polynomial_regression, spirals, triangle
from wengert.data._table import Table
from wengert.errors import DataError

__all__ = ["BUILT_IN", "load"]

_SETS: tuple[Callable[[], Table], ...] = (
    digits,
    diabetes,
    breast_cancer,
    blobs,
    triangle,
    moons,
    circles,
    spirals,
    polynomial_regression,
)
#: name → function, for every set that :func:`load` knows by name
BUILT_IN: dict[str, Callable[[], Table]] = {make.__name__: make for make in _SETS}


def load(name_or_path: str | Path) -> Table:
    """A built-in set by its name, or the table in a CSV or Parquet file.

    Raises:
        DataError: if it is neither; the message suggests the nearest name.

    Example:
        >>> from wengert import data
        >>> data.load("moons")
        Table "moons": 200 rows, 3 columns
    """
    name = str(name_or_path)
    if name in BUILT_IN:
        return BUILT_IN[name]()
    path = Path(name_or_path)
    if not path.exists() and not path.suffix and path.name == name:
        raise DataError(
            f'"{name}" is neither a file nor a built-in set.{nearest(name, BUILT_IN)} '
            f"Built-in sets: {', '.join(BUILT_IN)}"
        )
    return Table.read(path)
