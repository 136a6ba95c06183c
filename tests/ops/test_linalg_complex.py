"""Complex matrices: cotangents are transposed, not conjugated."""

import numpy as np
import pytest
from tests.ops._linalg_shared import close, complex_matrix, det, function_of, inv, norm, solve, tuple_of

from wengert import grad, jvp
from wengert.errors import DerivativeError

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
