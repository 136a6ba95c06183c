"""The addresses of BLAS and LAPACK, which SciPy exports as capsules with their C signatures for names."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

import numpy as np

from wengert.compile.emit import F32, I32, I64, Emitter, Type, Value
from wengert.errors import CompileError

__all__ = ["blas_symbol", "by_reference", "lapack_symbol", "routine_address"]


def _exports(module: str) -> dict[str, Any]:
    import scipy.linalg  # slow to load, and few products need it

    return getattr(scipy.linalg, module).__pyx_capi__


def _symbol(exported: dict[str, Any], name: str) -> tuple[int, Type]:
    if name not in exported:
        raise CompileError(f"SciPy exports no routine {name!r} to compiled code")
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    signature = api.PyCapsule_GetName(exported[name])
    wide = b"int64" in signature or b"long" in signature
    return int(api.PyCapsule_GetPointer(exported[name], signature)), I64 if wide else I32


@cache
def blas_symbol(name: str) -> tuple[int, Type]:
    """The address of a routine such as ``dgemm``, and the type of its integers."""
    return _symbol(_exports("cython_blas"), name)


@cache
def lapack_symbol(name: str) -> tuple[int, Type]:
    """The address of a routine such as ``dpotrf``, and the type of its integers."""
    return _symbol(_exports("cython_lapack"), name)


def routine_address(name: str) -> int:
    """Where a routine lives that a module imports as ``blas_…`` or ``lapack_…``: for objects from a cache."""
    library, _, routine = name.partition("_")
    return (blas_symbol if library == "blas" else lapack_symbol)(routine)[0]


def by_reference(e: Emitter, t: Type, number: float | int | str) -> Value:
    """The address of a constant; a letter is a byte."""
    if isinstance(number, str):
        return e.data(number.encode(), align=1)
    if t.is_float:
        return e.data(np.array(number, np.float32 if t == F32 else np.float64).tobytes())
    return e.data(int(number).to_bytes(t.size, "little", signed=True), align=8)
