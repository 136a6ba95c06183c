"""The training loop: epochs, the best one, early stopping, interruption."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from wengert import random
from wengert.errors import DivergenceError, ModelError
from wengert.optim import Optimizer
from wengert.training._compiled import Runner, Wanted
from wengert.training._data import Validation, prepared
from wengert.training._progress import Mode, Reporter, reporter
from wengert.training._steps import Loss, Metric, Plan, State, Tally
from wengert.training._watching import Failure, Setup, Step, checked, pauses, tell, tell_of_step, watches
from wengert.training.history import History

__all__ = ["Callback", "Epoch", "Result", "fit"]


@final
@dataclass(frozen=True)
class Epoch:
    """What a callback is told: the epoch's number, from 1, of how many, the model and what was measured."""

    number: int
    epochs: int
    model: Any
    row: Mapping[str, float]
    history: History


Callback = Callable[[Epoch], Any]


@final
@dataclass(frozen=True)
class Result:
    """What :func:`fit` gives: the model, what was measured, and how it came to its end.

    ``best_epoch`` is the epoch, from 1, of the smallest validation loss (of the smallest loss, if nothing
    was held out); 0 if no epoch was completed. ``interrupted`` is True after Ctrl-C.
    """

    model: Any
    history: History
    interrupted: bool
    best_epoch: int


@final
@dataclass(frozen=True)
class _Reached:
    """What the completed epochs came to, exchanged as a whole."""

    model: Any
    history: History
    best: Any
    best_epoch: int = 0
    best_loss: float = math.inf

    def after(self, model: Any, row: Mapping[str, float]) -> _Reached:
        history = self.history.appended(row)
        loss = row.get("validation_loss", row["loss"])
        if loss < self.best_loss:
            return _Reached(model, history, model, len(history), loss)
        return replace(self, model=model, history=history)


@final
class _Run:
    """Training under way: ``state`` after the last step, ``reached`` after the last completed epoch."""

    def __init__(self, plan: Plan, runner: Runner, model: Any, callbacks: tuple[Callback, ...]) -> None:
        self.plan, self.runner, self.callbacks = plan, runner, callbacks
        self.state = State(model, plan.optimizer.init(model))
        self.reached = _Reached(model, History(), model)

    def epoch(self, number: int, show: Reporter) -> Mapping[str, float]:
        """One epoch, its measurements, and its place among the others."""
        begun, tally = time.perf_counter(), Tally(self.plan)
        rows = len(self.plan.data.inputs)
        for done in self.runner.epoch(self.state, number):
            self.state = done.state
            tally.add(done)
            tell_of_step(self.callbacks, Step(done.state.steps, done.state.model, float(done.losses[-1])))
            show.batch(number - 1 + tally.rows / rows)
        row = tally.row(number, time.perf_counter() - begun)
        self.reached = self.reached.after(self.state.model, row)
        return row

    def run(self, epochs: int, patience: int | None, show: Reporter) -> None:
        """Epochs until there are enough, no progress, or a callback that says stop."""
        for number in range(1, epochs + 1):
            row = self.epoch(number, show)
            show.epoch(number, row)
            told = Epoch(number, epochs, self.state.model, row, self.reached.history)
            answers = [callback(told) for callback in self.callbacks]
            if any(isinstance(answer, bool | np.bool_) and answer for answer in answers):
                return
            if patience is not None and number - self.reached.best_epoch >= patience:
                return

    def ends_early(self, epochs: int, patience: int | None, show: Reporter) -> bool:
        """Whether Ctrl-C ended the run. Where it diverges, callbacks are told before the error goes on."""
        try:
            self.run(epochs, patience, show)
        except KeyboardInterrupt:
            return True
        except DivergenceError as error:
            tell(self.callbacks, "failed", self.failure(error))
            raise
        return False

    def failure(self, error: DivergenceError) -> Failure:
        """What became of the run: the step that began it, or where steps were in order, the state after them."""
        epoch = len(self.reached.history) + 1
        model, inner, steps = self.state.model, self.state.optimizer, self.state.steps
        return self.runner.failure or Failure(error, epoch, 0, steps, model, inner, None, None, np.empty(0))

    def model(self, best: bool) -> Any:
        """The model to give back."""
        if not self.reached.history.epochs:
            return self.state.model
        return self.reached.best if best else self.reached.model


def _at_least_one(value: Any, name: str, hint: str) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
        raise ModelError(f"{name} is {value!r} and must be an integer of at least 1{hint}")
    return int(value)


def _check_parts(loss: Any, optimizer: Any) -> None:
    if not callable(loss):
        raise ModelError(f"loss is {loss!r} and must be a function, as in fit(…, loss=nn.softmax_cross_entropy)")
    if not isinstance(optimizer, Optimizer):
        raise ModelError(f"optimizer is {optimizer!r}; write one as in fit(…, optimizer=optim.adam(1e-3))")


