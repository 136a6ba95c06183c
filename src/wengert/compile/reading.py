"""How one element of a value is read: rules that follow an index from a result to its operands.

A value that is not worth memory of its own is *virtual*: whoever reads it at an index reads its operands at the
indices that belong to that one. Broadcasting, transposing, reshaping, slicing and padding then cost nothing, and chains
of elementwise operations become one loop. The same rules serve the planner, which only wants to know what is read
where, and the emitter of loops: both are a :class:`Reader`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert.compile.affine import ZERO, Affine, Index, Symbol, row_major, split
from wengert.compile.loop_types import loop_types
from wengert.compile.scalars import supports
from wengert.core.primitive import Primitive, reads_nothing
from wengert.core.program import Atom, Equation, Literal, Var
from wengert.core.types import Aval
from wengert.ops.index import ARRAY, expand

__all__ = [
    "Reader",
    "UnreadableError",
    "arrange",
    "broadcast",
    "iota",
    "is_iota",
    "is_virtual",
    "position_of",
    "reduces",
    "slice_entry",
]


class UnreadableError(Exception):
    """An operand that must lie in memory before it can be read like this."""

    def __init__(self, var: Var) -> None:
        super().__init__()
        self.var = var


class Reader:
    """Reads atoms at indices. What a value is (an LLVM value, or nothing at all) is the subclass's affair."""

    # equations of virtual values, by what they give
    made: dict[Var, Equation]

    def stored(self, var: Var) -> bool:
        """Whether the value lies in memory."""
        raise NotImplementedError

    def load(self, var: Var, position: Affine) -> Any:
        """An element that lies in memory, or is at hand."""
        raise NotImplementedError

    def literal(self, value: Any) -> Any:
        """A number that stands in the program."""
        raise NotImplementedError

    def apply(self, equation: Equation, operands: Sequence[Any]) -> Any:
        """An elementwise operation on elements."""
        raise NotImplementedError

    def number(self, position: Affine, dtype: np.dtype[Any]) -> Any:
        """A position as a number."""
        raise NotImplementedError

    def gathered(self, index: Any, aval: Aval, extent: int) -> Affine:
        """A position that was read from an array of indices; negative ones count from the end."""
        raise NotImplementedError

    def inside(self, tests: Sequence[tuple[Affine, int, int]], then: Callable[[list[Affine]], Any], aval: Aval) -> Any:
        """``then(positions)`` where each position minus its low is in [0, count), else zero."""
        raise NotImplementedError

    def where_equal(self, a: Affine, b: Affine, then: Callable[[], Any], aval: Aval) -> Any:
        """``then()`` where two positions are the same, else zero."""
        raise NotImplementedError

    def virtual(self, equation: Equation, index: Index) -> Any:
        """An element of a virtual value."""
        rule = RULES.get(equation.primitive.name, _elementwise)
        return rule(self, equation, index)

    def read(self, atom: Atom, index: Index) -> Any:
        """The element of a value at an index of its own shape."""
        if isinstance(atom, Literal):
            return self.literal(atom.value)
        if self.stored(atom):
            return self.load(atom, position_of(index, atom.aval.shape))
        return self.virtual(self.made[atom], index)


def position_of(index: Index, shape: tuple[int, ...]) -> Affine:
    """Where an element stands in memory; the index may be one position for the array as a line."""
    return index[0] if len(index) == 1 != len(shape) else row_major(index, shape)


def broadcast(index: Index, shape: tuple[int, ...]) -> Index:
    """The index into an operand of this shape that belongs to an index of the result."""
    if not shape:
        return ()
    own = index[len(index) - len(shape) :]
    return tuple(ZERO if n == 1 else i for i, n in zip(own, shape, strict=True))


# ---- rules


def _elementwise(r: Reader, equation: Equation, index: Index) -> Any:
    shape = equation.outputs[0].aval.shape
    flat = len(index) != len(shape)  # the whole array as one line

    def own(x: Atom) -> Index:
        if flat:
            return index if x.aval.shape == shape else ()
        return broadcast(index, x.aval.shape)

    return r.apply(equation, [r.read(x, own(x)) for x in equation.inputs])


def _same(r: Reader, equation: Equation, index: Index) -> Any:
    return r.read(equation.inputs[0], index)


def _broadcast_to(r: Reader, equation: Equation, index: Index) -> Any:
    x = equation.inputs[0]
    return r.read(x, broadcast(index, x.aval.shape))


def _reshape(r: Reader, equation: Equation, index: Index) -> Any:
    x = equation.inputs[0]
    position = row_major(index, equation.outputs[0].aval.shape)
    if isinstance(x, Literal):
        return r.literal(x.value)
    if r.stored(x):
        return r.load(x, position)
    inner = split(position, x.aval.shape)
    if inner is None:
        raise UnreadableError(x)
    return r.read(x, inner)


def _transpose(r: Reader, equation: Equation, index: Index) -> Any:
    axes = equation.params["axes"]
    inner = [ZERO] * len(axes)
    for k, axis in enumerate(axes):
        inner[axis] = index[k]
    return r.read(equation.inputs[0], tuple(inner))


