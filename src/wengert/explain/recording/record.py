"""A trace that writes down what it sees: Wengert's list, with every value, operand and line kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.primitive import Primitive, reads_nothing
from wengert.core.trace import ArrayTracer, Constant, Trace, Tracer, bind, constant_in, fresh_level, leaked
from wengert.core.types import dtype_of, is_array
from wengert.errors import UnsupportedError, at_line
from wengert.explain.recording.owners import Owners
from wengert.explain.recording.scopes import Place, Scope, Stack
from wengert.transforms.inputs import enter_constants

__all__ = ["Entry", "Limits", "Recording"]


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One entry of the list: an input (no primitive), or an operation with the values that it read.

    ``sources`` holds for each operand the number of the entry that it comes from, or −1 for a constant;
    ``place`` is the user's file and line, ``scopes`` say what it stands in. ``labels`` are the names of operands that
    are arguments held constant.
    """

    out: Any
    primitive: Primitive | None = None
    operands: tuple[Any, ...] = ()
    sources: tuple[int, ...] = ()
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    place: Place = ("", 0)
    scopes: tuple[Scope, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def is_flat(self) -> bool:
        """Whether the derivative is zero with respect to all that is followed."""
        assert self.primitive is not None
        return self.primitive.flat or not self.primitive.kept(tuple([i >= 0 for i in self.sources]))


# One output of an operation that has several: an entry of its own, which hands its gradient over.
PART = Primitive(
    name="output",
    family="linear",
    impl=lambda outs, *, k: outs[k],
    infer=lambda avals, *, k: avals[k],
    jvp=lambda tangents, _z, _operands, params: tangents[0] and tangents[0][params["k"]],
    vjp=lambda g, _z, operands, _wanted, params: (
        tuple(g if j == params["k"] else None for j in range(len(operands[0]))),
    ),
    batch=lambda _batched, operands, params: operands[0][params["k"]],
    reads=reads_nothing,
    tex="{0}",
)


class RecordedScalar(Tracer):
    """A number ``v`` that entry ``i`` made, or that is a constant where ``i`` is −1."""

    __slots__ = ()


class RecordedArray(ArrayTracer):
    """An array ``v`` that entry ``i`` made, or that is a constant where ``i`` is −1."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is recorded at most: steps, bytes of their values, and turns of one of the library's own loops."""

    steps: int
    memory: int
    turns: int

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("memory", 1), ("turns", 0)):
            value = getattr(self, name)
            if not isinstance(value, int | float | np.integer) or not value >= least:
                raise UnsupportedError(
                    f"explain(f, {name}={value!r}): the limit is a number, {least} or more{at_line()}\n"
                    f"  write: explain(f) for the usual one"
                )

    def reached(self, steps: int, used: int) -> UnsupportedError:
        """The error that ends a recording."""
        if steps > self.steps:
            what, remedy = f"over {self.steps:,} steps".replace(",", " "), f"steps={10 * self.steps}"
        else:
            what, remedy = f"{used / 1e9:.1f} GB of values", f"memory={4 * self.memory}"
        return UnsupportedError(
            f"explain stops here: the function has made {what}, and every one is kept{at_line()}\n"
            f"  write: explain it with fewer turns or samples, or explain(f, {remedy}) if that is what you want to see"
        )


