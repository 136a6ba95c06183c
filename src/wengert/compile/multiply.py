"""Products of a plan: ``dot`` as matrix products, with what follows done in their registers."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from math import prod

from wengert.compile.affine import ZERO, Affine, Index, Symbol, of, row_major
from wengert.compile.emission import Emission, Held
from wengert.compile.emit import I8, I64, Emitter, Type, Value, type_of
from wengert.compile.plan import Plan, Product
from wengert.compile.products import (
    Matrix,
    batched_product,
    is_long,
    long_product,
    long_workspace_bytes,
    plus,
    product,
    workspace_bytes,
)
from wengert.compile.sharing import Share
from wengert.compile.views import Form, form
from wengert.core.program import Var

__all__ = ["emit_product"]


def emit_product(
    e: Emitter, kernel: Product, plan: Plan, pointers: dict[Var, Value], flags: Value, workspace: Value,
    cut: Share, thread: Value,
) -> int:  # fmt: skip
    """Write a product; gives the bytes of workspace that it needs for each thread."""
    equation = kernel.unit.equation
    found = form(equation, plan.made, plan.stored)
    assert found is not None
    var = kernel.unit.var
    t = type_of(var.aval.dtype)
    fused = _Fused(e, kernel, plan, pointers, flags, found)
    whole, one = found.m, prod(found.batch) == 1
    if cut.symbol is not None and one:
        fused.first = thread * cut.count
        found = found._replace(m=cut.count)
    first = fused.first
    c = Matrix(_moved(e, pointers[var], first, found.n, t), found.n, 1) if var in kernel.kept else None
    a, b = (
        Matrix(e.offset(pointers[x.base], x.offset, t), *strides)
        for x, strides in ((found.a, found.strides_a), (found.b, found.strides_b))
    )
    a = Matrix(_moved(e, a.base, first, a.row, t), a.row, a.column)
    finish = fused.finish if kernel.units else None
    long = one and is_long(whole, found.n, found.k, t)
    room = long_workspace_bytes if long else workspace_bytes
    size = room(
        found.m, found.n, found.k, a.strides, b.strides, c.strides if c else None, t,
        whole=whole, target=e.target,
    )  # fmt: skip
    space = e.offset(workspace, thread * size, I8) if size else None
    with fused.reader.scope():
        if one:
            done = None if finish is None else lambda v, i, j, lanes, mask: finish((), v, i, j, lanes, mask)
            if long:
                long_product(e, found.m, found.n, found.k, a, b, c, t, finish=done, workspace=space, whole=whole)
            else:
                product(
                    e, found.m, found.n, found.k, a, b, c, t, finish=done, workspace=space, whole=whole,
                    numbered=fused.rows if done else None,
                )  # fmt: skip
        else:
            each = found.m * found.n
            over = [prod(found.batch[k + 1 :]) * each for k in range(len(found.batch))]
            batched_product(
                e, found.batch, found.m, found.n, found.k, a, b, c, t,
                strides=(found.batch_a, found.batch_b, over), finish=finish, workspace=space,
                span=None if cut.symbol is None else (thread * cut.count, thread * cut.count + cut.count),
            )  # fmt: skip
    return size


def _moved(e: Emitter, base: Value, rows: Value | None, stride: int, t: Type) -> Value:
    return base if rows is None else e.offset(base, rows * e.const(I64, stride), t)


class _Fused:
    """What is done with each finished vector of a product."""

    def __init__(
        self, e: Emitter, kernel: Product, plan: Plan, pointers: dict[Var, Value], flags: Value, found: Form
    ) -> None:
        self.e, self.kernel, self.form, self.pointers = e, kernel, found, pointers
        own = {kernel.unit.var: kernel.unit.equation} | {u.var: u.equation for u in kernel.units}
        self.index: Index = ()
        self.first: Value | None = None  # the first of this thread's rows
        self.known: dict[str, Affine] | None = None  # numbers of rows and columns of the tile that is being finished
        self.reader = Emission(e, plan.made, pointers, flags, own, lambda _var: self.index)

    def finish(
        self, batch: tuple[Value, ...], value: Value, i: Value, j: Value, lanes: int, mask: Value | None
    ) -> Value | None:
        """The units of the kernel at row ``i``, columns from ``j`` on."""
        kernel, reader = self.kernel, self.reader
        if self.known is None and self.first is not None:
            i = i + self.first
        with reader.inline() if self.known is None else nullcontext():
            self.index = self.indices(batch, i, j, lanes)
            here = row_major(self.index, kernel.unit.shape)
            reader.register(kernel.unit.var, here, Held(value, reader.depth))
            with reader.under(None if mask is None else Held(mask, reader.depth)):
                for unit in kernel.units:
                    held = reader.load(unit.var, here)
                    if unit.var in kernel.kept:
                        reader.put(self.pointers[unit.var], here, held.value, reader.mask if lanes else None)
        return value if kernel.unit.var in kernel.kept else None

    @contextmanager
    def rows(self, i: Value, height: int) -> Generator[list[Value]]:
        """The rows of a tile: what they read has addresses in common, which are computed once."""
        batch = len(self.form.batch)
        long = [n for n in self.kernel.unit.shape[batch : batch + self.form.rows] if n != 1]
        if len(long) > 1:
            yield [plus(self.e, i, r) for r in range(height)]
            return
        with self.reader.inline():
            i = i if self.first is None else i + self.first
            first = of(Symbol(long[0] - height + 1 if long else 1, self.reader.depth, i))
            names = [f"row {r}" for r in range(height)]
            self.known = {name: first + r for r, name in enumerate(names)}
            yield [Value(self.e, name, I64) for name in names]
        self.known = None

    def indices(self, batch: tuple[Value, ...], i: Value, j: Value, lanes: int) -> Index:
        """The index into the result."""
        shape, found, depth = self.kernel.unit.shape, self.form, self.reader.depth
        at = [of(Symbol(n, depth, v)) for n, v in zip(found.batch, batch, strict=False)] or [ZERO] * len(found.batch)
        at += self.parts(shape[len(at) : len(at) + found.rows], i, 0)
        at += self.parts(shape[len(at) :], j, lanes)
        return tuple(at)

    def parts(self, shape: tuple[int, ...], number: Value, lanes: int) -> list[Affine]:
        """A row's or a column's number as an index of the axes that it counts."""
        long = [n for n in shape if n != 1]
        depth = self.reader.depth
        if len(long) <= 1:
            known = {} if self.known is None else self.known
            whole = known.get(number.name) or of(Symbol(long[0] if long else 1, depth, number, lanes))
            known[number.name] = whole
            return [whole if n != 1 else ZERO for n in shape]
        assert not lanes
        out: list[Affine] = []
        e, left = self.e, number
        for k, n in enumerate(shape):
            step = prod(shape[k + 1 :])
            quotient = e.div(left, step) if step != 1 else left
            left = left - quotient * step
            out.append(of(Symbol(n, depth, quotient)) if n != 1 else ZERO)
        return out
