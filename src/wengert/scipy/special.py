"""``scipy.special``, on plain and on traced arrays.

The ufuncs are SciPy's own. Functions that are no ufuncs stand here where they have a derivative; on plain arrays
they call SciPy's. Whatever else SciPy has is passed through, and refuses traced values.

Example:
    >>> import numpy as np
    >>> from wengert import grad
    >>> from wengert.scipy import special
    >>> grad(lambda x: special.polygamma(1, x))(1.0)
    -2.404113806319188
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.core.trace import Constant
from wengert.core.types import dtype_of, is_array
from wengert.errors import ConcretizationError, UnsupportedError, at_line
from wengert.frontend import special as _ufuncs
from wengert.frontend.tables import on_constants, tracers_in
from wengert.frontend.values import as_array, as_number
from wengert.ops import special_bessel as bessel
from wengert.ops import special_hyper as hyper
from wengert.ops.elementwise import cast, stop_gradient

assert _ufuncs  # enters the ufuncs' rules
# what has a rule for traced values, by SciPy's name
RULES: dict[str, Callable[..., Any]] = {}
# SciPy's functions that do no more than call ufuncs: they may be given traced values as they are
TRANSPARENT = ("assoc_laguerre", "lambertw", "softplus", "zeta")


def _rule(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function SciPy's own on plain values; on traced ones it is what is written here."""
    name = function.__name__
    original = getattr(sc, name, None)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        tracers = tracers_in((*args, *kwargs.values()))
        if original is None or any(type(t) is not Constant for t in tracers):
            return function(*args, **kwargs)
        return on_constants(original, args, kwargs, f"scipy.special.{name}")

    RULES[name] = call
    return call


def _passed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of SciPy's without a rule: on_constants says so where it is given a traced value."""

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        return on_constants(function, args, kwargs, f"scipy.special.{name}")

    return call


# ---- sums of exponentials


def _peak(a: Any, axis: Any) -> Any:
    """The largest real part along an axis, as a constant; 0 where it is infinite."""
    top = stop_gradient(np.max(np.real(a), axis=axis, keepdims=True))
    return np.where(np.isfinite(top), top, 0.0).astype(dtype_of(top))


@_rule
def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """The logarithm of Σ b e^a along an axis; with ``return_sign`` of the sum's modulus, and its sign."""
    a = as_array(a)
    a = a if dtype_of(a).kind in "fc" else np.multiply(a, 1.0)
    if b is not None:
        a, b = np.broadcast_arrays(a, as_array(b))
        a = np.where(b == 0, -np.inf, a)
    top = _peak(a, axis)
    terms = np.exp(a - top) if b is None else b * np.exp(a - top)
    if dtype_of(terms).kind == "c":
        out, sign = _log_of_complex(np.sum(terms, axis=axis, keepdims=True), return_sign)
    else:
        out, sign = _log_of_sum(terms, np.real(a) == top, axis)
        out = out if return_sign else np.where(sign < 0, np.nan, out)
    out = out + top
    if not keepdims:
        out, sign = as_number(np.squeeze(out, axis)), as_number(np.squeeze(sign, axis))
    return (out, sign) if return_sign else out


def _log_of_complex(total: Any, return_sign: bool) -> tuple[Any, Any]:
    size = np.abs(total)
    sign = total / np.where(size == 0, 1.0, size)
    return (np.log(size) if return_sign else np.log(total)), sign


def _log_of_sum(terms: Any, largest: Any, axis: Any) -> tuple[Any, Any]:
    """The logarithm of |Σ terms|, and its sign: the largest apart, so that log1p keeps what little the others add."""
    head = np.sum(np.where(largest, terms, 0.0), axis=axis, keepdims=True)
    rest = np.sum(np.where(largest, 0.0, terms), axis=axis, keepdims=True)
    none = head == 0
    safe = np.where(none, 1.0, head)
    ratio = np.where(none, rest - 1, rest / safe)
    turned = ratio < -1
    size = np.where(turned, np.log(np.where(turned, -1 - ratio, 1.0)), np.log1p(np.where(turned, 0.0, ratio)))
    return size + np.log(np.abs(safe)), np.sign(1 + ratio) * np.sign(safe)


