"""The number lines of a nudge: the input moves, and every later value follows; beside it where the derivative points.

All lines have one scale and stand so that the values before the nudge are in one column: what grows from line to line
is amplified. Where the changes are too unlike for one scale each line has its own, and says so.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.types import dtype_of, shape_of
from wengert.errors import UnsupportedError, at_line
from wengert.explain.charts.elements import clip, color, escape, label, mix, path, picture, place, tag, text_width
from wengert.explain.charts.numbers import Scale, number
from wengert.explain.formulas.formula import name_of, step_formula
from wengert.explain.graph import Step, is_differentiable

if TYPE_CHECKING:
    from wengert.explain.nudge import Moved, Nudged

__all__ = ["number_lines"]

WIDTH, LEFT, RIGHT = 560, 24.0, 536.0
_TOP, _ROW, _AXIS, _FOOT = 62.0, 84.0, 34.0, 30.0
_REACH = 0.62  # of the line, that the longest change takes
_UNLIKE = 30.0  # times as long as the shortest: no common scale
_ABOVE = 9.0


@dataclass(frozen=True)
class Line:
    """One number on its line: where it was, is, and was predicted to be; its name with the element's place."""

    step: Step
    at: tuple[int, ...]
    before: float
    after: float
    predicted: float | None
    name: str

    @property
    def changes(self) -> list[float]:
        """The true and the predicted change, where they are finite."""
        found = [self.after - self.before, math.nan if self.predicted is None else self.predicted - self.before]
        return [v for v in found if math.isfinite(v)]


def number_lines(nudged: Nudged, most: int, unnamed: bool = False) -> str:
    """The picture, as SVG."""
    lines = chosen(nudged, most, unnamed)
    if not lines:
        raise UnsupportedError(
            f"{nudged.before.name}: no real number moved that a line could show{at_line()}\n"
            "  write: print(nudged) for the table"
        )
    spans = [max(map(abs, line.changes), default=0.0) for line in lines]
    moving = [span for span in spans if span > 0]
    common = bool(moving) and max(moving) <= _UNLIKE * min(moving)
    start = _start([c for line in lines for c in line.changes] if common else [c for x in lines for c in _units(x)])
    scales = [_scale(line, max(moving) if common else span, start) for line, span in zip(lines, spans, strict=True)]
    y = [_TOP + k * _ROW + _AXIS for k in range(len(lines))]
    parts = [tag("style", _palette()), _backdrop(y[-1] + _FOOT + 18), _legend(nudged, common)]
    parts += [
        _band((lines[k], scales[k], y[k]), (lines[k + 1], scales[k + 1], y[k + 1])) for k in range(len(lines) - 1)
    ]
    parts += [_drawn(line, scale, height) for line, scale, height in zip(lines, scales, y, strict=True)]
    parts += [_factor(nudged, lines[k], lines[k + 1], y[k]) for k in range(len(lines) - 1)]
    words = "; ".join(f"{x.name} from {number(x.before)} to {number(x.after)}" for x in lines)
    title = f"{nudged.before.name}: {nudged.input} nudged"
    body = tag("g", "".join(parts), class_="nudge")
    name = f"nudge-{zlib.crc32(f'{title} {words}'.encode()):08x}"  # two of them may stand on a page
    return picture(name, title, words, WIDTH, y[-1] + _FOOT + 18, body)


def _palette() -> str:
    """The page's colours, so that the picture is right by itself too, in light and dark."""
    style = resources.files("wengert.explain").joinpath("page.css").read_text(encoding="utf-8")
    colors = re.findall(r"--[\w]+:#[0-9a-f]{6}", style.partition("@media (prefers-color-scheme:dark)")[2])
    dark = dict(c.split(":") for c in reversed(colors[: colors.index(next(c for c in colors if "line5" in c)) + 1]))
    return "@media (prefers-color-scheme:dark){.nudge{" + ";".join(f"{k}:{v}" for k, v in dark.items()) + "}}"


# ---- what is drawn


