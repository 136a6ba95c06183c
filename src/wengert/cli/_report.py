"""The page that a training run leaves behind."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.cli import _insight as insight
from wengert.cli._outcome import Outcome
from wengert.data import Encoding, Table
from wengert.explain.report import Column, Confusion, DataSummary, Layer, Predictions, Report, Sample

__all__ = ["report_of"]

Array = NDArray[Any]
#: points drawn in the picture of predicted against actual values
MOST_POINTS = 4000
MOST_SAMPLES = 24


def report_of(outcome: Outcome) -> Report:
    """What the report of this run shows."""
    encoding, result = outcome.encoding, outcome.result
    held_out = outcome.table.take(outcome.held_out_rows)
    classify = encoding.task == "classification"
    return Report(
        title=outcome.table.name,
        task="classification" if classify else "regression",
        data=_data(outcome),
        layers=_layers(outcome),
        history=_history({**result.history.columns, **outcome.activations}),
        metrics=outcome.metrics,
        baselines=outcome.baseline,
        epochs=list(result.history.epochs),
        best_epoch=result.best_epoch,
        predictions=None if classify else _predictions(encoding, held_out, outcome.outputs),
        confusion=_confusion(encoding, held_out, outcome.outputs) if classify else None,
        samples=_samples(encoding, held_out, outcome.outputs) if classify and held_out.image_shape else (),
        findings=outcome.findings,
        confidences=insight.confidences(encoding, held_out, outcome.outputs) if classify else None,
        plane=insight.plane(outcome),
        importance=insight.importance(outcome, held_out),
        gradients=None if held_out.image_shape else insight.gradients(outcome, held_out),
        saliency=insight.saliency(outcome, held_out),
        weights=insight.weights(outcome),
        image_shape=_grid(held_out),
        settings=_settings(outcome),
        seconds=outcome.seconds,
        command=outcome.command,
        notes=["Training was interrupted; this is the best it had reached."] if result.interrupted else [],
    )


def _grid(table: Table) -> tuple[int, int] | None:
    """Height and width of the pictures that a table holds."""
    return None if table.image_shape is None else (table.image_shape[0], table.image_shape[1])


def _settings(outcome: Outcome) -> dict[str, object]:
    hidden = ", ".join(str(width) for width in outcome.settings.hidden)
    return {**asdict(outcome.settings), "hidden": hidden or "none", "target": outcome.target}


# ---- data -------------------------------------------------------------------------------------


def _data(outcome: Outcome) -> DataSummary:
    table, encoding = outcome.table, outcome.encoding
    values = table[outcome.target]
    labels, counts = np.unique(values.astype(str), return_counts=True) if encoding.classes else ((), ())
    return DataSummary(
        rows=len(table),
        columns=[_column(table, name) for name in encoding.columns],
        target=outcome.target,
        training_rows=len(outcome.training_rows),
        held_out_rows=len(outcome.held_out_rows),
        target_counts={str(k): int(n) for k, n in zip(labels, counts, strict=True)} if encoding.classes else None,
        target_values=None if encoding.classes else values.astype(np.float64),
        dropped=[name for name in table.columns if name not in {*encoding.columns, outcome.target}],
    )


def _column(table: Table, name: str) -> Column:
    gaps = table.missing(name)
    present = table[name][~gaps]
    kind = {"integer": "number", "text": "category"}.get(table.kind(name), table.kind(name))
    return Column(name, kind, int(gaps.sum()), _words(kind, present))


def _words(kind: str, present: Array) -> str:
    """A few words on the values of a column."""
    if not len(present):
        return "no values"
    match kind:
        case "category":
            levels, counts = np.unique(present.astype(str), return_counts=True)
            common = levels[np.argsort(-counts, kind="stable")[:3]]
            more = ", …" if len(levels) > 3 else ""
            return f"{len(levels)} values: {', '.join(common)}{more}"
        case "date":
            first, last = (str(day.astype("datetime64[D]")) for day in (present.min(), present.max()))
            return f"{first} to {last}"
        case "boolean":
            return f"true in {present.mean():.0%}"
        case _:
            return f"{present.min():.4g} to {present.max():.4g}, mean {present.mean():.4g}"


# ---- the network ------------------------------------------------------------------------------


def _history(columns: dict[str, list[float]]) -> dict[str, list[float]]:
    """The history's columns with the layers called what :func:`_layers` calls them."""
    names: dict[str, str] = {}
    for column in columns:
        _, slash, layer = column.partition("/")
        if slash:
            names.setdefault(layer, f"dense {len(names) + 1}")
    parts = {column: column.partition("/") for column in columns}
    return {
        f"{kind}/{names[layer]}" if slash else kind: columns[column] for column, (kind, slash, layer) in parts.items()
    }


def _layers(outcome: Outcome) -> list[Layer]:
    settings, encoding = outcome.settings, outcome.encoding
    sizes = [len(encoding.features), *settings.hidden, len(encoding.classes) or 1]
    return [
        Layer(
            f"dense {i + 1}",
            f"{n} → {m}",
            (n + 1) * m,
            settings.activation if i < len(settings.hidden) else "",
        )
        for i, (n, m) in enumerate(itertools.pairwise(sizes))
    ]


# ---- predictions ------------------------------------------------------------------------------


def _predictions(encoding: Encoding, held_out: Table, outputs: Array) -> Predictions:
    rows = np.linspace(0, len(held_out) - 1, min(len(held_out), MOST_POINTS)).astype(int)
    actual = encoding.decode(encoding.targets(held_out))
    return Predictions(actual[rows], encoding.decode(outputs)[rows])


def _confusion(encoding: Encoding, held_out: Table, outputs: Array) -> Confusion:
    k = len(encoding.classes)
    pairs = encoding.targets(held_out).astype(int) * k + np.argmax(outputs, axis=1)
    return Confusion(encoding.classes, np.bincount(pairs, minlength=k * k).reshape(k, k))


def _samples(encoding: Encoding, held_out: Table, outputs: Array) -> list[Sample]:
    """Pictures of held-out rows, the mistakes first."""
    actual, predicted = encoding.targets(held_out).astype(int), np.argmax(outputs, axis=1)
    rows = np.argsort(actual == predicted, kind="stable")[:MOST_SAMPLES]
    pixels = np.stack([held_out[name] for name in encoding.columns], axis=1)
    names = encoding.classes
    return [
        Sample(pixels[row].reshape(held_out.image_shape), names[actual[row]], names[predicted[row]]) for row in rows
    ]
