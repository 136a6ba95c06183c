"""C = finish(start + alpha A B), in the form that suits shapes, strides and the machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from wengert.compile.emit import I8, Emitter, Type, Value
from wengert.compile.products.blas import blas_product
from wengert.compile.products.columns import columns_product
from wengert.compile.products.dots import dots_product
from wengert.compile.products.job import Job, Space, is_heavy, sweep
from wengert.compile.products.kernel import rows_product
from wengert.compile.products.matrix import Finish, Matrix, Numbered, Start, address
from wengert.compile.products.plan import Method, Plan, plan, straight_plan

__all__ = ["batched_product", "product"]

Batches = tuple[Sequence[int], Sequence[int], Sequence[int]]  # strides of A, B and C along a batch

STACK = 1 << 16  # bytes of workspace that may be taken from the stack


def product(
    e: Emitter, m: int, n: int, k: int, a: Matrix, b: Matrix, c: Matrix | None, t: Type,
    *, start: Start | None = None, finish: Finish | None = None, workspace: Value | None = None,
    rows: tuple[Value, Value] | None = None, parts: int = 2, alpha: float = 1.0, by: Method | None = None,
    whole: int | None = None, numbered: Numbered | None = None,
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
    high as well unless it is m. ``by`` overrules the choice between kernels and BLAS. ``whole``: the product
    is a part of one of so many rows, and takes its sums in the same order. ``numbered``: what ``finish`` takes for the
    rows of a tile, in place of their numbers.
    """
    if not (m and n):
        return
    job = Job(m, n, k, a, b, c, t, start, finish, alpha, numbered, is_heavy(e, finish, t))
    if not k:
        sweep(e, job, None, rows)
        return
    chosen = plan(
        e.target, m, n, k, a.strides, b.strides, c.strides if c else None, t,
        fused=job.fused, ranged=rows is not None, parts=parts, by=by, whole=whole,
    )  # fmt: skip
    if workspace is None and chosen.workspace:
        if chosen.workspace > STACK:
            raise ValueError(f"a product of {m} x {k} and {k} x {n} needs {chosen.workspace} bytes of workspace")
        workspace = e.alloca(I8, chosen.workspace)
    emit = _emit if job.fused else _shared
    emit(e, job, chosen, workspace, rows)


def _emit(e: Emitter, job: Job, chosen: Plan, workspace: Value | None, rows: tuple[Value, Value] | None) -> None:
    space = Space(e, workspace)
    match chosen.form:
        case "rows":
            rows_product(e, job, chosen, space, rows)
        case "dots":
            dots_product(e, job, space, rows)
        case "columns":
            columns_product(e, job, space, lambda inner, space: _inner(e, inner, space))
        case "blas":
            blas_product(e, job, space)


def _inner(e: Emitter, job: Job, space: Space) -> None:
    """The transposed product, lanes along its rows."""
    assert job.c is not None
    chosen = straight_plan(e.target, job.m, job.n, job.k, job.a.strides, job.b.strides, job.t)
    if chosen.form == "rows":
        rows_product(e, job, chosen, space)
    else:
        dots_product(e, job, space)


def _shared(e: Emitter, job: Job, chosen: Plan, workspace: Value | None, rows: tuple[Value, Value] | None) -> None:
    """A product with nothing fused into it is a function of the module, written once for each shape and strides."""
    assert job.c is not None
    signature = [job.t.element, job.m, job.n, job.k, *job.a.strides, *job.b.strides, *job.c.strides, job.alpha]
    signature.append(chosen.form)
    name = f'"product {" ".join(map(str, signature))}{f" ranged {chosen.height}" if rows else ""}"'
    given = [job.a.base, job.b.base, job.c.base, workspace or job.a.base, *(rows or ())]
    if name not in e.defined:
        with e.function(name, [v.type for v in given], export=False) as (a, b, c, space, *span):
            inner = replace(
                job, a=replace(job.a, base=a), b=replace(job.b, base=b), c=replace(job.c, base=c)
            )  # fmt: skip
            _emit(e, inner, chosen, space, (span[0], span[1]) if span else None)
    e.call(name, None, *given)


def batched_product(
    e: Emitter, batch: Sequence[int], m: int, n: int, k: int, a: Matrix, b: Matrix, c: Matrix | None, t: Type,
    *, strides: Batches,
    start: Callable[..., Value | None] | None = None, finish: Callable[..., Value | None] | None = None,
    workspace: Value | None = None, alpha: float = 1.0, span: tuple[Value, Value] | None = None,
) -> None:  # fmt: skip
    """A product for each index of ``batch``; ``strides`` are those of A, B and C along the batch, in elements.

    ``start`` and ``finish`` get the tuple of batch indices before what :func:`product` gives them. ``span``: only
    these indices of the first batch axis, for threads.
    """
    if start is None and finish is None and span is None and c is not None:
        batch, m, a, c, strides = _folded(batch, m, a, c, strides)

    def level(axis: int, at: tuple[Value, ...], a: Matrix, b: Matrix, c: Matrix | None) -> None:
        if axis == len(batch):
            begun = partial(start, at) if start else None
            finished = partial(finish, at) if finish else None
            product(e, m, n, k, a, b, c, t, start=begun, finish=finished, workspace=workspace, alpha=alpha)
            return

        def body(index: Value) -> None:
            moved = [
                x and replace(x, base=address(e, x.base, t, (index, s[axis])))
                for x, s in zip((a, b, c), strides, strict=True)
            ]
            assert moved[0] is not None
            assert moved[1] is not None
            level(axis + 1, (*at, index), moved[0], moved[1], moved[2])

        low, high = span if span is not None and axis == 0 else (0, batch[axis])
        e.loop(high, body, start=low)

    if all(batch):
        level(0, (), a, b, c)


def _folded(
    batch: Sequence[int], m: int, a: Matrix, c: Matrix, strides: Batches
) -> tuple[Sequence[int], int, Matrix, Matrix, Batches]:  # fmt: skip
    """Last axes along which B stays the same, and A and C go on as their rows do, are more rows."""
    while batch:
        x, y, z = (s[-1] for s in strides)
        if y or (m > 1 and (x != m * a.row or z != m * c.row)):
            break
        if m == 1:
            a, c = replace(a, row=x), replace(c, row=z)
        m, batch, strides = m * batch[-1], batch[:-1], (strides[0][:-1], strides[1][:-1], strides[2][:-1])
    return batch, m, a, c, strides
