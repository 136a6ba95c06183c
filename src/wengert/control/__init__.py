"""Loops and branches that ``jit`` keeps as loops and branches, and that differentiate and batch.

Each function works without any transform too; a Python loop in place of them gives the same numbers. Under ``jit``
a Python loop is written down step by step, one of these once.
"""

from wengert.transforms.control import cond, fori_loop, scan, switch, while_loop
from wengert.transforms.control_maps import associative_scan, map  # noqa: A004

__all__ = ["associative_scan", "cond", "fori_loop", "map", "scan", "switch", "while_loop"]
