"""Every record on operands that nobody would pick: shapes, layouts, dtypes and values at the edges.

What the plain function gives, or raises, the traced one must give, or raise, to the last bit; derivatives have
the types of what they belong to, and forward and reverse mode are transposes wherever all is finite.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ops import _linear_algebra, _matrix_functions
from tests.ops._samples import samples

import wengert.ops.special
import wengert.scipy.linalg
from wengert import jvp, make_program, vjp, vmap
from wengert.core.primitive import REGISTRY, Primitive
from wengert.core.types import aval_of
from wengert.errors import WengertError
from wengert.extend._numeric import inexact, replaced, tuple_of

assert wengert.ops.special and wengert.scipy.linalg  # their records are in the registry
EXAMPLES = int(os.environ.get("WENGERT_FUZZ_EXAMPLES", "8"))
# markers that other rules put in, which nobody calls
INTERNAL = {"checked", "schur"}
RECORDS = sorted(name for name in REGISTRY if not name.startswith("test.") and name not in INTERNAL)
# SciPy's own code for these ends the process on orders and parameters that make no sense
CRASH_IN_SCIPY = ("mathieu_", "pro_", "obl_")
REAL = [np.float64, np.float32, np.float16, np.longdouble]
VALUES = {
    "ordinary": st.floats(-3.0, 3.0).map(lambda x: round(x, 3)),
    "edges": st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 5e-324, -5e-324, 2e-308, 1e300, -1e300, 1e-300, np.inf, -np.inf, np.nan]),
}  # fmt: skip


# ---- operands


@st.composite
def of_ufunc(draw: Any, record: Primitive) -> tuple[Any, ...]:
    """Operands of shapes that broadcast, of any dtype, with values at the edges."""
    assert record.ufunc is not None
    n = record.ufunc.nin
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=n, max_dims=3, max_side=3, min_side=0)).input_shapes
    out: list[Any] = []
    for shape in shapes:
        dtype = draw(
            st.sampled_from([*REAL, np.float64, np.float64, np.complex128, np.complex64, np.int64, np.int8, np.bool_])
        )
        values = draw(st.sampled_from(["ordinary", "edges"]))
        x = draw(hnp.arrays(np.float64, shape, elements=VALUES[values], fill=st.nothing()))
        with np.errstate(all="ignore"):
            x = (
                np.nan_to_num(x, nan=1.0, posinf=3.0, neginf=-3.0).clip(-3, 3).astype(dtype)
                if np.dtype(dtype).kind in "iub"
                else x.astype(dtype)
            )
        out.append(draw(layouts(x)))
    return tuple(out)


@st.composite
def of_sample(draw: Any, record: Primitive) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Operands that the record is tried at, in another dtype and layout, scaled, with an edge put in."""
    sample = draw(st.sampled_from(samples(record)))
    # LAPACK and SciPy compute in single and double
    dtypes = REAL if record.family in ("linear", "bilinear", "reduction", "elementwise", "flat") else REAL[:2]
    dtype = draw(st.sampled_from([*dtypes, np.float64, np.complex128]))
    # of an infinite matrix NumPy's own svd may never come back (OpenBLAS), nor SciPy's own logm of a huge one
    matrix = record.name in _linear_algebra.SAMPLES or record.name in _matrix_functions.SAMPLES
    scale = draw(st.sampled_from([1.0, 1.0, -1.0, 0.0, *((1e-3, 1e3) if matrix else (1e-200, 1e200))]))
    edge = draw(st.sampled_from([None, None, None, 0.0, np.nan, np.nan if matrix else np.inf]))
    out: list[Any] = []
    for x in sample.operands:
        if type(x) is np.ndarray and x.dtype.kind == "f":
            with np.errstate(all="ignore"):
                x = np.array(x * scale)
                if edge is not None and x.size:
                    x.flat[0] = edge
                x = x.astype(dtype)
            x = draw(layouts(x))
        out.append(x)
    return tuple(out), dict(sample.params)


@st.composite
def layouts(draw: Any, x: Any) -> Any:
    """The same array, otherwise in memory; or the number that it holds."""
    way = draw(st.sampled_from(["as it is", "reversed", "strided", "by columns", "read-only", "broadcast", "number"]))
    if way == "number" and not x.ndim:
        return x[()]
    if way == "reversed" and x.ndim:
        return np.ascontiguousarray(x[::-1])[::-1]
    if way == "strided" and x.ndim:
        return np.repeat(x, 2, axis=-1)[..., ::2]
    if way == "by columns":
        return np.asfortranarray(x)
    if way == "read-only":
        x = x.copy()
        x.flags.writeable = False
    if way == "broadcast" and x.ndim and x.shape[0] == 1:
        return np.broadcast_to(x[:1], x.shape)
    return x


# ---- laws


