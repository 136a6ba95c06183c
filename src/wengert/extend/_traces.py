"""Laws of the transforms: batching, what is kept for the way back, staging, types."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.check import check_program
from wengert.core.primitive import Primitive
from wengert.core.types import aval_of
from wengert.extend._derivatives import apply, curved, differentiable, is_real, pull, push
from wengert.extend._numeric import EPS, close, direction, hold, inexact, replaced, tuple_of, ulps, within
from wengert.extend._sample import Sample, generator
from wengert.transforms import grad, jvp, make_program, vjp, vmap


def vary(x: Any, r: int) -> Any:
    """The ``r``-th element of a batch of operands like ``x``."""
    x = np.asarray(x)
    if x.dtype.kind in "fc":
        return x * (1 + 0.01 * r)
    return np.roll(x.ravel(), r).reshape(x.shape)


def batch_bound(record: Primitive, sample: Sample, rows: list[list[Any]]) -> Any:
    """What rounding may do: bound · ε · Σ|terms| for each element, where a record sums or multiplies."""
    if sample.bound <= 4:
        return None
    if record.family in ("bilinear", "reduction", "linear") or record.name in ("cumprod", "recurrence"):
        sums = [
            np.asarray(record.impl(*[np.abs(x) if inexact(x) else x for x in row], **sample.params)) for row in rows
        ]
        return sample.bound * EPS * np.stack(sums)
    return sample.bound * EPS * max(1.0, max(float(np.max(np.abs(x), initial=0.0)) for row in rows for x in row))


def batching_is_a_loop(record: Primitive, sample: Sample) -> None:
    """Every combination of batched operands, indices among them."""
    for chosen in itertools.product((False, True), repeat=len(sample.operands)):
        if not any(chosen):
            continue
        rows = [[vary(x, r)[()] if b else x for x, b in zip(sample.operands, chosen, strict=True)] for r in range(3)]
        stacks = [np.stack([row[k] for row in rows]) if b else sample.operands[k] for k, b in enumerate(chosen)]
        axes = tuple(0 if b else None for b in chosen)
        got = vmap(lambda *xs: record(*xs, **sample.params), in_axes=axes)(*stacks)
        loops = zip(*[tuple_of(record, record.impl(*row, **sample.params)) for row in rows], strict=True)
        for g, column in zip(tuple_of(record, got), loops, strict=True):
            what = f"{sample}, batched {chosen}"
            bound = batch_bound(record, sample, rows)
            want = np.stack(column)
            ulps(g, want, 4, what) if bound is None or not inexact(want) else within(g, want, bound, what)


def batching_of_an_inner_axis(record: Primitive, sample: Sample) -> None:
    """The last axis as the batch is the first one moved."""
    if not np.ndim(sample.operands[0]):
        return
    rows = [vary(sample.operands[0], r) for r in range(3)]
    f = lambda x: record(x, *sample.operands[1:], **sample.params)
    last = vmap(f, in_axes=-1)(np.stack(rows, axis=-1))
    first = vmap(f)(np.stack(rows))
    for a, b in zip(tuple_of(record, last), tuple_of(record, first), strict=True):
        hold(np.allclose(a, b, rtol=1e-12, atol=0.0, equal_nan=True), f"{sample}: {a}, {b}")


def reads_no_more_than_it_says(record: Primitive, sample: Sample) -> None:
    """With abstract values in the places that the record says it does not read, the vjp is the same."""
    if not curved(record, sample):
        return
    rng = generator(record.name + "reads")
    at = differentiable(record, sample)
    z = record.impl(*sample.operands, **sample.params)
    outs = tuple_of(record, z)
    ws = tuple(direction(rng, o) if inexact(o) else None for o in outs)
    ct = ws if record.multiple else ws[0]
    for size in range(1, len(at) + 1):
        for group in itertools.combinations(at, size):
            wanted = tuple(k in group for k in range(len(sample.operands)))
            *keep, keep_out = record.kept(wanted)
            operands = [x if k else aval_of(x) for x, k in zip(sample.operands, keep, strict=True)]
            ghosts = tuple(aval_of(o) for o in outs)
            out = z if keep_out else ghosts if record.multiple else ghosts[0]
            got = record.vjp(ct, out, operands, wanted, sample.params)
            want = record.vjp(ct, z, sample.operands, wanted, sample.params)
            for k in group:
                hold(np.array_equal(got[k], want[k], equal_nan=True), f"{sample}, {group}")


def unread_names_are_not_read(record: Primitive, sample: Sample) -> None:
    """The fast paths hand a differential None in place of what it names with an underscore."""
    if not curved(record, sample) or record.multiple:
        return
    z = record.impl(*sample.operands, **sample.params)
    for k, diff in enumerate(record.diffs):
        if diff is not None and not hasattr(diff, "refusal"):
            *keep, keep_out = record.reads(k, len(sample.operands))
            given = [x if k else None for x, k in zip(sample.operands, keep, strict=True)]
            t = np.ones_like(z)
            got = diff(t, z if keep_out else None, *given)
            hold(np.array_equal(got, diff(t, z, *sample.operands), equal_nan=True), f"{sample}: {k}")


def spoil(buffer: Any) -> None:
    """Write something else, that is still valid as an index or a condition, into a buffer."""
    buffer[...] = ~buffer if buffer.dtype == bool else 0 * buffer + 1 if buffer.dtype.kind in "iu" else 100.0


OWNERS = ("the caller", "a read-only view", "the function")


def constants_may_be_overwritten(record: Primitive, sample: Sample, owner: str) -> None:
    """An operand that is overwritten after its use is as if it had not been."""
    if not curved(record, sample) or not is_real(record, sample) or record.multiple:
        return
    rng = generator(record.name + "overwritten")
    arrays = [k for k, x in enumerate(sample.operands) if type(x) is np.ndarray]
    for k in differentiable(record, sample):
        others = [j for j in arrays if j != k]
        if not others:
            continue
        w = direction(rng, apply(record, sample)[0])
        want = pull(record, sample, (w,), [j == k for j in range(len(sample.operands))])[k]
        for way in (record, record.ufunc) if record.ufunc is not None else (record,):

            def f(x: Any, k: int = k, others: Any = others, way: Any = way, w: Any = w) -> Any:
                operands = list(replaced(sample.operands, k, x))
                buffers = [np.array(operands[j]) if owner == "the function" else operands[j].copy() for j in others]
                for j, buffer in zip(others, buffers, strict=True):
                    operands[j] = np.broadcast_to(buffer, buffer.shape) if owner == "a read-only view" else buffer
                y = way(*operands, **sample.params)
                for buffer in buffers:
                    spoil(buffer)
                return np.sum(w * y)

            got = grad(f)(sample.operands[k])
            close(got, 0.0 * np.asarray(sample.operands[k]) if want is None else want, 1e-13, (str(sample), k))


def flat_has_derivative_zero(record: Primitive, sample: Sample) -> None:
    """A flat record's rules give nothing, and its tangents are zeros."""
    if not record.flat:
        return
    hold(record.jvp([None] * len(sample.operands), None, sample.operands, sample.params) is None, "a jvp")
    hold(set(record.vjp(1.0, None, sample.operands, None, sample.params)) == {None}, "a vjp")
    x = sample.operands[0]
    if inexact(x) and np.size(x):
        y, t = jvp(lambda x: record(x, *sample.operands[1:], **sample.params), (x,), (direction(generator("flat"), x),))
        hold(not np.any(t), f"{sample}: {t}")
        hold(np.array_equal(y, apply(record, sample)[0]), f"{sample}: {y}")


