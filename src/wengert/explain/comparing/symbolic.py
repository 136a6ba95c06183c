"""Symbolic derivatives: made by SymPy from the function's formula, and how they grow."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.core.program import Equation, Program
from wengert.errors import UnsupportedError
from wengert.explain.comparing.expressions import DIGITS, Formula, load_sympy, node_count
from wengert.explain.summaries.operations import work_of
from wengert.explain.summaries.watching import watch
from wengert.transforms import grad

__all__ = ["Growth", "Symbolic", "derivative_of", "growth_of", "precise_gradient", "shown"]

Array = NDArray[np.float64]
_MOST_INPUTS = 32
_MOST_NODES = 200_000
_MOST_SHARED = 4_000  # nodes; finding what is shared takes SymPy longer than differentiating
_MOST_GROWN = 15_000  # nodes, after which growth is plain enough
_MOST_TIMES = 10
_MOST_STEPS = 2_000  # operations carried out on expressions
_MOST_PRECISE = 50_000  # operations carried out in 60 digits


@dataclass(frozen=True)
class Symbolic:
    """A derivative as expressions: ``nodes`` of the trees, ``operations`` in them, and with shared parts once."""

    expressions: tuple[Any, ...]
    nodes: int
    operations: int
    shared: int | None
    seconds: float
    evaluate: Callable[[Any], Array]


@dataclass(frozen=True)
class Growth:
    """Sizes as a function grows: ``of`` says how, ``places`` how far.

    ``values`` and ``derivatives`` are nodes of expressions, ``shared`` operations of the derivative with common
    subexpressions written once (None where SymPy would take too long), ``reverse`` operations of reverse mode.
    """

    of: str
    places: tuple[int, ...]
    values: tuple[int, ...]
    derivatives: tuple[int, ...]
    shared: tuple[int | None, ...]
    reverse: tuple[int, ...]


def symbols_like(x: Any) -> tuple[Any, list[Any]]:
    """Symbols in the place of numbers: an array of them, or one, and the list."""
    sympy = load_sympy()
    if not isinstance(x, np.ndarray):
        symbol = sympy.Symbol("x", real=True)
        return symbol, [symbol]
    if x.size > _MOST_INPUTS:
        raise UnsupportedError(f"x has {x.size} numbers, and a derivative is an expression for each of them")
    flat = [sympy.Symbol(f"x{k}", real=True) for k in range(x.size)]
    return np.array(flat, object).reshape(x.shape), flat


def derivative_of(formula: Formula, x: Any) -> Symbolic:
    """The derivative by every number of ``x``, and a function that evaluates it.

    Raises:
        UnsupportedError: where SymPy cannot do it, or not in any reasonable size.
    """
    symbols, flat = symbols_like(x)
    if formula.operations > _MOST_STEPS:
        raise UnsupportedError(f"f takes {formula.operations:,} operations, and an expression of so many is not made")
    began = time.perf_counter()
    value = formula(symbols)
    size = node_count(value)
    if size > _MOST_NODES // 10:
        raise UnsupportedError(f"the expression of f has {size:,} nodes already, and is not differentiated")
    expressions = tuple(_differentiated(value, symbol) for symbol in flat)
    seconds = time.perf_counter() - began
    memo: dict[Any, int] = {}
    nodes = sum(node_count(e, memo) for e in expressions)
    return Symbolic(
        expressions, nodes, operations_in(expressions), _shared(expressions, nodes), seconds,
        _evaluator(flat, expressions, nodes),
    )  # fmt: skip


def _differentiated(expression: Any, symbol: Any) -> Any:
    sympy = load_sympy()
    out = sympy.diff(expression, symbol) if hasattr(expression, "free_symbols") else sympy.Integer(0)
    if out.has(sympy.Derivative, sympy.Subs):
        raise UnsupportedError("SymPy leaves a derivative in it undone")
    return out


def shown(expression: Any) -> str:
    """An expression as text, its numbers in few digits."""
    sympy = load_sympy()
    return str(expression.xreplace({number: sympy.Float(number, 6) for number in expression.atoms(sympy.Float)}))


def operations_in(expressions: Sequence[Any]) -> int:
    """Operations of expressions as they are written down."""
    return int(sum(load_sympy().count_ops(e) for e in expressions))


def _shared(expressions: Sequence[Any], nodes: int) -> int | None:
    """Operations where common subexpressions are evaluated once."""
    if nodes > _MOST_SHARED:
        return None
    parts, reduced = load_sympy().cse(list(expressions))
    return operations_in([e for _, e in parts]) + operations_in(reduced)


def _evaluator(symbols: list[Any], expressions: Sequence[Any], nodes: int) -> Callable[[Any], Array]:
    if nodes > _MOST_NODES:
        raise UnsupportedError(f"the derivative has {nodes:,} nodes, and is not evaluated")
    compiled = load_sympy().lambdify(symbols, list(expressions), ["numpy", "scipy"])
    return lambda x: np.array([float(v) for v in compiled(*np.ravel(x).tolist())])


# ---- the truth


def precise_gradient(formula: Formula, x: Any, places: Sequence[int]) -> Array:
    """Central differences in 60 digits: exact to about 10⁻³⁵, and no rule of differentiation is used."""
    sympy = load_sympy()
    if 2 * len(places) * formula.operations > _MOST_PRECISE:
        raise UnsupportedError("so many operations are not carried out in 60 digits")
    h = sympy.Float("1e-18", DIGITS)

    def at(place: int, by: Any) -> Any:
        flat = [sympy.Float(v, DIGITS) for v in np.ravel(x).tolist()]
        flat[place] += by
        if not isinstance(x, np.ndarray):
            return formula(flat[0])
        return formula(np.array(flat, object).reshape(x.shape))

    return np.array([float(sympy.N((at(k, h) - at(k, -h)) / (2 * h), DIGITS)) for k in places])


# ---- growth


def growth_of(formula: Formula, f: Callable[[Any], Any], x: Any) -> Growth | None:
    """How a derivative's expression grows: with applications of a function to itself, or with steps of a long one."""
    rows = _by_application(formula, f, x) if not isinstance(x, np.ndarray) else _by_step(formula, x)
    if len(rows) < 2:  # too little to be called growth
        return None
    of = "times f is applied" if not isinstance(x, np.ndarray) else "steps of f"
    return Growth(of, *(tuple(column) for column in zip(*rows, strict=True)))


