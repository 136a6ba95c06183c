"""scipy.linalg, on plain and on traced arrays.

On plain arrays these are SciPy's own functions. SciPy hands no traced value on, so that inside a differentiated
function its names are to be called from here. What has no rule refuses a traced value, and says what to write.

Example:
    >>> import numpy as np
    >>> from wengert import grad
    >>> from wengert.scipy import linalg
    >>> grad(lambda a: np.trace(linalg.expm(a)))(np.zeros((2, 2)))
    array([[1., 0.],
           [0., 1.]])
"""

from __future__ import annotations

from typing import Any

from wengert.scipy.linalg._calls import refused, scipy_linalg
from wengert.scipy.linalg._equations import (
    solve_continuous_are,
    solve_continuous_lyapunov,
    solve_discrete_are,
    solve_discrete_lyapunov,
    solve_lyapunov,
    solve_sylvester,
)
from wengert.scipy.linalg._factors import (
    cho_factor,
    cholesky,
    lu,
    lu_factor,
    null_space,
    orth,
    orthogonal_procrustes,
    polar,
    qr,
    rq,
    subspace_angles,
    svd,
    svdvals,
)
from wengert.scipy.linalg._functions import (
    coshm,
    cosm,
    expm,
    expm_frechet,
    fractional_matrix_power,
    logm,
    signm,
    sinhm,
    sinm,
    sqrtm,
    tanhm,
    tanm,
)
from wengert.scipy.linalg._spectra import eig, eigh, eigvals, eigvalsh, schur
from wengert.scipy.linalg._structured import (
    bandwidth,
    block_diag,
    circulant,
    companion,
    convolution_matrix,
    diagsvd,
    fiedler,
    hankel,
    ishermitian,
    issymmetric,
    khatri_rao,
    kron,
    leslie,
    matmul_toeplitz,
    solve_circulant,
    solve_toeplitz,
    toeplitz,
)
from wengert.scipy.linalg._systems import (
    cho_solve,
    det,
    inv,
    lstsq,
    lu_solve,
    norm,
    pinv,
    pinvh,
    solve,
    solve_banded,
    solve_triangular,
    solveh_banded,
)

funm = refused("funm", "it calls a function of numbers that may be any", "expm, logm, sqrtm, ..., or V * f(w) @ V.T")
matrix_balance = refused(
    "matrix_balance", "its scaling jumps between powers of two",
    "the balancing of wengert.stop_gradient(a), applied to a",
)  # fmt: skip

__all__ = [
    "bandwidth",
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "circulant",
    "companion",
    "convolution_matrix",
    "coshm",
    "cosm",
    "det",
    "diagsvd",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "expm",
    "expm_frechet",
    "fiedler",
    "fractional_matrix_power",
    "funm",
    "hankel",
    "inv",
    "ishermitian",
    "issymmetric",
    "khatri_rao",
    "kron",
    "leslie",
    "logm",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "matmul_toeplitz",
    "matrix_balance",
    "norm",
    "null_space",
    "orth",
    "orthogonal_procrustes",
    "pinv",
    "pinvh",
    "polar",
    "qr",
    "rq",
    "schur",
    "signm",
    "sinhm",
    "sinm",
    "solve",
    "solve_banded",
    "solve_circulant",
    "solve_continuous_are",
    "solve_continuous_lyapunov",
    "solve_discrete_are",
    "solve_discrete_lyapunov",
    "solve_lyapunov",
    "solve_sylvester",
    "solve_toeplitz",
    "solve_triangular",
    "solveh_banded",
    "sqrtm",
    "subspace_angles",
    "svd",
    "svdvals",
    "tanhm",
    "tanm",
    "toeplitz",
]


def __getattr__(name: str) -> Any:
    """What SciPy has beside these: its own, and refused for traced values."""
    if name.startswith("_"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    theirs = getattr(scipy_linalg(), name)
    if not callable(theirs) or isinstance(theirs, type):
        return theirs
    return refused(name, "it has no derivative rule in this version", "functions of wengert.scipy.linalg that have one")


def __dir__() -> list[str]:
    return sorted({*__all__, *scipy_linalg().__all__})
