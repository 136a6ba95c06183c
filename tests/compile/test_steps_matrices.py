"""Linear algebra as machine code: the same LAPACK, the same errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.linalg import LinAlgError
from tests.compile._compiled import agrees, run

from wengert import grad, make_program

pytestmark = pytest.mark.parametrize("threads", [1, 2])


@pytest.fixture(params=["f4", "f8"])
def dtype(request: pytest.FixtureRequest) -> str:
    return request.param


def matrices(*shape: int, dtype: str) -> np.ndarray:
    return np.random.default_rng(5).normal(size=shape).astype(dtype)


def definite(*shape: int, dtype: str) -> np.ndarray:
    a = matrices(*shape, dtype=dtype)
    return a @ a.mT + np.eye(shape[-1], dtype=dtype)


@pytest.mark.parametrize("stack", [(), (3,), (2, 2)])
def test_factors(dtype: str, stack: tuple[int, ...], threads: int) -> None:
    a, s = matrices(*stack, 5, 3, dtype=dtype), definite(*stack, 4, 4, dtype=dtype)
    for f in (np.linalg.cholesky, np.linalg.inv, np.linalg.eigvalsh, np.linalg.det):
        agrees(f, s, threads=threads, eps=64)
    for f in (np.linalg.eigh, np.linalg.slogdet):
        agrees(lambda s, f=f: tuple(f(s)), s, threads=threads, eps=64)
    agrees(lambda a: tuple(np.linalg.qr(a)), a, threads=threads, eps=64)
    agrees(lambda a: tuple(np.linalg.svd(a, full_matrices=False)), a, threads=threads, eps=64)
    agrees(lambda a: np.linalg.svd(a, compute_uv=False), a.mT.copy(), threads=threads, eps=64)
    agrees(lambda s: np.linalg.cholesky(s, upper=True), s, threads=threads, eps=64)


def test_solve(dtype: str, threads: int) -> None:
    a, b = definite(3, 4, 4, dtype=dtype), matrices(3, 4, 2, dtype=dtype)
    agrees(np.linalg.solve, a, b, threads=threads, eps=64)
    agrees(np.linalg.solve, a[0], b[0, :, 0], threads=threads, eps=64)
    agrees(np.linalg.solve, a[0], b, threads=threads, eps=64)
    agrees(np.linalg.solve, a[:, None], b, threads=threads, eps=64)


def test_determinants_of_singular_matrices(threads: int) -> None:
    a = np.array([[[1.0, 2.0], [2.0, 4.0]], [[0.0, 0.0], [0.0, 3.0]], [[0.0, 2.0], [3.0, 0.0]]])
    agrees(np.linalg.det, a, threads=threads)
    agrees(lambda a: tuple(np.linalg.slogdet(a)), a, threads=threads, eps=4)


def test_gradients(threads: int) -> None:
    a, b = definite(4, 4, dtype="f8"), matrices(4, 2, dtype="f8")

    def loss(a: Any, b: Any) -> Any:
        return np.sum(np.linalg.solve(np.linalg.cholesky(a), b) ** 2) + np.linalg.slogdet(a)[1]

    agrees(grad(loss, (0, 1)), a, b, threads=threads, eps=256)


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (np.linalg.inv, "Singular matrix"),
        (np.linalg.cholesky, "not positive definite"),
        (lambda a: np.linalg.solve(a, a[:, :1]), "Singular matrix"),
    ],
)
def test_what_fails_says_so(f: Any, message: str, threads: int) -> None:
    good, bad = np.eye(3), np.zeros((3, 3))
    program = make_program(f)(good)
    with pytest.raises(LinAlgError, match=message):
        run(program, [bad], threads)
    run(program, [good], threads)
