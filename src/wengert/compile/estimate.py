"""How long a Program takes, roughly.

It decides whether threads are worth their waiting, releasing the lock its time, and good code its making.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, final

from wengert.compile.plan import Kernel, Nest, Product, Step
from wengert.compile.storing import COSTS
from wengert.compile.target import Target
from wengert.core.program import Equation, Program

__all__ = ["UNKNOWN", "Estimate", "estimate", "turns"]

# Of one core: multiplications and additions of a product, and simple operations of a loop, in single precision.
PRODUCT, SIMPLE, ELSEWHERE = 1 / 8e10, 1 / 1e10, 2e-5
UNKNOWN = 100  # rounds of a loop whose length is not known
TILE = 24  # vectors that the innermost loop of a product adds to


@final
@dataclass(frozen=True)
class Estimate:
    """Seconds on one core, and how many kernels are run in that time."""

    seconds: float = 0.0
    kernels: int = 0

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.seconds + other.seconds, self.kernels + other.kernels)

    def times(self, n: int) -> Estimate:
        """Of a loop."""
        return Estimate(self.seconds * n, self.kernels * n)


def estimate(program: Program) -> Estimate:
    """Of a whole Program."""
    return sum((_of(equation) for equation in program.equations), Estimate())


def _of(equation: Equation) -> Estimate:
    name, params = equation.primitive.name, equation.params
    if name == "scan":
        return estimate(params["body"]).times(params["length"])
    if name == "while_loop":
        return (estimate(params["body"]) + estimate(params["test"])).times(UNKNOWN)
    if name == "cond":
        return max((estimate(p) for p in params["branches"]), key=lambda e: e.seconds)
    if name == "call":
        return estimate(params["program"])
    out: Any = equation.outputs[0].aval
    double = out.dtype.itemsize / 4
    size = max([out.size, *(x.aval.size for x in equation.inputs)])
    if name == "dot":
        a = equation.inputs[0].aval
        summed = 1
        for axis in params["contract"][0]:
            summed *= a.shape[axis]
        return Estimate(2 * out.size * summed * PRODUCT * double, 1)
    if equation.primitive.family == "general":
        return Estimate(ELSEWHERE + size * SIMPLE, 1)
    kernels = int(equation.primitive.family in ("reduction", "bilinear") or name in ("sum", "scatter_add"))
    return Estimate(size * COSTS.get(name, 1) * SIMPLE * double, kernels)


def turns(kernel: Kernel, target: Target) -> float:
    """How often the innermost loop of a kernel goes round; not the loops of what is called from there."""
    if isinstance(kernel, Step):
        return max((x.aval.size for x in (*kernel.equation.inputs, *kernel.equation.outputs)), default=0)
    if isinstance(kernel, Nest):
        return prod(kernel.shape) / target.lanes(kernel.units[0].var.aval.dtype.itemsize)
    assert isinstance(kernel, Product)
    out, a = kernel.unit.var.aval, kernel.unit.equation.inputs[0].aval
    summed = prod(a.shape[axis] for axis in kernel.unit.equation.params["contract"][0])
    return out.size * summed / target.lanes(out.dtype.itemsize) / TILE
