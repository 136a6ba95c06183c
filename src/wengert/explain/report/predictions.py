"""The section of a training report on its predictions: where they are right and where not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts import confusion_chart, histogram, scatter_chart
from wengert.explain.charts.elements import escape, tag
from wengert.explain.charts.images import png_url
from wengert.explain.charts.numbers import count, number, percent
from wengert.explain.page import card, details, section, table
from wengert.explain.report.contents import Confusion, Predictions, Report, Sample

__all__ = ["predictions"]

_MOST_CLASSES = 12
_MOST_CONFUSIONS = 6
_MOST_SAMPLES = 48
_PRECISION_AND_RECALL = (
    "Precision: the share of a class's predictions that are right. Recall: the share of its rows that are found."
)


def predictions(report: Report) -> str:
    """Predicted against actual, or the confusion matrix, and some pictures."""
    cards: list[str] = []
    lead = ""
    if report.predictions is not None:
        cards += _regression(report.predictions, report.data.target)
        lead = "Each point is a held-out row."
    if report.confusion is not None:
        cards += _classification(report.confusion)
        lead = _confusion_words(np.asarray(report.confusion.counts), report.confusion.labels)
    if report.samples:
        cards.append(_pictures(report.samples))
    return section("predictions", "Predictions", lead, *cards) if cards else ""


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
        tag("div", _errors(errors, target) + _error_table(errors), class_="stack"),
    ]


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
        tag("div", _class_table(counts, labels) + _confusions(counts, labels), class_="stack"),
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


# ---- pictures ---------------------------------------------------------------------------------


def _pictures(samples: Sequence[Sample]) -> str:
    items = "".join(tag("li", _picture(sample)) for sample in samples[:_MOST_SAMPLES])
    wrong = sum(s.actual != s.predicted for s in samples[:_MOST_SAMPLES])
    caption = f"{count(wrong)} of these are mistakes." if wrong else ""
    return card("Held-out samples", tag("ul", items, class_="pictures"), caption, wide=True)


def _picture(sample: Sample) -> str:
    right = sample.actual == sample.predicted
    words = f"{sample.actual}, predicted {sample.predicted}"
    shown = sample.predicted if right else f"{sample.predicted}, is {sample.actual}"
    image = tag("img", None, src=png_url(sample.image), alt=words, title=words)
    return image + tag("span", escape(shown), class_=None if right else "bad")
