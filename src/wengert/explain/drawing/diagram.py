"""A graph to be drawn: blocks with words in them, links, and frames around what belongs together."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts.elements import clip
from wengert.explain.drawing.marks import Paint, width_of

__all__ = ["Block", "Diagram", "Kind", "Line", "Link", "Units"]

Kind = Literal["input", "operation", "output", "fold", "layer", "activation", "new", "gone"]
Role = Literal["head", "value", "gradient", "note"]
Key = tuple[Hashable, ...]

# the fill, the border and whether it is dashed, for each kind of block
LOOKS: Mapping[Kind, tuple[Paint, Paint, bool]] = {
    "input": (Paint("line2", 0.1), Paint("line2"), False),
    "operation": (Paint("paper"), Paint("soft"), False),
    "output": (Paint("line0", 0.12), Paint("line0"), False),
    "fold": (Paint("ink", 0.05), Paint("soft"), False),
    "layer": (Paint("line0", 0.09), Paint("line0"), False),
    "activation": (Paint("line4", 0.11), Paint("line4"), False),
    "new": (Paint("line0", 0.12), Paint("line0"), False),
    "gone": (Paint("paper"), Paint("soft", 0.6), True),
}
INKS: Mapping[Role, Paint] = {
    "head": Paint("ink"), "value": Paint("ink"), "gradient": Paint("line1"), "note": Paint("soft"),
}  # fmt: skip
ROW = 17.0
SIDE, TOP = 10.0, 7.0  # between the side of a block and its words
_MOST = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a block's words."""

    text: str
    role: Role = "value"

    @property
    def size(self) -> float:
        """The size of its letters."""
        return 11.0 if self.role == "note" else 12.0


@dataclass(frozen=True, slots=True)
class Block:
    """A box with lines of words, in frames of which ``group`` names the path."""

    key: Hashable
    lines: tuple[Line, ...]
    kind: Kind = "operation"
    group: Key = ()
    tip: str = ""
    recurrent: bool = False
    least: float = 32.0

    @property
    def shown(self) -> tuple[Line, ...]:
        """The lines, cut to what a box takes."""
        return tuple(Line(clip(line.text, _MOST), line.role) for line in self.lines)

    @property
    def width(self) -> float:
        """Pixels from side to side."""
        widest = max((width_of(line.text, line.size, line.role == "head") for line in self.shown), default=0)
        return max(widest + 2 * SIDE, self.least)

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return ROW * max(len(self.lines), 1) + 2 * TOP - 3


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow from block to block, with a few words on it."""

    source: Hashable
    target: Hashable
    label: str = ""
    role: Role = "gradient"
    tip: str = ""
    dashed: bool = False


@dataclass(frozen=True)
class Units:
    """A small network of dense layers: the keys of blocks in columns, each with a heading; links carry weights."""

    columns: tuple[tuple[tuple[str, ...], str], ...]
    weights: tuple[NDArray[np.float64], ...]
    biases: tuple[NDArray[np.float64] | None, ...]


@dataclass(frozen=True)
class Diagram:
    """Blocks and links; ``frames`` holds the titles of groups by their paths, ``note`` a sentence about the whole.

    A network with ``units`` is drawn unit by unit, and else in layers from left to right or down.
    """

    title: str
    blocks: Sequence[Block]
    links: Sequence[Link]
    frames: Mapping[Key, str] = field(default_factory=dict[Key, str])
    note: str = ""
    direction: Literal["right", "down"] = "right"
    units: Units | None = None
