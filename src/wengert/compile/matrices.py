"""Linear algebra: records of matrices, and stacks of them, by LAPACK."""

from __future__ import annotations

from math import prod
from typing import Any

from wengert.compile.emit import Value, type_of
from wengert.compile.factorisations import FACTORISATIONS, each, factorise, factorise_bytes
from wengert.compile.products import Matrix
from wengert.compile.routine import Routine, routine
from wengert.core.program import Atom, Equation
from wengert.core.types import Aval

__all__ = ["MATRICES"]

VECTORS = {"eigh": (0,), "eigvalsh": (0,), "svd": (1,), "svdvals": (0,)}  # results that are vectors
NUMBERS = frozenset(("det", "slogdet"))  # whose results are numbers


def _rule(frame: Any, equation: Equation) -> bool:
    name = equation.primitive.name
    values = [*equation.inputs, *equation.outputs]
    t = type_of(equation.inputs[0].aval.dtype)
    if any(x.aval.dtype.char not in "fd" or type_of(x.aval.dtype) != t or not x.aval.size for x in values):
        return False
    shapes = [_matrix(name, k, x, len(equation.inputs)) for k, x in enumerate(values)]
    stacks = [prod(x.aval.shape) // prod(s) for x, s in zip(values, shapes, strict=True)]
    count = stacks[-1]
    if any(n not in (1, count) for n in stacks):
        return False
    m, n = shapes[0]
    k = shapes[1][1] if len(equation.inputs) > 1 else 1

    def write(r: Routine) -> Value:
        e = r.e

        def one(at: Value) -> Value:
            places = [
                Matrix(e.offset(p, at * prod(s), t) if stack > 1 else p, s[1], 1)
                for p, s, stack in zip((*r.operands, *r.results), shapes, stacks, strict=True)
            ]
            given = len(r.operands)
            return factorise(
                e, name, m, n, t, places[:given], places[given:], params=equation.params, workspace=r.space, k=k
            )

        return each(e, count, one)

    return routine(frame, equation, write, scratch=max(factorise_bytes(name, m, n, t, k), 64), reports=True)


def _matrix(name: str, k: int, x: Atom, operands: int) -> tuple[int, int]:
    """The rows and columns of an operand's or a result's matrices; a vector is a column, a number a matrix of one."""
    aval: Aval = x.aval
    if k >= operands and name in NUMBERS:
        return 1, 1
    if k >= operands and k - operands in VECTORS.get(name, ()):
        return aval.shape[-1], 1
    return aval.shape[-2], aval.shape[-1]


MATRICES = dict.fromkeys(FACTORISATIONS, _rule)