@_rule
def softmax(x: Any, axis: Any = None) -> Any:
    """e^x / Σ e^x along an axis."""
    x = as_array(x)
    e = np.exp(x - stop_gradient(np.max(x, axis=axis, keepdims=True)))
    return e / np.sum(e, axis=axis, keepdims=True)


@_rule
def log_softmax(x: Any, axis: Any = None) -> Any:
    """Less log Σ e^x, x along an axis."""
    x = as_array(x)
    shifted = x - _peak(x, axis)
    return shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True))


# ---- gamma functions, factorials, numbers of choices


@_rule
def polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of the digamma function: (−1)^(n+1) n! ζ(n+1, x)."""
    n = _whole("polygamma", "n", n)
    higher = (-1.0) ** (n + 1) * sc.gamma(n + 1.0) * sc.zeta(n + 1, x)
    return higher if np.all(n > 0) else np.where(n == 0, sc.psi(x), higher)


@_rule
def multigammaln(a: Any, d: Any) -> Any:
    """The logarithm of Γ_d(a): d(d−1)/4 log π + Σ log Γ(a − (j−1)/2), j = 1 … d."""
    d = int(_whole("multigammaln", "d", d))
    if _certainly(np.any(a <= 0.5 * (d - 1))):
        raise ValueError(f"multigammaln: a must be greater than (d - 1)/2 = {0.5 * (d - 1)}{at_line()}")
    terms = [sc.gammaln(a - (j - 1.0) / 2) for j in range(1, d + 1)]
    return d * (d - 1) * 0.25 * np.log(np.pi) + sum(terms[1:], terms[0])


@_rule
def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """The number of k chosen out of N, continued by the gamma function; 0 where k > N or either is negative."""
    _inexact("comb", exact)
    n, k = as_number(as_array(N)), as_number(as_array(k))
    if repetition:
        return as_number(np.where((k == 0) & (n >= 0), 1.0, sc.binom(n + k - 1, k)))
    return as_number(np.where((k <= n) & (n >= 0) & (k >= 0), sc.binom(n, k), 0.0))


@_rule
def perm(N: Any, k: Any, exact: bool = False) -> Any:
    """The number of ordered choices of k out of N, continued by the gamma function."""
    _inexact("perm", exact)
    n, k = as_number(as_array(N)), as_number(as_array(k))
    return as_number(np.where((k <= n) & (n >= 0) & (k >= 0), sc.poch(n - k + 1, k), 0.0))


@_rule
def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """Γ(n + 1); 0 for n < 0, unless ``extend`` is "complex"."""
    _inexact("factorial", exact)
    n = as_array(n)
    if is_array(n) and dtype_of(n).kind == "f":
        n = cast(n, dtype=np.dtype(float))
    value = sc.gamma(n + 1)
    return value if extend == "complex" else as_number(np.where(n < 0, 0.0, value))


def _inexact(name: str, exact: bool) -> None:
    if exact:
        raise UnsupportedError(f"scipy.special.{name} with exact=True counts in whole numbers, which have no derivative"
                               f"{at_line()}\n  write: {name}(...) with exact=False")  # fmt: skip


def _whole(name: str, what: str, n: Any) -> Any:
    if tracers_in((n,)) and dtype_of(n).kind in "fc":
        raise UnsupportedError(f"scipy.special.{name} has no derivative in {what}, which is a whole number{at_line()}\n"
                               f"  write: {name} with {what} from outside the differentiated function")  # fmt: skip
    return np.asarray(n)[()]


def _certainly(condition: Any) -> bool:
    try:
        return bool(condition)
    except ConcretizationError:
        return False


# ---- Bessel functions' derivatives, and spherical ones


def _derivative_of(name: str, f: Any, phase: int) -> None:
    def derivative(v: Any, z: Any, n: Any = 1) -> Any:
        if not isinstance(n, int) or n < 0:
            raise ValueError(f"{name}: the order n of the derivative is {n!r}, and must be a whole number{at_line()}")
        v = as_array(v) if n else v
        factor, total = 1.0, f(v - n, z)
        for i in range(1, n + 1):
            factor = phase * factor * (n - i + 1) / i
            total = total + factor * f(v - n + 2 * i, z)
        return total / 2.0**n if f is not sc.kv else (-1) ** n * total / 2.0**n

    derivative.__name__ = name
    derivative.__doc__ = f"The n-th derivative of {f.__name__} in its argument."
    _rule(derivative)


for _name, _f, _phase in (
    ("jvp", sc.jv, -1), ("yvp", sc.yv, -1), ("ivp", sc.iv, 1), ("kvp", sc.kv, 1), ("h1vp", sc.hankel1, -1),
    ("h2vp", sc.hankel2, -1),
):  # fmt: skip
    _derivative_of(_name, _f, _phase)


def _spherical(name: str) -> None:
    record = getattr(bessel, name)

    def function(n: Any, z: Any, derivative: bool = False) -> Any:
        n, z = _whole(name, "n", n), as_number(as_array(z))
        if not derivative:
            return record(n, z)
        dtype = getattr(sc, name)(n, np.ones(np.shape(n) or 1, dtype_of(z)), derivative=True).dtype
        slope = record.diffs[1](1.0, None, n, z)
        return slope if dtype_of(slope) == dtype else cast(slope, dtype=dtype)

    function.__name__ = name
    function.__doc__ = f"The spherical Bessel function {name}, or its derivative."
    _rule(function)


for _name in ("spherical_jn", "spherical_yn", "spherical_in", "spherical_kn"):
    _spherical(_name)

# ---- polynomials and harmonics


@_rule
def diric(x: Any, n: Any) -> Any:
    """Dirichlet's kernel sin(nx/2)/(n sin(x/2)), which is U_{n−1}(cos x/2)/n: regular at whole turns."""
    n = _whole("diric", "n", n)
    valid = (n > 0) & (n == np.floor(n))
    m = np.where(valid, n, 1).astype(int)
    value = sc.eval_chebyu(m - 1, np.cos(as_number(as_array(x)) / 2)) / m
    return value if np.all(valid) else np.where(valid, value, np.nan)


