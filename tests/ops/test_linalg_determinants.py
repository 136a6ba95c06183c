"""Determinants at singular matrices, against exact arithmetic."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from tests.ops._linalg_shared import A, S, close, det, inv, matrix, solve

from wengert import grad, hessian, jvp, vmap
from wengert.errors import DerivativeError
from wengert.ops.factorisations import not_definite
from wengert.ops.linalg import singular


def exact_derivative(a, directions):
    """The coefficient of t₁…t_k in det(A + ΣtE), by Leibniz's formula in rational numbers."""
    n, k = len(a), len(directions)
    a, *directions = ([[Fraction(float(x)) for x in row] for row in m] for m in (a, *directions))
    total = Fraction(0)
    for order in itertools.permutations(range(n)):
        sign = Fraction(round(float(np.linalg.det(np.eye(n)[list(order)]))))
        for places in itertools.permutations(range(n), k):
            term = sign
            for row in range(n):
                source = directions[places.index(row)] if row in places else a
                term *= source[row][order[row]]
            total += term
    return float(total)


E1, E2, E3 = matrix(4, 4), matrix(4, 4), matrix(4, 4)
SINGULAR = {
    "rank 3": np.arange(16.0).reshape(4, 4) + np.diag([1.0, 2.0, 0.0, 0.0]),
    "rank 2": np.arange(16.0).reshape(4, 4),
    "rank 1": np.outer([1.0, 2.0, 3.0, 4.0], [1.0, -1.0, 2.0, 1.0]),
    "zero": np.zeros((4, 4)),
    "diagonal": np.diag([1.0, 0.0, 2.0, 0.0]),
    "nearly rank 3": np.diag([1.0, 1e-10, 2.0, 3.0]) + 1e-3 * np.ones((4, 4)),
    "nearly rank 2": np.diag([1.0, 1e-9, 2.0, 1e-11]),
    "graded": np.diag([1.0, 1e-3, 1e-6, 1e-9]),
    "regular": np.arange(16.0).reshape(4, 4) + 3 * np.eye(4),
}


@pytest.mark.parametrize("name", SINGULAR)
def test_derivatives_of_det_at_singular_matrices_to_every_order(name):
    a = SINGULAR[name]

    def along(f, e):
        return lambda x: jvp(f, (x,), (e,))[1]

    f, scale = det, max(1.0, np.linalg.svdvals(a)[0])
    for k in range(1, 5):
        directions = [E1, E2, E3, E1][:k]
        want = exact_derivative(a, directions)
        size = scale ** (4 - k) * 20**k
        f = along(f, directions[-1])
        close(f(a), want, 1e-13, size)
        # the last derivative by reverse mode
        below = det
        for e in directions[:-1]:
            below = along(below, e)
        close(np.sum(grad(below)(a) * directions[-1]), want, 1e-13, size)


def test_cofactors_of_integers():
    close(grad(det)(np.array([[1.0, 2.0], [2.0, 4.0]])), [[4, -2], [-2, 1]], 1e-14)
    close(hessian(det)(np.zeros((2, 2)))[0, 0], [[0, 0], [0, 1]], 1e-14)


def test_a_stack_of_regular_and_singular_matrices():
    stack = np.stack([A, np.zeros((4, 4)), SINGULAR["rank 3"], S])
    want = [grad(det)(a) for a in stack]
    close(grad(lambda a: np.sum(det(a)))(stack), want, 1e-13)
    close(vmap(grad(det))(stack), want, 1e-13)


def test_det_that_overflows_is_refused():
    with (
        np.errstate(over="ignore"),
        pytest.raises(DerivativeError, match=r"(?s)overflows float64.*\n  write: np.linalg.slogdet"),
    ):
        grad(det)(np.eye(4) * 1e100 + np.triu(np.ones((4, 4))))


def test_no_inverse_is_said():
    ones = np.ones((3, 3))
    for f in (lambda a: np.sum(inv(a)), lambda a: np.linalg.slogdet(a)[1], lambda a: np.sum(solve(a, ones))):
        with pytest.raises(np.linalg.LinAlgError, match=r"(?s)Singular matrix: np.linalg.*3×3 matrix has rank 1"):
            grad(f)(ones)
    with pytest.raises(np.linalg.LinAlgError, match=r"at index \(1,\) of the stack has rank 1"):
        vmap(grad(lambda a: np.sum(inv(a))))(np.stack([np.eye(3), ones]))


def test_no_cholesky_factor_is_said():
    with pytest.raises(np.linalg.LinAlgError, match=r"(?s)not positive definite.*2×2 matrix has the eigenvalue -1"):
        grad(lambda a: np.sum(np.linalg.cholesky(a)))(np.diag([2.0, -1.0]))
    with pytest.raises(np.linalg.LinAlgError, match=r"(?s)matrix at index \(1,\).*test_linalg_determinants.py"):
        vmap(np.linalg.cholesky)(np.stack([np.eye(2), -np.eye(2)]))


def test_a_cholesky_factor_that_rounding_prevents_is_said():
    """Where all eigenvalues are computed as positive, none is named."""
    assert "is not, after rounding" in str(not_definite(np.eye(2), False))
    assert "has the eigenvalue -1" in str(not_definite(np.diag([1.0, -1.0]), False))


def test_a_matrix_that_is_singular_by_rounding_is_said():
    assert "is singular to working precision" in str(singular("np.linalg.inv", np.eye(2)))
    assert "has rank 1" in str(singular("np.linalg.inv", np.ones((2, 2))))
