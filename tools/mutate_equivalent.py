"""Mutants that no test can tell from the original: three rules that are decided from the syntax, and a list.

Of ``np.where(far, 1.0, x)`` the 1.0 is a *fill* if all that is computed from it stands in the other branch of a
``np.where(far, ...)``: any other number in its place gives the same result. (If it left the domain of a function, a
derivative in another operand could show it. That is to be feared of 1 in the place of 0: all of those were tried by the
tests of their lines, and none did.) ``x > 30.0`` and ``x >= 30.0`` are the same *seam* if both sides hold an
approximation of one function: they differ at one value, where both approximations hold. To multiply by the *sign*
``(-1) ** k`` is to divide by it. All others stand, with the reason for each, in ``mutate_equivalent.toml``.
"""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path

LISTED = Path(__file__).with_suffix(".toml")
# what does more than to compute each element by itself
MIXING = frozenset(
    [
        "sum",
        "prod",
        "mean",
        "max",
        "min",
        "any",
        "all",
        "cumsum",
        "cumprod",
        "dot",
        "einsum",
        "len",
        "linspace",
        "argmax",
        "argmin",
        "range",
        "int",
    ]
)
Parents = dict[ast.AST, ast.AST]


@cache
def listed() -> dict[tuple[str, str, str], str]:
    """The reasons of the list, by file, function and change."""
    return {(m["file"], m["function"], m["change"]): m["why"] for m in tomllib.loads(LISTED.read_text())["mutant"]}


def parents(tree: ast.AST) -> Parents:
    """The parent of each node."""
    return {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}


def function_of(node: ast.AST, above: Parents) -> ast.FunctionDef | None:
    """The innermost function a node stands in."""
    here: ast.AST | None = node
    while here is not None and not isinstance(here, ast.FunctionDef):
        here = above.get(here)
    return here


def rule_for(node: ast.AST, file: str, above: Parents) -> str:
    """The rule by which a change of a node is equivalent, if there is one."""
    return "seams" if is_seam(node, file) else "signs" if is_sign(node) else "fills" if is_fill(node, above) else ""


# ---- seams


def is_seam(node: ast.AST, file: str) -> bool:
    """Whether a comparison of order is with a bound between two methods for a special function.

    Such bounds are names of constants, and numbers with a point. With 0 and ±1, where domains end, everything counts,
    and so do the limits to what is computed at all, whose names say so.
    """
    if not file.startswith("special") or not isinstance(node, ast.Compare) or len(node.ops) != 1:
        return False
    if not isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        return False
    bound = node.comparators[0]
    if isinstance(bound, ast.Constant):
        return type(bound.value) is float and bound.value not in (0.0, 1.0)
    return isinstance(bound, ast.Name) and bound.id.strip("_").isupper() and "LARGEST" not in bound.id


# ---- signs


def is_sign(node: ast.AST) -> bool:
    """Whether a product, or a quotient, is with a power of −1."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Mult | ast.Div):
        return False
    factor = node.right
    return (
        isinstance(factor, ast.BinOp) and isinstance(factor.op, ast.Pow) and ast.unparse(factor.left) in ("-1", "-1.0")
    )


# ---- fills


def is_fill(node: ast.AST, above: Parents) -> bool:
    """Whether a number fills the places of a mask that are taken from elsewhere in all that follows.

    It may be written out of constants: ``2 * _LARGE``.
    """
    while isinstance(above.get(node), ast.BinOp | ast.UnaryOp):
        node = above[node]
    call = above.get(node)
    if not (isinstance(call, ast.Call) and ast.unparse(call.func) == "np.where" and node in call.args[1:]):
        return False
    names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
    written = [n for n in ast.walk(node) if isinstance(n, ast.expr)]
    if not all(isinstance(n, ast.Constant | ast.Name | ast.BinOp | ast.UnaryOp) for n in written):
        return False
    if not all(name.strip("_").isupper() for name in names):
        return False
    return _hidden(call, ast.unparse(call.args[0]), call.args.index(node), above, frozenset())


def _hidden(node: ast.AST, mask: str, side: int, above: Parents, seen: frozenset[str]) -> bool:
    """Whether what an expression holds on one side of a mask is left out of all that is made of it."""
    names = _bound_to(node, above)
    if names is not None:
        return all(_name_hidden(name, mask, side, above, seen) for name in names)
    parent = above[node]
    if isinstance(parent, ast.Call) and node in parent.args:
        if ast.unparse(parent.func) == "np.where" and ast.unparse(parent.args[0]) == mask:
            if parent.args.index(node) == 3 - side:  # the other branch
                return True
        elif ast.unparse(parent.func).rpartition(".")[2] in MIXING:
            return False
    elif not isinstance(parent, ast.BinOp | ast.UnaryOp | ast.Compare) or isinstance(_operator(parent), ast.MatMult):
        return False
    return _hidden(parent, mask, side, above, seen)


def _operator(node: ast.AST) -> object:
    return getattr(node, "op", None)


def _bound_to(node: ast.AST, above: Parents) -> list[ast.AST] | None:
    """What a value is assigned to, if it is: of a tuple on both sides, the name in the same place."""
    parent = above[node]
    if isinstance(parent, ast.AugAssign):
        return [parent.target]
    if isinstance(parent, ast.Assign):
        return list(parent.targets)
    outer = above.get(parent)
    if isinstance(parent, ast.Tuple) and isinstance(outer, ast.Assign) and isinstance(outer.targets[0], ast.Tuple):
        return [outer.targets[0].elts[parent.elts.index(node)]]  # type: ignore[arg-type]
    return None


def _name_hidden(name: ast.AST, mask: str, side: int, above: Parents, seen: frozenset[str]) -> bool:
    if not isinstance(name, ast.Name) or name.id in _names(mask):
        return False
    return name.id in seen or all(_hidden(use, mask, side, above, seen | {name.id}) for use in _uses(name, above))


def _names(expression: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(expression)) if isinstance(node, ast.Name)}


def _uses(name: ast.Name, above: Parents) -> list[ast.Name]:
    """Where a name is read after it is bound: in a loop, anywhere."""
    function = function_of(name, above)
    if function is None:
        return [name]
    statement: ast.AST = name
    while not isinstance(statement, ast.stmt):
        statement = above[statement]
    looped = isinstance(above.get(statement), ast.For | ast.While)
    return [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and node.id == name.id and isinstance(node.ctx, ast.Load)
        and (looped or node.lineno > statement.lineno)
    ]  # fmt: skip
