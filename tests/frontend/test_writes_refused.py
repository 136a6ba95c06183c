"""Writes that are refused, and those between a transform and another one inside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.frontend._harness import Case, check, check_gradient, draw

from wengert import EscapeError, LeakError, grad, jacfwd, jvp, make_program, vmap

V, X = draw("V", 3), draw("X", 2, 3)
Function = Callable[[Any], Any]


FOREIGN: dict[str, Function] = {
    "an element": lambda x: BUFFER.__setitem__(0, x[0]),
    "a slice": lambda x: BUFFER.__setitem__(slice(0, 2), x[:2]),
    "an index array": lambda x: BUFFER.__setitem__([0, 1], x[:2]),
    "a mask": lambda x: BUFFER.__setitem__(np.array([True] * 3), x),
    "all": lambda x: BUFFER.__setitem__(Ellipsis, x),
    "copyto": lambda x: np.copyto(BUFFER, x),
    "copyto with where": lambda x: np.copyto(BUFFER, x, where=[True, False, True]),
    "out": lambda x: np.add(x, 1.0, out=BUFFER),
    "out of a function": lambda x: np.clip(x, 0.0, 1.0, out=BUFFER),
    "out of concatenate": lambda x: np.concatenate([x], out=BUFFER),
    "augmented": lambda x: BUFFER.__iadd__(x),
    "fill": lambda x: BUFFER.fill(x[0]),
    "put": lambda x: BUFFER.put([0], x[0]),
}
BUFFER = np.zeros(3)


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("transform", ["grad", "jvp", "vmap", "make_program"])
def test_arrays_made_outside_hold_no_traced_value(name: str, transform: str) -> None:
    def f(x: Any) -> Any:
        FOREIGN[name](x)
        return np.sum(BUFFER * x)

    run = {"grad": lambda: grad(f)(V), "jvp": lambda: jvp(f, (V,), (V,)), "vmap": lambda: vmap(f)(V[None]),
           "make_program": lambda: make_program(f)(V)}[transform]  # fmt: skip
    with pytest.raises(EscapeError, match=r"(?s)test_writes_refused\.py:\d+: .*write: .*np\.zeros") as caught:
        run()
    assert "made outside of the" in str(caught.value)
    assert not BUFFER.any(), "the buffer was written to"


def test_traced_floats_do_not_go_into_integers() -> None:
    def f(x: Any) -> Any:
        a = np.zeros(3, dtype=int)
        a[0] = x[0]
        return np.sum(a * x)

    text = r"(?s)a traced f64 is written into an array of int64, which would truncate it.*test_writes_refused\.py.*dtype=float"
    for run in (grad(f), jacfwd(f), lambda x: vmap(f)(x[None]), make_program(f)):
        with pytest.raises(EscapeError, match=text):
            run(V)


def test_integers_and_booleans_can_be_written_to_with_their_like() -> None:
    def f(x: Any) -> Any:
        a = np.zeros(3, dtype=int)
        a[0] = 2
        a[1:] += 1
        seen = np.zeros(3, bool)
        seen[x > 1.0] = True
        return x * a + np.where(seen, x * x, 0.0)

    check(Case("integers", f, (V,), abstract=False))


def test_an_inner_value_does_not_go_into_an_outer_array() -> None:
    def f(x: Any) -> Any:
        out = np.zeros(3)

        def inner(t: Any) -> Any:
            out[0] = t * x[0]
            return t

        return grad(inner)(1.0) * np.sum(out)

    text = r"(?s)a value of an inner transform is written into an array of an outer one.*test_writes_refused\.py.*make the array inside"
    for run in (grad(f), jacfwd(f), lambda x: vmap(f)(x[None])):
        with pytest.raises(LeakError, match=text):
            run(V)

    def forward(x: Any) -> Any:
        out = x * 1.0
        jvp(lambda t: out.__setitem__(0, t), (1.0,), (1.0,))
        return out

    with pytest.raises(LeakError, match=text):
        grad(lambda x: np.sum(forward(x)))(V)


def test_an_outer_value_goes_into_an_inner_array() -> None:
    def f(x: Any) -> Any:
        def inner(t: Any) -> Any:
            a = np.zeros(3)
            a[0] = x[0] * 2.0
            a[1] = t * x[1]
            return np.sum(a * a)

        return grad(inner)(x[2])

    check(Case("inner", f, (V,), order=1))


def test_a_batched_value_batches_the_handle() -> None:
    def f(x: Any, k: Any) -> Any:
        a = np.ones((2, 3))
        view = a[1]
        a[0] = x
        view[k] = 5.0
        a[k % 2, 0] += x[1]
        return a

    xs, ks = draw("xs", 4, 3), np.array([0, 2, 1, 2])
    np.testing.assert_array_equal(vmap(f)(xs, ks), np.stack([f(x, k) for x, k in zip(xs, ks, strict=True)]))
    d = vmap(grad(lambda x, k: np.sum(f(x, k) ** 2)))(xs, ks)
    np.testing.assert_allclose(
        d, np.stack([grad(lambda x, k=k: np.sum(f(x, k) ** 2))(x) for x, k in zip(xs, ks, strict=True)])
    )


def test_batched_indices_that_repeat() -> None:
    def f(x: Any, at: Any) -> Any:
        y = np.zeros(4)
        y[at] = x
        y[at] += 1.0
        return np.sum(y[at] * np.arange(1.0, 4.0) * y[at])

    xs, ats = draw("xs", 4, 3), np.array([[0, 0, 1], [3, 2, 3], [1, 1, 1], [0, 1, 2]])
    got = vmap(grad(f))(xs, ats)
    np.testing.assert_allclose(got, np.stack([grad(f)(x, at) for x, at in zip(xs, ats, strict=True)]))
    check_gradient(Case("repeat", lambda x: f(x, ats[0]), (xs[0],)))
    np.testing.assert_allclose(vmap(jacfwd(f))(xs, ats), got, rtol=1e-12)


def test_complex_parts_are_views() -> None:
    def f(x: Any) -> Any:
        z = np.zeros(3, complex)
        z.real[:] = x
        z.imag = x * x
        z.real += z.imag
        z.imag[1] *= x[0]
        z[2] *= 2.0 + 1j
        return np.abs(z) ** 2 + z.real * z.imag

    check(Case("complex", f, (V,)))


def test_errors_of_shape_are_numpys() -> None:
    for write in (lambda a, x: a.__setitem__(0, x[:2]), lambda a, x: a.__setitem__(5, x), lambda a, x: a.__setitem__((0, 0, 0), 1.0),
                  lambda a, x: a.__setitem__([0, 1], np.stack([x, x, x])), lambda a, x: a.__setitem__(1.5, x)):  # fmt: skip

        def f(x: Any, write: Any = write) -> Any:
            a = x[None] * np.ones((2, 1))
            write(a, x)
            return np.sum(a)

        with pytest.raises((ValueError, IndexError)) as plain:
            f(V)
        for run in (grad(f), jacfwd(f), lambda x, f=f: vmap(f)(x[None])):
            with pytest.raises(type(plain.value)):
                run(V)
