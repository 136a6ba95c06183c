"""Where everything is drawn: each fold has a layout of its own, in which the folds inside are boxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

from wengert.explain.graph_page.folds import Fold
from wengert.explain.layout import Arc, Node, layout

__all__ = ["Item", "Line", "Placed", "Plan", "Point", "Reference", "Size", "plan"]

Point = tuple[float, float]
Size = tuple[float, float]
TITLE = 30.0  # the room for an open fold's title
PAD = 16.0
MOST_PARALLEL = 3  # values that pass between the same two boxes, each on a line of its own


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that a fold reads and that was made outside of it, by the number of its step."""

    step: int


Item = int | Fold | Reference


@dataclass(eq=False, slots=True)
class Line:
    """What passes from one item of a fold to another: some edges of the graph, by number."""

    tail: Item
    head: Item
    edges: list[int] = field(default_factory=list[int])


@dataclass(frozen=True, eq=False, slots=True)
class Placed:
    """A fold's inside: the middles of its items, cubic splines of its lines, and where their labels begin."""

    width: float
    height: float
    items: list[Point]
    lines: list[tuple[list[Point], Point | None]]


@dataclass(frozen=True, eq=False, slots=True)
class Plan:
    """A fold's items, with what it reads from outside, and lines; ``closed`` is the layout with folds inside closed.

    ``begun`` is the layout in which those folds are open that are open at first.
    """

    items: list[Item]
    lines: list[Line]
    closed: Placed
    begun: Placed


def plan(
    root: Fold, edges: Sequence[tuple[int, int]], size_of: Callable[[Item], Size], label_of: Callable[[Line], Size]
) -> dict[Fold, Plan]:
    """Layouts of all folds; ``edges`` are pairs of step numbers."""
    made: dict[Fold, Plan] = {}
    folds = [*root.folds()]
    lines = _lines_of(folds, edges)
    place = cache(_place)  # the turns of a loop are alike

    def begun_size(item: Item) -> Size:
        if isinstance(item, Fold) and item.opened:
            return made[item].begun.width, made[item].begun.height
        return size_of(item)

    for fold in reversed(folds):  # inner ones first: their sizes are needed outside
        read = dict.fromkeys(line.tail for line in lines[fold] if isinstance(line.tail, Reference))
        items: list[Item] = [*fold.items, *read]
        labels = [label_of(line) for line in lines[fold]]
        index = {item: k for k, item in enumerate(items)}
        arcs = tuple(
            (index[line.tail], index[line.head], label) for line, label in zip(lines[fold], labels, strict=True)
        )
        closed = place(tuple(map(size_of, items)), arcs, fold is not root)
        begun = place(tuple(map(begun_size, items)), arcs, fold is not root)
        made[fold] = Plan(items, lines[fold], closed, begun)
    return made


def _lines_of(folds: Sequence[Fold], edges: Sequence[tuple[int, int]]) -> dict[Fold, list[Line]]:
    """The lines inside each fold: edges that end in it, and neither begin nor end in one item."""
    found: dict[Fold, list[Line]] = {}
    ending: dict[Fold, list[int]] = {folds[0]: [*range(len(edges))]}
    for fold in folds:
        homes = {n: item for item in fold.items for n in (item.steps() if isinstance(item, Fold) else (item,))}
        between: defaultdict[tuple[Item, Item], list[int]] = defaultdict(list)
        for k in ending.get(fold, ()):
            a, b = edges[k]
            head = homes[b]
            if isinstance(head, Fold):
                ending.setdefault(head, []).append(k)
            tail = homes.get(a, Reference(a))
            if tail is not head:
                between[tail, head].append(k)
        found[fold] = [line for ends, inside in between.items() for line in _bundles(*ends, inside, edges)]
    return found


def _bundles(tail: Item, head: Item, inside: list[int], edges: Sequence[tuple[int, int]]) -> list[Line]:
    """A line for each value that passes, or one for all where they are many; edges between steps stay alone."""
    if not isinstance(tail, Fold) and not isinstance(head, Fold):
        return [Line(tail, head, [k]) for k in inside]
    values: defaultdict[int, list[int]] = defaultdict(list)
    for k in inside:
        values[edges[k][0]].append(k)
    many = len(values) > MOST_PARALLEL
    return [Line(tail, head, inside)] if many else [Line(tail, head, some) for some in values.values()]


def _place(sizes: tuple[Size, ...], arcs: tuple[tuple[int, int, Size], ...], inner: bool) -> Placed:
    nodes = [Node(k, *size) for k, size in enumerate(sizes)]
    found = layout(
        nodes, [Arc(a, b, label if label[0] else None) for a, b, label in arcs], "down", gap=24.0, layer_gap=26.0
    )
    x0, y0, below = (PAD, TITLE, PAD) if inner else (0.0, 0.0, 0.0)

    def moved(p: Point) -> Point:
        return round(p[0] + x0, 1), round(p[1] + y0, 1)

    return Placed(
        round(found.width + 2 * x0, 1),
        round(found.height + y0 + below, 1),
        [moved(found.nodes[k].center) for k in range(len(nodes))],
        [([*map(moved, points)], box and moved((box.x, box.y + box.h / 2)))
         for points, box in zip(found.edges, found.labels, strict=True)],
    )  # fmt: skip
