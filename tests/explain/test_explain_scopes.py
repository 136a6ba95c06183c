"""Where steps stand: variables, functions, layers, turns of loops."""

from dataclasses import dataclass
from typing import Any

# ruff: noqa: RET504 - functions keep their results in variables whose names are looked for
import numpy as np
import pytest

import wengert
from wengert import control, grad, jit, nn


def variables(e):
    return [step.variable for step in e.steps]


def turns(e):
    """For each step the turns of its loops, outermost first."""
    return [tuple(scope.turn for scope in step.scopes if scope.kind == "loop") for step in e.steps]


def scopes(e):
    return [[scope.name for scope in step.scopes] for step in e.steps]


# ---- variables


def test_a_value_is_named_by_the_assignment_that_keeps_it():
    def f(x, y):
        a = x * y + 1.0
        a *= x
        b, c = a + 1.0, a + 2.0
        d = e = b * c
        (g, *_rest) = (d - e, 3)
        if (h := g + x) > 0:
            h = h * 2.0
        return np.sin(h) + d

    assert variables(wengert.explain(f)(2.0, 3.0)) == ["", "a", "a", "b", "c", "d", "g", "h", "", "h", "", ""]


def test_a_function_names_its_own_values_before_its_caller_does():
    def layer(x, W):
        s = x @ W
        h = np.tanh(s)
        return h

    def without(x, W):
        return np.tanh(x @ W)

    def f(x, W):
        out = layer(x, W)
        last = without(out, W)
        return np.sum(last)

    e = wengert.explain(f)(np.ones(2), np.eye(2))
    assert variables(e) == ["s", "h", "", "last", ""]


def test_a_parameter_is_no_name_for_what_was_computed_before_the_call():
    def g(t):
        u = t * 2.0
        return u

    e = wengert.explain(lambda x: g(x + 1.0))(2.0)
    assert variables(e) == ["", "u"]


def test_what_nothing_keeps_has_no_name():
    def f(x):
        kept = [x * 2.0]
        kept.append(kept[0] + 1.0)
        lost = x * 3.0
        lost = None
        return kept[1], lost

    assert variables(wengert.explain(f, output=0)(2.0)) == ["", "", ""]


def test_arrays_written_to_keep_their_name():
    def f(x):
        y = np.zeros(3)
        y[0] = x
        y[1] += y[0] * 2.0
        return np.sum(y)

    e = wengert.explain(f)(3.0)
    assert [s.variable for s in e.steps if s.primitive.name == "update"] == ["y", "y"]


def test_names_are_seen_through_inner_transforms():
    def f(x):
        inner = x**2
        outer = np.sin(inner)
        return outer

    assert variables(wengert.explain(grad(f))(0.5))[:2] == ["inner", "outer"]
    assert variables(wengert.explain(wengert.vmap(f), weights=1.0)(np.ones(3))) == ["inner", "outer"]
    assert variables(wengert.explain(jit(f))(0.5)) == ["inner", "outer"]
    assert variables(wengert.explain(wengert.checkpoint(f))(0.5)) == ["inner", "outer"]


def test_numbers_and_places():
    def f(x):
        a = x + 1.0
        return a * x

    e = wengert.explain(f)(1.0)
    first = f.__code__.co_firstlineno
    assert [(step.number, step.place) for step in e.steps] == [(1, (__file__, first + 1)), (2, (__file__, first + 2))]
    assert e["x"].number == 0
    assert e["x"].variable == "x"


# ---- functions


def square(t):
    return t * t


def test_functions_between_the_explained_one_and_the_step():
    def outer(t):
        return square(t) + 1.0

    e = wengert.explain(lambda x: outer(x) + square(x))(2.0)
    assert scopes(e) == [["outer", "square"], ["outer"], ["square"], []]
    inner, other = e.steps[0].scopes[1], e.steps[2].scopes[0]
    assert inner != other  # two calls
    assert inner.place == (__file__, outer.__code__.co_firstlineno + 1)


def test_recursion_is_a_scope_in_a_scope():
    def power(x, n):
        return x if n == 1 else x * power(x, n - 1)

    e = wengert.explain(lambda x: power(x, 3))(2.0)
    assert scopes(e) == [["power", "power"], ["power"]]


def test_losses_of_the_library_are_functions():
    e = wengert.explain(lambda z: nn.softmax_cross_entropy(z, np.array([0])))(np.ones((1, 3)))
    assert {scope.name for step in e.steps for scope in step.scopes} == {"softmax_cross_entropy"}


# ---- layers


@dataclass(frozen=True)
class Gate:
    weight: Any
    scale: Any

    def __call__(self, x):
        return self.gated(np.tanh(x @ self.weight))

    def gated(self, h):
        return h * self.scale


@dataclass(frozen=True)
class Net:
    first: Gate
    rest: list[nn.Dense]

    def __call__(self, x):
        x = self.first(x)
        for layer in self.rest:
            x = layer(x)
        return x


