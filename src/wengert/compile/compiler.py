"""From a Program to a function that runs it as machine code."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from wengert.compile.core import emit_core
from wengert.compile.engine import link, object_code
from wengert.core.program import Program


def simple(program: Program) -> Any:
    """For trials: a callable on flat operands."""
    core = emit_core(program)
    text = core.emitter.text()
    unit = link(object_code(text), core.emitter.exports, core.emitter.symbols, core.callbacks)
    f = unit.function("core", ctypes.c_int32, *(ctypes.c_void_p,) * 2, ctypes.c_int64, ctypes.c_void_p)
    raw = np.zeros(core.arena + 64, np.uint8)
    off = -raw.ctypes.data % 64
    arena = raw[off:]
    consts = [np.ascontiguousarray(c) for c in core.constants]

    def run(*args: Any) -> list[Any]:
        ins = [np.ascontiguousarray(np.asarray(a, v.aval.dtype)) for a, v in zip(args, program.inputs, strict=True)]
        outs = [np.empty(a.aval.shape, a.aval.dtype) for a in program.outputs]
        table = (ctypes.c_void_p * (len(ins) + len(outs) + len(consts)))(*[x.ctypes.data for x in (*ins, *outs, *consts)])
        code = f(table, arena.ctypes.data, 0, None)
        assert code == 0, code
        return outs

    run.core, run.text, run.unit = core, text, unit  # type: ignore[attr-defined]
    return run
