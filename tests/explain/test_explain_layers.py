"""Layers in a recording: deltas, and units that are dead or saturated."""

import numpy as np
import pytest

import wengert
from wengert import nn, random


def quadratic(model, x, y):
    return nn.half_sse(model(x), y)


def test_deltas_of_a_model_are_what_backpropagation_hands_back(rng):
    model = nn.mlp(random.key(1), [3, 5, 4, 2], activation="tanh")
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    deltas = wengert.explain(quadratic, argnums=0)(model, x, y).deltas()
    assert list(deltas) == ["model.layers[0]", "model.layers[2]", "model.layers[4]"]
    stepper = nn.Stepper(model)
    stepper.backward_pass(stepper.forward_pass(x) - y)
    for k in (0, 2, 4):
        np.testing.assert_allclose(deltas[f"model.layers[{k}]"], stepper.layers[k].dvalues, rtol=1e-12)


def test_parameters_without_a_tree_are_layers_of_their_own():
    e = wengert.explain(lambda U, b, h: np.sum((U @ h + b) ** 2))(np.eye(2), np.ones(2), np.array([1.0, 2.0]))
    assert {name: step.name for name, step in e.pre_activations().items()} == {
        "U": "v1",
        "h": "v1",
        "b": "v2",
    }
    assert e.deltas()["b"].tolist() == [4.0, 6.0]


def test_weights_that_go_in_transposed_and_flat_parameters():
    def loss(theta, x):
        W = theta[:4].reshape(2, 2)
        return np.sum(np.tanh(x @ W.T + theta[4:]) ** 2)

    x = np.array([[1.0, -1.0], [0.5, 2.0]])
    e = wengert.explain(loss, argnums=0)(np.arange(6.0) / 10, x)
    delta = e.deltas()["theta"]
    s = x @ np.array([[0.0, 0.1], [0.2, 0.3]]).T + np.array([0.4, 0.5])
    np.testing.assert_allclose(delta, 2 * np.tanh(s) * (1 - np.tanh(s) ** 2))


def test_layers_in_one_dict_and_layers_used_twice():
    def loss(p, x):
        h = np.tanh(x @ p["W"] + p["b"])
        h = np.tanh(h @ p["W"] + p["b"])
        return np.sum(h)

    e = wengert.explain(loss, argnums=0)({"W": np.eye(2), "b": np.zeros(2)}, np.ones((1, 2)))
    assert list(e.deltas()) == ["p['b'] in v2", "p['b'] in v5"]
    np.testing.assert_allclose(e.deltas()["p['b'] in v5"], 1 - np.tanh(np.tanh(np.ones((1, 2)))) ** 2)


@pytest.mark.parametrize("relu", [nn.relu, lambda s: np.maximum(s, 0.0), lambda s: np.where(s > 0, s, 0.0)])
def test_dead_units_are_found(relu, rng):
    W = rng.normal(size=(3, 4))
    model = nn.Sequential([nn.Dense(W, np.array([0.0, -100.0, 0.0, -100.0])), relu, nn.Dense(np.ones((4, 1)))])
    (report,) = wengert.explain(quadratic, argnums=0)(model, rng.normal(size=(20, 3)), np.zeros(20)).health()
    assert (report.name, report.units, report.samples) == ("model.layers[0]", 4, 20)
    assert (report.dead, report.saturated, report.ok) == ((1, 3), (), False)
    assert str(report).startswith("model.layers[0]: of 4 units on 20 samples 2 (no. 1, 3) dead")


@pytest.mark.parametrize("squash", [nn.sigmoid, np.tanh, lambda s: 1 / (1 + np.exp(-s))])
def test_saturated_units_are_found(squash, rng):
    bias = np.array([0.0, 30.0, -30.0])
    model = nn.Sequential([nn.Dense(rng.normal(size=(2, 3)), bias), squash, nn.Dense(np.ones((3, 1)))])
    (report,) = wengert.explain(quadratic, argnums=0)(model, rng.normal(size=(20, 2)), np.zeros(20)).health()
    assert (report.dead, report.saturated) == ((), (1, 2))
    assert report.flat == pytest.approx(2 / 3, abs=0.05)


def test_healthy_layers_are_all_there_and_ok(rng):
    model = nn.mlp(random.key(0), [3, 8, 8, 1], activation="tanh")
    reports = wengert.explain(quadratic)(model, rng.normal(size=(50, 3)), rng.normal(size=50)).health()
    assert [report.name for report in reports] == ["model.layers[0]", "model.layers[2]"]
    assert all(report.ok and report.flat == 0.0 for report in reports)


def test_one_layer_has_no_hidden_units_to_report():
    model = nn.Sequential([nn.Dense(np.ones((2, 1))), nn.sigmoid])
    assert wengert.explain(quadratic, argnums=0)(model, np.full((3, 2), 90.0), np.zeros(3)).health() == []


# ---- any network


def by_differences(shifted, s, h=1e-6):
    """∂J/∂s by central differences, where ``shifted(d)`` is J with s + d in the place of s."""
    d = np.zeros_like(s)
    out = np.empty_like(s)
    for k in np.ndindex(s.shape):
        d[k] = h
        up = shifted(d)
        d[k] = -h
        out[k] = (up - shifted(d)) / (2 * h)
        d[k] = 0.0
    return out


