"""The table of algebraic identities.

Each holds to the bit, for every type that it applies to; those that hold for real numbers, and not for rounded ones,
are marked ``fast``. A test tries all of them on random operands.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from wengert.ops import elementwise as e
from wengert.ops.elementwise import cast, positive, power, sqrt, square, stop_gradient, where
from wengert.ops.index import getitem
from wengert.ops.reduce import reduce_sum
from wengert.ops.shape import broadcast_to, concatenate, reshape, transpose
from wengert.rewrite.patterns import Match, Name, Param, Rule, Table, Term, op

__all__ = ["RULES", "table"]

x, y, z, k = Name("x"), Name("y"), Name("z"), Name("k")
c, d = Name("c", number=True), Name("d", number=True)
A, B, S = Param("A"), Param("B"), Param("S")


# ---- conditions


def real(*names: str) -> Any:
    """These operands are no complex numbers (whose products have cross terms that infinities make NaN)."""
    return lambda m: all(m.dtype(n).kind in "biuf" for n in names)


def floats(*names: str) -> Any:
    """These operands are real floating point numbers."""
    return lambda m: all(m.dtype(n).kind == "f" for n in names)


def negates(name: str) -> Any:
    """The negative of this operand is its negative in the result's type as well: it does not wrap before."""
    return lambda m: m.aval.dtype.kind != "c" and (m.dtype(name).kind == "f" or m.dtype(name) == m.aval.dtype)


def float_array(m: Match) -> bool:
    """An array of floats: NumPy raises these, and not scalars, to some powers by other means than ``pow``."""
    return m.aval.kind == "array" and m.dtype("x").kind == "f"


def has_reciprocal(m: Match) -> bool:
    """The divisor is a power of two whose reciprocal is a normal number: multiplying rounds as dividing does."""
    number, dtype = m.number("c"), m.aval.dtype
    if dtype.kind != "f" or isinstance(number, complex | np.complexfloating) or not math.isfinite(number) or not number:
        return False
    exponent = math.frexp(number)
    return abs(exponent[0]) == 0.5 and abs(exponent[1]) <= -math.frexp(float(np.finfo(dtype).tiny))[1]


def nonzero(m: Match) -> bool:
    """A float times a number that is not zero; an integer 0 has no negative."""
    return m.dtype("x").kind == "f" and m.aval.dtype.kind == "f" and m.number("c") != 0 and m.dtype("c").kind in "if"


def two_numbers(m: Match) -> bool:
    """A float, and two numbers that are no complex ones or bools."""
    return m.dtype("x").kind == "f" and all(m.dtype(n).kind in "if" for n in ("c", "d"))


def narrow(m: Match) -> bool:
    """The operands together are smaller than the result: the operation is done before stretching."""
    shapes = [atom.aval.shape for atom in m.atoms.values()]
    return math.prod(np.broadcast_shapes(*shapes)) < m.aval.size and strong(m) and m.aval.dtype.kind == "f"


def strong(m: Match) -> bool:
    """No operand is a Python number, which an array that it is stretched to is not: promotion would differ."""
    return all(atom.aval.kind != "python" for atom in m.atoms.values())


def holds(m: Match) -> bool:
    """The type in the middle of two casts holds every value of the first one."""
    first, middle = m.dtype("x"), m.params["A"]
    if first.kind == "b" or first == middle:
        return (first.kind == "b" and middle.kind in "iufc") or first == middle
    if first.kind in "iu" and middle.kind in "fc":
        return 8 * first.itemsize <= np.finfo(middle).nmant + 1
    return middle.kind != "b" and first.kind not in "c" * (middle.kind != "c") and np.can_cast(first, middle, "safe")


def only_units_move(m: Match) -> bool:
    """A transpose that leaves the order of all axes longer than one."""
    long = [axis for axis in m.params["A"] if m.atoms["x"].aval.shape[axis] != 1]
    return long == sorted(long)


def whole(m: Match) -> bool:
    """An index that takes everything as it is."""
    shape, index = m.atoms["x"].aval.shape, m.params["A"]
    return len(index) <= len(shape) and all(
        entry is Ellipsis or (isinstance(entry, slice) and entry.indices(n) == (0, n, 1)) or entry == slice(None)
        for entry, n in zip(index, shape, strict=False)
    ) and (Ellipsis not in [i for i in index if not isinstance(i, slice)] or index[-1] is Ellipsis)  # fmt: skip


def adds_axes(m: Match) -> bool:
    """An index that takes everything, and puts in axes of length one."""
    return m.aval.kind == "array" and all(
        entry is None or entry is Ellipsis or (isinstance(entry, slice) and entry == slice(None))
        for entry in m.params["A"]
    )


def scalar_inside(m: Match) -> bool:
    """What was stretched is one number, so that each part of it is that number stretched."""
    return not m.atoms["x"].aval.shape


# ---- what stands on the right


def shape(m: Match) -> tuple[int, ...]:
    """The shape of the result."""
    return m.aval.shape


def composed(m: Match) -> tuple[int, ...]:
    """The axes of two transposes, one after the other."""
    return tuple(m.params["A"][axis] for axis in m.params["B"])


