"""What is drawn as one box until it is opened: functions, layers, loops and their turns, and parts of long lists."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from wengert.explain.graph import Step

__all__ = ["Fold", "fold_steps"]

# As many boxes as are read at a glance: longer lists are folded into parts of PART, parts into parts of parts.
MOST = 30
PART = 20
GLANCE = 20  # boxes that an explanation opens with: whole levels of folds are opened as far as that


@dataclass(eq=False, slots=True)
class Fold:
    """A run of steps: ``items`` are numbers of steps, and folds in it. ``opened`` says how the page begins."""

    kind: str
    name: str
    items: list[int | Fold] = field(default_factory=list[Any])
    scope: Any = None
    opened: bool = False
    key: str = ""
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
    root = Fold("all", name)
    for n in range(inputs, len(steps)):
        _enter(root, _scopes(steps[n]), n)
    root = _simplified(root)
    root.kind, root.name, root.scope = "all", name, None
    parameters = Fold("inputs", "inputs", [*range(inputs)])
    _bring_parameters_home(root, parameters, steps)
    few = len(parameters.items) <= MOST // 2
    for fold in (root, parameters):
        _split(fold, lambda n: steps[n].name)
    root.items[:0] = parameters.items if few else [parameters]
    _number(root, "")
    _open(root)
    return root


def _scopes(step: Step) -> list[tuple[Any, str, str]]:
    """(what tells it from others, kind, name) of each scope; a turn stands in its loop."""
    found: list[tuple[Any, str, str]] = []
    for scope in step.scopes:
        if scope.kind == "loop":
            loop = scope.label or f"loop in line {scope.place[1]}"
            found += [(("loop", scope.place, scope.call), "loop", loop), (scope, "turn", f"turn {scope.turn}")]
        else:
            found.append((scope, scope.kind, str(scope)))
    return found


def _enter(fold: Fold, scopes: list[tuple[Any, str, str]], n: int) -> None:
    """Append step ``n`` where its scopes say: in the fold that was entered last, if it is the same scope still."""
    for scope, kind, name in scopes:
        last = fold.items[-1] if fold.items else None
        if not (isinstance(last, Fold) and last.scope == scope):
            last = Fold(kind, name, scope=scope)
            fold.items.append(last)
        fold = last
    fold.items.append(n)


def _simplified(fold: Fold) -> Fold:
    """Without folds of one item: they would hide nothing."""
    items: list[int | Fold] = []
    for item in fold.items:
        inner = _simplified(item) if isinstance(item, Fold) else item
        items.append(inner.items[0] if isinstance(inner, Fold) and len(inner.items) == 1 else inner)
    if len(items) == 1 and isinstance(only := items[0], Fold):
        return Fold(fold.kind, fold.name, only.items, fold.scope)
    return Fold(fold.kind, fold.name, items, fold.scope)


def _bring_parameters_home(root: Fold, parameters: Fold, steps: Sequence[Step]) -> None:
    """Inputs that belong to a layer by their name, as ``m.layers[0].weight`` does, stand inside of it."""
    layers = {fold.scope.name: fold for fold in root.folds() if fold.kind == "layer"}
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


def _number(fold: Fold, key: str) -> None:
    fold.key = key
    for k, item in enumerate(fold.items):
        if isinstance(item, Fold):
            item.parent = fold
            _number(item, f"{key}.{k}" if key else f"{k}")


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
