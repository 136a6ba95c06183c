"""What a Program costs, roughly: for tests and reports."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wengert.core.program import Equation, Program
from wengert.rewrite.edit import programs_of

__all__ = ["Count", "count"]


@dataclass(frozen=True, slots=True)
class Count:
    """``equations`` written down, ``steps`` taken (bodies of loops as often as they run), and ``flops``.

    A product counts two operations for each pair of factors, everything else one for each element of its results;
    a ``while_loop`` counts as one step, of branches the dearest counts.
    """

    equations: int = 0
    steps: int = 0
    flops: int = 0


def count(program: Program) -> Count:
    """Count a Program's equations, steps and floating point operations.

    Example:
        >>> import numpy as np
        >>> from wengert import make_program
        >>> from wengert.rewrite import count
        >>> count(make_program(lambda x: np.tanh(x @ x))(np.ones((3, 3))))
        Count(equations=2, steps=2, flops=63)
    """
    parts = [of_equation(e) for e in program.equations]
    return Count(*(sum(column) for column in zip(*parts, strict=True))) if parts else Count()


def of_equation(equation: Equation) -> tuple[int, int, int]:
    """The same for one equation."""
    bodies = [count(p) for value in equation.params.values() for p in programs_of(value)]
    if bodies:
        turns = equation.params["length"] if equation.primitive.name == "scan" else 1
        dearest = max(bodies, key=lambda b: b.flops)
        return 1 + sum(b.equations for b in bodies), 1 + turns * dearest.steps, turns * dearest.flops
    size = sum(v.aval.size for v in equation.outputs)
    return 1, 1, products(equation) if equation.primitive.family == "bilinear" else size


def products(equation: Equation) -> int:
    """Operations of a product: its pairs of factors, from the sizes of operands and result."""
    sizes = [math.prod(a.aval.shape) for a in equation.inputs[:2]]
    out = equation.outputs[0].aval.size
    if equation.primitive.name == "matmul":
        return 2 * out * equation.inputs[0].aval.shape[-1]
    if equation.primitive.name == "dot":
        return 2 * out * math.prod(equation.inputs[0].aval.shape[k] for k in equation.params["contract"][0])
    return 2 * max(out, *sizes) if len(sizes) == 2 else out
