"""What picture and page are made of: steps, edges, folds and plans of one explanation, and the cards that show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert.core.types import aval_of, is_array
from wengert.explain import text
from wengert.explain.charts.numbers import count
from wengert.explain.charts.elements import clip, escape, place, tag, text_width
from wengert.explain.graph import Edge, Step, is_differentiable, size_of
from wengert.explain.graph_page import facts
from wengert.explain.graph_page.folds import Fold, fold_steps
from wengert.explain.graph_page.plan import Item, Line, Plan, Reference, Size, plan

if TYPE_CHECKING:
    from wengert.explain.explanation import Explanation

__all__ = ["Label", "Model", "model_of"]

Label = list[str]

_MOST_LETTERS = 30
_SIZE = 12.5


@dataclass(frozen=True, eq=False)
class Model:
    """One explanation, ready to be drawn. ``pairs`` are the edges as numbers of steps; those beyond ``edges`` only read."""

    title: str
    words: str
    steps: tuple[Step, ...]
    edges: tuple[Edge, ...]
    pairs: list[tuple[int, int]]
    output: int
    root: Fold
    plans: dict[Fold, Plan]

    def card(self, item: Item) -> str:
        """A card's markup, its middle at the origin."""
        if isinstance(item, Reference):
            return _reference_card(self.steps[item.step])
        return _fold_card(item, self.steps) if isinstance(item, Fold) else _step_card(self.steps[item])

    def size(self, item: Item) -> Size:
        """A card's width and height."""
        return _size(item, self.steps)

    def classes(self, item: Item) -> str:
        """What kind of card it is."""
        if isinstance(item, Reference):
            return "reference"
        if isinstance(item, Fold):
            bad = any(_is_bad(self.steps[n]) for n in item.steps())
            return f"fold {item.kind}" + " bad" * bad
        step = self.steps[item]
        kind = "output" if item == self.output else "op" if step.primitive else "input"
        return kind + " bad" * _is_bad(step)

    def label(self, line: Line) -> Label:
        """What stands on a line: upstream, local and contribution where they are single numbers, or how many values."""
        return _label(self.edges, line, self.pairs)

    def line_class(self, line: Line) -> str:
        """How a line is drawn: one without a derivative only reads."""
        drawn = [self.edges[k] for k in line.edges if k < len(self.edges)]
        return "reads" if not drawn else "bad" if any(facts.badness(edge.contribution) for edge in drawn) else ""


def model_of(explanation: Explanation) -> Model:
    """Fold, and place."""
    steps = (*explanation.inputs.values(), *explanation.steps)
    if explanation.output not in steps:
        steps = (*steps, explanation.output)
    number = {step: n for n, step in enumerate(steps)}
    pairs = [(number[edge.source], number[edge.target]) for edge in explanation.edges]
    pairs += [(number[x], n) for n, step in enumerate(steps) for x in step.operands
              if isinstance(x, Step) and not is_differentiable(x.value)]  # fmt: skip
    root = fold_steps(explanation.name, steps, len(explanation.inputs))
    plans = plan(root, pairs, lambda item: _size(item, steps), lambda line: _label_size(_label(explanation.edges, line, pairs)))
    title = f"{explanation.name}({', '.join(explanation.inputs)}) = {text.number(explanation.value)}"
    words = f"{len(steps)} steps, {len(explanation.edges)} edges. Values stand on the left of a box, gradients on the right."
    return Model(title, words, steps, explanation.edges, pairs, number[explanation.output], root, plans)


def _is_bad(step: Step) -> bool:
    return bool(facts.badness(step.value) or facts.badness(step.gradient))


# ---- cards


def _rows(step: Step) -> tuple[str, str, str, str]:
    """Title, type, value and gradient as a card shows them."""
    gradient = text.extent(step.gradient) if is_differentiable(step.value) else ""
    kind = "" if isinstance(step.value, tuple) or not is_array(step.value) else str(aval_of(step.value))
    return tuple(clip(row, _MOST_LETTERS) for row in (facts.title(step), kind, text.extent(step.value), gradient))  # type: ignore[return-value]


