"""Convolutional and pooling layers against loops over windows."""

import numpy as np
import pytest

from wengert import check_grads, grad, make_program, nn, optim, pytree, random, training, vmap
from wengert.convolution import pads
from wengert.errors import ModelError, ShapeError

RNG = np.random.default_rng(4)
CONVS = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}


def windows(x, window, strides, around, empty):
    """The elements of each window of one sample: place -> (elements, channels), padding left out where empty is None."""
    places = [(n + sum(p) - w) // s + 1 for n, p, w, s in zip(x.shape, around, window, strides, strict=False)]
    for place in np.ndindex(*places):
        found = []
        for offset in np.ndindex(*window):
            at = tuple(p * s + o - a for p, s, o, (a, _) in zip(place, strides, offset, around, strict=True))
            if all(0 <= i < n for i, n in zip(at, x.shape, strict=False)):
                found.append(x[at])
            elif empty is not None:
                found.append(np.full(x.shape[-1], empty))
        yield place, np.array(found)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("padding", ["same", "valid", 1])
def test_conv_is_a_product_at_every_place(axes, padding):
    layer = CONVS[axes].init(random.key(1), 2, 3, window=(2, 3, 2)[:axes], strides=2, padding=padding)
    layer = pytree.map(lambda leaf: leaf + 0.1, layer)  # a bias that is seen
    x = RNG.normal(size=(2, *(5, 6, 4)[:axes], 2))
    y = layer(x)
    window = layer.weight.shape[:axes]
    around = pads(padding, x.shape[1:-1], window, (2,) * axes)
    seen = 0
    for sample, out in zip(x, y, strict=True):
        for place, elements in windows(sample, window, (2,) * axes, around, 0.0):
            want = np.einsum("wi,wio->o", elements, layer.weight.reshape(-1, 2, 3)) + layer.bias
            np.testing.assert_allclose(out[place], want, rtol=1e-12, atol=1e-13)
            seen += 1
    assert seen == y[..., 0].size


def test_conv_in_groups_without_bias_and_dilated():
    layer = nn.Conv2d.init(random.key(1), 4, 6, groups=2, bias=False, dilation=2, dtype=np.float32)
    assert layer.weight.shape == (3, 3, 2, 6)
    assert layer.bias is None
    y = layer(np.ones((1, 7, 7, 4), np.float32))
    assert (y.shape, y.dtype) == ((1, 7, 7, 6), np.float32)
    np.testing.assert_allclose(y[0, 3, 3], layer.weight.sum((0, 1, 2)), rtol=1e-5)
    assert len(pytree.leaves(layer)) == 1


def test_initial_values_count_the_window():
    # he: variance 2 / (window · inputs); glorot: 2 / (window · (inputs + outputs))
    w = nn.Conv2d.init(random.key(0), 16, 64, window=5, init="he_normal").weight
    assert abs(w.var() * 25 * 16 / 2 - 1) < 0.05
    w = nn.Conv1d.init(random.key(0), 32, 96, window=7, init="xavier_uniform").weight
    assert abs(w.var() * 7 * (32 + 96) / 2 - 1) < 0.05


@pytest.mark.parametrize(
    ("axes", "window", "strides", "padding"),
    [
        (1, 2, None, "valid"), (1, 3, 2, "same"), (1, 3, 1, ((1, 0),)), (2, 2, None, "valid"), (2, (2, 3), None, "same"),
        (2, 3, 2, "same"), (2, (3, 2), (1, 2), 1), (2, 2, 3, "valid"),
    ],
)  # fmt: skip
def test_pools_are_the_maximum_and_the_mean_of_each_window(axes, window, strides, padding):
    largest, mean = ((nn.MaxPool1d, nn.AvgPool1d), (nn.MaxPool2d, nn.AvgPool2d))[axes - 1]
    x = RNG.normal(size=(2, *(7, 8)[:axes], 3))
    tops, means = largest(window, strides, padding)(x), mean(window, strides, padding)(x)
    sizes = (window,) * axes if isinstance(window, int) else window
    moves = sizes if strides is None else (strides,) * axes if isinstance(strides, int) else strides
    around = pads(padding, x.shape[1:-1], sizes, moves)
    seen = 0
    for sample, top, middle in zip(x, tops, means, strict=True):
        for place, elements in windows(sample, sizes, moves, around, None):
            np.testing.assert_array_equal(top[place], elements.max(0))
            np.testing.assert_allclose(middle[place], elements.mean(0), rtol=1e-13, atol=1e-15)
            seen += 1
    assert seen == tops[..., 0].size == means[..., 0].size


def test_what_ties_in_a_window_shares_the_derivative():
    for pool in (nn.MaxPool1d(3), nn.MaxPool1d(3, 1)):
        d = grad(lambda x, pool=pool: pool(x).sum())(np.array([2.0, 1.0, 2.0]).reshape(1, 3, 1))
        np.testing.assert_array_equal(d.ravel(), [0.5, 0.0, 0.5])


def test_pools_keep_the_dtype():
    x = np.ones((1, 5, 5, 2), np.float32)
    for pool in (nn.MaxPool2d(2), nn.AvgPool2d(2), nn.AvgPool2d(3, 1, "same"), nn.MaxPool2d(3, 1, "same")):
        assert pool(x).dtype == np.float32


def network(key):
    first, second, last = random.split(key, 3)
    return nn.Sequential([
        nn.Conv2d.init(first, 1, 4), nn.tanh, nn.MaxPool2d(2), nn.Conv2d.init(second, 4, 4, strides=2), nn.tanh,
        nn.AvgPool2d(2, padding="same"), nn.Flatten(), nn.Dense.init(last, 4, 2),
    ])  # fmt: skip


def test_a_network_is_differentiated_staged_and_batched():
    model, x = network(random.key(3)), RNG.normal(size=(3, 8, 8, 1))
    loss = lambda model, x: np.sum(model(x) ** 2)
    check_grads(loss, (model, x), order=1)
    program = make_program(grad(loss))(model, x)
    for got, want in zip(program(*pytree.leaves(model), x), pytree.leaves(grad(loss)(model, x)), strict=True):
        np.testing.assert_array_equal(got, want)
    each = vmap(grad(lambda model, x: loss(model, x[None])), (None, 0))(model, x)
    for got, want in zip(pytree.leaves(each), pytree.leaves(grad(loss)(model, x)), strict=True):
        np.testing.assert_allclose(got.sum(0), want, rtol=1e-10, atol=1e-12)


def test_a_network_learns():
    # bars that lie or stand, anywhere
    x = np.zeros((200, 8, 8, 1))
    y = RNG.integers(0, 2, 200)
    for image, lies in zip(x, y, strict=True):
        k = RNG.integers(0, 8)
        image[(k, slice(None)) if lies else (slice(None), k)] = 1.0
    result = training.fit(
        network(random.key(0)), x, y, loss=nn.softmax_cross_entropy, optimizer=optim.adam(0.02), epochs=8,
        batch_size=20, metrics={"accuracy": nn.accuracy}, progress="none",
    )  # fmt: skip
    assert result.history["validation_accuracy"][-1] == 1.0


def test_other_ends_of_spatial_axes():
    x = RNG.normal(size=(2, 3, 4, 5))
    np.testing.assert_allclose(nn.GlobalAvgPool()(x), x.mean((1, 2)), rtol=1e-14)
    np.testing.assert_array_equal(nn.Flatten()(x), x.reshape(2, -1))
    assert nn.Flatten()(x[:0]).shape == (0, 60)


def test_refusals():
    with pytest.raises(ShapeError, match=r"Conv2d takes a weight of shape \(height, width, inputs"):
        nn.Conv2d(np.ones((3, 2, 4)))
    with pytest.raises(ModelError, match="groups divide"):
        nn.Conv1d.init(random.key(0), 3, 4, groups=2)
    with pytest.raises(ShapeError, match="channels first"):
        nn.Conv2d.init(random.key(0), 3, 4)(np.ones((1, 3, 8, 8)))
    with pytest.raises(ShapeError, match="spatial axes in the middle"):
        nn.MaxPool2d(2)(np.ones((2, 8, 8)))
    with pytest.raises(ShapeError, match="has no place"):
        nn.MaxPool2d(4)(np.ones((2, 3, 8, 1)))
    with pytest.raises(ShapeError, match="strides is"):
        nn.AvgPool1d(2, 0)
