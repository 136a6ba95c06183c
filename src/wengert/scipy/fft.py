"""scipy.fft, on plain and on traced arrays: Fourier, cosine and sine transforms.

On plain arrays these are SciPy's own functions. On traced ones the Fourier transforms are NumPy's, whose options are
the same (``overwrite_x`` and ``workers`` have no effect), and the discrete cosine and sine transforms have a record.
What has no rule (``fht``, ``ifht``) refuses a traced value.

Example:
    >>> import numpy as np
    >>> from wengert import grad
    >>> from wengert.scipy import fft
    >>> grad(lambda x: np.sum(fft.dct(x, norm="ortho") ** 2))(np.array([1.0, 2.0]))
    array([2., 4.])
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from wengert.core.trace import Constant
from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.errors import at_line
from wengert.frontend.tables import on_constants, tracers_in
from wengert.frontend.values import as_array
from wengert.ops import fft as ops
from wengert.ops.linalg import conj

# what has a rule for traced values, by SciPy's name
RULES: dict[str, Callable[..., Any]] = {}


def _scipy() -> Any:
    import scipy.fft  # loaded by those who use it

    return scipy.fft


def _named(name: str, rule: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """SciPy's function of this name, and on traced values ``rule``, or its refusal."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if rule is not None and any(type(t) is not Constant for t in tracers_in((*args, *kwargs.values()))):
            return rule(*args, **kwargs)
        return on_constants(getattr(_scipy(), name), args, kwargs, f"scipy.fft.{name}")

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"scipy.fft.{name}, of plain and of traced arrays: see SciPy's manual."
    return call


def _enter(name: str, rule: Callable[..., Any]) -> None:
    RULES[name] = _named(name, rule)


# ---- Fourier transforms, by NumPy's


def _without_plan(plan: Any) -> None:
    if plan is not None:
        raise NotImplementedError(f"Passing a precomputed plan is not yet supported by scipy.fft functions{at_line()}")


def _one_axis(function: Callable[..., Any]) -> Callable[..., Any]:
    def rule(
        x: Any, n: Any = None, axis: int = -1, norm: Any = None, overwrite_x: bool = False, workers: Any = None,
        *, plan: Any = None,
    ) -> Any:  # fmt: skip
        del overwrite_x, workers
        _without_plan(plan)
        return function(as_array(x), n, axis, norm)

    return rule


def _several_axes(function: Callable[..., Any], default: Any) -> Callable[..., Any]:
    def rule(
        x: Any, s: Any = None, axes: Any = default, norm: Any = None, overwrite_x: bool = False, workers: Any = None,
        *, plan: Any = None,
    ) -> Any:  # fmt: skip
        del overwrite_x, workers
        _without_plan(plan)
        x = as_array(x)
        return function(x, s, _axes(x, s, axes), norm)

    return rule


def _axes(x: Any, s: Any, axes: Any) -> list[int]:
    """SciPy's reading: lengths without axes are those of the last axes, and no axis may come twice."""
    if axes is None:
        axes = range(ndim_of(x)) if s is None else range(-len(_listed(s)), 0)
    found = [normalize_axis_index(operator.index(k), ndim_of(x)) for k in _listed(axes)]
    if len(set(found)) < len(found):
        raise ValueError(f"all axes must be unique{at_line()}")
    if s is not None and len(_listed(s)) != len(found):
        raise ValueError(f"when given, axes and shape arguments have to be of the same length{at_line()}")
    return found


def _listed(x: Any) -> list[Any]:
    return [x] if isinstance(x, int | np.integer) else list(x)


def _swapped(norm: Any) -> Any:
    return ops.SWAPPED.get(norm, norm)  # what is no norm is refused where it is used


def _hermitian(x: Any, s: Any, axes: Any, norm: Any) -> Any:
    return np.fft.irfftn(conj(x), s, axes, _swapped(norm))


