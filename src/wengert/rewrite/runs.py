"""Runs: where a Program's equations repeat themselves, as an unrolled loop leaves them.

Equations become symbols, equal where primitive, parameters and types of operands are; integers in indices are left
out, for they count. A stretch of symbols with a period is a run. Periods are found by doubling: windows of 1, 2, 4, …
symbols are numbered so that equal ones have equal numbers (Karp, Miller and Rosenberg 1972), and where the next equal
window is for a while always the same distance away, not longer than the window, that distance is a period.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.core.program import Literal, Program, Var
from wengert.core.types import Aval
from wengert.rewrite.edit import frozen, number_key

INDEXED = frozenset(["getitem", "scatter_add", "update"])


@dataclass(frozen=True, slots=True)
class Run:
    """Equations ``start`` to ``stop`` repeat with this period."""

    start: int
    stop: int
    period: int


class Numbered:
    """A Program in numbers: a symbol for each equation, a number for each value, and the values that it reads.

    Inputs and constants come first, then the equations' results in order; literals have negative numbers.
    """

    __slots__ = ("atoms", "first", "literals", "operands", "symbols")

    def __init__(self, program: Program) -> None:
        self.atoms: list[Var] = [*program.inputs, *(v for v, _ in program.constants)]
        self.literals: list[Literal] = []
        self.first: list[int] = []  # the number of each equation's first result
        self.operands: list[tuple[int, ...]] = []
        self.symbols = np.empty(len(program.equations), np.int64)
        self.fill(program)

    def fill(self, program: Program) -> None:
        """Number everything, in one pass."""
        numbers = {v: k for k, v in enumerate(self.atoms)}
        types: dict[Any, int] = {}
        known: dict[Any, int] = {}
        outputs: list[tuple[int, ...]] = []  # the types of a symbol's results
        of_literals: dict[Any, int] = {}
        type_of: list[int] = [types.setdefault(v.aval, len(types)) for v in self.atoms]

        def literal(atom: Literal) -> int:
            key = number_key(atom.value)
            if key not in of_literals:
                of_literals[key] = -1 - len(self.literals)
                self.literals.append(atom)
            return of_literals[key]

        for k, equation in enumerate(program.equations):
            read = tuple([numbers[a] if isinstance(a, Var) else literal(a) for a in equation.inputs])
            key: Any = (
                equation.primitive,
                *[type_of[n] if n >= 0 else type(self.literals[-1 - n].value) for n in read],
            )
            if equation.params:
                key = (key, params_key(equation.primitive.name, equation.params))
            symbol = known.get(key)
            if symbol is None:
                symbol = known[key] = len(known)
                outputs.append(tuple(types.setdefault(v.aval, len(types)) for v in equation.outputs))
            self.symbols[k] = symbol
            self.operands.append(read)
            self.first.append(len(self.atoms))
            for var in equation.outputs:
                numbers[var] = len(self.atoms)
                self.atoms.append(var)
            type_of += outputs[symbol]

    def atom(self, number: int) -> Var | Literal:
        """The variable or literal of a number."""
        return self.atoms[number] if number >= 0 else self.literals[-1 - number]

    def aval(self, number: int) -> Aval:
        """The type of a value."""
        return self.atom(number).aval


def params_key(name: str, params: dict[str, Any]) -> Any:
    """Parameters as a key, without the integers of an index."""
    if name not in INDEXED:
        return frozen(params)
    index = tuple(int if type(entry) is int else frozen(entry) for entry in params["index"])
    return (index, frozen({key: value for key, value in params.items() if key != "index"}))


def find_runs(symbols: np.ndarray[Any, Any], *, turns: int, least: int) -> list[Run]:
    """Stretches of at least ``least`` symbols, and ``turns`` periods, that repeat; in order, none over another."""
    runs: list[Run] = []
    free = np.ones(len(symbols), bool)
    ranks, width = np.unique(symbols, return_inverse=True)[1], 1
    # a window of twice the longest period is long enough; and what is taken is not looked for again
    while width < 2 * len(symbols) // turns and len(ranks) > width and free.sum() >= least:
        gaps = distances(ranks)
        if not gaps.any():
            break
        for start, length, period in stretches(gaps):
            stop = start + length + width + period - 1
            if period <= width and stop - start >= max(least, turns * period):
                start, stop = clipped(start, stop, free)
                if stop - start >= max(least, turns * period):
                    runs.append(Run(start, stop, period))
                    free[start:stop] = False
        pairs = ranks[:-width] * np.int64(len(symbols) + 1) + ranks[width:]
        ranks, width = np.unique(pairs, return_inverse=True)[1], 2 * width
    return sorted(runs, key=lambda run: run.start)


def distances(ranks: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """For each position how far away the next one of equal rank is; 0 where there is none."""
    order = np.argsort(ranks, kind="stable")
    out = np.zeros(len(ranks), np.int64)
    same = ranks[order[1:]] == ranks[order[:-1]]
    out[order[:-1][same]] = (order[1:] - order[:-1])[same]
    return out


def stretches(gaps: np.ndarray[Any, Any]) -> list[tuple[int, int, int]]:
    """(start, length, value) of each stretch of equal, nonzero numbers."""
    edges = np.flatnonzero(np.diff(gaps)) + 1
    starts = np.concatenate([[0], edges])
    lengths = np.diff(np.concatenate([starts, [len(gaps)]]))
    at = np.flatnonzero(gaps[starts])
    return list(zip(starts[at].tolist(), lengths[at].tolist(), gaps[starts[at]].tolist(), strict=True))


def clipped(start: int, stop: int, free: np.ndarray[Any, Any]) -> tuple[int, int]:
    """The first free part of a stretch."""
    inside = free[start:stop]
    if inside.all():
        return start, stop
    begin = int(np.argmax(inside))
    taken = np.flatnonzero(~inside[begin:])
    return start + begin, start + begin + (
        int(taken[0]) if len(taken) else len(inside) - begin
    ) if inside.any() else start
