"""Where words go in a map: on contour lines that are straight enough, where nothing else stands."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts.elements import text_width

__all__ = ["Label", "Room"]

Array = NDArray[np.float64]
HEIGHT = 11.0  # of a label's letters
SPACE = 4.0  # between a label and what it keeps clear of
_CANDIDATES = 16  # places on a line that are tried


@final
@dataclass(frozen=True)
class Label:
    """A word on a line: its middle, and its angle in degrees, within ±90 so that it stands upright."""

    text: str
    x: float
    y: float
    angle: float


@final
@dataclass
class Room:
    """The free room of a map: what is taken is discs."""

    left: float
    top: float
    right: float
    bottom: float
    discs: list[tuple[float, float, float]] = field(default_factory=list[tuple[float, float, float]])

    def take(self, points: Iterable[Sequence[float]], radius: float) -> None:
        """Keep ``points`` clear."""
        self.discs.extend((float(x), float(y), radius) for x, y in points)

    def free(self, discs: Sequence[tuple[float, float, float]], space: float = SPACE) -> bool:
        """Whether discs lie inside and touch nothing."""
        own = np.array(discs)
        if (own[:, 0] - own[:, 2]).min() < self.left or (own[:, 0] + own[:, 2]).max() > self.right:
            return False
        if (own[:, 1] - own[:, 2]).min() < self.top or (own[:, 1] + own[:, 2]).max() > self.bottom:
            return False
        if not self.discs:
            return True
        taken = np.array(self.discs)
        apart = np.hypot(own[:, None, 0] - taken[None, :, 0], own[:, None, 1] - taken[None, :, 1])
        return bool((apart >= own[:, None, 2] + taken[None, :, 2] + space).all())

    def on_line(self, text: str, line: Array) -> Label | None:
        """A label on a line, at the straightest of the places that are free; None if there is none."""
        width = text_width(text, HEIGHT)
        lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        if lengths[-1] < 2.2 * width:
            return None
        found: list[tuple[float, Label]] = []
        for at in np.linspace(0.6 * width, lengths[-1] - 0.6 * width, _CANDIDATES):
            spots = np.array([at - width / 2, at, at + width / 2])
            xs, ys = (np.interp(spots, lengths, line[:, k]) for k in (0, 1))
            chord = math.hypot(xs[2] - xs[0], ys[2] - ys[0])
            bend = math.hypot(xs[1] - (xs[0] + xs[2]) / 2, ys[1] - (ys[0] + ys[2]) / 2)
            if chord < 0.9 * width or bend > 0.3 * HEIGHT:
                continue
            angle = math.degrees(math.atan2(ys[2] - ys[0], xs[2] - xs[0]))
            angle = (angle + 90) % 180 - 90
            label = Label(text, float((xs[0] + xs[2]) / 2), float((ys[0] + ys[2]) / 2), angle)
            if self.free(discs_of(label, width)):
                found.append((bend + abs(angle) / 45, label))
        if not found:
            return None
        label = min(found, key=lambda item: item[0])[1]
        self.discs.extend(discs_of(label, width))
        return label

    def beside(self, text: str, x: float, y: float, away: float = 9.0) -> tuple[float, float, str] | None:
        """Where a word stands beside a point: x, y of its baseline and its anchor; None if there is no room."""
        width = text_width(text, 12)
        for anchor, dx, dy in (("start", away, 4.0), ("end", -away, 4.0), ("middle", 0.0, -away - 2),
                               ("middle", 0.0, away + 11), ("start", away * 0.7, -away * 0.7),
                               ("start", away * 0.7, away + 7), ("end", -away * 0.7, -away * 0.7),
                               ("end", -away * 0.7, away + 7)):  # fmt: skip
            middle = x + dx + {"start": width / 2, "end": -width / 2, "middle": 0.0}[anchor]
            discs = discs_of(Label(text, middle, y + dy - 4, 0.0), width)
            if self.free(discs, 1.0):
                self.discs.extend(discs)
                return x + dx, y + dy, anchor
        return None


def discs_of(label: Label, width: float) -> list[tuple[float, float, float]]:
    """A label as a row of discs along its middle."""
    number = max(2, math.ceil(width / HEIGHT) + 1)
    c, s = math.cos(math.radians(label.angle)), math.sin(math.radians(label.angle))
    radius = HEIGHT / 2 + 1
    along = np.linspace(-width / 2 + radius / 2, width / 2 - radius / 2, number)
    return [(label.x + c * d, label.y + s * d, radius) for d in along.tolist()]
