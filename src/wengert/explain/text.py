"""Explanations as text that fits a terminal: tables of steps, edges and paths."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from wengert.core.program import Program
from wengert.core.show import param_text
from wengert.core.types import aval_of, is_array
from wengert.errors import ModelError, place_line
from wengert.explain import folding
from wengert.explain.folding import Fold
from wengert.explain.graph import Edge, Step, is_differentiable, size_of

if TYPE_CHECKING:
    from wengert.explain.explanation import Explanation
    from wengert.explain.paths import Path, Paths

__all__ = ["Unfold", "describe", "describe_paths", "number"]

T = TypeVar("T")
Unfold = bool | int | str | Sequence[str] | None
_INFIX = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "matmul": "@",
    "remainder": "%", "greater": ">", "greater_equal": ">=", "less": "<", "less_equal": "<=",
    "equal": "==", "not_equal": "!=",
}  # fmt: skip
_PREFIX = {"negative": "-{}", "positive": "copy({})"}
_MOST_PATHS = 24
_SHORTEST_LINE = 16
_NARROWEST = 9  # what a column keeps where the table is too wide
_LISTED = 6  # numbers of an array that are shown one by one
_WHOLE = 1_000_000  # below it the digits in front of the point are all shown


def number(value: Any, most: int = _LISTED) -> str:
    """A value, short: a number, an array of up to ``most`` numbers whole, of a large one its type and range.

    Example:
        >>> import numpy as np
        >>> from wengert.explain.text import number
        >>> number(2 / 3), number(np.array([1.0, 2.5])), number(np.ones((8, 8)))
        ('0.666667', '[1 2.5]', 'f64[8,8] all 1')
    """
    return f"{aval_of(value)} {extent(value)}".strip() if _is_large(value, most) else extent(value, most)


def extent(value: Any, most: int = _LISTED) -> str:
    """As :func:`number`; of a large array the range alone, where its type is said elsewhere."""
    if isinstance(value, tuple):
        return "(" + ", ".join(number(part, most) for part in value) + ")"
    if not is_array(value):
        return f"{value + 0:.6g}" if isinstance(value, float | complex | np.inexact) else str(value)
    if not _is_large(value, most):
        return nested(value.tolist())
    if value.dtype.kind not in "fiu":
        return ""
    low, high = _rough(value.min()), _rough(value.max())
    return f"{low} … {high}" if low != high else f"all {low}"


def _rough(value: Any) -> str:
    """A number in two digits, or as a whole one."""
    return f"{value:.0f}" if 100 <= abs(value) < _WHOLE else f"{value + 0:.2g}"


def _is_large(value: Any, most: int = _LISTED) -> bool:
    """Whether an array is shown by its range: it has many numbers, or more than a few that are all the same."""
    if isinstance(value, tuple) or not is_array(value):
        return False
    return value.size > most or (value.size > _LISTED and bool((value == value.flat[0]).all()))


def nested(values: Any) -> str:
    """The numbers of an array, as nested lists, or one of them, in four digits."""
    if isinstance(values, list):
        return "[" + " ".join(map(nested, values)) + "]"
    if isinstance(values, float) and abs(values) < _WHOLE and (values.is_integer() or abs(values) >= 10_000):
        return str(round(values))  # of −0 too: no one wants to see that
    return f"{values:.4g}" if isinstance(values, float | complex | np.inexact) else str(values)


def operand(x: Any) -> str:
    """An operand: a step's name, a constant's value, or the type of a large one."""
    if isinstance(x, Step):
        return x.name
    return str(aval_of(x)) if _is_large(x) else extent(x)


def operand_names(step: Step) -> list[str]:
    """What the operands of a step are called."""
    labels = step.labels or [""] * len(step.operands)
    return [label or operand(x) for x, label in zip(step.operands, labels, strict=True)]


def operation(step: Step) -> str:
    """What a step did, as one would write it."""
    if step.primitive is None:
        return "input"
    name, operands = step.primitive.name, operand_names(step)
    if name in _INFIX and len(operands) == 2:
        return f"{operands[0]} {_INFIX[name]} {operands[1]}"
    if name in _PREFIX:
        return _PREFIX[name].format(operands[0])
    if name == "output":
        return f"{operands[0]}[{step.params['k']}]"
    if name in ("getitem", "update") and len(operands) == 1 + (name == "update") and not step.params.get("chain"):
        place = f"{operands[0]}[{', '.join(map(param_text, step.params['index']))}]"
        return " ← ".join([place, *operands[1:]])
    if name == "scan":
        return f"scan({step.params['length']} turns of {step.params['body'].name}, {', '.join(operands)})"
    params = [f"{key}={_param(x)}" for key, x in step.params.items() if x is not None and x is not False]
    return f"{name}({', '.join(operands + params)})"


def _param(x: Any) -> str:
    """A parameter; of a Program its name."""
    if isinstance(x, tuple) and any(isinstance(part, Program) for part in x):
        return "(" + ", ".join(map(_param, x)) + ")"
    return x.name if isinstance(x, Program) else param_text(x)


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
    if head[-1] == "line":  # which says least
        others[-1] -= min(max(first + sum(others) - room, 0), max(others[-1] - _SHORTEST_LINE, 0))
    while first + sum(others) > room and max(others) > _NARROWEST:
        others[others.index(max(others))] -= 1
    first = min(first, max(room - sum(others), _NARROWEST))
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


def describe(explanation: Explanation, width: int | None, most: int | None, unfold: Unfold) -> str:
    """The list of steps, folded where it is long, the edges of a short one, and what there is to say besides."""
    width = width or shutil.get_terminal_size().columns
    e, columns = explanation, Columns(explanation.forward_mode, explanation.prefix)
    inputs, steps = list(e.inputs.values()), [step for step in e.all_steps if step.name not in e.inputs]
    if isinstance(unfold, str | list | tuple):
        check_names(steps, [unfold] if isinstance(unfold, str) else unfold)
    whole = unfold is True or most is None or (unfold is None and len(inputs) + len(steps) <= most)
    if whole:
        rows = rows_of([*inputs, *steps], columns.step, None if unfold is True else most)
        drawn = rows_of(e.edges, columns.edge, None if unfold is True else most)
        parts = [table(columns.heads, rows, width), *([table(columns.edge_heads, drawn, width)] if drawn else [])]
    else:
        parts = [table(columns.heads, folded_rows(inputs, steps, columns, most or 60, unfold), width)]
        parts.append(f"  {len(steps)} steps, folded; e.text(unfold=1) opens what is folded here, unfold=True all")
    return "\n\n".join([title(e), *parts, *notes(e)])


def check_names(steps: Sequence[Step], names: Sequence[str]) -> None:
    """Refuse what no function, layer or loop is called."""
    folds = list(folding.all_folds(folding.folded(steps)))
    for name in names:
        if not any(fold.is_called(name) for fold in folds):
            there = ", ".join(list(dict.fromkeys(fold.scope.name for fold in folds))[:8]) or "nothing that folds"
            raise ModelError(f"text: nothing to unfold is called {name!r}; there is {there}")


def title(e: Explanation) -> str:
    """The call and its value, or that there is none."""
    value = "…" if e.failure is not None else result(e.result)
    tangent = f", tangent {number(e.tangent)}" if e.forward_mode else ""
    arguments = dict.fromkeys(re.split(r"[.\[]", name, maxsplit=1)[0] for name in e.inputs)
    return f"{e.name}({', '.join(arguments)}) = {value}{tangent}"


def result(value: Any) -> str:
    """What a function returned: a number or array, or a tree of them."""
    if isinstance(value, tuple):
        return "(" + ", ".join(map(result, value)) + ")"
    return number(value) if isinstance(value, np.ndarray | np.generic | int | float | complex) else type(value).__name__


def notes(e: Explanation) -> Iterator[str]:
    """What stands below the tables: examples, why there are no gradients, where it failed, where NaN begins."""
    batched = [step for step in e.steps if step.batch]
    if batched:
        size = " × ".join(map(str, batched[-1].batch))
        count = f"{len(batched)} of {len(e.steps)} steps"
        yield f"  {count} hold {size} examples side by side; e.example(0) shows the first"
    if e.missing:
        yield "  no gradients: " + e.missing
    if e.failure is not None:
        yield "  " + str(e.failure)
    for found in e.nonfinite:
        yield f"  {found}"


def folded_rows(
    inputs: Sequence[Step], steps: Sequence[Step], columns: Columns, most: int, unfold: Unfold
) -> list[list[str]]:
    """Rows of steps and folds; those of inputs first."""
    items = folding.folded(steps)
    if isinstance(unfold, int):
        opens = folding.to_depth(unfold)
    elif unfold is not None:
        opens = folding.by_name([unfold] if isinstance(unfold, str) else unfold)
    else:
        opens = folding.to_depth(folding.deepest(items, max(most - len(inputs), 10)))
    rows = list(folding.opened(items, opens))
    return [
        *rows_of(inputs, columns.step, max(most // 2, 10)),
        *rows_of(rows, lambda row: columns.folded(*row), most if unfold is None else None),
    ]


class Columns:
    """How steps, folds and edges fill the columns of a table; in forward mode with tangents.

    Arrays of up to ``most`` numbers are shown whole.
    """

    def __init__(self, forward: bool, prefix: str, most: int = _LISTED) -> None:
        self.forward, self.most = forward, most
        self.prefix = re.compile(rf"(?<![\w.]){re.escape(prefix)}" if prefix else "(?!)")
        self.heads = ["step", "operation", "value", "tangent" if forward else "gradient", "line"]
        self.edge_heads = (
            ["edge", "local", "tangent", "adds"] if forward else ["edge", "local", "upstream", "contribution"]
        )

    def short(self, text: str) -> str:
        """A text without the model's name in front of its parts'."""
        return self.prefix.sub("", text)

    def derivative(self, step: Step) -> Any:
        """The gradient or the tangent."""
        return step.tangent if self.forward else step.gradient

    def step(self, step: Step) -> list[str]:
        """A step's row; integers and truth values have no gradient."""
        d = self.derivative(step)
        shown = extent(d, self.most) if d is not None and is_differentiable(step.value) else "–"
        name = f"{step.name} {step.variable}" if step.variable and step.primitive else step.name
        value = number(step.value, self.most)
        return [self.short(name), self.short(operation(step)), value, shown, place(step.line)]

    def folded(self, depth: int, is_open: bool, item: Fold | Step) -> list[str]:
        """The row of a step, or of a fold: its steps, its last value, the norm of the derivative there."""
        indent = "  " * depth
        if isinstance(item, Step):
            name, *rest = self.step(item)
            return [indent + name, *rest]
        steps = list(item.steps)
        if is_open:
            return [f"{indent}▾ {self.short(item.title)}", "", "", "", place(place_line(item.scope.place))]
        first, last = steps[0], steps[-1]
        span = first.name if first is last else f"{first.name} … {last.name}"
        d = self.derivative(last)
        norm = "–" if d is None or isinstance(d, tuple) else f"|{'d' if self.forward else '∂'}| {np.linalg.norm(d):.4g}"
        count = f"{len(steps)} step{'' if len(steps) == 1 else 's'}"
        return [
            f"{indent}▸ {self.short(item.title)}", f"{count}, {span}", number(last.value), norm,
            place(place_line(item.scope.place)),
        ]  # fmt: skip

    def edge(self, edge: Edge) -> list[str]:
        """An edge's row; a local derivative that is a Jacobian shows its size."""
        local = edge.local
        size = f"Jacobian {size_of(edge.target.value)} × {size_of(edge.source.value)}"
        along = (edge.source.tangent, edge.pushed) if self.forward else (edge.upstream, edge.contribution)
        return [
            self.short(f"{edge.source.name} → {edge.target.name}"),
            size if local is None else extent(local, self.most),
            *("–" if x is None else extent(x, self.most) for x in along),
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
