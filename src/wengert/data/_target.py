"""What is learned: an amount (regression) or a class (classification)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wengert.data._columns import Array, kind_of, missing_in, named_rows
from wengert.data._encoders import numbers, texts
from wengert.data._scale import mean_and_scale, standardised
from wengert.data._table import Table
from wengert.errors import DataError

__all__ = ["Amount", "Classes", "Task", "check_finite", "find_task", "fit_target", "target_from_config"]

Task = Literal["regression", "classification"]

# a whole number with at most so many different values, each in two rows or more on average, is a class
FEW_CLASSES = 20
MOST_CLASSES = 1000


@dataclass(frozen=True)
class Amount:
    """A number to predict, learned as ``(y - mean) / scale``."""

    name: str
    mean: float
    scale: float

    def encode(self, table: Table) -> NDArray[np.float64]:
        """Standardised targets, shape (rows,)."""
        check_target_values(table, self.name)
        return standardised(_called(self.name), numbers(table, self.name), self.mean, self.scale, table.rows)

    def decode(self, outputs: ArrayLike) -> NDArray[np.float64]:
        """Outputs (n,) or (n, 1) in the target's own units, shape (n,)."""
        values = np.asarray(outputs, dtype=np.float64)
        if values.ndim > 2 or (values.ndim == 2 and values.shape[1] != 1):
            raise DataError(f'outputs for the number "{self.name}" are (n,) or (n, 1), not {values.shape}')
        return values.reshape(-1) * self.scale + self.mean


@dataclass(frozen=True)
class Classes:
    """A class to predict; its number is the place of its label."""

    name: str
    labels: tuple[Any, ...]

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels as text."""
        return tuple(str(label) for label in self.labels)

    def encode(self, table: Table) -> NDArray[np.int64]:
        """Class numbers, int64 of shape (rows,)."""
        check_target_values(table, self.name)
        place = {label: i for i, label in enumerate(self.classes)}
        values = texts(table[self.name])
        unknown = sorted({str(value) for value in values if value not in place})
        if unknown:
            raise DataError(
                f'the target "{self.name}" has the class "{unknown[0]}", which the encoding does not know; '
                f"it was fitted on {', '.join(self.classes[:10])}"
            )
        return np.array([place[str(value)] for value in values], dtype=np.int64)

    def decode(self, outputs: ArrayLike) -> Array:
        """The label of the largest of each row of logits (n, k), shape (n,)."""
        logits = np.asarray(outputs)
        if logits.ndim != 2 or logits.shape[1] != len(self.labels):
            raise DataError(f"logits for {len(self.labels)} classes are (n, {len(self.labels)}), not {logits.shape}")
        return np.asarray(self.labels)[np.argmax(logits, axis=1)]


def _called(name: str) -> str:
    return f'the target "{name}"'


def find_task(table: Table, target: str, task: Task | None = None) -> Task:
    """Whether ``target`` is an amount or a class, after a check that it can be learned at all.

    Text, booleans and whole numbers of at most 20 different values are classes; other numbers are amounts.
    ``task`` decides otherwise where that is possible.

    Raises:
        DataError: if the column is not there, has missing or infinite values, is the same in every row, or
            does not suit ``task``.

    Example:
        >>> from wengert import data
        >>> data.find_task(data.Table({"rides": [16, 40, 32], "paid": [True, False, True]}), "rides")
        'regression'
        >>> data.find_task(data.Table({"rides": [16, 40, 32], "paid": [True, False, True]}), "paid")
        'classification'
    """
    if task not in (None, "regression", "classification"):
        raise DataError(f'task is "regression" or "classification", not {task!r}')
    check_target_values(table, target)
    column = table[target]
    kinds = len(set(column.tolist()))
    if kinds < 2:
        raise DataError(
            f'the target "{target}" is {column[0]} in every one of the {len(table)} rows; there is nothing to learn'
        )
    found = task or _natural_task(column, kinds)
    refuse = _refuse_amount if found == "regression" else _refuse_classes
    refuse(target, column, kinds)
    return found


def _natural_task(column: Array, kinds: int) -> Task:
    kind = kind_of(column)
    few = kinds <= FEW_CLASSES and 2 * kinds <= len(column)
    return "classification" if kind in ("text", "boolean") or (kind == "integer" and few) else "regression"


def _refuse_amount(target: str, column: Array, kinds: int) -> None:
    if column.dtype.kind in "bif":
        return
    shown = ", ".join(f'"{value}"' for value in list(dict.fromkeys(column.tolist()))[:3])
    kind = {"date": "dates", "other": "neither numbers nor text"}.get(kind_of(column), "text")
    fix = f'learn its {kinds} classes with task="classification", or turn' if kind == "text" else "turn"
    raise DataError(
        f'the target "{target}" is {kind} ({shown}, …) and regression predicts numbers; {fix} the column into numbers'
    )


def _refuse_classes(target: str, column: Array, kinds: int) -> None:
    if kind_of(column) in ("date", "other"):
        _refuse_amount(target, column, kinds)
    too_many = kinds > MOST_CLASSES or (kinds > FEW_CLASSES and 2 * kinds > len(column))
    if too_many:
        number = column.dtype.kind in "if"
        fix = 'use task="regression"' if number else "choose a column whose values repeat"
        raise DataError(
            f'the target "{target}" has {kinds} different values in {len(column)} rows: too many to be classes; {fix}'
        )


def check_target_values(table: Table, target: str) -> None:
    """Raise a DataError unless the target has a finite value in each of at least two rows."""
    table.require(target)
    column, n = table[target], len(table)
    if n < 2:
        raise DataError(f'"{table.name}" has {n} row{"s" * (n != 1)}; learning needs rows to learn from and to test on')
    gaps = missing_in(column)
    if gaps.any():
        where = f"{gaps.sum()} of {n} rows ({named_rows(table.rows[gaps])})"
        raise DataError(
            f'the target "{target}" has no value in {where}; '
            f'remove these rows, from the file or by table.without_missing("{target}")'
        )
    check_finite(table, [target])


def check_finite(table: Table, names: list[str]) -> None:
    """Raise a DataError if one of these columns holds an infinite number; the message says where."""
    for name in names:
        column = table[name]
        bad = np.isinf(column) if column.dtype.kind == "f" else np.zeros(0, dtype=bool)
        if bad.any():
            where = f"{bad.sum()} of {len(table)} rows ({named_rows(table.rows[bad])})"
            raise DataError(
                f'column "{name}" is infinite in {where}; leave these fields empty (missing), or drop the column'
            )


def fit_target(table: Table, target: str, task: Task) -> Amount | Classes:
    """The target of ``task`` with the mean and scale, or the labels, of this table."""
    column = table[target]
    if task == "regression":
        return Amount(target, *mean_and_scale(_called(target), numbers(table, target)))
    labels = sorted(set(column.tolist()))
    if column.dtype.kind == "f" and all(label == int(label) for label in labels):
        labels = [int(label) for label in labels]
    return Classes(target, tuple(labels))


def target_from_config(config: dict[str, Any]) -> Amount | Classes:
    """The target that was stored as JSON."""
    if "labels" in config:
        return Classes(config["name"], tuple(config["labels"]))
    return Amount(config["name"], config["mean"], config["scale"])
