"""The entry for interpreters whose objects machine code does not know: the same calls, through ctypes.

Operands are checked and results are made by Python, which takes some microseconds. A donated operand is copied.
"""

from __future__ import annotations

import ctypes
from typing import Any, final

import numpy as np

from wengert.compile import threads
from wengert.compile.runtime import runtime
from wengert.compile.specs import Spec
from wengert.core.types import Aval, aval_of

__all__ = ["Plain"]

_Address = ctypes.c_void_p


@final
class Plain:
    """A callable like the native entry."""

    def __init__(self, spec: Spec, fail: Any, unlock: bool) -> None:
        self.spec, self._fail = spec, fail
        kind = ctypes.CFUNCTYPE if unlock else ctypes.PYFUNCTYPE
        self._core = kind(ctypes.c_int32, _Address, _Address, ctypes.c_int64, _Address)(spec.core)
        self.__name__ = spec.name

    def __call__(self, *args: Any) -> Any:
        """The results, or ``NotImplemented`` for operands that do not fit."""
        spec = self.spec
        if len(args) != len(spec.inputs) or not all(map(_matches, args, spec.inputs)):
            return NotImplemented
        held = [np.asarray(x, aval.dtype) for x, aval in zip(args, spec.inputs, strict=True)]
        results = [np.empty(aval.shape, aval.dtype) for aval in spec.outputs]
        for output, source in spec.donated.items():
            results[output][...] = held[source]
            held[source] = results[output]
        code = 0 if spec.does_nothing else self._run([*held, *results, *spec.constants])
        if code:
            self._fail(code)
        found = [_result(x, aval) for x, aval in zip(results, spec.outputs, strict=True)]
        return found[0] if spec.result == "single" else (tuple if spec.result == "tuple" else list)(found)

    def _run(self, operands: list[np.ndarray[Any, Any]]) -> int:
        table = (_Address * len(operands))(*[x.ctypes.data for x in operands])
        arena = ctypes.create_string_buffer(self.spec.arena_bytes + 64)
        start = (ctypes.addressof(arena) + 63) & -64
        if self.spec.threads == 1:
            return self._core(ctypes.addressof(table), start, 0, None)
        return _by_team(threads.group(self.spec.threads), self.spec.core, ctypes.addressof(table), start)


def _by_team(group: Any, core: int, table: int, arena: int) -> int:
    team = threads.take(group) or ctypes.cast(group.make, ctypes.py_object).value()
    enter, leave = (runtime().function(f"wengert_{name}", None, _Address) for name in ("enter", "leave"))
    enter(group.gate)
    code = runtime().function("wengert_run", ctypes.c_int32, *[_Address] * 4)(team, core, table, arena)
    leave(group.gate)
    threads.give(group, team)
    return code


def _matches(x: Any, aval: Aval) -> bool:
    if aval.kind == "array":
        layout = type(x) is np.ndarray and x.flags.c_contiguous and x.flags.aligned
        return layout and x.dtype == aval.dtype and x.shape == aval.shape
    if type(x) is int and not -(1 << 63) <= x < 1 << 63:
        return False
    return isinstance(x, bool | int | float | complex | np.generic) and aval_of(x) == aval


def _result(x: np.ndarray[Any, Any], aval: Aval) -> Any:
    if aval.kind == "array":
        return x
    return x[()] if aval.kind == "scalar" else x.item()
