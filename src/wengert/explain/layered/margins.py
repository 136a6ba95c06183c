"""How much room is kept between things."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Margins"]


@dataclass(frozen=True)
class Margins:
    """Pixels between items, between lanes, between layers, and around what a group holds.

    ``pads`` are those of a group: along and across before what it holds, along and across after it.
    """

    item: float
    lane: float
    layer: float
    pads: tuple[float, float, float, float]
