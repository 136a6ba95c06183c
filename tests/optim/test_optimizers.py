"""Optimisers against the papers' recurrences written out as loops over plain numbers."""

import math

import numpy as np
import pytest

from wengert import optim, pytree
from wengert.errors import ModelError, ShapeError

RATE = 0.05


def path(optimizer, gradients, theta):
    """The parameters after each of the gradients."""
    state, found = optimizer.init(theta), []
    for g in gradients:
        updates, state = optimizer.update(g, state, theta)
        theta = optim.apply_updates(theta, updates)
        found.append(theta)
    return np.array(found)


def sgd(theta, gradients):
    for g in gradients:
        theta -= RATE * g
        yield theta


def momentum(theta, gradients, mu=0.9):
    v = 0.0
    for g in gradients:
        v = mu * v + g
        theta -= RATE * v
        yield theta


def nesterov(theta, gradients, mu=0.9):
    # Sutskever's form: step ahead by the velocity, take the gradient there. With the gradients given,
    # the point ahead φ = θ + μ v is what moves: v ← μ v − η g, φ ← φ + (1 + μ) v − μ v_old
    v = 0.0
    for g in gradients:
        old, v = v, mu * v - RATE * g
        theta += (1 + mu) * v - mu * old
        yield theta


def adagrad(theta, gradients, eps=1e-10):
    total = 0.0
    for g in gradients:
        total += g * g
        theta -= RATE * g / (math.sqrt(total) + eps)
        yield theta


def rmsprop(theta, gradients, rho=0.9, eps=1e-8):
    v = 0.0
    for g in gradients:
        v = rho * v + (1 - rho) * g * g
        theta -= RATE * g / (math.sqrt(v) + eps)
        yield theta


def adam(theta, gradients, b1=0.9, b2=0.999, eps=1e-8, decay=0.0):
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        theta -= RATE * (m / (1 - b1**t) / (math.sqrt(v / (1 - b2**t)) + eps) + decay * theta)
        yield theta


def adamw(theta, gradients):
    return adam(theta, gradients, decay=0.01)


BY_HAND = [sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw]


@pytest.mark.parametrize("by_hand", BY_HAND, ids=lambda f: f.__name__)
def test_against_the_recurrence(by_hand, rng):
    gradients = rng.normal(size=(50, 4))
    start = rng.normal(size=4)
    found = path(getattr(optim, by_hand.__name__)(RATE), gradients, start)
    for k in range(4):
        np.testing.assert_allclose(found[:, k], list(by_hand(float(start[k]), gradients[:, k])), rtol=1e-12)


def test_nesterovs_method_on_a_quadratic_takes_gradients_ahead():
    # the textbook form, with its gradient taken at θ + μ v, gives the same points ahead
    mu, theta, v, ahead = 0.9, 5.0, 0.0, []
    for _ in range(20):
        v = mu * v - RATE * 2 * (theta + mu * v)
        theta += v
        ahead.append(theta + mu * v)
    optimizer, x = optim.nesterov(RATE, mu), np.array([5.0])
    state, found = optimizer.init(x), []
    for _ in range(20):
        updates, state = optimizer.update(2 * x, state, x)
        x = optim.apply_updates(x, updates)
        found.append(float(x[0]))
    np.testing.assert_allclose(found, ahead, rtol=1e-12)


@pytest.mark.parametrize("by_hand", BY_HAND, ids=lambda f: f.__name__)
def test_trees_and_float32_stay_what_they_are(by_hand):
    theta = {"w": np.ones((2, 3), np.float32), "b": (np.ones(3, np.float32), None)}
    for rate in (RATE, optim.schedules.cosine(RATE, 10)):
        optimizer = getattr(optim, by_hand.__name__)(rate)
        state, new = optimizer.init(theta), theta
        for _ in range(3):
            updates, state = optimizer.update(theta, state, new)
            new = optim.apply_updates(new, updates)
        assert pytree.flatten(new)[1] == pytree.flatten(theta)[1]
        assert {leaf.dtype for leaf in pytree.leaves(new)} == {np.dtype(np.float32)}
        assert {leaf.dtype for leaf in pytree.leaves(state) if np.ndim(leaf)} <= {np.dtype(np.float32)}


