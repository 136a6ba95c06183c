"""What the page says of each step and edge: texts and small summaries, never the arrays themselves."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from wengert.core.types import is_array
from wengert.explain import text
from wengert.explain.charts.numbers import number
from wengert.explain.formulas.formula import name_of, step_formula
from wengert.explain.graph import Edge, Step, is_differentiable, size_of
from wengert.explain.nonfinite import trouble
from wengert.explain.values import Summary, summarise

__all__ = [
    "MOST_LISTED",
    "badness",
    "comes",
    "derivative",
    "edge_facts",
    "minus",
    "passed",
    "shades",
    "step_facts",
    "summary",
]

Facts = dict[str, Any]
MOST_LISTED = 24  # numbers of an array that are shown one by one
_SHADES = 9  # on either side of 0


def derivative(step: Step, mode: str) -> Any:
    """The gradient of a step, or in forward mode its tangent; None where it has none."""
    if mode == "none" or not is_differentiable(step.value):
        return None
    return step.tangent if mode == "tangent" else step.gradient


def comes(edge: Edge, mode: str) -> Any:
    """What comes to an edge and is multiplied by its local derivative."""
    return edge.source.tangent if mode == "tangent" else edge.upstream


def passed(edge: Edge, mode: str) -> Any:
    """The product, which the other end receives."""
    return edge.pushed if mode == "tangent" else edge.contribution


def step_facts(step: Step, heading: str, mode: str) -> Facts:
    """Of one step, without what is empty; ``heading`` is its :func:`title`."""
    name, d = name_of(step), derivative(step, mode)
    facts: Facts = {
        "name": name,
        "full": "" if name == step.name else f"{name} ({step.name})",
        "title": heading,
        "formula": with_numbers(step),
        "value": summary(step.value),
        "gradient": None if d is None else summary(d),
        "operation": step.primitive.name if step.primitive else "input",
    }
    return {key: fact for key, fact in facts.items() if fact}


def title(step: Step) -> str:
    """The step as a line of a program: ``q = x + y``; an input is its name."""
    return str(step.formula()) if step.primitive else step.name


def with_numbers(step: Step) -> str:
    """The formula's right side with the operands' values in it, where they are single numbers: ``-2 + 5``."""
    if step.primitive is None or any(isinstance(v, tuple) or size_of(v) != 1 for v in step.values):
        return ""
    return step_formula(replace(step, labels=()), naming=lambda operand: _factor(operand.value)).right


def _factor(value: Any) -> str:
    shown = minus(text.extent(value))
    return f"({shown})" if shown.startswith("\N{MINUS SIGN}") else shown


def edge_facts(edge: Edge, mode: str) -> Facts:
    """Of one edge: the local derivative, the contribution, and its formula."""
    local, rule, product = edge.local, edge.formula(), passed(edge, mode)
    facts: Facts = {
        "local": f"Jacobian {size_of(edge.target.value)} × {size_of(edge.source.value)}"
        if local is None
        else brief(local),
        "formula": f"{rule} ({rule.note})" if rule.note else str(rule),
        "contribution": "" if product is None else brief(product),
        "bad": badness(product),
    }
    return {key: fact for key, fact in facts.items() if fact}


def minus(shown: str) -> str:
    """Numbers with a true minus sign."""
    return shown.replace("-", "\N{MINUS SIGN}")


def brief(value: Any) -> str:
    """A value in a line: a small array whole, of a large one its type and range."""
    return minus(text.number(value, MOST_LISTED))


def badness(value: Any) -> str:
    """``NaN`` or ``inf`` where a value holds one."""
    return "" if value is None else trouble(value)


def summary(value: Any) -> Facts:
    """A value's text; of an array also range, mean, counts of what is remarkable, and a heat map.

    A small matrix has its rows, by columns.
    """
    facts: Facts = {"text": brief(value), "bad": badness(value)}
    if not isinstance(value, tuple) and is_array(value) and value.size > 1:
        facts |= _statistics(summarise(value))
        if value.ndim == 2 and value.size <= MOST_LISTED:
            facts["rows"] = [[minus(text.nested(x)) for x in row] for row in value.tolist()]
    return {key: fact for key, fact in facts.items() if fact}


def _statistics(found: Summary) -> Facts:
    facts: Facts = {"map": shades(found)}
    if found.low == found.low:  # some are finite
        facts |= {"range": f"{number(found.low)} … {number(found.high)}", "norm": number(found.norm)}
        facts["mean"] = minus(f"{found.mean:.4g}") if isinstance(found.mean, complex) else number(found.mean)
    for name, many in (("zeros", found.zeros), ("NaN", found.nans), ("∞", found.infs)):
        if many:
            facts[name] = f"{many:,} of {found.size:,}"
    return facts


def shades(found: Summary) -> list[str]:
    """A heat map as rows of letters: ``a`` to ``s`` for most negative to most positive, ``j`` for 0, ``!`` for NaN.

    A shade is by the root of the magnitude, so that small values are told from 0.
    """
    largest = max((abs(v) for row in found.cells for v in row if v == v), default=0.0) or 1.0
    return ["".join(_shade(v / largest) for v in row) for row in found.cells]


def _shade(share: float) -> str:
    if share != share:
        return "!"
    return chr(ord("j") + round(math.copysign(math.sqrt(min(abs(share), 1.0)), share) * _SHADES))
