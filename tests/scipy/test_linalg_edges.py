"""scipy.linalg on traced values: closed forms where eigenvalues repeat, complex matrices, refusals, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.linalg

from wengert import (
    ConcretizationError,
    DerivativeError,
    EscapeError,
    UnsupportedError,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    make_program,
    vjp,
    vmap,
)
from wengert.scipy import linalg

RNG = np.random.default_rng(8)
C, Z = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3))
A = RNG.normal(size=(3, 3))
T = RNG.normal(size=(5, 2))

# ---- where eigenvalues repeat, and where eigenvectors are too few

FUNCTIONS = {
    # name: f, its derivatives f′ and f″ at 2: there L(2I, E) = f′(2) E, and along E, F together f″(2) (EF + FE)/2
    "expm": (linalg.expm, np.exp(2), np.exp(2)),
    "logm": (linalg.logm, 1 / 2, -1 / 4),
    "sqrtm": (linalg.sqrtm, 0.5 / np.sqrt(2), -0.25 * 2**-1.5),
    "cosm": (linalg.cosm, -np.sin(2), -np.cos(2)),
    "sinm": (linalg.sinm, np.cos(2), -np.sin(2)),
    "tanm": (linalg.tanm, 1 / np.cos(2) ** 2, 2 * np.tan(2) / np.cos(2) ** 2),
    "coshm": (linalg.coshm, np.sinh(2), np.cosh(2)),
    "sinhm": (linalg.sinhm, np.cosh(2), np.sinh(2)),
    "tanhm": (linalg.tanhm, 1 / np.cosh(2) ** 2, -2 * np.tanh(2) / np.cosh(2) ** 2),
    "power": (lambda a: linalg.fractional_matrix_power(a, 1.5), 1.5 * 2**0.5, 0.75 * 2**-0.5),
    "signm": (linalg.signm, 0.0, 0.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_at_multiples_of_the_identity(name: str) -> None:
    f, first, second = FUNCTIONS[name]
    at = 2.0 * np.eye(3)
    np.testing.assert_allclose(grad(lambda a: np.sum(C * f(a)))(at), first * C, atol=1e-12)
    np.testing.assert_allclose(jvp(f, (at,), (A,))[1], first * A, atol=1e-12)
    twice = jvp(lambda a: jvp(f, (a,), (A,))[1], (at,), (C,))[1]
    np.testing.assert_allclose(twice, second * (A @ C + C @ A) / 2, atol=1e-11)


def test_at_a_matrix_without_enough_eigenvectors() -> None:
    jordan = np.array([[2.0, 1.0], [0.0, 2.0]])
    E = np.array([[0.0, 0.0], [1.0, 0.0]])
    for name in ("expm", "logm", "sqrtm"):
        h = 1e-5
        theirs = getattr(scipy.linalg, name)
        slope = (theirs(jordan + h * E) - theirs(jordan - h * E)) / (2 * h)
        np.testing.assert_allclose(jvp(getattr(linalg, name), (jordan,), (E,))[1], slope, rtol=1e-8)


def test_the_exponential_against_its_series() -> None:
    # tr e^A has the gradient (e^A)ᵀ, and along E twice Σ terms of the series
    np.testing.assert_allclose(grad(lambda a: np.trace(linalg.expm(a)))(A), scipy.linalg.expm(A).T, rtol=1e-12)
    np.testing.assert_allclose(jvp(linalg.expm, (A,), (C,))[1], scipy.linalg.expm_frechet(A, C)[1], rtol=1e-11)
    third = jacfwd(jacfwd(jacfwd(lambda t: np.sum(C * linalg.expm(t * A)))))(0.5)
    np.testing.assert_allclose(third, np.sum(C * (A @ A @ A @ scipy.linalg.expm(0.5 * A))), rtol=1e-10)


def test_determinant_of_the_exponential() -> None:
    np.testing.assert_allclose(
        grad(lambda a: linalg.det(linalg.expm(a)))(A), np.exp(np.trace(A)) * np.eye(3), atol=1e-10
    )


def test_polar_factor_where_singular_values_repeat() -> None:
    q = np.linalg.qr(A)[0]
    k = q.T @ C  # dU = Q (K − Kᵀ)/(2 s) at s Q
    np.testing.assert_allclose(grad(lambda a: np.sum(C * linalg.polar(a)[0]))(3 * q), q @ (k - k.T) / 6, atol=1e-13)


# ---- complex matrices

COMPLEX = {
    "expm": (linalg.expm, Z / 3),
    "logm": (linalg.logm, Z + 6 * np.eye(3)),
    "sqrtm": (linalg.sqrtm, Z + 6 * np.eye(3)),
    "sinm": (linalg.sinm, Z / 3),
    "solve_triangular": (lambda a: linalg.solve_triangular(a, Z, trans=2), Z),
    "cho_solve": (lambda a: linalg.cho_solve(linalg.cho_factor(a @ np.conj(a.T) + np.eye(3)), Z), Z),
    "lu": (lambda a: linalg.lu(a, p_indices=True)[1:], Z),
    "lu_solve": (lambda a: linalg.lu_solve(linalg.lu_factor(a), Z, trans=2), Z),
    "qr": (lambda a: linalg.qr(a, mode="full"), Z[:, :2]),
    "rq": (lambda a: linalg.rq(a, mode="economic"), Z[:2]),
    "polar": (linalg.polar, Z[:, :2]),
    "solve_sylvester": (lambda a: linalg.solve_sylvester(a, Z, C + 0j), Z + 3j * np.eye(3)),
    "solve_continuous_lyapunov": (lambda a: linalg.solve_continuous_lyapunov(a, Z), Z + 6 * np.eye(3)),
    "solve_discrete_lyapunov": (lambda a: linalg.solve_discrete_lyapunov(a, Z), Z / 9),
    "solve_continuous_are": (lambda a: linalg.solve_continuous_are(a, Z, np.eye(3), np.eye(3)), Z),
    "toeplitz": (lambda a: linalg.toeplitz(a[0]), Z),
    "eigh": (lambda a: np.abs(linalg.eigh(a + np.conj(a.T))[1]) ** 2, Z),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_complex(name: str) -> None:
    f, x = COMPLEX[name]
    rng = np.random.default_rng(4)
    t, h = rng.normal(size=x.shape) + 1j * rng.normal(size=x.shape), 1e-6
    ours = lambda x: f(x) if isinstance(f(x), tuple) else (f(x),)
    y, pushed = jvp(ours, (x,), (t,))
    for slope, up, down in zip(pushed, ours(x + h * t), ours(x - h * t), strict=True):
        np.testing.assert_allclose(slope, (up - down) / (2 * h), atol=2e-7 * max(1.0, np.max(np.abs(slope))))
    w = [rng.normal(size=v.shape) + 1j * rng.normal(size=v.shape) for v in y]

    def weighted(re: Any, im: Any) -> Any:
        return sum(np.sum(np.real(a * b)) for a, b in zip(w, ours(re + 1j * im), strict=True))

    in_re, in_im = grad(weighted, (0, 1))(x.real.copy(), x.imag.copy())
    want = sum(np.sum(np.real(a * b)) for a, b in zip(w, pushed, strict=True))
    np.testing.assert_allclose(np.sum(in_re * t.real + in_im * t.imag), want, rtol=1e-9)


def test_real_matrices_with_complex_functions() -> None:
    a = np.diag([1.0, -2.0, 3.0]) + 0.1 * A
    for name in ("logm", "sqrtm"):
        f = getattr(linalg, name)
        value, _ = vjp(f, a)
        np.testing.assert_allclose(value, getattr(scipy.linalg, name)(a), atol=1e-12)
        assert value.dtype == complex
        h = 1e-6
        slope = np.sum((f(a + h * C) - f(a - h * C)).imag) / (2 * h)
        np.testing.assert_allclose(np.sum(grad(lambda a, f=f: np.sum(f(a).imag))(a) * C), slope, atol=1e-8)
    program = make_program(linalg.sqrtm)(np.eye(3))
    with pytest.raises(ConcretizationError, match=r"(?s)negative eigenvalues.*a.astype\(complex\)"):
        program(a)


# ---- bases of spaces, Schur's form


def projector(basis: Any) -> Any:
    return basis @ np.conj(basis.T)


def test_spaces() -> None:
    P = RNG.normal(size=(5, 5))
    explicit = lambda a: np.sum(P * (a @ np.linalg.solve(a.T @ a, a.T)))
    np.testing.assert_allclose(grad(lambda a: np.sum(P * projector(linalg.orth(a))))(T), grad(explicit)(T), atol=1e-12)
    null = lambda a: np.sum(P * projector(linalg.null_space(a.T)))
    np.testing.assert_allclose(grad(null)(T), -grad(explicit)(T), atol=1e-12)
    np.testing.assert_allclose(jacrev(grad(null))(T), -hessian(explicit)(T), atol=1e-10)
    rows = np.stack([T, 2 * T + 1])
    np.testing.assert_allclose(vmap(grad(null))(rows), np.stack([grad(null)(a) for a in rows]), atol=1e-12)
    low = lambda b: np.sum(P * projector(linalg.orth(b[:, :1] @ b[:1, :1] * np.ones((1, 3)))))  # of rank one
    line = lambda b: np.sum(P * np.outer(b[:, 0], b[:, 0])) / np.sum(b[:, 0] ** 2)
    with pytest.warns(np.exceptions.RankWarning):
        g = grad(low)(T)
    np.testing.assert_allclose(g, grad(line)(T), atol=1e-12)
    for f in (linalg.orth, lambda a: linalg.null_space(a.T)):
        with pytest.raises(DerivativeError, match="one orthonormal basis of many"):
            grad(lambda a, f=f: f(a)[0, 0])(T)
        with pytest.raises(DerivativeError, match="forward mode cannot see"):
            jvp(lambda a, f=f: 2 * f(a), (T,), (T,))


def test_schur() -> None:
    def rebuilt(a: Any, kind: str) -> Any:
        t, z = linalg.schur(a, kind)
        return np.sum(np.real(C * (z @ t @ t @ np.conj(z.T))))

    for a in (A, np.diag([1.0, 2.0, 3.0])):  # A² again, with complex eigenvalues or real ones
        want = grad(lambda a: np.sum(C * (a @ a)))(a)
        np.testing.assert_allclose(grad(lambda a: rebuilt(a, "complex"))(a), want, atol=1e-11)
    np.testing.assert_allclose(jacrev(grad(lambda a: rebuilt(a, "real")))(np.diag([1.0, 2.0, 3.0])),
                               hessian(lambda a: np.sum(C * (a @ a)))(np.diag([1.0, 2.0, 3.0])), atol=1e-10)  # fmt: skip
    with pytest.raises(DerivativeError, match="depends on the phase"):
        grad(lambda a: linalg.schur(a + 1j * C, "complex")[1][1, 0].real)(A)
    with pytest.raises(DerivativeError, match="depends on the phase"):  # however little
        grad(lambda a: 1e-30 * linalg.schur(a + 1j * C, "complex")[1][1, 0].real)(A)
    with pytest.raises(DerivativeError, match="forward mode cannot see"):
        jvp(lambda a: 2 * linalg.schur(a, "complex")[1], (A,), (A,))
    with pytest.raises(DerivativeError, match="repeats"):
        grad(lambda a: np.sum(linalg.schur(a)[0]))(np.eye(2))
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    with pytest.raises(UnsupportedError, match=r"write: schur\(a, output='complex'\)"):
        vjp(linalg.schur, turn)
    assert vjp(lambda a: linalg.schur(a, sort="lhp"), np.diag([1.0, -2.0]))[0][2] == 1


def test_complex_schur_factors_of_stacks_of_stacks() -> None:
    def f(a: Any) -> Any:
        t, z = linalg.schur(a + 0.3j * np.tri(3))
        return np.sum(np.abs(np.diagonal(t)) ** 2) + np.sum(np.real(C * (z @ t @ t @ np.conj(z.T))))

    stack = np.arange(6.0).reshape(2, 3, 1, 1) * C + A
    got = grad(lambda a: np.sum(vmap(vmap(f))(a)))(stack)
    for at in np.ndindex(2, 3):
        np.testing.assert_allclose(got[at], grad(f)(stack[at]), rtol=1e-10, atol=1e-12)


# ---- what is refused, and bad input


@pytest.mark.parametrize(("f", "error", "text"), [
    (lambda a: linalg.funm(a, np.exp), UnsupportedError, r"(?s)wengert.scipy.linalg.funm.*test_linalg_edges.py.*\n  write: expm"),
    (lambda a: linalg.matrix_balance(a), UnsupportedError, "its scaling jumps"),
    (lambda a: linalg.hessenberg(a), UnsupportedError, "wengert.scipy.linalg.hessenberg of a traced value"),
    (lambda a: linalg.eig(a, np.eye(3)), UnsupportedError, r"eig\(np.linalg.solve\(b, a\)\)"),
    (lambda a: linalg.solve(a, np.ones(4)), ValueError, r"shapes of a \(3, 3\) and b \(4,\) are incompatible"),
    (lambda a: linalg.solve(a, np.ones(3), assume_a="odd"), ValueError, "not a recognized matrix structure"),
    (lambda a: linalg.solve(a * np.nan, np.ones(3)), ValueError, "must not contain infs or NaNs"),
    (lambda a: linalg.solve(0 * a, np.ones(3)), np.linalg.LinAlgError, "Singular matrix"),
    (lambda a: linalg.solve_triangular(0 * a, np.ones(3)), np.linalg.LinAlgError, "zero on its diagonal"),
    (lambda a: linalg.solve_triangular(a, np.ones(3), trans=5), ValueError, "trans must be"),
    (lambda a: linalg.cholesky(-a @ a.T), np.linalg.LinAlgError, "not positive definite"),
    (lambda a: linalg.expm(a[:2]), ValueError, "expected square matrix"),
    (lambda a: linalg.qr(a, mode="odd"), ValueError, "Mode argument"),
    (lambda a: linalg.polar(a, "up"), ValueError, "`side` must be"),
    (lambda a: linalg.schur(a, "odd"), ValueError, "argument must be 'real', or 'complex'"),
    (lambda a: linalg.solve_sylvester(a, -a, a), np.linalg.LinAlgError, "common eigenvalue"),
    (lambda a: linalg.solve_sylvester(a, a, a[:2]), ValueError, "do not fit"),
    (lambda a: linalg.solve_continuous_are(a, a, a, np.eye(3)), ValueError, "should be symmetric"),
    (lambda a: linalg.solve_banded((1, 1), a[:2], np.ones(3)), ValueError, "does not equal"),
    (lambda a: linalg.companion(a[0] * 0), ValueError, "first coefficient"),
    (lambda a: linalg.eigh(a, subset_by_index=(1, 7)), ValueError, "not valid"),
    (lambda a: linalg.eigh(a, type=4, b=np.eye(3)), ValueError, "only accepts 1, 2, and 3"),
])  # fmt: skip
def test_errors(f: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=text):
        vjp(f, A)


def test_no_derivative_at_singular_roots() -> None:
    with pytest.raises(np.linalg.LinAlgError, match="it does not exist here"):
        grad(lambda a: np.sum(linalg.sqrtm(a)))(np.diag([1.0, 0.0]))
    with pytest.raises(np.linalg.LinAlgError, match="it does not exist here"):
        grad(lambda a: np.sum(linalg.polar(a)[0]))(np.diag([1.0, 0.0]))


def test_scipys_own_refuses_and_names_ours() -> None:
    with pytest.raises(EscapeError):
        grad(lambda a: np.sum(scipy.linalg.expm(a)))(A)


def test_flat_answers() -> None:
    def f(a: Any) -> Any:
        assert linalg.issymmetric(a @ a.T)
        assert linalg.ishermitian(a + a.T)
        assert linalg.bandwidth(np.triu(a)) == (0, 2)
        return np.sum(a * linalg.hilbert(3))

    np.testing.assert_array_equal(grad(f)(A), scipy.linalg.hilbert(3))


def test_empty() -> None:
    empty = np.zeros((0, 0))
    for f in (
        linalg.expm,
        linalg.inv,
        linalg.sqrtm,
        lambda a: linalg.solve_triangular(a, a),
        lambda a: linalg.lu(a)[2],
    ):
        assert grad(lambda a, f=f: np.sum(f(a)))(empty).shape == (0, 0)
