"""One connected part of a graph, through all steps: along its layers and across them, whatever the direction is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from wengert.errors import ModelError
from wengert.explain.layered.breadth import positions
from wengert.explain.layered.lanes import Items, furnish
from wengert.explain.layered.margins import Margins
from wengert.explain.layered.ordering import arrange
from wengert.explain.layered.ranks import find_cycle, rank, topological
from wengert.explain.layered.routes import Point, Sides, bands_of, boxes_of, route

__all__ = ["Part", "Sketch", "place"]

_APART = 9.0  # arcs between the same two nodes, where they end


@dataclass(frozen=True)
class Sketch:
    """What is to be placed: for each node its name, (along, across) and the groups around it; for each arc its ends.

    ``labels`` holds for each arc how far its label reaches to both sides of the line, and along it, or None.
    """

    names: list[Hashable]
    sizes: list[tuple[float, float]]
    paths: list[tuple[int, ...]]
    arcs: list[tuple[int, int]]
    labels: list[tuple[float, float, float] | None]


@dataclass(frozen=True)
class Part:
    """What was placed: sides are along and across from, along and across to; all of it begins at (0, 0)."""

    nodes: list[Sides]
    layers: list[int]
    routes: list[list[Point]]
    labels: list[Sides | None]
    groups: dict[int, Sides]
    length: float
    breadth: float


def place(sketch: Sketch, margins: Margins) -> Part:
    """Layers, lanes, order, places and routes of one part."""
    if len(sketch.sizes) == 1 and not sketch.paths[0]:  # of these there may be thousands
        ((along, across),) = sketch.sizes
        return Part([(0.0, 0.0, along, across)], [0], [], [], {}, along, across)
    items = _items(sketch)
    spans = furnish(items, sketch.arcs, sketch.labels, sketch.paths)
    around = {path[k]: path[: k + 1] for path in sketch.paths for k in range(len(path))} | {0: ()}
    paths = [around[g] for g in items.group]
    axis = positions(items, arrange(items, paths), paths, margins)
    bands = bands_of(items, axis, paths, spans, margins)
    boxes = boxes_of(items, axis, bands, paths, spans, margins)
    shifts = _shifts(sketch)
    routes = [route(items, axis, bands, way, shift) for way, shift in zip(items.routes, shifts, strict=True)]
    sides = [_sides(items, axis, bands, v) for v in range(len(items.rank))]
    labels = [None if v < 0 else sides[v] for v in items.labels]
    return _at_origin(Part(sides[: len(sketch.sizes)], items.rank, routes, labels, boxes, 0, 0))


def _items(sketch: Sketch) -> Items:
    """The nodes in their layers."""
    count = len(sketch.sizes)
    # a label stands in a layer of its own
    arcs = [(u, v, 1 if size is None else 2) for (u, v), size in zip(sketch.arcs, sketch.labels, strict=True)]
    if topological(count, arcs) is None:
        names = [sketch.names[v] for v in find_cycle(count, arcs)]
        way = " → ".join(map(str, [*names, names[0]]))
        raise ModelError(
            f"layout: the arcs run in a circle, {way}, and a layered drawing needs a direction\n"
            "  write: the graph without one of these arcs"
        )
    halves = [across / 2 for _, across in sketch.sizes]
    return Items(
        rank(count, arcs, sketch.paths),
        [path[-1] if path else 0 for path in sketch.paths],
        halves,
        [*halves],
        [along for along, _ in sketch.sizes],
        [True] * count,
    )


def _shifts(sketch: Sketch) -> list[float]:
    """How far beside the middle of their end arcs arrive: 0 but for several without labels from the same node."""
    bare = [arc if size is None else None for arc, size in zip(sketch.arcs, sketch.labels, strict=True)]
    count, seen = Counter(bare), Counter[tuple[int, int] | None]()
    shifts: list[float] = []
    for arc in bare:
        if arc is None or count[arc] == 1:
            shifts.append(0.0)
            continue
        apart = min(_APART, sketch.sizes[arc[1]][1] / (count[arc] + 1))
        shifts.append((seen[arc] - (count[arc] - 1) / 2) * apart)
        seen[arc] += 1
    return shifts


def _sides(items: Items, axis: Sequence[float], bands: Sequence[tuple[float, float]], v: int) -> Sides:
    middle, half = sum(bands[items.rank[v]]) / 2, items.depth[v] / 2
    return middle - half, axis[v] - items.low[v], middle + half, axis[v] + items.high[v]


def _at_origin(part: Part) -> Part:
    """The same, moved so that it begins at (0, 0), and measured."""
    boxes = [*part.nodes, *part.groups.values(), *(label for label in part.labels if label)]
    ways = [point for way in part.routes for point in way]
    along = [side for box in boxes for side in box[::2]] + [x for x, _ in ways]
    across = [side for box in boxes for side in box[1::2]] + [y for _, y in ways]
    x, y = min(along), min(across)

    def moved(box: Sides) -> Sides:
        return box[0] - x, box[1] - y, box[2] - x, box[3] - y

    return Part(
        [moved(box) for box in part.nodes],
        part.layers,
        [[(a - x, b - y) for a, b in way] for way in part.routes],
        [label and moved(label) for label in part.labels],
        {g: moved(box) for g, box in part.groups.items()},
        max(along) - x,
        max(across) - y,
    )
