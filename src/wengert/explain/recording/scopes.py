"""Where in the user's program an operation stands: functions, layers and turns of loops, and what variable keeps it.

All of it is read off Python's own stack while the function runs, for each operation anew. A function is a frame
between the explained function and the operation; a layer is a frame whose ``self`` is part of a model; loops are told
apart as :mod:`wengert.explain.recording.loops` says. A value has the name of the first variable that is found bound to
it, in a frame that was under way when it was computed: at the next operation, or when the frame is left.
"""

from __future__ import annotations

import inspect
import itertools
import linecache
import os
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any, Literal

from wengert.errors import HOME, is_library_file, user_place
from wengert.explain.recording.loops import Turns
from wengert.explain.recording.owners import Owners
from wengert.explain.recording.phases import Phases

__all__ = ["Place", "Scope", "Stack"]

Place = tuple[str, int]
Role = Literal["user", "layer", "named", "machinery"]
_LAYERS = HOME + "nn"
_STANDARD = os.path.dirname(os.__file__) + os.sep
_COMPREHENSIONS = frozenset({"<listcomp>", "<genexpr>", "<setcomp>", "<dictcomp>"})
_RESUMED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@dataclass(frozen=True, slots=True)
class Scope:
    """A function, layer or turn of a loop that an operation was done in; ``place`` is where it stands or was called.

    ``name`` is a function's name, a layer's path in its model (``model.layers[0]``), or of a loop the line and the
    turn. ``label`` says more: a layer's class and shapes, a loop's source. ``call`` numbers calls and runs of loops, so
    that two calls of one function are two scopes; the turns of a run share it. ``turn`` counts from 1.

    Example:
        >>> import wengert
        >>> def powers(x):
        ...     for _ in range(2):
        ...         x = x * x
        ...     return x
        >>> [scope.name for step in wengert.explain(powers)(3.0).steps for scope in step.scopes]
        ['line 2, turn 1', 'line 2, turn 2']
    """

    kind: Literal["function", "layer", "loop"]
    name: str
    place: Place = ("", 0)
    label: str = ""
    call: int = 0
    turn: int = 0

    def __str__(self) -> str:
        return f"{self.name} {self.label}".strip() if self.kind == "layer" else self.name


class Call:
    """A frame under way: since which entry, its scope, its loops."""

    __slots__ = ("code", "frame", "inner", "loops", "read", "scope", "since", "turns", "user")

    def __init__(self, frame: FrameType, since: int, user: bool) -> None:
        self.frame, self.code, self.since, self.user = frame, frame.f_code, since, user
        self.scope: Scope | None = None
        self.turns = Turns()
        self.loops: list[Scope] = []  # of the library's own that it has called
        self.inner: FrameType | None = None  # the frame that it has called
        self.read: Mapping[str, Any] | None = None

    def names(self) -> Mapping[str, Any]:
        """The frame's variables, read once for each operation."""
        if self.read is None:
            self.read = self.frame.f_locals
        return self.read

    def scopes(self) -> Iterator[Scope]:
        """The frame's own scope, and the turns of its loops."""
        if self.scope is not None:
            yield self.scope
        for run in self.turns.runs.values():
            place = self.code.co_filename, run.loop.line
            yield loop_scope(place, source_of(place), run.number, run.turn)
        yield from self.loops

    def place(self) -> Place:
        """The line that is being executed."""
        return self.code.co_filename, self.frame.f_lineno or self.code.co_firstlineno


def loop_scope(place: Place, label: str, run: int, turn: int) -> Scope:
    """A turn of a loop that stands at this line."""
    return Scope("loop", f"line {place[1]}, turn {turn}", place, label, run, turn)


def source_of(place: Place) -> str:
    """The beginning of a loop as it is written."""
    return linecache.getline(*place).strip().rstrip(":")


