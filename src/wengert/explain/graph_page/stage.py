"""What is seen of the player without a script: controls, picture, the user's source, the help."""

from __future__ import annotations

from wengert.explain.charts.elements import tag
from wengert.explain.graph_page.listing import Listing
from wengert.explain.graph_page.model import Model
from wengert.explain.graph_page.picture import draw

__all__ = ["stage"]

# (id, name, sign as a path on 16 × 16)
_BUTTONS = (
    ("first", "To the start", "M3 3v10M13 3l-7 5 7 5z"), ("back", "A step back", "M11 3l-7 5 7 5z"),
    ("play", "Play", "M4 2.5l9 5.5-9 5.5z"), ("next", "A step on", "M5 3l7 5-7 5z"),
    ("last", "To the end", "M13 3v10M3 3l7 5-7 5z"),
)  # fmt: skip
_ZOOM = (
    ("zoom-out", "Zoom out", "M3 8h10"), ("fit", "Show all", "M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"),
    ("zoom-in", "Zoom in", "M3 8h10M8 3v10"),
)  # fmt: skip
_KEYS = (
    ("← →", "a step back, a step on"), ("space", "play, pause"), ("Home End", "the first step, the last"),
    ("f b", "to the forward pass, to the backward pass"), ("↑ ↓", "to the box before, to the next"),
    ("Enter", "pin a box; open a fold"), ("c", "close the fold around"), ("Esc", "unpin"),
    ("/", "search by variable, operation or line"), ("+ − 0", "zoom in, zoom out, all of it"), ("?", "these keys"),
)  # fmt: skip


def stage(model: Model, listing: Listing) -> str:
    """The section in which the graph is played."""
    details = tag("div", "", id="details", class_="card", tabindex=0, role="region", aria_label="Details")
    side = tag("aside", details + listing.markup(), class_="side")
    player = tag("div", _controls() + _picture(model) + side, class_=f"player {model.mode}-mode")
    return tag("section", player + _help(), id="graph", aria_label="Graph")


def _controls() -> str:
    track = tag("input", None, type="range", id="position", min=0, max=1, value=1, aria_label="Position in both passes")
    passes = tag("div", tag("span", "forward", class_="v") + tag("span", "backward", class_="g"), class_="passes",
                 aria_hidden="true")  # fmt: skip
    search = tag("input", None, type="search", id="search", placeholder="Search  /", aria_label="Search steps")
    return tag(
        "div",
        _buttons(_BUTTONS)
        + tag("div", track + passes, class_="track")
        + tag("div", search + tag("ul", "", id="results", hidden="hidden"), class_="search")
        + tag("button", "?", type="button", id="help", aria_label="Keys", title="Keys (?)")
        + tag("p", "", id="caption", role="status"),
        class_="controls",
    )


def _buttons(those: tuple[tuple[str, str, str], ...]) -> str:
    def button(key: str, name: str, sign: str) -> str:
        drawn = tag("svg", tag("path", None, d=sign), viewBox="0 0 16 16", aria_hidden="true")
        return tag("button", drawn, type="button", id=key, aria_label=name, title=name)

    return "".join(button(*each) for each in those)


def _picture(model: Model) -> str:
    inside = draw(model, "graph-picture") + tag("div", _buttons(_ZOOM), class_="zoom")
    return tag("div", inside, class_="stage", tabindex=0, role="region", aria_label="Graph of the derivatives")


def _help() -> str:
    rows = (
        tag("dt", "".join(tag("kbd", key) + " " for key in keys.split())) + tag("dd", words) for keys, words in _KEYS
    )
    close = tag("form", tag("button", "Close"), method="dialog")
    return tag("dialog", tag("h3", "Keys") + tag("dl", "".join(rows)) + close, id="keys", aria_label="Keys")
