"""What was measured after each epoch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from wengert.errors import DataError, UnsupportedError

__all__ = ["History"]


@final
@dataclass(frozen=True)
class History:
    """The epochs that were completed, from 1, and a column of numbers for each thing measured.

    Columns are ``loss``, ``validation_loss``, the metrics by name and with ``validation_`` before it,
    ``learning_rate``, ``seconds``, and for each layer the norms of the epoch's last step: ``gradient_norm/<layer>``
    and ``update_norm/<layer>``, and ``weight_norm/<layer>`` after it.

    Example:
        >>> from wengert.training import History
        >>> history = History().appended({"loss": 0.7}).appended({"loss": 0.4})
        >>> history.epochs, history["loss"], len(history)
        ([1, 2], [0.7, 0.4], 2)
    """

    epochs: list[int] = field(default_factory=list[int])
    columns: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def __len__(self) -> int:
        return len(self.epochs)

    def __getitem__(self, name: str) -> list[float]:
        try:
            return self.columns[name]
        except KeyError:
            names = ", ".join(self.columns) or "none"
            raise DataError(f'the history has no column "{name}"; it has {names}') from None

    def appended(self, row: Mapping[str, float]) -> History:
        """This history and one more epoch; the one it is called on stays as it is."""
        columns = {name: [*self.columns.get(name, []), float(value)] for name, value in row.items()}
        return History([*self.epochs, len(self.epochs) + 1], columns)

    def to_config(self) -> dict[str, Any]:
        """Lists and numbers for a JSON file; what is not finite becomes None.

        Example:
            >>> from wengert.training import History
            >>> History().appended({"loss": 0.5}).to_config()
            {'epochs': [1], 'columns': {'loss': [0.5]}}
        """
        columns = {
            name: [value if math.isfinite(value) else None for value in values] for name, values in self.columns.items()
        }
        return {"epochs": list(self.epochs), "columns": columns}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> History:
        """The history that :meth:`to_config` wrote.

        Raises:
            DataError: if ``config`` is none.

        Example:
            >>> from wengert.training import History
            >>> History.from_config({"epochs": [1], "columns": {"loss": [0.5]}})["loss"]
            [0.5]
        """
        try:
            columns = {
                name: [math.nan if value is None else float(value) for value in values]
                for name, values in config["columns"].items()
            }
            return cls([int(epoch) for epoch in config["epochs"]], columns)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f'this is no history, {{"epochs": […], "columns": {{…}}}}: {error!r}') from error

    def plot(self, names: Sequence[str] | None = None, axes: Any = None) -> Any:
        """Draw columns over the epochs, by default every loss, and give matplotlib's axes.

        Needs the extra ``plots``.
        """
        names = [name for name in self.columns if name.endswith("loss")] if names is None else names
        values = [self[name] for name in names]
        axes = _new_axes() if axes is None else axes
        for name, column in zip(names, values, strict=True):
            axes.plot(self.epochs, column, label=name)
        axes.set_xlabel("epoch")
        axes.legend()
        return axes


def _new_axes() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise UnsupportedError("History.plot draws with matplotlib: pip install 'wengert[plots]'") from None
    return plt.subplots()[1]
