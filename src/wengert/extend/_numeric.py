"""Derivatives by differences, and comparisons with a stated bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.extend._sample import LawError, Sample

__all__ = [
    "EPS", "along", "central", "close", "complex_step", "direction", "hold", "inexact", "pairing", "replaced",
    "tuple_of", "ulps", "within",
]  # fmt: skip

STEP = 1e-30
EPS = float(np.finfo(float).eps)


def hold(condition: Any, message: object) -> None:
    """A law holds, or the message says how it does not."""
    if not condition:
        raise LawError(str(message))


def inexact(x: Any) -> bool:
    """Whether an operand can have a derivative."""
    return np.asarray(x).dtype.kind in "fc"


def tuple_of(record: Primitive, z: Any) -> tuple[Any, ...]:
    """The outputs of a record, also where there is one."""
    return tuple(z) if record.multiple else (z,)


def direction(rng: np.random.Generator, x: Any) -> Any:
    """A random direction of the shape and dtype of ``x``, no component near zero."""
    x = np.asarray(x)
    v = rng.uniform(0.5, 1.5, x.shape) * rng.choice([-1.0, 1.0], x.shape)
    if x.dtype.kind == "c":
        v = v + 1j * rng.uniform(0.5, 1.5, x.shape)
    return v.astype(x.dtype) if x.ndim else x.dtype.type(v)


def replaced(operands: Sequence[Any], k: int, x: Any) -> tuple[Any, ...]:
    """The operands with another one at position ``k``."""
    return (*operands[:k], x, *operands[k + 1 :])


def complex_step(record: Primitive, sample: Sample, k: int, v: Any) -> tuple[Any, ...]:
    """The derivative along ``v`` in operand ``k``: Im f(x + ihv)/h, without cancellation."""
    lifted = [x + 0j if inexact(x) else x for x in sample.operands]
    out = record.impl(*replaced(lifted, k, lifted[k] + STEP * 1j * v), **sample.params)
    return tuple(np.imag(o) / STEP for o in tuple_of(record, out))


def central(f: Callable[[Any], Any], x: Any, v: Any) -> tuple[Any, ...]:
    """(f(x + hv) − f(x − hv))/2h, improved once by Richardson, of each output."""
    h = 2e-4 * max(1.0, float(np.max(np.abs(x), initial=0.0)))

    def slope(h: float) -> list[Any]:
        up, down = f(x + h * v), f(x - h * v)
        pairs = zip(up, down, strict=True)
        return [(np.asarray(a) - np.asarray(b)) / (2 * h) if inexact(a) else None for a, b in pairs]

    wide, narrow = slope(2 * h), slope(h)
    return tuple(None if n is None else (4 * n - w) / 3 for n, w in zip(narrow, wide, strict=True))


def along(record: Primitive, sample: Sample, k: int, v: Any) -> tuple[Any, ...]:
    """The derivative along ``v`` in operand ``k`` by central differences."""

    def f(x: Any) -> tuple[Any, ...]:
        return tuple_of(record, record.impl(*replaced(sample.operands, k, x), **sample.params))

    return central(f, sample.operands[k], v)


def close(got: Any, want: Any, tol: float, what: object) -> None:
    """Equal up to ``tol`` relative to the largest number in question."""
    got, want = np.asarray(got), np.asarray(want)
    hold(got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}")
    scale = max(1e-300, float(np.max(np.abs(want), initial=0.0)), float(np.max(np.abs(got), initial=0.0)))
    hold(np.array_equal(np.isnan(got), np.isnan(want)), f"{what}: {got} and {want} differ in NaNs")
    worst = float(np.nanmax(np.abs(got - want), initial=0.0))
    hold(worst <= tol * scale, f"{what}: {got}, expected {want}; relative difference {worst / scale:.2g}")


def ulps(got: Any, want: Any, n: float, what: object) -> None:
    """Equal up to ``n`` units in the last place, element by element."""
    got, want = np.asarray(got), np.asarray(want)
    hold(got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}")
    hold(got.dtype == want.dtype, f"{what}: {got.dtype}, expected {want.dtype}")
    if got.dtype.kind not in "fc":
        hold(np.array_equal(got, want), f"{what}: {got}, expected {want}")
        return
    unit = np.spacing(np.maximum(np.abs(got), np.abs(want)))
    near = (np.abs(got - want) <= n * unit) | (got == want) | (np.isnan(got) & np.isnan(want))
    hold(np.all(near), f"{what}: {got}, expected {want}")


def within(got: Any, want: Any, allowed: Any, what: object) -> None:
    """Equal up to an absolute bound for each element."""
    got, want = np.asarray(got), np.asarray(want)
    hold(got.shape == want.shape, f"{what}: shape {got.shape}, expected {want.shape}")
    near = np.abs(got - want) <= allowed if inexact(want) else False
    hold(np.all(near | (got == want)), f"{what}: {got}, expected {want}")


def pairing(a: Sequence[Any], b: Sequence[Any]) -> tuple[float, float]:
    """Re Σ a b, and Σ |a b| to measure its rounding by."""
    total, size = 0.0, 0.0
    for x, y in zip(a, b, strict=True):
        if x is not None and y is not None:
            terms = np.asarray(x) * np.asarray(y)
            total += float(np.sum(np.real(terms)))
            size += float(np.sum(np.abs(terms)))
    return total, size
