"""scipy.linalg on traced values: SciPy's own values and types; derivatives by differences; batches; Programs."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.linalg
from tests.frontend._harness import outputs, project
from tests.scipy._linalg_cases import CALLS, Call

from wengert import grad, jvp, make_program, vjp, vmap
from wengert.scipy import linalg

pytestmark = pytest.mark.filterwarnings("ignore::wengert.errors.FlatDerivativeWarning")  # permutations are flat


def differentiable(call: Call) -> Any:
    return lambda *args: project(call.f(linalg, *args))


def directions(call: Call, seed: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    return tuple(rng.uniform(-1, 1, np.shape(x)) if np.ndim(x) else float(rng.uniform(-1, 1)) for x in call.args)


def slope(f: Any, args: Any, v: Any) -> Any:
    """The derivative along v by central differences, improved once by Richardson."""

    def at(h: float) -> Any:
        return f(*(x + h * d for x, d in zip(args, v, strict=True)))

    h = 2e-4
    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.label)
def test_value(call: Call) -> None:
    want = outputs(call.f(scipy.linalg, *call.args))
    positions = tuple(range(len(call.args)))
    got = outputs(vjp(lambda *args: call.f(linalg, *args), *call.args)[0])
    plain = outputs(call.f(linalg, *call.args))
    for g, w, p in zip(got, want, plain, strict=True):
        assert np.shape(g) == np.shape(w)
        assert np.asarray(g).dtype == np.asarray(w).dtype
        np.testing.assert_allclose(g, w, rtol=1e-11, atol=1e-12)
        np.testing.assert_array_equal(p, w)  # plain arrays are SciPy's
    single = tuple(x.astype(np.float32) if isinstance(x, np.ndarray) else x for x in call.args)
    if not call.label.startswith("block_diag"):  # which has a float64 block
        gradient = grad(differentiable(call), positions)(*single)
        assert {np.asarray(g).dtype for g, x in zip(gradient, single, strict=True) if np.ndim(x)} == {
            np.dtype(np.float32)
        }


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.label)
def test_derivatives(call: Call) -> None:
    f, positions = differentiable(call), tuple(range(len(call.args)))
    v, u = directions(call, 1), directions(call, 2)
    g = grad(f, positions)
    want = slope(lambda *args: project(call.f(scipy.linalg, *args)), call.args, v)
    size = max(1.0, sum(float(np.sum(np.abs(d * e))) for d, e in zip(g(*call.args), v, strict=True)))
    assert abs(jvp(f, call.args, v)[1] - want) <= 1e-7 * size
    assert abs(sum(np.sum(d * e) for d, e in zip(g(*call.args), v, strict=True)) - want) <= 1e-7 * size
    if call.order == 1:
        return
    along = lambda *args: sum(np.sum(d * e) for d, e in zip(g(*args), u, strict=True))
    want = slope(along, call.args, v)
    size = max(
        1.0, sum(float(np.sum(np.abs(d * e))) for d, e in zip(grad(along, positions)(*call.args), v, strict=True))
    )
    assert abs(jvp(along, call.args, v)[1] - want) <= 1e-6 * size
    assert (
        abs(sum(np.sum(d * e) for d, e in zip(grad(along, positions)(*call.args), v, strict=True)) - want)
        <= 1e-6 * size
    )
    assert abs(jvp(lambda *args: jvp(f, args, u)[1], call.args, v)[1] - want) <= 1e-6 * size


@pytest.mark.parametrize("call", [c for c in CALLS if c.batched], ids=lambda call: call.label)
def test_batches_and_programs(call: Call) -> None:
    f, positions = differentiable(call), tuple(range(len(call.args)))
    g = grad(f, positions)
    rows = [tuple(x * (1 + 0.003 * r) for x in call.args) for r in range(2)]
    stacks = [np.stack([row[k] for row in rows]) for k in positions]
    for got, *want in zip(vmap(g)(*stacks), *(g(*row) for row in rows), strict=True):
        np.testing.assert_allclose(got, np.stack(want), rtol=1e-10, atol=1e-10)
    got = outputs(vmap(lambda *args: call.f(linalg, *args))(*stacks))
    for y, *want in zip(got, *(outputs(call.f(scipy.linalg, *row)) for row in rows), strict=True):
        np.testing.assert_allclose(y, np.stack(want), rtol=1e-11, atol=1e-12)
    # the rules themselves on two axes before the matrices
    nested = [np.stack([x, x]) for x in stacks]
    total = grad(lambda *args: np.sum(vmap(vmap(f))(*args)), positions)
    for got, *want in zip(total(*nested), *(g(*row) for row in rows), strict=True):
        np.testing.assert_allclose(got, np.stack([np.stack(want)] * 2), rtol=1e-10, atol=1e-10)
    staged = make_program(g)(*call.args).evaluate(call.args)
    for got, want in zip(staged, g(*call.args), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-12)


def test_names() -> None:
    missing = [name for name in scipy.linalg.__all__ if not hasattr(linalg, name)]
    assert not missing
    assert set(scipy.linalg.__all__) <= set(dir(linalg))
    assert linalg.LinAlgError is np.linalg.LinAlgError
    unknown = [name for name in linalg.__all__ if not hasattr(scipy.linalg, name)]
    assert set(unknown) <= {"kron"}  # which SciPy had before
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(linalg.hilbert(3), scipy.linalg.hilbert(3))
