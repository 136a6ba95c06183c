"""Values that repeat, taken apart infinitely little: what a derivative needs to know of the function that follows.

Let A have eigenvalues that repeat, and let L = φ(w, V) be a function of A, whichever basis V of an eigenspace is
taken. Its derivative there is the limit of that at V diag(w + εd) Vᴴ with distinct d, where eigenvalues differ:
with P(ε) = Vᵀ ∂φ/∂V, the element (P_ij − P_ji)/(ε (d_j − d_i)). At ε = 0 the numerator vanishes if φ does not
depend on the choice of V, which is tested, and the limit is its slope in ε. That slope is a second derivative of
φ, which no cotangent shows; so the values that leave a decomposition carry the tangent d along, through all that
follows and back through the walk, in a trace of its own, the outermost of all. At the end it is dropped.

Whether L depends on the choice is tested twice. The basis is turned first, by a fixed rotation that has nothing to
do with the data: one that comes out of LAPACK may be special (that of a diagonal matrix is), and hide it. And all
that follows is computed a second time, in another basis, beside the first: both must give the same derivative.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive, reads_nothing
from wengert.core.trace import ArrayTracer, Constant, Trace, Tracer, bind, fresh_handle
from wengert.core.types import dtype_of, is_array, shape_of
from wengert.errors import DerivativeError, at_line
from wengert.ops.gaps import as_row, checked, condition, largest, noise, repeats

Matrix = np.ndarray[Any, Any]
_count = itertools.count(2)


class BesideScalar(Tracer):
    """A number ``v``, and beside it ``i``: its slope, or what it is in another basis."""

    __slots__ = ()


class BesideArray(ArrayTracer):
    """An array ``v``, and beside it ``i``: its slope, or what it is in another basis."""

    __slots__ = ()


class Beside(Trace):
    """A trace below every transform, all of which go on as if nobody were there."""

    __slots__ = ("around", "level")
    scalar, array = BesideScalar, BesideArray

    def __init__(self) -> None:
        self.level = 1.0 / next(_count)  # type: ignore[assignment]  # between none and the first transform

    def tracer(self, value: Any, other: Any) -> Any:
        """A value and what stands beside it; without that it stays plain."""
        if other is None or dtype_of(value).kind not in "fc":
            return value
        cls = BesideArray if is_array(value) else BesideScalar
        z = cls.__new__(cls)
        z.v, z.t, z.i = value, self, other
        return z

    def lift(self, value: Any) -> Any:
        """What does not depend on the decomposition stays plain."""
        return self.tracer(fresh_handle(value) if isinstance(value, ArrayTracer) else value, None)

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """The result, and what stands beside it."""
        mine = [isinstance(x, Tracer) and x.t is self and type(x) is not Constant for x in operands]
        values = [x.v if m or type(x) is Constant else x for x, m in zip(operands, mine, strict=True)]
        if primitive is part and params["of"] is self:
            return operands[0].i if params["beside"] else values[0]
        out = bind(primitive, *values, **params)
        other = self.other(primitive, mine, operands, values, out, params)
        if not primitive.multiple:
            return self.tracer(out, other)
        return tuple(self.tracer(o, t) for o, t in zip(out, other or (None,) * len(out), strict=True))

    def other(self, primitive: Primitive, mine: Any, operands: Any, values: Any, out: Any, params: Any) -> Any:
        """What stands beside a result."""
        raise NotImplementedError


class Splitting(Beside):
    """Slopes in ε."""

    __slots__ = ()

    def other(self, primitive: Primitive, mine: Any, operands: Any, values: Any, out: Any, params: Any) -> Any:
        """The slope of the result."""
        slopes = [x.i if m else None for x, m in zip(operands, mine, strict=True)]
        return primitive.jvp(slopes, out, values, params)


class Twins(Beside):
    """The same computation in another basis."""

    __slots__ = ()

    def other(self, primitive: Primitive, mine: Any, operands: Any, values: Any, out: Any, params: Any) -> Any:
        """The result in the other basis."""
        del out
        return bind(primitive, *(x.i if m else v for x, v, m in zip(operands, values, mine, strict=True)), **params)


def settled(x: Any) -> Any:
    """A value without what stands beside it: what leaves a transform."""
    while isinstance(x, BesideArray | BesideScalar):
        x = x.v
    return x


# ---- taking the two parts of a cotangent, through whatever traces hold it


def _no_further(*_: Any) -> Any:
    raise DerivativeError(
        "second derivatives through the vectors of eigen- or singular values that repeat are not known"
        f"{at_line()}\n  write: functions of the matrix that need no vectors (solve, det, products), or one with "
        "distinct values"
    )


def _primitive(name: str, impl: Any, jvp: Any) -> Primitive:
    """A record for these rules alone, which no trace but the ones above looks into."""

    def batch(_batched: Any, xs: Any, params: Any) -> Any:
        return record(*xs, **params)

    record = Primitive(
        name, "linear", impl, lambda x, **_: x, jvp, _no_further, batch, reads_nothing, "{0}"
    )  # fmt: skip
    return record


def _part(x: Any, *, of: Beside, beside: bool) -> Any:
    # nothing stands beside: a slope is zero, and another basis makes no difference
    return np.zeros(shape_of(x), dtype_of(x)) if beside and isinstance(of, Splitting) else x


part = _primitive("part", _part, lambda ts, _z, _xs, p: None if ts[0] is None else part(ts[0], **p))
turn = _primitive("turn", lambda v, w: turned(w, v)[0], _no_further)


class Split:
    """One decomposition whose values may be taken apart; it knows, later, whether they were."""

    __slots__ = ("slopes", "twins")

    def __init__(self) -> None:
        self.slopes: Splitting | None = None
        self.twins: Twins | None = None

    def __repr__(self) -> str:
        return "Split()"

    @property
    def apart(self) -> bool:
        """Whether some value repeats, and all do carry their slopes."""
        return self.slopes is not None

    def enter(self, w: Any, *vectors: Any) -> tuple[Any, ...]:
        """The values, with slopes where some repeat, and the vectors, with those of another basis."""
        value = bottom(w)
        if type(value) is not np.ndarray or not repeats(as_row(value)).any():
            return w, *vectors
        self.twins, self.slopes = Twins(), Splitting()  # the slopes are further out
        d = np.broadcast_to(directions(value), value.shape).copy()
        others = turned(value, *map(bottom, vectors))
        pairs = zip(vectors, others, strict=True)
        return (
            _at_bottom(w, self.slopes.tracer(value, d)),
            *(_at_bottom(v, self.twins.tracer(bottom(v), other)) for v, other in pairs),
        )

    def in_basis(self, gs: Any, other: bool) -> tuple[Any, ...]:
        """Cotangents in the first basis, or in the other one."""
        assert self.twins is not None
        return tuple(None if g is None else part(g, of=self.twins, beside=other) for g in gs)

    def rest(self, g: Any) -> Any:
        """A cotangent at ε = 0."""
        return g if self.slopes is None or g is None else part(g, of=self.slopes, beside=False)

    def over_gaps(self, x: Any, g: Any) -> Any:
        """The limit of (1/(w_j − w_i)) ∘ X where values repeat, X being what ``x`` makes of g(ε); else zero."""
        if self.slopes is None:
            return 0.0
        d = directions(g)
        gaps = d - d[:, None] + np.eye(len(d), dtype=d.dtype)
        return x(part(g, of=self.slopes, beside=True)) / gaps


def in_both(split: Split | None, gs: Any, w: Any, vectors: tuple[Any, ...], pull: Any) -> Any:
    """``pull(cotangents, *vectors)``, which must be the same whichever basis is taken."""
    if split is None or not split.apart:
        return pull(gs, *vectors)
    mine = split.in_basis(gs, False)
    first = pull(mine, *vectors)
    second = pull(split.in_basis(gs, True), *(turn(v, w) for v in vectors))
    sizes = [largest(split.rest(g)) for g in mine[1:] if g is not None]
    return checked(first, second, as_row(w), *sizes, test="same in both bases", order=0)


@condition("same in both bases")
def _same_in_both(first: Matrix, second: Matrix, row: Matrix, *sizes: Matrix) -> None:
    """Both agree, up to rounding: what depends on the basis differs by as much as there is."""
    gaps = np.abs(row - np.swapaxes(row, -1, -2))
    gaps = np.where(gaps <= noise(row) * largest(row), np.inf, gaps)
    smallest = np.minimum(np.min(gaps, axis=(-2, -1), keepdims=True), largest(row) + (largest(row) == 0))
    rounding = noise(first, row) * sum(sizes, 0.0 * smallest) / smallest
    bad = np.abs(first - second) > 100 * noise(first, row) ** 0.75 * largest(first) + rounding
    if bad.any():
        raise DerivativeError(
            "eigen- or singular values repeat, and the function depends on the choice of their vectors, or treats\n"
            f"  the values of one space differently: it has no derivative{at_line()}\n"
            "  write: a function of the whole space, such as V * f(w) @ V.T, or a matrix with distinct values"
        )


def directions(x: Any) -> Matrix:
    """Distinct numbers without a pattern, in ascending order: d."""
    k = np.arange(shape_of(x)[-1])
    d = k + 1.0 + 0.5 * np.modf(k * 0.6180339887498949)[0]
    return d.astype(dtype_of(x).char.lower())


def bottom(x: Any) -> Any:
    """What all traces hold in the end: an array, or an abstract value."""
    while isinstance(x, Tracer):
        x = x.v
    return x


def _at_bottom(x: Any, value: Any) -> Any:
    """A handle like ``x`` on another value at the bottom."""
    if not isinstance(x, Tracer) or type(x) is Constant:
        return value
    handle = fresh_handle(x)
    handle.v = _at_bottom(x.v, value)
    return handle


def wanted(a: Any) -> Split | None:
    """A Split where somebody will walk back over a decomposition of ``a``."""
    while isinstance(a, Tracer) and type(a) is not Constant:
        if hasattr(a.t, "trust"):  # a tape
            return Split()
        a = a.v
    return None


def turned(w: Matrix, *vectors: Matrix) -> tuple[Matrix, ...]:
    """Bases (in columns) turned within the space of each value that repeats, all in the same way."""
    near = repeats(as_row(w))
    if not near.any():
        return vectors
    n = w.shape[-1]
    # sorted values: a space is a run of neighbours
    joined = np.diagonal(near, offset=1, axis1=-2, axis2=-1)
    q = np.broadcast_to(np.eye(n, dtype=vectors[0].dtype), near.shape).copy()
    for at in np.ndindex(w.shape[:-1]):
        edges = [0, *(int(k) + 1 for k in np.flatnonzero(~joined[at])), n]
        for start, stop in itertools.pairwise(edges):
            if stop - start > 1:
                q[(*at, slice(start, stop), slice(start, stop))] = rotation(stop - start, q.dtype)
    return tuple(v @ q for v in vectors)


def rotation(n: int, dtype: np.dtype[Any]) -> Matrix:
    """A fixed rotation without any symmetry."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, n)) + (1j * rng.normal(size=(n, n)) if dtype.kind == "c" else 0.0)
    return np.linalg.qr(x)[0].astype(dtype)
