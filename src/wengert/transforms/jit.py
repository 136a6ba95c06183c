"""``jit``: a function staged once for each type of arguments, and run as a Program."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from wengert import pytree
from wengert.core.program import Program
from wengert.core.trace import Tracer
from wengert.core.types import aval_of
from wengert.transforms.call import call, execute
from wengert.transforms.inputs import name_of, run
from wengert.transforms.stage import Stage

__all__ = ["COMPILE", "jit"]

# (Program, which inputs are donated) -> a callable on plain flat operands that gives the list of flat outputs.
# ``wengert.compile`` enters its own; without one the executor of `call` runs the Program.
COMPILE: list[Callable[[Program, tuple[bool, ...]], Callable[..., list[Any]]]] = []


def jit(f: Callable[..., Any], *, static_argnames: Any = (), static_argnums: Any = (), donate: Any = ()) -> Any:
    """``f``, staged on its first call for each type of arguments."""
    del static_argnames, static_argnums, donate
    entries: dict[Any, Any] = {}

    @functools.wraps(f, updated=())
    def jitted(*args: Any) -> Any:
        leaves, treedef = pytree.flatten(args)
        key = (treedef, tuple(map(aval_of, leaves)))
        if key not in entries:
            entries[key] = _entry(f, leaves, treedef)
        program, out_def = entries[key]
        outs = _apply(program, leaves)
        return pytree.unflatten(out_def, outs)

    return jitted


def _entry(f: Callable[..., Any], leaves: Sequence[Any], treedef: Any) -> tuple[Program, Any]:
    trace = Stage()
    inputs = [trace.input(x) for x in leaves]
    out = run(trace, f, pytree.unflatten(treedef, inputs), {})
    outs, out_def = pytree.flatten(out)
    return trace.program([z.i for z in inputs], outs, name_of(f)), out_def


def _apply(program: Program, leaves: Sequence[Any]) -> Sequence[Any]:
    if any(isinstance(x, Tracer) for x in leaves):
        return call(*leaves, program=program)
    return COMPILE[-1](program, (False,) * len(leaves))(*leaves) if COMPILE else execute(program, leaves)