def chosen(nudged: Nudged, most: int, unnamed: bool = False) -> list[Line]:
    """The nudged input, then what it moved: first what has a name of the user's, and the output always."""
    first = next(row for row in nudged.rows if row.step.name == nudged.input)
    moved = [row for row in nudged.rows if row is not first and row.step.primitive and _has_moved(row)]
    last = [row for row in nudged.rows if row.step is nudged.before.output and row is not first]
    named = [row for row in moved if row.step.variable and row not in last]
    room = max(most - 1 - len(last), 0)
    kept = named if len(named) >= 2 and not unnamed else moved
    kept = [row for row in kept if row not in last]
    if len(kept) > room:
        kept = [kept[round(k * (len(kept) - 1) / max(room - 1, 1))] for k in range(room)]
    drawn = [row for row in (first, *kept, *last) if _can_be_drawn(row)]
    counts = Counter(name_of(row.step) for row in drawn)
    return [_line(row, row.step.name if counts[name_of(row.step)] > 1 else name_of(row.step)) for row in drawn]


def _has_moved(row: Moved) -> bool:
    if not _can_be_drawn(row):
        return False
    predicted = row.predicted is not None and bool(np.any(row.predicted))
    return predicted or not np.array_equal(row.before, row.after)


def _can_be_drawn(row: Moved) -> bool:
    if isinstance(row.before, tuple) or not is_differentiable(row.before) or dtype_of(row.before).kind == "c":
        return False
    return shape_of(row.before) == shape_of(row.after) and 0 not in shape_of(row.before)


def _line(row: Moved, name: str) -> Line:
    at = row.at

    def element(x: Any) -> float:
        return float(np.asarray(x)[at])

    predicted = None if row.predicted is None else element(row.before) + element(np.broadcast_to(
        row.predicted, shape_of(row.before)))  # fmt: skip
    shown = name + (f"[{', '.join(map(str, at))}]" if at else "")
    return Line(row.step, at, element(row.before), element(row.after), predicted, shown)


# ---- where it is drawn


def _units(line: Line) -> list[float]:
    longest = max(map(abs, line.changes), default=0.0) or 1.0
    return [c / longest for c in line.changes]


def _start(changes: Sequence[float]) -> float:
    """The place of the values before: left where all move right, right where all move left."""
    low, high = min([0.0, *changes]), max([0.0, *changes])
    longest = max(-low, high) or 1.0
    left = LEFT + 0.12 * (RIGHT - LEFT)
    return left + (RIGHT - LEFT) * _REACH * (-low / longest) * (1 if high == 0 else 0.6)


def _scale(line: Line, span: float, start: float) -> Scale:
    two_sided = LEFT + 0.2 * (RIGHT - LEFT) < start < LEFT + 0.7 * (RIGHT - LEFT)
    length = (RIGHT - LEFT) * _REACH * (0.6 if two_sided else 1)
    unit = (span or abs(line.before) or 1.0) / length
    before = line.before if math.isfinite(line.before) else 0.0
    low, high = before - (start - LEFT) * unit, before + (RIGHT - start) * unit
    if not (math.isfinite(low) and math.isfinite(high) and high > low):
        wide = max(1.0, abs(before) / 2)
        low, high = before - wide, min(before + wide, float(np.finfo(float).max))
    fitted = Scale.fit([low, high], LEFT, RIGHT, room=0.0, marks=6)
    marks = tuple(m for m in fitted.marks if low <= m <= high)
    return Scale(low, high, LEFT, RIGHT, marks)


def _spot(scale: Scale, value: float) -> float:
    return min(max(scale(value), LEFT), RIGHT) if math.isfinite(value) else RIGHT


# ---- drawing


def _backdrop(height: float) -> str:
    return tag("rect", None, x=0, y=0, width=WIDTH, height=height, rx=10, fill=color("paper"))


def _legend(nudged: Nudged, common: bool) -> str:
    entries = [
        (_before(LEFT + 5, 40.0), "before"), (_after(LEFT + 79, 40.0), "after"),
        (_predicted(LEFT + 141, 40.0), "predicted by the derivative"),
    ]  # fmt: skip
    places = (LEFT + 15, LEFT + 89, LEFT + 153)
    words = "".join(mark + label(x, 44, word) for (mark, word), x in zip(entries, places, strict=True))
    title = label(LEFT, 22, f"{nudged.input} is nudged: what follows", fill=color("ink"), font_weight=600, font_size=14)
    note = "one scale for all lines" if common else "each line has its own scale"
    return title + words + label(RIGHT, 44, note, "end")


def _before(x: float, y: float) -> str:
    return tag("circle", None, cx=x, cy=y, r=4.5, fill=color("paper"), stroke=color("soft"), stroke_width=1.6)


def _after(x: float, y: float) -> str:
    return tag("circle", None, cx=x, cy=y, r=4.5, fill=color("line0"))


