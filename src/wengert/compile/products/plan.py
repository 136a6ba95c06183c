"""How a product is computed: which form, which register tile, how much memory beside its operands.

Everything here is decided from shapes, strides and the machine; nothing is emitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, final

from wengert.compile.emit import Type
from wengert.compile.target import Target, host

__all__ = ["Cost", "Panel", "Plan", "cost", "method", "panels", "plan", "row_block", "workspace_bytes"]

Strides = tuple[int, int]
Method = Literal["kernel", "blas"]


@final
@dataclass(frozen=True)
class Panel:
    """``count`` equal groups of columns from ``first`` on: ``vectors`` vectors of ``lanes``, ``last`` live in the last.

    ``lanes`` is 0 where a vector is one number.
    """

    first: int
    count: int
    vectors: int
    lanes: int
    last: int

    @property
    def width(self) -> int:
        """Columns that its registers hold."""
        return self.vectors * max(self.lanes, 1)

    @property
    def live(self) -> int:
        """Columns that it computes."""
        return self.width - max(self.lanes, 1) + self.last


@final
@dataclass(frozen=True)
class Plan:
    """A product's form.

    ``rows``: lanes along the rows of C; ``dots``: lanes along k; ``columns``: C's transpose is computed, lanes along
    its rows; ``blas``. ``height`` is the number of rows of a tile; ``pack``: B goes through the workspace.
    """

    form: Literal["rows", "dots", "columns", "blas"]
    height: int
    panels: tuple[Panel, ...]
    pack: bool
    workspace: int  # bytes


@final
@dataclass(frozen=True)
class Cost:
    """What a planner wants to know of a product."""

    method: Method
    flops: int
    cycles: float  # of one core, estimated; BLAS included


def _power(n: int) -> int:
    """The smallest power of two that is not below n."""
    return 1 << (n - 1).bit_length()


def _lanes(n: int) -> int:
    return 0 if n == 1 else _power(n)


def panels(n: int, vectors: int, wide: int, masks: bool) -> tuple[Panel, ...]:
    """N columns cut into groups of ``vectors`` vectors of ``wide`` lanes; the ragged end masked, or in narrower vectors."""
    full, rest = divmod(n, wide)
    made: list[Panel] = []
    first = 0

    def add(count: int, vectors: int, lanes: int, last: int) -> None:
        nonlocal first
        if count and vectors:
            made.append(Panel(first, count, vectors, lanes, last))
            first += count * made[-1].width

    if masks and rest:
        count, left = divmod(full, vectors)  # the ragged vector joins those that are left over
        add(count, vectors, wide, wide)
        add(1, left + 1, wide if left else _lanes(rest), rest)
        return tuple(made)
    add(full // vectors, vectors, wide, wide)
    add(1, full % vectors, wide, wide)
    lanes = wide
    while rest:
        lanes //= 2
        if rest >= lanes:
            add(1, 1, lanes if lanes > 1 else 0, max(lanes, 1))
            rest -= lanes
    return tuple(made)


def _step(height: int, panel: Panel, wide: int) -> float:
    """Cycles of one step of k in a tile: multiplications or loads, whichever take longer."""
    each = 1.0 if panel.lanes == wide else 0.6
    return max(height * panel.vectors * each, 0.5 * height + panel.vectors * each)


def _tile_cycles(height: int, panel: Panel, k: int, wide: int) -> float:
    if not height:
        return 0.0
    return k * _step(height, panel, wide) + 3.0 * height * panel.vectors + 12


@lru_cache(maxsize=1024)
def _tile(m: int, n: int, k: int, wide: int, masks: bool, registers: int, parts: int) -> tuple[int, tuple[Panel, ...]]:
    """Height and columns of the tiles whose estimated time is least, small code preferred."""
    best: tuple[float, int, tuple[Panel, ...]] | None = None
    for vectors in range(1, 5):
        cut = panels(n, vectors, wide, masks)
        widest = max(p.vectors for p in cut)
        for height in range(1, min(16, m) + 1):
            if height * widest + widest + 1 > registers:
                break
            blocks, rest = divmod(m, height)
            blocks = -(-blocks // parts)
            cycles = code = 0.0
            for p in cut:
                cycles += p.count * (blocks * _tile_cycles(height, p, k, wide) + _tile_cycles(rest, p, k, wide))
                code += sum(2 * h * p.vectors + h + p.vectors for h in (height * bool(blocks), rest))
            score = cycles * (1 + code / 4000)
            if best is None or score < best[0]:
                best = score, height, cut
    assert best is not None
    return best[1], best[2]


def row_block(m: int, n: int, k: int, t: Type, target: Target | None = None, parts: int = 2) -> int:
    """Ranges of rows begin at multiples of this number. ``parts``: how many threads share the rows."""
    if not (m and n):
        return 1
    target = target or host()
    return _tile(m, n, k, target.lanes(t.size), target.masks, target.registers, parts)[0]


@lru_cache(maxsize=1024)
def plan(
    target: Target, m: int, n: int, k: int, a: Strides, b: Strides, c: Strides | None, t: Type, ranged: bool, parts: int
) -> Plan:
    """The form of a product of these strides; ``ranged``: it is computed a range of rows at a time."""
    wide = target.lanes(t.size)
    height, cut = _tile(m, n, k, wide, target.masks, target.registers, parts if ranged else 1)
    pack = b[1] != 1
    room = k * max(p.width for p in cut) * t.size if pack else 0
    return Plan("rows", height, cut, pack, room)


def workspace_bytes(
    m: int, n: int, k: int, a_strides: Strides, b_strides: Strides, c_strides: Strides | None, t: Type,
    *, target: Target | None = None, ranged: bool = False, parts: int = 2,
) -> int:  # fmt: skip
    """How much memory, aligned to 64 bytes, a product needs beside its operands (each thread its own)."""
    if not (m and n and k):
        return 0
    return plan(target or host(), m, n, k, a_strides, b_strides, c_strides, t, ranged, parts).workspace


def method(m: int, n: int, k: int, t: Type, threads: int = 1) -> Method:
    """Whether a product is computed by kernels of our own, which threads can share by rows, or by one call of BLAS."""
    return "kernel"


def cost(m: int, n: int, k: int, t: Type | None = None, threads: int = 1) -> Cost:
    """Method, floating-point operations and estimated cycles of a product."""
    t = t or Type("f32")
    cycles = m * n * k / host().lanes(t.size) + 20.0
    return Cost(method(m, n, k, t, threads), 2 * m * n * k, cycles)
