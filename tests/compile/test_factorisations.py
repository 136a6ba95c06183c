"""LAPACK through pointers against NumPy's linear algebra, by the identities that factors fulfil."""

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import scipy.linalg

from wengert.compile.emit import F32, F64, I64, PTR, Emitter, Type, Value
from wengert.compile.engine import link, object_code
from wengert.compile.factorisations import each, factorise, factorise_bytes
from wengert.compile.products import Matrix
from wengert.compile.products.matrix import address

DTYPES = {F32: np.float32, F64: np.float64}


def run(
    name: str,
    t: Type,
    operands: list[np.ndarray],
    shapes: list[tuple[int, ...]],
    params: Mapping[str, Any] | None = None,
) -> tuple[int, list[np.ndarray]]:
    """A record applied to a stack of matrices; the report, and the results."""
    stack, m, n = operands[0].shape
    k = operands[1].shape[-1] if len(operands) > 1 else 1
    results = [np.full((stack, *shape), np.nan, DTYPES[t]) for shape in shapes]
    e = Emitter()
    arrays = [*operands, *results]
    with e.function("f", [PTR] * (len(arrays) + 1), I64) as pointers:

        def one(index: Value) -> Value:
            places = []
            for x, p in zip(arrays, pointers, strict=False):
                apart, *inner = (s // x.itemsize for s in x.strides)
                row, column = (*inner, 1, 1)[:2]
                places.append(Matrix(address(e, p, t, (index, apart)), row, column))
            split = len(operands)
            return factorise(
                e, name, m, n, t, places[:split], places[split:], params=params or {}, workspace=pointers[-1], k=k
            )

        e.ret(each(e, stack, one))
    unit = link(object_code(e.text()), ["f"], e.symbols)
    call = unit.function("f", ctypes.c_int64, *[ctypes.c_void_p] * (len(arrays) + 1))
    room = factorise_bytes(name, m, n, t, k)
    space = np.full(room + 128, 0xAB, np.uint8)
    start = -space.ctypes.data % 64
    report = call(*[x.ctypes.data for x in arrays], space.ctypes.data + start)
    assert (space[start + room :] == 0xAB).all(), "the workspace was overrun"
    return report, results


def matrices(t: Type, m: int, n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(3, m, n)).astype(DTYPES[t])


def near(t: Type, got: np.ndarray, want: np.ndarray, factor: float = 200.0) -> None:
    eps = float(np.finfo(DTYPES[t]).eps)
    np.testing.assert_allclose(got, want, rtol=factor * eps, atol=factor * eps * max(1.0, float(np.abs(want).max())))


@pytest.fixture(params=[F32, F64], ids=str)
def t(request: pytest.FixtureRequest) -> Type:
    return request.param


def definite(t: Type, n: int) -> np.ndarray:
    a = matrices(t, n, n)
    return a @ a.mT + n * np.eye(n, dtype=a.dtype)


@pytest.mark.parametrize("n", [1, 2, 5, 17])
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(t: Type, n: int, upper: bool) -> None:
    a = definite(t, n)
    report, (L,) = run("cholesky", t, [np.tril(a) if not upper else np.triu(a)], [(n, n)], {"upper": upper})
    assert report == 0
    near(t, L, np.linalg.cholesky(a, upper=upper))
    assert ((np.triu(L) if upper else np.tril(L)) == L).all()


def test_cholesky_reports_what_is_not_definite(t: Type) -> None:
    a = definite(t, 4)
    a[1] = -a[1]
    assert run("cholesky", t, [a], [(4, 4)], {"upper": False})[0] > 0


@pytest.mark.parametrize(("n", "k"), [(1, 1), (3, 1), (5, 4), (17, 20)])
def test_solve_and_inverse(t: Type, n: int, k: int) -> None:
    a, b = definite(t, n), matrices(t, n, k, 1)
    report, (x,) = run("solve", t, [a, b], [(n, k)])
    assert report == 0
    near(t, a @ x, b)
    report, (x,) = run("solve", t, [a.mT, b], [(n, k)])  # a transposed view
    near(t, a.mT @ x, b)
    report, (inverse,) = run("inv", t, [a], [(n, n)])
    assert report == 0
    near(t, inverse @ a, np.broadcast_to(np.eye(n), a.shape))
    a[2, :, 0] = 0
    assert run("solve", t, [a, b], [(n, k)])[0] > 0
    assert run("inv", t, [a], [(n, n)])[0] > 0


@pytest.mark.parametrize("n", [1, 2, 3, 8])
def test_determinant(t: Type, n: int) -> None:
    a = matrices(t, n, n)
    near(t, run("det", t, [a], [()])[1][0], np.linalg.det(a.astype(np.float64)))
    a[1, 0] = 0
    report, (d,) = run("det", t, [a], [()])
    assert report == 0
    assert d[1] == 0


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("unit", [False, True])
def test_triangular(t: Type, lower: bool, unit: bool) -> None:
    for n, k in [(1, 1), (4, 1), (9, 5)]:
        a, b = definite(t, n) / (2 * n), matrices(t, n, k, 1)
        for given in (a, np.ascontiguousarray(a.mT).mT):
            report, (x,) = run("solve_triangular", t, [given, b], [(n, k)], {"lower": lower, "unit": unit})
            assert report == 0
            for one, right, got in zip(a, b, x, strict=True):
                want = scipy.linalg.solve_triangular(one.astype(float), right, lower=lower, unit_diagonal=unit)
                near(t, got, want)
    a[1, 2, 2] = 0
    assert (run("solve_triangular", t, [a, b], [(n, k)], {"lower": lower, "unit": unit})[0] > 0) is not unit


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("n", [1, 2, 6, 33])
def test_eigen(t: Type, lower: bool, n: int) -> None:
    a = definite(t, n)
    read = np.tril(a) if lower else np.triu(a)
    report, (w, v) = run("eigh", t, [read], [(n,), (n, n)], {"lower": lower})
    assert report == 0
    near(t, w, np.linalg.eigvalsh(a))
    near(t, a @ v, w[:, None, :] * v)
    near(t, v.mT @ v, np.broadcast_to(np.eye(n), a.shape))
    near(t, run("eigvalsh", t, [read], [(n,)], {"lower": lower})[1][0], w)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (5, 5), (9, 4), (70, 65)])
