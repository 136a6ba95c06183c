"""Arrays made inside a differentiated function, from plain ``import numpy as np``."""

from __future__ import annotations

import copy
import functools
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.frontend._harness import Case, check, draw

import wengert.numpy as wnp
from wengert import EscapeError, ShapeError, grad, jvp, make_program, vjp, vmap
from wengert.frontend import creation
from wengert.frontend.creation import NAMES, ORIGINALS

V, X = draw("V", 3), draw("X", 2, 3)
module_level_zeros = np.zeros

# each writes a traced value into what a creation function made
MADE: dict[str, Callable[[Any], Any]] = {
    "zeros": lambda x: np.zeros(3), "zeros of a shape": lambda x: np.zeros((3,), dtype=np.float64), "ones": lambda x: np.ones(3),
    "empty": lambda x: np.empty(x.shape), "full": lambda x: np.full(3, 2.5), "array": lambda x: np.array([1.0, 2.0, 3.0]),
    "array of an array": lambda x: np.array(V), "asarray of a list": lambda x: np.asarray([1.0, 2.0, 3.0]),
    "zeros_like": lambda x: np.zeros_like(x), "ones_like": lambda x: np.ones_like(x), "full_like": lambda x: np.full_like(x, 4.0),
    "empty_like": lambda x: np.empty_like(x), "zeros_like of a plain array": lambda x: np.zeros_like(V),
    "full_like of a plain array": lambda x: np.full_like(V, 2.0), "arange": lambda x: np.arange(3.0), "linspace": lambda x: np.linspace(0.0, 1.0, 3),
    "logspace": lambda x: np.logspace(0.0, 1.0, 3), "geomspace": lambda x: np.geomspace(1.0, 8.0, 3), "eye": lambda x: np.eye(3)[0],
    "identity": lambda x: np.identity(3)[1], "copy": lambda x: np.copy(V), "tri": lambda x: np.tri(3)[2],
    "fromiter": lambda x: np.fromiter((k * 1.0 for k in range(3)), float), "fromfunction": lambda x: np.fromfunction(lambda k: k * 2.0, (3,)),
    "ascontiguousarray": lambda x: np.ascontiguousarray([1.0, 2.0, 3.0]), "arithmetic on constants": lambda x: np.zeros(3) + np.ones(3) * 2,
    "a function of constants": lambda x: np.cumsum(np.ones(3)), "an unsupported function of constants": lambda x: np.convolve(np.ones(2), np.ones(2)),
    "a constant's copy": lambda x: np.zeros(3).copy(), "a constant's astype": lambda x: np.arange(3).astype(float),
    "a row of a table": lambda x: np.zeros((2, 3))[1], "wengert.numpy": lambda x: wnp.zeros(3),
    "by an alias": lambda x: (lambda make: make(3))(np.zeros), "by unpacking": lambda x: np.zeros(*(3,), dtype=float),
    "in a comprehension": lambda x: [np.zeros(3) for _ in range(2)][1], "by a partial": lambda x: functools.partial(wnp.zeros, 3)(),
    "a stopped gradient": lambda x: np.floor(x),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_traced_values_go_in(name: str) -> None:
    def f(x: Any) -> Any:
        a = MADE[name](x)
        a[1] = x[0] * x[1]
        a[2:] = x[2:]
        a[0] = 0.5
        return a * x

    check(Case(name, f, (V,), abstract=name != "a stopped gradient"))


BUILT: dict[str, Callable[[Any], Any]] = {
    "array of numbers": lambda x: np.array([x[0], x[1] * x[2]]),
    "array with constants": lambda x: np.array([x[0], 1, 2.5, True]),
    "nested": lambda x: np.array([[x[0], 1.0], [2.0, x[1]]]),
    "nested tuples": lambda x: np.array(((x[0], 1), (2, x[1]))),
    "of rows": lambda x: np.array([x, 2.0 * x, np.ones(3), [1, 2, 3]]),
    "asarray": lambda x: np.asarray([x[0], x[1]]),
    "asanyarray": lambda x: np.asanyarray([x, x]),
    "of an array": lambda x: np.array(x),
    "of a number": lambda x: np.array(x[0]),
    "asarray of a number": lambda x: np.asarray(x[0]),
    "with a dtype": lambda x: np.array([x[0], 2], dtype=np.float64),
    "with ndmin": lambda x: np.array(x, ndmin=2),
    "of a list with ndmin": lambda x: np.array([x[0], 1.0], ndmin=3),
    "full of a traced number": lambda x: np.full((2, 2), x[0]),
    "full of a traced row": lambda x: np.full((2, 3), x),
    "full of a list": lambda x: np.full((2, 2), [x[0], 1.0]),
    "full with a dtype": lambda x: np.full(3, x[1], dtype=np.float64),
    "full_like of a traced number": lambda x: np.full_like(x, x[1]),
    "linspace": lambda x: np.linspace(x[0], x[1], 4),
    "fromfunction of a traced number": lambda x: np.fromfunction(lambda i, j: x[0] * i + j, (2, 3)),
    "stack of numbers": lambda x: np.stack([x[0], x[1]]),
    "concatenate with a list": lambda x: np.concatenate([x, [x[0], 2.0]]),
    "a list beside a traced array": lambda x: x * [x[1], 1.0, 2.0] + [x[0], x[0], 1],
    "asfortranarray": lambda x: np.asfortranarray(np.outer(x, x)),
    "eye times": lambda x: np.eye(3) * x,
    "diag": lambda x: np.diag(x) @ np.ones(3),
    "meshgrid of constants": lambda x: np.meshgrid(np.arange(3.0), np.arange(2.0))[0] * x,
}


@pytest.mark.parametrize("name", BUILT)
def test_arrays_of_traced_values(name: str) -> None:
    check(Case(name, BUILT[name], (V,)))


def test_rows_of_different_lengths() -> None:
    with pytest.raises(
        ShapeError, match=r"(?s)rows of different shapes, \[\(3,\), \(2,\)\].*test_creation\.py.*rows of one length"
    ):
        grad(lambda x: np.sum(np.array([x, x[:2]])))(V)


def test_copies_and_views_are_numpys() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        for alias in (
            np.asarray(y),
            np.asanyarray(y),
            np.array(y, copy=None),
            np.ascontiguousarray(y),
            np.ascontiguousarray(y[:]),
        ):
            alias += 1.0
        for own in (
            np.array(y),
            np.copy(y),
            np.asarray(y, copy=True),
            y.copy(),
            copy.copy(y),
            copy.deepcopy(y),
            np.ascontiguousarray(y[::-1][::-1] * 1),
        ):
            own += 100.0
        return y * x

    check(Case("copies", f, (V,)))

    def g(x: Any) -> Any:
        y = np.outer(x, x)
        own = np.ascontiguousarray(y.T)
        own[0] = 7.0
        same = np.asfortranarray(y.T)
        same[0] += 1.0
        return y

    check(Case("layouts", g, (V,), abstract=False))


def test_copies_lie_as_numpys_do() -> None:
    """Whether a reshape of a copy is a view depends on the order of its elements in memory."""
    copies: list[Any] = [
        lambda y: y.copy(), lambda y: y.copy("F"), lambda y: y.copy("K"), lambda y: y.copy("A"), lambda y: np.copy(y), lambda y: np.array(y),
        lambda y: np.array(y, order="C"), lambda y: np.array(y, order="F"), lambda y: np.asfortranarray(y) * 1.0, lambda y: copy.copy(y),
        lambda y: np.ascontiguousarray(y), lambda y: +y, lambda y: y.astype(np.float64), lambda y: y.flatten().reshape(3, 2), lambda y: np.array(y, ndmin=3)[0], lambda y: np.sort(y, axis=0),
        lambda y: np.partition(y, 1, axis=1), lambda y: np.roll(y, 1, axis=1), lambda y: np.clip(y, 0.1, 5.0), lambda y: np.where(y > 0, y, 0.0),
    ]  # fmt: skip
    for k, own in enumerate(copies):

        def f(x: Any, own: Any = own) -> Any:
            base = np.outer(x[:2], x)
            late = base.T
            base[0] = 2.0 * x
            total = 0.0
            for y in (base, base.T, late, np.sin(base.T), np.sin(late)):
                z = own(y)
                flat = z.reshape(-1)
                z[0] = 7.0 * x[0]
                total = total + np.sum(flat * np.arange(6.0)) + np.sum(z)
            return total

        check(Case(f"copy {k}", f, (V,), abstract=False, order=1))


def test_constants_are_arrays_to_everybody() -> None:
    def f(x: Any) -> Any:
        c = np.array([3, 1, 2])
        mask = np.array([True, False, True])
        assert isinstance(c, np.ndarray)
        assert (c.tolist(), c.item(0), int(c[0]), float(c[1])) == ([3, 1, 2], 3, 3, 1.0)
        assert bool(np.all(c > 0)) and c.sum() == 6 and max(c) == 3 and list(c) == [3, 1, 2]
        assert [10, 20, 30, 40][c[0]] == 40 and V[c[1]] == V[1] and len(c) == 3
        assert np.asarray(copy.deepcopy(mask)).tolist() == [True, False, True]
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(c)), [3, 1, 2])
        assert np.array_equal(memoryview(np.ascontiguousarray(np.asarray(c.__array__()))), [3, 1, 2])
        assert f"{c[0]:.1f}" == "3.0" and str(c) == "[3 1 2]" and hash(int(c[0]))
        return np.sum(np.sort(x)[c - 1] * np.where(mask, 2.0, 1.0)) * np.interp(0.5, [0.0, 1.0], [2.0, 4.0])

    assert f(V) == jvp(f, (V,), (V,))[0]
    check(Case("constants", f, (V,), abstract=False))