def net():
    return Net(Gate(np.eye(2), np.ones(2)), [nn.Dense(np.eye(2), np.zeros(2)), nn.Dense(np.eye(2))])


def layers_of(e):
    return [[(scope.name, scope.label) for scope in step.scopes if scope.kind == "layer"] for step in e.steps]


EXPECTED = [
    *[[("net", "Net"), ("net.first", "Gate(2 × 2, 2)")]] * 3,
    *[[("net", "Net"), ("net.rest[0]", "Dense(2 → 2)")]] * 2,
    [("net", "Net"), ("net.rest[1]", "Dense(2 → 2, no bias)")],
    [],
]


def test_layers_have_their_path_and_class():
    e = wengert.explain(lambda net, x: np.sum(net(x)), argnums=0)(net(), np.ones((3, 2)))
    assert layers_of(e) == EXPECTED


def test_layers_of_copies_that_transforms_make():
    loss = lambda net, x: np.sum(net(x))
    for f in (jit(loss), wengert.value_and_grad(loss)):
        e = wengert.explain(f, argnums=0, output=0)(net(), np.ones((3, 2)))
        assert layers_of(e)[:7] == EXPECTED


def test_a_model_from_outside_is_named_as_its_caller_names_it():
    model = nn.Sequential([nn.Dense(np.eye(2)), nn.relu])
    e = wengert.explain(lambda x: np.sum(model(x)))(np.ones((1, 2)))
    assert layers_of(e)[0] == [("model", "Sequential"), ("model.layers[0]", "Dense(2 → 2, no bias)")]
    assert layers_of(e)[1][1] == ("model.layers[1]", "Activation(relu)")


def test_a_layer_used_twice_is_two_scopes_of_one_name():
    layer = nn.Dense(np.eye(2))
    e = wengert.explain(lambda layer, x: np.sum(layer(layer(x))), argnums=0)(layer, np.ones((1, 2)))
    first, second = (step.scopes[0] for step in e.steps[:2])
    assert first.name == second.name == "layer"
    assert first != second


# ---- loops


def test_turns_of_a_for_loop():
    def f(x):
        for k in range(3):
            x = np.sin(x)
            x = x * k
        return x

    e = wengert.explain(f)(1.0)
    assert turns(e) == [(1,), (1,), (2,), (2,), (3,), (3,)]
    scope = e.steps[0].scopes[0]
    assert (scope.name, scope.label) == (f"line {f.__code__.co_firstlineno + 1}, turn 1", "for k in range(3)")


def test_turns_of_a_while_loop_with_and_without_a_traced_test():
    def f(x):
        n = 0
        while n < 3:
            x = x + 1.0
            n += 1
        while x < 6.0:
            x = x * 1.2
        return x

    e = wengert.explain(f)(1.0)
    assert turns(e)[:3] == [(1,), (2,), (3,)]
    products = [t for t, s in zip(turns(e), e.steps, strict=True) if s.primitive.name == "multiply"]
    assert products == [(1,), (2,), (3,)]  # 4.8, 5.76, 6.912


def test_nested_loops():
    def f(x):
        for _ in range(2):
            for _ in range(2):
                x = x * 2.0
            x = x + 1.0
        return x

    assert turns(wengert.explain(f)(1.0)) == [(1, 1), (1, 2), (1,), (2, 1), (2, 2), (2,)]

    def tight(x):
        for i in range(2):
            for j in range(3):
                x = x * (i + j + 1.0)
        return x

    assert turns(wengert.explain(tight)(1.0)) == [(i, j) for i in (1, 2) for j in (1, 2, 3)]

    def in_while(x):
        n = 0
        while n < 2:
            for k in range(2):
                x = x * (k + 1.0)
            n += 1
        return x

    assert turns(wengert.explain(in_while)(1.0)) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_turns_that_take_different_branches():
    def f(x):
        for k in range(4):
            if k % 2:
                x = x + 1.0
            else:
                x = x * 2.0
        return x

    assert turns(wengert.explain(f)(1.0)) == [(1,), (2,), (3,), (4,)]


def test_a_loop_over_what_its_body_overwrites():
    def f(xs):
        total = 0.0
        for x in xs:
            x = np.sin(x)
            x = x * 2.0
            total = total + x
        return total

    assert turns(wengert.explain(f)([1.0, 2.0])) == [(1,), (1,), (1,), (2,), (2,), (2,)]


def test_several_operations_of_one_line_are_in_one_turn():
    def layer(x):
        s = x * 2.0
        return np.tanh(s)

    def f(x):
        n = 0
        while n < 2:
            x = layer(x)
            n += 1
        for _ in range(2):
            x = sum([x, x, x])
        return x

    assert turns(wengert.explain(f)(1.0)) == [(1,), (1,), (2,), (2,), (1,), (1,), (1,), (2,), (2,), (2,)]


