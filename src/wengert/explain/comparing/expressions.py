"""A function as an expression: its equations carried out on SymPy's numbers and symbols."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.core.program import Atom, Equation, Literal, Program, Var
from wengert.core.trace import Constant, Tracer
from wengert.errors import UnsupportedError, WengertError
from wengert.explain.charts.elements import clip
from wengert.explain.summaries.operations import MOVES, work_of
from wengert.explain.summaries.watching import Watch
from wengert.rewrite.edit import programs_of

__all__ = ["DIGITS", "Formula", "load_sympy", "node_count"]

DIGITS = 60  # of numbers that have no short exact form
_MOST_OPERATIONS = 20_000  # SymPy takes about 20 µs for each
_SHORT = 1 << 20
_INDEXED = frozenset({"getitem"})


def load_sympy() -> Any:
    """The module sympy.

    Raises:
        UnsupportedError: if it is not installed.
    """
    try:
        import sympy
    except ImportError as error:
        raise UnsupportedError("symbolic derivatives are SymPy's: pip install 'wengert[symbolic]'") from error
    return sympy


@dataclass(frozen=True)
class Formula:
    """What was watched, as a function of SymPy's numbers or symbols: ``formula(values)`` is the result.

    ``values`` is an array of objects, of the shape of the input.

    Raises:
        UnsupportedError: for operations that SymPy has no like of, and for too many of them.

    Example:
        >>> import numpy as np, sympy
        >>> from wengert.explain.summaries.watching import watch
        >>> formula = Formula.of(watch(lambda _, x: np.sin(x) ** 2, (1.0,)))
        >>> formula(sympy.Symbol("x"))
        sin(x)**2
    """

    equations: tuple[Equation, ...]
    constants: tuple[tuple[Var, Any], ...]
    input: Var
    output: Atom

    @property
    def operations(self) -> int:
        """How many operations on single numbers it is."""
        return work_of(self.equations).total

    @staticmethod
    def of(seen: Watch) -> Formula:
        """The formula of a function of one number or array."""
        equations, ((x,),), out = tuple(seen.trace.equations), seen.inputs, seen.out
        size = work_of(equations).total
        if size > _MOST_OPERATIONS:
            raise UnsupportedError(f"f takes {size:,} operations, and an expression of so many is not made")
        traced = isinstance(out, Tracer) and type(out) is not Constant
        assert x is not None
        return Formula(equations, tuple(seen.trace.constants), x, out.i if traced else Literal(out))

    def __call__(self, values: Any) -> Any:
        """The result for these numbers or symbols."""
        environment = self.begun(values)
        for equation in self.equations:
            _evaluate(equation, environment)
        out = _read(self.output, environment)
        return out.item() if isinstance(out, np.ndarray) else out

    def partial_results(self, values: Any) -> Iterator[tuple[Equation, Any]]:
        """Each equation with what it gives."""
        environment = self.begun(values)
        for equation in self.equations:
            _evaluate(equation, environment)
            yield equation, environment[equation.outputs[0]]

    def begun(self, values: Any) -> dict[Var, Any]:
        """What is known before the first equation."""
        return {self.input: values, **{var: exact(value) for var, value in self.constants}}


def exact(value: Any) -> Any:
    """A number, or an array of them, as SymPy's: each exactly what the floating point number is."""
    sympy = load_sympy()
    if isinstance(value, np.ndarray):
        return np.frompyfunc(exact, 1, 1)(value) if value.dtype.kind != "O" else value
    if isinstance(value, bool | np.bool_):
        return sympy.true if value else sympy.false
    if isinstance(value, complex | np.complexfloating):
        return exact(value.real) + sympy.I * exact(value.imag)
    number = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, int):
        return sympy.Integer(number)
    if not np.isfinite(number):
        return {"nan": sympy.nan, "inf": sympy.oo, "-inf": -sympy.oo}[str(number)]
    top, bottom = number.as_integer_ratio()
    short = abs(top) < _SHORT and bottom < _SHORT
    return sympy.Rational(top, bottom) if short else sympy.Float(number, DIGITS)