def slice_entry(entry: Any, n: int) -> tuple[int, int, int]:
    """A slice as first position, step and length."""
    start, _, step = entry.indices(n)
    return start, step, len(range(*entry.indices(n)))


def _getitem(r: Reader, equation: Equation, index: Index) -> Any:
    x, *arrays = equation.inputs
    shape = x.aval.shape
    entries = expand(equation.params["index"], len(shape))
    own, together = arrange(entries, [a.aval.shape for a in arrays], index)
    rest = iter(arrays)
    inner: list[Affine] = []
    axis = 0
    for entry, at in zip(entries, own, strict=True):
        if entry is None:
            continue
        n = shape[axis]
        if entry is ARRAY:
            array = next(rest)
            found = r.read(array, broadcast(together, array.aval.shape))
            inner.append(_apart(r.gathered(found, array.aval, n), inner))
        elif isinstance(entry, slice):
            start, step, _ = slice_entry(entry, n)
            inner.append(at * step + start)
        else:
            inner.append(Affine(constant=int(entry) % n))
        axis += 1
    return r.read(x, tuple(inner))


def _apart(position: Affine, others: Sequence[Affine]) -> Affine:
    """A position in symbols of its own: a plan knows each axis by its own, and a sum of both could not be split."""
    taken = {s for other in others for s in other.terms}
    if taken.isdisjoint(position.terms):
        return position

    def own(s: Symbol) -> Symbol:
        return Symbol(s.extent, s.depth, s.value, s.lanes, consecutive=s.consecutive) if s in taken else s

    return Affine({own(s): c for s, c in position.terms.items()}, position.constant)


def arrange(entries: tuple[Any, ...], shapes: list[tuple[int, ...]], index: Index) -> tuple[list[Affine], Index]:
    """For each entry the part of the result's index that runs through it, and the index of the arrays together."""
    own = [ZERO] * len(entries)
    if not shapes:
        rest = iter(index)
        for k, entry in enumerate(entries):
            if not isinstance(entry, int):
                own[k] = next(rest)
        return own, ()
    depth = len(np.broadcast_shapes(*shapes))
    places = [k for k, e in enumerate(entries) if e is ARRAY or isinstance(e, int)]
    adjacent = places == list(range(places[0], places[-1] + 1))
    first = sum(not (e is ARRAY or isinstance(e, int)) for e in entries[: places[0]]) if adjacent else 0
    together = index[first : first + depth]
    rest = iter((*index[:first], *index[first + depth :]))
    for k, entry in enumerate(entries):
        if entry is not ARRAY and not isinstance(entry, int):
            own[k] = next(rest)
    return own, together


def _pad(r: Reader, equation: Equation, index: Index) -> Any:
    g = equation.inputs[0]
    entries = expand(equation.params["index"], len(index))
    tests: list[tuple[Affine, int, int]] = []
    kinds: list[bool] = []
    axis = 0
    for entry in entries:
        if entry is None:
            continue
        n = equation.params["shape"][axis]
        start, _, count = slice_entry(entry, n) if isinstance(entry, slice) else (int(entry) % n, 1, 1)
        tests.append((index[axis], start, count))
        kinds.append(isinstance(entry, slice))
        axis += 1

    def then(positions: list[Affine]) -> Any:
        rest = iter(positions)
        inner: list[Affine] = []
        for entry in entries:
            if entry is None:
                inner.append(ZERO)
            elif isinstance(entry, slice):
                inner.append(next(rest))
            else:
                next(rest)
        return r.read(g, tuple(inner))

    return r.inside(tests, then, equation.outputs[0].aval)


def _one_hot(r: Reader, equation: Equation, index: Index) -> Any:
    """One element a row, scattered to the column that an array names: there it is, and zero beside it."""
    g, _, labels = equation.inputs
    row, column = index
    own = broadcast((row,), g.aval.shape)
    found = r.gathered(r.read(labels, broadcast((row,), labels.aval.shape)), labels.aval, equation.params["shape"][1])
    return r.where_equal(found, column, lambda: r.read(g, own), equation.outputs[0].aval)


def _scatter_add(r: Reader, equation: Equation, index: Index) -> Any:
    return _one_hot(r, equation, index) if len(equation.inputs) > 1 else _pad(r, equation, index)


def _reduced(r: Reader, equation: Equation, index: Index) -> Any:
    """What is reduced over nothing but axes of length one stays what it is."""
    (x,), axes = equation.inputs, equation.params["axes"]
    assert all(x.aval.shape[k] == 1 for k in axes), equation
    rest = iter(index)
    if equation.params["keepdims"]:
        return r.apply(equation, [r.read(x, index)])
    return r.apply(equation, [r.read(x, tuple(ZERO if k in axes else next(rest) for k in range(x.aval.ndim)))])


def _iota(r: Reader, equation: Equation, index: Index) -> Any:
    return r.number(index[0], equation.outputs[0].aval.dtype)


