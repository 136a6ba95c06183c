"""The tables from NumPy's names to primitives, and the dispatch that reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from wengert.core import trace as core
from wengert.core.trace import Constant, Tracer, constant_in
from wengert.errors import EscapeError, UnsupportedError, at_line

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
UFUNCS: dict[Any, Callable[..., Any]] = {}
# reduce, accumulate: the ufunc -> the function that does it
REDUCE: dict[Any, Callable[..., Any]] = {}
ACCUMULATE: dict[Any, Callable[..., Any]] = {}


def implements(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function as what these NumPy functions do on traced values."""

    def enter(rule: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            FUNCTIONS[function] = rule
        return rule

    return enter


def name_of(function: Any) -> str:
    """A NumPy function's name as users write it."""
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
    home = max((t.t for t in tracers), key=lambda t: t.level)
    out = function(*unwrapped(list(args)), **unwrapped(kwargs))
    wrap = core.rewrap(home)
    if isinstance(out, tuple) and type(out) is tuple:
        return tuple(wrap(o) for o in out)
    return [wrap(o) for o in out] if type(out) is list else wrap(out)


def dispatch_function(function: Any, args: Any, kwargs: Any) -> Any:
    """What NumPy's ``__array_function__`` comes to."""
    rule = FUNCTIONS.get(function)
    if rule is None or all_constant(args, kwargs):
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
    out = kwargs.pop("out", None)
    if out is not None:
        if len(out) != 1:
            raise UnsupportedError(f"np.{ufunc.__name__} with several outputs in out={at_line()}\n  write: assign them")
        return into(out[0], dispatch_ufunc(ufunc, method, args, kwargs))
    if all_constant(args, kwargs):
        return on_constants(getattr(ufunc, method), args, kwargs, f"{name_of(ufunc)}.{method}")
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
    return on_constants(getattr(ufunc, method), args, kwargs, f"np.{ufunc.__name__}.{method}")


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
            f"np.{ufunc.__name__} with {option}= on traced values is not supported{at_line()}\n"
            f"  write: np.where(mask, np.{ufunc.__name__}(...), otherwise)"
        )
    if dtype is not None:
        args = [np.asarray(x, dtype) if not isinstance(x, Tracer) else x.astype(dtype) for x in args]
    return rule(*[np.array(x) if isinstance(x, list | tuple) else x for x in args])


def into(out: Any, value: Any) -> Any:
    """Write a result into ``out=``, if that is a handle."""
    if isinstance(out, tuple):
        (out,) = out
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
