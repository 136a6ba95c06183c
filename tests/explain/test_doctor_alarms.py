"""What is no illness raises no alarm, and what is lost before the first step is named as that."""

import warnings

import numpy as np
import pytest

import wengert
from wengert import nn, optim, pytree, random, training
from wengert.errors import DataError, ModelError
from wengert.explain import Doctor
from wengert.explain.doctor.case import Case
from wengert.explain.doctor.course import course_findings
from wengert.explain.doctor.data import data_findings
from wengert.explain.doctor.heads import baseline_of
from wengert.explain.doctor.rate import rate_findings

CE = nn.softmax_cross_entropy


def normal(seed, *shape):
    return random.normal(random.key(seed), shape)


X = normal(0, 300, 4)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)


def mlp(*sizes, **more):
    return nn.mlp(random.key(1), list(sizes), **more)


def named(findings):
    return [finding.illness for finding in findings]


# ---- no alarms


def test_squares_that_meet_zero_and_one_as_amounts_are_no_mistake():
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = np.array([[0.0], [1.0], [1.0], [0.0]])
    first = wengert.diagnose(mlp(2, 8, 1, activation="tanh"), (x, y), nn.mse)
    assert "squared_error_for_classes" in first.illnesses
    trained = training.fit(
        mlp(2, 8, 1, activation="tanh"), x, y, loss=nn.mse, optimizer=optim.adam(0.05), epochs=300, batch_size=None,
        validation=None, progress="none",
    )  # fmt: skip
    assert trained.history["loss"][-1] < 1e-3
    assert wengert.diagnose(trained.model, (x, y), nn.mse, history=trained.history).healthy


def overfitted(rows_lost, rows=20):
    """A course whose validation loss rose from ln 2 because of so many rows, to 3 ln 2 or so."""
    weight = np.array([[-1.0, 1.0]])
    x = np.full((rows, 1), 20.0)
    x[:rows_lost] = -20.0 * rows / rows_lost * 0.1
    y = np.ones(rows, int)
    model, best = nn.Sequential([nn.Dense(weight)]), nn.Sequential([nn.Dense(0 * weight)])
    end = float(CE(model(x), y))
    columns = {"loss": [0.6, 0.5, 0.4, 0.1, 0.1, 0.1], "validation_loss": [0.7, np.log(2), 1.0, 1.2, 1.4, end]}
    return Case(model, x, y, CE, columns=columns, validation=(x, y), best=best), end


def test_a_rise_of_one_row_among_many_is_noise_and_one_of_many_rows_is_not():
    one, of_one = overfitted(1)
    many, of_many = overfitted(18)
    assert of_one > 1.3 * np.log(2)
    assert of_many > 1.3 * np.log(2)
    # of one row among 20, whose loss rose by 20 times the mean, the standard error is as large as the rise
    assert "overfitting" not in named(course_findings(one))
    assert "overfitting" in named(course_findings(many))


def test_a_rare_class_that_neighbours_cannot_outvote_is_related():
    x = normal(5, 4000, 3)
    y = (x[:, 0] ** 2 + x[:, 1] ** 2 > 9).astype(int)
    assert 20 < y.sum() < 80
    found = named(data_findings(Case(mlp(3, 8, 2), x, y, CE), 2))
    assert "imbalanced_labels" in found
    assert "unrelated_targets" not in found


def test_a_start_that_happens_to_be_good_is_not_what_a_rate_is_held_against():
    x = np.linspace(-1, 1, 100)[:, None]
    y = 10 * x
    # by luck the first outputs leave 0.01 % of the variance; steps of 1 to and fro about 10 leave 1 %
    model = nn.Sequential([nn.Dense(np.array([[9.9]]), np.zeros(1))])
    untrained = Case(model, x, y, nn.mse, optimizer=optim.adam(1.0))
    assert named(rate_findings(untrained)) == []
    trained = Case(model, x, y, nn.mse, optimizer=optim.adam(1.0), columns={"loss": [0.1, 0.01]})
    assert named(rate_findings(trained)) == ["learning_rate_too_high"]
    high = Case(model, x, y, nn.mse, optimizer=optim.sgd(5.0))
    assert named(rate_findings(high)) == ["learning_rate_too_high"]


def test_a_rare_label_beside_two_common_ones_does_not_make_accuracy_worthless():
    y = np.array([0] * 60 + [1] * 60 + [2])
    (found,) = [f for f in data_findings(Case(mlp(4, 3), X[:121], y, CE), 3) if f.illness == "imbalanced_labels"]
    assert "accuracy" not in found.sentence
    y = np.array([0] * 120 + [1])
    (found,) = [f for f in data_findings(Case(mlp(4, 2), X[:121], y, CE), 2) if f.illness == "imbalanced_labels"]
    assert "accuracy says little" in found.sentence


# ---- what is lost or flat


def test_parameters_that_are_not_finite_are_named():
    model = pytree.map(lambda w: w * np.nan, mlp(4, 8, 2))
    d = wengert.diagnose(model, (X, Y), CE, learning_rate=0.1)
    assert d.illnesses == ("not_finite_loss",)
    assert "layers[0].weight and 3 more parameters hold NaN" in d["not_finite_loss"].sentence
    assert "the loss is not finite" in "; ".join(d.left_out)


