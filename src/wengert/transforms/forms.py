"""The staged forms of a function: a Program for each type of arguments, and what it was staged with."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.memory import collections_paused
from wengert.core.program import Program
from wengert.core.trace import Tracer
from wengert.core.types import aval_of
from wengert.transforms.call import call, execute
from wengert.transforms.loading import machine_code, warn_of_interpreting
from wengert.transforms.reaching import Reached
from wengert.transforms.retraces import Retraces

__all__ = ["COMPILE", "Entry", "Forms", "signature"]

# (Program, which inputs are donated) -> a callable on plain flat operands that gives the list of flat outputs. The last
# one is used; without one the executor of `call` runs the Program. The callable may have an attribute ``entry``: a
# function of the same operands that gives NotImplemented, and quickly, where they are not what it was made for, or one
# that is donated shares memory with another one.
COMPILE: list[Callable[[Program, tuple[bool, ...]], Callable[..., list[Any]]]] = []
MOST = 256  # entries that one function keeps


class Entry:
    """One staged form of a function."""

    __slots__ = ("hidden", "kept", "key", "out_def", "program", "reached", "run", "traced")

    def __init__(
        self, key: Any, program: Program, out_def: Any, kept: Any, reached: Reached, traced: list[Any]
    ) -> None:
        self.key, self.program, self.out_def, self.kept, self.reached = key, program, out_def, kept, reached
        self.hidden = [(read, signature(read.now())) for read in reached.arrays]
        self.traced = traced
        self.run: Callable[..., list[Any]] | None = None

    def stale(self) -> str | None:
        """The name of what this form was staged with and is something else by now, or None."""
        for read, sig in self.hidden:
            if signature(read.now()) != sig:
                return read.name
        return self.reached.changed()

    def call(self, leaves: Sequence[Any], donated: tuple[bool, ...]) -> Any:
        """The results for arguments of this form."""
        operands = [*leaves, *(read.now() for read, _ in self.hidden), *self.traced]
        for x in operands:
            if isinstance(x, Tracer):
                outs: Any = call(*operands, program=self.program)
                break
        else:
            if self.run is None:
                self.run = compiled(self.program, (*donated, *(False,) * (len(operands) - len(donated))))
            outs = self.run(*operands)
        if self.kept:
            rest = iter(outs)
            outs = [next(rest) if k not in self.kept else self.kept[k] for k in range(self.out_def.size)]
        return pytree.unflatten(self.out_def, outs)


@collections_paused()
def compiled(program: Program, donated: tuple[bool, ...]) -> Callable[..., list[Any]]:
    """A Program as a function of plain operands."""
    if COMPILE or machine_code():
        return COMPILE[-1](program, donated)
    warn_of_interpreting()
    return lambda *operands: execute(program, operands)


def signature(x: Any) -> Any:
    """What of a leaf decides about the Program: its type, and how an array lies in memory."""
    if type(x) is np.ndarray:
        return (x.shape, x.dtype, x.flags.c_contiguous)
    if isinstance(x, Tracer):
        aval = aval_of(x)
        return (aval.shape, aval.dtype, True) if aval.kind == "array" else aval
    return type(x)


class Forms:
    """The staged forms of one function, or of one object's method."""

    __slots__ = ("entries", "retraces")

    def __init__(self, name: str) -> None:
        self.entries: OrderedDict[Any, Entry] = OrderedDict()
        self.retraces = Retraces(name)
