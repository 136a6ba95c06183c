"""explain: steps, edges and gradients, against closed forms, grad and jacobian."""

import subprocess
import sys
import warnings

import numpy as np
import pytest

import wengert
from wengert import nn, pytree, random


def by_ends(explanation):
    return {(edge.source.name, edge.target.name): edge for edge in explanation.edges}


def f(x, y, z):
    q = x + y
    return q * z


def agrees(function, *args):
    """The explanation's gradients are those of grad, for all float leaves."""
    explanation = wengert.explain(function)(*args)
    value, expected = wengert.value_and_grad(function, tuple(range(len(args))))(*args)
    assert np.allclose(explanation.value, value, rtol=1e-14)
    got = list(explanation.gradients.values())
    for a, b in zip(got, pytree.leaves(expected), strict=True):
        assert type(a) is type(b)
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    for step in (*explanation.inputs.values(), *explanation.steps):
        edges = explanation.outgoing(step.name)
        if isinstance(step.value, tuple):
            for k, edge in enumerate(edges):
                np.testing.assert_array_equal(edge.contribution[k], step.gradient[k])
        elif step is not explanation.output and np.asarray(step.value).dtype.kind == "f":
            total = sum((edge.contribution for edge in edges), np.zeros(np.shape(step.value)))
            np.testing.assert_allclose(total, step.gradient, rtol=1e-12, atol=1e-14)
    return explanation


def test_steps_of_a_sum_times_a_number():
    e = wengert.explain(f)(-2.0, 5.0, -4.0)
    assert [(s.name, s.primitive.name, s.value, s.gradient) for s in e.steps] == [
        ("v1", "add", 3.0, -4.0),
        ("v2", "multiply", -12.0, 1.0),
    ]
    assert [x.name for x in e["v2"].operands] == ["v1", "z"]
    assert e.gradients == {"x": -4.0, "y": -4.0, "z": 3.0}
    assert e.output is e["v2"]


def test_edges_carry_local_upstream_and_contribution():
    edges = by_ends(wengert.explain(f)(-2.0, 5.0, -4.0))
    assert {ends: (e.local, e.upstream, e.contribution) for ends, e in edges.items()} == {
        ("x", "v1"): (1.0, -4.0, -4.0),
        ("y", "v1"): (1.0, -4.0, -4.0),
        ("v1", "v2"): (-4.0, 1.0, -4.0),
        ("z", "v2"): (3.0, 1.0, 3.0),
    }


def test_steps_know_the_users_line():
    e = wengert.explain(f)(-2.0, 5.0, -4.0)
    assert e["v1"].line.endswith(": q = x + y")
    assert "test_explain.py:" in e["v2"].line


def test_an_operand_read_twice_has_two_edges():
    e = wengert.explain(lambda x: x * x)(3.0)
    assert [(edge.position, edge.local) for edge in e.edges] == [(0, 3.0), (1, 3.0)]
    assert e.gradients == {"x": 6.0}


def test_names_of_inputs_follow_arguments_and_trees():
    params = {"w": [np.ones(2), 1.0], "n": 3}
    e = wengert.explain(lambda params, *more: np.sum(params["w"][0]) * params["w"][1] * more[0] * more[1])(
        params, 2.0, 3.0
    )
    assert list(e.inputs) == ["params['w'][0]", "params['w'][1]", "more[0]", "more[1]"]
    model = nn.mlp(random.key(0), [2, 3, 1])
    e = wengert.explain(lambda model, x: np.sum(model(x)), argnums=0)(model, np.ones((4, 2)))
    assert list(e.inputs) == [f"model.layers[{k}].{part}" for k in (0, 2) for part in ("weight", "bias")]


def test_functions_without_a_signature():
    assert wengert.explain(np.sin)(0.0).gradients.popitem()[1] == 1.0


