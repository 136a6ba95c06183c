"""What repeated eigenvalues and singular values forbid, and the test of it.

Eigenvectors are fixed up to a factor of modulus one, and where an eigenvalue repeats up to a rotation of its
eigenspace: rules divide by the gaps between eigenvalues. Where a gap is zero a derivative exists only for
functions that treat the eigenspace as a whole. The rules test that on the numbers that reach them, wherever
they are evaluated, and raise a DerivativeError where it fails; they never divide by a gap that is only noise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.types import Aval, dtype_of, shape_of
from wengert.errors import DerivativeError, at_line
from wengert.ops.elementwise import stop_gradient
from wengert.ops.families import align, general
from wengert.ops.linalg import Operands, Params

Matrix = np.ndarray[Any, Any]

# ---- values that are so close that they count as equal


def noise(*xs: Any) -> float:
    """What may be rounding, relative to the largest number in sight: that of the least precise of the operands.

    Over a gap δ a derivative has the error ε/δ: with this smallest gap, ε^⅔, it stays below ε^⅓.
    """
    return max(float(np.finfo(dtype_of(x)).eps) for x in xs) ** (2 / 3)


def as_row(w: Any) -> Any:
    """Values (..., n) as a matrix (..., 1, n)."""
    *stack, n = shape_of(w)
    return np.reshape(w, (*stack, 1, n))


def largest(x: Any) -> Any:
    """The largest modulus in each matrix, as (..., 1, 1)."""
    return np.max(np.abs(x), axis=(-2, -1), keepdims=True, initial=0.0)


def gaps_of(row: Any) -> tuple[Any, Any]:
    """w_j − w_i, and where it counts as zero: on the diagonal, and between values that repeat."""
    value = stop_gradient(row)
    return row - row.mT, np.abs(value - value.mT) <= noise(row) * largest(value)


def over_gaps(x: Any, row: Any) -> Any:
    """F ∘ X, with F_ij = 1/(w_j − w_i), and 0 where values repeat; there it has no further derivative."""
    gaps, near = gaps_of(row)
    quotient = np.where(near, 0.0, x / np.where(near, 1.0, gaps))
    return checked(quotient, row, test="second derivative", order=1)


# ---- the record that tests

TESTS: dict[str, Callable[..., None]] = {}


def _checked(x: Any, *evidence: Any, test: str, order: int) -> Any:
    if order == 0:
        TESTS[test](x, *evidence)
    return x


def _next(d: Any, xs: Operands, params: Params) -> Any:
    """A tangent or cotangent of x, which at order 1 must pass the test itself."""
    order = params["order"]
    return d if d is None or order == 0 else checked(d, *xs[1:], test=params["test"], order=order - 1)


def _batch(batched: Any, xs: Operands, params: Params) -> Any:
    x, *evidence = align(batched, xs)
    if not batched[0]:  # the test may fail for one of the batch: each has its own x
        size = next(shape_of(e)[0] for e, b in zip(evidence, batched[1:], strict=True) if b)
        x = np.broadcast_to(x, (size, *shape_of(x)))
    return checked(x, *evidence, **params)


# x itself; the test is made when x is computed (order 0) or when it is differentiated (order 1)
checked = general(
    "checked", _checked,
    jvp=lambda ts, _z, xs, p: _next(ts[0], xs, p),
    vjp=lambda g, _z, xs, _w, p: (_next(g, xs, p), *(None,) * (len(xs) - 1)),
    batch=_batch, infer=lambda x, *_e, **_p: Aval(x.shape, x.dtype, x.kind),
    reads=lambda k, n: (False, *(k == 0,) * (n - 1), False), tex="{0}", family="linear",
)  # fmt: skip


# ---- what the tests are made of


def repeats(row: Matrix) -> Matrix:
    """The pairs of different positions whose values are equal."""
    return gaps_of(row)[1] & ~np.eye(row.shape[-1], dtype=bool)


def not_scalar(x: Matrix, row: Matrix) -> Matrix:
    """Where X, restricted to the space of a value that repeats, is not a multiple of the identity."""
    n = x.shape[-1]
    diagonal = np.diagonal(x, axis1=-2, axis2=-1)
    off = np.where(np.eye(n, dtype=bool), 0.0, np.abs(x))
    uneven = np.maximum(off, np.abs(diagonal[..., None, :] - diagonal[..., :, None]))
    return repeats(row) & (uneven > noise(x, row) * largest(x))


def vanishing(row: Matrix) -> Matrix:
    """The positions, as pairs (i, i), whose value is zero."""
    return (row <= noise(row) * largest(row)) & np.eye(row.shape[-1], dtype=bool)


def refuse(row: Matrix, bad: Matrix, why: str, write: str, what: str = "eigen- or singular value") -> None:
    """Raise where a pair of positions is bad, naming the first such pair and its value."""
    if not bad.any():
        return
    *stack, i, j = (int(k) for k in np.argwhere(bad)[0])
    number = np.broadcast_to(row, (*bad.shape[:-2], 1, row.shape[-1]))[(*stack, 0, i)]
    which = f" of the matrix at index {tuple(stack)} of the stack" if stack else ""
    place = f"at position {i}" if i == j else f"repeats (positions {i} and {j})"
    raise DerivativeError(f"the {what} {number:.6g} {place}{which}: {why}{at_line()}\n  write: {write}")


def condition(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Enter a function (x, *evidence) that raises where a condition fails."""

    def enter(test: Callable[..., None]) -> Callable[..., None]:
        TESTS[name] = test
        return test

    return enter


