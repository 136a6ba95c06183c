"""wengert.numpy as a namespace of the Python array API standard, on plain arrays and on traced ones."""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.numpy._standard import CALLS, CONSTANTS, DTYPES, NAMES, OF_NO_ARRAY, Call, found

import wengert.numpy as xp
from wengert import (
    ConcretizationError,
    EscapeError,
    FlatDerivativeWarning,
    UnsupportedError,
    grad,
    jvp,
    make_program,
    pytree,
    vjp,
    vmap,
)

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{FlatDerivativeWarning.__module__}.{FlatDerivativeWarning.__name__}"),
    # NumPy's own, of empty arrays times 0 and of complex numbers made real
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]
ALL = [pytest.param(call, id=f"{name}-{k}") for name, calls in CALLS.items() for k, call in enumerate(calls)]


def differentiable(call: Call) -> bool:
    return all(np.asarray(x).dtype.kind in "fc" for x in call.args)


def same(got: Any, want: Any) -> None:
    for g, w in zip(pytree.leaves(got), pytree.leaves(want), strict=True):
        assert np.asarray(g).dtype == np.asarray(w).dtype
        np.testing.assert_allclose(g, w, rtol=1e-13, atol=1e-13)


# ---- the functions


def test_every_function_of_the_standard_is_called() -> None:
    assert set(CALLS) == set(NAMES)


@pytest.mark.parametrize("call", ALL)
def test_plain_arrays(call: Call) -> None:
    same(call.f(xp, *call.args), call.f(np, *call.args))


@pytest.mark.parametrize("call", [c for c in ALL if differentiable(c.values[0])])
def test_traced_arrays(call: Call) -> None:
    """In reverse and forward mode the value is NumPy's, and the two derivatives are transposes of one another."""
    f = lambda *args: call.f(xp, *args)
    want = call.f(np, *call.args)
    y, pullback = vjp(f, *call.args)
    same(y, want)
    tangents = tuple(np.cos(np.arange(x.size)).reshape(x.shape).astype(x.dtype) for x in call.args)
    y, pushed = jvp(f, call.args, tangents)
    same(y, want)
    cts = pytree.map(
        lambda o: np.asarray(np.sin(1.0 + np.arange(np.size(o))).reshape(np.shape(o)), np.result_type(o, np.float32))[
            ()
        ],
        y,
    )
    forward = sum(np.sum(np.real(w * t)) for w, t in zip(pytree.leaves(cts), pytree.leaves(pushed), strict=True))
    backward = sum(np.sum(np.real(d * t)) for d, t in zip(pullback(cts), tangents, strict=True))
    single = any(np.asarray(o).dtype in (np.float32, np.complex64) for o in pytree.leaves(y))
    assert forward == pytest.approx(backward, rel=1e-5 if single else 1e-11, abs=1e-6 if single else 1e-11)


@pytest.mark.parametrize("call", [c for c in ALL if c.values[0].abstract])
def test_batched_and_staged(call: Call) -> None:
    f = lambda *args: call.f(xp, *args)
    want = call.f(np, *call.args)
    batched = vmap(f)(*[np.stack([x, x]) for x in call.args])
    same(pytree.map(lambda y: y[1], batched), want)
    same(make_program(f)(*call.args).evaluate(call.args), pytree.leaves(want))


@pytest.mark.parametrize("call", [c for c in ALL if not c.values[0].abstract])
def test_shapes_that_depend_on_values_need_values(call: Call) -> None:
    with pytest.raises((ConcretizationError, UnsupportedError)):
        make_program(lambda *args: call.f(xp, *args))(*call.args)


def test_names_of_named_results() -> None:
    def f(x: Any) -> Any:
        total = xp.linalg.eigh(x).eigenvalues[0] + xp.linalg.slogdet(x).logabsdet + xp.linalg.qr(x).R[0, 0]
        u, counts = xp.unique_all(x), xp.unique_counts(x)
        return total + xp.linalg.svd(x).S[1] + u.values[0] * u.indices[0] + counts.counts[0] * counts.values[1]

    s = np.array([[2.0, 0.3], [0.3, 1.5]])
    assert vjp(f, s)[0] == f(s)


# ---- the namespace


def test_plain_functions_are_numpys() -> None:
    made_here = {"from_dlpack", "fft", "linalg", *xp.__dict__} & set(dir(np))
    for name in CALLS:
        if name not in made_here and not name.startswith("fft."):
            assert found(xp, name) is found(np, name), name
    assert xp.sin is np.sin and xp.linalg.det is np.linalg.det and xp.fft.fft is np.fft.fft


def test_constants_and_dtypes() -> None:
    for name in (*CONSTANTS, *DTYPES):
        assert getattr(xp, name) is getattr(np, name)
    for name, f in OF_NO_ARRAY.items():
        assert f(xp) == f(np), name


