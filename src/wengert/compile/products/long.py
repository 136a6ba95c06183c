"""Long sums: products whose inner dimension is so long that what they read leaves the cache between two tiles."""

from __future__ import annotations

from wengert.compile.emit import I64, Emitter, Type, Value
from wengert.compile.products.matrix import Finish, Matrix
from wengert.compile.products.plan import method, room, workspace_bytes
from wengert.compile.products.product import product
from wengert.compile.target import Target

__all__ = ["is_long", "long_product", "long_workspace_bytes"]

PIECE = 256  # of the inner dimension
CACHE = 1 << 20  # bytes of operands from which pieces pay


def is_long(m: int, n: int, k: int, t: Type) -> bool:
    """Whether a product is computed in pieces of its inner dimension."""
    return k >= 4 * PIECE and (m + n) * k * t.size > CACHE and method(m, n, k, t) == "kernel"


def long_workspace_bytes(
    m: int, n: int, k: int, a: tuple[int, int], b: tuple[int, int], c: tuple[int, int] | None, t: Type,
    *, whole: int | None = None, target: Target | None = None,
) -> int:  # fmt: skip
    """How much memory a long product needs beside its operands."""
    sizes = {PIECE, PIECE + k % PIECE}
    inner = max(workspace_bytes(m, n, size, a, b, (n, 1), t, whole=whole, target=target) for size in sizes)
    return inner + (0 if c else room(m * n, t))


def long_product(
    e: Emitter, m: int, n: int, k: int, a: Matrix, b: Matrix, c: Matrix | None, t: Type,
    *, finish: Finish | None, workspace: Value | None, whole: int | None = None,
) -> None:  # fmt: skip
    """The product in pieces that stay in the cache, each added to the last; ``finish`` gets what the last one gives."""
    if c is None:
        assert workspace is not None
        c, workspace = Matrix(workspace, n, 1), e.offset(workspace, room(m * n, t) // t.size, t)
    kept = c

    def before(i: Value, j: Value, lanes: int, mask: Value | None) -> Value:
        at = i * e.const(I64, kept.row) + j
        return e.load(kept.base, t.wide(lanes) if lanes else t, at, mask)

    def piece(number: Value | int, size: int, *, first: bool = False, last: bool = False) -> None:
        start = number * PIECE if isinstance(number, int) else number * e.const(I64, PIECE)

        def moved(x: Matrix, stride: int) -> Matrix:
            at = start * stride if isinstance(start, int) else start * e.const(I64, stride)
            return Matrix(e.offset(x.base, at, t), x.row, x.column)

        product(
            e, m, n, size, moved(a, a.column), moved(b, b.row), kept, t,
            start=None if first else before, finish=finish if last else None, workspace=workspace,
            whole=whole,
        )  # fmt: skip

    pieces = k // PIECE
    piece(0, PIECE, first=True)
    e.loop(pieces - 1, lambda p: piece(p, PIECE), start=1)
    piece(pieces - 1, PIECE + k % PIECE, last=True)
