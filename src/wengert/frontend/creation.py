"""Arrays made inside a traced function from plain ``import numpy as np``.

``np.zeros(n)`` gives NumPy no traced operand to dispatch on. While a transform runs, the creation
functions in the ``numpy`` namespace are exchanged for guards that give, to callers outside installed
libraries and in a context that traces, constant handles that can take traced values in. Installation is
counted under a lock; a guard that outlives its transform acts as the original.
"""

from __future__ import annotations

import dis
import functools
import itertools
import os
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

import numpy as np

from wengert.core import trace as core
from wengert.core.trace import ArrayTracer, Constant, Tracer, constant, current, plain
from wengert.core.types import dtype_of, shape_of
from wengert.errors import EscapeError, at_line, is_library_file
from wengert.frontend.choosing import copy, owned
from wengert.frontend.filling import Flat
from wengert.frontend.shaping import layout, reshape
from wengert.frontend.tables import implements, tracers_in, unwrapped
from wengert.frontend.values import as_array, stacked
from wengert.ops import shape

NAMES = (
    "array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "zeros", "ones", "empty", "full",
    "zeros_like", "ones_like", "empty_like", "full_like", "arange", "linspace", "logspace", "geomspace", "eye",
    "identity", "copy", "tri", "fromiter", "fromfunction", "require", "asarray_chkfinite",
)  # fmt: skip
ORIGINALS: dict[str, Callable[..., Any]] = {name: getattr(np, name) for name in NAMES}


def make(name: str, args: Any, kwargs: Any) -> Any:
    """What a creation function gives in a traced context: a handle."""
    original = ORIGINALS[name]
    if name in ("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray"):
        return from_object(original, *args, **kwargs)
    if name in TRACED and (name == "fromiter" or tracers_in((*args, *kwargs.values()))):
        return TRACED[name](*args, **kwargs)
    try:
        return handle(original(*args, **kwargs))
    except TypeError:
        for x in tracers_in((*args, *kwargs.values())):
            plain(x)  # says why what has no value is no count, where NumPy says that it is no integer
        raise


def handle(out: Any) -> Any:
    """A constant handle on an array of numbers; anything else as it is (Python objects can be tracers)."""
    return constant(out) if type(out) is np.ndarray and out.dtype.kind in "biufc" else out


def from_object(original: Callable[..., Any], object: Any, dtype: Any = None, **kwargs: Any) -> Any:  # noqa: A002
    """np.array and its kin, of numbers, arrays, traced values and nested lists of them."""
    if type(object) is Flat:
        object, kwargs = object.elements(), {**kwargs, "copy": None}  # noqa: A001
    elif hasattr(type(object), "__array__") and not isinstance(object, np.ndarray | np.generic | Tracer):
        inner = object.__array__()  # of a user's class, which may hold a traced value
        object = inner if isinstance(inner, Tracer) else object  # noqa: A001
    if isinstance(object, Tracer):
        order = _order(original, kwargs)
        ndmin = 1 if original.__name__ in _ORDERS else kwargs.get("ndmin", 0)
        return _from_tracer(object, dtype, _wants_copy(original, object, kwargs), ndmin, order)
    if isinstance(object, list | tuple) and any(type(t) is not Constant for t in tracers_in(object)):
        out = stacked(object)
        return _from_tracer(out, dtype, False, kwargs.get("ndmin", 0))
    out = original(object, **({} if dtype is None else {"dtype": dtype}), **kwargs)
    return out if out is object else handle(out)


_ORDERS = {"ascontiguousarray": "C", "asfortranarray": "F"}  # these also give arrays with an axis at least


def _wants_copy(original: Callable[..., Any], x: Tracer, kwargs: Any) -> bool:
    """Whether NumPy gives an array of its own for an array, or the array itself."""
    if kwargs.get("copy", True if original is ORIGINALS["array"] else None):
        return True
    order = _order(original, kwargs)
    if order not in ("C", "F"):
        return False
    flags = getattr(layout(x), "flags", None)
    return flags is None or not (flags.c_contiguous if order == "C" else flags.f_contiguous)


def _order(original: Callable[..., Any], kwargs: Any) -> str:
    return _ORDERS.get(original.__name__) or kwargs.get("order") or "K"


def _from_tracer(x: Any, dtype: Any, fresh: bool, ndmin: int, order: str = "K") -> Any:
    if dtype is not None and np.dtype(dtype) != dtype_of(x):
        x = x.astype(dtype)
    elif fresh:
        x = copy(x, order)
    if x.aval.kind != "array":
        x = shape.reshape(x, shape=())
    x = owned(x) if fresh else x
    return reshape(x, (*(1,) * (ndmin - x.ndim), *x.shape)) if ndmin > x.ndim else x


def full(shape_: Any, fill_value: Any, dtype: Any = None, **_: Any) -> Any:
    """np.full with a traced value."""
    to = (shape_,) if isinstance(shape_, int | np.integer) else tuple(shape_)
    value = stacked(fill_value) if isinstance(fill_value, list | tuple) else fill_value
    out = shape.broadcast_to(value, shape=to)
    return out if dtype is None else out.astype(dtype)


# what creation functions that NumPy does not dispatch do with traced arguments
TRACED: dict[str, Callable[..., Any]] = {"full": full}


def guard(name: str) -> Callable[..., Any]:
    """The function that stands in numpy's namespace while a transform runs."""
    original = ORIGINALS[name]

    @functools.wraps(original)
    def creation(*args: Any, **kwargs: Any) -> Any:
        if current() is None:
            return original(*args, **kwargs)
        frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        if is_opaque(frame.f_code.co_filename) or not calls(frame, name):
            return original(*args, **kwargs)
        return make(name, args, kwargs)

    return creation


