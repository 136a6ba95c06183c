"""The laws that every primitive obeys, over the whole registry: a new record is tested by existing."""

from __future__ import annotations

import itertools
import re
import warnings
from typing import Any

import numpy as np
import pytest
from tests.ops._numeric import (
    along,
    central,
    close,
    complex_step,
    direction,
    inexact,
    pairing,
    replaced,
    tuple_of,
    ulps,
    within,
)
from tests.ops._samples import NUMPY, Sample, generator, samples

import wengert.transforms
from wengert import grad, jvp, make_program, pytree, vjp, vmap
from wengert.core.check import check_program
from wengert.core.primitive import REGISTRY, Primitive
from wengert.core.types import aval_of

assert wengert.transforms
RECORDS = sorted(REGISTRY)
EPS = float(np.finfo(float).eps)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(params=RECORDS)
def record(request: pytest.FixtureRequest) -> Primitive:
    return REGISTRY[request.param]


def differentiable(record: Primitive, sample: Sample) -> list[int]:
    """The operands that have a derivative: real or complex numbers that the record's rules know."""
    if record.family == "linear" and record.name not in ("concatenate", "update"):
        return [0]
    return [
        k for k, x in enumerate(sample.operands)
        if inexact(x) and not (record.diffs and record.diffs[k] is None)
    ]  # fmt: skip


def curved(record: Primitive) -> list[Sample]:
    """The samples at which derivatives are tried: those with elements."""
    return [] if record.flat else [s for s in samples(record) if all(np.size(x) for x in s.operands)]


def apply(record: Primitive, sample: Sample) -> tuple[Any, ...]:
    return tuple_of(record, record.impl(*sample.operands, **sample.params))


def push(record: Primitive, sample: Sample, tangents: list[Any]) -> tuple[Any, ...]:
    z = record.impl(*sample.operands, **sample.params)
    out = record.jvp(tangents, z, sample.operands, sample.params)
    return tuple(out) if record.multiple else (out,)


def pull(record: Primitive, sample: Sample, cts: tuple[Any, ...], wanted: list[bool]) -> tuple[Any, ...]:
    z = record.impl(*sample.operands, **sample.params)
    ct = cts if record.multiple else cts[0]
    return tuple(record.vjp(ct, z, sample.operands, wanted, sample.params))


def test_has_samples(record: Primitive) -> None:
    assert samples(record), (
        f"the record {record.name!r} is not tested: add operands for it to EXPLICIT in tests/ops/_samples.py (and "
        "what NumPy computes to NUMPY), or, if it is a ufunc's, the interval of its operands to DOMAIN"
    )


def test_is_what_numpy_computes(record: Primitive) -> None:
    oracle = record.ufunc or NUMPY.get(record.name)
    assert oracle is not None, f"add what NumPy computes for {record.name!r} to NUMPY in tests/ops/_samples.py"
    for sample in samples(record):
        got, want = apply(record, sample), oracle(*sample.operands, **sample.params)
        for g, w in zip(got, tuple_of(record, want), strict=True):
            w = np.asarray(w)
            scale = 8.0 * sample.bound * EPS * max(1.0, float(np.max(np.abs(w), initial=0.0)))
            within(np.asarray(g, w.dtype), w, scale if record.ufunc is None else 0.0, sample)


def test_inferred_type_is_actual(record: Primitive) -> None:
    for sample in samples(record):
        for dtype in (np.float64, np.float32):
            operands = [
                x.astype(dtype) if inexact(x) and isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f" else x
                for x in sample.operands
            ]  # fmt: skip
            inferred = record.infer(*(aval_of(x) for x in operands), **sample.params)
            actual = record.impl(*operands, **sample.params)
            for aval, out in zip(tuple_of(record, inferred), tuple_of(record, actual), strict=True):
                assert aval == aval_of(out), f"{sample} {dtype.__name__}: inferred {aval}, actual {aval_of(out)}"


def test_first_derivative_forward(record: Primitive) -> None:
    rng = generator(record.name + "forward")
    for sample in curved(record):
        for k in differentiable(record, sample):
            v = direction(rng, sample.operands[k])
            tangents = [v if j == k else None for j in range(len(sample.operands))]
            got = push(record, sample, tangents)
            exact = sample.complex_step and not any(np.iscomplexobj(x) for x in sample.operands)
            want = complex_step(record, sample, k, v) if exact else along(record, sample, k, v)
            for g, w in zip(got, want, strict=True):
                if w is not None:
                    g = np.zeros_like(w) if g is None else g
                    close(np.asarray(g, np.asarray(w).dtype), w, 1e-12 if exact else 1e-6, (str(sample), k))