def test_inspection() -> None:
    info = xp.__array_namespace_info__()
    assert info.capabilities()["boolean indexing"] and info.devices() == ["cpu"] and info.default_device() == "cpu"
    assert info.default_dtypes()["real floating"] == np.float64
    assert info.dtypes(kind="complex floating") == {"complex64": np.complex64, "complex128": np.complex128}
    assert xp.__array_api_version__ == np.__array_api_version__


def test_extensions_are_modules() -> None:
    for name in ("linalg", "fft"):
        module = importlib.import_module(f"wengert.numpy.{name}")
        assert module is getattr(xp, name)
        assert set(module.__all__) == set(getattr(np, name).__all__)


# ---- the array object


def test_arrays_name_their_namespace() -> None:
    def f(x: Any) -> Any:
        space = x.__array_namespace__()
        assert space is xp and x.__array_namespace__(api_version="2022.12") is xp
        assert space.zeros(3).__array_namespace__() is xp
        with pytest.raises(ValueError, match=r"1999\.12"):
            x.__array_namespace__(api_version="1999.12")
        return space.sum(space.exp(x) * space.astype(space.asarray([1.0, 2.0]), x.dtype))

    x = np.array([0.1, 0.2])
    np.testing.assert_allclose(grad(f)(x), np.exp(x) * [1, 2], rtol=1e-15)
    jvp(f, (x,), (x,))
    vmap(f)(np.stack([x, x]))
    make_program(f)(x)


def test_devices() -> None:
    def f(x: Any) -> Any:
        constant = np.zeros(2)
        for y in (x, constant):
            assert y.device == "cpu" and y.to_device("cpu") is y
            with pytest.raises(ValueError, match="device"):
                y.to_device("gpu")
        return xp.sum(x)

    grad(f)(np.ones(2))


def test_attributes() -> None:
    def f(x: Any) -> Any:
        assert (x.ndim, x.shape, x.size, x.dtype) == (2, (2, 3), 6, np.float64)
        return x.T[0, 0] * x.mT[2, 1]

    np.testing.assert_array_equal(grad(f)(np.ones((2, 3))), [[1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize("op", "add sub mul truediv floordiv mod pow lt le eq ne ge gt".split())  # noqa: SIM905 - names
def test_operators(op: str) -> None:
    f = getattr(operator, op)
    x, y = np.array([0.4, 1.7]), np.array([1.3, 0.6])
    for g in (f, lambda x, y: f(x, 2.0), lambda x, y: f(2, x)):
        same(vjp(g, x, y)[0], g(x, y))
    same(vmap(f)(x, y), f(x, y))


def test_integer_and_boolean_operators() -> None:
    a, b = np.array([5, 6]), np.array([3, 1])
    fs: list[Callable[..., Any]] = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
    for f in fs:
        same(vmap(f)(a, b), f(a, b))
    for f in fs[:3]:
        same(vmap(lambda x, y, f=f: f(x > 4, y > 2))(a, b), f(a > 4, b > 2))
    for f in (operator.invert, operator.neg, operator.pos, operator.abs):
        same(vmap(f)(a), f(a))


def test_conversions_of_values_are_refused() -> None:
    for convert in (float, int, complex, operator.index):
        with pytest.raises((EscapeError, TypeError)):
            grad(lambda x, convert=convert: x[0] * convert(x[0]))(np.ones(2))
    assert grad(lambda x: x[0] if x[0] > 0 else -x[0])(np.ones(2))[0] == 1


# ---- exchange with other libraries


def test_traced_arrays_are_not_exported() -> None:
    for run in (lambda x: np.from_dlpack(x), lambda x: x.__dlpack__()):
        for transform in (lambda f: grad(f), lambda f: lambda x: jvp(f, (x,), (x,)), vmap, make_program):
            with pytest.raises(EscapeError, match=r"(?s)__dlpack__.*test_array_api\.py:\d+.*write: .*stop_gradient"):
                transform(lambda x, run=run: xp.sum(run(x)))(np.ones((2, 2)))


def test_constants_are_exported_as_copies() -> None:
    def f(x: Any) -> Any:
        constant = np.arange(3.0)
        assert constant.__dlpack_device__() == np.zeros(1).__dlpack_device__()
        other = np.from_dlpack(constant)
        constant[0] = x[0]
        np.testing.assert_array_equal(other, [0.0, 1.0, 2.0])
        with pytest.raises(BufferError):
            np.ones(2).__dlpack__(copy=False)
        return xp.sum(constant)

    np.testing.assert_array_equal(grad(f)(np.ones(2)), [1, 0])


def test_what_comes_from_other_libraries_can_be_written_to() -> None:
    plain = np.zeros(2)

    def f(x: Any) -> Any:
        y = xp.from_dlpack(plain)
        y[0] = x[0] * 3
        assert xp.from_dlpack(x) is x and xp.from_dlpack(x, copy=True) is not x
        w = xp.fft.fftfreq(2)
        w[1] = x[1]
        return xp.sum(y) + xp.sum(w)

    np.testing.assert_array_equal(grad(f)(np.ones(2)), [3, 1])
    np.testing.assert_array_equal(plain, 0.0)
    assert np.may_share_memory(xp.from_dlpack(plain), plain)
