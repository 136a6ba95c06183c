"""Explanations as diagrams: values on blocks, gradients under them, derivatives on links."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from wengert.core.types import is_array, shape_of
from wengert.explain import text
from wengert.explain.charts.elements import clip
from wengert.explain.charts.numbers import count
from wengert.explain.charts.numbers import number as readable
from wengert.explain.drawing.diagram import Block, Diagram, Line, Link
from wengert.explain.drawing.folding import Shown, Tag, fold
from wengert.explain.explanation import Explanation
from wengert.explain.folding import DEEPEST
from wengert.explain.graph import Edge, Step, is_differentiable, size_of

__all__ = ["computation", "hidden_note", "short"]


def computation(
    e: Explanation, *, gradients: bool, derivatives: bool, most: int, direction: Literal["right", "down"] = "right"
) -> Diagram:
    """The graph of a computation, or with ``derivatives`` that of the derivatives on its edges."""
    if gradients and e.failure is None:
        e.gradients  # noqa: B018 - raises what there is to say where there are none
    gradients = gradients and e.failure is None
    steps = e.all_steps
    index = {step: k for k, step in enumerate(steps)}
    names = shown_names(steps)
    whole = e.failure is None and len(e.outputs) <= 1 and e.output.primitive is not None
    if whole and not e.output.variable and function_name(e) not in names.values():
        names[e.output] = function_name(e)
    order, paths = arranged(steps, index)
    folded = fold(order, paths, most)
    writer = _Writer(e, steps, names, gradients)
    owner = {k: shown for shown in folded.shown for k in shown.items}
    blocks = [writer.block(shown) for shown in folded.shown]
    links = _links(e, steps, index, owner, gradients=gradients, derivatives=derivatives)
    kind = "derivatives" if derivatives else "computation"
    note = hidden_note(folded.hidden, len(steps), "step", folded.shown) or failure_note(e)
    return Diagram(
        f"The {kind} of {function_name(e)}({', '.join(_heads(e))})", blocks, links, folded.frames, note, direction
    )


def failure_note(e: Explanation) -> str:
    """What ended the computation."""
    if e.failure is None:
        return ""
    return f"it ends here: {clip(f'{type(e.failure.error).__name__}: {e.failure.message}'.splitlines()[0], 100)}"


def function_name(e: Explanation) -> str:
    """The function's name, f for one that has none."""
    return e.name if e.name.isidentifier() else "f"


def _heads(e: Explanation) -> list[str]:
    """The arguments' names; of many the first."""
    names = list(dict.fromkeys(re.split(r"[.\[]", name)[0] for name in e.inputs))
    return names if len(names) <= 6 else [*names[:5], "…"]


def hidden_note(hidden: int, total: int, noun: str, shown: Sequence[Shown]) -> str:
    """The sentence about what is out of sight."""
    if not hidden:
        return ""
    boxes = count(sum(bool(s.title) for s in shown), "box", "boxes")
    return f"{count(hidden)} of {count(total, noun)} are folded into {boxes}; most={total} shows all"


def shown_names(steps: Sequence[Step]) -> dict[Step, str]:
    """The user's variable where it is one step's alone, else the step's own name."""
    uses = Counter(step.variable for step in steps)
    return {s: s.variable if s.variable and uses[s.variable] == 1 else s.name for s in steps}


def arranged(steps: Sequence[Step], index: dict[Step, int]) -> tuple[list[int], list[tuple[Tag, ...]]]:
    """The order of steps, and their scopes; a part of a parameter tree stands where alone it is read."""
    paths = [tuple(_tag(scope) for scope in step.scopes[:DEEPEST]) for step in steps]
    readers: dict[int, list[int]] = {}
    for k, step in enumerate(steps):
        for x in step.operands:
            if isinstance(x, Step) and x.primitive is None:
                readers.setdefault(index[x], []).append(k)
    before: dict[int, list[int]] = {}
    first: list[int] = []
    for k, step in enumerate(steps):
        if step.primitive is None and ("." in step.name or "[" in step.name) and k in readers:
            paths[k] = _common([paths[r] for r in readers[k]])
            before.setdefault(readers[k][0], []).append(k)
        elif step.primitive is None:
            first.append(k)
    order = first + [j for k, step in enumerate(steps) if step.primitive is not None for j in (*before.get(k, ()), k)]
    return order, paths


def _tag(scope: Any) -> Tag:
    file = os.path.basename(scope.place[0])
    if scope.kind == "loop":
        title = f"turn {scope.turn}: {scope.label or scope.name}"
        return Tag(scope, title, (scope.place, scope.call), scope.turn)
    shown = f"{scope.name}()" if scope.kind == "function" else str(scope)
    return Tag((scope, file), shown)


