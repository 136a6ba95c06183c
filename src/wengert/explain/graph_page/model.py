"""What picture and page are made of: steps, edges, folds and plans of one explanation, and the cards that show them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wengert.core.types import aval_of, is_array
from wengert.explain import text
from wengert.explain.charts.elements import clip, escape, place, tag, text_width
from wengert.explain.graph import Edge, Step, is_differentiable, size_of
from wengert.explain.graph_page import facts
from wengert.explain.graph_page.folds import Fold, fold_steps
from wengert.explain.graph_page.plan import Plan, Size, plan

if TYPE_CHECKING:
    from wengert.explain.explanation import Explanation

__all__ = ["Model", "model_of"]

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

    def card(self, item: int | Fold) -> str:
        """A card's markup, its middle at the origin."""
        return _fold_card(item, self.steps) if isinstance(item, Fold) else _step_card(self.steps[item])

    def classes(self, item: int | Fold) -> str:
        """What kind of card it is."""
        if isinstance(item, Fold):
            bad = any(_is_bad(self.steps[n]) for n in item.steps())
            return f"fold {item.kind}" + " bad" * bad
        step = self.steps[item]
        kind = "output" if item == self.output else "op" if step.primitive else "input"
        return kind + " bad" * _is_bad(step)

    def label(self, edges: list[int]) -> str:
        """The markup of a line's label: upstream × local = contribution where they are single numbers."""
        return _label(self.edges, edges)

    def line_class(self, edges: list[int]) -> str:
        """How a line is drawn: one without a derivative only reads."""
        drawn = [self.edges[k] for k in edges if k < len(self.edges)]
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
    plans = plan(root, pairs, lambda item: _size(item, steps), lambda edges: _label_size(explanation.edges, edges))
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


def _size(item: int | Fold, steps: tuple[Step, ...]) -> Size:
    if isinstance(item, Fold):
        name, about = _fold_rows(item, steps)
        return max(120.0, round(text_width(name, _SIZE) * 1.06 + 44), round(text_width(about, 11) + 28)), 56.0
    title, kind, value, gradient = _rows(steps[item])
    numbers = text_width(value, _SIZE) + text_width(gradient, _SIZE) + 44
    width = max(96.0, round(text_width(title, _SIZE) * 1.06 + 26), round(numbers), round(text_width(kind, 11) + 28))
    return width, 72.0 if kind else 56.0


def _box(width: float, height: float, radius: int) -> str:
    return tag("rect", None, class_="box", x=-width / 2, y=-height / 2, width=width, height=height, rx=radius)


def _step_card(step: Step) -> str:
    width, height = _size(0, (step,))
    title, kind, value, gradient = _rows(step)
    half, top = width / 2, -height / 2
    return (
        _box(width, height, 8 if step.primitive else 18)
        + tag("text", escape(title), class_="t", y=top + 21)
        + (tag("text", escape(kind), class_="s", y=top + 37) if kind else "")
        + tag("text", escape(value), class_="v", x=12 - half, y=-top - 11)
        + tag("text", escape(gradient), class_="g", x=half - 12, y=-top - 11)
    )


def _fold_rows(fold: Fold, steps: tuple[Step, ...]) -> tuple[str, str]:
    count = sum(1 for _ in fold.steps())
    kind = {"part": "", "turn": ""}.get(fold.kind, f"{fold.kind} · ")
    return clip(fold.name, _MOST_LETTERS), f"{kind}{count:,} steps"


def _fold_card(fold: Fold, steps: tuple[Step, ...]) -> str:
    width, height = _size(fold, steps)
    name, about = _fold_rows(fold, steps)
    behind = tag("path", None, class_="box", d=f"M{place(5 - width / 2)} {place(height / 2)}v4h{place(width)}v{place(4 - height)}h-5")
    return (
        behind
        + _box(width, height, 8)
        + tag("text", "▸ " + escape(name), class_="t", y=-3)
        + tag("text", escape(about), class_="s", y=15)
    )


# ---- labels of lines


def _label_rows(edges: tuple[Edge, ...], numbers: list[int]) -> tuple[str, str, str] | None:
    """Upstream gradient, local derivative and contribution, where one number says each."""
    if len(numbers) != 1 or numbers[0] >= len(edges):
        return None
    edge = edges[numbers[0]]
    if any(isinstance(v, tuple) or size_of(v) != 1 for v in (edge.source.value, edge.target.value)):
        return None
    return tuple(f"{v.item() + 0 if hasattr(v, 'item') else v + 0:.4g}" for v in (edge.upstream, edge.local, edge.contribution))  # type: ignore[return-value]


def _label(edges: tuple[Edge, ...], numbers: list[int]) -> str:
    rows = _label_rows(edges, numbers)
    if rows is None:
        return f"{len(numbers)} edges" if len(numbers) > 1 else ""
    upstream, local, contribution = rows
    span = lambda key, words: tag("tspan", escape(words), class_=key)
    return f"{span('u', upstream)} × {span('l', local)} = {span('c', contribution)}"


def _label_size(edges: tuple[Edge, ...], numbers: list[int]) -> Size:
    rows = _label_rows(edges, numbers)
    if rows is None:
        return (50.0, 14.0) if len(numbers) > 1 else (0.0, 0.0)
    return round(text_width(" × ".join(rows) + " ", 11.5) + 8), 16.0
