"""The loop against loops written out by hand; stopping, interruption, repetition, and bad input."""

import itertools
import re
import signal
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from wengert import nn, optim, pytree, random, training
from wengert.errors import DataError, ModelError, ShapeError
from wengert.transforms import grad

N = 90


@pytest.fixture
def problem(rng):
    x = rng.normal(size=(N, 3))
    return x, (x[:, 0] * x[:, 1] > 0).astype(int)


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

    result = fit(
        model(dtype=np.float32), x, y, loss=loss, optimizer=optim.adam(optim.schedules.cosine(0.1, 9))
    )
    assert dtypes == {np.dtype(np.float32)}
    assert {leaf.dtype for leaf in pytree.leaves(result.model)} == {np.dtype(np.float32)}
    assert training.predict(result.model, x).dtype == np.float32


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
        "gradient_norm/layers[0]", "gradient_norm/layers[2]",
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
    assert row["validation_loss"] == pytest.approx(
        float(nn.softmax_cross_entropy(result.model(x[:30]), y[:30]))
    )
    assert row["validation_accuracy"] == pytest.approx(float(nn.accuracy(result.model(x[:30]), y[:30])))
    for k in (0, 2):
        g, w = gradient[k], result.model[k]
        assert row[f"gradient_norm/layers[{k}]"] == pytest.approx(
            np.sqrt((g.weight**2).sum() + (g.bias**2).sum())
        )
        assert row[f"weight_norm/layers[{k}]"] == pytest.approx(
            np.sqrt((w.weight**2).sum() + (w.bias**2).sum())
        )


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


# ---- when it ends


def test_early_stopping_restores_the_best():
    # the weight walks by one a step; the held-out target lies at 5, so epoch 5 is the best
    @dataclass(frozen=True)
    class Walk:
        at: Any

        def __call__(self, x, *, key=None, training=False):
            return x * self.at

    ones = np.ones((4, 1))
    walked = fit(
        Walk(np.zeros(1)), ones, ones, loss=lambda o, t: -np.mean(o) if len(o) == 4 else nn.mse(o, t),
        validation=(np.ones((1, 1)), np.full((1, 1), 5.0)), optimizer=optim.sgd(1.0), batch_size=None,
        epochs=50, patience=3,
    )  # fmt: skip
    assert walked.best_epoch == 5
    assert walked.model.at.tolist() == [5.0]
    assert walked.history.epochs == list(range(1, 9))
    assert walked.history["weight_norm/model"] == list(range(1, 9))


def test_without_held_out_rows_the_last_model_comes_back(problem):
    seen = []
    result = fit(model(), *problem, validation=None, callbacks=[lambda e: seen.append(e.model)])
    assert same(result.model, seen[-1])
    assert "validation_loss" not in result.history.columns


def test_patience_without_held_out_rows_watches_the_loss(problem):
    result = fit(model(), *problem, validation=None, patience=1, epochs=500, optimizer=optim.sgd(3.0))
    column = result.history["loss"]
    assert len(column) < 500
    assert column[-1] >= min(column)
    assert result.best_epoch == int(np.argmin(column)) + 1


def test_callbacks_see_every_epoch_and_can_stop(problem):
    told = []

    def watch(epoch):
        told.append((epoch.number, epoch.epochs, epoch.row["loss"], len(epoch.history)))
        return epoch.number == 2

    result = fit(model(), *problem, epochs=9, callbacks=[watch, lambda e: None])
    assert [t[0] for t in told] == [1, 2] == result.history.epochs
    assert [t[1:] for t in told] == [(9, loss, k) for k, loss in enumerate(result.history["loss"], 1)]


def test_ctrl_c_keeps_the_best_reached(problem):
    models = []

    def press(epoch):
        models.append(epoch.model)
        if epoch.number == 3:
            signal.raise_signal(signal.SIGINT)

    result = fit(model(), *problem, epochs=50, callbacks=[press])
    assert result.interrupted
    assert result.history.epochs == [1, 2, 3]
    assert same(result.model, models[result.best_epoch - 1])
    full = fit(model(), *problem, epochs=3)
    assert result.history["loss"] == full.history["loss"]


def test_ctrl_c_within_an_epoch_leaves_no_half_state(problem):
    calls = []

    def loss(outputs, targets):
        calls.append(len(outputs))
        if len(calls) == 8:  # two steps and a validation an epoch: in the second step of the third
            raise KeyboardInterrupt
        return nn.softmax_cross_entropy(outputs, targets)

    result = fit(model(), *problem, loss=loss, epochs=50)
    assert result.interrupted
    assert calls == [64, 17, 9, 64, 17, 9, 64, 17]
    assert result.history.epochs == [1, 2]
    assert {len(column) for column in result.history.columns.values()} == {2}
    assert same(result.model, fit(model(), *problem, epochs=2).model)