def _size(item: Item, steps: tuple[Step, ...]) -> Size:
    if isinstance(item, Reference):
        return round(text_width(_shown(steps[item.step]), 11.5) * 1.06 + 22), 22.0
    if isinstance(item, Fold):
        name, about, value, gradient = _fold_rows(item, steps)
        numbers = text_width(value, _SIZE) + text_width(gradient, _SIZE) + 44
        return max(120.0, round(text_width(name, _SIZE) * 1.06 + 44), round(text_width(about, 11) + 28), round(numbers)), 72.0
    title, kind, value, gradient = _rows(steps[item])
    numbers = text_width(value, _SIZE) + text_width(gradient, _SIZE) + 44
    width = max(96.0, round(text_width(title, _SIZE) * 1.06 + 26), round(numbers), round(text_width(kind, 11) + 28))
    return width, 72.0 if kind else 56.0


def _box(width: float, height: float, radius: int) -> str:
    return tag("rect", None, class_="box", x=-width / 2, y=-height / 2, width=width, height=height, rx=radius)


def _shown(step: Step) -> str:
    """A value's short name: the user's variable."""
    return clip(step.variable or step.name, _MOST_LETTERS)


def _reference_card(step: Step) -> str:
    width, height = _size(Reference(0), (step,))
    return _box(width, height, 11) + tag("text", escape(_shown(step)), class_="s", y=4)


def _step_card(step: Step) -> str:
    width, height = _size(0, (step,))
    title, kind, value, gradient = _rows(step)
    half, top = width / 2, -height / 2
    return (
        _box(width, height, 8 if step.primitive else 18)
        + tag("text", escape(title), class_="t", y=top + 21)
        + (tag("text", escape(kind), class_="s", y=top + 37) if kind else "")
        + _numbers(value, gradient, width, height)
    )


def _fold_rows(fold: Fold, steps: tuple[Step, ...]) -> tuple[str, str, str, str]:
    """Name, what is inside, and value and gradient of its last step."""
    numbers = [*fold.steps()]
    last = steps[numbers[-1]]
    kind = {"part": "", "turn": "", "inputs": ""}.get(fold.kind, f"{fold.kind} · ")
    gradient = text.extent(last.gradient) if is_differentiable(last.value) else ""
    value = "" if fold.kind == "inputs" else text.extent(last.value)
    return (clip(fold.name, _MOST_LETTERS), f"{kind}{count(len(numbers), 'step')}",
            clip(value, _MOST_LETTERS), clip(gradient if value else "", _MOST_LETTERS))  # fmt: skip


def _fold_card(fold: Fold, steps: tuple[Step, ...]) -> str:
    width, height = _size(fold, steps)
    name, about, value, gradient = _fold_rows(fold, steps)
    behind = f"M{place(5 - width / 2)} {place(height / 2)}v4h{place(width)}v{place(4 - height)}h-5"
    return (
        tag("path", None, class_="box", d=behind)
        + _box(width, height, 8)
        + tag("text", "▸ " + escape(name), class_="t", y=21 - height / 2)
        + tag("text", escape(about), class_="s", y=37 - height / 2)
        + _numbers(value, gradient, width, height)
    )


def _numbers(value: str, gradient: str, width: float, height: float) -> str:
    """A card's last row: the value on the left, the gradient on the right."""
    y = height / 2 - 11
    return tag("text", escape(value), class_="v", x=12 - width / 2, y=y) + tag(
        "text", escape(gradient), class_="g", x=width / 2 - 12, y=y
    )


# ---- labels of lines


def _label(edges: tuple[Edge, ...], line: Line, pairs: Sequence[tuple[int, int]]) -> Label:
    values = len({pairs[k][0] for k in line.edges})
    if values > 1:
        return [f"{values} values"]
    if len(line.edges) != 1 or line.edges[0] >= len(edges):
        return []
    edge = edges[line.edges[0]]
    if any(isinstance(v, tuple) or size_of(v) != 1 for v in (edge.source.value, edge.target.value)):
        return []
    return [f"{np.ravel(v)[0] + 0:.4g}" for v in (edge.upstream, edge.local, edge.contribution)]


def _label_size(label: Label) -> Size:
    return (round(text_width(" × ".join(label) + " ", 11.5) + 14), 16.0) if label else (0.0, 0.0)