def _common(paths: Sequence[tuple[Tag, ...]]) -> tuple[Tag, ...]:
    k = 0
    while all(len(path) > k and path[k] == paths[0][k] for path in paths):
        k += 1
    return paths[0][:k]


class _Writer:
    """The words on blocks."""

    def __init__(self, e: Explanation, steps: Sequence[Step], names: dict[Step, str], gradients: bool) -> None:
        self.e, self.steps, self.names, self.gradients = e, steps, names, gradients
        self.function = function_name(e)
        self.outputs = set(e.outputs.values()) or ({e.output} if e.failure is None else set[Step]())

    def block(self, shown: Shown) -> Block:
        """The block of one step, or of a folded unit."""
        last = self.steps[shown.items[-1]]
        if shown.title:
            steps = [self.steps[k] for k in shown.items]
            done = sum(step.primitive is not None for step in steps)
            lines = [Line(shown.title, "head"), Line(count(done or len(steps), "step" if done else "input"), "note")]
            lines += [Line(f"{self.names[last]} = {short(last.value)}")] if done else []
            return Block(shown.key, tuple(lines), "fold", shown.group, f"{shown.title}: {text.place(last.line)}")
        kind = "input" if last.primitive is None else "output" if last in self.outputs else "operation"
        lines = [Line(self.formula(last), "head"), Line(short(last.value))]
        if self.gradients and last.gradient is not None and is_differentiable(last.value):
            lines.append(
                Line(f"∂{self.function}/∂{self.names[last]} = {short(last.gradient, typed=False)}", "gradient")
            )
        return Block(shown.key, tuple(lines), kind, shown.group, self.tip(last))

    def formula(self, step: Step) -> str:
        """``q = x + y``, or the name of an input."""
        if step.primitive is None:
            return step.name
        operands = tuple(replace(x, name=self.names[x]) if isinstance(x, Step) else x for x in step.operands)
        return f"{self.names[step]} = {text.operation(replace(step, operands=operands))}".replace("-", "−")

    def tip(self, step: Step) -> str:
        """All about a step that does not fit."""
        said = f"{self.formula(step)}\nvalue {text.number(step.value)}"
        said += "" if step.gradient is None else f"\ngradient {text.number(step.gradient)}"
        return f"{said}\n{text.place(step.line)}" if step.line else said


def short(value: Any, typed: bool = True) -> str:
    """A value on a block; of a large array its range, with its type or without."""
    if isinstance(value, tuple) or is_array(value) or not isinstance(value, float | int | np.floating | np.integer):
        return (text.number if typed else text.extent)(value).replace("-", "−")
    return readable(float(value))


def _links(
    e: Explanation, steps: Sequence[Step], index: dict[Step, int], owner: dict[int, Shown], *,
    gradients: bool, derivatives: bool,
) -> list[Link]:  # fmt: skip
    """From what is read to what reads it; between folded units one for all."""
    edges = {(edge.target, edge.position): edge for edge in e.edges}
    found: list[Link] = []
    bundled: dict[tuple[Any, Any], int] = {}
    for step in steps:
        for position, x in enumerate(step.operands):
            if not isinstance(x, Step) or owner[index[x]] is owner[index[step]]:
                continue
            start, stop = owner[index[x]], owner[index[step]]
            ends = start.key, stop.key
            if start.title or stop.title:
                bundled[ends] = bundled.get(ends, 0) + 1
                continue
            edge = edges.get((step, position))
            label = _label(edge, gradients=gradients, derivatives=derivatives) if edge else ""
            role = "gradient" if gradients else "value"
            found.append(
                Link(*ends, label, role, _edge_tip(edge) if edge else "no derivative passes here", edge is None)
            )
    return found + [Link(*ends, tip=count(n, "value")) for ends, n in bundled.items()]


def _label(edge: Edge, *, gradients: bool, derivatives: bool) -> str:
    """Upstream gradient × local derivative where gradients are shown, or the derivative alone."""
    if not gradients and not derivatives:
        return ""
    local = edge.local if size_of(edge.source.value) == 1 == size_of(edge.target.value) else None
    if local is None:
        ends = (shape_of(v) for v in (edge.target.value, edge.source.value) if not isinstance(v, tuple))
        return " × ".join("·".join(map(str, shape)) or "1" for shape in ends) if derivatives else ""
    value = readable(_single(local))
    if not gradients:
        return value
    factor = f"({value})" if value.startswith("−") else value
    return f"{readable(_single(edge.upstream))} × {factor} = {readable(_single(edge.contribution))}"


def _single(value: Any) -> float:
    return float(np.real(np.ravel(value)[0]))


def _edge_tip(edge: Edge) -> str:
    known = (("local derivative", edge.local), ("upstream", edge.upstream), ("contribution", edge.contribution))
    said = [f"{name} {text.number(value)}" for name, value in known if value is not None]
    return "\n".join([f"{edge.source.name} → {edge.target.name}", *said])
