"""What callbacks may want to know besides epochs: how training was set up, and how it failed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from wengert import pytree, random
from wengert.errors import DivergenceError, ModelError
from wengert.optim import Optimizer
from wengert.training._data import Array, Data
from wengert.training._steps import Loss, Part, Plan, State

__all__ = ["Failure", "Setup", "Step", "checked", "is_finite", "pauses", "tell", "tell_of_step", "watches"]


@final
@dataclass(frozen=True)
class Setup:
    """What a callback that has a method ``begin(setup)`` is told before the first step.

    ``data`` has ``inputs``, ``targets`` and ``validation`` (a pair, or None) as they are trained on; ``batch_size`` is
    the rows in a step. :class:`wengert.explain.Doctor` reads from it what it examines.
    """

    model: Any
    data: Data
    loss: Loss
    optimizer: Optimizer
    epochs: int
    batch_size: int


@final
@dataclass(frozen=True)
class Failure:
    """What a callback that has a method ``failed(failure)`` is told where training has diverged.

    The step that began it is number ``step``, from 1, of ``epoch``, the ``number``-th of all: the first one that does
    not lead from finite parameters to finite parameters by a finite loss. ``model`` and ``optimizer_state`` are what it
    started from, ``rows`` the numbers of its rows among the training data, and ``key`` is that of the model's noise.
    ``losses`` are those of the epoch up to where training stopped. Where only the validation loss is not finite,
    ``rows`` is None. ``error`` is what :func:`fit` raises.
    """

    error: DivergenceError
    epoch: int
    step: int
    number: int
    model: Any
    optimizer_state: Any
    rows: Array | None
    key: random.Key | None
    losses: Array


@final
@dataclass(frozen=True)
class Step:
    """What a callback that has a method ``step(step)`` is told after each ``every``-th step.

    ``every`` is an attribute of the callback, and 1 where it has none.
    ``number`` counts all steps from 1, ``model`` is that after it, and ``loss`` that of its batch before it. Where
    training is compiled it returns to Python as often. :class:`TrajectoryRecorder` records the path from it.
    """

    number: int
    model: Any
    loss: float


def checked(callbacks: Any) -> tuple[Any, ...]:
    """The callbacks, or a ModelError that says which one is none."""
    if not isinstance(callbacks, Iterable) or isinstance(callbacks, str):
        raise ModelError(f"callbacks are several: fit(…, callbacks=[…]), and not {callbacks!r}")
    several: tuple[Any, ...] = tuple(callbacks)
    for callback in several:
        if isinstance(callback, type):
            raise ModelError(
                f"{callback.__name__} is a class; make a callback of it: callbacks=[{callback.__name__}()]"
            )
        if not callable(callback):
            raise ModelError(f"{callback!r} is no callback: it is called with an Epoch after each epoch")
        for name in ("begin", "step", "failed"):
            if not callable(getattr(callback, name, tell)):
                raise ModelError(f"{callback!r} has a {name} that is no method: fit calls it")
        every = getattr(callback, "every", None)
        if hasattr(callback, "step") and every and (not hasattr(every, "__index__") or every < 0):
            raise ModelError(f"{callback!r} has every = {every!r}, and step is called after every so many whole steps")
    return several


def pauses(callbacks: Iterable[Any]) -> list[int]:
    """After multiples of which numbers of steps callbacks want to be told."""
    return [every for callback in callbacks if (every := _every(callback))]


def _every(callback: Any) -> int | None:
    """After how many steps a callback wants to be told; None for never, 1 where it has a ``step`` and does not say."""
    return getattr(callback, "every", 1) if hasattr(callback, "step") else None


def tell_of_step(callbacks: Iterable[Any], step: Step) -> None:
    """Call the method ``step`` of each callback that wants to be told of this one."""
    for callback in callbacks:
        every = _every(callback)
        if every and step.number % every == 0:
            callback.step(step)


def watches(callbacks: Iterable[Any]) -> bool:
    """Whether a callback wants to be told of a failure: then the states that steps started from are kept."""
    return any(hasattr(callback, "failed") for callback in callbacks)


def tell(callbacks: Iterable[Any], what: str, told: Any) -> None:
    """Call the method of that name of each callback that has one."""
    for callback in callbacks:
        method = getattr(callback, what, None)
        if method is not None:
            method(told)


def is_finite(tree: Any) -> bool:
    """Whether no number in a tree is NaN or infinite."""
    return all(bool(np.isfinite(leaf).all()) for leaf in pytree.leaves(tree))


def failure_at(error: DivergenceError, plan: Plan, state: State, part: Part, at: int, losses: Array) -> Failure:
    """The failure in step ``at`` of a part, which started from ``state``."""
    step = part.first + at
    key = None if part.noise is None else random.fold_in(part.noise, step)
    per_epoch = -(-len(plan.data.inputs) // plan.batch_size)
    number = (part.epoch - 1) * per_epoch + step + 1
    return Failure(
        error, part.epoch, step + 1, number, state.model, state.optimizer, part.rows[at], key, losses
    )  # fmt: skip
