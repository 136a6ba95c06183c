"""The lectures' worked examples about derivatives, explained: their numbers are read off the explanation."""

# ruff: noqa: RET504 - functions keep their results in variables whose names are looked for
import numpy as np
import pytest

import wengert
from wengert import grad, nn, random


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def slope(s):
    return sigmoid(s) * (1 - sigmoid(s))


def test_a_program_with_a_loop_over_its_layers(rng):
    def loss_fun(params, inputs, targets):
        for W, b in params:
            outputs = np.dot(inputs, W) + b
            inputs = np.tanh(outputs)
        return np.mean((outputs - targets) ** 2)

    (W1, b1), (W2, b2) = params = [(rng.normal(size=s), rng.normal(size=s[1])) for s in [(3, 4), (4, 2)]]
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    e = wengert.explain(loss_fun, argnums=0)(params, x, y)
    a = np.tanh(x @ W1 + b1)
    d2 = 2 * (a @ W2 + b2 - y) / y.size
    d1 = d2 @ W2.T * (1 - a**2)
    first, second = (step for step in e.steps if step.variable == "outputs")
    assert [[scope.turn for scope in step.scopes] for step in (first, second)] == [[1], [2]]
    assert first.scopes[0].label == "for W, b in params"
    np.testing.assert_allclose(first.gradient, d1, rtol=1e-12)
    np.testing.assert_allclose(second.gradient, d2, rtol=1e-12)
    np.testing.assert_allclose(e.gradients["params[0][0]"], x.T @ d1, rtol=1e-12)
    np.testing.assert_allclose(e.gradients["params[1][1]"], d2.sum(axis=0), rtol=1e-12)


@pytest.mark.parametrize("x", [-1.5, 0.0, 0.7])
def test_higher_orders_of_tanh(x):
    def tanh(x):
        y = np.exp(-2.0 * x)
        return (1.0 - y) / (1.0 + y)

    t = np.tanh(x)
    e = wengert.explain(grad(tanh))(x)
    assert e.value == pytest.approx(1 - t**2, rel=1e-12)
    assert e.gradients["x"] == pytest.approx(-2 * t * (1 - t**2), rel=1e-10, abs=1e-15)
    assert {step.phase for step in e.steps} == {"forward", "backward"}
    e = wengert.explain(grad(grad(tanh)))(x)
    assert e.gradients["x"] == pytest.approx((6 * t**2 - 2) * (1 - t**2), rel=1e-9)
    assert {step.order for step in e.steps} == {0, 1, 2}


def test_the_jacobian_of_a_matrix_product_is_the_matrix(rng):
    W, x = rng.normal(size=(3, 4)), rng.normal(size=4)
    e = wengert.explain(lambda x: W @ x)(x)
    (edge,) = e.edges
    np.testing.assert_array_equal(edge.jacobian(), W)
    np.testing.assert_allclose(e.paths("x").total, W)  # of one output with several numbers the sum over paths is that
    weights = np.array([1.0, -2.0, 0.5])
    e = wengert.explain(lambda x: W @ x, weights=weights)(x)
    np.testing.assert_allclose(e.gradients["x"], W.T @ weights)


def test_the_vector_chain_rule():
    def composed(t):
        f = np.stack([np.sin(t), t**2])
        return np.stack([f[0] * f[1], f[0] + np.exp(f[1])])

    t = 0.6
    dg_df = np.array([[t**2, np.sin(t)], [1.0, np.exp(t**2)]])
    df_dt = np.array([np.cos(t), 2 * t])
    e = wengert.explain(composed)(t)
    np.testing.assert_allclose(e.paths("t").total, dg_df @ df_dt)
    np.testing.assert_allclose(e.paths(e.step("f").name).total, dg_df)
    for k in (0, 1):
        row = wengert.explain(composed, weights=np.eye(2)[k])(t)
        np.testing.assert_allclose(row.step("f").gradient, dg_df[k])


def test_the_list_of_steps_grows_with_the_loop_and_not_like_the_formula():
    def logistic(x, n):
        for _ in range(n):
            x = 4.0 * x * (1.0 - x)
        return x

    for n in (1, 4, 8):
        e = wengert.explain(logistic)(0.3, n)
        assert (len(e.steps), len(e.edges)) == (3 * n, 4 * n)
        exact = 2**n * np.sin(2 ** (n + 1) * np.arcsin(np.sqrt(0.3))) / (2 * np.sqrt(0.3 * 0.7))
        assert e.gradients["x"] == pytest.approx(exact, rel=1e-11)


