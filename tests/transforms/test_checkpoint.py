"""checkpoint: the derivatives of the function itself, in less memory, and nothing silently forgotten."""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert import (
    DerivativeError,
    LeakError,
    checkpoint,
    control,
    custom_jvp,
    custom_vjp,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jit,
    jvp,
    make_program,
    pytree,
    value_and_grad,
    vjp,
    vmap,
)

X = np.linspace(0.1, 1.3, 12).reshape(3, 4)
W = np.linspace(-1.0, 1.0, 16).reshape(4, 4)
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


def plain(f: Any) -> Any:
    return f


def layers(x: Any, wrap: Wrap) -> Any:
    layer = wrap(lambda x: np.tanh(x @ W) * x + x)
    return np.sum(layer(layer(layer(x))) ** 2)


def closures(x: Any, wrap: Wrap) -> Any:
    """Traced values reach the function by its closure alone, also into nested ones."""
    weights = np.sin(x)
    inner = wrap(lambda y: np.tanh(y * weights))
    outer = wrap(lambda y: inner(inner(y)) + weights * y)
    return np.sum(outer(outer(x)))


def trees(x: Any, wrap: Wrap) -> Any:
    def f(state: dict[str, Any], scale: float, *, shift: Any) -> Any:
        position, speed = state["position"], state["speed"]
        return {"position": position + 0.1 * speed, "speed": speed - scale * np.sin(position)}, shift * speed, 3

    state, rest, three = wrap(f)({"position": x, "speed": x**2}, 0.3, shift=np.cos(x))
    state, more, _ = wrap(f)(state, 0.2, shift=x)
    return np.sum(state["position"] * state["speed"] + rest * more) * three


def writes(x: Any, wrap: Wrap) -> Any:
    def f(x: Any) -> Any:
        out = np.zeros(x.shape)
        out[0] = x[0]
        for k in range(1, len(x)):
            out[k] = np.sin(out[k - 1]) * x[k]
        return out, out[1:]

    y, view = wrap(f)(x)
    view *= 2.0  # a view of y: y changes with it
    z, _ = wrap(f)(y)
    return np.sum(z * y)


def view_alone(x: Any, wrap: Wrap) -> Any:
    y = wrap(lambda x: np.exp(x)[:2])(x)
    y[0] = 3.0 * y[1]
    return np.sum(y**2)


def unchanged(x: Any, wrap: Wrap) -> Any:
    return np.sum(wrap(lambda x: x)(x) * wrap(lambda x: 2.0)(x))


FUNCTIONS = [layers, closures, trees, writes, view_alone, unchanged]
POLICIES: list[Any] = ["nothing", "products", lambda name, aval: name == "sin" and aval.shape != ()]


@pytest.fixture(params=POLICIES, ids=["nothing", "products", "a function"])
def wrap(request: pytest.FixtureRequest) -> Wrap:
    return lambda f: checkpoint(f, request.param)


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_derivatives_are_those_of_the_function(f: Any, wrap: Wrap) -> None:
    def without(x: Any) -> Any:
        return f(x, plain)

    def with_it(x: Any) -> Any:
        return f(x, wrap)

    want = value_and_grad(without)(X)
    got = value_and_grad(with_it)(X)
    assert got[0] == want[0]
    np.testing.assert_array_equal(got[1], want[1])
    np.testing.assert_array_equal(jvp(with_it, (X,), (X,))[1], jvp(without, (X,), (X,))[1])
    np.testing.assert_array_equal(
        vmap(grad(with_it))(np.stack([X, 2 * X])), np.stack([grad(without)(X), grad(without)(2 * X)])
    )
    # sums of second derivatives are added in another order
    reference = hessian(without)(X)
    for second in (jacfwd(grad(with_it)), jacrev(grad(with_it)), jacrev(lambda x: jacfwd(with_it)(x))):
        np.testing.assert_allclose(second(X), reference, rtol=1e-13, atol=1e-14 * float(np.abs(reference).max()))


def test_a_batch_inside(wrap: Wrap) -> None:
    rows = np.stack([X, 2 * X, 3 * X])
    got = grad(lambda x: np.sum(vmap(lambda x: layers(x, wrap))(x)))(rows)
    np.testing.assert_allclose(got, np.stack([grad(lambda x: layers(x, plain))(r) for r in rows]), rtol=1e-13)


def test_a_pullback_runs_it_each_time(wrap: Wrap) -> None:
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return np.sin(x) * x

    _, pullback = vjp(wrap(f), X)
    for k in (1.0, 2.0):
        np.testing.assert_allclose(pullback(k * np.ones_like(X))[0], k * (np.sin(X) + X * np.cos(X)), rtol=1e-15)
    assert len(calls) == 3