def formula(record: Primitive, sample: Sample) -> None:
    """The formula takes the operands, and its braces are balanced."""
    text = record.tex.format(*[f"operand{k}" for k in range(max(3, len(sample.operands)))])
    hold("operand0" in text or record.name == "where", text)
    bare = text.replace(r"\{", "").replace(r"\}", "")
    hold(bare.count("{") == bare.count("}"), text)
    hold(len(re.findall(r"\\left\b", text)) == len(re.findall(r"\\right\b", text)), text)


def staged_is_eager(record: Primitive, sample: Sample) -> None:
    """A Program of the record typechecks, names it, and gives what it gives."""
    program = make_program(lambda *xs: record(*xs, **sample.params))(*sample.operands)
    check_program(program)
    for g, o in zip(program.evaluate(sample.operands), apply(record, sample), strict=True):
        hold(np.array_equal(g, o, equal_nan=inexact(o)), f"{sample}: {g}, {o}")
        hold(aval_of(g) == aval_of(o), f"{sample}: {aval_of(g)}, {aval_of(o)}")
    hold(record.name in str(program), str(program))
    hold(repr(record) == f"<primitive {record.name}>", repr(record))


def float32_stays_float32(record: Primitive, sample: Sample) -> None:
    """Values, tangents and cotangents of float32 operands are of that type."""
    x = sample.operands[0]
    if not curved(record, sample) or record.name in ("cast", "float_power") or type(x) is not np.ndarray:
        return
    if x.dtype != float or 0 not in differentiable(record, sample):
        return
    operands = [o.astype(np.float32) if type(o) is np.ndarray and inexact(o) else o for o in sample.operands]
    if any(isinstance(o, np.generic) for o in operands):
        return
    f = lambda x: record(x, *operands[1:], **sample.params)
    if record.impl is record.ufunc and tuple_of(record, record.impl(*operands))[0].dtype.char in "dD":
        return  # a ufunc that another library computes in double precision alone
    y, t = jvp(f, (operands[0],), (operands[0],))
    # also by the rule itself: a transform would bring a tangent of another type back to its value's
    pushed = push(record, Sample(tuple(operands), sample.params), [operands[0], *(None,) * (len(operands) - 1)])
    dtypes = {np.zeros(0, o.dtype).real.dtype for o in (*tuple_of(record, y), *tuple_of(record, t), *pushed)
              if o is not None and inexact(o)}  # fmt: skip
    hold(dtypes == {np.dtype(np.float32)}, f"{sample}: {dtypes}")
    (d,) = vjp(f, operands[0])[1](pytree.map(np.ones_like, y))
    hold(d.dtype == np.float32, f"{sample}: {d.dtype}")
