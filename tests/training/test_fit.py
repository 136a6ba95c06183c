"""The loop against loops written out by hand; what is measured; that it learns."""

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from wengert import nn, optim, pytree, random, training
from wengert.transforms import grad

N = 90


def model(seed=0, dropout=0.0, dtype=np.float64):
    return nn.mlp(random.key(seed), [3, 8, 2], dropout=dropout, dtype=dtype)


def fit(*args, **kwargs):
    chosen = {
        "loss": nn.softmax_cross_entropy,
        "optimizer": optim.adam(0.01),
        "epochs": 3,
        "progress": "none",
    }
    return training.fit(*args, **{**chosen, **kwargs})


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(pytree.leaves(a), pytree.leaves(b), strict=True))


def close(a, b):
    pytree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-14), a, b)


# ---- what is computed


def test_full_batch_is_gradient_descent(problem):
    x, y = problem
    by_hand = model()
    losses_by_hand = []
    for _ in range(5):
        losses_by_hand.append(float(nn.softmax_cross_entropy(by_hand(x), y)))
        gradient = grad(lambda m: nn.softmax_cross_entropy(m(x), y))(by_hand)
        by_hand = pytree.map(lambda p, g: p - 0.5 * g, by_hand, gradient)
    result = fit(model(), x, y, optimizer=optim.sgd(0.5), epochs=5, batch_size=None, validation=None)
    close(result.model, by_hand)
    np.testing.assert_allclose(result.history["loss"], losses_by_hand, rtol=1e-12)
    assert result.history.epochs == [1, 2, 3, 4, 5]
    assert not result.interrupted


def test_the_optimiser_keeps_its_state(problem):
    x, y = problem
    by_hand = model()
    velocity = pytree.map(np.zeros_like, by_hand)
    for _ in range(4):
        gradient = grad(lambda m: nn.softmax_cross_entropy(m(x), y))(by_hand)
        velocity = pytree.map(lambda v, g: 0.9 * v + g, velocity, gradient)
        by_hand = pytree.map(lambda p, v: p - 0.1 * v, by_hand, velocity)
    result = fit(model(), x, y, optimizer=optim.momentum(0.1), epochs=4, batch_size=None, validation=None)
    close(result.model, by_hand)


