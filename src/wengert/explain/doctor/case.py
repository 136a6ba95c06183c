"""What the doctor has before it: a model, its data and loss, and what one look at them shows."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from wengert import nn, pytree, random
from wengert.errors import WengertError
from wengert.explain.doctor.looks import Look, looks_of
from wengert.explain.doctor.reference import Neighbours, Reference, error_of, neighbours, reference
from wengert.explain.explaining import explain
from wengert.explain.explanation import Explanation
from wengert.explain.graph import Step
from wengert.optim import Optimizer

__all__ = ["Case", "Seen", "evenly", "forward", "objective", "see", "undropped"]

Array = NDArray[Any]
Loss = Callable[[Any, Any], Any]


def evenly(n: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` row numbers of ``n``, from the first to the last."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.int64))


def undropped(model: Any) -> Any:
    """The model without dropout, whose zeros would be taken for those of units that do not respond."""

    def change(node: Any) -> Any:
        if isinstance(node, nn.Dropout) and node.rate:
            return nn.Dropout(0.0)
        if isinstance(node, nn.RNN | nn.LSTM | nn.GRU) and node.dropout:
            return dataclasses.replace(node, dropout=0.0)
        return None

    return pytree.replace_nodes(model, change)


def forward(model: Any, x: Any, key: random.Key | None = None) -> Any:
    """The model's outputs in training; a model that knows no training is only called."""
    try:
        names = inspect.signature(model).parameters
    except (TypeError, ValueError):
        names = {}
    if "training" not in names:
        return model(x)
    return model(x, key=random.key(0) if key is None else key, training=True)


def objective(loss: Loss) -> Callable[..., Any]:
    """``(model, x, y) -> loss`` as one training step has it."""

    def of(model: Any, x: Any, y: Any) -> Any:
        return loss(forward(model, x), y)

    return of


@final
@dataclass(frozen=True, eq=False)
class Seen:
    """One run of the loss, recorded: the layers, and the model's outputs with the gradient by them."""

    value: float
    looks: tuple[Look, ...]
    outputs: Array
    outputs_gradient: Array
    last: Array
    explanation: Explanation

    @property
    def hidden(self) -> tuple[Look, ...]:
        """The layers that multiply by weights, without the last."""
        return tuple(look for look in self.looks[:-1] if look.matrix)


def see(model: Any, x: Array, y: Array, loss: Loss) -> Seen:
    """Record the loss on some rows and read off the layers."""
    met: list[Any] = []

    def training_loss(model: Any, x: Any, y: Any) -> Any:
        outputs = forward(model, x)
        met.append(outputs)
        return loss(outputs, y)

    with np.errstate(all="ignore"):
        e = explain(training_loss, argnums=0, turns=0)(undropped(model), x, y)
    e.check()
    looks = looks_of(e, "model")
    value = getattr(met[0], "v", met[0])
    step = _step_of(e, value)
    gradient = None if step is None else step.gradient
    gradient = np.zeros(np.shape(value)) if gradient is None else gradient
    last = _last_of(looks, value)
    return Seen(float(e.value), looks, np.asarray(value), np.asarray(gradient), last, e)


def _step_of(e: Explanation, value: Any) -> Step | None:
    return next((step for step in e.steps if step.value is value), None)


def _last_of(looks: Sequence[Look], outputs: Any) -> Array:
    """The pre-activations of the last layer; the outputs themselves where no layer is seen."""
    if not looks or np.shape(looks[-1].sums) != np.shape(outputs):
        return np.asarray(outputs)
    return looks[-1].sums


@final
@dataclass(frozen=True, eq=False)
class Case:
    """Everything that findings are made from. ``x`` and ``y`` are all rows, ``rows`` of them are run through the model.

    ``columns`` are those of a history; ``start`` is the model before training and ``best`` that after the epoch of the
    smallest validation loss, where they are known.
    """

    model: Any
    x: Array
    y: Array
    loss: Loss
    features: tuple[str, ...] = ()
    optimizer: Optimizer | None = None
    columns: Mapping[str, Sequence[float]] = dataclasses.field(default_factory=dict[str, Sequence[float]])
    validation: tuple[Array, Array] | None = None
    batch_size: int | None = None
    start: Any = None
    best: Any = None
    rows: int = 256

    @cached_property
    def sample(self) -> tuple[Array, Array]:
        """The rows that are run through the model."""
        chosen = evenly(len(self.x), self.rows)
        return self.x[chosen], self.y[chosen]

    @cached_property
    def seen(self) -> Seen:
        """The model as it is now."""
        return see(self.model, *self.sample, self.loss)

    @cached_property
    def seen_at_start(self) -> Seen | None:
        """The model before training; None where it is not known."""
        if self.start is not None:
            return see(self.start, *self.sample, self.loss)
        return None if self.columns.get("loss") else self.seen

    @cached_property
    def reference(self) -> Reference | None:
        """What simple rules make of the data; None where the targets are not understood."""
        return None if self.neighbours is None else reference(self.neighbours, self.y, self.outputs_per_row)

    @cached_property
    def neighbours(self) -> Neighbours | None:
        """Some rows and those nearest to them by their inputs; None where there are few."""
        return neighbours(self.x) if len(self.x) >= 20 and self.x.dtype.kind in "biuf" else None

    @cached_property
    def outputs_per_row(self) -> int:
        """How many numbers the model gives for a row."""
        shape = self.seen.outputs.shape
        return shape[1] if len(shape) == 2 else 1

    @cached_property
    def error(self) -> float | None:
        """The share that the model gets wrong on its own training rows, as :func:`error_of` counts."""
        chosen = evenly(len(self.x), 1000)
        try:
            with np.errstate(all="ignore"):
                outputs = np.asarray(self.model(self.x[chosen]))
        except (WengertError, TypeError, ValueError):
            return None
        return error_of(outputs, self.y[chosen])

    def feature(self, k: int) -> str:
        """The name of an input."""
        return self.features[k] if k < len(self.features) else f"feature {k}"

    @property
    def rate(self) -> float | None:
        """The learning rate at the first step."""
        rate = None if self.optimizer is None else self.optimizer.rate
        return None if rate is None else float(rate(0))

    @property
    def trained(self) -> bool:
        """Whether epochs were completed."""
        return bool(self.columns.get("loss"))
