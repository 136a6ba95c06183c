"""What picture and page are made of: steps, edges, folds, plans and cards of one explanation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.explain import text
from wengert.explain.graph import Edge, Step, is_differentiable, size_of
from wengert.explain.graph_page import facts
from wengert.explain.graph_page.cards import Card, failed_card, fold_card, reference_card, step_card, stepped, width_of
from wengert.explain.graph_page.folds import Fold, fold_steps
from wengert.explain.graph_page.plan import Item, Line, Plan, Reference, Size, plan
from wengert.explain.recording.failures import Failure

if TYPE_CHECKING:
    from wengert.explain.explanation import Explanation

__all__ = ["Label", "Model", "model_of"]

Label = list[str]


@dataclass(frozen=True, eq=False)
class Model:
    """One explanation, ready to be drawn.

    ``steps`` are all, inputs first; where the function raised an exception the last one stands for the operation that
    failed. ``pairs`` are edges as numbers of steps: first the ``edges``, then what is read and passes no derivative.
    ``labels`` say what stands on a line: upstream (in forward mode the tangent), local and contribution where they are
    single numbers, or how many values. ``mode`` is "gradient", "tangent" or, where there is no derivative, "none".
    """

    explanation: Explanation
    title: str
    mode: str
    steps: tuple[Step, ...]
    titles: list[str]
    pairs: list[tuple[int, int]]
    failed: int | None
    root: Fold
    plans: dict[Fold, Plan]
    cards: dict[Item, Card]
    labels: dict[Line, Label]

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Those that pass a derivative."""
        return self.explanation.edges

    @property
    def inputs(self) -> int:
        """How many steps are inputs."""
        return len(self.explanation.inputs)

    @cached_property
    def outputs(self) -> frozenset[int]:
        """The numbers of the steps that the function returned."""
        e = self.explanation
        found = set[Step]() if e.failure else {e.output, *e.outputs.values()}
        return frozenset(n for n, step in enumerate(self.steps) if step in found)

    @cached_property
    def bad(self) -> list[bool]:
        """By step, whether it holds what is not finite, or failed."""
        return [n == self.failed or bool(facts.badness(step.value) or facts.badness(facts.derivative(step, self.mode)))
                for n, step in enumerate(self.steps)]  # fmt: skip

    def classes(self, item: Item) -> str:
        """What kind of card it is."""
        if isinstance(item, Reference):
            return "reference"
        if isinstance(item, Fold):
            return f"fold {item.kind}" + " bad" * any(self.bad[n] for n in item.steps())
        kind = "failed" if item == self.failed else "input" if item < self.inputs else "op"
        phase = self.steps[item].phase
        return (
            kind
            + " output" * (item in self.outputs)
            + " bad" * self.bad[item]
            + (f" {phase}" if phase != "forward" else "")
        )

    def line_class(self, line: Line) -> str:
        """How a line is drawn: one without a derivative only reads."""
        drawn = [self.edges[k] for k in line.edges if k < len(self.edges)]
        if not drawn:
            return "reads"
        return "bad" if any(facts.badness(facts.passed(edge, self.mode)) for edge in drawn) else ""


def model_of(explanation: Explanation) -> Model:
    """Fold, and place."""
    e = explanation
    mode = "tangent" if e.forward_mode else "none" if e.missing or e.failure else "gradient"
    steps = e.all_steps if e.output in e.all_steps or e.failure else (*e.all_steps, e.output)
    titles = [*map(facts.title, steps)]
    failed = None
    if e.failure is not None:
        failed = len(steps)
        steps, titles = (*steps, _stopped(e.failure, steps)), [*titles, _stopped_title(e.failure)]
    number = {step: n for n, step in enumerate(steps)}
    pairs = [(number[edge.source], number[edge.target]) for edge in e.edges]
    pairs += [(number[x], n) for n, step in enumerate(steps) for x in step.operands
              if isinstance(x, Step) and (n == failed or not is_differentiable(x.value))]  # fmt: skip
    root = fold_steps(e.name, steps, len(e.inputs))
    cards = _cards(root, steps, titles, mode)
    if e.failure is not None and failed is not None:
        cards[failed] = failed_card(titles[failed], e.failure)
    labels: dict[Line, Label] = {}

    def label_size(line: Line) -> Size:
        labels[line] = label = _label(e.edges, line, pairs, mode)
        return (stepped(width_of(" × ".join(filter(None, label)), 11.5) + 8), 16.0) if label else (0.0, 0.0)

    plans = plan(root, pairs, lambda item: (cards[item].width, cards[item].height), label_size)
    return Model(e, facts.minus(text.title(e)), mode, steps, titles, pairs, failed, root, plans, cards, labels)


def _stopped(failure: Failure, steps: Sequence[Step]) -> Step:
    """What stands for the operation that failed: it read some steps, and gave nothing."""
    named = {step.name: step for step in steps} | {step.variable: step for step in steps if step.variable}
    read = tuple(named[name] for name, _ in failure.operands if name in named)
    return Step("stopped", (), None, operands=read, line=failure.line, scopes=failure.scopes, place=failure.place)


def _stopped_title(failure: Failure) -> str:
    return f"{failure.operation}({', '.join(name for name, _ in failure.operands)})" if failure.operation else "stopped"


def _cards(root: Fold, steps: Sequence[Step], titles: Sequence[str], mode: str) -> dict[Item, Card]:
    cards: dict[Item, Card] = {n: step_card(step, titles[n], mode) for n, step in enumerate(steps)}
    cards |= {Reference(n): reference_card(step) for n, step in enumerate(steps)}
    for fold in root.folds():
        inside = [*fold.steps()]
        cards[fold] = fold_card(fold, steps[inside[-1]], len(inside), mode)
    return cards


def _label(edges: Sequence[Edge], line: Line, pairs: Sequence[tuple[int, int]], mode: str) -> Label:
    values = len({pairs[k][0] for k in line.edges})
    if values > 1:
        return [f"{values} values"]
    if len(line.edges) != 1 or line.edges[0] >= len(edges):
        return []
    edge = edges[line.edges[0]]
    if any(isinstance(v, tuple) or size_of(v) != 1 for v in (edge.source.value, edge.target.value)):
        return []
    return [_short(v) for v in (facts.comes(edge, mode), edge.local, facts.passed(edge, mode))]


def _short(value: Any) -> str:
    return "" if value is None else facts.minus(f"{np.ravel(value)[0] + 0:.4g}")
