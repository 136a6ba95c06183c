"""Derivatives of systems, factorisations and spectra: published identities, differences, complex steps."""

import itertools

import numpy as np
import pytest
from tests.ops._linalg_shared import (
    GENERATOR,
    HOLOMORPHIC,
    SMOOTH,
    A,
    S,
    T,
    close,
    definite,
    det,
    function_of,
    inv,
    lower_triangle,
    matrix,
    norm,
    solve,
    symmetric,
    tuple_of,
)

from wengert import check_grads, grad, hessian, hvp, jacfwd, jacrev, jvp, vjp


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