def _predicted(x: float, y: float) -> str:
    """A ring about the point where they agree, and beside it where they do not."""
    return tag("circle", None, cx=x, cy=y, r=7.5, fill="none", stroke=color("line1"), stroke_width=1.8)


def _drawn(line: Line, scale: Scale, y: float) -> str:
    x0, x1 = _spot(scale, line.before), _spot(scale, line.after)
    ticks = "".join(f"M{place(scale(m))} {place(y)}v5" for m in scale.marks)
    parts = [
        path([(LEFT, y), (RIGHT, y)], stroke=color("soft"), stroke_width=1, stroke_opacity=0.6),
        tag("path", None, d=ticks, stroke=color("soft"), stroke_width=1, stroke_opacity=0.6) if ticks else "",
        *(label(scale(m), y + 18, scale.label(m), "middle", font_size=11) for m in _roomy(scale)),
        path([(x0, y), (x1, y)], stroke=color("line0"), stroke_width=3.5) if abs(x1 - x0) > 1 else "",
        _before(x0, y), _after(x1, y),
        "" if line.predicted is None else _predicted(_spot(scale, line.predicted), y),
        _heading(line, y - _ABOVE - 7),
    ]  # fmt: skip
    return "".join(parts)


def _roomy(scale: Scale) -> list[float]:
    """Marks whose labels neither touch one another nor leave the picture."""
    kept: list[float] = []
    edge = LEFT - 16
    for mark in scale.marks:
        half = text_width(scale.label(mark), 11) / 2
        if scale(mark) - half > edge and scale(mark) + half < RIGHT + 18:
            kept.append(mark)
            edge = scale(mark) + half + 8
    return kept


def _heading(line: Line, y: float) -> str:
    moved = f"{number(line.before)} → {number(line.after)}"
    if line.predicted is not None and line.step.primitive is not None:
        moved += f", predicted {number(line.predicted)}"
    name = clip(line.name, 24)
    room = RIGHT - LEFT - text_width(moved) - text_width(name, 14) - 40
    formula = "" if line.step.primitive is None else clip(f"= {step_formula(line.step).right}", int(room / 7))
    written = tag(
        "text",
        tag("tspan", escape(name), font_weight=600, font_size=14, fill=color("ink"))
        + (tag("tspan", " " + escape(formula), fill=color("soft")) if room > 30 else ""),
        x=LEFT, y=y, stroke=color("paper"), stroke_width=3, paint_order="stroke", stroke_linejoin="round",
    )  # fmt: skip
    return written + label(RIGHT, y, moved, "end", fill=color("ink"), haloed=True)


_Placed = tuple[Line, Scale, float]


def _band(upper: _Placed, lower: _Placed) -> str:
    """What joins a change with the next one: it widens where the change is amplified."""
    (a, scale_a, ya), (b, scale_b, yb) = upper, lower
    xs = [_spot(scale_a, a.before), _spot(scale_a, a.after), _spot(scale_b, b.after), _spot(scale_b, b.before)]
    points = zip(xs, (ya, ya, yb, yb), strict=True)
    shape = "M" + "L".join(f"{place(x)} {place(y)}" for x, y in points) + "Z"
    return tag("path", None, d=shape, fill=mix(0.14), stroke="none")


def _factor(nudged: Nudged, upper: Line, lower: Line, y: float) -> str:
    """By how much the change was amplified from one line to the next, where the second follows from the first alone."""
    if upper.predicted is None or lower.predicted is None:
        return ""
    first, second = upper.predicted - upper.before, lower.predicted - lower.before
    if not first or not math.isfinite(second / first):
        return ""
    symbol = f"∂{lower.name}/∂{upper.name}" if _follows(nudged, upper.step, lower.step) else "as far"
    scalar = not upper.at and not lower.at
    shown = f"× {number(second / first, 3)}" + (f" = {symbol}" if scalar and symbol != "as far" else "")
    return label(RIGHT, y + 36, clip(shown, 40), "end", fill=color("line0"), haloed=True, font_size=12)


def _follows(nudged: Nudged, upper: Step, lower: Step) -> bool:
    """Whether every way by which the nudge comes to ``lower`` leads through ``upper``."""
    source = nudged.before.inputs[nudged.input]
    waiting, met, found = [lower], set[Step](), False
    while waiting:
        x = waiting.pop()
        for y in (y for y in x.operands if isinstance(y, Step)):
            if y is upper:
                found = True
            elif y is source:
                return False
            elif y not in met:
                met.add(y)
                waiting.append(y)
    return found
