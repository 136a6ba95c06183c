"""What callbacks are told besides epochs: the set-up, and the step that began a divergence."""

import contextlib

import numpy as np
import pytest

from wengert import data, nn, optim, pytree, random, training
from wengert.errors import DivergenceError, ModelError
from wengert.transforms import value_and_grad


class Watcher:
    """A callback that keeps what it is told."""

    def __init__(self):
        self.setup = self.failure = None
        self.epochs = []

    def begin(self, setup):
        self.setup = setup

    def __call__(self, epoch):
        self.epochs.append(epoch)

    def failed(self, failure):
        self.failure = failure


def problem(n=100):
    x = random.normal(random.key(0), (n, 3))
    return x, x[:, 0] - 2 * x[:, 1]


def diverging(compiled, optimizer, loss=nn.mse, epochs=30, **more):
    watcher = Watcher()
    with np.errstate(all="ignore"), pytest.raises(DivergenceError) as caught:
        training.fit(
            nn.mlp(random.key(1), [3, 4, 1], "leaky_relu"), *problem(), loss=loss, optimizer=optimizer, epochs=epochs,
            batch_size=20, validation=None, progress="none", compiled=compiled, callbacks=[watcher], **more,
        )  # fmt: skip
    return watcher, caught.value


def test_a_callback_is_told_how_training_is_set_up():
    x, y = problem()
    watcher, model, optimizer = Watcher(), nn.mlp(random.key(1), [3, 4, 1]), optim.sgd(0.01)
    training.fit(
        model, x, y, loss=nn.mse, optimizer=optimizer, epochs=2, batch_size=500, validation=0.2, progress="none",
        callbacks=[watcher],
    )  # fmt: skip
    setup = watcher.setup
    assert setup.model is model
    assert setup.optimizer is optimizer
    assert (setup.loss, setup.epochs, setup.batch_size) == (nn.mse, 2, 80)
    assert setup.data.inputs.shape == (80, 3)
    assert setup.data.validation[0].shape == (20, 3)
    assert len(watcher.epochs) == 2
    assert watcher.failure is None


def by_hand(optimizer, watched):
    """The steps up to the first that does not lead to finite numbers, with the rows that training draws."""
    x, y = problem()
    model = nn.mlp(random.key(1), [3, 4, 1], "leaky_relu")
    state, number = optimizer.init(model), 0
    with np.errstate(all="ignore"):
        while True:
            epoch, step = divmod(number, 5)
            order, _ = random.split(random.fold_in(random.key(0), epoch + 1))
            rows = data.row_order(100, order, False)[20 * step : 20 * step + 20]
            value, gradients = value_and_grad(lambda m, x, y: nn.mse(m(x), y))(model, x[rows], y[rows])
            updates, after = optimizer.update(gradients, state, model)
            moved = optim.apply_updates(model, updates)
            if not np.isfinite(value) or not all(np.isfinite(leaf).all() for leaf in pytree.leaves(moved)):
                return epoch + 1, step + 1, number + 1, rows, model
            model, state, number = moved, after, number + 1


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("rate", [0.9, 4.0])
def test_the_step_that_began_a_divergence_is_found(compiled, rate):
    optimizer = optim.momentum(rate)
    watcher, error = diverging(compiled, optimizer)
    failure = watcher.failure
    epoch, step, number, rows, model = by_hand(optimizer, watcher)
    assert failure.error is error
    assert (failure.epoch, failure.step, failure.number) == (epoch, step, number)
    np.testing.assert_array_equal(failure.rows, rows)
    for ours, theirs in zip(pytree.leaves(failure.model), pytree.leaves(model), strict=True):
        assert np.isfinite(ours).all()
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_optimisers_state_is_that_before_the_step(compiled):
    optimizer = optim.momentum(4.0)
    watcher, _ = diverging(compiled, optimizer)
    failure = watcher.failure
    x, y = problem()
    x, y = x[failure.rows], y[failure.rows]
    assert all(np.isfinite(leaf).all() for leaf in pytree.leaves(failure.optimizer_state))
    with np.errstate(all="ignore"):
        value, gradients = value_and_grad(lambda m: nn.mse(m(x), y))(failure.model)
        updates, _ = optimizer.update(gradients, failure.optimizer_state, failure.model)
        after = optim.apply_updates(failure.model, updates)
    assert not np.isfinite(value) or not all(np.isfinite(leaf).all() for leaf in pytree.leaves(after))


