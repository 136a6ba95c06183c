"""Stretches of an epoch as machine code against the loop in Python: the same numbers, errors and ends."""

import sys
import tracemalloc
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from wengert import jit, nn, optim, pytree, random, training
from wengert.errors import ConcretizationError, DataError, ModelError, TraceError, UnsupportedError
from wengert.training import _compiled
from wengert.training._compiled import Runner, native
from wengert.transforms import machine_code

pytest.importorskip("llvmlite")
RNG = np.random.default_rng(0)
KEYS = random.split(random.key(3), 4)
S = optim.schedules

TABLE = RNG.normal(size=(50, 3))
LABELS = (TABLE[:, 0] * TABLE[:, 1] > 0).astype(int)
SEQUENCES, PICTURES = RNG.normal(size=(50, 5, 3)), RNG.normal(size=(50, 6, 6, 1))
WORDS = RNG.integers(0, 7, (50, 4))


def fit(model, x=TABLE, y=LABELS, **kwargs):
    chosen = {
        "loss": nn.softmax_cross_entropy, "optimizer": optim.adam(0.01), "epochs": 3, "batch_size": 16,
        "progress": "none", "validation": 0.1, "compiled": True,
    }  # fmt: skip
    return training.fit(model, x, y, **{**chosen, **kwargs})


def mlp(**kwargs):
    return nn.mlp(KEYS[0], [3, 8, 2], **kwargs)


def numbers(result):
    return {name: column for name, column in result.history.columns.items() if name != "seconds"}


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(pytree.leaves(a), pytree.leaves(b), strict=True))


@dataclass(frozen=True, eq=False)
class Model:
    """A line, and what is done besides."""

    weight: Any
    scale: Any = 1.0
    besides: Any = pytree.static(default=lambda y: y)

    def __call__(self, x, *, key=None, training=False):
        return self.besides(x @ self.weight * self.scale)


def line(besides=lambda y: y):
    return Model(np.zeros((3, 1)), 1.0, besides)


# ---- the same numbers


def dense(*between):
    # a bias in front of a batch norm would have gradients that are nothing but rounding
    return nn.Sequential([nn.Dense.init(KEYS[0], 3, 8, bias=False), *between, nn.Dense.init(KEYS[1], 8, 2)])


def lstm():
    return nn.Sequential([nn.LSTM.init(KEYS[0], 3, 4, 2, dropout=0.2), nn.Dense.init(KEYS[1], 4, 2)])


def convolutional():
    head = nn.Dense.init(KEYS[1], 27, 2)
    return nn.Sequential([nn.Conv2d.init(KEYS[0], 1, 3), nn.relu, nn.MaxPool2d(2), nn.Flatten(), head])


def embedded():
    return nn.Sequential([nn.Embedding.init(KEYS[0], 7, 3), nn.GRU.init(KEYS[1], 3, 4), nn.Dense.init(KEYS[2], 4, 2)])


