"""What every call must satisfy: NumPy's value and type, derivatives by differences, batches by loops."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from wengert import FlatDerivativeWarning, jvp, make_program, pytree, vjp, vmap

STEP = 1e-4


@dataclass(frozen=True)
class Case:
    """A call ``f(*args)`` in plain NumPy. Without ``abstract`` it needs values, and neither batches nor stages.

    Without ``staged`` it needs values that a batch has, and does not stage.
    """

    label: str
    f: Callable[..., Any]
    args: tuple[Any, ...]
    abstract: bool = True
    order: int = 2
    staged: bool = True


def draw(label: str, *shape: int, low: float = 0.2, high: float = 1.9) -> Any:
    """Distinct numbers in random order, which depend on the label alone."""
    rng = np.random.default_rng(crc32(f"{label}{shape}".encode()))
    n = int(np.prod(shape))
    values = low + (high - low) * (np.arange(n) + rng.uniform(0.2, 0.8, n)) / max(n, 1)
    return rng.permutation(values).reshape(shape)


def outputs(y: Any) -> list[Any]:
    """The arrays and numbers in a result."""
    return pytree.leaves(y)


def is_float(y: Any) -> bool:
    return np.asarray(y).dtype.kind == "f"


def project(y: Any, seed: int = 0) -> Any:
    """One number out of all floating-point outputs, each element with a weight of its own."""
    rng = np.random.default_rng(seed)
    total = 0.0
    for out in outputs(y):
        weights = rng.uniform(0.5, 1.5, np.shape(out))
        if is_float(np.zeros(0, out.dtype) if hasattr(out, "dtype") else out):
            total = total + np.sum(weights * out)
    return total


def kind(y: Any) -> tuple[Any, ...]:
    """What a result is: array or number, its dtype and shape."""
    if isinstance(y, np.ndarray):
        return ("array", y.dtype, y.shape)
    return ("number", y.dtype) if isinstance(y, np.generic) else (type(y).__name__,)


def copies(args: Any) -> tuple[Any, ...]:
    return tuple(x.copy() if isinstance(x, np.ndarray) else x for x in args)


def quietly(run: Callable[[], Any], warning: type[Warning] = FlatDerivativeWarning) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", warning)
        return run()


def same(got: Any, want: Any, what: str, rtol: float = 1e-14) -> None:
    """Equal structure, types and values."""
    mine, theirs = outputs(got), outputs(want)
    assert len(mine) == len(theirs), f"{what}: {got}, NumPy: {want}"
    assert isinstance(got, tuple) == isinstance(want, tuple), f"{what}: {type(got)}, NumPy: {type(want)}"
    for a, b in zip(mine, theirs, strict=True):
        assert kind(a) == kind(b), f"{what}: {kind(a)}, NumPy: {kind(b)}"
        scale = float(np.max(np.abs(b), initial=1.0)) if is_float(b) else 0.0
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale, err_msg=what)


def check_value(case: Case) -> None:
    """NumPy's own value, kind and dtype, in reverse and forward mode, in float64 and float32."""
    for dtype, rtol in ((np.float64, 1e-14), (np.float32, 2e-6)):
        args = tuple(np.asarray(x, dtype)[()] if not isinstance(x, float) else x for x in case.args)
        want = case.f(*copies(args))
        same(quietly(lambda args=args: vjp(case.f, *copies(args))[0]), want, "reverse", rtol)
        got, tangent = jvp(case.f, copies(args), copies(args))
        same(got, want, "forward", rtol)
        for t, y in zip(outputs(tangent), outputs(want), strict=True):
            assert np.shape(t) == np.shape(y)
            assert not is_float(y) or np.asarray(t).dtype == np.asarray(y).dtype
        given = copies(args)
        quietly(lambda given=given: vjp(case.f, *given))
        for before, after in zip(args, given, strict=True):
            assert np.array_equal(before, after), "the caller's array has changed"


def slopes(f: Callable[..., Any], args: Any) -> tuple[Any, ...]:
    """Central differences of a scalar function in every element, improved once by Richardson."""
    out: list[Any] = []
    for k, x in enumerate(args):
        d = np.zeros(np.shape(x))
        for at in np.ndindex(d.shape):

            def moved(h: float, k: int = k, at: Any = at) -> Any:
                shifted = list(copies(args))
                if np.ndim(shifted[k]):
                    shifted[k][at] += h
                else:
                    shifted[k] = shifted[k] + h
                return f(*shifted)

            wide, narrow = (moved(2 * STEP) - moved(-2 * STEP)) / 4, (moved(STEP) - moved(-STEP)) / 2
            d[at] = (4 * narrow - wide) / (3 * STEP)
        out.append(d)
    return tuple(out)


