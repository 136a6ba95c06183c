"""Explanations in JSON's own types."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.show import param_text
from wengert.core.types import aval_of
from wengert.explain import text
from wengert.explain.graph import Edge, Step

if TYPE_CHECKING:
    from wengert.explain.explanation import Explanation

__all__ = ["as_dict", "value_of"]

WHOLE = 64  # numbers of an array that are written out; of a larger one a summary


def as_dict(e: Explanation) -> dict[str, Any]:
    """The explanation; :meth:`wengert.explain.Explanation.to_dict` says what stands where."""
    raised = e.failure is not None
    return {
        "function": e.name,
        "inputs": list(e.inputs),
        "output": None if raised else e.output.name,
        "value": None if raised else value_of(e.output.value),
        "no_gradients": e.missing or None,
        "failure": None if e.failure is None else _failure(e.failure),
        "steps": [_step(step) for step in e.all_steps],
        "edges": [_edge(edge) for edge in e.edges],
    }


def _failure(failure: Any) -> dict[str, Any]:
    error = failure.error
    return {"error": type(error).__name__, "message": failure.message, "operation": failure.operation or None,
            "operands": [list(pair) for pair in failure.operands], "line": failure.line}  # fmt: skip


def _step(step: Step) -> dict[str, Any]:
    file, line = step.place
    return {
        "number": step.number,
        "name": step.name,
        "variable": step.variable or None,
        "primitive": None if step.primitive is None else step.primitive.name,
        "operation": text.operation(step),
        "operands": [{"step": x.name} if isinstance(x, Step) else value_of(x) for x in step.operands],
        "params": {key: param_text(value) for key, value in step.params.items()},
        "value": value_of(step.value),
        "gradient": None if step.gradient is None else value_of(step.gradient),
        "tangent": None if step.tangent is None else value_of(step.tangent),
        "phase": step.phase,
        "scopes": [{"kind": s.kind, "name": s.name, "file": s.place[0], "line": s.place[1]} for s in step.scopes],
        "place": {"file": file, "line": line, "source": step.line.partition(": ")[2]} if file else None,
    }


def _edge(edge: Edge) -> dict[str, Any]:
    local = edge.local
    return {
        "source": edge.source.name,
        "target": edge.target.name,
        "position": edge.position,
        "local": None if local is None else value_of(local),
        "contribution": None if edge.contribution is None else value_of(edge.contribution),
    }


def value_of(x: Any) -> Any:
    """A value with its type; what is not finite is a word, since JSON has no number for it.

    Example:
        >>> value_of(2.5)
        {'type': 'float', 'shape': [], 'value': 2.5}
        >>> import numpy as np
        >>> value_of(np.arange(100.0))["mean"]
        49.5
    """
    if isinstance(x, tuple):
        return [value_of(part) for part in x]  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(x, np.ndarray | np.generic | bool | int | float | complex):
        return {"type": type(x).__name__, "text": param_text(x)}
    head = {"type": str(aval_of(x)), "shape": list(np.shape(x))}
    if isinstance(x, np.ndarray) and x.size > WHOLE:
        return {**head, **_summary(x)}
    return {**head, "value": _numbers(x.tolist() if isinstance(x, np.ndarray | np.generic) else x)}


def _numbers(x: Any) -> Any:
    if isinstance(x, list):
        return [_numbers(each) for each in x]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(x, np.inexact):  # those that are wider than Python's own numbers
        x = float(x) if isinstance(x, np.floating) else complex(x)
    if isinstance(x, complex):
        return {"real": _numbers(x.real), "imag": _numbers(x.imag)}
    if isinstance(x, float) and not math.isfinite(x):
        return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
    return x


def _summary(x: Any) -> dict[str, Any]:
    """Range, mean and counts of a large array, of the numbers in it that are finite."""
    found: dict[str, Any] = {"zeros": int(np.sum(x == 0))}
    if x.dtype.kind in "fc":
        found |= {"nans": int(np.sum(np.isnan(x))), "infinities": int(np.sum(np.isinf(x)))}
        x = x[np.isfinite(x)]
    if x.dtype.kind == "c" or not x.size:
        return found
    with np.errstate(over="ignore", invalid="ignore"):
        mean = _numbers(float(np.mean(x, dtype=float)))
    return {"min": _numbers(x.min().item()), "max": _numbers(x.max().item()), "mean": mean, **found}
