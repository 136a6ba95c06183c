"""Batches against loops; precision, staging, sizes."""

import numpy as np
import pytest
from tests.ops._linalg_shared import GENERATOR, SMOOTH, A, close, definite, det, inv, matrix, norm, solve, tuple_of

from wengert import check_grads, grad, hvp, jacobian, jvp, make_program, value_and_grad, vjp, vmap
from wengert.errors import DerivativeError
from wengert.ops.gaps import checked

LOOPED = {
    "solve": (solve, (matrix(6, 3, 3), matrix(6, 3, 2))),
    "solve vectors": (solve, (matrix(6, 3, 3), matrix(6, 3))),
    "inv": (inv, (matrix(6, 3, 3),)),
    "det": (det, (matrix(6, 3, 3),)),
    "slogdet": (np.linalg.slogdet, (matrix(6, 3, 3),)),
    "cholesky": (np.linalg.cholesky, (definite(6, 3, 3),)),
    "eigh": (np.linalg.eigh, (definite(6, 3, 3),)),
    "eigvalsh": (np.linalg.eigvalsh, (definite(6, 3, 3),)),
    "svd": (lambda a: np.linalg.svd(a, full_matrices=False), (matrix(6, 4, 3),)),
    "qr": (np.linalg.qr, (matrix(6, 4, 3),)),
    "pinv": (np.linalg.pinv, (matrix(6, 4, 3),)),
    "norm": (norm, (matrix(6, 4, 3),)),
    "norm of several axes": (lambda x: np.linalg.vector_norm(x, axis=(0, 2)), (matrix(6, 4, 3, 2),)),
    "nuclear norm": (lambda x: norm(x, "nuc"), (matrix(6, 4, 3),)),
}


def looped(f, *args):
    columns = [tuple_of(f(*row)) for row in zip(*args, strict=True)]
    return tuple(np.stack(c) for c in zip(*columns, strict=True))


@pytest.mark.parametrize("name", LOOPED)
def test_vmap_is_a_loop(name):
    f, args = LOOPED[name]
    weights = [GENERATOR.normal(size=np.shape(y)) for y in tuple_of(f(*(x[0] for x in args)))]

    def weighted(*xs):
        return sum(np.sum(w * y) for w, y in zip(weights, tuple_of(f(*xs)), strict=True))

    def curvature(x, *rest):
        return hvp(lambda x: weighted(x, *rest), x, np.ones_like(x))

    for g in (f, grad(weighted), curvature):
        for got, want in zip(tuple_of(vmap(g)(*args)), looped(g, *args), strict=True):
            close(got, want, 1e-10)
        for k in range(len(args)):  # one operand batched, the others shared
            axes = tuple(0 if j == k else None for j in range(len(args)))
            fixed = [x if j == k else x[1] for j, x in enumerate(args)]
            rows = looped(lambda x, k=k, fixed=fixed, g=g: g(*fixed[:k], x, *fixed[k + 1 :]), args[k])
            for got, want in zip(tuple_of(vmap(g, in_axes=axes)(*fixed)), rows, strict=True):
                close(got, want, 1e-10)


@pytest.mark.parametrize("name", LOOPED)
def test_stacks_of_stacks_are_loops(name):
    """The rules themselves, on two axes before the matrices: values and derivatives of both modes."""
    f, args = LOOPED[name]
    whole, nested = vmap(vmap(f)), tuple(np.reshape(x, (2, 3, *x.shape[1:])) for x in args)
    weights = tuple(GENERATOR.normal(size=np.shape(y)) for y in tuple_of(f(*(x[0] for x in args))))

    def pushed(f, *xs):
        return jvp(f, xs, tuple(np.cos(x) for x in xs))[1]

    def pulled(f, *xs):
        total = lambda *xs: sum(np.sum(w * y) for w, y in zip(weights, tuple_of(f(*xs)), strict=True))
        return grad(total, tuple(range(len(xs))))(*xs)

    for g in (lambda f, *xs: f(*xs), pushed, pulled):
        for got, want in zip(tuple_of(g(whole, *nested)), looped(lambda *xs, g=g: g(f, *xs), *args), strict=True):
            close(np.reshape(got, np.shape(want)), want, 1e-10)


