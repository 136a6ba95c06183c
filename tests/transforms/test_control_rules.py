"""Loops and branches under every transform and within one another, against Python's under the existing transforms."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert import (
    checkpoint,
    control,
    grad,
    hessian,
    jacfwd,
    jacobian,
    jacrev,
    jit,
    jvp,
    linearize,
    make_program,
    vjp,
    vmap,
)

RNG = np.random.default_rng(3)
W = RNG.uniform(-0.6, 0.6, (3, 3))
C = RNG.uniform(-0.9, 0.9, 3)
XS = RNG.uniform(-0.9, 0.9, (4, 3))

Step = Callable[[Any, Any, Any], Any]


def step(w: Any, c: Any, x: Any) -> Any:
    return np.tanh(w @ c + x)


# each is (the loop as an operation, the same in Python), of a function of (w, c, x)


def scan(f: Step) -> tuple[Step, Step]:
    def ours(w: Any, c: Any, xs: Any) -> Any:
        c, ys = control.scan(lambda c, x: (f(w, c, x), np.sum(c * x)), c, xs)
        return np.sum(c * c) + np.sum(np.sin(ys))

    def pythons(w: Any, c: Any, xs: Any) -> Any:
        total = 0.0
        for x in xs:
            c, y = f(w, c, x), np.sum(c * x)
            total = total + np.sin(y)
        return np.sum(c * c) + total

    return ours, pythons


def backwards(f: Step) -> tuple[Step, Step]:
    def ours(w: Any, c: Any, xs: Any) -> Any:
        c, ys = control.scan(lambda c, x: (f(w, c, x), c), c, xs, reverse=True)
        return np.sum(c * c) + np.sum(np.sin(ys) * xs)

    def pythons(w: Any, c: Any, xs: Any) -> Any:
        total = 0.0
        for x in xs[::-1]:
            total = total + np.sum(np.sin(c) * x)
            c = f(w, c, x)
        return np.sum(c * c) + total

    return ours, pythons


def while_loop(f: Step) -> tuple[Step, Step]:
    def ours(w: Any, c: Any, xs: Any) -> Any:
        x = xs[0]
        _, c = control.while_loop(lambda s: s[0] < 4, lambda s: (s[0] + 1, f(w, s[1], x)), (0, c))
        return np.sum(c * c * xs)

    def pythons(w: Any, c: Any, xs: Any) -> Any:
        for _ in range(4):
            c = f(w, c, xs[0])
        return np.sum(c * c * xs)

    return ours, pythons


def fori_loop(f: Step) -> tuple[Step, Step]:
    def ours(w: Any, c: Any, xs: Any) -> Any:
        return np.sum(control.fori_loop(1, 4, lambda i, c: f(w, c, xs[0]) * i, c) ** 2)

    def pythons(w: Any, c: Any, xs: Any) -> Any:
        for i in range(1, 4):
            c = f(w, c, xs[0]) * i
        return np.sum(c**2)

    return ours, pythons


def cond(f: Step) -> tuple[Step, Step]:
    def ours(w: Any, c: Any, xs: Any) -> Any:
        # the condition is abstract also where nothing is staged
        one = lambda s: control.cond(s > 0, lambda: f(w, c, xs[0]), lambda: c * np.sin(w[0]))
        a, _ = control.scan(lambda a, s: (a + one(s), None), np.zeros(3), np.array([1.0, -1.0, 1.0]))
        return np.sum(a**2)

    def pythons(w: Any, c: Any, xs: Any) -> Any:
        return np.sum((2 * f(w, c, xs[0]) + c * np.sin(w[0])) ** 2)

    return ours, pythons


LOOPS = {"scan": scan, "backwards": backwards, "while_loop": while_loop, "fori_loop": fori_loop, "cond": cond}
ARGS = (W, C, XS)


@pytest.fixture(params=sorted(LOOPS))
def pair(request: pytest.FixtureRequest) -> tuple[Step, Step]:
    return LOOPS[request.param](step)


def close(got: Any, want: Any, rtol: float = 1e-11) -> None:
    if isinstance(want, tuple):
        for g, w in zip(got, want, strict=True):
            close(g, w, rtol)
        return
    np.testing.assert_allclose(got, want, rtol=rtol, atol=1e-13)


WAYS: dict[str, Callable[[Any], Any]] = {
    "value": lambda f: f,
    "grad": lambda f: grad(f, (0, 1, 2)),
    "grad in one": lambda f: grad(f, 1),
    "jvp": lambda f: lambda *a: jvp(f, a, (a[0], 2.0 * a[1], a[2])),
    "jvp in one": lambda f: lambda *a: jvp(f, a, (None, a[1], None)),
    "vjp": lambda f: lambda *a: vjp(f, *a)[1](np.float64(0.7)),
    "linearize": lambda f: lambda *a: linearize(f, *a)[1](*a),
}


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("staged", ["eager", "jit outside", "jit inside"])
def test_first_order(pair: tuple[Step, Step], way: str, staged: str):
    ours, pythons = pair
    transform = WAYS[way]
    got = {"eager": transform(ours), "jit outside": jit(transform(ours)), "jit inside": transform(jit(ours))}[staged]
    close(got(*ARGS), transform(pythons)(*ARGS))


@pytest.mark.parametrize("k", [0, 1, 2])
def test_second_order_by_every_pair_of_modes(pair: tuple[Step, Step], k: int):
    ours, pythons = pair
    want = jacfwd(jacfwd(pythons, k), k)(*ARGS)
    for outer, inner in itertools.product((jacfwd, jacrev), repeat=2):
        close(outer(inner(ours, k), k)(*ARGS), want, 1e-9)
    close(jit(hessian(ours, k))(*ARGS), want, 1e-9)
    close(hessian(jit(ours), k)(*ARGS), want, 1e-9)
    close(jacobian(jit(grad(ours, k)), k)(*ARGS), want, 1e-9)


@pytest.mark.parametrize("axes", [(0, None, None), (None, 0, None), (None, None, 0), (0, 0, 0)])
def test_batches(pair: tuple[Step, Step], axes: Any):
    ours, pythons = pair
    stacks = tuple(a if k is None else np.stack([a, 0.5 * a, -a]) for a, k in zip(ARGS, axes, strict=True))
    close(vmap(ours, axes)(*stacks), vmap(pythons, axes)(*stacks))
    gradient = vmap(grad(pythons, (0, 1, 2)), axes)(*stacks)
    close(vmap(grad(ours, (0, 1, 2)), axes)(*stacks), gradient)
    close(jit(vmap(grad(ours, (0, 1, 2)), axes))(*stacks), gradient)
    total = lambda f: lambda *a: np.sum(vmap(f, axes)(*a))
    close(grad(total(ours), (0, 1, 2))(*stacks), grad(total(pythons), (0, 1, 2))(*stacks))


@pytest.mark.parametrize(("outer", "inner"), [*itertools.product(sorted(LOOPS), repeat=2)])
def test_each_in_each(outer: str, inner: str):
    def nested(k: int) -> Step:
        def one(w: Any, c: Any, x: Any) -> Any:
            return np.tanh(c * LOOPS[inner](step)[k](w, c, np.stack([x, 2.0 * x])) + x)

        return LOOPS[outer](one)[k]

    ours, pythons = nested(0), nested(1)
    close(ours(*ARGS), pythons(*ARGS))
    close(grad(ours, (0, 1, 2))(*ARGS), grad(pythons, (0, 1, 2))(*ARGS), 1e-10)
    close(jit(grad(ours, (0, 1, 2)))(*ARGS), grad(pythons, (0, 1, 2))(*ARGS), 1e-10)
    close(jvp(ours, ARGS, ARGS), jvp(pythons, ARGS, ARGS), 1e-10)


def test_a_loop_whose_elements_are_done_at_different_times():
    def f(x: Any, limit: Any) -> Any:
        return control.while_loop(lambda x: x < limit, lambda x: x * x + 0.1, x)

    def g(x: Any, limit: Any) -> Any:
        while x < limit:
            x = x * x + 0.1
        return x

    xs, limits = np.array([1.1, 2.0, 5.0, 1.5]), np.array([10.0, 1.0, 100.0, 3.0])
    want = [g(x, limit) for x, limit in zip(xs, limits, strict=True)]
    np.testing.assert_allclose(vmap(f)(xs, limits), want, rtol=1e-14)
    slopes = [grad(g)(x, limit) for x, limit in zip(xs, limits, strict=True)]
    np.testing.assert_allclose(vmap(grad(f))(xs, limits), slopes, rtol=1e-12)
    np.testing.assert_allclose(vmap(lambda x, l: jvp(f, (x, l), (1.0, None))[1])(xs, limits), slopes, rtol=1e-12)


def test_closed_form():
    """The n-th power by a loop: n xⁿ⁻¹ and n (n − 1) xⁿ⁻²."""
    power = lambda n: lambda x: control.fori_loop(0, n, lambda _, p: p * x, 1.0)
    for n in (0, 1, 2, 7):
        assert grad(power(n))(1.3) == pytest.approx(n * 1.3 ** (n - 1), rel=1e-14)
        if n > 1:
            assert grad(grad(power(n)))(1.3) == pytest.approx(n * (n - 1) * 1.3 ** (n - 2), rel=1e-13)


def test_complex_numbers():
    def f(z: Any) -> Any:
        w, _ = control.scan(lambda w, c: (w * w + z * c, None), z, np.array([1.0, 0.5, -0.2]))
        return w

    z = 0.3 + 0.4j
    step_ = 1e-6
    want = (f(z + step_) - f(z - step_)) / (2 * step_)
    assert grad(f, holomorphic=True)(z) == pytest.approx(want, rel=1e-8)
    assert jit(grad(f, holomorphic=True))(z) == pytest.approx(want, rel=1e-8)


def test_single_precision_stays_single():
    args = tuple(a.astype(np.float32) for a in ARGS)
    for name in sorted({*LOOPS} - {"cond"}):  # whose sum begins with float64 zeros
        ours, _ = LOOPS[name](step)
        assert [d.dtype for d in grad(ours, (0, 1))(*args)] == [np.float32, np.float32]
        assert jvp(ours, args, args)[1].dtype == np.float32


def test_integers_are_carried_along():
    def f(x: Any) -> Any:
        (n, y), counts = control.scan(lambda s, x: ((s[0] + 1, s[1] * x), s[0]), (0, 1.0), x)
        return y * counts[-1] * n

    x = np.array([2.0, 3.0, 4.0])
    np.testing.assert_allclose(grad(f)(x), 6 * np.array([12.0, 8.0, 6.0]))
    np.testing.assert_allclose(jit(grad(f))(x), 6 * np.array([12.0, 8.0, 6.0]))


def test_nothing_comes_through_what_is_flat():
    f = lambda x: control.scan(lambda c, x: (c + np.floor(x), None), 0.0, x)[0]
    np.testing.assert_array_equal(grad(lambda x: f(x) + np.sum(x))(np.array([1.5, 2.5])), [1.0, 1.0])


def test_checkpointed_loops():
    ours, pythons = scan(step)
    close(grad(checkpoint(ours), (0, 1, 2))(*ARGS), grad(pythons, (0, 1, 2))(*ARGS))
    close(jit(grad(checkpoint(ours), (0, 1, 2)))(*ARGS), grad(pythons, (0, 1, 2))(*ARGS))
    ours, _ = scan(checkpoint(step))
    close(grad(ours, (0, 1, 2))(*ARGS), grad(pythons, (0, 1, 2))(*ARGS))
    close(grad(checkpoint(ours, "products"))(*ARGS), grad(pythons)(*ARGS))


def test_a_checkpointed_body_keeps_its_carry_alone():
    deep = lambda w, c, x: np.tanh(np.exp(np.sin(w @ c)) + x)
    total = lambda f: lambda w: np.sum(control.scan(lambda c, x: (f(w, c, x), None), C, XS)[0])

    def kept(f: Any) -> int:
        (loop, *_) = [e for e in make_program(grad(total(f)))(W).equations if e.primitive.name == "scan"]
        return len(loop.outputs) - 1

    assert kept(checkpoint(deep)) == 1
    assert kept(checkpoint(deep, "products")) == 2
    assert kept(deep) > 2
    for f in (checkpoint(deep), checkpoint(deep, "products")):
        close(grad(total(f))(W), grad(total(deep))(W))
        close(hessian(total(f))(W), hessian(total(deep))(W))
        close(jit(grad(total(checkpoint(f))))(W), grad(total(deep))(W))


def test_constants_may_be_overwritten_before_the_walk_back():
    def f(w: Any) -> Any:
        buffer = np.array([1.0, 2.0])
        y, _ = control.scan(lambda c, x: (c * w * buffer[0] * x, None), 1.0, buffer)
        buffer[:] = 100.0
        return y

    assert grad(f)(3.0) == 2 * 2 * 3.0
    scale = np.array([2.0, 5.0])

    def g(w: Any) -> Any:
        scale[:] = [2.0, 5.0]
        y, _ = control.scan(lambda c, x: (c * w * x, None), 1.0, scale)
        scale[:] = 100.0
        return y

    assert grad(g)(3.0) == 60.0
