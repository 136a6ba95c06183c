"""What of a long list is shown: frames around what belongs together, closed where there is not room for all.

Items that follow one another and share a scope are a unit, units in units. All begin closed and are opened from the
outside in, as long as no more than a given number of boxes are in sight. Since a unit is a piece of the list, closed
units form no circle.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from itertools import count, groupby

from wengert.explain.charts.numbers import count as counted

__all__ = ["Shown", "Tag", "fold"]

_KEPT = 2  # turns of a loop that are shown at its beginning, and one at its end
_PIECE = 5  # items at both ends of what is too long


@dataclass(frozen=True, slots=True)
class Tag:
    """A scope around items: ``key`` tells it from others, turns of one loop have the same ``series``."""

    key: Hashable
    title: str
    series: Hashable = None
    turn: int = 0


@dataclass(eq=False)
class Unit:
    """A piece of the list: its items are numbers of the list, and smaller units."""

    title: str
    items: list[Unit | int]
    tag: Tag | None = None
    late: bool = False
    open: bool = False
    number: int = 0

    def leaves(self) -> list[int]:
        """The numbers in it, in order."""
        found: list[int] = []
        stack: list[Unit | int] = [self]
        while stack:
            item = stack.pop()
            if isinstance(item, Unit):
                stack += reversed(item.items)
            else:
                found.append(item)
        return found


@dataclass(frozen=True)
class Shown:
    """What is in sight: one item, or a closed unit of several, with the frames around it by number."""

    items: tuple[int, ...]
    group: tuple[int, ...] = ()
    title: str = ""

    @property
    def key(self) -> int:
        """The number of its first item."""
        return self.items[0]


@dataclass
class Folded:
    """All that is in sight, in order; the titles of frames; how many items are out of sight."""

    shown: list[Shown] = field(default_factory=list[Shown])
    frames: dict[tuple[Hashable, ...], str] = field(default_factory=dict[tuple[Hashable, ...], str])
    hidden: int = 0


def fold(order: Sequence[int], paths: Sequence[Sequence[Tag]], most: int) -> Folded:
    """What to show of the items ``order``, of which ``paths`` holds the scopes, outermost first, by item."""
    root = Unit("", _units(order, paths, 0), open=True)
    if len(order) > most:
        _shorten_loops(root)
        if len(root.items) > most:
            root.items = _ends(root.items, max((most - 1) // 2, 1))
    _open(root, most)
    numbers = count()
    result = Folded()
    _list(root, (), numbers, result)
    result.hidden = sum(len(s.items) for s in result.shown if s.title)
    return result


def _units(order: Sequence[int], paths: Sequence[Sequence[Tag]], depth: int) -> list[Unit | int]:
    found: list[Unit | int] = []
    for tag, run in groupby(order, lambda k: paths[k][depth] if len(paths[k]) > depth else None):
        items = list(run)
        # a frame around one item says nothing
        if tag is None or len(items) == 1:
            found += items
        else:
            found.append(Unit(tag.title, _units(items, paths, depth + 1), tag))
    return found


def _shorten_loops(unit: Unit) -> None:
    """Turns in the middle of a loop become one unit, which stays closed: one turn is like the next."""
    items: list[Unit | int] = []

    def series(item: Unit | int) -> Hashable:
        return item.tag.series if isinstance(item, Unit) and item.tag else None

    for key, run in groupby(unit.items, series):
        turns = list(run)
        for item in turns:
            if isinstance(item, Unit):
                _shorten_loops(item)
        if key is None or len(turns) <= _KEPT + 2:
            items += turns
            continue
        middle = turns[_KEPT:-1]
        first, last = (t.tag.turn for t in (middle[0], middle[-1]) if isinstance(t, Unit) and t.tag)
        title = f"turns {first} to {last}"
        items += [*turns[:_KEPT], Unit(title, middle, late=True), turns[-1]]
    unit.items = items


def _ends(items: list[Unit | int], kept: int) -> list[Unit | int]:
    """The first and the last of many items, and one unit of those between."""
    middle = items[kept:-kept]
    return [
        *items[:kept],
        Unit(f"{counted(len(Unit('', middle).leaves()))} between", middle, late=True),
        *items[-kept:],
    ]


def _open(root: Unit, most: int) -> None:
    """Open units, outer ones and earlier ones first, while there is room."""
    ticket = count()
    heap: list[tuple[int, int, Unit]] = []

    def enter(unit: Unit, depth: int) -> None:
        for item in unit.items:
            if isinstance(item, Unit) and not item.late:
                heapq.heappush(heap, (depth, next(ticket), item))

    enter(root, 0)
    shown = len(root.items)
    while heap:
        depth, _, unit = heapq.heappop(heap)
        if shown - 1 + len(unit.items) > most and len(unit.items) > 2 * _PIECE + 1:
            unit.items = _ends(unit.items, _PIECE)
        if shown - 1 + len(unit.items) <= most:
            shown += len(unit.items) - 1
            unit.open = True
            enter(unit, depth + 1)


def _list(unit: Unit, group: tuple[int, ...], numbers: count[int], result: Folded) -> None:
    for item in unit.items:
        if not isinstance(item, Unit):
            result.shown.append(Shown((item,), group))
        elif item.open:
            inner = (*group, next(numbers)) if item.tag else group
            if item.tag:
                result.frames[inner] = item.title
            _list(item, inner, numbers, result)
        else:
            result.shown.append(Shown(tuple(item.leaves()), group, item.title))
