"""How a name of scipy.linalg is answered: on plain arrays by SciPy itself, on traced ones by a rule."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.trace import Constant
from wengert.core.types import shape_of
from wengert.errors import ShapeError, UnsupportedError, at_line
from wengert.frontend.linalg import concrete, floating
from wengert.frontend.tables import on_constants, tracers_in


def scipy_linalg() -> Any:
    """scipy.linalg, which is loaded when it is first wanted."""
    import scipy.linalg  # loaded by those who use it

    return scipy.linalg


def for_traced(rule: Callable[..., Any]) -> Callable[..., Any]:
    """SciPy's function of this name, and on traced values ``rule``."""

    @functools.wraps(rule)
    def call(*args: Any, **kwargs: Any) -> Any:
        if any(type(t) is not Constant for t in tracers_in((*args, *kwargs.values()))):
            return rule(*args, **kwargs)
        name = rule.__name__
        return on_constants(getattr(scipy_linalg(), name), args, kwargs, f"wengert.scipy.linalg.{name}")

    return call


def refused(name: str, why: str, write: str) -> Callable[..., Any]:
    """SciPy's function of this name, which on traced values says why it has no derivative."""

    def rule(*_args: Any, **_kwargs: Any) -> Any:
        raise UnsupportedError(f"wengert.scipy.linalg.{name} of a traced value: {why}{at_line()}\n  write: {write}")

    rule.__name__ = rule.__qualname__ = name
    rule.__doc__ = f"SciPy's own on plain arrays; on traced ones an UnsupportedError: {why}."
    return for_traced(rule)


def prepared(x: Any, name: str, check_finite: bool = True) -> Any:
    """An array in a type that LAPACK knows, without NaN and infinity as far as is known."""
    x = floating(x, f"scipy.linalg.{name}")
    if check_finite:
        value = concrete(x)
        if value is not None and not np.isfinite(value).all():
            raise ValueError(f"scipy.linalg.{name}: array must not contain infs or NaNs{at_line()}")
    return x


def square(a: Any, name: str, check_finite: bool = True) -> Any:
    """Square matrices in the last two axes."""
    a = prepared(a, name, check_finite)
    shape = shape_of(a)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"scipy.linalg.{name}: expected square matrix, and the shape is {shape}{at_line()}")
    return a


def matrices(a: Any, name: str, check_finite: bool = True) -> Any:
    """Matrices in the last two axes."""
    a = prepared(a, name, check_finite)
    if len(shape_of(a)) < 2:
        raise ShapeError(f"scipy.linalg.{name}: expected a matrix, and the shape is {shape_of(a)}{at_line()}")
    return a


def with_columns(solve: Callable[[Any], Any], a: Any, b: Any, name: str) -> Any:
    """``solve`` of right-hand sides, where a vector is a matrix of one column."""
    n, vector = shape_of(a)[-1], len(shape_of(b)) == 1
    rows = shape_of(b)[0] if vector else shape_of(b)[-2] if shape_of(b) else None
    if rows != n:
        raise ShapeError(
            f"scipy.linalg.{name}: shapes of a {shape_of(a)} and b {shape_of(b)} are incompatible: b needs {n} rows"
            f"{at_line()}\n  write: b of shape (n,) for one vector, (..., n, k) for k columns"
        )
    x = solve(b[:, None] if vector else b)
    return x[..., 0] if vector else x
