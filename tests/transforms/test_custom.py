"""custom_jvp and custom_vjp: the given rule is what every transform uses, to every order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from wengert import (
    DerivativeError,
    ShapeError,
    custom_jvp,
    custom_vjp,
    explain,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    make_program,
    vjp,
    vmap,
)

X = np.linspace(0.2, 1.1, 6).reshape(2, 3)


# sin with a rule three times too large: which rule was used shows in every derivative


def by_jvp(batch: Any = "trace") -> Any:
    f = custom_jvp(np.sin, batch)
    f.defjvp(lambda primals, tangents: (np.sin(primals[0]), 3 * tangents[0] * np.cos(primals[0])))
    return f


def by_jvps(batch: Any = "trace") -> Any:
    f = custom_jvp(np.sin, batch)
    f.defjvps(lambda t, y, x: 3 * t * np.cos(x))
    return f


def by_vjp(batch: Any = "trace") -> Any:
    f = custom_vjp(np.sin, batch)
    f.defvjp(lambda x: (np.sin(x), np.cos(x)), lambda c, g: (3 * g * c,))
    return f


KINDS = [by_jvp, by_jvps, by_vjp]


@pytest.fixture(
    params=[(kind, batch) for kind in KINDS for batch in ("trace", "loop")], ids=lambda p: f"{p[0].__name__}-{p[1]}"
)
def sine(request: pytest.FixtureRequest) -> Any:
    kind, batch = request.param
    return kind(batch)


def near(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-14, atol=1e-15)


def test_first_order(sine: Any) -> None:
    near(sine(X), np.sin(X))
    near(grad(lambda x: np.sum(sine(x) * x))(X), 3 * np.cos(X) * X + np.sin(X))
    near(jvp(sine, (X,), (X,))[1], 3 * np.cos(X) * X)
    near(vjp(sine, X)[1](X)[0], 3 * np.cos(X) * X)
    near(linearize(sine, X)[1](X), 3 * np.cos(X) * X)
    assert grad(sine)(0.3) == 3 * np.cos(0.3)
    assert type(sine(0.3)) is np.float64


def test_second_order(sine: Any) -> None:
    x = X.ravel()
    want = np.diag(-3 * np.sin(x))
    for second in (
        jacfwd(jacrev(sum_of(sine))),
        jacrev(jacrev(sum_of(sine))),
        jacrev(jacfwd(sum_of(sine))),
        jacfwd(jacfwd(sum_of(sine))),
        hessian(sum_of(sine)),
    ):
        near(second(x), want)
    assert grad(grad(grad(sine)))(0.3) == pytest.approx(-3 * math.cos(0.3), rel=1e-15)


def sum_of(f: Any) -> Any:
    return lambda x: np.sum(f(x))


def test_batched(sine: Any) -> None:
    near(vmap(sine)(X), np.sin(X))
    near(vmap(vmap(sine))(X), np.sin(X))
    near(vmap(grad(sine))(X[0]), 3 * np.cos(X[0]))
    near(vmap(vmap(grad(sine)))(X), 3 * np.cos(X))
    near(grad(lambda x: np.sum(vmap(sine)(x)))(X), 3 * np.cos(X))
    near(jvp(vmap(sine), (X,), (X,))[1], 3 * np.cos(X) * X)
    near(vmap(lambda x: grad(grad(sine))(x))(X[0]), -3 * np.sin(X[0]))


@pytest.mark.parametrize("make", KINDS)
def test_staged(make: Any) -> None:
    sine = make()
    program = make_program(lambda x: sine(x) * 2.0)(X)
    assert "sin" in str(program)
    near(program(X), 2 * np.sin(X))
    near(vjp(program, X)[1](np.ones_like(X))[0], 6 * np.cos(X))
    near(vmap(program)(np.stack([X, X]))[1], 2 * np.sin(X))
    near(make_program(grad(lambda x: np.sum(sine(x))))(X)(X), 3 * np.cos(X))


def test_explained() -> None:
    assert "sin" in str(explain(by_vjp())(0.5))


# ---- arguments of several kinds


@dataclass(frozen=True)
class Pair:
    a: Any
    b: Any


def tree_function(p: Any, n: int, mode: str, scale: Any = 2.0) -> Any:
    assert mode == "power"
    return {"y": p.a**n * scale, "z": (p.b, p.a * p.b)}


def tree_jvp(primals: Any, tangents: Any) -> Any:
    p, n, mode, scale = primals
    t, none_n, none_mode, t_scale = tangents
    assert none_n is None and none_mode is None
    out = tree_function(p, n, mode, scale)
    return out, {
        "y": n * p.a ** (n - 1) * scale * t.a + p.a**n * t_scale,
        "z": (t.b, t.a * p.b + p.a * t.b),
    }


def tree_forward(p: Any, n: int, mode: str, scale: Any) -> Any:
    return tree_function(p, n, mode, scale), (p, n, mode, scale)


def tree_backward(residuals: Any, ct: Any) -> Any:
    p, n, _, scale = residuals
    gy, (gb, gab) = ct["y"], ct["z"]
    return Pair(gy * n * p.a ** (n - 1) * scale + gab * p.b, gb + gab * p.a), None, None, np.sum(gy * p.a**n)


def make_tree(kind: Any, batch: str) -> Any:
    f = kind(tree_function, batch)
    f.defjvp(tree_jvp) if kind is custom_jvp else f.defvjp(tree_forward, tree_backward)
    return f


@pytest.mark.parametrize("batch", ["trace", "loop"])
@pytest.mark.parametrize("kind", [custom_jvp, custom_vjp])
def test_trees_static_arguments_and_defaults(kind: Any, batch: str) -> None:
    f = make_tree(kind, batch)

    def use(g: Any) -> Any:
        def total(a: Any, b: Any, s: Any) -> Any:
            out = g(Pair(a, b), 3, mode="power", scale=s)
            more = g(Pair(b, a), 2, "power")
            return np.sum(out["y"] * out["z"][0] + out["z"][1] ** 2) + np.sum(more["y"])

        return total

    args = (X[0], X[1], 1.7)
    for d, want in zip(grad(use(f), (0, 1, 2))(*args), grad(use(tree_function), (0, 1, 2))(*args), strict=True):
        near(d, want)
    np.testing.assert_allclose(hessian(use(f))(*args), hessian(use(tree_function))(*args), rtol=1e-12, atol=1e-13)
    near(jvp(use(f), args, args)[1], jvp(use(tree_function), args, args)[1])
    rows = np.stack([X[0], 2 * X[0]])
    axes = (0, None, None)
    near(
        vmap(grad(use(f), (0, 1)), axes)(rows, X[1], 1.7)[1],
        vmap(grad(use(tree_function), (0, 1)), axes)(rows, X[1], 1.7)[1],
    )
    near(
        grad(lambda b: np.sum(vmap(use(f), axes)(rows, b, 1.7)))(X[1]),
        grad(lambda b: np.sum(vmap(use(tree_function), axes)(rows, b, 1.7)))(X[1]),
    )


def test_methods() -> None:
    class Model:
        scale = 3.0

        @custom_jvp
        def square(self: Any, x: Any) -> Any:
            return self.scale * x * x

        square.defjvps(None, lambda t, y, self, x: -t)

    assert grad(Model().square)(2.0) == -1.0
    assert Model().square(2.0) == 12.0


def test_opaque_functions() -> None:
    """The function takes plain numbers alone: what math and C code want."""
    for f, rule in ((custom_vjp(lambda x: math.erf(x), "loop"), None), (custom_jvp(lambda x: math.erf(x), "loop"), 1)):
        if rule is None:
            f.defvjp(lambda x, f=f: (f(x), x), lambda x, g: (g * 2 / np.sqrt(np.pi) * np.exp(-x * x),))
        else:
            f.defjvps(lambda t, y, x: t * 2 / np.sqrt(np.pi) * np.exp(-x * x))
        want = 2 / math.sqrt(math.pi) * math.exp(-0.25)
        assert grad(f)(0.5) == pytest.approx(want, rel=1e-15)
        assert grad(grad(f))(0.5) == pytest.approx(-want, rel=1e-15)
        near(vmap(grad(f))(np.array([0.5, 0.5])), [want, want])


def test_the_backward_rule_runs_on_what_the_forward_rule_kept() -> None:
    calls: list[str] = []

    def forward(x: Any) -> Any:
        calls.append("forward")
        return np.exp(x), np.exp(x)

    f = custom_vjp(np.exp)
    f.defvjp(forward, lambda y, g: (g * y,))
    near(grad(lambda x: np.sum(f(x)))(X), np.exp(X))
    assert calls == ["forward"]


def test_integers_have_no_derivative() -> None:
    f = custom_vjp(lambda x, i: x[i])
    f.defvjp(lambda x, i: (x[i], (x.shape, i)), lambda r, g: (np.bincount(r[1], g, r[0][0]), None))
    near(
        grad(lambda x: np.sum(f(x, np.array([0, 2, 2])) * np.array([1.0, 2.0, 4.0])))(np.ones(4)), [1.0, 0.0, 6.0, 0.0]
    )


# ---- what teaches


def test_no_rule() -> None:
    for kind, line in ((custom_jvp, r"@bare\.defjvp"), (custom_vjp, r"bare\.defvjp\(forward, backward\)")):

        @kind
        def bare(x: Any) -> Any:
            return x * 2.0

        assert bare(2.0) == 4.0
        with pytest.raises(DerivativeError, match=rf"(?s){kind.__name__}\(bare\) has no rule yet.*write: {line}"):
            grad(bare)(2.0)


def test_closing_over_a_traced_value() -> None:
    def outer(kind: Any) -> Any:
        def f(w: Any) -> Any:
            g = kind(lambda x: x * w)
            if kind is custom_jvp:
                g.defjvps(lambda t, y, x: t * w)
            else:
                g.defvjp(lambda x: (x * w, None), lambda r, g: (g * w,))
            return g(3.0)

        return f

    for kind in (custom_jvp, custom_vjp):
        with pytest.raises(DerivativeError, match=r"(?s)closes over a traced value.*pass it as an argument"):
            grad(outer(kind))(2.0)

    def in_the_rule_alone(w: Any) -> Any:
        f = custom_jvp(lambda x: x * 1.0)
        f.defjvps(lambda t, y, x: t * w)
        return jvp(f, (3.0,), (1.0,))[1]

    with pytest.raises(DerivativeError, match="closes over a traced value"):
        grad(in_the_rule_alone)(2.0)


@pytest.mark.parametrize("rule", [
    lambda p, t: np.sin(p[0]), lambda p, t: (np.sin(p[0]), np.sum(t[0])), lambda p, t: (np.sin(p[0]), (t[0], t[0])),
])  # fmt: skip
def test_bad_forward_rules(rule: Any) -> None:
    f = custom_jvp(np.sin)
    f.defjvp(rule)
    with pytest.raises((ShapeError, TypeError), match=r"the rule of custom_jvp\(sin\)(?s:.*)write:"):
        grad(lambda x: np.sum(f(x)))(X)


@pytest.mark.parametrize("rule", [
    lambda c, g: g * c, lambda c, g: (g * c, None), lambda c, g: (np.sum(g * c),), lambda c, g: ({"x": g * c},),
])  # fmt: skip
def test_bad_backward_rules(rule: Any) -> None:
    f = custom_vjp(np.sin)
    f.defvjp(lambda x: (np.sin(x), np.cos(x)), rule)
    with pytest.raises((ShapeError, TypeError), match=r"rule of custom_vjp\(sin\)(?s:.*)write:"):
        grad(lambda x: np.sum(f(x)))(X)


def test_bad_calls() -> None:
    f = by_jvps()
    g = custom_jvp(np.add)
    g.defjvps(lambda t, y, x: t)
    with pytest.raises(TypeError, match="2 arguments, and has 1 differential"):
        grad(g)(1.0, 2.0)
    with pytest.raises(ValueError, match="batch='other'"):
        custom_jvp(np.sin, "other")  # type: ignore[arg-type]
    h = custom_jvp(lambda x: "text")
    h.defjvps(lambda t, y, x: t)
    with pytest.raises(TypeError, match="returned a str"):
        grad(h)(1.0)
    k = custom_jvp(lambda x, *, n: x)
    with pytest.raises(TypeError, match="n can be given by keyword only"):
        k(1.0, n=2)
    assert repr(f) == "custom_jvp(sin)"
    v = custom_vjp(np.sin)
    v.defvjp(lambda x: np.sin(x), lambda r, g: (g,))
    with pytest.raises(TypeError, match=r"must return \(output, residuals\)"):
        grad(v)(1.0)