@pytest.mark.parametrize(("batch_size", "replacement"), [(1, False), (32, False), (64, False), (32, True)])
def test_every_epoch_takes_the_rows_in_a_new_order(batch_size, replacement):
    @dataclass(frozen=True)
    class Watched:
        weight: Any

        def __call__(self, x, *, key=None, training=False):
            if training:
                seen.append(np.asarray(x)[:, 0].astype(int).tolist())
            return x * self.weight

    seen: list[list[int]] = []
    x = np.arange(N, dtype=float)[:, None]
    fit(
        Watched(np.zeros(1)), x, x, loss=nn.mse, optimizer=optim.sgd(1e-9), epochs=2,
        batch_size=batch_size, validation=None, replacement=replacement,
    )  # fmt: skip
    per_epoch = -(-N // batch_size)
    assert [len(rows) for rows in seen] == (
        [batch_size] * (N // batch_size) + [N % batch_size] * (N % batch_size > 0)
    ) * 2
    first, second = (list(itertools.chain(*seen[k : k + per_epoch])) for k in (0, per_epoch))
    assert first != second
    assert first != sorted(first)
    if replacement:
        assert len(set(first)) < N
    else:
        assert sorted(first) == sorted(second) == list(range(N))


def test_a_seed_gives_the_same_bits_and_another_seed_others(problem):
    runs = [fit(model(dropout=0.3), *problem, seed=seed, metrics={"a": nn.accuracy}) for seed in (3, 3, 4)]
    assert same(runs[0].model, runs[1].model)
    columns = [{k: v for k, v in run.history.columns.items() if k != "seconds"} for run in runs]
    assert columns[0] == columns[1] != columns[2]
    assert not same(runs[0].model, runs[2].model)


def test_the_model_that_went_in_is_not_touched(problem):
    start = model()
    fit(start, *problem)
    assert same(start, model())


def test_dropout_has_a_new_mask_in_every_step():
    ones = np.ones((64, 1))
    masks = []

    @dataclass(frozen=True)
    class Watched:
        dropout: nn.Dropout
        scale: Any

        def __call__(self, x, *, key=None, training=False):
            y = self.dropout(x, key=key, training=training)
            if training:
                masks.append(np.asarray(y).tobytes())
            return y * self.scale

    fit(
        Watched(nn.Dropout(0.5), np.ones(1)),
        ones,
        ones,
        loss=nn.mse,
        batch_size=16,
        validation=None,
        epochs=2,
    )
    assert len(set(masks)) == len(masks) == 8


def test_float32_models_are_trained_in_float32(problem):
    x, y = problem
    dtypes = set()

    def loss(outputs, targets):
        dtypes.add(outputs.dtype)
        return nn.softmax_cross_entropy(outputs, targets)

    result = fit(model(dtype=np.float32), x, y, loss=loss, optimizer=optim.adam(optim.schedules.cosine(0.1, 9)))
    assert dtypes == {np.dtype(np.float32)}
    assert {leaf.dtype for leaf in pytree.leaves(result.model)} == {np.dtype(np.float32)}
    assert training.predict(result.model, x).dtype == np.float32


def test_targets_come_in_the_dtype_of_the_model_and_labels_as_they_are(problem):
    x, labels = problem
    seen = []

    def loss(outputs, targets):
        seen.append(targets.dtype)
        return np.mean((outputs - targets[:, None]) ** 2)

    for targets in (x[:, 0], labels):
        fit(model(dtype=np.float32), x, targets, loss=loss, epochs=1, validation=None, batch_size=None)
    assert seen == [np.dtype(np.float32), labels.dtype]


def test_integers_and_lists_are_taken_as_numbers():
    x, y = [[1, 2], [3, 4], [5, 6]], [1, 2, 3]
    result = fit(nn.mlp(random.key(0), [2, 1]), x, y, loss=nn.mse, validation=None)
    assert result.model[0].weight.dtype == np.float64


def test_predict_takes_rows_in_parts(problem):
    m = model()
    np.testing.assert_allclose(training.predict(m, problem[0], batch_size=7), m(problem[0]), rtol=1e-14)


# ---- what is measured


def test_columns_of_the_history(problem):
    result = fit(
        model(), *problem, metrics={"accuracy": nn.accuracy}, optimizer=optim.sgd(lambda t: 0.1 / (1 + t)),
        batch_size=27, epochs=2,
    )  # fmt: skip
    assert list(result.history.columns) == [
        "loss", "accuracy", "validation_loss", "validation_accuracy", "learning_rate",
        "gradient_norm/layers[0]", "gradient_norm/layers[2]", "update_norm/layers[0]", "update_norm/layers[2]",
        "weight_norm/layers[0]", "weight_norm/layers[2]", "seconds",
    ]  # fmt: skip
    assert all(len(column) == 2 for column in result.history.columns.values())
    # 81 rows to train on, three steps an epoch: the rate of the last step of each
    assert result.history["learning_rate"] == [0.1 / 3, 0.1 / 6]


def test_losses_norms_and_metrics_are_those_of_the_model(problem):
    x, y = problem
    held_out = (x[:30], y[:30])
    start = model()
    result = fit(
        start, x, y, validation=held_out, epochs=1, batch_size=None, optimizer=optim.sgd(0.1),
        metrics={"accuracy": nn.accuracy},
    )  # fmt: skip
    row = {name: column[0] for name, column in result.history.columns.items()}
    gradient = grad(lambda m: nn.softmax_cross_entropy(m(x), y))(start)
    assert row["loss"] == pytest.approx(float(nn.softmax_cross_entropy(start(x), y)))
    assert row["accuracy"] == pytest.approx(float(nn.accuracy(start(x), y)))
    assert row["validation_loss"] == pytest.approx(float(nn.softmax_cross_entropy(result.model(x[:30]), y[:30])))
    assert row["validation_accuracy"] == pytest.approx(float(nn.accuracy(result.model(x[:30]), y[:30])))
    for k in (0, 2):
        g, w = gradient[k], result.model[k]
        assert row[f"gradient_norm/layers[{k}]"] == pytest.approx(np.sqrt((g.weight**2).sum() + (g.bias**2).sum()))
        assert row[f"update_norm/layers[{k}]"] == pytest.approx(0.1 * row[f"gradient_norm/layers[{k}]"])
        assert row[f"weight_norm/layers[{k}]"] == pytest.approx(np.sqrt((w.weight**2).sum() + (w.bias**2).sum()))


def test_layers_are_named_by_their_place_in_any_tree(problem):
    @dataclass(frozen=True)
    class Nested:
        parts: Any

        def __call__(self, x, *, key=None, training=False):
            return self.parts["out"](self.parts["in"](x)) * self.parts["scale"]

    maxout, dense = nn.Maxout.init(random.key(0), 3, 4), nn.Dense.init(random.key(1), 4, 2)
    start = Nested({"in": maxout, "out": dense, "scale": np.ones(2)})
    columns = fit(start, *problem, epochs=1).history.columns
    assert [name for name in columns if name.startswith("weight_norm/")] == [
        "weight_norm/parts['in'].pieces[0]", "weight_norm/parts['in'].pieces[1]",
        "weight_norm/parts['out']", "weight_norm/parts",
    ]  # fmt: skip


def test_the_held_out_rows_are_not_trained_on():
    seen = set()
    x = np.arange(50.0)[:, None]

    @dataclass(frozen=True)
    class Watched:
        weight: Any

        def __call__(self, x, *, key=None, training=False):
            (seen if training else held_out).update(np.asarray(x)[:, 0].tolist())
            return x * self.weight

    held_out: set[float] = set()
    fit(Watched(np.zeros(1)), x, x, loss=nn.mse, optimizer=optim.sgd(1e-6), validation=0.2)
    assert len(held_out) == 10
    assert not seen & held_out
    assert len(seen) == 40


# ---- it learns


def test_two_moons_are_learned():
    angle = np.pi * random.uniform(random.key(0), 300)
    upper = np.arange(300) % 2 == 0
    x = np.where(
        upper[:, None],
        np.stack([np.cos(angle), np.sin(angle)], 1),
        np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], 1),
    ) + 0.1 * random.normal(random.key(1), (300, 2))
    result = fit(
        nn.mlp(random.key(2), [2, 16, 16, 2], activation="tanh"), x, upper.astype(int), epochs=60,
        batch_size=32, metrics={"accuracy": nn.accuracy}, optimizer=optim.adam(0.02),
    )  # fmt: skip
    assert result.history["validation_accuracy"][result.best_epoch - 1] >= 0.95
