"""Every function of numpy.linalg, with every option: values, derivatives, batches, Programs; bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.frontend._harness import Case, check, check_batch, check_gradient, check_value

from wengert import ConcretizationError, DerivativeError, grad, jacrev, jvp, make_program, vjp, vmap
from wengert.frontend.tables import FUNCTIONS

LA = np.linalg
RNG = np.random.default_rng(5)


def conditioned(*shape: int) -> Any:
    """Matrices with singular values from 0.7 to 2."""
    u, _, vh = LA.svd(RNG.normal(size=shape), full_matrices=False)
    return (u * np.linspace(2.0, 0.7, min(shape[-2:]))) @ vh


A, T, W, ST, TALL = conditioned(3, 3), conditioned(4, 3), conditioned(3, 4), conditioned(2, 3, 3), conditioned(2, 4, 3)
S = A @ A.T + np.diag([0.0, 1.0, 2.0])
E = np.diag([1.0, 2.5, 4.0]) + 0.3 * A  # distinct real eigenvalues
TURN = np.array([[1.0, 2.0, 0.1], [-2.0, 1.0, 0.2], [0.1, 0.3, 4.0]])  # a complex pair
B = RNG.normal(size=(4, 2))


def parts(z: Any) -> list[Any]:
    """Real and imaginary parts: what the harness weighs."""
    return [np.real(z), np.imag(z)]


CASES = [
    Case("eigvals", LA.eigvals, (E,), abstract=False),
    Case("eigvals of a pair", lambda a: parts(LA.eigvals(a)), (TURN,), abstract=False),
    Case("eigvals of complex matrices", lambda a: parts(LA.eigvals(a * (1 + 0.5j))), (np.stack([E, 1.2 * E]),)),
    Case("eig", LA.eig, (E,), abstract=False),
    Case("eig of a pair", lambda a: [*parts(LA.eig(a)[0]), *parts(LA.eig(a)[1])], (TURN,), abstract=False),
    Case("eig of complex matrices", lambda a: parts(LA.eig(a + 1j * TURN).eigenvectors), (E,)),
    Case("svd, full, values", lambda a: LA.svd(a)[1], (T,)),
    Case("svd, full, wide", lambda a: LA.svd(a).S, (W,)),
    Case("svd, hermitian", lambda a: LA.svd(a, hermitian=True), (S - 2 * np.eye(3),)),
    Case("svd, hermitian, values", lambda a: LA.svd(a, compute_uv=False, hermitian=True), (S - 2 * np.eye(3),)),
    Case("qr, complete", lambda a: LA.qr(a, "complete"), (TALL,)),
    Case("qr, raw", lambda a: LA.qr(a, "raw"), (T,)),
    Case("qr, raw, wide", lambda a: LA.qr(a, "raw"), (W,)),
    Case("pinv, a stack", lambda a: LA.pinv(a, np.array([1e-8, 1e-9])), (TALL,)),
    Case("pinv, hermitian", lambda a: LA.pinv(a, hermitian=True), (S,)),
    *(Case(f"cond {p}", lambda a, p=p: LA.cond(a, p), (ST,)) for p in (None, -2, 1, -1, np.inf, -np.inf, "fro", "nuc")),
    Case("cond, tall", LA.cond, (T,)),
    Case("matrix_rank", lambda a: a * LA.matrix_rank(a), (T,)),
    Case("matrix_rank, a stack", lambda a: a[0] * LA.matrix_rank(a, tol=1e-3)[0], (TALL,)),
    Case("lstsq", lambda a, b: LA.lstsq(a, b), (T, B), abstract=False),
    Case("lstsq, a vector", lambda a, b: LA.lstsq(a, b, rcond=None), (T, B[:, 0].copy()), abstract=False),
    Case("lstsq, wide", lambda a, b: LA.lstsq(a, b), (W, B[:3].copy())),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_as_numpy(case: Case) -> None:
    if case.label.startswith(("eig of", "eigvals of c", "qr, c", "cond", "svd, h")):  # as well, and sooner
        check_value(case)
        check_gradient(case)
        if case.abstract:
            check_batch(case)
    else:
        check(case)


def test_every_function_has_a_rule() -> None:
    functions = {getattr(LA, name) for name in LA.__all__ if not isinstance(getattr(LA, name), type)}
    assert functions - set(FUNCTIONS) == set()


def test_rank_deficient_least_squares() -> None:
    rank_one = np.outer(B[:, 0], [1.0, 2.0, -1.0])
    b = B[:, 1].copy()
    x, residuals, rank, _s = LA.lstsq(rank_one, b)
    got, pullback = vjp(lambda b: LA.lstsq(rank_one, b), b)
    np.testing.assert_allclose(got[0], x, rtol=1e-13)
    assert got[1].shape == residuals.shape == (0,)
    assert got[2] == rank == 1
    (g,) = pullback((np.ones(3), np.zeros(0), np.int32(0), np.zeros(3)))
    np.testing.assert_allclose(g, LA.pinv(rank_one).T @ np.ones(3), rtol=1e-12)


# ---- vectors that are one choice of many


def projector(a: Any) -> Any:
    u = LA.svd(a).U
    return u[:, 3:] @ u[:, 3:].T


def test_the_space_beside_the_range() -> None:
    # I − A A⁺, whose derivative needs no choice
    C = RNG.normal(size=(4, 4))
    explicit = lambda a: np.sum(C * (np.eye(4) - a @ LA.solve(a.T @ a, a.T)))
    np.testing.assert_allclose(grad(lambda a: np.sum(C * projector(a)))(T), grad(explicit)(T), atol=1e-12)
    second = jacrev(grad(lambda a: np.sum(C * projector(a))))(T)
    np.testing.assert_allclose(second, jacrev(grad(explicit))(T), atol=1e-11)
    stack = np.stack([T, 2 * T + 0.1])
    rows = np.stack([grad(lambda a: np.sum(C * projector(a)))(a) for a in stack])
    np.testing.assert_allclose(vmap(grad(lambda a: np.sum(C * projector(a))))(stack), rows, atol=1e-12)
    np.testing.assert_array_equal(vjp(lambda a: tuple(LA.svd(a)), T)[0][0], LA.svd(T)[0])


def test_the_choice_itself_is_refused() -> None:
    with pytest.raises(DerivativeError, match=r"(?s)depends on which one it is.*full_matrices=False"):
        grad(lambda a: LA.svd(a)[0][0, 3])(T[:, :2])
    _, tangent = jvp(lambda a: LA.svd(a)[1], (T,), (T,))  # the values have theirs
    np.testing.assert_allclose(tangent, LA.svd(T)[1], rtol=1e-13)
    with pytest.raises(DerivativeError, match="forward mode cannot see"):
        jvp(lambda a: np.sum(LA.svd(a)[0]), (T,), (T,))


# ---- general eigenvalues


def test_the_characteristic_polynomial() -> None:
    # Σw = tr A, Πw = det A, Σ w³ = tr A³, complex pairs and all
    for a in (E, TURN, RNG.normal(size=(5, 5))):
        np.testing.assert_allclose(grad(lambda a: np.sum(LA.eigvals(a)).real)(a), np.eye(len(a)), atol=1e-12)
        g = grad(lambda a: np.prod(LA.eigvals(a)).real)(a)
        np.testing.assert_allclose(g, LA.det(a) * LA.inv(a).T, atol=1e-11)
        np.testing.assert_allclose(grad(lambda a: np.sum(LA.eigvals(a) ** 3).real)(a), 3 * (a @ a).T, atol=1e-11)


def test_repeated_and_defective_matrices() -> None:
    np.testing.assert_allclose(grad(lambda a: np.sum(LA.eigvals(a) ** 2))(np.eye(3)), 2 * np.eye(3), atol=1e-14)
    with pytest.raises(DerivativeError, match="weights them differently"):
        grad(lambda a: LA.eigvals(a)[0])(np.eye(3))
    with pytest.raises(DerivativeError, match="one choice of many, or too few"):
        grad(lambda a: LA.eig(a)[1][0, 0])(np.eye(3))
    with pytest.raises(DerivativeError, match="lacks independent eigenvectors"):
        grad(lambda a: np.sum(LA.eigvals(a)))(np.array([[1.0, 1.0], [0.0, 1.0]]))


def test_eig_says_what_staging_wants() -> None:
    with pytest.raises(ConcretizationError, match=r"write: np.linalg.eig\(a.astype\(complex\)\)"):
        make_program(LA.eig)(E)
    program = make_program(lambda a: LA.eigvals(a.astype(complex)))(E)
    np.testing.assert_array_equal(program(E), LA.eigvals(E.astype(complex)))


# ---- sizes at the edge, NaN


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0), (2, 0, 0), (0, 2, 2), (1, 1)])
@pytest.mark.parametrize("name", [
    "inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh", "svd", "svdvals", "qr", "pinv", "norm", "matrix_norm",
    "matrix_transpose", "trace", "diagonal", "eigvals", "matrix_rank",
])  # fmt: skip
def test_empty_and_single(name: str, shape: tuple[int, ...]) -> None:
    f, a = getattr(LA, name), np.ones(shape)
    try:
        want = f(a)
    except (LA.LinAlgError, ValueError) as error:
        with pytest.raises(type(error)):
            vjp(f, a)
        return
    got = vjp(lambda a: f(a) + 0 * np.sum(a) if name == "matrix_rank" else f(a), a)[0]
    for g, w in zip(got, want, strict=True) if isinstance(want, tuple) else [(got, want)]:
        np.testing.assert_array_equal(g, w)
    if not isinstance(want, tuple) and name != "matrix_rank":
        assert grad(lambda a: np.sum(np.real(f(a))))(a).shape == shape


def test_nan_stays_nan() -> None:
    a = np.full((2, 2), np.nan)
    for f in (LA.norm, lambda a: np.sum(LA.inv(a)), lambda a: np.trace(LA.solve(a, a))):
        assert np.isnan(f(a))
        assert np.all(np.isnan(grad(f)(a)))


@pytest.mark.parametrize("p", [1, -1, np.inf, "fro"])
def test_the_condition_of_singular_matrices_is_infinite(p: Any) -> None:
    stack = np.stack([np.ones((3, 3)), np.zeros((3, 3)), S])
    value, pullback = vjp(lambda a: LA.cond(a, p), stack)
    np.testing.assert_allclose(value, LA.cond(stack, p), rtol=1e-13)
    with np.errstate(all="ignore"):
        (g,) = pullback(np.ones(3))
    assert not np.isfinite(g[:2]).all()
    np.testing.assert_allclose(g[2], grad(lambda a: LA.cond(a, p))(S), rtol=1e-12)


@pytest.mark.parametrize("p", [None, 2, -2, 1, "fro"])
def test_the_condition_of_zeros_is_infinite(p: object) -> None:
    assert vjp(lambda a: np.linalg.cond(a, p), np.zeros((3, 3)))[0] == np.inf == np.linalg.cond(np.zeros((3, 3)), p)
