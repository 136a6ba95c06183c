"""numpy.linalg on traced values: eigenvalues and eigenvectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.linalg._linalg import EighResult, EigResult

from wengert.core.types import dtype_of
from wengert.errors import ConcretizationError, at_line
from wengert.frontend.linalg import concrete, finite, square
from wengert.frontend.tables import implements
from wengert.ops import eigen, spectra, splitting


def triangle(UPLO: str) -> bool:
    """Whether the lower triangle is meant."""
    if UPLO.upper() not in ("L", "U"):
        raise ValueError(f"UPLO argument must be 'L' or 'U', and is {UPLO!r}{at_line()}")
    return UPLO.upper() == "L"


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> EighResult:
    """Eigenvalues in ascending order, and eigenvectors.

    One triangle of A is read, and only that has a derivative, as for :func:`cholesky`. Where eigenvalues
    repeat there is one, in reverse mode, for functions that do not depend on the choice of vectors, such as
    ``V * f(w) @ V.T``; others raise a DerivativeError, and so do forward mode and second derivatives. What is
    differentiated is then given another orthonormal basis of the eigenspace than LAPACK's.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> grad(lambda A: np.linalg.eigh(A).eigenvalues[0])(np.diag([1.0, 3.0]))
        array([[1., 0.],
               [0., 0.]])
    """
    a, lower = square(a, "np.linalg.eigh"), triangle(UPLO)
    split = splitting.wanted(a)
    if split is None:
        return EighResult(*eigen.eigh(a, lower=lower))
    w, v = eigen.eigh(a, lower=lower, split=split)
    return EighResult(*split.enter(w, v))


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """The eigenvalues alone; where some repeat the function must weight them equally."""
    return eigen.eigvalsh(square(a, "np.linalg.eigvalsh"), lower=triangle(UPLO))


@implements(np.linalg.eig)
def eig(a: Any) -> EigResult:
    """Eigenvalues and right eigenvectors of a general matrix.

    As in NumPy they are real where a real matrix has real eigenvalues alone. Vectors have length one, and the
    phase that LAPACK gives them: the largest element of a complex one is real. Eigenvalues must be distinct.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> grad(lambda a: np.linalg.eig(a).eigenvalues[0])(np.array([[2.0, 1.0], [0.0, 1.0]]))
        array([[1., 0.],
               [1., 0.]])
    """
    a = finite(square(a, "np.linalg.eig"), "np.linalg.eig")
    w, v = spectra.eig(a)
    if is_real(a, w, "np.linalg.eig"):
        w, v = np.real(w), np.real(v)
    return EigResult(w, spectra.scaled(v))


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """The eigenvalues of a general matrix; where some repeat the function must weight them equally."""
    a = finite(square(a, "np.linalg.eigvals"), "np.linalg.eigvals")
    w = spectra.eigvals(a)
    return np.real(w) if is_real(a, w, "np.linalg.eigvals") else w


def is_real(a: Any, w: Any, name: str) -> bool:
    """Whether a real matrix has real eigenvalues alone, which decides the type of the result."""
    if dtype_of(a).kind == "c":
        return False
    value = concrete(w)
    if value is None:
        raise ConcretizationError(
            f"{name} of a real matrix is real or complex as its eigenvalues are, which is not known while staging"
            f"{at_line()}\n  write: {name}(a.astype(complex)), which is always complex"
        )
    return not np.any(value.imag)
