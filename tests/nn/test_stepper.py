"""The layer-by-layer interface: the network worked by hand, the backprop equations, batches."""

import itertools

import numpy as np
import pytest
from scipy import special

from wengert import nn, pytree, random
from wengert.errors import ModelError, ShapeError
from wengert.transforms import grad

# 2-3-2, sample (3, -2) -> (1, 4); W1 and b1 are any pair that gives the hidden values (7, -22, -3)
W1 = np.array([[1.0, -2.0], [-4.0, 3.0], [1.0, 2.0]])
B1 = np.array([7.0, -22.0, -3.0]) - W1 @ [3.0, -2.0]
W2 = np.array([[2.0, 1.0, 4.0], [-2.0, -1.0, 5.0]])
B2 = np.array([-1.0, 5.0])


def hand_network():
    return nn.Sequential([nn.Dense(W1.T, B1), nn.Dense(W2.T, B2)])


def test_the_network_by_hand():
    stepper = nn.Stepper(hand_network())
    outputs = stepper.forward_pass(np.array([[3, -2]]))
    target = np.array([[1, 4]])
    assert stepper.layers[0].outputs.tolist() == [[7, -22, -3]]
    assert stepper.layers[1].inputs.tolist() == [[7, -22, -3]]
    assert outputs.tolist() == [[-21, -2]]
    assert nn.half_sse(outputs, target) == 260

    stepper.backward_pass(grad(nn.half_sse)(outputs, target))
    first, second = stepper.layers
    assert second.dvalues.tolist() == [[-22, -6]]
    assert second.dbiases.tolist() == [-22, -6]
    assert second.dweights.T.tolist() == [[-154, 484, 66], [-42, 132, 18]]
    assert second.dinputs.tolist() == first.dvalues.tolist() == [[-32, -16, -118]]
    assert first.dbiases.tolist() == [-32, -16, -118]
    assert first.dweights.T.tolist() == [[-96, 64], [-48, 32], [-354, 236]]

    moved = pytree.map(lambda p, g: p - g / 100, stepper.model, stepper.gradients)
    np.testing.assert_allclose(moved[1].weight.T, W2 - np.array([[-154, 484, 66], [-42, 132, 18]]) / 100)
    np.testing.assert_allclose(moved[0].bias, B1 + np.array([32, 16, 118]) / 100)


def test_in_a_batch_the_rules_sum_over_the_samples(rng):
    x, d = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    stepper = nn.Stepper(hand_network())
    stepper.forward_pass(x)
    stepper.backward_pass(d)
    u = x @ W1.T + B1
    np.testing.assert_allclose(stepper.layers[1].dweights, u.T @ d, rtol=1e-13)
    np.testing.assert_allclose(stepper.layers[1].dbiases, d.sum(axis=0), rtol=1e-13)
    np.testing.assert_allclose(stepper.layers[0].dvalues, d @ W2, rtol=1e-13)
    np.testing.assert_allclose(stepper.layers[0].dweights, x.T @ (d @ W2), rtol=1e-13)


def test_deltas_obey_the_backprop_equations(rng):
    model = nn.mlp(random.key(0), [3, 5, 4, 2], activation="sigmoid", output="sigmoid")
    x, t = rng.normal(size=(6, 3)), rng.random((6, 2))
    stepper = nn.Stepper(model)
    outputs = stepper.forward_pass(x)
    stepper.backward_pass(outputs - t)
    dense, sigmoids = stepper.layers[0::2], stepper.layers[1::2]
    for s in sigmoids:
        slope = s.outputs * (1 - s.outputs)
        np.testing.assert_allclose(s.dinputs, s.dvalues * slope, rtol=1e-12)
    for below, above in itertools.pairwise(dense):
        slope = special.expit(below.outputs) * special.expit(-below.outputs)
        np.testing.assert_allclose(below.dvalues, (above.dvalues @ above.layer.weight.T) * slope, rtol=1e-12)
    for layer in dense:
        np.testing.assert_allclose(layer.dbiases, layer.dvalues.sum(axis=0), rtol=1e-12)
        np.testing.assert_allclose(layer.dweights, layer.inputs.T @ layer.dvalues, rtol=1e-12)


def test_gradients_equal_those_of_the_whole(rng):
    model = nn.mlp(random.key(1), [3, 4, 2], activation="tanh")
    x, t = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    stepper = nn.Stepper(model)
    outputs = stepper.forward_pass(x)
    stepper.backward_pass(grad(nn.mse)(outputs, t))
    whole = grad(lambda m: nn.mse(m(x), t))(model)
    assert isinstance(stepper.gradients, nn.Sequential)
    pytree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12), stepper.gradients, whole)


def test_a_single_layer_and_layers_without_weights():
    stepper = nn.Stepper(nn.Dense(np.eye(2)))
    stepper.forward_pass(np.ones((1, 2)))
    stepper.backward_pass(np.ones((1, 2)))
    assert len(stepper.layers) == 1
    assert stepper.layers[0].dbiases is None
    relu = nn.LayerStepper(nn.Activation("relu"))
    relu.forward_pass(np.array([[5.0, -1.0, 0.0]]))
    assert relu.backward_pass(np.array([[2.0, 2.0, 2.0]])).tolist() == [[2.0, 0.0, 0.0]]
    assert relu.dweights is None


def test_misuse():
    layer = nn.LayerStepper(nn.Dense(np.eye(2)))
    with pytest.raises(ModelError, match=r"forward_pass\(inputs\) first"):
        layer.backward_pass(np.ones((1, 2)))
    layer.forward_pass(np.ones((3, 2)))
    with pytest.raises(ShapeError, match=r"outputs of shape \(3, 2\).*has shape \(2, 2\)"):
        layer.backward_pass(np.ones((2, 2)))


def test_the_sigmoid_node_of_the_slides():
    node, x = nn.Node(nn.sigmoid), np.array([-1.0, 0.0, 2.0])
    s = special.expit(x)
    np.testing.assert_allclose(node.forward(x), s, rtol=1e-15)
    np.testing.assert_allclose(node.backward(x, np.array([3.0, 1.0, -2.0])), s * (1 - s) * [3, 1, -2], rtol=1e-14)


def test_a_node_of_several_inputs():
    node = nn.Node(lambda x, y, z: (x + y) * z)
    inputs = (-2.0, 5.0, -4.0)
    assert node.forward(inputs) == -12
    assert [float(g) for g in node.backward(inputs, 1.0)] == [-4.0, -4.0, 3.0]


def test_a_node_of_a_layer_keeps_float32():
    x = np.ones((2, 3), np.float32)
    node = nn.Node(nn.Dense(np.ones((3, 2), np.float32)))
    gradient = node.backward(x, np.ones((2, 2), np.float32))
    assert gradient.dtype == np.float32
    assert gradient.tolist() == [[2.0] * 3] * 2