def _read(atom: Atom, environment: dict[Var, Any]) -> Any:
    return exact(atom.value) if isinstance(atom, Literal) else environment[atom]


def _evaluate(equation: Equation, environment: dict[Var, Any]) -> None:
    """Carry out one equation."""
    operands = [_read(atom, environment) for atom in equation.inputs]
    try:
        outs = _results(equation, operands)
    except (WengertError, RecursionError):
        raise
    except Exception as error:  # NumPy's functions, which these are, on objects that they do not expect
        raise _no_like(equation) from error
    environment.update((var, _of_kind(var, out)) for var, out in zip(equation.outputs, outs, strict=True))


def _of_kind(var: Var, out: Any) -> Any:
    """An array of objects where the variable is an array, also of no axes; NumPy is not strict about these."""
    is_array = isinstance(out, np.ndarray)
    if var.aval.kind == "array":
        return out if is_array else np.array(out, object)
    return out.item() if is_array else out


def _results(equation: Equation, operands: list[Any]) -> Sequence[Any]:
    primitive, params = equation.primitive, equation.params
    if any(programs_of(value) for value in params.values()):
        return _of_program(equation, operands)
    if primitive.name in _INDEXED:  # numbers that are places are Python's own
        operands[1:] = [np.asarray(each).astype(np.int64) for each in operands[1:]]
    rule = _elementwise().get(primitive.name)
    if rule is not None:
        return (np.frompyfunc(rule, len(operands), 1)(*operands),)
    whole = _WHOLE.get(primitive.name)
    if whole is not None:
        return (whole(*operands, **params),)
    moves = primitive.name in MOVES or primitive.family == "bilinear" or primitive.name in ("sum", "cumsum", "prod")
    if moves and not primitive.multiple:
        return (primitive.impl(*operands, **params),)
    raise _no_like(equation)


def _no_like(equation: Equation) -> UnsupportedError:
    place, _, source = equation.line.partition(": ")
    where = f" (line {place.rpartition(':')[2]}: {clip(source, 100)})" if source else ""
    return UnsupportedError(f"SymPy has no like of {equation.primitive.name}{where}")


# ---- what holds Programs


def _of_program(equation: Equation, operands: list[Any]) -> Sequence[Any]:
    name, params = equation.primitive.name, equation.params
    if name in ("call", "recompute"):
        return _run(next(p for value in params.values() for p in programs_of(value)), operands)
    if name == "scan":
        return _scan(operands, **params)
    if name == "cond":
        index, *rest = operands
        if getattr(index, "is_Integer", False):
            return _run(params["branches"][min(max(int(index), 0), len(params["branches"]) - 1)], rest)
    raise _no_like(equation)


def _run(program: Program, operands: Sequence[Any]) -> list[Any]:
    environment = dict(zip(program.inputs, operands, strict=True))
    environment.update({var: exact(value) for var, value in program.constants})
    for equation in program.equations:
        _evaluate(equation, environment)
    return [_read(atom, environment) for atom in program.outputs]


def _scan(operands: list[Any], *, body: Program, length: int, constants: int, carry: int, reverse: bool) -> list[Any]:
    held, state, xs = operands[:constants], operands[constants:][:carry], operands[constants + carry :]
    turns: list[list[Any]] = []
    for k in reversed(range(length)) if reverse else range(length):
        out = _run(body, [*held, *state, *(x[k] for x in xs)])
        state = out[:carry]
        turns.append(out[carry:])
    ys = [np.array([turn[n] for turn in (turns[::-1] if reverse else turns)], object)
          for n in range(len(body.outputs) - carry)]  # fmt: skip
    return [*state, *ys]


# ---- one element at a time, and whole arrays


def _elementwise() -> dict[str, Callable[..., Any]]:
    sympy = load_sympy()
    if not _RULES:
        _RULES.update(_rules(sympy))
    return _RULES


_RULES: dict[str, Callable[..., Any]] = {}


