"""Laws of values and derivatives: what a record computes, its rules to second order, and in both modes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.core.types import aval_of
from wengert.errors import FlatDerivativeWarning
from wengert.extend._numeric import (
    EPS,
    along,
    central,
    close,
    complex_step,
    direction,
    hold,
    inexact,
    pairing,
    replaced,
    tuple_of,
    within,
)
from wengert.extend._sample import Sample, generator
from wengert.transforms import jvp, vjp

__all__ = ["apply", "curved", "differentiable", "pull", "second_derivative"]


def differentiable(record: Primitive, sample: Sample) -> list[int]:
    """The operands that have a derivative: real or complex numbers that the record's rules know."""
    if record.family == "linear" and record.name not in ("concatenate", "update"):
        return [0]
    return [
        k for k, x in enumerate(sample.operands)
        if inexact(x) and not (record.diffs and (record.diffs[k] is None or hasattr(record.diffs[k], "refusal")))
    ]  # fmt: skip


def curved(record: Primitive, sample: Sample) -> bool:
    """Whether derivatives are tried at this sample: it has elements, and the record is not flat."""
    return not record.flat and all(np.size(x) for x in sample.operands)


def apply(record: Primitive, sample: Sample) -> tuple[Any, ...]:
    """The outputs."""
    return tuple_of(record, record.impl(*sample.operands, **sample.params))


def is_real(record: Primitive, sample: Sample) -> bool:
    """Whether neither operands nor outputs are complex."""
    return not any(np.iscomplexobj(o) for o in (*sample.operands, *apply(record, sample)))


def push(record: Primitive, sample: Sample, tangents: list[Any]) -> tuple[Any, ...]:
    """The tangents of the outputs, by the record's own rule."""
    z = record.impl(*sample.operands, **sample.params)
    out = record.jvp(tangents, z, sample.operands, sample.params)
    return tuple(out) if record.multiple else (out,)


def pull(record: Primitive, sample: Sample, cts: tuple[Any, ...], wanted: list[bool]) -> tuple[Any, ...]:
    """The cotangents of the operands, by the record's own rule."""
    z = record.impl(*sample.operands, **sample.params)
    ct = cts if record.multiple else cts[0]
    return tuple(record.vjp(ct, z, sample.operands, wanted, sample.params))


def is_what_the_oracle_computes(record: Primitive, sample: Sample, oracle: Callable[..., Any]) -> None:
    """The record's value is the oracle's; a ufunc's to the last bit."""
    got, want = apply(record, sample), oracle(*sample.operands, **sample.params)
    for g, w in zip(got, tuple_of(record, want), strict=True):
        w = np.asarray(w)
        scale = 8.0 * sample.bound * EPS * max(1.0, float(np.max(np.abs(w), initial=0.0)))
        within(np.asarray(g, w.dtype), w, scale if record.ufunc is None else 0.0, sample)


def inferred_type_is_actual(record: Primitive, sample: Sample) -> None:
    """The type that the record infers is that of what it computes, in float64 and float32."""
    for dtype in (np.float64, np.float32):
        operands = [
            x.astype(dtype) if inexact(x) and isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f" else x
            for x in sample.operands
        ]  # fmt: skip
        inferred = record.infer(*(aval_of(x) for x in operands), **sample.params)
        actual = record.impl(*operands, **sample.params)
        for aval, out in zip(tuple_of(record, inferred), tuple_of(record, actual), strict=True):
            hold(aval == aval_of(out), f"{sample} {dtype.__name__}: inferred {aval}, actual {aval_of(out)}")


def first_derivative_forward(record: Primitive, sample: Sample) -> None:
    """The jvp in each operand against the complex step, or central differences."""
    rng = generator(record.name + "forward")
    for k in differentiable(record, sample) if curved(record, sample) else []:
        v = direction(rng, sample.operands[k])
        tangents = [v if j == k else None for j in range(len(sample.operands))]
        got = push(record, sample, tangents)
        exact = sample.complex_step and not any(np.iscomplexobj(x) for x in sample.operands)
        want = complex_step(record, sample, k, v) if exact else along(record, sample, k, v)
        for g, w in zip(got, want, strict=True):
            if w is not None:
                g = np.zeros_like(w) if g is None else g
                close(np.asarray(g, np.asarray(w).dtype), w, 1e-12 if exact else 1e-6, (str(sample), k))


