"""The page of a surface: the map beside its strips, and the race played with a slider and keys."""

from __future__ import annotations

import json
import math
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts.elements import color, escape, picture, tag
from wengert.explain.charts.numbers import count, number, percent
from wengert.explain.page import card, document, table
from wengert.explain.surface.courses import course_color, marker, on_map
from wengert.explain.surface.legend import notes
from wengert.explain.surface.picture import frame_of, map_of
from wengert.explain.surface.scene import Course, Scene
from wengert.explain.surface.strips import strips
from wengert.explain.surface.theme import style

__all__ = ["embedded", "page"]

_HERE = resources.files("wengert.explain.surface")
_SCRIPT = _HERE.joinpath("player.js").read_text(encoding="utf-8")
_STYLE = _HERE.joinpath("player.css").read_text(encoding="utf-8")
MAP = (480, 440)
STRIPS = (420, 210)
_MOST_FRAMES = 1200  # points of a path that the player has


def page(scene: Scene, words: str) -> str:
    """The page as HTML text."""
    bands = len(scene.levels.values) + 1
    below, height = strips(scene, *STRIPS)
    chart = picture("race-picture", scene.title, words, *MAP, tag("style", style(bands)) + map_of(scene, "race", *MAP))
    side = picture("race-strips", "Losses by step", words, STRIPS[0], height, below)
    map_card = tag(
        "figure",
        tag("div", chart, id="race-map", class_=f"surface{bands}") + _controls(scene)
        + tag("figcaption", escape(_caption(scene))),
        class_="card",
    )  # fmt: skip
    side_card = tag("div", card("", _table(scene)) + card("", side), class_="stack")
    body = tag("section", tag("div", map_card + side_card, class_="race"), id="surface", aria_label=scene.title)
    data = json.dumps(_data(scene), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    script = tag("script", data, type="application/json", id="race-data") + tag("script", _SCRIPT)
    html = document(scene.title, _header(scene), [("surface", "Map", body)], "Drawn by wengert.")
    html = html.replace("</style>", _STYLE + "</style>", 1)
    return html.replace("</body>", script + "</body>", 1)


def embedded(html: str) -> str:
    """A page within a notebook's: a frame of its own, so that neither's style and script meet the other's."""
    return tag("iframe", "", srcdoc=html, sandbox="allow-scripts", title="Loss surface", loading="lazy",
               style="width:100%;height:820px;border:0")  # fmt: skip


def _header(scene: Scene) -> str:
    kind = "loss along one parameter" if scene.flat else "loss surface"
    many = " race" if len(scene.courses) > 1 else ""
    names = ", ".join(escape(course.name) for course in scene.courses)
    place = f"over {escape(' and '.join(scene.plane.names))}"
    if scene.plane.explained:
        place = f"on a plane with {percent(min(sum(scene.plane.explained), 1.0))} of the variance"
    lead = tag("p", f"<b>{names}</b>{many} {place}.", class_="lead")
    return tag("p", kind, class_="kind") + tag("h1", escape(scene.title)) + lead


def _caption(scene: Scene) -> str:
    parts = [scene.plane.words[:1].upper() + scene.plane.words[1:]] if scene.plane.words else []
    if scene.plane.explained:
        parts[0] += ": " + " and ".join(percent(share) for share in scene.plane.explained)
    parts += [note[:1].upper() + note[1:] for note in notes(scene)]
    parts.append(_measured(scene))
    return ". ".join(part for part in parts if part) + "."


def _measured(scene: Scene) -> str:
    nodes = len(scene.grid.xs)
    if scene.flat:
        return f"The curve goes through {count(nodes, 'value')}"
    at_once = f", {scene.batch:,} at a time" if 1 < scene.batch < nodes**2 else ""
    return f"{nodes} × {nodes} values{at_once}"


def _controls(scene: Scene) -> str:
    button = tag("button", "Play", type="button", id="race-play", aria_pressed="false")
    slider = tag("input", None, type="range", id="race-step", min=0, max=scene.last_step, value=scene.last_step, step=1,
                 aria_label=f"{scene.unit} shown")  # fmt: skip
    now = tag("output", "", id="race-now", for_="race-step")
    keys = tag("p", "<kbd>Space</kbd> plays, <kbd>←</kbd> <kbd>→</kbd> step.", class_="keys")
    return tag("div", tag("div", button + slider + now, id="race-controls") + keys, id="race-player", hidden="hidden")


def _table(scene: Scene) -> str:
    heads = ["path", "loss"] + ([] if scene.whole else ["on the map", "distance"])
    rows = [_row(scene, k, course) for k, course in enumerate(scene.courses)]
    return tag("div", table("Where the paths are", heads, rows), id="race-table")


def _row(scene: Scene, k: int, course: Course) -> list[str]:
    line = tag("path", None, d="M0 6H20", stroke=course_color(k), stroke_width=2)
    key = tag("svg", line + marker(k, 10.0, 6.0, 4.5, fill=course_color(k), stroke=color("paper")),
              viewBox="0 0 20 12", aria_hidden="true")  # fmt: skip
    cells = [key + escape(course.name) + _ending(course), number(course.losses[-1])]
    return cells if scene.whole else [*cells, number(course.on_plane[-1]), number(course.distances[-1], 3)]


def _ending(course: Course) -> str:
    return "" if course.path.ended == "steps" else f", {course.path.ended} at {course.path.unit} {course.steps[-1]}"


def _data(scene: Scene) -> dict[str, Any]:
    frame = frame_of(scene, *MAP)
    return {
        "last": scene.last_step,
        "unit": scene.unit,
        "projected": not scene.whole,
        "courses": [_course(scene, course, *on_map(scene, frame, course)) for course in scene.courses],
    }


def _course(scene: Scene, course: Course, points: NDArray[Any], apart: NDArray[np.bool_]) -> dict[str, Any]:
    kept = np.unique(np.linspace(0, len(points) - 1, min(len(points), _MOST_FRAMES)).round().astype(int))
    told = {"loss": course.losses} | ({} if scene.whole else {"plane": course.on_plane, "away": course.distances})
    return {
        "steps": course.steps[kept].tolist(),
        "x": points[kept, 0].round(1).tolist(),
        "y": points[kept, 1].round(1).tolist(),
        "off": apart[kept].astype(int).tolist(),
        **{name: [_finite(v) for v in values[kept].tolist()] for name, values in told.items()},
    }


def _finite(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None
