"""Steps of gradient descent over one epoch, and what an epoch adds up to."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from wengert import nn, pytree, random
from wengert.data import row_order
from wengert.errors import DivergenceError
from wengert.optim import Optimizer, apply_updates
from wengert.training._data import Array, Data, model_dtype, rows_of
from wengert.training._norms import layer_norms
from wengert.transforms import value_and_grad

__all__ = ["Loss", "Metric", "Part", "Plan", "State", "Stretch", "Tally", "descend", "predict"]

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
class Part:
    """Steps of one epoch with the same number of rows each: ``rows`` (steps, rows), ``first`` the number of the first.

    ``noise`` is the key that each step's key is made of by its number, None for models that draw nothing.
    """

    epoch: int
    noise: random.Key | None
    first: int
    rows: Array


@final
@dataclass(frozen=True)
class Stretch:
    """The outcome of some steps one after another: their rows and losses, all outputs, the last step's gradients.

    ``before`` is the model before the first of them.
    """

    before: Any
    state: State
    rows: Array
    losses: Array
    outputs: Any
    gradients: Any


def descend(
    loss: Loss, optimizer: Optimizer, model: Any, inner: Any, x: Any, y: Any, key: random.Key | None
) -> tuple[Any, Any, Any, Any, Any]:
    """Forward, backward, and a step of the optimiser: model, its state, loss, outputs, gradients."""

    def objective(model: Any) -> tuple[Any, Any]:
        outputs, after = nn.apply(model, x, key, training=True)
        return loss(outputs, y), (outputs, None if after is model else nn.state_of(after))

    (value, (outputs, remembered)), gradients = value_and_grad(objective, has_aux=True)(model)
    updates, inner = optimizer.update(gradients, inner, model)
    model = apply_updates(model, updates)
    model = model if remembered is None else nn.with_state(model, remembered)
    return model, inner, value, outputs, gradients


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

    def parts(self, model: Any, epoch: int) -> Iterator[Part]:
        """The steps of an epoch: whole batches, then what is left; order and noise depend on key and number alone."""
        order, noise = random.split(random.fold_in(self.key, epoch))
        key = noise if getattr(model, "draws", True) else None
        rows = row_order(len(self.data.inputs), order, self.replacement)
        size = min(self.batch_size, len(rows))
        whole = len(rows) // size
        yield Part(epoch, key, 0, rows[: whole * size].reshape(whole, size))
        if len(rows) % size:
            yield Part(epoch, key, whole, rows[None, whole * size :])

    def step(self, state: State, part: Part, at: int) -> Stretch:
        """Step number ``at`` of a part."""
        rows = part.rows[at]
        key = None if part.noise is None else random.fold_in(part.noise, part.first + at)
        x, y = self.data.inputs[rows], self.data.targets[rows]
        model, inner, loss, outputs, gradients = descend(
            self.loss, self.optimizer, state.model, state.optimizer, x, y, key
        )
        after = State(model, inner, state.steps + 1)
        return Stretch(state.model, after, rows[None], np.asarray(loss)[None], outputs, gradients)

    def check_losses(self, losses: Array, part: Part, at: int) -> None:
        """Stop at the first loss of a stretch that is NaN or infinite."""
        finite = np.isfinite(losses)
        if not finite.all():
            k = int(np.argmin(finite))
            loss = float(losses[k])
            self.check(loss, f"the loss became {loss} in step {part.first + at + k + 1} of epoch {part.epoch}")

    def check(self, loss: float, what: str) -> None:
        """Stop where a loss is NaN or infinite: from there on nothing is learned."""
        if math.isfinite(loss):
            return
        rate = "" if self.optimizer.rate is None else f" (it began at {float(self.optimizer.rate(0)):g})"
        raise DivergenceError(
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
    """An epoch's steps, added up: the loss weighted by rows, the outputs where metrics need them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.loss, self.rows = 0.0, 0
        self.outputs: list[Any] = []
        self.chosen: list[Array] = []
        self.last: Stretch | None = None

    def add(self, done: Stretch) -> None:
        """Count some steps."""
        self.loss += float(np.sum(done.losses, dtype=np.float64)) * done.rows.shape[1]
        self.rows += done.rows.size
        self.last = done
        if self.plan.metrics:
            self.outputs.append(done.outputs)
            self.chosen.append(done.rows.ravel())

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
        update = pytree.map_learned(np.subtract, state.model, self.last.before)  # the last step is a stretch of its own
        return {
            "loss": self.loss / self.rows,
            **self.metrics(),
            **self.plan.validation(state.model, epoch),
            **({} if rate is None else {"learning_rate": float(rate(state.steps - 1))}),
            **layer_norms(self.last.gradients, "gradient_norm"),
            **layer_norms(update, "update_norm"),
            **layer_norms(state.model, "weight_norm"),
            "seconds": seconds,
        }