def test_a_loss_that_is_lost_is_traced_to_the_operation_that_lost_it():
    def poor(outputs, y):
        return np.mean(np.log(outputs[:, 0]) * y)

    d = wengert.diagnose(mlp(4, 8, 2), (X, Y), poor, learning_rate=0.1)
    assert d.illnesses == ("not_finite_loss",)
    assert "np.log in the loss made the first number that is not finite" in d["not_finite_loss"].sentence


def test_logits_in_place_of_probabilities_are_named_where_the_loss_is_lost():
    d = wengert.diagnose(mlp(4, 8, 1), (X, Y[:, None].astype(float)), lambda p, t: -np.mean(t * np.log(p)))
    assert "not_finite_loss" in d.illnesses
    d = wengert.diagnose(mlp(4, 8, 1), (X, Y[:, None].astype(float)), nn.binary_cross_entropy)
    assert "logits_as_probabilities" in d.illnesses


@pytest.mark.parametrize(
    "loss", [lambda z, y: 1 - np.mean((z[:, 1] > z[:, 0]) == y), lambda z, y: 3.0], ids=["accuracy", "constant"]
)
def test_a_loss_without_a_derivative_is_a_finding_and_no_warning(loss):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        d = wengert.diagnose(mlp(4, 8, 2), (X, Y), loss, learning_rate=0.1)
    assert d.illnesses == ("no_gradient",)
    assert "58 parameters" in d["no_gradient"].sentence


def test_a_loss_of_nought_has_nothing_left_to_do():
    assert wengert.diagnose(mlp(4, 8, 2), (X, Y), lambda z, y: np.sum(z) * 0.0).illnesses == ()


def test_inputs_too_large_for_the_models_dtype_are_no_longer_finite():
    d = wengert.diagnose(mlp(4, 8, 2, dtype=np.float32), (X * 1e300, Y), CE, learning_rate=0.1)
    assert d.illnesses == ("not_finite_data",)
    assert "infinite in float32" in d["not_finite_data"].sentence


def test_inputs_whose_squares_overflow_are_unscaled_and_nothing_else_of_the_data():
    x = X * 1e200
    found = {f.illness: f for f in data_findings(Case(mlp(4, 8, 2), x, Y, CE), 2)}
    assert list(found) == ["unscaled_inputs"]
    worst = np.sqrt(np.mean(X**2, axis=0)).max() * 1e200
    np.testing.assert_allclose(found["unscaled_inputs"].numbers["rms"], worst, rtol=1e-12)
    assert "<svg" in wengert.diagnose(mlp(4, 8, 2), (X * 1e300, Y), CE).html()


# ---- refusals


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"rows": 0}, ModelError, "rows is 0"),
        ({"rows": "many"}, ModelError, "rows is 'many'"),
        ({"history": [0.7, 0.4]}, DataError, "history is a list"),
        ({"validation": (X[:0], Y[:0])}, DataError, "validation inputs have shape"),
    ],
)
def test_options_without_sense_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        wengert.diagnose(mlp(4, 8, 2), (X, Y), CE, **options)


def test_rows_of_different_lengths_are_refused():
    with pytest.raises(DataError, match="inputs are no array of numbers"):
        wengert.diagnose(mlp(4, 8, 2), ([[1.0, 2.0], [3.0]], [0, 1]), CE)


def test_a_history_from_a_file_is_a_history():
    history = training.History([1, 2], {"loss": [0.7, 0.4]})
    d = wengert.diagnose(mlp(4, 8, 2), (X, Y), CE, history=history.to_config())
    assert "2 epochs of history" in d.looked_at


def test_the_best_epochs_model_is_kept_for_its_losses():
    doctor, models = Doctor(), []
    result = training.fit(
        mlp(4, 64, 2), X, np.roll(Y, 7), loss=CE, optimizer=optim.adam(0.02), epochs=8, progress="none",
        callbacks=[lambda epoch: models.append(epoch.model), doctor],
    )  # fmt: skip
    assert result.best_epoch < 8
    assert doctor._best is models[result.best_epoch - 1]


def test_constant_outputs_are_means_for_squares_and_logits_for_entropy():
    y = np.array([0.0] * 75 + [1.0] * 25)[:, None]
    share = -0.75 * np.log(0.75) - 0.25 * np.log(0.25)
    case = Case(mlp(4, 1), X[:100], y, nn.mse)
    np.testing.assert_allclose(baseline_of(case), 0.75 * 0.25, rtol=1e-12)
    case = Case(mlp(4, 1), X[:100], y, nn.binary_cross_entropy_with_logits)
    np.testing.assert_allclose(baseline_of(case), share, rtol=1e-9)
    case = Case(mlp(4, 2), X[:100], y[:, 0].astype(int), CE)
    np.testing.assert_allclose(baseline_of(case), share, rtol=1e-9)