def test_graph_just_in_time_takes_the_branch_that_the_values_take():
    def branching(x):
        if x > 0:
            y = x**2
        else:
            y = -x
        return y

    for x, primitive, slope_ in ((3.0, "square", 6.0), (-3.0, "negative", -1.0)):
        e = wengert.explain(branching)(x)
        assert (e.step("y").primitive.name, e.gradients["x"]) == (primitive, slope_)


def test_chain_rule_by_hand():
    for x in (-1.0, 0.25, 2.0):
        e = wengert.explain(lambda x: (5 - 6 * x) ** 5)(x)
        *_, inner, power = (edge.local for edge in e.edges)
        assert power == pytest.approx(5 * (5 - 6 * x) ** 4, rel=1e-14)
        assert inner == -1.0
        assert e.gradients["x"] == pytest.approx(-30 * (5 - 6 * x) ** 4, rel=1e-14)
    x = 0.4
    product = wengert.explain(lambda x: np.sin(x) * np.exp(x))(x).paths("x")
    assert [path.product for path in product] == pytest.approx([np.exp(x) * np.cos(x), np.sin(x) * np.exp(x)])


def test_one_neuron():
    def neuron(alpha, beta, x1, x2):
        s = alpha * x1 + beta * x2
        z = 1 / (1 + np.exp(-s))
        L = (z - 1.0) ** 2
        return L

    e = wengert.explain(neuron)(0.5, -1.5, 2.0, 3.0)
    s, z, L = (e.step(name) for name in ("s", "z", "L"))
    assert L is e.output
    assert s.value == -3.5
    assert z.gradient == pytest.approx(2 * (sigmoid(-3.5) - 1))
    assert s.gradient == pytest.approx(z.gradient * slope(-3.5))
    (edge,) = e.outgoing("alpha")
    assert (edge.local, edge.upstream, edge.contribution) == (2.0, s.gradient, pytest.approx(s.gradient * 2.0))


def test_scalar_backprop_forward_and_back():
    def f(x, y, z):
        q = x + y
        return q * z

    e = wengert.explain(f)(-2.0, 5.0, -4.0)
    assert [str(moment) for moment in e.forward()] == [
        "v1 = x + y = 3  (q)\n  x = -2    ∂v1/∂x = 1\n  y = 5     ∂v1/∂y = 1",
        "v2 = v1 * z = -12\n  v1 = 3    ∂v2/∂v1 = -4\n  z = -4    ∂v2/∂z = 3",
    ]
    back = {moment.step.variable or moment.step.name: moment for moment in e.backward()}
    assert list(back) == ["v2", "q", "z", "y", "x"]
    assert str(back["q"]) == "∂v1 = -4 from v2\n  to x: -4 × 1 = -4\n  to y: -4 × 1 = -4"
    assert {name: float(moment.upstream) for name, moment in back.items()} == {
        "v2": 1.0, "q": -4.0, "z": 3.0, "y": -4.0, "x": -4.0
    }  # fmt: skip
    assert back["z"].contributions == [("v2", 3.0)]


def test_local_gradients_logged_in_the_forward_pass(rng):
    N_c, D_h = 4, 3
    U, h, b2 = rng.normal(size=(N_c, D_h)), rng.normal(size=(D_h, 1)), rng.normal(size=(N_c, 1))
    y = np.eye(N_c)[:, [2]]

    def J(U, h, b2):
        theta = U @ h + b2
        y_hat = np.exp(theta) / np.sum(np.exp(theta))
        return -np.sum(y * np.log(y_hat))

    e = wengert.explain(J)(U, h, b2)
    p = nn.softmax((U @ h + b2).ravel())[:, None]
    np.testing.assert_allclose(e.step("y_hat").gradient, -y / p)
    np.testing.assert_allclose(e.step("theta").gradient, p - y, atol=1e-14)
    np.testing.assert_allclose(e.gradients["U"], (p - y) @ h.T, atol=1e-14)
    np.testing.assert_allclose(e.gradients["b2"], p - y, atol=1e-14)
    moments = {moment.step.variable: moment for moment in e.forward()}
    assert set(moments["theta"].operands) == {"v1", "b2"}
    np.testing.assert_array_equal(moments["theta"].locals["b2"], np.ones((N_c, 1)))


def graph_of_derivatives(x1, x2):
    z1 = x1 * x2
    z2 = x1 / x2
    h1 = np.hypot(z1, z2)
    h2 = z1 * z2
    p = h1 * h2
    return p


