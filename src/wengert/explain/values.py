"""What is to be said of a value that is too large to be shown: shape, range, mean, zeros, NaNs, a heat map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.core.types import aval_of
from wengert.explain.charts.elements import color, mix, picture, tag
from wengert.explain.charts.numbers import count, number

__all__ = ["MOST_CELLS", "Summary", "heat_map", "heat_map_svg", "summarise"]

MOST_CELLS = 16  # along an axis
_BLOCK = 1 << 20  # elements that are looked at in one go, so that temporaries stay small


@dataclass(frozen=True, slots=True)
class Summary:
    """A value in short. ``low``, ``high``, ``mean`` and ``norm`` (Euclidean) are those of the finite elements.

    They are NaN where there is none; of complex numbers ``low`` and ``high`` are of the absolute values. ``zeros``,
    ``nans`` and ``infs`` are counts. ``cells`` is the heat map of :func:`heat_map`.

    Example:
        >>> import numpy as np
        >>> from wengert.explain.values import summarise
        >>> summary = summarise(np.array([[0.0, 1.0], [np.nan, 3.0]]))
        >>> summary.low, summary.high, summary.zeros, summary.nans
        (0.0, 3.0, 1, 1)
        >>> print(summary)
        f64[2,2] 0 … 3, mean 1.333, 1 zero, 1 NaN
    """

    shape: tuple[int, ...]
    dtype: str
    low: float
    high: float
    mean: float | complex
    zeros: int
    nans: int
    infs: int
    norm: float
    cells: tuple[tuple[float, ...], ...] = ()

    @property
    def size(self) -> int:
        """How many elements there are."""
        return math.prod(self.shape)

    def __str__(self) -> str:
        parts = [f"{self.dtype} {self._range()}".strip()]
        if self.size > 1 and not math.isnan(self.low) and self.low != self.high:
            parts.append(f"mean {_text(self.mean)}")
        named = ((self.zeros, "zero", "zeros"), (self.nans, "NaN", "NaNs"), (self.infs, "∞", "∞"))
        return ", ".join([*parts, *(count(n, one, many) for n, one, many in named if n and self.size > 1)])

    def _range(self) -> str:
        if not self.size:
            return "no elements"
        if math.isnan(self.low):
            return "NaN" if self.nans == self.size else "nothing finite"
        if self.size == 1:
            return _text(self.mean)
        return f"all {number(self.low)}" if self.low == self.high else f"{number(self.low)} … {number(self.high)}"

    def svg(self, name: str = "heat", title: str = "value") -> str:
        """The heat map as a picture."""
        return heat_map_svg(self, name, title)


def _text(value: float | complex) -> str:
    if not isinstance(value, complex):
        return number(value)
    sign = "−" if value.imag < 0 else "+"
    return f"{number(value.real)} {sign} {number(abs(value.imag))}i"


def summarise(value: Any) -> Summary:
    """The summary of a number or array of real or complex numbers, integers or truth values; of any size.

    Sums are taken in double precision, in blocks. Nothing warns of NaNs or infinities.

    Raises:
        TypeError: of what is neither a number nor an array of numbers.

    Example:
        >>> from wengert.explain.values import summarise
        >>> print(summarise(2), "|", summarise(1 - 2j), "|", summarise([]))
        int 2 | complex 1 − 2i | f64[0] no elements
    """
    array = np.asarray(value)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"a summary is of numbers, and this is {type(value).__name__} of {array.dtype}")
    aval = aval_of(value) if isinstance(value, bool | int | float | complex | np.generic) else aval_of(array)
    tally = _Tally()
    for block in _blocks(array):
        tally.add(block)
    mean: Any = tally.total / tally.finite if tally.finite else math.nan
    return Summary(
        array.shape, str(aval), tally.low, tally.high, mean, tally.zeros, tally.nans, tally.infs, tally.norm(),
        tuple(tuple(map(float, row)) for row in heat_map(array)),
    )  # fmt: skip


def _blocks(array: NDArray[Any]) -> list[NDArray[Any]]:
    flat = array.reshape(-1) if array.flags.c_contiguous else array.ravel(order="K")
    return [flat[k : k + _BLOCK] for k in range(0, flat.size, _BLOCK)]


class _Tally:
    """Counts and sums over blocks; the norm is scaled, so that no square overflows (as in BLAS's nrm2)."""

    def __init__(self) -> None:
        self.low = self.high = math.nan
        self.total: Any = 0.0
        self.zeros = self.nans = self.infs = self.finite = 0
        self.scale = self.squares = 0.0

    def add(self, block: NDArray[Any]) -> None:
        """Count one block in."""
        self.zeros += block.size - int(np.count_nonzero(block))
        if block.dtype.kind in "fc":
            finite = np.isfinite(block)
            if not finite.all():
                nans = int(np.count_nonzero(np.isnan(block)))
                self.nans += nans
                self.infs += block.size - int(np.count_nonzero(finite)) - nans
                block = block[finite]
        if block.size:
            self._add_finite(block)

    def _add_finite(self, block: NDArray[Any]) -> None:
        sizes = np.abs(block) if block.dtype.kind == "c" else block
        low, high = float(sizes.min()), float(sizes.max())
        self.low, self.high = float(np.fmin(self.low, low)), float(np.fmax(self.high, high))
        wide = block.astype(complex if block.dtype.kind == "c" else float, copy=False)
        with np.errstate(over="ignore", invalid="ignore"):
            self.total = self.total + wide.sum()
        self.finite += block.size
        peak = max(abs(low), abs(high))
        if not peak:
            return
        squares = float(np.vdot(wide / peak, wide / peak).real)
        if peak > self.scale:
            self.squares *= (self.scale / peak) ** 2
            self.scale, peak = peak, peak
        self.squares += squares * (peak / self.scale) ** 2

    def norm(self) -> float:
        """The square root of the sum of squares."""
        return self.scale * math.sqrt(self.squares)


# ---- heat maps


def heat_map(value: Any, most: int = MOST_CELLS) -> NDArray[np.float64]:
    """At most ``most`` × ``most`` cells of an array: its elements, or the means of blocks of them.

    A vector is one row; leading axes of an array with more than two are laid under one another. Complex numbers show
    their absolute value. A block's mean is over its finite elements, and NaN where it has none.

    Example:
        >>> import numpy as np
        >>> from wengert.explain.values import heat_map
        >>> heat_map(np.arange(64.0)).shape, heat_map(np.arange(4.0).reshape(2, 2)).tolist()
        ((1, 16), [[0.0, 1.0], [2.0, 3.0]])
    """
    array = np.asarray(value)
    if not array.size:
        return np.zeros((0, 0))
    table = array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, array.shape[-1])
    rows, columns = (_edges(n, most) for n in table.shape)
    if table.size <= _BLOCK:
        return _means(table, [a for a, _ in rows], [c for c, _ in columns])
    return np.array([[_mean(table[a:b, c:d]) for c, d in columns] for a, b in rows])