def test_comprehensions_and_generators_are_loops():
    def f(x):
        ys = [x * k for k in range(2)]
        return sum(y * y for y in ys)

    e = wengert.explain(f)(1.0)
    assert [t for t, s in zip(turns(e), e.steps, strict=True) if s.primitive.name in ("multiply", "square")] == [
        (1,), (2,), (1,), (2,)
    ]  # fmt: skip


def test_a_loop_run_twice_is_two_runs():
    def twice(x):
        for _ in range(2):
            x = x * 2.0
        return x

    e = wengert.explain(lambda x: twice(twice(x)))(1.0)
    runs = [step.scopes[-1].call for step in e.steps]
    assert runs[0] == runs[1] != runs[2] == runs[3]


# ---- loops and branches of the library, opened


def test_scan_is_shown_turn_by_turn():
    def f(r, xs):
        def body(carry, x):
            carry = r * carry + x
            return carry, carry**2

        total, squares = control.scan(body, 0.0, xs)
        return total + np.sum(squares)

    xs = np.array([1.0, 2.0, 3.0])
    e = wengert.explain(f)(0.5, xs)
    assert [t for t in turns(e) if t] == [(k,) for k in (1, 2, 3) for _ in range(4)]
    assert [s.variable for s in e.steps].count("carry") == 3
    expected = grad(f, argnums=(0, 1))(0.5, xs)
    np.testing.assert_allclose(e.gradients["r"], expected[0])
    np.testing.assert_allclose(e.gradients["xs"], expected[1])
    assert e.value == f(0.5, xs)


def test_reverse_scans_trees_and_fori_loops():
    def f(x):
        carry, ys = control.scan(
            lambda c, s: ({"a": c["a"] * s[0]}, (c["a"], s[1])), {"a": x}, (np.arange(1.0, 4.0), np.ones((3, 2)) * x),
            reverse=True,
        )  # fmt: skip
        looped = control.fori_loop(0, 3, lambda i, y: y * (i + 1.0), x)
        return carry["a"] + np.sum(ys[0] * np.arange(3.0)) + np.sum(ys[1]) + looped

    e = wengert.explain(f)(2.0)
    assert e.value == pytest.approx(f(2.0))
    assert e.gradients["x"] == pytest.approx(grad(f)(2.0))
    assert not {"scan", "call"} & {s.primitive.name for s in e.steps}


def test_a_long_scan_is_one_step():
    def f(x):
        return control.scan(lambda c, _: (c * x, None), 1.0, length=1000)[0]

    e = wengert.explain(f)(1.001)
    assert [s.primitive.name for s in e.steps] == ["scan", "output"]
    assert e.gradients["x"] == pytest.approx(1000 * 1.001**999)
    assert "scan(1000 turns of" in e.text(width=120)
    assert len(wengert.explain(f, turns=1000)(1.001).steps) == 1000


def test_while_loops_are_opened_and_the_rest_is_one_step():
    def root(a):
        return control.while_loop(lambda x: abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)

    for e in (wengert.explain(root)(2.0), wengert.explain(root, turns=2)(2.0)):
        assert e.value == pytest.approx(np.sqrt(2.0), rel=1e-12)
        assert e.gradients["a"] == pytest.approx(0.5 / np.sqrt(2.0), rel=1e-9)
    assert {s.primitive.name for s in wengert.explain(root)(2.0).steps}.isdisjoint({"while_loop"})
    assert [s.primitive.name for s in wengert.explain(root, turns=2)(2.0).steps].count("while_loop") == 1


def test_opened_functions_under_inner_transforms():
    def f(x):
        return control.scan(lambda c, k: (np.sin(c) * k, None), x, np.arange(1.0, 4.0))[0]

    e = wengert.explain(grad(jit(f)))(0.3)
    assert e.value == pytest.approx(grad(f)(0.3), rel=1e-12)
    assert e.gradients["x"] == pytest.approx(grad(grad(f))(0.3), rel=1e-10)
    e = wengert.explain(wengert.vmap(f), weights=1.0)(np.array([0.3, 0.4]))
    np.testing.assert_allclose(e.gradients["x"], [grad(f)(0.3), grad(f)(0.4)], rtol=1e-12)


def test_jit_and_its_arguments_stay_as_they_were():
    @jit
    def f(x):
        x[0] = 5.0
        return np.sum(x**2)

    def g(x):
        return f(x) + x[0]

    e = wengert.explain(g)(np.array([1.0, 2.0]))
    assert e.value == 30.0
    np.testing.assert_array_equal(e.gradients["x"], [1.0, 4.0])
    assert "call" not in {s.primitive.name for s in e.steps}


def test_nothing_is_watched_afterwards():
    from wengert.transforms.opening import OPENING

    wengert.explain(lambda x: x * x)(1.0)
    wengert.explain(lambda x: 1 / 0 * x)(1.0)
    assert OPENING.get() is None