if hasattr(sc, "legendre_p"):

    @_rule
    def legendre_p(n: Any, z: Any, *, diff_n: int = 0) -> Any:
        """The Legendre polynomial P_n(z)."""
        _no_derivatives("legendre_p", diff_n)
        return sc.eval_legendre(_whole("legendre_p", "n", n), z)


if hasattr(sc, "sph_harm_y"):

    @_rule
    def sph_harm_y(n: Any, m: Any, theta: Any, phi: Any, *, diff_n: int = 0) -> Any:
        """The spherical harmonic Y_n^m(θ, φ)."""
        _no_derivatives("sph_harm_y", diff_n)
        return hyper.sph_harm_y(_whole("sph_harm_y", "n", n), _whole("sph_harm_y", "m", m), theta, phi)


def _no_derivatives(name: str, diff_n: int) -> None:
    if diff_n:
        raise UnsupportedError(f"scipy.special.{name} with diff_n= of traced values is not supported{at_line()}\n"
                               f"  write: wengert.grad or wengert.jvp of {name}")  # fmt: skip


# ---- the namespace

globals().update(RULES)
__all__ = sorted({name for name in dir(sc) if not name.startswith("_")} | set(RULES))  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    value = getattr(sc, name)
    if isinstance(value, np.ufunc) or name in TRANSPARENT or isinstance(value, type) or not callable(value):
        return value
    if (getattr(value, "__module__", "") or "").startswith("numpy"):
        return value
    return _passed(name, value)


def __dir__() -> list[str]:
    return list(__all__)
