"""Runs with a known cause of illness, and healthy ones: what the doctor is tried on.

Each is a small honest run, or a model with its data, made from a seed. Those of the split "tuning" were there when
thresholds were chosen; those of "held out", with data, architectures and seeds of their own, only measure them.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np

import wengert
from wengert import data, nn, optim, random, training

BIKES = Path(__file__).parents[1] / ".." / "shared" / "data" / "bike_sharing"
HEALTHY = ""


@dataclass(frozen=True)
class Planted:
    """A run by name, its illness (empty for none), its split, and ``diagnose(seed)``."""

    name: str
    illness: str
    split: str
    diagnose: Callable[[int], Any]

    @property
    def seed(self) -> int:
        """One for each split: held out runs have seeds that were never looked at."""
        return {"tuning": 0, "held out": 200}[self.split]


PLANTED: list[Planted] = []


def planted(illness: str, split: str) -> Callable[[Any], Any]:
    """Put a function of a seed that gives a diagnosis on the list."""

    def put(f: Any) -> Any:
        PLANTED.append(Planted(f.__name__, illness, split, f))
        return f

    return put


tuning, held_out = (partial(planted, split=split) for split in ("tuning", "held out"))


# ---- data


def standardised(x):
    return (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-8)


@cache
def table(name):
    """A bundled table as numbers, inputs and targets as they are."""
    made = data.load(name)
    columns = {n: np.asarray(c) for n, c in made.columns.items()}
    y = columns.pop(made.target)
    x = np.column_stack(list(columns.values())).astype(float)
    return x, (np.unique(y, return_inverse=True)[1] if y.dtype.kind in "UO" else y)


def digits(n=1797):
    x, y = table("digits")
    return x[:n] / 16, y[:n].astype(int)


def cancer():
    x, y = table("breast_cancer")
    return standardised(x), y.astype(int)


def diabetes():
    x, y = table("diabetes")
    return standardised(x), standardised(y.astype(float))


def points(name, n, seed):
    made = getattr(data, name)(n, seed=seed)
    x, y = made.arrays()
    return standardised(np.asarray(x, float)), np.asarray(y).astype(int)


def wave(n, seed):
    """A smooth function of three numbers, with some noise."""
    x = random.normal(random.key(seed), (n, 3))
    return x, np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] * x[:, 2] + 0.1 * random.normal(random.key(seed + 1), (n,))


def series(n, time, seed):
    """Series of a number, and whether their mean is above 0."""
    x = random.normal(random.key(seed), (n, time, 1))
    return x, (x.mean(axis=(1, 2)) > 0).astype(int)


def gaussian(n, width, seed, classes=2):
    """Normal inputs, and the class that a random linear map tells."""
    x = random.normal(random.key(seed), (n, width))
    return x, np.argmax(x @ random.normal(random.key(seed + 1), (width, classes)), axis=1)


# ---- runs


def trained(model, x, y, loss, optimizer, epochs=20, features=(), **more):
    """The diagnosis after a run that the doctor has watched."""
    doctor = wengert.explain.Doctor(share=None, features=features)
    chosen = {"progress": "none", "batch_size": 32, **more}
    with np.errstate(all="ignore"), contextlib.suppress(wengert.errors.DivergenceError):
        training.fit(model, x, y, loss=loss, optimizer=optimizer, epochs=epochs, callbacks=[doctor], **chosen)
    return doctor.diagnosis


CE, BCE = nn.softmax_cross_entropy, nn.binary_cross_entropy_with_logits


def mlp(seed, sizes, activation="relu", init=None, **more):
    return nn.mlp(random.key(seed), sizes, activation, init, **more)


def gain(of):
    """Initial values with ``of`` times the variance 1/inputs."""
    return partial(nn.initial.scaled_normal, gain=of, mode="in")


def shifted(model, layer, by):
    """The model with biases of a layer moved."""
    layers = list(model.layers)
    old = layers[layer]
    layers[layer] = type(old)(old.weight, old.bias + by, *([] if isinstance(old, nn.Dense) else [old.strides]))
    return nn.Sequential(layers)


def conv(seed, init="he_uniform", channels=8, outputs=10):
    a, b, c = random.split(random.key(seed), 3)
    return nn.Sequential([
        nn.Conv2d.init(a, 1, channels, init=init), nn.relu, nn.MaxPool2d(2),
        nn.Conv2d.init(b, channels, channels, init=init), nn.relu, nn.MaxPool2d(2), nn.Flatten(),
        nn.Dense.init(c, 4 * channels, outputs),
    ])  # fmt: skip


# ---- gradients by layer


@tuning("vanishing_gradients")
def deep_sigmoid_on_moons(seed):
    return wengert.diagnose(mlp(seed, [2, *[32] * 6, 2], "sigmoid"), points("moons", 300, seed), CE)


@held_out("vanishing_gradients")
def deep_sigmoid_on_digits(seed):
    return trained(mlp(seed, [64, *[48] * 7, 10], "sigmoid"), *digits(500), CE, optim.sgd(0.1), 5)


@held_out("vanishing_gradients")
def deep_sigmoid_regression(seed):
    return wengert.diagnose(mlp(seed, [10, *[24] * 8, 1], "sigmoid", "lecun_normal"), diabetes(), nn.mse)


@tuning("exploding_gradients")
def deep_relu_with_large_weights(seed):
    return wengert.diagnose(mlp(seed, [64, *[64] * 6, 10], "relu", gain(18.0)), digits(), CE)


@held_out("exploding_gradients")
def deep_leaky_regression_with_large_weights(seed):
    return wengert.diagnose(mlp(seed, [10, *[40] * 7, 1], "leaky_relu", gain(25.0)), diabetes(), nn.mse)


@tuning("vanishing_through_time")
def rnn_with_small_recurrent_weights(seed):
    a, b = random.split(random.key(seed))
    model = nn.Sequential([nn.RNN.init(a, 1, 16, recurrent_init="normal"), nn.Dense.init(b, 16, 2)])
    return wengert.diagnose(model, series(200, 20, seed), CE)


@held_out("vanishing_through_time")
def rnn_with_tiny_weights_regression(seed):
    a, b = random.split(random.key(seed))
    model = nn.Sequential([nn.RNN.init(a, 1, 32, recurrent_init=gain(0.02)), nn.Dense.init(b, 32, 1)])
    x, _ = series(300, 12, seed)
    return wengert.diagnose(model, (x, x.sum(axis=(1, 2))), nn.mse)


# ---- units that do not respond


@tuning("dead_relus")
def biases_far_below_zero(seed):
    return wengert.diagnose(shifted(mlp(seed, [2, 32, 32, 2]), 2, -9.0), points("moons", 300, seed), CE)


@held_out("dead_relus")
def convolution_with_biases_below_zero(seed):
    x, y = digits(400)
    return wengert.diagnose(shifted(conv(seed), 3, -20.0), (x.reshape(-1, 8, 8, 1), y), CE)


@tuning("dying_relus")
def rate_that_kills_relus(seed):
    x, y = digits(600)
    return trained(mlp(seed, [64, 64, 64, 10]), x, y, CE, optim.momentum(0.8), 8)


@held_out("dying_relus")
def adam_that_kills_relus(seed):
    return trained(mlp(seed, [30, 48, 48, 2]), *cancer(), CE, optim.adam(0.5), 10)


@tuning("saturated_tanh")
def tanh_with_large_weights(seed):
    return wengert.diagnose(mlp(seed, [64, 64, 64, 10], "tanh", gain(200.0)), digits(), CE)


@held_out("saturated_tanh")
def tanh_of_unscaled_inputs(seed):
    x, y = table("diabetes")
    return wengert.diagnose(mlp(seed, [10, 40, 1], "tanh"), (x, standardised(y.astype(float))), nn.mse)


@tuning("saturated_sigmoid")
def sigmoid_with_large_weights(seed):
    return wengert.diagnose(mlp(seed, [30, 32, 2], "sigmoid", gain(300.0)), cancer(), CE)


@held_out("saturated_sigmoid")
def sigmoid_that_a_high_rate_saturates(seed):
    x, y = wave(300, seed)
    return trained(mlp(seed, [3, 32, 32, 1], "sigmoid"), x, y, nn.mse, optim.sgd(60.0), 15)


# ---- initial values


@tuning("wrong_initial_scale")
def tiny_weights_with_tanh(seed):
    return wengert.diagnose(mlp(seed, [30, 64, 64, 64, 2], "tanh", "normal"), cancer(), CE)


@held_out("wrong_initial_scale")
def tiny_weights_with_relu_regression(seed):
    return wengert.diagnose(mlp(seed, [3, 100, 100, 1], "relu", gain(1e-3)), wave(400, seed), nn.mse)


@held_out("wrong_initial_scale")
def large_weights_in_a_convolution(seed):
    x, y = digits(300)
    return wengert.diagnose(conv(seed, gain(400.0)), (x.reshape(-1, 8, 8, 1), y), CE)


@tuning("symmetric_weights")
def all_weights_zero(seed):
    return wengert.diagnose(mlp(seed, [2, 16, 16, 2], "tanh", "zeros"), points("moons", 200, seed), CE)


@held_out("symmetric_weights")
def all_weights_equal_trained(seed):
    x, y = wave(300, seed)
    return trained(mlp(seed, [3, 20, 20, 1], "relu", "constant"), x, y, nn.mse, optim.adam(1e-2), 10)


# ---- the optimiser


@tuning("learning_rate_too_high")
def linear_regression_at_a_high_rate(seed):
    x, y = diabetes()
    return wengert.diagnose(mlp(seed, [10, 1]), (x, y), nn.mse, optimizer=optim.sgd(1.0))


@tuning("learning_rate_too_high")
def adam_at_a_high_rate(seed):
    return wengert.diagnose(mlp(seed, [64, 64, 10]), digits(), CE, optimizer=optim.adam(1.0))


@held_out("learning_rate_too_high")
def rmsprop_at_a_high_rate_trained(seed):
    return trained(mlp(seed, [30, 64, 2]), *cancer(), CE, optim.rmsprop(0.8), 5)


@held_out("learning_rate_too_high")
def momentum_at_a_high_rate(seed):
    return wengert.diagnose(mlp(seed, [3, 40, 1], "tanh"), wave(300, seed), nn.mse, optimizer=optim.momentum(1.5))


@tuning("learning_rate_too_low")
def sgd_at_a_low_rate(seed):
    return wengert.diagnose(mlp(seed, [30, 32, 2]), cancer(), CE, optimizer=optim.sgd(1e-6))


@tuning("learning_rate_too_low")
def adam_at_a_low_rate_trained(seed):
    x, y = digits(600)
    return trained(mlp(seed, [64, 32, 10]), x, y, CE, optim.adam(1e-7), 6)


@held_out("learning_rate_too_low")
def momentum_at_a_low_rate_regression(seed):
    return wengert.diagnose(mlp(seed, [3, 40, 40, 1], "tanh"), wave(300, seed), nn.mse, optimizer=optim.momentum(1e-7))


@held_out("learning_rate_too_low")
def convolution_at_a_low_rate(seed):
    x, y = digits(300)
    return trained(conv(seed), x.reshape(-1, 8, 8, 1), y, CE, optim.adam(3e-8), 3)


@tuning("regularisation_too_strong")
def weight_decay_of_three(seed):
    return trained(mlp(seed, [2, 32, 2]), *points("moons", 300, seed), CE, optim.adamw(0.01, weight_decay=10.0), 40)


@held_out("regularisation_too_strong")
def weight_decay_on_digits(seed):
    x, y = digits(600)
    return trained(mlp(seed, [64, 32, 10], "tanh"), x, y, CE, optim.adamw(3e-3, weight_decay=30.0), 30)


@tuning("dropout_too_strong")
def dropout_of_nine_tenths(seed):
    return wengert.diagnose(mlp(seed, [30, 32, 2], dropout=0.9), cancer(), CE)


@held_out("dropout_too_strong")
def dropout_on_digits(seed):
    x, y = digits(500)
    return trained(mlp(seed, [64, 32, 32, 10], dropout=0.85), x, y, CE, optim.adam(1e-3), 5)


# ---- data


@tuning("unscaled_inputs")
def cancer_as_measured(seed):
    x, y = table("breast_cancer")
    return wengert.diagnose(mlp(seed, [30, 32, 2]), (x, y.astype(int)), CE)


@held_out("unscaled_inputs")
def pictures_of_bytes(seed):
    x, y = digits(500)
    return wengert.diagnose(conv(seed), (255 * x.reshape(-1, 8, 8, 1), y), CE)


@held_out("unscaled_inputs")
def years_among_the_inputs(seed):
    x, y = wave(300, seed)
    x[:, 1] = 2011 + (x[:, 1] > 0)
    x[:, 2] = 2015.5 + 5 * x[:, 2]
    return wengert.diagnose(mlp(seed, [3, 16, 1], "tanh"), (x, y), nn.mse)


@tuning("unscaled_targets")
def diabetes_as_measured(seed):
    x, y = table("diabetes")
    return wengert.diagnose(mlp(seed, [10, 32, 1]), (standardised(x), y.astype(float)), nn.mse)


@held_out("unscaled_targets")
def prices(seed):
    x, y = wave(400, seed)
    return trained(mlp(seed, [3, 16, 1], "tanh"), x, 2e5 + 5e4 * y, nn.mae, optim.adam(1e-2), 5)


@tuning("constant_feature")
def constant_column(seed):
    x, y = cancer()
    return wengert.diagnose(mlp(seed, [31, 16, 2]), (np.column_stack([x, np.full(len(x), 2.0)]), y), CE)


@held_out("constant_feature")
def two_constant_columns_regression(seed):
    x, y = wave(300, seed)
    x = np.column_stack([np.zeros(len(x)), x, np.ones(len(x))])
    return wengert.diagnose(mlp(seed, [5, 16, 1]), (x, y), nn.mse)


@tuning("duplicate_feature")
def the_same_in_other_units(seed):
    x, y = wave(300, seed)
    return wengert.diagnose(mlp(seed, [4, 16, 1]), (np.column_stack([x, 1.8 * x[:, 0] + 0.32]), y), nn.mse)


@held_out("duplicate_feature")
def a_column_twice(seed):
    x, y = diabetes()
    return wengert.diagnose(mlp(seed, [11, 16, 1]), (np.column_stack([x, -x[:, 3]]), y), nn.mse)


@tuning("not_finite_data")
def missing_values(seed):
    x, y = cancer()
    x[np.arange(7) * 13, 4] = np.nan
    return wengert.diagnose(mlp(seed, [30, 16, 2]), (x, y), CE)


@held_out("not_finite_data")
def infinite_targets(seed):
    x, y = wave(200, seed)
    y[17] = math.inf
    return wengert.diagnose(mlp(seed, [3, 16, 1]), (x, y), nn.mse)


@tuning("imbalanced_labels")
def three_in_a_hundred(seed):
    x, y = gaussian(1000, 6, seed)
    keep = (y == 0) | (np.arange(1000) % 30 == 0)
    return wengert.diagnose(mlp(seed, [6, 16, 2]), (x[keep], y[keep]), CE)


@held_out("imbalanced_labels")
def a_rare_digit(seed):
    x, y = digits()
    keep = (y != 3) | (np.arange(len(y)) % 20 == 0)
    return trained(mlp(seed, [64, 32, 10]), x[keep], y[keep], CE, optim.adam(1e-3), 8)


@tuning("unrelated_targets")
def digits_shuffled(seed):
    x, y = digits()
    return wengert.diagnose(mlp(seed, [64, 32, 10]), (x, np.random.default_rng(seed).permutation(y)), CE)


@held_out("unrelated_targets")
def diabetes_shuffled(seed):
    x, y = diabetes()
    return wengert.diagnose(mlp(seed, [10, 32, 1]), (x, np.random.default_rng(seed).permutation(y)), nn.mse)


@held_out("unrelated_targets")
def cancer_shifted_by_a_row(seed):
    x, y = cancer()
    p = np.random.default_rng(seed).permutation(len(y))
    return wengert.diagnose(mlp(seed, [30, 32, 2]), (x[p], np.roll(y[p], 1)), CE)


@tuning("target_leakage")
def a_column_made_from_the_target(seed):
    x, y = diabetes()
    leak = np.exp(0.5 * y) + 0.01 * random.normal(random.key(seed), y.shape)
    return wengert.diagnose(mlp(seed, [11, 32, 1]), (np.column_stack([x, standardised(leak)]), y), nn.mse)


@held_out("target_leakage")
def a_later_diagnosis(seed):
    x, y = gaussian(600, 8, seed)
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(600) < 0.15, 1 - y, y)
    treated = np.where(y == 1, 3.0, -1.0) + 0.1 * rng.normal(size=600)
    return wengert.diagnose(mlp(seed, [9, 16, 2]), (np.column_stack([x, treated]), y), CE)


@tuning("one_class")
def one_label_only(seed):
    x, y = cancer()
    return wengert.diagnose(mlp(seed, [30, 16, 2]), (x[y == 1], y[y == 1]), CE)


@held_out("constant_target")
def one_amount_only(seed):
    x, y = wave(200, seed)
    return wengert.diagnose(mlp(seed, [3, 16, 1]), (x, np.full(len(y), 0.7)), nn.mse)


# ---- losses and outputs


@tuning("softmax_twice")
def softmax_before_its_cross_entropy(seed):
    return wengert.diagnose(mlp(seed, [30, 16, 2], output="softmax"), cancer(), CE)


@held_out("softmax_twice")
def softmax_twice_on_one_hot_digits(seed):
    x, y = digits(500)
    loss = lambda outputs, targets: 2.0 * nn.softmax_cross_entropy(outputs, targets)
    return trained(mlp(seed, [64, 32, 10], "tanh", output="softmax"), x, np.eye(10)[y], loss, optim.adam(1e-3), 5)


@tuning("sigmoid_twice")
def sigmoid_before_its_cross_entropy(seed):
    return wengert.diagnose(mlp(seed, [30, 16, 1], output="sigmoid"), cancer(), BCE)


@held_out("sigmoid_twice")
def sigmoid_twice_on_moons(seed):
    x, y = points("moons", 200, seed)
    return trained(mlp(seed, [2, 16, 1], "tanh", output="sigmoid"), x, y, BCE, optim.adam(1e-2), 8)


@tuning("squared_error_for_classes")
def squares_of_one_hot(seed):
    x, y = digits(500)
    return wengert.diagnose(mlp(seed, [64, 16, 10]), (x, np.eye(10)[y]), nn.mse)


@held_out("squared_error_for_classes")
def squares_of_yes_and_no(seed):
    return wengert.diagnose(mlp(seed, [30, 16, 1], "tanh"), cancer(), nn.half_sse)


@tuning("logits_as_probabilities")
def logarithms_of_logits(seed):
    return wengert.diagnose(mlp(seed, [30, 16, 1]), cancer(), nn.binary_cross_entropy)


@held_out("logits_as_probabilities")
def logarithms_of_logits_of_digits(seed):
    return wengert.diagnose(mlp(seed, [64, 16, 10]), digits(500), nn.categorical_cross_entropy)


@tuning("targets_out_of_reach")
def relu_for_negative_targets(seed):
    return wengert.diagnose(mlp(seed, [10, 16, 1], output="relu"), diabetes(), nn.mse)


@held_out("targets_out_of_reach")
def sigmoid_for_amounts(seed):
    x, y = wave(300, seed)
    return trained(mlp(seed, [3, 16, 1], "tanh", output="sigmoid"), x, y, nn.mse, optim.adam(1e-2), 6)


@tuning("bounded_logits")
def relu_before_the_cross_entropy(seed):
    return wengert.diagnose(mlp(seed, [30, 16, 2], output="relu"), cancer(), CE)


@held_out("bounded_logits")
def tanh_before_the_cross_entropy(seed):
    return wengert.diagnose(mlp(seed, [64, 32, 10], output="tanh"), digits(500), CE)


# ---- the course of training


@tuning("underfitting")
def a_line_for_spirals(seed):
    return trained(mlp(seed, [2, 3]), *points("spirals", 300, seed), CE, optim.adam(0.03), 40)


@held_out("underfitting")
def two_units_for_digits(seed):
    x, y = digits(900)
    return trained(mlp(seed, [64, 1, 10], "tanh"), x, y, CE, optim.adam(0.01), 30)


@held_out("underfitting")
def a_line_for_circles(seed):
    return trained(mlp(seed, [2, 1]), *points("circles", 300, seed), BCE, optim.sgd(0.3), 30)


@tuning("overfitting")
def many_units_for_few_noisy_rows(seed):
    x, y = gaussian(120, 10, seed)
    y = np.where(np.random.default_rng(seed).random(len(y)) < 0.25, 1 - y, y)
    return trained(mlp(seed, [10, 128, 128, 2]), x, y, CE, optim.adam(3e-3), 60, validation=0.3)


@held_out("overfitting")
def regression_by_heart(seed):
    x, y = diabetes()
    return trained(
        mlp(seed, [10, 200, 200, 1], "tanh"), x[:150], y[:150], nn.mse, optim.adam(3e-3), 120, validation=0.3
    )


@tuning("loss_plateau")
def a_plateau_of_sigmoids(seed):
    x, y = digits(600)
    return trained(mlp(seed, [64, *[32] * 5, 10], "sigmoid"), x, y, CE, optim.sgd(0.05), 20)


@held_out("loss_plateau")
def a_plateau_of_zeros(seed):
    return trained(mlp(seed, [2, 16, 16, 2], "tanh", "zeros"), *points("moons", 300, seed), CE, optim.sgd(0.1), 20)


@tuning("exploding_loss")
def regression_that_diverges(seed):
    x, y = diabetes()
    return trained(mlp(seed, [10, 32, 1]), x, y, nn.mse, optim.sgd(5.0), 20)


@held_out("exploding_loss")
def an_exponential_that_overflows(seed):
    def poisson(outputs, counts):
        return np.mean(np.exp(outputs[:, 0]) - counts * outputs[:, 0])

    x, _ = wave(300, seed)
    counts = np.random.default_rng(seed).poisson(np.exp(1 + x[:, 0])).astype(float)
    return trained(mlp(seed, [3, 32, 1]), x, counts, poisson, optim.sgd(1.0), 10)


@held_out("exploding_loss")
def a_compiled_run_that_diverges(seed):
    x, y = wave(600, seed)
    return trained(mlp(seed, [3, 24, 24, 1], "leaky_relu"), x, y, nn.mse, optim.momentum(9.0), 20, compiled=True)


@tuning("rising_loss")
def a_rate_at_which_the_loss_rises(seed):
    return trained(mlp(seed, [10, 1]), *diabetes(), nn.mse, optim.sgd(0.32), 12)


@tuning("rising_loss")
def a_rising_loss_of_adam(seed):
    def warming(step):
        return 1e-3 * 1.05 ** np.asarray(step, float)

    return trained(mlp(seed, [3, 32, 1], "leaky_relu"), *wave(400, seed), nn.mse, optim.adam(warming), 14)


@held_out("rising_loss")
def a_rising_loss_of_momentum(seed):
    return trained(mlp(seed, [3, 1]), *wave(400, seed), nn.mse, optim.momentum(4.2, 0.0), 4, batch_size=None)


@tuning("model_raises")
def layers_that_do_not_fit(seed):
    return wengert.diagnose(mlp(seed, [29, 16, 2]), cancer(), CE)


@held_out("model_raises")
def more_labels_than_outputs(seed):
    return wengert.diagnose(mlp(seed, [64, 16, 9]), digits(500), CE)


# ---- healthy runs


@tuning(HEALTHY)
def healthy_relu_moons(seed):
    return trained(mlp(seed, [2, 32, 32, 2]), *points("moons", 400, seed), CE, optim.adam(0.01), 30)


@tuning(HEALTHY)
def healthy_relu_digits(seed):
    x, y = digits()
    return trained(mlp(seed, [64, 64, 32, 10]), x, y, CE, optim.adam(1e-3), 20)


@tuning(HEALTHY)
def healthy_tanh_regression(seed):
    return trained(mlp(seed, [3, 32, 1], "tanh"), *wave(500, seed), nn.mse, optim.adam(0.01), 40)


@tuning(HEALTHY)
def healthy_convolution(seed):
    x, y = digits(1000)
    return trained(conv(seed), x.reshape(-1, 8, 8, 1), y, CE, optim.adam(3e-3), 6)


@tuning(HEALTHY)
def healthy_lstm(seed):
    a, b = random.split(random.key(seed))
    model = nn.Sequential([nn.LSTM.init(a, 1, 16), nn.Dense.init(b, 16, 2)])
    return trained(model, *series(400, 12, seed), CE, optim.adam(0.01), 12)


@tuning(HEALTHY)
def healthy_batch_norm(seed):
    keys = random.split(random.key(seed), 3)
    model = nn.Sequential([
        nn.Dense.init(keys[0], 64, 32, "he_normal"), nn.BatchNorm.init(32), nn.relu,
        nn.Dense.init(keys[1], 32, 32, "he_normal"), nn.BatchNorm.init(32), nn.relu, nn.Dense.init(keys[2], 32, 10),
    ])  # fmt: skip
    x, y = digits()
    return trained(model, x, y, CE, optim.adam(1e-3), 10)


@tuning(HEALTHY)
def healthy_logistic_regression(seed):
    return trained(mlp(seed, [30, 1]), *cancer(), BCE, optim.sgd(0.1), 30)


@tuning(HEALTHY)
def healthy_linear_regression(seed):
    return trained(mlp(seed, [10, 1]), *diabetes(), nn.mse, optim.sgd(0.02), 30)


@tuning(HEALTHY)
def healthy_blobs_with_dropout(seed):
    return trained(mlp(seed, [2, 32, 2], dropout=0.3), *points("blobs", 300, seed), CE, optim.adam(0.01), 20)


@tuning(HEALTHY)
def healthy_before_training(seed):
    return wengert.diagnose(mlp(seed, [64, 100, 100, 100, 10]), digits(), CE, optimizer=optim.momentum(0.01))


@held_out(HEALTHY)
def healthy_spirals(seed):
    return trained(mlp(seed, [2, 64, 64, 3], "relu"), *points("spirals", 600, seed), CE, optim.adam(0.01), 60)


@held_out(HEALTHY)
def healthy_gru_regression(seed):
    a, b = random.split(random.key(seed))
    model = nn.Sequential([nn.GRU.init(a, 1, 24), nn.Dense.init(b, 24, 1)])
    x, _ = series(400, 10, seed)
    return trained(model, x, standardised(x.sum(axis=(1, 2))), nn.mse, optim.adam(0.01), 15)


@held_out(HEALTHY)
def healthy_relu_regression(seed):
    return trained(mlp(seed, [3, 64, 64, 1]), *wave(800, seed), nn.mse, optim.adam(3e-3), 30)


@held_out(HEALTHY)
def healthy_convolution_with_norm(seed):
    a, b = random.split(random.key(seed))
    model = nn.Sequential([
        nn.Conv2d.init(a, 1, 12), nn.BatchNorm.init(12), nn.relu, nn.MaxPool2d(2), nn.Flatten(),
        nn.Dense.init(b, 192, 10),
    ])  # fmt: skip
    x, y = digits(900)
    return trained(model, x.reshape(-1, 8, 8, 1), y, CE, optim.adam(3e-3), 5)


@held_out(HEALTHY)
def healthy_tanh_digits(seed):
    x, y = digits()
    return trained(mlp(seed, [64, 48, 48, 10], "tanh"), x, y, CE, optim.momentum(0.05), 15)


@held_out(HEALTHY)
def healthy_layer_norm_cancer(seed):
    a, b = random.split(random.key(seed))
    model = nn.Sequential([nn.Dense.init(a, 30, 32), nn.LayerNorm.init(32), nn.gelu, nn.Dense.init(b, 32, 2)])
    return trained(model, *cancer(), CE, optim.adamw(1e-3), 20)


@tuning("overfitting")
def an_embedding_by_heart(seed):
    a, b, c = random.split(random.key(seed), 3)
    model = nn.Sequential([nn.Embedding.init(a, 20, 8), nn.Flatten(), nn.Dense.init(b, 32, 16), nn.relu,
                           nn.Dense.init(c, 16, 2)])  # fmt: skip
    x = np.random.default_rng(seed).integers(0, 20, (500, 4))
    return trained(model, x, (x.sum(axis=1) > 38).astype(int), CE, optim.adam(0.02), 50)


@held_out(HEALTHY)
def healthy_embedding_stopped_early(seed):
    a, b = random.split(random.key(seed))
    model = nn.Sequential([nn.Embedding.init(a, 12, 6), nn.Flatten(), nn.Dense.init(b, 18, 2)])
    x = np.random.default_rng(seed).integers(0, 12, (600, 3))
    return trained(model, x, (x.sum(axis=1) > 16).astype(int), CE, optim.adam(0.02), 40, patience=4)


@held_out(HEALTHY)
def healthy_deep_sigmoid_with_norm(seed):
    a, b, c = random.split(random.key(seed), 3)
    model = nn.Sequential([nn.Dense.init(a, 30, 24), nn.BatchNorm.init(24), nn.sigmoid,
                           nn.Dense.init(b, 24, 24), nn.sigmoid, nn.Dense.init(c, 24, 1)])  # fmt: skip
    return trained(model, *cancer(), BCE, optim.adam(0.01), 20)


@held_out(HEALTHY)
def healthy_linear_blobs(seed):
    return trained(mlp(seed, [2, 2]), *points("blobs", 200, seed), CE, optim.sgd(0.2), 30)


@held_out(HEALTHY)
def healthy_stopped_early(seed):
    x, y = diabetes()
    return trained(mlp(seed, [10, 16, 1]), x, y, nn.mse, optim.adam(3e-3), 60, patience=5, validation=0.2)


if BIKES.is_dir():

    @cache
    def bikes():
        hours = data.Table.read(BIKES / "hour.csv")
        hours = hours.take(np.arange(0, len(hours), 6))
        encoding = data.Encoding.fit(hours, "cnt", drop=["instant", "dteday", "casual", "registered"])
        return encoding.inputs(hours), encoding.targets(hours), encoding.features

    @tuning(HEALTHY)
    def healthy_bikes(seed):
        x, y, names = bikes()
        return trained(mlp(seed, [x.shape[1], 64, 32, 1]), x, y, nn.mse, optim.adam(1e-3), 12, names)

    @held_out(HEALTHY)
    def healthy_bikes_tanh(seed):
        x, y, names = bikes()
        return trained(mlp(seed, [x.shape[1], 40, 1], "tanh"), x, y, nn.mse, optim.adam(3e-3), 12, names)

    @held_out("target_leakage")
    def bikes_by_the_registered(seed):
        hours = data.Table.read(BIKES / "day.csv")
        encoding = data.Encoding.fit(hours, "registered", drop=["instant", "dteday", "casual", "cnt"])
        x, y = encoding.inputs(hours), encoding.targets(hours)
        billed = standardised(np.round(y, 2) + 0.02 * np.random.default_rng(seed).normal(size=y.shape))
        return wengert.diagnose(mlp(seed, [x.shape[1] + 1, 32, 1]), (np.column_stack([x, billed]), y), nn.mse)
