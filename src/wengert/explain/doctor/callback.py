"""The doctor at the bedside: a callback that looks at the network now and then while it trains."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, final

import numpy as np

from wengert import nn
from wengert.errors import ModelError
from wengert.explain.doctor.case import Case, evenly, see
from wengert.explain.doctor.diagnosing import diagnosis_of
from wengert.explain.doctor.failing import failure_finding
from wengert.explain.doctor.finding import Diagnosis
from wengert.explain.doctor.network import Glance
from wengert.training import Epoch, Failure, History, Setup

__all__ = ["Doctor"]

# seconds that a glance is taken to need, before one was taken: at least, and for each row and parameter
_GLANCE, _GLANCE_EACH = 0.03, 5e-9


def _clocks() -> tuple[float, float]:
    """Time that has passed, and that this process was at work: where others are too, training only seems long."""
    return time.perf_counter(), time.process_time()


def _since(begun: tuple[float, float]) -> list[float]:
    return [now - then for now, then in zip(_clocks(), begun, strict=True)]


@final
class Doctor:
    """A callback of :func:`wengert.training.fit` that watches layers as they train, and then says what was wrong.

    After every ``every``-th epoch it runs ``rows`` rows through the model, if by doing so it stays within ``share`` of
    the time that training has taken so far; None sets no bound. The rest, which takes longer, is done when training is
    over and :attr:`diagnosis` is asked for. Where training diverges, it is told the last finite state and says which
    step and operation began it.

    Args:
        every: epochs from one glance to the next at least.
        rows: how many rows are run through the model in a glance.
        share: of the time of training that glances may take.
        features: names of the inputs' columns.

    Example:
        >>> import wengert
        >>> from wengert import nn, optim, random, training
        >>> x = random.normal(random.key(0), (300, 4))
        >>> y = (x[:, 0] + x[:, 1] > 0).astype(int)
        >>> doctor = wengert.explain.Doctor()
        >>> result = training.fit(
        ...     nn.mlp(random.key(1), [4, 16, 2]), x, y, loss=nn.softmax_cross_entropy,
        ...     optimizer=optim.adam(0.01), epochs=10, progress="none", callbacks=[doctor],
        ... )
        >>> print(doctor.diagnosis.headline())
        no illness found
    """

    def __init__(
        self, *, every: int = 1, rows: int = 64, share: float | None = 0.02, features: Sequence[str] = ()
    ) -> None:
        if every < 1 or rows < 1 or not (share is None or 0 < share <= 1):
            raise ModelError(
                f"Doctor(every={every}, rows={rows}, share={share}): every and rows are at least 1, share is in "
                "(0, 1] or None"
            )
        self.every, self.rows, self.share, self.features = every, rows, share, tuple(features)
        self.glances: list[Glance] = []
        self.spent = 0.0
        self._setup: Setup | None = None
        self._model: Any = None
        self._best: Any = None
        self._history = History()
        self._failure: Failure | None = None
        self._diagnosis: Diagnosis | None = None
        self._begun = _clocks()
        self._longest = _GLANCE

    def begin(self, setup: Setup) -> None:
        """Training is about to start."""
        self._setup, self._model, self._best, self._history = setup, setup.model, None, History()
        self._failure = self._diagnosis = None
        self.glances, self.spent = [], 0.0
        self._longest = _GLANCE + _GLANCE_EACH * self.rows * nn.count_parameters(setup.model)
        self._begun = _clocks()

    def __call__(self, epoch: Epoch) -> None:
        """An epoch is over."""
        self._model, self._history, self._diagnosis = epoch.model, epoch.history, None
        if epoch.history.best_epoch == epoch.number:
            self._best = epoch.model
        if self._setup is not None and epoch.number % self.every == 0 and self._affordable():
            begun = _clocks()
            self.glances.append(self._glance(self._setup, epoch))
            took = max(_since(begun))
            self.spent, self._longest = self.spent + took, took if len(self.glances) == 1 else max(self._longest, took)

    def failed(self, failure: Failure) -> None:
        """Training has diverged."""
        self._failure, self._diagnosis = failure, None

    def _affordable(self) -> bool:
        if self.share is None:
            return True
        trained = min(_since(self._begun)) - self.spent
        return self.spent + self._longest <= self.share * trained

    def _glance(self, setup: Setup, epoch: Epoch) -> Glance:
        chosen = evenly(len(setup.data.inputs), self.rows)
        seen = see(epoch.model, setup.data.inputs[chosen], setup.data.targets[chosen], setup.loss)
        per_epoch = -(-len(setup.data.inputs) // setup.batch_size)
        return Glance(
            step=epoch.number * per_epoch, epoch=epoch.number,
            dead={look.layer: look.dead for look in seen.looks}, flat={look.layer: look.flat for look in seen.looks},
            flow={look.layer: look.flow for look in seen.looks}, loss=seen.value,
        )  # fmt: skip

    @property
    def diagnosis(self) -> Diagnosis:
        """What was found in data, model and training; made when it is first asked for.

        Raises:
            ModelError: if the doctor has seen no training yet.
        """
        if self._setup is None:
            raise ModelError("this doctor has seen no training: training.fit(…, callbacks=[doctor])")
        if self._diagnosis is None:
            self._diagnosis = self._examined(self._setup)
        return self._diagnosis

    def _examined(self, setup: Setup) -> Diagnosis:
        failure, data = self._failure, setup.data
        model = self._model if failure is None else failure.model
        case = Case(
            model, data.inputs, data.targets, setup.loss, self.features, setup.optimizer, self._history.columns,
            data.validation, setup.batch_size, setup.model, self._best,
        )  # fmt: skip
        more = [] if failure is None else [failure_finding(case, failure)]
        with np.errstate(all="ignore"):
            return diagnosis_of(case, self.glances, more)

    def __str__(self) -> str:
        return str(self.diagnosis)

    def _repr_html_(self) -> str:
        return self.diagnosis._repr_html_()  # pyright: ignore[reportPrivateUsage]