def test_random_numbers_in_a_differentiated_function() -> None:
    """Compiled libraries that make arrays of their own get NumPy's: here default_rng and what it draws."""

    def f(x: Any) -> Any:
        rng = np.random.default_rng(7)
        keep = np.zeros(3)
        keep[rng.permutation(3)[:2]] = 1.0
        noise = rng.normal(size=3) + np.random.RandomState(3).uniform(size=3)
        rng.shuffle(noise)
        out = np.array([x[0], x[1] * noise[0], noise[1] * x[2]])
        return out * keep

    check(Case("random", f, (V,)))


def test_a_buffer_of_objects_holds_traced_values() -> None:
    def f(x: Any) -> Any:
        cells = np.empty(3, dtype=object)
        for k in range(3):
            cells[k] = x[k] * x[0]
        return cells[0] + cells[1] * cells[2]

    check(Case("objects", f, (V,), order=1))


def test_casting_to_objects_is_refused() -> None:
    for f in (lambda x: x.astype(object), lambda x: np.array(x, dtype=object), lambda x: x.astype(str)):
        with pytest.raises(EscapeError, match=r"(?s)as an array of .* would be cut off.*test_creation\.py"):
            grad(lambda x, f=f: np.sum(f(x)))(V)


def test_zeros_imported_by_name_are_not_covered_and_say_so() -> None:
    def f(x: Any) -> Any:
        y = module_level_zeros(3)
        y[0] = x[0]
        return np.sum(y)

    with pytest.raises(EscapeError, match=r"(?s)made outside of the function.*write: np\.zeros\(\.\.\.\)"):
        grad(f)(V)


