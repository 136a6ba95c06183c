"""A tape of which somebody sees every operation."""

from __future__ import annotations

from typing import Any

from wengert.core.primitive import Primitive
from wengert.transforms.reverse import Tape, take_general_path

__all__ = ["WatchedTape"]


class WatchedTape(Tape):
    """A tape that asks ``watch`` for the result of each operation; its tracers take the general path."""

    __slots__ = ()

    def evaluate(self, primitive: Primitive, values: list[Any], params: dict[str, Any]) -> Any:
        """What the watcher gives, or the operation one level further out."""
        return self.watch(primitive, values, params)

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """As any tape does, with results that the fast paths do not know."""
        out = super().process(primitive, operands, params)
        for z in out if primitive.multiple else (out,):
            take_general_path(z)
        return out

    def leaf(self, value: Any) -> Any:
        """A tracer for an input."""
        z = super().leaf(value)
        take_general_path(z)
        return z

    lift = leaf
