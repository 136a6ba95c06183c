"""The doctor's page: findings on top, then the layers in pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from wengert.explain.charts import Series, bar_chart, histogram, line_chart
from wengert.explain.charts.elements import escape, tag
from wengert.explain.charts.numbers import count, number, percent
from wengert.explain.page import card, document, section, table

if TYPE_CHECKING:
    from wengert.explain.doctor.finding import Diagnosis, Finding
    from wengert.explain.doctor.looks import Look

__all__ = ["page"]

_MOST_HISTOGRAMS = 12


def page(diagnosis: Diagnosis, title: str) -> str:
    """The whole page as HTML text, the same for the same diagnosis."""
    sections = [("findings", "Findings", _findings(diagnosis))]
    if diagnosis.looks:
        sections += [("layers", "Layers", _layers(diagnosis.looks))]
    sections += [("scope", "What was looked at", _scope(diagnosis))]
    header = tag("p", "Diagnosis of a network", class_="kind") + tag("h1", escape(title))
    lead = tag("p", escape(_sentence(diagnosis)), class_="lead")
    return document(title, header + lead, sections, "Written by wengert.")


def _sentence(diagnosis: Diagnosis) -> str:
    headline = diagnosis.headline()
    return headline[0].upper() + headline[1:] + "."


def _findings(diagnosis: Diagnosis) -> str:
    if diagnosis.healthy:
        told = "No illness was found in what was looked at." if diagnosis.looked_at else "Nothing could be looked at."
        return section("findings", "Findings", told)
    cards = [_finding(finding) for finding in diagnosis.findings]
    return section("findings", "Findings", "From the severest to the slightest.", *cards)


def _finding(finding: Finding) -> str:
    numbers = "".join(
        tag("dt", escape(name.replace("_", " "))) + tag("dd", escape(number(value)))
        for name, value in finding.numbers.items()
    )
    place = " · ".join(
        part
        for part in (
            finding.severity, finding.layer, finding.feature, "" if finding.step is None else f"step {finding.step}"
        )
        if part
    )  # fmt: skip
    content = (
        tag("p", escape(place), class_="kind")
        + tag("p", escape(finding.sentence[0].upper() + finding.sentence[1:] + "."))
        + tag("p", "Try", class_="kind", style="margin:12px 0 4px")
        + tag("pre", escape(finding.remedy))
        + tag("details", tag("summary", "Numbers") + tag("dl", numbers))
    )
    return card(finding.title[0].upper() + finding.title[1:], content)


def _layers(looks: tuple[Look, ...]) -> str:
    names = [look.name for look in looks]
    rows = [_row(look) for look in looks]
    heads = ("layer", "activation", "units", "scale", "‖δ‖", "‖∇W‖/‖W‖", "dead", "flat")
    words = (
        "scale: root mean square of the pre-activations s; δ = ∂L/∂s; dead: ReLUs that are 0 on every row; "
        "flat: responses at the ends of a sigmoid or tanh."
    )
    flow = _by_layer("flow", "Gradient by layer", "‖δ‖", [look.flow for look in looks], names)
    scale = _by_layer("scale", "Scale by layer", "scale", [look.scale for look in looks], names)
    cards = [
        card("Layer by layer", table("Layers", heads, rows, left=2), words, wide=True),
        card("Gradient flow", flow, "The norm of δ at each layer: level where gradients neither vanish nor explode."),
        card("Forward flow", scale, "The scale of the pre-activations at each layer."),
        *(_activations(k, look) for k, look in enumerate(looks[:_MOST_HISTOGRAMS])),
    ]
    return section("layers", "Layers", "On rows of the data, from the inputs to the output.", *cards)


def _row(look: Look) -> list[str]:
    return [
        tag("span", escape(look.name), style="white-space:nowrap"),
        escape(look.activation or "–"),
        count(look.units),
        number(look.scale, 3),
        number(look.flow, 3),
        number(look.gradient / look.weight, 2) if look.weight else "–",
        percent(look.dead) if look.activation == "relu" else "–",
        percent(look.flat) if look.activation in ("sigmoid", "tanh") else "–",
    ]


def _by_layer(name: str, title: str, symbol: str, values: list[float], names: list[str]) -> str:
    """A line over the layers; bars where there are too few for one."""
    if len(values) < 3:
        return bar_chart(name, title, names, values)
    places = list(range(1, len(values) + 1))
    return line_chart(name, title, places, [Series(symbol, values)], x_name="layer", y_name=symbol, height=230)


def _activations(k: int, look: Look) -> str:
    finite = [v for v in look.values.tolist() if math.isfinite(v)]
    drawn = histogram(f"activations{k}", f"Activations of {look.name}", finite, y_name="values", height=220)
    what = f"after {look.activation}" if look.activation else "before any activation that is known"
    return card(f"Activations: {look.name}", drawn, f"{count(look.units, 'unit')}, {what}.")


def _scope(diagnosis: Diagnosis) -> str:
    def listed(things: tuple[str, ...]) -> str:
        return tag("ul", "".join(tag("li", escape(thing)) for thing in things))

    cards = [card("Looked at", listed(diagnosis.looked_at))] if diagnosis.looked_at else []
    if diagnosis.left_out:
        cards.append(card("Not looked at", listed(diagnosis.left_out)))
    return section("scope", "What was looked at", "", *cards)
