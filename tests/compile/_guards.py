"""Memory of arrays that tells when somebody writes, or reads, beside it.

Machine code that writes past an array's end mostly does no harm that can be seen: the block is a few bytes longer, or
the neighbour is not in use. NumPy lets arrays come from an allocator of one's own. :func:`guarded` has one that puts
known bytes around each array and looks at them when it is freed; :func:`fenced` one that ends each array where a page
ends that nobody may touch. They are written in LLVM IR, for they must outlive the interpreter.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest

from wengert.compile.engine import Unit, link, object_code
from wengert.compile.objects import numpy_function

BESIDE = 64  # bytes on each side; the first 8 before an array are its length
SET_HANDLER = 304  # PyDataMem_SetHandler in NumPy's table of C functions

_BYTES = f"""
declare ptr @malloc(i64)
declare void @free(ptr)
declare ptr @memset(ptr, i32, i64)
declare ptr @memcpy(ptr, ptr, i64)
declare i32 @memcmp(ptr, ptr, i64)
@known = global [{BESIDE} x i8] zeroinitializer
@count = global i64 0

define ptr @take(ptr %context, i64 %n) {{
  %all = add i64 %n, {2 * BESIDE}
  %p = call ptr @malloc(i64 %all)
  %none = icmp eq ptr %p, null
  br i1 %none, label %failed, label %made
failed:
  ret ptr null
made:
  %k = call ptr @memset(ptr @known, i32 165, i64 {BESIDE})
  %a = call ptr @memset(ptr %p, i32 165, i64 {BESIDE})
  store i64 %n, ptr %p
  %q = getelementptr i8, ptr %p, i64 {BESIDE}
  %end = getelementptr i8, ptr %q, i64 %n
  %b = call ptr @memset(ptr %end, i32 165, i64 {BESIDE})
  ret ptr %q
}}

define void @give(ptr %context, ptr %q, i64 %size) {{
  %none = icmp eq ptr %q, null
  br i1 %none, label %done, label %look
look:
  %p = getelementptr i8, ptr %q, i64 -{BESIDE}
  %n = load i64, ptr %p
  %before = getelementptr i8, ptr %p, i64 8
  %end = getelementptr i8, ptr %q, i64 %n
  %a = call i32 @memcmp(ptr %before, ptr @known, i64 {BESIDE - 8})
  %b = call i32 @memcmp(ptr %end, ptr @known, i64 {BESIDE})
  %either = or i32 %a, %b
  %bad = icmp ne i32 %either, 0
  %one = zext i1 %bad to i64
  %so_far = load i64, ptr @count
  %new = add i64 %so_far, %one
  store i64 %new, ptr @count
  call void @free(ptr %p)
  br label %done
done:
  ret void
}}

define i64 @length(ptr %q) {{
  %p = getelementptr i8, ptr %q, i64 -{BESIDE}
  %n = load i64, ptr %p
  ret i64 %n
}}

define i64 @spoiled() {{
  %n = load i64, ptr @count
  ret i64 %n
}}
"""

# [page: how long all is, how long the array] [pages of the array, which ends with them] [page that faults]
_PAGES = """
declare ptr @mmap(ptr, i64, i32, i32, i32, i64)
declare i32 @munmap(ptr, i64)
declare i32 @mprotect(ptr, i64, i32)
declare ptr @memset(ptr, i32, i64)
declare ptr @memcpy(ptr, ptr, i64)

define ptr @take(ptr %context, i64 %n) {
  %least = call i64 @llvm.umax.i64(i64 %n, i64 1)
  %up = add i64 %least, 4095
  %pages = and i64 %up, -4096
  %fence = add i64 %pages, 4096
  %all = add i64 %pages, 8192
  %p = call ptr @mmap(ptr null, i64 %all, i32 3, i32 34, i32 -1, i64 0)
  %number = ptrtoint ptr %p to i64
  %none = icmp eq i64 %number, -1
  br i1 %none, label %failed, label %made
failed:
  ret ptr null
made:
  store i64 %all, ptr %p
  %second = getelementptr i64, ptr %p, i64 1
  store i64 %n, ptr %second
  %end = getelementptr i8, ptr %p, i64 %fence
  %shut = call i32 @mprotect(ptr %end, i64 4096, i32 0)
  %back = sub i64 0, %least
  %q = getelementptr i8, ptr %end, i64 %back
  ret ptr %q
}
declare i64 @llvm.umax.i64(i64, i64)

