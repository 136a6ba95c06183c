"""Texts of traced values: to be printed and logged, and not to be read back as numbers.

``float(f"{x:.3f}")`` would cut a value off from its derivative. Two things stand against it: the text of a traced
number is a str that refuses to become a number, and where Python makes another text of it (``"{}".format(x)``,
``"%s" % x``), the source of the function that asked is read: is what it does with the text to read a number from it?
"""

from __future__ import annotations

import ast
import functools
import linecache
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

from wengert.errors import EscapeError, at_line, user_frame

# what makes numbers of text, by the last part of its name
READERS = frozenset({
    "float", "int", "complex", "Decimal", "Fraction", "eval", "literal_eval", "loads", "array", "asarray", "fromstring",
    "float64", "float32", "longdouble", "double", "getfloat", "getint", "fromhex", "loadtxt", "genfromtxt", "read_csv",
    "astype",
})  # fmt: skip
KEEPS_TEXT = (
    "strip", "lstrip", "rstrip", "replace", "split", "rsplit", "splitlines", "ljust", "rjust", "center", "zfill",
    "lower", "upper", "partition",
)  # fmt: skip


def refusal() -> EscapeError:
    """The error for a traced value that would come back from its text."""
    return EscapeError(
        f"the text of a traced value would be read as a number, without its derivative{at_line()}\n"
        "  write: np.round(x, decimals) in place of float(f'{x:.3f}'), or the value itself, or\n"
        "  wengert.stop_gradient(x) where no derivative is wanted of it"
    )


class Text(str):
    """The text of a traced number: a str to whoever prints it, and no number to whoever reads it."""

    __slots__ = ()

    def __float__(self) -> float:
        raise refusal()

    def __int__(self) -> int:
        raise refusal()

    def __complex__(self) -> complex:
        raise refusal()

    def __getitem__(self, index: Any) -> str:
        return Text(str.__getitem__(self, index))

    def __add__(self, other: Any) -> str:
        return Text(str.__add__(self, other))

    def __radd__(self, other: Any) -> str:
        return Text(str.__add__(other, self))


def _kept(name: str) -> Callable[..., Any]:
    plain = getattr(str, name)

    @functools.wraps(plain)
    def method(self: Text, *args: Any, **kwargs: Any) -> Any:
        out = plain(self, *args, **kwargs)
        return Text(out) if isinstance(out, str) else type(out)(Text(part) for part in out)

    return method


for _method in KEEPS_TEXT:
    setattr(Text, _method, _kept(_method))


def text_of(text: str) -> str:
    """The text of a traced number, unless the function that asks for it reads it as a number."""
    frame = user_frame()
    if frame is not None and reads_text(frame):
        raise refusal()
    return Text(text)


def reads_text(frame: FrameType) -> bool:
    """Whether the text made by the expression that ``frame`` is at goes to something that reads numbers."""
    start, parents = _expression(frame)
    if start is None:
        return False
    tainted: set[str] = set()
    for node, inner in _outwards(start, parents):
        if isinstance(node, ast.Call):
            if inner is not node.func and _name(node.func) in READERS:
                return True
            tainted |= _buffers(node)
        elif isinstance(node, ast.Attribute) and node.attr in READERS:
            return True
        elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
            tainted |= _names(node.targets if isinstance(node, ast.Assign) else [node.target])
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            return bool(tainted) and _reads(node, tainted)
    return False


def _expression(frame: FrameType) -> tuple[ast.AST | None, dict[ast.AST, ast.AST]]:
    """The expression that a frame is at, and the parents of the nodes of its file."""
    code, found = frame.f_code, None
    nodes, parents = _tree("".join(linecache.getlines(code.co_filename, frame.f_globals)))
    for k, position in enumerate(code.co_positions()):
        if 2 * k == frame.f_lasti:
            found = nodes.get(position)  # (line, end line, column, end column)
    return found, parents


@functools.lru_cache(maxsize=8)
def _tree(source: str) -> tuple[dict[Any, ast.AST], dict[ast.AST, ast.AST]]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return {}, {}
    nodes: dict[Any, ast.AST] = {}
    parents: dict[ast.AST, ast.AST] = {}
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            parents[child] = node
        if isinstance(node, ast.expr):
            nodes.setdefault((node.lineno, node.end_lineno, node.col_offset, node.end_col_offset), node)
    return nodes, parents | {tree: tree}


def _outwards(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[tuple[ast.AST, ast.AST]]:
    """A node and all that it stands in, each with the part through which the way led."""
    inner = node
    while True:
        yield node, inner
        above = parents.get(node, node)
        if above is node:
            return
        node, inner = above, node


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _names(nodes: list[Any]) -> set[str]:
    return {n.id for node in nodes for n in ast.walk(node) if isinstance(n, ast.Name)}


def _buffers(call: ast.Call) -> set[str]:
    """What a call may put its text into: ``b`` in ``b.write(text)`` and in ``print(text, file=b)``."""
    files = [k.value for k in call.keywords if k.arg == "file"]
    made = [a for c in ast.walk(call.func) if isinstance(c, ast.Call) for a in c.args]  # csv.writer(b).writerow(...)
    owner = [call.func.value] if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) else []
    return _names([*files, *made, *owner])


def _reads(scope: ast.AST, tainted: set[str]) -> bool:
    """Whether a function makes a number of what comes from names that hold text."""
    size = -1
    while size < len(tainted):
        size = len(tainted)
        for node in ast.walk(scope):
            if isinstance(node, ast.Assign | ast.NamedExpr) and _names([node.value]) & tainted:
                tainted |= _names(node.targets if isinstance(node, ast.Assign) else [node.target])
            elif isinstance(node, ast.For | ast.comprehension) and _names([node.iter]) & tainted:
                tainted |= _names([node.target])
    return any(
        isinstance(node, ast.Call)
        and _name(node.func) in READERS
        and _names([*node.args, *([node.func.value] if isinstance(node.func, ast.Attribute) else [])]) & tainted
        for node in ast.walk(scope)
    )
