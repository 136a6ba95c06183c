"""numpy.fft on traced values: every function comes to one record, or two, whatever its options."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import at_line
from wengert.frontend.tables import implements, into
from wengert.frontend.values import as_array
from wengert.ops import fft as ops
from wengert.ops.linalg import conj

_NORMS = (None, "backward", "ortho", "forward")


def _checked(x: Any, n: Any, axis: Any, norm: Any) -> tuple[int, int]:
    """A length and an axis (counted from the end), or NumPy's error for them."""
    if isinstance(n, bool | np.bool_):
        raise TypeError(f"an integer is required for the number of points, not {n}{at_line()}")
    n = operator.index(n)
    if n < 1:
        raise ValueError(f"Invalid number of FFT data points ({n}) specified.{at_line()}")
    if norm not in _NORMS:
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".{at_line()}')
    return n, normalize_axis_index(axis, ndim_of(x)) - ndim_of(x)


def _delivered(value: Any, out: Any) -> Any:
    if out is None:
        return value
    if shape_of(out) != shape_of(value):
        raise ValueError(
            f"output array has wrong shape: {shape_of(out)}, the transform has {shape_of(value)}{at_line()}"
        )
    return into(out, value)


def _full(x: Any, s: Sequence[int], axes: Sequence[int], norm: Any, inverse: bool) -> Any:
    """Transforms along ``axes``, the last one first; one record, unless an axis comes twice."""
    pairs = [_checked(x, n, axis, norm) for n, axis in zip(s, axes, strict=True)]
    if len({axis for _, axis in pairs}) < len(pairs):
        for n, axis in reversed(pairs):
            x = ops.fft(x, s=(n,), axes=(axis,), inverse=inverse, norm=norm)
        return x
    if not pairs:
        return x
    return ops.fft(x, s=tuple(n for n, _ in pairs), axes=tuple(k for _, k in pairs), inverse=inverse, norm=norm)


def _length(x: Any, axis: Any) -> int:
    return shape_of(x)[normalize_axis_index(axis, ndim_of(x))]


def _half(x: Any, n: Any, axis: Any, norm: Any) -> Any:
    if dtype_of(x).kind == "c":
        raise TypeError(
            f"rfft is of real numbers, and this array is of {dtype_of(x)}{at_line()}\n  write: np.fft.fft, or x.real"
        )
    n, axis = _checked(x, _length(x, axis) if n is None else n, axis, norm)
    return ops.rfft(x, n=n, axis=axis, norm=norm)


def _from_half(x: Any, n: Any, axis: Any, norm: Any) -> Any:
    n, axis = _checked(x, 2 * (_length(x, axis) - 1) if n is None else n, axis, norm)
    return ops.irfft(x, n=n, axis=axis, norm=norm)


# ---- along one axis


def _one_axis(inverse: bool) -> Any:
    def rule(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
        x = as_array(a)
        return _delivered(_full(x, (_length(x, axis) if n is None else n,), (axis,), norm, inverse), out)

    return rule


fft = implements(np.fft.fft)(_one_axis(inverse=False))
ifft = implements(np.fft.ifft)(_one_axis(inverse=True))


@implements(np.fft.rfft)
def rfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    return _delivered(_half(as_array(a), n, axis, norm), out)


@implements(np.fft.irfft)
def irfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    return _delivered(_from_half(as_array(a), n, axis, norm), out)


def _swapped(norm: Any) -> Any:
    return ops.SWAPPED.get(norm, norm)  # what is no norm is refused where it is used


@implements(np.fft.hfft)
def hfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    return _delivered(_from_half(conj(as_array(a)), n, axis, _swapped(norm)), out)


@implements(np.fft.ihfft)
def ihfft(a: Any, n: Any = None, axis: Any = -1, norm: Any = None, out: Any = None) -> Any:
    return _delivered(conj(_half(as_array(a), n, axis, _swapped(norm))), out)


# ---- along several axes


def _several(x: Any, s: Any, axes: Any, halved: bool = False) -> tuple[list[Any], list[Any]]:
    """Lengths and axes as NumPy reads them; with ``halved`` the last axis holds half of the frequencies."""
    ndim = ndim_of(x)
    if axes is None:
        if s is not None:
            _deprecated("s without axes; write: axes=range(len(s))")
        axes = range(ndim) if s is None else range(-len(s), 0)
    axes = list(axes)
    if s is None:
        s = [_length(x, axis) for axis in axes]
        if halved:
            s[-1] = 2 * (s[-1] - 1)
    s = list(s)
    if len(s) != len(axes):
        raise ValueError(f"Shape and axes have different lengths: {s} and {axes}{at_line()}")
    if None in s:
        _deprecated("None among s; write: -1 for the whole axis")
    whole = [_length(x, axis) for axis in axes]
    if halved and s[-1] is None:
        s[-1] = 2 * (whole[-1] - 1)
    return [m if n is None or n == -1 else n for n, m in zip(s, whole, strict=True)], axes


def _deprecated(what: str) -> None:
    warnings.warn(f"numpy.fft with {what} (deprecated in NumPy 2.0)", DeprecationWarning, stacklevel=4)


def _all_axes(inverse: bool, default: Any) -> Any:
    def rule(a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None) -> Any:
        x = as_array(a)
        s, axes = _several(x, s, axes)
        return _delivered(_full(x, s, axes, norm, inverse), out)

    return rule


def _real_axes(default: Any) -> Any:
    def rule(a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None) -> Any:
        x = as_array(a)
        s, axes = _several(x, s, axes)
        half = _half(x, s[-1], axes[-1], norm)
        return _delivered(_full(half, s[:-1], axes[:-1], norm, inverse=False), out)

    return rule


def _real_axes_back(default: Any) -> Any:
    def rule(a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None) -> Any:
        x = as_array(a)
        s, axes = _several(x, s, axes, halved=True)
        full = _full(x, s[-2::-1], axes[-2::-1], norm, inverse=True)  # NumPy begins with the first axis here
        return _delivered(_from_half(full, s[-1], axes[-1], norm), out)

    return rule


for _name, _rule in (("fft", _all_axes(False, None)), ("ifft", _all_axes(True, None)),
                     ("rfft", _real_axes(None)), ("irfft", _real_axes_back(None))):  # fmt: skip
    implements(getattr(np.fft, f"{_name}n"))(_rule)
for _name, _rule in (("fft", _all_axes(False, (-2, -1))), ("ifft", _all_axes(True, (-2, -1))),
                     ("rfft", _real_axes((-2, -1))), ("irfft", _real_axes_back((-2, -1)))):  # fmt: skip
    implements(getattr(np.fft, f"{_name}2"))(_rule)

# ---- the order of frequencies


def _shifted(sign: int) -> Any:
    def rule(x: Any, axes: Any = None) -> Any:
        x = as_array(x)
        shape = shape_of(x)
        if axes is None:
            axes = tuple(range(len(shape)))
        if isinstance(axes, int | np.integer):
            return np.roll(x, sign * (_length(x, axes) // 2), axes)
        return np.roll(x, [sign * (_length(x, axis) // 2) for axis in axes], axes)

    return rule


fftshift = implements(np.fft.fftshift)(_shifted(1))
ifftshift = implements(np.fft.ifftshift)(_shifted(-1))
