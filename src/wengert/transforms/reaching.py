"""What a function reads besides its arguments: from closures, globals, modules, defaults and objects of the user's.

While a function is staged, a *shadow* of it runs: the same code, with traced values in the places of the arrays that
it reads. The user's own namespaces are never touched. Arrays are read anew at each call; of everything else that was
read, identity is remembered, and whatever has been rebound since is found out by comparing.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.trace import Tracer
from wengert.errors import is_library_file
from wengert.transforms.bytecode import attribute_names, read_names

__all__ = ["Reached", "Read", "Watched", "reach"]


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()


@dataclass(frozen=True, slots=True)
class Read:
    """A place that was read: a dict and a key, a list and a position, or a cell."""

    holder: Any
    key: Any
    name: str

    def now(self) -> Any:
        """What stands there now."""
        if type(self.holder) is types.CellType:
            try:
                return self.holder.cell_contents
            except ValueError:
                return MISSING
        try:
            return self.holder[self.key]
        except (KeyError, IndexError):
            return MISSING


Watched = tuple[tuple[tuple[Any, Any, Any], ...], tuple[tuple[Any, Any], ...]]  # dicts, keys, values; cells, values


@dataclass(slots=True)
class Reached:
    """What was found: places of arrays with the tracers that stand for them, and places of everything else.

    ``contents`` are arrays in places where nothing else can stand for them, and lists and dicts of plain values, with
    copies of what they held.
    ``sizes`` are lists and dicts with their lengths, ``generators`` NumPy's random generators.
    """

    arrays: list[Read] = field(default_factory=list[Read])
    tracers: list[Any] = field(default_factory=list[Any])
    guards: list[tuple[Read, Any]] = field(default_factory=list[tuple[Read, Any]])
    contents: list[tuple[str, Any, Any]] = field(default_factory=list[tuple[str, Any, Any]])
    sizes: list[tuple[Any, int, str]] = field(default_factory=list[tuple[Any, int, str]])
    generators: list[Any] = field(default_factory=list[Any])

    def settle(self) -> None:
        """Take what the function itself has changed while it was staged as what it was staged with."""
        self.guards = [(read, read.now()) for read, _ in self.guards]
        self.sizes = [(holder, len(holder), name) for holder, _, name in self.sizes]
        self.contents = [(name, x, x.copy()) for name, x, _ in self.contents]

    def watched(self) -> Watched | None:
        """What to compare by identity, where that is all there is to compare: dicts with keys, and cells; else None."""
        names: list[tuple[Any, Any, Any]] = []
        cells: list[tuple[Any, Any]] = []
        for read, value in self.guards:
            if isinstance(read.holder, dict):
                names.append((read.holder, read.key, value))
            elif type(read.holder) is types.CellType and value is not MISSING:
                cells.append((read.holder, value))
            else:
                return None
        return None if self.contents or self.sizes else (tuple(names), tuple(cells))

    def changed(self) -> str | None:
        """The name of something that is no longer what it was, or None."""
        for read, value in self.guards:
            now = read.now()
            if now is not value and not (type(now) is type(value) and type(now) in _BY_VALUE and now == value):
                return read.name
        for holder, n, name in self.sizes:
            if len(holder) != n:
                return name
        for name, x, copy in self.contents:
            if not _same(x, copy):
                return name
        return None


def _same(x: Any, copy: Any) -> bool:
    if isinstance(x, np.ndarray):
        return np.array_equal(x, copy, equal_nan=x.dtype.kind in "fc")
    return x == copy


# numbers and strings that are equal are the same
_BY_VALUE = frozenset({int, float, complex, bool, str, bytes})
_PLAIN = (*_BY_VALUE, type(None), type(Ellipsis), range, slice, np.dtype)
_RANDOM = (np.random.Generator, np.random.RandomState)


def reach(f: Any, enter: Callable[[Any], Any]) -> tuple[Any, Reached]:
    """A shadow of ``f`` in which ``enter(array)`` stands for each array that it reads, and what it reads."""
    names: frozenset[str] = frozenset()
    while True:  # of an object only those attributes count whose names stand in some code: find all code first
        walk = _Walk(_as_it_is, names)
        walk.visit(f, None, "f")
        if walk.names <= names:
            break
        names |= walk.names
    walk = _Walk(enter, names)
    return walk.visit(f, None, "f"), walk.found


def _as_it_is(x: Any) -> Any:
    return x


# with these in code, any attribute may be read
_DYNAMIC = frozenset({"getattr", "vars", "__dict__", "attrgetter"})


class _Walk:
    """One walk over functions and what they hold."""

    def __init__(self, enter: Callable[[Any], Any], attributes: frozenset[str]) -> None:
        self.enter, self.attributes = enter, attributes
        self.found = Reached()
        self.names: set[str] = set()
        self.memos: tuple[dict[int, tuple[Any, Any]], dict[int, tuple[Any, Any]]] = ({}, {})
        self.handed: set[int] = set()
        self.frozen = 0  # inside what cannot have a shadow

    @property
    def shadows(self) -> dict[int, tuple[Any, Any]]:
        """What has been seen, by identity: the value and its shadow."""
        return self.memos[self.frozen > 0]

    def visit(self, x: Any, place: Read | None, name: str) -> Any:
        """The shadow of a value, which is itself where no array is in it."""
        if isinstance(x, (Tracer, *_PLAIN)):
            return x
        known = self.shadows.get(id(x))
        if known is not None:
            self.handed.add(id(x))
            return known[1]
        if type(x) is np.ndarray:
            return self.array(x, place, name)
        self.shadows[id(x)] = (x, x)
        out = self.inside(x, name)
        self.shadows[id(x)] = (x, out)
        return out

    def array(self, x: Any, place: Read | None, name: str) -> Any:
        """The tracer of an array."""
        if x.dtype.kind not in "biufc":
            return x
        if self.frozen:
            self.found.contents.append((name, x, x.copy()))
            self.shadows[id(x)] = (x, x)
            return x
        out = self.enter(x)
        self.found.tracers.append(out)
        self.found.arrays.append(place or Read((x,), 0, name))
        self.shadows[id(x)] = (x, out)
        return out

    def inside(self, x: Any, name: str) -> Any:
        """The shadow of a value that holds others."""
        if isinstance(x, types.FunctionType) and "__shadow__" in x.__dict__:  # another one under jit
            new = x.__dict__["__shadow__"](lambda inner: self.visit(inner, None, name))
            return x if new is None else new
        owner = getattr(x, "__self__", None)
        if isinstance(x, types.FunctionType):
            return self.function(x, name)
        if type(owner) is np.ndarray:  # a method of an array
            return self.rebuilt(x, [owner], lambda new: getattr(new[0], x.__name__), name)
        if isinstance(owner, _RANDOM):
            self.found.generators.append(owner)
            return x
        if isinstance(x, types.MethodType):
            return self.rebuilt(x, [x.__func__, x.__self__], lambda new: types.MethodType(*new), name)
        if isinstance(x, functools.partial):
            return self.partial(x, name)
        if isinstance(x, tuple | list | dict):
            return self.container(x, name)
        if isinstance(x, _RANDOM):
            self.found.generators.append(x)
        elif isinstance(x, type):
            self.of_class(x, name)
        elif hasattr(x, "__dict__") and (is_users(type(x)) or type(x).__module__.startswith("wengert.")):
            return self.instance(x, name)
        return x

    def rebuilt(self, x: Any, parts: list[Any], join: Callable[[list[Any]], Any], name: str) -> Any:
        new = [self.visit(part, None, name) for part in parts]
        return x if all(a is b for a, b in zip(new, parts, strict=True)) else join(new)

    def partial(self, x: Any, name: str) -> Any:
        n = len(x.args)
        parts = [x.func, *x.args, *x.keywords.values()]
        return self.rebuilt(
            x,
            parts,
            lambda new: functools.partial(new[0], *new[1 : n + 1], **dict(zip(x.keywords, new[n + 1 :], strict=True))),
            name,
        )

    def container(self, x: Any, name: str) -> Any:
        """A tuple, list or dict: what stands in a tuple stays there."""
        fixed = isinstance(x, tuple)
        if not fixed and all(isinstance(value, _PLAIN) for value in (x.values() if isinstance(x, dict) else x)):
            self.found.contents.append((name, x, x.copy()))
            return x
        items: Any = x.items() if isinstance(x, dict) else enumerate(x)
        old, new = [], []
        for key, value in list(items):
            inner = f"{name}[{key!r}]"
            old.append(value)
            new.append(self.read(None if fixed else Read(x, key, inner), value, inner))
        if not fixed:
            self.found.sizes.append((x, len(x), name))
        if all(a is b for a, b in zip(new, old, strict=True)):
            return x
        return pytree.unflatten(_one_level(x), new)

    def read(self, place: Read | None, value: Any, name: str) -> Any:
        """Visit what stands in a place, and remember that it does."""
        if place is not None and (type(value) is not np.ndarray or self.frozen):
            self.found.guards.append((place, value))
        return self.visit(value, place, name)

    def function(self, f: Any, name: str) -> Any:
        """A function with other globals, cells and defaults; it may reach itself."""
        library = is_library_file(f.__code__.co_filename)
        cells = [self.new_cell(cell) for cell in f.__closure__ or ()]
        space = f.__globals__ if library else dict(f.__globals__)
        out = types.FunctionType(f.__code__, space, f.__name__, f.__defaults__, tuple(cells) or None)
        self.shadows[id(f)] = (f, out)
        chains = read_names(f.__code__)
        same = [self.fill(*x, chains) for x in zip(f.__closure__ or (), cells, f.__code__.co_freevars, strict=True)]
        if f.__defaults__:
            out.__defaults__ = self.visit(f.__defaults__, None, f"{name}'s defaults")
        if f.__kwdefaults__:
            out.__kwdefaults__ = self.container(f.__kwdefaults__, f"{name}'s defaults")
        names = {} if library else self.globals(f)
        space.update(names)
        out.__dict__.update(f.__dict__)
        out.__qualname__, out.__doc__, out.__module__ = f.__qualname__, f.__doc__, f.__module__
        same += [not names, out.__defaults__ is f.__defaults__, out.__kwdefaults__ is f.__kwdefaults__]
        return f if all(same) and id(f) not in self.handed else out

    def new_cell(self, cell: Any) -> Any:
        """The cell that stands for one, in all functions that share it."""
        return self.shadows.setdefault(id(cell), (cell, types.CellType()))[1]

    def fill(self, cell: Any, new: Any, key: str, chains: dict[str, set[tuple[str, ...]]]) -> bool:
        """Put the shadow of what stands in a cell into another one; whether it is the same."""
        value = Read(cell, None, key).now()
        if value is MISSING:
            return True
        if id(new) not in self.shadows:  # the first of the functions that share it
            self.shadows[id(new)] = (new, new)
            new.cell_contents = value
            if isinstance(value, types.ModuleType):
                new.cell_contents = self.module(value, chains.get(key, set()))
            else:
                new.cell_contents = self.read(Read(cell, None, key), value, key)
        return new.cell_contents is value

    def globals(self, f: Any) -> dict[str, Any]:
        """The global names of a function that have shadows."""
        out: dict[str, Any] = {}
        self.names |= attribute_names(f.__code__)
        for name, chains in read_names(f.__code__).items():
            value = f.__globals__.get(name, MISSING)
            if value is MISSING:
                continue
            if isinstance(value, types.ModuleType):
                new = self.module(value, chains)
            else:
                new = self.read(Read(f.__globals__, name, name), value, name)
            if new is not value:
                out[name] = new
        return out

    def module(self, module: Any, chains: set[tuple[str, ...]]) -> Any:
        """A module of the user's with shadows of what is read from it, by chains of attributes."""
        if is_library_file(getattr(module, "__file__", None) or "<frozen>"):
            return module
        space = vars(module)
        new: dict[str, Any] = {}
        for key in {chain[0] for chain in chains} & space.keys():
            value, name = space[key], f"{module.__name__}.{key}"
            if isinstance(value, types.ModuleType):
                new[key] = self.module(value, {chain[1:] for chain in chains if chain[0] == key and len(chain) > 1})
            else:
                new[key] = self.read(Read(space, key, name), value, name)
        if all(value is space[key] for key, value in new.items()):
            return module
        out = types.ModuleType(module.__name__)
        out.__dict__.update({**space, **new})
        return out

    def instance(self, x: Any, name: str) -> Any:
        """An object of the user's with shadows of its attributes."""
        self.of_class(type(x), name)
        space = vars(x)
        everything = dataclasses.is_dataclass(x) or not _DYNAMIC.isdisjoint(self.attributes)
        keys = [key for key in space if everything or key in self.attributes]
        new = {key: self.read(Read(space, key, f"{name}.{key}"), space[key], f"{name}.{key}") for key in keys}
        if all(value is space[key] for key, value in new.items()):
            return x
        out = object.__new__(type(x))
        out.__dict__.update({**space, **new})
        return out

    def of_class(self, cls: type, name: str) -> None:
        """What the methods of a class read: it has no shadow, for instances are known by it."""
        if not is_users(cls):
            return
        self.frozen += 1
        for key, value in list(vars(cls).items()):
            if not (key.startswith("__") and key.endswith("__") and not isinstance(value, types.FunctionType)):
                inner = getattr(value, "__func__", getattr(value, "fget", value))
                self.visit(inner, None, f"{cls.__name__}.{key}")
        self.frozen -= 1
        for base in cls.__bases__:
            self.visit(base, None, name)


def _one_level(x: Any) -> pytree.TreeDef:
    """The structure of a container whose elements are leaves."""
    whole = pytree.flatten(x)[1]
    return pytree.TreeDef(whole.kind, whole.meta, (pytree.LEAF,) * len(whole.children), len(whole.children))


@functools.lru_cache(maxsize=4096)
def is_users(cls: type) -> bool:
    """Whether a class was written by the user."""
    functions = [v for v in vars(cls).values() if isinstance(v, types.FunctionType)]
    files = [f.__code__.co_filename for f in functions if not f.__code__.co_filename.startswith("<")]
    if files:
        return not is_library_file(files[0])
    module = cls.__module__
    return module not in ("builtins", "numpy") and not module.startswith(("numpy.", "wengert.", "scipy."))
