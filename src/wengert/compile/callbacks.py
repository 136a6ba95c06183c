"""Calls from native code into Python, for what has no native code.

An exception cannot pass through native code. It waits under a code of its own, which the core returns, and is raised
by the entry.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from wengert.compile import threads
from wengert.compile.runtime import runtime
from wengert.core.types import Aval, aval_of
from wengert.errors import CompileError

__all__ = ["FIRST_CODE", "callback", "raised"]

FIRST_CODE: Final = 1 << 20  # codes below are the core's own
_KEPT: Final = 64
_codes = itertools.count()
_raised: dict[int, BaseException] = {}
_Native = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p)


def raised(code: int) -> BaseException | None:
    """The exception that waits under a code."""
    return _raised.pop(code, None)


def _wait(error: BaseException) -> int:
    """Keep an exception until it is asked for; where several threads fail, the oldest are forgotten at last."""
    code = FIRST_CODE + next(_codes) % (1 << 30)
    _raised[code] = error
    while len(_raised) > _KEPT:
        _raised.pop(next(iter(_raised)), None)
    return code


def callback(
    function: Callable[..., Any],
    inputs: Sequence[Aval],
    outputs: Sequence[Aval],
    *,
    multiple: bool | None = None,
    threaded: bool = False,
    copies: bool = False,
    name: str = "",
) -> tuple[int, Any]:
    """Native access to a Python function: ``i32 f(ptr operands)``, addresses of inputs, then of outputs.

    The function gets arrays that are views of the inputs, not to be written to nor kept, and numbers of the kind
    their abstract value says. What it returns is compared with ``outputs`` and copied there. It may be called by any
    thread, with or without the interpreter's lock.

    Args:
        function: gets the inputs, gives the output, or a sequence of them where ``multiple``.
        inputs: abstract values.
        outputs: abstract values.
        multiple: whether it gives a sequence; by default, where there is not exactly one output.
        threaded: whether it is called by a core that a team runs: others may then run while Python does.
        copies: whether it gets copies of the inputs, which it may keep.
        name: for messages.

    Returns:
        The address, and an object that must be kept as long as the address is used.
    """
    many = len(outputs) != 1 if multiple is None else multiple
    name = name or getattr(function, "__name__", "a callback")

    def call(table: int) -> int:
        try:
            with _gate_open(threaded):
                at = (ctypes.c_void_p * (len(inputs) + len(outputs))).from_address(table)
                results = function(*(_operand(a, aval, copies) for a, aval in zip(at, inputs, strict=False)))
                for address, aval, x in zip(at[len(inputs) :], outputs, results if many else [results], strict=True):
                    _give(address, aval, x, name)
        except BaseException as error:  # noqa: BLE001  # KeyboardInterrupt too is raised where the call returns
            return _wait(error)
        return 0

    native = _Native(call)
    return ctypes.cast(native, ctypes.c_void_p).value or 0, native


class _gate_open:
    """A team that waits for Python gives the processors to others, on whom it may depend."""

    def __init__(self, threaded: bool) -> None:
        self.threaded = threaded

    def __enter__(self) -> None:
        if self.threaded:
            runtime().function("wengert_leave", None, ctypes.c_void_p)(ctypes.addressof(threads.gate()))

    def __exit__(self, *_: object) -> None:
        if self.threaded:
            runtime().function("wengert_enter", None, ctypes.c_void_p)(ctypes.addressof(threads.gate()))


def _view(address: int, aval: Aval) -> np.ndarray[Any, Any]:
    """An array over memory that it does not own."""
    memory: Any = (ctypes.c_char * max(1, aval.size * aval.dtype.itemsize)).from_address(address)
    return np.ndarray(aval.shape, aval.dtype, memory)


def _operand(address: int, aval: Aval, copies: bool) -> Any:
    view = _view(address, aval)
    if aval.kind == "array":
        if copies:
            return view.copy()
        view.flags.writeable = False
        return view
    return view[()] if aval.kind == "scalar" else view.item()


def _give(address: int, aval: Aval, x: Any, name: str) -> None:
    found = aval_of(x)
    if found.shape != aval.shape or found.dtype != aval.dtype:
        raise CompileError(f"{name} gave {found}, where {aval} was expected of its abstract evaluation")
    _view(address, aval)[...] = x
