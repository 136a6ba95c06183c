"""Calls from native code into Python, for what has no native code.

An exception cannot pass through native code. It waits under a code of its own, which the core returns, and is raised
by the entry.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np

from wengert.compile import threads
from wengert.compile.runtime import runtime
from wengert.core.program import Equation
from wengert.core.types import Aval, aval_of
from wengert.errors import CompileError

__all__ = ["FIRST_CODE", "callback", "of_equation", "raised"]

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
    read = [_reader(aval, copies) for aval in inputs]
    write = [_writer(aval, name) for aval in outputs]
    table_type = ctypes.c_void_p * (len(inputs) + len(outputs))

    def run(table: int) -> None:
        at = list(table_type.from_address(table))
        results = function(*[reader(address) for reader, address in zip(read, at, strict=False)])
        for writer, address, x in zip(write, at[len(read) :], results if many else (results,), strict=True):
            writer(address, x)

    def call(table: int) -> int:
        try:
            if threaded:
                _while_others_run(run, table)
            else:
                run(table)
        except BaseException as error:  # noqa: BLE001  # KeyboardInterrupt too is raised where the call returns
            return _wait(error)
        return 0

    native = _Native(call)
    return ctypes.cast(native, ctypes.c_void_p).value or 0, native


def of_equation(equation: Equation, threaded: bool) -> tuple[int, Any]:
    """Native access to the NumPy implementation of an equation's primitive, as :func:`callback` gives it."""
    primitive = equation.primitive
    return callback(
        functools.partial(primitive.impl, **equation.params), [x.aval for x in equation.inputs],
        [v.aval for v in equation.outputs], multiple=primitive.multiple, copies=True, name=primitive.name,
        threaded=threaded,
    )  # fmt: skip


def _while_others_run(run: Callable[[int], None], table: int) -> None:
    """A team that waits for Python gives the processors to other teams, on whom it may depend."""
    leave, enter = (runtime().function(f"wengert_{name}", None, ctypes.c_void_p) for name in ("leave", "enter"))
    gate = ctypes.addressof(threads.gate())
    leave(gate)
    try:
        run(table)
    finally:
        enter(gate)


def _viewer(aval: Aval) -> Callable[[int], np.ndarray[Any, Any]]:
    """From an address to an array over memory that it does not own."""
    memory: Any = ctypes.c_char * max(1, aval.size * aval.dtype.itemsize)
    return lambda address: np.ndarray(aval.shape, aval.dtype, memory.from_address(address))


def _reader(aval: Aval, copies: bool) -> Callable[[int], Any]:
    view = _viewer(aval)
    if aval.kind == "scalar":
        return lambda address: view(address)[()]
    if aval.kind == "python":
        return lambda address: view(address).item()
    if copies:
        return lambda address: view(address).copy()

    def read_only(address: int) -> Any:
        x = view(address)
        x.flags.writeable = False
        return x

    return read_only


def _writer(aval: Aval, name: str) -> Callable[[int, Any], None]:
    view = _viewer(aval)

    def write(address: int, x: Any) -> None:
        found = aval_of(x)
        if found.shape != aval.shape or found.dtype != aval.dtype:
            raise CompileError(f"{name} gave {found}, where {aval} was expected of its abstract evaluation")
        view(address)[...] = x

    return write
