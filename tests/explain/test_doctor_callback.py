"""The doctor beside a training run: since when, at what price, and where a divergence began."""

import numpy as np
import pytest

import wengert
from wengert import nn, optim, random, training
from wengert.errors import DivergenceError, ModelError
from wengert.explain import Doctor


def data(n=200):
    x = random.normal(random.key(0), (n, 4))
    return x, x[:, 0] - x[:, 1] * x[:, 2]


def fit(doctor, optimizer, model=None, epochs=10, loss=nn.mse, **more):
    model = nn.mlp(random.key(1), [4, 24, 24, 1]) if model is None else model
    with np.errstate(all="ignore"):
        return training.fit(
            model, *data(), loss=loss, optimizer=optimizer, epochs=epochs, batch_size=20, progress="none",
            callbacks=[doctor], **more,
        )  # fmt: skip


def test_a_glance_after_every_so_many_epochs():
    doctor = Doctor(every=3, share=None)
    fit(doctor, optim.adam(0.01))
    assert [(glance.epoch, glance.step) for glance in doctor.glances] == [(3, 27), (6, 54), (9, 81)]


def test_no_glance_is_taken_that_does_not_fit_the_budget(monkeypatch):
    ticks = iter(range(10**6))
    monkeypatch.setattr("wengert.explain.doctor.callback._clocks", lambda: (next(ticks) * 1.0,) * 2)
    doctor = Doctor(share=0.25)
    fit(doctor, optim.adam(0.01), epochs=40)
    # each reading of the clock takes a second here, and a glance is one: of about 40 to 60 seconds a quarter
    assert 5 <= len(doctor.glances) <= 15
    assert doctor.spent == len(doctor.glances)


@pytest.mark.parametrize("compiled", [False, True])
def test_relus_that_die_in_training_have_their_step(compiled):
    def late(step):  # harmless for ten epochs of nine steps, then a blow
        return np.where(np.asarray(step) == 90, 50.0, 1e-3)

    doctor = Doctor(share=None)
    fit(doctor, optim.sgd(late), epochs=20, compiled=compiled)
    finding = doctor.diagnosis["dying_relus"]
    assert finding.step == 99  # it was alive after step 90, and was looked at after 99
    assert "since step 99" in finding.sentence
    assert finding.numbers["before"] < 0.25
    assert finding.numbers["dead"] >= 0.5


@pytest.mark.parametrize("compiled", [False, True])
def test_the_operation_and_step_of_a_divergence_are_named(compiled):
    def loss(outputs, targets):
        return np.mean(np.exp(outputs[:, 0]) - targets * outputs[:, 0])  # overflows beyond 709

    def late(step):
        return np.where(np.asarray(step) == 40, 1e4, 1e-3)

    doctor = Doctor(share=None)
    with pytest.raises(DivergenceError):
        fit(doctor, optim.sgd(late), epochs=20, loss=loss, compiled=compiled)
    finding = doctor.diagnosis["exploding_loss"]
    assert finding.step in (42, 43)  # after the blow of the 41st, by the sign of the outputs at once or the next time
    assert "np.exp in the loss" in finding.sentence
    assert "np.mean(np.exp(outputs[:, 0])" in finding.sentence  # the line


def test_a_divergence_on_the_way_back_is_told_from_one_forward():
    def loss(outputs, targets):
        return np.mean(np.sqrt(np.abs(outputs[:, 0] - outputs[:, 0]))) + 0 * np.mean(targets)

    doctor = Doctor(share=None)
    with pytest.raises(DivergenceError):
        fit(doctor, optim.sgd(0.1), loss=loss)
    finding = doctor.diagnosis["exploding_loss"]
    assert finding.step == 1
    assert "on the way back, np.sqrt in the loss" in finding.sentence


def test_an_update_that_overflows_is_the_optimisers():
    doctor = Doctor(share=None)
    overflow = optim.stateless(lambda gradients, _: wengert.pytree.map(lambda g: g * 1e308 * 1e308, gradients))
    with pytest.raises(DivergenceError):
        fit(doctor, overflow)
    finding = doctor.diagnosis["exploding_loss"]
    assert finding.step == 1
    assert "the optimiser's update" in finding.sentence
    assert finding.layer.startswith("layers[0]")


def test_a_layer_that_overflows_is_named():
    model = nn.Sequential([
        nn.Dense(np.full((4, 3), 1e200)), nn.Dense(np.full((3, 2), 1e200)), nn.Dense(np.ones((2, 1)))
    ])  # fmt: skip
    doctor = Doctor(share=None)
    with pytest.raises(DivergenceError):
        fit(doctor, optim.sgd(0.1), model)
    finding = doctor.diagnosis["exploding_loss"]
    assert finding.layer == "layers[1]"
    assert "np.matmul in layers[1]" in finding.sentence


def test_a_second_training_begins_anew():
    doctor = Doctor(share=None)
    with pytest.raises(DivergenceError):
        fit(doctor, optim.sgd(50.0))
    assert "exploding_loss" in doctor.diagnosis.illnesses
    fit(doctor, optim.adam(0.01), epochs=15)
    assert "exploding_loss" not in doctor.diagnosis.illnesses
    assert len(doctor.glances) == 15


def test_a_doctor_who_has_seen_nothing_says_so():
    with pytest.raises(ModelError, match="no training"):
        _ = Doctor().diagnosis


@pytest.mark.parametrize("wrong", [{"every": 0}, {"rows": 0}, {"share": 0.0}, {"share": 2.0}])
def test_arguments_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ModelError, match="at least 1"):
        Doctor(**wrong)


def test_training_is_the_same_with_a_doctor():
    results = [
        training.fit(
            nn.mlp(random.key(1), [4, 8, 1]), *data(), loss=nn.mse, optimizer=optim.adam(0.01), epochs=4,
            progress="none", callbacks=callbacks,
        )
        for callbacks in ([], [Doctor(share=None)])
    ]  # fmt: skip
    a, b = (wengert.pytree.leaves(result.model) for result in results)
    assert all(map(np.array_equal, a, b))
