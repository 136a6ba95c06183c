"""All that makes machine code of a Program, loaded only where the disk has none: it is most of this room."""

from __future__ import annotations

from wengert.compile.core import Core, emit_core
from wengert.compile.engine import assembly
from wengert.compile.estimate import Estimate, estimate
from wengert.compile.expanding import expanded
from wengert.compile.parts import Parts
from wengert.core.program import Program
from wengert.rewrite import rewrite

__all__ = ["Core", "Estimate", "Parts", "assembly", "emit_core", "estimate", "prepared"]


def prepared(program: Program) -> Program:
    """The Program that is compiled, of one that was staged."""
    return rewrite(expanded(program))
