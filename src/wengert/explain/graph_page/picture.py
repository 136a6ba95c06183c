"""The graph as one SVG: cards of steps and folds, lines with local × upstream, frames about what is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any

from wengert.explain.charts.elements import clip, escape, place, tag, text_width
from wengert.explain.graph_page.folds import Fold
from wengert.explain.graph_page.model import Model
from wengert.explain.graph_page.plan import Line, Placed, Point

__all__ = ["GRAPH_STYLE", "curve", "draw"]

GRAPH_STYLE = resources.files("wengert.explain.graph_page").joinpath("graph.css").read_text(encoding="utf-8")
MARGIN = 16


def draw(model: Model, name: str) -> str:
    """The whole graph with the folds open that the explanation begins with."""
    placed = model.plans[model.root].begun
    width, height = placed.width + 2 * MARGIN, placed.height + 2 * MARGIN
    body = "".join(_inside(model, model.root, MARGIN, MARGIN))
    heading = tag("title", escape(model.title), id=f"{name}-title") + tag("desc", escape(model.words), id=f"{name}-words")
    return tag(
        "svg",
        heading + tag("g", body, class_="all"),
        xmlns="http://www.w3.org/2000/svg",
        class_="wengert-graph",
        viewBox=f"0 0 {place(width)} {place(height)}",
        width=float(width),
        height=float(height),
        role="img",
        aria_labelledby=f"{name}-title {name}-words",
    )


def _inside(model: Model, fold: Fold, x: float, y: float) -> Iterator[str]:
    """What stands in a fold whose corner is at x, y: frames below lines, and lines below cards."""
    plan = model.plans[fold]
    placed = plan.begun
    cards: list[str] = []
    for item, (cx, cy) in zip(fold.items, placed.items, strict=True):
        at = (x + cx, y + cy)
        if isinstance(item, Fold) and item.opened:
            inner = model.plans[item].begun
            corner = (at[0] - inner.width / 2, at[1] - inner.height / 2)
            yield _frame(item, *corner, inner)
            cards += _inside(model, item, *corner)
        else:
            cards.append(_node(model, item, *at))
    for line, (points, label) in zip(plan.lines, placed.lines, strict=True):
        ends = [_end(model, line, points[0], line.tail, placed), *points[1:-1], _end(model, line, points[-1], line.head, placed)]
        yield _line(model, line, [(x + px, y + py) for px, py in ends], (x + label[0], y + label[1]))
    yield from cards


def _end(model: Model, line: Line, point: Point, item: Any, placed: Placed) -> Point:
    """Where a line ends: at an open fold it ends at the port from which it goes on inside."""
    if not (isinstance(item, Fold) and item.opened):
        return point
    inner = model.plans[item].begun
    cx, cy = placed.items[next(k for k, other in enumerate(model.plans[item].fold.parent.items) if other is item)]
    px, py = inner.ports[line.number]
    return cx - inner.width / 2 + px, cy - inner.height / 2 + py


def _node(model: Model, item: int | Fold, x: float, y: float) -> str:
    key = f"fold {item.key}" if isinstance(item, Fold) else f"step {item}"
    return tag("g", model.card(item), class_=f"node {model.classes(item)}", transform=f"translate({place(x)} {place(y)})", data_item=key)


def _frame(fold: Fold, x: float, y: float, placed: Placed) -> str:
    title = clip(fold.name, max(4, int((placed.width - 24) / 8)))
    inside = tag("rect", None, class_="box", width=float(placed.width), height=float(placed.height), rx=10)
    return tag("g", inside + tag("text", escape(title), class_="t", x=12, y=19), class_=f"frame {fold.kind}",
               transform=f"translate({place(x)} {place(y)})", data_frame=fold.key)  # fmt: skip


def _line(model: Model, line: Line, points: Sequence[Point], at: Point) -> str:
    label = model.label(line.edges)
    words = tag("text", label, x=float(at[0]), y=at[1] + 4.0) if label else ""
    head = "" if isinstance(line.head, tuple | Fold) and not _closed(line.head) else tag("path", None, class_="head", d=arrow(points[-1]))
    return tag("g", tag("path", None, d=curve(points)) + head + words, class_=f"line {model.line_class(line.edges)}".strip(), data_line=line.number)


def _closed(end: object) -> bool:
    return isinstance(end, Fold) and not end.opened


def curve(points: Sequence[Point]) -> str:
    """A line through the points, vertical at each of them."""
    parts = [f"M{place(points[0][0])} {place(points[0][1])}"]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        middle = place((y0 + y1) / 2)
        parts.append(f"C{place(x0)} {middle} {place(x1)} {middle} {place(x1)} {place(y1)}")
    return "".join(parts)


def arrow(point: Point) -> str:
    """The head of a line that comes from above."""
    return f"M{place(point[0])} {place(point[1])}l-4 -8h8z"
