"""Layers against plain NumPy, their gradients against the matrix formulas, and what they say when misused."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from wengert import nn, pytree, random
from wengert.errors import ModelError, ShapeError
from wengert.transforms import grad, value_and_grad, vjp

KEY = random.key(0)


def test_dense_is_x_w_plus_b(rng):
    w, b, x = rng.normal(size=(3, 2)), rng.normal(size=2), rng.normal(size=(5, 3))
    np.testing.assert_array_equal(nn.Dense(w, b)(x), x @ w + b)
    np.testing.assert_array_equal(nn.Dense(w)(x), x @ w)
    np.testing.assert_array_equal(nn.Dense(w, b)(x[0]), x[0] @ w + b)


def test_dense_gradients_are_the_matrix_formulas(rng):
    w, b, x, d = rng.normal(size=(3, 2)), rng.normal(size=2), rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    layer_gradient, x_gradient = vjp(lambda layer, x: layer(x), nn.Dense(w, b), x)[1](d)
    np.testing.assert_allclose(layer_gradient.weight, x.T @ d, rtol=1e-13)
    np.testing.assert_allclose(layer_gradient.bias, d.sum(axis=0), rtol=1e-13)
    np.testing.assert_allclose(x_gradient, d @ w.T, rtol=1e-13)


def test_a_model_is_a_tree_and_so_is_its_gradient():
    model = nn.mlp(KEY, [4, 3, 2])
    value, gradient = value_and_grad(lambda m, x: np.sum(m(x)))(model, np.ones((2, 4)))
    assert np.isfinite(value)
    assert [path for path, _ in pytree.flatten_with_paths(model)] == [
        ".layers[0].weight", ".layers[0].bias", ".layers[2].weight", ".layers[2].bias",
    ]  # fmt: skip
    assert isinstance(gradient, nn.Sequential)
    assert [leaf.shape for leaf in pytree.leaves(gradient)] == [leaf.shape for leaf in pytree.leaves(model)]
    np.testing.assert_array_equal(gradient[2].bias, [2.0, 2.0])


def test_float32_stays_float32_through_a_step():
    model = nn.mlp(KEY, [4, 8, 3], activation="sigmoid", dropout=0.5, dtype=np.float32)
    x, y = np.ones((6, 4), np.float32), np.array([0, 1, 2, 0, 1, 2])

    def loss(model):
        return nn.softmax_cross_entropy(model(x, key=KEY, training=True), y)

    value, gradient = value_and_grad(loss)(model)
    assert value.dtype == np.float32
    assert {leaf.dtype for leaf in pytree.leaves(gradient)} == {np.dtype(np.float32)}


def test_maxout_is_the_largest_piece(rng):
    pieces = [(rng.normal(size=(3, 2)), rng.normal(size=2)) for _ in range(4)]
    x = rng.normal(size=(5, 3))
    layer = nn.Maxout(tuple(nn.Dense(w, b) for w, b in pieces))
    stacked = np.stack([x @ w + b for w, b in pieces])
    np.testing.assert_allclose(layer(x), stacked.max(axis=0))
    gradient = grad(lambda layer: np.sum(layer(x)))(layer)
    winner = stacked.argmax(axis=0)
    for k, piece in enumerate(gradient.pieces):
        np.testing.assert_allclose(piece.weight, x.T @ (winner == k), rtol=1e-13)


def test_maxout_init_and_shapes():
    layer = nn.Maxout.init(KEY, 4, 3, pieces=3, dtype=np.float32)
    assert [piece.weight.shape for piece in layer.pieces] == [(4, 3)] * 3
    assert not np.array_equal(layer.pieces[0].weight, layer.pieces[1].weight)
    with pytest.raises(ShapeError, match="of one shape"):
        nn.Maxout((nn.Dense(np.ones((2, 3))), nn.Dense(np.ones((2, 4)))))
    with pytest.raises(ShapeError, match="none at all"):
        nn.Maxout(())


def test_dropout_keeps_the_mean_and_rests_outside_of_training():
    x = np.ones((200, 100), np.float32)
    layer = nn.Dropout(0.25)
    dropped = layer(x, key=KEY, training=True)
    assert dropped.dtype == np.float32
    assert set(np.unique(dropped)) == {np.float32(0), np.float32(1 / 0.75)}
    assert float(np.mean(dropped == 0)) == pytest.approx(0.25, abs=0.02)
    assert layer(x) is x
    assert layer(x, key=KEY) is x
    assert nn.Dropout(0.0)(x, training=True) is x


def test_dropout_repeats_with_its_key_and_its_gradient_has_the_same_mask():
    x = np.ones((4, 5))
    layer = nn.Dropout(0.5)
    once = layer(x, key=KEY, training=True)
    np.testing.assert_array_equal(layer(x, key=KEY, training=True), once)
    assert not np.array_equal(layer(x, key=random.key(1), training=True), once)
    np.testing.assert_array_equal(grad(lambda x: np.sum(layer(x, key=KEY, training=True)))(x), once)


def test_dropout_without_a_key_says_what_to_write():
    model = nn.mlp(KEY, [2, 4, 1], dropout=0.5)
    with pytest.raises(ModelError, match=r"model\(x, key=wengert\.random\.key\(0\), training=True\)"):
        model(np.ones((1, 2)), training=True)
    with pytest.raises(ModelError, match=r"\[0, 1\)"):
        nn.Dropout(1.0)


def test_layers_of_a_sequential_draw_different_numbers():
    model = nn.Sequential([nn.Dropout(0.5), nn.Dropout(0.5)])
    x = np.ones((1, 4000))
    kept = np.mean(model(x, key=KEY, training=True) > 0)
    assert float(kept) == pytest.approx(0.25, abs=0.04)


def test_sequential_takes_functions_and_is_a_sequence():
    model = nn.Sequential([nn.Dense(np.ones((2, 2))), np.tanh, nn.relu, lambda x: 2 * x])
    assert len(model) == 4
    assert next(iter(model)) is model[0]
    assert repr(model[1:3]) == "(Activation(tanh), Activation(relu))"
    np.testing.assert_allclose(model(np.ones((1, 2))), 2 * np.tanh([[2.0, 2.0]]))
    assert len(pytree.leaves(model)) == 1


def test_sequential_refuses_what_it_could_not_train():
    class Plain:
        def __call__(self, x, **_):
            return x

    with pytest.raises(ModelError, match="Plain is no tree"):
        nn.Sequential([Plain()])
    with pytest.raises(ModelError, match="is none"):
        nn.Sequential(["relu"])
    with pytest.raises(ModelError, match="is none"):
        nn.Sequential([nn.Dense])


def test_a_users_own_layer_takes_part():
    @dataclass(frozen=True)
    class Scale:
        factor: Any

        def __call__(self, x, *, key=None, training=False):
            return self.factor * x

    model = nn.Sequential([nn.Dense(np.eye(2)), Scale(np.float64(3.0))])
    gradient = grad(lambda m: np.sum(m(np.ones((1, 2)))))(model)
    assert float(gradient[1].factor) == 2.0


def test_mlp_layers_sizes_and_defaults():
    model = nn.mlp(KEY, [3, 5, 4, 2], activation="tanh", dropout=0.1, output="softmax")
    assert repr(model) == (
        "Sequential(layers=(Dense(3 → 5), Activation(tanh), Dropout(rate=0.1), "
        "Dense(5 → 4), Activation(tanh), Dropout(rate=0.1), Dense(4 → 2), Activation(softmax)))"
    )
    assert nn.count_parameters(model) == 3 * 5 + 5 + 5 * 4 + 4 + 4 * 2 + 2
    assert not model[0].bias.any()
    assert float(np.abs(nn.mlp(KEY, [3, 50])[0].weight).max()) <= np.sqrt(6 / 53)
    relu = nn.mlp(KEY, [300, 50, 1])
    assert float(np.abs(relu[0].weight).max()) > 0.99 * np.sqrt(6 / 300)


@pytest.mark.parametrize("sizes", [[], [3], [3, 0], [3, 2.5]])
def test_mlp_sizes_that_are_none(sizes):
    with pytest.raises(ModelError):
        nn.mlp(KEY, sizes)


@pytest.mark.parametrize(
    ("shape", "mend"),
    [
        ((200, 63), r"nn\.mlp\(key, \[63, …\]\)"),
        ((200, 8, 8), r"x\.reshape\(len\(x\), -1\)"),
        ((64, 200), r"x\.T"),
        ((), "with 1 inputs"),
    ],
)
def test_wrong_shapes_name_the_layer_both_shapes_and_the_mend(shape, mend):
    model = nn.Sequential([nn.relu, nn.Dense(np.zeros((64, 10)), np.zeros(10))])
    with pytest.raises(ShapeError, match=mend) as caught:
        model(np.zeros(shape))
    text = str(caught.value)
    assert text.startswith("layers[1]: Dense(64 → 10) takes rows of 64 numbers (weight (64, 10))")
    assert f"x has shape {shape}" in text


def test_wrong_shapes_are_caught_while_differentiating_too():
    model = nn.mlp(KEY, [64, 10])
    with pytest.raises(ShapeError, match=r"x has shape \(200, 63\)"):
        grad(lambda m: np.sum(m(np.zeros((200, 63)))))(model)


def test_one_input_and_lists():
    with pytest.raises(ShapeError, match=r"x\[:, None\]"):
        nn.Dense(np.zeros((1, 10)))(np.zeros(30))
    with pytest.raises(ShapeError, match="not a list"):
        nn.Dense(np.zeros((1, 10)))([[1.0]])


def test_dense_weights_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"not \(2, 3\) and \(3, 1\).*nn\.Dense\(W\.T, b\.ravel\(\)\)"):
        nn.Dense(np.zeros((2, 3)), np.zeros((3, 1)))
    with pytest.raises(ShapeError, match=r"not \(2,\) and None"):
        nn.Dense(np.zeros(2))
