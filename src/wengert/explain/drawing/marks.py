"""What pictures are made of, whatever they are written as: boxes, curves and words, in the colours of the page."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from wengert.explain.charts.elements import color, escape, label, mix, place, tag
from wengert.explain.layout import Box, path_data

__all__ = ["Curve", "Mark", "Paint", "Panel", "Words", "svg_of", "width_of"]

Point = tuple[float, float]
_HEAD = 7.0  # the length of an arrow's head


@dataclass(frozen=True, slots=True)
class Paint:
    """A colour of the page by name, and how much of it is laid over the paper."""

    name: str
    share: float = 1.0

    @property
    def css(self) -> str:
        """The colour in CSS, which follows the page's light or dark scheme."""
        return color(self.name) if self.share == 1 else mix(self.share, "paper", self.name)


_WIDTHS = (("ijl.,:;|!'` ", 0.36), ("frt()[]/\\-₁", 0.45), ("+−=×<>~≤≥≠→←", 0.84), ("mwMW%@…", 1.01))
INK, SOFT, RULE, PAPER = Paint("ink"), Paint("soft"), Paint("rule"), Paint("paper")


@dataclass(frozen=True, slots=True)
class Panel:
    """A rectangle with round corners; with the radius of half its sides it is a circle."""

    box: Box
    fill: Paint = PAPER
    stroke: Paint = SOFT
    width: float = 1.0
    radius: float = 6.0
    dashed: bool = False

    def svg(self) -> str:
        """The element."""
        b = self.box
        return tag(
            "rect", None, x=float(b.x), y=float(b.y), width=float(b.w), height=float(b.h), rx=float(self.radius),
            fill=self.fill.css, stroke=self.stroke.css, stroke_width=self.width,
            stroke_dasharray="5 3" if self.dashed else None,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Curve:
    """A cubic Bézier spline by its points, with an arrow's head at its end if wanted."""

    points: tuple[Point, ...]
    stroke: Paint = SOFT
    width: float = 1.3
    arrow: bool = True
    dashed: bool = False

    def head(self) -> tuple[Point, Point, Point]:
        """The corners of the arrow's head, in the direction in which the curve arrives."""
        (x, y), before = self.points[-1], next(p for p in self.points[-2::-1] if p != self.points[-1])
        length = ((x - before[0]) ** 2 + (y - before[1]) ** 2) ** 0.5
        a, b = (x - before[0]) / length * _HEAD, (y - before[1]) / length * _HEAD
        return (x, y), (x - a - b / 2, y - b + a / 2), (x - a + b / 2, y - b - a / 2)

    def svg(self) -> str:
        """The elements."""
        dashes = "5 3" if self.dashed else None
        drawn = tag("path", None, d=path_data(self.points), fill="none", stroke=self.stroke.css,
                    stroke_width=self.width, stroke_dasharray=dashes)  # fmt: skip
        if self.arrow:
            corners = "L".join(f"{place(x)} {place(y)}" for x, y in self.head())
            drawn += tag("path", None, d=f"M{corners}Z", fill=self.stroke.css)
        return drawn


@dataclass(frozen=True, slots=True)
class Words:
    """A piece of text: where its baseline begins, has its middle or ends."""

    x: float
    y: float
    text: str
    paint: Paint = INK
    size: float = 12.0
    anchor: str = "start"
    bold: bool = False
    haloed: bool = False

    def svg(self) -> str:
        """The element."""
        return label(
            float(self.x), float(self.y), self.text, self.anchor, haloed=self.haloed, fill=self.paint.css,
            font_size=None if self.size == 12 else place(self.size), font_weight=600 if self.bold else None,
        )  # fmt: skip

    def box(self) -> Box:
        """The room that it takes, at least."""
        w = width_of(self.text, self.size, self.bold)
        x = self.x - {"start": 0.0, "middle": w / 2, "end": w}[self.anchor]
        return Box(x, self.y - 0.85 * self.size, w, 1.1 * self.size)


@dataclass(frozen=True, slots=True)
class Mark:
    """Shapes that belong together, and what is said where the pointer rests on them."""

    shapes: tuple[Panel | Curve | Words, ...]
    tip: str = ""

    def svg(self) -> str:
        """The shapes, as a group if they have something to say."""
        drawn = "".join(shape.svg() for shape in self.shapes)
        return tag("g", tag("title", escape(self.tip)) + drawn) if self.tip else drawn


def width_of(text: str, size: float = 12.0, bold: bool = False) -> float:
    """The width of a text in pixels at most, in the usual fonts.

    Example:
        >>> round(width_of("x + y")), width_of("WIDE") > width_of("wide")
        (34, True)
    """
    return (1.12 if bold else 1.0) * size * sum(map(_width, text))


def _width(c: str) -> float:
    """Of one letter: the widest of DejaVu Sans, Liberation Sans, Arial, Roboto and Segoe, in ems."""
    for letters, width in _WIDTHS:
        if c in letters:
            return width
    if unicodedata.east_asian_width(c) in "WF":
        return 1.05
    return 0.79 if c.isupper() else 0.65


def svg_of(marks: Sequence[Mark], width: float, height: float, title: str, description: str, style: str = "") -> str:
    """A whole picture on paper of its own; ``style`` is CSS for a file that stands alone."""
    heading = tag("title", escape(title)) + tag("desc", escape(description))
    body = tag("style", style) if style else ""
    body += tag("rect", None, width=width, height=height, fill=color("paper"))
    return tag(
        "svg",
        heading + body + "".join(mark.svg() for mark in marks),
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {place(width)} {place(height)}",
        width=width,
        height=height,
        role="img",
        aria_label=f"{title}. {description}",
        font_family="system-ui,-apple-system,Segoe UI,Roboto,Helvetica Neue,Liberation Sans,Arial,sans-serif",
        font_size=12,
    )