def test_the_losses_are_those_of_the_epoch():
    watcher, _ = diverging(False, optim.sgd(3.0))
    losses = watcher.failure.losses
    assert not np.isfinite(losses[-1])
    assert np.isfinite(losses[:-1]).all()
    assert watcher.failure.step in (len(losses), len(losses) - 1)


def test_a_validation_loss_that_is_lost_has_no_rows():
    x, y = problem()
    watcher = Watcher()
    with np.errstate(all="ignore"), pytest.raises(DivergenceError, match="validation loss"):
        training.fit(
            nn.mlp(random.key(1), [3, 1]), x, y, loss=nn.mse, optimizer=optim.sgd(0.01), progress="none",
            validation=(1e200 * x, y), callbacks=[watcher],
        )  # fmt: skip
    assert (watcher.failure.rows, watcher.failure.epoch) == (None, 1)


def test_watching_changes_no_bit():
    x, y = problem()
    for compiled in (False, True):
        models = [
            training.fit(
                nn.mlp(random.key(1), [3, 8, 1]), x, y, loss=nn.mse, optimizer=optim.adam(0.01), epochs=4,
                batch_size=16, progress="none", compiled=compiled, callbacks=callbacks,
            ).model
            for callbacks in ([], [Watcher()])
        ]  # fmt: skip
        assert all(map(np.array_equal, *map(pytree.leaves, models)))


def test_a_plain_function_is_a_callback_still():
    with contextlib.suppress(DivergenceError), np.errstate(all="ignore"):
        training.fit(
            nn.mlp(random.key(1), [3, 1]), *problem(), loss=nn.mse, optimizer=optim.sgd(50.0), progress="none",
            callbacks=[lambda epoch: None],
        )  # fmt: skip


# ---- what is no callback


class Told:
    """A callback of every step, without a word on how often."""

    def __init__(self):
        self.numbers = []

    def __call__(self, epoch):
        pass

    def step(self, step):
        self.numbers.append(step.number)


class Often(Told):
    every = 2.5


@pytest.mark.parametrize(
    ("callbacks", "words"),
    [
        (Told(), "callbacks are several"),
        ([Told], "Told is a class"),
        (["print"], "'print' is no callback"),
        ([Often()], "every = 2.5"),
    ],
)
def test_what_is_no_callback_is_refused_before_training(callbacks, words):
    with pytest.raises(ModelError, match=words):
        fit_plainly(callbacks)


def fit_plainly(callbacks, **more):
    x = np.arange(20.0)[:, None] / 20
    return training.fit(
        nn.mlp(random.key(0), [1, 2, 1]), x, x, loss=nn.mse, optimizer=optim.sgd(0.1), epochs=3, batch_size=6,
        validation=None, progress="none", callbacks=callbacks, **more,
    )  # fmt: skip


@pytest.mark.parametrize("compiled", [False, True])
def test_a_step_that_does_not_say_how_often_is_told_of_each(compiled):
    told = Told()
    fit_plainly([told], compiled=compiled)
    assert told.numbers == list(range(1, 13))


def test_numpys_true_ends_training_and_other_answers_do_not():
    assert len(fit_plainly([lambda epoch: np.float64(epoch.number) >= 2]).history) == 2
    assert len(fit_plainly([lambda epoch: 1, lambda epoch: np.False_]).history) == 3
