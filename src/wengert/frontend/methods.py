"""ndarray's operators, methods and attributes on tracers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from wengert.core.handles import adopt, refresh
from wengert.core.trace import ArrayTracer, Constant, Tracer, constant_in, lower
from wengert.core.types import aval_of, dtype_of, shape_of
from wengert.errors import EscapeError, UnsupportedError, WengertError, at_line
from wengert.frontend import choosing, escapes, filling, moving, products, reductions, shaping, sorting
from wengert.frontend.indexing import getitem, promote, setitem
from wengert.frontend.tables import FUNCTIONS, raise_instead, tracers_in
from wengert.frontend.ufuncs import divmod_, raised
from wengert.frontend.values import as_array
from wengert.frontend.verdicts import asked
from wengert.ops import elementwise as ops
from wengert.ops.products import matmul

# operator -> what does it; transforms with a faster way read this table too
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": ops.add, "sub": ops.subtract, "mul": ops.multiply, "truediv": ops.divide, "pow": raised,
    "mod": ops.remainder, "floordiv": ops.floor_divide, "matmul": matmul, "divmod": divmod_,
    "and": ops.bitwise_and, "or": ops.bitwise_or, "xor": ops.bitwise_xor,
    "lshift": ops.left_shift, "rshift": ops.right_shift,
}  # fmt: skip
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "gt": ops.greater, "ge": ops.greater_equal, "lt": ops.less, "le": ops.less_equal,
    "eq": ops.equal, "ne": ops.not_equal,
}  # fmt: skip
UNARY: dict[str, Callable[[Any], Any]] = {
    "neg": ops.negative, "pos": ops.positive, "abs": ops.absolute, "invert": ops.invert,
}  # fmt: skip


def _is_number(y: Any) -> bool:
    return isinstance(y, Tracer | np.ndarray | np.generic | int | float | complex)


def _sequence(f: Any, x: Any, y: Any) -> Any:
    """A list or tuple beside an operator, as an array; a list times a number is for whole numbers, in NumPy too."""
    if f is ops.multiply and aval_of(x).kind != "array":
        raise TypeError(f"can't multiply a sequence by a traced {x.aval}{at_line()}\n  write: x * np.array([...])")
    return as_array(y)


def _left(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(x: Any, y: Any) -> Any:
        if not _is_number(y):
            if not isinstance(y, list | tuple):
                return NotImplemented
            y = _sequence(f, x, y)
        return f(x, y)

    return method


def _right(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def method(x: Any, y: Any) -> Any:
        if not _is_number(y):
            if not isinstance(y, list | tuple):
                return NotImplemented
            y = _sequence(f, x, y)
        return f(y, x)

    return method


def in_place(f: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """``x op= y`` on an array: the handle is rebound, and all its views with it."""

    def method(x: ArrayTracer, y: Any) -> Any:
        y = as_array(y) if isinstance(y, list | tuple) else y
        value = f(lower(x), lower(y)) if type(x) is Constant else f(x, y)
        have, new = shape_of(x), shape_of(value)
        if new != have:
            raise ValueError(f"the result of an in-place operation has shape {new}, the array {have}{at_line()}")
        if not np.can_cast(dtype_of(value), dtype_of(x), "same_kind"):
            raise TypeError(
                f"cannot keep a result of {dtype_of(value)} in an array of {dtype_of(x)}{at_line()}\n"
                "  write: make the array with dtype=float"
            )
        if isinstance(value, Tracer) and type(x) is Constant and getattr(x, "root", None) is None:
            promote(x)
        rebind(x, value)
        return x

    return method


def rebind(x: ArrayTracer, value: Any) -> None:
    """Make ``value``, of the same shape and type, the contents of ``x``."""
    whole = getattr(x, "root", None) is None and isinstance(value, Tracer) and value.t is x.t
    if whole and type(value) is type(x) and dtype_of(value) == dtype_of(x) and _lie_alike(x, value):
        adopt(x, value)
        refresh(x)
    else:
        x[...] = value  # by its class: reverse arrays write in place


def _lie_alike(x: Any, y: Any) -> bool:
    """Whether two arrays lie alike in memory, so that the same reshapes of both are views."""
    a, b = x.v, y.v
    if type(a) is not np.ndarray or type(b) is not np.ndarray:
        a, b = shaping.layout(x), shaping.layout(y)
    return a is not None and b is not None and a.strides == b.strides


def _iterate(x: ArrayTracer) -> Iterator[Any]:
    return (getitem(x, k) for k in range(_length(x)))


def _length(x: ArrayTracer) -> int:
    shape = shape_of(x)
    if not shape:
        raise TypeError("len() of unsized object")
    return shape[0]


def _shape_args(args: tuple[Any, ...]) -> Any:
    return args[0] if len(args) == 1 else args


def _astype(x: Any, dtype: Any, *_: Any, **options: Any) -> Any:
    to = np.dtype(dtype)
    if to.kind not in "fciub":
        raise EscapeError(
            f"a traced {x.aval} as an array of {to} would be cut off from its derivative{at_line()}\n"
            "  write: a list for Python objects, or str(x) where only its text is wanted"
        )
    if to == dtype_of(x) and options.get("copy") is False:
        return x
    if to.kind in "fc":
        if to.kind == "f" and dtype_of(x).kind == "c":
            x = ops.real(x)
        return ops.cast(x, dtype=to)
    return ops.cast_to_integer(x, dtype=to)


def _sort_in_place(x: ArrayTracer, axis: int = -1, kind: Any = None, order: Any = None, **_: Any) -> None:
    setitem(x, Ellipsis, np.sort(x, axis, kind, order))  # type: ignore[arg-type]


def _partition_in_place(x: ArrayTracer, kth: Any, axis: int = -1, kind: Any = "introselect", order: Any = None) -> None:
    setitem(x, Ellipsis, np.partition(x, kth, axis, kind, order))  # type: ignore[call-overload]


def _resize(x: Tracer, *_shape: Any, **_: Any) -> None:
    raise UnsupportedError(
        f".resize() changes the shape of an array of shape {x.shape} in place, under its views{at_line()}\n"
        "  write: x = np.resize(x, shape), which repeats the elements where there are more to fill,\n"
        "  or np.concatenate([x.ravel(), np.zeros(k)]).reshape(shape)"
    )


def _write_flat(x: ArrayTracer, value: Any) -> None:
    filling.Flat(x)[:] = value


def _set_flags(_x: ArrayTracer, **_: Any) -> None:
    """Nothing: who freezes an array does not mean to write to it."""


def _plain_layout(x: ArrayTracer) -> Any:
    found = shaping.layout(x)
    if found is None:
        raise UnsupportedError(
            f"how this {x.aval} lies in memory is not known{at_line()}\n"
            "  write: what does not depend on flags or strides"
        )
    return found


def _part(name: str) -> property:
    def write(z: ArrayTracer, value: Any) -> None:
        setitem(choosing.part(z, name), Ellipsis, value)

    return property(lambda z: choosing.part(z, name), write)


def _fill(x: ArrayTracer, value: Any) -> None:
    setitem(x, Ellipsis, value)


def _clip(x: Any, min: Any = None, max: Any = None, out: Any = None, **options: Any) -> Any:  # noqa: A002 - NumPy's
    return choosing.clip(x, min, max, out, **options)


def _searchsorted(x: Any, v: Any, side: Any = "left", sorter: Any = None) -> Any:
    return np.searchsorted(x, v, side, sorter)


def _flatten(x: Any, order: str = "C") -> Any:
    return shaping.reshape(x, (-1,) if x.size else (0,), order, copy=True)


METHODS: dict[str, Any] = {
    "reshape": lambda x, *shape, order="C", copy=None: shaping.reshape(x, _shape_args(shape), order, copy=copy),
    "transpose": lambda x, *axes: shaping.transpose(x, _shape_args(axes) if axes else None),
    "astype": _astype,
    "copy": lambda x, order="C": choosing.owned(choosing.copy(x, order)),
    "flatten": _flatten,
    # of a real array these give the array itself, where np.conjugate gives a new one
    "conj": lambda x: ops.conjugate(x) if dtype_of(x).kind == "c" else x,
    "conjugate": lambda x: ops.conjugate(x) if dtype_of(x).kind == "c" else x,
    "compress": lambda x, condition, axis=None, out=None: choosing.compress(condition, x, axis, out),
    "clip": _clip,
    "sort": _sort_in_place,
    "partition": _partition_in_place,
    "put": filling.put,
    "resize": _resize,
    "searchsorted": _searchsorted,
    "fill": _fill,
    **{
        name: FUNCTIONS[getattr(np, name)]
        for name in (
            "sum", "prod", "mean", "var", "std", "max", "min", "any", "all", "argmax", "argmin", "cumsum",
            "cumprod", "ravel", "squeeze", "swapaxes", "dot", "round", "take", "repeat", "argsort",
            "argpartition", "diagonal", "trace", "nonzero", "choose",
        )
    },
}  # fmt: skip


def install() -> None:
    """Give tracers NumPy's operators and methods; what only arrays have goes to array tracers alone."""
    for name, f in BINARY.items():
        setattr(Tracer, f"__{name}__", _left(f))
        setattr(Tracer, f"__r{name}__", _right(f))
        if name != "divmod":
            setattr(ArrayTracer, f"__i{name}__", in_place(f))
    for name, f in COMPARISONS.items():
        setattr(Tracer, f"__{name}__", _left(f))
    for name, f in UNARY.items():
        setattr(Tracer, f"__{name}__", _call(f))
    for name, method in METHODS.items():
        setattr(Tracer, name, _judged(name, method))
    Tracer.T = property(lambda x: shaping.transpose(x))  # type: ignore[attr-defined]
    Tracer.mT = property(lambda x: shaping.swapaxes(x, -1, -2))  # type: ignore[attr-defined]
    for name in ("real", "imag"):
        setattr(Tracer, name, _part(name))
    ArrayTracer.flat = property(filling.Flat, _write_flat)  # type: ignore[attr-defined]
    ArrayTracer.base = property(lambda x: getattr(x, "root", None))  # type: ignore[attr-defined]
    ArrayTracer.flags = property(lambda x: _plain_layout(x).flags)  # type: ignore[attr-defined]
    ArrayTracer.strides = property(lambda x: _plain_layout(x).strides)  # type: ignore[attr-defined]
    ArrayTracer.setflags = _set_flags  # type: ignore[attr-defined]
    Tracer.itemsize = property(lambda x: x.dtype.itemsize)  # type: ignore[attr-defined]
    Tracer.nbytes = property(lambda x: x.dtype.itemsize * x.size)  # type: ignore[attr-defined]
    for name, method in {
        "__getitem__": getitem, "__setitem__": setitem, "__len__": _length, "__iter__": _iterate,
        "__contains__": lambda x, y: bool(np.any(x == y)),
    }.items():  # fmt: skip
        setattr(ArrayTracer, name, method)
    for name in (
        "sum", "prod", "mean", "var", "std", "max", "min", "any", "all", "argmax", "argmin", "cumsum", "cumprod",
        "argsort", "astype", "copy", "flatten", "round",
    ):  # fmt: skip
        setattr(Constant, name, _of_constant(name))


