"""Functions of matrices: exponential, logarithm, roots, powers, sign, and the unitary factor.

Values are SciPy's, which is loaded when they are first computed. The derivative of f at A along E is a block of f
of a matrix twice the size (Mathias 1996, "A chain rule for matrix functions and applications"):

    f([[A, E], [0, A]]) = [[f(A), L(A, E)], [0, f(A)]],

which holds where eigenvalues repeat and where there are too few eigenvectors, and differentiates again. Its
transpose is L(Aᵀ, ·) (Higham 2008, "Functions of Matrices", 3). Roots, signs and unitary factors solve an equation
of Sylvester's, which is cheaper.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.types import Aval, shape_of
from wengert.errors import ConcretizationError, at_line
from wengert.ops.elementwise import stop_gradient
from wengert.ops.families import general
from wengert.ops.linalg import Operands, Params, adjoint, alike, real_dtype, solve, stacked_alike
from wengert.ops.sylvester import sylvester
from wengert.ops.triangular import each

Matrix = np.ndarray[Any, Any]


def frechet(f: Callable[[Any], Any], a: Any, e: Any) -> Any:
    """L(A, E), the derivative of a function of a matrix along E."""
    # L is linear in E: of the size of one, E does not decide how the block is scaled
    size = np.max(np.abs(stop_gradient(e)), axis=(-2, -1), keepdims=True, initial=0.0)
    size = np.where(size == 0, 1, size).astype(real_dtype(e.dtype))
    n = shape_of(a)[-1]
    stack = np.broadcast_shapes(shape_of(a)[:-2], shape_of(e)[:-2])
    a, e = (np.broadcast_to(x, (*stack, n, n)) for x in (a, e / size))
    above = np.concatenate([a, e], axis=-1)
    below = np.concatenate([np.zeros_like(a), a], axis=-1)
    return f(np.concatenate([above, below], axis=-2))[..., :n, n:] * size


def scipy_function(name: str, **options: Any) -> Callable[[Matrix], Matrix]:
    """SciPy's function of a matrix, for stacks; its results in the type of the matrix."""

    def run(a: Matrix) -> Matrix:
        import scipy.linalg  # loaded by those who use it

        method = getattr(scipy.linalg, name)

        def one(m: Matrix) -> Matrix:
            with warnings.catch_warnings():  # of its own estimate, which takes float32 for float64
                warnings.simplefilter("ignore", RuntimeWarning)
                value = np.asarray(method(m, **options))
            if value.dtype.kind == "c" and a.dtype.kind != "c" and _is_complex(value, a.dtype):
                raise _complex(name)
            return np.real(value) if a.dtype.kind != "c" else value

        return each(one, a, a.shape[-2:], a.dtype)

    return run


def _is_complex(value: Matrix, dtype: np.dtype[Any]) -> bool:
    """Whether the imaginary part is more than rounding."""
    bound = 100 * value.shape[-1] * float(np.finfo(dtype).eps)
    return bool(np.max(np.abs(value.imag), initial=0.0) > bound * np.max(np.abs(value), initial=0.0))


def _complex(name: str) -> ConcretizationError:
    return ConcretizationError(
        f"scipy.linalg.{name} of a real matrix is complex where it has negative eigenvalues, which is not known "
        f"while staging{at_line()}\n  write: {name}(a.astype(complex)), which is always complex"
    )


def _function(name: str, value: Callable[..., Any], tex: str) -> Any:
    """A record for a function of a matrix, by the block rule."""
    record = general(
        name, value,
        jvp=lambda ts, _z, xs, p: frechet(lambda m: record(m, **p), xs[0], ts[0]),
        vjp=lambda g, _z, xs, _w, p: (frechet(lambda m: record(m, **p), xs[0].mT, g),),
        batch=lambda _b, xs, p: record(*xs, **p), infer=alike, reads=lambda _k, _n: (True, False), tex=tex,
    )  # fmt: skip
    return record


def _expm(a: Matrix) -> Matrix:
    import scipy.linalg  # loaded by those who use it

    return scipy.linalg.expm(a).astype(a.dtype) if a.size else a.copy()


def _power(a: Matrix, *, t: float) -> Matrix:
    return scipy_function("fractional_matrix_power", t=t)(a)


expm = _function("expm", _expm, r"e^{{{0}}}")
logm = _function("logm", scipy_function("logm"), r"\ln {0}")
fractional_power = _function("fractional_matrix_power", _power, r"{0}^t")

# ---- X² = A:  X dX + dX X = dA

sqrtm = general(
    "sqrtm", scipy_function("sqrtm"),
    jvp=lambda ts, z, _xs, _p: sylvester(z, z, ts[0]),
    vjp=lambda g, z, _xs, _w, _p: (sylvester(z.mT, z.mT, g),),
    batch=stacked_alike(lambda: sqrtm), infer=alike, reads=lambda _k, _n: (False, True), tex=r"{0}^{{1/2}}",
)  # fmt: skip

# ---- the sign S = A (A²)^(−1/2), with N = A S:  N dS + dS N = dA − S dA S (Kenney and Laub 1991, "Polar
# decomposition and matrix sign function condition estimates")


def _sign_jvp(ts: Operands, s: Any, xs: Operands, _params: Params) -> Any:
    n = xs[0] @ s
    return sylvester(n, n, ts[0] - s @ ts[0] @ s)


def _sign_vjp(g: Any, s: Any, xs: Operands, _wanted: Any, _params: Params) -> Any:
    n = (xs[0] @ s).mT
    y = sylvester(n, n, g)
    return (y - s.mT @ y @ s.mT,)


signm = general(
    "signm", scipy_function("signm"), jvp=_sign_jvp, vjp=_sign_vjp, batch=stacked_alike(lambda: signm), infer=alike,
    tex=r"\operatorname{{sign}} {0}",
)  # fmt: skip

# ---- A = U P for m ≥ n:  with K = Uᴴ dA, P Ω + Ω P = K − Kᴴ, dU = U Ω + (dA − U K) P⁻¹ (Kenney and Laub 1991)


def _unitary(a: Matrix) -> Matrix:
    u, _s, vh = np.linalg.svd(a, full_matrices=False)
    return u @ vh


def _unitary_jvp(ts: Operands, u: Any, xs: Operands, _params: Params) -> Any:
    p = adjoint(u) @ xs[0]
    p = (p + adjoint(p)) / 2
    k = adjoint(u) @ ts[0]
    du = u @ sylvester(p, p, k - adjoint(k))
    m, n = shape_of(u)[-2:]
    return du if m == n else du + solve(p.mT, (ts[0] - u @ k).mT).mT


def _unitary_infer(a: Aval) -> Aval:
    return Aval(a.shape, a.dtype, "array")


unitary = general(
    "unitary_factor", _unitary, jvp=_unitary_jvp, batch=stacked_alike(lambda: unitary), infer=_unitary_infer,
    tex=r"U({0})",
)  # fmt: skip
