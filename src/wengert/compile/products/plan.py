"""How a product is computed: which form, which register tile, how much memory beside its operands.

Everything here is decided from shapes, strides and the machine; nothing is emitted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, final

from wengert.compile.emit import Type
from wengert.compile.target import Target, host

__all__ = [
    "Cost", "Method", "Panel", "Plan", "cost", "dot_block", "flips_in_place", "method", "panel_rows", "panels", "plan",
    "readable", "room", "row_block", "straight_plan", "turned_stride", "workspace_bytes",
]  # fmt: skip

Strides = tuple[int, int]
Machine = tuple[int, bool, int]  # lanes of a vector, whether they can be masked, registers
Method = Literal["kernel", "blas"]
PANEL = 1 << 23  # bytes of a result that one call of BLAS makes: in less, it arranges its operands again and again
NEAR = 512  # vectors that the first-level cache holds
PACK = 5 << 19  # bytes of a B that is packed even where it lies in rows
APART = 1 << 10  # bytes between the columns of a large A, from which on it is copied to lie by rows
LARGE = 1 << 19  # bytes of such an A
KERNEL = 8 << 20  # bytes of all operands up to which kernels outrun BLAS
THIN = 8  # rows or columns of a product that is bound by memory, whoever computes it
CODE = 2500  # lines of code that weigh as much as twice the time
LONG = 1 << 23  # multiplications of a product for which more code is worth writing


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
    its rows; ``blas``. ``height`` is the number of rows of a tile. ``turn`` and ``pack``: A, and B panel by panel,
    go through the workspace.
    """

    form: Literal["rows", "dots", "columns", "blas"]
    height: int
    panels: tuple[Panel, ...]
    turn: bool
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
    """N columns cut into groups of ``vectors`` vectors of ``wide`` lanes; the ragged end masked, or narrower."""
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
    vectors = panel.vectors
    busy = vectors if panel.lanes == wide else 0.6 * vectors
    most = max(height * busy, 0.5 * height + busy)
    return most + 0.06 * (height + vectors) + 0.4


def _tile_cycles(height: int, panel: Panel, k: int, wide: int) -> float:
    return k * _step(height, panel, wide) + 3.0 * height * panel.vectors + 12


@lru_cache(maxsize=1024)
def _tile(m: int, n: int, k: int, machine: Machine, parts: int) -> tuple[int, tuple[Panel, ...], float]:
    """Height and columns of the tiles whose estimated time is least, small code preferred."""
    wide, masks, registers = machine
    far = n * k > NEAR * wide
    best: tuple[float, int, tuple[Panel, ...], float] | None = None
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
                cycles += p.count * blocks * _tile_cycles(height, p, k, wide)
                code += (4 * p.vectors + 3) * height + 20
                if rest:
                    cycles += p.count * _tile_cycles(rest, p, k, wide)
                    code += (4 * p.vectors + 3) * rest + 20
            if far:  # narrow panels of rows that lie far apart come slowly from the second-level cache
                cycles *= (1 + 0.06 * (4 - widest)) * (1 + 0.3 / height)
            score = cycles * (1 + code / (CODE if m * n * k < LONG else 3 * CODE))
            if best is None or score < best[0]:
                best = score, height, cut, cycles
    assert best is not None
    return best[1:]


def row_block(m: int, n: int, k: int, t: Type, target: Target | None = None, parts: int = 2) -> int:
    """Ranges of rows begin at multiples of this number. ``parts``: how many threads share the rows."""
    if not (m and n):
        return 1
    target = target or host()
    return _tile(m, n, k, _machine(target, t), parts)[0]


