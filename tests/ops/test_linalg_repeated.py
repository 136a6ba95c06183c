"""Eigenvalues and singular values that repeat: what has a derivative there has the right one, and nothing else has any."""

import numpy as np
import pytest
import scipy.linalg
from numpy.exceptions import RankWarning
from tests.ops._linalg_shared import close, complex_matrix, function_of, inv, lower_triangle, matrix, norm, symmetric

from wengert import grad, hessian, hvp, jacrev, jvp, make_program, value_and_grad, vjp, vmap
from wengert.errors import DerivativeError
from wengert.scipy import linalg

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
    lambda a: np.linalg.eigh(a)[1][0, 0] ** 2,
    lambda a: np.linalg.eigh(a)[1][0, 1] ** 4,
    lambda a: np.sum(np.abs(np.linalg.eigh(a)[1])),
    lambda a: np.sum(C3 * np.linalg.eigh(a)[1]),
    lambda a: np.sum(C3 * np.outer(np.linalg.eigh(a)[1][:, 0], np.linalg.eigh(a)[1][:, 0])),
])  # fmt: skip
def test_other_functions_are_refused(repeated, f):
    with pytest.raises(DerivativeError, match=r"(?s)1 repeats \(positions 0 and 1\).*\n  write: "):
        grad(f)(repeated)


def mixtures(f):
    """Functions of values and vectors that look smooth where one basis is taken, and are not."""
    return [
        lambda a: np.linalg.eigh(a)[0][0] + np.sum(C3 * f(a)),
        lambda a: mixed(lambda w, v: w[0] + np.sum(C3 * ((v * np.exp(w)) @ v.T)), a),
        lambda a: mixed(lambda w, v: w[0] * np.sum(v[:, 0] ** 2) + np.trace((v * w) @ v.T), a),
        lambda a: mixed(lambda w, v: np.sum(C3 * ((v * np.exp(w)) @ v.T)) + v[0, 1] ** 4, a),
    ]


def mixed(f, a):
    w, v = np.linalg.eigh(a)
    return f(w, v)


@pytest.mark.parametrize("k", range(4))
def test_one_bad_term_among_good_ones_is_refused(repeated, k):
    f = mixtures(lambda a: a @ a)[k]
    with pytest.raises(DerivativeError, match=r"(?s)repeat.*\n  write: "):
        grad(f)(repeated)


# ---- functions of the matrix, which have one. SciPy's Fréchet derivative of exp, and closed forms, are the oracle

POINTS = {**REPEATED, "twice two": np.diag([1.0, 2.0, 2.0]), "projector": Q @ np.diag([1.0, 1.0, 0.0]) @ Q.T}


@pytest.fixture(params=POINTS)
def point(request):
    return symmetric(POINTS[request.param])


def read_from_below(g):
    """The gradient of f(A) for symmetric changes, as that of the triangle that eigh reads."""
    return lower_triangle(symmetric(g))


