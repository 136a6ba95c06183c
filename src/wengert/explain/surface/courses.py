"""Paths on a map: lines with halos, whole where the map is right and dashed where it is not, numbers at equal steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts.elements import LINES, Frame, color, escape, place, tag
from wengert.explain.charts.numbers import Scale, number
from wengert.explain.surface.labels import Room
from wengert.explain.surface.scene import Course, Scene

__all__ = ["course_color", "halo", "line_of", "line_through", "marker", "marks", "on_map", "pixels", "runs", "spread"]

Array = NDArray[np.float64]
_CLOSE = 0.8  # pixels: points of a path nearer than that are drawn as one
_FAR = 4000.0  # pixels beyond the map: no coordinate is larger
SHAPES = ("circle", "square", "diamond", "up", "hexagon", "down")


def course_color(place: int) -> str:
    """The colour of a path, by its place among them."""
    return color(f"line{place % LINES}")


def pixels(scale: Scale, values: Array) -> Array:
    """The places of values."""
    return scale.start + (values - scale.low) / (scale.high - scale.low) * (scale.stop - scale.start)


def on_map(scene: Scene, frame: Frame, course: Course) -> tuple[Array, NDArray[np.bool_]]:
    """The pixels of a path's points, (points, 2), and where the map misleads about it."""
    x, y = pixels(frame.x, course.places[:, 0]), course.losses if scene.flat else course.places[:, 1]
    with np.errstate(invalid="ignore"):
        spots = np.stack([x, pixels(frame.y, y)], 1)
    return np.clip(np.nan_to_num(spots, nan=_FAR, posinf=_FAR, neginf=-_FAR), -_FAR, _FAR), scene.apart(course)


def kept_points(points: Array) -> list[int]:
    """The points of a path that are worth drawing: those some way from the one before, and the last."""
    kept = [0]
    for k in range(1, len(points)):
        if k == len(points) - 1 or np.abs(points[k] - points[kept[-1]]).max() >= _CLOSE:
            kept.append(k)
    return kept


def spread(points: Array) -> Array:
    """Points at most 6 pixels apart, inside of what a map may show."""
    parts = [points[:1]]
    for a, b in pairwise(points):
        number = min(math.ceil(float(np.hypot(*(b - a))) / 6), 400)
        if number:
            parts.append(a + (b - a) * np.linspace(0, 1, number + 1)[1:, None])
    dense = np.concatenate(parts)
    return np.unique(np.round(dense / 3) * 3, axis=0)


def runs(kept: Sequence[int], apart: NDArray[np.bool_]) -> list[tuple[bool, list[int]]]:
    """Stretches of a path that are alike: whether the map misleads there, and their points up to the next one's."""
    found: list[tuple[bool, list[int]]] = []
    for before, after in pairwise(kept):
        kind = bool(apart[before] or apart[after])
        if not found or found[-1][0] != kind:
            found.append((kind, [before]))
        found[-1][1].append(after)
    return found


def line_of(k: int, points: Array, apart: NDArray[np.bool_], scene: Scene) -> str:
    """A path: whole where the map tells its loss, dashed where it does not."""
    kept = kept_points(points)
    strokes = {
        kind: [point for off, run in runs(kept, apart) if off == kind
               for point in (*((float(x), float(y)) for x, y in points[run]), None)][:-1]
        for kind in (False, True)
    }  # fmt: skip
    # where paths lie on one another, the later ones are narrower
    width = 2 + 0.7 * (len(scene.courses) - 1 - k)
    style = {"fill": "none", "stroke": course_color(k), "stroke_width": width, "stroke_linejoin": "round"}
    whole = tag("path", None, d=line_through(strokes[False]), class_="told", **style)
    dashed = tag("path", None, d=line_through(strokes[True]), class_="apart", stroke_dasharray="5 3.5", **style)
    steps = _dots(points, course_color(k)) if len(points) <= 60 else ""
    title = tag("title", escape(scene.courses[k].name))
    return tag("g", title + whole + dashed + steps, class_="course")


def halo(points: Array) -> str:
    """What parts a path from the ground."""
    line = line_through([(x, y) for x, y in points[kept_points(points)].tolist()])
    return tag("path", None, d=line, class_="halo", fill="none", stroke=color("paper"), stroke_width=5.5,
               stroke_linejoin="round", stroke_opacity=0.85)  # fmt: skip


def line_through(points: Sequence[tuple[float, float] | None]) -> str:
    """The data of a path through points; None lifts the pen."""
    text, lifted = "", True
    for point in points:
        if point is None:
            lifted = True
        else:
            text += f"{'M' if lifted else 'L'}{place(point[0])} {place(point[1])}"
            lifted = False
    return text


def _dots(points: Array, shade: str) -> str:
    """A dot for each step, where they are few enough to be told apart."""
    d = "".join(f"M{place(x)} {place(y)}h0" for x, y in points.tolist())
    return tag("path", None, d=d, class_="steps", stroke=shade, stroke_width=4.5, stroke_linecap="round", fill="none")


def marker(shape: int, x: float, y: float, size: float, **attributes: object) -> str:
    """A marker of one of six shapes, so that paths differ by more than colour."""
    kind = SHAPES[shape % len(SHAPES)]
    if kind == "circle":
        return tag("circle", None, cx=x, cy=y, r=size, **attributes)
    sides, turn, grown = {"square": (4, 45, 1.25), "diamond": (4, 0, 1.3), "up": (3, 0, 1.75), "hexagon": (6, 0, 1.12),
                          "down": (3, 180, 1.75)}[kind]  # fmt: skip
    angles = np.radians(turn + np.arange(sides) * 360 / sides)
    corners = " ".join(
        f"{place(x + grown * size * math.sin(a))},{place(y - grown * size * math.cos(a))}" for a in angles
    )
    return tag("polygon", None, points=corners, stroke_linejoin="round", **attributes)


def marks(scene: Scene, frame: Frame, k: int, points: Array, room: Room) -> str:
    """Numbers at equal steps along a path, where they do not cover one another."""
    course = scene.courses[k]
    parts: list[str] = []
    for count, step in enumerate(scene.marked_steps(), 1):
        at = int(np.searchsorted(course.steps, step))
        if at >= len(points) or abs(int(course.steps[at]) - step) > course.path.stride / 2:
            continue
        x, y = points[at].tolist()
        if not (frame.x.start < x < frame.x.stop and frame.y.stop < y < frame.y.start):
            continue
        if any(math.hypot(x - a, y - b) < 18 for a, b, r in room.discs if r == 9.0):
            continue
        room.take([(x, y)], 9.0)
        apart = bool(scene.apart(course)[at])
        fill, ink = (color("paper"), course_color(k)) if apart else (course_color(k), color("paper"))
        words = tag("title", escape(_at_point(scene, course, at)))
        shape = marker(k, x, y, 7.0, fill=fill, stroke=course_color(k) if apart else color("paper"), stroke_width=1.5)
        down = {"up": 4.2, "down": 2.4}.get(SHAPES[k % len(SHAPES)], 3.4)
        text = tag("text", str(count), x=x, y=y + down, text_anchor="middle", font_size=9.5, font_weight=700, fill=ink)
        parts.append(tag("g", words + shape + text, class_="mark", data_step=step, data_course=k))
    return "".join(parts)


def _at_point(scene: Scene, course: Course, at: int) -> str:
    words = f"{course.name}, {scene.unit} {course.steps[at]}: loss {number(course.losses[at])}"
    if scene.whole:
        return words
    return words + f", on the plane {number(course.on_plane[at])}, {number(course.distances[at], 3)} away from it"