def test_forward_and_reverse_are_transposes(record: Primitive) -> None:
    """⟨J v, w⟩ = ⟨v, Jᵀ w⟩ for all operands together, hence for each by itself."""
    rng = generator(record.name + "transpose")
    for sample in curved(record):
        at = differentiable(record, sample)
        groups = [at, *([k] for k in at)] if len(at) > 1 else [at]
        for group in groups:
            vs = [direction(rng, x) if k in group else None for k, x in enumerate(sample.operands)]
            outs = apply(record, sample)
            ws = tuple(direction(rng, o) if inexact(o) else None for o in outs)
            pushed = push(record, sample, vs)
            pulled = pull(record, sample, ws, [k in group for k in range(len(sample.operands))])
            forward, size_forward = pairing(pushed, ws)
            backward, size_backward = pairing(vs, pulled)
            bound = 1e-12 * max(size_forward, size_backward, 1e-30)
            assert abs(forward - backward) <= bound, f"{sample}, operands {group}: {forward} and {backward}"
            for x, d, want in zip(sample.operands, pulled, vs, strict=True):
                assert d is None or want is None or np.shape(d) == np.shape(x), f"{sample}: {np.shape(d)}"
                assert d is None or np.iscomplexobj(x) or not np.iscomplexobj(d), f"{sample}: complex for real"


def test_unwanted_operands_get_nothing(record: Primitive) -> None:
    for sample in curved(record):
        if len(differentiable(record, sample)) < 2 or record.family == "linear":
            continue
        ws = tuple(np.ones_like(o) for o in apply(record, sample))
        for k in differentiable(record, sample):
            wanted = [j == k for j in range(len(sample.operands))]
            pulled = pull(record, sample, ws, wanted)
            assert [d is not None for d in pulled] == wanted, f"{sample}: {k}"


MODES = {
    "forward over forward": lambda f, x, v, w: jvp(lambda x: jvp(f, (x,), (v,))[1], (x,), (v,))[1],
    "reverse over forward": lambda f, x, v, w: vjp(lambda x: jvp(f, (x,), (v,))[1], x)[1](w)[0],
    "forward over reverse": lambda f, x, v, w: jvp(lambda x: vjp(f, x)[1](w)[0], (x,), (v,))[1],
    "reverse over reverse": lambda f, x, v, w: vjp(lambda x: vjp(f, x)[1](w)[0], x)[1](v)[0],
}


@pytest.mark.parametrize("mode", MODES)
def test_second_derivative(record: Primitive, mode: str) -> None:
    """wᵀ ∂²f(v, v) by every pair of modes, against differences of the first derivative."""
    rng = generator(record.name + "second")
    for sample in curved(record):
        if record.multiple or any(np.iscomplexobj(o) for o in (*sample.operands, *apply(record, sample))):
            continue
        for k in differentiable(record, sample):
            x = sample.operands[k]

            def f(x: Any, sample: Sample = sample, k: int = k) -> Any:
                return record(*replaced(sample.operands, k, x), **sample.params)

            if isinstance(x, float) and not isinstance(x, np.generic):
                x = np.float64(x)
            v, w = direction(rng, x), direction(rng, f(x))
            (slope,) = central(lambda x, f=f, v=v: (jvp(f, (x,), (v,))[1],), x, v)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", wengert.FlatDerivativeWarning)
                got = MODES[mode](f, x, v, w)
            other = w if mode.startswith("forward over f") else v
            got = np.sum(other * got) if mode != "reverse over forward" else np.sum(v * got)
            scale = max(1.0, abs(float(np.sum(np.abs(w * slope)))))
            assert abs(got - np.sum(w * slope)) <= 1e-5 * scale, f"{sample}, {k}: {got}, {np.sum(w * slope)}"


