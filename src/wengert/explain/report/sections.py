"""The sections of a training report: functions from the report to markup, empty when there is nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from wengert.explain.charts import bar_chart, histogram
from wengert.explain.charts.elements import WIDTH, escape, tag
from wengert.explain.charts.numbers import count, duration, number
from wengert.explain.page import card, details, section, table
from wengert.explain.report.contents import Column, Report
from wengert.explain.report.curves import column, curve, curve_keys, curve_title, loss_words
from wengert.explain.report.metrics import against, metric_name, metric_value, plain_name, verdict

__all__ = ["data", "header", "network", "results", "settings", "training"]

_MOST_ROWS = 12  # of a table before the rest is folded away
_MOST_EPOCHS = 100  # in the table of epochs


def header(report: Report) -> str:
    """Title, one sentence, and anything that must be said first."""
    notes = "".join(tag("p", escape(note), class_="note") for note in report.notes)
    kind = tag("p", f"wengert training report · {report.task}", class_="kind")
    return kind + tag("h1", escape(report.title)) + tag("p", _sentence(report), class_="lead") + notes


def _sentence(report: Report) -> str:
    def strong(text: str) -> str:
        return tag("b", escape(text))

    learned = report.data.training_rows or report.data.rows
    words = "A network"
    if report.layers:
        words += f" of {strong(count(len(report.layers), 'layer'))}"
        words += f" and {strong(count(report.parameters, 'parameter'))}"
    words += f" that predicts {strong(report.data.target)}"
    words += f" from {strong(count(len(report.data.columns), 'column'))}"
    words += f", trained on {strong(count(learned, 'row'))}"
    if report.numbered:
        words += f" for {strong(count(len(report.numbered), 'epoch'))}"
    if report.seconds is not None:
        words += f" in {strong(duration(report.seconds))}"
    return words + "."


# ---- results ----------------------------------------------------------------------------------


def results(report: Report) -> str:
    """The held-out measures, large, then beside those of simpler predictors."""
    if not report.metrics:
        return ""
    tiles = "".join(
        tag(
            "div",
            tag("div", escape(metric_name(key)), class_="name")
            + tag("div", escape(metric_value(key, value)), class_="value")
            + tag("div", against(key, report.baselines), class_="against"),
            class_="card tile",
        )
        for key, value in report.metrics.items()
    )
    held_out = report.data.held_out_rows
    lead = (
        f"Measured on {count(held_out, 'row')} that it has not learned from."
        if held_out
        else "Measured on held-out rows."
    )
    return section("results", "Results", lead, tag("div", tiles, class_="wide tiles"), _comparison(report))


def _comparison(report: Report) -> str:
    if not report.baselines:
        return ""
    keys = list(report.metrics)
    rows = [["this network", *(number(report.metrics[k]) for k in keys)]]
    for name, values in report.baselines.items():
        rows.append([escape(plain_name(name)), *(number(values[k]) if k in values else "" for k in keys)])
    title = "Beside simpler predictors"
    content = table(title, ["", *map(metric_name, keys)], rows, ours=0)
    return card(title, content, verdict(report.metrics, report.baselines), wide=True)


# ---- training ---------------------------------------------------------------------------------


def training(report: Report) -> str:
    """Loss, measures and learning rate by epoch."""
    epochs = report.numbered
    if not epochs:
        return ""
    keys = curve_keys(report.history)
    # one chart more than pairs: the first goes across both columns
    cards = [_curves(report, key, k, wide=k == 0 and len(keys) % 2 == 1) for k, key in enumerate(keys)]
    lead = "An epoch is one pass over the training rows."
    return section("training", "Training", lead, *cards, _epoch_table(report))


def _curves(report: Report, key: str, place: int, *, wide: bool) -> str:
    def chart(name: str, width: int) -> str:
        return curve(name, report.history, report.numbered, key, report.best_epoch, width)

    content = chart(f"curve{place}", WIDTH)
    if wide:  # across both columns, and as the others are where there is but one
        across = chart(f"curve{place}-wide", 2 * WIDTH + 56)
        content = tag("div", across, class_="across") + tag("div", content, class_="within")
    words = loss_words(report.history, report.numbered, report.best_epoch) if key == "loss" else ""
    return card(curve_title(report.history, key), content, words, wide=wide)


def _epoch_table(report: Report) -> str:
    """The history in numbers, thinned evenly where it is long."""
    keys = [k for k in report.history if "/" not in k and k != "epoch"]
    step = math.ceil(len(report.numbered) / _MOST_EPOCHS)
    chosen = sorted({*range(0, len(report.numbered), step), len(report.numbered) - 1})
    columns = [column(report.history, key, len(report.numbered)) for key in keys]
    rows = [[str(report.numbered[k]), *(number(values[k]) for values in columns)] for k in chosen]
    heads = ["Epoch", *(metric_name(key) for key in keys)]
    summary = "Every epoch in numbers" if step == 1 else f"One epoch in {step:,} in numbers"
    return tag("div", details(summary, table(summary, heads, rows)), class_="wide")


# ---- data -------------------------------------------------------------------------------------


def data(report: Report) -> str:
    """The table's columns, and how the target is distributed."""
    return section("data", "Data", _data_words(report), _target(report), _columns(report.data.columns))


