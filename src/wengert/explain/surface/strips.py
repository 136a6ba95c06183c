"""Below the map: the loss by step, true and as the map tells it, and how far the paths are from the plane."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts.elements import Frame, color, escape, label, path, place, tag, text_width
from wengert.explain.charts.numbers import Scale, finite, number
from wengert.explain.surface.picture import course_color
from wengert.explain.surface.scene import Course, Scene

__all__ = ["strips"]

Array = NDArray[np.float64]
HEIGHT = 150
_MOST_POINTS = 300


def strips(scene: Scene, width: int) -> tuple[str, float]:
    """The strips as markup, and the height they take together."""
    parts, y = [tag("g", _losses(scene, width), class_="strip")], float(HEIGHT + 20)
    if not scene.whole:
        parts.append(tag("g", _distances(scene, width), transform=f"translate(0 {place(y)})", class_="strip"))
        y += HEIGHT
    return "".join(parts), y


def _losses(scene: Scene, width: int) -> str:
    told = [course.losses for course in scene.courses]
    mapped = [] if scene.whole else [course.on_plane for course in scene.courses]
    values = finite(v for row in (*told, *mapped) for v in row.tolist())
    log = bool(values) and min(values) > 0 and max(values) > 30 * min(values)
    name = "loss" if scene.whole else "loss: solid true, dashed on the map"
    frame = _frame(scene, values, width, name + (", logarithmic" if log else ""), log)
    lines = [
        path(_points(frame, course.steps, row), stroke=course_color(k), stroke_width=width_,
             stroke_dasharray=dash, stroke_opacity=opacity)
        for k, course in enumerate(scene.courses)
        for row, width_, dash, opacity in (
            (None if scene.whole else course.on_plane, 1.5, "2 3.5", 0.9), (course.losses, 1.8, None, 1))
        if row is not None
    ]  # fmt: skip
    return frame.axes() + "".join(lines) + _told(scene, frame) + _cursor(frame)


def _distances(scene: Scene, width: int) -> str:
    values = [v for course in scene.courses for v in course.distances.tolist()]
    frame = _frame(scene, [0.0, *finite(values)], width, "distance from the plane, ‖θ − its projection‖", False)
    lines = [
        path(_points(frame, course.steps, course.distances), stroke=course_color(k), stroke_width=1.8)
        for k, course in enumerate(scene.courses)
    ]
    return frame.axes() + "".join(lines) + _cursor(frame)


def _frame(scene: Scene, values: Sequence[float], width: int, name: str, log: bool) -> Frame:
    y = Scale.fit(values, HEIGHT - 40.0, TOP, log=log, room=0.06 if log else None, marks=3)
    left = 14 + max((text_width(y.label(m)) for m in y.marks), default=10)
    x = Scale.fit([0, max(scene.last_step, 1)], left, width - 14.0, room=0, whole=True, marks=6)
    return Frame(x, y, scene.unit, name)


TOP = 24.0


def _points(frame: Frame, steps: NDArray[np.int64], values: Array) -> list[tuple[float, float] | None]:
    """A line's points; of many those that keep its peaks."""
    kept = _peaks(values)
    return frame.points(steps[kept].tolist(), values[kept].tolist())


def _peaks(values: Array) -> list[int]:
    if len(values) <= _MOST_POINTS:
        return list(range(len(values)))
    size = math.ceil(2 * len(values) / _MOST_POINTS)
    kept: set[int] = {len(values) - 1}
    for start in range(0, len(values), size):
        stretch = values[start : start + size]
        with np.errstate(invalid="ignore"):
            kept |= {start, start + int(np.argmin(stretch)), start + int(np.argmax(stretch))}
    return sorted(kept)


def _told(scene: Scene, frame: Frame) -> str:
    """Columns that tell the values at their step when the pointer rests on them."""
    number_ = min(scene.last_step + 1, 80)
    steps = np.unique(np.linspace(0, scene.last_step, number_).round().astype(int))
    width = (frame.x.stop - frame.x.start) / len(steps)
    parts: list[str] = []
    for step in steps.tolist():
        words = tag("title", escape("\n".join([f"{scene.unit} {step}", *(_words(scene, c, step) for c in scene.courses)])))
        left = min(max(frame.x(step) - width / 2, frame.x.start), frame.x.stop - width)
        parts.append(tag("rect", words, x=left, y=frame.y.stop, width=width, height=frame.y.start - frame.y.stop))
    return tag("g", "".join(parts), class_="hover", fill=color("ink"), fill_opacity=0)


def _words(scene: Scene, course: Course, step: int) -> str:
    at = int(np.searchsorted(course.steps, step, side="right")) - 1
    words = f"{course.name}: {number(course.losses[at])}"
    return words if scene.whole else words + f", on the map {number(course.on_plane[at])}"


def _cursor(frame: Frame) -> str:
    """A line that the player moves."""
    line = f"M0 {place(frame.y.start)}V{place(frame.y.stop)}"
    ends = {"data_from": round(frame.x(frame.x.low), 1), "data_to": round(frame.x(frame.x.high), 1)}
    return tag("path", None, d=line, class_="cursor", stroke=color("ink"), stroke_width=1, visibility="hidden", **ends)
