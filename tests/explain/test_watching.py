"""Activations sampled while a network learns, against activations written out by hand."""

import math

import numpy as np
import pytest

from wengert import nn, optim, random, training
from wengert.errors import DataError
from wengert.explain.report import ActivationWatch
from wengert.training import Epoch, History

KINDS = ["activation_mean", "activation_std", "idle_units", "flat_share"]


def told(model, number=1, seconds=1e9):
    return Epoch(number, 10, model, {"loss": 1.0, "seconds": seconds}, History())


def test_what_is_recorded_is_what_the_layers_give(rng):
    x = rng.normal(size=(40, 3))
    hidden, second, top = rng.normal(size=(3, 5)), rng.normal(size=(5, 4)), rng.normal(size=(4, 2))
    hidden[:, 1] = 0.0
    model = nn.Sequential([
        nn.Dense(hidden, np.array([0.0, -1.0, 0, 0, 0])), nn.relu, nn.Dropout(0.5), nn.Dense(second), nn.Activation("tanh"),
        nn.Dense(top),
    ])  # fmt: skip
    watch = ActivationWatch(x, rows=40)
    watch(told(model))
    s = x @ hidden + [0.0, -1.0, 0, 0, 0]
    a = np.maximum(s, 0)
    b = np.tanh(a @ second)
    found = {name: column[0] for name, column in watch.columns.items()}
    assert set(found) == {f"{kind}/layers[{k}]" for kind in KINDS for k in (0, 3)}
    for layer, values, slopes in (("layers[0]", a, s > 0), ("layers[3]", b, 1 - b**2)):
        assert found[f"activation_mean/{layer}"] == pytest.approx(values.mean())
        assert found[f"activation_std/{layer}"] == pytest.approx(values.std())
        assert found[f"flat_share/{layer}"] == np.mean(slopes < 0.01)
        assert found[f"idle_units/{layer}"] == np.mean(np.all(slopes < 0.01, axis=0))
    assert found["idle_units/layers[0]"] >= 0.2  # the unit without weights is dead


def test_saturated_units_are_idle():
    model = nn.Sequential([nn.Dense(np.array([[1.0, 900.0]])), nn.sigmoid, nn.Dense(np.ones((2, 1)))])
    watch = ActivationWatch(np.array([[1.0], [-2.0]]))
    watch(told(model))
    assert watch.columns["idle_units/layers[0]"] == [0.5]


def test_it_looks_no_more_often_than_it_may():
    x, model = np.ones((10, 2)), nn.mlp(random.key(0), [2, 3, 1])
    watch = ActivationWatch(x)
    for number in range(1, 6):
        watch(told(model, number, seconds=0.0))  # training takes no time: after the first look there is none to spare
    assert watch.looks == 1
    column = watch.columns["activation_mean/layers[0]"]
    assert [math.isnan(v) for v in column] == [False, True, True, True, True]
    watch(told(model, 6, seconds=1e9))
    assert watch.looks == 2


@pytest.mark.parametrize("compiled", [False, True])
def test_training_is_watched_whether_compiled_or_not(compiled, rng):
    if compiled:
        pytest.importorskip("llvmlite")
    x = rng.normal(size=(60, 2))
    watch = ActivationWatch(x, share=1e9)
    result = training.fit(
        nn.mlp(random.key(0), [2, 8, 1], "tanh"), x, x[:, :1], loss=nn.mse, optimizer=optim.adam(0.01), epochs=4,
        progress="none", callbacks=[watch], compiled=compiled, validation=None,
    )  # fmt: skip
    assert len(watch.columns["activation_std/layers[0]"]) == len(result.history) == 4
    a = np.tanh(x @ result.model[0].weight + result.model[0].bias)
    assert watch.columns["activation_std/layers[0]"][-1] == pytest.approx(a.std(), rel=1e-12)


@pytest.mark.parametrize("model", [
    nn.Sequential([nn.Dense(np.ones((2, 1)))]),
    nn.Dense(np.ones((2, 1))),
    nn.Sequential([nn.Dense(np.ones((2, 3))), nn.Activation("softmax"), nn.Dense(np.ones((3, 1)))]),
])  # fmt: skip
def test_where_there_are_no_hidden_activations_there_is_nothing(model):
    watch = ActivationWatch(np.ones((5, 2)))
    watch(told(model))
    assert watch.columns == {}


@pytest.mark.parametrize(("rows", "most"), [(0, 128), (5, 0)])
def test_no_row_to_look_at_is_refused_before_training(rows, most):
    with pytest.raises(DataError, match="no row to look at"):
        ActivationWatch(np.zeros((rows, 2)), rows=most)
