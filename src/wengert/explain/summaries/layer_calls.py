"""The calls of a model's layers: which layer, what shape it gave, which equations it made."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, final

from wengert import pytree
from wengert.core.program import Equation
from wengert.core.trace import Constant, Tracer
from wengert.core.types import shape_of
from wengert.transforms.inputs import is_number
from wengert.transforms.stage import Stage

__all__ = ["LAST_PART", "Call", "Observer", "described", "is_layer"]

_observer: ContextVar[Observer | None] = ContextVar("wengert_layers", default=None)
LAST_PART = re.compile(r"(\.\w+|\[[^\[\]]*\])$")
_LONGEST = 44  # of a layer's own words about itself


@final
@dataclass(eq=False)
class Call:
    """One call of a layer: its ``path`` in the model, its class, the shapes of its output, its own equations.

    ``looped`` says that it was called while a loop was staged: its equations are those of one turn, and the loop's
    own equation, of the layer around it, holds them too.
    """

    path: str
    name: str
    depth: int
    looped: bool = False
    shapes: tuple[tuple[int, ...], ...] | None = None
    equations: list[Equation] = field(default_factory=list[Equation])
    parent: Call | None = None


class _Box:
    """A child that is not to be looked into."""

    def __init__(self, content: Any) -> None:
        self.content = content


def _boxed(node: Any) -> Any:
    """A node with its children in boxes."""
    return pytree.replace_nodes(node, lambda x: None if x is node or x is None else _Box(x))


def is_layer(x: Any) -> bool:
    """Whether a node of a tree is a layer: a dataclass that can be called."""
    return is_dataclass(x) and not isinstance(x, type) and callable(x)


def _is_leaf(tree: Any) -> bool:
    flat = pytree.flatten(tree)[1]
    return flat is pytree.LEAF or not flat.children


@functools.cache
def _observed(kind: type) -> type:
    """The class of a layer whose calls are told to the observer."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        observer = _observer.get()
        if observer is None:
            return kind.__call__(self, *args, **kwargs)
        return observer.called(self, functools.partial(kind.__call__, self), args, kwargs)

    names = {"__call__": call, "__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind.__name__, (kind,), names)


@final
class Observer:
    """It hears of each call of a layer in the trees that it has watched."""

    def __init__(self, trace: Any) -> None:
        self.trace = trace
        self.calls: list[Call] = []
        self.failed: Call | None = None
        self.known: dict[int, tuple[str, str, Any]] = {}
        self.taken: set[Equation] = set()
        self.inside: list[Call] = []

    def watched(self, tree: Any, path: str = "") -> Any:
        """The tree with layers that tell of their calls."""
        if _is_leaf(tree) and not is_layer(tree):
            return tree
        names = iter([name for name, _ in pytree.flatten_with_paths(_boxed(tree))])
        new = pytree.replace_nodes(
            _boxed(tree), lambda x: self.watched(x.content, path + next(names)) if isinstance(x, _Box) else None
        )
        return self.layer(new, tree, path) if is_layer(tree) else new

    def layer(self, new: Any, old: Any, path: str) -> Any:
        """The layer with another class."""
        out = object.__new__(_observed(type(old)))
        for key in vars(new) if hasattr(new, "__dict__") else [f.name for f in fields(new)]:
            object.__setattr__(out, key, getattr(new, key))
        self.known[id(out)] = path, described(old), out
        return out

    def run(self, f: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function, whose own call is the outermost, with this observer."""
        token = _observer.set(self)
        try:
            return f(*args, **kwargs) if is_layer(f) else self.noted(Call("", name, 0), f, args, kwargs)
        finally:
            _observer.reset(token)

    def called(self, layer: Any, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A layer is called."""
        known = self.known.get(id(layer))
        if known is None:
            return f(*args, **kwargs)
        path, name, _ = known
        return self.noted(Call(path, name, len(self.inside)), f, args, kwargs)

    def noted(self, call: Call, f: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run it, and note what it computed."""
        stage = _stage_behind((args, kwargs)) or self.trace
        call.looped = stage is not self.trace
        call.parent = self.inside[-1] if self.inside else None
        self.add(call)
        starts = [(trace, len(trace.equations)) for trace in dict.fromkeys((self.trace, stage))]
        self.inside.append(call)
        try:
            out = f(*args, **kwargs)
            call.shapes = tuple(shape_of(x) for x in pytree.leaves(out) if is_number(x))
            return out
        except Exception:
            self.failed = self.failed or call
            raise
        finally:
            self.inside.pop()
            for trace, start in starts:
                call.equations += [e for e in trace.equations[start:] if e not in self.taken]
                self.taken.update(trace.equations[start:])

    def add(self, call: Call) -> None:
        """A loop's body may be staged more than once, until the types of what it carries are known."""
        if call.looped:
            same = [c for c in self.calls if (c.path, c.parent, c.looped) == (call.path, call.parent, True)]
            self.calls = [c for c in self.calls if not any(_is_within(c, s) for s in same)]
        self.calls.append(call)


def _is_within(call: Call | None, outer: Call) -> bool:
    while call is not None and call is not outer:
        call = call.parent
    return call is outer


def _stage_behind(tree: Any) -> Any:
    """The innermost trace that writes equations, behind the values in a tree."""
    found: Any = None
    for x in pytree.leaves(tree):
        while isinstance(x, Tracer):
            if type(x) is not Constant and isinstance(x.t, Stage) and (found is None or x.t.level > found.level):
                found = x.t
            x = x.v
    return found


def described(layer: Any) -> str:
    """A layer in its own words where they are few, else the name of its class."""
    # what dataclasses write shows all they hold; it wraps what it made
    if hasattr(type(layer).__repr__, "__wrapped__") and pytree.leaves(layer):
        return type(layer).__name__
    words = repr(layer)
    return words if len(words) <= _LONGEST and "\n" not in words else type(layer).__name__