def test_one_rule_serves_first_order_through_transforms(record: Primitive) -> None:
    """The transforms' own paths (closures made once, the general tape) give what the rules give."""
    rng = generator(record.name + "paths")
    for sample in curved(record):
        if any(np.iscomplexobj(o) for o in (*sample.operands, *apply(record, sample))):
            continue
        for k in differentiable(record, sample):
            ways = [record] if record.ufunc is None else [record, record.ufunc]
            for way in ways:

                def f(x: Any, way: Any = way, sample: Sample = sample, k: int = k) -> Any:
                    return way(*replaced(sample.operands, k, x), **sample.params)

                outs = apply(record, sample)
                ws = tuple(direction(rng, o) if inexact(o) else np.zeros_like(o) for o in outs)
                _, pullback = vjp(f, sample.operands[k])
                (got,) = pullback(ws if record.multiple else ws[0])
                want = pull(record, sample, ws, [j == k for j in range(len(sample.operands))])[k]
                close(got, 0.0 * np.asarray(sample.operands[k]) if want is None else want, 1e-14, (str(sample), k))
                assert type(got) is type(sample.operands[k]), f"{sample}: {type(got)}"


# ---- batching


def vary(x: Any, r: int) -> Any:
    """The ``r``-th element of a batch of operands like ``x``."""
    x = np.asarray(x)
    if x.dtype.kind in "fc":
        return x * (1 + 0.01 * r)
    return np.roll(x.ravel(), r).reshape(x.shape)


def batch_bound(record: Primitive, sample: Sample, rows: list[list[Any]]) -> Any:
    """bound · ε · Σ|terms| for each element, where a record sums or multiplies."""
    if sample.bound <= 4:
        return None
    if record.family in ("bilinear", "reduction", "linear") or record.name in ("cumprod", "recurrence"):
        sums = [
            np.asarray(record.impl(*[np.abs(x) if inexact(x) else x for x in row], **sample.params)) for row in rows
        ]
        return sample.bound * EPS * np.stack(sums)
    return sample.bound * EPS * max(1.0, max(float(np.max(np.abs(x), initial=0.0)) for row in rows for x in row))


def test_batching_is_a_loop(record: Primitive) -> None:
    """Every combination of batched operands, indices among them."""
    for sample in samples(record):
        n = len(sample.operands)
        for chosen in itertools.product((False, True), repeat=n):
            if not any(chosen):
                continue
            rows = [
                [vary(x, r)[()] if b else x for x, b in zip(sample.operands, chosen, strict=True)] for r in range(3)
            ]
            stacks = [np.stack([row[k] for row in rows]) if b else sample.operands[k] for k, b in enumerate(chosen)]
            axes = tuple(0 if b else None for b in chosen)
            got = vmap(lambda *xs, sample=sample: record(*xs, **sample.params), in_axes=axes)(*stacks)
            loops = zip(*[tuple_of(record, record.impl(*row, **sample.params)) for row in rows], strict=True)
            for g, column in zip(tuple_of(record, got), loops, strict=True):
                what = f"{sample}, batched {chosen}"
                bound = batch_bound(record, sample, rows)
                want = np.stack(column)
                ulps(g, want, 4, what) if bound is None or not inexact(want) else within(g, want, bound, what)


