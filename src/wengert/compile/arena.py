"""Scratch memory: places for values that live for a part of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

__all__ = ["LINE", "Arena"]

LINE = 64


@final
class Arena:
    """Gives out ranges of bytes, and takes them back. ``size`` is what it came to.

    ``shared``: what a team gives back others may still read, and it is free when :meth:`settle` says that all have
    met. Before, it goes only to who asks for as much, and knows at which places it is ``unread``.
    """

    def __init__(self, start: int = 0, *, shared: bool = False) -> None:
        self.size, self.shared = start, shared
        self._free: list[tuple[int, int]] = []  # (offset, size), by offset
        self._later: list[tuple[int, int]] = []  # given back since all have met

    def take(self, size: int, unread: Callable[[int], bool] | None = None) -> int:
        """The offset of a free range, the smallest that is large enough."""
        size = -(-size // LINE) * LINE
        if unread is not None:
            for at, length in self._later:
                if length == size and unread(at):
                    self._later.remove((at, length))
                    return at
        fitting = [hole for hole in self._free if hole[1] >= size]
        if not fitting:
            if self._free and sum(self._free[-1]) == self.size:  # the last hole grows
                at, have = self._free.pop()
                self.size += size - have
                return at
            at = self.size
            self.size += size
            return at
        hole = min(fitting, key=lambda h: h[1])
        self._free.remove(hole)
        if hole[1] > size:
            self._insert(hole[0] + size, hole[1] - size)
        return hole[0]

    def give(self, at: int, size: int) -> None:
        """Take a range back."""
        size = -(-size // LINE) * LINE
        if self.shared:
            self._later.append((at, size))
        else:
            self._insert(at, size)

    def settle(self) -> None:
        """All have met: nobody reads what was given back."""
        for at, size in self._later:
            self._insert(at, size)
        self._later.clear()

    def _insert(self, at: int, size: int) -> None:
        holes = sorted([*self._free, (at, size)])
        merged: list[tuple[int, int]] = []
        for at, size in holes:
            if merged and sum(merged[-1]) == at:
                merged[-1] = (merged[-1][0], merged[-1][1] + size)
            else:
                merged.append((at, size))
        self._free = merged