def outcome(run: Callable[[], Any]) -> Any:
    """What a call gives, or the exception that it raises."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return run()
        except Exception as error:  # noqa: BLE001 - compared with the other side's
            return error


def identical(got: Any, want: Any) -> bool:
    if aval_of(got) != aval_of(want):
        return False
    a, b = np.asarray(got), np.asarray(want)
    same = np.array_equal(a, b, equal_nan=inexact(a))
    return bool(
        same
        and (not inexact(a) or a.dtype.kind == "c" or np.array_equal(np.signbit(a), np.signbit(b)) or np.isnan(a).any())
    )


def refused(got: Any) -> bool:
    """Whether a call was refused with a reason and the line to write.

    LAPACK and SciPy refuse NaNs and infinities where a derivative needs more of them than the value does, and
    dtypes that the function itself does not meet.
    """
    if isinstance(got, np.linalg.LinAlgError | ValueError) and ("converge" in str(got) or "infs or NaNs" in str(got)):
        return True
    if isinstance(got, TypeError) and "not supported for" in str(got):
        return True
    return isinstance(got, WengertError) or (isinstance(got, Exception) and "write:" in str(got))


def agree(record: Primitive, got: Any, want: Any, what: str) -> None:
    """The same values, or an exception of the same type; ours may say that we do not support it."""
    if isinstance(want, Exception):
        assert isinstance(got, type(want) | WengertError), f"{what}: {got!r}, where NumPy raises {want!r}"
        return
    if refused(got):
        return
    if isinstance(got, Exception):
        raise AssertionError(f"{what}: {got!r}, where NumPy gives {want!r}") from got
    for g, w in zip(tuple_of(record, got), tuple_of(record, want), strict=True):
        assert identical(g, w), f"{what}: {g!r} ({aval_of(g)}), NumPy: {w!r} ({aval_of(w)})"


def check(record: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> None:
    call = record.ufunc if record.ufunc is not None else record
    want = outcome(lambda: record.impl(*operands, **params) if record.ufunc is None else record.ufunc(*operands))
    what = f"{record.name}{tuple(operands)}{params or ''}"
    for k, x in enumerate(operands):
        if not inexact(x) or (record.diffs and record.diffs[k] is None):
            continue

        def f(x: Any, k: int = k) -> Any:
            return call(*replaced(operands, k, x), **params)

        traced = outcome(lambda f=f, x=x: vjp(f, x))
        pair = outcome(lambda f=f, x=x: jvp(f, (x,), (np.ones_like(x),)))
        agree(record, traced if isinstance(traced, Exception) else traced[0], want, f"reverse in {k}: {what}")
        agree(record, pair if isinstance(pair, Exception) else pair[0], want, f"forward in {k}: {what}")
        if isinstance(want, Exception) or isinstance(traced, Exception) or isinstance(pair, Exception):
            continue
        check_derivatives(record, x, traced[1], pair[1], want, f"{what}, operand {k}")
    staged = outcome(lambda: make_program(lambda *xs: call(*xs, **params))(*operands).evaluate(operands))
    agree(record, staged if isinstance(staged, Exception) or record.multiple else staged[0], want, f"staged: {what}")


def check_derivatives(record: Primitive, x: Any, pullback: Any, tangent: Any, want: Any, what: str) -> None:
    ones = tuple(np.ones_like(o) for o in tuple_of(record, want))
    pulled = outcome(lambda: pullback(ones if record.multiple else ones[0]))
    if refused(pulled):
        return
    assert not isinstance(pulled, Exception), f"{what}: {pulled!r} on the way back"
    (d,) = pulled
    assert aval_of(d) == aval_of(x) or aval_of(x).kind != "array", f"{what}: cotangent {aval_of(d)} of {aval_of(x)}"
    total, size = 0.0, 0.0
    for t, o in zip(tuple_of(record, tangent), tuple_of(record, want), strict=True):
        assert np.shape(t) == np.shape(o), f"{what}: tangent of shape {np.shape(t)} of {aval_of(o)}"
        if inexact(o):
            assert np.asarray(t).dtype == np.asarray(o).dtype, f"{what}: tangent {aval_of(t)} of {aval_of(o)}"
            with np.errstate(all="ignore"):
                total += float(np.sum(np.real(np.asarray(t, np.clongdouble))))
                size += float(np.sum(np.abs(np.asarray(t, np.clongdouble))))
    with np.errstate(all="ignore"):
        back = float(np.sum(np.real(np.asarray(d, np.clongdouble))))
        size += float(np.sum(np.abs(np.asarray(d, np.clongdouble))))
    if np.isfinite(total) and np.isfinite(back) and np.isfinite(size) and not np.iscomplexobj(x):
        eps = max(float(np.finfo(np.asarray(o).dtype).eps) for o in (x, *tuple_of(record, want)) if inexact(o))
        assert abs(total - back) <= 2e3 * eps * max(size, 1e-3), f"{what}: ⟨Jv, w⟩ = {total}, ⟨v, Jᵀw⟩ = {back}"


@pytest.mark.parametrize(
    "name", [n for n in RECORDS if REGISTRY[n].ufunc is not None and not n.startswith(CRASH_IN_SCIPY)]
)
def test_ufuncs(name: str) -> None:
    record = REGISTRY[name]

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
    @given(of_ufunc(record))
    def law(operands: tuple[Any, ...]) -> None:
        check(record, operands, {})

    law()


@pytest.mark.parametrize("name", [n for n in RECORDS if REGISTRY[n].ufunc is None])
def test_others(name: str) -> None:
    record = REGISTRY[name]

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
    @given(of_sample(record))
    def law(case: tuple[tuple[Any, ...], dict[str, Any]]) -> None:
        operands, params = case
        check(record, operands, params)
        first = operands[0]
        if record.multiple or not isinstance(first, np.ndarray) or not inexact(first):
            return
        want = outcome(lambda: np.stack([np.asarray(record.impl(*operands, **params))] * 2))
        got = outcome(lambda: vmap(lambda x: record(x, *operands[1:], **params))(np.stack([first, first])))
        if not isinstance(want, Exception) and not refused(got) and np.isfinite(want).all():
            assert not isinstance(got, Exception), f"batched {name}: {got!r}"
            with np.errstate(all="ignore"):
                scale = max(1.0, float(np.nanmax(np.abs(want), initial=0.0)))
            if np.isfinite(scale) and got.dtype.kind in "fc":
                eps = float(np.finfo(got.dtype).eps)
                np.testing.assert_allclose(got, want, rtol=1e4 * eps, atol=1e4 * eps * scale, err_msg=name)

    law()