Sizes = tuple[int, int, int, int | None, int]


def _by_application(formula: Formula, f: Callable[[Any], Any], x: Any) -> list[Sizes]:
    symbol, _ = symbols_like(x)
    rows: list[Sizes] = []
    value = symbol
    for k in range(1, min(_MOST_TIMES, _MOST_STEPS // (formula.operations or 1)) + 1):
        value = formula(value)
        if node_count(value) > _MOST_GROWN:
            break
        rows.append(_sizes(k, value, [symbol], _reverse_work(_applied(f, k), x)))
        if rows[-1][2] > _MOST_GROWN:
            break
    return rows


def _applied(f: Callable[[Any], Any], times: int) -> Callable[[Any], Any]:
    def g(x: Any) -> Any:
        for _ in range(times):
            x = f(x)
        return x

    return g


def _by_step(formula: Formula, x: Any) -> list[Sizes]:
    if formula.operations > _MOST_STEPS:
        return []
    symbols, flat = symbols_like(x)
    wanted = _spread(len(formula.equations))
    rows: list[Sizes] = []
    for k, (equation, value) in enumerate(formula.partial_results(symbols), 1):
        if k in wanted and equation.outputs[0].aval.dtype.kind == "f" and not equation.primitive.multiple:
            total = np.sum(value)
            if node_count(total) > _MOST_GROWN // 4:
                break
            rows.append(_sizes(k, total, flat, _reverse_work(_prefix(formula, k), x)))
            if rows[-1][2] > _MOST_GROWN:
                break
    return rows


def _spread(n: int) -> set[int]:
    return set(np.unique(np.linspace(1, n, min(n, 12)).round().astype(int)).tolist())


def _prefix(formula: Formula, count: int) -> Callable[[Any], Any]:
    """The sum of what the first so many steps give."""
    equations: tuple[Equation, ...] = formula.equations[:count]
    program = Program((formula.input,), formula.constants, equations, equations[-1].outputs[:1])
    return lambda x: np.sum(program.evaluate([x])[0])


def _reverse_work(f: Callable[[Any], Any], x: Any) -> int:
    """Operations of value and gradient together."""
    return work_of(watch(lambda _, x: grad(f)(x), (x,)).trace.equations).total


def _sizes(k: int, value: Any, symbols: Sequence[Any], reverse: int) -> Sizes:
    derivatives = [_differentiated(value, symbol) for symbol in symbols]
    memo: dict[Any, int] = {}
    nodes = sum(node_count(d, memo) for d in derivatives)
    return k, node_count(value, memo), nodes, _shared(derivatives, nodes), reverse
