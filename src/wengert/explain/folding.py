"""Steps folded by the functions, layers and loops that they stand in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from wengert.explain.graph import Step
from wengert.explain.recording.scopes import Scope

__all__ = ["DEEPEST", "Fold", "all_folds", "folded", "opened"]

DEEPEST = 40  # folds in one another: of a function that calls itself for ever the rest stays flat


@dataclass(slots=True, eq=False)
class Fold:
    """A function's call, a layer's, a run of a loop (``turns`` of them), or one turn, with what is in it, in order."""

    scope: Scope
    turns: int = 0
    items: list[Fold | Step] = field(default_factory=list["Fold | Step"])

    @property
    def title(self) -> str:
        """What stands in the place of the steps."""
        scope = self.scope
        if scope.kind == "loop":
            turns = f"{self.turns} turn{'' if self.turns == 1 else 's'}"
            return f"{scope.label or f'line {scope.place[1]}'}, {turns}" if self.turns else f"turn {scope.turn}"
        return f"{scope.name}()" if scope.kind == "function" and scope not in _WALKS.values() else str(scope)

    @property
    def steps(self) -> Iterator[Step]:
        """All steps in it."""
        for item in self.items:
            if isinstance(item, Fold):
                yield from item.steps
            else:
                yield item

    def is_called(self, name: str) -> bool:
        """Whether a name is meant to open this fold: all of a path, or its end."""
        own = self.scope.name
        return own == name or own.endswith(("." + name, name if name.startswith(("[", ".")) else "." + name))


Item = Fold | Step


def folded(steps: Sequence[Step]) -> list[Item]:
    """The tree of folds; steps that stand in no scope are items by themselves."""
    top: list[Item] = []
    way: list[tuple[object, Fold]] = []
    for step in steps:
        keys = [*_keys((*step.scopes, _walk(step.order)) if step.phase == "backward" else step.scopes)][:DEEPEST]
        same = 0
        while same < min(len(way), len(keys)) and way[same][0] == keys[same][0]:
            same += 1
        del way[same:]
        for key, scope, is_run in keys[same:]:
            items = way[-1][1].items if way else top
            fold = Fold(scope, int(is_run))
            items.append(fold)
            way.append((key, fold))
        (way[-1][1].items if way else top).append(step)
    for item in top:
        _count_turns(item)
    return top


_WALKS: dict[int, Scope] = {}


def _walk(order: int) -> Scope:
    """What holds the steps of a walk back."""
    names = {1: "the walk back", 2: "the walk back over the walk back"}
    return _WALKS.setdefault(order, Scope("function", names.get(order, f"walk back no. {order}")))


def _keys(scopes: Sequence[Scope]) -> Iterator[tuple[object, Scope, bool]]:
    """A loop makes two levels, the run and the turn."""
    for scope in scopes:
        if scope.kind == "loop":
            yield (scope.place, scope.call), scope, True
        yield scope, scope, False


def _count_turns(item: Item) -> None:
    if isinstance(item, Fold):
        if item.turns:
            item.turns = len(item.items)
        for inner in item.items:
            _count_turns(inner)


# ---- what is shown


def opened(
    items: Sequence[Item], opens: Callable[[Fold, int], bool], depth: int = 0
) -> Iterator[tuple[int, bool, Item]]:
    """Rows ``(depth, open, item)``: folds that ``opens`` says are open are followed by what is in them."""
    for item in items:
        if isinstance(item, Fold) and opens(item, depth):
            yield depth, True, item
            yield from opened(item.items, opens, depth + 1)
        else:
            yield depth, False, item


def all_folds(items: Sequence[Item]) -> Iterator[Fold]:
    """Every fold, at any depth."""
    for item in items:
        if isinstance(item, Fold):
            yield item
            yield from all_folds(item.items)


def to_depth(most: int) -> Callable[[Fold, int], bool]:
    """Open what lies less deep."""
    return lambda _, depth: depth < most


def by_name(names: Sequence[str]) -> Callable[[Fold, int], bool]:
    """Open what is called so, and what holds it."""

    def opens(fold: Fold, _: int) -> bool:
        return any(fold.is_called(name) for name in names) or any(
            opens(item, 0) for item in fold.items if isinstance(item, Fold)
        )

    return opens


def deepest(items: Sequence[Item], most: int) -> int:
    """How deep folds may be open for no more than ``most`` rows."""
    depth, count = 0, -1
    while True:
        rows = sum(1 for _ in opened(items, to_depth(depth)))
        if rows > most or rows == count:
            return max(depth - 1, 0)
        depth, count = depth + 1, rows
