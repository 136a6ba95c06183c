"""Programs made simpler: passes from Program to Program, each with a name, all listed in :func:`passes`.

A rewritten Program computes the same values to the bit, but for products, which may be summed in another order, and
for what ``fast_math`` allows. Rewriting comes last, after all transforms: derivatives are taken of the Program as it
was written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass

from wengert.core.check import check_program
from wengert.core.program import Program
from wengert.rewrite.counting import Count, count
from wengert.rewrite.cse import cse
from wengert.rewrite.dce import dce
from wengert.rewrite.edit import everywhere
from wengert.rewrite.fold import fold
from wengert.rewrite.hoist import arrange, batch_products, hoist
from wengert.rewrite.inline import inline
from wengert.rewrite.layout import layout
from wengert.rewrite.pieces import pieces
from wengert.rewrite.products import broadcast_products, products
from wengert.rewrite.reroll import reroll
from wengert.rewrite.residuals import residuals
from wengert.rewrite.simplify import simplify, simplify_fast

__all__ = ["CHECK", "Count", "Pass", "count", "passes", "rewrite"]

# Whether Programs are typechecked after each pass: a list of one, for tests to set.
CHECK = [bool(os.environ.get("WENGERT_CHECK"))]
ROUNDS = 4  # how often the passes are run at most while they find something to do
LARGE = 2000  # equations from which they are run once: what is left to find is not worth the time


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass: its name and function. ``once``: in the first round only."""

    name: str
    run: Callable[[Program], Program]
    once: bool = False


def passes(*, fast_math: bool = False) -> tuple[Pass, ...]:
    """All passes in their order."""
    return (
        Pass("inline", inline),
        Pass("reroll", reroll, once=True),
        Pass("fold", fold),
        Pass("simplify", simplify_fast if fast_math else simplify),
        Pass("pieces", pieces),
        Pass("products", products),
        *([Pass("broadcast_products", broadcast_products)] if fast_math else []),
        Pass("layout", layout),
        Pass("hoist", hoist),
        Pass("batch_products", batch_products),
        Pass("arrange", arrange),
        Pass("residuals", residuals),
        Pass("cse", cse),
        Pass("dce", dce),
    )


def rewrite(
    program: Program,
    *,
    skip: Collection[str] = (),
    fast_math: bool = False,
    watch: Callable[[str, Program], None] | None = None,
) -> Program:
    """A Program that computes the same in fewer and better steps.

    ``skip`` names passes to leave out. ``fast_math`` allows what holds for real numbers and not for rounded ones.
    ``watch(name, program)`` is called after each pass.

    Raises:
        ValueError: where ``skip`` names no pass.

    Example:
        >>> import numpy as np
        >>> from wengert import make_program
        >>> from wengert.rewrite import rewrite
        >>> print(rewrite(make_program(lambda x: (-x) * 1.0 + np.sin(x))(1.0)))
        <lambda>(a: float) -> c
          b: f64 = sin a
          c: f64 = subtract b a
    """
    todo = passes(fast_math=fast_math)
    unknown = set(skip) - {p.name for p in todo}
    if unknown:
        raise ValueError(f"no pass is named {min(unknown)!r}\n  write: names of {[p.name for p in todo]}")
    todo = tuple(p for p in todo if p.name not in skip)
    for round_ in range(ROUNDS):
        before = program
        for one in todo:
            if round_ and one.once:
                continue
            program = everywhere(one.run, program)
            if CHECK[0]:
                check_program(program)
            if watch is not None:
                watch(one.name, program)
        if program is before or len(program.equations) > LARGE:
            break
    return program
