"""Whole networks under every transform: forward against reverse, second order, one gradient a sample."""

import numpy as np
import pytest

from wengert import nn, pytree, random
from wengert.nn.activations import ACTIVATIONS
from wengert.nn.losses import LOSSES
from wengert.transforms import check_grads, grad, jvp, vmap

KEY = random.key(0)
SMOOTH = sorted(set(ACTIVATIONS) - {"step"})


def network(activation):
    return nn.mlp(KEY, [4, 5, 3], activation=activation, dropout=0.2)


@pytest.fixture
def batch(rng):
    return rng.normal(size=(6, 4)), rng.integers(0, 3, 6)


def loss_of(x, y):
    return lambda model: nn.softmax_cross_entropy(model(x, key=KEY, training=True), y)


def inner(a, b):
    return sum(np.sum(x * y) for x, y in zip(pytree.leaves(a), pytree.leaves(b), strict=True))


@pytest.mark.parametrize("activation", SMOOTH)
def test_forward_mode_agrees_with_reverse_in_first_and_second_order(activation, batch, rng):
    model, loss = network(activation), loss_of(*batch)
    v = pytree.map(lambda p: rng.normal(size=p.shape), model)
    gradient = grad(loss)
    assert float(jvp(loss, (model,), (v,))[1]) == pytest.approx(float(inner(gradient(model), v)), rel=1e-12)

    reverse_twice = grad(lambda m: inner(gradient(m), v))(model)
    forward_over_reverse = jvp(gradient, (model,), (v,))[1]
    pytree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-13), reverse_twice, forward_over_reverse)
    ahead, behind = (gradient(pytree.map(lambda p, q, h=h: p + h * q, model, v)) for h in (1e-6, -1e-6))
    pytree.map(lambda a, b, c: np.testing.assert_allclose((a - b) / 2e-6, c, atol=1e-7), ahead, behind, reverse_twice)


@pytest.mark.parametrize("activation", SMOOTH)
def test_one_gradient_a_sample_by_vmap(activation, batch):
    x, y = batch
    model = nn.mlp(KEY, [4, 5, 3], activation=activation)

    def of_one(row, label):
        return grad(lambda m: nn.softmax_cross_entropy(m(row[None]), label))(model)

    batched = vmap(of_one)(x, y[:, None])
    looped = [of_one(row, label) for row, label in zip(x, y[:, None], strict=True)]
    stacked = pytree.map(lambda *leaves: np.stack(leaves), looped[0], *looped[1:])
    pytree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15), batched, stacked)
    mean = pytree.map(lambda leaf: leaf.mean(axis=0), batched)
    whole = grad(lambda m: nn.softmax_cross_entropy(m(x), y))(model)
    pytree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-14), mean, whole)


@pytest.mark.parametrize("name", sorted(LOSSES))
@pytest.mark.filterwarnings("ignore::wengert.errors.FlatDerivativeWarning")
def test_losses_pass_the_gradient_check(name, rng):
    outputs, targets = rng.uniform(0.1, 0.9, (6, 3)), np.eye(3)[rng.integers(0, 3, 6)]
    check_grads(lambda o: LOSSES[name](o, targets), (outputs,))
