"""An explanation as a picture and as a page on which its forward and backward pass are played.

Both are text that needs no network: :func:`svg` is one picture, :func:`html` one file. The page holds the picture and
tables of all steps and edges for those who read without scripts; with scripts it plays, folds, searches and zooms.
"""

from wengert.explain.graph_page.page import frame, html, svg

__all__ = ["frame", "html", "svg"]
