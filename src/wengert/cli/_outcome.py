"""What a training run reached, and from what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from wengert import nn
from wengert.cli._network import Settings
from wengert.data import Encoding, Table
from wengert.explain.doctor import Finding
from wengert.training import Result

__all__ = ["Outcome"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Outcome:
    """A finished run; ``outputs`` are the network's, for the held-out rows.

    ``activations`` are what was sampled of its hidden layers, by name, a value for each epoch. ``findings``
    are the doctor's, None where no epoch was completed.
    """

    table: Table
    target: str
    encoding: Encoding
    settings: Settings
    training_rows: Array
    held_out_rows: Array
    outputs: Array
    result: Result
    seconds: float
    metrics: dict[str, float]
    baseline: dict[str, dict[str, float]]
    command: str
    activations: Mapping[str, list[float]] = field(default_factory=dict[str, list[float]])
    findings: Sequence[Finding] | None = None

    def summary(self, out: Path) -> dict[str, Any]:
        """The result as ``--json`` prints it."""
        return {
            "task": self.encoding.task,
            "metrics": self.metrics,
            "baseline": self.baseline,
            "seconds": round(self.seconds, 3),
            "epochs": len(self.result.history.epochs),
            "parameters": nn.count_parameters(self.result.model),
            "out": str(out),
        }
