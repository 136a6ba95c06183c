"""Learning curves: which columns of a history are drawn, and how; in reports and in notebooks."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Protocol

from wengert.explain.charts import Series, line_chart
from wengert.explain.charts.elements import WIDTH, tag
from wengert.explain.charts.numbers import finite, number
from wengert.explain.report.metrics import metric_name, plain_name

__all__ = ["column", "curve", "curve_keys", "curve_title", "history_html", "loss_words"]

Columns = Mapping[str, Sequence[float]]
_OTHER_COLUMNS = {"epoch", "loss", "validation_loss", "learning_rate", "seconds"}
# a notebook's theme is not the system's: these charts bring their own paper
_PAPER = (
    "background:#fff;color:#16191d;border:1px solid #e3e6ea;border-radius:8px;padding:14px 16px;max-width:1040px;"
    "font:14px/1.5 system-ui,sans-serif;font-variant-numeric:tabular-nums"
)
_GRID = "display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:12px 24px"


def curve_keys(columns: Columns) -> list[str]:
    """What is drawn: the loss, each measure once, and the learning rate where it changes.

    Example:
        >>> curve_keys({"loss": [1.0], "validation_loss": [1.0], "learning_rate": [0.1], "weight_norm/top": [2.0]})
        ['loss']
    """
    plain = dict.fromkeys(key.removeprefix("validation_") for key in columns if "/" not in key)
    rates = finite(columns.get("learning_rate", ()))
    return [
        *(["loss"] if "loss" in plain else []),
        *(key for key in plain if key not in _OTHER_COLUMNS),
        *(["learning_rate"] if rates and max(rates) > min(rates) else []),
    ]


def column(columns: Columns, key: str, length: int) -> list[float]:
    """A column, as long as there are epochs."""
    values = [float(v) for v in columns.get(key, ())]
    return (values + [math.nan] * length)[:length]


def curve(name: str, columns: Columns, epochs: Sequence[int], key: str, best: int | None, width: int = WIDTH) -> str:
    """A measure in training and in validation by epoch, the best epoch marked where there is more than one."""
    names = {"training": key, "validation": f"validation_{key}"}
    series = [Series(n, column(columns, k, len(epochs))) for n, k in names.items() if k in columns]
    mark = best if best in epochs and len(epochs) > 1 else None
    return line_chart(name, f"{curve_title(columns, key)} by epoch", epochs, series, mark=mark, width=width)


def curve_title(columns: Columns, key: str) -> str:
    """The measure's name, and where it was measured if only in one place."""
    only = [place for place, k in (("training", key), ("validation", f"validation_{key}")) if k in columns]
    return metric_name(key) + (f", {only[0]}" if len(only) == 1 and key not in _OTHER_COLUMNS else "")


def loss_words(columns: Columns, epochs: Sequence[int], kept: int | None) -> str:
    """What the loss curve shows."""
    length = len(epochs)
    key = "validation_loss" if finite(column(columns, "validation_loss", length)) else "loss"
    values = column(columns, key, length)
    good = finite(values)
    if not good:
        return "The loss was not a finite number in any epoch."
    lowest = values.index(min(good))
    words = f"The {plain_name(key)} was lowest, {number(min(good))}, at epoch {epochs[lowest]:,}"
    words += "; that model was kept." if kept == epochs[lowest] else "."
    losses = column(columns, "loss", length)
    broken = next((e for e, v in zip(epochs, losses, strict=True) if not math.isfinite(v)), None)
    return words + (f" At epoch {broken:,} the training loss was no longer a finite number." if broken else "")


class _History(Protocol):
    @property
    def epochs(self) -> list[int]: ...
    @property
    def columns(self) -> dict[str, list[float]]: ...
    @property
    def best_epoch(self) -> int: ...


def history_html(history: _History) -> str:
    """The curves of a :class:`wengert.training.History` as a piece of HTML for a notebook, without scripts.

    Example:
        >>> from wengert.explain.report import history_html
        >>> from wengert.training import History
        >>> history_html(History().appended({"loss": 0.7}).appended({"loss": 0.4})).count("<svg")
        1
    """
    epochs, columns = history.epochs, history.columns
    if not epochs:
        return tag("div", "History: no epoch was completed.", style=_PAPER)
    # two histories on one page have different names, the same history the same ones
    stem = f"history-{zlib.crc32(repr(columns).encode()):08x}"
    charts = "".join(
        tag("div", tag("b", curve_title(columns, key)) + curve(f"{stem}-{k}", columns, epochs, key, history.best_epoch))
        for k, key in enumerate(curve_keys(columns))
    )
    words = loss_words(columns, epochs, None)
    return tag("div", tag("div", charts, style=_GRID) + tag("div", words, style="color:#5b6570"), style=_PAPER)