def test_inputs_named_like_steps_give_steps_another_letter():
    e = wengert.explain(lambda v1, v2: v1 * v2)(2.0, 3.0)
    assert [s.name for s in e.steps] == ["s1"]
    assert e["v1"].value == 2.0


def test_networks_and_trees(rng):
    params = [(rng.normal(size=(2, 3)), rng.normal(size=3)), (rng.normal(size=(3, 1)), np.zeros(1))]

    def loss(params, x, y):
        for W, b in params:
            x = np.tanh(x @ W + b)
        return np.mean((x - y) ** 2)

    agrees(loss, params, rng.normal(size=(5, 2)), rng.normal(size=(5, 1)))


def test_mutation_and_views():
    def filled(x):
        y = np.zeros(4)
        row = y[1:3]
        y[0] = x[0] * x[1]
        row[:] = x
        y[3] = row[0] * y[2]
        y *= 2.0
        return np.sum(y**2)

    e = agrees(filled, np.array([2.0, 3.0]))
    assert "update" in [s.primitive.name for s in e.steps]


def test_recorded_values_do_not_change_afterwards():
    x, buffer = np.array([1.0, 2.0]), np.array([3.0, 4.0])

    def loss(x):
        y = x * buffer
        buffer[:] = 100.0
        x[0] = 50.0
        return np.sum(y)

    e = wengert.explain(loss)(x)
    x[:] = 7.0
    assert e["v1"].values[0].tolist() == [1.0, 2.0]
    assert e["v1"].values[1].tolist() == [3.0, 4.0]
    assert e.gradients["x"].tolist() == [3.0, 4.0]
    assert by_ends(e)["x", "v1"].local.tolist() == [3.0, 4.0]


def test_gradients_inside_the_function_show_their_steps():
    e = agrees(lambda x: wengert.grad(lambda t: np.sin(t) * t**2)(x) * x, 0.7)
    assert "cos" in [s.primitive.name for s in e.steps]
    e = wengert.explain(wengert.grad(lambda x: x**3))(2.0)
    assert (e.value, e.gradients["x"]) == (12.0, 12.0)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: np.sum(wengert.vmap(lambda row: np.sum(row) ** 2)(x)),
        lambda x: np.sum(wengert.jvp(np.sin, (x,), (np.ones((2, 2)),))[1]),
        lambda x: np.sum(wengert.jacobian(np.cumsum)(x[0]) * x),
        lambda x: np.sum(np.sort(x, axis=0) @ np.concatenate([x, x[:, :1]], axis=1)),
        lambda x: np.sum(np.where(x > 1, x**2, np.exp(x))) + np.max(x) + np.prod(x),
        lambda x: np.sum(np.abs(x - 1j * x) ** 2),
        lambda x: np.sum(x[[0, 0, 1]] * np.clip(x, 0.5, 2.0)[0]),
        lambda x: np.linalg.slogdet(x @ x.T + np.eye(2))[1] + np.sum(np.linalg.eigh(x + x.T)[0] ** 3),
        lambda x: np.sum(np.linalg.inv(x) @ np.linalg.solve(x, np.ones((2, 1)))),
        lambda x: np.sum(np.array([x[0, 0], x[1, 1] * x[0, 0]]) * np.floor(x) * x),
    ],
)  # fmt: skip
def test_everything_that_grad_differentiates(function):
    agrees(function, np.array([[0.3, 1.7], [2.5, 0.9]]))


def test_comparisons_are_steps_without_edges_onward():
    e = wengert.explain(lambda x: np.sum(x * (x > 0)))(np.array([-1.0, 2.0]))
    mask = e["v1"]
    assert (mask.primitive.name, mask.value.tolist()) == ("greater", [False, True])
    assert e["v2"].operands == (e["x"], mask)
    assert not e.outgoing("v1")
    assert e.incoming("v1")[0].local.tolist() == [0.0, 0.0]
    assert e.gradients["x"].tolist() == [0.0, 1.0]


