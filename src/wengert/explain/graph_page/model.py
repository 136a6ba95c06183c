"""What picture and page are made of: steps, edges, folds, plans and cards of one explanation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wengert.explain import text
from wengert.explain.graph import Edge, Step, is_differentiable, size_of
from wengert.explain.graph_page import facts
from wengert.explain.graph_page.cards import Card, fold_card, reference_card, step_card, stepped, width_of
from wengert.explain.graph_page.folds import Fold, fold_steps
from wengert.explain.graph_page.plan import Item, Line, Plan, Reference, Size, plan

if TYPE_CHECKING:
    from wengert.explain.explanation import Explanation

__all__ = ["Label", "Model", "model_of"]

Label = list[str]
_MOST_NAMES = 6  # of arguments in a title


@dataclass(frozen=True, eq=False)
class Model:
    """One explanation, ready to be drawn.

    ``pairs`` are edges as numbers of steps: first the ``edges``, then what is read and passes no derivative. ``labels``
    say what stands on a line: upstream, local and contribution where they are single numbers, or how many values.
    """

    title: str
    words: str
    steps: tuple[Step, ...]
    titles: list[str]
    edges: tuple[Edge, ...]
    pairs: list[tuple[int, int]]
    inputs: int
    output: int
    root: Fold
    plans: dict[Fold, Plan]
    cards: dict[Item, Card]
    labels: dict[Line, Label]

    def classes(self, item: Item) -> str:
        """What kind of card it is."""
        if isinstance(item, Reference):
            return "reference"
        inside = [*item.steps()] if isinstance(item, Fold) else [item]
        bad = any(facts.badness(v) for n in inside for v in (self.steps[n].value, self.steps[n].gradient))
        if isinstance(item, Fold):
            kind = f"fold {item.kind}"
        else:
            kind = "output" if item == self.output else "op" if self.steps[item].primitive else "input"
        return kind + " bad" * bad

    def line_class(self, line: Line) -> str:
        """How a line is drawn: one without a derivative only reads."""
        drawn = [self.edges[k] for k in line.edges if k < len(self.edges)]
        return "reads" if not drawn else "bad" if any(facts.badness(edge.contribution) for edge in drawn) else ""


def model_of(explanation: Explanation) -> Model:
    """Fold, and place."""
    steps = (*explanation.inputs.values(), *explanation.steps)
    if explanation.output not in steps:  # a constant: nothing leads to it
        steps = (*steps, explanation.output)
    number = {step: n for n, step in enumerate(steps)}
    edges = explanation.edges
    pairs = [(number[edge.source], number[edge.target]) for edge in edges]
    pairs += [(number[x], n) for n, step in enumerate(steps) for x in step.operands
              if isinstance(x, Step) and not is_differentiable(x.value)]  # fmt: skip
    root = fold_steps(explanation.name, steps, len(explanation.inputs))
    titles = [*map(facts.title, steps)]
    cards = _cards(root, steps, titles)
    labels: dict[Line, Label] = {}

    def label_size(line: Line) -> Size:
        labels[line] = label = _label(edges, line, pairs)
        return (stepped(width_of(" × ".join(label), 11.5) + 8), 16.0) if label else (0.0, 0.0)

    plans = plan(root, pairs, lambda item: (cards[item].width, cards[item].height), label_size)
    names = [*dict.fromkeys(re.split(r"[.\[]", name)[0] for name in explanation.inputs)]
    shown = ", ".join(names if len(names) <= _MOST_NAMES else [*names[:_MOST_NAMES], "…"])
    title = f"{explanation.name}({shown}) = {facts.minus(text.number(explanation.value))}"
    words = f"{len(steps)} steps, {len(edges)} edges. Values stand on the left of a box, gradients on the right."
    return Model(title, words, steps, titles, edges, pairs, len(explanation.inputs), number[explanation.output], root, plans, cards, labels)


def _cards(root: Fold, steps: Sequence[Step], titles: Sequence[str]) -> dict[Item, Card]:
    cards: dict[Item, Card] = {n: step_card(step, titles[n]) for n, step in enumerate(steps)}
    cards |= {Reference(n): reference_card(step) for n, step in enumerate(steps)}
    for fold in root.folds():
        inside = [*fold.steps()]
        cards[fold] = fold_card(fold, steps[inside[-1]], len(inside))
    return cards


def _label(edges: Sequence[Edge], line: Line, pairs: Sequence[tuple[int, int]]) -> Label:
    values = len({pairs[k][0] for k in line.edges})
    if values > 1:
        return [f"{values} values"]
    if len(line.edges) != 1 or line.edges[0] >= len(edges):
        return []
    edge = edges[line.edges[0]]
    if any(isinstance(v, tuple) or size_of(v) != 1 for v in (edge.source.value, edge.target.value)):
        return []
    return [facts.minus(f"{np.ravel(v)[0] + 0:.4g}") for v in (edge.upstream, edge.local, edge.contribution)]
