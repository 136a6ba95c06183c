"""C = finish(start + alpha A B), in the form that suits shapes, strides and the machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from wengert.compile.emit import I8, I64, Emitter, Type, Value
from wengert.compile.products.kernel import Job, begin, deliver, live_mask, rows_product
from wengert.compile.products.matrix import Finish, Matrix, Start, address
from wengert.compile.products.plan import Plan, panels, plan

__all__ = ["batched_product", "product", "sweep"]

STACK = 1 << 16  # bytes of workspace that may be taken from the stack


def product(
    e: Emitter, m: int, n: int, k: int, a: Matrix, b: Matrix, c: Matrix | None, t: Type,
    *, start: Start | None = None, finish: Finish | None = None, workspace: Value | None = None,
    rows: tuple[Value, Value] | None = None, parts: int = 2, alpha: float = 1.0,
) -> None:  # fmt: skip
    """``C[i, j] = finish(start(i, j) + alpha * sum over k of A[i, k] B[k, j])`` for i < m, j < n.

    A, B and C may have any strides; C must not overlap A or B. ``start(i, j, lanes, mask)`` gives what the sums of
    ``lanes`` elements along row i from column j begin with (None: zero), such as a row of biases or the old C.
    ``finish(value, i, j, lanes, mask)`` maps each finished vector; where it returns None it has stored or reduced
    things itself, and C is not written (and may be None). ``lanes`` is 0 where the value is a scalar; ``mask`` is
    None where all lanes are meant, and lanes that are not hold any number. Each element is given to ``start`` and
    to ``finish`` once.

    ``workspace`` is memory of :func:`workspace_bytes`, this thread's own; without it, small amounts come from the
    stack. ``rows = (low, high)``: only these rows, low a multiple of :func:`row_block` with the same ``parts``, and
    high as well unless it is m.
    """
    if not (m and n):
        return
    job = Job(m, n, k, a, b, c, t, start, finish, alpha)
    if not k:
        sweep(e, job, lambda i, j, lanes, mask: e.const(t.wide(lanes), 0), rows)
        return
    chosen = plan(e.target, m, n, k, a.strides, b.strides, c.strides if c else None, t, rows is not None, parts)
    if workspace is None and chosen.workspace:
        if chosen.workspace > STACK:
            raise ValueError(f"a product of {m} x {k} and {k} x {n} needs {chosen.workspace} bytes of workspace")
        workspace = e.alloca(I8, chosen.workspace)
    if start is None and finish is None:
        _shared(e, job, chosen, workspace, rows)
    else:
        _emit(e, job, chosen, workspace, rows)


def _emit(e: Emitter, job: Job, chosen: Plan, workspace: Value | None, rows: tuple[Value, Value] | None) -> None:
    rows_product(e, job, chosen, workspace, rows)


def _shared(e: Emitter, job: Job, chosen: Plan, workspace: Value | None, rows: tuple[Value, Value] | None) -> None:
    """A product with nothing fused into it is a function of the module, written once for each shape and strides."""
    assert job.c is not None
    signature = [job.t.element, job.m, job.n, job.k, *job.a.strides, *job.b.strides, *job.c.strides, job.alpha]
    name = f'"product {" ".join(map(str, signature))}{f" ranged {chosen.height}" if rows else ""}"'
    given = [job.a.base, job.b.base, job.c.base, workspace or job.a.base, *(rows or ())]
    if name not in e.defined:
        with e.function(name, [v.type for v in given], export=False) as (a, b, c, space, *span):
            inner = replace(
                job, a=replace(job.a, base=a), b=replace(job.b, base=b), c=replace(job.c, base=c)
            )  # fmt: skip
            _emit(e, inner, chosen, space, (span[0], span[1]) if span else None)
    e.call(name, None, *given)


def sweep(e: Emitter, job: Job, value: Start, rows: tuple[Value, Value] | None = None, *, begun: bool = False) -> None:
    """Every vector of C from ``value``: started unless ``begun``, finished and stored, row by row."""
    low, high = rows or (e.const(I64, 0), job.m)
    wide = e.target.lanes(job.t.size)

    def row(i: Value) -> None:
        for panel in panels(job.n, 1, wide, e.target.masks):

            def vector(at: Value, live: int = panel.last, lanes: int = panel.lanes, first: int = panel.first) -> None:
                j = at + first if first else at
                origin = None if begun else begin(e, job, i, j, lanes, live)
                given = value(i, j, lanes, live_mask(e, lanes, live))
                assert given is not None
                deliver(e, job, given if origin is None else origin + given * job.alpha, i, j, live)

            e.loop(panel.count * panel.width, vector, step=panel.width)

    e.loop(high, row, start=low)


def batched_product(
    e: Emitter, batch: Sequence[int], m: int, n: int, k: int, a: Matrix, b: Matrix, c: Matrix | None, t: Type,
    *, strides: tuple[Sequence[int], Sequence[int], Sequence[int]],
    start: Callable[..., Value | None] | None = None, finish: Callable[..., Value | None] | None = None,
    workspace: Value | None = None, alpha: float = 1.0, span: tuple[Value, Value] | None = None,
) -> None:  # fmt: skip
    """A product for each index of ``batch``; ``strides`` are those of A, B and C along the batch, in elements.

    ``start`` and ``finish`` get the tuple of batch indices before what :func:`product` gives them. ``span``: only
    these indices of the first batch axis, for threads.
    """

    def level(axis: int, at: tuple[Value, ...], bases: tuple[Value | None, ...]) -> None:
        if axis == len(batch):
            moved = [
                None if x is None or p is None else replace(x, base=p) for x, p in zip((a, b, c), bases, strict=True)
            ]
            assert moved[0] is not None and moved[1] is not None
            product(
                e, m, n, k, moved[0], moved[1], moved[2], t, workspace=workspace, alpha=alpha,
                start=None if start is None else lambda *more: start(at, *more),
                finish=None if finish is None else lambda *more: finish(at, *more),
            )  # fmt: skip
            return

        def body(index: Value) -> None:
            inner = tuple(
                None if p is None else address(e, p, t, (index, s[axis])) for p, s in zip(bases, strides, strict=True)
            )
            level(axis + 1, (*at, index), inner)

        low, high = span if span is not None and axis == 0 else (0, batch[axis])
        e.loop(high, body, start=low)

    if all(batch):
        level(0, (), (a.base, b.base, None if c is None else c.base))
