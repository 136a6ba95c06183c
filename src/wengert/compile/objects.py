"""How CPython's and NumPy's objects lie in memory, and where their C functions are.

Machine code reads an array's fields as C extensions do. Their order has been the same since NumPy 1.7 (the memory
handler since 1.22), but it is not taken on trust: :func:`verify` looks at sample objects first, and where anything
is not as expected, calls go through ctypes instead.
"""

from __future__ import annotations

import ctypes
import functools
import sys
import sysconfig
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from wengert.errors import CompileError

__all__ = [
    "ALIGNED", "C_CONTIGUOUS", "FOREIGN", "F_CONTIGUOUS", "HEADER", "NUMBER", "OWNDATA", "TYPE", "WRITEABLE",
    "address_of", "array_fields", "dtype_fields", "numpy_function", "usable", "verify",
]  # fmt: skip

_numpy: Final[Any] = sys.modules["numpy._core._multiarray_umath"]
HEADER: Final = object.__basicsize__  # reference count and type
TYPE: Final = 8
C_CONTIGUOUS, F_CONTIGUOUS, OWNDATA, ALIGNED, WRITEABLE = 0x1, 0x2, 0x4, 0x100, 0x400

# of PyArrayObject and of PyArray_Descr, behind the header
array_fields: Final = MappingProxyType(
    {name: HEADER + offset for name, offset in {
        "data": 0, "ndim": 8, "shape": 16, "strides": 24, "base": 32, "dtype": 40, "flags": 48, "handler": 72,
    }.items()}
)  # fmt: skip
dtype_fields: Final = MappingProxyType({"byteorder": HEADER + 10, "number": HEADER + 12})
FOREIGN: Final = ">" if sys.byteorder == "little" else "<"  # order of bytes
NUMBER: Final = HEADER  # where a float, and a NumPy scalar, hold their number


def address_of(function: Any) -> int:
    """Where a foreign function is."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def numpy_function(number: int) -> int:
    """The address of a function in the table that NumPy gives to C extensions."""
    return _table()[number]


def _table() -> Any:
    find = ctypes.pythonapi.PyCapsule_GetPointer
    find.restype, find.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return (ctypes.c_void_p * 360).from_address(find(_numpy._ARRAY_API, None))


def as_object(address: int) -> Any:
    """The object at an address."""
    return ctypes.cast(address, ctypes.py_object).value


def read(x: object, offset: int, kind: Any = ctypes.c_void_p) -> Any:
    """A field of an object."""
    return kind.from_address(id(x) + offset).value


@functools.cache
def usable() -> bool:
    """Whether machine code may read objects: CPython of 64 bits with its lock, and all where it is expected."""
    try:
        verify()
    except CompileError:
        return False
    return True


def verify() -> None:
    """Look at sample objects.

    Raises:
        CompileError: this interpreter, or this NumPy, lays its objects out in another way; the message says which.
    """
    special = sysconfig.get_config_var("Py_GIL_DISABLED") or hasattr(sys, "gettotalrefcount")
    if sys.implementation.name != "cpython" or HEADER != 16 or ctypes.sizeof(ctypes.c_void_p) != 8 or special:
        raise CompileError("machine code reads the objects of plain CPython builds of 64 bits only")
    samples = (np.arange(6.0).reshape(2, 3), np.arange(8, dtype=np.int32)[::2], np.array(True), np.zeros((3, 0), "f4"))
    for sample in samples:
        _verify_array(sample)
    for kind in "?bhilqBHILQefdFD":
        _verify_scalar(np.dtype(kind))
    _expect(read(1.5, NUMBER, ctypes.c_double), 1.5, "a float's number")
    pair = (ctypes.c_double * 2).from_address(id(2.5 + 3.5j) + NUMBER)
    _expect(read(1.5, TYPE), id(float), "a float's type")
    _expect(complex(*pair), 2.5 + 3.5j, "a complex number's parts")
    _expect(_table()[2], id(np.ndarray), "the table of NumPy's C functions")
    record = _Probe(7)
    _expect(read(record, HEADER), ctypes.addressof(record), "a record's address")


class _Probe(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int64)]


def _expect(found: Any, expected: Any, what: str) -> None:
    if found != expected:
        raise CompileError(f"{what} is not where it is expected: {found!r} is there, not {expected!r}")


def _verify_array(x: np.ndarray) -> None:
    field = {name: read(x, offset) for name, offset in array_fields.items()}
    _expect(read(x, TYPE), id(np.ndarray), "an array's type")
    _expect(field["data"], x.ctypes.data, "an array's data")
    _expect(read(x, array_fields["ndim"], ctypes.c_int32), x.ndim, "an array's ndim")
    for name, expected in (("shape", x.shape), ("strides", x.strides)):
        if x.ndim:
            _expect(tuple((ctypes.c_int64 * x.ndim).from_address(field[name])), expected, f"an array's {name}")
    _expect(field["base"], None if x.base is None else id(x.base), "an array's base")
    _expect(field["dtype"], id(x.dtype), "an array's dtype")
    _expect(read(x, array_fields["flags"], ctypes.c_int32), x.flags.num, "an array's flags")
    _expect(read(x.dtype, dtype_fields["number"], ctypes.c_int32), x.dtype.num, "a dtype's number")
    _expect(read(x.dtype, dtype_fields["byteorder"], ctypes.c_char), x.dtype.byteorder.encode(), "a dtype's byte order")
    owner = x if x.flags.owndata else x.base
    handler = read(owner, array_fields["handler"])
    _expect(bool(handler) and type(as_object(handler)).__name__, "PyCapsule", "an array's memory handler")


def _verify_scalar(dtype: np.dtype[Any]) -> None:
    x = dtype.type(1)
    raw = (ctypes.c_char * dtype.itemsize).from_address(id(x) + NUMBER).raw
    _expect(raw, x.tobytes(), f"the number of a {dtype}")
