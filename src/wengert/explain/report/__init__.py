"""A training run as one page: what was learned from, how it went, how good it is, how it was set up.

The page is one HTML file that needs no network and no script; it is light or dark as its reader's system is.
"""

from __future__ import annotations

import os

from wengert.explain.page import document
from wengert.explain.report.columns import columns
from wengert.explain.report.contents import (
    Column,
    Confidences,
    Confusion,
    DataSummary,
    FindingLike,
    Importance,
    InputGradients,
    Layer,
    Plane,
    Predictions,
    Report,
    Saliency,
    Sample,
)
from wengert.explain.report.curves import history_html
from wengert.explain.report.findings import findings
from wengert.explain.report.flow import flow
from wengert.explain.report.importance import (
    class_gradients,
    class_saliency,
    output_gradients,
    permutation_importance,
)
from wengert.explain.report.predictions import predictions
from wengert.explain.report.sections import data, header, network, results, settings, training
from wengert.explain.report.watching import ActivationWatch
from wengert.files import write_atomically

__all__ = [
    "ActivationWatch",
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
    "class_gradients",
    "class_saliency",
    "history_html",
    "output_gradients",
    "permutation_importance",
    "render",
    "write_report",
]

_SECTIONS = (
    ("findings", "Findings", findings),
    ("results", "Results", results),
    ("training", "Training", training),
    ("predictions", "Predictions", predictions),
    ("columns", "What it looks at", columns),
    ("flow", "Layers", flow),
    ("data", "Data", data),
    ("network", "Network", network),
    ("settings", "Settings", settings),
)


def render(report: Report) -> str:
    """The page of ``report`` as HTML text, the same for the same report.

    Example:
        >>> from wengert.explain.report import Column, DataSummary, Layer, Report, render
        >>> report = Report(
        ...     title="bikes",
        ...     task="regression",
        ...     data=DataSummary(rows=731, columns=[Column("temp", "number")], target="rentals"),
        ...     layers=[Layer("Dense", "1 → 1", 2)],
        ...     history={"loss": [1.0, 0.5], "validation_loss": [1.1, 0.7]},
        ...     metrics={"r2": 0.4},
        ... )
        >>> "<h1>bikes</h1>" in render(report)
        True
    """
    made = [(key, name, make(report)) for key, name, make in _SECTIONS]
    shown = [(key, name, markup) for key, name, markup in made if markup]
    return document(f"{report.title} · training report", header(report), shown, "Written by wengert.")


def write_report(path: str | os.PathLike[str], report: Report) -> None:
    """Write the page of ``report`` to ``path``, whole or not at all.

    Raises:
        DataError: if the file cannot be written there.

    Example:
        >>> from wengert.explain.report import write_report
        >>> write_report("runs/bikes/report.html", report)  # doctest: +SKIP
    """
    write_atomically(path, render(report).encode())