def test_ctrl_c_in_the_first_epoch_keeps_its_whole_steps(problem):
    calls = []

    def loss(outputs, targets):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return nn.softmax_cross_entropy(outputs, targets)

    result = fit(model(), *problem, loss=loss, batch_size=20)
    assert (result.interrupted, result.best_epoch, len(result.history)) == (True, 0, 0)
    assert not same(result.model, model())
    assert np.isfinite(result.model(problem[0])).all()


def test_a_loss_that_is_nan_stops_with_its_place_and_advice(problem):
    x, _ = problem
    with np.errstate(all="ignore"), pytest.raises(ModelError) as caught:
        fit(nn.mlp(random.key(0), [3, 8, 3]), x, x, loss=nn.mse, optimizer=optim.sgd(1e200))
    text = str(caught.value)
    assert "in step 2 of epoch 1" in text
    assert "it began at 1e+200" in text
    assert "clip_by_global_norm" in text


def test_a_validation_loss_that_is_nan_stops_too(problem):
    def loss(outputs, targets):
        value = nn.softmax_cross_entropy(outputs, targets)
        return value if len(outputs) != 9 else value * np.nan

    with pytest.raises(ModelError, match="the validation loss became nan after epoch 1"):
        fit(model(), *problem, loss=loss, batch_size=81)


# ---- progress


def test_one_line_an_epoch_on_stderr(problem, capsys):
    fit(model(), *problem, epochs=12, progress="auto", metrics={"accuracy": nn.accuracy})
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert len(lines) == 12
    assert re.match(r"epoch  2/12  loss \d\.\d+  accuracy 0\.\d+  validation_loss", lines[1])
    assert "validation_accuracy" in lines[1]
    assert "norm" not in err


def test_a_bar_on_a_terminal(problem, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    fit(model(), *problem, progress="auto")
    err = capsys.readouterr().err
    assert "training" in err
    assert "3/3" in err
    assert "validation_loss" in err
    assert "epoch 1/3" not in err


def test_progress_none_is_silent_and_other_words_are_refused(problem, capsys):
    fit(model(), *problem)
    assert capsys.readouterr() == ("", "")
    with pytest.raises(ModelError, match='progress is "auto", "rich", "lines" or "none", and not \'loud\''):
        fit(model(), *problem, progress="loud")


# ---- bad input


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        (np.zeros((0, 3)), np.zeros(0, int), r"inputs have shape \(0, 3\): there is no row"),
        (
            np.zeros((5, 3)),
            np.zeros(4, int),
            r"inputs have 5 rows \(shape \(5, 3\)\) and targets 4 \(shape \(4,\)\)",
        ),
        (np.zeros((5, 3)), np.array(["a"] * 5), "targets have dtype <U1 and must be numbers"),
        (np.array([["a"] * 3] * 5), np.zeros(5, int), r"inputs have dtype <U1.*wengert\.data\.Encoding"),
        (
            np.zeros((5, 3)),
            [0, 1, np.nan, 0, np.nan],
            "targets have 2 numbers that are NaN.*2 of 5 rows.*in row 2",
        ),
        (np.full((5, 3), np.inf), np.zeros(5, int), "inputs have 15 numbers that are NaN or infinite"),
        (3.0, np.zeros(5, int), r"inputs have shape \(\)"),
        (np.zeros((1, 3)), np.zeros(1, int), "two are needed"),
    ],
)
def test_data_that_cannot_be_used(x, y, text):
    with pytest.raises(DataError, match=text):
        fit(model(), x, y)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"epochs": 0}, "epochs is 0 and must be an integer of at least 1"),
        ({"epochs": 2.5}, r"epochs is 2\.5"),
        ({"batch_size": 0}, "batch_size is 0 .* or None for all rows at once"),
        ({"batch_size": -3}, "batch_size is -3"),
        ({"patience": 0}, "patience is 0"),
        ({"loss": "mse"}, r"loss is 'mse'.*loss=nn\.softmax_cross_entropy"),
        ({"optimizer": "adam"}, r"optimizer is 'adam'.*optim\.adam\(1e-3\)"),
    ],
)
def test_arguments_that_make_no_sense(problem, options, text):
    with pytest.raises(ModelError, match=text):
        fit(model(), *problem, **options)


def test_validation_that_makes_no_sense(problem):
    with pytest.raises(DataError, match="between 0 and 1"):
        fit(model(), *problem, validation=1.5)
    with pytest.raises(DataError, match="validation inputs have 2 rows"):
        fit(model(), *problem, validation=(np.zeros((2, 3)), np.zeros(3, int)))


def test_a_model_without_numbers(problem):
    with pytest.raises(ModelError, match="Sequential has no arrays of floats"):
        fit(nn.Sequential([nn.relu]), *problem)


def test_wrong_widths_name_the_layer(problem):
    with pytest.raises(ShapeError, match=r"layers\[0\]: Dense\(4 → 2\) takes rows of 4 numbers"):
        fit(nn.mlp(random.key(0), [4, 2]), *problem)


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