class Stack:
    """The frames between the explained function and an operation, followed from operation to operation.

    ``index_of`` gives the entry that a variable's value is, or −1; ``count`` how many entries there are. Of the
    library's own loops ``turns`` turns are shown.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        owners: Owners,
        index_of: Callable[[Any], int],
        count: Callable[[], int],
        turns: int,
    ) -> None:
        inner: Any = inspect.unwrap(f)
        self.root = getattr(inner, "__code__", None) or getattr(type(inner).__call__, "__code__", None)
        self.owners, self.index_of, self.count, self.turns = owners, index_of, count, turns
        self.phases = Phases(index_of)
        self.calls: dict[int, Call] = {}
        self.variables: dict[int, str] = {}
        self.fresh = itertools.count(1)
        self.roles: dict[int, tuple[CodeType, Role]] = {}
        self.base: FrameType | None = None

    def look(self) -> tuple[Place, tuple[Scope, ...]]:
        """Where the operation stands that is about to become an entry; and name what variables have been bound to."""
        self.phases.begin(self.count())
        on = self.frames(self.phases.pass_by)
        gone = [call for key, call in self.calls.items() if key not in on and not call.code.co_flags & _RESUMED]
        for call in gone:
            del self.calls[id(call.frame)]
        self.name([*reversed(gone), *on.values()])
        self.calls |= on
        place: Place | None = None
        scopes: list[Scope] = []
        for call in reversed(on.values()):
            if call.user:
                place = call.place()
                call.turns.at(call.frame, call.inner, call.names, self.fresh)
            scopes += call.scopes()
        return place or user_place(), tuple(scopes)

    def frames(self, pass_by: Callable[[FrameType], None] = lambda _: None) -> dict[int, Call]:
        """The frames that matter, the innermost first; the others are shown to ``pass_by``."""
        count = self.count()
        found: dict[int, Call] = {}
        new: list[Call] = []
        frame: FrameType | None = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
        inner: FrameType | None = None
        while frame is not None and frame is not self.base:
            role = self.role(frame.f_code)
            if role != "machinery":
                call = self.calls.get(id(frame))
                if call is None or call.frame is not frame:
                    call = Call(frame, count, role == "user")
                    new.append(call)
                call.read, call.inner = None, inner
                found[id(frame)] = call
            else:
                pass_by(frame)
            inner, frame = frame, frame.f_back
        users = [call for call in found.values() if call.user]
        for call in reversed(new):  # a layer is found by the one that holds it
            is_root = call.user and call is users[-1] and call.code is self.root
            call.scope = self.scope_of(call.frame, (call.user or self.is_called_by_user(call, found)) and not is_root)
        return found

    def is_called_by_user(self, call: Call, on: dict[int, Call]) -> bool:
        """Whether this is a function of the library's networks that the user has called."""
        below = list(on.values())
        around = below[below.index(call) + 1 :]
        return self.role(call.code) == "named" and bool(around) and around[0].user

    def role(self, code: CodeType) -> Role:
        """Whether a frame is the user's, may be a layer's, is a loss's or an activation's, or of no interest."""
        known = self.roles.get(id(code))
        if known is None or known[0] is not code:
            known = self.roles[id(code)] = code, role_of(code)
        return known[1]

    def scope_of(self, frame: FrameType, is_function: bool) -> Scope | None:
        """The scope that a frame makes."""
        code, caller = frame.f_code, _user_of(frame.f_back)
        place = (caller.f_code.co_filename, caller.f_lineno) if caller is not None else ("", 0)
        if has_self(code):
            owner = frame.f_locals.get("self")
            found = self.owners.layer(owner, caller)
            if found is not None:
                if any(outer.f_locals.get("self") is owner for outer in self.methods(frame.f_back)):
                    return None  # a method that another method of the layer calls
                return Scope("layer", found[0], place, found[1], next(self.fresh))
        if not is_function or code.co_name in _COMPREHENSIONS:
            return None
        name = code.co_qualname.rpartition("<locals>.")[2].replace("<lambda>", "lambda")
        return Scope("function", name, place, "", next(self.fresh))

    def methods(self, frame: FrameType | None) -> Iterator[FrameType]:
        """The frames of methods from here outwards."""
        while frame is not None and frame is not self.base:
            if self.role(frame.f_code) != "machinery" and has_self(frame.f_code):
                yield frame
            frame = frame.f_back

    def name(self, calls: list[Call]) -> None:
        """Give entries the names of variables that are bound to them."""
        for call in calls:
            if not call.user:
                continue
            call.read = None
            for name, value in call.names().items():
                n = self.index_of(value)
                if n >= call.since and n not in self.variables and name.strip("_") and name.isidentifier():
                    self.variables[n] = name
            call.read = None

    def loop(self, label: str) -> Iterator[AbstractContextManager[None]]:
        """A context for each turn of a loop of the library's own, which the innermost frame of interest has called."""
        run = next(self.fresh)
        return (self.turn(label, run, turn) for turn in itertools.count(1))

    @contextmanager
    def turn(self, label: str, run: int, turn: int) -> Generator[None]:
        """A turn of such a loop."""
        frames = self.frames()
        self.calls |= frames
        call = next(iter(frames.values()), None)
        if call is None:
            yield
            return
        user = next((c for c in frames.values() if c.user), call)
        call.loops.append(loop_scope(user.place(), label, run, turn))
        try:
            yield
        finally:
            call.loops.pop()

    def finish(self) -> dict[int, str]:
        """The function has ended: the names of all entries that have one."""
        self.name(list(self.calls.values()))
        self.calls, self.base = {}, None
        self.owners.known.clear()
        return self.variables


def _user_of(frame: FrameType | None) -> FrameType | None:
    while frame is not None and is_library_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def role_of(code: CodeType) -> Role:
    """As :meth:`Stack.role`, which keeps it."""
    file = code.co_filename
    if not is_library_file(file):
        return "user"
    if file.startswith(_LAYERS) and not has_self(code):
        return "machinery" if code.co_name.startswith(("_", "<")) else "named"
    others = not file.startswith((HOME, _STANDARD, "<frozen")) or "site-packages" in file
    return "layer" if has_self(code) and (file.startswith(_LAYERS) or others) else "machinery"


def has_self(code: CodeType) -> bool:
    """Whether this is the code of a method, by the name of its first argument."""
    return code.co_argcount > 0 and code.co_varnames[0] == "self"
