"""The user's own lines, rewritten: what to write where a traced value would have to decide.

From the place where Python asked for a value, the statement around it is found in the user's source, and written
anew with ``control.cond``, ``np.where`` or ``control.while_loop``, in the user's own names.
"""

from __future__ import annotations

import ast
import linecache
import textwrap
from collections.abc import Iterator, Sequence
from types import FrameType

from wengert.errors import user_frame

__all__ = ["rewrite", "suggestion"]

_LOOPS_OR_FUNCTIONS = (ast.FunctionDef, ast.Lambda, ast.AsyncFunctionDef, ast.ClassDef)


def suggestion(what: str) -> str:
    """The lines to write at the user's place; ``what`` where its source is not known."""
    frame = user_frame()
    lines = None if frame is None else at(frame)
    if not lines or len(lines) == 1:
        return f"  write: {lines[0] if lines else what}"
    return "  write:\n" + textwrap.indent("\n".join(lines), "    ")


def at(frame: FrameType) -> list[str] | None:
    """The rewritten lines for what a frame is doing now."""
    source = "".join(linecache.getlines(frame.f_code.co_filename, frame.f_globals))
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    positions = list(frame.f_code.co_positions())
    line, end_line, column, end_column = positions[frame.f_lasti // 2]
    if line is None or column is None:
        line = end_line = frame.f_lineno
    path = _path_to(tree, line, end_line or line, column, end_column)
    return rewrite(path)


def _path_to(tree: ast.AST, line: int, end_line: int, column: int | None, end_column: int | None) -> list[ast.AST]:
    """From the module down to the smallest node that spans these positions."""
    path: list[ast.AST] = []
    node: ast.AST | None = tree
    while node is not None:
        path.append(node)
        node = next((c for c in ast.iter_child_nodes(node) if _spans(c, line, end_line, column, end_column)), None)
    return path


def _spans(node: ast.AST, line: int, end_line: int, column: int | None, end_column: int | None) -> bool:
    if not hasattr(node, "lineno"):
        return any(_spans(c, line, end_line, column, end_column) for c in ast.iter_child_nodes(node))
    first, last = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
    if column is None:
        return first[0] <= line <= (last[0] or 0)
    return first <= (line, column) and (end_line, end_column or column) <= last


def rewrite(path: Sequence[ast.AST]) -> list[str] | None:
    """What to write for the innermost node of a path that decides by a value, or wants one."""
    for k in range(len(path) - 1, -1, -1):
        if isinstance(path[k], ast.BoolOp | ast.UnaryOp | ast.Compare) and _decides(path, k):
            continue  # it is a part of a condition, which is rewritten as a whole
        inner = path[k + 1] if k + 1 < len(path) else None
        function = next((n for n in reversed(path[:k]) if isinstance(n, _LOOPS_OR_FUNCTIONS)), path[0])
        lines = _rewritten(path[k], inner, path[k - 1] if k else None, function)
        if lines or isinstance(path[k], ast.stmt):
            return lines
    return None


def _decides(path: Sequence[ast.AST], k: int) -> bool:
    """Whether a part of a condition stands in the test of a statement or of a conditional expression."""
    above = path[k - 1]
    if isinstance(above, ast.BoolOp | ast.UnaryOp | ast.Compare):
        return _decides(path, k - 1)
    return getattr(above, "test", None) is path[k]


def _rewritten(node: ast.AST, inner: ast.AST | None, parent: ast.AST | None, function: ast.AST) -> list[str] | None:
    if isinstance(node, ast.BoolOp):
        return _operators(node)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return [f"np.logical_not({_text(node.operand)})"]
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        return _chained(node)
    if isinstance(node, ast.IfExp) and _within(inner, node.test):
        return [f"np.where({_condition(node.test)}, {_text(node.body)}, {_text(node.orelse)})"]
    if isinstance(node, ast.Assert):
        return _assertion(node)
    if isinstance(node, ast.Call):
        return _call(node, parent, function)
    if isinstance(node, ast.If) and _within(inner, node.test):
        return _if(node, function)
    if isinstance(node, ast.While) and _within(inner, node.test):
        return _while(node, function)
    return None


def _within(inner: ast.AST | None, test: ast.AST) -> bool:
    return inner is None or inner is test


def _text(node: ast.AST) -> str:
    return ast.unparse(node)


def _condition(node: ast.AST) -> str:
    """A condition with ``and``, ``or`` and ``not`` as NumPy's functions."""
    if isinstance(node, ast.BoolOp):
        return (_operators(node) or [_text(node)])[0]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return f"np.logical_not({_condition(node.operand)})"
    if isinstance(node, ast.Compare) and len(node.ops) > 1:
        return _chained(node)[0]
    return _text(node)


def _operators(node: ast.BoolOp) -> list[str]:
    name = "np.logical_and" if isinstance(node.op, ast.And) else "np.logical_or"
    out = _condition(node.values[0])
    for value in node.values[1:]:
        out = f"{name}({out}, {_condition(value)})"
    return [out]


def _chained(node: ast.Compare) -> list[str]:
    terms = [node.left, *node.comparators]
    parts = [_text(ast.Compare(a, [op], [b])) for a, op, b in zip(terms, node.ops, terms[1:], strict=False)]
    out = parts[0]
    for part in parts[1:]:
        out = f"np.logical_and({out}, {part})"
    return [out]


def _assertion(node: ast.Assert) -> list[str]:
    return ["# an assert needs a value: check it outside, on results that are numbers, or let NaN say it:",
            f"np.where({_condition(node.test)}, result, np.nan)"]  # fmt: skip


def _call(node: ast.Call, parent: ast.AST | None, function: ast.AST) -> list[str] | None:
    name = _text(node.func)
    if name in ("float", "int", "bool", "complex") and node.args:
        arg = _text(node.args[0])
        if name == "float":
            return [f"{arg}  # is a number already; outside of the staged function: float(...) of its result"]
        if name == "bool":
            truth = isinstance(node.args[0], ast.Compare | ast.BoolOp)
            return [arg if truth else f"({arg}) != 0" if isinstance(node.args[0], ast.BinOp) else f"{arg} != 0"]
        return [f"np.asarray({arg}).astype({name})"]
    if name == "range" and isinstance(parent, ast.For):
        return _for(parent, node, function)
    if name in ("min", "max") and len(node.args) == 2:
        return [f"np.{name}imum({_text(node.args[0])}, {_text(node.args[1])})"]
    if name in ("range", "np.zeros", "np.ones", "np.arange", "np.empty", "np.eye", "np.full", "np.linspace"):
        args = getattr(function, "args", None)
        own = [] if args is None else [a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
        counts = [n for n in own if n in _read(node.args)] or ["n"]
        names = repr(counts[0] if len(counts) == 1 else tuple(counts))
        return [f"jit({getattr(function, 'name', 'f')}, static_argnames={names})  # {_text(node)} needs a number"]
    return None


# ---- names


def _assigned(nodes: Sequence[ast.AST]) -> list[str]:
    """The names that statements assign to, or write into, in order."""
    found: list[str] = []
    for node in _walk(nodes):
        targets: list[ast.AST] = []
        if isinstance(node, ast.Assign):
            targets = list(node.targets)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For):
            targets = [node.target]
        for target in targets:
            found += [n for n in _names_of_target(target) if n not in found]
    return found


def _names_of_target(target: ast.AST) -> list[str]:
    if isinstance(target, ast.Tuple | ast.List):
        return [n for t in target.elts for n in _names_of_target(t)]
    while isinstance(target, ast.Subscript | ast.Starred):
        target = target.value
    return [target.id] if isinstance(target, ast.Name) else []


def _walk(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """All nodes but those of functions within, in order."""
    for node in nodes:
        yield node
        if not isinstance(node, _LOOPS_OR_FUNCTIONS):
            yield from _walk(list(ast.iter_child_nodes(node)))


def _read(nodes: Sequence[ast.AST]) -> set[str]:
    names = {n.id for n in _walk(nodes) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    return names | {
        n.target.id for n in _walk(nodes) if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)
    }


def _before(statement: ast.AST, function: ast.AST) -> set[str]:
    """The names of a function that have a value before a statement of it."""
    args = getattr(function, "args", None)
    names = {a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)} if args is not None else set[str]()
    body = getattr(function, "body", [])
    line = getattr(statement, "lineno", 0)
    earlier = [n for n in _walk(body if isinstance(body, list) else [body]) if getattr(n, "lineno", line) < line]
    return names | set(_assigned(earlier))


def _tuple(names: Sequence[str]) -> str:
    return ", ".join(names)


def _returned(names: Sequence[str]) -> str:
    return _tuple(names) if names else "None"


# ---- statements


def _block(nodes: Sequence[ast.stmt]) -> list[str]:
    return [line for node in nodes if not isinstance(node, ast.Pass) for line in _text(node).splitlines()]


def _function(name: str, args: Sequence[str], body: Sequence[ast.stmt], returns: str) -> list[str]:
    lines = [f"    {line}" for line in _block(body)]
    if not any(isinstance(n, ast.Return) for n in body):
        lines.append(f"    return {returns}")
    return [f"def {name}({_tuple(args)}):", *lines]


def _if(node: ast.If, function: ast.AST) -> list[str]:
    if _ends(node.body) and not any(isinstance(n, ast.Return) for n in node.body):
        return ["# raise, break and continue need a value to decide by: check it outside, on results that are numbers"]
    if any(isinstance(n, ast.Return) for n in node.body):
        return _if_return(node, function)
    names = _assigned([*node.body, *node.orelse])
    single = _single(node)
    if single is not None:
        return single
    before = _before(node, function)
    used = [n for n in names if n in before and n in _read([*node.body, *node.orelse])]
    used += [n for n in names if n in before and n not in used and not _both_assign(node, n)]
    used = [n for n in names if n in used]
    condition = _condition(node.test)
    return [
        *_function("if_true", used, node.body, _returned(names)),
        *_function("if_false", used, node.orelse, _returned(names)),
        f"{_tuple(names) or '_'} = control.cond({_tuple([condition, 'if_true', 'if_false', *used])})",
    ]


def _both_assign(node: ast.If, name: str) -> bool:
    return name in _assigned(node.body) and name in _assigned(node.orelse)


def _single(node: ast.If) -> list[str] | None:
    """One assignment in each branch, to the same name: a choice between two expressions."""
    if len(node.body) != 1 or len(node.orelse) > 1:
        return None
    one = _value_of(node.body[0])
    two = _value_of(node.orelse[0]) if node.orelse else None if one is None else (one[0], one[0])
    if one is None or two is None or one[0] != two[0]:
        return None
    return [f"{one[0]} = np.where({_condition(node.test)}, {one[1]}, {two[1]})"]


def _value_of(node: ast.stmt) -> tuple[str, str] | None:
    if (
        isinstance(node, ast.Assign)
        and len(node.targets) == 1
        and isinstance(node.targets[0], ast.Name | ast.Subscript)
    ):
        return _text(node.targets[0]), _text(node.value)
    if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name | ast.Subscript):
        target = _text(node.target)
        left = ast.parse(target, mode="eval").body
        return target, _text(ast.BinOp(left, node.op, node.value))
    return None