def minus(m: Match) -> Any:
    """The number's negative."""
    return -m.number("c")


def inverse(m: Match) -> Any:
    """The number's reciprocal, of the number's kind."""
    number = m.number("c")
    return 1.0 / number if isinstance(number, int | float) else m.aval.dtype.type(1.0 / float(number))


def number(m: Match) -> Any:
    """The number, of the result's dtype."""
    with np.errstate(all="ignore"):
        return np.asarray(m.number("c")).astype(m.aval.dtype)[()]


def strict(m: Match) -> Any:
    """The number, of its operand's dtype."""
    return m.atoms["c"].aval.dtype.type(m.number("c"))


def zero(m: Match) -> Any:
    """The result's zero."""
    return m.aval.dtype.type(0)


def both(a: Any) -> Any:
    """Two conditions' conjunction, or a condition of the two numbers ``c`` and ``d``."""
    return lambda m: a(m.number("c"), m.number("d"))


stretch = op(broadcast_to)
ZEROS = stretch(zero, shape=shape)
logical_not = next(r for r in e.FLAT_UFUNCS if r.name == "logical_not")

ARITHMETIC: list[Rule] = [
    Rule("times one", x * 1, x, real("x")),
    Rule("times minus one", x * -1, -x, floats("x")),
    Rule("divided by one", x / 1, x, floats("x")),
    Rule("minus zero", x - 0, x, real("x")),
    Rule("plus minus zero", x + -0.0, x, real("x")),
    Rule("an integer plus zero", x + 0, x, lambda m: m.aval.dtype.kind in "iu"),
    Rule("twice negative", op(e.negative)(-x), x),
    Rule("plus a negative", x + -y, x - y, negates("y")),
    Rule("minus a negative", x - -y, x + y, negates("y")),
    Rule("a negative times a number", -x * c, x * minus, nonzero),
    Rule("the negative of a multiple", -(x * c), x * minus, nonzero, single=True),
    Rule("a negative times", -x * y, -(x * y), floats("x", "y")),
    Rule("a negative divided", -x / y, -(x / y), floats("x", "y")),
    Rule("divided by a negative", x / -y, -(x / y), floats("x", "y")),
    Rule("twice the same", x + x, x * 2, lambda m: m.aval.dtype.kind in "iuf"),
    Rule("divided by a power of two", x / c, x * inverse, has_reciprocal),
    Rule("to the power one", op(power)(x, 1), x, float_array),
    Rule("to the power two", op(power)(x, 2), op(square)(x), float_array),
    Rule("to the power one half", op(power)(x, 0.5), op(sqrt)(x), float_array),
    Rule("the square of a negative", op(square)(-x), op(square)(x), floats("x")),
    Rule("the modulus of a negative", op(e.absolute)(-x), op(e.absolute)(x), floats("x")),
    Rule("the modulus of a modulus", op(e.absolute)(op(e.absolute)(x)), op(e.absolute)(x)),
    Rule("the larger of the same", op(e.maximum)(x, x), x, real("x")),
    Rule("the smaller of the same", op(e.minimum)(x, x), x, real("x")),
    Rule("positive", op(positive)(x), x),
    Rule("stop_gradient", op(stop_gradient)(x), x),
    Rule("the real part of a real number", op(e.real)(x), x, real("x")),
    Rule("the conjugate of a real number", op(e.conjugate)(x), x, real("x")),
]

CHOICES: list[Rule] = [
    Rule("the same either way", op(where)(x, y, y), y),
    Rule("always chosen", op(where)(True, x, y), x),
    Rule("never chosen", op(where)(False, x, y), y),
    Rule("chosen if not", op(where)(op(logical_not)(x), y, z), op(where)(x, z, y)),
]

SHAPES: list[Rule] = [
    Rule("reshape to the same shape", op(reshape)(x), x),
    Rule("reshape of a reshape", op(reshape)(op(reshape)(x), shape=S), op(reshape)(x, shape=S)),
    Rule("reshape of a number stretched", op(reshape)(c), stretch(number, shape=shape)),
    Rule("transpose of nothing", op(transpose)(x, axes=A), x, lambda m: m.params["A"] == tuple(range(m.aval.ndim))),
    Rule("transpose of a transpose", op(transpose)(op(transpose)(x, axes=A), axes=B), op(transpose)(x, axes=composed)),
    Rule("transpose of axes of length one", op(transpose)(x, axes=A), op(reshape)(x, shape=shape), only_units_move),
    Rule("transpose of a number stretched", op(transpose)(c), stretch(number, shape=shape)),
    Rule("stretched to the same shape", stretch(x), x),
    Rule("stretched twice", stretch(stretch(x), shape=S), stretch(x, shape=S)),
    Rule("everything indexed", op(getitem)(x, index=A), x, whole),
    Rule("new axes indexed", op(getitem)(x, index=A), op(reshape)(x, shape=shape), adds_axes),
    Rule("a part of a number stretched", op(getitem)(stretch(x)), stretch(x, shape=shape), scalar_inside),
    Rule("an element of a number stretched", op(getitem)(c), number),
    Rule("parts of a number stretched", op(getitem)(stretch(x), k), stretch(x, shape=shape), scalar_inside),
    Rule("one array joined", op(concatenate)(x), x),
    Rule("a sum over no axes", op(reduce_sum)(x, axes=()), x, lambda m: m.aval.dtype.kind in "iu"),
    Rule(
        "a sum over axes of length one", op(reduce_sum)(x, axes=A), op(reshape)(x, shape=shape),
        lambda m: real("x")(m) and all(m.atoms["x"].aval.shape[axis] == 1 for axis in m.params["A"]),
    ),
]  # fmt: skip