def test_qr(t: Type, m: int, n: int) -> None:
    a = matrices(t, m, n)
    report, (q, r) = run("qr", t, [a], [(m, n), (n, n)])
    assert report == 0
    near(t, q @ r, a)
    near(t, q.mT @ q, np.broadcast_to(np.eye(n), (3, n, n)))
    assert (r == np.triu(r)).all()
    assert (np.sign(r[:, 0, 0]) == np.sign(np.linalg.qr(a)[1][:, 0, 0])).all()


@pytest.mark.parametrize(("m", "n"), [(1, 1), (5, 5), (9, 4), (4, 9), (60, 3), (3, 60), (40, 33)])
def test_singular_values(t: Type, m: int, n: int) -> None:
    a, k = matrices(t, m, n), min(m, n)
    report, (u, s, vh) = run("svd", t, [a], [(m, k), (k,), (k, n)])
    assert report == 0
    near(t, (u * s[:, None, :]) @ vh, a)
    near(t, s, np.linalg.svd(a, compute_uv=False))
    near(t, u.mT @ u, np.broadcast_to(np.eye(k), (3, k, k)))
    near(t, run("svdvals", t, [a], [(k,)])[1][0], s)


def test_unknown_routines_are_refused() -> None:
    from wengert.compile.products import lapack_symbol
    from wengert.errors import CompileError

    with pytest.raises(CompileError, match="no routine 'dnothing'"):
        lapack_symbol("dnothing")
