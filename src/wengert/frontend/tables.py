"""The tables from NumPy's names to primitives, and the dispatch that reads them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, NoReturn

import numpy as np

from wengert.core import trace as core
from wengert.core.handles import attach
from wengert.core.trace import Constant, Tracer, constant_in
from wengert.core.types import aval_of, dtype_of, shape_of
from wengert.errors import DerivativeError, EscapeError, UnsupportedError, WengertError, at_line
from wengert.frontend.verdicts import verdict
from wengert.ops import elementwise

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
# those whose rule is for constants too: they give views, or write into their argument
ALWAYS: set[Any] = set()
UFUNCS: dict[Any, Callable[..., Any]] = {}
# what has no derivative here, and why: functions, and names of whole modules
REFUSED: dict[Any, str] = {}
# what gives no real numbers, or steps: its derivative is zero
FLAT: set[Any] = set()
READ_ONLY = -2  # the mark of a constant handle on a view that is no handle's view: writes would be lost
# reduce, accumulate: the ufunc -> the function that does it
REDUCE: dict[Any, Callable[..., Any]] = {}
ACCUMULATE: dict[Any, Callable[..., Any]] = {}
# a ufunc's call with options, outer, reduce, accumulate, reduceat: (ufunc, args, kwargs) -> result
UFUNC_METHODS: dict[str, Callable[..., Any]] = {}
AT: list[Callable[..., None]] = []  # ufunc.at, where anything is traced


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
        reason, _, remedy = reason_of(function).partition("; write: ")
        raise UnsupportedError(
            f"{name} has no derivative rule in this version{': ' if reason else ''}{reason}{at_line()}\n"
            f"  write: {remedy or _ANYTHING_ELSE}"
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


def reason_of(function: Any) -> str:
    """Why a function is refused, if something was entered for it or for its module."""
    return REFUSED.get(function) or REFUSED.get(getattr(function, "__module__", None), "")


_ANYTHING_ELSE = (
    "compute it from functions that have one (sums, products, indexing, np.linalg), or, if no\n"
    "  derivative is wanted of it, apply it to wengert.stop_gradient(x) or to values outside the function"
)


def _result(home: Any, out: np.ndarray[Any, Any], constants: list[Any]) -> Constant:
    """A handle on a result; on one that is a view of a constant, a handle that follows it."""
    handle = constant_in(home, out)
    for c in () if out.flags.writeable else constants:
        if np.may_share_memory(out, c.v):
            numbers = numbers_in(c.v, out)
            if numbers is None:
                handle.i = READ_ONLY
            else:
                attach(handle, c, ("gather", numbers))
            break
    return handle


def numbers_in(base: np.ndarray[Any, Any], view: np.ndarray[Any, Any]) -> np.ndarray[Any, Any] | None:
    """Which elements of ``base`` a view of it shows; None where it shows something else."""
    have, shown = addresses(base).ravel(), addresses(view)
    order = np.argsort(have)
    at = np.minimum(np.searchsorted(have[order], shown), have.size - 1)
    return order[at] if base.dtype == view.dtype and np.array_equal(have[order][at], shown) else None


def addresses(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Where in memory the elements of an array stand."""
    at = np.full(x.shape, x.__array_interface__["data"][0])
    for k, step in enumerate(x.strides):
        at += step * np.arange(x.shape[k]).reshape((-1, *(1,) * (x.ndim - k - 1)))
    return at


def dispatch_function(function: Any, args: Any, kwargs: Any) -> Any:
    """What NumPy's ``__array_function__`` comes to."""
    rule = FUNCTIONS.get(function)
    if rule is None or (function not in ALWAYS and all_constant(args, kwargs)):
        if "out" in kwargs and kwargs["out"] is not None:
            return into(kwargs.pop("out"), dispatch_function(function, args, kwargs))
        return on_constants(function, args, kwargs, name_of(function))
    try:
        return rule(*args, **kwargs)
    except WengertError:
        raise
    except Exception as error:  # noqa: BLE001 - NumPy is asked what it is
        raise_instead(error, name_of(function), function, args, kwargs)


def all_constant(args: Any, kwargs: Any) -> bool:
    """Whether the arguments are constants alone; cheap where the first one is a traced value."""
    if args and isinstance(args[0], Tracer) and type(args[0]) is not Constant:
        return False
    return all(type(t) is Constant for t in tracers_in((*args, *kwargs.values())))


def dispatch_ufunc(ufunc: np.ufunc, method: str, args: Any, kwargs: Any) -> Any:
    """What NumPy's ``__array_ufunc__`` comes to."""
    out = kwargs.get("out")
    if method == "at" and not all_constant(args, kwargs):
        try:
            return AT[0](ufunc, *args, **kwargs)
        except WengertError:
            raise
        except Exception as error:  # noqa: BLE001 - NumPy is asked what it is
            raise_instead(error, f"{name_of(ufunc)}.at", ufunc.at, args, kwargs)
    if all_constant(args, kwargs):
        if method == "at":
            return _at_on_constants(ufunc, *args)
        if out is not None:
            return _out_on_constants(getattr(ufunc, method), args, kwargs)
        return on_constants(getattr(ufunc, method), args, kwargs, f"{name_of(ufunc)}.{method}")
    try:
        return UFUNC_METHODS[method](ufunc, args, kwargs) if kwargs or method != "__call__" else call_ufunc(ufunc, args)
    except WengertError:
        raise
    except Exception as error:  # noqa: BLE001 - NumPy is asked what it is
        raise_instead(error, name_of(ufunc), getattr(ufunc, method), args, kwargs)


def raise_instead(error: Exception, name: str, function: Callable[..., Any], args: Any, kwargs: Any) -> NoReturn:
    """End a call whose rule has raised: in NumPy's words where NumPy refuses it too."""
    better = verdict(error, name, function, args, kwargs)
    if better is error:
        raise error
    raise better from (error if isinstance(better, WengertError) else None)


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


def call_ufunc(ufunc: np.ufunc, args: Any) -> Any:
    """A ufunc's plain call, without options."""
    rule = UFUNCS.get(ufunc)
    if rule is None and "scipy.special" in sys.modules:
        import_module("wengert.frontend.special")  # which loads SciPy: not before somebody has
        rule = UFUNCS.get(ufunc)
    if rule is None:
        return on_constants(ufunc, args, {}, name_of(ufunc))
    args = [np.array(x) if isinstance(x, list | tuple) else x for x in args]
    # a record that computes by the ufunc itself gives what the ufunc gives
    return rule(*args) if getattr(rule, "impl", None) is ufunc else rule(*as_numpy(args))


def as_numpy(args: Any) -> Any:
    """Of Python numbers alone a ufunc makes NumPy numbers; Python's own arithmetic raises where NumPy's does not."""
    if any(aval_of(x).kind != "python" for x in args):
        return args
    return (elementwise.cast(args[0], dtype=dtype_of(args[0])), *args[1:])


def into(out: Any, value: Any, casting: Any = "same_kind") -> Any:
    """Write a result into ``out=``, if that is a handle."""
    if isinstance(out, tuple):
        (out,) = out
    if shape_of(value) != shape_of(out):
        raise ValueError(f"out= has shape {shape_of(out)}, the result has {shape_of(value)}{at_line()}")
    if not np.can_cast(dtype_of(value), out.dtype, casting):
        raise DerivativeError(
            f"cannot keep a result of {dtype_of(value)} in out= of {out.dtype}: it would be cut off{at_line()}\n"
            f"  write: out= of {dtype_of(value)}, or .astype({out.dtype}) afterwards where no derivative is wanted"
        )
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
