"""The map: bands of equal loss, their lines with values on them, and the paths that go over it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts.elements import (
    Frame,
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
from wengert.explain.surface.courses import (
    course_color,
    halo,
    line_of,
    marker,
    marks,
    on_map,
    pixels,
    spread,
)
from wengert.explain.surface.labels import HEIGHT, Room
from wengert.explain.surface.scene import Scene
from wengert.explain.surface.theme import band, band_colors

__all__ = ["frame_of", "map_of"]

Array = NDArray[np.float64]
TOP = 26.0
_FAR = 4000.0  # pixels beyond the map: no coordinate is larger


def map_of(scene: Scene, name: str, width: int, height: int) -> str:
    """The map as markup, ``width`` by ``height``; ``name`` makes its ids unique on the page."""
    frame = frame_of(scene, width, height)
    room = Room(frame.x.start + 3, frame.y.stop + 3, frame.x.stop - 3, frame.y.start - 3)
    drawn = [on_map(scene, frame, course) for course in scene.courses]
    for points, _ in drawn:
        room.take(spread(points), 2.0)
    numbers = "".join(marks(scene, frame, k, points, room) for k, (points, _) in enumerate(drawn))
    ends = _ends(scene, frame, drawn, room)
    unknown = _unknown(scene, frame, name, room)
    ground = _curve(scene, frame) if scene.flat else _field(scene, frame, room)
    courses = "".join(halo(points) for points, _ in drawn)
    courses += "".join(line_of(k, points, apart, scene) for k, (points, apart) in enumerate(drawn))
    box = {"x": frame.x.start, "y": frame.y.stop, "width": frame.x.stop - frame.x.start,
           "height": frame.y.start - frame.y.stop}  # fmt: skip
    defs = tag("clipPath", tag("rect", None, **box), id=f"{name}-map") + _hatching(name)
    inside = tag("g", ground + unknown + courses + numbers + ends, clip_path=f"url(#{name}-map)")
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
    xs, ys = pixels(frame.x, grid.xs), pixels(frame.y, grid.ys)
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
    xs, ys = pixels(frame.x, scene.grid.xs), pixels(frame.y, scene.grid.ys)
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
    points = zip(pixels(frame.x, scene.grid.xs).tolist(), scene.grid.values[0].tolist(), strict=True)
    found = [(x, _bounded(frame.y(v))) if math.isfinite(v) else None for x, v in points]
    return path(found, stroke=color("soft"), stroke_width=2)


def _bounded(pixel: float) -> float:
    return min(max(pixel, -_FAR), _FAR)


# ---- starts, ends, minima ---------------------------------------------------------------------


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
