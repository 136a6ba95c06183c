"""What a record keeps for the way back is memory: it keeps no more than its rules read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.ops._samples import samples

import wengert.scipy.linalg
from wengert.core.primitive import REGISTRY, Primitive
from wengert.core.types import aval_of
from wengert.extend._derivatives import curved, differentiable
from wengert.extend._numeric import direction, inexact, tuple_of
from wengert.extend._sample import generator

assert wengert.scipy.linalg  # its records are loaded on their first use

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

# records that keep more than they need, and why
GENEROUS = {
    **dict.fromkeys(("fresnel", "itairy", "itj0y0", "iti0k0", "it2j0y0", "it2i0k0", "shichi", "sici", "ellipj"),
                    "with several outputs all are kept"),
    **dict.fromkeys(("bdtrik", "bdtrin", "btdtria", "btdtrib", "chdtriv", "fdtridfd", "gdtrib", "nbdtrik", "nbdtrin",
                     "pdtrik", "stdtridf"), "one rule serves all inverses"),
    **dict.fromkeys(("pro_ang1_cv", "pro_rad1_cv", "obl_ang1_cv", "obl_rad1_cv"), "one rule serves all waves"),
    **dict.fromkeys(("fmax", "fmin", "heaviside"), "read at ties and where there is no number"),
    **dict.fromkeys(("continuous_riccati", "discrete_riccati"), "all operands are kept"),
    **dict.fromkeys(("call", "cond", "recompute", "scan", "while_loop"), "a tape records their augmented form instead"),
    "schur": "read where the matrix is complex", "slogdet": "read where the matrix is complex",
}  # fmt: skip


def needed(record: Primitive, k: int, sample: Any) -> dict[int, bool]:
    """Of what the vjp in operand k says it reads, whether an abstract value in its place changes or stops it."""
    rng, z = generator(record.name), record.impl(*sample.operands, **sample.params)
    outs = tuple_of(record, z)
    ws = tuple(direction(rng, o) if inexact(o) else None for o in outs)
    cotangent, wanted = ws if record.multiple else ws[0], tuple(j == k for j in range(len(sample.operands)))
    want, found = record.vjp(cotangent, z, sample.operands, wanted, sample.params)[k], {}
    ghosts = tuple(aval_of(o) for o in outs)
    for place, kept in enumerate(record.kept(wanted)):
        if kept:
            values = [*sample.operands, z]
            values[place] = (
                aval_of(values[place]) if place < len(sample.operands) else ghosts if record.multiple else ghosts[0]
            )
            *operands, out = values
            try:
                found[place] = not np.array_equal(
                    record.vjp(cotangent, out, operands, wanted, sample.params)[k], want, equal_nan=True
                )
            except Exception:  # noqa: BLE001 - whatever an abstract value runs into, it is read
                found[place] = True
    return found


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_keeps_no_more_than_it_reads(name: str) -> None:
    """At some sample each kept value is needed."""
    record = REGISTRY[name]
    known: dict[tuple[int, int], bool] = {}
    for sample in samples(record):
        for k in differentiable(record, sample) if curved(record, sample) else []:
            for place, is_needed in needed(record, k, sample).items():
                known[k, place] = known.get((k, place), False) or is_needed
    spare = [at for at, is_needed in known.items() if not is_needed]
    assert bool(spare) == (record.name in GENEROUS), f"(operand, kept): {spare}"


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_computes_no_more_than_is_wanted(name: str) -> None:
    """Of several operands those that are not asked for get nothing, be they differentiable or not."""
    record = REGISTRY[name]
    for sample in samples(record):
        count = len(sample.operands)
        if count < 2 or not curved(record, sample) or name == "checked":  # what is checked is asked for by itself
            continue
        z = record.impl(*sample.operands, **sample.params)
        ws = tuple(np.ones_like(o) if inexact(o) else None for o in tuple_of(record, z))
        for k in (k for k in range(count) if inexact(sample.operands[k])):
            if record.diffs and hasattr(record.diffs[k], "refusal"):
                continue
            wanted = tuple(j == k for j in range(count))
            pulled = record.vjp(ws if record.multiple else ws[0], z, sample.operands, wanted, sample.params)
            assert [j for j, d in enumerate(pulled) if d is not None] in ([k], []), (str(sample), k)
