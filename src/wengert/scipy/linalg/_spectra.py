"""Eigenvalues and eigenvectors, and Schur's form."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import dtype_of, shape_of
from wengert.errors import ShapeError, UnsupportedError, at_line
from wengert.frontend.linalg import concrete
from wengert.frontend.linalg_spectra import is_real
from wengert.ops import eigen, factorisations, spectra, splitting
from wengert.ops import linalg as ops
from wengert.ops.elementwise import stop_gradient
from wengert.ops.schur import schur as schur_packed
from wengert.ops.triangular import divide_right, solve_triangular
from wengert.scipy.linalg._calls import for_traced, scipy_linalg, square

# ---- Hermitian matrices


def _reduced(a: Any, b: Any, lower: bool, kind: int) -> tuple[Any, Any]:
    """The ordinary problem that a generalised one comes to, and how its vectors come back (LAPACK's ``sygst``)."""
    if kind not in (1, 2, 3):
        raise ValueError(f'"type" keyword only accepts 1, 2, and 3, not {kind}{at_line()}')
    a, factor = eigen.seen(a, lower), factorisations.cholesky(b, upper=not lower)
    low = factor if lower else ops.adjoint(factor)
    if kind == 1:
        inner = divide_right(solve_triangular(low, a, lower=True, unit=False), ops.adjoint(low), lower=False)
    else:
        inner = ops.adjoint(low) @ a @ low
    if kind == 3:
        return inner, lambda v: low @ v
    return inner, lambda v: solve_triangular(ops.adjoint(low), v, lower=False, unit=False)


def _chosen(w: Any, by_index: Any, by_value: Any) -> slice:
    """Which of the values in ascending order are wanted."""
    if by_index is not None and by_value is not None:
        raise ValueError(f"Either index or value subset can be requested.{at_line()}")
    if by_index is not None:
        low, high = (int(k) for k in by_index)
        if not 0 <= low <= high < shape_of(w)[-1]:
            raise ValueError(
                f"Requested eigenvalue indices are not valid. Valid range is [0, {shape_of(w)[-1] - 1}]{at_line()}"
            )
        return slice(low, high + 1)
    if by_value is None:
        return slice(None)
    value = concrete(w)
    if value is None or value.ndim > 1:
        raise ShapeError(
            f"scipy.linalg.eigh with subset_by_value: how many values there are is not known (or not the same) here"
            f"{at_line()}\n  write: subset_by_index=(low, high)"
        )
    low, high = by_value
    return slice(int(np.sum(value <= low)), int(np.sum(value <= high)))


@for_traced
def eigh(
    a: Any, b: Any = None, *, lower: bool = True, eigvals_only: bool = False, overwrite_a: bool = False,
    overwrite_b: bool = False, type: int = 1, check_finite: bool = True, subset_by_index: Any = None,  # noqa: A002
    subset_by_value: Any = None, driver: Any = None,
) -> Any:  # fmt: skip
    """Eigenvalues and vectors of a Hermitian matrix, or of A v = w B v (``type`` 2: A B v = w v, 3: B A v = w v).

    One triangle of each is read. Derivatives as of :func:`numpy.linalg.eigh`, where values repeat too; the signs of
    the vectors are SciPy's.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda b: linalg.eigh(np.diag([1.0, 6.0]), b)[0][1])(np.diag([1.0, 2.0]))
        array([[ 0. ,  0. ],
               [ 0. , -1.5]])
    """
    del overwrite_a, overwrite_b
    a = square(a, "eigh", check_finite)
    back: Any = lambda v: v
    if b is not None:
        b = square(b, "eigh", check_finite)
        if shape_of(b)[-1] != shape_of(a)[-1]:
            raise ShapeError(f"wrong b dimensions {shape_of(b)}, should be {shape_of(a)}{at_line()}")
        a, back = _reduced(a, b, bool(lower), type)
    if eigvals_only:
        w = eigen.eigvalsh(a, lower=bool(lower))
        return w[..., _chosen(w, subset_by_index, subset_by_value)]
    w, v = _eigh(a, bool(lower), None if b is not None else driver or "evr")
    at = _chosen(w, subset_by_index, subset_by_value)
    return w[..., at], back(v)[..., at]


def _eigh(a: Any, lower: bool, driver: str | None) -> tuple[Any, Any]:
    """np.linalg.eigh; ``driver`` decides the signs, and with them the phases, of the vectors."""
    split = splitting.wanted(a)
    w, v = eigen.eigh(a, lower=lower) if split is None else eigen.eigh(a, lower=lower, split=split)
    value = stop_gradient(v)
    w, v = (w, v) if split is None else split.enter(w, v)
    if driver not in (None, "evd"):
        v = v * eigen.signs_of_driver(stop_gradient(a), value, lower=lower, driver=driver)
    return w, v


@for_traced
def eigvalsh(
    a: Any, b: Any = None, *, lower: bool = True, overwrite_a: bool = False, overwrite_b: bool = False,
    type: int = 1, check_finite: bool = True, subset_by_index: Any = None, subset_by_value: Any = None,  # noqa: A002
    driver: Any = None,
) -> Any:  # fmt: skip
    """The eigenvalues that :func:`eigh` gives.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.eigvalsh(a)[0])(np.diag([1.0, 3.0]))
        array([[1., 0.],
               [0., 0.]])
    """
    del overwrite_a, overwrite_b, driver
    return eigh(a, b, lower=lower, eigvals_only=True, type=type, check_finite=check_finite,
                subset_by_index=subset_by_index, subset_by_value=subset_by_value)  # fmt: skip


# ---- general matrices


@for_traced
def eig(
    a: Any, b: Any = None, left: bool = False, right: bool = True, overwrite_a: bool = False,
    overwrite_b: bool = False, check_finite: bool = True, homogeneous_eigvals: bool = False,
) -> Any:  # fmt: skip
    """Eigenvalues, which are complex always, and right eigenvectors; see :func:`numpy.linalg.eig`.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.eig(a)[0][0].real)(np.array([[2.0, 1.0], [0.0, 1.0]]))
        array([[1., 0.],
               [1., 0.]])
    """
    del overwrite_a, overwrite_b
    a = square(a, "eig", check_finite)
    _refuse_generalised("eig", b, homogeneous_eigvals)
    if left:
        raise UnsupportedError(
            f"wengert.scipy.linalg.eig with left=True on traced values is not supported{at_line()}\n"
            "  write: np.linalg.inv(v).conj().T of the right vectors v, whose columns are left ones"
        )
    if not right:
        return spectra.eigvals(a)
    w, v = spectra.eig(a)
    return w, spectra.scaled(np.real(v) if is_real(a, w, "scipy.linalg.eig") else v)


def _refuse_generalised(name: str, b: Any, homogeneous: bool) -> None:
    if b is not None or homogeneous:
        raise UnsupportedError(
            f"wengert.scipy.linalg.{name} with b= or homogeneous_eigvals on traced values is not supported{at_line()}\n"
            f"  write: {name}(np.linalg.solve(b, a)), or eigh(a, b) for Hermitian matrices"
        )


@for_traced
def eigvals(
    a: Any, b: Any = None, overwrite_a: bool = False, check_finite: bool = True, homogeneous_eigvals: bool = False
) -> Any:
    """The eigenvalues of a general matrix, which are complex always.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.eigvals(a)[0].real)(np.array([[2.0, 1.0], [0.0, 1.0]]))
        array([[1., 0.],
               [1., 0.]])
    """
    del overwrite_a
    _refuse_generalised("eigvals", b, homogeneous_eigvals)
    return spectra.eigvals(square(a, "eigvals", check_finite))


# ---- Schur's form


@for_traced
def schur(
    a: Any, output: str = "real", lwork: Any = None, overwrite_a: bool = False, sort: Any = None,
    check_finite: bool = True,
) -> Any:  # fmt: skip
    """T and Z of A = Z T Zᴴ, and with ``sort`` how many eigenvalues stand in front.

    Eigenvalues must be distinct. In the complex form the phase of each vector is arbitrary: functions that do not
    depend on it have a derivative, in reverse mode. The real form has one where all eigenvalues are real.

    Raises:
        DerivativeError: if eigenvalues repeat, or a phase matters.
        UnsupportedError: for the real form with complex eigenvalues.

    Source: Anderson and Fung 2019, "Schur decomposition sensitivity".

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.schur(a)[0][0, 0])(np.array([[2.0, 1.0], [0.0, 1.0]]))
        array([[1., 0.],
               [1., 0.]])
    """
    del lwork, overwrite_a
    if output not in ("real", "complex", "r", "c"):
        raise ValueError(f"argument must be 'real', or 'complex', not {output!r}{at_line()}")
    a = square(a, "schur", check_finite)
    if output in ("complex", "c"):
        a = a.astype(spectra.complex_dtype(dtype_of(a)))
    packed = schur_packed(a, sort=sort)
    t, z = packed[..., 0, :, :], packed[..., 1, :, :]
    if sort is None:
        return t, z
    return t, z, scipy_linalg().schur(concrete(a), output, sort=sort)[2]
