"""Below the map: the loss by step, true and as the map tells it, and how far the paths are from the plane."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts.elements import Frame, color, escape, path, place, tag, text_width
from wengert.explain.charts.numbers import Scale, finite, number
from wengert.explain.surface.courses import course_color
from wengert.explain.surface.scene import Course, Scene

__all__ = ["strips"]

Array = NDArray[np.float64]
HEIGHT = 170
TOP = 24.0
DECADES = 1e12  # that a logarithmic axis shows
_MOST_POINTS = 300


def strips(scene: Scene, width: int, height: int = HEIGHT) -> tuple[str, float]:
    """The strips as markup, and the height they take together."""
    values, log, floor = _told_values(scene)
    away = [v for course in scene.courses for v in course.distances[course.shown].tolist()]
    scales = [Scale.fit(values, height - 40.0, TOP, log=log, room=0.06 if log else None, marks=4),
              Scale.fit([0.0, *finite(away)], height - 40.0, TOP, marks=4)]  # fmt: skip
    scales = scales[:1] if scene.whole else scales
    left = 14 + max(text_width(y.label(m)) for y in scales for m in y.marks)  # one axis of steps below the other
    x = Scale.fit([0, max(scene.last_step, 1)], left, width - 14.0, room=0, whole=True, marks=6)
    losses = _losses(scene, Frame(x, scales[0], scene.unit, _name(scene, log)), floor)
    if scene.whole:
        return tag("g", losses, class_="strip"), float(height)
    below = _distances(scene, Frame(x, scales[1], scene.unit, "distance from the plane"))
    parts = tag("g", losses, class_="strip") + tag("g", below, class_="strip", transform=f"translate(0 {height + 14})")
    return parts, 2 * height + 14.0


def _told_values(scene: Scene) -> tuple[list[float], bool, float]:
    """The losses that the axis shows, whether it is logarithmic, and the value at its foot."""
    rows = [row[course.shown] for course in scene.courses for row in (course.losses, course.on_plane)]
    values = finite(v for row in rows for v in row.tolist())
    log = bool(values) and min(values) > 0 and max(values) > 30 * min(values)
    floor = max(values) / DECADES if log else -math.inf  # far below it all losses are nought
    return [max(v, floor) for v in values], log, floor


def _name(scene: Scene, log: bool) -> str:
    name = "loss" if scene.whole else "loss: true, and dashed that of the map"
    return name + (", logarithmic" if log else "")


def _losses(scene: Scene, frame: Frame, floor: float) -> str:
    lines: list[str] = []
    for k, course in enumerate(scene.courses):
        if not scene.whole:
            mapped = _points(frame, course.steps, np.maximum(course.on_plane, floor))
            lines.append(path(mapped, stroke=course_color(k), stroke_width=1.5, stroke_dasharray="2 3.5"))
        told = _points(frame, course.steps, np.maximum(course.losses, floor))
        lines.append(path(told, stroke=course_color(k), stroke_width=1.8))
    return frame.axes() + "".join(lines) + _told(scene, frame) + _cursor(frame)


def _distances(scene: Scene, frame: Frame) -> str:
    lines = [
        path(_points(frame, course.steps, course.distances), stroke=course_color(k), stroke_width=1.8)
        for k, course in enumerate(scene.courses)
    ]
    return frame.axes() + "".join(lines) + _cursor(frame)


def _points(frame: Frame, steps: NDArray[np.int64], values: Array) -> list[tuple[float, float] | None]:
    """A line's points; of many those that keep its peaks."""
    kept = _peaks(values)
    values = _cut_off(values, frame.y.high)
    return frame.points(steps[kept].tolist(), values[kept].tolist())


def _cut_off(values: Array, top: float) -> Array:
    """Of a path that diverges the line goes to the top of the chart, and ends there."""
    beyond = ~(values <= top)
    if not beyond.any():
        return values
    first = int(np.argmax(beyond))
    return np.concatenate([values[:first], [top], np.full(len(values) - first - 1, np.nan)])


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
        words = tag(
            "title", escape("\n".join([f"{scene.unit} {step}", *(_words(scene, c, step) for c in scene.courses)]))
        )
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
