"""What NumPy itself says to a call: it is asked with stand-ins, plain values of the same types and shapes.

Its answer is an example of the result (of its shape, dtype and kind), its own warning, or its own error.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.trace import Constant, Tracer, plain
from wengert.core.types import Aval, aval_of
from wengert.errors import ConcretizationError

__all__ = ["answer", "known", "rehearse", "small", "stand_in"]


def known(x: Any) -> Any:
    """The plain value of ``x``; None where it is abstract, as under vmap and while staging."""
    try:
        return plain(x)
    except ConcretizationError:
        return None


def stand_in(x: Any) -> Any:
    """A plain value of the type and shape of ``x``, all ones where ``x`` is traced, which takes no memory."""
    if type(x) is Constant:
        return x.v
    if isinstance(x, Tracer):
        return _ones(aval := aval_of(x), aval.shape)
    if type(x) in (list, tuple):
        return type(x)(stand_in(e) for e in x)
    return x


def answer(function: Callable[..., Any], *args: Any, out: Any = None, **options: Any) -> Any:
    """An example of what ``function`` gives of these arguments; NumPy's error where it refuses them."""
    given = {key: stand_in(value) for key, value in options.items()}
    if out is not None:
        given["out"] = np.empty(out.shape, out.dtype) if isinstance(out, np.ndarray) else out
    with np.errstate(all="ignore"):
        return function(*[stand_in(x) for x in args], **given)


def small(x: Any) -> Any:
    """A stand-in that NumPy may write into, with at most one element along each axis."""
    if isinstance(x, np.ndarray | Tracer):
        aval = aval_of(x)
        ones = _ones(aval, tuple(min(n, 1) for n in aval.shape))
        return ones.copy() if aval.kind == "array" else ones
    if type(x) in (list, tuple):
        return type(x)(small(e) for e in x)
    return x


def _ones(aval: Aval, shape: tuple[int, ...]) -> Any:
    """Ones of a kind and dtype, which take no memory."""
    one = aval.dtype.type(1)
    if aval.kind == "array":
        return np.broadcast_to(one, shape)
    return one if aval.kind == "scalar" else one.item()


def rehearse(function: Any, *args: Any, **kwargs: Any) -> Any:
    """Run NumPy's function on small stand-ins, for its errors and for the type of its result."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*[small(x) for x in args], **{name: small(x) for name, x in kwargs.items()})
