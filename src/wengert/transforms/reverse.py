"""Reverse mode: a tape of entries, Wengert's list, walked once backwards.

An entry is a plain tuple ``(back, ...)`` of indices and values, never of tracers, so that nothing is
cyclic; ``back(cotangents, g, entry)`` adds what the entry's operands receive. Leaves have no ``back``.
Only what the rules read is kept, and a writeable array that somebody else owns is copied first, for it
may be overwritten before the walk.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy import ndarray

from wengert.core.primitive import Augmented, Primitive
from wengert.core.trace import (
    NEW_CLASS,
    TRACER_CLASSES,
    ArrayTracer,
    Constant,
    Trace,
    Tracer,
    bind,
    constant_in,
    fresh_handle,
    fresh_level,
    leaked,
    set_class,
)
from wengert.core.types import Aval, aval_of, dtype_of, refuse_strange, shape_of
from wengert.errors import user_place
from wengert.ops import families

new = object.__new__
_LEAF = (None,)
_LARGE = 1 << 14  # bytes from which a constant's copy is kept for later uses of it
# the record behind a backward step that was made for one record and can have an infinite slope
RECORDS: dict[Any, Primitive] = {}


class ReverseScalar(Tracer):
    """A real number on a tape."""

    __slots__ = ()


class ReverseArray(ArrayTracer):
    """A real array on a tape."""

    __slots__ = ()


class ComplexScalar(Tracer):
    """A complex number on a tape; the fast paths, which hold for reals, do not know this class."""

    __slots__ = ()


class ComplexArray(ArrayTracer):
    """A complex array on a tape."""

    __slots__ = ()


# From the type of a real value to the class of its tracer. An exact dict: it is read at each operation.
KINDS: dict[type, type[Tracer]] = {}


def enter_kind(cls: type) -> None:
    """Say what the tracer of a value of this type is."""
    is_complex = issubclass(cls, complex | np.complexfloating | ComplexScalar | ComplexArray)
    if issubclass(cls, ndarray | ArrayTracer):
        KINDS[cls] = ComplexArray if is_complex else ReverseArray
    else:
        KINDS[cls] = ComplexScalar if is_complex else ReverseScalar


for _cls in (ndarray, bool, int, float, complex, *np.sctypeDict.values(), *TRACER_CLASSES):
    enter_kind(_cls)
NEW_CLASS.append(enter_kind)


def kind_of(value: Any) -> type[Tracer]:
    """The class of the tracer for a value that may be complex; Tracer itself for one that has no derivative."""
    kind = KINDS.get(type(value), Tracer)
    if kind is Tracer:
        return kind
    letter = value.dtype.kind if kind is ReverseArray else dtype_of(value).kind
    if letter == "f":
        return kind
    if letter == "c":
        return ComplexArray if kind is ReverseArray or kind is ComplexArray else ComplexScalar
    return Tracer


class Tape(list[Any], Trace):
    """The list of a reverse trace."""

    __slots__ = ("around", "copies", "end", "flat", "level", "trusted", "watch", "within")
    forgets = True  # whether checkpoints take effect

    def __init__(self) -> None:
        self.level = fresh_level()
        self.end = 0  # behind every index handed out, when the tape is closed
        self.flat: tuple[Primitive, tuple[str, int]] | None = None
        self.copies: dict[int, tuple[Any, Any]] = {}
        self.trusted: set[int] = set()
        # open traces further in: level, length of the tape when it was entered, whether it captures
        self.within: list[tuple[int, int, bool]] = []

    # a tape is known by identity: comparing it as a list would compare tracers
    __hash__ = object.__hash__  # pyright: ignore[reportAssignmentType]

    def __eq__(self, other: object) -> bool:
        return self is other

    def tracer(self, value: Any, *entry: Any) -> Any:
        """Append an entry, and give the tracer of its value."""
        z = new(kind_of(value))
        z.v, z.t, z.i = value, self, len(self)
        self.append(entry)
        return self.seen(z)

    def leaf(self, value: Any) -> Any:
        """A tracer for an input."""
        kind = KINDS[type(value)]
        if issubclass(kind, ArrayTracer) and type(value) is not ndarray:
            value = fresh_handle(value)
        if kind is ReverseArray:
            if value.dtype.kind == "c":
                kind = ComplexArray
        elif kind is ReverseScalar and type(value) is not float and dtype_of(value).kind == "c":
            kind = ComplexScalar  # of an outer trace, whose classes do not tell
        z = new(kind)
        z.v, z.t, z.i = value, self, len(self)
        self.append(_LEAF)
        return self.seen(z)

    lift = leaf

    def seen(self, z: Any) -> Any:
        """A new tracer; while a stage further in captures what is done to it, past the fast paths, which do not ask."""
        if self.within and any(captures for _, _, captures in self.within):
            take_general_path(z)
        return z

    def opened(self, inner: Trace) -> None:
        """Note where on the tape that is: indices tell when a handle was made."""
        self.within.append((inner.level, len(self), inner.captures))

    def closed(self, inner: Trace) -> None:
        """Nothing more is made within it."""
        place = next((place for place in self.within if place[0] == inner.level), None)
        if place is not None:  # other threads may be at it too
            self.within.remove(place)

    def birth(self, i: Any) -> float:
        """The level of the last open trace that was entered before an entry was made."""
        return max([level for level, length, _ in self.within if length <= i], default=self.level) + 0.5

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Compute one level further out, and append an entry with what the walk back will read."""
        values: list[Any] = []
        at: list[int] = []
        for x in operands:
            if isinstance(x, Tracer):
                if x.t is self and type(x) is not Constant:
                    values.append(x.v)
                    at.append(x.i)
                    continue
                x = x.v if type(x) is Constant else fresh_handle(x) if isinstance(x, ArrayTracer) else x
            values.append(x)
            at.append(-1)
        if primitive.augment is not None:
            return self.augmented(primitive, values, at, params)
        out = self.evaluate(primitive, values, params)
        if primitive.family == "flat":
            return self.flat_result(primitive, out)
        wanted = tuple([i >= 0 for i in at])
        keep = primitive.kept(wanted)
        if not keep:
            return self.flat_result(primitive, out)
        kept = [
            (v if want else self.safe(v)) if k else ghost(v) for v, k, want in zip(values, keep, wanted, strict=False)
        ]
        if primitive.multiple:
            return self.several(primitive, out, kept, at, wanted, params, keep[-1])
        kind = kind_of(out)
        if kind is Tracer:  # a float went in and something else came out: no derivative passes
            return self.flat_result(primitive, out)
        z = new(kind)
        z.v, z.t, z.i = out, self, len(self)
        self.append((back, at, out if keep[-1] else None, kept, wanted, primitive, params))
        return self.seen(z)

    def evaluate(self, primitive: Primitive, values: list[Any], params: dict[str, Any]) -> Any:
        """The operation one level further out."""
        return bind(primitive, *values, **params)

    def several(
        self, primitive: Primitive, outs: Any, kept: Any, at: Any, wanted: Any, params: Any, keep_out: bool
    ) -> Any:
        """Outputs stand behind their operation, each with an entry that hands its cotangent over."""
        n = len(self)
        saved = outs if keep_out else tuple(ghost(o) for o in outs)
        self.append((back_several, at, saved, kept, wanted, primitive, params))
        return tuple(
            self.tracer(o, hand_over, n, k, len(outs)) if dtype_of(o).kind in "fc" else o for k, o in enumerate(outs)
        )

    def augmented(self, primitive: Primitive, values: list[Any], at: list[int], params: dict[str, Any]) -> Any:
        """An operation that gives, behind its outputs, what its own rule will read on the walk back."""
        assert primitive.augment is not None
        wanted = tuple([i >= 0 for i in at])
        form: Augmented = primitive.augment(tuple(aval_of(v) for v in values), wanted, params)
        outs = self.evaluate(primitive, [*values, *form.more], form.params)
        kept = [
            (v if want else self.safe(v)) if k else ghost(v)
            for v, k, want in zip(values, form.reads, wanted, strict=True)
        ]
        saved = tuple(o if n >= form.outputs or n in form.sources else ghost(o) for n, o in enumerate(outs))
        n = len(self)
        self.append((back_several, at, saved, kept, wanted, primitive, form.rule))
        return tuple(
            self.tracer(o, hand_over, n, k, len(outs)) if active else o
            for k, (o, active) in enumerate(zip(outs, form.active, strict=False))
        )

    def flat_result(self, primitive: Primitive, out: Any) -> Any:
        """A result without derivative leaves the trace; that it did is remembered."""
        refuse_strange(primitive.name, out)
        if self.flat is None and primitive.name != "stop_gradient":
            self.flat = (primitive, user_place())
        value = out.v if type(out) is Constant else out  # an outer trace's handle: here writes are ours
        if type(value) is ndarray and value.dtype.kind in "fc":
            return constant_in(self, value)
        return out

    def safe(self, value: Any) -> Any:
        """``value`` itself where nobody can overwrite it before the backward walk, else a copy."""
        if type(value) is not ndarray:
            return value
        if value.base is None and not value.flags.writeable:
            return value
        if id(value if value.base is None else value.base) in self.trusted:
            return value
        if value.nbytes < _LARGE:
            return value.copy("K")
        known = self.copies.get(id(value))
        if known is not None and known[0] is value and bool((known[1] == value).all()):
            return known[1]
        copied = value.copy("K")
        self.copies[id(value)] = (value, copied)
        return copied

    def trust(self, value: np.ndarray[Any, Any]) -> None:
        """An argument of the function: its owner waits for the result, and does not write meanwhile."""
        self.trusted.add(id(value if value.base is None else value.base))

    def close(self) -> list[Any]:
        """End the trace: take the entries; whatever is appended from now on is an error."""
        entries = self[:]
        self.end = len(entries)
        self.clear()
        self.copies = {}
        self.__class__ = ClosedTape  # pyright: ignore[reportAttributeAccessIssue]
        return entries