FUNCTIONS = {
    # f, and the gradient of ⟨C, f(A)⟩ in exact products or SciPy's Fréchet derivative, which is self-adjoint for Aᵀ
    "exp": (np.exp, lambda a, c: scipy.linalg.expm_frechet(a.T, c)[1]),
    "one": (np.ones_like, lambda a, c: 0 * a),
    "identity": (lambda w: w, lambda a, c: c),
    "cube": (lambda w: w**3, lambda a, c: a.T @ a.T @ c + a.T @ c @ a.T + c @ a.T @ a.T),
    "inverse": (lambda w: 1 / (w + 1), lambda a, c: -inv(a + np.eye(3)).T @ c @ inv(a + np.eye(3)).T),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_the_matrix(point, name):
    f, gradient = FUNCTIONS[name]
    value, g = value_and_grad(lambda a: np.sum(C3 * function_of(f, a)))(point)
    close(g, read_from_below(gradient(point, C3)), 1e-13)
    w, v = np.linalg.eigh(point)
    close(value, np.sum(C3 * ((v * f(w)) @ v.T)), 1e-14)
    assert type(value) is np.float64
    assert type(g) is np.ndarray


def test_two_terms_of_one_decomposition(point):
    # the second one alone would leave no trace in V's cotangent where log(w) = 0
    def f(a):
        w, v = np.linalg.eigh(a)
        return np.trace((v * np.exp(w)) @ v.T) + np.sum(C3 * ((v * (w**3 - w)) @ v.T))

    cube, expm = FUNCTIONS["cube"][1], FUNCTIONS["exp"][1]
    close(grad(f)(point), read_from_below(expm(point, np.eye(3)) + cube(point, C3) - C3), 1e-12)


def test_products_of_functions(point):
    def f(a):
        w, v = np.linalg.eigh(a)
        return np.sum(C3 * ((v * np.exp(w)) @ v.T @ ((v * w) @ v.T)))

    e, c = scipy.linalg.expm(point), C3  # d⟨C, e^A A⟩ = ⟨C Aᵀ, de^A⟩ + ⟨(e^A)ᵀ C, dA⟩
    close(grad(f)(point), read_from_below(FUNCTIONS["exp"][1](point, c @ point.T) + e.T @ c), 1e-12)


def test_the_log_of_the_identity_is_not_flat():
    # ln(I + E) = E + …, although log(1) = 0 leaves no trace of the element in V's cotangent
    close(grad(lambda a: function_of(np.log, a)[0, 1])(np.eye(2)), [[0, 0], [1, 0]], 1e-15)


def test_projectors_on_a_space():
    # P of the values 1, 1 beside 2: dP = −Σ over the pairs (P E R + R E P)/(2 − 1), R the other projector
    for a in (np.diag([1.0, 1.0, 2.0]), REPEATED["turned"]):
        v = np.linalg.eigh(a)[1]
        P, R = v[:, :2] @ v[:, :2].T, v[:, 2:] @ v[:, 2:].T

        def f(a):
            v = np.linalg.eigh(a)[1][:, :2]
            return np.sum(C3 * (v @ v.T))

        close(grad(f)(a), read_from_below(-(P @ C3 @ R + R @ C3 @ P)), 1e-13)


def test_singular_vectors_that_repeat():
    # of A = s Q: d(U f(S) Vᵀ) for f(s) = s is dA, for s³ it is dA AᵀA + A dAᵀ A + A Aᵀ dA, and for 1 the polar factor's
    for a in (np.eye(3), 2 * Q, np.diag([2.0, 2.0, 1.0]), 3 * Q[:, :2], 3 * Q[:2]):
        c = matrix(*a.shape)

        def of(f, c=c):
            def run(x):
                u, s, vh = np.linalg.svd(x, full_matrices=False)
                return np.sum(c * ((u * f(s)) @ vh))

            return run

        close(grad(of(lambda s: s))(a), c, 1e-12)
        close(grad(of(lambda s: s**3))(a), c @ a.T @ a + a @ c.T @ a + a @ a.T @ c, 1e-11)
    k = Q.T @ C3  # at A = 2 Q the polar factor moves by Q (K − Kᵀ)/4, K = Qᵀ dA
    close(grad(lambda a: np.sum(C3 * np.matmul(*np.linalg.svd(a)[::2])))(2 * Q), Q @ (k - k.T) / 4, 1e-13)


def test_vectors_that_come_in_pairs_are_one_choice_too():
    for f in (
        lambda u, s, vh: u[0, 0],
        lambda u, s, vh: s[0] + np.sum(C3 * (u @ vh)),
        lambda u, s, vh: np.sum(u[:, 0] * vh[0]),
    ):
        with pytest.raises(DerivativeError, match="repeat"):
            grad(lambda a, f=f: f(*np.linalg.svd(a)))(Q)


def test_complex_spaces():
    z = np.linalg.qr(complex_matrix(3, 3))[0]
    a = (z * [1.0, 1.0, 2.0]) @ z.conj().T
    a, c = (a + a.conj().T) / 2, complex_matrix(3, 3)

    def f(re, im):
        a = re + 1j * im
        w, v = np.linalg.eigh((a + a.conj().T) / 2)
        return np.sum(np.real(c.conj() * ((v * np.exp(w)) @ v.conj().T)))

    g = scipy.linalg.expm_frechet(a, c)[1]  # Re⟨C, L(A, E)⟩ = Re⟨L(A, C), E⟩ for Hermitian A
    g = (g + g.conj().T) / 2
    in_re, in_im = grad(f, (0, 1))(a.real.copy(), a.imag.copy())
    close(in_re, g.real, 1e-12)
    close(in_im, g.imag, 1e-12)


def test_batches_and_jacobians_of_what_repeats():
    stack = np.stack([symmetric(a) for a in POINTS.values()])
    f = lambda a: np.sum(C3 * function_of(np.exp, a))
    want = np.stack([grad(f)(a) for a in stack])
    close(vmap(grad(f))(stack), want, 1e-13)
    close(grad(lambda s: np.sum(vmap(f)(s)))(stack), want, 1e-13)
    close(grad(lambda s: sum(f(a) for a in s))(stack), want, 1e-13)
    J = jacrev(lambda a: function_of(np.exp, a))(np.eye(3))
    close(np.einsum("ij,ijkl->kl", C3, J), grad(f)(np.eye(3)), 1e-13)


def test_nothing_of_the_inside_comes_out():
    x = matrix(3)

    def f(x, a):
        w, v = np.linalg.eigh(a)
        return x @ ((v * np.exp(w)) @ v.T @ x), w

    (in_x, in_a), w = grad(f, (0, 1), has_aux=True)(x, np.eye(3))
    assert [type(y) for y in (in_x, in_a, w)] == [np.ndarray] * 3
    close(in_x, 2 * np.e * x, 1e-14)
    (value, w), pullback = vjp(lambda a: f(x, a), np.eye(3))
    assert type(value) is np.float64
    close(value, np.e * x @ x, 1e-14)
    assert type(pullback((1.0, np.zeros(3)))[0]) is np.ndarray
    # an outer gradient sees the numbers alone
    g = grad(lambda t: grad(lambda a: f(x, a)[0])(np.eye(3))[0, 0] * t)(2.0)
    close(g, np.e * x[0] ** 2, 1e-13)


def test_in_a_program_only_even_weights_are_known():
    # the numbers come later, and do not carry their slopes: a function that would need them is refused
    good = make_program(grad(lambda a: np.trace(function_of(np.exp, a))))(np.eye(3))
    close(good(np.eye(3)), np.e * np.eye(3), 1e-13)
    bad = make_program(grad(lambda a: np.sum(C3 * function_of(np.exp, a))))(np.eye(3))
    close(
        bad(np.diag([1.0, 2.0, 4.0])),
        grad(lambda a: np.sum(C3 * function_of(np.exp, a)))(np.diag([1.0, 2.0, 4.0])),
        1e-13,
    )
    with pytest.raises(DerivativeError, match="repeats"):
        bad(np.eye(3))


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
    with pytest.raises(DerivativeError, match="columns are independent"):
        grad(lambda a: np.sum(np.linalg.qr(a)[1]))(dependent)


def test_the_pseudoinverse_where_the_rank_is_not_full():
    b, c, weights = matrix(4, 1), matrix(1, 3), matrix(3, 4)
    f = lambda b, c: np.sum(weights * np.linalg.pinv(b @ c))
    # (b c)⁺ = cᵀ bᵀ / (|b|² |c|²)
    closed = lambda b, c: np.sum(weights * (c.T @ b.T)) / (np.sum(b * b) * np.sum(c * c))
    with pytest.warns(RankWarning, match="4×3 matrix of rank less than 3"):
        got = grad(f, (0, 1))(b, c)
    for g, w in zip(got, grad(closed, (0, 1))(b, c), strict=True):
        close(g, w, 1e-12)
    # forward mode sees the direction: along one that keeps the rank there is a derivative, along others a jump
    e = matrix(4, 1)
    along = jvp(np.linalg.pinv, (b @ c,), (e @ c,))[1]
    close(np.sum(weights * along), jvp(lambda b: closed(b, c), (b,), (e,))[1], 1e-12)
    with pytest.raises(DerivativeError, match="along a direction in which its rank grows"):
        jvp(np.linalg.pinv, (b @ c,), (matrix(4, 3),))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_single_precision(dtype):
    # C3 is float64: the cotangents are more precise than the vectors
    a = np.eye(3, dtype=np.float32)
    f = lambda a: np.sum(C3.astype(dtype) * function_of(np.exp, a))
    g = grad(f)(a)
    assert g.dtype == np.float32
    close(g, read_from_below(np.e * C3), 3e-6)  # a few ε of float32
    with pytest.raises(DerivativeError, match="repeat"):
        grad(lambda a: f(a) + np.linalg.eigh(a)[1][0, 0])(a)
    with pytest.raises(DerivativeError, match="repeat"):
        grad(lambda a: mixed(lambda w, v: w[0] + np.sum(C3.astype(dtype) * ((v * np.exp(w)) @ v.T)), a))(a)


def test_in_a_program_of_numpy():
    def f(a):  # branches, writes, a loop
        w, v = np.linalg.eigh(a)
        out = np.zeros((3, 3))
        for k in range(3):
            out += np.sin(w[k]) * np.outer(v[:, k], v[:, k])
        out[0] *= 2
        return np.sum(C3 * out) if w[0] > 0 else 0.0

    weights = C3 * np.array([[2.0], [1.0], [1.0]])
    close(grad(f)(np.eye(3)), read_from_below(np.cos(1) * weights), 1e-13)


def test_the_pseudoinverse_of_zeros():
    """The rank is kept along zeros only, and no warning is given of 0/0."""
    z = np.zeros((2, 3))
    np.testing.assert_array_equal(vmap(np.linalg.pinv)(np.stack([z, z])), np.zeros((2, 3, 2)))
    for out in jvp(np.linalg.pinv, (z,), (z,)):
        np.testing.assert_array_equal(out, z.T)
    with pytest.raises(DerivativeError, match="along a direction in which its rank grows"):
        jvp(np.linalg.pinv, (z,), (np.ones((2, 3)),))


CHOICES = {
    "eigenvectors": (lambda a: np.linalg.eigh(a)[1], np.eye(3)),
    "singular vectors": (lambda a: np.linalg.svd(a)[0], np.eye(3)),
    "the basis of a range": (linalg.orth, matrix(4, 2)),
    "the basis of a null space": (lambda a: linalg.null_space(a.T), matrix(4, 2)),
    "phases of Schur's vectors": (lambda a: np.real(linalg.schur(a + 1j * np.tri(3))[1]), matrix(3, 3)),
    "phases of eigenvectors": (lambda a: np.real(np.linalg.eig(a)[1]), matrix(3, 3)),
}


@pytest.mark.parametrize("name", CHOICES)
def test_nothing_depends_on_a_choice_that_is_multiplied_by_zero(name):
    f, a = CHOICES[name]
    np.testing.assert_array_equal(grad(lambda a: np.sum(0.0 * f(a)))(a), np.zeros_like(a))


def test_singular_vectors_with_zeros_in_them():
    """Of a diagonal matrix: functions of the vectors on one side, whose other side is not asked for."""
    d, v, h = np.diag([3.0, 2.0, 1.0]), np.arange(9.0).reshape(3, 3) - 3.5, 1e-5
    for side in (0, 2):
        f = lambda a, side=side: np.sum(np.arange(9.0).reshape(3, 3) * (a @ np.linalg.svd(a)[side] ** 2))
        close(np.sum(grad(f)(d) * v), (f(d + h * v) - f(d - h * v)) / (2 * h), 1e-8)


def test_one_matrix_is_not_a_stack():
    """The error names a place in a stack only where there is one."""
    f = lambda a: np.sum(np.linalg.eigh(a)[1])
    with pytest.raises(DerivativeError, match=r"repeats \(positions 0 and 1\): "):
        grad(f)(np.eye(3))
    with pytest.raises(
        DerivativeError, match=r"repeats \(positions 0 and 1\) of the matrix at index \(1,\) of the stack: "
    ):
        vmap(grad(f))(np.stack([np.diag([1.0, 2.0, 3.0]), np.eye(3)]))
