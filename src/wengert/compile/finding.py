"""What is read from memory, and where: a reader that only takes notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from wengert.compile.affine import Affine, Index, Symbol, of
from wengert.compile.reading import Reader
from wengert.core.program import Atom, Equation, Var
from wengert.core.types import Aval

__all__ = ["Finder"]


@final
class Finder(Reader):
    """A reader that notes what is read from memory, and where."""

    def __init__(self, made: dict[Var, Equation], stored: set[Var]) -> None:
        self.made, self._stored = made, stored
        self.found: list[tuple[Var, Affine]] = []
        self.sometimes: set[Var] = set()  # what is read only where a condition holds
        self._seen: set[Any] = set()

    def stored(self, var: Var) -> bool:
        return var in self._stored

    def read(self, atom: Atom, index: Index) -> None:
        if isinstance(atom, Var):
            key = (atom, tuple(a.key for a in index))
            if key in self._seen:
                return
            self._seen.add(key)
        super().read(atom, index)

    def load(self, var: Var, position: Affine) -> None:
        self.found.append((var, position))

    def literal(self, value: Any) -> None:
        pass

    def apply(self, equation: Equation, operands: Sequence[Any]) -> None:
        pass

    def number(self, position: Affine, dtype: Any) -> None:
        pass

    def gathered(self, index: Any, aval: Any, extent: int) -> Affine:
        return of(Symbol(max(extent, 2)))

    def inside(self, tests: Any, then: Any, aval: Any) -> None:
        # a position that is shifted is another element; where it does not move, the element is the same
        known = len(self.found)
        then([at + -low if low else at for at, low, _ in tests])
        self.sometimes.update(var for var, _ in self.found[known:])

    def where_equal(self, a: Affine, b: Affine, then: Any, aval: Aval) -> None:
        then()
