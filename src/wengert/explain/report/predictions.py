"""The section of a training report on its predictions: where they are right and where not."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts import (
    confusion_chart,
    histogram,
    quantile_chart,
    region_chart,
    reliability,
    reliability_chart,
    residual_chart,
    scatter_chart,
    surface_chart,
)
from wengert.explain.charts.elements import escape, tag
from wengert.explain.charts.images import png_url
from wengert.explain.charts.numbers import count, number, percent
from wengert.explain.page import card, details, section, table
from wengert.explain.report.contents import Confidences, Confusion, Plane, Predictions, Report, Sample

__all__ = ["predictions"]

_MOST_CLASSES = 12
_FEW_ERRORS = 8  # have no shape
_HEIGHTS = re.compile(r'viewBox="0 0 [0-9.]+ ([0-9.]+)"')
_MOST_CONFUSIONS = 6
_MOST_SAMPLES = 48
_NORMAL = (
    "Errors less their mean, by their standard deviation, in order. On the dashed line they are as normal ones; "
    "ends that "
    "bend away are rare errors larger than a normal has."
)
_PRECISION_AND_RECALL = (
    "Precision: the share of a class's predictions that are right. Recall: the share of its rows that are found."
)


def predictions(report: Report) -> str:
    """Predicted against actual and residuals, or confusion and calibration; the plane of two columns; some pictures."""
    cards = [_plane(report.plane, report.data.target)] if report.plane is not None else []
    lead = ""
    if report.predictions is not None:
        cards += _regression(report.predictions, report.data.target)
        lead = "Each point is a held-out row."
    if report.confusion is not None:
        matrix, *tables = _classification(report.confusion)
        cards += [matrix, _calibration(report.confidences) if report.confidences is not None else "", *tables]
        lead = _confusion_words(np.asarray(report.confusion.counts), report.confusion.labels)
    columns = _two_columns([each for each in cards if each])
    pictures = _pictures(report.samples) if report.samples else ""
    return section("predictions", "Predictions", lead, columns, pictures) if columns or pictures else ""


def _two_columns(cards: Sequence[str]) -> str:
    """Cards in two columns, each where there is more room left."""
    columns: tuple[list[str], list[str]] = ([], [])
    for each in cards:
        min(columns, key=lambda column: sum(map(_height, column))).append(each)
    return "".join(tag("div", "".join(column), class_="stack") for column in columns if column)


def _height(content: str) -> float:
    """About how tall a card is: its pictures, the rows of its tables, and what all cards have."""
    return 120 + sum(map(float, _HEIGHTS.findall(content))) + 35 * content.count("<tr")


# ---- regression -------------------------------------------------------------------------------


def _regression(made: Predictions, target: str) -> list[str]:
    actual, predicted = np.asarray(made.actual, float).ravel(), np.asarray(made.predicted, float).ravel()
    errors = predicted - actual
    return [
        card(
            f"Predicted against actual {target}",
            scatter_chart("scatter", f"Predicted against actual {target}", actual, predicted),
            "On the dashed line a prediction is exact. The rings are the five largest errors.",
        ),
        _errors(errors, target),
        _error_table(errors),
        card(
            "Errors by prediction",
            residual_chart(
                "residuals", "Errors by prediction", predicted, errors, f"predicted {target}", "predicted − actual"
            ),
            "The line is the median, the band holds the middle half. Where it leaves nought predictions are "
            "biased there; "
            "where it widens they are less sure.",
        ),
        _normality(errors),
    ]


def _normality(errors: NDArray[np.float64]) -> str:
    if np.count_nonzero(np.isfinite(errors)) < _FEW_ERRORS:
        return ""
    return card("Are the errors normal?", quantile_chart("quantiles", "Normal Q–Q plot", errors), _NORMAL)


def _errors(errors: NDArray[np.float64], target: str) -> str:
    title = "Errors: predicted − actual"
    chart = histogram("errors", title, errors, x_name=f"error in {target}", zero=True)
    return card(title, chart, _error_words(errors))


def _error_words(errors: NDArray[np.float64]) -> str:
    good = errors[np.isfinite(errors)]
    if not len(good):
        return "No prediction is a finite number."
    words = f"Half of the predictions are off by less than {number(float(np.median(np.abs(good))), 3)}."
    lost = len(errors) - len(good)
    return words + (f" {count(lost, 'prediction is', 'predictions are')} not a finite number." if lost else "")


def _error_table(errors: NDArray[np.float64]) -> str:
    good = np.abs(errors[np.isfinite(errors)])
    if not len(good):
        return ""
    shares = (0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
    rows = [[percent(share), number(float(np.quantile(good, share)))] for share in shares]
    title = "How far off"
    return card(title, table(title, ["Of the predictions", "are off by at most"], rows))


# ---- classification ---------------------------------------------------------------------------


def _classification(confusion: Confusion) -> list[str]:
    counts, labels = np.asarray(confusion.counts, dtype=np.int64), confusion.labels
    matrix = confusion_chart("confusion", "Confusion matrix", labels, counts)
    caption = "Rows are the actual classes, columns the predicted ones; shades are shares of a row."
    return [
        card("Confusion matrix", matrix, caption),
        _class_table(counts, labels),
        _confusions(counts, labels),
    ]


def _confusion_words(counts: NDArray[np.int64], labels: Sequence[str]) -> str:
    total, right = int(counts.sum()), int(np.trace(counts))
    words = f"{right:,} of {count(total, 'held-out row')} are classified rightly."
    predicted = np.flatnonzero(counts.sum(axis=0))
    if len(predicted) == 1 and len(labels) > 1:
        words += f" Every row was predicted to be “{labels[int(predicted[0])]}”."
    return words


def _class_table(counts: NDArray[np.int64], labels: Sequence[str]) -> str:
    """Precision and recall of each class, the least recalled first."""
    held, predicted, right = counts.sum(axis=1), counts.sum(axis=0), np.diag(counts)
    order = sorted(range(len(labels)), key=lambda k: (right[k] / held[k] if held[k] else 2.0, k))
    rows = [
        [escape(labels[k]), _ratio(right[k], predicted[k]), _ratio(right[k], held[k]), f"{held[k]:,}"] for k in order
    ]
    heads = ["Class", "Precision", "Recall", "Rows"]
    title = "Class by class, the hardest first"
    content = table(title, heads, rows[:_MOST_CLASSES])
    if len(rows) > _MOST_CLASSES:
        more = f"{count(len(rows) - _MOST_CLASSES)} more"
        content += details(more, table(more, heads, rows[_MOST_CLASSES:]))
    return card(
        title,
        content,
        _PRECISION_AND_RECALL,
    )


def _ratio(part: np.int64, whole: np.int64) -> str:
    return percent(float(part) / float(whole)) if whole else "–"


def _confusions(counts: NDArray[np.int64], labels: Sequence[str]) -> str:
    """The commonest mistakes."""
    mistakes = [(-int(held), row, column) for (row, column), held in np.ndenumerate(counts) if row != column and held]
    if not mistakes:
        return ""
    rows = [
        [escape(labels[row]), escape(labels[column]), str(-held)]
        for held, row, column in sorted(mistakes)[:_MOST_CONFUSIONS]
    ]
    title = "Commonest mistakes"
    return card(title, table(title, ["Actual", "Taken for", "Rows"], rows, left=2))


def _calibration(made: Confidences) -> str:
    found = reliability(made.confidence, made.right)
    if not found.counts.sum():
        return ""
    chart = reliability_chart("calibration", "Reliability diagram", found)
    gap = found.overconfidence
    kind = "more" if gap > 0 else "less"
    words = f"Expected calibration error {percent(found.error)} (ten equal bins). "
    if abs(gap) >= 0.0005:
        words += f"On average it is {percent(abs(gap))} {kind} confident than right. "
    words += "Points below the dashed line promise more than they keep; upright lines are 95% intervals."
    return card("Confidence and accuracy", chart, words)


# ---- the plane of two columns -----------------------------------------------------------------


def _plane(plane: Plane, target: str) -> str:
    held_out = np.asarray(plane.held_out, bool).tolist()
    if plane.labels:
        chart = region_chart("plane", f"Regions of {target}", plane.xs, plane.ys, plane.outputs, plane.points,
                             np.asarray(plane.actual, int).tolist(), held_out, plane.labels, plane.names)  # fmt: skip
        words = (
            "The class that is likeliest at each point, the deeper the colour the surer (leads of 0, 50, 80 and 95 "
            "points of "
            "probability). Small dots were learned from, large ones held out; ringed ones are mistakes."
        )
        return card("Decision regions", chart, words)
    chart = surface_chart("plane", f"Predicted {target}", plane.xs, plane.ys, plane.outputs, plane.points,
                          plane.actual, held_out, plane.names)  # fmt: skip
    words = (
        f"Predicted {target} by colour. Dots are rows, the large ones held out, in the colour of their actual "
        "value: one that "
        "stands out from its ground was predicted wrongly."
    )
    return card(f"Predicted {target} over the plane", chart, words)


# ---- pictures ---------------------------------------------------------------------------------


def _pictures(samples: Sequence[Sample]) -> str:
    items = "".join(tag("li", _picture(sample)) for sample in samples[:_MOST_SAMPLES])
    wrong = sum(s.actual != s.predicted for s in samples[:_MOST_SAMPLES])
    caption = f"{count(wrong)} of these {'is a mistake' if wrong == 1 else 'are mistakes'}." if wrong else ""
    return card("Held-out samples", tag("ul", items, class_="pictures"), caption, wide=True)


def _picture(sample: Sample) -> str:
    right = sample.actual == sample.predicted
    words = f"{sample.actual}, predicted {sample.predicted}"
    shown = sample.predicted if right else f"{sample.predicted}, is {sample.actual}"
    image = tag("img", None, src=png_url(sample.image), alt=words, title=words)
    return image + tag("span", escape(shown), class_=None if right else "bad")
