"""Every way in which a value could leave its trace without a word: an error with the line and the remedy."""

from __future__ import annotations

import array
import ctypes
import json
import math
import operator
import pickle
import struct
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy._core.overrides import array_function_dispatch
from tests.frontend._harness import draw

from wengert import (
    ConcretizationError,
    EscapeError,
    LeakError,
    UnsupportedError,
    grad,
    jacfwd,
    jvp,
    linearize,
    make_program,
    stop_gradient,
    vjp,
    vmap,
)
from wengert.errors import TraceError

V = draw("V", 3)
HERE = r"(?s)test_escapes\.py:\d+: "

TRANSFORMS: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: grad(f)(V),
    "jvp": lambda f: jvp(f, (V,), (V,)),
    "vmap": lambda f: vmap(f)(V[None]),
    "make_program": lambda f: make_program(f)(V),
    "grad of grad": lambda f: grad(lambda x: np.sum(grad(f)(x)))(V),
    "vmap of grad": lambda f: vmap(grad(f))(V[None]),
    "jacfwd": lambda f: jacfwd(f)(V),
    "linearize": lambda f: linearize(f, V),
}

# what is called, and what the message must tell
ESCAPES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "float": (lambda x: float(x[0]) * x[1], "keep the value as it is|np.where"),
    "int": (lambda x: int(x[0]) * x[1], "keep the value as it is|np.where"),
    "complex": (lambda x: abs(complex(x[0])) * x[1], "keep the value as it is|np.where"),
    "math.sin": (lambda x: math.sin(x[0]) * x[1], r"np\.sin\(\.\.\.\) in place of math\.sin"),
    "math.exp": (lambda x: math.exp(x[0]) * x[1], r"np\.exp\(\.\.\.\) in place of math\.exp"),
    "math.sqrt": (lambda x: math.sqrt(x[0]) * x[1], r"np\.sqrt"),
    "math.pow": (lambda x: math.pow(x[0], 2.0) * x[1], r"np\.power\(\.\.\.\) in place of math\.pow"),
    "math.atan2": (lambda x: math.atan2(x[0], 2.0) * x[1], r"np\.arctan2"),
    "math.fsum": (lambda x: math.fsum(x) * x[1], r"np\.sum"),
    "math.hypot": (lambda x: math.hypot(x[0], x[1]) * x[1], r"np\.hypot"),
    "math.isnan": (lambda x: x[0] * math.isnan(x[0]), r"np\.isnan"),
    "item": (lambda x: x[0].item() * x[1], "write: index the array"),
    "item of an array": (lambda x: x.item(0) * x[1], "write: index the array"),
    "tolist": (lambda x: sum(x.tolist()) * x[1], "write: index the array"),
    "tobytes": (lambda x: len(x.tobytes()) * x[0], "write: index the array"),
    "view": (lambda x: np.sum(x.view(np.int64)) * x[0], "write: index the array"),
    "hash": (lambda x: hash(x[0]) * x[1], "as the key of the dict"),
    "a set": (lambda x: len({x[0]}) * x[1], "as the key of the dict"),
    "a dict": (lambda x: {x[0]: x[1]}[x[0]], "as the key of the dict"),
    "pickle": (lambda x: pickle.loads(pickle.dumps(x)).sum(), "differentiate inside the other process"),
    "asarray of a kept name": (lambda x: np.sum(kept_asarray(x)), r"np\.zeros\(\.\.\.\) or np\.array"),
    "float64": (lambda x: np.float64(x[0]) * x[1], r"np\.zeros\(\.\.\.\) or np\.array"),
    "float32": (lambda x: np.float32(x[0]) * x[1], r"np\.zeros\(\.\.\.\) or np\.array"),
    "float64 of an array": (lambda x: np.sum(np.float64(x)), r"np\.zeros\(\.\.\.\) or np\.array"),
    "sum of a list": (lambda x: np.sum([x[0], x[1]]), r"np\.array\(\[\.\.\.\]\)"),
    "sin of a list": (lambda x: np.sum(np.sin([x[0], x[1]])), r"np\.array\(\[\.\.\.\]\)"),
    "a plain array plus a list": (lambda x: np.sum(V[:2] + [x[0], x[1]]), r"np\.array\(\[\.\.\.\]\)"),  # noqa: RUF005
    "random.normal": (lambda x: np.random.normal(x[0]) * x[1], r"np\.array\(\[\.\.\.\]\)"),  # noqa: NPY002
    "array.array": (lambda x: array.array("d", [x[0]])[0] * x[1], "write: "),
    "ctypes": (lambda x: ctypes.c_double(x[0]).value * x[1], "write: "),
    "a text with %": (lambda x: len("%f" % x[0]) * x[1], "write: |np.where"),  # noqa: UP031
    "an attribute that shows memory": (lambda x: x.data[0] * x[0], r"\.data of a traced"),
}  # fmt: skip
kept_asarray = np.asarray


