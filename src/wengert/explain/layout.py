"""Layered drawings of directed graphs: boxes, curves between them, labels on the curves, groups around boxes.

The method is that of K. Sugiyama, S. Tagawa, M. Toda, "Methods for visual understanding of hierarchical system
structures", IEEE Transactions on Systems, Man, and Cybernetics 11 (1981), with the layers, exchanges and splines of
E. Gansner, E. Koutsofios, S. North, K.-P. Vo, "A technique for drawing directed graphs", IEEE Transactions on
Software Engineering 19 (1993), the places of U. Brandes, B. Köpf, "Fast and simple horizontal coordinate assignment",
Graph Drawing 2001, and groups after M. Forster, "Applying crossing reduction strategies to layered compound graphs",
Graph Drawing 2002. Nothing is drawn here, and the same graph always has the same drawing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from wengert.errors import ModelError
from wengert.explain.layered.margins import Margins
from wengert.explain.layered.part import Part, Sketch, place
from wengert.explain.layered.routes import Point, Sides

__all__ = ["Arc", "Box", "Node", "Placed", "layout", "path_data"]

Group = tuple[Hashable, ...]
TITLE = 22.0  # the room for a group's title
_PAD = 10.0  # the room between a group's side and what it holds
_SHAPE = 1.6  # the sides of a picture of several parts, about
_BESIDE = 3.0  # between a line and its label


@dataclass(frozen=True, slots=True)
class Node:
    """A box to place: its size in pixels, and the groups around it, the outermost first."""

    key: Hashable
    width: float
    height: float
    group: Group = ()


@dataclass(frozen=True, slots=True)
class Arc:
    """A line from one node to another, with the (width, height) of its label if it has one."""

    source: Hashable
    target: Hashable
    label_size: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: its corner at the top left, width and height."""

    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        """The right side."""
        return self.x + self.w

    @property
    def bottom(self) -> float:
        """The lower side; y grows downwards."""
        return self.y + self.h

    @property
    def center(self) -> Point:
        """The middle."""
        return self.x + self.w / 2, self.y + self.h / 2

    def overlaps(self, other: Box) -> bool:
        """Whether the two have some area in common."""
        return (
            min(self.right, other.right) - max(self.x, other.x) > 1e-6
            and min(self.bottom, other.bottom) - max(self.y, other.y) > 1e-6
        )

    def holds(self, other: Box) -> bool:
        """Whether the other lies in this one."""
        return (
            self.x <= other.x + 1e-6
            and self.y <= other.y + 1e-6
            and self.right >= other.right - 1e-6
            and self.bottom >= other.bottom - 1e-6
        )


@dataclass(frozen=True, slots=True)
class Placed:
    """Where everything is, from (0, 0) to (``width``, ``height``).

    ``edges`` holds for each arc the points of a cubic Bézier spline: its beginning, and for each piece two control
    points and an end (:func:`path_data` writes it for SVG). ``labels`` holds for each arc the box of its label, or
    None; its line runs 3 pixels below it where the direction is right, on its left where it is down. ``groups``
    holds the box of each group, by the whole path of groups to it, outer ones first; the title's place is in its upper
    22 pixels. ``layers`` holds each node's layer, by key.
    """

    nodes: dict[Hashable, Box]
    edges: list[list[Point]]
    labels: list[Box | None]
    groups: dict[Group, Box]
    layers: dict[Hashable, int]
    width: float
    height: float


