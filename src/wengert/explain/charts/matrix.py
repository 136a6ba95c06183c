"""The confusion matrix as a picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from wengert.explain.charts.elements import WIDTH, clip, color, escape, label, mix, picture, place, tag, text_width
from wengert.explain.charts.numbers import count, percent

__all__ = ["confusion_chart"]

_MOST_NUMBERED = 16  # classes with counts in the cells; more are shades alone
_LEVELS = 12
_LARGEST_CELL = 96.0
_LABELS = 16  # on an axis


def confusion_chart(name: str, title: str, labels: Sequence[str], counts: ArrayLike) -> str:
    """Counts of actual classes (rows) by predicted classes (columns).

    A cell is shaded by its share of its row: right answers, on the diagonal, in one colour, mistakes in
    another. Up to 16 classes have their counts written in; more are shades alone.

    Args:
        labels: the k names.
        counts: (k, k) whole numbers; ``counts[i, j]`` rows of class i were taken for class j.

    Example:
        >>> from wengert.explain.charts import confusion_chart
        >>> ">57<" in confusion_chart("matrix", "Confusion", ["no", "yes"], [[57, 1], [2, 40]])
        True
    """
    table = np.asarray(counts, dtype=np.int64)
    size = len(labels)
    shown = [clip(text, 14) for text in labels]
    step = -(-size // _LABELS)
    widest = max(text_width(text) for text in shown[::step])
    slanted = widest > (WIDTH - widest - 40) / size * step - 4
    lean = 0.72 * widest if slanted else 0.0  # what a slanted name takes above and, the last, at the right
    cell = (WIDTH - widest - 40 - lean * (size > 1)) / size
    spare = max(0.0, cell - _LARGEST_CELL) * size
    cell -= spare / size
    left, top = widest + 34.0 + spare / 2, 38.0 + lean
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    at = (left, top, cell)
    parts = [
        tag(
            "rect",
            None,
            x=left,
            y=top,
            width=cell * size,
            height=cell * size,
            fill="none",
            stroke=color("rule"),
        ),
        _numbered_cells(table, shares, labels, at) if size <= _MOST_NUMBERED else _shaded_cells(table, shares, at),
        _names(shown, step, at, slanted=slanted),
        label(left + cell * size / 2, 12, "predicted", "middle"),
        _aside(left - widest - 22, top + cell * size / 2, "actual"),
    ]
    right = int(np.trace(table))
    words = f"{count(right)} of {count(int(table.sum()), 'row')} are on the diagonal, predicted rightly."
    return picture(name, title, words, WIDTH, top + cell * size + 4, "".join(parts))


_Place = tuple[float, float, float]  # left, top, size of a cell


def _tint(share: float, right: bool) -> str:
    # a mistake of a few percent must be seen: shares are shown by their root
    return mix(0.15 + 0.85 * share**0.6, hue="line0" if right else "line1")


def _numbered_cells(table: NDArray[np.int64], shares: NDArray[np.float64], labels: Sequence[str], at: _Place) -> str:
    left, top, cell = at
    size = 18 if cell >= 60 else 13 if cell >= 30 else 10
    parts: list[str] = []
    for (row, column), held in np.ndenumerate(table):
        x, y, share = left + column * cell, top + row * cell, float(shares[row, column])
        words = f"{labels[row]}, predicted {labels[column]}: {count(int(held))}, {percent(share)} of the row"
        fill = _tint(share, row == column) if held else "none"
        box = {"x": x + 1, "y": y + 1, "width": cell - 2, "height": cell - 2, "rx": 3}
        parts.append(tag("rect", tag("title", escape(words)), fill=fill, pointer_events="all", **box))
        ink = color("paper") if share > 0.4 else color("ink" if held else "soft")
        text = count(int(held)) if held else "·"
        parts.append(
            label(
                x + cell / 2,
                y + cell / 2 + size / 3,
                text,
                "middle",
                fill=ink,
                font_size=size,
                pointer_events="none",
            )
        )
    return "".join(parts)


def _shaded_cells(table: NDArray[np.int64], shares: NDArray[np.float64], at: _Place) -> str:
    """Cells of one shade as one element: 200 classes have 40,000 cells."""
    left, top, cell = at
    boxes: dict[tuple[bool, int], list[str]] = defaultdict(list)
    for row, column in np.argwhere(table > 0).tolist():
        level = int(np.ceil(shares[row, column] * _LEVELS))
        side = f"{cell:.2f}"
        square = f"M{left + column * cell:.2f} {top + row * cell:.2f}h{side}v{side}h-{side}z"
        boxes[row == column, level].append(square)
    return "".join(
        tag("path", None, d="".join(squares), fill=_tint(level / _LEVELS, right))
        for (right, level), squares in sorted(boxes.items())
    )


def _names(names: Sequence[str], step: int, at: _Place, *, slanted: bool) -> str:
    left, top, cell = at
    parts: list[str] = []
    for k in range(0, len(names), step):
        middle = (k + 0.5) * cell
        parts.append(label(left - 6, top + middle + 4, names[k], "end", fill=color("ink")))
        x, y = left + middle, top - 6
        turn = f"rotate(-45 {place(x)} {place(y)})" if slanted else None
        anchor = "start" if slanted else "middle"
        parts.append(label(x, y, names[k], anchor, fill=color("ink"), transform=turn))
    return "".join(parts)


def _aside(x: float, y: float, text: str) -> str:
    return label(x, y, text, "middle", transform=f"rotate(-90 {place(x)} {place(y)})")
