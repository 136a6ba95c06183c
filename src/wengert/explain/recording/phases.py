"""What transforms inside an explained function are doing when an operation is recorded.

``explain(grad(f))`` sees the operations of f, and then those of the walk back over them; ``explain(vmap(f))`` sees each
operation of f once, on a stack of values. Which it is can be read off the frames of the library's own on the stack: the
walk of reverse mode knows which entry of its tape it is at, and forward mode which value it makes a tangent of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any, Literal

from wengert.core.trace import current
from wengert.transforms.batch import Batch
from wengert.transforms.forward import Forward
from wengert.transforms.gradients import value_and_grad, vjp
from wengert.transforms.reverse import ClosedTape, Cotangents, Tape, walk

__all__ = ["Mark", "Phase", "Phases"]

Phase = Literal["forward", "backward", "tangent"]


@dataclass(slots=True)
class Mark:
    """What an entry is to the transforms around it.

    ``of`` is the entry whose gradient or tangent it is, or −1; ``order`` counts walks back, from 1; ``batch`` holds the
    sizes of the axes that stand in front of its own.
    """

    phase: Phase = "forward"
    of: int = -1
    order: int = 0
    batch: tuple[int, ...] = ()


@dataclass(slots=True)
class Walk:
    """A walk back: over which tape, since which entry, and what gradient it had at each place."""

    cotangents: Any
    tape: Tape | None
    leaves: dict[int, int]
    since: int
    order: int
    seen: dict[int, int] = field(default_factory=dict[int, int])


class Phases:
    """The marks of entries, by number."""

    def __init__(self, index_of: Callable[[Any], int]) -> None:
        self.index_of = index_of
        self.marks: dict[int, Mark] = {}
        self.walks: dict[int, Walk] = {}
        self.tapes: dict[int, Tape] = {}
        self.taped: dict[tuple[int, int], int] = {}  # (tape, place on it) -> entry
        self.duals: dict[int, tuple[FrameType, Any, int]] = {}
        self.doors: dict[int, FrameType] = {}
        self.count = 0

    def begin(self, count: int) -> None:
        """An operation is about to become entry ``count``."""
        self.count = count
        here = current()
        if isinstance(here, Tape):
            self.tapes[id(here)] = here
        for key, tape in self.tapes.items():
            if type(tape) is not ClosedTape:  # whoever appends to a tape does it right after the operation
                self.taped[key, len(tape)] = count

    def pass_by(self, frame: FrameType) -> None:
        """A frame of the library's, from the inside outwards."""
        look = _LOOKS.get(id(frame.f_code))
        if look is not None:
            look(self, frame)

    def mark(self) -> Mark:
        """The mark of the entry that is being made."""
        return self.marks.setdefault(self.count, Mark())

    def at_walk(self, frame: FrameType) -> None:
        """A walk back, at place ``n`` with gradient ``g``."""
        names = frame.f_locals
        ct = names["ct"]
        known = self.walks.get(id(ct))
        if known is None or known.cotangents is not ct:
            tape, leaves = self.door(frame, len(names["entries"]))
            orders = [w.order for w in self.walks.values() if w.since <= self.count and w.tape is not tape]
            known = self.walks[id(ct)] = Walk(ct, tape, leaves, self.count, 1 + max(orders, default=0))
            self.watch(known, names["n"], names["g"])
        mark = self.mark()
        if mark.phase == "forward":
            mark.phase, mark.order = "backward", known.order

    def watch(self, walk: Walk, place: int, g: Any) -> None:
        """Note each gradient of a walk when it is complete: that is when it is taken out."""
        walk.seen[place] = self.index_of(g)

        def taken(ct: Any, n: int, value: Any) -> None:
            if value is None:
                walk.seen[n] = self.index_of(ct[n])
            list.__setitem__(ct, n, value)

        walk.cotangents.__class__ = type("Watched", (Cotangents,), {"__slots__": (), "__setitem__": taken})

    def door(self, frame: FrameType, length: int) -> tuple[Tape | None, dict[int, int]]:
        """The tape that is walked, and which entries its leaves are, as the function that asked for it knows them."""
        at: FrameType | None = frame
        for _ in range(5):
            at = at.f_back if at is not None else None
            if at is None or id(at.f_code) not in _DOORS:
                continue
            names = at.f_locals
            places, values = _DOORS.get(id(at.f_code), ("", ""))
            places, values = names.get(places), names.get(values)
            if places is not None and values is not None:
                leaves = {i: self.index_of(x) for i, x in zip(places, values, strict=False)}
                tape = names.get("tape")
                return (tape if isinstance(tape, Tape) else self.tape_of(length)), leaves
        return self.tape_of(length), {}

    def tape_of(self, length: int) -> Tape | None:
        """The one closed tape of this length, if there is just one."""
        found = [tape for tape in self.tapes.values() if type(tape) is ClosedTape and tape.end == length]
        return found[0] if len(found) == 1 else None

    def at_dual(self, frame: FrameType) -> None:
        """Forward mode, which computes the value first and then the tangent."""
        out = frame.f_locals.get("out")
        if out is not None:
            self.duals[id(frame)] = frame, out, self.count
            mark = self.mark()
            if mark.phase == "forward":
                mark.phase = "tangent"

    def at_batch(self, frame: FrameType) -> None:
        """An operation on stacks of values."""
        names = frame.f_locals
        if any(names.get("batched") or ()):
            mark = self.mark()
            mark.batch = (*mark.batch, names["self"].size)

    def at_door(self, frame: FrameType) -> None:
        """A gradient that is under way: its tape is one to follow."""
        if self.doors.get(id(frame)) is not frame:
            self.doors[id(frame)] = frame
            tape = frame.f_locals.get("tape")
            if isinstance(tape, Tape) and type(tape) is not ClosedTape:
                self.tapes[id(tape)] = tape
                self.taped[id(tape), len(tape)] = self.count

    def finish(self) -> dict[int, Mark]:
        """The function has ended: whose gradient or tangent each entry is."""
        for back in self.walks.values():
            pairs = [(m, self.taped.get((id(back.tape), n), -1)) for n, m in back.seen.items()]
            pairs += [(self.index_of(_at(back.cotangents, i)), p) for i, p in back.leaves.items()]
            for m, p in pairs:
                self.belongs(m, p, back.since)
        for _, out, m in self.duals.values():
            self.belongs(m, self.index_of(out), 0)
        self.walks, self.duals, self.doors, self.tapes = {}, {}, {}, {}
        return self.marks

    def belongs(self, entry: int, of: int, since: int) -> None:
        """Entry by entry: the gradient of another one, which came before."""
        mark = self.marks.get(entry)
        if mark is not None and mark.phase != "forward" and mark.of < 0 and since <= entry and 0 <= of < entry:
            mark.of = of


def _at(cotangents: Any, i: int) -> Any:
    return cotangents[i] if i < len(cotangents) else None


def _code_of(f: Any) -> CodeType:
    return f.__code__


def _gradient_code() -> CodeType:
    """The function behind grad and value_and_grad, which holds the tape."""
    names = value_and_grad.__globals__
    return _code_of(names["_value_and_grad"])


def _pullback_code() -> CodeType:
    """The function that vjp returns."""
    return next(c for c in _code_of(vjp).co_consts if isinstance(c, CodeType) and c.co_name == "pullback")


# what these functions call the places of their inputs on the tape, and the inputs
_DOORS = {id(_gradient_code()): ("inputs", "values"), id(_pullback_code()): ("indices", "leaves")}
_LOOKS: dict[int, Callable[[Phases, FrameType], None]] = {
    id(_code_of(walk)): Phases.at_walk,
    id(_code_of(Forward.process)): Phases.at_dual,
    id(_code_of(Batch.process)): Phases.at_batch,
    id(_gradient_code()): Phases.at_door,
    id(_code_of(vjp)): Phases.at_door,
}