def layout(
    nodes: Sequence[Node],
    arcs: Sequence[Arc],
    direction: Literal["right", "down"] = "right",
    *,
    gap: float = 18.0,
    layer_gap: float = 44.0,
) -> Placed:
    """Place boxes in layers, so that all arcs lead in one direction, and few cross.

    No two boxes overlap, labels included; no line touches a box that is not an end of it; what has a group stands
    with all others of the group in a box that holds nothing else. Several arcs from one node share a line as far as
    they have one way. Parts that nothing connects are placed side by side.

    Args:
        nodes: boxes with different keys.
        arcs: lines between them, by key; several between the same two nodes are drawn beside each other.
        direction: where arcs lead.
        gap: pixels at least between boxes of a layer.
        layer_gap: pixels at least between layers.

    Raises:
        ModelError: if two nodes have one key, a size is negative or infinite, an arc leads from or to an unknown node,
            or arcs run in a circle.

    Example:
        >>> from wengert.explain.layout import Arc, Node, layout
        >>> placed = layout([Node("x", 40, 20), Node("y", 40, 20), Node("sum", 60, 20)],
        ...                 [Arc("x", "sum"), Arc("y", "sum")])
        >>> placed.layers, placed.nodes["y"]
        ({'x': 0, 'y': 0, 'sum': 1}, Box(x=0.0, y=38.0, w=40, h=20))
        >>> placed.nodes["sum"].center[1], placed.width, placed.height
        (29.0, 146.28, 58.0)
    """
    index = _indexed(nodes)
    ends = [_ends(arc, index) for arc in arcs]
    numbers = _group_numbers(nodes)
    right = direction == "right"
    margins = Margins(gap, gap / 2, layer_gap, (_PAD, TITLE, _PAD, _PAD) if right else (TITLE, _PAD, _PAD, _PAD))
    components = _components(nodes, ends)
    parts: list[Part] = []
    for members, inside in components:
        local = {v: k for k, v in enumerate(members)}
        parts.append(
            place(
                Sketch(
                    [nodes[v].key for v in members],
                    [_extent(nodes[v], right) for v in members],
                    [_path(nodes[v].group, numbers) for v in members],
                    [(local[ends[k][0]], local[ends[k][1]]) for k in inside],
                    [_reach(arcs[k].label_size, right) for k in inside],
                ),
                margins,
            )
        )
    corners = _corners(parts, 2 * gap, _SHAPE if right else 1 / _SHAPE)
    return _gathered(nodes, arcs, list(numbers), components, parts, corners, right)


def path_data(points: Sequence[Point]) -> str:
    """The ``d`` of an SVG path along a cubic Bézier spline; pieces that are straight are lines.

    Example:
        >>> from wengert.explain.layout import path_data
        >>> path_data([(0, 0), (2, 0), (4, 0), (6, 0), (8, 0), (8, 5), (10, 5)])
        'M0 0L6 0C8 0 8 5 10 5'
    """
    parts = [f"M{_short(points[0])}"]
    for k in range(1, len(points) - 2, 3):
        (a, b), (c, d), (e, f), (g, h) = points[k - 1 : k + 3]
        flat = abs((c - a) * (h - b) - (d - b) * (g - a)) + abs((e - a) * (h - b) - (f - b) * (g - a)) < 1e-6
        parts.append(f"L{_short((g, h))}" if flat else "C" + " ".join(map(_short, points[k : k + 3])))
    return "".join(parts)


def _short(point: Point) -> str:
    return " ".join(f"{value:.1f}".removesuffix(".0").replace("-0", "0") if abs(value) < 0.05 else
                    f"{value:.1f}".removesuffix(".0") for value in point)  # fmt: skip


def _indexed(nodes: Sequence[Node]) -> dict[Hashable, int]:
    index = {node.key: k for k, node in enumerate(nodes)}
    if len(index) < len(nodes):
        twice = next(node.key for k, node in enumerate(nodes) if index[node.key] != k)
        raise ModelError(f"layout: two nodes have the key {twice!r}\n  write: a key of its own for each node")
    for node in nodes:
        if not (0 <= node.width < math.inf and 0 <= node.height < math.inf):
            raise ModelError(f"layout: {node} has no size\n  write: a width and a height in pixels, 0 or more")
    return index


def _ends(arc: Arc, index: dict[Hashable, int]) -> tuple[int, int]:
    for key in (arc.source, arc.target):
        if key not in index:
            raise ModelError(f"layout: {arc} has an end {key!r} that is no node's key")
    if arc.source == arc.target:
        raise ModelError(
            f"layout: an arc leads from {arc.source!r} to itself, and a layered drawing needs a direction\n"
            "  write: the graph without it"
        )
    return index[arc.source], index[arc.target]


def _group_numbers(nodes: Sequence[Node]) -> dict[Group, int]:
    """All groups, outer ones first, numbered from 1."""
    found: dict[Group, int] = {}
    for node in nodes:
        for k in range(1, len(node.group) + 1):
            found.setdefault(node.group[:k], len(found) + 1)
    return found


