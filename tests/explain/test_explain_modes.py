"""Forward mode, vmap, and transforms within: each in a form that can be read."""

import numpy as np
import pytest

import wengert
from wengert import grad, jvp, nn, random, vmap

# ---- forward mode


def f(x, y):
    q = x * y
    return np.sin(q) + x


def test_each_step_has_its_tangent():
    e = wengert.explain(f, tangents="x")(2.0, 3.0)
    assert e.forward_mode
    assert e.step("q").tangent == 3.0
    assert e.tangent == pytest.approx(3.0 * np.cos(6.0) + 1.0)
    assert (e["x"].tangent, e["y"].tangent) == (1.0, 0.0)
    for step in e.steps:
        assert sum(edge.pushed for edge in e.incoming(step.name)) == pytest.approx(step.tangent)
    text = str(e)
    assert "tangent" in text.splitlines()[2]
    assert text.splitlines()[0].endswith(f"tangent {e.tangent:.6g}")


def test_directions_by_name_by_argument_and_of_trees(rng):
    params = {"W": rng.normal(size=(2, 2)), "b": rng.normal(size=2)}
    direction = {"W": rng.normal(size=(2, 2)), "b": rng.normal(size=2)}
    g = lambda p, x: np.tanh(x @ p["W"] + p["b"])
    x = rng.normal(size=2)
    expected = jvp(lambda p: g(p, x), (params,), (direction,))[1]
    np.testing.assert_allclose(wengert.explain(g, tangents=(direction, None))(params, x).tangent, expected)
    named = {"p['W']": direction["W"], "p['b']": direction["b"]}
    np.testing.assert_allclose(wengert.explain(g, tangents=named)(params, x).tangent, expected)
    e = wengert.explain(f, tangents=(1.0, -2.0))(2.0, 3.0)
    assert e.tangent == pytest.approx((3.0 - 4.0) * np.cos(6.0) + 1.0)


@pytest.mark.parametrize(
    ("tangents", "error", "message"),
    [
        ("z", wengert.ModelError, "no input is called 'z'"),
        ((1.0,), wengert.ShapeError, "1 tangents for 2 arguments"),
        ({"x": np.ones(2)}, wengert.ShapeError, "shape"),
    ],
)
def test_directions_that_do_not_fit(tangents, error, message):
    with pytest.raises(error, match=message):
        wengert.explain(f, tangents=tangents)(2.0, 3.0)


def test_operations_with_several_outputs_and_integers_in_forward_mode():
    def g(x):
        values, vectors = np.linalg.eigh(x)
        return np.sum(values**2) + np.argmax(x) * 0.0 + vectors[0, 0] * 0.0

    x = np.array([[2.0, 1.0], [1.0, 3.0]])
    t = np.array([[1.0, 0.5], [0.5, -1.0]])
    e = wengert.explain(g, tangents=(t,))(x)
    assert e.tangent == pytest.approx(2 * np.sum(x * t))
    assert "tangent" in str(e)


# ---- vmap


def test_batched_steps_and_single_examples(rng):
    W = rng.normal(size=(3, 2))

    def loss(x):
        h = np.tanh(x @ W)
        return np.sum(h**2)

    xs = rng.normal(size=(5, 3))
    e = wengert.explain(vmap(loss), weights=1.0)(xs)
    assert {step.batch for step in e.steps} == {(5,)}
    alone = wengert.explain(loss)(xs[3])
    by_name = e.example(3)
    assert e.step("h").value.shape == (5, 2)
    np.testing.assert_allclose(by_name[e.step("h").name], alone.step("h").value)
    assert by_name[e.output.name] == pytest.approx(alone.value)
    np.testing.assert_allclose(e.gradients["x"][3], alone.gradients["x"])


def test_what_all_examples_share_is_not_batched():
    e = wengert.explain(vmap(lambda x, w: x * (w * 2.0), in_axes=(0, None)), weights=1.0)(np.ones(4), 3.0)
    assert [step.batch for step in e.steps] == [(), (4,)]
    assert [float(value) for value in e.example(1).values()] == [6.0, 6.0]


