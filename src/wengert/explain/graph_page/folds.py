"""What is drawn as one box until it is opened: functions, layers, loops and their turns, and parts of long lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wengert.explain import folding
from wengert.explain.graph import Step

__all__ = ["Fold", "fold_steps"]

# As many boxes as are read at a glance: longer lists are folded into parts of PART, parts into parts of parts.
MOST = 30
PART = 20
GLANCE = 20  # boxes that an explanation opens with: whole levels of folds are opened as far as that


@dataclass(eq=False, slots=True)
class Fold:
    """A run of steps: ``items`` are numbers of steps, and folds in it.

    ``path`` is a layer's place in its model; ``opened`` says whether the page begins with the fold open.
    """

    kind: str
    name: str
    items: list[int | Fold] = field(default_factory=list[Any])
    path: str = ""
    opened: bool = False
    parent: Fold | None = None

    def steps(self) -> Iterator[int]:
        """The numbers of all steps inside, in order."""
        for item in self.items:
            if isinstance(item, Fold):
                yield from item.steps()
            else:
                yield item

    def folds(self) -> Iterator[Fold]:
        """This fold and all inside, outer ones first."""
        yield self
        for item in self.items:
            if isinstance(item, Fold):
                yield from item.folds()


def fold_steps(name: str, steps: Sequence[Step], inputs: int) -> Fold:
    """The tree of folds of a list whose first ``inputs`` steps are inputs."""
    numbers = {step: n for n, step in enumerate(steps)}
    root = _simplified(Fold("all", name, _items(folding.folded(steps[inputs:]), numbers)))
    root.kind, root.name = "all", name
    parameters = Fold("inputs", "inputs", [*range(inputs)])
    _bring_parameters_home(root, parameters, steps)
    few = len(parameters.items) <= MOST // 2
    for fold in (root, parameters):
        _split(fold, lambda n: steps[n].name)
    root.items[:0] = parameters.items if few else [parameters]
    _adopt(root)
    _open(root)
    return root


def _items(found: Sequence[folding.Fold | Step], numbers: Mapping[Step, int]) -> list[int | Fold]:
    return [numbers[item] if isinstance(item, Step) else _fold(item, numbers) for item in found]


def _fold(found: folding.Fold, numbers: Mapping[Step, int]) -> Fold:
    scope = found.scope
    kind = "turn" if scope.kind == "loop" and not found.turns else scope.kind
    path = scope.name if kind == "layer" else ""
    return Fold(kind, found.title, _items(found.items, numbers), path)


def _simplified(fold: Fold) -> Fold:
    """Without folds of one item: they would hide nothing."""
    items: list[int | Fold] = []
    for item in fold.items:
        inner = _simplified(item) if isinstance(item, Fold) else item
        items.append(inner.items[0] if isinstance(inner, Fold) and len(inner.items) == 1 else inner)
    if len(items) == 1 and isinstance(only := items[0], Fold):
        return Fold(fold.kind, fold.name, only.items, fold.path)
    return Fold(fold.kind, fold.name, items, fold.path)


def _bring_parameters_home(root: Fold, parameters: Fold, steps: Sequence[Step]) -> None:
    """Inputs that belong to a layer by their name, as ``m.layers[0].weight`` does, stand inside of it."""
    layers = {fold.path: fold for fold in root.folds() if fold.path}
    readers = _readers(steps)
    for n in [*parameters.items]:
        assert isinstance(n, int)
        owner, _, _ = steps[n].name.rpartition(".")
        if owner in layers and readers.get(n, set()) <= set(layers[owner].steps()):
            parameters.items.remove(n)
            layers[owner].items.insert(0, n)


def _readers(steps: Sequence[Step]) -> dict[int, set[int]]:
    number = {step: n for n, step in enumerate(steps)}
    readers: dict[int, set[int]] = {}
    for n, step in enumerate(steps):
        for x in step.operands:
            if isinstance(x, Step):
                readers.setdefault(number[x], set()).add(n)
    return readers


def _split(fold: Fold, name_of: Callable[[int], str]) -> None:
    """Fold parts of a long list of items, so that no fold has more than ``MOST``."""
    if len(fold.items) > MOST:
        size = PART
        while size * PART < len(fold.items):
            size *= PART
        parts = [fold.items[k : k + size] for k in range(0, len(fold.items), size)]
        fold.items = [part[0] if len(part) == 1 else Fold("part", _span(part, name_of), part) for part in parts]
    for item in fold.items:
        if isinstance(item, Fold):
            _split(item, name_of)


def _span(items: list[int | Fold], name_of: Callable[[int], str]) -> str:
    first, last = (item.name if isinstance(item, Fold) else name_of(item) for item in (items[0], items[-1]))
    return f"{first} … {last}"


def _adopt(root: Fold) -> None:
    for fold in root.folds():
        for item in fold.items:
            if isinstance(item, Fold):
                item.parent = fold


def _open(root: Fold) -> None:
    """Open whole levels, the outer ones first, as long as all of it is read at a glance."""
    level = [root]
    shown = 1
    while level:
        shown += sum(len(fold.items) - 1 for fold in level)
        if shown > GLANCE and level != [root]:
            return
        for fold in level:
            fold.opened = True
        level = [item for fold in level for item in fold.items if isinstance(item, Fold)]
