"""The page: the player, tables of both passes, and beneath them what the player reads."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from wengert.explain import text
from wengert.explain.charts.elements import escape, tag
from wengert.explain.charts.numbers import count
from wengert.explain.graph_page.data import data_of, embedded
from wengert.explain.graph_page.facts import minus
from wengert.explain.graph_page.listing import Listing
from wengert.explain.graph_page.model import Model, model_of
from wengert.explain.graph_page.picture import GRAPH_STYLE, draw
from wengert.explain.graph_page.stage import stage
from wengert.explain.page import card, document, section, table
from wengert.files import write_atomically

if TYPE_CHECKING:
    from wengert.explain.explanation import Explanation

__all__ = ["frame", "html", "svg"]

_FILES = resources.files("wengert.explain.graph_page")
_SCRIPT = _FILES.joinpath("player.js").read_text(encoding="utf-8")
_STYLE = _FILES.joinpath("player.css").read_text(encoding="utf-8")
_MOST_NUMBERS = 12  # of an array in a table: beside the graph there is more room
_MOST_ROWS = 300  # of a table; the player has all
_FRAME_HEIGHT = 780  # of a page in a notebook, in pixels
_FORWARD = "Every step in order, with its value."
_BACKWARD = "Every edge, from the output back: upstream × local is what it contributes; a gradient is their sum."
_EDGES = "Every edge with its local derivative."


def svg(explanation: Explanation, path: str | os.PathLike[str] | None = None) -> str:
    """The picture by itself; see :meth:`wengert.explain.Explanation.svg`."""
    return _written(draw(model_of(explanation), "graph", GRAPH_STYLE), path)


def html(explanation: Explanation, path: str | os.PathLike[str] | None = None) -> str:
    """The page; see :meth:`wengert.explain.Explanation.html`."""
    model = model_of(explanation)
    listing = Listing(step.place for step in model.steps)
    edges = "Backward pass" if model.mode == "gradient" else "Edges"
    sections = [
        ("graph", "Graph", stage(model, listing)),
        ("forward", "Forward pass", _forward(explanation)),
        ("backward", edges, _edges(explanation, edges, _BACKWARD if model.mode == "gradient" else _EDGES)),
    ]
    end = embedded("explanation", data_of(model, listing)) + tag("script", _SCRIPT)
    style = GRAPH_STYLE + _STYLE
    page = document(model.title, _header(model), sections, "Written by wengert.", style=style, end=end)
    return _written(page, path)


def frame(explanation: Explanation) -> str:
    """The page in a frame of its own, for notebooks: neither its styles nor its keys reach the notebook."""
    return tag(
        "iframe",
        srcdoc=html(explanation),
        sandbox="allow-scripts allow-modals",
        loading="lazy",
        title=f"explanation of {explanation.name}",
        style=f"width:100%;height:{_FRAME_HEIGHT}px;border:0",
    )


def _written(content: str, path: str | os.PathLike[str] | None) -> str:
    if path is not None:
        write_atomically(Path(path), content.encode())
    return content


def _header(model: Model) -> str:
    operations = len(model.explanation.steps)
    numbers = f"{count(model.inputs, 'input')}, {count(operations, 'step')}, {count(len(model.edges), 'edge')}"
    derivative = [] if model.mode == "none" else [("g", model.mode)]
    colors = [("v", "value"), *derivative, ("l", "local derivative")]
    legend = tag("span", "".join(tag("span", words, class_=key) for key, words in colors),
                 class_=f"legend {model.mode}-mode")  # fmt: skip
    return (
        tag("p", "explanation", class_="kind")
        + tag("h1", escape(model.title))
        + tag("p", tag("span", numbers) + legend, class_="counts soft")
        + "".join(tag("p", escape(note.strip()), class_="note") for note in text.notes(model.explanation))
    )


def _forward(e: Explanation) -> str:
    columns = text.Columns(e.forward_mode, e.prefix, _MOST_NUMBERS)
    rows = text.rows_of(e.all_steps, columns.step, _MOST_ROWS)
    shown = table("Steps", columns.heads, [_cells(row, (2, 3)) for row in rows], left=5)
    return section("forward", "Forward pass", _FORWARD, card("", shown, wide=True))


def _edges(e: Explanation, title: str, lead: str) -> str:
    columns = text.Columns(e.forward_mode, e.prefix, _MOST_NUMBERS)
    rows = text.rows_of(e.edges if e.forward_mode else e.edges[::-1], columns.edge, _MOST_ROWS)
    shown = table("Edges", columns.edge_heads, [_cells(row, (1, 2, 3)) for row in rows], left=4)
    return section("backward", title, lead, card("", shown, wide=True))


def _cells(row: Sequence[str], numbers: tuple[int, ...]) -> list[str]:
    return [_rows(escape(minus(cell))) if k in numbers else escape(cell) for k, cell in enumerate(row)]


def _rows(shown: str) -> str:
    """A matrix, of which rows are not broken."""
    return re.sub(r"\[[^][]+\]", r'<span class="row">\g<0></span>', shown) if shown.startswith("[[") else shown