def test_batched_solve_by_residual():
    a, b = matrix(50, 6, 6), matrix(50, 6)
    x = vmap(solve)(a, b)
    size = np.sum(np.abs(a) * np.abs(x)[:, None, :], axis=-1) + np.abs(b)
    residual = np.abs(np.einsum("nij,nj->ni", a, x) - b)
    assert np.all(residual <= 100 * 6 * np.finfo(float).eps * size)


def test_batched_cholesky_by_residual():
    a = definite(50, 6, 6)
    L = vmap(np.linalg.cholesky)(a)
    size = np.abs(L) @ np.swapaxes(np.abs(L), -1, -2)
    assert np.all(np.abs(L @ np.swapaxes(L, -1, -2) - a) <= 100 * 6 * np.finfo(float).eps * size)


def test_a_shared_matrix_is_factorised_once(monkeypatch):
    calls = []
    original = np.linalg.solve
    b, J = matrix(4), None
    _, pullback = vjp(lambda v: original(A, v), b)
    monkeypatch.setattr(np.linalg, "solve", lambda a, b: calls.append(np.shape(b)) or original(a, b))
    J = vmap(lambda w: pullback(w)[0])(np.eye(4))
    assert calls == [(4, 4)]
    close(J, inv(A), 1e-13)


def test_a_condition_is_tested_for_each_of_a_batch():
    rows = np.array([[[1.0, 2.0]], [[3.0, 5.0]]])
    x = np.array([[1.0, 7.0]])
    got = vmap(lambda r: checked(x, r, test="values, reverse", order=0), in_axes=0)(rows)
    close(got, np.stack([x, x]), 0)


@pytest.mark.parametrize(
    ("a", "b"), [((3, 3), (5, 3, 2)), ((5, 3, 3), (3,)), ((5, 3, 3), (3, 2)), ((4, 1, 3, 3), (5, 3, 2))]
)
def test_stacks_that_broadcast(a, b):
    check_grads(solve, (matrix(*a) + 3 * np.eye(3), matrix(*b)))


# ---- precision, staging, sizes


@pytest.mark.parametrize("name", SMOOTH)
def test_float32_stays(name):
    f, x = SMOOTH[name]
    if name in ("solve", "solve in b", "solve a vector", "solve with a stack"):
        f, x = (lambda a: solve(a, a)), A
    x = x.astype(np.float32)
    y, pushed = jvp(f, (x,), (x,))
    assert {v.dtype for v in (*tuple_of(y), *tuple_of(pushed))} == {np.dtype(np.float32)}
    _, pullback = vjp(f, x)
    assert pullback(y)[0].dtype == np.float32


@pytest.mark.parametrize("name", SMOOTH)
def test_staged_is_eager(name):
    f, x = SMOOTH[name]

    def loss(x):
        return sum(np.sum(y**3) for y in tuple_of(f(x)))

    program = make_program(value_and_grad(loss))(x)
    value, g = program(x)
    close(value, loss(x), 1e-13)
    close(g, grad(loss)(x), 1e-12)


def test_a_condition_is_part_of_a_program():
    program = make_program(grad(lambda a: np.linalg.eigvalsh(a)[0]))(np.diag([1.0, 2.0]))
    close(program(np.diag([1.0, 2.0])), np.diag([1.0, 0.0]), 1e-15)
    with pytest.raises(DerivativeError, match="repeats"):
        program(np.eye(2))


def test_no_rows():
    empty = np.zeros((0, 0))
    for f in (
        inv,
        np.linalg.cholesky,
        np.linalg.eigvalsh,
        lambda a: np.linalg.eigh(a)[1],
        lambda a: solve(a, a),
    ):
        assert grad(lambda a, f=f: np.sum(f(a)))(empty).shape == (0, 0)
    assert grad(det)(empty).shape == grad(norm)(empty).shape == (0, 0)
    assert grad(lambda a: np.sum(det(a)))(np.zeros((0, 2, 2))).shape == (0, 2, 2)


def test_jacobian_of_the_inverse_is_a_kronecker_product():
    # ∂A⁻¹/∂A = −A⁻¹ ⊗ A⁻ᵀ row by row
    J = jacobian(inv)(A).reshape(16, 16)
    close(J, -np.kron(inv(A), inv(A).T), 1e-12)
