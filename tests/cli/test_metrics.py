import numpy as np
import pytest
from sklearn import metrics as reference

from wengert.cli._metrics import class_metrics, log_softmax, measure, number_metrics, probabilities
from wengert.data import Encoding, Table


def test_number_metrics_are_scikit_learns(rng):
    actual, predicted = rng.normal(size=50), rng.normal(size=50)
    assert number_metrics(actual, predicted) == pytest.approx(
        {
            "r2": reference.r2_score(actual, predicted),
            "rmse": reference.root_mean_squared_error(actual, predicted),
            "mae": reference.mean_absolute_error(actual, predicted),
        }
    )


def test_held_out_values_without_spread():
    same = np.full(3, 2.0)
    assert number_metrics(same, same)["r2"] == 1.0
    assert number_metrics(same, same + 1)["r2"] == 0.0


def test_class_metrics_are_scikit_learns(rng):
    logits, actual = rng.normal(size=(60, 4)), rng.integers(0, 4, 60)
    assert class_metrics(actual, log_softmax(logits)) == pytest.approx(
        {
            "accuracy": reference.accuracy_score(actual, logits.argmax(axis=1)),
            "log_loss": reference.log_loss(actual, probabilities(logits), labels=range(4)),
        }
    )


def test_log_loss_of_huge_logits_is_finite():
    found = class_metrics(np.array([1]), log_softmax(np.array([[1000.0, -1000.0]])))
    assert found == {"accuracy": 0.0, "log_loss": 2000.0}


def test_measured_in_the_targets_own_units():
    table = Table({"x": [1.0, 2.0, 3.0], "y": [10.5, 20.0, 60.0]})
    encoding = Encoding.fit(table, "y")
    outputs = (np.array([20.5, 20.0, 60.0]) - encoding.target_mean) / encoding.target_scale
    assert measure(encoding, table, outputs[:, None])["mae"] == pytest.approx(10 / 3)
