"""Where a computation sat on a kink: a point where its function has no derivative, and a convention stands in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.primitive import Primitive
from wengert.core.trace import Tracer, bind
from wengert.core.types import dtype_of
from wengert.errors import place_line, user_place
from wengert.transforms.inputs import enter_constants, name_of, run
from wengert.transforms.reverse import Tape
from wengert.transforms.watched import WatchedTape

__all__ = ["Kink", "Kinks", "report_kinks"]

Values = Sequence[Any]
Finder = Callable[[Values, Any, float], Any]


@dataclass(frozen=True, slots=True)
class Kink:
    """One element of one operation that is on a kink.

    ``value`` holds the operands there (of a reduction or a sort the number that occurs more than once),
    ``subgradient`` the derivative that is taken in each of them: by an extreme value each of its elements'
    share, and None by what fetches elements in their order. ``count`` is how many elements of that operation are
    on one, of which only the first few are listed.
    """

    operation: str
    place: tuple[str, int]
    index: tuple[int, ...]
    value: tuple[Any, ...]
    subgradient: tuple[float, ...] | None
    why: str
    count: int = 1

    def __str__(self) -> str:
        at = f"[{', '.join(map(str, self.index))}]" if self.index else ""
        operands = ", ".join(f"{v:.6g}" for v in self.value)
        taken = "taken in order" if self.subgradient is None else f"derivative taken: {_numbers(self.subgradient)}"
        more = f" (one of {self.count} such elements)" if self.count > 1 else ""
        return f"{self.operation}({operands}){at}: {self.why}; {taken}{more}\n  at {place_line(self.place)}"


class Kinks(list[Kink]):
    """The kinks of a run, in its order; printed, a line or two for each."""

    def __str__(self) -> str:
        return "\n".join(map(str, self)) if self else "on no kink"


def _numbers(values: Sequence[float]) -> str:
    return " and ".join(f"{v:.6g}" for v in values)


def report_kinks(f: Callable[..., Any], tol: float = 0.0, most: int = 16) -> Callable[..., Kinks]:
    """``report_kinks(f)(*args)``: where ``f``, run at these arguments, sat on a kink.

    A kink is a point where a function has no derivative, such as abs at 0, equal numbers in max or sort, sqrt at 0,
    a step at its edge, or a comparison of equal numbers (by which code branches). docs/kinks.md says which
    derivative stands in for it. Operations on values that depend on the arguments are looked at.

    Args:
        f: a function of arrays, numbers, or trees of them.
        tol: how near a kink counts as on it: at 0 only the kink itself does.
        most: how many elements are listed for each operation.

    Returns:
        a list of :class:`Kink`: operation, place (file and line), index, value, subgradient. It prints as text.

    Example:
        >>> import numpy as np
        >>> from wengert import report_kinks
        >>> found = report_kinks(lambda x: np.sum(np.abs(x)))(np.array([1.0, 0.0]))
        >>> found[0].operation, found[0].index, found[0].subgradient
        ('np.absolute', (1,), (0.0,))
    """

    @functools.wraps(f, updated=())
    def report(*args: Any, **kwargs: Any) -> Kinks:
        found = Kinks()
        tape = Tape()

        def watch(primitive: Primitive, values: list[Any], params: dict[str, Any]) -> Any:
            out = bind(primitive, *values, **params)
            found.extend(kinks_of(primitive, values, out, params, tol, most))
            return out

        tape.watch = watch
        tape.__class__ = WatchedTape  # pyright: ignore[reportAttributeAccessIssue]
        entered = pytree.map(lambda x: tape.leaf(x) if _has_derivative(x) else enter_constants(tape, x), args)
        run(tape, f, entered, {key: enter_constants(tape, x) for key, x in kwargs.items()})
        tape.close()
        return found

    report.__name__ = f"report_kinks({name_of(f)})"
    return report


def _has_derivative(x: Any) -> bool:
    return type(x) in (float, complex) or (isinstance(x, np.ndarray | np.generic) and dtype_of(x).kind in "fc")


def kinks_of(
    primitive: Primitive, values: Values, out: Any, params: dict[str, Any], tol: float, most: int
) -> Iterator[Kink]:
    """The kinks of one operation, of which only values that are known are looked at."""
    if any(isinstance(v, Tracer) for v in values):
        return
    name = NAMES.get(primitive.name) or f"np.{primitive.ufunc.__name__ if primitive.ufunc else primitive.name}"
    place = user_place()
    if primitive.name in BY_ELEMENT:
        why, finder = BY_ELEMENT[primitive.name]
        hits = np.argwhere(np.asarray(finder(values, out, tol)))
        slopes = _slopes(primitive, values, out, params) if len(hits) else []
        shown = values[1:2] if primitive.name == "searchsorted" else values
        for hit in hits[:most]:
            at = tuple(int(k) for k in hit)
            operands = tuple(np.broadcast_to(v, np.shape(out))[at].item() for v in shown)
            taken = tuple(float(np.broadcast_to(s, np.shape(out))[at].real) for s in slopes[: len(shown)])
            yield Kink(name, place, at, operands, taken, why, len(hits))
    elif primitive.name in OF_LENGTH:
        hits = np.argwhere(np.asarray(np.absolute(out) <= tol))
        for hit in hits[:most]:
            yield Kink(name, place, tuple(int(k) for k in hit), (0.0,), (0.0,), "a length at 0", len(hits))
    elif primitive.name in OF_MANY:
        yield from _ties(primitive, name, place, np.asarray(values[0]), params, tol, most)


def _slopes(primitive: Primitive, values: Values, out: Any, params: dict[str, Any]) -> list[Any]:
    """The derivative that the record itself gives, in each operand."""
    if primitive.flat:
        return [np.zeros(())] * len(values)
    found: list[Any] = []
    for k, v in enumerate(values):
        one = np.ones_like(np.broadcast_to(v, np.shape(out)), dtype=dtype_of(out))
        with np.errstate(all="ignore"):
            d = primitive.jvp([one if j == k else None for j in range(len(values))], out, values, params)
        found.append(np.zeros(()) if d is None else np.asarray(d))
    return found


# ---- extreme values and orders: numbers that occur more than once

NAMES = {
    "euclidean": "np.linalg.norm", "partition_order": "np.partition", "running_max": "np.maximum.accumulate",
    "cast_to_integer": "np.astype",
}  # fmt: skip
OF_LENGTH = frozenset({"euclidean"})
OF_MANY = {
    "max": "the largest element stands more than once", "min": "the smallest element stands more than once",
    "argmax": "the largest element stands more than once", "argmin": "the smallest element stands more than once",
    **dict.fromkeys(("argsort", "argpartition", "partition_order"), "elements are equal, and keep their order"),
    "running_max": "an element equals the largest before it",
}  # fmt: skip


def _ties(
    primitive: Primitive, name: str, place: Any, x: Any, params: dict[str, Any], tol: float, most: int
) -> Iterator[Kink]:
    axes = params.get("axes", (params.get("axis", 0),))
    rest = tuple(k for k in range(x.ndim) if k not in axes)
    lined = x.transpose(*rest, *axes).reshape(*(x.shape[k] for k in rest), -1)
    if not lined.size:
        return
    found = {"max": _extreme, "min": _extreme, "argmax": _extreme, "argmin": _extreme, "running_max": _running}
    hits = list(found.get(primitive.name, _neighbours)(primitive, lined, tol))
    for at, value, share in hits[:most]:
        yield Kink(name, place, at, value, share, OF_MANY[primitive.name], len(hits))


Found = tuple[tuple[int, ...], tuple[Any, ...], tuple[float, ...] | None]


def _places(hits: Any) -> Iterator[tuple[int, ...]]:
    return (tuple(int(k) for k in hit) for hit in np.argwhere(hits))


def _neighbours(_primitive: Primitive, lined: Any, tol: float) -> Iterator[Found]:
    """Elements that stand beside an equal one when sorted."""
    ordered = np.sort(lined, axis=-1)
    for at in _places(_near(ordered[..., 1:], ordered[..., :-1], tol)):
        yield at[:-1], (ordered[at].item(), ordered[(*at[:-1], at[-1] + 1)].item()), None


def _extreme(primitive: Primitive, lined: Any, tol: float) -> Iterator[Found]:
    """Extreme values that stand more than once."""
    extreme = (np.max if primitive.name.endswith("max") else np.min)(lined, axis=-1, keepdims=True)
    counts = np.sum(_near(lined, extreme, tol), axis=-1)
    for at in _places(counts > 1):
        yield at, (extreme[at][0].item(),), None if primitive.flat else (1 / int(counts[at]),)


def _running(_primitive: Primitive, lined: Any, tol: float) -> Iterator[Found]:
    """Elements that equal the largest before them."""
    before = np.maximum.accumulate(lined, axis=-1)[..., :-1]
    for at in _places(_near(lined[..., 1:], before, tol)):
        row, k = at[:-1], at[-1] + 1
        yield (*row, k), (lined[(*row, k)].item(),), (1 / int(np.sum(_near(lined[row][: k + 1], before[at], tol))),)


# ---- functions of each element


def _near(x: Any, y: Any, tol: float) -> Any:
    with np.errstate(invalid="ignore"):
        return (x == y) | (np.absolute(np.subtract(x, y, dtype=np.result_type(x, y, 0.0))) <= tol)


def _at(*points: float) -> Finder:
    def find(values: Values, _out: Any, tol: float) -> Any:
        hit = _near(values[0], points[0], tol)
        for p in points[1:]:
            hit = hit | _near(values[0], p, tol)
        return hit

    return find


def _both_zero(values: Values, _out: Any, tol: float) -> Any:
    return _near(values[0], 0.0, tol) & _near(values[1], 0.0, tol)


def _either_zero(values: Values, _out: Any, tol: float) -> Any:
    return _near(values[0], 0.0, tol) | _near(values[1], 0.0, tol)


def _equal(values: Values, _out: Any, tol: float) -> Any:
    return _near(values[0], values[1], tol)


def _whole(values: Values, _out: Any, tol: float) -> Any:
    return _near(values[0], np.rint(values[0]), tol)


def _half(values: Values, _out: Any, tol: float) -> Any:
    return _near(np.asarray(values[0]) - 0.5, np.rint(np.asarray(values[0]) - 0.5), tol)


def _whole_quotient(values: Values, _out: Any, tol: float) -> Any:
    with np.errstate(all="ignore"):
        q = np.divide(values[0], values[1])
    return _near(q, np.rint(q), tol)


def _steep_power(values: Values, _out: Any, tol: float) -> Any:
    y = np.asarray(values[1])
    return _near(values[0], 0.0, tol) & (y < 1) & (y != 0)


def _edge(values: Values, _out: Any, tol: float) -> Any:
    return np.any(_near(np.asarray(values[1])[..., None], values[0], tol), axis=-1)


# record -> why it has no derivative there, and where that is
BY_ELEMENT: dict[str, tuple[str, Finder]] = {
    "absolute": ("a corner at 0", _at(0.0)),
    **dict.fromkeys(("maximum", "minimum", "fmax", "fmin"), ("both are equal", _equal)),
    **dict.fromkeys(("sqrt", "cbrt"), ("an infinite slope at 0", _at(0.0))),
    **dict.fromkeys(("power", "float_power"), ("a root, or a pole, at 0", _steep_power)),
    **dict.fromkeys(("arcsin", "arccos"), ("an infinite slope at the end of its domain", _at(1.0, -1.0))),
    "arccosh": ("an infinite slope at the end of its domain", _at(1.0)),
    "hypot": ("a length at 0", _both_zero),
    "arctan2": ("an angle at the origin", _both_zero),
    "copysign": ("a change of sign", _either_zero),
    **dict.fromkeys(("sign", "heaviside"), ("a step at 0", _at(0.0))),
    **dict.fromkeys(("floor", "ceil", "trunc", "cast_to_integer"), ("a step at a whole number", _whole)),
    "rint": ("a step between whole numbers", _half),
    **dict.fromkeys(("floor_divide", "remainder", "fmod"), ("a step where the quotient is whole", _whole_quotient)),
    "searchsorted": ("a step at an edge", _edge),
    **dict.fromkeys(("greater", "greater_equal", "less", "less_equal"), ("equal numbers decide a branch", _equal)),
}