# methods with options that their rules do not read, and the number of arguments which they do
ASKED = {"ravel": 1, "flatten": 1, "copy": 1, "astype": 2, "round": 1, "sort": 1, "swapaxes": 3}


def _judged(name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
    """A method whose failures are put into NumPy's words where NumPy refuses the call too."""
    if name in ASKED:
        rule = asked(lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs), rule, ASKED[name])

    def method(x: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return rule(x, *args, **kwargs)
        except WengertError:
            raise
        except Exception as error:  # noqa: BLE001 - NumPy is asked what it is
            raise_instead(error, f"ndarray.{name}", lambda x, *a, **k: getattr(x, name)(*a, **k), (x, *args), kwargs)

    return method


def _of_constant(name: str) -> Callable[..., Any]:
    """A method that gives a new array or number: on a constant handle it is the plain array's own."""
    general = getattr(Tracer, name)

    def method(x: Constant, *args: Any, **kwargs: Any) -> Any:
        if tracers_in((*args, *kwargs.values())) or kwargs.get("out") is not None:
            return general(x, *args, **kwargs)
        out = getattr(x.v, name)(*args, **kwargs)
        return constant_in(x.t, out) if type(out) is np.ndarray else out

    return method


def _call(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    # a record is no function and would not bind as a method
    return lambda x: f(x)


install()
escapes.install()
_ = (choosing, moving, products, reductions, sorting)  # imported for the rules they enter
