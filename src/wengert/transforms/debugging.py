"""Where the first NaN or infinity comes from.

While :func:`debug` is on, the transforms that are opened are of classes of their own, which look at the operands
and results of each operation, forward and backward. Nothing else is ever asked whether debugging is on: when it is
off, these classes are not there.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.core.trace import Constant, Tracer
from wengert.core.types import Aval, dtype_of, shape_of
from wengert.errors import NonFiniteError, place_line, user_place
from wengert.transforms import gradients
from wengert.transforms.batch import Batch
from wengert.transforms.careful import carefully
from wengert.transforms.forward import Forward
from wengert.transforms.reverse import Cotangents, Tape, back, back_several, take_general_path

__all__ = ["debug"]

Place = tuple[str, int]
_on: ContextVar[bool] = ContextVar("wengert_debug", default=False)
# the user's line whose operation is being computed or walked back over: operations of its rules are not the user's
_walking: ContextVar[Place | None] = ContextVar("wengert_walking", default=None)
_lock = threading.Lock()
_count = 0


@contextlib.contextmanager
def debug() -> Generator[None]:
    """Inside ``with wengert.debug():`` the first operation that makes a NaN or infinity raises.

    An operation is at fault if its operands (and, on the way back, the cotangent that reached it) are finite and
    what it gives is not. The error names the operation, the element, its operands there, and your line, on the
    way back as well. Reverse and forward mode, vmap and any nesting of them are looked at; operations on plain
    arrays alone are not. Branches that ``np.where`` does not take count: mask the operand, not only the result.
    Everything runs more slowly inside, and nothing does outside.

    Raises:
        NonFiniteError: a FloatingPointError, at the first such operation.

    Example:
        >>> import numpy as np
        >>> import wengert
        >>> try:
        ...     with np.errstate(divide="ignore"), wengert.debug():
        ...         wengert.grad(lambda x: np.sum(np.sqrt(x)))(np.array([1.0, 0.0]))
        ... except FloatingPointError as error:
        ...     print(str(error).splitlines()[0])
        on the way back, np.sqrt makes inf out of finite numbers
    """
    global _count
    with _lock:
        if not _count:
            _exchange(SUBSTITUTES)
        _count += 1
    token = _on.set(True)
    try:
        yield
    finally:
        _on.reset(token)
        with _lock:
            _count -= 1
            if not _count:
                _exchange(ORIGINALS)


# ---- traces that look


class DebugTape(Tape):
    """A tape whose operations and steps back are looked at."""

    __slots__ = ()
    forgets = False

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        n = len(self)
        out, place = looked_at(super().process, primitive, operands, params)
        if len(self) > n and self[n][0] in STEPS:
            values = [x.v if isinstance(x, Tracer) and x.t is self else x for x in operands]
            self[n] = (STEPS[self[n][0]], *self[n][1:], place, values)
        return out

    def seen(self, z: Any) -> Any:
        """Past the fast paths, always."""
        take_general_path(z)
        return z


class DebugForward(Forward):
    """Forward mode, looked at."""

    __slots__ = ()

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        return looked_at(super().process, primitive, operands, params)[0]


class DebugBatch(Batch):
    """A vmap, looked at."""

    __slots__ = ()

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        return looked_at(super().process, primitive, operands, params)[0]


def looked_at(process: Any, primitive: Primitive, operands: tuple[Any, ...], params: Any) -> tuple[Any, Place]:
    """An operation's result, and the user's line; the innermost trace looks at values and tangents of all levels."""
    within = _walking.get()
    place = within or user_place()
    token = _walking.set(place)
    try:
        out = process(primitive, operands, params)
    finally:
        _walking.reset(token)
    if within is None:
        examine(primitive, operands, out, place)
    return out, place


def step_back(ct: Cotangents, g: Any, entry: Any) -> None:
    """The general backward step, looked at."""
    _, at, out, kept, wanted, primitive, params, place, operands = entry
    token = _walking.set(place)
    try:
        ds = primitive.vjp(g, out, kept, wanted, params)
    finally:
        _walking.reset(token)
    cotangents = [c for c in (g if primitive.multiple else (g,)) if c is not None]
    for i, d in zip(at, ds, strict=True):
        if d is None or i < 0:
            continue
        if not finite(d) and all(map(finite, (*cotangents, *operands))):
            raise fault(primitive, d, [*zip(_names("cotangent", cotangents), cotangents, strict=True),
                                       *zip(_names("operand", operands), operands, strict=True)],
                        place, "on the way back, ")  # fmt: skip
        c = ct[i]
        ct[i] = total = d if c is None else c + d
        if c is not None and not finite(total) and finite(c) and finite(d):
            named = [("cotangent", c), ("another that is added", d)]
            raise fault(primitive, total, named, place, "on the way back, the operand of ")


def step_back_several(ct: Cotangents, gs: Any, entry: Any) -> None:
    """The same with several outputs."""
    step_back(ct, tuple(gs), entry)


STEPS: dict[Any, Callable[..., None]] = {back: step_back, back_several: step_back_several}


# ---- looking


def examine(primitive: Primitive, operands: Sequence[Any], out: Any, place: Place) -> None:
    """Raise if an operation made something that is not finite out of finite operands."""
    for o in out if primitive.multiple else (out,):
        if not finite(o) and all(map(finite, operands)):
            named = list(zip(_names("operand", operands), operands, strict=True))
            primal = next(iter(parts(o)), None)
            tangent = isinstance(o, Tracer) and (primal is None or bool(np.isfinite(primal).all()))
            way = "on the way forward, the tangent of " if tangent else "on the way forward, "
            raise fault(primitive, o, named, place, way)


def parts(x: Any) -> Iterator[Any]:
    """The plain numbers in a value: itself, or behind all levels its value and its tangents."""
    tangents: list[Any] = []
    while isinstance(x, Tracer):
        if isinstance(x.t, Forward) and type(x) is not Constant and x.i is not None:
            tangents.append(x.i)
        x = x.v
    if type(x) is not Aval and dtype_of(x).kind in "fc":
        yield x
    for t in tangents:
        yield from parts(t)


def finite(x: Any) -> bool:
    """Whether no number in a value is NaN or infinite."""
    return all(bool(np.isfinite(p).all()) for p in parts(x))


# ---- telling

HINTS = {
    "log": "np.log(np.maximum(x, tiny)), or np.log(np.where(x > 0, x, 1.0)) inside np.where(x > 0, ..., other)",
    "sqrt": "np.sqrt(np.where(x > 0, x, 1.0)) inside np.where(x > 0, ..., 0.0): the slope at 0 is infinite",
    "divide": "x / np.where(y == 0, 1.0, y) inside np.where(y == 0, other, ...)",
    "exp": "subtract the largest exponent first: np.exp(x - np.max(x))",
    "power": "np.where(x > 0, x, 1.0) ** y inside np.where(x > 0, ..., other)",
}
HINTS.update(dict.fromkeys(("log2", "log10", "log1p"), HINTS["log"]))
_GENERAL = "what keeps the operands where the operation and its slope are finite, or np.where around the operand"


def fault(primitive: Primitive, made: Any, named: Iterable[tuple[str, Any]], place: Place, way: str) -> NonFiniteError:
    """The error for an operation that made ``made`` out of finite operands."""
    array = np.asarray(next(p for p in parts(made) if not np.isfinite(p).all()))
    index = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
    where = f"  at element {index} of shape {array.shape}: " if array.shape else "  with "
    told = ", ".join(f"{name} {_at(x, index, array.shape)}" for name, x in named)
    called = primitive.ufunc.__name__ if primitive.ufunc is not None else primitive.name
    line = place_line(place)
    return NonFiniteError(
        f"{way}np.{called} makes {array[index]} out of finite numbers\n{where}{told}"
        + (f"\n  at {line}" if line else "")
        + f"\n  write: {HINTS.get(primitive.name, _GENERAL)}"
    )


def _at(x: Any, index: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """An operand at the element in question, or its shape where it is not operated on by element."""
    value = next(iter(parts(x)), None)
    if value is None:
        return str(x) if not shape_of(x) else f"of shape {shape_of(x)}"
    if np.shape(value) == shape or not np.shape(value):
        return f"{np.asarray(value)[index if np.shape(value) else ()]}"
    try:
        return f"{np.broadcast_to(value, shape)[index]}"
    except ValueError:
        return f"of shape {np.shape(value)}"


def _names(noun: str, values: Sequence[Any]) -> list[str]:
    return [noun] if len(values) == 1 else [f"{noun} {k}" for k in range(len(values))]


# ---- installation


def _opening(cls: type, debugged: type) -> Callable[..., None]:
    original = cls.__init__

    def __init__(self: Any, *args: Any) -> None:  # noqa: N807 - it stands in for one
        original(self, *args)
        if _on.get():
            self.__class__ = debugged

    return __init__


def _cotangents_of(entries: list[Any], outputs: list[tuple[int, Any]], leaves: Sequence[int]) -> list[Any]:
    walk = carefully if _on.get() else ORIGINALS[gradients, "cotangents_of"]
    return walk(entries, outputs, leaves)


# what is put in place while debugging is on in some thread: it looks where it is on in its own
SUBSTITUTES: dict[tuple[Any, str], Any] = {
    (Tape, "__init__"): _opening(Tape, DebugTape),
    (Forward, "__init__"): _opening(Forward, DebugForward),
    (Batch, "__init__"): _opening(Batch, DebugBatch),
    (gradients, "cotangents_of"): _cotangents_of,
}
ORIGINALS: dict[tuple[Any, str], Any] = {(owner, name): getattr(owner, name) for owner, name in SUBSTITUTES}


def _exchange(table: dict[tuple[Any, str], Any]) -> None:
    for (owner, name), value in table.items():
        setattr(owner, name, value)