CASTS: list[Rule] = [
    Rule("cast to the same type", op(cast)(x), x),
    Rule("cast of a cast", op(cast)(op(cast)(x, dtype=A), dtype=B), op(cast)(x, dtype=B), holds),
    Rule("cast of a number", op(cast)(c), stretch(number, shape=shape), strong),
    Rule("cast of what is stretched", op(cast)(stretch(x), dtype=A), stretch(op(cast)(x, dtype=A), shape=shape)),
]

FAST: list[Rule] = [
    Rule("times zero", x * 0, ZEROS, floats("x"), fast=True),
    Rule("minus the same", x - x, ZEROS, floats("x"), fast=True),
    Rule("plus zero", x + 0, x, floats("x"), fast=True),
    Rule("zero minus", 0 - x, -x, floats("x"), fast=True),
    Rule("the negative of a difference", -(x - y), y - x, floats("x", "y"), fast=True, single=True),
    Rule("divided by a number", x / c, x * inverse, nonzero, fast=True),
    Rule("multiples of multiples", (x * c) * d, x * both(lambda p, q: p * q), two_numbers, fast=True),
    Rule("numbers added twice", (x + c) + d, x + both(lambda p, q: p + q), two_numbers, fast=True),
    Rule("times a reciprocal", x * (1 / y), x / y, floats("x", "y"), fast=True, single=True),
    Rule("cubed", op(power)(x, 3), (x * x) * x, floats("x"), fast=True),
    Rule("squared", op(power)(x, 2), op(square)(x), floats("x"), fast=True),
    Rule(
        "a sum of multiples", op(reduce_sum)(x * c, axes=A, keepdims=B), op(reduce_sum)(x, axes=A, keepdims=B) * c,
        lambda m: floats("x")(m) and strong(m), fast=True, single=True,
    ),
]  # fmt: skip


def stretched_operands() -> list[Rule]:
    """Elementwise operations stretch by themselves, and are done before stretching where that is less work.

    The latter is for operations that IEEE 754 rounds in one way: others may differ between scalars and arrays.
    """
    rounded = [e.add, e.subtract, e.multiply, e.divide]
    binary = [*rounded, e.maximum, e.minimum, e.hypot, e.arctan2, e.logaddexp, *e.FLAT_UFUNCS[:6]]
    rules: list[Rule] = []
    for p in rounded:
        first, second = stretch(x), stretch(y)
        before = {
            "before stretching": (op(p)(first, second), op(p)(x, y), narrow),
            "of a number before stretching": (op(p)(first, c), op(p)(x, number_itself), small),
            "to a number before stretching": (op(p)(c, first), op(p)(number_itself, x), small),
        }
        rules += [
            Rule(f"{p.name} {how}", left, stretch(right, shape=shape), when)
            for how, (left, right, when) in before.items()
        ]
    for p in binary:
        rules += _stretching(p, 2)
    for p in (e.negative, square, sqrt, e.absolute):
        rules.append(Rule(f"{p.name} before stretching", op(p)(stretch(x)), stretch(op(p)(x), shape=shape), narrow))
    return [*rules, *_stretching(where, 3)]


def number_itself(m: Match) -> Any:
    """The number as it stands, or of the dtype of the array that it fills."""
    return m.number("c")


def small(m: Match) -> bool:
    """One operand that is stretched, and a number."""
    aval = m.atoms["x"].aval
    return aval.size < m.aval.size and aval.kind != "python" and m.aval.dtype.kind == "f"


def _stretching(p: Any, n: int) -> list[Rule]:
    names = (x, y, z)[:n]
    rules: list[Rule] = []
    for at in range(n):
        of_number = tuple(stretch(c) if j == at else v for j, v in enumerate(names))
        inner = tuple(stretch(v) if j == at else v for j, v in enumerate(names))
        strictly = tuple(strict if j == at else v for j, v in enumerate(names))
        rules.append(Rule(f"{p.name}: number {at} filled in", Term(p, of_number), Term(p, strictly)))
        rules.append(Rule(f"{p.name}: operand {at} stretched by itself", Term(p, inner), Term(p, names), strong_at(at)))
    return rules


def strong_at(at: int) -> Any:
    """The operand there is no Python number."""
    return lambda m: m.atoms[("x", "y", "z")[at]].aval.kind != "python"


RULES: tuple[Rule, ...] = (*ARITHMETIC, *CHOICES, *SHAPES, *CASTS, *stretched_operands(), *FAST)


def table(*, fast_math: bool) -> Table:
    """The rules that may be used."""
    return Table(rule for rule in RULES if fast_math or not rule.fast)