# NumPy's polynomials are written in NumPy as users write it
_POLYNOMIALS = os.path.join(os.path.dirname(np.__file__), "polynomial") + os.sep


@functools.cache
def is_opaque(filename: str) -> bool:
    """Whether a file is of a library that must get NumPy's own arrays."""
    return is_library_file(filename) and not filename.startswith(_POLYNOMIALS)


def calls(frame: FrameType, name: str) -> bool:
    """Whether the frame itself calls the guard: compiled functions, which have no frame, look like their caller."""
    callee = callees(frame.f_code).get(frame.f_lasti)
    if callee is None or callee == name:
        return callee is not None
    if callee == UNKNOWN:
        return name in frame.f_code.co_names
    return frame.f_locals.get(callee, frame.f_globals.get(callee)) is GUARDS[name]


UNKNOWN = "?"  # Python was started without the columns of expressions
_callees: dict[int, tuple[CodeType, dict[int, str]]] = {}


def callees(code: CodeType) -> dict[int, str]:
    """For the offsets of each call in ``code`` the last name of what it calls: of ``np.zeros(3)`` it is ``zeros``."""
    known = _callees.get(id(code))
    if known is not None:
        return known[1]
    loads: dict[Any, str] = {}  # by where an expression begins, the last name in it so far
    found: dict[int, str] = {}
    steps = list(dis.get_instructions(code))
    for step, following in itertools.pairwise(steps):
        at = step.positions
        start = None if at is None else (at.lineno, at.col_offset)
        if step.opname.startswith("LOAD_") and step.opname != "LOAD_CONST" and isinstance(step.argval, str):
            loads[start] = step.argval
        elif step.opname.startswith("CALL") and start in loads:
            callee = UNKNOWN if start is None or start[1] is None else loads[start]
            found.update(dict.fromkeys(range(step.offset, following.offset, 2), callee))
    if len(_callees) > 4096:
        _callees.clear()
    _callees[id(code)] = (code, found)
    return found


def facade(name: str) -> Callable[..., Any]:
    """The same for ``wengert.numpy``: for whoever calls it."""
    original = ORIGINALS[name]

    @functools.wraps(original)
    def creation(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs) if current() is None else make(name, args, kwargs)

    return creation


GUARDS = {name: guard(name) for name in NAMES}
# the same for methods of NumPy's classes: class, name, and what stands there from the first transform on.
# They stay: to change a class takes Python a third of a microsecond, and without a trace they are NumPy's own.
CLASS_GUARDS: list[tuple[type, str, Any]] = []
_lock = threading.Lock()
_count = 0
enabled = True


def enter() -> None:
    """Put the guards in place for the first transform that runs, in any thread."""
    global _count
    with _lock:
        if _count == 0 and enabled:
            np.__dict__.update(GUARDS)
            while CLASS_GUARDS:
                cls, name, guarded = CLASS_GUARDS.pop()
                setattr(cls, name, guarded)
        _count += 1


def leave() -> None:
    """Take them away after the last one."""
    global _count
    with _lock:
        _count -= 1
        if _count == 0:
            np.__dict__.update(ORIGINALS)


core.ENTER.append(enter)
core.LEAVE.append(leave)


# ---- the _like functions and those with traced arguments, which NumPy does dispatch


def _like(name: str) -> Any:
    original = ORIGINALS[name]

    def rule(a: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None, **device: Any) -> Any:
        if device or subok is not True:
            original(0.0, subok=subok, **device)  # NumPy's own error, if it is one
        return constant(original(prototype(a), dtype_of(a) if dtype is None else dtype, order, shape=shape))

    return rule


def prototype(a: Any) -> Any:
    """A plain array of the shape of ``a`` that lies in memory as it does, where that is known."""
    plain = layout(a) if isinstance(a, ArrayTracer) else None
    return ORIGINALS["empty"](shape_of(a)) if plain is None else plain


implements(np.zeros_like)(_like("zeros_like"))
implements(np.ones_like)(_like("ones_like"))
implements(np.empty_like)(_like("empty_like"))


@implements(np.full_like)
def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None, **device: Any
) -> Any:
    if device or subok is not True:
        ORIGINALS["full_like"](0.0, 0.0, subok=subok, **device)  # NumPy's own error, if it is one
    to = dtype_of(a) if dtype is None else dtype
    if tracers_in((fill_value,)):
        return full(shape_of(a) if shape is None else shape, fill_value, to)
    return handle(ORIGINALS["full_like"](prototype(a), fill_value, to, order, shape=shape))


@implements(np.copyto, always=True)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    if type(dst) is np.ndarray and all(type(t) is Constant for t in tracers_in((src, where))):
        np.copyto(dst, *unwrapped([src]), casting=casting, where=unwrapped(where))
        return
    if not isinstance(dst, Tracer):
        raise EscapeError(f"np.copyto writes a traced value into an array made outside of the function{at_line()}\n"
                          "  write: make the array inside the function by np.zeros or np.empty")  # fmt: skip
    value = as_array(src)
    if not np.can_cast(dtype_of(value), dst.dtype, casting):
        raise TypeError(f"cannot copy {dtype_of(value)} into an array of {dst.dtype}, casting={casting!r}{at_line()}")
    dst[...] = value if where is True else np.where(where, value, dst)  # type: ignore[index]
