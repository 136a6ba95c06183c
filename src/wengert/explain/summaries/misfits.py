"""Where a function failed: the user's expression, the shapes of what stands in it, and what to write instead."""

from __future__ import annotations

import ast
import linecache
from dataclasses import dataclass
from types import FrameType, TracebackType
from typing import Any

from wengert import errors
from wengert.core.trace import Tracer
from wengert.errors import is_library_file, place_line

__all__ = ["Misfit", "misfit_of"]

Shape = tuple[int, ...]
_OURS = frozenset(name for name in errors.__all__ if name.endswith("Error"))  # their messages say all by themselves
_SIGNATURE = "def __call__(self, x, *, key=None, training=False):"  # how layers are called by the model around them


@dataclass(frozen=True)
class Misfit:
    """What was raised: its ``message``, the user's ``line``, the ``shapes`` of what stands in it, a ``remedy``."""

    kind: str
    message: str
    line: str = ""
    shapes: tuple[tuple[str, Shape], ...] = ()
    remedy: str = ""

    def __str__(self) -> str:
        lines = [self.message if self.kind in _OURS else f"{self.kind}: {self.message}"]
        if self.line and self.line not in self.message:
            lines.append(f"  at {self.line}")
        if self.shapes:
            lines.append("  with " + ", ".join(f"{name} of shape {shape}" for name, shape in self.shapes))
        if self.remedy:
            lines.append(f"  write: {self.remedy}")
        return "\n".join(lines)


def misfit_of(error: Exception) -> Misfit:
    """What is known of an error from its traceback.

    Example:
        >>> import numpy as np
        >>> x, weight = np.ones((32, 10)), np.ones((5, 10))
        >>> try:
        ...     x @ weight
        ... except ValueError as error:
        ...     failure = misfit_of(error)
        >>> dict(failure.shapes), failure.remedy
        ({'x': (32, 10), 'weight': (5, 10)}, 'x @ weight.T')
    """
    frame, kind, message = _user_frame(error.__traceback__), type(error).__name__, str(error)
    if frame is None:
        return Misfit(kind, message, remedy=_SIGNATURE if "__call__() got an unexpected keyword" in message else "")
    filename, number = frame.tb_frame.f_code.co_filename, frame.tb_lineno
    expression = _expression(frame)
    shapes = _shapes(expression, frame.tb_frame) if expression else {}
    return Misfit(
        kind, message, place_line((filename, number)), tuple(shapes.items()),
        _remedy(expression, shapes) if expression else "",
    )  # fmt: skip


def _user_frame(tb: TracebackType | None) -> TracebackType | None:
    """The innermost place in code that is no library's."""
    found = None
    while tb is not None:
        if not is_library_file(tb.tb_frame.f_code.co_filename):
            found = tb
        tb = tb.tb_next
    return found


def _expression(tb: TracebackType) -> ast.expr | None:
    """The expression that was being evaluated: Python knows where it stands, from line and column on."""
    code = tb.tb_frame.f_code
    first, last, start, stop = list(code.co_positions())[tb.tb_lasti // 2]
    if first is None or last is None or start is None or stop is None:
        return None
    lines = [linecache.getline(code.co_filename, n) for n in range(first, last + 1)]
    data = [line.encode() for line in lines]  # columns count bytes
    data[-1] = data[-1][:stop]
    data[0] = data[0][start:]
    try:
        return ast.parse("(" + b"".join(data).decode() + ")", mode="eval").body
    except (SyntaxError, UnicodeDecodeError):
        return None


def _shapes(expression: ast.expr, frame: FrameType) -> dict[str, Shape]:
    """The shapes of the names and attributes in an expression, each as it is written."""
    found: dict[str, Shape] = {}
    for node in ast.walk(expression):
        shape = _shape(_value(node, frame))
        if shape is not None:
            found[ast.unparse(node)] = shape
    return found


def _value(node: ast.AST, frame: FrameType) -> Any:
    """What a name, an attribute or an element stands for; nothing is computed."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id))
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, frame)
        return None if owner is None or isinstance(owner, Tracer) else getattr(owner, node.attr, None)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        owner = _value(node.value, frame)
        return _element(owner, node.slice.value)
    return None


def _element(owner: Any, key: Any) -> Any:
    try:
        return owner[key] if isinstance(owner, list | tuple | dict) else None
    except LookupError:
        return None


def _shape(value: Any) -> Shape | None:
    shape = None if isinstance(value, type) else getattr(value, "shape", None)
    return tuple(shape) if isinstance(shape, tuple) else None  # pyright: ignore[reportUnknownVariableType]


# ---- what to write


def _remedy(expression: ast.expr, shapes: dict[str, Shape]) -> str:
    """For two operands that do not fit: the likely one among the expressions that do."""
    if not isinstance(expression, ast.BinOp):
        return ""
    left, right = ast.unparse(expression.left), ast.unparse(expression.right)
    a, b = shapes.get(left), shapes.get(right)
    if a is None or b is None:
        return ""
    if isinstance(expression.op, ast.MatMult):
        return _of_product(left, a, right, b)
    sign = ast.unparse(expression).removeprefix(left).removesuffix(right).strip()
    return _of_elements(left, a, sign, right, b)


def _of_product(left: str, a: Shape, right: str, b: Shape) -> str:
    if len(b) == 2 and a[-1:] == b[1:]:
        return f"{left} @ {right}.T"
    if len(a) == 2 and a[:1] == b[-2:][:1]:
        return f"{left}.T @ {right}"
    if len(a) > 2 and _size(a[1:]) == b[-2:][0]:
        return f"{left}.reshape(len({left}), -1) @ {right}"
    fitting = (*a[-1:], *b[-1:]) if len(b) > 1 else a[-1:]
    return f"{left} @ {right} with {right} of shape {fitting}, or with {left} of shape {(*a[:-1], *b[-2:][:1])}"


def _of_elements(left: str, a: Shape, sign: str, right: str, b: Shape) -> str:
    if len(b) == 1 and len(a) == 2 and a[0] == b[0]:
        return f"{left} {sign} {right}[:, None]"
    if len(a) == 1 and len(b) == 2 and b[0] == a[0]:
        return f"{left}[:, None] {sign} {right}"
    if _size(a) == _size(b):
        return f"{left} {sign} {right}.reshape({left}.shape)"
    return f"{left} {sign} {right} with {right} of shape {a[-1:]} or {a}"


def _size(shape: Shape) -> int:
    size = 1
    for n in shape:
        size *= n
    return size
