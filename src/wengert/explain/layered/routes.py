"""What is left: how deep layers lie, the curves between them, and the boxes of groups.

Within a layer a line runs straight, in the room that is kept for it; it changes sides between layers only, where no
box is. So it touches none.
"""

from __future__ import annotations

from collections.abc import Sequence

from wengert.explain.layered.lanes import Items
from wengert.explain.layered.margins import Margins

__all__ = ["Point", "Sides", "bands_of", "boxes_of", "route"]

Point = tuple[float, float]
Band = tuple[float, float]
Sides = tuple[float, float, float, float]
STEEPEST = 0.12  # pixels that a gap grows for each one that a line in it moves sideways
WIDEST = 120.0


def bands_of(
    items: Items, axis: Sequence[float], paths: Sequence[tuple[int, ...]], spans: dict[int, tuple[int, int]],
    margins: Margins,
) -> list[Band]:  # fmt: skip
    """Where each layer begins and ends, along the arcs; the sides of groups lie between them."""
    count = max(items.rank) + 1
    depth, moved = [0.0] * count, [0.0] * count
    begin, end = [0] * count, [0] * count
    for v, r in enumerate(items.rank):
        depth[r] = max(depth[r], items.depth[v])
        begin[r] = max(begin[r], sum(spans[g][0] == r for g in paths[v]))
        end[r] = max(end[r], sum(spans[g][1] == r for g in paths[v]))
    for u, v in items.arcs:
        moved[items.rank[u]] = max(moved[items.rank[u]], abs(axis[u] - axis[v]))
    bands: list[Band] = []
    before, after, at = margins.pads[0], margins.pads[2], 0.0
    for r in range(count):
        bands.append((at, at + depth[r]))
        wider = min(STEEPEST * moved[r], WIDEST)
        at += depth[r] + margins.layer + wider + end[r] * after + (begin[r + 1] * before if r + 1 < count else 0)
    return bands


def boxes_of(
    items: Items, axis: Sequence[float], bands: Sequence[Band], paths: Sequence[tuple[int, ...]],
    spans: dict[int, tuple[int, int]], margins: Margins,
) -> dict[int, Sides]:  # fmt: skip
    """The box of each group: along and across from, along and across to."""
    boxes: dict[int, list[float]] = {g: [1e300, 1e300, -1e300, -1e300] for g in spans}
    for v, path in enumerate(paths):
        if path:
            middle = sum(bands[items.rank[v]]) / 2
            along = items.depth[v] / 2 if items.solid[v] else -1e300
            _grow(boxes[path[-1]], middle - along, axis[v] - items.low[v], middle + along, axis[v] + items.high[v])
    outer = {g: path[k - 1] if k else 0 for path in paths for k, g in enumerate(path)}
    # inner groups have the larger numbers
    for g in sorted(boxes, reverse=True):
        box = boxes[g]
        for k, pad in enumerate(margins.pads):
            box[k] += pad if k > 1 else -pad
        if outer[g]:
            _grow(boxes[outer[g]], *box)
    return {g: (a, b, c, d) for g, (a, b, c, d) in boxes.items()}


def _grow(box: list[float], a: float, b: float, c: float, d: float) -> None:
    box[:] = min(box[0], a), min(box[1], b), max(box[2], c), max(box[3], d)


def route(items: Items, axis: Sequence[float], bands: Sequence[Band], way: Sequence[int], shift: float) -> list[Point]:
    """A Bézier spline through the items of a way; it ends ``shift`` beside the axis of the last."""
    u, v = way[0], way[-1]
    start = sum(bands[items.rank[u]]) / 2 + items.depth[u] / 2
    stop = sum(bands[items.rank[v]]) / 2 - items.depth[v] / 2
    points = [(start, axis[u])]
    at = axis[u]
    for w in way[1:]:
        to = axis[w] + (shift if w == v else 0)
        if abs(to - at) > 0.05:
            a, b = bands[items.rank[w] - 1][1], bands[items.rank[w]][0]
            _straight(points, (a, at))
            middle = (a + b) / 2
            points += [(middle, at), (middle, to), (b, to)]
            at = to
    _straight(points, (stop, at))
    return points


def _straight(points: list[Point], end: Point) -> None:
    x, y = points[-1]
    if end[0] - x > 1e-9:
        points += [(x + (end[0] - x) / 3, y), (x + 2 * (end[0] - x) / 3, y), end]
