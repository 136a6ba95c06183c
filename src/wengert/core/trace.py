"""Traces and tracers: how a value knows that it is watched, and by whom.

A *trace* interprets primitives in its own way: it differentiates, batches, or writes them down. A
*tracer* is a value on its way through one trace. Traces nest; each has a level, and an operation goes
to the innermost trace among its operands, which evaluates it on values one level further out.

Array tracers are handles: an assignment rebinds the value behind the handle. All tracer classes
share one layout, so that a constant handle can become a traced one in place.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextvars import ContextVar, Token
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.types import Aval, aval_of, dtype_of, shape_of
from wengert.errors import EscapeError, LeakError, at_line

if TYPE_CHECKING:
    from wengert.core.primitive import Primitive

__all__ = [
    "ArrayTracer", "Constant", "Trace", "Tracer", "bind", "current", "fresh_level", "made_within", "plain",
    "tracing",
]  # fmt: skip

_levels = itertools.count(1)
_current: ContextVar[Trace | None] = ContextVar("wengert_trace", default=None)

PYTHON_TYPES: dict[str, type] = {"f": float, "i": int, "c": complex, "b": bool}
# Every class of tracer, and who wants to know of new ones.
TRACER_CLASSES: list[type[Tracer]] = []
NEW_CLASS: list[Callable[[type[Tracer]], None]] = []
# What NumPy's dispatch finds: filled by the front end, read here.
UFUNC_DISPATCH: list[Callable[..., Any]] = []
FUNCTION_DISPATCH: list[Callable[..., Any]] = []
# Called when the first transform is entered and the last one left: the front end's guards.
ENTER: list[Callable[[], None]] = []
LEAVE: list[Callable[[], None]] = []


def fresh_level() -> int:
    """A level above every level handed out before: traces opened later are further in."""
    return next(_levels)


def current() -> Trace | None:
    """The innermost trace that is open in this thread or task."""
    return _current.get()


class Trace:
    """What a transform implements: an interpretation of primitives.

    ``around`` are the traces in which it was entered first, outermost first.
    """

    __slots__ = ()
    level: int
    around: tuple[Trace, ...]
    scalar: type[Tracer]
    array: type[ArrayTracer]
    writes = False  # whether it only writes down what is done to values that nobody else computes
    captures = False  # whether, while it is innermost, it interprets what is done to values of traces further out too

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Interpret one primitive of which some operand is a tracer of this trace."""
        raise NotImplementedError

    def lift(self, value: Any) -> Tracer:
        """A tracer of this trace for a value that does not depend on what it follows."""
        raise NotImplementedError

    def ended(self) -> bool:
        """Whether the transform is over."""
        return not getattr(self, "open", True)

    def opened(self, inner: Trace) -> None:
        """A trace is entered within this one."""

    def closed(self, inner: Trace) -> None:
        """It is left again."""

    def birth(self, _i: Any) -> float:
        """When a handle of this trace was made, as a level: later than the traces that were open then."""
        return self.level + 0.5


def look_around(trace: Trace) -> None:
    """Note which traces are open when one is entered for the first time."""
    if not hasattr(trace, "around"):
        outer = _current.get()
        trace.around = () if outer is None else (*outer.around, outer)


class tracing:
    """Context in which ``trace`` is the innermost one; the front end's guards are in place."""

    __slots__ = ("token", "trace")

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.token: Token[Trace | None] | None = None

    def __enter__(self) -> Trace:
        for hook in ENTER:
            hook()
        look_around(self.trace)
        for trace in self.trace.around:
            trace.opened(self.trace)
        self.token = _current.set(self.trace)
        return self.trace

    def __exit__(self, *_: object) -> None:
        assert self.token is not None
        _current.reset(self.token)
        for trace in self.trace.around:
            trace.closed(self.trace)
        for hook in LEAVE:
            hook()


class outside:
    """Context in which ``trace`` is the innermost one, or none at all, with guards as they are."""

    __slots__ = ("token", "trace")

    def __init__(self, trace: Trace | None) -> None:
        self.trace = trace

    def __enter__(self) -> None:
        if self.trace is not None:
            look_around(self.trace)
        self.token = _current.set(self.trace)

    def __exit__(self, *_: object) -> None:
        _current.reset(self.token)


