"""The section of a training report on what the network looks at: columns it needs, gradients, pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts import interval_chart
from wengert.explain.charts.elements import escape, tag
from wengert.explain.charts.images import png_url, signed_png_url
from wengert.explain.charts.numbers import count, number
from wengert.explain.page import card, details, section, table
from wengert.explain.report.contents import Importance, InputGradients, Report, Saliency
from wengert.explain.report.metrics import better, in_sentence, metric_value

__all__ = ["columns"]

_MOST = 20  # bars; the rest is folded
_MOST_WEIGHTS = 32


def columns(report: Report) -> str:
    """Permutation importance, input gradients, saliency, first-layer weights."""
    cards = [
        _importance(report),
        _gradients(report.gradients) if report.gradients else "",
        _saliency(report.saliency) if report.saliency else "",
        _weights(report) if report.weights is not None else "",
    ]
    if not any(cards):
        return ""
    lead = "What its predictions hang on, measured on held-out rows."
    return section("columns", "What it looks at", lead, *cards)


# ---- importance --------------------------------------------------------------------------------


def _importance(report: Report) -> str:
    if not report.importance:
        return ""
    if report.image_shape:
        return _importance_picture(report.importance[0], report.image_shape)
    first = report.importance[0]
    harm = _harm(first)
    order: list[int] = np.argsort(-harm, kind="stable").tolist()
    chart = interval_chart(
        "importance", "Permutation importance", [first.columns[k] for k in order], harm[order].tolist(),
        first.errors[order].tolist(), most=_MOST,
        x_name=f"{_direction(first)} of {in_sentence(first.measure)} when shuffled",
    )  # fmt: skip
    return card("Permutation importance", chart + _folded(report.importance, order), _importance_words(first))


def _harm(found: Importance) -> NDArray[np.float64]:
    """Changes for the worse, whether the measure rises or falls with them."""
    return -found.changes if better(found.measure, 1.0, 0.0) else found.changes


def _direction(found: Importance) -> str:
    return "fall" if better(found.measure, 1.0, 0.0) else "rise"


def _importance_words(found: Importance) -> str:
    repeats = found.shuffled.shape[1]
    return (
        f"How much worse the {in_sentence(found.measure)}, {metric_value(found.measure, found.base)}, becomes on "
        f"{count(found.rows, 'held-out row')} when one column's values are shuffled among them: mean of "
        f"{count(repeats, 'shuffle')}, whiskers of one standard error. Columns that tell the same share "
        "their importance."
    )


def _folded(found: Sequence[Importance], order: Sequence[int]) -> str:
    heads = ["Shuffled column", *(h for f in found for h in (in_sentence(f.measure), "± s.e."))]
    rows = [
        [escape(found[0].columns[k]), *(text for f in found for text in _cells(f, k))]
        for k in order
    ]  # fmt: skip
    base = ["none", *(text for f in found for text in (metric_value(f.measure, f.base), ""))]
    title = f"All {count(len(order), 'column')} in numbers"
    return details(title, table(title, heads, rows, foot=base))


def _cells(found: Importance, k: int) -> tuple[str, str]:
    error = float(found.errors[k])
    return metric_value(found.measure, found.base + float(found.changes[k])), number(error, 2) if np.isfinite(
        error
    ) else "–"


def _importance_picture(found: Importance, shape: tuple[int, int]) -> str:
    harm = _harm(found).reshape(*shape, -1).sum(axis=-1)
    words = f"permutation importance of {count(harm.size, 'pixel')}"
    image = tag("img", None, src=signed_png_url(harm), alt=words, class_="large")
    top = int(harm.argmax())
    worst = f"{number(float(harm.max()), 3)} ± {number(float(found.errors[int(_harm(found).argmax())]), 2)}"
    caption = (
        f"Blue pixels are needed: shuffled among {count(found.rows, 'held-out row')} they raise the "
        f"{in_sentence(found.measure)}, {number(found.base)}; most of all, by {worst}, row {top // shape[1]}, column "
        f"{top % shape[1]}. Each is shuffled alone, so its neighbours still tell much of it."
    )
    return card("Permutation importance", image, caption)


# ---- gradients ---------------------------------------------------------------------------------


def _gradients(found: InputGradients) -> str:
    sizes: list[float] = np.asarray(found.sizes, float).tolist()
    directions: list[float] = np.asarray(found.directions, float).tolist()
    if not sizes:
        return ""
    order = sorted(range(len(sizes)), key=lambda k: -sizes[k])
    told = [f"on the whole {'up' if directions[k] > 0 else 'down'}: {number(directions[k], 3)}" for k in order]
    chart = interval_chart(
        "gradients", "Input gradients", [found.columns[k] for k in order], [sizes[k] for k in order],
        x_name=f"mean |∂ {found.unit} / ∂ column|, for one standard deviation", most=_MOST, told=told, hue="line2",
    )  # fmt: skip
    title = f"All {count(len(order), 'column')} in numbers"
    rows = [[escape(found.columns[k]), number(sizes[k]), number(directions[k])] for k in order]
    content = chart + details(title, table(title, ["Column", "Mean size", "Mean"], rows))
    words = (
        f"By how much {found.unit} changes at held-out rows if a column grows by one of its standard deviations, to "
        "first order; sizes are averaged without sign."
    )
    if found.left_out:
        names = ", ".join(found.left_out[:8]) + (", …" if len(found.left_out) > 8 else "")
        words += f" No derivative by categories and dates: {names}."
    return card("Input gradients", content, words)


# ---- pictures ----------------------------------------------------------------------------------


def _saliency(classes: Sequence[Saliency]) -> str:
    limit = max(float(np.abs(np.asarray(c.gradient, float)).max(initial=0.0)) for c in classes)
    items = "".join(tag("li", _pair(each, limit)) for each in classes[:20])
    caption = (
        "For each class the mean held-out picture, and beside it the mean gradient of the class's score by the pixels: "
        "brightness on a blue pixel speaks for the class, on an orange one against it."
    )
    return card("Which pixels speak for a class", tag("ul", items, class_="pictures pairs"), caption, wide=False)


def _pair(each: Saliency, limit: float) -> str:
    mean = tag("img", None, src=png_url(each.mean), alt=f"the mean picture of {each.label}")
    signed = signed_png_url(each.gradient, limit)
    gradient = tag("img", None, src=signed, alt=f"the mean gradient of the score of {each.label}", class_="signed")
    return mean + gradient + tag("span", escape(each.label))


def _weights(report: Report) -> str:
    images = np.asarray(report.weights, float)
    limit = float(np.quantile(np.abs(images), 0.995)) if images.size else 1.0
    items = [
        tag("li", tag("img", None, src=signed_png_url(image, limit), alt=f"weights of unit {k + 1}", class_="signed"))
        for k, image in enumerate(images)
    ]
    content = tag("ul", "".join(items[:_MOST_WEIGHTS]), class_="pictures small")
    if len(items) > _MOST_WEIGHTS:
        rest = tag("ul", "".join(items[_MOST_WEIGHTS : 8 * _MOST_WEIGHTS]), class_="pictures small")
        content += details(f"{count(min(len(items), 8 * _MOST_WEIGHTS) - _MOST_WEIGHTS)} more", rest)
    caption = (
        "One picture a unit, the strongest first: it responds to brightness where its weights are blue, and to "
        "darkness "
        "where they are orange. All have one scale."
    )
    return card("Weights of the first layer", content, caption, wide=True)
