"""The page: picture, controls, the user's source, tables, and beneath them what the player reads."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wengert.explain import text
from wengert.explain.charts.elements import escape, tag
from wengert.explain.charts.numbers import count
from wengert.explain.graph_page import facts
from wengert.explain.graph_page.folds import Fold
from wengert.explain.graph_page.listing import Listing
from wengert.explain.graph_page.model import Model, model_of
from wengert.explain.graph_page.picture import GRAPH_STYLE, draw, heading
from wengert.explain.graph_page.plan import Line, Placed, Reference
from wengert.explain.page import card, document, section, table
from wengert.files import write_atomically

if TYPE_CHECKING:
    from wengert.explain.explanation import Explanation

__all__ = ["frame", "html", "svg"]

_FILES = resources.files("wengert.explain.graph_page")
_SCRIPT = _FILES.joinpath("player.js").read_text(encoding="utf-8")
_STYLE = _FILES.joinpath("player.css").read_text(encoding="utf-8")
_MOST_ROWS = 300  # of a table; the page's data hold all
_FRAME_HEIGHT = 780  # of a page in a notebook, in pixels
_KEYS = (
    ("← →", "a step back, a step on"), ("space", "play, pause"), ("Home End", "the first step, the last"),
    ("f b", "to the forward pass, to the backward pass"), ("↑ ↓", "to the box before, to the next"),
    ("Enter", "pin a box; open a fold"), ("c", "close the fold around"), ("Esc", "unpin"),
    ("/", "search by variable, operation or line"), ("+ − 0", "zoom in, zoom out, all of it"), ("?", "these keys"),
)  # fmt: skip


def svg(explanation: Explanation, path: str | os.PathLike[str] | None = None) -> str:
    """The picture by itself; see :meth:`wengert.explain.Explanation.svg`."""
    return _written(draw(model_of(explanation), "graph", GRAPH_STYLE), path)


def html(explanation: Explanation, path: str | os.PathLike[str] | None = None) -> str:
    """The page; see :meth:`wengert.explain.Explanation.html`."""
    model = model_of(explanation)
    listing = Listing(step.place for step in model.steps)
    sections = [
        ("graph", "Graph", _player(model, listing)),
        ("forward", "Forward pass", _forward(model)),
        ("backward", "Backward pass", _backward(model)),
    ]
    data = tag_json("explanation", _data(explanation.name, model, listing))
    page = document(
        model.title, _header(model), sections, "Written by wengert.",
        style=GRAPH_STYLE + _STYLE, end=f"{data}<script>{_SCRIPT}</script>",
    )  # fmt: skip
    return _written(page, path)


def frame(explanation: Explanation) -> str:
    """The page in a frame of its own, for notebooks: neither its styles nor its keys reach the notebook."""
    return tag("iframe", "", srcdoc=html(explanation), sandbox="allow-scripts allow-modals", loading="lazy",
               title=f"explanation of {explanation.name}",
               style=f"width:100%;height:{_FRAME_HEIGHT}px;border:0")  # fmt: skip


def _written(content: str, path: str | os.PathLike[str] | None) -> str:
    if path is not None:
        write_atomically(Path(path), content.encode())
    return content


def tag_json(name: str, data: object) -> str:
    """Data for a script, as text in which no markup can begin or end."""
    letters = json.dumps(data, separators=(",", ":"), ensure_ascii=True)
    for letter in "<>&":
        letters = letters.replace(letter, f"\\u{ord(letter):04x}")
    return f'<script type="application/json" id="{name}">{letters}</script>'


# ---- what is read


def _header(model: Model) -> str:
    inputs = sum(1 for step in model.steps if step.primitive is None)
    numbers = f"{count(inputs, 'input')}, {count(len(model.steps) - inputs, 'step')}, {count(len(model.edges), 'edge')}"
    legend = "".join(
        tag("span", words, class_=key)
        for key, words in (("v", "■ value"), ("g", "■ gradient, upstream and contribution"), ("l", "■ local derivative"))
    )
    return (
        tag("p", "explanation", class_="kind") + tag("h1", escape(model.title)) + tag("p", numbers, class_="lead")
        + _warning(model) + tag("p", legend, class_="legend")
    )  # fmt: skip


def _warning(model: Model) -> str:
    """Where the first value is that is not finite."""
    for step in model.steps:
        bad = facts.badness(step.value)
        if bad:
            where = f" ({text.place(step.line)})" if step.line else ""
            return tag("p", escape(f"{bad} first appears in {facts.title(step)}{where}"), class_="note")
    for step in reversed(model.steps):
        bad = facts.badness(step.gradient)
        if bad:
            return tag("p", escape(f"{bad} first appears in the gradient of {facts.title(step)}"), class_="note")
    return ""


def _player(model: Model, listing: Listing) -> str:
    button = lambda key, words, sign: tag("button", sign, type="button", id=key, aria_label=words, title=words)
    controls = (
        button("first", "To the start", "⏮") + button("back", "A step back", "◀") + button("play", "Play", "▶")
        + button("next", "A step on", "▶|") + button("last", "To the end", "⏭")
        + tag("input", None, type="range", id="position", min=0, max=1, value=1, aria_label="Position in both passes")
        + tag("div", tag("input", None, type="search", id="search", placeholder="Search  /", aria_label="Search steps")
              + tag("ul", "", id="results", hidden="hidden"), class_="search")
        + button("help", "Keys", "?") + tag("p", "", id="caption", role="status", aria_live="polite")
    )  # fmt: skip
    zoom = tag("div", button("zoom-out", "Zoom out", "−") + button("fit", "Show all", "⤢") + button("zoom-in", "Zoom in", "+"), class_="zoom")
    stage = tag("div", draw(model, "graph-picture") + zoom, class_="stage", tabindex=0, role="region", aria_label="Graph of the derivatives")
    side = tag("aside", tag("div", "", id="details", class_="card", aria_label="Details") + listing.markup(), class_="side")
    keys = "".join(tag("dt", "".join(tag("kbd", key) + " " for key in key.split())) + tag("dd", words) for key, words in _KEYS)
    dialog = tag("dialog", tag("h3", "Keys") + tag("dl", keys) + tag("form", tag("button", "Close"), method="dialog"), id="keys", aria_label="Keys")
    return tag("section", tag("div", tag("div", controls, class_="controls") + stage + side, class_="player") + dialog, id="graph", aria_label="Graph")


def _forward(model: Model) -> str:
    rows = text.rows_of(model.steps, text.step_row, _MOST_ROWS)
    heads = ["step", "operation", "value", "gradient", "line"]
    shown = table("Steps", heads, [[*map(escape, row)] for row in rows], left=5)
    return section("forward", "Forward pass", "Every step in order, with its value.", card("", shown, wide=True))


def _backward(model: Model) -> str:
    rows = text.rows_of(model.edges[::-1], text.edge_row, _MOST_ROWS)
    heads = ["edge", "local derivative", "upstream gradient", "contribution"]
    shown = table("Edges", heads, [[*map(escape, row)] for row in rows], left=4)
    lead = "Every edge from the output back: upstream × local is what it contributes; a gradient is the sum of contributions."
    return section("backward", "Backward pass", lead, card("", shown, wide=True))


# ---- what is played


def _data(name: str, model: Model, listing: Listing) -> dict[str, Any]:
    folds = [*model.root.folds()]
    number = {fold: k for k, fold in enumerate(folds)}
    read = {item.step for plan in model.plans.values() for item in plan.items if isinstance(item, Reference)}
    return {
        "name": name,
        "title": model.title,
        "inputs": sum(1 for step in model.steps if step.primitive is None),
        "output": model.output,
        "steps": [_step(model, n, listing, n in read) for n in range(len(model.steps))],
        "edges": [facts.edge_facts(edge) for edge in model.edges],
        "pairs": model.pairs,
        "folds": [_fold(model, fold, number) for fold in folds],
    }


def _step(model: Model, n: int, listing: Listing, read: bool) -> dict[str, Any]:
    step = model.steps[n]
    found = facts.step_facts(step) | {
        "where": text.place(step.line),
        "place": listing.key(step.place),
        "card": model.card(n),
        "reference": model.card(Reference(n)) if read else "",
        "size": model.size(n),
        "classes": model.classes(n),
    }
    return {key: fact for key, fact in found.items() if fact}


def _fold(model: Model, fold: Fold, number: dict[Fold, int]) -> dict[str, Any]:
    plan = model.plans[fold]
    steps = [*fold.steps()]
    return {
        "name": fold.name,
        "kind": fold.kind,
        "about": count(len(steps), "step"),
        "open": fold.opened,
        "parent": number[fold.parent] if fold.parent else -1,
        "first": steps[0],
        "last": steps[-1],
        "items": [-1 - number[item] if isinstance(item, Fold) else item for item in fold.items],
        "reads": [item.step for item in plan.items if isinstance(item, Reference)],
        "size": model.size(fold),
        "card": model.card(fold),
        "heading": heading(fold, plan.closed.width),
        "classes": model.classes(fold),
        "lines": [_line(model, line) for line in plan.lines],
        "closed": _placed(plan.closed),
        "begun": None if plan.begun is plan.closed else _placed(plan.begun),
    }


def _line(model: Model, line: Line) -> dict[str, Any]:
    found = {"edges": line.edges, "label": model.label(line), "classes": model.line_class(line)}
    return {key: fact for key, fact in found.items() if fact}


def _placed(placed: Placed) -> dict[str, Any]:
    return {"width": placed.width, "height": placed.height, "items": placed.items, "lines": placed.lines}