def take_general_path(z: Any) -> None:
    """Make a tracer one of the classes that the fast paths do not know."""
    if type(z) is ReverseArray:
        set_class(z, ComplexArray)
    elif type(z) is ReverseScalar:
        set_class(z, ComplexScalar)


class ClosedTape(Tape):
    """A tape whose transform has ended."""

    __slots__ = ()

    def ended(self) -> bool:
        """It is."""
        return True

    def append(self, _entry: Any) -> None:
        """Refuse: the tracer that wants to go on outlived its transform."""
        raise leaked("the grad, vjp or jacobian")


Tape.scalar, Tape.array = ReverseScalar, ReverseArray


class Ghost:
    """What stands for an array that is not kept: its shape and dtype."""

    __slots__ = ("dtype", "ndim", "shape")

    def __init__(self, value: Any) -> None:
        self.shape, self.dtype = value.shape, value.dtype
        self.ndim = len(self.shape)

    @property
    def aval(self) -> Aval:
        """The abstract value of what is not kept."""
        return Aval(self.shape, self.dtype, "array")


def ghost(value: Any) -> Any:
    """What stands for a value that is not kept; numbers are kept always."""
    return Ghost(value) if type(value) is ndarray or isinstance(value, ArrayTracer) else value


# ---- backward


class Cotangents(list[Any]):
    """Cotangents by index; ``own`` names those whose buffer this walk made and may write into."""

    __slots__ = ("own",)

    def __init__(self, n: int) -> None:
        super().__init__([None] * n)
        self.own: set[int] = set()


