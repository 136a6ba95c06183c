"""``wengert coverage``: which of NumPy's names are differentiated, flat by nature, or refused and why."""

from __future__ import annotations

import json
from argparse import Namespace
from importlib import import_module
from typing import Any

from wengert.cli._codes import OK

__all__ = ["coverage"]

COLUMNS = ("reverse", "forward", "second order", "batched", "staged")


def coverage(options: Namespace) -> int:
    """Run ``wengert coverage``: a table of the names that contain the word, or all; 0."""
    # it loads SciPy's special functions and NumPy's tables for tests, which no other command needs
    tables = import_module("wengert.frontend.coverage")
    found = tables.names(options.word)
    if options.missing:
        found = [n for n in found if n.status not in ("differentiable", "flat")]
    if options.json:
        print(json.dumps([n.as_dict() for n in found], indent=1))
        return OK
    for group in tables.GROUPS:
        rows = [n for n in found if n.group == group]
        if rows:
            print(f"{group}: {tables.summary(rows)}")
            print("\n".join(_line(n) for n in rows) + "\n")
    print(tables.summary(found) if found else f'no name contains "{options.word}"')
    return OK


def _line(n: Any) -> str:
    """A name, its status, and how far it is verified; of what is refused why, and what to write instead."""
    marks = n.verified.marks()
    if n.status == "differentiable" and marks:
        further = ", ".join(c if marks[c] == "yes" else f"{c}: {marks[c]}" for c in COLUMNS if marks[c] != "no")
        return f"  {n.name:34} {n.status:15} {further}; {n.verified.calls} calls"
    why = n.reason + (f"; write: {n.instead}" if n.instead else "")
    return f"  {n.name:34} {n.status:15} {why}".rstrip()