def _ends(body: Sequence[ast.stmt]) -> bool:
    return isinstance(body[-1], ast.Raise | ast.Break | ast.Continue)


def _if_return(node: ast.If, function: ast.AST) -> list[str]:
    """A branch that returns: the rest of the function is the other branch."""
    rest = list(node.orelse)
    body = getattr(function, "body", None)
    if not rest and isinstance(body, list) and node in body:
        rest = body[body.index(node) + 1 :]
    condition = _condition(node.test)
    simple = [n[0].value if len(n) == 1 and isinstance(n[0], ast.Return) else None for n in (node.body, rest)]
    if simple[0] is not None and simple[1] is not None:
        return [f"return np.where({condition}, {_text(simple[0])}, {_text(simple[1])})"]
    return [
        *_function("if_true", [], node.body, "None"),
        *_function("if_false", [], rest, "None"),
        f"return control.cond({condition}, if_true, if_false)",
    ]


def _while(node: ast.While, function: ast.AST) -> list[str]:
    if any(isinstance(n, ast.Break | ast.Continue | ast.Return) for n in _walk(node.body)):
        return ["# break, continue and return need a value to decide by: put them into the test, as",
                "control.while_loop(lambda state: test of state, body, state)"]  # fmt: skip
    before = _before(node, function)
    names = [n for n in _assigned(node.body) if n in before] or _assigned(node.body)
    state = _tuple(names)
    unpack = [] if len(names) == 1 else [f"    {state} = state"]
    arg = state if len(names) == 1 else "state"
    initial = state if len(names) == 1 else f"({state})"
    return [
        f"def test({arg}):", *unpack, f"    return {_condition(node.test)}",
        f"def body({arg}):", *unpack, *(f"    {line}" for line in _block(node.body)), f"    return {state}",
        f"{state} = control.while_loop(test, body, {initial})",
    ]  # fmt: skip


def _for(node: ast.For, call: ast.Call, function: ast.AST) -> list[str]:
    before = _before(node, function)
    names = [n for n in _assigned(node.body) if n in before] or _assigned(node.body)
    bounds = [_text(a) for a in call.args]
    lower, upper = ("0", bounds[0]) if len(bounds) == 1 else (bounds[0], bounds[1])
    state = _tuple(names)
    arg = state if len(names) == 1 else "state"
    unpack = [] if len(names) == 1 else [f"    {state} = state"]
    initial = state if len(names) == 1 else f"({state})"
    return [
        f"def body({_text(node.target)}, {arg}):", *unpack, *(f"    {line}" for line in _block(node.body)),
        f"    return {state}",
        f"{state} = control.fori_loop({lower}, {upper}, body, {initial})",
    ]  # fmt: skip
