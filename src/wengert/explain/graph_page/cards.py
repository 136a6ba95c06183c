"""The boxes of the picture: a step, a closed fold, or the name of a value that was made elsewhere."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from wengert.core.types import aval_of, is_array
from wengert.explain import text
from wengert.explain.charts.elements import clip, escape, place, tag, text_width
from wengert.explain.charts.numbers import count
from wengert.explain.formulas.formula import name_of
from wengert.explain.graph import Step
from wengert.explain.graph_page.facts import derivative, minus
from wengert.explain.graph_page.folds import Fold
from wengert.explain.recording.failures import Failure

__all__ = ["Card", "fold_card", "reference_card", "step_card", "stepped", "width_of"]

_LONGEST = 32
_LONGEST_VALUE = 26
_SIZE = 12.5
_GAP = 50  # beside a value and its gradient, and between them


@dataclass(frozen=True, slots=True)
class Card:
    """A box: its size, and its markup with the middle at the origin, in which ``{0}``, ``{1}``, … stand for its words.

    Boxes are as wide as multiples of 16 pixels, so that many share their markup, and folds of like boxes their layout.
    """

    width: float
    height: float
    template: str
    words: tuple[str, ...]

    @property
    def markup(self) -> str:
        """The markup with the words in it, escaped."""
        return re.sub(r"\{(\d)\}", lambda found: escape(self.words[int(found[1])]), self.template)


def stepped(width: float) -> int:
    """A width, to the next multiple of 16."""
    return 16 * math.ceil(width / 16)


def width_of(words: str, size: float = _SIZE) -> float:
    """About how wide a text is, rather more than less: browsers have different fonts."""
    return 1.06 * text_width(words, size) + 0.4 * size * (words.count("…") + words.count("("))


def step_card(step: Step, heading: str, mode: str) -> Card:
    """Formula, type of an array, value on the left, gradient on the right."""
    kind = "" if isinstance(step.value, tuple) or not is_array(step.value) else str(aval_of(step.value))
    return _card(heading, kind, *_numbers(step, mode), radius=8 if step.primitive else 18)


def fold_card(fold: Fold, last: Step, steps: int, mode: str) -> Card:
    """A stack of cards: the fold's name, how much is in it, and value and gradient of its last step."""
    kind = "" if fold.kind in ("part", "turn", "inputs") else f"{fold.kind} · "
    value, gradient = ("", "") if fold.kind == "inputs" else _numbers(last, mode)
    front = _card("▸ " + fold.name, f"{kind}{count(steps, 'step')}", value, gradient, radius=8)
    x, y = front.width / 2, front.height / 2
    behind = f"M{place(5 - x)} {place(y)}v4h{place(2 * x)}v{place(4 - 2 * y)}h-5"
    template = tag("path", None, class_="box", d=behind) + front.template
    return Card(front.width, front.height, template, front.words)


def reference_card(step: Step) -> Card:
    """A value's name."""
    name = clip(name_of(step), _LONGEST)
    width = stepped(width_of(name, 11) + 20)
    return Card(width, 22, _box(width, 22, 11) + tag("text", "{0}", class_="s", y=4), (name,))


def failed_card(heading: str, failure: Failure) -> Card:
    """Where the function stopped, and the exception's name."""
    return _card(
        "✗ " + heading, (failure.place and f"line {failure.place[1]}") or "", type(failure.error).__name__, "", radius=8
    )


def _numbers(step: Step, mode: str) -> tuple[str, str]:
    d = derivative(step, mode)
    return _extent(step.value), "" if d is None else _extent(d)


def _extent(value: Any) -> str:
    shown = text.extent(value)
    return clip(minus(shown if len(shown) <= _LONGEST_VALUE else text.extent(value, most=0) or shown), _LONGEST_VALUE)


def _card(heading: str, kind: str, value: str, gradient: str, *, radius: int) -> Card:
    heading = clip(heading, _LONGEST)
    rows = (1.06 * width_of(heading) + 24, width_of(kind, 11) + 24, width_of(value) + width_of(gradient) + _GAP)
    width, height = max(96, stepped(max(rows))), 72 if kind else 56
    x, y = width / 2, height / 2
    places = (("t", None, 21 - y), ("s", None, 37 - y), ("v", 12 - x, y - 11), ("g", x - 12, y - 11))
    shown = [(words, at) for words, at in zip((heading, kind, value, gradient), places, strict=True) if words]
    rows_drawn = (tag("text", f"{{{k}}}", class_=key, x=left, y=top) for k, (_, (key, left, top)) in enumerate(shown))
    return Card(width, height, _box(width, height, radius) + "".join(rows_drawn), tuple(words for words, _ in shown))


def _box(width: float, height: float, radius: int) -> str:
    return tag("rect", None, class_="box", x=-width / 2, y=-height / 2, width=width, height=height, rx=radius)
