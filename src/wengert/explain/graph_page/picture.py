"""The graph as one SVG: cards of steps and folds, lines with upstream × local, frames about what is open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import resources

from wengert.explain.charts.elements import clip, escape, place, tag
from wengert.explain.charts.numbers import count
from wengert.explain.graph_page.folds import Fold
from wengert.explain.graph_page.model import Model
from wengert.explain.graph_page.plan import Item, Line, Placed, Point
from wengert.explain.layout import path_data

__all__ = ["GRAPH_STYLE", "draw", "heading"]

GRAPH_STYLE = resources.files("wengert.explain.graph_page").joinpath("graph.css").read_text(encoding="utf-8")
MARGIN = 16.0


def draw(model: Model, name: str, style: str = "") -> str:
    """The whole graph, with the folds open that an explanation begins with; ``name`` makes its ids unique."""
    placed = model.plans[model.root].begun
    width, height = placed.width + 2 * MARGIN, placed.height + 2 * MARGIN
    title = tag("title", escape(model.title), id=f"{name}-title") + tag(
        "desc", escape(_words(model)), id=f"{name}-words"
    )
    return tag(
        "svg",
        title
        + (tag("style", style) if style else "")
        + tag("g", "".join(_inside(model, model.root, MARGIN, MARGIN)), class_="all"),
        xmlns="http://www.w3.org/2000/svg",
        class_=f"wengert-graph {model.mode}-mode",
        viewBox=f"0 0 {place(width)} {place(height)}",
        width=width,
        height=height,
        role="img",
        aria_labelledby=f"{name}-title {name}-words",
    )


def _words(model: Model) -> str:
    right = {"gradient": ", gradients on the right", "tangent": ", tangents on the right"}.get(model.mode, "")
    counts = f"{count(len(model.steps), 'step')}, {count(len(model.edges), 'edge')}"
    return f"{counts}. Values stand on the left of a box{right}."


def _inside(model: Model, fold: Fold, x: float, y: float) -> Iterator[str]:
    """What stands in a fold whose corner is at x, y: frames below lines, and lines below cards."""
    plan = model.plans[fold]
    cards: list[str] = []
    for item, (cx, cy) in zip(plan.items, plan.begun.items, strict=True):
        if isinstance(item, Fold) and item.opened:
            inner = model.plans[item].begun
            left, top = x + cx - inner.width / 2, y + cy - inner.height / 2
            yield _frame(item, left, top, inner)
            cards += _inside(model, item, left, top)
        else:
            cards.append(_node(model, item, x + cx, y + cy))
    for line, (points, at) in zip(plan.lines, plan.begun.lines, strict=True):
        yield _line(model, line, [(x + px, y + py) for px, py in points], at and (x + at[0], y + at[1]))
    yield from cards


def _node(model: Model, item: Item, x: float, y: float) -> str:
    return tag("g", model.cards[item].markup, class_=f"node {model.classes(item)}", transform=_moved(x, y))


def _moved(x: float, y: float) -> str:
    return f"translate({place(x)} {place(y)})"


def _frame(fold: Fold, x: float, y: float, placed: Placed) -> str:
    box = tag("rect", None, class_="box", width=placed.width, height=placed.height, rx=10)
    return tag("g", box + heading(fold, placed.width), class_=f"frame {fold.kind}", transform=_moved(x, y))


def heading(fold: Fold, width: float) -> str:
    """The name of an open fold, at its corner."""
    shown = clip(fold.name, max(4, int((width - 30) / 7.5)))
    return tag("text", tag("title", escape(fold.name)) + "▾ " + escape(shown), class_="t", x=12, y=20)


def _line(model: Model, line: Line, points: Sequence[Point], at: Point | None) -> str:
    words = tag("text", _spans(model.labels[line]), x=at[0] + 7, y=at[1] + 4) if at else ""
    wire, head = (
        tag("path", None, class_="wire", d=path_data(points)),
        tag("path", None, class_="head", d=_arrow(points[-1])),
    )
    return tag("g", wire + head + words, class_=f"line {model.line_class(line)}".strip())


def _arrow(point: Point) -> str:
    """The head of a line that comes from above."""
    return f"M{place(point[0])} {place(point[1])}l-4 -8h8z"


def _spans(label: list[str]) -> str:
    if len(label) != 3:
        return escape("".join(label))
    if not label[0]:  # no derivative comes: the local one alone
        return tag("tspan", escape(label[1]), class_="l")
    upstream, local, contribution = (tag("tspan", escape(v), class_=key) for v, key in zip(label, "ulc", strict=True))
    return f"{upstream} × {local} = {contribution}"