def test_updates_are_pure():
    theta, g = np.ones(3), np.ones(3)
    optimizer = optim.adam(RATE)
    state = optimizer.init(theta)
    first = optimizer.update(g, state, theta)[0]
    np.testing.assert_array_equal(first, optimizer.update(g, state, theta)[0])
    np.testing.assert_array_equal(theta, np.ones(3))


def test_adam_and_adamw_minimise_a_badly_scaled_quadratic():
    scales = np.array([100.0, 1.0, 0.01])
    for optimizer in (optim.adam(0.1), optim.adamw(0.1, weight_decay=0.0)):
        x = np.ones(3)
        state = optimizer.init(x)
        for _ in range(1000):
            updates, state = optimizer.update(scales * x, state, x)
            x = optim.apply_updates(x, updates)
        assert np.abs(x).max() < 1e-3


def test_chain_applies_in_order(rng):
    g = rng.normal(size=5) * 10
    a = optim.chain(optim.clip(1.0), optim.scale(3.0))
    b = optim.chain(optim.scale(3.0), optim.clip(1.0))
    np.testing.assert_allclose(a.update(g, a.init(g), g)[0], 3 * np.clip(g, -1, 1))
    np.testing.assert_allclose(b.update(g, b.init(g), g)[0], np.clip(3 * g, -1, 1))


def test_chain_knows_the_learning_rate():
    assert optim.chain(optim.clip(1.0), optim.adam(0.25)).rate(7) == 0.25
    assert optim.momentum(lambda step: 0.5**step).rate(2) == 0.25
    assert optim.chain(optim.clip(1.0)).rate is None


def test_clip_by_global_norm_keeps_the_direction(rng):
    tree = [rng.normal(size=(3, 2)), {"b": rng.normal(size=4)}]
    norm = np.sqrt(sum((leaf**2).sum() for leaf in pytree.leaves(tree)))
    assert optim.global_norm(tree) == pytest.approx(norm)
    short = optim.clip_by_global_norm(norm / 4).update(tree, (), None)[0]
    pytree.map(lambda a, b: np.testing.assert_allclose(a, b / 4, rtol=1e-14), short, tree)
    same = optim.clip_by_global_norm(norm * 4).update(tree, (), None)[0]
    pytree.map(np.testing.assert_array_equal, same, tree)
    assert optim.clip_by_global_norm(1.0).update(np.zeros(2), (), None)[0].tolist() == [0, 0]


def test_schedule_counts_steps():
    optimizer = optim.sgd(optim.schedules.step_decay(1.0, every=2, factor=0.5))
    found = path(optimizer, np.ones((5, 1)), np.zeros(1))
    assert found.ravel().tolist() == [-1.0, -2.0, -2.5, -3.0, -3.25]


@pytest.mark.parametrize("rate", [0.0, -0.1, math.nan, math.inf, "0.1", None])
def test_learning_rates_that_are_none(rate):
    with pytest.raises(ModelError, match="the learning rate must be a number above 0"):
        optim.adam(rate)


def test_misuse():
    with pytest.raises(ModelError, match=r"decay of the velocity must be a number in \[0, 1\) and is 1\.5"):
        optim.momentum(0.1, decay=1.5)
    with pytest.raises(ModelError, match="b2 must be"):
        optim.adam(0.1, b2=1.0)
    with pytest.raises(ModelError, match=r"optimizer\.update\(gradients, state, params\)"):
        optim.adamw(0.1).update(np.ones(1), optim.adamw(0.1).init(np.ones(1)), None)
    with pytest.raises(ModelError, match=r"chain\(clip\(1\.0\), adam\(1e-3\)\), not 3"):
        optim.chain(optim.sgd(0.1), 3)
    with pytest.raises(ShapeError, match="trees differ in structure"):
        optim.apply_updates({"w": 1.0}, {"v": 1.0})


@pytest.mark.parametrize("z", [1j, np.complex64(1j), np.array([1j])])
def test_complex_parameters_are_refused(z):
    optimizer = optim.sgd(0.1)
    updates, _ = optimizer.update(z, optimizer.init(z), z)
    with pytest.raises(ModelError, match=r"(?s)uphill in its imaginary part.*np\.conj\(gradient\)"):
        optim.apply_updates(z, updates)
