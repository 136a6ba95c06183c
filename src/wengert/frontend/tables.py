"""The tables from NumPy's names to primitives, and the dispatch that reads them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from wengert.core import trace as core
from wengert.core.trace import Constant, Tracer, constant_in
from wengert.core.types import aval_of, dtype_of
from wengert.errors import EscapeError, UnsupportedError, at_line
from wengert.ops import elementwise

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
# those whose rule is for constants too: they give views, or write into their argument
ALWAYS: set[Any] = set()
UFUNCS: dict[Any, Callable[..., Any]] = {}
READ_ONLY = -2  # the mark of a constant handle on a view that is no handle's view: writes would be lost
# reduce, accumulate: the ufunc -> the function that does it
REDUCE: dict[Any, Callable[..., Any]] = {}
ACCUMULATE: dict[Any, Callable[..., Any]] = {}


def implements(*functions: Any, always: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function as what these NumPy functions do on traced values, and with ``always`` on constants."""

    def enter(rule: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            FUNCTIONS[function] = rule
        if always:
            ALWAYS.update(functions)
        return rule

    return enter


def name_of(function: Any) -> str:
    """A NumPy function's name as users write it."""
    if isinstance(function, np.ufunc) and getattr(np, function.__name__, None) is not function:
        special = getattr(sys.modules.get("scipy.special"), function.__name__, None)
        return f"scipy.special.{function.__name__}" if special is function else function.__name__
    module = getattr(function, "__module__", None) or "numpy"
    module = module.replace("numpy", "np", 1) if module.startswith("numpy") else module
    return f"{module}.{getattr(function, '__name__', function)}"


def tracers_in(values: Iterable[Any]) -> list[Tracer]:
    """The tracers among values and in lists, tuples and dicts of them."""
    found: list[Tracer] = []
    for x in values:
        if isinstance(x, Tracer):
            found.append(x)
        elif type(x) in (list, tuple):
            found.extend(tracers_in(x))
        elif type(x) is dict:
            found.extend(tracers_in(x.values()))
    return found


def unwrapped(x: Any) -> Any:
    """A value, with constant handles replaced by read-only views of their arrays."""
    if type(x) is Constant:
        view = x.v.view()
        view.flags.writeable = False
        return view
    if type(x) in (list, tuple):
        return type(x)(unwrapped(e) for e in x)
    if type(x) is dict:
        return {key: unwrapped(e) for key, e in x.items()}
    return x


def on_constants(function: Callable[..., Any], args: Any, kwargs: Any, name: str) -> Any:
    """Run a function that has no rule, if all it gets are constants; else say that it has none."""
    tracers = tracers_in((*args, *kwargs.values()))
    if any(type(t) is not Constant for t in tracers):
        raise UnsupportedError(
            f"{name} has no derivative rule in this version{at_line()}\n"
            "  write: compute it from functions that have one (sums, products, indexing, np.linalg), or, if no\n"
            "  derivative is wanted of it, apply it to wengert.stop_gradient(x) or to values outside the function"
        )
    if not tracers:
        return function(*args, **kwargs)
    home = max((t.t for t in tracers), key=lambda t: t.level)
    try:
        out = function(*unwrapped(list(args)), **unwrapped(kwargs))
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        raise UnsupportedError(
            f"{name} writes into its argument, which is not supported on arrays of a traced function{at_line()}\n"
            "  write: an assignment, such as x[i] = v"
        ) from None

    def wrap(o: Any) -> Any:
        return _result(home, o, tracers) if type(o) is np.ndarray else o

    if type(out) is tuple or type(out) is list:
        return type(out)([wrap(o) for o in out])
    return wrap(out)


def _result(home: Any, out: np.ndarray[Any, Any], constants: list[Any]) -> Constant:
    handle = constant_in(home, out)
    if not out.flags.writeable and any(np.may_share_memory(out, c.v) for c in constants):
        handle.i = READ_ONLY
    return handle


def dispatch_function(function: Any, args: Any, kwargs: Any) -> Any:
    """What NumPy's ``__array_function__`` comes to."""
    rule = FUNCTIONS.get(function)
    if rule is None or (function not in ALWAYS and all_constant(args, kwargs)):
        if "out" in kwargs and kwargs["out"] is not None:
            return into(kwargs.pop("out"), dispatch_function(function, args, kwargs))
        return on_constants(function, args, kwargs, name_of(function))
    return rule(*args, **kwargs)


def all_constant(args: Any, kwargs: Any) -> bool:
    """Whether the arguments are constants alone; cheap where the first one is a traced value."""
    if args and isinstance(args[0], Tracer) and type(args[0]) is not Constant:
        return False
    return all(type(t) is Constant for t in tracers_in((*args, *kwargs.values())))


def dispatch_ufunc(ufunc: np.ufunc, method: str, args: Any, kwargs: Any) -> Any:
    """What NumPy's ``__array_ufunc__`` comes to."""
    out = kwargs.get("out")
    if all_constant(args, kwargs):
        if method == "at":
            return _at_on_constants(ufunc, *args)
        if out is not None:
            return _out_on_constants(getattr(ufunc, method), args, kwargs)
        return on_constants(getattr(ufunc, method), args, kwargs, f"{name_of(ufunc)}.{method}")
    if out is not None:
        kwargs.pop("out")
        if len(out) != 1:
            raise UnsupportedError(f"np.{ufunc.__name__} with several outputs in out={at_line()}\n  write: assign them")
        where = kwargs.pop("where", True)
        if where is not True and method == "__call__":
            safe = [np.where(where, x, 1) for x in args]  # what is not wanted must not divide by zero
            return into(out[0], np.where(where, dispatch_ufunc(ufunc, method, safe, kwargs), out[0]))
        kwargs.update({} if where is True else {"where": where})
        return into(out[0], dispatch_ufunc(ufunc, method, args, kwargs))
    if method == "__call__":
        return call_ufunc(ufunc, args, kwargs)
    if method == "outer" and not kwargs:
        x, y = args
        nx, ny = np.ndim(x), np.ndim(y)
        left = np.reshape(x, (*np.shape(x), *(1,) * ny)) if nx else x
        return call_ufunc(ufunc, (left, y), {})
    table = {"reduce": REDUCE, "accumulate": ACCUMULATE}.get(method, {})
    if ufunc in table:
        return table[ufunc](*args, **kwargs)
    return on_constants(getattr(ufunc, method), args, kwargs, f"{name_of(ufunc)}.{method}")


def _out_on_constants(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """NumPy's own way into copies of what ``out=`` names, and these into the handles."""
    given = kwargs["out"]
    buffers = tuple(x.v.copy("K") if type(x) is Constant else x for x in given)
    function(*unwrapped(list(args)), **{**unwrapped(kwargs), "out": buffers})
    for handle, buffer in zip(given, buffers, strict=True):
        if type(handle) is Constant:
            handle[...] = buffer  # type: ignore[index]  # array tracers can be written to
    return given[0] if len(given) == 1 else given


def _at_on_constants(ufunc: np.ufunc, a: Any, *args: Any) -> None:
    """``ufunc.at``, which NumPy lets write into read-only arrays."""
    buffer = a.v.copy("K") if type(a) is Constant else a
    ufunc.at(buffer, *unwrapped(list(args)))
    if type(a) is Constant:
        a[...] = buffer  # type: ignore[index]  # array tracers can be written to


def call_ufunc(ufunc: np.ufunc, args: Any, kwargs: Any) -> Any:
    """A ufunc's plain call; of its options only a dtype of result is known."""
    rule = UFUNCS.get(ufunc)
    if rule is None:
        return on_constants(ufunc, args, kwargs, name_of(ufunc))
    dtype = kwargs.pop("dtype", None)
    where = kwargs.pop("where", True)
    for option in ("casting", "order", "subok"):
        kwargs.pop(option, None)
    if kwargs or where is not True:
        option = "where" if where is not True else next(iter(kwargs))
        raise UnsupportedError(
            f"np.{ufunc.__name__} with {option}= and without out= on traced values is not supported{at_line()}\n"
            f"  write: np.where(mask, np.{ufunc.__name__}(...), otherwise)"
        )
    if dtype is not None:
        args = [np.asarray(x, dtype) if not isinstance(x, Tracer) else x.astype(dtype) for x in args]
    args = [np.array(x) if isinstance(x, list | tuple) else x for x in args]
    # a record that computes by the ufunc itself gives what the ufunc gives
    return rule(*args) if getattr(rule, "impl", None) is ufunc else rule(*as_numpy(args))


def as_numpy(args: Any) -> Any:
    """Of Python numbers alone a ufunc makes NumPy numbers; Python's own arithmetic raises where NumPy's does not."""
    if any(aval_of(x).kind != "python" for x in args):
        return args
    return (elementwise.cast(args[0], dtype=dtype_of(args[0])), *args[1:])


def into(out: Any, value: Any) -> Any:
    """Write a result into ``out=``, if that is a handle."""
    if isinstance(out, tuple):
        (out,) = out
    if not np.can_cast(dtype_of(value), out.dtype, "same_kind"):
        raise TypeError(f"cannot keep a result of {dtype_of(value)} in out= of {out.dtype}{at_line()}")
    if not isinstance(out, Tracer):
        if tracers_in((value,)):
            raise EscapeError(foreign_buffer("out= names"))
        out[...] = value
        return out
    out[...] = value  # type: ignore[index]  # array tracers can be written to
    return out


def foreign_buffer(what: str) -> str:
    """The message for a traced value that would be stored in an array that is not traced."""
    return (
        f"{what} an array that was made outside of the differentiated function (or by a library),\n"
        f"  which cannot hold a traced value{at_line()}\n"
        "  write: make the buffer inside the function by np.zeros, np.empty or np.array (with `import numpy as np`),\n"
        "  or copy it there: buffer = wengert.numpy.array(buffer)"
    )


def handle_in(home: Any, array: Any) -> Any:
    """A fresh constant handle in a trace."""
    return constant_in(home, array)


core.UFUNC_DISPATCH.append(dispatch_ufunc)
core.FUNCTION_DISPATCH.append(dispatch_function)
