"""Products whose columns are few: the transposed product, lanes along the rows of C, turned at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from wengert.compile.emit import Emitter
from wengert.compile.products.job import Job, Space, sweep
from wengert.compile.products.matrix import Matrix, locate
from wengert.compile.products.pack import copy
from wengert.compile.products.plan import flips_in_place

__all__ = ["columns_product"]


def columns_product(e: Emitter, job: Job, space: Space, compute: Callable[[Job, Space], None]) -> None:
    """C' = B' A' by ``compute``, straight into C where it lies so; else through the workspace."""
    m, n, t = job.m, job.n, job.t
    swapped = replace(job, m=n, n=m, a=job.b.transposed, b=job.a.transposed, start=None, finish=None)
    if job.c is not None and flips_in_place(job.c.strides, job.fused):
        compute(replace(swapped, c=job.c.transposed), space)
        return
    across = Matrix(space.take(n * m, t), m, 1)
    if not job.fused and job.c is not None:
        compute(replace(swapped, c=across), space)
        copy(e, m, n, across.transposed, job.c, t)
        return
    compute(replace(swapped, c=across, alpha=1.0), space)
    upright = across.transposed
    if n > 1:
        upright = Matrix(space.take(n * m, t), n, 1)
        copy(e, m, n, across.transposed, upright, t)
    sweep(e, job, lambda i, j, lanes, mask: e.load(locate(e, upright, i, j, t), t.wide(lanes), mask=mask))
