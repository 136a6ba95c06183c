"""Derivatives of systems, determinants, factorisations and spectra: published identities, differences,
complex steps, exact arithmetic; the points where they do not exist; batches."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from wengert import (
    check_grads,
    grad,
    hessian,
    hvp,
    jacfwd,
    jacobian,
    jacrev,
    jvp,
    make_program,
    value_and_grad,
    vjp,
    vmap,
)
from wengert.errors import DerivativeError
from wengert.ops.gaps import checked

inv, det, solve, norm = np.linalg.inv, np.linalg.det, np.linalg.solve, np.linalg.norm
GENERATOR = np.random.default_rng(7)


def matrix(*shape: int) -> np.ndarray:
    return GENERATOR.normal(size=shape)


def definite(*shape: int) -> np.ndarray:
    a = matrix(*shape)
    return a @ np.swapaxes(a, -1, -2) + np.eye(shape[-1])


def complex_matrix(*shape: int) -> np.ndarray:
    return matrix(*shape) + 1j * matrix(*shape)


def symmetric(a):
    return (a + np.swapaxes(a, -1, -2)) / 2


def tuple_of(y):
    return tuple(y) if isinstance(y, tuple) else (y,)


def close(got, want, tol, scale=None):
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    size = max(1.0, float(np.max(np.abs(want), initial=0.0))) if scale is None else scale
    assert np.max(np.abs(got - want), initial=0.0) <= tol * size, f"{got}\n{want}"


def lower_triangle(symmetric_gradient):
    """The gradient of a function that reads the lower triangle, from that for symmetric changes."""
    return 2 * np.tril(symmetric_gradient) - np.diag(np.diag(symmetric_gradient))


def function_of(f, a):
    """The matrix function V f(w) Vᴴ."""
    w, v = np.linalg.eigh(a)
    return (v * f(w)) @ np.conj(v.T)


A, B, S, T, W = matrix(4, 4), matrix(4, 3), definite(4, 4), matrix(5, 3), matrix(3, 5)

HOLOMORPHIC = {
    "solve": (lambda a: solve(a, B), A),
    "solve in b": (lambda b: solve(A, b), B),
    "solve a vector": (lambda b: solve(A, b), B[:, 0]),
    "solve with a stack": (lambda a: solve(a, B[:, :2]), matrix(3, 4, 4)),
    "inv": (inv, A),
    "det": (det, A),
    "power": (lambda a: np.linalg.matrix_power(a, -3), A),
}
SMOOTH = {
    **HOLOMORPHIC,
    "slogdet": (lambda a: np.linalg.slogdet(a)[1], A),
    "cholesky": (np.linalg.cholesky, S),
    "cholesky upper": (lambda a: np.linalg.cholesky(a, upper=True), S),
    "eigh": (lambda a: tuple(np.linalg.eigh(a)), S),
    "eigh of a stack": (lambda a: tuple(np.linalg.eigh(a)), definite(2, 3, 3)),
    "eigh upper": (lambda a: tuple(np.linalg.eigh(a, "U")), S),
    "eigvalsh": (np.linalg.eigvalsh, S),
    "eigvalsh upper": (lambda a: np.linalg.eigvalsh(a, "U"), S),
    "svd": (lambda a: tuple(np.linalg.svd(a)), A),
    "svd tall": (lambda a: tuple(np.linalg.svd(a, full_matrices=False)), T),
    "svd wide": (lambda a: tuple(np.linalg.svd(a, full_matrices=False)), W),
    "svdvals": (np.linalg.svdvals, T),
    "qr": (lambda a: tuple(np.linalg.qr(a)), A),
    "qr tall": (lambda a: tuple(np.linalg.qr(a)), T),
    "qr wide": (lambda a: tuple(np.linalg.qr(a)), W),
    "pinv": (np.linalg.pinv, A),
    "pinv tall": (np.linalg.pinv, T),
    "pinv wide": (np.linalg.pinv, W),
    "norm": (norm, T),
}


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_against_complex_step(name):
    f, x = HOLOMORPHIC[name]
    v = GENERATOR.normal(size=x.shape)
    exact = np.imag(f(x + 1e-30j * v)) / 1e-30
    _, pushed = jvp(f, (x,), (v,))
    close(pushed, exact, 1e-12)
    w = GENERATOR.normal(size=np.shape(pushed))
    _, pullback = vjp(f, x)
    close(np.sum(pullback(w)[0] * v), np.sum(w * exact), 1e-12, max(1.0, np.sum(np.abs(w * exact))))


@pytest.mark.parametrize("name", SMOOTH)
def test_against_differences_to_second_order_in_any_direction(name):
    f, x = SMOOTH[name]
    check_grads(f, (x,))


@pytest.mark.parametrize("name", ["cholesky", "cholesky upper", "eigh", "eigh upper", "eigvalsh"])
def test_along_symmetric_directions(name):
    f, x = SMOOTH[name]
    v, h = symmetric(matrix(4, 4)), 1e-6
    _, pushed = jvp(f, (x,), (v,))
    for t, up, down in zip(*map(tuple_of, (pushed, f(x + h * v), f(x - h * v))), strict=True):
        close(t, (up - down) / (2 * h), 1e-6)


@pytest.mark.parametrize("name", ["cholesky", "eigh", "eigvalsh"])
def test_the_triangle_that_is_not_read_has_no_derivative(name):
    for upper in (False, True):
        f, x = SMOOTH[name + " upper" if upper else name]
        _, pullback = vjp(f, x)
        (g,) = pullback(jvp(f, (x,), (x,))[0])
        unread = np.tril(g, -1) if upper else np.triu(g, 1)
        assert np.any(g)
        assert not np.any(unread)


@pytest.mark.parametrize("name", SMOOTH)
def test_forward_is_the_transpose_of_reverse(name):
    f, x = SMOOTH[name]
    v = GENERATOR.normal(size=x.shape)
    y, pushed = jvp(f, (x,), (v,))
    w = tuple(GENERATOR.normal(size=np.shape(z)) for z in tuple_of(y))
    _, pullback = vjp(f, x)
    (g,) = pullback(w if isinstance(y, tuple) else w[0])
    forward = sum(np.sum(a * b) for a, b in zip(w, tuple_of(pushed), strict=True))
    assert abs(forward - np.sum(g * v)) <= 1e-12 * max(1.0, np.sum(np.abs(g * v)))


# ---- identities


def test_differential_of_log_det_is_the_trace_of_the_inverse_times_the_change():
    # d ln det A = tr(A⁻¹ dA) (Giles 2008, 2.2.4)
    close(grad(lambda a: np.linalg.slogdet(a)[1])(A), inv(A).T, 1e-13)
    close(grad(det)(A), det(A) * inv(A).T, 1e-13)
    E = matrix(4, 4)
    close(jvp(lambda a: np.linalg.slogdet(a).logabsdet, (A,), (E,))[1], np.trace(inv(A) @ E), 1e-13)
    # its second derivative is −tr(A⁻¹ E A⁻¹ E)
    close(
        np.sum(hvp(lambda a: np.linalg.slogdet(a)[1], A, E) * E),
        -np.trace(inv(A) @ E @ inv(A) @ E), 1e-12,
    )  # fmt: skip


def test_log_det_by_cholesky():
    G = grad(lambda a: 2 * np.sum(np.log(np.diagonal(np.linalg.cholesky(a)))))(S)
    close(G, lower_triangle(inv(S)), 1e-13)
    G = grad(lambda a: np.sum(np.log(np.linalg.eigvalsh(a))))(S)
    close(G, lower_triangle(inv(S)), 1e-13)


def test_gradient_of_the_trace_of_the_inverse():
    close(grad(lambda a: np.trace(inv(a)))(A), -(inv(A) @ inv(A)).T, 1e-12)


def test_least_squares_by_solve():
    # f(A, b) = cᵀA⁻¹b: ∂f/∂b = A⁻ᵀc, ∂f/∂A = −A⁻ᵀc (A⁻¹b)ᵀ (Giles 2008, 2.3.1)
    b, c = matrix(4), matrix(4)
    in_a, in_b = grad(lambda a, b: np.dot(c, solve(a, b)), (0, 1))(A, b)
    adjoint = solve(A.T, c)
    close(in_b, adjoint, 1e-13)
    close(in_a, -np.outer(adjoint, solve(A, b)), 1e-12)


def test_ridge_regression_path():
    # w(λ) = (XᵀX + λI)⁻¹Xᵀy: w′ = −M⁻¹w, w″ = 2M⁻²w
    X, y = matrix(9, 4), matrix(9)

    def weights(penalty):
        return solve(X.T @ X + penalty * np.eye(4), X.T @ y)

    M, w = X.T @ X + 0.7 * np.eye(4), weights(0.7)
    close(jacfwd(weights)(0.7), -solve(M, w), 1e-13)
    close(jacfwd(jacrev(weights))(0.7), 2 * solve(M, solve(M, w)), 1e-12)


@pytest.mark.parametrize("way", ["cholesky", "slogdet"])
def test_hessian_of_a_gaussian_log_likelihood(way):
    # ℓ(θ) = −½ ln det Σ − ½ xᵀΣ⁻¹x with Σ = ΣθᵢEᵢ
    E = np.stack([definite(5, 5) for _ in range(3)])
    x, theta = matrix(5), np.array([0.5, 1.1, 0.8])

    def likelihood(t):
        sigma = np.tensordot(t, E, 1)
        if way == "slogdet":
            return -0.5 * np.linalg.slogdet(sigma)[1] - 0.5 * np.dot(x, solve(sigma, x))
        L = np.linalg.cholesky(sigma)
        z = solve(L, x)
        return -np.sum(np.log(np.diagonal(L))) - 0.5 * np.dot(z, z)

    P = inv(np.tensordot(theta, E, 1))
    u = P @ x
    g = [0.5 * u @ e @ u - 0.5 * np.trace(P @ e) for e in E]
    H = [[0.5 * np.trace(P @ e @ P @ f) - u @ e @ P @ f @ u for f in E] for e in E]
    close(grad(likelihood)(theta), g, 1e-12)
    close(hessian(likelihood)(theta), H, 1e-10)
    close(jacrev(grad(likelihood))(theta), H, 1e-10)


def test_perturbation_of_eigenvalues():
    # Rayleigh and Schrödinger: λ′ = vᵀEv, λ″ = 2 Σ_k (v_kᵀEv)²/(λ − λ_k)
    E = symmetric(matrix(4, 4))
    w, v = np.linalg.eigh(S)
    M = v.T @ E @ v
    gaps = w[:, None] - w[None, :]
    second = 2 * np.sum(np.where(gaps == 0, 0, M**2 / np.where(gaps == 0, 1, gaps)), axis=1)

    def along(t):
        return np.linalg.eigvalsh(S + t * E)

    close(jacfwd(along)(0.0), np.diag(M), 1e-13)
    close(jacrev(along)(0.0), np.diag(M), 1e-13)
    for outer, inner in itertools.product((jacfwd, jacrev), repeat=2):
        close(outer(inner(along))(0.0), second, 1e-11)


def test_a_function_of_a_matrix_is_differentiated_by_divided_differences():
    # Daleckii and Krein 1965: ∂⟨C, f(A)⟩/∂A = V (f[w_i, w_j] ∘ VᵀCV) Vᵀ
    C = symmetric(matrix(4, 4))
    w, v = np.linalg.eigh(S)
    gaps = w[:, None] - w[None, :] + np.eye(4)
    quotients = (np.exp(w[:, None]) - np.exp(w[None, :])) / gaps + np.diag(np.exp(w))
    want = v @ (quotients * (v.T @ C @ v)) @ v.T
    close(grad(lambda a: np.sum(C * function_of(np.exp, a)))(S), lower_triangle(want), 1e-12)


def test_gradients_of_spectral_norms():
    u, _, vh = np.linalg.svd(T, full_matrices=False)
    close(grad(lambda a: norm(a, "nuc"))(T), u @ vh, 1e-13)
    close(grad(lambda a: norm(a, 2))(T), np.outer(u[:, 0], vh[0]), 1e-13)
    close(grad(lambda a: norm(a, -2))(T), np.outer(u[:, -1], vh[-1]), 1e-13)


def test_polar_factor():
    # U Vᵀ of the SVD is A (AᵀA)^(-1/2)
    C = matrix(5, 3)

    def by_svd(a):
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        return np.sum(C * (u @ vh))

    def by_root(a):
        return np.sum(C * (a @ function_of(lambda w: w**-0.5, a.T @ a)))

    close(grad(by_svd)(T), grad(by_root)(T), 1e-12)


def test_pseudoinverse_of_full_rank_by_normal_equations():
    C = matrix(3, 5)
    close(
        grad(lambda a: np.sum(C * np.linalg.pinv(a)))(T),
        grad(lambda a: np.sum(C * solve(a.T @ a, a.T)))(T), 1e-11,
    )  # fmt: skip


def test_r_of_qr_is_the_cholesky_factor_up_to_signs():
    C = matrix(3, 3)
    signs = np.sign(np.diagonal(np.linalg.qr(T)[1]))[:, None]
    close(
        grad(lambda a: np.sum(C * np.linalg.qr(a).R))(T),
        grad(lambda a: np.sum(C * signs * np.linalg.cholesky(a.T @ a, upper=True)))(T), 1e-12,
    )  # fmt: skip


# ---- determinants at singular matrices, against exact arithmetic


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
    with pytest.raises(np.linalg.LinAlgError, match=r"(?s)matrix at index \(1,\).*test_linalg.py"):
        vmap(np.linalg.cholesky)(np.stack([np.eye(2), -np.eye(2)]))


# ---- eigenvalues that repeat

Q = np.linalg.qr(matrix(3, 3))[0]
REPEATED = {
    "identity": np.eye(3),
    "diagonal": np.diag([1.0, 1.0, 2.0]),
    "turned": symmetric((Q * [1.0, 1.0, 2.0]) @ Q.T),
}
C3 = matrix(3, 3)


@pytest.fixture(params=REPEATED)
def repeated(request):
    return REPEATED[request.param]


def test_functions_of_the_whole_eigenspace_have_a_derivative(repeated):
    close(
        grad(lambda a: np.sum(np.linalg.eigvalsh(a) ** 3))(repeated),
        lower_triangle(3 * repeated @ repeated),
        1e-13,
    )
    close(
        grad(lambda a: np.sum(np.linalg.eigh(a)[0] ** 3))(repeated),
        lower_triangle(3 * repeated @ repeated),
        1e-13,
    )
    close(
        grad(lambda a: np.trace(function_of(np.exp, a)))(repeated),
        lower_triangle(function_of(np.exp, repeated)), 1e-13,
    )  # fmt: skip
    want = np.cumprod(np.linalg.eigvalsh(repeated))[-1] * lower_triangle(inv(repeated))
    close(grad(lambda a: np.prod(np.linalg.eigvalsh(a)))(repeated), want, 1e-13)


@pytest.mark.parametrize("f", [
    lambda a: np.linalg.eigvalsh(a)[0],
    lambda a: np.linalg.eigh(a)[0][1],
    lambda a: np.linalg.eigh(a)[1][0, 0],
    lambda a: np.sum(C3 * function_of(np.exp, a)),
    lambda a: function_of(np.log, a)[0, 1],
])  # fmt: skip
def test_other_functions_are_refused(repeated, f):
    with pytest.raises(DerivativeError, match=r"(?s)1 repeats \(positions 0 and 1\).*\n  write: "):
        grad(f)(repeated)


def test_the_log_of_the_identity_is_not_flat():
    # log(1) = 0 leaves no trace of the element in g_V: the answer would be zero
    with pytest.raises(DerivativeError, match="one choice of many"):
        grad(lambda a: function_of(np.log, a)[0, 1])(np.eye(2))


def test_forward_mode_refuses_where_it_cannot_see_what_follows(repeated):
    _, moved = jvp(np.linalg.eigvalsh, (repeated,), (np.eye(3),))
    close(moved, np.ones(3), 1e-13)
    for direction in (C3, symmetric(C3), repeated @ C3 @ repeated):
        with pytest.raises(DerivativeError, match="splits, where the sorted values"):
            jvp(np.linalg.eigvalsh, (repeated,), (direction,))
    with pytest.raises(DerivativeError, match="forward mode"):
        jvp(np.linalg.eigh, (repeated,), (C3,))


@pytest.mark.parametrize("direction", [np.diag([1.0, 2.0]), np.array([[0.0, 1.0], [1.0, 0.0]])])
def test_directions_that_split_a_space(direction):
    for f in (np.linalg.eigvalsh, np.linalg.svdvals):
        with pytest.raises(DerivativeError, match="splits"):
            jvp(f, (np.eye(2),), (direction,))


def test_second_derivatives_are_refused(repeated):
    f = lambda a: np.sum(np.linalg.eigvalsh(a) ** 2)
    for way in (hessian(f), jacrev(grad(f)), lambda a: hvp(f, a, C3)):
        with pytest.raises(DerivativeError, match="repeats"):
            way(repeated)
    with pytest.raises(DerivativeError, match="do not follow from the first"):
        grad(lambda a: np.trace(grad(lambda a: np.trace(function_of(np.exp, a)))(a)))(repeated)


def test_one_bad_matrix_of_a_batch_is_named():
    stack = np.stack([np.diag([1.0, 2.0]), np.eye(2)])
    with pytest.raises(DerivativeError, match=r"of the matrix at index \(1,\) of the stack"):
        vmap(grad(lambda a: np.linalg.eigvalsh(a)[0]))(stack)


def test_singular_values_that_repeat_or_vanish(repeated):
    close(grad(lambda a: norm(a, "nuc"))(repeated), np.eye(3), 1e-12)
    close(grad(lambda a: np.sum(np.linalg.svdvals(a) ** 2))(C3), 2 * C3, 1e-12)
    with pytest.raises(DerivativeError, match="repeats"):
        grad(lambda a: np.linalg.svdvals(a)[np.argmin(np.diff(np.linalg.svdvals(repeated)) ** 2)])(repeated)
    rank_one = np.outer([3.0, 4.0], [0.0, 1.0, 0.0])
    close(grad(lambda a: norm(a, "nuc"))(rank_one), rank_one / 5, 1e-13)
    E = matrix(2, 3)
    close(jvp(lambda a: norm(a, "nuc"), (rank_one,), (E,))[1], np.sum(rank_one / 5 * E), 1e-13)
    close(jvp(lambda a: norm(a, "nuc"), (np.zeros((2, 3)),), (E,))[1], 0.0, 0)
    close(grad(lambda a: norm(a, 2))(np.zeros((2, 3))), np.zeros((2, 3)), 0)
    with pytest.raises(DerivativeError, match="belong to zero"):
        grad(lambda a: np.linalg.svd(a, full_matrices=False)[0][0, 0])(rank_one)


def test_factors_that_jump_are_refused():
    dependent = np.outer(np.arange(1.0, 4), [1.0, 2.0])
    with pytest.raises(DerivativeError, match=r"3×2 matrix of rank less than 2"):
        grad(lambda a: np.sum(np.linalg.pinv(a)))(dependent)
    with pytest.raises(DerivativeError, match="columns are independent"):
        grad(lambda a: np.sum(np.linalg.qr(a)[1]))(dependent)


# ---- the zero vector


def test_the_norm_of_zero_has_the_subgradient_zero():
    zero = np.zeros(3)
    for order in (None, 1, 2, 3, 0.5, np.inf, -np.inf):
        assert not np.any(grad(lambda x, order=order: norm(x, order))(zero)), order
    assert not np.any(hessian(norm)(zero))
    rows = np.array([[3.0, 4.0], [0.0, 0.0]])
    close(grad(lambda x: np.sum(norm(x, axis=1)))(rows), [[0.6, 0.8], [0, 0]], 1e-15)


def test_hessian_of_the_norm():
    x = matrix(4)
    u = x / norm(x)
    close(hessian(norm)(x), (np.eye(4) - np.outer(u, u)) / norm(x), 1e-13)


# ---- complex matrices: cotangents are transposed, not conjugated

Y, Z = complex_matrix(4, 2), complex_matrix(4, 4)
H = Z @ Z.conj().T + np.eye(4)
COMPLEX = {
    "solve": (lambda a: solve(a, Y), Z),
    "inv": (inv, Z),
    "det": (det, Z),
    "slogdet": (lambda a: tuple(np.linalg.slogdet(a)), Z),
    "cholesky": (np.linalg.cholesky, H),
    "cholesky upper": (lambda a: np.linalg.cholesky(a, upper=True), H),
    "eigvalsh": (np.linalg.eigvalsh, H),
    "projectors": (lambda a: np.abs(np.linalg.eigh(a)[1]) ** 2, H),
    "function": (lambda a: function_of(np.exp, a / 10), H),
    "svd": (lambda a: np.abs(np.linalg.svd(a)[0]) ** 2, Z),
    "nuclear norm": (lambda a: norm(a, "nuc"), Z[:3]),
    "qr": (lambda a: tuple(np.linalg.qr(a)), Z[:, :3]),
    "pinv": (np.linalg.pinv, Z[:, :3]),
    "norm": (norm, Z),
    "norm 3": (lambda a: norm(a, 3, axis=0), Z),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex(name):
    f, x = COMPLEX[name]
    t, h = complex_matrix(*x.shape), 1e-6
    y, pushed = jvp(f, (x,), (t,))
    for slope, up, down in zip(*map(tuple_of, (pushed, f(x + h * t), f(x - h * t))), strict=True):
        close(slope, (up - down) / (2 * h), 1e-6)
    w = [complex_matrix(*np.shape(v)) for v in tuple_of(y)]

    def real_valued(re, im):
        return sum(np.sum(np.real(a * b)) for a, b in zip(w, tuple_of(f(re + 1j * im)), strict=True))

    g_re, g_im = grad(real_valued, (0, 1))(x.real.copy(), x.imag.copy())
    want = sum(np.sum(np.real(a * b)) for a, b in zip(w, tuple_of(pushed), strict=True))
    close(np.sum(g_re * t.real + g_im * t.imag), want, 1e-11)


@pytest.mark.parametrize("f", [np.linalg.eigh, lambda a: np.linalg.eigh(a, "U"), np.linalg.svd])
def test_complex_vectors_are_pushed_in_lapacks_phase(f):
    t, h = complex_matrix(4, 4), 1e-6
    for slope, up, down in zip(jvp(f, (H,), (t,))[1], f(H + h * t), f(H - h * t), strict=True):
        close(slope, (up - down) / (2 * h), 1e-6)


def test_functions_of_the_phase_are_refused_in_reverse():
    with pytest.raises(DerivativeError, match="depends on the phase of its complex vector"):
        grad(lambda t: np.linalg.eigh(t * H)[1][1, 0].real)(1.0)


# ---- batches

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
