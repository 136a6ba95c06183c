"""What transforms do at their doors: arguments in, results out, and errors that name them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy import ndarray
from numpy.lib.array_utils import byte_bounds

import wengert.numpy
from wengert import pytree
from wengert.core.trace import ArrayTracer, Constant, Trace, Tracer, constant_in, current, refuse_ended, tracing
from wengert.core.types import Aval, aval_of, dtype_of, shape_of
from wengert.errors import DerivativeError, ShapeError, TraceError, at_line, teach
from wengert.ops.splitting import settled

ATOMS = frozenset({int, float, bool, str, complex, bytes, type(None), np.float64, np.float32, np.int64})
NUMBER_TYPES = int | float | complex | np.generic
PYTHON_FLOATS = frozenset({float, complex})


def name_of(f: Callable[..., Any]) -> str:
    """A function's name for messages."""
    return getattr(f, "__name__", type(f).__name__)


def is_number(x: Any) -> bool:
    """Whether ``x`` is a number, an array of numbers, or a traced one."""
    return isinstance(x, ndarray | Tracer | NUMBER_TYPES) and dtype_of(x).kind in "biufc"


def check_input(x: Any, what: str, transform: str, dtypes: str = "f") -> None:
    """Only inputs of these kinds (f: real, c: complex floating point) are taken; say so of anything else."""
    if (type(x) is float and "f" in dtypes) or (type(x) is ndarray and x.dtype.kind in dtypes):
        return
    if isinstance(x, ndarray) and type(x) is not ndarray and not isinstance(x, Tracer):
        raise DerivativeError(
            f"{transform}: {what} is a {type(x).__name__}, a subclass of ndarray whose own rules would be lost"
            f"{at_line()}\n  write: np.asarray({plain_name(what)})"
        )
    if not isinstance(x, ndarray | Tracer | NUMBER_TYPES):
        raise DerivativeError(
            f"{transform}: {what} is a {type(x).__name__}, which has no derivative{at_line()}\n"
            "  write: argnums= with the positions of the arguments to differentiate, or make it a static() field"
        )
    kind = dtype_of(x).kind
    if kind in dtypes:
        return
    described = describe(x)
    if kind == "c":
        raise DerivativeError(
            f"{transform}: {what} is complex ({described}); derivatives are taken with respect to real "
            f"numbers{at_line()}\n"
            "  write: a function of the real and imaginary parts, f(x.real, x.imag), and differentiate in both"
        )
    number = "float" if "f" in dtypes else "complex"
    remedy = f"{plain_name(what)}.astype({number})" if shape_of(x) else f"{number}({plain_name(what)})"
    if kind == "f":
        raise DerivativeError(
            f"{transform}: {what} is real ({described}), and holomorphic=True asks for the derivative in a complex "
            f"number{at_line()}\n  write: {remedy}, or leave holomorphic=True out"
        )
    if kind in "iub":
        if isinstance(x, int) and number == "float":
            remedy += f", or {float(x)!r} for {x!r}"
        raise DerivativeError(
            f"{transform}: {what} is of integer type ({described}), and has no derivative{at_line()}\n  write: {remedy}"
        )
    raise DerivativeError(f"{transform}: {what} is an array of {dtype_of(x)}, which has no derivative{at_line()}")


def describe(x: Any) -> str:
    """A value's type for messages."""
    aval = aval_of(x)
    return f"{type(x).__name__} {x!r}" if aval.kind == "python" else f"{aval.dtype}, shape {aval.shape}"


def plain_name(what: str) -> str:
    """``argument 0`` as something that can be written in code."""
    return "x" if what.startswith("argument") else what


def differentiable_leaves(
    tree: Any, position: int, transform: str, dtypes: str = "fc"
) -> tuple[list[Any], pytree.TreeDef]:
    """The leaves of an argument, each checked and named by its path."""
    leaves, treedef = pytree.flatten(tree)
    if "f" not in dtypes or not all(type(x) is float or (type(x) is ndarray and x.dtype.kind == "f") for x in leaves):
        for path, x in pytree.flatten_with_paths(tree):
            check_input(x, f"argument {position}{path}", transform, dtypes)
    return leaves, treedef


def enter_constants(trace: Trace, tree: Any) -> Any:
    """Arguments that are not differentiated: arrays come in as handles, so that the caller's do not change."""
    kind = type(tree)
    if kind in ATOMS:
        return tree
    if kind is ndarray:
        return _constant_argument(trace, tree)
    if isinstance(tree, ArrayTracer):
        # a handle of this trace, for its values may be written into it
        return _constant_argument(trace, tree.v) if type(tree) is Constant else trace.lift(tree)
    if isinstance(tree, ndarray):  # a subclass: operations on it are refused where they meet a traced value
        return tree
    if all(map(_is_opaque, pytree.leaves(tree))):
        return tree  # itself: a list that the function appends to is the caller's
    return pytree.map(lambda x: x if _is_opaque(x) else enter_constants(trace, x), tree)


