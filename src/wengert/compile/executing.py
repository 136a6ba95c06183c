"""When Programs become machine code: at once for ``jit``, and for others when they have been interpreted for long."""

from __future__ import annotations

import time
import weakref
from collections.abc import Sequence
from typing import Any

from wengert.compile.compiler import Compiled, compile_program
from wengert.compile.variants import Variants
from wengert.core.program import Program
from wengert.core.types import aval_of
from wengert.transforms.call import interpret

__all__ = ["compiled", "execute"]

PATIENCE = 0.02  # seconds of interpreting after which compilation, which takes longer, begins to pay
_spent: weakref.WeakKeyDictionary[Program, float] = weakref.WeakKeyDictionary()
_compiled: weakref.WeakKeyDictionary[Program, Compiled | Variants] = weakref.WeakKeyDictionary()


def compiled(program: Program, donated: tuple[bool, ...]) -> Compiled | Variants:
    """A Program as machine code."""
    return compile_program(program, donated, hasty=True)


def execute(program: Program, operands: Sequence[Any]) -> list[Any]:
    """Run a Program on plain values."""
    found = _compiled.get(program)
    if found is None:
        begun = time.perf_counter()
        out = interpret(program, operands)
        spent = _spent[program] = _spent.get(program, 0.0) + time.perf_counter() - begun
        if spent > PATIENCE:
            _compiled[program] = compile_program(program)
        return out
    if any(aval_of(x) != v.aval for x, v in zip(operands, program.inputs, strict=True)):
        return interpret(program, operands)
    return list(found(*operands))