def test_batching_of_an_inner_axis(record: Primitive) -> None:
    sample = next((s for s in samples(record) if np.ndim(s.operands[0])), None)
    if sample is None:
        return
    rows = [vary(sample.operands[0], r) for r in range(3)]
    f = lambda x: record(x, *sample.operands[1:], **sample.params)
    last = vmap(f, in_axes=-1)(np.stack(rows, axis=-1))
    first = vmap(f)(np.stack(rows))
    for a, b in zip(tuple_of(record, last), tuple_of(record, first), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


# ---- what is kept for the backward walk


def test_reads_no_more_than_it_says(record: Primitive) -> None:
    """With abstract values in the places that the record says it does not read, the vjp is the same."""
    rng = generator(record.name + "reads")
    for sample in curved(record):
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
                    assert np.array_equal(got[k], want[k], equal_nan=True), f"{sample}, {group}"


def test_unread_names_are_not_read(record: Primitive) -> None:
    """The fast paths hand a differential None in place of what it names with an underscore."""
    for sample in curved(record):
        z = record.impl(*sample.operands, **sample.params)
        for k, diff in enumerate(record.diffs):
            if diff is None:
                continue
            *keep, keep_out = record.reads(k, len(sample.operands))
            given = [x if k else None for x, k in zip(sample.operands, keep, strict=True)]
            t = np.ones_like(z)
            got = diff(t, z if keep_out else None, *given)
            assert np.array_equal(got, diff(t, z, *sample.operands), equal_nan=True), f"{sample}: {k}"


def spoil(buffer: Any) -> None:
    """Write something else, that is still valid as an index or a condition, into a buffer."""
    buffer[...] = ~buffer if buffer.dtype == bool else 0 * buffer + 1 if buffer.dtype.kind in "iu" else 100.0


@pytest.mark.parametrize("owner", ["the caller", "a read-only view", "the function"])
def test_constants_may_be_overwritten_after_use(record: Primitive, owner: str) -> None:
    rng = generator(record.name + "overwritten")
    for sample in curved(record):
        arrays = [k for k, x in enumerate(sample.operands) if type(x) is np.ndarray]
        if any(np.iscomplexobj(x) for x in (*sample.operands, *apply(record, sample))) or record.multiple:
            continue
        for k in differentiable(record, sample):
            others = [j for j in arrays if j != k]
            if not others:
                continue
            w = direction(rng, apply(record, sample)[0])
            want = pull(record, sample, (w,), [j == k for j in range(len(sample.operands))])[k]

            for way in (record, record.ufunc) if record.ufunc is not None else (record,):

                def f(
                    x: Any, sample: Sample = sample, k: int = k, others: Any = others, way: Any = way, w: Any = w
                ) -> Any:
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


@pytest.mark.parametrize("owner", ["the caller", "a read-only view", "the function"])
def test_large_constants_may_be_overwritten_between_uses(owner: str) -> None:
    n = 5000  # 40 kB

    def f(x: Any) -> Any:
        base = np.ones(n) if owner == "the function" else BUFFER
        base[:] = 2.0
        buffer = np.broadcast_to(base, (2, n)) if owner == "a read-only view" else base
        first = np.multiply(x, buffer)
        second = x * buffer
        base[:] = 5.0
        third = x * buffer
        base[:1] = 7.0
        fourth = x * buffer
        base[:] = np.nan
        return np.sum(first + second + third + fourth)

    rows = 2 if owner == "a read-only view" else 1
    want = np.full(n, 14.0 * rows)
    want[0] = 16.0 * rows
    np.testing.assert_array_equal(grad(f)(np.ones(n)), want)


BUFFER = np.zeros(5000)

# ---- flat records, formulas, Programs


def test_flat_records_have_derivative_zero(record: Primitive) -> None:
    if not record.flat:
        return
    for sample in samples(record):
        assert record.jvp([None] * len(sample.operands), None, sample.operands, sample.params) is None
        assert set(record.vjp(1.0, None, sample.operands, None, sample.params)) == {None}
        x = sample.operands[0]
        if inexact(x) and np.size(x):
            y, t = jvp(
                lambda x, s=sample: record(x, *s.operands[1:], **s.params), (x,), (direction(generator("f"), x),)
            )
            assert not np.any(t), f"{sample}: {t}"
            assert np.array_equal(y, apply(record, sample)[0])


def test_formula(record: Primitive) -> None:
    names = [f"operand{k}" for k in range(max([3, *(len(s.operands) for s in samples(record))]))]
    text = record.tex.format(*names)
    assert "operand0" in text or record.name == "where", text
    bare = text.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert len(re.findall(r"\\left\b", text)) == len(re.findall(r"\\right\b", text))


def test_staged_is_eager(record: Primitive) -> None:
    for sample in samples(record):
        program = make_program(lambda *xs, s=sample: record(*xs, **s.params))(*sample.operands)
        check_program(program)
        got = program.evaluate(sample.operands)
        for g, o in zip(got, apply(record, sample), strict=True):
            assert np.array_equal(g, o, equal_nan=inexact(o)), f"{sample}: {g}, {o}"
            assert aval_of(g) == aval_of(o)
        assert record.name in str(program)
        assert repr(record) == f"<primitive {record.name}>"


def test_float32_stays_float32(record: Primitive) -> None:
    for sample in curved(record):
        x = sample.operands[0]
        if record.name in ("cast", "float_power") or type(x) is not np.ndarray or x.dtype != float:
            continue
        if 0 not in differentiable(record, sample):
            continue
        operands = [o.astype(np.float32) if type(o) is np.ndarray and inexact(o) else o for o in sample.operands]
        if any(isinstance(o, np.generic) for o in operands):
            continue
        y, t = jvp(lambda x, s=sample, o=operands: record(x, *o[1:], **s.params), (operands[0],), (operands[0],))
        dtypes = {o.dtype for o in (*tuple_of(record, y), *tuple_of(record, t))}
        assert dtypes == {np.dtype(np.float32)}, f"{sample}: {dtypes}"
        ones = pytree.map(np.ones_like, y)
        (d,) = vjp(lambda x, s=sample, o=operands: record(x, *o[1:], **s.params), operands[0])[1](ones)
        assert d.dtype == np.float32, f"{sample}: {d.dtype}"
