"""Matrices with a structure, made of vectors; products of them; what is known of a matrix by looking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.trace import plain
from wengert.core.types import ndim_of, shape_of
from wengert.errors import ShapeError, at_line
from wengert.frontend.moving import element_numbers, gather
from wengert.frontend.values import as_array
from wengert.ops.linalg import conj, solve
from wengert.scipy.linalg._calls import for_traced, prepared, scipy_linalg, with_columns


def _arranged(function: Callable[..., Any], *arrays: Any) -> Any:
    """What a function that only moves elements, and puts in zeros, makes of several arrays."""
    arrays = tuple(as_array(x) for x in arrays)
    start, numbers = 1, []
    for x in arrays:
        numbers.append(element_numbers(x, start))
        start += numbers[-1].size
    flat = np.concatenate([np.ravel(x) for x in arrays])
    return gather(flat, np.asarray(function(*numbers)) - 1)


@for_traced
def block_diag(*arrs: Any) -> Any:
    """The matrix with these blocks along its diagonal; a vector is a row.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.block_diag(a, 1.0)[0, 0])(np.array([[2.0]]))
        array([[1.]])
    """
    return _arranged(scipy_linalg().block_diag, *arrs)


@for_traced
def toeplitz(c: Any, r: Any = None) -> Any:
    """The matrix with first column c and first row r (or conj(c)), constant along its diagonals.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda c: np.sum(linalg.toeplitz(c)))(np.array([1.0, 2.0]))
        array([2., 2.])
    """
    c = as_array(c)
    return _arranged(scipy_linalg().toeplitz, c, conj(c) if r is None else r)


@for_traced
def circulant(c: Any) -> Any:
    """The matrix whose columns are c, each turned by one more place.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda c: np.sum(linalg.circulant(c)[0]))(np.array([1.0, 2.0]))
        array([1., 1.])
    """
    return _arranged(scipy_linalg().circulant, c)


@for_traced
def hankel(c: Any, r: Any = None) -> Any:
    """The matrix with first column c and last row r (or zeros), constant along its antidiagonals.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda c: np.sum(linalg.hankel(c)))(np.array([1.0, 2.0]))
        array([1., 2.])
    """
    if r is None:
        return _arranged(scipy_linalg().hankel, c)
    return _arranged(scipy_linalg().hankel, c, r)


@for_traced
def leslie(f: Any, s: Any) -> Any:
    """The matrix of a population with fecundities f and survivals s.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda s: np.sum(linalg.leslie(np.ones(2), s)))(np.array([0.5]))
        array([1.])
    """
    return _arranged(scipy_linalg().leslie, f, s)


@for_traced
def convolution_matrix(a: Any, n: int, mode: str = "full") -> Any:
    """The matrix that convolves a vector of length n with a.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: np.sum(linalg.convolution_matrix(a, 3)))(np.ones(2))
        array([3., 3.])
    """
    return _arranged(lambda numbers: scipy_linalg().convolution_matrix(numbers, n, mode), a)


@for_traced
def diagsvd(s: Any, M: int, N: int) -> Any:
    """The M×N matrix with singular values s on its diagonal.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda s: np.sum(linalg.diagsvd(s, 2, 3)))(np.ones(2))
        array([1., 1.])
    """
    return _arranged(lambda numbers: scipy_linalg().diagsvd(numbers, M, N), s)


@for_traced
def companion(a: Any) -> Any:
    """The companion matrix of the polynomial with coefficients a, highest first: its eigenvalues are the roots.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.companion(a)[0, 0])(np.array([2.0, 4.0, 1.0]))
        array([ 1. , -0.5,  0. ])
    """
    a = as_array(a)
    n = shape_of(a)[-1]
    if n < 2:
        raise ValueError(f"The length of `a` along the last axis must be at least 2, and the shape is {shape_of(a)}")
    value = plain_or_none(a)
    if value is not None and np.any(value[..., 0] == 0):
        raise ValueError(f"The first coefficient in `a` must not be zero.{at_line()}")
    row = -a[..., 1:] / (1.0 * a[..., :1])
    rest = np.broadcast_to(np.eye(n - 2, n - 1, dtype=row.dtype), (*shape_of(a)[:-1], n - 2, n - 1))
    return np.concatenate([row[..., None, :], rest], axis=-2)


def plain_or_none(x: Any) -> Any:
    """The numbers of a value that has some."""
    try:
        return np.asarray(plain(x))
    except TypeError:
        return None


@for_traced
def fiedler(a: Any) -> Any:
    """The symmetric matrix of |a_i − a_j|.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.fiedler(a)[0, 1])(np.array([3.0, 1.0]))
        array([ 1., -1.])
    """
    a = as_array(a)
    return np.abs(a[..., :, None] - a[..., None, :])


# ---- systems and products of such matrices


def _column_and_row(c_or_cr: Any) -> tuple[Any, Any]:
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    c = as_array(c)
    return c, conj(c) if r is None else as_array(r)


@for_traced
def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """The x of T x = b for the Toeplitz matrix of ``c`` or ``(c, r)``.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda c: linalg.solve_toeplitz(c, np.ones(1))[0])(np.array([2.0]))
        array([-0.25])
    """
    t = toeplitz_of(*_column_and_row(c_or_cr))
    a, b = prepared(t, "solve_toeplitz", check_finite), prepared(b, "solve_toeplitz", check_finite)
    return with_columns(lambda x: solve(a, x), a, b, "solve_toeplitz")


def toeplitz_of(c: Any, r: Any) -> Any:
    """The Toeplitz matrix of a column and a row, whichever of them is traced."""
    return _arranged(scipy_linalg().toeplitz, c, r)


@for_traced
def matmul_toeplitz(c_or_cr: Any, x: Any, check_finite: bool = False, workers: Any = None) -> Any:
    """T x for the Toeplitz matrix of ``c`` or ``(c, r)``.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda c: np.sum(linalg.matmul_toeplitz(c, np.ones(2))))(np.ones(2))
        array([2., 2.])
    """
    del workers
    t = toeplitz_of(*_column_and_row(c_or_cr))
    return prepared(t, "matmul_toeplitz", check_finite) @ prepared(x, "matmul_toeplitz", check_finite)


@for_traced
def solve_circulant(
    c: Any, b: Any, singular: str = "raise", tol: Any = None, caxis: int = -1, baxis: int = 0, outaxis: int = 0
) -> Any:
    """The x of C x = b for the circulant matrix of c, along axes of stacks of vectors.

    On traced values C must be regular.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda b: linalg.solve_circulant(np.array([2.0, 0.0]), b)[0])(np.ones(2))
        array([0.5, 0. ])
    """
    del tol, singular
    c, b = np.atleast_1d(prepared(c, "solve_circulant")), np.atleast_1d(prepared(b, "solve_circulant"))
    c, b = np.moveaxis(c, caxis, -1), np.moveaxis(b, baxis, -1)
    n = shape_of(c)[-1]
    if shape_of(b)[-1] != n:
        raise ShapeError(f"Shapes of c {shape_of(c)} and b {shape_of(b)} are incompatible{at_line()}")
    places = (np.arange(n)[:, None] - np.arange(n)) % n
    x = solve(c[..., places], b[..., None])[..., 0]
    return np.moveaxis(x, -1, outaxis)


@for_traced
def khatri_rao(a: Any, b: Any) -> Any:
    """The Kronecker product column by column.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: np.sum(linalg.khatri_rao(a, np.ones((3, 2)))))(np.ones((1, 2)))
        array([[3., 3.]])
    """
    a, b = as_array(a), as_array(b)
    if ndim_of(a) < 2 or ndim_of(b) < 2 or shape_of(a)[-1] != shape_of(b)[-1]:
        raise ShapeError(
            f"scipy.linalg.khatri_rao: shapes {shape_of(a)} and {shape_of(b)} need as many columns{at_line()}"
        )
    c = a[..., :, None, :] * b[..., None, :, :]
    return np.reshape(c, (*shape_of(c)[:-3], -1, shape_of(c)[-1]))


@for_traced
def kron(a: Any, b: Any) -> Any:
    """The Kronecker product of matrices; SciPy has it up to version 1.14.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: np.sum(linalg.kron(a, np.ones((2, 2)))))(np.ones((1, 1)))
        array([[4.]])
    """
    return np.kron(as_array(a), as_array(b))


# ---- answers that do not change with the numbers: yes, no, how many


def _by_looking(name: str, doc: str) -> Callable[..., Any]:
    def rule(a: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(scipy_linalg(), name)(np.asarray(plain(a)), *args, **kwargs)

    rule.__name__ = rule.__qualname__ = name
    rule.__doc__ = doc
    return for_traced(rule)


bandwidth = _by_looking("bandwidth", "How many diagonals below and above the main one are not zero: flat.")
issymmetric = _by_looking("issymmetric", "Whether a matrix is symmetric: flat.")
ishermitian = _by_looking("ishermitian", "Whether a matrix is Hermitian: flat.")
