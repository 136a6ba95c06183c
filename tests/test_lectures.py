"""What five lectures on automatic differentiation and backpropagation describe, with the numbers in them.

One test for each thing, under the lectures' own headings: derivatives, models and losses, training. All of
them use the library as its user does.
"""

import itertools
from pathlib import Path

import numpy as np
import pytest

import wengert
import wengert.numpy as jnp
from wengert import data, grad, jacobian, nn, optim, pytree, random, training

BIKES = Path(__file__).parents[1] / ".." / "shared" / "data" / "bike_sharing"


def sigmoid(s):
    return 1 / (1 + np.exp(-s))


def slope(s):
    return sigmoid(s) * (1 - sigmoid(s))


def step_of(explanation, assignment):
    """The last step of the user's line that begins so: the value that the line assigns."""
    return [step for step in explanation.steps if f": {assignment} = " in step.line][-1]


# ---- derivatives ------------------------------------------------------------------------------


def predict(params, inputs):
    for W, b in params:
        outputs = jnp.dot(inputs, W) + b
        inputs = jnp.tanh(outputs)
    return outputs


def loss_fun(params, inputs, targets):
    preds = predict(params, inputs)
    return jnp.mean((preds - targets) ** 2)


def plain_loss_fun(params, inputs, targets):
    for W, b in params:
        outputs = np.dot(inputs, W) + b
        inputs = np.tanh(outputs)
    return np.mean((outputs - targets) ** 2)


