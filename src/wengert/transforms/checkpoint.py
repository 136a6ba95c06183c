"""Rematerialisation: what a function computed is forgotten, and computed again when the walk back comes by.

The entries that the function appended to the tape are taken off, and one entry stands for them, which knows
how to call the function again. When the walk reaches it, the tape is opened once more *behind its end*: no
index is ever given twice, so a value that left the function by another way than its return is found out.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.primitive import Primitive
from wengert.core.trace import ArrayTracer, Constant, Trace, Tracer, bind, current, fresh_handle, set_class, tracing
from wengert.core.types import Aval, aval_of
from wengert.errors import DerivativeError, LeakError, at_line, place_line, user_place
from wengert.transforms.batch import Batch
from wengert.transforms.forward import Forward
from wengert.transforms.inputs import name_of
from wengert.transforms.reverse import ClosedTape, Tape, hand_over, kind_of, take_general_path
from wengert.transforms.same import same
from wengert.transforms.watched import WatchedTape

__all__ = ["checkpoint"]

Policy = Callable[[str, Aval], bool]
POLICIES: dict[str, Policy] = {
    "nothing": lambda _name, _aval: False,
    "products": lambda name, _aval: name in ("matmul", "einsum"),
}
_lock = threading.RLock()
# What calls a checkpointed function while something is staged.
STAGED: list[Callable[..., Any]] = []


def checkpoint(f: Callable[..., Any], policy: str | Policy = "nothing") -> Callable[..., Any]:
    """``f``, whose intermediate values reverse mode does not keep but computes again on its way back.

    With n steps of which every √n-th begins a checkpointed function, the memory of a derivative falls from n
    to 2√n values, and its time grows by one more run of ``f``. Values and derivatives are those of ``f``.
    ``f`` may close over traced values (weights), and checkpointed functions may nest. Without reverse mode,
    and at levels further out than the innermost gradient, nothing is different from calling ``f``. Under ``jit`` and
    in the bodies of ``wengert.control`` it is one operation, whose way back computes again.

    Args:
        f: any function; it runs twice, so it must give the same again. Its results are compared.
        policy: what to keep all the same: ``"nothing"``, ``"products"`` (the results of matrix products and
            einsum), or a function of an operation's name and its output's abstract value (with ``shape`` and
            ``dtype``) that gives True for what is kept.

    Raises:
        DerivativeError: on the way back, if ``f`` gave something else when it ran again.
        LeakError: on the way back, if a value left ``f`` by another way than its return.

    Source: Griewank 1992, "Achieving logarithmic growth of temporal and spatial complexity in reverse
    automatic differentiation", Optimization Methods and Software 1; Chen et al. 2016, arXiv:1604.06174.

    Example:
        >>> import numpy as np
        >>> from wengert import checkpoint, grad
        >>> step = checkpoint(lambda x: np.sin(np.exp(x)))
        >>> grad(lambda x: step(step(x)))(0.0) == grad(lambda x: np.sin(np.exp(np.sin(np.exp(x)))))(0.0)
        True
    """
    if isinstance(policy, str) and policy not in POLICIES:
        raise ValueError(
            f"checkpoint: policy={policy!r}{at_line()}\n  write: one of {', '.join(map(repr, POLICIES))}, or a "
            "function of an operation's name and its output's abstract value"
        )
    keeps = POLICIES[policy] if isinstance(policy, str) else policy

    @functools.wraps(f, updated=())
    def checkpointed(*args: Any, **kwargs: Any) -> Any:
        if _is_staged((args, kwargs)):
            return STAGED[0](f, keeps, args, kwargs)
        tape = _innermost_tape((args, kwargs))
        return f(*args, **kwargs) if tape is None else Segment(f, keeps, tape).first(args, kwargs)

    return checkpointed


def _is_staged(tree: Any) -> bool:
    """Whether operations on these values end up in a Program, which must know what it is not to keep."""
    here = current()
    return bool(here is not None and here.captures) or any(t.captures for x in pytree.leaves(tree) for t in _traces(x))


def _innermost_tape(tree: Any) -> Tape | None:
    """The reverse trace that keeps what is computed from these values.

    None where a trace further in writes things down in its own way (staging): what it wrote would name
    values that the tape has forgotten.
    """
    here = current()
    traces = [t for x in pytree.leaves(tree) for t in _traces(x)] + ([] if here is None else [here])
    recording = [t for t in traces if not isinstance(t, Forward | Batch)]
    innermost = max(recording, key=lambda t: t.level, default=None)
    return innermost if isinstance(innermost, Tape) and innermost.forgets else None


def _traces(x: Any) -> list[Trace]:
    """The traces of a value, from the one furthest in outwards."""
    if not isinstance(x, Tracer) or type(x) is Constant:
        return []
    return [x.t, *_traces(x.v), *_traces(x.i)]


def _ends(x: Any, tape: Tape, first: int) -> list[Tracer]:
    """The tracers of a tape in a result, and the arrays they are views of, as far as they are new."""
    if not isinstance(x, Tracer) or type(x) is Constant:
        return []
    if x.t is not tape:
        return [*_ends(x.v, tape, first), *_ends(x.i, tape, first)]
    root = getattr(x, "root", None)
    found = [x] if x.i >= first else []
    return found if root is None else [*found, *_ends(root, tape, first)]


class Segment:
    """One call of a checkpointed function, and how to make it again."""

    __slots__ = ("args", "count", "f", "keeps", "place", "saved", "seen", "tape", "trace")

    def __init__(self, f: Callable[..., Any], keeps: Policy, tape: Tape) -> None:
        self.f, self.keeps, self.tape = f, keeps, tape
        self.trace = current()
        self.place = user_place()
        self.saved: dict[int, tuple[Primitive, Any]] = {}
        self.count = 0
        self.args: Any = None
        self.seen: list[Any] = []

    def first(self, args: Any, kwargs: Any) -> Any:
        """Call the function, and put one entry in the place of all that it appended."""
        tape, n = self.tape, len(self.tape)
        self.args = pytree.map(self.snapshot, (args, kwargs))
        with watched(tape, self.save, (args, kwargs)) if self.keeps is not POLICIES["nothing"] else nullcontext():
            out = self.f(*args, **kwargs)
        ends = self.ends(out, n)
        tape[n:] = [_FORGOTTEN] * (len(tape) - n)
        n = len(tape)
        tape.append((back_segment, self, n))
        for k, z in enumerate(ends):
            self.seen.append(z.v)
            z.i = len(tape)
            tape.append((hand_over, n, k, len(ends)))
        return out

    def ends(self, out: Any, first: int) -> list[Tracer]:
        """The tape's tracers in a result, each once, in an order that a second run repeats."""
        found = [z for x in _leaves(out) for z in _ends(x, self.tape, first)]
        unique = list({id(z): z for z in found}.values())
        for z in unique:  # also a run under a policy gives tracers like any others
            set_class(z, kind_of(z.v))
        return unique

    def snapshot(self, x: Any) -> Any:
        """An argument as it is now: its handle may be rebound, its array overwritten."""
        if isinstance(x, ArrayTracer):
            return fresh_handle(x)
        return self.tape.safe(x) if type(x) is np.ndarray else x

    def again(self) -> tuple[int, list[Any], list[Tracer]]:
        """Call the function a second time, on the tape opened behind its end: its entries and its results."""
        tape = self.tape
        first = tape.end
        args, kwargs = pytree.map(lambda x: fresh_handle(x) if isinstance(x, ArrayTracer) else x, self.args)
        traces = [t for x in pytree.leaves((args, kwargs)) for t in _traces(x)]
        self.count = 0
        with opened([self.trace, *traces]), reopened(tape):
            with watched(tape, self.replay, (args, kwargs)) if self.saved else nullcontext():
                out = self.run(args, kwargs)
            ends = self.ends(out, first)
            entries = tape[first:]
        tape.end = first + len(entries)
        self.compare(ends)
        return first, entries, ends

    def run(self, args: Any, kwargs: Any) -> Any:
        if self.trace is None:
            return self.f(*args, **kwargs)
        with tracing(self.trace):
            return self.f(*args, **kwargs)

    def save(self, primitive: Primitive, values: list[Any], params: dict[str, Any]) -> Any:
        """An operation of the first run: its result is kept where the policy says so."""
        out = bind(primitive, *values, **params)
        if self.keeps(primitive.name, aval_of(out[0] if primitive.multiple else out)):
            self.saved[self.count] = (primitive, out)
        self.count += 1
        return out

    def replay(self, primitive: Primitive, values: list[Any], params: dict[str, Any]) -> Any:
        """An operation of a later run: what was kept is not computed again."""
        known = self.saved.get(self.count)
        self.count += 1
        if known is None:
            return bind(primitive, *values, **params)
        if known[0] is not primitive:
            raise self.differs()
        return known[1]

    def compare(self, ends: list[Tracer]) -> None:
        """The second run's results must be those of the first, or the derivative would be another function's."""
        if len(ends) == len(self.seen) and all(same(z.v, v) for z, v in zip(ends, self.seen, strict=True)):
            return
        raise self.differs()

    def differs(self) -> DerivativeError:
        """The error for a function that does not repeat itself."""
        return DerivativeError(
            f"checkpoint({name_of(self.f)}): the function gave something else when it ran again for its derivative\n"
            f"  called at {place_line(self.place)}\n"
            "  it draws random numbers, counts its calls, or reads an array that was overwritten in between\n"
            "  write: what changes as an argument of the function (keys of wengert.random for random numbers)"
        )


