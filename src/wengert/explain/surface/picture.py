"""The map: bands of equal loss, their lines with values on them, and the paths that go over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts.elements import (
    LINES,
    Frame,
    clip,
    color,
    escape,
    label,
    path,
    place,
    tag,
    text_width,
)
from wengert.explain.charts.numbers import Scale, number
from wengert.explain.surface.contours import Lines, contour_lines, region_outlines
from wengert.explain.surface.labels import HEIGHT, Room
from wengert.explain.surface.scene import Course, Scene
from wengert.explain.surface.theme import band, band_colors

__all__ = ["course_color", "legend", "map_of", "marker", "on_map"]

Array = NDArray[np.float64]
TOP = 26.0
_CLOSE = 0.8  # pixels: points of a path nearer than that are drawn as one
_FAR = 4000.0  # pixels beyond the map: no coordinate is larger


def course_color(place: int) -> str:
    """The colour of a path, by its place among them."""
    return color(f"line{place % LINES}")


def map_of(scene: Scene, name: str, width: int, height: int) -> str:
    """The map as markup, ``width`` by ``height``; ``name`` makes its ids unique on the page."""
    frame = frame_of(scene, width, height)
    room = Room(frame.x.start + 3, frame.y.stop + 3, frame.x.stop - 3, frame.y.start - 3)
    drawn = [on_map(scene, frame, course) for course in scene.courses]
    for points, _ in drawn:
        room.take(_dense(points), 2.0)
    marks = "".join(_marks(scene, frame, k, points, room) for k, (points, _) in enumerate(drawn))
    ends = _ends(scene, frame, drawn, room)
    unknown = _unknown(scene, frame, name, room)
    ground = _curve(scene, frame) if scene.flat else _field(scene, frame, room)
    courses = "".join(_halo(points) for points, _ in drawn)
    courses += "".join(_course(k, points, apart, scene) for k, (points, apart) in enumerate(drawn))
    box = {"x": frame.x.start, "y": frame.y.stop, "width": frame.x.stop - frame.x.start,
           "height": frame.y.start - frame.y.stop}  # fmt: skip
    defs = tag("clipPath", tag("rect", None, **box), id=f"{name}-map") + _hatching(name)
    inside = tag("g", ground + unknown + courses + marks + ends, clip_path=f"url(#{name}-map)")
    outline = tag("rect", None, **box, fill="none", stroke=color("rule"))
    return tag("defs", defs) + frame.axes() + inside + outline


def frame_of(scene: Scene, width: int, height: int) -> Frame:
    """Where values of the map stand in its picture."""
    xs, ys = scene.grid.xs, scene.grid.ys
    if scene.flat:
        y = Scale.fit(_shown_values(scene), height - 46.0, TOP, room=0.06, log=False)
    else:
        y = Scale.fit(ys.tolist(), height - 46.0, TOP, room=0.0)
    left = 14 + max((text_width(y.label(m)) for m in y.marks), default=10)
    names = (*scene.plane.names, "loss")
    return Frame(Scale.fit(xs.tolist(), left, width - 14.0, room=0.0), y, names[0], names[1])


def _shown_values(scene: Scene) -> list[float]:
    """The values that a curve's axis shows: high walls at the ends do not press the rest flat."""
    values = scene.grid.values[np.isfinite(scene.grid.values)]
    losses = np.concatenate([course.losses for course in scene.courses])
    losses = losses[np.isfinite(losses)]
    if not len(values):
        return [0.0, 1.0]
    return [float(values.min()), float(max(losses.max(initial=values.min()), np.quantile(values, 0.9)))]


# ---- the ground -------------------------------------------------------------------------------


def _field(scene: Scene, frame: Frame, room: Room) -> str:
    """Bands of colour, the lines between them, and the lines' values."""
    grid, levels = scene.grid, scene.levels
    colors = band_colors(len(levels.values) + 1, "light")
    xs, ys = _pixels(frame.x, grid.xs), _pixels(frame.y, grid.ys)
    values, at = levels.scaled(grid.values), levels.scaled(levels.values)
    left, right, top, bottom = frame.x.start, frame.x.stop, frame.y.stop, frame.y.start
    parts = [tag("rect", None, x=left, y=top, width=right - left, height=bottom - top, fill=band(0, colors))]
    lines: list[Lines] = []
    for k, level in enumerate(at.tolist(), 1):
        outline = _closed(region_outlines(xs, ys, values, level))
        parts.append(tag("path", None, d=outline, fill=band(k, colors), fill_rule="evenodd"))
        lines.append(contour_lines(xs, ys, values, level))
    stroke = {"stroke": f"var(--contour,{'#7f93aa'})", "stroke_width": 0.8, "stroke_opacity": 0.75}
    parts += [path(_strung(found), **stroke) for found in lines if found]
    parts += [
        _on_line(number(level, 3), found, k, colors, room)
        for k, (level, found) in enumerate(zip(levels.values, lines, strict=True), 1)
    ]
    return "".join(parts)


