"""The pictures of an explanation, as its methods."""

from __future__ import annotations

import os
from typing import Any

from wengert.explain.graph_page.page import frame, html, svg

__all__ = ["Views"]


class Views:
    """What an :class:`~wengert.explain.Explanation` shows to the eye."""

    def svg(self, path: str | os.PathLike[str] | None = None) -> str:
        """The graph as one SVG picture, the same for the same explanation; written to ``path`` too, if given.

        Every step is a box with its formula, its value on the left and its gradient on the right (in forward mode its
        tangent); on a line stands upstream × local = contribution. What is long is folded: functions, layers, loops.
        The picture is light or dark as its reader's system is.

        Raises:
            DataError: if the file cannot be written there.

        Example:
            >>> import wengert
            >>> picture = wengert.explain(lambda x, y: x * y)(2.0, 3.0).svg()
            >>> picture[:4], "v1 = x·y" in picture
            ('<svg', True)
        """
        return svg(_explanation(self), path)

    def html(self, path: str | os.PathLike[str] | None = None) -> str:
        """One page on which the forward pass and the backward pass are played, step by step, on the graph.

        It is one file that asks for nothing else. By slider, buttons or keys (``?`` lists them) one goes through both
        passes; boxes and lines tell formulas, numbers, local derivatives, contributions and how these add up;
        functions, layers and loops fold and unfold; the user's source stands beside. Arrays of up to 24 numbers are
        shown whole; of larger ones the page holds summaries and small heat maps alone. Without scripts the picture and
        tables of steps and edges are there.

        Raises:
            DataError: if the file cannot be written there.

        Example:
            >>> import pathlib, tempfile
            >>> import wengert
            >>> e = wengert.explain(lambda x, y: x * y)(2.0, 3.0)
            >>> with tempfile.TemporaryDirectory() as directory:
            ...     page = e.html(f"{directory}/product.html")
            ...     pathlib.Path(directory, "product.html").read_text(encoding="utf-8") == page
            True
        """
        return html(_explanation(self), path)

    def _repr_html_(self) -> str:
        return frame(_explanation(self))


def _explanation(views: Any) -> Any:
    """The explanation that has these views."""
    return views
