"""The fourth step: places across the layers, in which long arcs are straight and groups are boxes.

U. Brandes, B. Köpf, "Fast and simple horizontal coordinate assignment", Graph Drawing 2001 (LNCS 2265, 2002): four
times, from each corner, items are joined to blocks with the median neighbour in the layer before, blocks are packed
as tightly as the order allows, and the mean of the two middle results is taken. The borders of groups are blocks too,
joined before all others, so that nothing foreign comes between them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wengert.explain.layered.lanes import Items
from wengert.explain.layered.margins import Margins

__all__ = ["positions"]

Floats = NDArray[np.float64]


@dataclass
class Rows:
    """Layers with the borders of groups among their items.

    ``joined`` holds for a border the one in the layer before, ``opens`` and ``closes`` which borders begin and end.
    """

    rows: list[list[int]]
    place: list[int]
    low: list[float]
    high: list[float]
    border: list[bool]
    closes: list[bool]
    pairs: set[tuple[int, int]]

    @property
    def count(self) -> int:
        return len(self.place)


def positions(
    items: Items, order: Sequence[Sequence[int]], paths: Sequence[tuple[int, ...]], margins: Margins
) -> list[float]:
    """Where the axis of each item lies across the layers."""
    rows = _with_borders(items, order, paths, margins)
    near = {down: _sorted_neighbours(items, rows, down) for down in (True, False)}
    crossed = _conflicts(items, rows, near[True])
    found: list[Floats] = []
    for down in (True, False):
        for forward in (True, False):
            root = _align(rows, near[down], crossed, down=down, forward=forward)
            found.append(_pack(rows, root, margins, forward=forward))
    return _middle(rows, found)[: len(items.rank)].tolist()


def _with_borders(
    items: Items, order: Sequence[Sequence[int]], paths: Sequence[tuple[int, ...]], margins: Margins
) -> Rows:
    rows = Rows([], [0] * len(items.rank), [*items.low], [*items.high], [False] * len(items.rank), [], set())
    rows.closes = [False] * len(items.rank)
    last: dict[tuple[int, bool], int] = {}
    for layer in order:
        row: list[int] = []
        borders: dict[tuple[int, bool], int] = {}

        def border(g: int, closes: bool, row: list[int] = row, borders: dict[tuple[int, bool], int] = borders) -> None:
            b = rows.count
            rows.place.append(0)
            inside = margins.pads[3] if closes else margins.pads[1]
            rows.low.append(inside if closes else margins.lane / 2)
            rows.high.append(margins.lane / 2 if closes else inside)
            rows.border.append(True)
            rows.closes.append(closes)
            borders[g, closes] = b
            if (g, closes) in last:
                rows.pairs.add((last[g, closes], b))
            row.append(b)

        open_: tuple[int, ...] = ()
        for v in (*layer, None):
            path = () if v is None else paths[v]
            k = 0
            while k < min(len(open_), len(path)) and open_[k] == path[k]:
                k += 1
            for g in reversed(open_[k:]):
                border(g, True)
            for g in path[k:]:
                border(g, False)
            if v is not None:
                row.append(v)
            open_ = path
        for k, v in enumerate(row):
            rows.place[v] = k
        rows.rows.append(row)
        last = borders
    return rows


def _sorted_neighbours(items: Items, rows: Rows, down: bool) -> list[list[int]]:
    """For each item its neighbours in the layer before, from one side to the other."""
    found: list[list[int]] = [[] for _ in range(rows.count)]
    for u, v in (*items.arcs, *sorted(rows.pairs)):
        if down:
            found[v].append(u)
        else:
            found[u].append(v)
    place = rows.place
    for near in found:
        if len(near) > 1:
            near.sort(key=place.__getitem__)
    return found


def _conflicts(items: Items, rows: Rows, above: Sequence[Sequence[int]]) -> set[tuple[int, int]]:
    """Arcs that cross an inner segment, one between two lanes or two borders: these are to be straight."""
    lane = [not solid for solid in items.solid] + [True] * (rows.count - len(items.solid))
    place, crossed = rows.place, set[tuple[int, int]]()
    for upper, row in zip(rows.rows, rows.rows[1:], strict=False):
        left, done = -1, 0
        for k, v in enumerate(row):
            inner = next((u for u in above[v] if lane[u]), None) if lane[v] else None
            if inner is None and k < len(row) - 1:
                continue
            right = len(upper) if inner is None else place[inner]
            for w in row[done : k + 1]:
                for u in above[w]:
                    if not left <= place[u] <= right and not (lane[u] and lane[w]):
                        crossed.add((u, w))
            left, done = right, k + 1
    return crossed


def _align(
    rows: Rows, near: Sequence[Sequence[int]], crossed: set[tuple[int, int]], *, down: bool, forward: bool
) -> list[int]:
    """Join each item with a median neighbour that is free: gives for each the first of its block."""
    root = list(range(rows.count))
    place, border = rows.place, rows.border
    sign = 1 if forward else -1
    far = 1 << 40
    for layer in rows.rows if down else rows.rows[::-1]:
        row = layer if forward else layer[::-1]
        joined = [near[v][0] if border[v] and near[v] else -1 for v in row]
        bounds, bound = [far] * len(row), far
        for k in range(len(row) - 1, -1, -1):
            bounds[k] = bound
            if joined[k] >= 0:
                bound = sign * place[joined[k]]
        taken = -far
        for k, v in enumerate(row):
            if joined[k] >= 0:
                root[v], taken = root[joined[k]], sign * place[joined[k]]
                continue
            found = near[v]
            if not found or border[v]:
                continue
            half = len(found) // 2
            medians = (found[half],) if len(found) % 2 else (found[half - 1], found[half])
            for u in medians if forward else medians[::-1]:
                at = sign * place[u]
                if taken < at < bounds[k] and (((u, v) if down else (v, u)) not in crossed):
                    root[v], taken = root[u], at
                    break
    return root


def _pack(rows: Rows, root: Sequence[int], margins: Margins, *, forward: bool) -> Floats:
    """Blocks as near to the first side as the order allows, then as near to the blocks behind them."""
    sign = 1 if forward else -1
    after: defaultdict[int, dict[int, float]] = defaultdict(dict)
    missing: defaultdict[int, int] = defaultdict(int)
    for row in rows.rows:
        for u, v in zip(row, row[1:], strict=False):
            gap = rows.high[u] + rows.low[v] + _between(rows, u, v, margins)
            a, b = (root[u], root[v]) if forward else (root[v], root[u])
            known = after[a].get(b)
            if known is None:
                missing[b] += 1
            if known is None or gap > known:
                after[a][b] = gap
    blocks = [v for v in range(rows.count) if root[v] == v]
    order = [v for v in blocks if not missing[v]]
    x = [0.0] * rows.count
    for u in order:
        at = x[u]
        for v, gap in after[u].items():
            x[v] = max(x[v], at + gap)
            missing[v] -= 1
            if not missing[v]:
                order.append(v)
    assert len(order) == len(blocks)
    for u in reversed(order):
        # the far border of a group stays at what it holds
        if after[u] and not (rows.border[u] and rows.closes[u] == forward):
            x[u] = max(x[u], min(x[v] - gap for v, gap in after[u].items()))
    return sign * np.array(x)[np.array(root, np.int64)]


def _between(rows: Rows, u: int, v: int, margins: Margins) -> float:
    if rows.border[u] or rows.border[v]:
        return 0.0
    lanes = (rows.high[u] == 0) + (rows.high[v] == 0)
    return (margins.item, (margins.item + margins.lane) / 2, margins.lane)[lanes]


def _middle(rows: Rows, found: Sequence[Floats]) -> Floats:
    """The mean of the two middle ones of four places, after all are set to the narrowest."""
    low, high = np.array(rows.low), np.array(rows.high)
    spans = [(float((x - low).min()), float((x + high).max())) for x in found]
    first, last = min(spans, key=lambda span: span[1] - span[0])
    moved = [x + (first - a if k % 2 == 0 else last - b) for k, (x, (a, b)) in enumerate(zip(found, spans, strict=True))]
    middle = np.sort(moved, axis=0)[1:3].mean(axis=0)
    return middle - (middle - low).min()
