"""Windows of a sample laid out as rows of a matrix, after zeros were put between and around its elements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import final

from wengert.compile.emit import I64, Emitter, Type, Value
from wengert.compile.products import Matrix, copy

__all__ = ["PANEL", "Panels"]

PANEL = 1 << 16  # bytes of a panel
LARGEST = 1 << 19  # bytes of one with many columns


@final
@dataclass(frozen=True)
class Panels:
    """How panels are made of a sample: ``places`` ``moves`` apart, windows with ``spreads`` between elements.

    ``strides`` are those of the sample's spatial axes and of its channels, in elements; ``channels`` of
    ``all_channels`` enter a panel at once. ``rows`` are wanted in a panel, even if it becomes large.
    """

    t: Type
    spatial: tuple[int, ...]
    strides: tuple[int, ...]
    all_channels: int
    channels: int
    places: tuple[int, ...]
    moves: tuple[int, ...]
    window: tuple[int, ...]
    spreads: tuple[int, ...]
    before: tuple[int, ...]
    dilation: tuple[int, ...]
    rows: int = 1

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of the padded sample, as far as windows reach."""
        return tuple(
            (p - 1) * m + (w - 1) * s + 1
            for p, m, w, s in zip(self.places, self.moves, self.window, self.spreads, strict=True)
        )

    @property
    def plain(self) -> bool:
        """Whether windows can be read where the sample lies."""
        reach = all(n <= m for n, m in zip(self.lengths, self.spatial, strict=True))
        still = not any(self.before) and all(d == 1 for d in self.dilation)
        return reach and still and (self.strides[-1] == 1 or self.all_channels == 1)

    @property
    def padded_strides(self) -> tuple[int, ...]:
        """Of the spatial axes of what windows are read from."""
        if self.plain:
            return self.strides[:-1]
        sizes = (*self.lengths, self.all_channels)
        return tuple(prod(sizes[k + 1 :]) for k in range(len(self.lengths)))

    @property
    def padded(self) -> int:
        """Bytes of a padded sample."""
        return 0 if self.plain else prod(self.lengths) * self.all_channels * self.t.size

    @property
    def columns(self) -> int:
        """Of a panel."""
        return prod(self.window) * self.channels

    def block(self) -> tuple[int, int]:
        """Places go in blocks of ``h`` along an axis, with all of the axes behind it: the axis, and h."""
        size = self.columns * self.t.size
        limit = max(PANEL, min(self.rows * size, LARGEST))
        for axis in range(len(self.places)):
            inner = prod(self.places[axis + 1 :]) * size
            if inner <= limit or axis == len(self.places) - 1:
                n = self.places[axis]
                blocks = -(-n // max(1, limit // inner))
                return axis, -(-n // blocks)  # all nearly alike
        return 0, 1

    # ---- code

    def fill(self, e: Emitter, source: Value, room: Value) -> Value:
        """The padded sample: where windows are read. What is zero in ``room`` stays so."""
        if self.plain:
            return source
        steps = self.padded_strides
        starts: list[tuple[int, int]] = []
        for n, before, d, length in zip(self.spatial, self.before, self.dilation, self.lengths, strict=True):
            low = -(-max(0, -before) // d)
            starts.append((low, max(low, min(n, (length - 1 - before) // d + 1))))
        last = len(steps) - 1
        c = self.all_channels

        def over(axis: int, at: Value, to: Value) -> None:
            low, high = starts[axis]
            step, far = self.dilation[axis] * steps[axis], self.before[axis] * steps[axis]
            if axis == last:
                at, to = at + low * self.strides[axis], to + (low * step + far)
                rows = Matrix(e.offset(source, at, self.t), self.strides[axis], self.strides[-1])
                dest = Matrix(e.offset(room, to, self.t), step, 1)
                if rows.column == 1 and rows.row == c == dest.row:  # a run
                    copy(e, 1, (high - low) * c, Matrix(rows.base, c, 1), Matrix(dest.base, c, 1), self.t)
                else:
                    copy(e, high - low, c, rows, dest, self.t)
                return
            e.loop(
                high, lambda i: over(axis + 1, at + i * self.strides[axis], to + (i * step + far)), start=low
            )  # fmt: skip

        if all(low < high for low, high in starts):
            over(0, e.const(I64, 0), e.const(I64, 0))
        return room

    def lay(self, e: Emitter, padded: Value, first: Sequence[Value], counts: Sequence[int], panel: Value) -> None:
        """A panel of so many places along each axis, from ``first`` on."""
        steps, t = self.padded_strides, self.t
        run, axes = self.channels, list(range(len(self.window)))
        while axes and (self.window[axes[-1]] == 1 or self.spreads[axes[-1]] * steps[axes[-1]] == run):
            run *= self.window[axes.pop()]
        moves = [m * s for m, s in zip(self.moves, steps, strict=True)]
        spreads = [m * s for m, s in zip(self.spreads, steps, strict=True)]
        start = e.const(I64, 0)
        for k, m in zip(first, moves, strict=True):
            start = start + k * m

        def element(left: list[int], at: Value, to: Value) -> None:
            if not left:
                source, dest = e.offset(padded, at, t), e.offset(panel, to, t)
                copy(e, 1, run, Matrix(source, run, 1), Matrix(dest, run, 1), t)
                return
            axis, *rest = left
            size = run * prod(self.window[k] for k in rest)
            e.loop(self.window[axis], lambda w: element(rest, at + w * spreads[axis], to + w * size))

        def place(axis: int, at: Value, to: Value) -> None:
            if axis == len(counts):
                element(axes, at, to)
                return
            size = self.columns * prod(counts[axis + 1 :])
            e.loop(counts[axis], lambda p: place(axis + 1, at + p * moves[axis], to + p * size))

        place(0, start, e.const(I64, 0))

    def blocks(self, e: Emitter, body: Callable[[list[Value], list[int], Value], None]) -> None:
        """``body(first places, counts, number of the first row)`` for each block."""
        axis, h = self.block()
        inner = prod(self.places[axis + 1 :])
        full = self.places[axis] // h

        def leading(k: int, first: list[Value], row: Value) -> None:
            if k < axis:
                size = prod(self.places[k + 1 :])
                e.loop(self.places[k], lambda i: leading(k + 1, [*first, i], row + i * size))
                return
            rest = [e.const(I64, 0)] * (len(self.places) - axis - 1)
            ones = [1] * axis

            def some(start: Value, count: int) -> None:
                body([*first, start, *rest], [*ones, count, *self.places[axis + 1 :]], row + start * inner)

            e.loop(full * h, lambda i: some(i, h), step=h)
            if full * h < self.places[axis]:
                some(e.const(I64, full * h), self.places[axis] - full * h)

        leading(0, [], e.const(I64, 0))

    @property
    def heights(self) -> set[int]:
        """How many rows panels have."""
        axis, h = self.block()
        inner = prod(self.places[axis + 1 :])
        left = self.places[axis] % h
        return {h * inner, left * inner} - {0}