class Tracer:
    """A number on its way through a trace; operators and methods are the front end's.

    ``v`` is the value one level further out, ``t`` the trace, ``i`` what the trace itself keeps (an
    index on the tape, a tangent, a variable). ``root``, ``chain`` and ``views`` exist on array handles
    that are views or have views; ``born``, a level, says when a handle was made, where its trace does not know.
    """

    __slots__ = ("__weakref__", "born", "chain", "i", "root", "t", "v", "views")
    __array_priority__ = 1000
    v: Any
    t: Any
    i: Any
    born: float
    root: ArrayTracer
    chain: tuple[Any, ...]
    views: list[Any]

    if TYPE_CHECKING:  # ndarray's methods and operators, which the front end gives

        def __getattr__(self, name: str) -> Any: ...
        def __array__(self, dtype: Any = None) -> np.ndarray[Any, Any]: ...
        def __getitem__(self, index: Any) -> Any: ...
        def __setitem__(self, index: Any, value: Any) -> None: ...
        def __mod__(self, other: Any) -> Any: ...

    def __init_subclass__(cls) -> None:
        TRACER_CLASSES.append(cls)
        for hook in NEW_CLASS:
            hook(cls)

    @property
    def aval(self) -> Aval:
        return aval_of(self.v)

    @property
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        # code that asks isinstance(x, float) or np.isscalar(x) must take the branch it takes for the number
        aval = self.aval
        return PYTHON_TYPES[aval.dtype.kind] if aval.kind == "python" else aval.dtype.type

    @property
    def shape(self) -> tuple[int, ...]:
        return shape_of(self.v)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return dtype_of(self.v)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        return UFUNC_DISPATCH[0](ufunc, method, args, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return FUNCTION_DISPATCH[0](function, args, kwargs)

    def concrete(self) -> Any:
        """The plain value behind all levels, where there is one."""
        return plain(self.v)

    def sample(self) -> Any:
        """A plain array that lies in memory as this one does where nothing is traced."""
        return sample(self.v)

    def __hash__(self) -> int:
        raise EscapeError(
            f"a traced value ({self.aval}) cannot be hashed: its hash would not follow its value{at_line()}\n"
            "  write: use a name or an index as the key of the dict or the element of the set"
        )


class ArrayTracer(Tracer):
    """An array on its way through a trace: a handle that can be indexed and written to."""

    __slots__ = ()

    @property
    def __class__(self) -> type:  # pyright: ignore[reportIncompatibleMethodOverride]
        # isinstance(x, np.ndarray) must hold where x is an array to the user
        return np.ndarray


class Constant(ArrayTracer):
    """A handle on a plain array that traced values may be written into; until then it is a constant.

    ``t`` is the trace that was innermost when it was made.
    """

    __slots__ = ()


def plain(x: Any) -> Any:
    """The concrete value behind any levels of tracing; raises where a level is abstract."""
    while isinstance(x, Tracer):
        x = x.v if type(x) is Constant else x.concrete()
    return x


def sample(x: Any) -> Any:
    """A plain value of the kind and layout of ``x``; raises where only the type is known."""
    return x.v if type(x) is Constant else x.sample() if isinstance(x, Tracer) else x


def set_class(tracer: Tracer, cls: type[Tracer]) -> None:
    """Change a tracer's class in place (``__class__`` itself is taken by the isinstance rule)."""
    object.__dict__["__class__"].__set__(tracer, cls)


def constant(value: np.ndarray[Any, Any]) -> Any:
    """A constant handle on ``value`` in the innermost trace, or ``value`` itself outside of any."""
    trace = _current.get()
    if trace is None:
        return value
    return constant_in(trace, value)


def constant_in(trace: Trace, value: np.ndarray[Any, Any]) -> Constant:
    """A constant handle on ``value`` born in ``trace``."""
    handle = Constant.__new__(Constant)
    handle.v, handle.t, handle.i, handle.born = value, trace, -1, fresh_level()
    return handle


def innermost(operands: tuple[Any, ...]) -> Trace | None:
    """The innermost trace among operands; constant handles do not count."""
    trace, level = None, 0
    for x in operands:
        if isinstance(x, Tracer) and type(x) is not Constant and x.t.level > level:
            trace = x.t
            level = trace.level
    if trace is not None:
        here = _current.get()
        if here is not None and here.captures and here.level > level:
            return here
    return trace


def bind(primitive: Primitive, *operands: Any, **params: Any) -> Any:
    """Apply a primitive: the innermost trace among its operands interprets it."""
    trace = innermost(operands)
    if trace is not None:
        return trace.process(primitive, operands, params)
    for x in operands:
        if type(x) is Constant:
            break
    else:
        return primitive.impl(*operands, **params)
    home = max((x.t for x in operands if type(x) is Constant), key=lambda t: t.level)
    out = primitive.impl(*[x.v if type(x) is Constant else x for x in operands], **params)
    wrap = rewrap(home)
    return tuple(wrap(o) for o in out) if primitive.multiple else wrap(out)


def rewrap(home: Trace) -> Callable[[Any], Any]:
    """What a computation on constants gives: arrays become handles again, numbers stay numbers."""
    return lambda out: constant_in(home, out) if type(out) is np.ndarray else out


def lower(x: Any) -> Any:
    """An operand as a trace's inner computations want it: constant handles are their arrays."""
    return x.v if type(x) is Constant else x


def fresh_handle(x: Any) -> Any:
    """Another handle on the same value, so that writes to it do not reach the first."""
    handle = object.__new__(type(x))
    handle.v, handle.t, handle.i, handle.born = x.v, x.t, x.i, fresh_level()
    return handle


def made_within(x: ArrayTracer, trace: Trace) -> bool:
    """Whether a handle of a trace further out was made while ``trace`` was open, by what is computed within it."""
    return born_at(x) > trace.level


def born_at(x: ArrayTracer) -> float:
    """When a handle was made, as a level; writes to it change nothing about that."""
    born = getattr(x, "born", None)
    return x.t.birth(x.i) if born is None else born


def refuse_ended(x: Tracer, trace: Trace) -> None:
    """A result must not be a value of a transform that has ended: it would pass for a constant."""
    if x.t.level > trace.level or x.t.ended():
        raise leaked("the transform")


def leaked(what: str) -> LeakError:
    """The error for a tracer that outlived its transform."""
    return LeakError(
        f"a traced value is used after {what} that made it has ended{at_line()}\n"
        "  it was stored outside the function (in a global, an attribute, a list, a generator);\n"
        "  write: return it from the function, as in grad(f, has_aux=True) with f returning (loss, value)"
    )
