"""Where NaN and infinity begin: in values on the way forward, in gradients on the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from wengert.core.types import dtype_of
from wengert.explain.graph import Edge, Step
from wengert.explain.text import operation, place

__all__ = ["NonFinite", "nonfinite"]


@dataclass(frozen=True, slots=True, eq=False)
class NonFinite:
    """The first step whose value, or the edge at which the gradient, is NaN or infinite while what it read is not."""

    kind: Literal["value", "gradient"]
    what: str  # "NaN" or "inf"
    step: Step
    edge: Edge | None = None

    def __str__(self) -> str:
        step = self.step
        at = f", at {place(step.line)}" if step.line else ""
        if self.edge is not None:
            return (
                f"the gradient is first {self.what} where {self.edge.source.name} is read by "
                f"{step.name} = {operation(step)}{at}"
            )
        if step.primitive is None:
            return f"the input {step.name} holds {self.what}"
        return f"the value is first {self.what} in {step.name} = {operation(step)}{at}"


def trouble(value: Any) -> str:
    """What a value holds that is no number: "NaN" or "inf", or nothing."""
    if isinstance(value, tuple):
        return next(filter(None, map(trouble, value)), "")
    if value is None or dtype_of(value).kind not in "fc":
        return ""
    finite = np.isfinite(value)
    if np.all(finite):
        return ""
    return "NaN" if np.any(np.isnan(value)) else "inf"


def nonfinite(steps: Sequence[Step], edges: Sequence[Edge]) -> tuple[NonFinite, ...]:
    """The first trouble of each kind, if there is any."""
    found: list[NonFinite] = []
    for step in steps:
        what = trouble(step.value)
        if what and not any(map(trouble, step.values)):
            found.append(NonFinite("value", what, step))
            break
    for edge in reversed(edges):
        what = trouble(edge.contribution)
        read = (edge.upstream, edge.target.value, *edge.target.values)
        if what and not any(map(trouble, read)):
            found.append(NonFinite("gradient", what, edge.target, edge))
            break
    return tuple(found)
