"""Terms: what a formula is made of. What a reader would cancel is cancelled at once: ``1·x``, ``x·−1``, ``x¹``.

:func:`terms_of` reads them off a staged Program, so that the formula of a derivative comes from the very rule that
computes it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.core.program import Literal, Program

__all__ = ["Term", "call", "is_number", "literal", "number", "replaced", "symbol", "terms_of"]

# One formula under several names; rules for numbers need no other shapes.
_DUAL = {
    "float_power": "power", "special_expit": "expit", "special_exp2": "exp2", "special_expm1": "expm1",
    "special_log1p": "log1p", "special_cbrt": "cbrt",
}  # fmt: skip
_SAME_NUMBER = frozenset({"cast", "broadcast_to", "reshape", "getitem", "checked"})
# Where a rule keeps away from a point, as in log(where(x == 0, 1, x)), the formula is that of all the others.
_GUARDED = frozenset({"power", "log", "exp", "exp2"})
_LONG = 20
_FOLD: dict[str, Callable[..., Any]] = {
    "add": operator.add, "subtract": operator.sub, "multiply": operator.mul, "negative": operator.neg,
    "positive": operator.pos, "equal": operator.eq, "conjugate": np.conjugate, "real": np.real, "imag": np.imag,
}  # fmt: skip


class Term:
    """A number, a symbol, or an operation on terms, by the name of its primitive.

    ``dims`` is the shape of the value that it stands for, ``size`` how many operations and leaves it has.
    """

    __slots__ = ("args", "dims", "op", "size", "value")

    def __init__(self, op: str, args: tuple[Term, ...] = (), value: Any = None, dims: tuple[int, ...] = ()) -> None:
        self.op, self.args, self.value, self.dims = op, args, value, dims
        self.size: int = 1 + sum(x.size for x in args)

    def __add__(self, other: Term) -> Term:
        return call("add", self, other)

    def __sub__(self, other: Term) -> Term:
        return call("subtract", self, other)

    def __mul__(self, other: Term) -> Term:
        return call("multiply", self, other)

    def __truediv__(self, other: Term) -> Term:
        return call("divide", self, other)

    def __neg__(self) -> Term:
        return call("negative", self)

    def same(self, other: Term) -> bool:
        """Whether two terms are written alike."""
        return (
            self.op == other.op and _alike(self.value, other.value) and len(self.args) == len(other.args)
            and all(a.same(b) for a, b in zip(self.args, other.args, strict=True))
        )  # fmt: skip


def _alike(a: Any, b: Any) -> bool:
    return a is b or (type(a) is type(b) and isinstance(a, str | int | float | complex) and a == b)


def symbol(name: str, dims: tuple[int, ...] = ()) -> Term:
    """A variable, of a value of shape ``dims``."""
    return Term("symbol", value=name, dims=dims)


def number(value: Any) -> Term:
    """A constant."""
    return Term("number", value=value.item() if isinstance(value, np.generic | np.ndarray) else value)


def literal(value: Any) -> Term:
    """A constant that nothing is cancelled against: 1 · 2 stays a product."""
    return Term("literal", value=value.item() if isinstance(value, np.generic | np.ndarray) else value)


def term(x: Any) -> Term:
    """A term as it is; a number as a constant."""
    return x if isinstance(x, Term) else number(x)


def terms_of(program: Program, inputs: Sequence[Term], most: int) -> Term | None:
    """The output of a Program of numbers as a term of its inputs; None where it is longer than ``most``."""
    known: dict[Any, Term] = dict(zip(program.inputs, inputs, strict=True))
    known |= {var: number(value) for var, value in program.constants if np.size(value) == 1}

    def read(atom: Any) -> Term:
        return number(atom.value) if isinstance(atom, Literal) else known[atom]

    for equation in program.equations:
        operands = [read(x) for x in equation.inputs]
        same = equation.primitive.name in _SAME_NUMBER
        # what has parameters or several outputs is the library's own help with series, which nobody reads
        if equation.primitive.multiple or (equation.params and not same) or sum(x.size for x in operands) > 4 * most:
            return None
        known[equation.outputs[0]] = operands[0] if same else call(equation.primitive.name, *operands)
    out = read(program.outputs[0])
    return out if out.size <= most else None


def replaced(x: Term, old: Term, new: Term) -> Term:
    """``x`` with ``new`` wherever ``old`` stands in it."""
    if x.same(old):
        return new
    return call(x.op, *(replaced(a, old, new) for a in x.args)) if x.args else x


def call(name: str, *operands: Any) -> Term:
    """The operation ``name`` on terms and numbers, simplified.

    Example:
        >>> from wengert.explain.formulas.terms import call, symbol
        >>> x = symbol("x")
        >>> call("multiply", 1, x) is x, call("square", x).op, (-(-x)) is x
        (True, 'power', True)
    """
    name = _DUAL.get(name, name)
    args = tuple(map(term, operands))
    if name in _FOLD and all(x.op == "number" for x in args):
        return number(_FOLD[name](*(x.value for x in args)))
    if name in _GUARDED:
        args = tuple(map(_unguarded, args))
    rule = _RULES.get(name)
    found = rule(*args) if rule else None
    return _made(name, args) if found is None else found


def _made(name: str, args: tuple[Term, ...]) -> Term:
    try:
        dims = np.broadcast_shapes(*(x.dims for x in args))
    except ValueError:
        dims = ()
    return Term(name, args, dims=dims)


# ---- what a reader would cancel. None where there is nothing to do


def is_number(x: Term, value: float | None = None) -> bool:
    """Whether a term is a constant, and of that value."""
    return x.op == "number" and (value is None or x.value == value)


def _is_real(x: Term) -> bool:
    return x.op == "number" and isinstance(x.value, int | float)


def _unguarded(x: Term) -> Term:
    return x.args[2] if x.op == "where" and is_number(x.args[1]) and _is_point(x.args[0]) else x


def _is_point(condition: Term) -> bool:
    """Whether a condition asks for equality, which singles out points."""
    both = condition.op in ("bitwise_and", "bitwise_or", "logical_and", "logical_or")
    return condition.op == "equal" or (both and all(map(_is_point, condition.args)))


def _add(x: Term, y: Term) -> Term | None:
    if is_number(x, 0):
        return y
    if y.op == "equal" and y.args[0].same(x) and is_number(y.args[1], 0):
        return x  # a guard too: z + (z == 0) below a fraction
    if is_number(y, 0):
        return x
    return x - y.args[0] if y.op == "negative" else None


def _subtract(x: Term, y: Term) -> Term | None:
    if is_number(y, 0):
        return x
    if is_number(x, 0):
        return -y
    if y.op == "negative":
        return x + y.args[0]
    return x + number(-y.value) if _is_real(y) and y.value < 0 else None


def _multiply(x: Term, y: Term) -> Term | None:
    if is_number(y) and not is_number(x):
        return y * x
    if is_number(x, 0) or is_number(x, 1) or is_number(x, -1):
        return x if x.value == 0 else y if x.value == 1 else -y
    if is_number(x) and y.op == "multiply" and is_number(y.args[0]):
        return number(x.value * y.args[0].value) * y.args[1]
    for a, b in ((x, y), (y, x)):
        if a.op == "negative":
            return -(a.args[0] * b)
        if a.op == "divide" and is_number(a.args[0], 1):
            return b / a.args[1]
    if y.op == "multiply" and is_number(y.args[0]):
        return y.args[0] * (x * y.args[1])
    if x.op == "power" and is_number(x.args[1]) and x.args[0].same(y):
        return call("power", y, number(x.args[1].value + 1))
    if x.op == "multiply" and x.args[1].same(y):
        return x.args[0] * (x.args[1] * y)
    return call("power", x, 2) if x.size < _LONG and x.same(y) else None


def _divide(x: Term, y: Term) -> Term | None:
    if (free := _unguarded(y)) is not y:
        return x / free
    if is_number(y, 1) or is_number(x, 0):
        return x
    if _is_real(x) and _is_real(y) and y.value and x.value % y.value == 0:
        return number(x.value / y.value)
    if _is_real(y) and y.value < 0:
        return -(x / number(-y.value))
    if x.op == "negative":
        return -(x.args[0] / y)
    if y.op == "negative":
        return -(x / y.args[0])
    if x.op == "divide" and not is_number(x.args[1]):
        left = x.args[1]
        return x.args[0] / (call("power", left, 2) if left.same(y) else left * y)
    return None


def _negative(x: Term) -> Term | None:
    if x.op == "negative":
        return x.args[0]
    if x.op == "subtract":
        return x.args[1] - x.args[0]
    if x.op == "multiply" and is_number(x.args[0]):
        return number(-x.args[0].value) * x.args[1]
    return None


def _power(x: Term, y: Term) -> Term | None:
    if is_number(y, 1):
        return x
    if x.op == "hypot" and is_number(y, 2):
        return call("power", x.args[0], 2) + call("power", x.args[1], 2)
    return number(1) if is_number(y, 0) else None


def _where(condition: Term, x: Term, y: Term) -> Term | None:
    if is_number(condition):
        return x if condition.value else y
    return x if x.op != "where" and x.same(y) else None


def _expit(x: Term) -> Term | None:
    return number(1) - call("expit", x.args[0]) if x.op == "negative" else None


_RULES: dict[str, Callable[..., Term | None]] = {
    "add": _add, "subtract": _subtract, "multiply": _multiply, "divide": _divide, "negative": _negative,
    "power": _power, "square": lambda x: call("power", x, 2), "reciprocal": lambda x: number(1) / x,
    "positive": lambda x: x, "where": _where, "expit": _expit,
}  # fmt: skip