@pytest.mark.parametrize("transform", ["grad", "jvp", "vmap", "make_program", "grad of grad", "vmap of grad"])
@pytest.mark.parametrize("name", ESCAPES)
def test_escape(name: str, transform: str) -> None:
    f, remedy = ESCAPES[name]
    with pytest.raises(TraceError, match=HERE) as caught:
        TRANSFORMS[transform](f)
    assert isinstance(caught.value, EscapeError | ConcretizationError)
    import re

    assert re.search(remedy, str(caught.value)), str(caught.value)
    assert f.__code__.co_firstlineno  # the line named is the user's own, here
    assert re.search(rf"test_escapes\.py:{f.__code__.co_firstlineno}: ", str(caught.value)), str(caught.value)


@pytest.mark.parametrize(
    "f",
    [lambda x: struct.pack("d", x[0]), lambda x: Decimal(x[0]), lambda x: Fraction(x[0]), lambda x: json.dumps(x[0]),
     lambda x: memoryview(x), lambda x: np.frombuffer(x), lambda x: bytes(x), lambda x: operator.index(x[0]), lambda x: x[0] << 2,
     lambda x: np.from_dlpack(x), lambda x: x[0] @ 2.0, lambda x: setattr(x, "shape", (3, 1))],
)  # fmt: skip
def test_what_others_refuse_is_refused(f: Any) -> None:
    with pytest.raises((TypeError, struct.error, AttributeError, ValueError)):
        grad(lambda x: (f(x), np.sum(x))[1])(V)


def test_what_reads_a_value_without_losing_it() -> None:
    def f(x: Any) -> Any:
        text = f"{x[0]:.2f} {x} {x!r} {x[1]}"
        assert f"{V[0]:.2f}" in text
        assert "<traced f64[3]:" in text
        assert bool(x[0]) and (x[0] < x[1]) == (V[0] < V[1])
        assert (
            math.floor(x[0]) == math.floor(V[0])
            and math.ceil(x[0]) == math.ceil(V[0])
            and math.trunc(x[0]) == math.trunc(V[0])
        )
        assert x.any() and np.argmax(x) == np.argmax(V)
        return np.sum(x * x)

    np.testing.assert_allclose(grad(f)(V), 2 * V)
    np.testing.assert_allclose(jacfwd(f)(V), 2 * V)


@pytest.mark.filterwarnings("ignore::wengert.errors.FlatDerivativeWarning")
def test_stop_gradient_is_the_way_out() -> None:
    def f(x: Any) -> Any:
        plain = kept_asarray(stop_gradient(x))
        assert type(plain) is np.ndarray
        return (
            float(stop_gradient(x[0])) * x[1]
            + math.sin(stop_gradient(x[2])) * x[1]
            + np.sum(stop_gradient(x).tolist()) * x[1]
        )

    want = [0.0, V[0] + math.sin(V[2]) + V.sum(), 0.0]
    np.testing.assert_allclose(grad(f)(V), want)
    np.testing.assert_allclose(jvp(f, (V,), (V,))[1], np.dot(want, V))


def test_stop_gradient_shares_no_memory() -> None:
    def f(x: Any) -> Any:
        y = np.sin(x)
        z = np.cos(y)
        c = stop_gradient(y)
        c[:] = 100.0
        return np.sum(z) + np.sum(y)

    g = lambda x: np.sum(np.cos(np.sin(x))) + np.sum(np.sin(x))
    x = V.copy()
    np.testing.assert_allclose(grad(f)(x), grad(g)(x), rtol=1e-14)
    grad(lambda x: (stop_gradient(x).fill(3.0), np.sum(x))[1])(x)
    np.testing.assert_array_equal(x, V)


# ---- values that are abstract


def test_branches_under_vmap_and_staging() -> None:
    def branch(x: Any) -> Any:
        if x[0] > 0:
            return x
        return -x

    def loop(x: Any) -> Any:
        while np.sum(x) > 1.0:
            x = x / 2
        return x

    for f, remedy in (
        (branch, r"np\.where\(x\[0\] > 0, x, -x\)"),
        (loop, "control.while_loop"),
        (lambda x: x * bool(x[0] > 0), r"x\[0\] > 0$"),
        (lambda x: max(x[0], x[1]), r"np\.maximum\(x\[0\], x\[1\]\)"),
        (lambda x: x * (0.5 in x), r"np\.where"),
        (lambda x: x and 1.0, r"np\.logical_and\(x, 1\.0\)"),
    ):
        with pytest.raises(
            ConcretizationError, match=rf"(?s)whole batch of values.*test_escapes\.py.*write:.*{remedy}"
        ):
            vmap(f)(V[None])
        with pytest.raises(
            ConcretizationError, match=rf"(?s)has a type but no value.*test_escapes\.py.*write:.*{remedy}"
        ):
            make_program(f)(V)
    assert str(make_program(lambda x: (repr(x), x)[1])(V))


# ---- functions without a rule


@array_function_dispatch(lambda x: (x,), module="numpy")
def of_tomorrow(x: Any) -> Any:
    """What a later NumPy may have, without a rule here."""
    return np.max(x) + np.zeros(3)


@array_function_dispatch(lambda x: (x,), module="numpy")
def writes_tomorrow(x: Any) -> None:
    """The same, writing into its argument."""
    x[0] = 1.0


