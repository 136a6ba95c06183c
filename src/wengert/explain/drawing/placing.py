"""From diagrams to marks: the layered layout, and words in their boxes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from wengert.explain.charts.elements import clip
from wengert.explain.drawing.diagram import INKS, LOOKS, ROW, SIDE, TOP, Block, Diagram, Link
from wengert.explain.drawing.marks import SOFT, Curve, Mark, Paint, Panel, Words, width_of
from wengert.explain.layout import Arc, Box, Node, Placed, layout

__all__ = ["EDGE", "fitting", "placed_marks", "stacked", "suitable"]

EDGE = 14.0  # the empty border of a picture
_LABEL = 11.0
_HEADING = 30.0
_WIDEST = 1500.0


def placed_marks(diagram: Diagram) -> tuple[list[Mark], float, float]:
    """The marks of a diagram, from (0, 0), with width and height."""
    arcs = [Arc(link.source, link.target, label_size(link)) for link in diagram.links]
    nodes = [Node(b.key, b.width, b.height, b.group) for b in diagram.blocks]
    placed = layout(nodes, arcs, diagram.direction, layer_gap=34.0 if diagram.direction == "right" else 28.0)
    marks = [frame(box, diagram.frames[g], len(g)) for g, box in placed.groups.items()]
    marks += [
        Mark((Curve(tuple(way), dashed=link.dashed),), link.tip)
        for way, link in zip(placed.edges, diagram.links, strict=True)
    ]
    marks += [mark for block in diagram.blocks for mark in block_marks(block, placed.nodes[block.key])]
    marks += [title for g in placed.groups for title in frame_title(placed.groups[g], diagram.frames[g])]
    return marks + label_marks(diagram, placed), placed.width, placed.height


def label_size(link: Link) -> tuple[float, float] | None:
    """The room for the words on a link."""
    return (width_of(link.label, _LABEL) + 4, _LABEL + 2) if link.label else None


def label_marks(diagram: Diagram, placed: Placed) -> list[Mark]:
    """The words on links, beside their lines."""
    marks: list[Mark] = []
    for link, box in zip(diagram.links, placed.labels, strict=True):
        if box is not None:
            words = Words(box.center[0], box.bottom - 3, link.label, INKS[link.role], _LABEL, "middle")
            marks.append(Mark((words,), link.tip))
    return marks


def frame(box: Box, title: str, depth: int) -> Mark:
    """The box around a group."""
    return Mark((Panel(box, Paint("ink", 0.02 + 0.02 * min(depth, 4)), Paint("rule"), radius=8),), title)


def frame_title(box: Box, title: str) -> list[Mark]:
    """As much of a group's title as fits, readable upon lines."""
    shown = fitting(title, box.w - 14, _LABEL)
    return [Mark((Words(box.x + 7, box.y + 13, shown, SOFT, _LABEL, haloed=True),), title)] if shown else []


def fitting(text: str, width: float, size: float) -> str:
    """The text, cut so that it is not wider."""
    length = len(text)
    while length > 1 and width_of(clip(text, length), size) > width:
        length -= 1
    return clip(text, length) if width_of(clip(text, length), size) <= width else ""


def block_marks(block: Block, box: Box) -> list[Mark]:
    """A block's box and words; what is folded looks like a pile, what recurs has a loop on it."""
    fill, stroke, dashed = LOOKS[block.kind]
    radius = box.h / 2 if block.kind in ("input", "activation") and len(block.lines) == 1 else 6.0
    shapes: list[Panel | Curve | Words] = []
    if block.kind == "fold":
        shapes.append(Panel(Box(box.x + 4, box.y + 4, box.w, box.h), fill, stroke))
    shapes.append(Panel(box, fill, stroke, radius=radius, dashed=dashed))
    for k, line in enumerate(block.shown):
        y = box.y + TOP + 11 + k * ROW
        shapes.append(
            Words(box.center[0], y, line.text, INKS[line.role], line.size, "middle", bold=line.role == "head")
        )
    marks = [Mark(tuple(shapes), block.tip)]
    return [*marks, Mark((_loop(box),), "its state goes back in at the next time step")] if block.recurrent else marks


def _loop(box: Box) -> Curve:
    right, left, y = box.right - SIDE, box.right - 4 * SIDE, box.y
    return Curve(((right, y), (right, y - 16), (left, y - 16), (left, y)), Paint("line0"))


def stacked(parts: Sequence[tuple[str, list[Mark], float, float]]) -> tuple[list[Mark], float, float]:
    """Pictures below one another, each with a heading; all from (0, 0)."""
    marks: list[Mark] = []
    y, width = 0.0, 0.0
    for heading, drawn, w, h in parts:
        if heading:
            marks.append(Mark((Words(0, y + 14, heading, bold=True, size=13),)))
            y += _HEADING
            width = max(width, width_of(heading, 13, bold=True))
        marks += [shifted(mark, 0, y) for mark in drawn]
        y, width = y + h + 24, max(width, w)
    return marks, width, max(y - 24, 0.0)


def shifted(mark: Mark, x: float, y: float) -> Mark:
    """The same mark somewhere else."""
    return Mark(tuple(_shifted(shape, x, y) for shape in mark.shapes), mark.tip)


def _shifted(shape: Panel | Curve | Words, x: float, y: float) -> Panel | Curve | Words:
    match shape:
        case Panel():
            return Panel(_moved(shape.box, x, y), shape.fill, shape.stroke, shape.width, shape.radius, shape.dashed)
        case Curve():
            points = tuple((a + x, b + y) for a, b in shape.points)
            return Curve(points, shape.stroke, shape.width, shape.arrow, shape.dashed)
        case Words():
            return Words(shape.x + x, shape.y + y, shape.text, shape.paint, shape.size, shape.anchor, shape.bold,
                         shape.haloed)  # fmt: skip


def _moved(box: Box, x: float, y: float) -> Box:
    return Box(box.x + x, box.y + y, box.w, box.h)


def suitable(diagram: Diagram) -> Literal["right", "down"]:
    """To the right, or down where that would be too wide to be read on a screen."""
    return "right" if placed_marks(diagram)[1] <= _WIDEST else "down"
