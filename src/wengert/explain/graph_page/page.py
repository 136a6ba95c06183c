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
from wengert.explain.graph_page.plan import Item, Line, Placed, Reference
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

_BUTTONS = (
    ("first", "To the start", "M3 3v10M13 3l-7 5 7 5z"), ("back", "A step back", "M11 3l-7 5 7 5z"),
    ("play", "Play", "M4 2.5l9 5.5-9 5.5z"), ("next", "A step on", "M5 3l7 5-7 5z"),
    ("last", "To the end", "M13 3v10M3 3l7 5-7 5z"),
)  # fmt: skip
_ZOOM = (
    ("zoom-out", "Zoom out", "M3 8h10"), ("fit", "Show all", "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"),
    ("zoom-in", "Zoom in", "M3 8h10M8 3v10"),
)  # fmt: skip
_BACK = "Every edge from the output back: upstream × local is what it contributes, and a gradient is the sum of contributions."
_EDGES = "Every edge with its local derivative."


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
        ("backward", "Backward pass" if model.mode == "gradient" else "Edges", _backward(model)),
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
    operations = len(model.steps) - model.inputs
    numbers = f"{count(model.inputs, 'input')}, {count(operations, 'step')}, {count(len(model.edges), 'edge')}"
    derivative = {"gradient": [("g", "gradient")], "tangent": [("g", "tangent")]}.get(model.mode, [])
    legend = "".join(tag("span", words, class_=key) for key, words in [("v", "value"), *derivative, ("l", "local derivative")])
    return (
        tag("p", "explanation", class_="kind") + tag("h1", escape(model.title)) + tag("p", tag("span", numbers) + tag("span", legend, class_=f"legend {model.mode}-mode"), class_="counts soft")
        + _notes(model)
    )  # fmt: skip


def _notes(model: Model) -> str:
    """Why there are no gradients, what the function raised, where NaN begins."""
    return "".join(tag("p", escape(note.strip()), class_="note") for note in text.notes(model.explanation))


def _player(model: Model, listing: Listing) -> str:
    track = tag("input", None, type="range", id="position", min=0, max=1, value=1, aria_label="Position in both passes")
    passes = tag("span", "forward", class_="v") + tag("span", "backward", class_="g")
    search = tag("input", None, type="search", id="search", placeholder="Search  /", aria_label="Search steps")
    controls = (
        "".join(_button(*each) for each in _BUTTONS)
        + tag("div", track + tag("div", passes, class_="passes", aria_hidden="true"), class_="track")
        + tag("div", search + tag("ul", "", id="results", hidden="hidden"), class_="search")
        + tag("button", "?", type="button", id="help", aria_label="Keys", title="Keys (?)")
        + tag("p", "", id="caption", role="status")
    )
    zoom = tag("div", "".join(_button(*each) for each in _ZOOM), class_="zoom")
    stage = tag("div", draw(model, "graph-picture") + zoom, class_="stage", tabindex=0,
                role="region", aria_label="Graph of the derivatives")  # fmt: skip
    side = tag("aside", tag("div", "", id="details", class_="card", aria_label="Details") + listing.markup(), class_="side")
    keys = "".join(tag("dt", "".join(tag("kbd", key) + " " for key in key.split())) + tag("dd", words) for key, words in _KEYS)
    dialog = tag("dialog", tag("h3", "Keys") + tag("dl", keys) + tag("form", tag("button", "Close"), method="dialog"), id="keys", aria_label="Keys")
    return tag("section", tag("div", tag("div", controls, class_="controls") + stage + side, class_=f"player {model.mode}-mode") + dialog, id="graph", aria_label="Graph")


def _button(key: str, name: str, sign: str) -> str:
    drawn = tag("svg", tag("path", None, d=sign), viewBox="0 0 16 16", aria_hidden="true")
    return tag("button", drawn, type="button", id=key, aria_label=name, title=name)


def _forward(model: Model) -> str:
    e = model.explanation
    columns = text.Columns(e.forward_mode)
    rows = text.rows_of(e.all_steps, columns.step, _MOST_ROWS)
    shown = table("Steps", columns.heads, [[*map(escape, row)] for row in rows], left=5)
    return section("forward", "Forward pass", "Every step in order, with its value.", card("", shown, wide=True))


def _backward(model: Model) -> str:
    e = model.explanation
    columns = text.Columns(e.forward_mode)
    rows = text.rows_of(e.edges if e.forward_mode else e.edges[::-1], columns.edge, _MOST_ROWS)
    shown = table("Edges", columns.edge_heads, [[*map(escape, row)] for row in rows], left=4)
    title, lead = ("Edges", _EDGES) if model.mode != "gradient" else ("Backward pass", _BACK)
    return section("backward", title, lead, card("", shown, wide=True))


# ---- what is played


class _Shared:
    """What many things have in common, once; each is known by its place in the list."""

    def __init__(self) -> None:
        self.found: dict[Any, int] = {}

    def place(self, thing: Any) -> int:
        return self.found.setdefault(thing, len(self.found))


def _data(name: str, model: Model, listing: Listing) -> dict[str, Any]:
    folds = [*model.root.folds()]
    number = {fold: k for k, fold in enumerate(folds)}
    read = {item.step for plan in model.plans.values() for item in plan.items if isinstance(item, Reference)}
    templates, layouts = _Shared(), _Shared()

    def card(item: Item) -> dict[str, Any]:
        shown = model.cards[item]
        return {"size": [shown.width, shown.height], "classes": model.classes(item),
                "card": [templates.place(shown.template), *map(escape, shown.words)]}  # fmt: skip

    def step(n: int) -> dict[str, Any]:
        found = facts.step_facts(model.steps[n], model.titles[n], model.mode) | card(n)
        if n == model.failed:
            found |= {"value": {"text": str(model.explanation.failure), "bad": "error"}, "operation": "stopped"}
        found |= {"where": text.place(model.steps[n].line), "place": listing.key(model.steps[n].place)}
        found["reference"] = card(Reference(n))["card"] if n in read else ""
        return {key: fact for key, fact in found.items() if fact}

    def fold(one: Fold) -> dict[str, Any]:
        plan = model.plans[one]
        return card(one) | {
            "name": one.name, "kind": one.kind, "open": one.opened, "parent": number[one.parent] if one.parent else -1,
            "items": [-1 - number[item] if isinstance(item, Fold) else item for item in one.items],
            "reads": [item.step for item in plan.items if isinstance(item, Reference)],
            "heading": heading(one, plan.closed.width),
            "lines": [_line(model, line) for line in plan.lines],
            "closed": layouts.place(plan.closed), "begun": layouts.place(plan.begun),
        }  # fmt: skip

    made = {
        "name": name, "title": model.title, "inputs": model.inputs, "outputs": sorted(model.outputs), "mode": model.mode, "failed": model.failed,
        "output": model.steps.index(model.explanation.output) if model.mode == "gradient" else -1, "pairs": model.pairs,
        "steps": [step(n) for n in range(len(model.steps))], "folds": [fold(one) for one in folds],
        "edges": [facts.edge_facts(edge, model.mode) for edge in model.edges],
    }  # fmt: skip
    return made | {"templates": [*templates.found], "layouts": [_placed(one) for one in layouts.found]}


def _line(model: Model, line: Line) -> dict[str, Any]:
    found = {"edges": line.edges, "label": model.labels[line], "classes": model.line_class(line)}
    return {key: fact for key, fact in found.items() if fact}


def _placed(placed: Placed) -> dict[str, Any]:
    return {"width": placed.width, "height": placed.height, "items": placed.items, "lines": placed.lines}
