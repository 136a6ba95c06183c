"""How training ends: early stopping, callbacks, Ctrl-C, losses that are NaN."""

import signal
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from wengert import nn, optim, pytree, random, training
from wengert.errors import ModelError


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
    # steps so long that the loss does not only fall: the last epoch is not the best
    result = fit(
        model(), *problem, validation=None, optimizer=optim.sgd(3.0), epochs=20,
        callbacks=[lambda e: seen.append(e.model)],
    )  # fmt: skip
    assert result.best_epoch < 20
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