def _data_words(report: Report) -> str:
    summary = report.data
    missing = sum(each.missing for each in summary.columns)
    words = f"{count(summary.rows, 'row')}"
    if summary.training_rows is not None and summary.held_out_rows is not None:
        words += f": {summary.training_rows:,} to learn from, {summary.held_out_rows:,} held out"
    words += f". {count(missing, 'value')} missing." if missing else ". No value is missing."
    if summary.dropped:
        words += f" Left aside: {', '.join(summary.dropped)}."
    return words


def _target(report: Report) -> str:
    summary = report.data
    title = f"Target: {summary.target}"
    if summary.target_counts:
        names, amounts = list(summary.target_counts), list(summary.target_counts.values())
        return card(title, bar_chart("target", "Rows of each class", names, amounts, unit="rows"))
    if summary.target_values is not None:
        values = np.asarray(summary.target_values, float)
        return card(title, histogram("target", "Distribution of the target", values, x_name=summary.target))
    return ""


def _columns(columns: Sequence[Column]) -> str:
    if not columns:
        return ""
    heads = ["Column", "Type", "Values", "Missing"]
    rows = [
        [escape(c.name), escape(c.kind), escape(c.summary), number(c.missing) if c.missing else "–"] for c in columns
    ]
    title = count(len(columns), "input column")
    content = table(title, heads, rows[:_MOST_ROWS], left=3)
    if len(rows) > _MOST_ROWS:
        more = f"{count(len(rows) - _MOST_ROWS)} more"
        content += details(more, table(more, heads, rows[_MOST_ROWS:], left=3))
    return card(title, content)


# ---- network ----------------------------------------------------------------------------------


def network(report: Report) -> str:
    """The layers, and where the parameters are."""
    if not report.layers:
        return ""
    total = max(report.parameters, 1)
    rows = [
        [
            escape(layer.name),
            escape(layer.shape),
            escape(layer.activation) or "–",
            _share(layer.parameters / total),
            number(layer.parameters, 12),
        ]
        for layer in report.layers
    ]
    heads = ["Layer", "Shape", "Activation", "Share of parameters", "Parameters"]
    content = table("Layers", heads, rows, left=4, foot=["In all", "", "", "", number(report.parameters, 12)])
    return section("network", "Network", "From the input downwards.", card("", content, wide=True))


def _share(share: float) -> str:
    return tag("span", "", class_="share", style=f"width:{max(1, round(160 * share))}px") if share else "–"


# ---- settings ---------------------------------------------------------------------------------


def settings(report: Report) -> str:
    """How to train it again."""
    pairs = {plain_name(key): _setting(value) for key, value in report.settings.items()}
    if not pairs and not report.command:
        return ""
    listed = "".join(tag("dt", escape(key)) + tag("dd", escape(value)) for key, value in pairs.items())
    cards = [card("", tag("dl", listed))] if pairs else []
    if report.command:
        cards.append(card("Again", tag("pre", escape(report.command))))
    return section("settings", "Settings", "", *cards)


def _setting(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return number(value, 6)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_setting, value)) or "none"
    return str(value)