def test_deltas_of_a_convolution(rng):
    K, b = rng.normal(size=(2, 2, 1, 3)), rng.normal(size=3)
    W, c = rng.normal(size=(27, 2)), rng.normal(size=2)
    model = nn.Sequential([nn.Conv2d(K, b, padding="valid"), nn.tanh, nn.Flatten(), nn.Dense(W, c)])
    x, y = rng.normal(size=(2, 4, 4, 1)), rng.normal(size=(2, 2))
    e = wengert.explain(quadratic, argnums=0)(model, x, y)
    assert list(e.deltas()) == ["model.layers[0]", "model.layers[3]"]
    s = e.pre_activations()["model.layers[0]"].value
    windows = np.lib.stride_tricks.sliding_window_view(x[..., 0], (2, 2), axis=(1, 2))
    np.testing.assert_allclose(s, np.einsum("nhwij,ijk->nhwk", windows, K[:, :, 0]) + b, rtol=1e-12)
    last = np.tanh(s).reshape(2, -1) @ W + c - y
    np.testing.assert_allclose(e.deltas()["model.layers[3]"], last, rtol=1e-12)
    expected = (last @ W.T).reshape(s.shape) * (1 - np.tanh(s) ** 2)
    np.testing.assert_allclose(e.deltas()["model.layers[0]"], expected, rtol=1e-12)
    np.testing.assert_allclose(e.gradients["model.layers[0].bias"], expected.sum(axis=(0, 1, 2)), rtol=1e-12)


def test_deltas_of_a_recurrent_layer_at_each_time(rng):
    model = nn.Sequential([nn.RNN.init(random.key(0), 2, 3), nn.Dense.init(random.key(1), 3, 1)])
    cell = model.layers[0].cells[0]
    x, y = rng.normal(size=(4, 3, 2)), rng.normal(size=(4, 1))
    e = wengert.explain(quadratic, argnums=0)(model, x, y)
    *times, last = e.pre_activations().values()
    assert last is e.pre_activations()["model.layers[1]"]
    h, s = np.zeros((4, 3)), []
    for t in range(3):
        s.append(x[:, t] @ cell.weight + cell.bias + h @ cell.recurrent)
        h = np.tanh(s[-1])
    np.testing.assert_allclose([step.value for step in times], s, rtol=1e-12)
    # through time: δ_t = (what comes from above + δ_{t+1} Uᵀ) ⊙ σ′(s_t)
    above = (h @ model.layers[1].weight + model.layers[1].bias - y) @ model.layers[1].weight.T
    delta = above * (1 - np.tanh(s[2]) ** 2)
    for t in (2, 1, 0):
        np.testing.assert_allclose(times[t].gradient, delta, rtol=1e-10)
        if t:
            delta = delta @ cell.recurrent.T * (1 - np.tanh(s[t - 1]) ** 2)


def test_deltas_of_normalisation_and_maxout(rng):
    W, V = rng.normal(size=(3, 4)), [rng.normal(size=(4, 2)) for _ in range(2)]
    norm = nn.LayerNorm.init(4)
    model = nn.Sequential([nn.Dense(W), norm, nn.tanh, nn.Maxout(tuple(nn.Dense(v) for v in V))])
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    e = wengert.explain(quadratic, argnums=0)(model, x, y)
    assert list(e.deltas()) == [
        "model.layers[0]", "model.layers[1]", "model.layers[3].pieces[0]", "model.layers[3].pieces[1]"
    ]  # fmt: skip

    def after(s):
        a = np.tanh(s)
        return 0.5 * np.sum((np.maximum(a @ V[0], a @ V[1]) - y) ** 2)

    s = e.pre_activations()["model.layers[1]"].value
    np.testing.assert_allclose(s, norm(x @ W), rtol=1e-12)
    expected = by_differences(lambda d: after(s + d), s)
    np.testing.assert_allclose(e.deltas()["model.layers[1]"], expected, rtol=1e-6, atol=1e-8)


def test_deltas_of_a_residual_network_in_plain_functions(rng):
    def block(p, x):
        s = x @ p["W"] + p["b"]
        return x + np.maximum(s, 0.0)

    def loss(params, x):
        for p in params:
            x = block(p, x)
        return np.sum(x**2)

    params = [{"W": rng.normal(size=(3, 3)), "b": rng.normal(size=3)} for _ in range(2)]
    x = rng.normal(size=(4, 3))
    e = wengert.explain(loss, argnums=0)(params, x)
    s0 = x @ params[0]["W"] + params[0]["b"]
    x1 = x + np.maximum(s0, 0)
    s1 = x1 @ params[1]["W"] + params[1]["b"]
    d1 = 2 * (x1 + np.maximum(s1, 0)) * (s1 > 0)
    d0 = (2 * (x1 + np.maximum(s1, 0)) + d1 @ params[1]["W"].T) * (s0 > 0)
    np.testing.assert_allclose(e.deltas()["params[1]"], d1, rtol=1e-12)
    np.testing.assert_allclose(e.deltas()["params[0]"], d0, rtol=1e-12)
    assert [step.variable for step in e.pre_activations().values()] == ["s", "s"]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_gated_layers_have_a_delta_at_each_time(kind, rng):
    model = nn.Sequential([kind.init(random.key(0), 2, 3), nn.Dense.init(random.key(1), 3, 1)])
    x, y = rng.normal(size=(4, 5, 2)), rng.normal(size=(4, 1))
    e = wengert.explain(quadratic, argnums=0)(model, x, y)
    assert {scope.turn for step in e.pre_activations().values() for scope in step.scopes if scope.kind == "loop"} == {
        1, 2, 3, 4, 5
    }  # fmt: skip
    expected = wengert.grad(quadratic)(model, x, y)
    np.testing.assert_allclose(
        e.gradients["model.layers[0].cells[0].recurrent"], expected.layers[0].cells[0].recurrent, rtol=1e-9
    )
