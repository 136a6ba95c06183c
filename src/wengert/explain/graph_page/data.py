"""What the player reads: steps, edges, folds with their layouts, the words of cards. Numbers are text."""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any

from wengert.explain import text
from wengert.explain.charts.elements import escape, legible
from wengert.explain.graph_page import facts
from wengert.explain.graph_page.folds import Fold
from wengert.explain.graph_page.listing import Listing
from wengert.explain.graph_page.model import Model
from wengert.explain.graph_page.picture import heading
from wengert.explain.graph_page.plan import Item, Line, Placed, Reference

__all__ = ["data_of", "embedded"]

Facts = dict[str, Any]


def embedded(name: str, data: object) -> str:
    """Data on a page, for a script, as text in which no markup can begin or end."""
    letters = legible(json.dumps(data, separators=(",", ":"), ensure_ascii=False))
    for letter in "<>&":
        letters = letters.replace(letter, f"\\u{ord(letter):04x}")
    return f'<script type="application/json" id="{name}">{letters}</script>'


def data_of(model: Model, listing: Listing) -> Facts:
    """All that is played."""
    return _Writer(model, listing).all()


class _Shared:
    """What many things have in common, once; each is known by its place in the list."""

    def __init__(self) -> None:
        self.found: dict[Any, int] = {}

    def place(self, thing: Hashable) -> int:
        """The place of a thing, at the end if it is new."""
        return self.found.setdefault(thing, len(self.found))


class _Writer:
    """Writes steps, folds and edges; templates of cards and layouts of folds are written once."""

    def __init__(self, model: Model, listing: Listing) -> None:
        self.model, self.listing = model, listing
        self.folds = {fold: k for k, fold in enumerate(model.root.folds())}
        self.read = {item for plan in model.plans.values() for item in plan.items if isinstance(item, Reference)}
        self.templates, self.layouts = _Shared(), _Shared()

    def all(self) -> Facts:
        """The whole."""
        model, e = self.model, self.model.explanation
        played = model.mode == "gradient"
        return {
            "name": e.name if e.name.isidentifier() else "f",
            "title": model.title,
            "mode": model.mode,
            "inputs": model.inputs,
            "output": model.steps.index(e.output) if played else -1,
            "failed": model.failed,
            "pairs": model.pairs,
            "steps": [self.step(n) for n in range(len(model.steps))],
            "folds": [self.fold(fold) for fold in self.folds],
            "edges": [facts.edge_facts(edge, model.mode) for edge in model.edges],
            "templates": [*self.templates.found],
            "layouts": [_placed(layout) for layout in self.layouts.found],
        }

    def card(self, item: Item) -> Facts:
        """A card: its size, its kind, its template and the words in it."""
        card = self.model.cards[item]
        return {
            "size": [card.width, card.height],
            "classes": self.model.classes(item),
            "card": [self.templates.place(card.template), *map(escape, card.words)],
        }

    def step(self, n: int) -> Facts:
        """A step, without what is empty."""
        model, step = self.model, self.model.steps[n]
        found = facts.step_facts(step, model.titles[n], model.mode) | self.card(n)
        found |= {"where": text.place(step.line), "place": self.listing.key(step.place)}
        if n == model.failed:
            found |= {"value": {"text": str(model.explanation.failure), "bad": "stopped"}, "operation": "stopped"}
        if Reference(n) in self.read:
            found["reference"] = self.card(Reference(n))["card"]
        return _full(found)

    def fold(self, fold: Fold) -> Facts:
        """A fold: items are steps, or folds as −1, −2, …; then come the steps that it reads from outside."""
        plan = self.model.plans[fold]
        return self.card(fold) | {
            "name": fold.name,
            "kind": fold.kind,
            "open": fold.opened,
            "parent": self.folds[fold.parent] if fold.parent else -1,
            "items": [-1 - self.folds[item] if isinstance(item, Fold) else item for item in fold.items],
            "reads": [item.step for item in plan.items if isinstance(item, Reference)],
            "heading": heading(fold, plan.closed.width),
            "lines": [self.line(line) for line in plan.lines],
            "closed": self.layouts.place(plan.closed),
            "begun": self.layouts.place(plan.begun),
        }

    def line(self, line: Line) -> Facts:
        """A line, without what is empty."""
        model = self.model
        return _full({"edges": line.edges, "label": model.labels[line], "classes": model.line_class(line)})


def _placed(placed: Placed) -> Facts:
    return {"width": placed.width, "height": placed.height, "items": placed.items, "lines": placed.lines}


def _full(found: Facts) -> Facts:
    return {key: fact for key, fact in found.items() if fact}
