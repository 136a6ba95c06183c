"""Who is who on a map, and what its signs mean."""

from __future__ import annotations

import numpy as np

from wengert.explain.charts.elements import clip, color, label, place, tag, text_width
from wengert.explain.charts.numbers import number
from wengert.explain.surface.courses import course_color, marker
from wengert.explain.surface.scene import Course, Scene

__all__ = ["legend", "notes"]


def legend(scene: Scene, width: float) -> tuple[str, float]:
    """Paths by colour and shape, how they ended, what the numbers count; and the height it takes."""
    parts: list[str] = []
    x, y = 8.0, 14.0
    for k, course in enumerate(scene.courses):
        shown = clip(course.name, 40)
        told = f"{_ending(course)}"
        room = 24 + text_width(shown) + text_width(told) + 22
        if x + room > width and x > 8:
            x, y = 8.0, y + 20
        parts.append(tag("path", None, d=f"M{place(x)} {place(y - 4)}h18", stroke=course_color(k), stroke_width=2))
        parts.append(marker(k, x + 9, y - 4, 4.5, fill=course_color(k), stroke=color("paper"), stroke_width=1))
        parts.append(label(x + 24, y, shown, fill=color("ink")))
        parts.append(label(x + 24 + text_width(shown) + 5, y, told))
        x += room
    for line in notes(scene):
        y += 18
        parts.append(label(8.0, y, line))
    return "".join(parts), y + 8


def _ending(course: Course) -> str:
    """Where a path came to."""
    words = f"loss {number(course.losses[-1], 3)}"
    if course.path.ended == "steps":
        return words
    return f"{words}, {course.path.ended} at {course.path.unit} {course.steps[-1]}"


def notes(scene: Scene) -> list[str]:
    """What a reader has to know beside the legend."""
    found: list[str] = []
    marked = scene.marked_steps()
    if marked:
        found.append(f"numbers count {scene.unit}s by {marked[0]:,}")
    if any(scene.apart(course).any() for course in scene.courses):
        found.append("dashed, hollow: the true loss is more than one line of the map away from the map's")
    if not np.isfinite(scene.grid.values).all():
        found.append("hatched: not finite")
    return [" · ".join(found)] if found and len(" · ".join(found)) < 100 else found