def fit(
    model: Any,
    inputs: Any,
    targets: Any,
    *,
    loss: Loss,
    optimizer: Optimizer,
    epochs: int = 100,
    batch_size: int | None = 64,
    seed: int = 0,
    validation: Validation = 0.1,
    patience: int | None = None,
    metrics: Mapping[str, Metric] | None = None,
    progress: Mode = "auto",
    callbacks: Iterable[Callback] = (),
    replacement: bool = False,
    compiled: Wanted = "auto",
) -> Result:
    """Train ``model``, a pytree called as ``model(x, key=…, training=True)``, by mini-batches.

    Args:
        model: where to begin; it stays as it is.
        inputs: one sample a row; cast to the dtype of the model.
        targets: as ``loss`` takes them; floats are cast like the inputs, integers stay integers.
        loss: ``loss(outputs, targets)``, one number, the mean over the rows of a batch.
        optimizer: from :mod:`wengert.optim`.
        epochs: how many times to go over the data at most.
        batch_size: rows in a step; 1 for stochastic descent, None for all rows at once.
        seed: of the held-out rows, the order and the model's noise. The same seed gives the same bits.
        validation: what to hold out: a fraction of the rows, a pair ``(inputs, targets)``, or None.
        patience: stop after so many epochs without a smaller validation loss.
        metrics: more to measure, by name: ``metric(outputs, targets)``, one number.
        progress: "auto" (a bar on a terminal, one line an epoch elsewhere), "rich", "lines" or "none".
        callbacks: called with an :class:`Epoch` after every epoch; one that returns True ends training. A method
            ``begin`` of theirs is called with the :class:`Setup` before the first, a method ``step`` with a
            :class:`Step` after every so many (their ``every``), and a method ``failed`` with a :class:`Failure` where
            training diverges.
        replacement: draw rows with replacement, in place of a new order every epoch.
        compiled: whether stretches of an epoch run as one native function: ``True``, ``False`` (every step in Python),
            or "auto": where they take longer than their compilation, and what ``model``, ``loss`` and ``optimizer`` do
            can be staged (a line of the progress says so if it cannot).

    The order is new in every epoch. Where rows are held out or ``patience`` is given, the result is the model
    of the best epoch, else that of the last. Ctrl-C ends training and gives what the completed epochs reached
    (in the first epoch: what its steps reached).

    Compiled or not, the numbers are the same to rounding. Where steps are compiled, ``model``, ``loss`` and
    ``optimizer`` are called in the first step and to be staged; what they do besides (printing, counting calls) happens
    then and not in every step.

    Raises:
        DataError: if the data are empty, not numbers, not finite, or of different lengths.
        ModelError: if an argument makes no sense.
        DivergenceError: a ModelError, if the loss becomes NaN or infinite; ``callbacks=[wengert.explain.Doctor()]``
            says which step and operation began it.
        ConcretizationError: for ``compiled=True``, if the model or the loss needs a value to decide by; TraceError, if
            it draws from NumPy's generators; UnsupportedError, if there is no llvmlite.

    Example:
        >>> import numpy as np
        >>> from wengert import nn, optim, random, training
        >>> x = random.normal(random.key(0), (200, 2))
        >>> y = (x[:, 0] > x[:, 1]).astype(int)
        >>> result = training.fit(
        ...     nn.mlp(random.key(1), [2, 8, 2]), x, y, loss=nn.softmax_cross_entropy,
        ...     optimizer=optim.adam(0.01), epochs=30, metrics={"accuracy": nn.accuracy}, progress="none",
        ... )
        >>> len(result.history), result.history["validation_accuracy"][-1] > 0.9
        (30, True)
    """
    epochs = _at_least_one(epochs, "epochs", "")
    if patience is not None:
        patience = _at_least_one(patience, "patience", ", or None to go on to the last epoch")
    _check_parts(loss, optimizer)
    if not isinstance(compiled, bool) and compiled != "auto":
        raise ModelError(f'compiled is {compiled!r} and must be True, False or "auto"')
    data = prepared(model, inputs, targets, validation, seed)
    size = len(data.inputs) if batch_size is None else batch_size
    size = _at_least_one(size, "batch_size", ", or None for all rows at once")
    plan = Plan(data, loss, optimizer, dict(metrics or {}), size, replacement, random.key(seed))
    callbacks = checked(callbacks)
    tell(callbacks, "begin", Setup(model, data, loss, optimizer, epochs, min(size, len(data.inputs))))
    with reporter(progress, epochs) as show:
        run = _Run(plan, Runner(plan, epochs, compiled, show.note, watches(callbacks)), model, callbacks)
        run.runner.pauses = pauses(callbacks)
        interrupted = run.ends_early(epochs, patience, show)
    best = data.validation is not None or patience is not None
    return Result(run.model(best), run.reached.history, interrupted, run.reached.best_epoch)
