"""Functions of CPython and NumPy that native code calls, with their signatures."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

from wengert.compile import objects
from wengert.compile.emit import F64, I32, I64, PTR, Emitter, Type

__all__ = ["HUGE_PAGES", "addresses", "declare"]

# where the system gives pages of 2 MB to those who ask for them
HUGE_PAGES: Final = sys.platform == "linux"

# name: result, operands
_PYTHON: Final[dict[str, tuple[Type | None, ...]]] = {
    "Py_IncRef": (None, PTR), "Py_DecRef": (None, PTR),
    "PyEval_SaveThread": (PTR,), "PyEval_RestoreThread": (None, PTR),
    "PyMem_RawMalloc": (PTR, I64), "PyMem_RawFree": (None, PTR),
    "PyLong_AsLongLongAndOverflow": (I64, PTR, PTR), "PyLong_AsVoidPtr": (PTR, PTR),
    "PyLong_FromLongLong": (PTR, I64), "PyFloat_FromDouble": (PTR, F64), "PyBool_FromLong": (PTR, I64),
    "PyComplex_FromDoubles": (PTR, F64, F64),
    "PyTuple_New": (PTR, I64), "PyTuple_SetItem": (I32, PTR, I64, PTR),
    "PyList_New": (PTR, I64), "PyList_SetItem": (I32, PTR, I64, PTR),
    "PyObject_CallOneArg": (PTR, PTR, PTR), "PyObject_CallNoArgs": (PTR, PTR), "PyErr_NoMemory": (PTR,),
    "PyErr_BadInternalCall": (None,),
    }  # fmt: skip
# and its number in the table that NumPy gives to C extensions
_NUMPY: Final[dict[str, tuple[int, tuple[Type | None, ...]]]] = {
    "PyArray_Scalar": (60, (PTR, PTR, PTR, PTR)),
    "PyArray_NewFromDescr": (94, (PTR, PTR, PTR, I32, PTR, PTR, PTR, I32, PTR)),
}


def addresses() -> dict[str, int]:
    """Where they are in this process."""
    found = {name: objects.address_of(getattr(ctypes.pythonapi, name)) for name in _PYTHON}
    found["wengert_copy"] = objects.address_of(ctypes.memmove)
    if HUGE_PAGES:
        found["madvise"] = objects.address_of(ctypes.CDLL(None).madvise)
    return found | {name: objects.numpy_function(number) for name, (number, _) in _NUMPY.items()}


def declare(e: Emitter) -> None:
    """Make them known to a module, and C's memmove."""
    where = addresses()
    e.external("wengert_copy", where["wengert_copy"], PTR, PTR, PTR, I64)
    if HUGE_PAGES:
        e.external("madvise", where["madvise"], I32, PTR, I64, I32)
    for name, (result, *types) in (*_PYTHON.items(), *((name, types) for name, (_, types) in _NUMPY.items())):
        e.external(name, where[name], result, *types)  # type: ignore[arg-type]
