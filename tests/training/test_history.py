"""History: rows become columns, and JSON and back."""

import json
import math

import pytest

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


@pytest.mark.parametrize("config", [{}, [], {"epochs": [1], "columns": [1]}, {"epochs": ["a"], "columns": {}}])
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
