"""What a training report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "Column",
    "Confidences",
    "Confusion",
    "DataSummary",
    "FindingLike",
    "Importance",
    "InputGradients",
    "Layer",
    "Plane",
    "Predictions",
    "Report",
    "Saliency",
    "Sample",
]


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
class Confidences:
    """(n,) the probability that each held-out row's predicted class was given, and whether it was right."""

    confidence: ArrayLike
    right: ArrayLike


@dataclass(frozen=True)
class Importance:
    """What a measure becomes when one column is shuffled among the held-out rows.

    Args:
        columns: the c names.
        measure: the measure's key, as in :attr:`Report.metrics`.
        base: its value with every column in place.
        shuffled: (c, repeats) its values with one column shuffled.
        rows: how many held-out rows it was measured on.
    """

    columns: Sequence[str]
    measure: str
    base: float
    shuffled: NDArray[np.float64]
    rows: int = 0

    @property
    def changes(self) -> NDArray[np.float64]:
        """(c,) mean change of the measure."""
        return self.shuffled.mean(axis=1) - self.base

    @property
    def errors(self) -> NDArray[np.float64]:
        """(c,) standard errors of :attr:`changes`, of the shuffling alone; NaN for a single repeat."""
        repeats = self.shuffled.shape[1]
        if repeats < 2:
            return np.full(len(self.columns), np.nan)
        return self.shuffled.std(axis=1, ddof=1) / np.sqrt(repeats)


@dataclass(frozen=True)
class InputGradients:
    """How much the output changes with each column of numbers.

    Args:
        columns: the c names.
        sizes: (c,) mean of |∂output/∂column| over held-out rows, per standard deviation of the column.
        directions: (c,) the same mean with its sign, which tells whether the output mostly rises or falls.
        unit: what the output is measured in.
        left_out: columns that have no derivative: categories, dates.
    """

    columns: Sequence[str]
    sizes: ArrayLike
    directions: ArrayLike
    unit: str = ""
    left_out: Sequence[str] = ()


@dataclass(frozen=True)
class Saliency:
    """A class of pictures: the mean of its held-out pictures and of the class score's gradient at them, (h, w)."""

    label: str
    mean: ArrayLike
    gradient: ArrayLike


@dataclass(frozen=True)
class Plane:
    """What the network says at every point of the plane of two columns.

    Args:
        names: of the two columns, the first to the right, the second upwards.
        xs, ys: (nx,) and (ny,), where the plane was sampled.
        outputs: (ny, nx) predicted values, or (ny, nx, k) probabilities of classes.
        points: (n, 2) rows of the table.
        actual: (n,) their values, or the numbers of their classes.
        held_out: (n,) whether a row was held out.
        labels: the k names of classes.
    """

    names: tuple[str, str]
    xs: ArrayLike
    ys: ArrayLike
    outputs: NDArray[np.float64]
    points: ArrayLike
    actual: ArrayLike
    held_out: ArrayLike
    labels: Sequence[str] = ()


class FindingLike(Protocol):
    """A finding, as ``wengert.diagnose`` makes them: a title, a sentence with its evidence, a remedy as code."""

    @property
    def title(self) -> str:
        """What it is, in a word or two."""
        ...

    @property
    def severity(self) -> str:
        """``"severe"``, ``"serious"`` or ``"slight"``."""
        ...

    @property
    def sentence(self) -> str:
        """What was found, where, and the numbers that say so."""
        ...

    @property
    def remedy(self) -> str:
        """What to write."""
        ...


@dataclass(frozen=True)
class Report:
    """Everything that a report shows; what is absent is left out of the page.

    Args:
        title: the name of the data set or of the run.
        task: ``"regression"`` or ``"classification"``.
        data: the table.
        layers: the network, first layer first.
        history: columns by name, one value an epoch: ``loss``, ``validation_loss``, metrics,
            ``learning_rate``, ``seconds``; for each layer ``gradient_norm/<layer>``, ``update_norm/<layer>``,
            ``weight_norm/<layer>`` and, NaN where it was not sampled, what :class:`ActivationWatch` records.
        metrics: held-out metrics by name, the most telling first: ``accuracy``, ``log_loss``, ``r2`` …
        baselines: the same metrics for simpler predictors, by the predictor's name.
        epochs: the number of each epoch; 1, 2, 3, … if None.
        best_epoch: the epoch whose model was kept.
        predictions: of a regression.
        confusion: of a classification.
        samples: pictures with their classes, mistakes first.
        findings: what is wrong or remarkable, the gravest first; an empty list says that nothing was found.
        confidences: of a classification.
        plane: of a table with two columns of numbers.
        importance: of the columns, by one measure or more; the first is drawn.
        gradients: of the output by the columns.
        saliency: of classes of pictures.
        weights: (units, height, width) weights of the first layer as pictures, the strongest unit first.
        image_shape: height and width, where the columns are the pixels of a picture.
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
    findings: Sequence[FindingLike] | None = None
    confidences: Confidences | None = None
    plane: Plane | None = None
    importance: Sequence[Importance] = ()
    gradients: InputGradients | None = None
    saliency: Sequence[Saliency] = ()
    weights: ArrayLike | None = None
    image_shape: tuple[int, int] | None = None
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
