"""Positions as sums of loop variables: where an element stands, as far as it is known when code is made.

A :class:`Symbol` is a loop variable or a number that the code computes (an index read from an array); an
:class:`Affine` is ``Σ coefficient · symbol + constant``. Each axis of an array is read at one of these, and so is its
memory, for strides are constants.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, final

__all__ = ["ZERO", "Affine", "Index", "Symbol", "row_major", "split"]

_ids = itertools.count()


@final
class Symbol:
    """A number in [0, extent). ``depth`` says which loop it changes with.

    ``value`` is what it is in the code: a scalar; for a symbol with ``lanes`` the first of so many numbers that follow
    one another if it is ``consecutive``, else a vector of numbers.
    """

    __slots__ = ("consecutive", "depth", "extent", "id", "lanes", "value")

    def __init__(
        self, extent: int, depth: int = 0, value: Any = None, lanes: int = 0, *, consecutive: bool = True
    ) -> None:
        self.extent, self.depth, self.value, self.lanes, self.consecutive = extent, depth, value, lanes, consecutive
        self.id = next(_ids)

    def __repr__(self) -> str:
        return f"s{self.id}<{self.extent}"


@final
class Affine:
    """``Σ coefficient · symbol + constant``; equal sums have equal keys."""

    __slots__ = ("_key", "constant", "terms")

    def __init__(self, terms: dict[Symbol, int] | None = None, constant: int = 0) -> None:
        self.terms = {s: c for s, c in terms.items() if c and s.extent != 1} if terms else {}
        self.constant = constant
        self._key: Any = None

    @property
    def key(self) -> Any:
        """What it is known by."""
        if self._key is None:
            self._key = (self.constant, *sorted([(s.id, c) for s, c in self.terms.items()]))
        return self._key

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Affine) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __add__(self, other: Affine | int) -> Affine:
        if isinstance(other, int):
            return Affine(self.terms, self.constant + other) if other else self
        if not other.terms:
            return self + other.constant
        terms = dict(self.terms)
        for s, c in other.terms.items():
            terms[s] = terms.get(s, 0) + c
        return Affine(terms, self.constant + other.constant)

    def __mul__(self, factor: int) -> Affine:
        if factor == 1:
            return self
        return Affine({s: factor * c for s, c in self.terms.items()}, factor * self.constant)

    def __repr__(self) -> str:
        parts = [f"{c}{s!r}" if c != 1 else repr(s) for s, c in self.terms.items()]
        return " + ".join([*parts, str(self.constant)] if self.constant or not parts else parts)

    @property
    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest value."""
        low = high = self.constant
        for s, c in self.terms.items():
            reach = c * (s.extent - 1)
            low, high = low + min(reach, 0), high + max(reach, 0)
        return low, high

    @property
    def depth(self) -> int:
        """The innermost loop that it changes with."""
        return max([s.depth for s in self.terms], default=0)

    @property
    def lanes(self) -> int:
        """How many values it has at once; 0 for one."""
        return max([s.lanes for s in self.terms], default=0)


ZERO = Affine()
Index = tuple[Affine, ...]


def of(symbol: Symbol) -> Affine:
    """A symbol by itself."""
    return Affine({symbol: 1})


def row_major(index: Sequence[Affine], shape: Sequence[int]) -> Affine:
    """The position in memory of an element of an array that lies row by row."""
    terms: dict[Symbol, int] = {}
    constant, step = 0, 1
    for part, n in zip(reversed(index), reversed(shape), strict=True):
        if n != 1:
            constant += part.constant * step
            for s, c in part.terms.items():
                terms[s] = terms.get(s, 0) + c * step
        step *= n
    return Affine(terms, constant)


def split(position: Affine, shape: Sequence[int]) -> Index | None:
    """The index of the element at a position, the inverse of :func:`row_major`; None where it is no such sum."""
    if 0 in shape:
        return (ZERO,) * len(shape)  # there is no element
    out: list[Affine] = []
    for n in reversed(shape):
        if n == 1:
            out.append(ZERO)
            continue
        high: dict[Symbol, int] = {}
        low: dict[Symbol, int] = {}
        for s, c in position.terms.items():
            (high if c % n == 0 else low)[s] = c
        rest = Affine(low, position.constant % n)
        least, most = rest.bounds
        if least < 0 or most >= n:
            return None
        out.append(rest)
        position = Affine({s: c // n for s, c in high.items()}, position.constant // n)
    return tuple(reversed(out)) if not position.terms and not position.constant else None
