"""Functions of other libraries, by name: where they are in this process, and what code that calls them relies on.

No object file holds an address of the process that made it: it imports ``wengert_c_NAME`` of the C library,
``wengert_scipy_NAME`` of ``scipy.special``, ``blas_NAME`` and ``lapack_NAME``. SciPy gives the addresses of its
functions, and of the BLAS and LAPACK that it brings, as capsules with their C signatures for names.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from typing import Any

from wengert.compile.values import I32, I64, Type
from wengert.errors import CompileError

__all__ = ["PREFIX", "address", "blas_symbol", "capsule", "exported", "lapack_symbol", "signature"]

PREFIX = {"c": "wengert_c_", "scipy": "wengert_scipy_", "blas": "blas_", "lapack": "lapack_"}


def address(symbol: str) -> int | None:
    """Where a symbol of these lives; None for other symbols, and where there is no such function."""
    library, name = _parted(symbol)
    if library == "c":
        return _c_address(name)
    if library == "scipy":
        found = capsule(name)
        return found[0] if found else None
    try:
        return _routine(library, name)[0] if library else None
    except CompileError:
        return None


def signature(symbol: str) -> str:
    """What code that calls a function relies on, and another version of SciPy may have otherwise."""
    library, name = _parted(symbol)
    if library == "scipy":
        found = capsule(name)
        return f"{found[1]} doubles" if found else ""
    try:
        return str(_routine(library, name)[1]) if library in ("blas", "lapack") else ""
    except CompileError:
        return ""


def _parted(symbol: str) -> tuple[str, str]:
    for library, prefix in PREFIX.items():
        if symbol.startswith(prefix):
            return library, symbol.removeprefix(prefix)
    return "", symbol


# ---- the C library


@functools.cache
def _c_library() -> Any:
    """The library that ``math`` uses: of the process, or Windows' own."""
    if sys.platform == "win32":
        return ctypes.CDLL("ucrtbase")
    process = ctypes.CDLL(None)
    return process if hasattr(process, "sin") else ctypes.CDLL("libm.so.6")


def _c_address(name: str) -> int | None:
    found = getattr(_c_library(), name, None)
    return ctypes.cast(found, ctypes.c_void_p).value if found is not None else None


# ---- SciPy's


def _opened(exported: Any) -> tuple[int, bytes]:
    """The address in a capsule, and its signature."""
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype, api.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    text = api.PyCapsule_GetName(exported)
    return int(api.PyCapsule_GetPointer(exported, text)), text


@functools.cache
def _special() -> dict[str, Any]:
    """The capsules of ``scipy.special.cython_special``: C functions by name."""
    from scipy.special import cython_special

    return cython_special.__pyx_capi__


@functools.cache
def capsule(name: str) -> tuple[int, int] | None:
    """The address of a function of doubles alone, and how many it takes."""
    pointers = _special()
    for key in (name, *(f"__pyx_fuse_{k}{name}" for k in range(4))):
        if key in pointers:
            where, text = _opened(pointers[key])
            if count := _doubles(text.decode()):
                return where, count
    return None


def _doubles(text: str) -> int:
    """How many doubles the function takes, when it takes and gives nothing else; else 0."""
    result, _, rest = text.partition(" (")
    types = [t.strip() for t in rest.rstrip(")").split(",")]
    if result != "double" or types[-1] != "int __pyx_skip_dispatch" or any(t != "double" for t in types[:-1]):
        return 0
    return len(types) - 1


def blas_symbol(name: str) -> tuple[int, Type]:
    """The address of a routine such as ``dgemm``, and the type of its integers."""
    return _routine("blas", name)


def lapack_symbol(name: str) -> tuple[int, Type]:
    """The address of a routine such as ``dpotrf``, and the type of its integers."""
    return _routine("lapack", name)


@contextmanager
def _calm() -> Generator[None]:
    """OpenBLAS reads here how long its idle threads wait for work at full speed, in powers of two of processor cycles.

    By itself about a tenth of a second, from the moment that it is loaded on, which a team's threads would miss.
    """
    name = "OPENBLAS_THREAD_TIMEOUT"
    if name in os.environ:
        yield
        return
    os.environ[name] = "16"
    try:
        yield
    finally:
        os.environ.pop(name, None)


@functools.cache
@_calm()
def exported(library: str) -> dict[str, Any]:
    """The capsules of ``scipy.linalg.cython_blas`` or ``cython_lapack``.

    The package around it takes 0.2 s to load, of which nothing is needed here: its one file is loaded from its place.
    """
    import scipy

    name = f"scipy.linalg.cython_{library}"
    spec = None if name in sys.modules else PathFinder.find_spec(name, [os.path.join(scipy.__path__[0], "linalg")])
    try:
        if spec is not None and spec.loader is not None:
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            return module.__pyx_capi__
    except Exception:  # noqa: BLE001 - another version of SciPy may be built in another way: then all of it is loaded
        pass
    finally:
        if spec is not None:  # the package, when it is loaded, must find it by itself, or it lacks the attribute
            sys.modules.pop(name, None)
    import scipy.linalg

    return getattr(scipy.linalg, f"cython_{library}").__pyx_capi__


@functools.cache
def _routine(library: str, name: str) -> tuple[int, Type]:
    found = exported(library)
    if name not in found:
        raise CompileError(f"SciPy exports no routine {name!r} to compiled code")
    where, text = _opened(found[name])
    return where, I64 if b"int64" in text or b"long" in text else I32