def gradient(f: Callable[..., Any], args: Any) -> tuple[Any, ...]:
    y, pullback = quietly(lambda: vjp(f, *args))
    return pullback(np.ones_like(y) if isinstance(y, np.ndarray | np.generic) else 1.0)


def close(got: Any, want: Any, tol: float, what: str) -> None:
    for g, w in zip(got, want, strict=True):
        scale = max(1.0, float(np.max(np.abs(w), initial=0.0)))
        np.testing.assert_allclose(g, w, rtol=0, atol=tol * scale, err_msg=what)


def check_gradient(case: Case) -> None:
    """Reverse and forward mode against central differences."""

    def f(*args: Any) -> Any:
        return project(case.f(*args))

    want = slopes(f, case.args)
    close(gradient(f, copies(case.args)), want, 1e-6, "reverse mode")
    rng = np.random.default_rng(1)
    for _ in range(2):
        v = tuple(rng.uniform(-1, 1, np.shape(x)) if np.ndim(x) else float(rng.uniform(-1, 1)) for x in case.args)
        _, t = jvp(f, copies(case.args), v)
        expected = sum(float(np.sum(d * e)) for d, e in zip(want, v, strict=True))
        close((t,), (expected,), 1e-6, "forward mode")


def check_second(case: Case) -> None:
    """The second derivative along a direction, by all four pairs of modes."""

    def f(*args: Any) -> Any:
        return project(case.f(*args))

    rng = np.random.default_rng(2)
    v = tuple(rng.uniform(-1, 1, np.shape(x)) if np.ndim(x) else float(rng.uniform(-1, 1)) for x in case.args)

    def along(*args: Any) -> Any:
        return jvp(f, args, v)[1]

    def back(*args: Any) -> Any:
        return sum(np.sum(d * e) for d, e in zip(vjp(f, *args)[1](1.0), v, strict=True))

    def first(*args: Any) -> Any:
        return sum(np.sum(d * e) for d, e in zip(gradient(f, args), v, strict=True))

    want = slopes(first, case.args)
    for name, g in (("forward", along), ("reverse", back)):
        close(gradient(g, copies(case.args)), want, 1e-5, f"reverse over {name}")
        expected = sum(float(np.sum(d * e)) for d, e in zip(want, v, strict=True))
        close((quietly(lambda g=g: jvp(g, copies(case.args), v)[1]),), (expected,), 1e-5, f"forward over {name}")


def check_batch(case: Case) -> None:
    """vmap against a loop, of the function and of its gradient."""
    rows = [tuple(x * (1 + 0.003 * r) for x in case.args) for r in range(3)]
    stacks = tuple(np.stack([row[k] for row in rows]) for k in range(len(case.args)))
    got = outputs(vmap(case.f)(*copies(stacks)))
    want = [outputs(case.f(*copies(row))) for row in rows]
    for k, g in enumerate(got):
        loop = np.stack([row[k] for row in want])
        assert g.dtype == loop.dtype
        np.testing.assert_allclose(g, loop, rtol=1e-13, atol=1e-13)

    def d(*args: Any) -> Any:
        return vjp(lambda *a: project(case.f(*a)), *args)[1](1.0)

    batched = quietly(lambda: vmap(d)(*copies(stacks)))
    loops = [gradient(lambda *a: project(case.f(*a)), copies(row)) for row in rows]
    for k, g in enumerate(batched):
        np.testing.assert_allclose(g, np.stack([row[k] for row in loops]), rtol=1e-12, atol=1e-12)


def check_staged(case: Case) -> None:
    """The Program of the function, and that of its gradient, give what NumPy gives."""
    program = make_program(case.f)(*copies(case.args))
    for g, w in zip(program.evaluate(copies(case.args)), outputs(case.f(*copies(case.args))), strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-13, atol=1e-13)

    def d(*args: Any) -> Any:
        return gradient(lambda *a: project(case.f(*a)), args)

    staged = make_program(d)(*copies(case.args)).evaluate(copies(case.args))
    for g, w in zip(staged, d(*copies(case.args)), strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-12, atol=1e-12)


def check(case: Case) -> None:
    """Everything that holds of a call."""
    check_value(case)
    check_gradient(case)
    if case.order > 1:
        check_second(case)
    if case.abstract:
        check_batch(case)
    if case.abstract and case.staged:
        check_staged(case)
