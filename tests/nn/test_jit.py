"""Whole steps of training under jit: forward, backward, noise, what is remembered, and the optimiser."""

import numpy as np
import pytest

from wengert import jit, make_program, nn, optim, pytree, random, value_and_grad

RNG = np.random.default_rng(12)
KEYS = random.split(random.key(9), 4)


def noisy():
    layers = [
        nn.Dense.init(KEYS[0], 3, 4, bias=False),
        nn.BatchNorm.init(4),
        nn.Dropout(0.3),
        nn.Dense.init(KEYS[1], 4, 1),
    ]
    return nn.Sequential(layers), RNG.normal(size=(5, 3))


def convolutional():
    layers = [
        nn.Conv2d.init(KEYS[0], 1, 4, bias=False), nn.BatchNorm.init(4), nn.relu, nn.MaxPool2d(2),
        nn.Conv2d.init(KEYS[1], 4, 4, strides=2), nn.LayerNorm.init(4), nn.MaxPool2d(3, 1, "same"),
        nn.AvgPool2d(2, 1, "same"), nn.GlobalAvgPool(), nn.Dense.init(KEYS[2], 4, 1),
    ]  # fmt: skip
    return nn.Sequential(layers), RNG.normal(size=(5, 9, 9, 1))


def recurrent():
    deep = nn.LSTM.init(KEYS[0], 3, 4, 2, dropout=0.3, return_sequences=True)
    return nn.Sequential([deep, nn.GRU.init(KEYS[1], 4, 4), nn.Dense.init(KEYS[2], 4, 1)]), RNG.normal(size=(5, 6, 3))


def embedded():
    layers = [nn.Embedding.init(KEYS[0], 7, 3), nn.RNN.init(KEYS[1], 3, 4), nn.Dense.init(KEYS[2], 4, 1)]
    return nn.Sequential(layers), RNG.integers(0, 7, (5, 6))


@pytest.mark.parametrize("made", [noisy, convolutional, recurrent, embedded])
def test_a_compiled_step_is_the_step(made):
    model, x = made()
    optimizer = optim.adamw(0.05)

    def step(model, state, x, key, number):
        def objective(model):
            y, after = nn.apply(model, x, random.fold_in(key, number), True)
            return (y**2).mean(), nn.state_of(after)

        (loss, remembered), gradients = value_and_grad(objective, has_aux=True)(model)
        updates, state = optimizer.update(gradients, state, model)
        return nn.with_state(optim.apply_updates(model, updates), remembered), state, loss

    key, compiled = random.key(3), jit(step)
    here = there = (model, optimizer.init(model))
    for number in range(3):
        *here, loss = step(*here, x, key, number)
        *there, other = compiled(*there, x, key, number)
        np.testing.assert_allclose(other, loss, rtol=1e-13)
        for a, b in zip(pytree.leaves(here), pytree.leaves(there), strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-11, atol=1e-13)
    assert "random_bits" in str(make_program(step)(*here, x, key, 0)) or not model.draws