def test_a_program_is_a_composition_of_differentiable_functions(rng):
    (W1, b1), (W2, b2) = params = [(rng.normal(size=s), rng.normal(size=s[1])) for s in [(3, 4), (4, 2)]]
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    a = np.tanh(x @ W1 + b1)
    d2 = 2 * (a @ W2 + b2 - y) / y.size
    d1 = d2 @ W2.T * (1 - a**2)
    by_hand = [x.T @ d1, d1.sum(axis=0), a.T @ d2, d2.sum(axis=0)]
    for loss in (loss_fun, plain_loss_fun):
        grad_fun = grad(loss)
        for got, expected in zip(pytree.leaves(grad_fun(params, x, y)), by_hand, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_higher_orders():
    def tanh(x):
        y = jnp.exp(-2.0 * x)
        return (1.0 - y) / (1.0 + y)

    polynomial = np.polynomial.Polynomial([0.0, 1.0])  # in t = tanh x, with dt/dx = 1 − t²
    f = tanh
    for _order in range(1, 7):
        f = grad(f)
        polynomial = polynomial.deriv() * np.polynomial.Polynomial([1.0, 0.0, -1.0])
        for x in (-1.5, -0.2, 0.0, 0.7, 2.0):
            assert f(x) == pytest.approx(polynomial(np.tanh(x)), rel=1e-9, abs=1e-11)


def test_derivative_gradient_jacobian(rng):
    W, x = rng.normal(size=(3, 4)), rng.normal(size=4)
    assert grad(lambda t: t**3)(2.0) == 12.0
    np.testing.assert_allclose(jacobian(lambda x: W @ x)(x), W, rtol=1e-15)
    norm = lambda x: np.sum(x**2)
    np.testing.assert_array_equal(jacobian(norm)(x), grad(norm)(x))

    f = lambda t: np.stack([np.sin(t), t**2])
    g = lambda y: np.stack([y[0] * y[1], y[0] + np.exp(y[1])])
    t = 0.6
    dg_df = np.array([[t**2, np.sin(t)], [1.0, np.exp(t**2)]])
    df_dt = np.array([np.cos(t), 2 * t])
    np.testing.assert_allclose(jacobian(f)(t), df_dt)
    np.testing.assert_allclose(jacobian(g)(f(t)), dg_df)
    np.testing.assert_allclose(jacobian(lambda t: g(f(t)))(t), dg_df @ df_dt)


def symbolic(expression):
    """The derivative of an expression of ("+" | "-" | "*", a, b), the variable "x" and numbers, by rule."""
    if not isinstance(expression, tuple):
        return 1.0 if expression == "x" else 0.0
    kind, a, b = expression
    if kind == "*":
        return ("+", ("*", symbolic(a), b), ("*", a, symbolic(b)))
    return (kind, symbolic(a), symbolic(b))


def size(expression):
    return 1 + size(expression[1]) + size(expression[2]) if isinstance(expression, tuple) else 1


def test_automatic_differentiation_is_neither_symbolic_nor_numerical():
    def logistic(x, n=8):
        for _ in range(n):
            x = 4.0 * x * (1.0 - x)
        return x

    # with x = sin²θ it is sin²(2ⁿθ)
    x, n = 0.3, 8
    exact = 2**n * np.sin(2 ** (n + 1) * np.arcsin(np.sqrt(x))) / (2 * np.sqrt(x * (1 - x)))
    # exactness: automatic to rounding, at every step size the difference is off by much more
    error = abs(grad(logistic)(x) / exact - 1)
    differences = [(logistic(x + h) - logistic(x - h)) / (2 * h) for h in 10.0 ** np.arange(-14, 0)]
    assert error < 1e-12
    assert min(abs(d / exact - 1) for d in differences) > 100 * error
    # expression swell: the symbolic derivative grows exponentially, the list of steps linearly
    expression, sizes = "x", []
    for _ in range(6):
        expression = ("*", ("*", 4.0, expression), ("-", 1.0, expression))
        sizes.append(size(symbolic(expression)))
    edges = [len(wengert.explain(lambda x, n=n: logistic(x, n))(x).edges) for n in range(1, 7)]
    assert all(later > 2 * earlier for earlier, later in itertools.pairwise(sizes))
    assert edges == [4 * n for n in range(1, 7)]
    # cost: differences run the function twice for each input, reverse mode once for all
    runs = []
    grad(lambda x: (runs.append(1), np.sum(np.sin(x)))[1])(np.ones(1000))
    assert len(runs) == 1


def test_forward_or_reverse():
    W = np.ones((3, 50))
    _, wide = jacobian(lambda x: W @ x, explain=True)(np.ones(50))
    _, tall = jacobian(lambda x: W.T @ x, explain=True)(np.ones(3))
    assert (wide.mode, tall.mode) == ("reverse", "forward")
    assert "3 outputs and 50 inputs" in str(wide)
    assert "3 inputs and 50 outputs" in str(tall)


def test_graph_ahead_of_time_or_just_in_time():
    runs = []

    def f(x):
        runs.append(x)
        return np.sum(np.sin(x) * x)

    x = np.array([0.5, 2.0])
    program = wengert.make_program(grad(f))(x)
    assert len(runs) == 1
    for point in (x, x + 1.0):
        np.testing.assert_allclose(program(point), np.cos(point) * point + np.sin(point))
    assert len(runs) == 1  # the graph stands; Python has not run again
    assert [e.primitive.name for e in program.equations].count("cos") == 1

    def branching(x):
        return x**2 if x > 0 else -x

    assert (grad(branching)(3.0), grad(branching)(-3.0)) == (6.0, -1.0)
    with pytest.raises(wengert.ConcretizationError, match=r"np\.where"):
        wengert.make_program(branching)(3.0)


def test_chain_rule_by_hand():
    h = lambda x: (5 - 6 * x) ** 5
    for x in (-1.0, 0.25, 2.0):
        assert grad(h)(x) == pytest.approx(-30 * (5 - 6 * x) ** 4, rel=1e-14)
    f, g, x = np.sin, np.exp, 0.4
    through_f, through_g = wengert.explain(lambda x: f(x) * g(x))(x).paths("x")
    assert through_f.product == pytest.approx(g(x) * np.cos(x))
    assert through_g.product == pytest.approx(f(x) * np.exp(x))
    assert grad(lambda x: f(x) * g(x))(x) == pytest.approx(through_f.product + through_g.product)


def test_one_neuron():
    def loss(alpha, beta, x1, x2):
        s = alpha * x1 + beta * x2
        z = 1 / (1 + np.exp(-s))
        return (z - 1.0) ** 2

    alpha, beta, x1, x2 = 0.5, -1.5, 2.0, 3.0
    e = wengert.explain(loss)(alpha, beta, x1, x2)
    s, z = step_of(e, "s"), step_of(e, "z")
    assert z.gradient == pytest.approx(2 * (sigmoid(-3.5) - 1))
    assert s.gradient == pytest.approx(z.gradient * slope(-3.5))
    (edge,) = e.outgoing("alpha")
    assert (edge.local, edge.upstream) == (x1, s.gradient)
    assert e.gradients["alpha"] == pytest.approx(z.gradient * slope(-3.5) * x1)
    assert e.gradients["beta"] == pytest.approx(z.gradient * slope(-3.5) * x2)


def test_scalar_backprop():
    def f(x, y, z):
        q = x + y
        return q * z

    e = wengert.explain(f)(-2.0, 5.0, -4.0)
    assert (e.value, step_of(e, "q").value) == (-12.0, 3.0)
    assert e.gradients == {"x": -4.0, "y": -4.0, "z": 3.0}
    shown = {(a.source.name, a.target.name): (a.local, a.upstream, a.contribution) for a in e.edges}
    assert shown == {
        ("x", "v1"): (1.0, -4.0, -4.0),
        ("y", "v1"): (1.0, -4.0, -4.0),
        ("v1", "v2"): (-4.0, 1.0, -4.0),
        ("z", "v2"): (3.0, 1.0, 3.0),
    }
    assert all(upstream * local == product for local, upstream, product in shown.values())
    for row in ("x → v1  ", "v1 → v2  -4     1         -4"):
        assert row in str(e)


def test_local_gradients_logged_in_the_forward_pass(rng):
    N_c, D_h = 4, 3
    U, h, b2 = rng.normal(size=(N_c, D_h)), rng.normal(size=(D_h, 1)), rng.normal(size=(N_c, 1))
    y = np.eye(N_c)[:, [2]]

    def J(U, h, b2):
        theta = U @ h + b2
        y_hat = np.exp(theta) / np.sum(np.exp(theta))
        return -np.sum(y * np.log(y_hat))

    e = wengert.explain(J)(U, h, b2)
    theta, y_hat = step_of(e, "theta"), step_of(e, "y_hat")
    p = nn.softmax((U @ h + b2).ravel())[:, None]
    np.testing.assert_allclose(y_hat.value, p)
    np.testing.assert_allclose(y_hat.gradient, -y / p)
    np.testing.assert_allclose(theta.gradient, p - y, atol=1e-14)
    np.testing.assert_allclose(e.gradients["U"], (p - y) @ h.T, atol=1e-14)
    np.testing.assert_allclose(e.gradients["b2"], p - y, atol=1e-14)
    assert e.gradients["U"].shape == (N_c, D_h)
    assert e.gradients["b2"].shape == (N_c, 1)
    into_theta = {edge.source.name: edge for edge in e.incoming(theta.name)}
    np.testing.assert_array_equal(into_theta["b2"].local, np.ones((N_c, 1)))
    (from_U,) = e.outgoing("U")
    assert from_U.jacobian().shape == (N_c, 1, N_c, D_h)
    np.testing.assert_array_equal(from_U.jacobian()[1, 0, 1], h.ravel())


def deeper(x1, x2):
    z1 = x1 * x2
    z2 = x1 / x2
    h1 = np.hypot(z1, z2)
    h2 = z1 * z2
    return h1 * h2


def test_graph_of_derivatives():
    x1, x2 = 3.0, 2.0
    z1, z2, h1, h2 = 6.0, 1.5, np.hypot(6.0, 1.5), 9.0
    e = wengert.explain(deeper)(x1, x2)
    carried = {(edge.source.name, edge.target.name): edge.local for edge in e.edges}
    dp_dh1, dp_dh2, dz1_dx1, dz2_dx1 = h2, h1, x2, 1 / x2
    dh1_dz1, dh1_dz2, dh2_dz1, dh2_dz2 = z1 / h1, z2 / h1, z2, z1
    assert carried[("v3", "v5")] == pytest.approx(dp_dh1)
    assert carried[("v2", "v3")] == pytest.approx(dh1_dz2)
    paths = e.paths("x1")
    expected = {
        ("x1", "v1", "v3", "v5"): dp_dh1 * dh1_dz1 * dz1_dx1,
        ("x1", "v1", "v4", "v5"): dp_dh2 * dh2_dz1 * dz1_dx1,
        ("x1", "v2", "v3", "v5"): dp_dh1 * dh1_dz2 * dz2_dx1,
        ("x1", "v2", "v4", "v5"): dp_dh2 * dh2_dz2 * dz2_dx1,
    }
    assert {path.names: path.product for path in paths} == pytest.approx(expected)
    assert paths.total == pytest.approx(sum(expected.values())) == pytest.approx(e.gradients["x1"])


def test_reverse_mode_reuses():
    paths = wengert.explain(deeper)(3.0, 2.0).paths("x1")
    assert (len(paths), paths.products) == (4, 12)
    assert (paths.reverse_edges, paths.reverse_products) == (8, 8)
    assert paths.reverse_total == pytest.approx(paths.total)

    def tower(x1, x2, layers):
        for _ in range(layers):
            x1, x2 = np.hypot(x1, x2), x1 * x2
        return x1 * x2

    for layers in (2, 4, 8):
        paths = wengert.explain(tower)(0.9, 0.8, layers).paths("x1")
        assert (len(paths), paths.products) == (2**layers, 2**layers * (layers + 1))
        assert paths.reverse_products == paths.reverse_edges == 4 * layers
        assert paths.reverse_total == pytest.approx(paths.total)


def test_interface_of_a_node():
    def forward_pass(inputs):
        return 1.0 / (1 + np.exp(-inputs))

    def backward_pass(inputs, incoming_gradient):
        sigmoid = 1.0 / (1 + np.exp(-inputs))
        return sigmoid * (1 - sigmoid) * incoming_gradient

    inputs, incoming = np.array([[-2.0, 0.0, 3.0]]), np.array([[1.0, -4.0, 0.5]])
    for function in (forward_pass, nn.sigmoid, nn.Activation("sigmoid")):
        node = nn.Node(function)
        np.testing.assert_allclose(node.forward(inputs), forward_pass(inputs))
        np.testing.assert_allclose(node.backward(inputs, incoming), backward_pass(inputs, incoming))
    product = nn.Node(lambda q, z: q * z)
    assert product.forward((3.0, -4.0)) == -12.0
    assert product.backward((3.0, -4.0), 1.0) == (-4.0, 3.0)


def test_backprop_equations(rng):
    model = nn.mlp(random.key(3), [3, 5, 4, 2], activation="sigmoid", output="sigmoid")
    x, y = rng.normal(size=(7, 3)), rng.uniform(size=(7, 2))
    e = wengert.explain(lambda model, x, y: nn.half_sse(model(x), y), argnums=0)(model, x, y)

    dense = [0, 2, 4]
    names = [f"model.layers[{k}]" for k in dense]
    s = [e.pre_activations()[name].value for name in names]
    delta = [e.deltas()[name] for name in names]
    a = [x, sigmoid(s[0]), sigmoid(s[1]), sigmoid(s[2])]
    W = [model.layers[k].weight.T for k in dense]  # w_jk as the lectures write them: (units, inputs)
    np.testing.assert_allclose(delta[2], (a[3] - y) * slope(s[2]), rtol=1e-10)
    for layer in (1, 0):
        expected = (W[layer + 1].T @ delta[layer + 1].T).T * slope(s[layer])
        np.testing.assert_allclose(delta[layer], expected, rtol=1e-10)
    for layer, name in enumerate(names):
        np.testing.assert_allclose(e.gradients[f"{name}.bias"], delta[layer].sum(axis=0), rtol=1e-10)
        by_sample = [np.outer(d, a_before) for d, a_before in zip(delta[layer], a[layer], strict=True)]
        np.testing.assert_allclose(e.gradients[f"{name}.weight"].T, np.sum(by_sample, axis=0), rtol=1e-10)


def test_chain_of_one_neuron_layers():
    def C_k(params, x, y):
        a = x
        for w, b in params:
            a = sigmoid(w * a + b)
        return (a - y) ** 2

    params = [(1.5, -0.5), (-2.0, 0.3), (0.7, 0.1)]
    x, y = np.array([0.2, -1.0, 2.5]), np.array([1.0, 0.0, 0.5])
    each = [grad(C_k)(params, float(x_k), float(y_k)) for x_k, y_k in zip(x, y, strict=True)]
    full = grad(lambda params: np.mean(C_k(params, x, y)))(params)
    mean = pytree.map(lambda *parts: sum(parts) / len(parts), *each)
    assert pytree.leaves(full) == pytest.approx(pytree.leaves(mean), rel=1e-12)

    z, a = [], [x]  # by hand: ∂C/∂w(L) = 2(a(L) − y) σ′(z(L)) a(L−1), and through w(L) to the layer before
    for w, b in params:
        z.append(w * a[-1] + b)
        a.append(sigmoid(z[-1]))
    dC_da = 2 * (a[-1] - y)
    for layer in (2, 1, 0):
        dC_dz = dC_da * slope(z[layer])
        assert [d[layer][0] for d in each] == pytest.approx(dC_dz * a[layer])
        assert [d[layer][1] for d in each] == pytest.approx(dC_dz)
        assert full[layer] == pytest.approx((np.mean(dC_dz * a[layer]), np.mean(dC_dz)))
        dC_da = dC_dz * params[layer][0]


# the network of the hand calculation: any W₁, b₁ that give u = (7, −22, −3) for the sample
W1 = np.array([[1.0, 0.0], [2.0, 3.0], [-1.0, 1.0]])
B1 = np.array([4.0, -22.0, 2.0])
W2 = np.array([[2.0, 1.0, 4.0], [-2.0, -1.0, 5.0]])  # rows (w7 w9 w11), (w8 w10 w12)
B2 = np.array([-1.0, 5.0])
SAMPLE, TARGET = np.array([[3.0, -2.0]]), np.array([[1.0, 4.0]])


def by_hand():
    return nn.Sequential([nn.Dense(W1.T, B1), nn.Dense(W2.T, B2)])


def test_a_network_by_hand():
    model = by_hand()
    stepper = nn.Stepper(model)
    outputs = stepper.forward_pass(SAMPLE)
    assert stepper.layers[0].outputs.tolist() == [[7.0, -22.0, -3.0]]
    assert outputs.tolist() == [[-21.0, -2.0]]
    assert nn.half_sse(outputs, TARGET) == 260.0
    dvalues = nn.Node(lambda o: nn.half_sse(o, TARGET)).backward(outputs, 1.0)
    assert dvalues.tolist() == [[-22.0, -6.0]]
    stepper.backward_pass(dvalues)
    first, second = stepper.layers
    assert second.dbiases.tolist() == [-22.0, -6.0]
    assert second.dweights.T.tolist() == [[-154.0, 484.0, 66.0], [-42.0, 132.0, 18.0]]
    assert second.dinputs.tolist() == [[-32.0, -16.0, -118.0]]
    assert first.dbiases.tolist() == [-32.0, -16.0, -118.0]
    assert first.dweights.T.tolist() == [[-96.0, 64.0], [-48.0, 32.0], [-354.0, 236.0]]

    gradient = grad(lambda model: nn.half_sse(model(SAMPLE), TARGET))(model)
    for got, expected in zip(pytree.leaves(gradient), pytree.leaves(stepper.gradients), strict=True):
        np.testing.assert_array_equal(got, expected)
    optimizer = optim.sgd(1 / 100)
    updates, _ = optimizer.update(gradient, optimizer.init(model), model)
    moved = optim.apply_updates(model, updates)
    np.testing.assert_allclose(moved[1].weight.T, W2 - np.array([[-154, 484, 66], [-42, 132, 18]]) / 100)
    np.testing.assert_allclose(moved[0].bias, B1 - np.array([-32, -16, -118]) / 100)


def test_three_rules(rng):
    batch = np.concatenate([SAMPLE, rng.normal(size=(4, 2))])
    for inputs in (SAMPLE, batch):
        stepper = nn.Stepper(by_hand())
        outputs = stepper.forward_pass(inputs)
        stepper.backward_pass(outputs - 1.0)
        for layer, W in zip(stepper.layers, (W1, W2), strict=True):
            columns = layer.dvalues.T  # one sample a column, as the lectures write them
            np.testing.assert_allclose(layer.dinputs.T, W.T @ columns)
            np.testing.assert_allclose(layer.dweights.T, columns @ layer.inputs)
            np.testing.assert_allclose(layer.dbiases, columns.sum(axis=1))


def test_sensitivity_as_numbers():
    def cost(w, b, a_before, y):
        z = w * a_before + b
        a = 1 / (1 + np.exp(-z))
        return (a - y) ** 2

    at = (0.8, 0.1, 0.6, 1.0)
    e = wengert.explain(cost)(*at)
    z, a = step_of(e, "z"), step_of(e, "a")
    dz_dw, da_dz, dC_da = 0.6, slope(0.58), 2 * (sigmoid(0.58) - 1)
    assert e.outgoing("w")[0].local == dz_dw
    assert z.gradient / a.gradient == pytest.approx(da_dz)
    assert a.gradient == pytest.approx(dC_da)
    assert e.gradients["w"] == pytest.approx(dC_da * da_dz * dz_dw)
    nudge = 1e-6
    f = wengert.explain(cost)(at[0] + nudge, *at[1:])
    for before, after, expected in (
        (z, step_of(f, "z"), dz_dw),
        (a, step_of(f, "a"), da_dz * dz_dw),
        (e, f, dC_da * da_dz * dz_dw),
    ):
        assert (after.value - before.value) / nudge == pytest.approx(expected, rel=1e-5)


# ---- models and losses ------------------------------------------------------------------------


def test_linear_regression_exact_and_by_descent(rng):
    X = np.column_stack([np.ones(60), rng.normal(size=(60, 3))])
    y = X @ np.array([1.0, -2.0, 0.5, 3.0]) + 0.1 * rng.normal(size=60)
    exact = np.linalg.inv(X.T @ X) @ X.T @ y
    result = optim.gradient_descent(lambda w: nn.mse(X @ w, y), np.zeros(4), step=0.1, tol=1e-12)
    assert result.converged
    np.testing.assert_allclose(result.x, exact, rtol=1e-9)
    # why not always the exact one: twice the unknowns take eight times the products
    products = {n: eliminated(n) for n in (6, 12, 24)}
    assert products == {n: (n - 1) * n * (n + 1) // 3 for n in products}
    assert products[24] / products[12] == pytest.approx(8, rel=0.01)


def eliminated(n):
    """Multiplications and divisions in Wengert's list of Gaussian elimination of n unknowns."""

    def pivots(A):
        rows = [[A[i, j] for j in range(n)] for i in range(n)]
        for k in range(n):
            for i in range(k + 1, n):
                factor = rows[i][k] / rows[k][k]
                rows[i][k + 1 :] = [a - factor * b for a, b in zip(rows[i][k + 1 :], rows[k][k + 1 :], strict=True)]
        return rows[-1][-1]

    names = [s.primitive.name for s in wengert.explain(pivots)(np.eye(n) + 0.01).steps]
    return names.count("multiply") + names.count("divide")


def test_linear_classifier():
    x, labels = data.blobs(n=300, spread=0.4, centers=((0, 0), (3, 0), (0, 3))).arrays()
    model = nn.Sequential([nn.Dense(np.zeros((2, 3)))])
    assert nn.count_parameters(model) == 3 * 2  # K·d
    with pytest.warns(wengert.FlatDerivativeWarning, match="cross-entropy"):
        gradient = grad(lambda model: nn.accuracy(model(x), labels))(model)
    assert not gradient[0].weight.any()

    logits = model(x[:4])
    p = nn.softmax(logits)
    cross_entropy = -np.mean(np.log(p[np.arange(4), labels[:4]]))
    assert nn.softmax_cross_entropy(logits, labels[:4]) == pytest.approx(cross_entropy) == pytest.approx(np.log(3))
    centred = x - x.mean(axis=0)
    result = training.fit(
        model,
        centred,
        labels,
        loss=nn.softmax_cross_entropy,
        optimizer=optim.adam(0.1),
        epochs=20,
        progress="none",
    )
    chosen = np.argmax(result.model(centred), axis=1)
    assert nn.accuracy(result.model(centred), labels) == np.mean(chosen == labels) > 0.98


def test_perceptron_with_a_step_and_with_a_sigmoid():
    X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([0.0, 0.0, 0.0, 1.0])  # and

    def loss(w, threshold):
        return np.mean((threshold(X @ w[:2] + w[2]) - y) ** 2)

    w = np.array([0.3, 0.2, -0.1])
    for threshold in (nn.step, lambda s: (s > 0) * 1.0, lambda s: (np.sign(s) + 1) / 2):
        with pytest.warns(wengert.FlatDerivativeWarning, match="a sigmoid for a step"):
            assert not grad(loss)(w, threshold).any()
    learned = optim.gradient_descent(lambda w: loss(w, nn.sigmoid), w, step=5.0, max_steps=2000).x
    np.testing.assert_array_equal(nn.step(X @ learned[:2] + learned[2]), y)


def test_logistic_regression_as_matrix_products_on_two_blobs():
    X, y = data.blobs(n=200, spread=0.3).arrays()

    def loss(params):
        w, b = params
        p = 1 / (1 + np.exp(-(X @ w + b)))
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    (w, b) = optim.gradient_descent(loss, (np.zeros(2), 0.0), step=0.5, max_steps=500).x
    assert X.shape == (200, 2)
    assert np.mean((X @ w + b > 0) == y) == 1.0
    # the boundary w·x + b = 0 runs between the two centres, across the line that joins them
    centres = np.array([X[y == k].mean(axis=0) for k in (0, 1)])
    distances = (centres @ w + b) / np.linalg.norm(w)
    assert distances[0] < -0.5
    assert distances[1] > 0.5
    assert np.dot(w, centres[1] - centres[0]) > 0.8 * np.linalg.norm(w) * np.linalg.norm(centres[1] - centres[0])


def test_softmax():
    def softmax(xs):
        return np.exp(xs) / sum(np.exp(xs))

    xs = np.array([-1.0, 0.0, 3.0, 5.0])
    expected = [0.0021657, 0.00588697, 0.11824302, 0.87370431]
    np.testing.assert_allclose(nn.softmax(xs), expected, atol=5e-9)
    p = softmax(xs)
    for function in (softmax, nn.softmax):
        np.testing.assert_allclose(jacobian(function)(xs), np.diag(p) - np.outer(p, p), atol=1e-15)


def test_activations():
    x = np.array([-2.0, -0.5, 0.0, 0.5, 2.0])
    slope_of = lambda f: wengert.elementwise_grad(f)(x)
    positive = x > 0
    np.testing.assert_allclose(nn.sigmoid(x), sigmoid(x))
    np.testing.assert_allclose(slope_of(nn.sigmoid), nn.sigmoid(x) * (1 - nn.sigmoid(x)))
    np.testing.assert_allclose(slope_of(np.tanh), 1 - np.tanh(x) ** 2)
    np.testing.assert_array_equal(nn.relu(x), np.maximum(x, 0))
    np.testing.assert_array_equal(slope_of(nn.relu), positive * 1.0)  # 0 at 0
    assert "at 0 it is 0" in nn.relu.__doc__
    np.testing.assert_array_equal(nn.leaky_relu(x), np.where(positive, x, 0.1 * x))
    np.testing.assert_array_equal(slope_of(nn.leaky_relu), np.where(positive, 1.0, 0.1))
    np.testing.assert_allclose(nn.elu(x), np.where(positive, x, np.exp(x) - 1))
    np.testing.assert_allclose(slope_of(nn.elu), np.where(positive, 1.0, np.exp(x)))
    pieces = (nn.Dense(np.array([[1.0]]), np.array([0.0])), nn.Dense(np.array([[-2.0]]), np.array([1.0])))
    np.testing.assert_array_equal(nn.Maxout(pieces)(x[:, None]).ravel(), np.maximum(x, 1 - 2 * x))
    assert nn.softmax(x).sum() == pytest.approx(1)
    # from the output alone: the record of tanh keeps the output and not the input
    (edge,) = wengert.explain(np.tanh)(0.3).edges
    assert edge.primitive.reads(0, 1) == (False, True)


def test_losses(rng):
    o, t = rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    p, labels = nn.softmax(o), np.array([0, 2, 1, 1])
    one_hot = np.eye(3)[labels]
    ln = np.log
    assert nn.mse(o, t) == pytest.approx(np.mean((o - t) ** 2))
    assert nn.half_sse(o, t) == pytest.approx(0.5 * np.sum((o - t) ** 2))
    entropies = -one_hot * ln(p) - (1 - one_hot) * ln(1 - p)
    assert nn.binary_cross_entropy(p, one_hot) == pytest.approx(np.mean(entropies))
    assert nn.k_class_binary_cross_entropy(p, one_hot) == pytest.approx(np.mean(np.sum(entropies, axis=1)))
    categorical = -np.mean(ln(p[np.arange(4), labels]))
    assert nn.categorical_cross_entropy(p, labels) == pytest.approx(categorical)
    assert nn.softmax_cross_entropy(o, labels) == pytest.approx(categorical)
    np.testing.assert_allclose(grad(nn.softmax_cross_entropy)(o, labels), (p - one_hot) / 4, atol=1e-15)
    np.testing.assert_allclose(grad(nn.half_sse)(o, t), o - t)
    extreme = np.array([[1000.0, -1000.0], [-1000.0, 1000.0]])
    value, d = wengert.value_and_grad(nn.softmax_cross_entropy)(extreme, np.array([1, 1]))
    assert value == 1000.0  # the mean of 2000 and 0
    np.testing.assert_array_equal(d, [[0.5, -0.5], [0.0, 0.0]])


def test_multilayer_perceptron_of_any_depth_and_widths(rng):
    x = rng.normal(size=(6, 5))
    for widths in ([5, 1], [5, 7, 2], [5, 3, 8, 4, 2, 6]):
        model = nn.mlp(random.key(0), widths, activation="tanh")
        dense = [layer for layer in model if isinstance(layer, nn.Dense)]
        assert [layer.weight.shape for layer in dense] == list(itertools.pairwise(widths))
        assert nn.count_parameters(model) == sum((n + 1) * m for n, m in itertools.pairwise(widths))
        a = x.T
        for number, layer in enumerate(dense, 1):
            w = layer.weight.T  # w_jk from unit k to unit j
            s = np.array([[sum(w[j] * column) + layer.bias[j] for column in a.T] for j in range(len(w))])
            a = np.tanh(s) if number < len(dense) else s
        np.testing.assert_allclose(model(x), a.T, rtol=1e-12)
    named = nn.Dense.init(random.key(0), 400, 300, "xavier_uniform").weight
    assert np.abs(named).max() <= np.sqrt(6 / 700)
    assert named.std() == pytest.approx(np.sqrt(2 / 700), rel=0.02)


def test_triangle_problem():
    x, labels = data.triangle(n=400).arrays()
    model = nn.mlp(random.key(1), [2, 3, 1], activation="sigmoid")
    result = training.fit(
        model, x, labels, loss=nn.binary_cross_entropy_with_logits, optimizer=optim.adam(0.1), epochs=150,
        validation=None, progress="none",
    )  # fmt: skip
    learned = result.model
    assert nn.accuracy(learned(x), labels) > 0.95
    # each unit has a line w·x + b = 0; with the signs of the top they point around the circle, as sides do
    normals = (learned[0].weight * np.sign(learned[2].weight.ravel())).T
    angles = np.sort(np.degrees(np.arctan2(normals[:, 1], normals[:, 0])))
    assert np.diff([*angles, angles[0] + 360]).max() < 180
    distances = (x @ learned[0].weight + learned[0].bias)[labels == 1] * np.sign(learned[2].weight.ravel())
    assert np.mean(distances > 0) > 0.9  # the triangle's points lie on the inner side of all three


def test_underfitting_and_overfitting():
    table = data.polynomial_regression(n=40, noise=0.15, seed=1)
    x, y = table["x"], table["y"]
    fitted, held_out = slice(0, None, 2), slice(1, None, 2)
    errors = {}
    for degree in (1, 4, 15):
        powers = np.polynomial.chebyshev.chebvander(2 * x - 1, degree)
        w = np.linalg.lstsq(powers[fitted], y[fitted], rcond=None)[0]
        errors[degree] = tuple(float(nn.mse(powers[part] @ w, y[part])) for part in (fitted, held_out))
    assert errors[15][0] < errors[4][0] < errors[1][0]
    assert errors[4][1] < errors[1][1] < errors[15][1]


# ---- training ---------------------------------------------------------------------------------


def test_gradient_descent_with_step_and_stop():
    def rosenbrock(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    result = optim.gradient_descent(
        rosenbrock, np.array([-1.0, 1.0]), step=1e-3, tol=1e-7, max_steps=100_000, record=True
    )
    last, before = result.trajectory[-1], result.trajectory[-2]
    assert result.converged
    assert np.linalg.norm(last - before) <= 1e-7
    assert all(np.linalg.norm(b - a) > 1e-7 for a, b in itertools.pairwise(result.trajectory[:-1]))
    np.testing.assert_allclose(result.x, 1, atol=1e-3)
    np.testing.assert_allclose(last, before - 1e-3 * grad(rosenbrock)(before))


def test_full_batch_stochastic_and_mini_batch():
    x = np.arange(150.0)[:, None] / 150
    y = 2 * x[:, 0] - 1
    for batch_size, replacement in ((None, False), (1, False), (64, False), (64, True)):
        result = training.fit(
            nn.Sequential([nn.Dense(np.zeros((1, 1)), np.zeros(1))]), x, y, loss=nn.mse,
            optimizer=optim.sgd(0.05 if batch_size == 1 else 0.5), epochs=100 if batch_size else 300,
            batch_size=batch_size, validation=None, replacement=replacement, progress="none",
        )  # fmt: skip
        assert nn.mse(result.model(x), y) < 1e-3
    first, second = (list(data.batches(150, 64, random.key(epoch))) for epoch in (1, 2))
    assert [len(rows) for rows in first] == [64, 64, 22]
    assert sorted(np.concatenate(first)) == sorted(np.concatenate(second)) == list(range(150))
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))  # another order each epoch
    drawn = np.concatenate(list(data.batches(150, 64, random.key(1), replace=True)))
    assert len(set(drawn.tolist())) < len(drawn)


@pytest.mark.parametrize(
    "optimizer",
    [
        optim.sgd(0.5), optim.momentum(0.1), optim.nesterov(0.1), optim.adagrad(0.5), optim.rmsprop(0.02),
        optim.adam(0.05), optim.adamw(0.05),
    ],
    ids=["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"],
)  # fmt: skip
def test_optimisers(optimizer):
    x, labels = data.moons(200).arrays()
    result = training.fit(
        nn.mlp(random.key(0), [2, 16, 2], activation="tanh"), x, labels, loss=nn.softmax_cross_entropy,
        optimizer=optimizer, epochs=60, validation=None, progress="none",
    )  # fmt: skip
    assert result.history["loss"][-1] < 0.3 < result.history["loss"][0]
    assert nn.accuracy(result.model(x), labels) > 0.87


class Layer:
    """The lectures' layer: one sample a column."""

    def __init__(self, weights, biases):
        self.weights, self.biases = weights, biases

    def forward_pass(self, batch_inputs):
        self.inputs = batch_inputs
        return np.dot(self.weights, batch_inputs) + self.biases

    def backward_pass(self, dvalues):
        self.dweights = np.dot(dvalues, self.inputs.T)
        self.dbiases = np.sum(dvalues, axis=1, keepdims=True)
        self.dinputs = np.dot(self.weights.T, dvalues)
        return self.dinputs


class ReLU:
    """The lectures' activation."""

    def forward_pass(self, batch_values):
        self.inputs = batch_values
        return np.maximum(0, batch_values)

    def backward_pass(self, dvalues):
        self.dvalues = dvalues * (self.inputs > 0)
        return self.dvalues


def test_layer_class_and_network(rng):
    model = nn.mlp(random.key(5), [4, 6, 3])
    theirs = [Layer(layer.weight.T, layer.bias[:, None]) if isinstance(layer, nn.Dense) else ReLU() for layer in model]
    ours = nn.Stepper(model)
    x, dvalues = rng.normal(size=(8, 4)), rng.normal(size=(8, 3))
    values, gradient = x.T, dvalues.T
    for layer in theirs:
        values = layer.forward_pass(values)
    for layer in reversed(theirs):
        gradient = layer.backward_pass(gradient)
    np.testing.assert_allclose(ours.forward_pass(x), values.T)
    np.testing.assert_allclose(ours.backward_pass(dvalues), gradient.T)
    for mine, other in zip(ours.layers, theirs, strict=True):
        if isinstance(other, Layer):
            np.testing.assert_allclose(mine.dweights, other.dweights.T)
            np.testing.assert_allclose(mine.dbiases, other.dbiases.ravel())


@pytest.mark.skipif(not BIKES.is_dir(), reason=f"the bike sharing tables are not in {BIKES}")
def test_bike_sharing():
    table = data.Table.read(BIKES / "day.csv")
    asked = {"season", "holiday", "workingday", "weathersit", "temp", "atemp", "hum", "windspeed"}
    assert asked <= set(table.columns)
    np.testing.assert_array_equal(table["casual"] + table["registered"], table["cnt"])
    rows, held_out = data.split_rows(len(table), 0.2, seed=0)
    for target in ("registered", "casual", "cnt"):
        others = {"registered", "casual", "cnt"} - {target}
        encoding = data.Encoding.fit(table.take(rows), target, drop=("instant", "dteday", *others))
        x, y = encoding.inputs(table.take(rows)), encoding.targets(table.take(rows))
        result = training.fit(
            nn.mlp(random.key(0), [x.shape[1], 32, 1]), x, y, loss=nn.mse, optimizer=optim.adam(0.01),
            epochs=60, patience=15, progress="none",
        )  # fmt: skip
        test = table.take(held_out)
        rentals = encoding.decode(result.model(encoding.inputs(test)))
        errors = rentals - test[target]
        assert 1 - errors.var() / test[target].var() > 0.75


def test_saturated_sigmoids_and_dead_relus(rng):
    x, y = rng.normal(size=(100, 4)), rng.normal(size=100)

    def reports(activation, scale, shift):
        model = nn.mlp(random.key(0), [4, 8, 8, 1], activation=activation)
        first = nn.Dense(model[0].weight * scale, model[0].bias + shift)
        model = nn.Sequential([first, *model.layers[1:]])
        loss = lambda model: nn.mse(model(x), y)
        return wengert.explain(loss)(model).health()

    assert all(report.ok for report in reports("relu", 1.0, 0.0))
    assert all(report.ok for report in reports("sigmoid", 1.0, 0.0))
    first, second = reports("relu", 1.0, -50.0 * (np.arange(8) < 3))
    assert (first.name, first.dead, second.dead) == ("model.layers[0]", (0, 1, 2), ())
    first, second = reports("sigmoid", 1.0, 40.0 * (np.arange(8) >= 6))
    assert (first.name, first.dead, first.saturated, second.saturated) == ("model.layers[0]", (), (6, 7), ())
    assert "2 (no. 6, 7) saturated" in str(first)
