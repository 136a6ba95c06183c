"""The second step: what stands in each layer. Nodes, labels of arcs, and the lanes that long arcs take past them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Items", "furnish"]


@dataclass
class Items:
    """What takes room in layers. The first are nodes; then come labels, lanes and placeholders of groups.

    ``group`` is the innermost group, 0 for none; ``low`` and ``high`` how far an item reaches across the layer on
    both sides of its axis, ``depth`` along the arcs. ``arcs`` lead from a layer to the next one; ``routes`` holds for
    each arc of the graph the items on its way, ``labels`` its label or −1.
    """

    rank: list[int]
    group: list[int]
    low: list[float]
    high: list[float]
    depth: list[float]
    solid: list[bool]
    arcs: dict[tuple[int, int], None] = field(default_factory=dict[tuple[int, int], None])
    routes: list[list[int]] = field(default_factory=list[list[int]])
    labels: list[int] = field(default_factory=list[int])

    def add(self, rank: int, group: int, low: float = 0, high: float = 0, depth: float = 0) -> int:
        """One more item; one without depth is a place that a line goes through."""
        self.rank.append(rank)
        self.group.append(group)
        self.low.append(low)
        self.high.append(high)
        self.depth.append(depth)
        self.solid.append(depth > 0)
        return len(self.rank) - 1

    def way(self, *items: int) -> None:
        """Note that a line leads through the items."""
        for pair in zip(items, items[1:], strict=False):
            self.arcs[pair] = None


def furnish(
    items: Items,
    arcs: Sequence[tuple[int, int]],
    sizes: Sequence[tuple[float, float, float] | None],
    paths: Sequence[tuple[int, ...]],
) -> dict[int, tuple[int, int]]:
    """Add labels (``sizes``: reach on both sides of the line, and depth), lanes and placeholders; gives each group's first and last layer.

    Arcs that leave one node share a lane, from which each turns off in the layer before its end: a value that is read
    everywhere is one line with branches.
    """
    spans = _spans(items.rank, paths)
    around = {g: path[: k + 1] for path in paths for k, g in enumerate(path)} | {0: ()}
    leaving: defaultdict[int, list[int]] = defaultdict(list)
    for k, (u, _) in enumerate(arcs):
        leaving[u].append(k)
    items.routes = [[] for _ in arcs]
    items.labels = [-1] * len(arcs)
    for u, found in leaving.items():
        exits = {k: items.rank[arcs[k][1]] - 1 - (sizes[k] is not None) for k in found}
        trunk = [u]
        remaining = sorted(found, key=lambda k: exits[k])
        for r in range(items.rank[u] + 1, exits[remaining[-1]] + 1):
            ahead = [paths[arcs[k][1]] for k in remaining if exits[k] >= r]
            trunk.append(items.add(r, _room(paths[u], ahead, r, spans)))
        for k in found:
            way = trunk[: exits[k] - items.rank[u] + 1]
            v, size = arcs[k][1], sizes[k]
            if size is not None:
                room = _room(paths[u], [paths[v]], items.rank[v] - 1, spans)
                items.labels[k] = items.add(items.rank[v] - 1, room, *size)
                way = [*way, items.labels[k]]
            items.routes[k] = [*way, v]
            items.way(*items.routes[k])
    _fill(items, spans, around)
    return spans


def _spans(rank: Sequence[int], paths: Sequence[tuple[int, ...]]) -> dict[int, tuple[int, int]]:
    spans: dict[int, tuple[int, int]] = {}
    for v, path in enumerate(paths):
        for g in path:
            first, last = spans.get(g, (rank[v], rank[v]))
            spans[g] = min(first, rank[v]), max(last, rank[v])
    return spans


def _room(
    start: tuple[int, ...], ahead: Sequence[tuple[int, ...]], rank: int, spans: dict[int, tuple[int, int]]
) -> int:
    """The group that a lane is in: the start's while its groups last, then that of what it leads to."""
    common = ahead[0]
    for path in ahead[1:]:
        k = 0
        while k < min(len(common), len(path)) and common[k] == path[k]:
            k += 1
        common = common[:k]
    shared = 0
    while shared < min(len(common), len(start)) and common[shared] == start[shared]:
        shared += 1
    for path in (start[shared:], common[shared:]):
        lasting = [g for g in path if spans[g][0] <= rank <= spans[g][1]]
        if lasting:
            return lasting[-1]
    return start[shared - 1] if shared else 0


def _fill(items: Items, spans: dict[int, tuple[int, int]], around: dict[int, tuple[int, ...]]) -> None:
    """A placeholder wherever a group has nothing in a layer that its box crosses."""
    present = {(g, items.rank[v]) for v, inner in enumerate(items.group) for g in around[inner]}
    # inner groups first: their placeholders stand in the outer ones too
    for g in sorted(spans, key=lambda g: (-len(around[g]), g)):
        last = -1
        for r in range(spans[g][0], spans[g][1] + 1):
            if (g, r) in present:
                last = -1
                continue
            v = items.add(r, g)
            present |= {(outer, r) for outer in around[g]}
            if last >= 0:
                items.way(last, v)
            last = v
