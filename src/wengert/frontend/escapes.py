"""The ways in which a value could leave its trace without a word: each is an error that teaches."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from wengert.core.trace import Constant, Tracer, plain
from wengert.core.types import is_inexact
from wengert.errors import EscapeError, at_line, user_line
from wengert.ops import elementwise


def _conversion(kind: str) -> Any:
    def convert(x: Tracer) -> Any:
        if type(x) is Constant:
            return getattr(x.v, f"__{kind}__")()
        if kind == "index" and is_inexact(x):
            raise TypeError(f"a traced {x.aval} cannot be an index or a count: it is not an integer{at_line()}")
        raise EscapeError(
            f"{kind if kind != 'index' else 'int'}() of a traced {x.aval} would cut it off from its derivative{at_line()}\n"
            f"  write: {_instead(kind)}"
        )

    return convert


def _instead(kind: str) -> str:
    called = re.search(r"\bmath\.(\w+)\(", user_line())
    if called and hasattr(np, name := _FROM_MATH.get(called[1], called[1])):
        return f"np.{name}(...) in place of math.{called[1]}(...)"
    if kind == "index":
        return "index with integers that do not depend on the differentiated input"
    if kind == "int":
        return "keep the value as it is, or wengert.stop_gradient(x) where no derivative is wanted of it"
    return f"keep the value as it is, without {kind}(); functions of math have their like in np"


_FROM_MATH = {
    "pow": "power", "fabs": "abs", "asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2",
    "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "fsum": "sum", "dist": "linalg.norm",
}  # fmt: skip


def to_array(x: Tracer, dtype: Any = None, copy: Any = None) -> Any:
    """``__array__``: foreign code sees constants through read-only arrays, and never a traced value."""
    if type(x) is Constant:
        view = x.v.view()
        view.flags.writeable = False
        return view if dtype is None else view.astype(dtype)
    del copy
    raise EscapeError(
        f"a traced {x.aval} would become a plain array, without its derivative{at_line()}\n"
        "  it is stored in an array that was made outside of the function, or given to a library that cannot trace it;\n"
        "  write: make the array inside the function by np.zeros or np.array (with `import numpy as np`), use\n"
        "  wengert.numpy.asarray, or wengert.stop_gradient(x) where no derivative is wanted of it"
    )


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
        return f"<traced {x.aval}: {plain(x)}>"
    except TypeError:
        return f"<traced {x.aval}>"


def _attribute(name: str) -> property:
    def get(x: Tracer) -> Any:
        if type(x) is Constant:
            return getattr(x.v, name)
        raise EscapeError(f".{name} of a traced {x.aval} has no derivative rule in this version{at_line()}")

    return property(get)


def install() -> None:
    """Give tracers these methods."""
    for kind in ("float", "int", "complex", "index"):
        setattr(Tracer, f"__{kind}__", _conversion(kind))
    for name in ("item", "tolist", "tobytes", "dump", "dumps", "tofile", "view", "byteswap", "setfield", "getfield"):
        setattr(Tracer, name, _taken_out(name))
    methods: dict[str, Any] = {
        "__array__": to_array,
        "__bool__": lambda x: bool(plain(x)),
        "__repr__": _repr,
        "__str__": lambda x: str(plain(x)),
        "__format__": lambda x, spec: format(plain(x), spec),
        "__reduce_ex__": _pickle,
        "__copy__": lambda x: x.copy(),
        "__deepcopy__": lambda x, _memo: x.copy(),
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

