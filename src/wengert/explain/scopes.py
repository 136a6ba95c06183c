"""Where in the user's program an operation stands: functions, layers and turns of loops, and what variable keeps it.

All of it is read off Python's own stack while the function runs, for each operation anew. A function is a frame
between the explained function and the operation; a layer is a frame whose ``self`` is part of a model; loops are told
apart as :mod:`wengert.explain.loops` says. A value has the name of the first variable that is found bound to it, in a
frame that was under way when it was computed: at the next operation, or when the frame is left.
"""

from __future__ import annotations

import inspect
import itertools
import linecache
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any, Literal

from wengert.errors import HOME, is_library_file, user_place
from wengert.explain.loops import Run, Turns
from wengert.explain.owners import Owners

__all__ = ["Place", "Scope", "Stack"]

Place = tuple[str, int]
_LAYERS = HOME + "nn"
_COMPREHENSIONS = frozenset({"<listcomp>", "<genexpr>", "<setcomp>", "<dictcomp>"})
_RESUMED = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@dataclass(frozen=True, slots=True)
class Scope:
    """A function, layer or turn of a loop that an operation was done in; ``place`` is where it stands or was called.

    ``name`` is a function's name, a layer's path in its model (``model.layers[0]``), or of a loop the line and the
    turn. ``label`` says more: a layer's class and shapes, a loop's source. ``call`` numbers calls and runs of loops, so
    that two calls of one function are two scopes; the turns of a run share it. ``turn`` counts from 1.
    """

    kind: Literal["function", "layer", "loop"]
    name: str
    place: Place = ("", 0)
    label: str = ""
    call: int = 0
    turn: int = 0

    def __str__(self) -> str:
        return f"{self.name} {self.label}".strip() if self.kind == "layer" else self.name


def loop_scope(place: Place, label: str, run: int, turn: int) -> Scope:
    """A turn of a loop that stands at this line."""
    return Scope("loop", f"line {place[1]}, turn {turn}", place, label, run, turn)


class Call:
    """A frame under way: since which entry, its scope, its loops."""

    __slots__ = ("code", "frame", "inner", "read", "scope", "since", "turns", "user")

    def __init__(self, frame: FrameType, since: int, user: bool, scope: Scope | None) -> None:
        self.frame, self.code, self.since, self.user, self.scope = frame, frame.f_code, since, user, scope
        self.turns = Turns()
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
            yield loop_scope((self.code.co_filename, run.loop.line), _source(self.code, run), run.number, run.turn)


def _source(code: CodeType, run: Run) -> str:
    return linecache.getline(code.co_filename, run.loop.line).strip().rstrip(":")


class Stack:
    """The frames between the explained function and an operation, followed from operation to operation.

    ``index_of`` gives the entry that a variable's value is, or −1.
    """

    def __init__(self, f: Callable[..., Any], owners: Owners, index_of: Callable[[Any], int]) -> None:
        self.root = getattr(inspect.unwrap(f), "__code__", None)
        self.owners, self.index_of = owners, index_of
        self.calls: dict[int, Call] = {}
        self.variables: dict[int, str] = {}
        self.fresh = itertools.count(1)
        self.base = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]  # past the trace that this is made by

    def look(self, count: int) -> tuple[Place, tuple[Scope, ...]]:
        """Where the operation stands that is to become entry ``count``; and name what variables have been bound to."""
        on = self.frames(count)
        gone = [call for key, call in self.calls.items() if key not in on and not call.code.co_flags & _RESUMED]
        for call in gone:
            del self.calls[id(call.frame)]
        self.name([*reversed(gone), *on.values()])
        self.calls |= on
        place: Place | None = None
        scopes: list[Scope] = []
        for call in reversed(on.values()):
            if call.user:
                frame = call.frame
                place = call.code.co_filename, frame.f_lineno
                call.turns.at(frame, call.inner, call.names, self.fresh)
            scopes += call.scopes()
        return place or user_place(), tuple(scopes)

    def frames(self, count: int) -> dict[int, Call]:
        """The frames that matter, the innermost first."""
        found: dict[int, Call] = {}
        new: list[FrameType] = []
        frame: FrameType | None = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
        inner: FrameType | None = None
        while frame is not None and frame is not self.base:
            role = role_of(frame.f_code)
            if role != "machinery":
                call = self.calls.get(id(frame))
                if call is None or call.frame is not frame:
                    new.append(frame)
                    call = Call(frame, count, role == "user", None)
                call.read, call.inner = None, inner
                found[id(frame)] = call
            inner, frame = frame, frame.f_back
        users = [key for key, call in found.items() if call.user]
        for at in reversed(new):  # a layer is found by the one that holds it
            call = found[id(at)]
            is_root = call.user and users[-1] == id(at) and at.f_code is self.root
            call.scope = self.scope_of(at, call.user and not is_root)
        return found

    def scope_of(self, frame: FrameType, is_function: bool) -> Scope | None:
        """The scope that a frame makes."""
        code, caller = frame.f_code, _user_of(frame.f_back)
        place = (caller.f_code.co_filename, caller.f_lineno) if caller is not None else ("", 0)
        if has_self(code):
            owner = frame.f_locals.get(code.co_varnames[0])
            found = self.owners.layer(owner, caller)
            if found is not None:
                path, label = found
                helper = any(outer.f_locals.get("self") is owner for outer in _methods(frame.f_back, self.base))
                return None if helper else Scope("layer", path, place, label, next(self.fresh))
        if not is_function or code.co_name in _COMPREHENSIONS:
            return None
        name = code.co_qualname.rpartition("<locals>.")[2].replace("<lambda>", "lambda")
        return Scope("function", name, place, "", next(self.fresh))

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

    def finish(self) -> dict[int, str]:
        """The function has ended: the names of all entries that have one."""
        self.name(list(self.calls.values()))
        self.calls = {}
        return self.variables


def _user_of(frame: FrameType | None) -> FrameType | None:
    while frame is not None and is_library_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def _methods(frame: FrameType | None, base: FrameType) -> Iterator[FrameType]:
    while frame is not None and frame is not base:
        if role_of(frame.f_code) != "machinery" and has_self(frame.f_code):
            yield frame
        frame = frame.f_back


@lru_cache(4096)
def role_of(code: CodeType) -> Literal["user", "layer", "machinery"]:
    """Whether a frame of this code is the user's, may be a layer's, or is of no interest."""
    file = code.co_filename
    if not is_library_file(file):
        return "user"
    return "layer" if has_self(code) and (file.startswith(_LAYERS) or not file.startswith(HOME)) else "machinery"


def has_self(code: CodeType) -> bool:
    """Whether this is the code of a method, by the name of its first argument."""
    return code.co_argcount > 0 and code.co_varnames[0] == "self"
