"""Functions of matrices."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from wengert.core.trace import Tracer
from wengert.core.types import dtype_of, shape_of
from wengert.errors import ShapeError, at_line
from wengert.frontend.linalg import concrete, matrix_power
from wengert.ops import matrix_functions as ops
from wengert.ops.linalg import solve
from wengert.ops.spectra import complex_dtype
from wengert.scipy.linalg._calls import for_traced, scipy_linalg, square


def _fitting(a: Any, name: str, *args: Any) -> Any:
    """A real matrix as a complex one where SciPy's result is complex."""
    value = concrete(a)
    if value is None or value.dtype.kind == "c" or not value.size:
        return a
    full = np.reshape(value, (-1, *value.shape[-2:]))
    run = getattr(scipy_linalg(), name)
    with warnings.catch_warnings():  # of its own estimate, which takes float32 for float64
        warnings.simplefilter("ignore", RuntimeWarning)
        is_complex = any(np.iscomplexobj(run(m, *args)) for m in full)
    return a.astype(complex_dtype(value.dtype)) if is_complex else a


@for_traced
def expm(A: Any) -> Any:
    """The matrix e^A = Σ Aᵏ/k!, of each matrix of (..., n, n).

    Its derivative is that of Mathias 1996, to every order; value by Al-Mohy and Higham 2009, "A new scaling and
    squaring algorithm for the matrix exponential".

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.expm(a)[0, 1])(np.zeros((2, 2)))
        array([[0., 1.],
               [0., 0.]])
    """
    return ops.expm(square(A, "expm", check_finite=False))


@for_traced
def expm_frechet(A: Any, E: Any, method: Any = None, compute_expm: bool = True, check_finite: bool = True) -> Any:
    """The matrix e^A and its derivative along E, or with ``compute_expm=False`` that alone.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda e: linalg.expm_frechet(np.zeros((2, 2)), e)[1][0, 1])(np.eye(2))
        array([[0., 1.],
               [0., 0.]])
    """
    del method
    a, e = square(A, "expm_frechet", check_finite), square(E, "expm_frechet", check_finite)
    if shape_of(a) != shape_of(e):
        raise ShapeError(f"expected A and E to be the same shape, not {shape_of(a)} and {shape_of(e)}{at_line()}")
    along = ops.frechet(ops.expm, a, e)
    return (ops.expm(a), along) if compute_expm else along


@for_traced
def logm(A: Any, disp: Any = True) -> Any:
    """The principal logarithm: e^(ln A) = A. A must have no eigenvalue zero; real ones below give complex results.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.logm(a)[0, 1])(np.eye(2))
        array([[0., 1.],
               [0., 0.]])
    """
    del disp
    return ops.logm(_fitting(square(A, "logm", check_finite=False), "logm"))


@for_traced
def sqrtm(A: Any, disp: Any = True, blocksize: Any = 64) -> Any:
    """The principal root: X² = A. Its derivative solves X dX + dX X = dA; singular A have none.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.sqrtm(a)[0, 1])(4 * np.eye(2))
        array([[0.  , 0.25],
               [0.  , 0.  ]])
    """
    del disp, blocksize
    return ops.sqrtm(_fitting(square(A, "sqrtm", check_finite=False), "sqrtm"))


@for_traced
def fractional_matrix_power(A: Any, t: Any) -> Any:
    """The principal A^t for real t; in t the derivative is (ln A) A^t.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.fractional_matrix_power(a, 0.5)[0, 1])(4 * np.eye(2))
        array([[0.  , 0.25],
               [0.  , 0.  ]])
    """
    a = square(A, "fractional_matrix_power", check_finite=False)
    if isinstance(t, Tracer):
        known = concrete(t)
        a = a if known is None else _fitting(a, "fractional_matrix_power", float(np.ravel(known)[0]))
        return ops.expm(t * ops.logm(_fitting(a, "logm")))
    if t == int(t):
        return matrix_power(a, int(t))
    return ops.fractional_power(_fitting(a, "fractional_matrix_power", t), t=float(t))


@for_traced
def signm(A: Any, disp: Any = True) -> Any:
    """The sign A (A²)^(−1/2): eigenvalues go to ±1 by the sign of their real part, which must not be zero.

    Source: Kenney and Laub 1991, "Polar decomposition and matrix sign function condition estimates".

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.signm(a)[0, 1])(np.diag([2.0, -2.0]))
        array([[0. , 0.5],
               [0. , 0. ]])
    """
    del disp
    return ops.signm(square(A, "signm", check_finite=False))


# ---- trigonometric and hyperbolic: of exponentials, as SciPy computes them


def _rotating(a: Any) -> Any:
    """The matrix e^(iA)."""
    return ops.expm(1j * a)


def _is_real(a: Any) -> bool:
    return dtype_of(a).kind != "c"


@for_traced
def cosm(A: Any) -> Any:
    """The matrix cos A = (e^(iA) + e^(−iA))/2.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.cosm(a)[0, 0])(np.array([[np.pi / 2]]))
        array([[-1.]])
    """
    a = square(A, "cosm", check_finite=False)
    return np.real(_rotating(a)) if _is_real(a) else 0.5 * (_rotating(a) + _rotating(-a))


@for_traced
def sinm(A: Any) -> Any:
    """The matrix sin A = (e^(iA) − e^(−iA))/2i.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.sinm(a)[0, 0])(np.array([[0.0]]))
        array([[1.]])
    """
    a = square(A, "sinm", check_finite=False)
    return np.imag(_rotating(a)) if _is_real(a) else -0.5j * (_rotating(a) - _rotating(-a))


@for_traced
def tanm(A: Any) -> Any:
    """The matrix tan A = (cos A)⁻¹ sin A.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.tanm(a)[0, 0])(np.array([[0.0]]))
        array([[1.]])
    """
    a = square(A, "tanm", check_finite=False)
    return solve(cosm(a), sinm(a))


@for_traced
def coshm(A: Any) -> Any:
    """The matrix cosh A = (e^A + e^(−A))/2.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.coshm(a)[0, 0])(np.array([[0.0]]))
        array([[0.]])
    """
    a = square(A, "coshm", check_finite=False)
    return 0.5 * (ops.expm(a) + ops.expm(-a))


@for_traced
def sinhm(A: Any) -> Any:
    """The matrix sinh A = (e^A − e^(−A))/2.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.sinhm(a)[0, 0])(np.array([[0.0]]))
        array([[1.]])
    """
    a = square(A, "sinhm", check_finite=False)
    return 0.5 * (ops.expm(a) - ops.expm(-a))


@for_traced
def tanhm(A: Any) -> Any:
    """The matrix tanh A = (cosh A)⁻¹ sinh A.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.tanhm(a)[0, 0])(np.array([[0.0]]))
        array([[1.]])
    """
    a = square(A, "tanhm", check_finite=False)
    return solve(coshm(a), sinhm(a))
