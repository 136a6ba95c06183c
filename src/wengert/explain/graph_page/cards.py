"""The boxes of the picture: a step, a closed fold, or the name of a value that was made elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from wengert.core.types import aval_of, is_array
from wengert.explain import text
from wengert.explain.charts.elements import clip, escape, place, tag, text_width
from wengert.explain.charts.numbers import count
from wengert.explain.formulas import name_of
from wengert.explain.graph import Step, is_differentiable
from wengert.explain.graph_page.facts import minus, title
from wengert.explain.graph_page.folds import Fold

__all__ = ["Card", "fold_card", "reference_card", "step_card", "width_of"]

_LONGEST = 32
_SIZE = 12.5
_GAP = 50  # beside a value and its gradient, and between them


@dataclass(frozen=True, slots=True)
class Card:
    """A box's size and its markup, with the middle at the origin."""

    width: float
    height: float
    markup: str


def width_of(words: str, size: float = _SIZE) -> float:
    """About how wide a text is, rather more than less: browsers have different fonts."""
    return 1.06 * text_width(words, size) + 0.4 * size * (words.count("…") + words.count("("))


def step_card(step: Step) -> Card:
    """Formula, type of an array, value on the left, gradient on the right."""
    kind = "" if isinstance(step.value, tuple) or not is_array(step.value) else str(aval_of(step.value))
    return _card(title(step), kind, *_numbers(step), radius=8 if step.primitive else 18)


def fold_card(fold: Fold, last: Step, steps: int) -> Card:
    """A stack of cards: the fold's name, how much is in it, and value and gradient of its last step."""
    kind = "" if fold.kind in ("part", "turn", "inputs") else f"{fold.kind} · "
    value, gradient = ("", "") if fold.kind == "inputs" else _numbers(last)
    front = _card("▸ " + fold.name, f"{kind}{count(steps, 'step')}", value, gradient, radius=8)
    x, y = front.width / 2, front.height / 2
    behind = f"M{place(5 - x)} {place(y)}v4h{place(2 * x)}v{place(4 - 2 * y)}h-5"
    return Card(front.width, front.height, tag("path", None, class_="box", d=behind) + front.markup)


def reference_card(step: Step) -> Card:
    """A value's name."""
    name = clip(name_of(step), _LONGEST)
    width = round(width_of(name, 11) + 22)
    return Card(width, 22, _box(width, 22, 11) + tag("text", escape(name), class_="s", y=4))


def _numbers(step: Step) -> tuple[str, str]:
    return _extent(step.value), _extent(step.gradient) if is_differentiable(step.value) else ""


def _extent(value: Any) -> str:
    return clip(minus(text.extent(value)), 26)


def _card(heading: str, kind: str, value: str, gradient: str, *, radius: int) -> Card:
    heading = clip(heading, _LONGEST)
    rows = (1.06 * width_of(heading) + 24, width_of(kind, 11) + 24, width_of(value) + width_of(gradient) + _GAP)
    width, height = max(96, *map(round, rows)), 72 if kind else 56
    x, y = width / 2, height / 2
    words = [
        tag("text", escape(heading), class_="t", y=21 - y),
        tag("text", escape(kind), class_="s", y=37 - y) if kind else "",
        tag("text", escape(value), class_="v", x=12 - x, y=y - 11) if value else "",
        tag("text", escape(gradient), class_="g", x=x - 12, y=y - 11) if gradient else "",
    ]
    return Card(width, height, _box(width, height, radius) + "".join(words))


def _box(width: float, height: float, radius: int) -> str:
    return tag("rect", None, class_="box", x=-width / 2, y=-height / 2, width=width, height=height, rx=radius)
