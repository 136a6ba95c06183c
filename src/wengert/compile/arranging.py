"""Products whose operands are no matrices as they lie: they are laid out as such first."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from wengert.compile.emit import I8, I64, Emitter, Type, Value, type_of
from wengert.compile.products import Matrix, batched_product, workspace_bytes
from wengert.compile.routine import Routine, routine
from wengert.core.program import Equation
from wengert.ops.products import remaining

__all__ = ["ARRANGING"]

LINE = 64


def _dot(frame: Any, equation: Equation) -> bool:
    a, b, out = (x.aval for x in (*equation.inputs, *equation.outputs))
    if len({x.dtype for x in (a, b, out)}) > 1 or out.dtype.char not in "fd" or not (a.size and b.size):
        return False
    (ca, cb), (ba, bb) = equation.params["contract"], equation.params["batch"]
    t = type_of(out.dtype)
    order_a = (*ba, *remaining(a.ndim, ca, ba), *ca)
    order_b = (*bb, *cb, *remaining(b.ndim, cb, bb))
    count, k = prod(a.shape[i] for i in ba), prod(a.shape[i] for i in ca)
    m, n = a.size // (count * k), b.size // (count * k)
    sizes = [-(-x.size * t.size // LINE) * LINE for x in (a, b)]
    space = workspace_bytes(m, n, k, (k, 1), (n, 1), (n, 1), t)

    def write(r: Routine) -> None:
        e = r.e
        left, right = r.space, e.offset(r.space, sizes[0], I8)
        for source, dest, x, order in ((r.operands[0], left, a, order_a), (r.operands[1], right, b, order_b)):
            _lay(e, source, dest, x.shape, order, t)
        batched_product(
            e, (count,), m, n, k, Matrix(left, k, 1), Matrix(right, n, 1), Matrix(r.results[0], n, 1), t,
            strides=((m * k,), (k * n,), (m * n,)),
            workspace=e.offset(right, sizes[1], I8) if space else None,
        )  # fmt: skip

    return routine(frame, equation, write, scratch=sum(sizes) + space)


def _lay(e: Emitter, source: Value, dest: Value, shape: Sequence[int], order: Sequence[int], t: Type) -> None:
    """A copy with its axes in another order."""
    steps = [prod(shape[k + 1 :]) for k in range(len(shape))]

    def over(left: Sequence[int], at: Value, to: Value) -> None:
        if not left:
            e.store(e.load(source, t, at), dest, to)
            return
        k, *rest = left
        size = prod(shape[j] for j in rest)
        e.loop(shape[k], lambda i: over(rest, at + i * steps[k], to + i * size))

    over(order, e.const(I64, 0), e.const(I64, 0))


ARRANGING = {"dot": _dot}