def test_staged(wrap: Wrap) -> None:
    program = make_program(grad(lambda x: layers(x, wrap)))(X)
    np.testing.assert_allclose(program(X), grad(lambda x: layers(x, plain))(X), rtol=1e-14)


def test_without_a_gradient_it_is_the_function() -> None:
    assert checkpoint(np.sin)(0.5) == np.sin(0.5)
    calls: list[int] = []
    jvp(checkpoint(lambda x: calls.append(1) or x * x), (2.0,), (1.0,))
    assert calls == [1]


def peak(run: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_is_that_of_the_segments() -> None:
    """100 sines of 80 kB: all kept, or 10 inputs and one segment of 10."""
    x = np.ones(10_000)

    def chain(x: Any, wrap: Wrap) -> Any:
        def ten(x: Any) -> Any:
            for _ in range(10):
                x = np.sin(x)
            return x

        ten = wrap(ten)
        for _ in range(10):
            x = ten(x)
        return np.sum(x)

    assert peak(lambda: grad(lambda x: chain(x, plain))(x)) > 100 * x.nbytes
    assert peak(lambda: grad(lambda x: chain(x, checkpoint))(x)) < 30 * x.nbytes


def test_a_policy_keeps_products() -> None:
    """What is kept is not computed again: the operand of the product may change, its result does not."""
    products: list[str] = []

    def policy(name: str, aval: Any) -> bool:
        products.append(f"{name} {aval.shape}")
        return name == "matmul"

    d = grad(lambda x: np.sum(checkpoint(lambda x: np.exp(x @ W), policy)(x)))(X)
    np.testing.assert_allclose(d, np.exp(X @ W) @ W.T, rtol=1e-14)
    assert products == ["matmul (3, 4)", "exp (3, 4)"]


# ---- never silently


def test_random_numbers_are_found_out() -> None:
    rng = np.random.default_rng(0)

    def noisy(x: Any) -> Any:
        return x * rng.normal()

    with pytest.raises(DerivativeError, match=r"(?s)checkpoint\(noisy\).*ran again.*test_checkpoint\.py:\d+.*write:"):
        grad(lambda x: np.sum(checkpoint(noisy)(x)))(X)


def test_a_buffer_overwritten_in_between_is_found_out() -> None:
    buffer = np.ones(4)

    def f(x: Any) -> Any:
        y = checkpoint(lambda x: x * buffer)(x)
        buffer[:] = 2.0
        return np.sum(y)

    with pytest.raises(DerivativeError, match="overwritten in between"):
        grad(f)(X)


def test_arguments_are_what_they_were() -> None:
    batch = np.full(4, 3.0)

    def f(x: Any) -> Any:
        y = checkpoint(lambda x, b: x * b)(x, batch)
        batch[:] = 0.0
        z = np.array(x)
        w = checkpoint(np.square)(z)
        z[:] = 0.0
        return np.sum(y) + np.sum(w) + np.sum(z)

    np.testing.assert_allclose(grad(f)(X), 3.0 + 2 * X, rtol=1e-15)


def test_values_that_leave_another_way_are_found_out() -> None:
    kept: list[Any] = []
    buffer_of: list[Any] = []

    def into_list(x: Any) -> Any:
        kept.append(np.sin(x))
        return kept[-1] * 2.0

    def into_array(x: Any) -> Any:
        buffer_of[-1][0] = np.sin(x[0])
        return x * 2.0

    def f(x: Any) -> Any:
        return np.sum(checkpoint(into_list)(x)) + np.sum(kept[0])

    def g(x: Any) -> Any:
        buffer_of.append(np.zeros(X.shape))
        return np.sum(checkpoint(into_array)(x)) + np.sum(buffer_of[0])

    for bad in (f, g):
        with pytest.raises(LeakError, match="return it from the checkpointed function"):
            grad(bad)(X)


def test_an_error_inside_leaves_the_derivative_right() -> None:
    def fails(x: Any) -> Any:
        np.sin(x)
        raise KeyError("half-way")

    def f(x: Any) -> Any:
        with contextlib.suppress(KeyError):
            checkpoint(fails)(x)
        return np.sum(checkpoint(np.square)(x))

    np.testing.assert_array_equal(grad(f)(X), 2 * X)


def test_an_unknown_policy() -> None:
    with pytest.raises(ValueError, match="'nothing', 'products'"):
        checkpoint(np.sin, "everything")


ROW = np.array([0.5, 1.5, 2.5])
INSIDE: dict[str, Callable[[Any], Any]] = {
    "vmap": lambda f: vmap(f)(ROW[None]),
    "make_program": lambda f: make_program(f)(ROW),
    "jvp": lambda f: jvp(f, (ROW,), (ROW,)),
    "grad": lambda f: grad(lambda x: np.sum(f(x)))(ROW),
}


@pytest.mark.parametrize("run", INSIDE.values(), ids=INSIDE)
@pytest.mark.parametrize("changed", ["an array", "a number", "an index", "an outer value"])
def test_what_changes_in_between_is_noticed_inside_of_other_transforms(run: Any, changed: str) -> None:
    def f(x: Any) -> Any:
        v, n = x * 1.0 if changed == "an outer value" else np.ones(3), [1]

        def step(z: Any) -> Any:
            number = float(n[0]) if changed == "a number" else 1.0
            return np.sum(np.sin(z * v)) * number + (z[n[0]] if changed == "an index" else 0.0)

        def loss(z: Any) -> Any:
            y = checkpoint(step)(z)
            v[0] = 3.0 if changed in ("an array", "an outer value") else v[0]
            n[0] = 2
            return y

        return grad(loss)(x)

    with pytest.raises(DerivativeError, match="gave something else when it ran again"):
        run(f)


@pytest.mark.parametrize("run", INSIDE.values(), ids=INSIDE)
def test_what_stays_passes_inside_of_other_transforms(run: Any) -> None:
    def f(x: Any) -> Any:
        v, n = x * 2.0, [1]

        def step(z: Any) -> Any:
            t = np.where(z > 1.0, z * v, np.cumsum(z))
            return np.sum(np.sin(t)) + z[n[0]] * np.max(t)

        return grad(lambda z: checkpoint(step)(z) * np.sum(z))(x)

    def plain(x: Any) -> Any:
        v = x * 2.0

        def step(z: Any) -> Any:
            t = np.where(z > 1.0, z * v, np.cumsum(z))
            return np.sum(np.sin(t)) + z[1] * np.max(t)

        return grad(lambda z: step(z) * np.sum(z))(x)

    got, want = run(f), run(plain)
    if callable(got):
        got, want = got(ROW), want(ROW)
    for a, b in zip(pytree.leaves(got), pytree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_a_pullback_is_called_inside_of_a_staged_function() -> None:
    _, pull = vjp(checkpoint(lambda x: np.sum(np.cumsum(x) * np.sin(x))), ROW)
    want = pull(1.0)[0]
    np.testing.assert_allclose(jit(lambda g: pull(g)[0])(1.0), want, rtol=1e-14)
    rows = control.scan(lambda c, _: (c, pull(c)[0]), 1.0, None, length=2)[1]
    np.testing.assert_allclose(rows, np.stack([want, want]), rtol=1e-14)


@pytest.mark.parametrize("run", INSIDE.values(), ids=INSIDE)
@pytest.mark.parametrize("policy", ["nothing", "products"])
@pytest.mark.parametrize("kind", ["vjp", "jvp", "vmap"])
def test_rules_of_ones_own_within_and_transforms_around(run: Any, policy: str, kind: str) -> None:
    own = custom_jvp(lambda a: np.sin(a) * 2) if kind == "jvp" else custom_vjp(lambda a: np.sin(a) * 2)
    if kind == "jvp":
        own.defjvp(lambda primals, tangents: (np.sin(primals[0]) * 2, 2 * np.cos(primals[0]) * tangents[0]))
    else:
        own.defvjp(lambda a: (np.sin(a) * 2, a), lambda a, g: (g * 2 * np.cos(a),))
    used = vmap(own) if kind == "vmap" else own
    got = run(grad(checkpoint(lambda z: np.sum(used(z) * z), policy)))
    got = got(ROW) if callable(got) else got
    want = run(grad(lambda z: np.sum(np.sin(z) * 2 * z)))
    want = want(ROW) if callable(want) else want
    for a, b in zip(pytree.leaves(got), pytree.leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_rounding_is_no_difference_and_more_is() -> None:
    def run(error: float) -> Any:
        factors = iter([1.0, 1.0 + error])
        return grad(checkpoint(lambda z: np.sum(z * z) * next(factors)))(ROW)

    np.testing.assert_allclose(run(4e-16), 2 * ROW, rtol=1e-15)
    with pytest.raises(DerivativeError, match="gave something else when it ran again"):
        run(1e-13)
    with pytest.raises(DerivativeError, match="gave something else when it ran again"):
        run(np.nan)