CASES: dict[str, tuple[Any, dict[str, Any]]] = {
    "tanh": (mlp(activation="tanh"), {}),
    "relu in float32": (mlp(dtype=np.float32), {}),
    "dropout": (mlp(dropout=0.3), {}),
    "batch norm": (dense(nn.BatchNorm.init(8), nn.relu), {}),
    "layer norm": (dense(nn.LayerNorm.init(8), nn.gelu), {}),
    "lstm": (lstm(), {"x": SEQUENCES}),
    "convolution": (convolutional(), {"x": PICTURES}),
    "embedding": (embedded(), {"x": WORDS}),
    "regression": (nn.mlp(KEYS[0], [3, 8, 1], "tanh"), {"y": TABLE.sum(1), "loss": nn.mse}),
    "one-hot": (mlp(), {"y": np.eye(2)[LABELS]}),
    "metrics": (mlp(), {"metrics": {"accuracy": nn.accuracy, "margin": lambda o, t: np.max(o) + 0 * len(t)}}),
    "all rows at once": (mlp(), {"batch_size": None}),
    "one row": (mlp(), {"batch_size": 1}),
    "whole batches": (mlp(), {"batch_size": 9}),
    "with replacement": (mlp(), {"replacement": True}),
    "nothing held out": (mlp(), {"validation": None, "patience": 2}),
    "a leaf that is a number": (line(), {"y": TABLE.sum(1), "loss": nn.mse}),
    **{
        name: (mlp(activation="tanh"), {"optimizer": getattr(optim, name)(0.05)})
        for name in ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adamw")
    },
    "clipped": (mlp(), {"optimizer": optim.chain(optim.clip(0.1), optim.clip_by_global_norm(0.1), optim.sgd(1.0))}),
    **{
        f"{name} rate": (mlp(dtype=np.float32), {"optimizer": optim.adam(rate)})
        for name, rate in {
            "cosine": S.warmup_cosine(0.1, 3, 9), "stepped": S.step_decay(0.1, 2), "falling": S.exponential_decay(0.1, 5, 0.5),
            "own": lambda step: 0.1 / (1 + step),
        }.items()
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_compiled_training_is_training(name, monkeypatch):
    model, kwargs = CASES[name]
    here = fit(model, **kwargs, compiled=False)
    in_python, step = [], Runner.step
    monkeypatch.setattr(Runner, "step", lambda *args: in_python.append(1) or step(*args))
    there = fit(model, **kwargs)
    assert len(in_python) == 1
    # in the last place of each step's numbers; a number that is a sum near 0 keeps fewer
    digits = 2e-6 if pytree.leaves(model)[0].dtype == np.float32 else 1e-11
    assert numbers(here).keys() == numbers(there).keys()
    for column, values in numbers(here).items():
        np.testing.assert_allclose(numbers(there)[column], values, rtol=digits, atol=digits * 1e-2, err_msg=column)
    for a, b in zip(pytree.leaves(here.model), pytree.leaves(there.model), strict=True):
        np.testing.assert_allclose(b, a, rtol=100 * digits, atol=digits)
        assert (type(a), a.dtype) == (type(b), b.dtype)


def test_stretches_of_any_length_give_the_same_bits(monkeypatch):
    whole = fit(mlp(dropout=0.3), metrics={"accuracy": nn.accuracy})
    monkeypatch.setattr(_compiled, "SECONDS", 0.0)
    steps = fit(mlp(dropout=0.3), metrics={"accuracy": nn.accuracy})
    assert numbers(whole) == numbers(steps)
    assert same(whole.model, steps.model)


def test_models_that_went_out_stay_as_they_are():
    start, kept = mlp(), []
    fit(start, optimizer=optim.sgd(0.1), callbacks=[lambda e: kept.append((e.model, pytree.map(np.copy, e.model)))])
    assert same(start, mlp())
    assert len(kept) == 3
    assert all(same(model, copy) for model, copy in kept)


def test_an_optimiser_may_hold_the_parameters_and_one_array_twice():
    def update(gradients, state, params):
        first, second = state
        return pytree.map(lambda g, a, b: -0.1 * g + 0 * (a - b), gradients, first, second), (first, second)

    holding = optim.Optimizer(lambda params: (params, params), update)
    here, there = fit(mlp(), optimizer=optim.sgd(0.1)), fit(mlp(), optimizer=holding)
    np.testing.assert_allclose(there.history["loss"], here.history["loss"], rtol=1e-12)


def test_data_are_not_copied_for_a_stretch():
    x = np.asfortranarray(RNG.normal(size=(4000, 100)))  # 3 MB, and by columns

    class Marks(list):
        def __call__(self, epoch):
            if epoch.number == 2:
                tracemalloc.start()
            if epoch.number == 4:
                self.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()

    marks = Marks()
    fit(nn.mlp(KEYS[0], [100, 2]), x, (x[:, 0] > 0).astype(int), callbacks=[marks], validation=None, epochs=4)
    assert marks[0] < x.nbytes / 4


def test_a_step_of_a_dense_network_calls_no_numpy():
    run = native(nn.softmax_cross_entropy, optim.adamw(S.warmup_cosine(0.01, 3, 9)))
    model = mlp(dtype=np.float32)
    inner = optim.adamw(S.constant(0.01)).init(model)
    rows = np.arange(48).reshape(3, 16)
    x = TABLE.astype(np.float32)
    run(0, 3, model, inner, np.empty(3, np.float32), np.empty((3, 16, 2), np.float32), x, LABELS, rows, 0, None)
    (entry,) = run.jitted.forms.entries.values()
    assert entry.run.core.fallbacks == []


# ---- whether it is compiled


@pytest.fixture
def counted(monkeypatch):
    """How many stretches were taken by machine code."""
    calls = []
    stretch = Runner.stretch
    monkeypatch.setattr(Runner, "stretch", lambda *args: calls.append(1) or stretch(*args))
    return calls


def test_little_work_is_done_in_python_and_much_is_compiled(counted):
    fit(mlp(), compiled="auto")
    assert not counted
    fit(mlp(), compiled="auto", epochs=1000, callbacks=[lambda e: e.number == 2])
    # of three steps an epoch the second, then each of both whole ones; the third is not worth it
    assert len(counted) == 3
    fit(mlp(), compiled=False, epochs=2000, callbacks=[lambda e: True])
    assert len(counted) == 3


def test_the_choice_is_counted_and_not_measured():
    """The same seed gives the same bits on a machine that is busy."""
    runs = [fit(mlp(), compiled="auto", epochs=1000, callbacks=[lambda e: e.number == 5]) for _ in range(2)]
    assert same(runs[0].model, runs[1].model)
    assert numbers(runs[0]) == numbers(runs[1])


def branching(y):
    return y * 1.0 if np.sum(y) > 0 else y


def drawing(y):
    return y + 1e-3 * np.random.normal()  # noqa: NPY002 - what is refused


@pytest.mark.parametrize(("besides", "error"), [(branching, ConcretizationError), (drawing, TraceError)])
def test_what_cannot_be_staged_is_trained_in_python(besides, error, monkeypatch, capsys):
    monkeypatch.setattr(Runner, "pays", lambda *_: True)
    kwargs = {"y": TABLE.sum(1), "loss": nn.mse}
    np.random.seed(0)  # noqa: NPY002 - to compare two runs
    here = fit(line(besides), compiled=False, **kwargs)
    np.random.seed(0)  # noqa: NPY002 - to compare two runs
    there = fit(line(besides), compiled="auto", progress="lines", **kwargs)
    assert numbers(here) == numbers(there)
    lines = capsys.readouterr().err.splitlines()
    assert [text.startswith("training in Python, not compiled: ") for text in lines] == [True, False, False, False]
    with pytest.raises(error) as caught:
        fit(line(besides), **kwargs)
    assert "test_compiled.py" in str(caught.value)
    assert 'compiled="auto"' in caught.value.__notes__[-1]


def test_without_llvmlite_training_is_in_python(monkeypatch, capsys, counted):
    monkeypatch.setattr(_compiled, "machine_code", lambda: False)
    monkeypatch.setattr(Runner, "pays", lambda *_: True)
    fit(mlp(), compiled="auto", progress="lines")
    assert capsys.readouterr().err.startswith("training in Python, not compiled: machine code is made by llvmlite")
    assert not counted
    with pytest.raises(UnsupportedError, match="pip install llvmlite"):
        fit(mlp())


def test_machine_code_is_there_or_not(monkeypatch):
    assert machine_code()
    monkeypatch.setitem(sys.modules, "wengert.compile", None)
    assert not machine_code()


def test_compiled_is_true_false_or_auto():
    with pytest.raises(ModelError, match="compiled is 'yes' and must be True, False or \"auto\""):
        fit(mlp(), compiled="yes")


# ---- errors and ends


@pytest.mark.parametrize("rate", [1e25, 1e17])
def test_a_loss_that_is_nan_is_named_as_in_python(rate):
    kwargs = {"y": TABLE.sum(1), "loss": nn.mse, "optimizer": optim.sgd(rate), "epochs": 9, "batch_size": 8}
    messages = []
    for compiled in (False, True):
        with np.errstate(all="ignore"), pytest.raises(ModelError) as caught:
            fit(nn.mlp(KEYS[0], [3, 1]), compiled=compiled, **kwargs)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]
    place = "step 2 of epoch 2" if rate == 1e25 else "step 4 of epoch 2"
    assert f"the loss became inf in {place}" in messages[0]


@pytest.mark.parametrize(("label", "text"), [(7, "the model has 2 outputs"), (-1, "number them from 0")])
def test_labels_out_of_range_are_found_wherever_they_stand(label, text):
    for row in (3, 44):
        labels = LABELS.copy()
        labels[row] = label
        with pytest.raises(DataError, match=text):
            fit(mlp(), y=labels, validation=None)


def test_an_index_out_of_bounds_raises():
    words = WORDS.copy()
    words[30] = 7
    with pytest.raises(IndexError):
        fit(embedded(), x=words, validation=None)


def test_ctrl_c_between_stretches_keeps_the_best_reached(monkeypatch):
    monkeypatch.setattr(_compiled, "SECONDS", 0.0)
    full, call, calls = fit(mlp(), epochs=2), Runner.call, []

    def pressed(*args):
        calls.append(1)
        if len(calls) == 10:  # compiled twice, with 2 + 1 and 2 + 1 and 1 steps before: in the third epoch
            raise KeyboardInterrupt
        return call(*args)

    monkeypatch.setattr(Runner, "call", pressed)
    result = fit(mlp(), epochs=50)
    assert result.interrupted
    assert result.history.epochs == [1, 2]
    assert numbers(result) == numbers(full)
    assert same(result.model, full.model)


def test_compiled_functions_stay_usable_beside_it():
    f = jit(lambda x: np.sin(x) + 1)
    fit(mlp())
    np.testing.assert_allclose(f(TABLE), np.sin(TABLE) + 1, rtol=1e-15)
