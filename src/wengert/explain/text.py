"""Explanations as text that fits a terminal: tables of steps, edges and paths."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from wengert.core.show import param_text
from wengert.core.types import aval_of, is_array
from wengert.explain.graph import Edge, Step, is_differentiable, size_of

if TYPE_CHECKING:
    from wengert.explain.paths import Path, Paths

__all__ = ["describe", "describe_paths", "number"]

T = TypeVar("T")
_INFIX = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "matmul": "@",
    "remainder": "%", "greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=",
    "equal": "==", "not_equal": "!=",
}  # fmt: skip
_MOST_PATHS = 24
_NARROWEST = 9  # what a column keeps where the table is too wide


def number(value: Any) -> str:
    """A value, short: a number, a small array whole, of a large one its type and range.

    Example:
        >>> import numpy as np
        >>> from wengert.explain.text import number
        >>> number(2 / 3), number(np.array([1.0, 2.5])), number(np.ones((8, 8)))
        ('0.666667', '[1 2.5]', 'f64[8,8] all 1')
    """
    return f"{aval_of(value)} {extent(value)}".strip() if _is_large(value) else extent(value)


def extent(value: Any) -> str:
    """As :func:`number`; of a large array the range alone, where its type is said elsewhere."""
    if isinstance(value, tuple):
        return "(" + ", ".join(map(number, value)) + ")"
    if not is_array(value):
        return f"{value + 0:.6g}" if isinstance(value, float | complex | np.inexact) else str(value)
    if not _is_large(value):
        return _nested(value.tolist())
    if value.dtype.kind not in "fiu":
        return ""
    low, high = f"{value.min() + 0:.2g}", f"{value.max() + 0:.2g}"
    return f"{low} … {high}" if low != high else f"all {low}"


def _is_large(value: Any) -> bool:
    return not isinstance(value, tuple) and is_array(value) and value.size > 6


def _nested(values: Any) -> str:
    if isinstance(values, list):
        return "[" + " ".join(map(_nested, values)) + "]"
    # + 0: no one wants to see −0
    return f"{values + 0:.4g}" if isinstance(values, float | complex | np.inexact) else str(values)


def operand(x: Any) -> str:
    """An operand: a step's name, a constant's value, or the type of a large one."""
    if isinstance(x, Step):
        return x.name
    return str(aval_of(x)) if _is_large(x) else extent(x)


def operation(step: Step) -> str:
    """What a step did, as one would write it."""
    if step.primitive is None:
        return "input"
    name, operands = step.primitive.name, [operand(x) for x in step.operands]
    if name in _INFIX and len(operands) == 2:
        return f"{operands[0]} {_INFIX[name]} {operands[1]}"
    if name == "negative":
        return f"-{operands[0]}"
    if name == "output":
        return f"{operands[0]}[{step.params['k']}]"
    if name in ("getitem", "update") and len(operands) == 1 + (name == "update") and not step.params.get("chain"):
        place = f"{operands[0]}[{', '.join(map(param_text, step.params['index']))}]"
        return " ← ".join([place, *operands[1:]])
    params = [f"{key}={param_text(x)}" for key, x in step.params.items() if x is not None and x is not False]
    return f"{name}({', '.join(operands + params)})"


def place(line: str) -> str:
    """The user's line without its directory."""
    file, separator, rest = line.partition(":")
    return os.path.basename(file) + separator + rest


def table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """Columns under their heads; in a table too wide the names may keep half, and the widest are cut."""
    cells = [head, *rows]
    first, *others = [max(map(len, column)) for column in zip(*cells, strict=True)]
    room = width - 2 * len(head)
    first = min(first, max(width // 2, room - sum(others)))
    while first + sum(others) > room and max(others) > _NARROWEST:
        others[others.index(max(others))] -= 1
    return "\n".join(
        "".join("  " + cut(cell, n).ljust(n) for cell, n in zip(row, (first, *others), strict=True)).rstrip()
        for row in cells
    )


def cut(text: str, width: int) -> str:
    """A text in at most ``width`` characters."""
    return text if len(text) <= width else text[: width - 1] + "…"


def rows_of(items: Sequence[T], row: Callable[[T], list[str]], most: int | None) -> list[list[str]]:
    """A row for each item; of a long sequence for the first and last, and how many are between."""
    if most is None or len(items) <= most:
        return [row(item) for item in items]
    first, last = items[: most - most // 2], items[len(items) - most // 2 :]
    gap = [f"… {len(items) - most} more", *[""] * (len(row(items[0])) - 1)]
    return [*map(row, first), gap, *map(row, last)]


def describe(title: str, steps: Sequence[Step], edges: Sequence[Edge], width: int | None, most: int | None) -> str:
    """The list of steps, then the edges with their derivatives."""
    width = width or shutil.get_terminal_size().columns
    listed, drawn = rows_of(steps, step_row, most), rows_of(edges, edge_row, most)
    return "\n".join([
        title, "",
        table(["step", "operation", "value", "gradient", "line"], listed, width), "",
        table(["edge", "local", "upstream", "contribution"], drawn, width),
    ])  # fmt: skip


def step_row(step: Step) -> list[str]:
    """A step's row; integers and truth values have no gradient."""
    gradient = extent(step.gradient) if is_differentiable(step.value) else "–"
    return [step.name, operation(step), number(step.value), gradient, place(step.line)]


def edge_row(edge: Edge) -> list[str]:
    """An edge's row; a local derivative that is a Jacobian shows its size."""
    local = edge.local
    size = f"Jacobian {size_of(edge.target.value)} × {size_of(edge.source.value)}"
    shown = size if local is None else extent(local)
    return [
        f"{edge.source.name} → {edge.target.name}",
        shown,
        extent(edge.upstream),
        extent(edge.contribution),
    ]


def describe_paths(paths: Paths, width: int | None = None) -> str:
    """Each path with its product, the sum, and what both ways of summing cost."""
    width = width or shutil.get_terminal_size().columns
    rows = [*rows_of(paths.paths, path_row, _MOST_PATHS), ["sum", number(paths.total)]]
    n = len(paths)
    return "\n".join([
        f"∂{paths.target.name}/∂{paths.source.name} as a sum over {n} path{'' if n == 1 else 's'}", "",
        table(["path", "product of the edges"], rows, width), "",
        f"  {paths.products} multiplications along the paths; "
        f"{paths.reverse_products} in reverse mode, for {paths.reverse_edges} edges",
    ])  # fmt: skip


def path_row(path: Path) -> list[str]:
    """A path's row: the product, and the factors, of matrices their shapes."""
    scalar = all(size_of(factor) == 1 for factor in path.factors)
    factors = [number(f) if scalar else "·".join(map(str, np.shape(f))) for f in path.factors]
    return [" → ".join(path.names), f"{number(path.product)} = {' × '.join(factors) or 1}"]