def test_graph_of_derivatives_and_its_paths():
    e = wengert.explain(graph_of_derivatives)(3.0, 2.0)
    assert [step.variable for step in e.steps] == ["z1", "z2", "h1", "h2", "p"]
    z1, z2, h1, h2 = 6.0, 1.5, np.hypot(6.0, 1.5), 9.0
    paths = e.paths("x1")
    by_hand = [h2 * z1 / h1 * 2.0, h1 * z2 * 2.0, h2 * z2 / h1 / 2.0, h1 * z1 / 2.0]
    assert sorted(path.product for path in paths) == pytest.approx(sorted(by_hand))
    assert paths.total == pytest.approx(sum(by_hand))
    assert (len(paths), paths.products, paths.reverse_edges, paths.reverse_products) == (4, 12, 8, 8)
    assert e.count_paths("x1") == 4


def test_a_node_has_two_passes():
    def node(inputs):
        return 1.0 / (1 + np.exp(-inputs))

    inputs, incoming = np.array([-2.0, 0.0, 3.0]), np.array([1.0, -4.0, 0.5])
    e = wengert.explain(node, weights=incoming)(inputs)
    np.testing.assert_allclose(e.value, node(inputs))
    np.testing.assert_allclose(e.gradients["inputs"], node(inputs) * (1 - node(inputs)) * incoming)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
@pytest.mark.parametrize("sizes", [[3, 2], [3, 5, 4, 2], [2, 3, 3, 3, 3, 1]])
def test_backprop_equations(rng, sizes, activation):
    model = nn.mlp(random.key(3), sizes, activation=activation, output=activation)
    x, y = rng.normal(size=(7, sizes[0])), rng.uniform(size=(7, sizes[-1]))
    e = wengert.explain(lambda model: nn.half_sse(model(x), y))(model)
    derivative = slope if activation == "sigmoid" else lambda s: 1 - np.tanh(s) ** 2
    s, delta = [step.value for step in e.pre_activations().values()], list(e.deltas().values())
    W = [layer.weight for layer in model.layers[::2]]
    assert list(e.deltas()) == [f"model.layers[{2 * k}]" for k in range(len(W))]
    a = [x, *(nn.activation(activation)(v) for v in s)]
    np.testing.assert_allclose(delta[-1], (a[-1] - y) * derivative(s[-1]), rtol=1e-10)
    for k in range(len(W) - 1):
        np.testing.assert_allclose(delta[k], delta[k + 1] @ W[k + 1].T * derivative(s[k]), rtol=1e-9)
    for k in range(len(W)):
        np.testing.assert_allclose(e.gradients[f"model.layers[{2 * k}].bias"], delta[k].sum(axis=0), rtol=1e-9)
        np.testing.assert_allclose(e.gradients[f"model.layers[{2 * k}].weight"], a[k].T @ delta[k], rtol=1e-9)


def test_a_chain_of_one_neuron_layers_by_example_and_averaged():
    def C(params, x, y):
        a = x
        for w, b in params:
            z = w * a + b
            a = 1 / (1 + np.exp(-z))
        return (a - y) ** 2

    params = [(1.5, -0.5), (-2.0, 0.3), (0.7, 0.1)]
    x, y = np.array([0.2, -1.0, 2.5]), np.array([1.0, 0.0, 0.5])
    mean = wengert.explain(lambda params: np.mean(C(params, x, y)))(params)
    each = [wengert.explain(C, argnums=0)(params, *map(float, pair)) for pair in zip(x, y, strict=True)]
    z, a = [], [x]
    for w, b in params:
        z.append(w * a[-1] + b)
        a.append(sigmoid(z[-1]))
    upstream = 2 * (a[-1] - y)
    for layer in (2, 1, 0):
        dC_dz = upstream * slope(z[layer])
        for k, e in enumerate(each):
            (step,) = (s for s in e.steps if s.variable == "z" and s.scopes[-1].turn == layer + 1)
            assert step.gradient == pytest.approx(dC_dz[k])
            assert e.gradients[f"params[{layer}][0]"] == pytest.approx(dC_dz[k] * a[layer][k])
        assert mean.gradients[f"params[{layer}][0]"] == pytest.approx(np.mean(dC_dz * a[layer]))
        assert mean.gradients[f"params[{layer}][1]"] == pytest.approx(np.mean(dC_dz))
        upstream = dC_dz * params[layer][0]


