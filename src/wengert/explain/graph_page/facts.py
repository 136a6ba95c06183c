"""What the page says of each step and edge: texts and small summaries, never the arrays themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import aval_of, is_array
from wengert.explain import text
from wengert.explain.formulas import name_of, step_formula
from wengert.explain.graph import Edge, Step, is_differentiable, size_of

__all__ = ["badness", "edge_facts", "heat", "minus", "step_facts", "summary"]

Facts = dict[str, Any]
_GRID = 24  # cells of a heat map along its longer side, at most
_LEVELS = 9  # shades on either side of nought


def step_facts(step: Step, heading: str) -> Facts:
    """Of one step, without what is empty; ``heading`` is its :func:`title`."""
    name = name_of(step)
    facts: Facts = {
        "name": name,
        "full": "" if name == step.name else f"{name} ({step.name})",
        "title": heading,
        "formula": with_numbers(step),
        "value": summary(step.value),
        "gradient": summary(step.gradient) if is_differentiable(step.value) else None,
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
    return step_formula(step, naming=lambda operand: _factor(operand.value)).right


def _factor(value: Any) -> str:
    shown = minus(text.extent(value))
    return f"({shown})" if shown.startswith("\N{MINUS SIGN}") else shown


def edge_facts(edge: Edge) -> Facts:
    """Of one edge: the local derivative, the contribution, and its formula."""
    local, rule = edge.local, edge.formula()
    facts: Facts = {
        "local": f"Jacobian {size_of(edge.target.value)} × {size_of(edge.source.value)}" if local is None else brief(local),
        "formula": f"{rule} ({rule.note})" if rule.note else str(rule),
        "contribution": brief(edge.contribution),
        "bad": badness(edge.contribution),
    }
    return {key: fact for key, fact in facts.items() if fact}


def minus(shown: str) -> str:
    """Numbers with a true minus sign."""
    return shown.replace("-", "\N{MINUS SIGN}")


def brief(value: Any) -> str:
    """A value in one short line."""
    shown = minus(text.number(value))
    return shown if len(shown) <= 40 else shown[:39] + "…"


def badness(value: Any) -> str:
    """``NaN`` or ``inf`` where a value holds one."""
    if isinstance(value, tuple):
        return next((bad for part in value if (bad := badness(part))), "")
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "fc" or np.isfinite(numbers).all():
        return ""
    return "NaN" if np.isnan(numbers).any() else "inf"


def summary(value: Any) -> Facts:
    """A value's text; of an array also range, mean, counts of what is remarkable, and a heat map."""
    facts: Facts = {"text": brief(value), "bad": badness(value)}
    if not isinstance(value, tuple) and is_array(value) and value.size > 1 and value.dtype.kind in "fiub":
        facts |= _statistics(value)
    return {key: fact for key, fact in facts.items() if fact}


def _statistics(value: np.ndarray[Any, Any]) -> Facts:
    real = value.astype(float, copy=False)
    finite = real[np.isfinite(real)]
    facts: Facts = {"type": str(aval_of(value)), "map": heat(real)}
    if len(finite):
        facts |= {"range": minus(f"{finite.min():.4g} … {finite.max():.4g}"), "mean": minus(f"{finite.mean() + 0:.4g}")}
    for name, count in (
        ("zeros", int(np.count_nonzero(real == 0))),
        ("NaN", int(np.count_nonzero(np.isnan(real)))),
        ("inf", int(np.count_nonzero(np.isinf(real)))),
    ):
        if count:
            facts[name] = f"{count:,} of {real.size:,}"
    return facts


def heat(value: np.ndarray[Any, Any]) -> list[str]:
    """The array as rows of letters, ``a`` to ``s`` for most negative to most positive and ``j`` for 0.

    ``!`` is a cell that holds something not finite. Of a large array each cell is the element of largest
    magnitude in its block, so that no lone value is lost; axes but the last are laid upon each other.
    """
    matrix = value.reshape(-1, value.shape[-1]) if value.ndim > 1 else value.reshape(1, -1)
    if matrix.size == 0:
        return []
    cells = _blocks(_blocks(matrix, 0), 1)
    finite = np.abs(cells[np.isfinite(cells)])
    largest = float(finite.max(initial=0.0)) or 1.0
    levels = np.round(np.nan_to_num(cells / largest, posinf=0, neginf=0) * _LEVELS).astype(int)
    letters = np.where(np.isfinite(cells), levels + ord("j"), ord("!"))
    return ["".join(map(chr, row)) for row in letters.tolist()]


def _blocks(matrix: np.ndarray[Any, Any], axis: int) -> np.ndarray[Any, Any]:
    """Blocks along one axis, each as its element of largest magnitude; what is not finite wins."""
    length = matrix.shape[axis]
    if length <= _GRID:
        return matrix
    starts = np.arange(_GRID) * length // _GRID
    high, low = (f.reduceat(matrix, starts, axis=axis) for f in (np.maximum, np.minimum))
    return np.where(np.abs(high) >= np.abs(low), high, low)