def forward_and_reverse_are_transposes(record: Primitive, sample: Sample) -> None:
    """⟨J v, w⟩ = ⟨v, Jᵀ w⟩ for all operands together, hence for each by itself."""
    if not curved(record, sample):
        return
    rng = generator(record.name + "transpose")
    at = differentiable(record, sample)
    for group in [at, *([k] for k in at)] if len(at) > 1 else [at]:
        vs = [direction(rng, x) if k in group else None for k, x in enumerate(sample.operands)]
        ws = tuple(direction(rng, o) if inexact(o) else None for o in apply(record, sample))
        pushed = push(record, sample, vs)
        pulled = pull(record, sample, ws, [k in group for k in range(len(sample.operands))])
        forward, size_forward = pairing(pushed, ws)
        backward, size_backward = pairing(vs, pulled)
        bound = 1e-12 * max(size_forward, size_backward, 1e-30)
        hold(abs(forward - backward) <= bound, f"{sample}, operands {group}: {forward} and {backward}")
        for x, d, want in zip(sample.operands, pulled, vs, strict=True):
            shape = None if d is None or want is None else np.shape(d)
            hold(shape is None or shape == np.shape(x), f"{sample}: {shape}")
            hold(d is None or np.iscomplexobj(x) or not np.iscomplexobj(d), f"{sample}: complex for real")


def unwanted_operands_get_nothing(record: Primitive, sample: Sample) -> None:
    """A vjp computes what is asked for, and no more."""
    if not curved(record, sample) or len(differentiable(record, sample)) < 2 or record.family == "linear":
        return
    ws = tuple(np.ones_like(o) for o in apply(record, sample))
    for k in differentiable(record, sample):
        wanted = [j == k for j in range(len(sample.operands))]
        pulled = pull(record, sample, ws, wanted)
        hold([d is not None for d in pulled] == wanted, f"{sample}: {k}")


MODES: dict[str, Callable[..., Any]] = {
    "forward over forward": lambda f, x, v, _w: jvp(lambda x: jvp(f, (x,), (v,))[1], (x,), (v,))[1],
    "reverse over forward": lambda f, x, v, w: vjp(lambda x: jvp(f, (x,), (v,))[1], x)[1](w)[0],
    "forward over reverse": lambda f, x, v, w: jvp(lambda x: vjp(f, x)[1](w)[0], (x,), (v,))[1],
    "reverse over reverse": lambda f, x, v, w: vjp(lambda x: vjp(f, x)[1](w)[0], x)[1](v)[0],
}


def second_derivative(record: Primitive, sample: Sample, mode: str) -> None:
    """wᵀ ∂²f(v, v) by a pair of modes, against differences of the first derivative."""
    if not curved(record, sample) or record.multiple or not is_real(record, sample):
        return
    rng = generator(record.name + "second")
    for k in differentiable(record, sample):
        x = sample.operands[k]

        def f(x: Any, k: int = k) -> Any:
            return record(*replaced(sample.operands, k, x), **sample.params)

        x = np.float64(x) if type(x) is float else x
        v, w = direction(rng, x), direction(rng, f(x))
        (slope,) = central(lambda x, f=f, v=v: (jvp(f, (x,), (v,))[1],), x, v)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FlatDerivativeWarning)
            got = MODES[mode](f, x, v, w)
        other = w if mode.startswith("forward over f") else v
        got = np.sum(other * got) if mode != "reverse over forward" else np.sum(v * got)
        scale = max(1.0, abs(float(np.sum(np.abs(w * slope)))))
        hold(abs(got - np.sum(w * slope)) <= 1e-5 * scale, f"{sample}, {k}: {got}, {np.sum(w * slope)}")


def one_rule_serves_all_paths(record: Primitive, sample: Sample) -> None:
    """The transforms' own paths (closures made once, the general tape) give what the rules give."""
    if not curved(record, sample) or not is_real(record, sample):
        return
    rng = generator(record.name + "paths")
    for k in differentiable(record, sample):
        for way in [record] if record.ufunc is None else [record, record.ufunc]:

            def f(x: Any, way: Any = way, k: int = k) -> Any:
                return way(*replaced(sample.operands, k, x), **sample.params)

            ws = tuple(direction(rng, o) if inexact(o) else np.zeros_like(o) for o in apply(record, sample))
            (got,) = vjp(f, sample.operands[k])[1](ws if record.multiple else ws[0])
            want = pull(record, sample, ws, [j == k for j in range(len(sample.operands))])[k]
            close(got, 0.0 * np.asarray(sample.operands[k]) if want is None else want, 1e-14, (str(sample), k))
            hold(type(got) is type(sample.operands[k]), f"{sample}: {type(got)}")