@pytest.mark.parametrize("transform", ["grad", "jvp", "vmap", "make_program"])
def test_unsupported_functions_are_named(transform: str) -> None:
    with pytest.raises(
        UnsupportedError,
        match=r"(?s)^np\.of_tomorrow has no derivative rule in this version\n  at .*test_escapes\.py:\d+: .*write: ",
    ):
        TRANSFORMS[transform](lambda x: np.sum(of_tomorrow(x)))


def test_unsupported_functions_work_on_constants() -> None:
    def f(x: Any) -> Any:
        c = np.linspace(0.0, 1.0, 5)
        d = of_tomorrow(c)
        d[0] = x[1]
        return np.sum(d * x)

    np.testing.assert_allclose(grad(f)(V), [V[1], V[0] + 1.0, 1.0])


def test_writing_functions_on_constants_are_named() -> None:
    with pytest.raises(
        UnsupportedError, match=r"(?s)np\.writes_tomorrow writes into its argument.*test_escapes\.py.*x\[i\] = v"
    ):
        grad(lambda x: (writes_tomorrow(np.zeros(3)), np.sum(x))[1])(V)


def test_a_view_that_no_handle_knows_is_read_only() -> None:
    def f(x: Any) -> Any:
        base = np.zeros(5)
        window = np.trim_zeros(np.ones(5) * base[0] + np.ones(5))
        window[0] = 1.0
        return np.sum(x)

    with pytest.raises(UnsupportedError, match=r"(?s)writing through a view.*test_escapes\.py.*index the base itself"):
        grad(f)(V)


# ---- values that outlive their transform

KEPT: list[Any] = []
USES: dict[str, Callable[[Any], Any]] = {
    "a ufunc": lambda x: np.sin(x), "an operator": lambda x: x + 1.0, "a reflected operator": lambda x: 2.0 * x, "a function": lambda x: np.sum(x),
    "indexing": lambda x: x[0], "assignment": lambda x: x.__setitem__(0, 1.0), "augmented assignment": lambda x: x.__iadd__(1.0),
    "a method": lambda x: x.mean(), "a product": lambda x: x @ V, "another transform": lambda x: grad(lambda t: np.sum(t * x))(V),
    "a view": lambda x: x.T.reshape(3, 1), "iteration": lambda x: list(x), "power": lambda x: x**2,
}  # fmt: skip
ENDED: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: grad(f)(V), "vjp": lambda f: vjp(f, V), "jvp": lambda f: jvp(f, (V,), (V,)), "vmap": lambda f: vmap(f)(V[None]),
    "make_program": lambda f: make_program(f)(V), "jacfwd": lambda f: jacfwd(f)(V),
}  # fmt: skip


@pytest.mark.parametrize("transform", ENDED)
@pytest.mark.parametrize("use", USES)
def test_a_value_used_after_its_transform_has_ended(transform: str, use: str) -> None:
    def f(x: Any) -> Any:
        KEPT.append(x * 1.0)
        return np.sum(x)

    KEPT.clear()
    ENDED[transform](f)
    name = {"vjp": "grad", "jacfwd": "linearize"}.get(transform, transform)
    with pytest.raises(LeakError, match=rf"(?s)used after the .*{name}.* has ended.*test_escapes\.py.*has_aux=True"):
        USES[use](KEPT.pop())


def test_a_generator_that_outlives_its_transform() -> None:
    def f(x: Any) -> Any:
        return np.sum(x), (t * 2.0 for t in x)

    _, rest = grad(f, has_aux=True)(V)
    with pytest.raises(LeakError):
        list(rest)


def test_a_kept_value_in_a_later_transform() -> None:
    cache: dict[str, Any] = {}

    def f(x: Any) -> Any:
        if "y" not in cache:
            cache["y"] = np.exp(x)
        return np.sum(cache["y"] * x)

    np.testing.assert_allclose(grad(f)(V), np.exp(V) * (1 + V))
    with pytest.raises(LeakError):
        grad(f)(V)
    with pytest.raises(LeakError):
        f(V)


def test_kept_constants_stay_arrays() -> None:
    cache: list[Any] = []

    def f(x: Any) -> Any:
        if not cache:
            cache.append(np.arange(3.0))
        return np.sum(cache[0] * x)

    for _ in range(2):
        np.testing.assert_array_equal(grad(f)(V), [0.0, 1.0, 2.0])
    assert f(V) == V[1] + 2 * V[2]
    np.testing.assert_array_equal(np.asarray(cache[0]), [0.0, 1.0, 2.0])
    assert np.linalg.norm(cache[0]) == np.sqrt(5.0)


def test_an_error_of_the_users_own_comes_out_itself() -> None:
    class OwnError(Exception):
        pass

    def f(x: Any) -> Any:
        raise OwnError("mine")

    for run in TRANSFORMS.values():
        with pytest.raises(OwnError, match="mine") as caught:
            run(f)
        assert not getattr(caught.value, "__notes__", [])  # nothing is added to what Python code has raised
