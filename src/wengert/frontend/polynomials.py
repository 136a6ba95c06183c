"""NumPy's polynomials in coefficients from the highest power down."""

from __future__ import annotations

import warnings
from operator import index
from typing import Any

import numpy as np

from wengert.core.trace import plain
from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import ConcretizationError, UnsupportedError, at_line
from wengert.frontend.asking import answer, known
from wengert.frontend.creation import CLASS_GUARDS
from wengert.frontend.numeric import floats
from wengert.frontend.tables import implements, tracers_in
from wengert.frontend.values import as_array
from wengert.ops import polynomials as ops
from wengert.ops.convolve import convolve
from wengert.ops.shape import reshape


def _coefficients(p: Any) -> Any:
    x = as_array(p.coeffs if isinstance(p, np.poly1d) else p)
    return x if ndim_of(x) else reshape(x, shape=(1,))


def _like(value: Any, *given: Any) -> Any:
    """A polynomial object where one was given."""
    return np.poly1d(value) if any(isinstance(p, np.poly1d) for p in given) else value


def _trimmed(p: Any) -> Any:
    """Without the zeros in front, where the values are known."""
    values = known(p)
    if values is None:
        return p
    places = np.flatnonzero(values)
    return p[places[0] :] if len(places) else p[-1:] * 0


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """Horner's rule."""
    if isinstance(x, np.poly1d):
        y: Any = 0
    else:
        x = as_array(x)
        y = np.zeros(shape_of(x), dtype_of(x))[()]
    p = as_array(p.coeffs if isinstance(p, np.poly1d) else p)
    if not shape_of(p)[0]:
        return np.zeros_like(x)
    for k in range(shape_of(p)[0]):
        y = y * x + p[k]
    return y


def _added(a1: Any, a2: Any, sign: int) -> Any:
    x, y = _coefficients(a1), _coefficients(a2)
    n = max(shape_of(x)[0], shape_of(y)[0])
    x, y = (np.concatenate([np.zeros(n - len(v), v.dtype), v]) if len(v) < n else v for v in (x, y))
    return _like(x + y if sign > 0 else x - y, a1, a2)


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    return _added(a1, a2, 1)


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    return _added(a1, a2, -1)


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    return _like(np.convolve(_trimmed(_coefficients(a1)), _trimmed(_coefficients(a2))), a1, a2)


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> Any:
    """Quotient and remainder, by long division."""
    x, y = _coefficients(u) + 0.0, _coefficients(v) + 0.0
    if ndim_of(x) != 1 or ndim_of(y) != 1 or not len(x) or not len(y):
        answer(np.polydiv, x, y)
    kind = np.result_type(x.dtype, y.dtype)
    m, n = len(x) - 1, len(y) - 1
    scale, rest = 1.0 / y[0], x.astype(kind)
    quotient: list[Any] = []
    for k in range(m - n + 1):
        quotient.append(scale * rest[k])
        rest = np.concatenate([rest[:k], rest[k : k + n + 1] - quotient[-1] * y, rest[k + n + 1 :]])
    q = np.stack(quotient).astype(kind) if quotient else np.zeros(1, kind)
    rest = rest[_vanished(rest, max(m - n + 1, 0)) :]
    return _like(q, u, v), _like(rest, u, v)


def _vanished(rest: Any, eliminated: int) -> int:
    """How many coefficients in front of a remainder are zero: as NumPy finds it, or those that were eliminated."""
    values, last = known(rest), shape_of(rest)[0] - 1
    if values is None:
        return min(eliminated, last)
    k = 0
    while k < last and np.allclose(values[k], 0, rtol=1e-14):
        k += 1
    return k


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    m = int(m)
    if m < 0:
        raise ValueError(f"order of derivative must be positive (see polyint), not {m}{at_line()}")
    y = as_array(p.coeffs if isinstance(p, np.poly1d) else p)
    if ndim_of(y) != 1:
        answer(np.polyder, y, m)
    for _ in range(m):
        y = y[:-1] * np.arange(len(y) - 1, 0, -1)
    return _like(y, p)


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    m, y = int(m), as_array(p.coeffs if isinstance(p, np.poly1d) else p)
    if m < 0:
        raise ValueError(f"order of integral must be positive (see polyder), not {m}{at_line()}")
    k = _coefficients(np.zeros(m) if k is None else k)
    if len(k) == 1 and m > 1:
        k = k[0] * np.ones(m)
    if len(k) < m:
        raise ValueError(f"k must be a number, or as many as there are integrations ({m}), not {len(k)}{at_line()}")
    for j in range(m):
        y = np.concatenate([y / np.arange(len(y), 0, -1), k[j : j + 1]])
    return _like(y, p)


