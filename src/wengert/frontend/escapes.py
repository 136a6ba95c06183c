"""The ways in which a value could leave its trace without a word: each is an error that teaches."""

from __future__ import annotations

import re
import sys
from typing import Any

import numpy as np

from wengert.core.handles import show
from wengert.core.trace import Constant, Tracer, plain
from wengert.core.types import is_inexact
from wengert.errors import HOME, ConcretizationError, EscapeError, at_line, user_line
from wengert.frontend.foreign import called_of_scipy, instead_of_scipy
from wengert.frontend.texts import text_of
from wengert.ops import elementwise


def _conversion(kind: str) -> Any:
    def convert(x: Tracer) -> Any:
        if type(x) is Constant:
            return getattr(x.v, f"__{kind}__")()
        if kind == "index" and is_inexact(x):
            raise EscapeError(
                f"a traced {x.aval} cannot be an index or a count: it is not an integer{at_line()}\n"
                "  write: an integer that does not depend on the differentiated input, such as np.argmax(x)"
            )
        line = user_line()
        called = re.search(r"\bmath\.(\w+)\(", line)
        if called and hasattr(np, (name := _FROM_MATH.get(called[1], called[1])).split(".")[0]):
            raise _cut_off(x, f"math.{called[1]}()", f"np.{name}(...) in place of math.{called[1]}(...)")
        if kind == "index" or not is_inexact(x) or f"{kind}(" in line:
            plain(x)  # says so where there is no value
            raise _cut_off(x, f"{'int' if kind == 'index' else kind}()", _INSTEAD[kind])
        raise EscapeError(becomes_plain(x, "number"))

    return convert


def _cut_off(x: Tracer, what: str, instead: str) -> EscapeError:
    return EscapeError(
        f"{what} of a traced {x.aval} would cut it off from its derivative{at_line()}\n  write: {instead}"
    )


def becomes_plain(x: Tracer, what: str) -> str:
    """The message for a value that foreign code wants: most often an array that is written to."""
    function = called_of_scipy()
    if function:
        return (
            f"{function} would make a plain {what} of a traced {x.aval}, without its derivative{at_line()}\n"
            f"  write: {instead_of_scipy(function)}(...), which computes the same and takes traced values, or\n"
            "  wengert.stop_gradient(x) where no derivative is wanted of it"
        )
    return (
        f"a traced {x.aval} would become a plain {what}, without its derivative{at_line()}\n"
        "  it is stored in an array that was made outside of the function, given in a list, or to a library that\n"
        "  cannot trace it; write: np.zeros(...) or np.array([...]) inside the function (with `import numpy as np`),\n"
        "  or wengert.numpy.asarray, or wengert.stop_gradient(x) where no derivative is wanted of it"
    )


_KEEP = "keep the value as it is, or wengert.stop_gradient(x) where no derivative is wanted of it"
_INSTEAD = {
    "index": "index with integers that do not depend on the differentiated input",
    "int": _KEEP,
    "float": f"{_KEEP}; functions of math have their like in np",
    "complex": _KEEP,
}


_FROM_MATH = {
    "pow": "power", "fabs": "abs", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2",
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "fsum": "sum", "dist": "linalg.norm",
}  # fmt: skip


def to_array(x: Tracer, dtype: Any = None, copy: Any = None) -> Any:
    """``__array__``: foreign code sees constants through read-only arrays, and never a traced value."""
    if type(x) is Constant:
        show(x)
        view = x.v.view()
        view.flags.writeable = False
        return view if dtype is None else view.astype(dtype)
    del copy
    if not is_inexact(x) or _only_compares():  # nothing is lost, if it has a value
        value = np.asarray(plain(x), dtype).view()
        value.flags.writeable = False
        return value
    raise EscapeError(becomes_plain(x, "array"))


def _only_compares() -> bool:
    """Whether it is one of np.testing's assertions that asks: they give nothing back."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HOME):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "").startswith("numpy.testing")


def _taken_out(name: str) -> Any:
    def method(x: Tracer, *args: Any, **kwargs: Any) -> Any:
        if type(x) is Constant:
            return getattr(x.v, name)(*args, **kwargs)
        raise EscapeError(
            f".{name}() of a traced {x.aval} would cut it off from its derivative{at_line()}\n"
            "  write: index the array (x[i]), or return the value and convert it outside the function"
        )

    method.__name__ = name
    return method


def _pickle(x: Tracer, protocol: Any) -> Any:
    if type(x) is Constant:
        return x.v.__reduce_ex__(protocol)
    raise EscapeError(f"a traced {x.aval} cannot be pickled or sent to another process{at_line()}\n"
                      "  write: send plain arrays, and differentiate inside the other process")  # fmt: skip


def _repr(x: Tracer) -> str:
    try:
        shown = f"{x.aval}: {plain(x)}"
    except ConcretizationError:
        shown = str(x.aval)
    return text_of(f"<traced {shown}>")


def _text(x: Tracer, spec: str = "") -> str:
    try:
        text = format(plain(x), spec)
    except ConcretizationError:
        if spec:
            raise
        return _repr(x)  # to be printed: no number
    return text if type(x) is Constant or not is_inexact(x) else text_of(text)


def _attribute(name: str) -> property:
    def get(x: Tracer) -> Any:
        if type(x) is Constant:
            # what shows memory shows it as foreign code sees it
            return getattr(to_array(x) if name in ("data", "ctypes") else x.v, name)
        raise EscapeError(
            f".{name} of a traced {x.aval} would show foreign code its memory, without its derivative{at_line()}\n"
            "  write: the same by indexing or by functions of np, or wengert.stop_gradient(x) where none is wanted"
        )

    return property(get)


def _not_by_class(_x: Tracer, *_: Any) -> None:
    raise EscapeError(
        f"type(x)(...) of a traced x makes no number{at_line()}\n"
        "  write: x.dtype.type(...) for a plain number of its type, np.array(...) for an array, or the value as it is"
    )


def install() -> None:
    """Give tracers these methods."""
    for kind in ("float", "int", "complex", "index"):
        setattr(Tracer, f"__{kind}__", _conversion(kind))
    for name in (
        "item", "tolist", "tobytes", "dump", "dumps", "tofile", "view", "byteswap", "setfield", "getfield",
        "as_integer_ratio", "hex", "__dlpack__",
    ):  # fmt: skip
        setattr(Tracer, name, _taken_out(name))
    methods: dict[str, Any] = {
        "__array__": to_array,
        "__bool__": lambda x: bool(plain(x)),
        "__repr__": _repr,
        "__str__": _text,
        "__format__": _text,
        "__reduce_ex__": _pickle,
        "__reduce__": lambda x: _pickle(x, 2),
        "__init__": _not_by_class,
        "is_integer": lambda x: plain(x).is_integer(),
        "__copy__": lambda x: x.copy("K"),
        "__deepcopy__": lambda x, _memo: x.copy("K"),
        "__floor__": lambda x: int(elementwise.floor(x)),
        "__ceil__": lambda x: int(elementwise.ceil(x)),
        "__trunc__": lambda x: int(elementwise.trunc(x)),
        "__round__": lambda x, digits=None: np.round(x, digits or 0),
    }
    for name, method in methods.items():
        setattr(Tracer, name, method)
    # what else ndarray has; not by __getattr__, which every look at an unset slot would run into
    for name in dir(np.ndarray):
        if not name.startswith("__") and not hasattr(Tracer, name):
            setattr(Tracer, name, _attribute(name))