def test_nested_vmap():
    e = wengert.explain(vmap(vmap(lambda x: x * 2.0)), weights=1.0)(np.ones((3, 4)))
    assert [step.batch for step in e.steps] == [(3, 4)]


# ---- gradients within


def by_variable(e):
    return {step.variable: step for step in e.steps}


def test_the_gradient_of_a_gradient_names_what_it_is_the_gradient_of():
    def g(x, y):
        q = x + y
        r = q * x
        return np.sin(r)

    x, y = 0.7, 0.4
    e = wengert.explain(grad(g, argnums=(0, 1)), output=0)(x, y)
    assert [step.phase for step in e.steps[:3]] == ["forward"] * 3
    assert {step.phase for step in e.steps[3:]} == {"backward"}
    named = by_variable(e)
    r = (x + y) * x
    assert named["∂v2"].value == pytest.approx(np.cos(r))
    assert named["∂v2"].of == "v2"
    assert named["∂v1"].value == pytest.approx(np.cos(r) * x)  # ∂q, and ∂y: the same number
    assert named["∂x"].value == pytest.approx(np.cos(r) * (x + (x + y)))
    assert named["∂x"] is e.output


def test_second_derivatives_number_their_walks():
    e = wengert.explain(grad(grad(lambda x: x**3)))(2.0)
    assert (e.value, e.gradients["x"]) == (12.0, 6.0)
    assert [step.order for step in e.steps] == sorted(step.order for step in e.steps)
    assert e.output.variable == "∂₂x"


def test_gradients_of_a_network_have_the_names_of_its_parameters(rng):
    model = nn.mlp(random.key(0), [3, 4, 2], activation="tanh")
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    loss = lambda m: nn.half_sse(m(x), y)
    e = wengert.explain(grad(loss), weights=1.0)(model)
    gradient, named = grad(loss)(model), by_variable(e)
    np.testing.assert_allclose(named["∂m.layers[2].weight"].value, gradient.layers[2].weight)
    np.testing.assert_allclose(named["∂m.layers[0].bias"].value, gradient.layers[0].bias)
    plain = wengert.explain(loss)(model)
    for step in plain.steps:  # the recorded walk back and the explanation's own say the same
        if f"∂{step.name}" in named:
            np.testing.assert_allclose(named[f"∂{step.name}"].value, step.gradient)


def test_pullbacks_and_tangents_within():
    def by_vjp(x):
        y, pull = wengert.vjp(lambda t: np.sin(t) * t, x)
        return np.sum(pull(y)[0])

    e = wengert.explain(by_vjp)(np.array([0.5, 1.0]))
    assert {"∂v1", "∂x"} <= set(by_variable(e))
    e = wengert.explain(lambda x: jvp(lambda t: np.sin(t) * t, (x,), (1.0,))[1])(0.5)
    named = by_variable(e)
    assert named["dv1"].value == pytest.approx(np.cos(0.5))
    assert {step.phase for step in e.steps} == {"forward", "tangent"}


def test_variables_of_the_user_come_before_those_of_the_walk():
    def newton(x):
        slope = grad(lambda t: t**2 - 2.0)(x)
        return x - (x**2 - 2.0) / slope

    e = wengert.explain(newton)(1.5)
    assert e.step("slope").value == 3.0


def test_walks_back_fold_into_one_row():
    model = nn.mlp(random.key(0), [3, 4, 2])
    e = wengert.explain(grad(lambda m: np.sum(m(np.ones((2, 3))) ** 2)), weights=1.0)(model)
    folded = e.text(width=140, unfold=0)
    assert "▸ m Sequential" in folded
    assert "▸ the walk back  " in folded
    assert "∂layers[0].weight" in e.text(width=140, unfold=1)


def test_the_text_says_how_many_examples_stand_side_by_side():
    text = str(wengert.explain(vmap(lambda x: x * 2.0 + 1.0), weights=1.0)(np.ones(7)))
    assert "2 of 2 steps hold 7 examples side by side" in text
