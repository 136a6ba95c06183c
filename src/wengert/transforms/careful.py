"""The walk back in which what a choice left out stays out.

``np.where(x > 0, np.log(x), 0.0)`` hands the branch not taken a cotangent of exactly 0. The slope of a branch
may be infinite there, and 0 · ∞ is NaN, although the result does not depend on that branch at all. A product of
a *computed* zero and an infinite slope means something else: the derivative of √x² at 0 is 1, the product 0 · ∞.
So zeros are not cleared by their value. Where the ordinary walk ends with a NaN it is done once more with
cotangents of a trace of their own, which carry along where they are zero because a choice made them so (``where``,
an element that is not read or was overwritten, the smaller of two numbers): there they stay exactly 0 whatever the
slope, and every other NaN remains.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy import ndarray

from wengert.core.primitive import Primitive
from wengert.core.program import Equation, Program
from wengert.core.trace import ArrayTracer, Constant, Trace, Tracer, bind, fresh_handle, fresh_level
from wengert.core.types import Aval, dtype_of, is_array, shape_of
from wengert.errors import TraceError, UnsupportedError
from wengert.ops import elementwise as ops
from wengert.transforms.batch import Batch
from wengert.transforms.checkpoint import back_segment
from wengert.transforms.reverse import RECORDS, back, back_several, pull

__all__ = ["carefully", "cotangents_of"]


class ChosenScalar(Tracer):
    """A cotangent ``v`` that can differ from 0 where ``i`` is true, or (None) anywhere."""

    __slots__ = ()


class ChosenArray(ArrayTracer):
    """Cotangents ``v`` that can differ from 0 where ``i`` is true, or (None) anywhere."""

    __slots__ = ()


# linear functions with coefficients 0 and 1: what they do to the numbers, they do to the places
MOVES = frozenset({
    "broadcast_to", "concatenate", "cumsum", "getitem", "reshape", "scatter_add", "sum", "transpose", "update",
})  # fmt: skip
# of these, what has zeros where its operands have none
LEAVES_ZEROS = frozenset({"concatenate", "scatter_add", "update"})


class Choices(Trace):
    """The trace of a careful walk. The rules are linear in the cotangents, which are all that it follows."""

    __slots__ = ("around", "level")
    scalar, array = ChosenScalar, ChosenArray

    def __init__(self) -> None:
        self.level = fresh_level()

    def tracer(self, value: Any, reached: Any) -> Any:
        """A cotangent and where it is more than a zero that a choice made."""
        cls = ChosenArray if is_array(value) else ChosenScalar
        z = cls.__new__(cls)
        z.v, z.t, z.i = value, self, reached
        return z

    def lift(self, value: Any) -> Any:
        return self.tracer(fresh_handle(value) if isinstance(value, ArrayTracer) else value, None)

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        mine = [isinstance(x, Tracer) and x.t is self and type(x) is not Constant for x in operands]
        values = [x.v if m or type(x) is Constant else x for x, m in zip(operands, mine, strict=True)]
        if primitive.name == "call" and any(m and x.i is not None for x, m in zip(operands, mine, strict=True)):
            # what a choice has left out before is to be seen by its operations, one by one
            return tuple(params["program"].evaluate(operands))
        with np.errstate(all="ignore"):
            out = bind(primitive, *values, **params)
        if primitive.multiple:
            return tuple(self.tracer(o, None) for o in out)
        if primitive.flat:
            return out
        places = [x.i if m else True for x, m in zip(operands, mine, strict=True)]
        reached = reached_by(primitive, values, mine, places, params)
        if reached is None:
            return self.tracer(out, None)
        reached = np.broadcast_to(reached, shape_of(out)) if shape_of(reached) != shape_of(out) else reached
        return self.tracer(_select(reached, out), reached)


def _select(reached: Any, out: Any) -> Any:
    """``out`` where it is reached, and exactly 0 elsewhere."""
    cleared = ops.where(reached, out, dtype_of(out).type(0))
    return cleared if is_array(out) else cleared[()]


def reached_by(
    primitive: Primitive, values: Sequence[Any], mine: Sequence[bool], places: Sequence[Any], params: dict[str, Any]
) -> Any:
    """Where a result can differ from zero: a mask, or None for everywhere."""
    if primitive is ops.where:
        x, y = (_place(values[k], mine[k], places[k]) for k in (1, 2))
        return None if x is None and y is None else np.where(values[0], _all(x), _all(y))
    if any(step[0] == "part" for step in params.get("chain", ())):
        return None  # marks are real: they have no imaginary part to be written to
    if primitive.name in MOVES or (primitive.name == "einsum" and len(values) == 1):
        if primitive.name not in LEAVES_ZEROS and all(p is None for p, m in zip(places, mine, strict=True) if m):
            return None
        marks = [_mark(v, m, p) for v, m, p in zip(values, mine, places, strict=True)]
        return bind(primitive, *marks, **params) != 0
    if primitive.name == "cast":
        return places[0]
    if primitive.family != "elementwise":
        return None
    if primitive in (ops.multiply, ops.divide):
        return _of_product(values, mine, places)
    found = [_place(v, m, p) for v, m, p in zip(values, mine, places, strict=True)]
    return None if any(p is None for p in found) else _any(found)


def _of_product(values: Sequence[Any], mine: Sequence[bool], places: Sequence[Any]) -> Any:
    # a factor that is a condition is a choice as well; a computed 0 is none
    out = None
    for v, m, p in zip(values, mine, places, strict=True):
        where = p if m else v if dtype_of(v).kind == "b" else None
        if where is not None:
            out = where if out is None else out & where
    return out


def _place(value: Any, mine: bool, place: Any) -> Any:
    """Where an operand of a sum or a choice can differ from zero: a 0 that stands in a rule does so nowhere."""
    if mine:
        return place
    return False if not isinstance(value, Tracer) and not shape_of(value) and value == 0 else None


def _all(place: Any) -> Any:
    return True if place is None else place


def _any(places: Sequence[Any]) -> Any:
    out = places[0]
    for p in places[1:]:
        out = np.logical_or(out, p)
    return out


def _mark(value: Any, mine: bool, place: Any) -> Any:
    """1.0 where an operand can differ from zero, else 0.0; indices are themselves."""
    if mine and place is not None:
        return np.asarray(place).astype(float) if not isinstance(place, Tracer) else place.astype(float)
    if not mine and dtype_of(value).kind not in "fc":
        return value
    if not mine and _place(value, mine, place) is False:
        return 0.0
    return np.ones(shape_of(value))


# ---- when to walk carefully

# elementwise records whose slope is finite wherever their operands are
TAME = frozenset({
    "absolute", "add", "arctan", "arcsinh", "conjugate", "copysign", "cos", "cosh", "deg2rad", "exp", "exp2", "expm1",
    "fmax", "fmin", "fmod", "heaviside", "imag", "maximum", "minimum", "multiply", "negative", "positive", "rad2deg",
    "real", "remainder", "sin", "sinh", "square", "subtract", "tanh", "where",
})  # fmt: skip


def cotangents_of(entries: list[Any], outputs: list[tuple[int, Any]], leaves: Sequence[int]) -> list[Any]:
    """What :func:`wengert.transforms.reverse.pull` gives, with no NaN for what a choice left out."""
    ds = pull(entries, outputs, leaves)
    for d in ds:
        kind = type(d)
        if kind is ndarray:
            row = d if d.ndim == 1 else d.ravel("K")
            square = row.dot(row)  # a NaN if an element is one; by BLAS, for this is asked of each gradient
            if square != square:
                break
        elif kind is np.float64:
            if d != d:
                break
        elif d is not None and unsure(d, entries):
            break
    else:
        return ds
    try:
        return carefully(entries, outputs, leaves)
    except (TraceError, UnsupportedError):  # a rule of the user's own that takes plain arrays alone: NaN stays
        return ds


def carefully(entries: list[Any], outputs: list[tuple[int, Any]], leaves: Sequence[int]) -> list[Any]:
    """The careful walk itself."""
    trace = Choices()
    found = pull(entries, [(i, trace.lift(g)) for i, g in outputs], leaves)
    return [d.v if isinstance(d, ChosenScalar | ChosenArray) and d.t is trace else d for d in found]


def unsure(d: Any, entries: list[Any]) -> bool:
    """Whether a derivative of another kind is NaN, or is differentiated or staged further and may become so."""
    further = False
    while isinstance(d, Tracer):
        further = further or type(d.t) is not Batch
        d = d.v
    if type(d) is not Aval and bool(np.isnan(np.vdot(d, d))):
        return True
    return further and chooses_beside_a_pole(entries)


def chooses_beside_a_pole(entries: list[Any]) -> bool:
    """Whether a function chooses by ``where``, and has an operation whose slope may be infinite."""
    chooses = False
    for entry in entries:
        step = entry[0]
        if step is back:
            chooses = chooses or entry[5] is ops.where
        elif step is back_segment:
            return True  # what stands in a checkpoint is not known here
        elif step is back_several:
            chooses = chooses or any(e.primitive is ops.where for e in _within(entry))
    return chooses and any(map(_may_be_steep, entries))


def _within(entry: Any) -> Iterator[Equation]:
    """The equations of the Programs that an operation with several outputs holds."""
    waiting = [entry[6]]
    while waiting:
        for value in waiting.pop().values():
            for program in value if isinstance(value, tuple) else (value,):
                if isinstance(program, Program):
                    yield from program.equations
                    waiting += [e.params for e in program.equations]


def _may_be_steep(entry: Any) -> bool:
    if entry[0] is back_several:
        return any(_is_steep(e.primitive) for e in _within(entry))
    return _is_steep(entry[5] if entry[0] is back else RECORDS.get(entry[0]))


def _is_steep(record: Primitive | None) -> bool:
    return record is not None and record.family == "elementwise" and record.name not in TAME