def _pixels(scale: Scale, values: Array) -> Array:
    return scale.start + (values - scale.low) / (scale.high - scale.low) * (scale.stop - scale.start)


def _closed(lines: Lines) -> str:
    return "".join(
        "M" + "L".join(f"{place(x)} {place(y)}" for x, y in _slim(line)[:-1].tolist()) + "z" for line in lines
    )


def _strung(lines: Lines) -> list[tuple[float, float] | None]:
    points: list[tuple[float, float] | None] = []
    for line in lines:
        points += [*((x, y) for x, y in _slim(line).tolist()), None]
    return points[:-1]


def _slim(line: Array) -> Array:
    """Without the points that lie, to a tenth of a pixel, between their neighbours: both ends stay."""
    while len(line) > 4:
        before, here, after = line[:-2], line[1:-1], line[2:]
        along = after - before
        length = np.maximum(np.hypot(along[:, 0], along[:, 1]), 1e-9)
        off = np.abs(along[:, 0] * (here - before)[:, 1] - along[:, 1] * (here - before)[:, 0]) / length
        drop = off < 0.08
        drop[1::2] = False  # never two neighbours at once
        if not drop.any():
            drop = off < 0.08
            drop[::2] = False
        if not drop.any() or len(line) - drop.sum() < 4:
            break
        line = line[np.concatenate([[True], ~drop, [True]])]
    return line


def _on_line(text: str, lines: Lines, k: int, colors: Sequence[str], room: Room) -> str:
    """The value of a level, once on its longest lines, where there is room."""
    parts: list[str] = []
    for line in sorted(lines, key=len, reverse=True)[:2]:
        spot = room.on_line(text, line)
        if spot is not None:
            turn = f"translate({place(spot.x)} {place(spot.y)}) rotate({place(spot.angle)})"
            parts.append(
                tag("text", escape(text), class_="level", transform=turn, y=4, text_anchor="middle",
                    font_size=HEIGHT, fill=color("soft"), stroke=band(k, colors), stroke_width=4, paint_order="stroke",
                    stroke_linejoin="round")
            )  # fmt: skip
    return "".join(parts)


def _hatching(name: str) -> str:
    line = tag("path", None, d="M-2 2L2 -2M0 8L8 0M6 10L10 6", stroke=color("soft"), stroke_width=1, stroke_opacity=0.6)
    paper = tag("rect", None, width=8, height=8, fill=color("paper"))
    return tag("pattern", paper + line, id=f"{name}-hatch", width=8, height=8, patternUnits="userSpaceOnUse")


def _unknown(scene: Scene, frame: Frame, name: str, room: Room) -> str:
    """Where the function is not finite: the cells about such nodes, hatched."""
    missing = ~np.isfinite(scene.grid.values)
    if scene.flat or not missing.any():
        return ""
    cells = missing[:-1, :-1] | missing[:-1, 1:] | missing[1:, :-1] | missing[1:, 1:]
    xs, ys = _pixels(frame.x, scene.grid.xs), _pixels(frame.y, scene.grid.ys)
    rim = cells & ~_surrounded(cells)
    rows, columns = np.nonzero(rim)
    middles = np.stack([(xs[:-1] + xs[1:])[columns] / 2, (ys[:-1] + ys[1:])[rows] / 2], 1)
    room.take(middles.tolist(), 3.0)
    parts: list[str] = []
    for i, row in enumerate(cells):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(int)))
        for start, stop in edges.reshape(-1, 2).tolist():
            parts.append(f"M{place(xs[start])} {place(ys[i])}H{place(xs[stop])}V{place(ys[i + 1])}H{place(xs[start])}z")
    words = tag("title", "not finite here")
    return tag("path", words, d="".join(parts), fill=f"url(#{name}-hatch)", class_="unknown")


