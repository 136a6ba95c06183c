"""Drawings: pictures of graphs, to be written as SVG, HTML, PNG or in the DOT language."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, final

from wengert.errors import DataError
from wengert.explain import page
from wengert.explain.charts.elements import escape, tag
from wengert.explain.charts.numbers import count
from wengert.explain.drawing.diagram import Diagram
from wengert.explain.drawing.dot import to_dot
from wengert.explain.drawing.marks import SOFT, Mark, Words, svg_of, width_of
from wengert.explain.drawing.placing import EDGE, placed_marks, shifted, stacked
from wengert.explain.drawing.png import png_of
from wengert.explain.drawing.units import unit_marks
from wengert.files import write_atomically

__all__ = ["Drawing"]

_NOTE = 24.0
_LEAST_SCALE = 0.75  # on a page; what is wider then scrolls
_SUFFIXES = ".svg, .html, .png or .dot"


@final
@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture of one graph, or of several below one another; a notebook shows it.

    ``parts`` holds each with its heading, ``title`` and ``note`` are what is said about all. The same graph always
    gives the same bytes, but for PNG, which are matplotlib's.

    Example:
        >>> import wengert
        >>> drawing = wengert.draw(lambda x, y: (x + y) * y, 2.0, 3.0)
        >>> drawing
        <drawing: 4 blocks, 4 links>
        >>> drawing.svg()[:4], drawing.to_dot().splitlines()[0]
        ('<svg', 'digraph "The computation of f(x, y)" {')
    """

    parts: Sequence[tuple[str, Diagram]]
    title: str
    note: str = ""

    @cached_property
    def _scene(self) -> tuple[list[Mark], float, float]:
        """All marks, with the borders around them, width and height."""
        drawn = [(heading, *_noted(diagram.note, *_marks_of(diagram))) for heading, diagram in self.parts]
        marks, width, height = stacked(drawn)
        marks, width, height = _noted(self.note, marks, width, height)
        return [shifted(mark, EDGE, EDGE) for mark in marks], width + 2 * EDGE, height + 2 * EDGE

    def svg(self) -> str:
        """One ``<svg>`` element, in the colours of the page that it stands on."""
        return svg_of(*self._scene, self.title, self._description)

    def html(self) -> str:
        """A whole page, light or dark, that needs nothing else and scrolls where it is narrow."""
        header = tag("p", escape(self._description), class_="kind") + tag("h1", escape(self.title))
        width = round(self._scene[1])
        fit = f"min-width:{round(_LEAST_SCALE * width)}px;max-width:{width}px;margin:0 auto"
        shown = page.scrolling(self.title, tag("div", self.svg(), style=fit))
        picture = tag("section", tag("div", shown, class_="card"), id="drawing")
        return page.document(self.title, header, [("drawing", "Drawing", picture)], "drawn by wengert")

    def to_dot(self) -> str:
        """The graph in the DOT language of Graphviz."""
        return to_dot(self.parts)

    def to_dict(self) -> dict[str, Any]:
        """What is drawn, of lists, dicts, texts and numbers: for each part its heading, blocks and links.

        A block has a number, its kind, its lines of words and the titles of the frames around it; a link the numbers of
        the blocks at its ends, and its label. A small network drawn unit by unit has the ``weights`` and ``biases`` of
        its layers too.

        Example:
            >>> import wengert
            >>> part = wengert.draw(lambda x, y: x * y, 2.0, 3.0, gradients=True).to_dict()["parts"][0]
            >>> part["blocks"][1]["lines"][:2], part["links"][0]
            (['y', '3'], {'source': 0, 'target': 2, 'label': '1 × 3 = 3'})
        """
        return {"title": self.title, "note": self.note, "parts": [_part(*part) for part in self.parts]}

    def png(self, path: str | os.PathLike[str] | None = None, dpi: float = 144.0) -> bytes:
        """The bytes of a PNG, drawn by matplotlib in the light colours; with ``path`` they are written there too.

        Args:
            path: a file, or None.
            dpi: pixels for 96 of the drawing.

        Raises:
            UnsupportedError: if matplotlib is not installed, or the picture is longer than 30 000 pixels.
            DataError: if the file cannot be written.
        """
        content = png_of(*self._scene, dpi)
        if path is not None:
            write_atomically(path, content)
        return content

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the drawing, as the end of the name says: .svg, .html, .png or .dot; whole or not at all.

        Raises:
            DataError: if the name ends otherwise, or the file cannot be written.
        """
        suffix = Path(path).suffix.lower()
        match suffix:
            case ".svg":
                content = svg_of(*self._scene, self.title, self._description, _theme()).encode()
            case ".html":
                content = self.html().encode()
            case ".dot":
                content = self.to_dot().encode()
            case ".png":
                content = self.png()
            case _:
                raise DataError(f'"{path}": a drawing is written as {_SUFFIXES}, and not as {suffix or "nothing"}')
        write_atomically(path, content)

    @property
    def _description(self) -> str:
        blocks = sum(len(diagram.blocks) for _, diagram in self.parts)
        links = sum(len(diagram.links) for _, diagram in self.parts)
        several = f"{count(len(self.parts), 'picture')}: " if len(self.parts) > 1 else ""
        return f"{several}{count(blocks, 'block')}, {count(links, 'link')}"

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_html_(self) -> str:
        return tag("div", self.svg(), style="overflow-x:auto")

    def __repr__(self) -> str:
        return f"<drawing: {self._description}>"


def _part(heading: str, diagram: Diagram) -> dict[str, Any]:
    number = {block.key: k for k, block in enumerate(diagram.blocks)}
    found: dict[str, Any] = {
        "heading": heading,
        "title": diagram.title,
        "note": diagram.note,
        "blocks": [
            {
                "number": number[block.key],
                "kind": block.kind,
                "lines": [line.text for line in block.lines],
                "frames": [diagram.frames[block.group[: k + 1]] for k in range(len(block.group))],
            }
            for block in diagram.blocks
        ],
        "links": [
            {"source": number[link.source], "target": number[link.target], "label": link.label}
            for link in diagram.links
        ],
    }
    if diagram.units:
        found["weights"] = [w.tolist() for w in diagram.units.weights]
        found["biases"] = [None if b is None else b.tolist() for b in diagram.units.biases]
    return found


def _marks_of(diagram: Diagram) -> tuple[list[Mark], float, float]:
    return unit_marks(diagram.units) if diagram.units else placed_marks(diagram)


def _noted(note: str, marks: list[Mark], width: float, height: float) -> tuple[list[Mark], float, float]:
    """The picture with a sentence below it."""
    if not note:
        return marks, width, height
    words = Mark((Words(0, height + _NOTE - 4, note, SOFT, 11),))
    return [*marks, words], max(width, width_of(note, 11)), height + _NOTE


def _theme() -> str:
    """The colours of both schemes, for a file on its own: the beginning of the page's style."""
    style = resources.files("wengert.explain").joinpath("page.css").read_text(encoding="utf-8")
    return style[: style.index("@media print")]


def scene_of(drawing: Drawing) -> tuple[list[Mark], float, float]:
    """Every shape of a drawing with its place, and the whole size: for measuring."""
    return drawing._scene  # pyright: ignore[reportPrivateUsage]
