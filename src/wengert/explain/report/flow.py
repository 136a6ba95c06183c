"""The section of a training report on its layers: how gradients flow and units respond, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from wengert.explain.charts import Series, Shades, line_chart, strip_chart
from wengert.explain.charts.elements import color, tag
from wengert.explain.charts.numbers import count, finite, number, percent
from wengert.explain.page import card, details, section
from wengert.explain.report.contents import Report

__all__ = ["flow"]

_USUAL = 1e-3  # of an update's norm by the weights'
_FIGURES = Callable[[float], str]


def flow(report: Report) -> str:
    """Strips of layers by epochs, and the norms as curves."""
    cards = [
        _gradients(report),
        _updates(report),
        _share(report, "idle_units", "Units that respond to no row",
               "Dead ReLUs, saturated sigmoids and tanhs: their derivative is below 0.01 for each sampled row."),
        _share(report, "flat_share", "Flat responses",
               "The share of units and rows whose derivative is below 0.01. "
               "ReLUs that are off count, so about half is usual for them."),
        _means(report),
        _spreads(report),
    ]  # fmt: skip
    curves = [_norms(report, "gradient_norm/", "Gradient norms"), _norms(report, "weight_norm/", "Weight norms")]
    if not any(cards) and not any(curves):
        return ""
    folded = details("Gradient and weight norms as curves", _side_by_side(curves)) if any(curves) else ""
    return section(
        "flow", "Layers over time", _lead(report), *cards, tag("div", folded, class_="wide") if folded else ""
    )


def _side_by_side(cards: Sequence[str]) -> str:
    return tag("div", "".join(cards), class_="grid")


def _lead(report: Report) -> str:
    words = "One row a layer, the first on top; one column an epoch. Norms are those of an epoch's last step."
    looks = max((len(finite(v)) for k, v in report.history.items() if k.startswith("flat_share/")), default=0)
    if looks:
        words += f" Activations were sampled after {count(looks, 'epoch')} of {len(report.numbered):,}."
    return words


def _layers(report: Report, prefix: str) -> dict[str, list[float]]:
    """The columns of a kind by layer, as long as there are epochs."""
    length = len(report.numbered)
    found = {k.removeprefix(prefix): [float(v) for v in c] for k, c in report.history.items() if k.startswith(prefix)}
    return {layer: (column + [math.nan] * length)[:length] for layer, column in found.items()}


def _held(values: Sequence[float]) -> list[float]:
    """Values that were sampled now and then hold until the next one."""
    found: list[float] = []
    for value in values:
        found.append(value if math.isfinite(value) or not found else found[-1])
    return found


def _strip(report: Report, key: str, title: str, layers: dict[str, list[float]], shades: Shades, caption: str,
           show: _FIGURES) -> str:  # fmt: skip
    series = [Series(layer, values) for layer, values in layers.items()]
    chart = strip_chart(
        key, f"{title} by layer and epoch", report.numbered, series, shades, mark=report.best_epoch, show=show
    )
    return card(title, chart, caption)


def _values(layers: dict[str, list[float]]) -> list[float]:
    return [v for column in layers.values() for v in finite(column)]


def _short(value: float) -> str:
    return number(value, 2)


def _gradients(report: Report) -> str:
    layers = _layers(report, "gradient_norm/")
    if not layers or not report.numbered:
        return ""
    caption = "A row that is much fainter than the others belongs to a layer that hardly learns."
    return _strip(
        report, "gradient-strip", "Gradient norm", layers, Shades.fit(_values(layers), log=True), caption, _short
    )


def _updates(report: Report) -> str:
    updates, weights = _layers(report, "update_norm/"), _layers(report, "weight_norm/")
    ratios = {
        layer: [u / w if w else math.nan for u, w in zip(column, weights[layer], strict=True)]
        for layer, column in updates.items()
        if layer in weights
    }
    if not ratios or not report.numbered:
        return ""
    shades = Shades(_USUAL / 100, _USUAL * 100, log=True, middle=_USUAL, hues=("line0", "line1"))
    caption = (
        "How far a step moves the weights, by their norm. About 0.001 is usual; orange steps are long, blue ones short."
    )
    return _strip(report, "update-strip", "Update by weight", ratios, shades, caption, _short)


def _share(report: Report, kind: str, title: str, caption: str) -> str:
    layers = {layer: _held(values) for layer, values in _layers(report, f"{kind}/").items()}
    if not _values(layers):
        return ""
    hue = "line1" if kind == "idle_units" else "line0"  # flat responses are nothing bad in themselves
    return _strip(
        report, kind.replace("_", "-"), title, layers, Shades(0.0, 1.0, hues=("line0", hue)), caption, percent
    )


def _means(report: Report) -> str:
    layers = {layer: _held(values) for layer, values in _layers(report, "activation_mean/").items()}
    if not _values(layers):
        return ""
    values = _values(layers)
    shades = Shades.fit(values, middle=0.0) if min(values) < 0 else Shades(0.0, max(values) or 1.0)
    caption = "Over sampled rows and units" + (
        ": blue above 0, orange below." if min(values) < 0 else "; of ReLUs it is positive."
    )
    return _strip(report, "mean-strip", "Mean of activations", layers, shades, caption, _short)


def _spreads(report: Report) -> str:
    layers = {layer: _held(values) for layer, values in _layers(report, "activation_std/").items()}
    if not _values(layers):
        return ""
    caption = "Standard deviation over sampled rows and units. What shrinks from row to row vanishes with depth."
    shades = Shades(0.0, max(_values(layers)) or 1.0)
    return _strip(report, "spread-strip", "Spread of activations", layers, shades, caption, _short)


def _norms(report: Report, prefix: str, title: str) -> str:
    layers = _layers(report, prefix)
    if not layers or not report.numbered:
        return ""
    last = max(len(layers) - 1, 1)
    series = [Series(layer, values, _ramp(k / last)) for k, (layer, values) in enumerate(layers.items())]
    return card(title, line_chart(prefix.strip("/"), f"{title} by epoch", report.numbered, series))


def _ramp(share: float) -> str:
    """A colour on the way from the first layer's to the last's."""
    return f"color-mix(in oklch,{color('line0')} {100 - 100 * share:.0f}%,{color('line1')})"
