"""Products in machine code against NumPy's in float64: all shapes, strides, closures and ranges of rows."""

import ctypes
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert.compile.emit import F32, F64, I32, I64, PTR, Emitter, Type, Value
from wengert.compile.engine import Unit, link, object_code
from wengert.compile.names import address
from wengert.compile.products import (
    Matrix,
    batched_product,
    cost,
    method,
    product,
    row_block,
    transpose,
    workspace_bytes,
)
from wengert.compile.target import Target, host

DTYPES = {F32: np.float32, F64: np.float64}


def compiled(build: Callable[..., None], pointers: int, target: Target | None = None) -> Callable[..., None]:
    """A module of one function of pointers."""
    e = Emitter(target)
    with e.function("f", [PTR] * pointers) as arguments:
        build(e, *arguments)
    unit: Unit = link(object_code(e.text(), e.target), ["f"], e.symbols)
    call = unit.function("f", None, *[ctypes.c_void_p] * pointers)
    return lambda *arrays: call(*[x if isinstance(x, int) else x.ctypes.data for x in arrays])


def strided(rng: np.random.Generator, rows: int, columns: int, dtype: Any, order: str) -> np.ndarray:
    """A random matrix laid out in rows (C), in columns (F), or with gaps in both directions (G)."""
    if order == "C":
        return rng.normal(size=(rows, columns)).astype(dtype)
    if order == "F":
        return rng.normal(size=(columns, rows)).astype(dtype).T
    if order == "W":  # rows with a gap after each
        return rng.normal(size=(rows, columns + 3)).astype(dtype)[:, :columns]
    return rng.normal(size=(2 * rows, 3 * columns)).astype(dtype)[::2, ::3]


