"""What the tests of matrices share: random ones, comparisons, functions of them."""

import numpy as np

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
