"""Algebraic simplification: the identities of the table, wherever they apply."""

from __future__ import annotations

import functools

from wengert.core.program import Program
from wengert.rewrite.identities import table
from wengert.rewrite.patterns import Table, apply_rules


@functools.cache
def rules(fast_math: bool) -> Table:
    """The table, made once."""
    return table(fast_math=fast_math)


def simplify(program: Program) -> Program:
    """Identities that hold to the bit."""
    return apply_rules(program, rules(fast_math=False))


def simplify_fast(program: Program) -> Program:
    """Identities of real numbers, which rounding breaks: only under ``fast_math``."""
    return apply_rules(program, rules(fast_math=True))
