"""The user's source: the functions in which steps were taken, line by line."""

from __future__ import annotations

import linecache
import os
from collections.abc import Iterable, Iterator

from wengert.explain.charts.elements import escape, tag

__all__ = ["Listing"]

Place = tuple[str, int]
_NEAR = 3  # lines between two steps that are shown with them
_MOST = 400  # lines of a file


class Listing:
    """The lines around the places of steps, each with a key."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.first: dict[Place, int] = {}  # by place, the first step there
        for n, place in enumerate(places):
            if place[0]:
                self.first.setdefault(place, n)
        self.files = [*dict.fromkeys(file for file, _ in self.first)]

    def key(self, place: Place) -> str:
        """What names a place on the page."""
        return f"{self.files.index(place[0])}-{place[1]}" if place in self.first else ""

    def markup(self) -> str:
        """A card for each file."""
        return "".join(self._file(file) for file in self.files if linecache.getlines(file))

    def _file(self, file: str) -> str:
        source = linecache.getlines(file)
        numbers = sorted(n for f, n in self.first if f == file and n <= len(source))
        items = [self._line(file, n, source[n - 1]) for n in [*_around(numbers, source)][:_MOST]]
        lines = tag("ol", "".join(items), class_="lines")
        return tag("div", tag("h3", escape(os.path.basename(file))) + lines, class_="code card", tabindex=0,
                   role="region", aria_label=f"Source {os.path.basename(file)}")  # fmt: skip

    def _line(self, file: str, n: int, source: str) -> str:
        step = self.first.get((file, n))
        return tag("li", tag("code", escape(source.rstrip("\n")) or " "), value=n,
                   id=(self.key((file, n)) and f"line-{self.key((file, n))}") or None, data_step=step)  # fmt: skip


def _around(numbers: list[int], source: list[str]) -> Iterator[int]:
    """Line numbers from the beginning of the function that each line stands in, with short gaps filled."""
    shown: set[int] = set()
    for n in numbers:
        shown.update(range(_function(n, source), n + 1))
    last = None
    for n in sorted(shown):
        if last is not None and n - last <= _NEAR:
            yield from range(last + 1, n)
        yield n
        last = n


def _function(n: int, source: list[str]) -> int:
    """The line of the ``def`` around a line, or the line itself where there is none."""
    indent = _indent(source[n - 1])
    for k in range(n - 1, 0, -1):
        line = source[k - 1]
        if line.strip() and _indent(line) < indent:
            indent = _indent(line)
            if line.lstrip().startswith(("def ", "async def ")):
                return k
    return n


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())
