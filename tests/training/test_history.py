"""History: rows become columns, and JSON and back; its pictures."""

import json
import math
import re

import numpy as np
import pytest

from wengert import nn, optim, random, training
from wengert.errors import DataError
from wengert.training import History


def three():
    history = History()
    for k in range(3):
        history = history.appended({"loss": 1 / (k + 1), "validation_loss": 2.0, "r2": math.nan})
    return history


def test_rows_become_columns():
    history = three()
    assert history.epochs == [1, 2, 3]
    assert history["loss"] == [1, 1 / 2, 1 / 3]
    assert len(history) == 3
    with pytest.raises(DataError, match='no column "accuracy"; it has loss, validation_loss, r2'):
        history["accuracy"]


def test_appending_leaves_the_old_one_alone():
    first = History().appended({"loss": 1.0})
    first.appended({"loss": 0.5})
    assert first["loss"] == [1.0]


def test_json_and_back():
    text = json.dumps(three().to_config(), allow_nan=False)
    again = History.from_config(json.loads(text))
    assert again.epochs == [1, 2, 3]
    assert again["loss"] == three()["loss"]
    assert all(math.isnan(value) for value in again["r2"])


@pytest.mark.parametrize(
    "config",
    [
        {},
        [],
        {"epochs": [1], "columns": [1]},
        {"epochs": ["a"], "columns": {}},
        {"epochs": [1, 2], "columns": {"a": [1]}},
    ],
)
def test_configs_that_are_none(config):
    with pytest.raises(DataError, match="this is no history"):
        History.from_config(config)


def test_plot_draws_the_losses():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    axes = three().plot()
    assert [line.get_label() for line in axes.lines] == ["loss", "validation_loss"]
    assert list(axes.lines[0].get_ydata()) == three()["loss"]
    assert len(three().plot(["loss"], axes).lines) == 3
    pyplot.close(axes.figure)


def test_the_best_epoch_is_that_of_the_least_validation_loss():
    assert History().best_epoch == 0
    assert History([1, 2, 3], {"loss": [3.0, 1.0, 2.0]}).best_epoch == 2
    assert History([1, 2, 3], {"loss": [3.0, 1.0, 2.0], "validation_loss": [1.0, 2.0, 1.0]}).best_epoch == 1
    assert History([1, 2], {"loss": [float("nan"), 4.0]}).best_epoch == 2
    assert History([1], {"accuracy": [0.5]}).best_epoch == 0


def test_the_best_epoch_is_the_one_whose_model_was_kept():
    x = np.random.default_rng(0).normal(size=(60, 2))
    result = training.fit(
        nn.mlp(random.key(0), [2, 4, 1]), x, x[:, :1] * x[:, 1:], loss=nn.mse, optimizer=optim.adam(0.3), epochs=8,
        progress="none",
    )  # fmt: skip
    assert result.history.best_epoch == result.best_epoch


def test_plot_marks_the_best_epoch_and_chooses_its_scale():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    history = History([1, 2, 3], {"loss": [90.0, 1.0, 0.5], "validation_loss": [80.0, 2.0, 3.0]})
    axes = history.plot()
    assert axes.get_yscale() == "log"
    assert [text.get_text().strip() for text in axes.texts] == ["best epoch 2"]
    assert axes.collections[1].get_offsets().tolist() == [[2.0, 1.0], [2.0, 2.0]]
    pyplot.close(axes.figure)
    axes = history.plot(log=False)
    assert axes.get_yscale() == "linear"
    pyplot.close(axes.figure)


def test_in_a_notebook_it_shows_its_curves():
    shown = three()._repr_html_()
    assert shown.count("<svg") == 2
    assert "best epoch" in shown
    assert "<script" not in shown
    assert shown == three()._repr_html_()
    other = three().appended({"loss": 0.1, "validation_loss": 0.1})._repr_html_()
    assert set(re.findall(r'id="(.*?)"', shown)).isdisjoint(re.findall(r'id="(.*?)"', other))
    assert "no epoch was completed" in History()._repr_html_()
    assert "was not a finite number" in History().appended({"loss": float("nan")})._repr_html_()
