"""Convolution as matrix products of windows laid out side by side, a few at a time, while they are in the cache.

``out[b, p, o] = Σ over w, i of x̃[b, p·s + w·d, i] · kernel[w, i, o]``. A *panel* has a row for each place p of a
sample, and in it the window's elements: columns (w, i). Where the window is small, panels are multiplied by the kernel.
Where it is larger than the places it goes to, as in the gradient of a kernel, i takes the part of b, w that of p:
panels are made of the sum's side, and each adds its product to the whole result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, final

from wengert.compile.emit import I8, I64, Emitter, Type, Value, type_of
from wengert.compile.products import Matrix, copy, product, workspace_bytes
from wengert.compile.routine import Routine, clear_bytes, routine
from wengert.compile.views import View, convolves, grouped, view
from wengert.core.program import Equation
from wengert.core.types import Aval

__all__ = ["CONVOLVING"]

PANEL = 1 << 16  # bytes of a panel
FEW = 64  # places of a sample below which several samples share a panel
LINE = 64


@final
@dataclass(frozen=True)
class _Panels:
    """How panels are made of a sample: ``places`` ``moves`` apart, windows with ``spreads`` between elements.

    ``strides`` are those of the sample's spatial axes and of its channels, in elements; ``channels`` of
    ``all_channels`` enter a panel at once.
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
        for axis in range(len(self.places)):
            inner = prod(self.places[axis + 1 :]) * size
            if inner <= PANEL or axis == len(self.places) - 1:
                return axis, max(1, min(self.places[axis], PANEL // max(inner, 1)))
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


def _conv(frame: Any, equation: Equation) -> bool:
    if not convolves(equation):
        return False
    x, kernel = (view(v, frame.plan.made, frame.plan.stored) for v in equation.inputs)
    out = equation.outputs[0]
    if x is None or kernel is None:
        return False
    reads = [(frame.pointers[v.base], v.base.aval.size * v.base.aval.dtype.itemsize) for v in (x, kernel)]
    writes = [(frame.pointers[out], max(out.aval.size * out.aval.dtype.itemsize, 1))]
    avals = [v.aval for v in (*equation.inputs, out)]
    if not out.aval.size:
        return True
    if not all(a.size for a in avals):
        return routine(
            frame, equation, lambda r: clear_bytes(r.e, r.results[0], writes[0][1]), reads=reads, writes=writes
        )
    window, places = avals[1].shape[:-2], out.aval.shape[1:-1]
    way = _by_sums if prod(window) > prod(places) else _by_places
    return way(frame, equation, (x, kernel), avals, reads, writes)


Ends = Sequence[tuple[Value, int]]


def _rounded(size: int) -> int:
    return -(-size // LINE) * LINE


def _by_places(
    frame: Any, equation: Equation, views: tuple[View, View], avals: Sequence[Aval], reads: Ends, writes: Ends
) -> bool:
    """Panels times the kernel."""
    (x, kernel), params = views, equation.params
    (batch, *spatial, c), (*window, inputs, outputs), (_, *places, _) = (a.shape for a in avals)
    t, groups = type_of(avals[0].dtype), params["groups"]
    panels = _Panels(
        t, tuple(spatial), x.strides[1:], c, inputs, tuple(places), params["strides"], tuple(window),
        params["kernel_dilation"], tuple(b for b, _ in params["padding"]), params["input_dilation"],
    )  # fmt: skip
    depth, n, each = panels.columns, outputs // groups, prod(places)
    found = grouped([*window, inputs], list(kernel.strides[:-1]))
    assert found is not None
    right = (found[1] if depth > 1 else n, kernel.strides[-1])
    # samples whose places are few go together
    few = panels.heights == {each} and each < FEW and groups == 1
    several = max(1, min(batch, PANEL // (each * depth * t.size))) if few else 1
    heights = {several * h for h in panels.heights} | {(batch % several) * each} - {0}
    sizes = [
        _rounded(panels.padded), _rounded(max(heights) * depth * t.size),
        max(workspace_bytes(h, n, depth, (depth, 1), right, (outputs, 1), t) for h in heights),
    ]  # fmt: skip

    def write(r: Routine) -> None:
        e = r.e
        room, panel, space = r.space, e.offset(r.space, sizes[0], I8), e.offset(r.space, sizes[0] + sizes[1], I8)
        source, weights = e.offset(r.operands[0], x.offset, t), e.offset(r.operands[1], kernel.offset, t)
        if panels.padded:
            clear_bytes(e, room, panels.padded)

        def multiply(rows: int, row: Value, group: Value) -> None:
            to = Matrix(e.offset(r.results[0], row * outputs + group * n, t), outputs, 1)
            b = Matrix(e.offset(weights, group * (n * kernel.strides[-1]), t), *right)
            product(e, rows, n, depth, Matrix(panel, depth, 1), b, to, t, workspace=space if sizes[2] else None)

        def samples(first: Value, count: int) -> None:
            def one(k: Value) -> None:
                own = e.offset(source, (first + k) * x.strides[0], t)
                padded = panels.fill(e, own, room)

                def group(g: Value) -> None:
                    part = e.offset(padded, g * inputs, t)

                    def block(places_: list[Value], counts: list[int], row: Value) -> None:
                        to = panel if count == 1 else e.offset(panel, k * (each * depth), t)
                        panels.lay(e, part, places_, counts, to)
                        if count == 1:
                            multiply(prod(counts), first * each + row, g)

                    panels.blocks(e, block)

                e.loop(groups if count == 1 else 1, group)

            e.loop(count, one)
            if count > 1:
                multiply(count * each, first * each, e.const(I64, 0))

        if several == 1:
            r.each(lambda i: samples(i, 1))
            return
        whole = batch // several

        def some(i: Value) -> None:
            samples(i * several, several)

        if batch % several == 0:
            r.each(some)
            return
        e.loop(whole, some)
        samples(e.const(I64, whole * several), batch % several)

    rounds = batch // several if batch % several == 0 else 1
    return routine(frame, equation, write, rounds=rounds, scratch=sum(sizes), reads=reads, writes=writes)


def _by_sums(
    frame: Any, equation: Equation, views: tuple[View, View], avals: Sequence[Aval], reads: Ends, writes: Ends
) -> bool:
    """Each panel, transposed, times a part of the kernel, added to the result; every thread has a sum of its own."""
    (x, kernel), params = views, equation.params
    (batch, *spatial, _), (*window, inputs, outputs), (_, *places, _) = (a.shape for a in avals)
    t, groups, threads = type_of(avals[0].dtype), params["groups"], frame.core.threads
    panels = _Panels(
        t, tuple(spatial), (*x.strides[1:-1], x.strides[0]), batch, batch, tuple(window), params["kernel_dilation"],
        tuple(places), params["strides"], tuple(b for b, _ in params["padding"]), params["input_dilation"],
    )  # fmt: skip
    m, n, samples = panels.columns, outputs // groups, inputs * groups
    axis, _ = panels.block()
    found = grouped(list(window[axis:]), list(kernel.strides[axis : len(window)]))
    assert found is not None
    right = (found[1] or n, kernel.strides[-1])
    whole = m * n * groups * t.size
    total = _rounded(whole)
    sizes = [
        _rounded(panels.padded), _rounded(max(panels.heights) * m * t.size),
        max(workspace_bytes(m, n, h, (1, m), right, (n, 1), t) for h in panels.heights),
    ]  # fmt: skip
    at = frame.arena.take(total * threads)
    sums = frame.at(at)

    def write(r: Routine) -> None:
        e = r.e
        room, panel, space = r.space, e.offset(r.space, sizes[0], I8), e.offset(r.space, sizes[0] + sizes[1], I8)
        source, weights = e.offset(r.operands[0], x.offset, t), e.offset(r.operands[1], kernel.offset, t)
        own = e.offset(r.results[0], r.thread * total, I8)
        clear_bytes(e, own, whole)
        if panels.padded:
            clear_bytes(e, room, panels.padded)

        def sample(g: Value, s: Value, into: Value) -> None:
            padded = panels.fill(e, e.offset(source, (g * inputs + s) * x.strides[-1], t), room)
            part = e.offset(weights, g * (n * kernel.strides[-1]) + s * kernel.strides[-2], t)

            def block(first: list[Value], counts: list[int], _row: Value) -> None:
                panels.lay(e, padded, first, counts, panel)
                at = e.const(I64, 0)
                for k, stride in zip(first, kernel.strides, strict=False):
                    at = at + k * stride
                b = Matrix(e.offset(part, at, t), *right)

                def start(i: Value, j: Value, lanes: int, mask: Value | None) -> Value:
                    return e.load(into, t.wide(lanes), i * n + j, mask)

                product(
                    e, m, n, prod(counts), Matrix(panel, 1, m), b, Matrix(into, n, 1), t, start=start,
                    workspace=space if sizes[2] else None,
                )  # fmt: skip

            panels.blocks(e, block)

        def one(i: Value) -> None:
            g = e.div(i, inputs) if groups > 1 else e.const(I64, 0)
            sample(g, i - g * inputs if groups > 1 else i, e.offset(own, g * (m * n), t))

        r.each(one)

    def finish(r: Routine) -> None:
        e, elements = r.e, prod(places)

        def element(w: Value, i: Value, g: Value) -> None:
            def one(j: Value) -> None:
                value: Value | None = None
                for k in range(threads if shared else 1):
                    part = e.load(r.operands[0], t, g * (m * n) + (w * batch + i) * n + j + k * (total // t.size))
                    value = part if value is None else value + part
                assert value is not None
                e.store(value, r.results[0], (i * elements + w) * outputs + g * n + j)

            e.loop(n, one)

        r.each(lambda w: e.loop(batch, lambda i: e.loop(groups, lambda g: element(w, i, g))))

    shared = samples >= threads > 1
    routine(
        frame, equation, write, rounds=samples, scratch=sum(sizes), reads=reads, writes=[(sums, total * threads)]
    )  # fmt: skip
    routine(frame, equation, finish, rounds=prod(places), reads=[(sums, total * threads)], writes=writes)
    frame.arena.give(at, total * threads)
    return True


CONVOLVING = {"conv": _conv}
