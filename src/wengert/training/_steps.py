"""Steps of gradient descent over one epoch, and what an epoch adds up to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from wengert import nn, random
from wengert.data import batches
from wengert.errors import ModelError
from wengert.optim import Optimizer, apply_updates
from wengert.training._data import Array, Data, model_dtype, rows_of
from wengert.training._norms import layer_norms
from wengert.transforms import value_and_grad

__all__ = ["Batch", "Loss", "Metric", "Plan", "State", "Tally", "predict"]

Loss = Callable[[Any, Any], Any]
Metric = Callable[[Any, Any], Any]


def predict(model: Any, inputs: Any, batch_size: int = 1024) -> Array:
    """The model's outputs for all rows of ``inputs``, taken ``batch_size`` at a time in the model's dtype.

    Raises:
        DataError: if ``inputs`` are empty, no numbers, or not all finite.

    Example:
        >>> import numpy as np
        >>> from wengert import nn, random
        >>> from wengert.training import predict
        >>> predict(nn.mlp(random.key(0), [4, 2]), np.zeros((3000, 4))).shape
        (3000, 2)
    """
    dtype = model_dtype(model)
    x = rows_of(inputs, "inputs", dtype).astype(dtype, copy=False)
    starts = range(0, len(x), batch_size)
    return np.concatenate([np.asarray(model(x[start : start + batch_size])) for start in starts])


@final
@dataclass(frozen=True)
class State:
    """What a step changes, all at once: an interruption finds the old state or the new one."""

    model: Any
    optimizer: Any
    steps: int = 0


@final
@dataclass(frozen=True)
class Batch:
    """The outcome of one step."""

    state: State
    rows: Array
    loss: float
    outputs: Any
    gradients: Any


@final
@dataclass(frozen=True)
class Plan:
    """What stays the same during training."""

    data: Data
    loss: Loss
    optimizer: Optimizer
    metrics: Mapping[str, Metric]
    batch_size: int
    replacement: bool
    key: random.Key

    def epoch(self, state: State, number: int) -> Iterator[Batch]:
        """The steps of epoch ``number``; order and noise depend on the key and the number alone."""
        order, noise = random.split(random.fold_in(self.key, number))
        draws = getattr(state.model, "draws", True)
        rows = batches(len(self.data.inputs), self.batch_size, order, self.replacement)
        for i, chosen in enumerate(rows):
            batch = self.step(state, chosen, random.fold_in(noise, i) if draws else None)
            self.check(batch.loss, f"the loss became {batch.loss} in step {i + 1} of epoch {number}")
            state = batch.state
            yield batch

    def step(self, state: State, rows: Array, key: random.Key | None) -> Batch:
        """Forward, backward, and a step of the optimiser."""
        x, y = self.data.inputs[rows], self.data.targets[rows]

        def objective(model: Any) -> tuple[Any, Any]:
            outputs, after = nn.apply(model, x, key, training=True)
            return self.loss(outputs, y), (outputs, None if after is model else nn.state_of(after))

        (loss, (outputs, remembered)), gradients = value_and_grad(objective, has_aux=True)(state.model)
        updates, inner = self.optimizer.update(gradients, state.optimizer, state.model)
        model = apply_updates(state.model, updates)
        model = model if remembered is None else nn.with_state(model, remembered)
        after = State(model, inner, state.steps + 1)
        return Batch(after, rows, float(loss), outputs, gradients)

    def check(self, loss: float, what: str) -> None:
        """Stop where a loss is NaN or infinite: from there on nothing is learned."""
        if math.isfinite(loss):
            return
        rate = "" if self.optimizer.rate is None else f" (it began at {float(self.optimizer.rate(0)):g})"
        raise ModelError(
            f"{what}: training has diverged. Try a smaller learning rate{rate}, "
            "optim.chain(optim.clip_by_global_norm(1.0), optimizer), or inputs and targets scaled to about 1"
        )

    def validation(self, model: Any, epoch: int) -> dict[str, float]:
        """Loss and metrics on the rows that are held out."""
        if self.data.validation is None:
            return {}
        x, y = self.data.validation
        outputs = predict(model, x)
        loss = float(self.loss(outputs, y))
        self.check(loss, f"the validation loss became {loss} after epoch {epoch}")
        found = {name: float(metric(outputs, y)) for name, metric in self.metrics.items()}
        return {f"validation_{name}": value for name, value in {"loss": loss, **found}.items()}


@final
class Tally:
    """An epoch's batches, added up: the loss weighted by rows, the outputs where metrics need them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.loss, self.rows = 0.0, 0
        self.outputs: list[Any] = []
        self.chosen: list[Array] = []
        self.last: Batch | None = None

    def add(self, batch: Batch) -> None:
        """Count a batch."""
        self.loss += batch.loss * len(batch.rows)
        self.rows += len(batch.rows)
        self.last = batch
        if self.plan.metrics:
            self.outputs.append(batch.outputs)
            self.chosen.append(batch.rows)

    def metrics(self) -> dict[str, float]:
        """Metrics of the outputs in training, each as the model was at its batch."""
        if not self.plan.metrics:
            return {}
        outputs = np.concatenate(self.outputs)
        targets = self.plan.data.targets[np.concatenate(self.chosen)]
        return {name: float(metric(outputs, targets)) for name, metric in self.plan.metrics.items()}

    def row(self, epoch: int, seconds: float) -> dict[str, float]:
        """The epoch's row of the history; norms are those of the last step."""
        assert self.last is not None
        state, rate = self.last.state, self.plan.optimizer.rate
        return {
            "loss": self.loss / self.rows,
            **self.metrics(),
            **self.plan.validation(state.model, epoch),
            **({} if rate is None else {"learning_rate": float(rate(state.steps - 1))}),
            **layer_norms(self.last.gradients, "gradient_norm"),
            **layer_norms(state.model, "weight_norm"),
            "seconds": seconds,
        }
