"""Pictures through matplotlib: the same boxes, curves and words, drawn by it."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from wengert.errors import UnsupportedError
from wengert.explain.charts.elements import color
from wengert.explain.drawing.marks import Curve, Mark, Paint, Panel, Words
from wengert.explain.layout import Box

__all__ = ["png_of"]

_INCH = 96.0  # pixels of a drawing in an inch
_LARGEST = 30_000  # pixels on a side of a PNG; matplotlib ends at 65 536


def png_of(marks: Sequence[Mark], width: float, height: float, dpi: float) -> bytes:
    """The bytes of a PNG file with ``dpi`` pixels for 96 of the drawing."""
    largest = max(width, height) / _INCH * dpi
    if not 0 < largest <= _LARGEST:
        raise UnsupportedError(
            f"a picture of {width:.0f} × {height:.0f} is {largest:.0f} pixels long at dpi={dpi:g}; at most {_LARGEST}\n"
            f'  write: .png(path, dpi={max(int(_LARGEST / max(width, height, 1) * _INCH), 1)}), or .save("picture.svg")'
        )
    mpl = _matplotlib()
    figure = mpl.figure.Figure((width / _INCH, height / _INCH), dpi=dpi, facecolor=hex_of(Paint("paper")))
    mpl.backend.FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    for order, shape in enumerate(shape for mark in marks for shape in mark.shapes):
        for artist in artists(mpl, shape, axes.transData):
            artist.set_zorder(order + 1)
            axes.add_artist(artist)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=dpi, metadata={"Software": None})
    return stream.getvalue()


class _Matplotlib:
    """The modules that are used."""

    def __init__(self, figure: Any, backend: Any, patches: Any, path: Any, text: Any, effects: Any) -> None:
        self.figure, self.backend, self.patches = figure, backend, patches
        self.path, self.text, self.effects = path, text, effects


def _matplotlib() -> _Matplotlib:
    try:
        from matplotlib import figure, patches, path, patheffects, text
        from matplotlib.backends import backend_agg
    except ImportError:
        raise UnsupportedError("PNG is drawn by matplotlib: pip install 'wengert[plots]', or write an .svg") from None
    return _Matplotlib(figure, backend_agg, patches, path, text, patheffects)


def artists(mpl: _Matplotlib, shape: Panel | Curve | Words, data: Any) -> list[Any]:
    """What matplotlib calls a shape; a point is a 72nd of an inch, a pixel of ours a 96th."""
    match shape:
        case Panel(box, fill, stroke, width, radius, dashed):
            return [
                mpl.patches.PathPatch(
                    rounded(mpl, box, min(radius, box.w / 2, box.h / 2)), facecolor=hex_of(fill),
                    edgecolor=hex_of(stroke), linewidth=0.75 * width, linestyle=(0, (5, 3)) if dashed else "solid",
                )
            ]  # fmt: skip
        case Curve(points, stroke, width, arrow, dashed):
            codes = [mpl.path.Path.MOVETO, *[mpl.path.Path.CURVE4] * (len(points) - 1)]
            line = mpl.patches.PathPatch(
                mpl.path.Path(points, codes), fill=False, edgecolor=hex_of(stroke), linewidth=0.75 * width,
                linestyle=(0, (5, 3)) if dashed else "solid",
            )  # fmt: skip
            return [line, mpl.patches.Polygon(shape.head(), color=hex_of(stroke), linewidth=0)] if arrow else [line]
        case Words(x, y, text, paint, size, anchor, bold, haloed):
            side = {"start": "left", "middle": "center", "end": "right"}[anchor]
            # parse_math: a dollar sign is a dollar sign
            words = mpl.text.Text(
                x, y, text, color=hex_of(paint), fontsize=0.75 * size, ha=side, va="baseline", transform=data,
                fontweight="bold" if bold else "normal", parse_math=False,
            )  # fmt: skip
            if haloed:
                words.set_path_effects([mpl.effects.withStroke(linewidth=2.25, foreground=hex_of(Paint("paper")))])
            return [words]


def rounded(mpl: _Matplotlib, box: Box, r: float) -> Any:
    """The path of a rectangle with quarters of circles as corners."""
    k = 0.4477 * r  # a quarter of a circle as a cubic, to 3 parts in 10 000
    a, b, c, d = box.x, box.y, box.right, box.bottom
    corners = [
        ((c - r, b), (c - k, b), (c, b + k), (c, b + r)), ((c, d - r), (c, d - k), (c - k, d), (c - r, d)),
        ((a + r, d), (a + k, d), (a, d - k), (a, d - r)), ((a, b + r), (a, b + k), (a + k, b), (a + r, b)),
    ]  # fmt: skip
    kind = mpl.path.Path
    points = [(a + r, b), *(point for corner in corners for point in corner), (a + r, b)]
    codes = [kind.MOVETO, *[kind.LINETO, kind.CURVE4, kind.CURVE4, kind.CURVE4] * 4, kind.CLOSEPOLY]
    return kind(points, codes)


def hex_of(paint: Paint) -> str:
    """A colour of the light scheme, mixed with white."""
    digits = re.search(r"#([0-9a-f]{6})", color(paint.name))
    assert digits
    channels = [int(digits[1][k : k + 2], 16) for k in (0, 2, 4)]
    return "#" + "".join(f"{round(255 + paint.share * (c - 255)):02x}" for c in channels)
