"""What NumPy itself says to a call: it is asked with stand-ins, plain values of the same types and shapes.

Its answer is an example of the result (of its shape, dtype and kind), its own warning, or its own error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.trace import Constant, Tracer, plain
from wengert.core.types import aval_of
from wengert.errors import ConcretizationError

__all__ = ["answer", "known", "stand_in"]


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
        aval = aval_of(x)
        one = aval.dtype.type(1)
        if aval.kind == "array":
            return np.broadcast_to(one, aval.shape)
        return one if aval.kind == "scalar" else one.item()
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