def _leaves(out: Any) -> list[Any]:
    return [out] if isinstance(out, Tracer) else pytree.leaves(out)


# ---- the walk back


def _forgotten(_ct: Any, _g: Any, _entry: Any) -> None:
    raise LeakError(
        "a value made inside a checkpointed function is used outside of it, where it has been forgotten\n"
        "  it was stored in a list, an attribute or an array that the function did not make\n"
        "  write: return it from the checkpointed function"
    )


_FORGOTTEN = (_forgotten,)


class SegmentCotangents:
    """Cotangents while a segment is walked: its own indices are here, those before it are the outer walk's."""

    __slots__ = ("first", "inner", "outer", "own", "position")

    def __init__(self, outer: Any, position: int, first: int, size: int) -> None:
        self.outer, self.position, self.first = outer, position, first
        self.inner: list[Any] = [None] * size
        self.own: set[int] = outer.own

    def __getitem__(self, i: int) -> Any:
        if i >= self.first:
            return self.inner[i - self.first]
        if i >= self.position:
            _forgotten(None, None, None)
        return self.outer[i]

    def __setitem__(self, i: int, d: Any) -> None:
        if i >= self.first:
            self.inner[i - self.first] = d
        else:
            self.outer[i] = d


def back_segment(ct: Any, g: Any, entry: Any) -> None:
    """Run the segment again, and walk back over what that appends."""
    segment: Segment = entry[1]
    with _lock:
        first, entries, ends = segment.again()
    inner = SegmentCotangents(ct, entry[2], first, len(entries))
    for z, d in zip(ends, g, strict=True):
        if d is not None:
            have = inner[z.i]
            inner[z.i] = d if have is None else have + d
    while entries:
        step = entries.pop()
        n = len(entries)
        d = inner.inner[n]
        if d is not None and step[0] is not None:
            inner.inner[n] = None
            step[0](inner, d, step)


