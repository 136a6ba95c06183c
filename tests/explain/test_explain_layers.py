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
