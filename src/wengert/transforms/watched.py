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

    def seen(self, z: Any) -> Any:
        """Past the fast paths, always."""
        take_general_path(z)
        return z
