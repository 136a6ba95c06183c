"""Functions of the C library and of SciPy, called lane by lane through their addresses.

An object file that was kept refers to them by name: :func:`address` finds each again.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import sys
from typing import Any

from wengert.compile.emit import F32, F64, Type, Value

__all__ = ["address", "call_lanes", "has", "libm", "scipy_special"]

PREFIX = {"c": "wengert_c_", "scipy": "wengert_scipy_"}


@functools.cache
def _c_library() -> Any:
    """The library that ``math`` uses: of the process, or Windows' own."""
    if sys.platform == "win32":
        return ctypes.CDLL("ucrtbase")
    process = ctypes.CDLL(None)
    return process if hasattr(process, "sin") else ctypes.CDLL(ctypes.util.find_library("m"))


def _c_address(name: str) -> int | None:
    found = getattr(_c_library(), name, None)
    return ctypes.cast(found, ctypes.c_void_p).value if found is not None else None


@functools.cache
def _scipy_pointers() -> dict[str, Any]:
    """The capsules of ``scipy.special.cython_special``: C functions by name."""
    from scipy.special import cython_special

    return cython_special.__pyx_capi__


def _capsule(name: str) -> tuple[int, int] | None:
    """The address of a function of doubles alone, and how many it takes."""
    pointers = _scipy_pointers()
    for key in (name, *(f"__pyx_fuse_{k}{name}" for k in range(4))):
        if key in pointers and (count := _doubles(pointers[key])):
            api = ctypes.pythonapi
            api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
            api.PyCapsule_GetPointer.restype = ctypes.c_void_p
            api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
            return api.PyCapsule_GetPointer(pointers[key], api.PyCapsule_GetName(pointers[key])), count
    return None


def _doubles(capsule: Any) -> int:
    """How many doubles the function takes, when it takes and gives nothing else; else 0."""
    signature = repr(capsule).split('"')[1]
    result, _, rest = signature.partition(" (")
    types = [t.strip() for t in rest.rstrip(")").split(",")]
    if result != "double" or types[-1] != "int __pyx_skip_dispatch" or any(t != "double" for t in types[:-1]):
        return 0
    return len(types) - 1


def has(name: str) -> bool:
    """Whether this SciPy gives the address of a function."""
    return _capsule(name) is not None


def address(symbol: str) -> int | None:
    """Where a symbol of these lives; None for other symbols."""
    if symbol.startswith(PREFIX["c"]):
        return _c_address(symbol.removeprefix(PREFIX["c"]))
    if symbol.startswith(PREFIX["scipy"]):
        found = _capsule(symbol.removeprefix(PREFIX["scipy"]))
        return found[0] if found else None
    return None


def libm(name: str, *operands: Value) -> Value:
    """A function of the C library in each lane; its single-precision twin for f32."""
    single = operands[0].type.element == "f32"
    t = F32 if single else F64
    symbol = PREFIX["c"] + name + ("f" if single else "")
    e, found = operands[0].e, address(symbol)
    assert found is not None, f"the C library has no function {symbol}"
    e.external(symbol, found, t, *[t] * len(operands))
    return call_lanes(symbol, t, *operands)


def scipy_special(name: str, *operands: Value) -> Value:
    """A function of ``scipy.special`` in each lane, in double precision."""
    e, symbol = operands[0].e, PREFIX["scipy"] + name
    found = address(symbol)
    assert found is not None, f"SciPy has no pointer to {name}"
    # the last argument is Cython's own: whether to skip the dispatch to methods
    e.external(symbol, found, F64, *[F64] * len(operands), Type("i32"))
    return call_lanes(symbol, F64, *operands, extra=(e.const(Type("i32"), 1),))


def call_lanes(symbol: str, t: Type, *operands: Value, extra: tuple[Value, ...] = ()) -> Value:
    """Call a function of scalars in each lane, from a function of its own: the code around stays small and fast."""
    e, lanes = operands[0].e, operands[0].type.lanes
    if not lanes:
        return e.call(symbol, t, *operands, *extra)
    name, wide = f"lanes_{lanes}_{symbol}", t.wide(lanes)
    if name not in e.helpers:
        e.helpers.add(name)
        with e.function(name, [x.type for x in operands], wide, export=False, attributes="noinline cold ") as args:
            places = [e.alloca(x.type) for x in args]
            out = e.alloca(wide)
            for x, place in zip(args, places, strict=True):
                e.store(x, place)

            def one(i: Value) -> None:
                e.store(e.call(symbol, t, *(e.load(p, t, i) for p in places), *extra), out, i)

            e.loop(lanes, one)
            e.ret(e.load(out, wide))
    return e.call(name, wide, *operands)