def as_constant(tree: Any) -> Any:
    """As :func:`enter_constants`, in the trace that is running."""
    trace = current()
    return tree if trace is None else enter_constants(trace, tree)


def _is_opaque(x: Any) -> bool:
    return not isinstance(x, ndarray | ArrayTracer)


def _constant_argument(trace: Trace, x: np.ndarray[Any, Any]) -> Any:
    if type(x) is not ndarray:
        return x
    view = x.view()
    view.flags.writeable = False
    trust = getattr(trace, "trust", None)
    if trust is not None:
        trust(view)
    return constant_in(trace, view)


def run(trace: Trace, f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Call ``f`` with ``trace`` innermost; an error of ours that NumPy has wrapped comes out itself."""
    with tracing(trace):
        try:
            return f(*args, **kwargs)
        except Exception as error:
            cause = error.__cause__
            wrapped = isinstance(error, ValueError | TypeError | SystemError) and not isinstance(error, TraceError)
            if wrapped and isinstance(cause, TraceError):
                raise cause from None
            teach(error)
            raise


def leave(trace: Trace, tree: Any, take: Callable[[Tracer], Any]) -> Any:
    """Results: tracers of ``trace`` become what ``take`` makes of them, constants their arrays."""

    def one(x: Any) -> Any:
        if isinstance(x, Tracer):
            if type(x) is Constant:
                return x.v if x.v.flags.writeable else x.v.copy()  # an argument's array is read-only here
            if x.t is trace:
                return settled(take(x))
            refuse_ended(x, trace)
        return x

    return one(tree) if isinstance(tree, Tracer) else pytree.map(one, tree)


def finish(d: Any, value: Any) -> Any:
    """A derivative with the type of what it is taken with respect to, and memory of its own."""
    if type(value) is ndarray and type(d) is ndarray and d.dtype == value.dtype and d.base is None:
        return d
    if d is None:
        return type(value)(0) if type(value) in PYTHON_FLOATS else zeros_for(value)
    if isinstance(d, Tracer) or isinstance(value, Tracer):
        if d is not (rest := settled(d)):
            return finish(rest, value)
        return d if dtype_of(d) == dtype_of(value) else d.astype(dtype_of(value))
    if type(value) in PYTHON_FLOATS:
        return type(value)(d)
    if type(value) is ndarray:
        return np.array(np.broadcast_to(d, value.shape), dtype=value.dtype)
    return dtype_of(value).type(d)


def distinct(ds: list[Any]) -> list[Any]:
    """Arrays of which no two share memory by being the same object."""
    seen: set[int] = set()
    for k, d in enumerate(ds):
        if type(d) is ndarray:
            if id(d) in seen:
                ds[k] = d.copy()
            seen.add(id(d))
    return ds


def zeros_for(value: Any) -> Any:
    """A zero of a value's kind."""
    aval: Aval = aval_of(value)
    return np.zeros(aval.shape, aval.dtype) if aval.kind == "array" else aval.dtype.type(0)


def positions(argnums: Any, args: Sequence[Any], f: Callable[..., Any], transform: str) -> tuple[int, ...]:
    """``argnums`` as a tuple of non-negative positions."""
    wanted: Iterable[Any] = argnums if isinstance(argnums, Iterable) and not isinstance(argnums, str) else (argnums,)
    out: list[int] = []
    for k in wanted:
        if not isinstance(k, int | np.integer):
            raise DerivativeError(
                f"{transform}({name_of(f)}): argnums={argnums!r}: {k!r} is no position of an argument{at_line()}\n"
                "  write: argnums=0 for the first, argnums=(0, 1) for two of them"
            )
        if not -len(args) <= k < len(args):
            raise DerivativeError(
                f"{transform}({name_of(f)}): argnums={argnums}, but the call has {len(args)} positional "
                f"argument{'s' if len(args) != 1 else ''}{at_line()}\n"
                f"  write: argnums= with positions from 0 to {max(len(args) - 1, 0)}; keyword arguments are not "
                "differentiated"
            )
        out.append(int(k) % len(args))
    if len(set(out)) < len(out):
        raise DerivativeError(f"{transform}({name_of(f)}): argnums={argnums} names an argument twice{at_line()}")
    return tuple(out)


def check_scalar(y: Any, f: Callable[..., Any], transform: str, holomorphic: bool = False) -> None:
    """A gradient needs one real number as output; the derivative of a holomorphic function a complex one."""
    if isinstance(y, Tracer) and not y.shape and y.dtype.kind == ("c" if holomorphic else "f"):
        return
    if isinstance(y, list | tuple | dict) or not isinstance(y, ndarray | Tracer | NUMBER_TYPES):
        kind = type(y).__name__
        hint = "has_aux=True if it returns (loss, other values)" if isinstance(y, tuple) else "return the loss alone"
        raise DerivativeError(
            f"{transform}({name_of(f)}): the function returned a {kind}, not a number{at_line()}\n  write: {hint}"
        )
    shape = shape_of(y)
    if shape:
        raise DerivativeError(
            f"{transform}({name_of(f)}): the function returned an array of shape {shape}; a gradient needs one number"
            f"{at_line()}\n  write: np.sum(...) or np.mean(...) of it, or wengert.jacobian({name_of(f)}) for all "
            f"derivatives,\n  or wengert.elementwise_grad({name_of(f)}) for a function of each element"
        )
    is_complex = dtype_of(y).kind == "c"
    if is_complex and not holomorphic:
        raise DerivativeError(
            f"{transform}({name_of(f)}): the function returned a complex number; a gradient needs a real one"
            f"{at_line()}\n  write: np.abs(y)**2, y.real or y.imag of it, or {transform}({name_of(f)}, "
            "holomorphic=True) for f′(z)\n  of a function that is complex-differentiable"
        )
    if holomorphic and not is_complex:
        raise DerivativeError(real_output(f, transform))


def real_output(f: Callable[..., Any], transform: str) -> str:
    """The message for a real function that was said to be holomorphic."""
    return (
        f"{transform}({name_of(f)}, holomorphic=True): the function returned a real number; a real function that is\n"
        f"  holomorphic is constant{at_line()}\n"
        f"  write: {transform}({name_of(f)}) for its gradient ∂u/∂x − i ∂u/∂y, or return the complex number"
    )


def check_tangent(t: Any, x: Any, what: str, transform: str) -> Any:
    """A tangent or cotangent of the shape of its value."""
    if shape_of(t) != shape_of(x):
        raise ShapeError(
            f"{transform}: {what} has shape {shape_of(t)}, its value has shape {shape_of(x)}{at_line()}\n"
            "  write: one of the value's own shape, such as np.ones_like(value)"
        )
    if type(t) is float and type(x) is float:
        return t
    if type(t) in (int, bool):
        t = float(t)
    if isinstance(t, ndarray) and not isinstance(t, Tracer) and t.dtype.kind in "iub":
        t = t.astype(float)
    kind, wanted = dtype_of(t).kind, dtype_of(x).kind
    if kind == "c" and wanted == "f":
        raise DerivativeError(
            f"{transform}: {what} is complex, its value real{at_line()}\n  write: the real part of {what.split()[-1]}, "
            "or two calls, one for each part"
        )
    # what is written into a tangent or cotangent may be complex, though it begins with real numbers
    return np.multiply(t, dtype_of(x).type(1)) if kind == "f" and wanted == "c" else t


__all__ = [
    "ATOMS",
    "as_constant",
    "check_input",
    "check_scalar",
    "check_tangent",
    "differentiable_leaves",
    "distinct",
    "enter_constants",
    "finish",
    "is_number",
    "leave",
    "name_of",
    "positions",
    "real_output",
    "run",
    "zeros_for",
]

_ = wengert.numpy  # enters itself as the namespace of traced arrays


def _apart(leaves: Sequence[Any], donated: Sequence[bool]) -> bool:
    """Whether it is plain that nothing is shared: donated arrays own their memory, others are views of others."""
    given = [x for x, d in zip(leaves, donated, strict=True) if d and type(x) is np.ndarray]
    own = {id(x) for x in given if x.base is None}
    if len(own) < len(given):
        return False
    for x, d in zip(leaves, donated, strict=True):
        if not d and type(x) is np.ndarray:
            while type(x) is np.ndarray and x.base is not None:
                x = x.base
            if id(x) in own:
                return False
    return True


def shared(leaves: Sequence[Any], donated: Sequence[bool]) -> bool:
    """Whether an array that is donated lies in the memory of another leaf."""
    if not any(donated):
        return False
    if _apart(leaves, donated):
        return False
    arrays = [(*byte_bounds(x), k) for k, x in enumerate(leaves) if type(x) is np.ndarray and x.size]
    arrays.sort()
    open_: list[tuple[int, int]] = []  # those that reach beyond the beginning of the next one
    for low, high, k in arrays:
        open_ = [(end, j) for end, j in open_ if end > low]
        if any((donated[j] or donated[k]) and np.shares_memory(leaves[j], leaves[k]) for _, j in open_):
            return True
        open_.append((high, k))
    return False