def _to_hermitian(x: Any, s: Any, axes: Any, norm: Any) -> Any:
    return conj(np.fft.rfftn(x, s, axes, _swapped(norm)))


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    _enter(_name, _one_axis(getattr(np.fft, _name)))
for _name in ("fft", "ifft", "rfft", "irfft"):
    _enter(f"{_name}n", _several_axes(getattr(np.fft, f"{_name}n"), None))
    _enter(f"{_name}2", _several_axes(getattr(np.fft, f"{_name}n"), (-2, -1)))
for _name, _function in (("hfft", _hermitian), ("ihfft", _to_hermitian)):
    _enter(f"{_name}n", _several_axes(_function, None))
    _enter(f"{_name}2", _several_axes(_function, (-2, -1)))
for _name in ("fftshift", "ifftshift", "fftfreq", "rfftfreq"):
    _enter(_name, getattr(np.fft, _name))

# ---- cosine and sine transforms


def _trigonometric(x: Any, sines: bool, inverse: bool, kind: Any, n: Any, axis: Any, norm: Any, orthogonal: Any) -> Any:
    if kind not in (1, 2, 3, 4):
        raise ValueError(f"type must be an integer from 1 to 4, and is {kind!r}{at_line()}")
    if norm not in ops.SWAPPED:
        raise ValueError(f'Invalid norm value {norm!r}, should be "backward", "ortho" or "forward"{at_line()}')
    axis = normalize_axis_index(axis, ndim_of(x)) - ndim_of(x)
    n = shape_of(x)[axis] if n is None or n == -1 else operator.index(n)
    if n < (2 if kind == 1 and not sines else 1):
        raise ValueError(f"invalid number of data points ({n}) specified{at_line()}")
    if orthogonal is None or dtype_of(x).kind == "c":  # of complex numbers SciPy passes the option over
        orthogonal = norm == "ortho"
    return ops.trigonometric(
        ops.resize(x, ops.lengths(shape_of(x), (axis,), (n,))), sines=sines, axis=axis,
        kind={2: 3, 3: 2}.get(kind, kind) if inverse else kind, norm=ops.SWAPPED[norm] if inverse else norm,
        orthogonal=bool(orthogonal),
    )  # fmt: skip


def _along_axis(sines: bool, inverse: bool) -> Callable[..., Any]:
    def rule(
        x: Any, type: Any = 2, n: Any = None, axis: int = -1, norm: Any = None,  # noqa: A002 - SciPy's name
        overwrite_x: bool = False, workers: Any = None, orthogonalize: Any = None,
    ) -> Any:  # fmt: skip
        del overwrite_x, workers
        return _trigonometric(as_array(x), sines, inverse, type, n, axis, norm, orthogonalize)

    return rule


def _along_axes(sines: bool, inverse: bool) -> Callable[..., Any]:
    def rule(
        x: Any, type: Any = 2, s: Any = None, axes: Any = None, norm: Any = None,  # noqa: A002 - SciPy's name
        overwrite_x: bool = False, workers: Any = None, *, orthogonalize: Any = None,
    ) -> Any:  # fmt: skip
        del overwrite_x, workers
        x = as_array(x)
        axes = _axes(x, s, axes)
        for n, axis in zip([None] * len(axes) if s is None else _listed(s), axes, strict=True):
            x = _trigonometric(x, sines, inverse, type, n, axis, norm, orthogonalize)
        return x

    return rule


for _name, _sines, _inverse in (
    ("dct", False, False),
    ("idct", False, True),
    ("dst", True, False),
    ("idst", True, True),
):
    _enter(_name, _along_axis(_sines, _inverse))
    _enter(f"{_name}n", _along_axes(_sines, _inverse))


@functools.cache
def __getattr__(name: str) -> Any:
    if name in RULES:
        return RULES[name]
    found = getattr(_scipy(), name)
    return found if not callable(found) or isinstance(found, type) else _named(name)


def __dir__() -> list[str]:
    return sorted(_scipy().__all__)
