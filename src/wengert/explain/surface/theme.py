"""The colours of a surface: pale fields that paths stand out from, in light and in dark."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

__all__ = ["DARK", "LIGHT", "band", "band_colors", "plain", "style"]

# the page's own colours, for pictures that stand alone
LIGHT = {
    "paper": "#ffffff", "ink": "#16191d", "soft": "#5b6570", "rule": "#e3e6ea",
    "line0": "#2a5bd7", "line1": "#d4570a", "line2": "#0a8576", "line3": "#8b3fc0", "line4": "#9a7000",
    "line5": "#b8336a", "contour": "#7f93aa",
}  # fmt: skip
DARK = {
    "paper": "#181b20", "ink": "#e8eaed", "soft": "#9ba5b0", "rule": "#2d333b",
    "line0": "#82a7ff", "line1": "#ff9a5c", "line2": "#4fcfb8", "line3": "#cf9dff", "line4": "#e0ba55",
    "line5": "#ff8fb8", "contour": "#6d8097",
}  # fmt: skip
# from the lowest values to the highest
_FIELD = {
    "light": ("#fffef9", "#ebf0f5", "#d3dfe9", "#b1c3d6"),
    "dark": ("#12151a", "#1f2833", "#2d3b4b", "#42566c"),
}


def band_colors(number: int, scheme: str) -> list[str]:
    """The colours of so many bands, from the lowest to the highest."""
    stops = np.array([[int(stop[k : k + 2], 16) for k in (1, 3, 5)] for stop in _FIELD[scheme]], float)
    at = np.linspace(0, len(stops) - 1, max(number, 1))
    mixed = np.stack([np.interp(at, np.arange(len(stops)), stops[:, k]) for k in range(3)], 1)
    return ["#" + "".join(f"{round(channel):02x}" for channel in color) for color in mixed]


def band(place: int, colors: Sequence[str]) -> str:
    """The colour of a band, by its place."""
    return f"var(--band{place},{colors[place]})"


def style(bands: int) -> str:
    """The style that a picture carries: its colours in light and in dark."""
    rules = [
        _rule(bands, names | {f"band{k}": shade for k, shade in enumerate(band_colors(bands, scheme))})
        for names, scheme in ((LIGHT, "light"), (DARK, "dark"))
    ]
    return f"{rules[0]}@media (prefers-color-scheme:dark){{{rules[1]}}}@media print{{{rules[0]}}}"


def _rule(bands: int, colors: dict[str, str]) -> str:
    return f".surface{bands}{{" + ";".join(f"--{name}:{value}" for name, value in colors.items()) + "}"


def plain(svg: str, scheme: str, bands: int) -> str:
    """A picture with its colours written out, for programs that know no custom properties."""
    names = LIGHT if scheme == "light" else DARK
    colors = names | {f"band{k}": shade for k, shade in enumerate(band_colors(bands, scheme))}
    svg = re.sub(r"<style>.*?</style>", "", svg, flags=re.DOTALL)
    return re.sub(r"var\(--(\w+),#\w+\)", lambda found: colors[found[1]], svg)
