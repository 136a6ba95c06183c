"""Where everything is drawn: each fold has a layout of its own, in which the folds inside are boxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from wengert.explain.graph_page.folds import Fold
from wengert.explain.graph_page._stub_layout import stub

__all__ = ["Line", "Placed", "Plan", "plan"]

Point = tuple[float, float]
Size = tuple[float, float]
HEAD = 30  # height of an open fold's title
PAD = 14
PORT = (10.0, 2.0)
MOST_PARALLEL = 3  # values that pass between the same two boxes, each on a line of its own


@dataclass(eq=False, slots=True)
class Line:
    """What passes from one item of a fold to another: some edges of the graph. A port is another fold's line."""

    number: int
    tail: object
    head: object
    edges: list[int] = field(default_factory=list[int])


@dataclass(slots=True)
class Placed:
    """A fold's inside: centres of items and ports, the lines' points and the places of their labels."""

    width: float
    height: float
    items: list[Point]
    ports: dict[int, Point]
    lines: list[tuple[list[Point], Point]]


@dataclass(eq=False, slots=True)
class Plan:
    """The lines of each fold, and its layout: with all folds inside closed, and as the page begins."""

    fold: Fold
    lines: list[Line]
    closed: Placed
    begun: Placed


def plan(
    root: Fold,
    edges: Sequence[tuple[int, int]],
    size_of: Callable[[int | Fold], Size],
    label_of: Callable[[list[int]], Size],
) -> dict[Fold, Plan]:
    """Layouts of all folds; ``edges`` are pairs of step numbers."""
    lines = _lines(root, edges)
    made: dict[Fold, Plan] = {}
    for fold in reversed([*root.folds()]):  # inner ones first: their sizes are needed outside
        closed = _place(fold, lines[fold], size_of, label_of)
        begun = closed
        if any(isinstance(item, Fold) and item.opened for item in fold.items):
            begun = _place(fold, lines[fold], lambda item: _begun_size(item, made, size_of), label_of)
        made[fold] = Plan(fold, lines[fold], closed, begun)
    return made


def _begun_size(item: int | Fold, made: Mapping[Fold, Plan], size_of: Callable[[int | Fold], Size]) -> Size:
    if isinstance(item, Fold) and item.opened:
        return made[item].begun.width, made[item].begun.height
    return size_of(item)


def _lines(root: Fold, edges: Sequence[tuple[int, int]]) -> dict[Fold, list[Line]]:
    """The lines inside each fold. Those that end at a fold inside go on in there from a port."""
    found: dict[Fold, list[Line]] = {}
    entering: dict[Fold, dict[int, int]] = {root: {}}
    number = 0
    touching: dict[Fold, list[int]] = {root: [*range(len(edges))]}
    for fold in root.folds():
        homes = {n: item for item in fold.items for n in (item.steps() if isinstance(item, Fold) else (item,))}
        groups: defaultdict[tuple[object, object], defaultdict[int, list[int]]]
        groups = defaultdict(lambda: defaultdict(list))
        outside = entering[fold]
        for k in touching[fold]:
            a, b = edges[k]
            tail = homes[a] if a in homes else ("in", outside[k])
            head = homes[b] if b in homes else ("out", outside[k])
            if tail is head or tail == head:
                touching.setdefault(tail, []).append(k)  # type: ignore[arg-type]  # an edge of two steps is inside a fold
                continue
            groups[tail, head][a].append(k)
            for end in (tail, head):
                if isinstance(end, Fold):
                    touching.setdefault(end, []).append(k)
        lines: list[Line] = []
        for (tail, head), by_source in groups.items():
            bundles = [*by_source.values()]
            if len(bundles) > MOST_PARALLEL:
                bundles = [[k for bundle in bundles for k in bundle]]
            for bundle in bundles:
                lines.append(Line(number, tail, head, bundle))
                for end in (tail, head):
                    if isinstance(end, Fold):
                        entering.setdefault(end, {}).update(dict.fromkeys(bundle, number))
                number += 1
        found[fold] = lines
        for item in fold.items:
            if isinstance(item, Fold):
                entering.setdefault(item, {})
                touching.setdefault(item, [])
    return found


def _place(
    fold: Fold,
    lines: list[Line],
    size_of: Callable[[int | Fold], Size],
    label_of: Callable[[list[int]], Size],
) -> Placed:
    sizes: dict[object, Size] = {}
    for line in lines:
        if isinstance(line.tail, tuple):
            sizes[line.tail] = PORT
    sizes.update({item: size_of(item) for item in fold.items})
    for line in lines:
        if isinstance(line.head, tuple):
            sizes[line.head] = PORT
    boxes, drawn, width, height = stub(sizes, [(line.tail, line.head, label_of(line.edges)) for line in lines])
    inset = 0.0 if fold.parent is None else PAD
    head = 0.0 if fold.parent is None else HEAD

    def moved(p: Point) -> Point:
        return round(p[0] + inset, 1), round(p[1] + head, 1)

    outer = (round(width + 2 * inset, 1), round(height + head + inset, 1))
    ports = {}
    placed_lines = [([moved(p) for p in points], moved(at)) for points, at in drawn]
    for key, box in boxes.items():
        if isinstance(key, tuple):
            x, _ = moved(box)
            ports[key[1]] = (x, 0.0 if key[0] == "in" else outer[1])
    for line, (points, _) in zip(lines, placed_lines, strict=True):
        if isinstance(line.tail, tuple):
            points.insert(0, ports[line.tail[1]])
        if isinstance(line.head, tuple):
            points.append(ports[line.head[1]])
    return Placed(*outer, [moved(boxes[item]) for item in fold.items], ports, placed_lines)