def _rules(s: Any) -> dict[str, Callable[..., Any]]:
    """SymPy's words for the primitives of each element."""

    def choose(condition: Any, a: Any, b: Any) -> Any:
        return s.Piecewise((a, condition), (b, True))

    def cube_root(x: Any) -> Any:
        return s.sign(x) * s.Abs(x) ** s.Rational(1, 3)

    same = {
        "exp": "exp", "log": "log", "sqrt": "sqrt", "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin",
        "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "arcsinh": "asinh",
        "arccosh": "acosh", "arctanh": "atanh", "arctan2": "atan2", "maximum": "Max", "minimum": "Min", "fmax": "Max",
        "fmin": "Min", "absolute": "Abs", "conjugate": "conjugate", "real": "re", "imag": "im", "sign": "sign",
        "floor": "floor", "ceil": "ceiling", "erf": "erf", "erfc": "erfc", "gamma": "gamma", "gammaln": "loggamma",
        "digamma": "digamma", "psi": "digamma", "greater": "Gt", "greater_equal": "Ge", "less": "Lt",
        "less_equal": "Le", "equal": "Eq", "not_equal": "Ne", "logical_and": "And", "logical_or": "Or",
        "logical_not": "Not",
    }  # fmt: skip
    return {name: getattr(s, theirs) for name, theirs in same.items()} | {
        "add": lambda x, y: x + y,
        "subtract": lambda x, y: x - y,
        "multiply": lambda x, y: x * y,
        "divide": lambda x, y: x / y,
        "negative": lambda x: -x,
        "square": lambda x: x**2,
        "reciprocal": lambda x: 1 / x,
        "power": lambda x, y: x**y,
        "float_power": lambda x, y: x**y,
        "exp2": lambda x: s.Integer(2) ** x,
        "expm1": lambda x: s.exp(x) - 1,
        "log2": lambda x: s.log(x) / s.log(2),
        "log10": lambda x: s.log(x) / s.log(10),
        "log1p": lambda x: s.log(1 + x),
        "cbrt": cube_root,
        "logaddexp": lambda x, y: s.log(s.exp(x) + s.exp(y)),
        "logaddexp2": lambda x, y: s.log(2**x + 2**y) / s.log(2),
        "deg2rad": lambda x: x * s.pi / 180,
        "rad2deg": lambda x: x * 180 / s.pi,
        "hypot": lambda x, y: s.sqrt(x**2 + y**2),
        "heaviside": lambda x, y: s.Heaviside(x, y),
        "expit": lambda x: 1 / (1 + s.exp(-x)),
        "where": choose,
        "stop_gradient": lambda x: x,  # the value is what is differentiated: so do differences
        "positive": lambda x: x,
    }


def _extreme(name: str) -> Callable[..., Any]:
    def reduced(x: Any, *, axes: tuple[int, ...], keepdims: bool = False) -> Any:
        larger = np.frompyfunc(getattr(load_sympy(), name), 2, 1)
        for axis in axes:
            x = larger.reduce(x, axis=axis, keepdims=True)
        return x if keepdims else np.squeeze(x, axis=axes)

    return reduced


def _euclidean(x: Any, **params: Any) -> Any:
    return np.frompyfunc(load_sympy().sqrt, 1, 1)(np.sum(x * x, axis=params["axes"], keepdims=params["keepdims"]))


_WHOLE: dict[str, Callable[..., Any]] = {
    "max": _extreme("Max"),
    "min": _extreme("Min"),
    "euclidean": _euclidean,
    "cast": lambda x, **_: x,
    "checked": lambda x, *_, **__: x,
    "det": lambda x: load_sympy().Matrix(x).det(),
    "inv": lambda x: np.array(load_sympy().Matrix(x).inv().tolist(), object),
}


# ---- size


def node_count(expression: Any, memo: dict[Any, int] | None = None) -> int:
    """How many nodes an expression has as a tree, which is how it is written down; shared parts count each time.

    Example:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> node_count(sympy.sin(x) * x)  # multiply, sin, x, x
        4
    """
    memo = {} if memo is None else memo
    waiting = [expression]
    while waiting:
        node = waiting[-1]
        unknown = [part for part in node.args if part not in memo]
        if unknown:
            waiting += unknown
        else:
            memo[waiting.pop()] = 1 + sum(memo[part] for part in node.args)
    return memo[expression]
