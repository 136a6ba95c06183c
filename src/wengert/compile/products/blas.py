"""Products by BLAS: one call of gemm, or a call for each panel of rows with a pass over it while it is in cache."""

from __future__ import annotations

from wengert.compile.emit import I8, I64, PTR, Emitter, Type, Value
from wengert.compile.products.job import Job, Space, sweep
from wengert.compile.products.matrix import Matrix, locate
from wengert.compile.products.pack import copy
from wengert.compile.products.plan import panel_rows, readable
from wengert.compile.products.symbols import blas_symbol, by_reference

__all__ = ["blas_product", "gemm"]


def gemm(
    e: Emitter, m: int | Value, n: int, k: int, a: Matrix, b: Matrix, c: Matrix, t: Type,
    *, alpha: float = 1.0, beta: float = 0.0,
) -> None:  # fmt: skip
    """``C = alpha A B + beta C``, C by rows (its column stride 1), A and B by rows or by columns.

    BLAS counts by columns: what it sees is C' = B' A'. ``m`` may be a Value.
    """
    routine = "sgemm" if t.bits == 32 else "dgemm"
    where, whole = blas_symbol(routine)
    name = f"blas_{routine}"
    e.external(name, where, None, *[PTR] * 13)

    def operand(x: Matrix, rows: int | Value, columns: int) -> tuple[Value, Value]:
        small = rows if isinstance(rows, int) else 1
        flipped = not ((x.column == 1 or columns == 1) and (x.row >= columns or rows == 1))
        leading = max(x.column, small, 1) if flipped else max(x.row, columns, 1)
        return by_reference(e, I8, "T" if flipped else "N"), by_reference(e, whole, leading)

    def count(number: int | Value) -> Value:
        if isinstance(number, int):
            return by_reference(e, whole, number)
        slot = e.alloca(whole)
        e.store(e.convert(number, whole), slot)
        return slot

    turn_a, lda = operand(a, m, k)
    turn_b, ldb = operand(b, k, n)
    ldc = by_reference(e, whole, max(c.row, n, 1))
    e.call(
        name, None, turn_b, turn_a, count(n), count(m), count(k), by_reference(e, t, alpha), b.base, ldb,
        a.base, lda, by_reference(e, t, beta), c.base, ldc,
    )  # fmt: skip


def blas_product(e: Emitter, job: Job, space: Space) -> None:
    """See :func:`wengert.compile.products.product`."""
    a, b, c = _readable(e, job, space)
    if job.finish is not None or c is None or c.column != 1:
        _by_panels(e, job, a, b, space)
        return
    begun = job.start is not None and sweep(e, job, None)
    gemm(e, job.m, job.n, job.k, a, b, c, job.t, alpha=job.alpha, beta=1.0 if begun else 0.0)


def _readable(e: Emitter, job: Job, space: Space) -> tuple[Matrix, Matrix, Matrix | None]:
    """Operands in strides that BLAS knows; others are copied."""
    a, b, t = job.a, job.b, job.t
    if not readable(a.strides, job.m, job.k):
        a = Matrix(space.take(job.m * job.k, t), job.k, 1)
        copy(e, job.m, job.k, job.a, a, t)
    if not readable(b.strides, job.k, job.n):
        b = Matrix(space.take(job.k * job.n, t), job.n, 1)
        copy(e, job.k, job.n, job.b, b, t)
    return a, b, job.c


def _by_panels(e: Emitter, job: Job, a: Matrix, b: Matrix, space: Space) -> None:
    """So many rows at a time into the workspace, finished from there while they are in cache."""
    height = min(job.m, panel_rows(job.n, job.t))
    panel = Matrix(space.take(height * job.n, job.t), job.n, 1)

    def one(low: Value) -> None:
        left = e.const(I64, job.m) - low
        rows = e.select(left < height, left, e.const(I64, height)) if job.m % height else height
        gemm(e, rows, job.n, job.k, Matrix(locate(e, a, low, 0, job.t), *a.strides), b, panel, job.t)
        high = low + rows
        sweep(e, job, lambda i, j, lanes, mask: e.load(
            locate(e, panel, i - low, j, job.t), job.t.wide(lanes), mask=mask), (low, high))  # fmt: skip

    e.loop(job.m, one, step=height)
