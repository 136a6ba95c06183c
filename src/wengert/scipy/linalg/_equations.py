"""Matrix equations of Sylvester, Lyapunov and Riccati."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import dtype_of, shape_of
from wengert.errors import ShapeError, at_line
from wengert.frontend.linalg import concrete
from wengert.ops import sylvester as ops
from wengert.ops.linalg import conj, solve
from wengert.scipy.linalg._calls import for_traced, matrices, square


@for_traced
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """The X of A X + X B = Q.

    Raises:
        LinAlgError: if A and −B have a common eigenvalue.

    Source: Bartels and Stewart 1972, "Solution of the matrix equation AX + XB = C".

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda q: linalg.solve_sylvester(np.eye(1), np.eye(1), q)[0, 0])(np.ones((1, 1)))
        array([[0.5]])
    """
    a, b, q = square(a, "solve_sylvester"), square(b, "solve_sylvester"), matrices(q, "solve_sylvester")
    if shape_of(q)[-2:] != (shape_of(a)[-1], shape_of(b)[-1]):
        raise ShapeError(
            f"scipy.linalg.solve_sylvester: shapes {shape_of(a)}, {shape_of(b)} and {shape_of(q)} do not fit"
            f"{at_line()}\n  write: q of shape (rows of a, rows of b)"
        )
    return ops.sylvester(a, b, q)


def _alike(name: str, a: Any, q: Any) -> tuple[Any, Any]:
    a, q = square(a, name), square(q, name)
    if shape_of(a)[-1] != shape_of(q)[-1]:
        raise ShapeError(f"Matrix a and q should have the same shape, not {shape_of(a)} and {shape_of(q)}{at_line()}")
    return a, q


@for_traced
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """The X of A X + X Aᴴ = Q.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda a: linalg.solve_continuous_lyapunov(a, np.eye(1))[0, 0])(np.ones((1, 1)))
        array([[-0.5]])
    """
    return ops.lyapunov(*_alike("solve_continuous_lyapunov", a, q))


@for_traced
def solve_lyapunov(a: Any, q: Any) -> Any:
    """The same as :func:`solve_continuous_lyapunov`."""
    return ops.lyapunov(*_alike("solve_lyapunov", a, q))


@for_traced
def solve_discrete_lyapunov(a: Any, q: Any, method: Any = None) -> Any:
    """The X of A X Aᴴ − X + Q = 0; ``method`` is 'direct' (a system of n² unknowns) or 'bilinear'.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> grad(lambda q: linalg.solve_discrete_lyapunov(0.5 * np.eye(1), q)[0, 0])(np.ones((1, 1)))
        array([[1.33333333]])
    """
    a, q = _alike("solve_discrete_lyapunov", a, q)
    n = shape_of(a)[-1]
    method = "bilinear" if method is None and n >= 10 else "direct" if method is None else method.lower()
    if method not in ("direct", "bilinear"):
        raise ValueError(f"Unknown solver {method}{at_line()}\n  write: method='direct' or 'bilinear'")
    return ops.discrete_lyapunov(a, q) if method == "bilinear" else _directly(a, q)


def _directly(a: Any, q: Any) -> Any:
    # (I − A ⊗ conj A) vec X = vec Q, row by row
    n = shape_of(a)[-1]
    both = np.einsum("...ij,...kl->...ikjl", a, conj(a))
    stack = shape_of(both)[:-4]
    system = np.eye(n * n, dtype=dtype_of(a)) - np.reshape(both, (*stack, n * n, n * n))
    x = solve(system, np.reshape(q, (*shape_of(q)[:-2], n * n, 1)))
    return np.reshape(x, (*shape_of(x)[:-2], n, n))


# ---- Riccati


def _operands(name: str, a: Any, b: Any, q: Any, r: Any, e: Any, s: Any) -> tuple[Any, ...]:
    a, q, r = square(a, name), square(q, name), square(r, name)
    b = matrices(b, name)
    n, m = shape_of(a)[-1], shape_of(r)[-1]
    e = np.eye(n, dtype=dtype_of(a)) if e is None else square(e, name)
    s = np.zeros((n, m), dtype_of(a)) if s is None else matrices(s, name)
    if shape_of(b)[-2:] != (n, m) or shape_of(q)[-1] != n or shape_of(s)[-2:] != (n, m) or shape_of(e)[-1] != n:
        shapes = ", ".join(f"{k} {shape_of(x)}" for k, x in zip("abqrse", (a, b, q, r, s, e), strict=True))
        raise ShapeError(f"scipy.linalg.{name}: shapes do not fit: {shapes}{at_line()}")
    for what, x in (("q", q), ("r", r)):
        value = concrete(x)
        if value is not None and not np.allclose(value, np.conjugate(np.swapaxes(value, -1, -2))):
            raise ShapeError(f"Matrix {what} should be symmetric/hermitian.{at_line()}\n  write: ({what} + {what}.T)/2")
    return a, b, q, r, s, e


@for_traced
def solve_continuous_are(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True) -> Any:
    """The stabilising X of Aᴴ X E + Eᴴ X A − (Eᴴ X B + S) R⁻¹ (Bᴴ X E + Sᴴ) + Q = 0.

    Its derivative solves an equation of Lyapunov's. Q and R are taken to be Hermitian.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> one = np.eye(1)
        >>> grad(lambda q: linalg.solve_continuous_are(0 * one, one, q, one)[0, 0])(one)  # X = √Q
        array([[0.5]])
    """
    del balanced
    return ops.continuous_riccati(*_operands("solve_continuous_are", a, b, q, r, e, s))


@for_traced
def solve_discrete_are(a: Any, b: Any, q: Any, r: Any, e: Any = None, s: Any = None, balanced: bool = True) -> Any:
    """The stabilising X of Aᴴ X A − Eᴴ X E − (Aᴴ X B + S)(R + Bᴴ X B)⁻¹(Bᴴ X A + Sᴴ) + Q = 0.

    Its derivative solves a discrete equation of Lyapunov's. Q and R are taken to be Hermitian.

    Example:
        >>> import numpy as np
        >>> from wengert import grad
        >>> from wengert.scipy import linalg
        >>> one = np.eye(1)
        >>> grad(lambda q: linalg.solve_discrete_are(0 * one, one, q, one)[0, 0])(one)  # X = Q
        array([[1.]])
    """
    del balanced
    return ops.discrete_riccati(*_operands("solve_discrete_are", a, b, q, r, e, s))