@implements(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of each element, each by a product with the one before."""
    x = as_array(x)
    if ndim_of(x) != 1:
        raise ValueError(f"x must be a one-dimensional array or sequence, not of shape {shape_of(x)}{at_line()}")
    n, columns = shape_of(x)[0], shape_of(x)[0] if N is None else index(N)
    kind = np.promote_types(dtype_of(x), int)
    ones = np.ones((n, min(columns, 1)), kind)
    if columns < 2:
        return ones + 0 * x[:, None].astype(kind) if columns else np.zeros((n, columns), kind)
    steps = np.broadcast_to(x.astype(kind)[:, None], (n, columns - 1))
    powers = np.concatenate([ones, np.multiply.accumulate(steps, axis=1)], axis=1)
    return powers if increasing else powers[:, ::-1]


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """The coefficients of the polynomial with these roots, or the characteristic polynomial of a matrix."""
    zeros = _coefficients(seq_of_zeros)
    shape = shape_of(zeros)
    real = dtype_of(zeros).kind != "c"
    if len(shape) == 2 and shape[0] == shape[1] != 0:
        zeros = np.linalg.eigvals(floats(zeros) if known(zeros) is not None else zeros + 0j)
    elif len(shape) != 1:
        raise ValueError(f"input must be 1d or non-empty square 2d array, not of shape {shape}{at_line()}")
    if not shape_of(zeros)[0]:
        return 1.0
    zeros = floats(zeros)
    out, one = np.ones(1, dtype_of(zeros)), np.ones(1, dtype_of(zeros))
    for k in range(shape_of(zeros)[0]):
        out = convolve(out, np.concatenate([one, -zeros[k : k + 1]]))
    if dtype_of(out).kind == "c" and (real or _conjugate(known(zeros))):
        return np.real(out)
    return out


def _conjugate(values: Any) -> bool:
    """Whether each number's conjugate is among the numbers."""
    return values is not None and bool(np.all(np.sort(values) == np.sort(values.conj())))


@implements(np.roots)
def roots(p: Any) -> Any:
    """All roots. Where some coincide they have no derivative: it is infinite.

    Those of real coefficients are real or complex as the values decide, which must be known.
    """
    p = _coefficients(p)
    if ndim_of(p) != 1:
        raise ValueError(f"np.roots wants the coefficients in one row, not of shape {shape_of(p)}{at_line()}")
    p, values = floats(p), known(p)
    if values is None and dtype_of(p).kind != "c":
        raise ConcretizationError(
            f"np.roots of real coefficients is real or complex as the roots are, which is not known here{at_line()}\n"
            "  write: np.roots(p.astype(complex)), which is always complex"
        )
    places = np.arange(shape_of(p)[0]) if values is None else np.flatnonzero(values)
    if not len(places):
        return np.array([])
    none = np.zeros(shape_of(p)[0] - 1 - places[-1], dtype_of(p))
    p = p[int(places[0]) : int(places[-1]) + 1]
    if shape_of(p)[0] < 2:
        return none
    found = ops.roots(p)
    if dtype_of(p).kind != "c" and not np.any(plain(found).imag):
        found = np.real(found)
    return np.concatenate([found, none.astype(dtype_of(found))]) if len(none) else found


@implements(np.polyfit)
def polyfit(x: Any, y: Any, deg: Any, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False) -> Any:
    """The least squares polynomial, by the factors of its matrix of powers in scaled columns."""
    x, y = as_array(x) + 0.0, as_array(y) + 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer(np.polyfit, np.arange(float(len(x))) if ndim_of(x) == 1 else x, y, deg, rcond, full, w, cov)
    order = int(deg) + 1
    if np.ndim(rcond):
        raise UnsupportedError(f"np.polyfit with an array as rcond{at_line()}\n  write: one number, rcond=1e-10")
    rcond = shape_of(x)[0] * np.finfo(dtype_of(x)).eps if rcond is None else 0.0 if rcond != rcond else rcond
    matrix, target = np.vander(x, order), y
    if w is not None:
        w = as_array(w) + 0.0
        matrix, target = matrix * w[:, None], target * (w[:, None] if ndim_of(y) == 2 else w)
    scale = np.sqrt(np.sum(matrix * matrix, axis=0))
    matrix = matrix / scale
    if full or known(matrix) is not None:
        c, residuals, rank, s = np.linalg.lstsq(matrix, target, rcond)
        if full:
            return (c.T / scale).T, residuals, rank, s, rcond
        if rank != order:
            warnings.warn("Polyfit may be poorly conditioned", np.exceptions.RankWarning, stacklevel=2)
    else:
        c = np.linalg.pinv(matrix, rcond) @ target
        residuals = np.sum(np.reshape(target - matrix @ c, (shape_of(x)[0], -1)) ** 2, axis=0)
    c = (c.T / scale).T
    if not cov:
        return c
    spread = np.linalg.inv(np.dot(matrix.T, matrix)) / np.outer(scale, scale)
    factor = 1 if isinstance(cov, str) and cov == "unscaled" else residuals / (shape_of(x)[0] - order)
    return c, spread * factor if ndim_of(y) == 1 else spread[:, :, None] * factor


@implements(np.i0)
def i0(x: Any) -> Any:
    """The modified Bessel function of order 0; its derivative is that of order 1."""
    x = as_array(x)
    if dtype_of(x).kind == "c":
        raise TypeError(f"i0 not supported for complex values{at_line()}")
    x = floats(x)
    return ops.modified_bessel(x if isinstance(x, np.ndarray) else reshape(x, shape=()), order=0)


def _divided(self: Any, other: Any) -> Any:
    """``p / q`` of polynomial objects, of which NumPy does not dispatch the division."""
    if np.isscalar(other) or not tracers_in([self.coeffs, getattr(other, "coeffs", other)]):
        return _DIVIDE(self, other)
    return polydiv(self, np.poly1d(other))


_DIVIDE = np.poly1d.__truediv__
CLASS_GUARDS.append((np.poly1d, "__truediv__", _divided))


def _by_itself(function: Any) -> None:
    """NumPy's own lines, which are written in functions that have rules."""
    implements(function)(lambda *args: function.__wrapped__(*args))


for _name in ("polyval2d", "polygrid2d", "polyvalnd"):  # the last since NumPy 2.5
    _function = getattr(np.polynomial.polynomial, _name, None)
    if hasattr(_function, "__wrapped__"):
        _by_itself(_function)
