"""What a training report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from numpy.typing import ArrayLike

__all__ = ["Column", "Confusion", "DataSummary", "Layer", "Predictions", "Report", "Sample"]


@dataclass(frozen=True)
class Column:
    """One column of the table: its kind (number, category, date …), how many values it lacks, a few words."""

    name: str
    kind: str
    missing: int = 0
    summary: str = ""


@dataclass(frozen=True)
class DataSummary:
    """The table that was learned from.

    Args:
        rows: rows in the table.
        columns: the input columns.
        target: the name of the column predicted.
        training_rows, held_out_rows: how many were learned from, and how many measured on.
        target_counts: rows of each class.
        target_values: (n,) the values of a regression's target, in its own unit.
        dropped: columns that were left aside.
    """

    rows: int
    columns: Sequence[Column]
    target: str
    training_rows: int | None = None
    held_out_rows: int | None = None
    target_counts: Mapping[str, int] | None = None
    target_values: ArrayLike | None = None
    dropped: Sequence[str] = ()


@dataclass(frozen=True)
class Layer:
    """One layer: its name, the shape of its output or weights as shown, its parameters, its activation."""

    name: str
    shape: str = ""
    parameters: int = 0
    activation: str = ""


@dataclass(frozen=True)
class Predictions:
    """(n,) actual and predicted values of held-out rows, in the target's own unit."""

    actual: ArrayLike
    predicted: ArrayLike


@dataclass(frozen=True)
class Confusion:
    """(k, k) counts of held-out rows by actual (rows) and predicted class (columns), and the k names."""

    labels: Sequence[str]
    counts: ArrayLike


@dataclass(frozen=True)
class Sample:
    """A held-out picture, (height, width) or (height, width, 3), and its class as given and as predicted."""

    image: ArrayLike
    actual: str
    predicted: str


@dataclass(frozen=True)
class Report:
    """Everything that a report shows; what is absent is left out of the page.

    Args:
        title: the name of the data set or of the run.
        task: ``"regression"`` or ``"classification"``.
        data: the table.
        layers: the network, first layer first.
        history: columns by name, one value an epoch: ``loss``, ``validation_loss``, metrics,
            ``learning_rate``, ``seconds``, ``gradient_norm/<layer>``, ``weight_norm/<layer>``.
        metrics: held-out metrics by name, the most telling first: ``accuracy``, ``log_loss``, ``r2`` …
        baselines: the same metrics for simpler predictors, by the predictor's name.
        epochs: the number of each epoch; 1, 2, 3, … if None.
        best_epoch: the epoch whose model was kept.
        predictions: of a regression.
        confusion: of a classification.
        samples: pictures with their classes, mistakes first.
        settings: how to train it again.
        seconds: time spent in training.
        command: the command that trains it again.
        notes: sentences to put before all else (training was interrupted …).
    """

    title: str
    task: Literal["regression", "classification"]
    data: DataSummary
    layers: Sequence[Layer]
    history: Mapping[str, Sequence[float]]
    metrics: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Mapping[str, float]])
    epochs: Sequence[int] | None = None
    best_epoch: int | None = None
    predictions: Predictions | None = None
    confusion: Confusion | None = None
    samples: Sequence[Sample] = ()
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    seconds: float | None = None
    command: str | None = None
    notes: Sequence[str] = ()

    @property
    def parameters(self) -> int:
        """The number of parameters of all layers."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def numbered(self) -> Sequence[int]:
        """The number of each epoch."""
        longest = max((len(column) for column in self.history.values()), default=0)
        return self.epochs if self.epochs is not None else range(1, longest + 1)