def back(ct: Cotangents, g: Any, entry: Any) -> None:
    """The general backward step."""
    _, at, out, operands, wanted, primitive, params = entry
    for i, d in zip(at, primitive.vjp(g, out, operands, wanted, params), strict=True):
        if d is not None and i >= 0:
            c = ct[i]
            ct[i] = d if c is None else c + d


def hand_over(ct: Cotangents, g: Any, entry: Any) -> None:
    """One output of several: keep its cotangent for the operation."""
    _, n, k, count = entry
    if ct[n] is None:
        ct[n] = [None] * count
    ct[n][k] = g


def back_several(ct: Cotangents, gs: Any, entry: Any) -> None:
    """The general backward step with several outputs: absent cotangents are None."""
    back(ct, tuple(gs), entry)


def walk(entries: list[Any], ct: Cotangents) -> None:
    """Once over the tape, backwards."""
    for n in range(len(ct) - 1, -1, -1):
        g = ct[n]
        if g is not None:
            entry = entries[n]
            step = entry[0]
            if step is not None:
                ct[n] = None
                step(ct, g, entry)


def pull(entries: list[Any], outputs: list[tuple[int, Any]], leaves: Iterable[int]) -> list[Any]:
    """Cotangents of the leaves (None where nothing reaches them) from those of outputs ``(index, g)``."""
    ct = Cotangents(1 + max((i for i, _ in outputs), default=-1))
    for i, g in outputs:
        ct[i] = g if ct[i] is None else ct[i] + g
    walk(entries, ct)
    n = len(ct)
    return [ct[i] if i < n else None for i in leaves]


def transpose_linear(f: Any, aval: Aval, ct: Any) -> Any:
    """The transpose of the linear function ``f``, applied to ``ct``: walk back over ``f`` at zero."""
    tape = Tape()
    x = tape.leaf(np.zeros(aval.shape, aval.dtype))
    out = f(x)
    if not isinstance(out, Tracer) or out.t is not tape:
        return np.zeros(aval.shape, aval.dtype)
    index = out.i
    (d,) = pull(tape.close(), [(index, ct)], [x.i])
    return d


families.TRANSPOSE.append(transpose_linear)


def zeros_for(value: Any) -> Any:
    """The zero cotangent of an input."""
    shape = shape_of(value)
    return np.zeros(shape, dtype_of(value)) if aval_of(value).kind == "array" else dtype_of(value).type(0)