def test_a_mask_that_is_written_to_is_no_longer_the_recorded_one():
    def loss(x):
        mask = x > 0
        mask[0] = True
        return np.sum(x * mask)

    e = wengert.explain(loss)(np.array([-1.0, 2.0]))
    assert e["v1"].value.tolist() == [False, True]
    assert e["v2"].values[1].tolist() == [True, True]
    assert e.gradients["x"].tolist() == [1.0, 1.0]


def test_branches_and_loops_take_the_values():
    def collatz_like(x):
        steps = 0
        while x > 1.0:
            x = x / 2.0 if int(np.floor(x)) % 2 == 0 else x * 0.9
            steps += 1
        return x * steps

    assert wengert.explain(collatz_like)(5.5).gradients["x"] == wengert.grad(collatz_like)(5.5)


def test_operations_with_several_outputs(several):
    def g(x):
        total, product = several(x, 2.0 * x)
        return total * product

    e = agrees(g, 3.0)  # 3x · 2x² = 6x³
    assert e.gradients["x"] == pytest.approx(162.0)
    assert [s.name for s in e.steps] == ["v1", "v2", "v3", "v4", "v5"]
    assert (e["v3"].value, e["v4"].value) == (9.0, 18.0)
    edges = by_ends(e)
    np.testing.assert_allclose(edges["v2", "v4"].jacobian(), [[0.0, 1.0]])
    np.testing.assert_allclose(edges["x", "v2"].jacobian(), [[1.0], [6.0]])
    assert e.paths("x").total == pytest.approx(162.0)


@pytest.fixture
def several():
    """A primitive that gives the sum and the product of its operands."""
    from wengert.core.primitive import REGISTRY
    from wengert.ops.families import general

    def vjp(g, _z, xs, _wanted, _params):
        sum_, product = (0.0 if c is None else c for c in g)
        return sum_ + product * xs[1], sum_ + product * xs[0]

    def jvp(ts, _z, xs, _params):
        a, b = (0.0 if t is None else t for t in ts)
        return a + b, a * xs[1] + b * xs[0]

    yield general("sum_and_product", lambda x, y: (x + y, x * y), jvp=jvp, vjp=vjp, tex="{0}, {1}", multiple=True)
    del REGISTRY["sum_and_product"]


def test_local_derivatives_of_stretched_operands():
    e = wengert.explain(lambda x, b: np.sum((x + b) * 2.0))(np.ones((3, 2)), np.zeros(2))
    edge = by_ends(e)["b", "v1"]
    assert edge.local.tolist() == np.ones((3, 2)).tolist()
    assert edge.contribution.tolist() == [6.0, 6.0]
    assert edge.jacobian().shape == (3, 2, 2)


def test_jacobian_of_an_edge(rng):
    W, x = rng.normal(size=(3, 2)), rng.normal(size=2)
    edge = by_ends(wengert.explain(lambda W, x: np.sum(np.sin(W @ x)))(W, x))["x", "v1"]
    assert edge.local is None
    np.testing.assert_allclose(edge.jacobian(), W)
    np.testing.assert_allclose(edge.contribution, W.T @ np.cos(W @ x))
    edge = by_ends(wengert.explain(lambda x: np.sum(np.tanh(x)))(x))["x", "v1"]
    np.testing.assert_allclose(edge.jacobian(), np.diag(1 - np.tanh(x) ** 2))


def test_float32_stays_float32():
    e = wengert.explain(lambda x: np.sum(np.sin(x) * 2))(np.ones(3, np.float32))
    assert {np.asarray(s.gradient).dtype for s in (*e.steps, e["x"])} == {np.dtype(np.float32)}


def test_integers_texts_and_keywords_are_constants():
    def power(x, n, name, *, scale):
        assert name == "cube"
        return scale * x**n

    e = wengert.explain(power)(2.0, 3, "cube", scale=np.float64(10.0))
    assert (list(e.inputs), e.gradients["x"]) == (["x"], 120.0)


