"""Importance against scikit-learn and a closed form; gradients against differences."""

import re

import numpy as np
import pytest

from wengert import nn, random
from wengert.errors import DataError
from wengert.explain.report import (
    class_gradients,
    class_saliency,
    output_gradients,
    permutation_importance,
)


def test_importance_of_a_linear_model_is_twice_its_share_of_the_variance(rng):
    # E (y − f(x, column shuffled))² − E (y − f(x))² = 2 βⱼ² Var xⱼ (B. Gregorutti et al., 2015)
    x, beta = rng.normal(size=(4000, 3)) * [1.0, 2.0, 0.5], np.array([1.0, -0.5, 0.0])
    y = x @ beta
    (found,) = permutation_importance(
        lambda z: z @ beta, {"mse": lambda z: np.mean((z - y) ** 2)}, x, {"a": [0], "b": [1], "c": [2]}, repeats=20
    )
    assert found.base == 0
    np.testing.assert_allclose(found.changes, 2 * beta**2 * x.var(axis=0), rtol=0.03)
    assert found.changes[2] == 0


def test_importance_agrees_with_scikit_learn(rng):
    inspection = pytest.importorskip("sklearn.inspection")
    base = pytest.importorskip("sklearn.base")
    x = rng.normal(size=(300, 4))
    model = nn.mlp(random.key(0), [4, 16, 1])
    y = np.asarray(model(x))[:, 0] + rng.normal(size=300) * 0.1

    class Wrapped(base.RegressorMixin, base.BaseEstimator):
        def fit(self, x, y):
            del x, y
            return self

        def predict(self, x):
            return np.asarray(model(x))[:, 0]

        def __sklearn_is_fitted__(self):
            return True

    theirs = inspection.permutation_importance(
        Wrapped(), x, y, scoring="neg_mean_squared_error", n_repeats=60, random_state=0
    )
    (ours,) = permutation_importance(
        lambda z: np.asarray(model(z))[:, 0], {"mse": lambda z: np.mean((z - y) ** 2)}, x,
        {f"x{k}": [k] for k in range(4)}, repeats=60,
    )  # fmt: skip
    spread = np.hypot(ours.errors, theirs.importances_std / np.sqrt(60))
    assert np.all(np.abs(ours.changes - theirs.importances_mean) < 4 * spread)
    assert np.all(spread < 0.05 * ours.changes)


def test_features_of_one_column_move_together():
    # the sum over a one-hot column is 1 in every row, whichever way its rows are shuffled
    hot = np.eye(3)[np.arange(30) % 3]
    (found,) = permutation_importance(
        lambda z: z.sum(axis=1),
        {
            "mean": np.mean,
        },
        hot,
        {"level": [0, 1, 2]},
    )
    assert found.changes.tolist() == [0.0]
    assert np.all(found.shuffled == 1.0)


def test_standard_errors_are_those_of_the_repeats(rng):
    x = rng.normal(size=(50, 2))
    (found,) = permutation_importance(
        lambda z: z[:, 0], {"mse": lambda z: np.mean((z - x[:, 0]) ** 2)}, x, {"a": [0], "b": [1]}, repeats=7
    )
    assert found.shuffled.shape == (2, 7)
    assert found.errors[0] == pytest.approx(np.std(found.shuffled[0], ddof=1) / np.sqrt(7))
    (once,) = permutation_importance(lambda z: z[:, 0], {"mean": np.mean}, x, {"a": [0]}, repeats=1)
    assert np.isnan(once.errors).all()


def test_inputs_stay_as_they_are(rng):
    x = rng.normal(size=(20, 2))
    before = x.copy()
    permutation_importance(lambda z: z[:, 0], {"mean": np.mean}, x, {"a": [0], "b": [1]})
    assert np.array_equal(x, before)


def differences(f, x, step=1e-6):
    """(rows, features) central differences of a value a row."""
    moved = np.eye(x.shape[1]) * step
    return np.stack([(f(x + e) - f(x - e)) / (2 * step) for e in moved], axis=1)


def test_gradients_are_those_of_differences(rng):
    x = rng.normal(size=(9, 4))
    model = nn.mlp(random.key(0), [4, 8, 1], "tanh")
    there = differences(lambda z: np.asarray(model(z))[:, 0], x)
    np.testing.assert_allclose(output_gradients(model, x), there, rtol=1e-6, atol=1e-8)


def test_class_gradients_are_those_of_the_predicted_class(rng):
    x = rng.normal(size=(9, 4))
    model = nn.mlp(random.key(0), [4, 8, 3], "tanh")
    chosen = np.argmax(model(x), axis=1)

    def probability(z):
        e = np.exp(np.asarray(model(z)))
        return (e / e.sum(axis=1, keepdims=True))[np.arange(9), chosen]

    np.testing.assert_allclose(class_gradients(model, x), differences(probability, x), rtol=1e-5, atol=1e-8)


def test_saliency_of_a_linear_model_is_its_weights():
    weights = np.arange(18.0).reshape(6, 3) ** 1.5
    model, x, actual = nn.Dense(weights), np.ones((5, 6)), np.array([0, 0, 2, 2, 2])
    found = class_saliency(model, x, actual, ["a", "b", "c"], x.reshape(5, 2, 3))
    assert [each.label for each in found] == ["a", "c"]  # no picture of b was held out
    expected = weights - weights.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found[0].gradient, expected[:, 0].reshape(2, 3))
    np.testing.assert_allclose(found[1].gradient, expected[:, 2].reshape(2, 3))
    # colours are added up
    coloured = class_saliency(model, x, actual, ["a", "b", "c"], x.reshape(5, 1, 2, 3))
    np.testing.assert_allclose(coloured[0].gradient, expected[:, 0].reshape(1, 2, 3).sum(axis=-1))


@pytest.mark.parametrize(
    ("inputs", "columns", "repeats", "words"),
    [
        (np.zeros((0, 2)), {"a": [0]}, 5, "shape (0, 2)"),
        (np.zeros((5, 2)), {"a": [0]}, 0, "shuffled 0 times"),
        (np.zeros((5, 2)), {"a": [0, 7]}, 5, 'the column "a" is features [0, 7], and inputs have 2'),
    ],
)
def test_what_cannot_be_shuffled_is_refused(inputs, columns, repeats, words):
    with pytest.raises(DataError, match=re.escape(words)):
        permutation_importance(lambda x: x[:, 0], {"mean": np.mean}, inputs, columns, repeats=repeats)


def test_rows_in_lists_are_shuffled_too():
    (found,) = permutation_importance(
        lambda x: x[:, 0], {"first": lambda z: z[0]}, [[1.0, 2.0], [3.0, 4.0]], {"a": [0]}
    )
    assert set(found.shuffled.ravel()) <= {1.0, 3.0}