def _means(table: NDArray[Any], rows: list[int], columns: list[int]) -> NDArray[np.float64]:
    """The mean of each block in one go, for blocks that begin at these rows and columns."""
    sizes = np.abs(table) if table.dtype.kind == "c" else table.astype(float, copy=False)
    finite = np.isfinite(sizes)
    with np.errstate(over="ignore", invalid="ignore"):
        sums, counts = (
            np.add.reduceat(np.add.reduceat(x, rows, axis=0, dtype=float), columns, axis=1)
            for x in (np.where(finite, sizes, 0.0), finite)
        )
        return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _edges(n: int, most: int) -> list[tuple[int, int]]:
    cells = min(n, most)
    return [(n * k // cells, n * (k + 1) // cells) for k in range(cells)]


def _mean(block: NDArray[Any]) -> float:
    sizes = np.abs(block) if block.dtype.kind == "c" else block
    if sizes.dtype.kind == "f":
        finite = np.isfinite(sizes)
        if not finite.all():
            sizes = sizes[finite]
    with np.errstate(over="ignore"):
        return float(sizes.mean(dtype=float)) if sizes.size else math.nan


def heat_map_svg(summary: Summary, name: str = "heat", title: str = "value", cell: float = 12.0) -> str:
    """Cells shaded by value: one colour above 0, another below; NaN is hatched. Its text is the summary.

    Example:
        >>> from wengert.explain.values import heat_map_svg, summarise
        >>> heat_map_svg(summarise([[1.0, -2.0]])).count("<rect")
        3
    """
    cells = summary.cells
    rows, columns = len(cells), len(cells[0]) if cells else 0
    peak = max((abs(v) for row in cells for v in row if not math.isnan(v)), default=0.0) or 1.0
    parts = [_cell(v, peak, k * cell, j * cell, cell) for j, row in enumerate(cells) for k, v in enumerate(row)]
    width, height = max(columns * cell, cell), max(rows * cell, cell)
    frame = tag("rect", None, x=0.5, y=0.5, width=width - 1, height=height - 1, fill="none", stroke=color("rule"))
    return picture(name, title, str(summary), round(width), height, "".join(parts) + frame)


def _cell(value: float, peak: float, x: float, y: float, size: float) -> str:
    box = {"x": x, "y": y, "width": size, "height": size}
    if math.isnan(value):
        cross = f"M{x + 3:g} {y + 3:g}l{size - 6:g} {size - 6:g}m0 {6 - size:g}l{6 - size:g} {size - 6:g}"
        words = tag("title", "nothing finite")
        return tag("rect", words, fill=color("rule"), **box) + tag("path", None, d=cross, stroke=color("line1"))
    share = math.sqrt(abs(value) / peak)  # small values must be told from 0
    fill = mix(share, hue="line0" if value >= 0 else "line1")
    return tag("rect", tag("title", number(value)), fill=fill, **box)