# ---- the tests


@condition("values, forward")
def values_forward(m: Matrix, row: Matrix) -> None:
    """M = Vᴴ dA V moves the values of a space together."""
    refuse(
        row, not_scalar(m, row),
        "along this direction it splits, where the sorted values\n"
        "  have a kink, and forward mode cannot see whether what follows treats them all alike",
        "wengert.grad, which can see it, or a direction along which they stay together",
    )  # fmt: skip


@condition("values, reverse")
def values_reverse(g: Matrix, row: Matrix) -> None:
    """The values of a space carry the same weight."""
    uneven = np.abs(g - np.swapaxes(g, -1, -2)) > noise(g, row) * largest(g)
    refuse(
        row, repeats(row) & uneven,
        "the sorted values have a kink there,\n"
        "  and the function weights them differently: it has no derivative",
        "a function that treats all values alike, such as np.sum(np.log(w)), or a matrix with distinct ones",
    )  # fmt: skip


@condition("vectors, forward")
def vectors_forward(_m: Matrix, row: Matrix) -> None:
    """All values are distinct."""
    refuse(
        row, repeats(row),
        "its vectors are one choice of many, and forward mode\n"
        "  cannot see whether what follows depends on the choice",
        "wengert.grad, which can see it, or np.linalg.eigvalsh (svdvals) where only the values are used",
    )  # fmt: skip


def vectors_seen(p: Any, row: Any, g: Any, split: Any) -> Any:
    """P = Vᵀ g_V, when it has passed the tests that can be made of it."""
    if split is None:  # nobody turned the vectors: a test of them could pass by accident
        return checked(p, row, test="vectors, distinct", order=0)
    weights = () if g is None or split.apart else (as_row(g),)
    return checked(p, row, *weights, test="vectors, reverse", order=0)


def where_repeated(x: Any, row: Any) -> Any:
    """X where values repeat, and zero elsewhere; it has no further derivative."""
    value = stop_gradient(row)
    off = 1.0 - np.eye(shape_of(row)[-1], dtype=dtype_of(row))
    return checked(np.where(gaps_of(value)[1], x * off, 0.0), row, test="second derivative", order=1)


@condition("vectors, reverse")
def vectors_reverse(p: Matrix, row: Matrix, g: Matrix | None = None) -> None:
    """The choice of vectors in the space of a value that repeats does not matter, and no phase does.

    P = Vᵀ g_V is then Hermitian up to conjugation there, in whatever basis V. Where the values do not carry
    their slopes along (in a Program), the weights g of the values must moreover be equal.
    """
    if g is not None:
        values_reverse(g, row)
    turn = np.abs(p - np.conjugate(np.swapaxes(p, -1, -2)))
    refuse(
        row, repeats(row) & (turn > noise(p, row) * largest(p)),
        "its vectors are one choice of many, and the function depends\n"
        "  on the choice: it has no derivative",
        "np.linalg.eigvalsh (svdvals) where only the values are used, or a matrix with distinct values",
    )  # fmt: skip
    _no_phase(p, row)


@condition("vectors, distinct")
def vectors_distinct(p: Matrix, row: Matrix) -> None:
    """All values are distinct, and no phase matters."""
    refuse(
        row, repeats(row), "its vectors are one choice of many: no derivative is known here",
        "np.linalg.eigvalsh (svdvals) where only the values are used, or a matrix with distinct values",
    )  # fmt: skip
    _no_phase(p, row)


def _no_phase(p: Matrix, row: Matrix) -> None:
    phase = np.abs(np.imag(p)) * np.eye(p.shape[-1]) > noise(p, row) * largest(p)
    refuse(
        row, phase, "the function depends on the phase of its complex vector, which is arbitrary",
        "a function that a factor exp(iφ) on a vector leaves alone, such as np.abs(v)**2",
    )  # fmt: skip


@condition("second derivative")
def second_derivative(_x: Matrix, row: Matrix) -> None:
    """All values are distinct."""
    refuse(
        row, repeats(row), "second derivatives through its vectors do not follow from the first",
        "functions of the matrix that need no vectors (solve, det, products), or one with distinct values",
    )  # fmt: skip


@condition("full rank")
def full_rank(_x: Matrix, row: Matrix) -> None:
    """No value is zero."""
    refuse(
        row, vanishing(row), "it is zero, and the vectors that belong to zero have no derivative",
        "np.linalg.svdvals where only the values are used, or a matrix of full rank",
    )  # fmt: skip
