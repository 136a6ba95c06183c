"""What a compiled function takes and gives, and operands that have to be brought into that form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, final

import numpy as np

from wengert.compile.donating import was_donated
from wengert.core.types import Aval, aval_of
from wengert.errors import CompileError, ShapeError

__all__ = ["Result", "Spec", "fit"]

Result = Literal["single", "tuple", "list"]
_PYTHON = (bool, int, float, complex)


@final
@dataclass(frozen=True, eq=False)
class Spec:
    """A core and all that has to be known to call it; :func:`~wengert.compile.entry.entry` says what each part is."""

    core: int
    inputs: tuple[Aval, ...]
    outputs: tuple[Aval, ...]
    arena_bytes: int
    constants: tuple[np.ndarray[Any, Any], ...]
    threads: int
    seconds: float
    donated: Mapping[int, int]
    unit: Any
    raise_code: Callable[[int], Exception]
    result: Result
    name: str

    def __post_init__(self) -> None:
        if self.result == "single" and len(self.outputs) != 1:
            raise CompileError(f"{self.name} has {len(self.outputs)} outputs, so its result is a tuple or a list")
        for aval in (*self.inputs, *self.outputs):
            if aval.dtype.kind not in "biufc" or not aval.dtype.isnative:
                raise CompileError(f"{self.name}: compiled code has no arrays of {aval.dtype}")
        if len(set(self.donated.values())) < len(self.donated):
            raise CompileError(f"{self.name}: an operand is donated to two outputs")
        for output, source in self.donated.items():
            if self.outputs[output] != self.inputs[source] or self.inputs[source].kind != "array":
                raise CompileError(
                    f"{self.name}: output {output} is {self.outputs[output]} and cannot take over operand {source}, "
                    f"which is {self.inputs[source]}"
                )

    @property
    def does_nothing(self) -> bool:
        """Whether there is no element to compute."""
        return not any(aval.size for aval in self.outputs)


def fit(x: Any, aval: Aval, name: str) -> Any:
    """The operand as the core reads it: itself, or a copy in another layout. Never of another dtype or shape.

    Raises:
        CompileError: ``x`` was donated before, or is of another type or dtype.
        ShapeError: it is of another shape.
    """
    if was_donated(x):
        raise CompileError(
            f"{name} was donated to an earlier call: its memory belongs to that call's result now\n"
            "  write: p = f(p, ...) and go on with the result, or do not donate it"
        )
    if type(x) not in _PYTHON and not (type(x) in (np.ndarray, np.memmap) or isinstance(x, np.generic)):
        raise CompileError(f"{name} is a {type(x).__name__}{_expected(aval)}")
    x = np.asarray(x) if type(x) is np.memmap else x
    given = aval_of(x)
    if given.shape != aval.shape:
        raise ShapeError(f"{name} has shape {given.shape}, where {_described(aval)} is expected")
    if given.dtype.newbyteorder("=") != aval.dtype:
        raise CompileError(f"{name} is {_described(given)}{_expected(aval)}")
    if aval.kind == "python":
        return _python_number(x, aval, name)
    if aval.kind == "scalar":
        return aval.dtype.type(x)
    return np.array(x, dtype=aval.dtype, order="C", subok=False)


def _python_number(x: Any, aval: Aval, name: str) -> Any:
    number = x if type(x) in _PYTHON else x.item()
    if type(number) is int and not -(1 << 63) <= number < 1 << 63:
        raise CompileError(f"{name} is {number}: compiled code computes with ints of 64 bits\n  write: float({name})")
    return {"b": bool, "i": int, "f": float, "c": complex}[aval.dtype.kind](number)


def _described(aval: Aval) -> str:
    if aval.kind == "python":
        return f"a Python {aval}"
    return f"a NumPy {aval.dtype}" if aval.kind == "scalar" else f"an array of {aval.dtype} of shape {aval.shape}"


def _expected(aval: Aval) -> str:
    return f", where {_described(aval)} is expected\n  write: {_write(aval)}"


def _write(aval: Aval) -> str:
    if aval.kind == "python":
        return f"{aval}(x)"
    return f"np.{aval.dtype}(x)" if aval.kind == "scalar" else f"np.asarray(x, dtype=np.{aval.dtype})"
