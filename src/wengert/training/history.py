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
            epochs = [int(epoch) for epoch in config["epochs"]]
            if any(len(values) != len(epochs) for values in columns.values()):
                raise ValueError("a column has another length than the epochs")
            return cls(epochs, columns)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f'this is no history, {{"epochs": […], "columns": {{…}}}}: {error!r}') from error

    @property
    def best_epoch(self) -> int:
        """The epoch of the smallest validation loss (of the smallest loss, where nothing was held out); 0 without one.

        Example:
            >>> from wengert.training import History
            >>> History([1, 2, 3], {"loss": [3.0, 2.0, 1.0], "validation_loss": [3.0, 1.0, 2.0]}).best_epoch
            2
        """
        losses = self.columns.get("validation_loss", self.columns.get("loss", []))
        good = [(loss, epoch) for epoch, loss in zip(self.epochs, losses, strict=False) if math.isfinite(loss)]
        return min(good, default=(0.0, 0))[1]

    def plot(self, names: Sequence[str] | None = None, axes: Any = None, *, log: bool | None = None) -> Any:
        """Draw columns over the epochs, by default every loss, mark the best epoch, and give matplotlib's axes.

        ``log`` chooses a logarithmic axis; None takes one where all values are positive and span more than a factor of
        30. Needs the extra ``plots``.

        Raises:
            DataError: if there is no such column.
            UnsupportedError: without matplotlib.

        Example:
            >>> from wengert.training import History
            >>> axes = History([1, 2], {"loss": [9.0, 0.1]}).plot()  # doctest: +SKIP
            >>> axes.get_yscale()  # doctest: +SKIP
            'log'
        """
        names = [name for name in self.columns if name.endswith("loss")] if names is None else names
        values = [self[name] for name in names]
        axes = _new_axes() if axes is None else axes
        styles = [axes.plot(self.epochs, column, label=name)[0] for name, column in zip(names, values, strict=True)]
        if _spans(values) if log is None else log:
            axes.set_yscale("log")
        if len(self) > 1 and self.best_epoch:
            self._mark(axes, values, [style.get_color() for style in styles])
        axes.set_xlabel("epoch")
        if names:
            axes.legend()
        return axes

    def _mark(self, axes: Any, values: Sequence[Sequence[float]], colors: Sequence[Any]) -> None:
        """A dashed line at the best epoch, and a dot where it meets each column."""
        best = self.best_epoch
        place = self.epochs.index(best)
        axes.vlines(best, 0, 1, transform=axes.get_xaxis_transform(), colors="0.5", linestyles=":", linewidth=1)
        axes.scatter([best] * len(values), [column[place] for column in values], color=colors, s=18, zorder=3)
        side = "right" if best > (self.epochs[0] + self.epochs[-1]) / 2 else "left"
        axes.annotate(f" best epoch {best} ", (best, 0.02), xycoords=axes.get_xaxis_transform(), ha=side, color="0.4",
                      fontsize="small")  # fmt: skip

    def _repr_html_(self) -> str:
        """The curves, in a notebook."""
        from wengert.explain.report import history_html

        return history_html(self)


def _spans(values: Sequence[Sequence[float]]) -> bool:
    """Whether values are better seen on a logarithmic axis."""
    found = [value for column in values for value in column if math.isfinite(value)]
    return bool(found) and min(found) > 0 and max(found) > 30 * min(found)


def _new_axes() -> Any:
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise UnsupportedError("History.plot draws with matplotlib: pip install 'wengert[plots]'") from None
    return plt.subplots()[1]