def test_argnums_leaves_the_others_constant():
    e = wengert.explain(lambda w, x: np.sum(w * x), argnums=0)(np.ones(2), np.array([3.0, 4.0]))
    assert list(e.inputs) == ["w"]
    with pytest.raises(wengert.DerivativeError, match="integer"):
        wengert.explain(lambda w, x: w * x, argnums=1)(2.0, 3)


def test_an_output_that_is_an_input_or_a_constant():
    e = wengert.explain(lambda x: x)(3.0)
    assert (e.value, e.gradients, e.steps) == (3.0, {"x": 1.0}, ())
    e = wengert.explain(lambda x: 5.0)(3.0)
    assert (e.value, e.gradients) == (5.0, {"x": 0.0})


def test_steps_the_output_does_not_need_have_gradient_zero():
    def g(x):
        _ = np.exp(x)
        return x + 1.0

    e = wengert.explain(g)(0.0)
    assert [(s.primitive.name, s.gradient) for s in e.steps] == [("exp", 0.0), ("add", 1.0)]
    assert by_ends(e)["x", "v1"].contribution == 0.0


def test_a_flat_function_is_named():
    with pytest.warns(wengert.FlatDerivativeWarning, match=r"only through np\.argmax"):
        e = wengert.explain(nn.accuracy, argnums=0)(np.eye(2), np.array([0, 1]))
    assert e.value == 1.0
    assert e.gradients["outputs"].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_stop_gradient_is_a_step_that_passes_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        e = wengert.explain(lambda x: np.sum(x * wengert.stop_gradient(x)))(np.array([3.0]))
    assert e.gradients["x"].tolist() == [3.0]


def test_values_that_leave_are_refused():
    e = wengert.explain(lambda x: x * float(x))(3.0)
    with pytest.raises(wengert.EscapeError, match=r"test_explain\.py:\d+: .*float\(x\)"):
        _ = e.value


def test_a_traced_value_kept_for_later_is_an_error():
    kept = []
    wengert.explain(lambda x: (kept.append(x), x * x)[1])(3.0)
    with pytest.raises(wengert.LeakError, match="explain"):
        kept[0] * 2.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: wengert.explain(f)(-2, 5, -4), r"x is of integer type \(int -2\)"),
        (lambda: wengert.explain(lambda x: x * 2)(np.ones(3)).gradients, "array of shape"),
        (lambda: wengert.explain(lambda: 1.0)(), "no positional argument"),
        (lambda: wengert.explain(f)("a", "b", "c"), "is a str"),
        (lambda: wengert.explain(lambda x: x.sum())(np.ones(2) * 1j).gradients, "gave a complex number"),
        (lambda: wengert.explain(lambda x, c: np.sum(x * c))(2.0, np.ma.ones(2)), "c is a MaskedArray"),
    ],
)
def test_what_has_no_derivative_is_refused(call, message):
    with pytest.raises(wengert.DerivativeError, match=message):
        call()


def test_inside_another_transform_it_is_refused():
    with pytest.raises(wengert.UnsupportedError, match=r"wengert\.explain\(wengert\.grad\(f\)\)"):
        wengert.grad(lambda x: wengert.explain(lambda t: t * x)(2.0).value)(1.0)


def test_a_step_that_is_not_there():
    with pytest.raises(wengert.ModelError, match=r"no step 'v9'; it has the inputs x, y, z, and the steps v1 to v2"):
        wengert.explain(f)(-2.0, 5.0, -4.0)["v9"]


@pytest.mark.parametrize("first", ["import wengert.explain.report", "wengert.explain", "import wengert.explain"])
def test_the_room_is_the_function_whatever_is_imported_first(first):
    program = f"import wengert; {first}; print(wengert.explain(lambda x: x * x)(3.0).gradients['x'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "6.0"