def strides(x: np.ndarray) -> tuple[int, int]:
    row, column = (s // x.itemsize for s in x.strides)
    return row, column


def close(got: np.ndarray, want: np.ndarray, bound: np.ndarray, k: int) -> None:
    """Within the rounding of k additions: |error| <= (k + 4) eps sum |a||b|, the bound of any order of summation."""
    eps = np.finfo(got.dtype).eps
    assert (np.abs(got - want) <= (k + 4) * eps * bound + 1e-300).all(), np.abs(got - want).max()


def check(
    m: int, n: int, k: int, t: Type, orders: str = "CCC", *, seed: int = 0, closures: bool = False, cuts: int = 0, heavy: bool = False,
    alpha: float = 1.0, target: Target | None = None, by: Any = None,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    dtype = DTYPES[t]
    a, b = strided(rng, m, k, dtype, orders[0]), strided(rng, k, n, dtype, orders[1])
    c = strided(rng, m, n, dtype, orders[2])
    bias, factor = rng.normal(size=n).astype(dtype), rng.normal(size=(m, n)).astype(dtype)
    target = target or host()
    room = workspace_bytes(m, n, k, strides(a), strides(b), strides(c), t, target=target, ranged=cuts > 0, by=by)
    space = np.zeros(room + 64, np.uint8)
    space = space[-space.ctypes.data % 64 :]
    step = row_block(m, n, k, t, target) if cuts else 1

    def build(e: Emitter, pa: Value, pb: Value, pc: Value, pbias: Value, pfactor: Value, ps: Value) -> None:
        def start(i: Value, j: Value, lanes: int, mask: Value | None) -> Value:
            return e.load(pbias, t.wide(lanes), j, mask)

        def finish(value: Value, i: Value, j: Value, lanes: int, mask: Value | None) -> Value:
            for _ in range(12 if heavy else 0):  # a long way to write the same number
                value = -value
            return value * e.load(pfactor, t.wide(lanes), i * n + j, mask)

        matrices = [Matrix(p, *strides(x)) for p, x in ((pa, a), (pb, b), (pc, c))]
        fused = {"start": start, "finish": finish} if closures else {}
        if not cuts:
            product(e, m, n, k, *matrices, t, workspace=ps, alpha=alpha, by=by, **fused)
            return
        edges = sorted({0, m, *(step * int(x) for x in rng.integers(0, m // step + 1, cuts))})
        for low, high in itertools.pairwise(edges):
            span = (e.const(I64, low), e.const(I64, high))
            product(e, m, n, k, *matrices, t, workspace=ps, alpha=alpha, rows=span, **fused)

    compiled(build, 6, target)(a, b, c, bias, factor, space)
    exact = a.astype(np.float64) @ b.astype(np.float64) * alpha
    bound = np.abs(a).astype(np.float64) @ np.abs(b) * abs(alpha)
    if closures:
        exact, bound = (exact + bias) * factor, (bound + np.abs(bias)) * np.abs(factor)
    close(c, exact, bound, k)


@pytest.mark.parametrize("t", [F32, F64])
@pytest.mark.parametrize("orders", ["CCC", "FCC", "CFC", "FFC", "CCF", "GGG", "WWW", "FFF"])
def test_products_in_all_strides(t: Type, orders: str) -> None:
    rng = np.random.default_rng(list(orders.encode()))
    for m, n, k in [(1, 1, 1), (16, 16, 16), (7, 5, 3), *rng.integers(1, 71, (6, 3)).tolist()]:
        check(m, n, k, t, orders)


@pytest.mark.parametrize("t", [F32, F64])
@pytest.mark.parametrize("closures", [False, True])
def test_thin_and_empty_products(t: Type, closures: bool) -> None:
    for shape in [(0, 3, 4), (3, 0, 4), (5, 6, 0), (1, 40, 33), (40, 1, 33), (1, 1, 100), (33, 40, 1), (50, 2, 64),
                  (64, 3, 37), (31, 10, 65), (2, 70, 64), (3, 1, 1), (1, 3, 1)]:  # fmt: skip
        for orders in ("CCC", "FCC", "CFC"):
            check(*shape, t, orders, closures=closures)


@pytest.mark.parametrize("t", [F32, F64])
@pytest.mark.parametrize("orders", ["CCC", "FCC", "CFC", "CCF", "GGG"])
def test_start_and_finish_meet_each_element_once(t: Type, orders: str) -> None:
    rng = np.random.default_rng(list(orders.encode()))
    for m, n, k in rng.integers(1, 71, (5, 3)).tolist():
        check(m, n, k, t, orders, closures=True, alpha=1.0)
        check(m, n, k, t, orders, closures=True, alpha=-0.37)


@pytest.mark.parametrize("t", [F32, F64])
def test_ranges_of_rows(t: Type) -> None:
    rng = np.random.default_rng(5)
    for m, n, k in [(64, 64, 64), (64, 2, 64), *rng.integers(1, 71, (6, 3)).tolist()]:
        check(m, n, k, t, "CCC", cuts=3)
        check(m, n, k, t, "CFC", cuts=3, closures=True)


def narrow(features: str, size: int) -> Target:
    """This machine as if its vectors were narrower, and without masks."""
    here = host()
    return Target(here.triple, "generic" if "x86" not in here.triple else "x86-64", features, size, False, 16)


@pytest.mark.skipif("x86" not in host().triple, reason="features are those of x86")
@pytest.mark.parametrize(("features", "size"), [("+avx2,+fma", 32), ("+sse2", 16)])
def test_machines_without_masks(features: str, size: int) -> None:
    target = narrow(features, size)
    rng = np.random.default_rng(size)
    for m, n, k in [(16, 16, 16), (64, 2, 64), *rng.integers(1, 40, (6, 3)).tolist()]:
        for t in (F32, F64):
            check(m, n, k, t, "CFC", closures=True, target=target)
            check(m, n, k, t, "FCC", target=target)


@pytest.mark.parametrize("t", [F32, F64])
def test_transposes(t: Type) -> None:
    rng = np.random.default_rng(9)
    for rows, columns in [(1, 1), (1, 9), (9, 1), (16, 16), (2, 64), (64, 3), *rng.integers(1, 71, (6, 2)).tolist()]:
        for order in "CFG":
            x = strided(rng, rows, columns, DTYPES[t], order)
            y = np.zeros((columns, rows), DTYPES[t])

            def build(e: Emitter, p: Value, q: Value, x: np.ndarray = x, y: np.ndarray = y) -> None:
                transpose(e, *x.shape, Matrix(p, *strides(x)), Matrix(q, *strides(y)), t)

            compiled(build, 2)(x, y)
            assert (y == x.T).all()


def test_batches() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(3, 2, 5, 7)), rng.normal(size=(2, 7, 9))
    c = np.zeros((3, 2, 5, 9))

    def build(e: Emitter, pa: Value, pb: Value, pc: Value) -> None:
        batched_product(
            e, (3, 2), 5, 9, 7, Matrix(pa, 7, 1), Matrix(pb, 9, 1), Matrix(pc, 9, 1), F64,
            strides=((70, 35), (0, 63), (90, 45)), finish=lambda at, value, *_: value * e.convert(at[0], F64),
        )  # fmt: skip

    compiled(build, 3)(a, b, c)
    np.testing.assert_allclose(c, np.matmul(a, b) * np.arange(3)[:, None, None, None], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("t", [F32, F64])
@pytest.mark.parametrize("orders", ["CCC", "FCC", "CFC", "CCF", "GGG", "WWW"])
def test_products_by_blas(t: Type, orders: str) -> None:
    for m, n, k in [(40, 30, 20), (1, 33, 20), (20, 1, 7), (300, 257, 3)]:
        check(m, n, k, t, orders, by="blas")
        check(m, n, k, t, orders, by="blas", closures=True, alpha=2.5)


def test_a_sum_continued_in_place() -> None:
    for by in ("kernel", "blas"):
        rng = np.random.default_rng(7)
        a, b, c = rng.normal(size=(20, 9)), rng.normal(size=(9, 21)), rng.normal(size=(20, 21))
        want = c + a @ b

        def build(e: Emitter, pa: Value, pb: Value, pc: Value, by: Any = by) -> None:
            product(
                e, 20, 21, 9, Matrix(pa, 9, 1), Matrix(pb, 21, 1), Matrix(pc, 21, 1), F64, by=by,
                start=lambda i, j, lanes, mask: e.load(pc, F64.wide(lanes), i * 21 + j, mask),
            )  # fmt: skip

        compiled(build, 3)(a, b, c)
        np.testing.assert_allclose(c, want, rtol=1e-13, atol=1e-13)


def test_a_finish_that_keeps_everything_needs_no_result() -> None:
    for by in ("kernel", "blas"):
        rng = np.random.default_rng(8)
        a, b, w = rng.normal(size=(20, 9)), rng.normal(size=(9, 21)), rng.normal(size=(20, 21))
        want = w - 0.1 * (a @ b)

        def build(e: Emitter, pa: Value, pb: Value, pw: Value, by: Any = by) -> None:
            def update(value: Value, i: Value, j: Value, lanes: int, mask: Value | None) -> None:
                at = i * 21 + j
                e.store(e.load(pw, F64.wide(lanes), at, mask) - value * 0.1, pw, at, mask)

            product(e, 20, 21, 9, Matrix(pa, 9, 1), Matrix(pb, 21, 1), None, F64, by=by, finish=update)

        compiled(build, 3)(a, b, w)
        np.testing.assert_allclose(w, want, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("t", [F32, F64])
def test_large_products_whose_operands_are_packed(t: Type) -> None:
    for cuts in (0, 2):
        check(300, 70, 600, t, "FCC", cuts=cuts, by="kernel")
        check(40, 1300, 600, t, "CCC", cuts=cuts, by="kernel")
        check(40, 300, 130, t, "CFC", cuts=cuts, by="kernel", closures=True)


def test_batches_that_share_a_matrix_are_one_product() -> None:
    rng = np.random.default_rng(4)
    b = rng.normal(size=(7, 9))
    for m in (1, 5):
        a, c = rng.normal(size=(4, 6, m, 7)), np.zeros((4, 6, m, 9))
        texts = []

        def build(e: Emitter, pa: Value, pb: Value, pc: Value, m: int = m, texts: list[Emitter] = texts) -> None:
            batched_product(
                e, (4, 6), m, 9, 7, Matrix(pa, 7, 1), Matrix(pb, 9, 1), Matrix(pc, 9, 1), F64,
                strides=((42 * m, 7 * m), (0, 0), (54 * m, 9 * m)),
            )  # fmt: skip
            texts.append(e)

        compiled(build, 3)(a, b, c)
        np.testing.assert_allclose(c, a @ b, rtol=1e-13, atol=1e-13)
        assert any(f"product f64 {24 * m} 9 7" in name for name in texts[0].defined)


def test_integers_wrap_as_numpys_do() -> None:
    rng = np.random.default_rng(6)
    for m, n, k in [(5, 7, 9), (64, 2, 64), (1, 40, 33), (40, 1, 33)]:
        a = rng.integers(-(2**30), 2**30, (m, k), dtype=np.int32)
        b = rng.integers(-(2**30), 2**30, (k, n), dtype=np.int32)
        c = np.zeros((m, n), np.int32)

        def build(e: Emitter, pa: Value, pb: Value, pc: Value, m: int = m, n: int = n, k: int = k) -> None:
            product(e, m, n, k, Matrix(pa, k, 1), Matrix(pb, n, 1), Matrix(pc, n, 1), I32)

        compiled(build, 3)(a, b, c)
        assert (c == a @ b).all()


@pytest.mark.parametrize("t", [F32, F64])
@pytest.mark.parametrize(("long", "k"), [(40, 64), (1, 256)])
def test_a_long_finish_and_that_of_a_long_sum_are_written_once(t: Type, long: int, k: int) -> None:
    written: list[int] = []

    def build(e: Emitter, pa: Value, pb: Value, pc: Value) -> None:
        def finish(value: Value, *_: Any) -> Value:
            written.append(1)
            for _round in range(long):
                value = -value
            return value

        product(e, 64, 64, k, Matrix(pa, k, 1), Matrix(pb, 64, 1), Matrix(pc, 64, 1), t, finish=finish)

    compiled(build, 3)
    assert len(written) <= 3  # once to see how long it is


@pytest.mark.parametrize("t", [F32, F64])
def test_a_finish_in_a_loop(t: Type) -> None:
    rng = np.random.default_rng(11)
    for m, n, k in [(64, 64, 16), *rng.integers(1, 71, (5, 3)).tolist()]:
        check(m, n, k, t, closures=True, heavy=True)
        check(m, n, k, t, closures=True, heavy=True, alpha=0.3, cuts=2)
        check(m, n, k + 256, t, closures=True)
        check(m, n, k + 256, t, closures=True, alpha=0.3, cuts=2)


def test_large_products_go_to_blas_and_thin_ones_do_not() -> None:
    assert method(64, 64, 64, F32) == "kernel"
    assert method(3000, 3000, 3000, F32) == "blas"
    assert method(1, 4000, 4000, F32) == "kernel"
    assert cost(64, 32, 16, F32).flops == 2 * 64 * 32 * 16
    assert cost(64, 64, 64, F64).cycles > cost(64, 64, 64, F32).cycles > cost(64, 64, 8, F32).cycles


def test_routines_are_found_again_by_the_names_modules_import() -> None:
    e = Emitter()
    with e.function("f", [PTR] * 3) as (a, b, c):
        product(e, 8, 8, 8, Matrix(a, 8, 1), Matrix(b, 8, 1), Matrix(c, 8, 1), F64, by="blas")
    assert e.symbols == {"blas_dgemm": address("blas_dgemm")}
    assert address("lapack_dpotrf") != address("blas_dgemm")


def test_a_product_with_nowhere_to_go_is_refused() -> None:
    e = Emitter()
    with pytest.raises(ValueError, match="needs a finish that returns None"), e.function("f", [PTR] * 2) as (a, b):
        product(e, 2, 2, 2, Matrix(a, 2, 1), Matrix(b, 2, 1), None, F64, start=lambda *_: None)


def test_an_empty_range_of_rows_does_nothing() -> None:
    for m, n in [(67, 64), (67, 2)]:
        seen = np.zeros((m, n))

        def build(e: Emitter, pa: Value, pb: Value, pc: Value, m: int = m, n: int = n) -> None:
            def count(_value: Value, i: Value, j: Value, lanes: int, mask: Value | None) -> None:
                at = i * n + j
                e.store(e.load(pc, F64.wide(lanes), at, mask) + 1.0, pc, at, mask)

            ends = [e.load(pb, I64, k) for k in (0, 1, 2, 3)]
            for span in itertools.pairwise(ends):
                product(e, m, n, 64, Matrix(pa, 64, 1), Matrix(pa, n, 1), None, F64, finish=count, rows=span)

        step = row_block(m, n, 64, F64)
        compiled(build, 3)(np.ones((m, 64)), np.array([0, step, m, m]), seen)
        assert (seen == 1).all()
