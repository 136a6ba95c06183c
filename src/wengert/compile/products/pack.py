"""Rearranging matrices: transposes by register blocks, and panels of columns laid out in the order of their use."""

from __future__ import annotations

from wengert.compile.emit import I64, PTR, Emitter, Type, Value
from wengert.compile.products.matrix import Matrix, literal, locate

__all__ = ["copy", "transpose"]

LANE = 16  # bytes within which the machine's shuffles are quick


def transpose(
    e: Emitter, rows: int, columns: int, source: Matrix, dest: Matrix, t: Type,
    *, span: tuple[Value, Value] | None = None,
) -> None:  # fmt: skip
    """``dest[j, i] = source[i, j]`` for i < rows, j < columns; they must not overlap.

    Square blocks are turned in registers; at ragged ends a block overlaps the one before. ``span``: only these
    rows of the source, for threads that share the work (neighbouring spans may both write what lies between them).
    """
    copy(e, rows, columns, source, dest.transposed, t, span=span)


def copy(
    e: Emitter, rows: int, columns: int, source: Matrix, dest: Matrix, t: Type,
    *, span: tuple[Value, Value] | None = None,
) -> None:  # fmt: skip
    """``dest[i, j] = source[i, j]`` in any strides; see :func:`transpose`, which this is where orders differ."""
    low, high = span or (0, rows)
    if not (rows and columns):
        return
    if (source.column == 1 or columns == 1) and (dest.row == 1 or rows == 1) and min(rows, columns) > 1:
        _turn(e, rows, columns, source, dest, t, (low, high), (0, columns))
    elif source.row == 1 and dest.row == 1 and span is None:
        _lines(e, rows, source.transposed, dest.transposed, t, 0, columns)
    elif source.row == 1 and dest.column == 1 and min(rows, columns) > 1:
        _turn(e, columns, rows, source.transposed, dest.transposed, t, (0, columns), (low, high))
    else:
        _lines(e, columns, source, dest, t, low, high)


def _lines(
    e: Emitter, columns: int, source: Matrix, dest: Matrix, t: Type, low: Value | int, high: Value | int
) -> None:
    """Row by row: by vectors where both are contiguous, else one number at a time."""
    lanes = 0
    if source.column == 1 and dest.column == 1:
        lanes = min(e.target.lanes(t.size), 1 << (columns.bit_length() - 1))
        lanes = 0 if lanes < 2 else lanes

    def move(i: Value, j: Value) -> None:
        e.store(e.load(locate(e, source, i, j, t), t.wide(lanes)), locate(e, dest, i, j, t))

    def line(i: Value) -> None:
        width = max(lanes, 1)
        full = columns - columns % width
        e.loop(full, lambda j: move(i, j), step=width)
        if full < columns:
            move(i, e.const(I64, columns - width))

    e.loop(high, line, start=low)


def _turn(
    e: Emitter, rows: int, columns: int, source: Matrix, dest: Matrix, t: Type,
    down: tuple[Value | int, Value | int], across: tuple[Value | int, Value | int],
) -> None:  # fmt: skip
    """By square blocks of as many lanes as fit; the last block of each direction is moved back to fit."""
    lanes = min(e.target.lanes(t.size), 1 << (min(rows, columns).bit_length() - 1))

    def fitted(at: Value, low: Value | int, end: int) -> Value:
        known, limit = literal(at), end - lanes
        if known is not None:
            return e.const(I64, min(known, limit))
        return at if end % lanes == 0 and low == 0 else e.select(at < limit, at, e.const(I64, limit))

    square = _square(e, lanes, t)

    def block(i: Value, j: Value) -> None:
        distances = e.const(I64, source.row), e.const(I64, dest.column)
        e.call(square, None, locate(e, source, i, j, t), distances[0], locate(e, dest, i, j, t), distances[1])

    def strip(at: Value) -> None:
        i = fitted(at, down[0], rows)
        e.loop(across[1], lambda j: block(i, fitted(j, across[0], columns)), start=across[0], step=lanes)

    e.loop(down[1], strip, start=down[0], step=lanes)


def _square(e: Emitter, lanes: int, t: Type) -> str:
    """The function of this module that transposes a square, given both addresses and the distances of rows."""
    name = f'"transpose {t.element} {lanes}"'
    if name not in e.defined:
        with e.function(name, [PTR, I64, PTR, I64], export=False) as (source, far, dest, apart):
            vectors: list[Value] = []
            for _ in range(lanes):
                vectors.append(e.load(source, t.wide(lanes)))
                source = e.offset(source, far, t)
            for vector in _turned(e, vectors):
                e.store(vector, dest)
                dest = e.offset(dest, apart, t)
    return name


def _turned(e: Emitter, vectors: list[Value]) -> list[Value]:
    """A square of vectors transposed: blocks within the machine's lanes of 16 bytes, then the blocks.

    Both by shuffles that are one instruction each: a transpose is log2 n perfect shuffles of its rows (H. S. Stone,
    "Parallel processing with the perfect shuffle", IEEE Trans. Computers C-20, 1971), or as many backwards.
    """
    n = len(vectors)
    block = min(n, max(LANE // vectors[0].type.size, 1))
    low = [k + own * n for at in range(0, n, block) for k in range(at, at + block // 2) for own in (0, 1)]
    high = [k + block // 2 for k in low]
    even = [k + part for k in range(0, 2 * n, 2 * block) for part in range(block)]
    odd = [k + block for k in even]

    def within(rows: list[Value]) -> list[Value]:
        half = block // 2
        for _ in range(half.bit_length()):
            pairs = zip(rows[:half], rows[half:], strict=True)
            rows = [e.shuffle(a, b, lanes) for a, b in pairs for lanes in (low, high)]
        return rows

    def between(rows: list[Value]) -> list[Value]:
        for _ in range(len(rows).bit_length() - 1):
            rows = [e.shuffle(a, b, lanes) for lanes in (even, odd) for a, b in zip(rows[::2], rows[1::2], strict=True)]
        return rows

    turned = [within(vectors[g : g + block]) for g in range(0, n, block)]
    columns = [between([rows[r] for rows in turned]) for r in range(block)]
    return [columns[c % block][c // block] for c in range(n)]