# ---- the guards come and go


def names_are_numpys() -> bool:
    return all(getattr(np, name) is ORIGINALS[name] for name in NAMES)


def test_guards_are_gone_after_a_transform() -> None:
    assert names_are_numpys()
    seen: list[bool] = []

    def f(x: Any) -> Any:
        seen.append(np.zeros is ORIGINALS["zeros"])
        return np.sum(x)

    for run in (
        grad(f),
        lambda x: jvp(f, (x,), (x,)),
        lambda x: vjp(f, x)[1](1.0),
        lambda x: vmap(f)(x[None]),
        make_program(f),
    ):
        run(V)
        assert names_are_numpys()
    assert not any(seen)


def test_guards_are_gone_after_an_error() -> None:
    def f(x: Any) -> Any:
        raise RuntimeError("half-way")

    def nested(x: Any) -> Any:
        return grad(f)(x)

    for run in (
        grad(f),
        grad(nested),
        lambda x: jvp(f, (x,), (x,)),
        lambda x: vmap(f)(x[None]),
        make_program(f),
        lambda x: vjp(f, x),
    ):
        with pytest.raises(RuntimeError, match="half-way"):
            run(V)
        assert names_are_numpys()
    assert grad(lambda x: x * x)(3.0) == 6.0


def test_guards_act_as_numpy_outside_of_a_trace() -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        kept.extend(getattr(np, name) for name in NAMES)
        return np.sum(x)

    grad(f)(V)
    for name, guard in zip(NAMES, kept, strict=True):
        assert guard is not ORIGINALS[name]
        assert guard.__name__ == ORIGINALS[name].__name__
    zeros, array = kept[NAMES.index("zeros")], kept[NAMES.index("array")]
    assert type(zeros(3)) is np.ndarray
    assert type(array([1.0])) is np.ndarray

    def g(x: Any) -> Any:  # a guard kept from an earlier transform
        y = zeros(3)
        y[0] = x[0] ** 2
        return np.sum(y)

    np.testing.assert_allclose(grad(g)(V), [2 * V[0], 0, 0])


def test_another_thread_sees_numpy() -> None:
    kinds: list[type] = []

    def f(x: Any) -> Any:
        other = threading.Thread(target=lambda: kinds.append(type(np.zeros(3))))
        other.start()
        other.join()
        kinds.append(type(np.zeros(3)))
        return np.sum(x)

    grad(f)(V)
    assert kinds[0] is np.ndarray
    assert kinds[1] is not np.ndarray


def test_the_guards_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creation, "enabled", False)

    def f(x: Any) -> Any:
        y = np.zeros(3)
        y[0] = x[0]
        return np.sum(y)

    with pytest.raises(EscapeError):
        grad(f)(V)

    def g(x: Any) -> Any:
        y = wnp.zeros(3)
        y[0] = x[0]
        return np.sum(y)

    np.testing.assert_array_equal(grad(g)(V), [1.0, 0.0, 0.0])
    monkeypatch.undo()
    np.testing.assert_array_equal(grad(f)(V), [1.0, 0.0, 0.0])


def test_the_facade_is_numpy() -> None:
    assert wnp.sin is np.sin
    assert wnp.linalg.inv is np.linalg.inv
    assert wnp.fft.fft is np.fft.fft
    assert wnp.pi == np.pi
    assert type(wnp.zeros(3)) is np.ndarray
    assert type(wnp.array([1.0])) is np.ndarray
    assert "einsum" in dir(wnp)
    with pytest.raises(AttributeError):
        wnp.no_such_name  # noqa: B018
