"""How long a Program takes, roughly: whether threads are worth their waiting, and releasing the lock its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from wengert.compile.storing import COSTS
from wengert.core.program import Equation, Program

__all__ = ["Estimate", "estimate"]

# Of one core: multiplications and additions of a product, and simple operations of a loop, in single precision.
PRODUCT, SIMPLE, ELSEWHERE = 1 / 8e10, 1 / 1e10, 2e-5
UNKNOWN = 100  # rounds of a loop whose length is not known


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