REDUCTIONS = frozenset(("sum", "max", "min", "prod", "any", "all"))

RULES: dict[str, Callable[[Reader, Equation, Index], Any]] = {
    "broadcast_to": _broadcast_to,
    "reshape": _reshape,
    "transpose": _transpose,
    "getitem": _getitem,
    "scatter_add": _scatter_add,
    "stop_gradient": _same,
    "iota": _iota,
    **dict.fromkeys(REDUCTIONS, _reduced),
}


# 0, 1, 2, …: what a constant is that need not lie in memory
IOTA = Primitive(
    "iota", "flat", np.arange, lambda *_: None, lambda *_: None, lambda *_: None, lambda *_: None, reads_nothing, ""
)  # fmt: skip


def iota(var: Var) -> Equation:
    """The equation of a variable that is known to hold 0, 1, 2, …"""
    return Equation(IOTA, (), (var,), {})


def is_iota(value: Any) -> bool:
    """Whether an array is 0, 1, 2, …"""
    plain = isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "iu" and value.size > 1
    return bool(plain and value[-1] == value.size - 1 and np.array_equal(value, np.arange(value.size)))


ONE_HOT = 64  # columns up to which comparing beats scattering


def _is_one_hot(equation: Equation, made: dict[Var, Equation]) -> bool:
    shape, index = equation.params["shape"], equation.params["index"]
    if len(equation.inputs) != 3 or len(shape) != 2 or shape[1] > ONE_HOT or len(index) != 2:
        return False
    if any(entry is not ARRAY for entry in index):
        return False
    g, rows, labels = equation.inputs
    known = isinstance(rows, Var) and rows in made and made[rows].primitive is IOTA
    if not known or rows.aval.shape != (shape[0],) or labels.aval.dtype.kind not in "iu":
        return False
    return labels.aval.shape in ((shape[0],), ()) and g.aval.shape in ((shape[0],), ())


def _has_code(dtype: np.dtype[Any]) -> bool:
    """Whether there is code for numbers of a dtype: single and double precision, integers and bools."""
    return dtype.kind in "iub" or dtype.char in "fd"


def _fits(x: Atom, dtype: np.dtype[Any]) -> bool:
    """Whether an operand can be brought to the dtype of a loop without a look at its value.

    Python's ints are compared as they are, and NumPy refuses to compute with those that are too large for a dtype.
    """
    if x.aval.kind != "python" or x.aval.dtype.kind != "i" or dtype.kind not in "iu":
        return True
    if not isinstance(x, Literal):
        return dtype == x.aval.dtype
    limits = np.iinfo(dtype)
    return int(limits.min) <= x.value <= int(limits.max)


def reduces(equation: Equation) -> bool:
    """Whether it is a reduction of numbers that there is code for."""
    if equation.primitive.name not in REDUCTIONS:
        return False
    return all(_has_code(x.aval.dtype) for x in (*equation.inputs, *equation.outputs))


def is_virtual(equation: Equation, made: dict[Var, Equation]) -> bool:
    """Whether the result can be read element by element from the operands."""
    name = equation.primitive.name
    if not all(_has_code(x.aval.dtype) for x in (*equation.inputs, *equation.outputs)):
        return False
    if name == "getitem":
        entries = expand(equation.params["index"], equation.inputs[0].aval.ndim)
        return all(a.aval.dtype.kind in "iu" for a in equation.inputs[1:]) and _plain(entries)
    if name == "scatter_add":
        entries = expand(equation.params["index"], len(equation.params["shape"]))
        unit = all(not isinstance(e, slice) or e.step in (None, 1) for e in entries)
        return (len(equation.inputs) == 1 and _plain(entries) and unit) or _is_one_hot(equation, made)
    if name in REDUCTIONS:
        (x,) = equation.inputs
        return reduces(equation) and all(x.aval.shape[k] == 1 for k in equation.params["axes"])
    if name in RULES:
        return True
    if equation.primitive.ufunc is None and name not in ("where", "cast", "cast_to_integer"):
        return supports(name, equation.inputs[0].aval.dtype) if len(equation.inputs) == 1 else False
    return _lowers(equation)


def _plain(entries: tuple[Any, ...]) -> bool:
    return all(e is None or e is ARRAY or isinstance(e, slice) or type(e) is int for e in entries)


def _lowers(equation: Equation) -> bool:
    name = equation.primitive.name
    try:
        types = loop_types(equation)
    except TypeError:
        return False
    if not all(map(_has_code, types)):
        return False
    if {t.kind for t in types[: len(equation.inputs)]} >= {"i", "u"}:
        return False  # NumPy compares such as they are, and no machine integer holds both
    if name != "where" and not all(map(_fits, equation.inputs, types)):
        return False
    if name == "power" and types[1].kind == "i":
        exponent = equation.inputs[1]  # NumPy refuses negative ones
        return isinstance(exponent, Literal) and exponent.value >= 0
    return supports(name, types[1] if name == "where" else types[0])
