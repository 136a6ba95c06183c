"""Where training diverged: the step that began it, run once more with every value and gradient looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from wengert import pytree
from wengert.errors import user_line
from wengert.explain.charts.numbers import number
from wengert.explain.doctor.case import Case, forward
from wengert.explain.doctor.finding import Finding
from wengert.explain.doctor.looks import looks_of, own_gradients
from wengert.explain.explaining import explain
from wengert.explain.explanation import Explanation
from wengert.explain.graph import Step
from wengert.optim import apply_updates
from wengert.training import Failure

__all__ = ["failure_finding", "lost_finding"]

Array = NDArray[Any]
_GROWN = 10.0  # against the least loss before: where an explosion is taken to have begun


@final
@dataclass(frozen=True)
class Origin:
    """The operation that made the first number that is not finite: its name, way, layer, line and its operands."""

    operation: str
    way: str
    layer: str
    line: str
    operands: str


def failure_finding(case: Case, failure: Failure) -> Finding:
    """The step and operation that began a divergence."""
    if failure.rows is None:
        return _after_the_steps(failure)
    x, y = case.x[failure.rows], case.y[failure.rows]
    with np.errstate(all="ignore"):
        origin = _origin(case, failure, x, y)
    grown = _growth(failure)
    where = f" in {origin.layer}" if origin.layer else ""
    line = f", at {origin.line}" if origin.line else ""
    rate = case.rate
    smaller = f"learning rate {float(f'{rate / 10:.1g}'):g}, or " if rate else ""
    return Finding(
        "exploding_loss", "severe",
        f"in step {failure.number} (step {failure.step} of epoch {failure.epoch}) {origin.way}{origin.operation}"
        f"{where} made the first number that is not finite, {origin.operands}{line}{grown}",
        f"{smaller}optim.chain(optim.clip_by_global_norm(1.0), optimizer)",
        layer=origin.layer, step=failure.number,
        numbers={"epoch": float(failure.epoch), "step_of_epoch": float(failure.step)},
    )  # fmt: skip


def lost_finding(case: Case) -> Finding | None:
    """What makes the loss of the model as it is not finite; None where it is finite."""
    e = case.seen.explanation
    if np.isfinite(case.seen.value):
        return None
    lost = [p.path for p in own_gradients(e) if not _finite(p.value)]
    on = f"on {len(case.sample[0])} rows the loss is {number(case.seen.value)}"
    if lost:
        path = lost[0].removeprefix("model").removeprefix(".")
        more = f" and {len(lost) - 1} more parameters hold" if len(lost) > 1 else " holds"
        sentence, remedy = f"{on}: {path}{more} NaN or infinities", "a model from before training went wrong"
        return Finding("not_finite_loss", "severe", sentence, remedy, layer=path)
    origin, told = _forward_origin(e), ""
    if origin is not None:
        where, line = (f" {word} {part}" if part else "" for word, part in (("in", origin.layer), ("at", origin.line)))
        told = f": {origin.operation}{where} made the first number that is not finite, {origin.operands}{line}"
    return Finding(
        "not_finite_loss", "severe", f"{on}{told}",
        "a loss that is finite for every output, as nn.softmax_cross_entropy(logits, labels) is; inputs of about 1",
        layer="" if origin is None else origin.layer,
    )  # fmt: skip


def _after_the_steps(failure: Failure) -> Finding:
    return Finding(
        "exploding_loss", "severe",
        f"every step of epoch {failure.epoch} had a finite loss, and the validation loss after it is not: rows "
        "that are held out lie where the model's outputs overflow, or where the loss has no value",
        "model(x).min(), model(x).max() on the rows held out; inputs scaled by the training rows' mean and deviation",
        step=failure.number, numbers={"epoch": float(failure.epoch)},
    )  # fmt: skip


def _growth(failure: Failure) -> str:
    """From which step on the loss was far above its least."""
    losses = failure.losses
    finite = losses[np.isfinite(losses)]
    if len(finite) < 2:
        return ""
    least = np.minimum.accumulate(finite)
    high = finite - least > (_GROWN - 1) * np.abs(least)
    begun = int(np.argmax(high)) if high.any() else None
    if begun is None:
        return ""
    first = failure.number - failure.step + 1
    return (
        f"; the loss had grown since step {first + begun}, from {number(float(least[begun]), 3)} "
        f"to {number(float(finite[-1]), 3)}"
    )


def _origin(case: Case, failure: Failure, x: Array, y: Array) -> Origin:
    def training_loss(model: Any, x: Any, y: Any) -> Any:
        return case.loss(forward(model, x, failure.key), y)

    try:
        e = explain(training_loss, argnums=0, turns=0)(failure.model, x, y)
        e.check()
    except Exception as error:  # noqa: BLE001 - it is the user's code, and it has failed before
        return Origin(f"the model or the loss, which raises {type(error).__name__},", "", "", "", "")
    origin = _forward_origin(e) or _backward_origin(e)
    return origin or _update_origin(case, failure, e)


def _finite(value: Any) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    return all(bool(np.isfinite(p).all()) for p in parts if p is not None)


def _forward_origin(e: Explanation) -> Origin | None:
    for k, step in enumerate(e.steps):
        if not _finite(step.value) and all(map(_finite, step.values)):
            return _told(e, step, "on the way forward, ", _largest(step.values), k)
    return None


def _backward_origin(e: Explanation) -> Origin | None:
    for edge in reversed(e.edges):
        if not _finite(edge.contribution) and _finite(edge.upstream):
            values = (edge.upstream, *edge.target.values)
            return _told(e, edge.target, "on the way back, ", _largest(values), e.steps.index(edge.target))
    for step in reversed(e.steps):
        if not _finite(step.gradient):  # each part finite, and their sum not
            return _told(e, step, "on the way back, the sum of what came in for ", "", e.steps.index(step))
    return None


def _update_origin(case: Case, failure: Failure, e: Explanation) -> Origin:
    """The loss and its gradient are finite: it is the update."""
    assert case.optimizer is not None
    gradients = [step.gradient for step in e.inputs.values()]
    tree = pytree.unflatten(pytree.flatten(failure.model)[1], gradients)
    updates, _ = case.optimizer.update(tree, failure.optimizer_state, failure.model)
    after = apply_updates(failure.model, updates)
    for (path, leaf), gradient in zip(pytree.flatten_with_paths(after), gradients, strict=True):
        if not _finite(leaf):
            operands = f"from gradients of up to {number(float(np.abs(gradient).max()), 3)}"
            return Origin("the optimiser's update", "", path.removeprefix("."), "", operands)
    return Origin("the loss", "", "", "", "which is finite when the step is taken again: rounding decides")


def _largest(values: Sequence[Any]) -> str:
    sizes = [
        float(np.abs(v).max())
        for v in values
        if not isinstance(v, tuple) and np.size(v) and np.asarray(v).dtype != bool
    ]
    return f"from numbers of up to {number(max(sizes), 3)}" if sizes else ""


def _told(e: Explanation, step: Step, way: str, operands: str, position: int) -> Origin:
    assert step.primitive is not None
    name = step.primitive.ufunc.__name__ if step.primitive.ufunc is not None else step.primitive.name
    # a line that only asks for the diagnosis, or for training, has not written the operation
    line = "" if step.line == user_line() else step.line
    return Origin(f"np.{name}", way, _layer_at(e, step, position), line, operands)


def _layer_at(e: Explanation, step: Step, position: int) -> str:
    """The layer that a step belongs to: by its scopes where they are recorded, else the one whose sum it leads to."""
    layers = [scope.name for scope in getattr(step, "scopes", ()) if scope.kind == "layer"]
    if layers:
        return layers[-1].removeprefix("model").removeprefix(".")
    places = {s: k for k, s in enumerate(e.steps)}
    found = [(places[s], name) for name, s in e.pre_activations().items() if s in places]
    after = [name for place, name in sorted(found) if place >= position]
    if after:
        return after[0].removeprefix("model").removeprefix(".")
    return "the loss" if looks_of(e, "model") else ""