class reopened:
    """A closed tape, open again behind its end."""

    __slots__ = ("tape",)

    def __init__(self, tape: Tape) -> None:
        self.tape = tape

    def __enter__(self) -> None:
        self.tape.__class__ = Tape  # pyright: ignore[reportAttributeAccessIssue]
        self.tape.extend([None] * self.tape.end)

    def __exit__(self, *_: object) -> None:
        self.tape.clear()
        self.tape.copies = {}
        self.tape.__class__ = ClosedTape  # pyright: ignore[reportAttributeAccessIssue]


class watched:
    """A tape on which each operation goes through ``watch``, and no value past it by a fast path."""

    __slots__ = ("inputs", "tape", "watch")

    def __init__(self, tape: Tape, watch: Any, inputs: Any) -> None:
        self.tape, self.watch = tape, watch
        self.inputs = [z for x in pytree.leaves(inputs) for z in _ends(x, tape, 0)]

    def __enter__(self) -> None:
        self.tape.watch = self.watch
        self.tape.__class__ = WatchedTape  # pyright: ignore[reportAttributeAccessIssue]
        for z in self.inputs:
            take_general_path(z)

    def __exit__(self, *_: object) -> None:
        self.tape.watch = None
        self.tape.__class__ = Tape  # pyright: ignore[reportAttributeAccessIssue]
        for z in self.inputs:
            set_class(z, kind_of(z.v))


class opened:
    """Other traces that the segment's values came through, open again."""

    __slots__ = ("closed",)

    def __init__(self, traces: list[Any]) -> None:
        unique = {id(t): t for t in traces if getattr(t, "open", True) is False}
        self.closed = list(unique.values())

    def __enter__(self) -> None:
        for t in self.closed:
            t.open = True

    def __exit__(self, *_: object) -> None:
        for t in self.closed:
            t.open = False