def _surrounded(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    wide = np.pad(cells, 1, constant_values=True)
    return wide[:-2, 1:-1] & wide[2:, 1:-1] & wide[1:-1, :-2] & wide[1:-1, 2:]


def _curve(scene: Scene, frame: Frame) -> str:
    """Of one parameter: the function itself."""
    points = zip(_pixels(frame.x, scene.grid.xs).tolist(), scene.grid.values[0].tolist(), strict=True)
    found = [(x, _bounded(frame.y(v))) if math.isfinite(v) else None for x, v in points]
    return path(found, stroke=color("soft"), stroke_width=2)


def _bounded(pixel: float) -> float:
    return min(max(pixel, -_FAR), _FAR)


# ---- the paths --------------------------------------------------------------------------------


def on_map(scene: Scene, frame: Frame, course: Course) -> tuple[Array, NDArray[np.bool_]]:
    """The pixels of a path's points, (points, 2), and where the map misleads about it."""
    x, y = _pixels(frame.x, course.places[:, 0]), course.losses if scene.flat else course.places[:, 1]
    with np.errstate(invalid="ignore"):
        pixels = np.stack([x, _pixels(frame.y, y)], 1)
    return np.clip(np.nan_to_num(pixels, nan=_FAR, posinf=_FAR, neginf=-_FAR), -_FAR, _FAR), scene.apart(course)


def kept_points(points: Array) -> list[int]:
    """The points of a path that are worth drawing: those some way from the one before, and the last."""
    kept = [0]
    for k in range(1, len(points)):
        if k == len(points) - 1 or np.abs(points[k] - points[kept[-1]]).max() >= _CLOSE:
            kept.append(k)
    return kept


def _dense(points: Array) -> Array:
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


def _course(k: int, points: Array, apart: NDArray[np.bool_], scene: Scene) -> str:
    """A path: whole where the map tells its loss, dashed where it does not."""
    kept = kept_points(points)
    strokes = {
        kind: [point for off, run in runs(kept, apart) if off == kind
               for point in (*((float(x), float(y)) for x, y in points[run]), None)][:-1]
        for kind in (False, True)
    }  # fmt: skip
    # where paths lie on one another, the later ones are narrower
    style = {"stroke": course_color(k), "stroke_width": 2 + 0.7 * (len(scene.courses) - 1 - k)}
    whole = tag("path", None, d=_line(strokes[False]), class_="told", fill="none", stroke_linejoin="round", **style)
    dashed = tag("path", None, d=_line(strokes[True]), class_="apart", fill="none", stroke_linejoin="round",
                 stroke_dasharray="5 3.5", **style)  # fmt: skip
    steps = _dots(points, course_color(k)) if len(points) <= 60 else ""
    title = tag("title", escape(scene.courses[k].name))
    return tag("g", title + whole + dashed + steps, class_="course")


def _halo(points: Array) -> str:
    """What parts a path from the ground."""
    line = _line([(x, y) for x, y in points[kept_points(points)].tolist()])
    return tag("path", None, d=line, class_="halo", fill="none", stroke=color("paper"), stroke_width=5.5,
               stroke_linejoin="round", stroke_opacity=0.85)  # fmt: skip


def _line(points: Sequence[tuple[float, float] | None]) -> str:
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


SHAPES = ("circle", "square", "diamond", "up", "hexagon", "down")


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


def _marks(scene: Scene, frame: Frame, k: int, points: Array, room: Room) -> str:
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


def _ends(scene: Scene, frame: Frame, drawn: Sequence[tuple[Array, NDArray[np.bool_]]], room: Room) -> str:
    """Starts, ends and minima."""
    parts: list[str] = []
    starts = {tuple(np.round(points[0]).tolist()) for points, _ in drawn}
    spots = [_pixel_of(scene, frame, m.place, m.value) for m in scene.minima]
    room.take(spots, 6.0)
    room.take(starts, 6.0)
    for k, (points, _) in enumerate(drawn):
        x, y = points[-1].tolist()
        parts.append(tag("g", marker(k, x, y, 4.5, fill=course_color(k), stroke=color("paper"), stroke_width=1.5),
                         class_="head", data_course=k))  # fmt: skip
    for (x, y), low in zip(spots, scene.minima, strict=True):
        cross = f"M{place(x - 5)} {place(y - 5)}l10 10m0 -10l-10 10"
        parts += [
            tag("path", None, d=cross, stroke=color("paper"), stroke_width=4.5, stroke_linecap="round"),
            tag("path", tag("title", f"a minimum of the map: {number(low.value)}"), d=cross, class_="minimum",
                stroke=color("ink"), stroke_width=1.8, stroke_linecap="round"),
            _beside(room, f"min {scene.told(low.value)}", x, y),
        ]  # fmt: skip
    for x, y in sorted(starts):
        parts.append(tag("circle", None, cx=x, cy=y, r=5, fill=color("paper"), stroke=color("ink"), stroke_width=2))
        parts.append(_beside(room, "start", x, y))
    return "".join(parts)


def _pixel_of(scene: Scene, frame: Frame, spot: Sequence[float], value: float) -> tuple[float, float]:
    return frame.x(spot[0]), frame.y(value if scene.flat else spot[1])


def _beside(room: Room, text: str, x: float, y: float) -> str:
    spot = room.beside(text, x, y)
    return "" if spot is None else label(spot[0], spot[1], text, spot[2], haloed=True, fill=color("ink"), class_="word")


# ---- who is who -------------------------------------------------------------------------------


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
