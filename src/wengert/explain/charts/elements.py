"""The letters of SVG and HTML: elements, escaped text, colours, and the frame that charts stand in."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wengert.explain.charts.numbers import Scale

__all__ = [
    "Frame",
    "clip",
    "color",
    "dots",
    "escape",
    "label",
    "legible",
    "mix",
    "path",
    "picture",
    "place",
    "tag",
    "text_width",
]

# Custom properties of the page, each with the value it has outside of one.
_COLORS = {
    "paper": "#ffffff",
    "ink": "#16191d",
    "soft": "#5b6570",
    "rule": "#e3e6ea",
    "line0": "#2a5bd7",
    "line1": "#d4570a",
    "line2": "#0a8576",
    "line3": "#8b3fc0",
    "line4": "#9a7000",
    "line5": "#b8336a",
}
LINES = 6
WIDTH = 480  # of a chart, in its own units; the page scales it
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def color(name: str) -> str:
    """A colour of the page's theme, usable outside of it too."""
    return f"var(--{name},{_COLORS[name]})"


def mix(share: float, over: str = "paper", hue: str = "line0") -> str:
    """A tint: ``share`` of one colour over another."""
    return f"color-mix(in oklab,{color(hue)} {100 * share:.0f}%,{color(over)})"


def escape(text: object) -> str:
    """Text that is safe in HTML and SVG, in elements and in attributes.

    Example:
        >>> escape('<script>"')
        '&lt;script&gt;&quot;'
    """
    return html.escape(legible(str(text)), quote=True)


def legible(text: str) -> str:
    r"""A text without what no file holds, and without marks that turn round the letters after them.

    N. Boucher, R. Anderson, "Trojan Source: invisible vulnerabilities", USENIX Security 2023.

    Example:
        >>> legible("a\x00b\u202ec")
        'a�b�c'
    """
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def place(value: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")


def tag(name: str, content: str | None = "", **attributes: object) -> str:
    """An element around ``content``, which is markup already; None closes it at once.

    Floats are places; an attribute that is None or False is left out; underscores in names become hyphens.

    Example:
        >>> tag("rect", None, x=1.25, class_="bar", stroke_width=2)
        '<rect x="1.2" class="bar" stroke-width="2"/>'
    """
    parts = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        shown = place(value) if isinstance(value, float) else escape(value)
        parts.append(f'{key.rstrip("_").replace("_", "-")}="{shown}"')
    opening = " ".join(parts)
    return f"<{opening}/>" if content is None else f"<{opening}>{content}</{name}>"


def clip(text: object, length: int) -> str:
    """Text cut to ``length`` characters, with an ellipsis where it was cut."""
    shown = str(text)
    return shown if len(shown) <= length else shown[: max(length - 1, 1)].rstrip() + "…"


def text_width(text: str, size: float = 12) -> float:
    """About the width of a text in pixels; the fonts are not known here."""
    return sum(0.33 if c in "ijl.,:;|!'·1() " else 0.85 if c in "mwMW@%→" else 0.62 for c in text) * size


def label(
    x: float, y: float, text: object, anchor: str = "start", *, haloed: bool = False, **attributes: object
) -> str:
    """A piece of text in a picture; ``haloed`` keeps it readable upon lines."""
    halo = {"stroke": color("paper"), "stroke_width": 3, "paint_order": "stroke", "stroke_linejoin": "round"}
    style = {"fill": color("soft"), **(halo if haloed else {}), **attributes}
    return tag("text", escape(text), x=x, y=y, text_anchor=None if anchor == "start" else anchor, **style)


def path(points: Iterable[tuple[float, float] | None], **attributes: object) -> str:
    """A broken line through ``points``; None lifts the pen. A point alone is drawn as a dot."""
    strokes: list[list[str]] = [[]]
    for point in points:
        if point is None:
            strokes.append([])
        else:
            strokes[-1].append(f"{place(point[0])} {place(point[1])}")
    style = {"fill": "none", "stroke_linecap": "round", "stroke_linejoin": "round", **attributes}
    line = "".join("M" + "L".join(stroke) for stroke in strokes if len(stroke) > 1)
    alone = "".join(f"M{stroke[0]}h0" for stroke in strokes if len(stroke) == 1)
    parts = [tag("path", None, d=line, **style)] if line else []
    return "".join(parts) + (tag("path", None, d=alone, **{**style, "stroke_width": 6}) if alone else "")


def dots(points: Iterable[tuple[float, float]], radius: float, **attributes: object) -> str:
    """Many dots as one element."""
    steps = "".join(f"M{place(x)} {place(y)}h0" for x, y in points)
    return tag("path", None, d=steps, fill="none", stroke_linecap="round", stroke_width=2 * radius, **attributes)


def picture(name: str, title: str, description: str, width: int, height: float, body: str) -> str:
    """A whole picture; ``name`` makes its ids unique on the page."""
    heading = tag("title", escape(title), id=f"{name}-title") + tag("desc", escape(description), id=f"{name}-text")
    return tag(
        "svg",
        heading + body,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {place(height)}",
        role="img",
        aria_labelledby=f"{name}-title {name}-text",
        font_family="inherit",
        font_size=12,
    )


@dataclass(frozen=True)
class Frame:
    """The axes of a chart: two scales, grid lines at their marks, names."""

    x: Scale
    y: Scale
    x_name: str = ""
    y_name: str = ""

    def axes(self, *, x_grid: bool = False) -> str:
        """Grid, marks and names."""
        left, right, bottom, top = self.x.start, self.x.stop, self.y.start, self.y.stop
        rows = [f"M{place(left)} {place(self.y(m))}H{place(right)}" for m in self.y.marks]
        columns = [f"M{place(self.x(m))} {place(bottom)}V{place(top)}" for m in self.x.marks if x_grid]
        parts = [
            tag("path", None, d="".join(rows + columns), stroke=color("rule")),
            *(label(left - 8, self.y(m) + 4, self.y.label(m), "end") for m in self.y.marks),
            *(label(self.x(m), bottom + 18, self.x.label(m), "middle") for m in self._roomy()),
            label((left + right) / 2, bottom + 36, self.x_name, "middle"),
            label(left, top - 12, self.y_name),
        ]
        return "".join(parts)

    def _roomy(self) -> Sequence[float]:
        """The marks of the x axis, every second one where their labels would touch."""
        marks = self.x.marks
        widest = max((text_width(self.x.label(m)) for m in marks), default=0) + 10
        while len(marks) > 2 and widest * len(marks) > abs(self.x.stop - self.x.start):
            marks = marks[::2]
        return marks

    def points(self, xs: Iterable[float], ys: Iterable[float]) -> list[tuple[float, float] | None]:
        """The places of values; None for those that cannot be drawn."""
        return [(self.x(x), self.y(y)) if self._shown(y) else None for x, y in zip(xs, ys, strict=True)]

    def _shown(self, y: float) -> bool:
        return self.y.low <= y <= self.y.high  # not NaN, nor too large or, on a logarithmic axis, too small
