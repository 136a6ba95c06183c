"""Covariances and correlations, after NumPy's definitions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import at_line
from wengert.frontend.products import dot
from wengert.frontend.quantiles import known_or
from wengert.frontend.reductions import as_dtype, average
from wengert.frontend.tables import implements
from wengert.frontend.values import as_array
from wengert.ops.elementwise import stop_gradient


def _rows(m: Any, name: str, dtype: Any, rowvar: Any) -> Any:
    """Variables as rows, their observations in columns."""
    if ndim_of(m) > 2:
        raise ValueError(f"{name} has more than 2 dimensions: its shape is {shape_of(m)}{at_line()}")
    x = as_dtype(m, np.dtype(dtype))
    x = np.reshape(x, (1,) * (2 - ndim_of(x)) + shape_of(x))
    # of a second set of variables a single row stays one
    turn = not rowvar and (ndim_of(m) != 1 if name == "m" else shape_of(x)[0] != 1)
    return x.T if turn else x


def _weights(given: Any, name: str, count: int) -> Any:
    """Frequencies or weights of observations, one for each."""
    w = as_dtype(as_array(given), np.dtype(float))
    values = known_or(w, 0.0)
    if name == "fweights" and not np.all(values == np.around(values)):
        raise TypeError("fweights must be integer")
    if ndim_of(w) > 1:
        raise RuntimeError(f"cannot handle multidimensional {name}")
    if shape_of(w)[0] != count:
        raise RuntimeError(f"incompatible numbers of samples and {name}")
    if np.any(values < 0):
        raise ValueError(f"{name} cannot be negative")
    return w


@implements(np.cov)
def cov(
    m: Any, y: Any = None, rowvar: Any = True, bias: Any = False, ddof: Any = None, fweights: Any = None,
    aweights: Any = None, *, dtype: Any = None,
) -> Any:  # fmt: skip
    """X W Xᴴ / f of the deviations X from the means; f is the number of observations less ``ddof``."""
    if ddof is not None and ddof != int(ddof):
        raise ValueError("ddof must be integer")
    parts = [as_array(v) for v in (m, y) if v is not None]
    dtype = np.result_type(*map(dtype_of, parts), np.float64) if dtype is None else np.dtype(dtype)
    rows = [_rows(part, name, dtype, rowvar) for part, name in zip(parts, "my", strict=False)]
    if not shape_of(rows[0])[0]:
        return np.empty((0, 0))
    x = np.concatenate(rows, axis=0) if len(rows) > 1 else rows[0]
    ddof = (1 if bias == 0 else 0) if ddof is None else ddof
    n = shape_of(x)[1]
    frequencies = None if fweights is None else _weights(fweights, "fweights", n)
    aw = None if aweights is None else _weights(aweights, "aweights", n)
    w = frequencies if aw is None else aw if frequencies is None else frequencies * aw
    centre, total = average(x, axis=1, weights=w, returned=True)
    total = total[0]
    free = n - ddof if w is None else total if ddof == 0 else total - ddof
    if aw is not None and ddof != 0:
        free = total - ddof * np.sum(w * aw) / total
    free = _positive(free)
    d = x - centre[:, None]
    turned = (d if w is None else d * w).T
    value = dot(d, np.conjugate(turned) if dtype.kind == "c" else turned) * np.true_divide(1, free)
    return np.squeeze(as_dtype(value, dtype))


def _positive(free: Any) -> Any:
    if np.any(known_or(free, 1) <= 0):
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=3)
        return 0.0
    return free


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: Any = True, *, dtype: Any = None) -> Any:
    """Covariances over the products of deviations, brought to [−1, 1] where they are rounded beyond.

    The bounds are those of the rounding, not of the function: the derivative passes through them.
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if not ndim_of(c):
        return c[()] / c[()]
    deviation = np.sqrt(np.real(np.diagonal(c)))
    c = c / deviation[:, None] / deviation[None, :]
    return c + stop_gradient(_bounded(stop_gradient(c)))


def _bounded(c: Any) -> Any:
    """What brings the parts of ``c`` to [−1, 1]; zero nearly everywhere."""
    if dtype_of(c).kind == "c":
        return _bounded(np.real(c)) + 1j * _bounded(np.imag(c))
    return np.where(np.absolute(c) > 1, np.sign(c) - c, dtype_of(c).type(0))