def _components(nodes: Sequence[Node], ends: Sequence[tuple[int, int]]) -> list[tuple[list[int], list[int]]]:
    """Nodes that hang together, by arcs or by a group, and the arcs between them, in order."""
    leader = list(range(len(nodes)))

    def find(v: int) -> int:
        while leader[v] != v:
            leader[v] = leader[leader[v]]
            v = leader[v]
        return v

    first: dict[Hashable, int] = {}
    joined = [(first.setdefault(node.group[0], k), k) for k, node in enumerate(nodes) if node.group]
    for u, v in (*ends, *joined):
        a, b = sorted((find(u), find(v)))
        leader[b] = a
    found: defaultdict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for v in range(len(nodes)):
        found[find(v)][0].append(v)
    for k, (u, _) in enumerate(ends):
        found[find(u)][1].append(k)
    return list(found.values())


def _extent(node: Node, right: bool) -> tuple[float, float]:
    return (node.width, node.height) if right else (node.height, node.width)


def _path(group: Group, groups: dict[Group, int]) -> tuple[int, ...]:
    return tuple(groups[group[:k]] for k in range(1, len(group) + 1))


def _reach(size: tuple[float, float] | None, right: bool) -> tuple[float, float, float] | None:
    """How far a label reaches to both sides of its line, and along it: it stands on a line, or on the right of one."""
    if size is None:
        return None
    return (size[1] + _BESIDE, _BESIDE, size[0]) if right else (_BESIDE, size[0] + _BESIDE, size[1])


def _corners(parts: Sequence[Part], gap: float, shape: float) -> list[Point]:
    """Where each part begins: in rows, in their order, so that all of it is about ``shape`` times as long as broad."""
    area = sum((part.length + gap) * (part.breadth + gap) for part in parts)
    longest = max(max((part.length for part in parts), default=0), math.sqrt(area * shape))
    along = across = row = 0.0
    found: list[Point] = []
    for part in parts:
        if along and along + part.length > longest + 1e-6:
            along, across, row = 0.0, across + row + gap, 0.0
        found.append((along, across))
        along, row = along + part.length + gap, max(row, part.breadth)
    return found


def _gathered(
    nodes: Sequence[Node], arcs: Sequence[Arc], groups: Sequence[Group],
    components: Sequence[tuple[list[int], list[int]]], parts: Sequence[Part], corners: Sequence[Point], right: bool,
) -> Placed:  # fmt: skip
    """All parts in one picture, in the order of what was given."""
    boxes: dict[int, Box] = {}
    layers: dict[int, int] = {}
    framed: dict[int, Box] = {}
    edges: list[list[Point]] = [[] for _ in arcs]
    labels: list[Box | None] = [None] * len(arcs)
    for (members, inside), part, corner in zip(components, parts, corners, strict=True):
        for v, sides in zip(members, part.nodes, strict=True):
            boxes[v] = _box(sides, corner, right, (nodes[v].width, nodes[v].height))
        layers |= dict(zip(members, part.layers, strict=False))
        framed |= {g: _box(sides, corner, right) for g, sides in part.groups.items()}
        for k, way, sides in zip(inside, part.routes, part.labels, strict=True):
            moved = [(x + corner[0], y + corner[1]) for x, y in way]
            edges[k] = moved if right else [(y, x) for x, y in moved]
            labels[k] = sides and _box(sides, corner, right, arcs[k].label_size)
    length = max((corner[0] + part.length for part, corner in zip(parts, corners, strict=True)), default=0.0)
    breadth = max((corner[1] + part.breadth for part, corner in zip(parts, corners, strict=True)), default=0.0)
    return Placed(
        {node.key: boxes[v] for v, node in enumerate(nodes)},
        edges,
        labels,
        {group: framed[g] for g, group in enumerate(groups, 1)},
        {node.key: layers[v] for v, node in enumerate(nodes)},
        length if right else breadth,
        breadth if right else length,
    )


def _box(sides: Sides, corner: Point, right: bool, size: tuple[float, float] | None = None) -> Box:
    """What has these sides, or stands on the right of them with a size that is known better."""
    a, b, c, d = (side + corner[k % 2] for k, side in enumerate(sides))
    x, y, w, h = (a, b, c - a, d - b) if right else (b, a, d - b, c - a)
    if size is None:
        return Box(x, y, w, h)
    return Box(x if right else x + w - size[0], y, *size)
