"""Factorisations of matrices by LAPACK, through the pointers that SciPy exports: one matrix of a stack at a time.

LAPACK counts by columns. Where a routine can be told to work on the transposed matrix, results are made where they
will lie; the others go through the workspace. NumPy calls the same routines, so results follow its conventions of
order and sign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from wengert.compile.emit import I64, PTR, Emitter, Type, Value
from wengert.compile.products.job import Space
from wengert.compile.products.matrix import Matrix, locate
from wengert.compile.products.pack import copy
from wengert.compile.products.plan import room
from wengert.compile.products.symbols import blas_symbol, by_reference, lapack_symbol
from wengert.compile.scalars import LOWER

__all__ = ["FACTORISATIONS", "each", "factorise", "factorise_bytes"]

BLOCK = 64  # columns that LAPACK's blocked routines take at a time, at most


@final
@dataclass(frozen=True)
class Call:
    """One matrix: its rows and columns, the columns of the right-hand side, operands, results, parameters, memory."""

    e: Emitter
    t: Type
    m: int
    n: int
    k: int
    operands: Sequence[Matrix]
    results: Sequence[Matrix]
    params: Mapping[str, Any]
    space: Space

    @property
    def a(self) -> Matrix:
        """The matrix."""
        return self.operands[0]

    def columns(self, source: Matrix | None, m: int, n: int) -> Value:
        """A matrix of the workspace that lies by columns, filled from ``source``."""
        base = self.space.take(m * n, self.t)
        if source is not None:
            copy(self.e, m, n, source, Matrix(base, 1, m), self.t)
        return base

    def give(self, base: Value, m: int, n: int, result: int) -> None:
        """Copy a matrix that lies by columns to where a result is wanted."""
        copy(self.e, m, n, Matrix(base, 1, m), self.results[result], self.t)

    def lapack(self, routine: str, *arguments: Value | int | str) -> Value:
        """Call a routine; integers and letters go by reference, ``info`` comes last and is what is returned."""
        e, name = self.e, ("s" if self.t.bits == 32 else "d") + routine
        where, whole = lapack_symbol(name)
        e.external(f"lapack_{name}", where, None, *[PTR] * (len(arguments) + 1))
        info = e.alloca(whole)
        e.store(e.const(whole, 0), info)
        e.call(f"lapack_{name}", None, *[self._reference(x, whole) for x in arguments], info)
        return e.convert(e.load(info, whole), I64)

    def _reference(self, x: Value | int | str, whole: Type) -> Value:
        return x if isinstance(x, Value) else by_reference(self.e, whole, x)


def each(e: Emitter, count: int | Value, body: Callable[[Value], Value]) -> Value:
    """``body(index)`` for each matrix of a stack; the first report that is not zero."""
    none = e.const(I64, 0)
    return e.loop(count, lambda at, first: [_first(e, first, body(at))], [none])[0]


def _first(e: Emitter, one: Value, other: Value) -> Value:
    return e.select(one.differs(0), one, other)


# ---- triangles


def _clear(c: Call, x: Matrix, n: int, *, upper: bool) -> None:
    """Zeros beside the triangle."""

    def row(i: Value) -> None:
        low, high = (e.const(I64, 0), i) if upper else (i + 1, e.const(I64, n))
        e.loop(high, lambda j: e.store(e.const(c.t, 0), locate(e, x, i, j, c.t)), start=low)

    e = c.e
    e.loop(n, row)


def _cholesky(c: Call) -> Value:
    out, upper = c.results[0], bool(c.params.get("upper"))
    copy(c.e, c.n, c.n, c.a, out, c.t)
    info = c.lapack("potrf", "L" if upper else "U", c.n, out.base, max(out.row, 1))  # what lies by rows is A'
    _clear(c, out, c.n, upper=upper)
    return info


def _solve_triangular(c: Call) -> Value:
    # X' T' = B' by columns is T X = B by rows
    e, t, out = c.e, c.t, c.results[0]
    lower, unit = bool(c.params["lower"]), bool(c.params["unit"])
    copy(e, c.n, c.k, c.operands[1], out, t)
    triangle = c.a
    if triangle.column != 1:
        triangle = Matrix(c.space.take(c.n * c.n, t), c.n, 1)
        copy(e, c.n, c.n, c.a, triangle, t)
    name = "strsm" if t.bits == 32 else "dtrsm"
    where, whole = blas_symbol(name)
    e.external(f"blas_{name}", where, None, *[PTR] * 11)
    words = [by_reference(e, whole, x) for x in ("R", "U" if lower else "L", "N", "U" if unit else "N", c.k, c.n)]
    steps = [by_reference(e, whole, max(x, 1)) for x in (triangle.row, out.row)]
    e.call(f"blas_{name}", None, *words, by_reference(e, t, 1.0), triangle.base, steps[0], out.base, steps[1])
    if unit:
        return e.const(I64, 0)

    def check(i: Value) -> Value:
        pivot = e.load(locate(e, triangle, i, i, t), t)
        return e.select(pivot.equals(0.0), i + 1, e.const(I64, 0))

    return each(e, c.n, check)


# ---- A X = B, the inverse, the determinant


def _solve(c: Call) -> Value:
    a, b = c.columns(c.a, c.n, c.n), c.columns(c.operands[1], c.n, c.k)
    info = c.lapack("gesv", c.n, c.k, a, c.n, c.space.take(c.n, I64), b, c.n)
    c.give(b, c.n, c.k, 0)
    return info


def _inv(c: Call) -> Value:
    e, n, out = c.e, c.n, c.results[0]
    a = c.columns(c.a, n, n)
    unity = Matrix(c.columns(None, n, n), 1, n)
    e.loop(n, lambda i: e.loop(n, lambda j: e.store(
        e.convert(i.equals(j), c.t), locate(e, unity, i, j, c.t))))  # fmt: skip
    info = c.lapack("gesv", n, n, a, n, c.space.take(n, I64), unity.base, n)
    copy(e, n, n, unity, out, c.t)
    return info


def _det(c: Call) -> Value:
    # a zero pivot is an answer, not an error
    e, n, t = c.e, c.n, c.t
    a, pivots = Matrix(c.columns(c.a, n, n), 1, n), c.space.take(n, I64)
    c.lapack("getrf", n, n, a.base, n, pivots)
    whole = lapack_symbol("dgetrf")[1]

    def factor(i: Value, product: Value) -> list[Value]:
        product = product * e.load(locate(e, a, i, i, t), t)
        stays = e.load(pivots, whole, i).equals(e.convert(i + 1, whole))
        return [e.select(stays, product, -product)]

    e.store(e.loop(n, factor, [e.const(t, 1)])[0], c.results[0].base)
    return e.const(I64, 0)


def _slogdet(c: Call) -> Value:
    e, n, t = c.e, c.n, c.t
    a, pivots = Matrix(c.columns(c.a, n, n), 1, n), c.space.take(n, I64)
    c.lapack("getrf", n, n, a.base, n, pivots)
    whole, dtype = lapack_symbol("dgetrf")[1], np.dtype(np.float32 if t.bits == 32 else np.float64)

    def factor(i: Value, sign: Value, total: Value) -> list[Value]:
        x = e.load(locate(e, a, i, i, t), t)
        stays = e.load(pivots, whole, i).equals(e.convert(i + 1, whole))
        sign = e.select(stays, sign, -sign)
        sign = e.select(x < 0.0, -sign, e.select(x.equals(0.0), e.const(t, 0), sign))
        return [sign, total + LOWER["log"](e, [e.fabs(x)], dtype, {})]

    sign, total = e.loop(n, factor, [e.const(t, 1), e.const(t, 0)])
    e.store(e.select(sign.equals(0.0), e.const(t, 0), sign), c.results[0].base)
    e.store(total, c.results[1].base)
    return e.const(I64, 0)


# ---- orthogonal factors


def _eigen(c: Call, job: str) -> tuple[Value, Value]:
    n, t = c.n, c.t
    a = c.columns(c.a, n, n)
    work, whole = 1 + 6 * n + 2 * n * n, 3 + 5 * n
    memory, integers = c.space.take(work, t), c.space.take(whole, I64)
    values = c.space.take(n, t)
    side = "L" if c.params["lower"] else "U"
    info = c.lapack("syevd", job, side, n, a, n, values, memory, work, integers, whole)
    copy(c.e, n, 1, Matrix(values, 1, n), c.results[0], t)
    return info, a


def _eigh(c: Call) -> Value:
    info, vectors = _eigen(c, "V")
    c.give(vectors, c.n, c.n, 1)
    return info


def _eigvalsh(c: Call) -> Value:
    return _eigen(c, "N")[0]


def _qr(c: Call) -> Value:
    e, m, n, t = c.e, c.m, c.n, c.t
    a, tau, work = c.columns(c.a, m, n), c.space.take(n, t), n * BLOCK
    memory = c.space.take(work, t)
    first = c.lapack("geqrf", m, n, a, m, tau, memory, work)
    copy(e, n, n, Matrix(a, 1, m), c.results[1], t)
    _clear(c, c.results[1], n, upper=True)
    second = c.lapack("orgqr", m, n, n, a, m, tau, memory, work)
    c.give(a, m, n, 0)
    return _first(e, first, second)


def _singular(c: Call, job: str) -> tuple[Value, Value, Value, Value]:
    m, n, t, k = c.m, c.n, c.t, min(c.m, c.n)
    a, values, work = c.columns(c.a, m, n), c.space.take(k, t), _svd_work(m, n)
    left, right = c.columns(None, m, k), c.columns(None, k, n)
    memory, integers = c.space.take(work, t), c.space.take(8 * k, I64)
    info = c.lapack("gesdd", job, m, n, a, m, values, left, m, right, k, memory, work, integers)
    return info, left, values, right


def _svd_work(m: int, n: int) -> int:
    low, high = min(m, n), max(m, n)
    return 4 * low * low + 7 * low + high * BLOCK + max(high, 4 * low * low + 4 * low)


def _svd(c: Call) -> Value:
    k = min(c.m, c.n)
    info, left, values, right = _singular(c, "S")
    c.give(left, c.m, k, 0)
    copy(c.e, k, 1, Matrix(values, 1, k), c.results[1], c.t)
    c.give(right, k, c.n, 2)
    return info


def _svdvals(c: Call) -> Value:
    k = min(c.m, c.n)
    info, _, values, _ = _singular(c, "N")
    copy(c.e, k, 1, Matrix(values, 1, k), c.results[0], c.t)
    return info


def _eigen_room(n: int, t: Type) -> list[int]:
    return [room(n * n, t), room(1 + 6 * n + 2 * n * n, t), room(3 + 5 * n, I64), room(n, t)]


def _svd_room(m: int, n: int, t: Type) -> list[int]:
    k = min(m, n)
    return [room(x, t) for x in (m * n, k, _svd_work(m, n), m * k, k * n)] + [room(8 * k, I64)]


# record -> (how it is emitted, the pieces of workspace that it takes for m rows, n columns, k right-hand sides)
FACTORISATIONS: dict[str, tuple[Callable[[Call], Value], Callable[[int, int, int, Type], list[int]]]] = {
    "cholesky": (_cholesky, lambda *_: []),
    "solve_triangular": (_solve_triangular, lambda _m, n, _k, t: [room(n * n, t)]),
    "solve": (_solve, lambda _m, n, k, t: [room(n * n, t), room(n * k, t), room(n, I64)]),
    "inv": (_inv, lambda _m, n, _k, t: [room(n * n, t), room(n * n, t), room(n, I64)]),
    "det": (_det, lambda _m, n, _k, t: [room(n * n, t), room(n, I64)]),
    "slogdet": (_slogdet, lambda _m, n, _k, t: [room(n * n, t), room(n, I64)]),
    "eigh": (_eigh, lambda _m, n, _k, t: _eigen_room(n, t)),
    "eigvalsh": (_eigvalsh, lambda _m, n, _k, t: _eigen_room(n, t)),
    "qr": (_qr, lambda m, n, _k, t: [room(m * n, t), room(n, t), room(n * BLOCK, t)]),
    "svd": (_svd, lambda m, n, _k, t: _svd_room(m, n, t)),
    "svdvals": (_svdvals, lambda m, n, _k, t: _svd_room(m, n, t)),
}


def factorise_bytes(name: str, m: int, n: int, t: Type, k: int = 1) -> int:
    """The workspace, aligned to 64 bytes, of a record of this name for m x n matrices and k right-hand sides."""
    return sum(FACTORISATIONS[name][1](m, n, k, t))


def factorise(
    e: Emitter, name: str, m: int, n: int, t: Type, operands: Sequence[Matrix], results: Sequence[Matrix],
    *, params: Mapping[str, Any], workspace: Value | None, k: int = 1,
) -> Value:  # fmt: skip
    """One matrix given to a record of ``wengert.ops``; the value returned is 0, or LAPACK's report of a failure.

    ``m`` and ``n`` are the matrix's rows and columns (none of them zero), ``k`` the columns of a right-hand side.
    Results lie by rows; vectors of results are columns, contiguous. What a failed call leaves is undefined: the
    slow path finds what is wrong, and says so.
    """
    return FACTORISATIONS[name][0](Call(e, t, m, n, k, operands, results, params, Space(e, workspace)))
