"""Convolution as matrix products of windows laid out side by side, a few at a time, while they are in the cache.

``out[b, p, o] = Σ over w, i of x̃[b, p·s + w·d, i] · kernel[w, i, o]``. A *panel* has a row for each place p of a
sample, and in it the window's elements: columns (w, i). Where the window is small, panels are multiplied by the kernel.
Where it is larger than the places it goes to, as in the gradient of a kernel, i takes the part of b, w that of p:
panels are made of the sum's side, and each adds its product to the whole result.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from wengert.compile.depthwise import by_channels, sums_by_channels
from wengert.compile.emit import I8, I64, Value, type_of
from wengert.compile.panels import PANEL, Panels
from wengert.compile.products import Matrix, product, workspace_bytes
from wengert.compile.routine import Routine, clear_bytes, routine
from wengert.compile.views import View, by_sums, convolves, grouped, split_view, view
from wengert.core.program import Equation
from wengert.core.types import Aval

__all__ = ["CONVOLVING"]


def _conv(frame: Any, equation: Equation) -> bool:
    if not convolves(equation):
        return False
    plan = frame.plan
    x = split_view(equation.inputs[0], equation.params["groups"], plan.made, plan.stored)
    kernel = view(equation.inputs[1], plan.made, plan.stored)
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
    ways = (sums_by_channels, _by_sums) if by_sums(equation) else (by_channels, _by_places)
    return any(way(frame, equation, (x, kernel), avals, reads, writes) for way in ways)


Ends = Sequence[tuple[Value, int]]
FEW = 64  # places of a sample below which several samples share a panel
LINE = 64
SUMMED = 128  # rows that are multiplied at once where products are added to a sum in memory


def _rounded(size: int) -> int:
    return -(-size // LINE) * LINE


def _by_places(
    frame: Any, equation: Equation, views: tuple[View, View], avals: Sequence[Aval], reads: Ends, writes: Ends
) -> bool:
    """Panels times the kernel."""
    (x, kernel), params = views, equation.params
    (batch, *spatial, c), (*window, inputs, outputs), (_, *places, _) = (a.shape for a in avals)
    t, groups = type_of(avals[0].dtype), params["groups"]
    along = grouped([groups, inputs], list(x.strides[-2:]))
    assert along is not None
    panels = Panels(
        t, tuple(spatial), (*x.strides[1:-2], along[1] or 1), c, inputs, tuple(places), params["strides"],
        tuple(window), params["kernel_dilation"], tuple(b for b, _ in params["padding"]), params["input_dilation"],
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
    panels = Panels(
        t, tuple(spatial), (*x.strides[1:-2], x.strides[0]), batch, batch, tuple(window), params["kernel_dilation"],
        tuple(places), params["strides"], tuple(b for b, _ in params["padding"]), params["input_dilation"],
        SUMMED,
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
            padded = panels.fill(e, e.offset(source, g * x.strides[-2] + s * x.strides[-1], t), room)
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