def room(elements: int, t: Type) -> int:
    """Bytes of workspace that so many elements take."""
    return -(-elements * t.size // 64) * 64


def dot_block(m: int, n: int, wide: int, registers: int) -> tuple[int, int]:
    """Rows and columns of a block of dot products."""
    limit = 12 if registers >= 32 else 8
    group = min(n, wide, 8 if registers >= 32 else 4)
    return max(1, min(m, 4, limit // group)), group


def flips_in_place(c: Strides | None, fused: bool) -> bool:
    """Whether a transposed product can be written where C lies."""
    return c is not None and c[0] == 1 and not fused


def panel_rows(n: int, t: Type) -> int:
    """Rows that BLAS computes before they are finished: half of a second-level cache."""
    return max(8, PANEL // (n * t.size) // 8 * 8)


def _rows_plan(
    machine: Machine, m: int, n: int, k: int, a: Strides, b: Strides, t: Type, parts: int
) -> tuple[float, Plan]:
    height, cut, cycles = _tile(m, n, k, machine, parts)
    turn = a[1] * t.size >= APART and m * k * t.size >= LARGE and n >= 4 * machine[0] and m > 1
    space = room(m * turned_stride(k, t), t) if turn else 0
    cycles += m * k * (6.0 / machine[0] + 0.2) if turn else 0
    pack = (b[1] != 1 and n > 1) or (k * n * t.size > PACK and m >= 32)
    if pack:
        cycles += n * k * (3.0 / machine[0] if b[1] == 1 else 6.0 / machine[0] + 0.2 if b[0] == 1 else 2.0)
        space += room(k * max(p.width for p in cut), t)
    return cycles, Plan("rows", height, cut, turn, pack, space)


def turned_stride(k: int, t: Type) -> int:
    """The distance of rows of a copy of A: a cache line more than they hold, lest they share a place in the cache."""
    return k + 64 // t.size


def _dots_plan(machine: Machine, m: int, n: int, k: int, a: Strides, b: Strides, t: Type) -> tuple[float, Plan]:
    wide, _, registers = machine
    height, group = dot_block(m, n, wide, registers)
    steps = -(-k // wide)

    def block(rows: int, columns: int) -> float:
        if not columns:
            return 0.0
        return steps * max(rows * columns, rows + columns) + 2 * rows * columns + 6

    across = [n // group * block(rows, group) + block(rows, n % group) for rows in (height, 1)]
    cycles = m // height * across[0] + m % height * across[1]
    if n * k > NEAR * wide:  # each block of rows reads all of B
        cycles *= 1 + 1 / height
    space = 0
    for x, count, contiguous in ((a, m, a[1] == 1), (b, n, b[0] == 1)):
        if not contiguous:
            cycles += 80 + (6.0 / wide + 0.2 if 1 in x and count > 1 else 1.5) * count * k
            space += room(count * k, t)
    return cycles, Plan("dots", height, (), False, False, space)


def _straight(machine: Machine, m: int, n: int, k: int, a: Strides, b: Strides, t: Type) -> tuple[float, Plan]:
    found = _rows_plan(machine, m, n, k, a, b, t, 1), _dots_plan(machine, m, n, k, a, b, t)
    return min(found, key=lambda pair: pair[0])


def straight_plan(target: Target, m: int, n: int, k: int, a: Strides, b: Strides, t: Type) -> Plan:
    """The better of the forms ``rows`` and ``dots``."""
    return _straight(_machine(target, t), m, n, k, a, b, t)[1]


def _machine(target: Target, t: Type) -> Machine:
    return target.lanes(t.size), target.masks, target.registers


@lru_cache(maxsize=1024)
def plan(
    target: Target, m: int, n: int, k: int, a: Strides, b: Strides, c: Strides | None, t: Type,
    *, fused: bool = False, ranged: bool = False, parts: int = 2, by: Method | None = None, whole: int | None = None,
) -> Plan:  # fmt: skip
    """The form of a product of these strides; ``ranged``: it is computed a range of rows at a time.

    ``whole``: it is a part of a product of so many rows, and has its form, so that sums are taken in the same order.
    """
    form = None
    if whole is not None and whole != m:
        form = plan(target, whole, n, k, a, b, c, t, fused=fused, by=by).form
        if form == "columns":  # whose sums are those of the form that the transposed product has
            form = _straight(_machine(target, t), n, whole, k, (b[1], b[0]), (a[1], a[0]), t)[1].form
    free = not ranged and t.is_float and target.blas and form in (None, "blas")
    if free and (form or by or method(m, n, k, t)) == "blas":
        return Plan("blas", 1, (), False, False, _blas_room(m, n, k, a, b, c, t, fused))
    machine = _machine(target, t)
    found = [_rows_plan(machine, m, n, k, a, b, t, parts if ranged else 1), _dots_plan(machine, m, n, k, a, b, t)]
    if not ranged:
        cycles, inner = _straight(machine, n, m, k, (b[1], b[0]), (a[1], a[0]), t)
        direct = flips_in_place(c, fused)
        buffers = 0 if direct else 1 if not fused or n == 1 else 2
        cycles += 50 + buffers * m * n * (4.0 / machine[0] + 0.2) + (8.0 * m if fused else 0)
        found.append((cycles, Plan("columns", 1, (), False, False, inner.workspace + buffers * room(m * n, t))))
    if c is not None and c[1] != 1 and n > 1:
        found[0] = (found[0][0] + 2.0 * m * n, found[0][1])
    found = [f for f in found if f[1].form == form] or found
    return min(found, key=lambda pair: pair[0])[1]


def _blas_room(
    m: int, n: int, k: int, a: Strides, b: Strides, c: Strides | None, t: Type, fused: bool
) -> int:  # fmt: skip
    space = sum(
        room(rows * columns, t)
        for x, rows, columns in ((a, m, k), (b, k, n))
        if not readable(x, rows, columns)
    )  # fmt: skip
    return space if c is not None and c[1] == 1 and not fused else space + room(min(m, panel_rows(n, t)) * n, t)


def readable(x: Strides, rows: int, columns: int) -> bool:
    """Whether BLAS can read a matrix where it lies: by rows or by columns, each as long as it says."""
    by_rows = (x[1] == 1 or columns == 1) and (x[0] >= columns or rows == 1)
    return by_rows or ((x[0] == 1 or rows == 1) and (x[1] >= rows or columns == 1))


def workspace_bytes(
    m: int, n: int, k: int, a_strides: Strides, b_strides: Strides, c_strides: Strides | None, t: Type,
    *, target: Target | None = None, ranged: bool = False, parts: int = 2, by: Method | None = None,
    whole: int | None = None,
) -> int:  # fmt: skip
    """How much memory, aligned to 64 bytes, a product needs beside its operands (each thread its own)."""
    if not (m and n and k):
        return 0
    target = target or host()
    return max(
        plan(target, m, n, k, a_strides, b_strides, c_strides, t,
             fused=fused, ranged=ranged, parts=parts, by=by, whole=whole).workspace
        for fused in (False, True)
    )  # fmt: skip


def method(m: int, n: int, k: int, t: Type, threads: int = 1) -> Method:
    """By kernels of our own, which ``threads`` share by rows, or by one call of BLAS, which has threads of its own.

    Kernels were measured to be the faster until operands outgrow the second-level cache several times; with more
    threads, each of which has such a cache, a little longer.
    """
    size = (m * k + k * n + m * n) * t.size
    return "kernel" if min(m, n) <= THIN or size <= KERNEL * (1 + 0.5 * (threads > 1)) else "blas"


def cost(m: int, n: int, k: int, t: Type | None = None, threads: int = 1) -> Cost:
    """Method, floating-point operations and estimated cycles of a product whose operands lie by rows."""
    t = t or Type("f32")
    found, flops = method(m, n, k, t, threads), 2 * m * n * k
    if not flops or found == "blas":
        return Cost(found, flops, 0.6 * flops / host().lanes(t.size))
    return Cost(found, flops, _straight(_machine(host(), t), m, n, k, (k, 1), (n, 1), t)[0])
