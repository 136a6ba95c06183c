"""The learning rate and what stands beside it in the optimiser, tried on the model itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from wengert import pytree
from wengert.errors import WengertError
from wengert.explain.charts.numbers import number
from wengert.explain.doctor import thresholds
from wengert.explain.doctor.case import Case, evenly, objective, undropped
from wengert.explain.doctor.finding import Finding
from wengert.optim import Optimizer, apply_updates, chain, scale
from wengert.transforms import hvp, value_and_grad

__all__ = ["First", "first_step", "rate_findings"]

_ROWS = 64
_SMALLER = (1 / 3, 1 / 10, 1 / 30, 1 / 100, 1e-3, 1e-4, 1e-5)
_LARGER = (10.0, 100.0, 1e3, 1e4, 1e5, 1e6)


@final
@dataclass(frozen=True, eq=False)
class First:
    """A step of the optimiser from fresh: gradient, update, and what the update would be without any gradient.

    ``ratio`` is ‖update‖ / ‖weights‖; ``curvature`` uᵀHu / −gᵀu, which is η gᵀHg / gᵀg for u = −η g: where it is above
    2, the loss as a parabola rises along the update.
    """

    ratio: float
    curvature: float
    decay: float


def _dot(a: Any, b: Any) -> float:
    return float(sum(np.sum(x * y, dtype=np.float64) for x, y in zip(pytree.leaves(a), pytree.leaves(b), strict=True)))


def first_step(case: Case, model: Any, optimizer: Optimizer) -> First:
    """What the first update is like."""
    x, y = _rows(case)
    model, of = undropped(model), objective(case.loss)
    _, gradients = value_and_grad(of)(model, x, y)
    updates, _ = optimizer.update(gradients, optimizer.init(model), model)
    pull, _ = optimizer.update(pytree.map(np.zeros_like, gradients), optimizer.init(model), model)
    downhill = -_dot(gradients, updates)
    bent = _dot(updates, hvp(lambda m: of(m, x, y), model, updates))
    learned = pytree.map(lambda u, p: u - p, updates, pull)
    return First(
        ratio=_share(updates, model),
        curvature=bent / downhill if downhill > 0 else 0.0,
        decay=_share(pull, learned),
    )


def _share(a: Any, b: Any) -> float:
    size = _dot(b, b)
    return float(np.sqrt(_dot(a, a) / size)) if size > 0 else 0.0


def _rows(case: Case) -> tuple[Any, Any]:
    chosen = evenly(len(case.x), _ROWS)
    return case.x[chosen], case.y[chosen]


def probe(case: Case, model: Any, factor: float, steps: int = thresholds.PROBE_STEPS) -> list[float]:
    """The losses of some steps on the same rows, at ``factor`` times the learning rate; ends where they are lost."""
    assert case.optimizer is not None
    optimizer = case.optimizer if factor == 1 else chain(case.optimizer, scale(factor))
    x, y = _rows(case)
    model, step = undropped(model), value_and_grad(objective(case.loss))
    state, losses = optimizer.init(model), []
    for _ in range(steps + 1):
        value, gradients = step(model, x, y)
        losses.append(float(value))
        if not np.isfinite(losses[-1]):
            break
        updates, state = optimizer.update(gradients, state, model)
        model = apply_updates(model, updates)
    return losses


def _rose(losses: list[float]) -> bool:
    if not np.isfinite(losses[-1]):
        return True
    # by differences: a loss may be negative
    size = abs(losses[0])
    peak, end = max(losses) - losses[0], min(losses[-3:]) - losses[0]
    return peak > (thresholds.PROBE_PEAK - 1) * size or end > (thresholds.PROBE_RISE - 1) * size


def _told(losses: list[float]) -> str:
    """Where the losses end, and the peak on the way."""
    end, peak = losses[-1], max(losses)
    return number(end, 3) if not np.isfinite(end) or peak <= end else f"{number(peak, 3)} and then {number(end, 3)}"


def _gain(losses: list[float]) -> float:
    return (losses[0] - losses[-1]) / max(abs(losses[0]), 1e-300) if np.isfinite(losses[-1]) else -np.inf


def rate_findings(case: Case) -> Iterator[Finding]:
    """Whether steps are too long or too short, at the start where that is known."""
    if case.optimizer is None:
        return
    model = case.model if case.start is None else case.start
    with np.errstate(all="ignore"):
        first, losses = first_step(case, model, case.optimizer), probe(case, model, 1.0)
        if _rose(losses) or (first.curvature > 2 * thresholds.SHARPNESS and losses[-1] > losses[0]):
            yield _too_high(case, model, first, losses)
        elif 0 < first.ratio < thresholds.UPDATE_TOO_LOW and _gain(losses) < thresholds.TOO_LOW_OWN:
            yield from _too_low(case, model, first, losses)


def _said(case: Case) -> str:
    return "the learning rate" if case.rate is None else f"a learning rate of {number(case.rate, 3)}"


def _suggested(case: Case, factor: float) -> str:
    if case.rate is None:
        return f"optim.chain(optimizer, optim.scale({factor:.3g}))"
    return f"learning rate {float(f'{case.rate * factor:.1g}'):g}"


def _too_high(case: Case, model: Any, first: First, losses: list[float]) -> Finding:
    factor = next((f for f in _SMALLER if _gain(probe(case, model, f)) > 0), _SMALLER[-1])
    curved = (
        f"; along the update curvature times step length is {number(first.curvature, 3)}, and above 2 a parabola rises"
        if first.curvature > thresholds.SHARPNESS
        else ""
    )
    return Finding(
        "learning_rate_too_high", "severe",
        f"{len(losses) - 1} steps with {_said(case)} on the same rows take the loss from {number(losses[0], 3)} to "
        f"{_told(losses)}{curved}; "
        f"one update is {number(first.ratio, 2)} of the weights, where 0.001 is usual",
        _suggested(case, factor),
        numbers={"before": losses[0], "after": losses[-1], "curvature": first.curvature, "ratio": first.ratio},
    )  # fmt: skip


def _too_low(case: Case, model: Any, first: First, losses: list[float]) -> Iterator[Finding]:
    gains = {f: _gain(probe(case, model, f)) for f in _LARGER}
    best = max(gains, key=lambda f: gains[f])
    if best >= thresholds.TOO_LOW_FACTOR and gains[best] > thresholds.TOO_LOW_GAIN:
        yield Finding(
            "learning_rate_too_low", "serious",
            f"{len(losses) - 1} steps with {_said(case)} lower the loss by {number(100 * _gain(losses), 2)}%, with "
            f"{number(best)} times that by {number(100 * gains[best], 2)}%; one update is {number(first.ratio, 2)} of "
            "the weights, where 0.001 is usual",
            _suggested(case, best / 3),
            numbers={"gain": _gain(losses), "factor": best, "possible": gains[best], "ratio": first.ratio},
        )  # fmt: skip


def decay_of(case: Case) -> float:
    """Weight decay's update against the gradient's, at the model as it is; 0 where there is none or it fails."""
    if case.optimizer is None:
        return 0.0
    try:
        with np.errstate(all="ignore"):
            return first_step(case, case.model, case.optimizer).decay
    except (WengertError, ValueError, TypeError):
        return 0.0