define ptr @head(ptr %q) {
  %number = ptrtoint ptr %q to i64
  %page = and i64 %number, -4096
  %before = sub i64 %page, 4096
  %p = inttoptr i64 %before to ptr
  ret ptr %p
}

define void @give(ptr %context, ptr %q, i64 %size) {
  %none = icmp eq ptr %q, null
  br i1 %none, label %done, label %free
free:
  %p = call ptr @head(ptr %q)
  %all = load i64, ptr %p
  %gone = call i32 @munmap(ptr %p, i64 %all)
  br label %done
done:
  ret void
}

define i64 @length(ptr %q) {
  %p = call ptr @head(ptr %q)
  %second = getelementptr i64, ptr %p, i64 1
  %n = load i64, ptr %second
  ret i64 %n
}

define i64 @spoiled() {
  ret i64 0
}
"""

_BOTH = """
define ptr @take_clear(ptr %context, i64 %n, i64 %size) {
  %all = mul i64 %n, %size
  %q = call ptr @take(ptr %context, i64 %all)
  %none = icmp eq ptr %q, null
  br i1 %none, label %done, label %clear
clear:
  %same = call ptr @memset(ptr %q, i32 0, i64 %all)
  br label %done
done:
  ret ptr %q
}

define ptr @take_again(ptr %context, ptr %old, i64 %n) {
  %new = call ptr @take(ptr %context, i64 %n)
  %have = call i64 @length(ptr %old)
  %less = icmp ult i64 %have, %n
  %both = select i1 %less, i64 %have, i64 %n
  %same = call ptr @memcpy(ptr %new, ptr %old, i64 %both)
  call void @give(ptr %context, ptr %old, i64 %have)
  ret ptr %new
}
"""
_NAMES = ("take", "take_clear", "take_again", "give")


class _Handler(ctypes.Structure):
    """NumPy's PyDataMem_Handler."""

    _fields_ = [("name", ctypes.c_char * 127), ("version", ctypes.c_uint8), ("context", ctypes.c_void_p)]
    _fields_ += [(name, ctypes.c_void_p) for name in _NAMES]


_kept: list[Any] = []  # for ever: arrays come back to be freed until the process ends


@cache
def _allocator(text: str) -> tuple[Any, Unit]:
    unit = link(object_code(text + _BOTH), [*_NAMES, "spoiled"])
    handler = _Handler(b"wengert's tests", 1, None, *(unit[name] for name in _NAMES))
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p] * 3
    name = ctypes.create_string_buffer(b"mem_handler")
    _kept.extend((handler, name, unit))
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(unit))
    return make(ctypes.addressof(handler), ctypes.addressof(name), None), unit


def _from(text: str) -> Generator[Any]:
    capsule, unit = _allocator(text)
    use = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(numpy_function(SET_HANDLER))
    spoiled = ctypes.CFUNCTYPE(ctypes.c_int64)(unit["spoiled"])
    before = use(capsule)
    try:
        yield spoiled
    finally:
        use(before)


@contextmanager
def guarded() -> Generator[Any]:
    """Arrays lie between known bytes: gives a function that says of how many freed arrays these were overwritten."""
    yield from _from(_BYTES)


@contextmanager
def fenced() -> Generator[Any]:
    """Arrays end where a page ends: who reads or writes behind them is stopped there and then, and the process ends."""
    if sys.platform != "linux":
        pytest.skip("mmap's constants are Linux's here")
    yield from _from(_PAGES)


@contextmanager
def unguarded() -> Generator[None]:
    """Arrays lie in NumPy's own memory, for what NumPy computes: it reads behind them here and there."""
    use = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p)(numpy_function(SET_HANDLER))
    before = use(None)
    try:
        yield
    finally:
        use(id(before))