# any W₁, b₁ that give u = (7, −22, −3) for the sample
W1 = np.array([[1.0, 0.0], [2.0, 3.0], [-1.0, 1.0]])
B1 = np.array([4.0, -22.0, 2.0])
W2 = np.array([[2.0, 1.0, 4.0], [-2.0, -1.0, 5.0]])
B2 = np.array([-1.0, 5.0])


def test_a_network_by_hand():
    model = nn.Sequential([nn.Dense(W1.T, B1), nn.Dense(W2.T, B2)])
    x, y = np.array([[3.0, -2.0]]), np.array([[1.0, 4.0]])

    def loss(model):
        outputs = model(x)
        return nn.half_sse(outputs, y)

    e = wengert.explain(loss)(model)
    assert e.value == 260.0
    u, outputs = (e.pre_activations()[f"model.layers[{k}]"] for k in (0, 1))
    assert u.value.tolist() == [[7.0, -22.0, -3.0]]
    assert e.step("outputs") is outputs
    assert outputs.value.tolist() == [[-21.0, -2.0]]
    assert outputs.gradient.tolist() == [[-22.0, -6.0]]
    assert e.deltas()["model.layers[0]"].tolist() == [[-32.0, -16.0, -118.0]]
    assert e.gradients["model.layers[1].bias"].tolist() == [-22.0, -6.0]
    assert e.gradients["model.layers[1].weight"].T.tolist() == [[-154.0, 484.0, 66.0], [-42.0, 132.0, 18.0]]
    assert e.gradients["model.layers[0].bias"].tolist() == [-32.0, -16.0, -118.0]
    assert e.gradients["model.layers[0].weight"].T.tolist() == [[-96.0, 64.0], [-48.0, 32.0], [-354.0, 236.0]]
    assert [str(scope) for scope in u.scopes] == ["model Sequential", "model.layers[0] Dense(2 → 3)"]


def test_three_rules_for_a_sample_and_a_batch(rng):
    for x in (np.array([[3.0, -2.0]]), rng.normal(size=(5, 2))):
        e = wengert.explain(lambda W, b, x: np.sum((x @ W.T + b - 1.0) ** 2) / 2)(W2[:, :2], B2, x)
        d = x @ W2[:, :2].T + B2 - 1.0
        np.testing.assert_allclose(e.gradients["x"], d @ W2[:, :2])
        np.testing.assert_allclose(e.gradients["W"], d.T @ x)
        np.testing.assert_allclose(e.gradients["b"], d.sum(axis=0))


def test_sensitivity_as_tangents():
    def cost(w, b, a_before, y):
        z = w * a_before + b
        a = 1 / (1 + np.exp(-z))
        C = (a - y) ** 2
        return C

    e = wengert.explain(cost, tangents="w")(0.8, 0.1, 0.6, 1.0)
    dz, da = 0.6, 0.6 * slope(0.58)
    dC = da * 2 * (sigmoid(0.58) - 1)
    assert [e.step(name).tangent for name in ("z", "a", "C")] == pytest.approx([dz, da, dC])
    assert e.tangent == pytest.approx(e.gradients["w"])


def test_softmax_and_its_cross_entropy():
    logits = np.array([-1.0, 0.0, 3.0, 5.0])
    p = np.array([0.0021657, 0.00588697, 0.11824302, 0.87370431])
    e = wengert.explain(nn.softmax)(logits)
    np.testing.assert_allclose(e.value, p, atol=1e-8)
    e = wengert.explain(lambda z: nn.softmax_cross_entropy(z[None], np.array([2])))(logits)
    np.testing.assert_allclose(e.gradients["z"], p - np.eye(4)[2], atol=1e-8)


@pytest.mark.parametrize(("name", "derivative"), [("sigmoid", slope), ("tanh", lambda s: 1 - np.tanh(s) ** 2)])
def test_derivatives_of_activations(name, derivative):
    s = np.array([-3.0, 0.0, 0.5])
    e = wengert.explain(nn.activation(name), weights=1.0)(s)
    np.testing.assert_allclose(next(iter(e.gradients.values())), derivative(s))


def test_a_step_has_no_useful_gradient_and_that_is_said():
    with pytest.warns(wengert.FlatDerivativeWarning):
        e = wengert.explain(lambda w: np.sum(np.heaviside(np.array([1.0, -2.0]) * w, 0.0)) * 1.0)(0.5)
    assert e.gradients == {"w": 0.0}