class Recording(Trace):
    """The trace of :func:`wengert.explain`."""

    __slots__ = (
        "around",
        "constants",
        "copies",
        "entries",
        "failed",
        "flat",
        "inputs",
        "level",
        "limits",
        "masks",
        "open",
        "owners",
        "stack",
        "used",
    )
    scalar, array = RecordedScalar, RecordedArray

    def __init__(self, f: Callable[..., Any], limits: Limits) -> None:
        self.level = fresh_level()
        self.entries: list[Entry] = []
        self.inputs: list[str] = []  # the names of the first entries
        self.owners = Owners(self.input_of)
        self.stack = Stack(f, self.owners, self.index_of, lambda: len(self.entries), limits.turns)
        self.limits, self.used = limits, 0
        # the operation that raised, with what it read
        self.failed: tuple[Exception, Entry] | None = None
        self.constants: dict[int, tuple[Any, str]] = {}
        self.copies: dict[int, Any] = {}
        # arrays without a derivative leave the trace; by identity their entries are found again
        self.masks: dict[int, tuple[Any, int]] = {}
        self.flat: tuple[Primitive, Place] | None = None
        self.open = True

    def tracer(self, value: Any, index: int) -> Any:
        """A tracer of the value of an entry."""
        cls = RecordedArray if is_array(value) else RecordedScalar
        z = cls.__new__(cls)
        z.v, z.t, z.i, z.born = value, self, index, fresh_level()
        return z

    def lift(self, value: Any) -> Any:
        """A tracer of a constant that traced values may be written into."""
        return self.tracer(value.copy(), -1)

    def index_of(self, x: Any) -> int:
        """The number of the entry that a value is, whatever transforms it is in; −1 for anything else."""
        while isinstance(x, Tracer):
            if x.t is self and type(x) is not Constant:
                return x.i
            x = x.v
        known = self.masks.get(id(x)) if type(x) is np.ndarray else None
        return known[1] if known is not None else -1

    def input_of(self, x: Any) -> str:
        """The name of the input that a value is."""
        n = self.index_of(x)
        return self.inputs[n] if 0 <= n < len(self.inputs) else ""

    def follows(self, n: int) -> bool:
        """Whether a derivative may reach an entry."""
        return n < len(self.inputs) if self.entries[n].primitive is None else not self.entries[n].is_flat

    def value_of(self, x: Any) -> Any:
        """A result as a plain value, which nobody will overwrite."""
        if isinstance(x, Tracer) and (type(x) is Constant or x.t is self):
            x = x.v
        return x.copy() if type(x) is np.ndarray and x.flags.writeable else x

    def input(self, value: Any, name: str) -> Any:
        """A tracer of an input; its owner may write to it later, so it is copied."""
        self.inputs.append(name)
        return self.tracer(value, self.note(Entry(value.copy() if is_array(value) else value)))

    def note(self, entry: Entry) -> int:
        """Append an entry and give its number; there is a limit to how many, and to their memory."""
        self.entries.append(entry)
        if isinstance(entry.out, np.ndarray):
            self.used += entry.out.nbytes
        if len(self.entries) > self.limits.steps or self.used > self.limits.memory:
            raise self.limits.reached(len(self.entries), self.used)
        return len(self.entries) - 1

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Compute on plain values, and note what was read and given."""
        if not self.open:
            raise leaked("the explain")
        labels = tuple([self.label(x) for x in operands]) if self.constants else ()
        read = [self.read(x) for x in operands]
        values, sources = tuple(v for v, _ in read), tuple(i for _, i in read)
        try:
            out = bind(primitive, *values, **params)
        except Exception as error:
            self.failed = error, Entry(None, primitive, values, sources, params, *self.stack.look())
            raise
        if all(i < 0 for i in sources):
            return out if primitive.multiple or not is_array(out) else self.tracer(out, -1)
        place, scopes = self.stack.look()
        n = self.note(Entry(out, primitive, values, sources, params, place, scopes, labels if any(labels) else ()))
        if not primitive.multiple:
            return self.leave(out, n)
        parts = [Entry(o, PART, (out,), (n,), {"k": k}, place, scopes) for k, o in enumerate(out)]
        return tuple(self.leave(part.out, self.note(part)) for part in parts)

    def constant(self, tree: Any, name: str) -> Any:
        """An argument that is held constant: its arrays are known by name, and copied once when they are read."""
        entered = enter_constants(self, tree)
        for path, x in pytree.flatten_with_paths(entered):
            if type(x) is Constant:
                self.constants[id(x.v)] = x.v, name + path
        return entered

    def label(self, x: Any) -> str:
        """The name of an operand that is an argument held constant."""
        known = self.constants.get(id(x.v)) if type(x) is Constant else None
        return "" if known is None else known[1]

    def read(self, x: Any) -> tuple[Any, int]:
        """An operand's value, which nobody will overwrite, and the number of its entry."""
        if isinstance(x, Tracer):
            if type(x) is not Constant:
                if x.t is not self:
                    raise leaked("the explain")
                return x.v, x.i
            x = x.v
        if type(x) is np.ndarray:
            known = self.masks.get(id(x))
            if known is not None:
                return known
            if id(x) in self.constants:
                if id(x) not in self.copies:
                    self.copies[id(x)] = x.copy()
                return self.copies[id(x)], -1
            if x.flags.writeable or x.base is not None:
                x = x.copy()
                self.used += x.nbytes
        return x, -1

    def leave(self, out: Any, n: int) -> Any:
        """What the function gets of entry ``n``: a tracer, or where no derivative passes the plain value."""
        primitive = self.entries[n].primitive
        assert primitive is not None
        if dtype_of(out).kind in "fc" and not self.entries[n].is_flat:
            return self.tracer(out, n)
        if primitive.name != "stop_gradient":
            self.flat = self.flat or (primitive, self.entries[n].place)
        if type(out) is not np.ndarray:
            return out
        mask = out.view()
        mask.flags.writeable = False  # a write takes a copy, and the identity of this array stays true
        self.masks[id(mask)] = mask, n
        return constant_in(self, mask)
