"""Things found by name, with an error that helps to spell it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import TypeVar

from wengert.errors import ModelError

__all__ = ["named"]

T = TypeVar("T")


def named(table: Mapping[str, T], name: str, kind: str) -> T:
    """The entry ``name`` of a table of ``kind``."""
    try:
        return table[name]
    except (KeyError, TypeError):
        near = difflib.get_close_matches(str(name), table, n=1)
        hint = f'did you mean "{near[0]}"? ' if near else ""
        message = f"there is no {kind} {name!r}; {hint}The names are: {', '.join(table)}"
        raise ModelError(message) from None
