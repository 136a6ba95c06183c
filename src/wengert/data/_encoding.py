"""A table as the matrix a network learns from, and its outputs back in the table's terms."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wengert.data._columns import Array, DataWarning, missing_in, some_of
from wengert.data._encoders import Encoder, Missing, encoder_from_config
from wengert.data._fit import MOST_TOLD, fit_columns
from wengert.data._table import Table
from wengert.data._target import (
    Amount,
    Classes,
    Task,
    check_finite,
    find_task,
    fit_target,
    target_from_config,
)
from wengert.errors import DataError

__all__ = ["Encoding"]


@dataclass(frozen=True)
class Encoding:
    """What turns the columns of a table into inputs and targets; fitted on the training rows only.

    - numbers: standardised; whole numbers of few values (a month, an hour) also one column a value;
    - booleans: as numbers; text of few values: one column a value, all zeros for a value not seen before;
    - dates: year standardised, month, day, weekday and hour as sine and cosine, where they vary;
    - missing values: the mean (or zeros), and a column that says so where the training rows had any;
    - pictures (``table.image_shape``): all pixels are kept and share one mean and scale.

    Constant columns and identifiers are left out with a :class:`DataWarning`; ``dropped`` says why.

    Example:
        >>> from wengert import data
        >>> columns = {"hour": [7.0, 8.5, 9.0], "sky": ["dry", "wet", "dry"], "rides": [20.0, 10.0, 30.0]}
        >>> table = data.Table(columns)
        >>> encoding = data.Encoding.fit(table, "rides")
        >>> encoding.task, encoding.features
        ('regression', ('hour', 'sky=dry', 'sky=wet'))
        >>> encoding.inputs(table).shape
        (3, 3)
        >>> encoding.decode(encoding.targets(table))
        array([20., 10., 30.])
    """

    encoders: tuple[Encoder, ...]
    target: Amount | Classes | None = None
    dropped: Mapping[str, str] = dataclasses.field(default_factory=lambda: dict[str, str]())

    @staticmethod
    def fit(table: Table, target: str | None = None, drop: Sequence[str] = (), task: Task | None = None) -> Encoding:
        """The encoding of ``table``, in which every column but ``target`` and ``drop`` is an input.

        Without ``target`` the table's own is taken; where it has none, there are only inputs.

        Raises:
            DataError: if a column is not there, the target cannot be learned, an input is infinite, or no
                input is left.
        """
        target = table.target if target is None else target
        table.require(*drop, what="column to drop")
        if target is not None and target in drop:
            raise DataError(f'"{target}" is the target and cannot be dropped; leave it out of drop')
        goal = None if target is None else fit_target(table, target, find_task(table, target, task))
        names = [name for name in table.columns if name != target and name not in drop]
        check_finite(table, names)
        encoders, dropped = fit_columns(table, names)
        if not encoders:
            reasons = some_of([f'"{name}" {reason}' for name, reason in dropped.items()], "\n  ")
            why = f"\n  {reasons}" if reasons else "; drop fewer of them"
            raise DataError(f'"{table.name}" has no column left to learn from{why}')
        return Encoding(tuple(encoders), goal, dropped)

    @property
    def task(self) -> Task | None:
        """``"regression"``, ``"classification"``, or None without a target."""
        if self.target is None:
            return None
        return "regression" if isinstance(self.target, Amount) else "classification"

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the columns of :meth:`inputs`."""
        return tuple(feature for encoder in self.encoders for feature in encoder.features)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the table's columns that are read."""
        return tuple(dict.fromkeys(encoder.name for encoder in self.encoders))

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of the logits; empty for regression."""
        return self.target.classes if isinstance(self.target, Classes) else ()

    @property
    def target_mean(self) -> float:
        """The mean of the training targets; 0 for classification."""
        return self.target.mean if isinstance(self.target, Amount) else 0.0

    @property
    def target_scale(self) -> float:
        """The standard deviation of the training targets; 1 for classification."""
        return self.target.scale if isinstance(self.target, Amount) else 1.0

    def inputs(self, table: Table) -> NDArray[np.float64]:
        """The encoded columns, float64 of shape (rows, len(features)).

        Raises:
            DataError: if a column is not there, is of another kind than in training, or infinite.
        """
        table.require(*self.columns)
        check_finite(table, list(self.columns))
        encoded = [encoder.encode(table) for encoder in self.encoders]
        self._warn_of_gaps(table)
        return np.concatenate(encoded, axis=1)

    def _warn_of_gaps(self, table: Table) -> None:
        expected = {encoder.name for encoder in self.encoders if isinstance(encoder, Missing)}
        gaps = {name: int(missing_in(table[name]).sum()) for name in self.columns if name not in expected}
        found = [(name, count) for name, count in gaps.items() if count]
        for name, count in found[:MOST_TOLD]:
            warnings.warn(
                f'column "{name}" has {count} missing values and had none in training; '
                f"they are taken as its mean, or as none of its categories",
                DataWarning,
                stacklevel=3,
            )
        if len(found) > MOST_TOLD:
            more = f"{len(found) - MOST_TOLD} more columns have missing values and had none in training"
            warnings.warn(more, DataWarning, stacklevel=3)

    def targets(self, table: Table) -> NDArray[np.float64] | NDArray[np.int64]:
        """Standardised numbers (float64) or class numbers (int64), shape (rows,).

        Raises:
            DataError: if the column is not there, a value is missing, or a class is not known.
        """
        return self._goal().encode(table)

    def decode(self, outputs: ArrayLike) -> Array:
        """A network's outputs in the table's terms, shape (n,).

        Regression: (n,) or (n, 1) → the target's units. Classification: logits (n, k) → labels.
        """
        return self._goal().decode(outputs)

    def _goal(self) -> Amount | Classes:
        if self.target is None:
            raise DataError('this encoding has no target; fit it with one: Encoding.fit(table, "column")')
        return self.target

    def to_config(self) -> dict[str, Any]:
        """The encoding as JSON can hold it.

        Example:
            >>> import json
            >>> from wengert import data
            >>> encoding = data.Encoding.fit(data.blobs())
            >>> data.Encoding.from_config(json.loads(json.dumps(encoding.to_config()))) == encoding
            True
        """
        return {
            "encoders": [encoder.to_config() for encoder in self.encoders],
            "target": None if self.target is None else dataclasses.asdict(self.target),
            "dropped": dict(self.dropped),
        }

    @staticmethod
    def from_config(config: Mapping[str, Any]) -> Encoding:
        """The encoding that :meth:`to_config` described.

        Raises:
            DataError: if ``config`` is not such a description.
        """
        try:
            return Encoding(
                tuple(encoder_from_config(each) for each in config["encoders"]),
                None if config["target"] is None else target_from_config(config["target"]),
                dict(config["dropped"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"this is not an encoding's description ({type(error).__name__}: {error}); "
                f"write it by encoding.to_config()"
            ) from error
