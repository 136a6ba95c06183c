"""From the recorded entries to steps and edges: names, the walk back, tangents pushed forward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from wengert.core.types import dtype_of
from wengert.errors import TraceError, UnsupportedError, place_line
from wengert.explain.graph import Edge, Step, finished, is_differentiable, plus
from wengert.explain.recording.phases import Mark
from wengert.explain.recording.record import Entry, Recording
from wengert.transforms.careful import Choices

__all__ = ["Listing", "listing"]

Contributions = dict[tuple[int, int], Any]
_ORDERS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True, slots=True)
class Listing:
    """Steps and edges in the order of the list; ``forward`` says whether the steps have tangents."""

    steps: list[Step]
    edges: list[Edge]
    forward: bool = False


def listing(trace: Recording, seeds: dict[int, Any], directions: dict[int, Any] | None) -> Listing:
    """Steps and edges of a recording: gradients from cotangents ``seeds``, tangents along a direction."""
    entries = trace.entries
    with np.errstate(all="ignore"):  # where NaN and infinity begin, the explanation says
        gradients, contributions = gradients_of(entries, seeds) if seeds else ([None] * len(entries), {})
        tangents = pushed_forward(entries, directions) if directions is not None else [None] * len(entries)
    names = step_names(entries, trace.inputs)
    variables, marks = trace.stack.finish(), trace.stack.phases.finish()
    line = cache(place_line)
    steps: list[Step] = []
    edges: list[Edge] = []
    for n, (entry, name) in enumerate(zip(entries, names, strict=True)):
        operands = tuple(steps[i] if i >= 0 else x for i, x in zip(entry.sources, entry.operands, strict=True))
        mark = marks.get(n) or Mark()
        of = names[mark.of] if mark.of >= 0 else ""
        steps.append(
            Step(
                name, entry.out, finished(gradients[n], entry.out) if seeds else None, entry.primitive, operands,
                entry.params, line(entry.place), n,
                variables.get(n) or variable_of(mark, of) if entry.primitive else name,
                entry.scopes, entry.place, tangents[n], mark.phase, mark.order, of, mark.batch, entry.labels,
            )
        )  # fmt: skip
        for k, source in enumerate(operands):
            if isinstance(source, Step) and is_differentiable(source.value):
                contribution = finished(contributions.get((n, k)), source.value) if seeds else None
                edges.append(Edge(source, steps[n], k, contribution))
    return Listing(steps, edges, directions is not None)


def variable_of(mark: Mark, of: str) -> str:
    """What the gradient or tangent of a step is called."""
    if not of:
        return ""
    letter = "∂" if mark.phase == "backward" else "d"
    return letter + (str(mark.order).translate(_ORDERS) if mark.order > 1 else "") + of


def step_names(entries: Sequence[Entry], inputs: Sequence[str]) -> list[str]:
    """The inputs' names, then v1, v2, …, with another letter where an input has such a name."""
    letter = next(
        c
        for c in ("v", "s", "t", *(f"step{'_' * n}" for n in range(len(inputs) + 1)))
        if not any(name[: len(c)] == c and name[len(c) :].isdigit() for name in inputs)
    )
    rest = entries[len(inputs) :]
    return [*inputs, *(f"{letter}{k}" if e.primitive else "output" + e.params["path"] for k, e in enumerate(rest, 1))]


# ---- reverse mode


def gradients_of(entries: Sequence[Entry], seeds: dict[int, Any]) -> tuple[list[Any], Contributions]:
    """The gradient of each entry, and the contribution of each edge ``(entry, operand)``.

    Where a NaN comes up, the walk is done again as :func:`wengert.grad` does it: what a choice left out stays out.
    """
    found = walk_back(entries, seeds)
    if not any(map(_has_nan, found[0])):
        return found
    trace = Choices()
    try:
        careful, contributions = walk_back(entries, {n: trace.lift(g) for n, g in seeds.items()})
    except (TraceError, UnsupportedError):  # a rule of the user's own that takes plain arrays alone: NaN stays
        return found
    return [_plain(g, trace) for g in careful], {key: _plain(d, trace) for key, d in contributions.items()}


def _has_nan(g: Any) -> bool:
    if g is None or isinstance(g, tuple):
        return g is not None and any(map(_has_nan, g))
    return bool(np.isnan(np.vdot(g, g)))


def _plain(g: Any, trace: Choices) -> Any:
    if isinstance(g, tuple):
        return tuple(_plain(part, trace) for part in g)
    return g.v if getattr(g, "t", None) is trace else g


def walk_back(entries: Sequence[Entry], seeds: dict[int, Any]) -> tuple[list[Any], Contributions]:
    """One walk back over the list."""
    gradients: list[Any] = [None] * len(entries)
    contributions: Contributions = {}
    for n, g in seeds.items():
        gradients[n] = g
    for n in range(max(seeds, default=-1), -1, -1):
        g, entry = gradients[n], entries[n]
        wanted = tuple(i >= 0 and is_differentiable(entries[i].out) for i in entry.sources)
        if g is None or entry.primitive is None or not any(wanted):
            continue
        pulled = entry.primitive.vjp(g, entry.out, entry.operands, wanted, entry.params)
        for k, (i, d) in enumerate(zip(entry.sources, pulled, strict=True)):
            if wanted[k]:
                contributions[n, k] = d
                gradients[i] = plus(gradients[i], d)
    return gradients, contributions


# ---- forward mode


def pushed_forward(entries: Sequence[Entry], directions: dict[int, Any]) -> list[Any]:
    """The tangent of each entry, along a direction that says those of the inputs."""
    tangents: list[Any] = []
    for n, entry in enumerate(entries):
        if entry.primitive is None:
            tangents.append(directions.get(n))
            continue
        given = [tangents[i] if i >= 0 else None for i in entry.sources]
        pushed = None
        if is_differentiable(entry.out) and any(t is not None for t in given):
            pushed = entry.primitive.jvp(given, entry.out, entry.operands, entry.params)
        tangents.append(pushed)
    return [_tangent(t, entry.out) for t, entry in zip(tangents, entries, strict=True)]


def _tangent(t: Any, value: Any) -> Any:
    """A tangent of its value's shape; None for what has none, as integers."""
    if isinstance(value, tuple) or dtype_of(value).kind not in "fc":
        return t
    return finished(t, value)
