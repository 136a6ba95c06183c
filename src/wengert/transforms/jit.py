"""``jit``: a function staged once for each type of arguments, and run as a Program."""

from __future__ import annotations

import functools
import inspect
import operator
import types
import weakref
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.memory import collections_paused
from wengert.core.program import Program
from wengert.core.trace import Tracer
from wengert.errors import TraceError, at_line
from wengert.transforms.closing import general_paths
from wengert.transforms.forms import COMPILE, MOST, Entry, Forms, signature
from wengert.transforms.inputs import is_number, name_of, run, shared
from wengert.transforms.opening import fresh_handles, opening
from wengert.transforms.randomness import no_drawing
from wengert.transforms.reaching import Watched, is_users, reach
from wengert.transforms.stage import Capture

__all__ = ["COMPILE", "Jitted", "jit"]


def jit(
    f: Callable[..., Any] | None = None,
    *,
    static_argnames: str | Iterable[str] = (),
    static_argnums: int | Iterable[int] = (),
    donate: str | int | Iterable[str | int] = (),
) -> Any:
    """``f``, run as machine code: staged at its first call, and once more for each new type of arguments.

    What decides is the structure of the arguments and the shapes, dtypes and kinds of their leaves, the values of
    static arguments, and what ``f`` reads besides: arrays from closures, globals and objects are read anew at each
    call, so that writing to them in place is seen; where anything else that ``f`` reads has been rebound, ``f`` is
    staged again. Results are of the types that ``f`` gives without ``jit``. Other effects (printing, appending to a
    list, writing to an argument) happen while it is staged, if at all, and arguments are never changed.

    A Python ``if`` or ``while`` on a traced number has no value to decide by: it raises, and the message shows the
    lines rewritten with ``wengert.control``. A Python ``for`` is written down step by step.

    Transforms nest with it in any order: ``jit(grad(f))``, ``grad(jit(f))``, ``vmap(jit(f))``. It is a decorator too,
    ``@jit`` or ``@jit(static_argnames="n")``, also of methods: what ``self`` holds is read like a closure.

    Args:
        f: the function.
        static_argnames: names of arguments whose values are part of the program: counts, flags, names, functions.
            They must be hashable, and each new value stages ``f`` again.
        static_argnums: the same by position.
        donate: names or positions of arguments that are not needed after the call, so that their memory may hold the
            results. Afterwards a donated array must not be read: it can hold anything. (NumPy's arrays cannot be
            taken away from you, so that later reads are not found out; that one array is given twice is.)

    Raises:
        ConcretizationError: where ``f`` asks for a value: ``if x > 0``, ``float(x)``, ``range(n)``.
        TraceError: if an argument is neither a number nor an array and is not static, a static one is not hashable, or
            ``f`` draws from NumPy's random generators.

    Example:
        >>> import numpy as np
        >>> from wengert import grad, jit
        >>> f = jit(lambda x: np.sum(np.sin(x) ** 2))
        >>> f(np.array([0.0, np.pi / 2]))
        np.float64(1.0)
        >>> jit(grad(f))(np.array([0.0, np.pi / 4]))
        array([0., 1.])
    """
    if f is None:
        return functools.partial(jit, static_argnames=static_argnames, static_argnums=static_argnums, donate=donate)
    names = [static_argnames] if isinstance(static_argnames, str) else list(static_argnames)
    numbers = [static_argnums] if isinstance(static_argnums, int) else list(static_argnums)
    donated = [donate] if isinstance(donate, str | int) else list(donate)
    return wrapper(Jitted(f, Chosen(f, [*names, *numbers], "static_argnames"), Chosen(f, donated, "donate")))


def wrapper(jitted: Jitted) -> Callable[..., Any]:
    """The function that users call, which tries machine code first: a method's binding, and calls, cost least so."""
    # ``entry`` is machine code of the last form that was called, where nothing has to be looked at but its operands,
    # which it looks at itself, and what is ``watched``; ``finish`` makes the result of its outputs
    entry: Callable[..., Any] | None = None
    watched: Watched = ((), ())
    finish: Callable[[Any], Any] = tuple

    def install(new: Any, to_watch: Any, to_finish: Any) -> None:
        nonlocal entry, watched, finish
        entry, watched, finish = new, to_watch, to_finish

    @functools.wraps(jitted.f, updated=())
    def call_of(*args: Any, **kwargs: Any) -> Any:
        if entry is not None and not kwargs:
            names, cells = watched
            for holder, key, value in names:
                if holder.get(key) is not value:
                    break
            else:
                for cell, value in cells:
                    if cell.cell_contents is not value:
                        break
                else:
                    outs = entry(*args)
                    if outs is not NotImplemented:
                        return finish(outs)
        return jitted.general(args, kwargs)

    jitted.install = install
    call_of.__shadow__ = jitted.shadow  # type: ignore[attr-defined]
    call_of.jitted = jitted  # type: ignore[attr-defined]
    call_of.report = functools.partial(report, jitted)  # type: ignore[attr-defined]
    return call_of


def report(jitted: Jitted, *args: Any, **kwargs: Any) -> Any:
    """What becomes of the function for these arguments: what was fused, what calls BLAS, what falls back."""
    return import_module("wengert.lowered").lowered(jitted, args, kwargs).report()


class Chosen:
    """Arguments that are chosen by name or position, found whichever way they are given."""

    __slots__ = ("names", "positions")

    def __init__(self, f: Any, chosen: Sequence[str | int], what: str) -> None:
        parameters = _parameters(f)
        named = [n for n in chosen if isinstance(n, str)]
        if parameters is not None:
            for name in named:
                if name not in parameters and "**" not in parameters:
                    raise TypeError(
                        f"jit({name_of(f)}, {what}={name!r}): the function has no argument of that name{at_line()}\n"
                        f"  write: one of {', '.join(p for p in parameters if p != '**')}"
                    )
        order = [] if parameters is None else [p for p in parameters if p != "**"]
        numbers = {k for k in chosen if isinstance(k, int)}
        self.positions = frozenset({k % len(order) if k < 0 else k for k in numbers} | {
            order.index(n) for n in named if n in order
        })  # fmt: skip
        self.names = frozenset({*named, *(order[k] for k in self.positions if k < len(order))})


def _parameters(f: Any) -> list[str] | None:
    """The names of a function's arguments in order, ``**`` where it takes any; None where they are not known."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return None
    return ["**" if p.kind is p.VAR_KEYWORD else p.name for p in parameters]


class Jitted:
    """A function under ``jit``."""

    def __init__(self, f: Callable[..., Any], static: Chosen, donate: Chosen) -> None:
        self.f, self.static, self.donate = f, static, donate
        self.forms = Forms(name_of(f))
        # forms for objects that are the first argument: what they hold is read like a closure
        self.of_objects: dict[int, tuple[Any, Forms]] = {}
        self.install: Callable[[Any, Any, Any], None] = lambda *_: None

    def shadow(self, visit: Callable[[Any], Any]) -> Any:
        """The same for a shadow of the function."""
        new = visit(self.f)
        return None if new is self.f else wrapper(Jitted(new, self.static, self.donate))

    def forms_of(self, x: Any) -> Forms:
        """The forms of a method of this object, which are dropped with it."""
        known = self.of_objects.get(id(x))
        if known is None or known[0]() is not x:
            drop = functools.partial(_drop, self.of_objects, id(x))
            known = self.of_objects[id(x)] = (weakref.ref(x, drop), Forms(name_of(self.f)))
        return known[1]

    def general(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Any call: find the form for these arguments, or stage it."""
        if opening() is not None:
            return self.f(*fresh_handles(args), **fresh_handles(kwargs))
        entry, leaves, donated, own = self.form(args, kwargs)
        out = entry.call(leaves, donated)
        if own:
            self.adopt(entry, entry.key[0])
        return out

    def form(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Entry, Sequence[Any], tuple[bool, ...], bool]:
        """The form for these arguments, their leaves, which of these are donated; and whether no object has it."""
        args, kwargs, static = self.apart(args, kwargs)
        f, forms = self.f, self.forms
        if args and is_object(args[0]):
            f, forms = types.MethodType(f, args[0]), self.forms_of(args[0])
            args = (None, *args[1:])
        leaves, treedef = pytree.flatten((args, kwargs))
        key = (treedef, tuple(map(signature, leaves)), static)
        entry = self.find(forms, key)
        if entry is None:
            entry = self.stage(f, forms, key, leaves)
        return entry, leaves, self.donated(kwargs, leaves, treedef), f is self.f

    def adopt(self, entry: Entry, treedef: pytree.TreeDef) -> None:
        """Let the machine code of this form be tried first from now on, if its operands are the arguments."""
        self.install(None, ((), ()), tuple)
        direct = getattr(entry.run, "entry", None)
        args, kwargs = treedef.children
        plain = not kwargs.size and all(child is pytree.LEAF for child in args.children)
        watched = entry.reached.watched()
        if direct is None or not plain or entry.hidden or entry.traced or entry.kept or entry.key[2] or watched is None:
            return
        if entry.out_def is pytree.LEAF:
            finish: Any = operator.itemgetter(0)
        elif entry.out_def.kind is tuple and all(child is pytree.LEAF for child in entry.out_def.children):
            finish = tuple
        else:
            finish = functools.partial(pytree.unflatten, entry.out_def)
        self.install(direct, watched, finish)

    def apart(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Arguments without the static ones, and these by position or name."""
        kwargs = dict(sorted(kwargs.items())) if len(kwargs) > 1 else kwargs
        if not self.static.names and not self.static.positions:
            return args, kwargs, ()
        static = {k: x for k, x in enumerate(args) if k in self.static.positions}
        named = {k: x for k, x in kwargs.items() if k in self.static.names}
        found: list[tuple[Any, Any, Any]] = [(k, type(x), x) for k, x in (static | named).items()]
        try:
            hash(tuple(found))
        except TypeError:
            k, kind, _ = next(x for x in found if type(x[2]).__hash__ is None or not _hashable(x[2]))
            raise TraceError(
                f"jit({name_of(self.f)}): static argument {k!r} is a {kind.__name__}, which cannot be hashed"
                f"{at_line()}\n  write: a tuple in place of a list, or no static_argnames for what is made of numbers"
            ) from None
        return (
            tuple(None if k in static else x for k, x in enumerate(args)),
            {k: x for k, x in kwargs.items() if k not in named},
            tuple(found),
        )

    def find(self, forms: Forms, key: Any) -> Entry | None:
        """The form that has been staged for arguments of this kind, if it still holds."""
        entry = forms.entries.get(key)
        if entry is None:
            forms.retraces.new(key, self.paths)
            return None
        name = entry.stale()
        if name is not None:
            del forms.entries[key]
            forms.retraces.rebound(name)
            return None
        forms.retraces.hit(key)
        return entry

    def paths(self, treedef: pytree.TreeDef) -> list[str]:
        """How the leaves of the arguments are called."""
        args, kwargs = pytree.unflatten(treedef, range(treedef.size))
        names = _parameters(self.f) or []
        names += [f"argument {k}" for k in range(len(names), len(args))]
        found = [
            f"{name}{path}" for name, x in zip(names, args, strict=False) for path, _ in pytree.flatten_with_paths(x)
        ]
        return found + [f"{name}{path}" for name, x in kwargs.items() for path, _ in pytree.flatten_with_paths(x)]

    @collections_paused()
    def stage(self, f: Any, forms: Forms, key: Any, leaves: Sequence[Any]) -> Entry:
        """Run the function on abstract values, and keep its Program for arguments of this kind."""
        treedef, _, static = key
        self.check(treedef, leaves)
        # what the function changes while it is staged is no cause to stage its other forms again
        fresh = [e.reached for e in forms.entries.values() if e.stale() is None]
        trace = Capture()
        inputs = [trace.input(x) for x in leaves]
        variables = [z.i for z in inputs]
        shadow, reached = reach(f, trace.input)
        hidden = [z.i for z in reached.tracers]
        args, kwargs = pytree.unflatten(treedef, inputs)
        args = tuple({k: x for k, _, x in static}.get(k, x) for k, x in enumerate(args))
        args = args if f is self.f else args[1:]
        kwargs |= {k: x for k, _, x in static if isinstance(k, str)}
        with general_paths(f), no_drawing(f, reached.generators):
            out = run(trace, shadow, args, kwargs)
            outs, out_def = pytree.flatten(out)
            kept = {k: x for k, x in enumerate(outs) if not is_number(x)}
            program = trace.program([*variables, *hidden], [x for x in outs if is_number(x)], name_of(self.f))
        for form in (reached, *fresh):
            form.settle()
        traced = [(v, x) for v, x in program.constants if isinstance(x, Tracer)]
        program = Program(
            (*program.inputs, *(v for v, _ in traced)), tuple(c for c in program.constants if c not in traced),
            program.equations, program.outputs, program.name,
        )  # fmt: skip
        entry = Entry(key, program, out_def, kept, reached, [x for _, x in traced])
        if not traced:  # what is closed over and traced belongs to this one call
            forms.entries[key] = entry
            while len(forms.entries) > MOST:
                forms.entries.popitem(last=False)
        return entry

    def check(self, treedef: pytree.TreeDef, leaves: Sequence[Any]) -> None:
        """Each leaf must be a number or an array of numbers."""
        for path, x in zip(self.paths(treedef), leaves, strict=True):
            subclass = isinstance(x, np.ndarray) and type(x) is not np.ndarray and not isinstance(x, Tracer)
            if is_number(x) and not subclass:
                continue
            what = f"an array of {x.dtype}" if isinstance(x, np.ndarray | np.generic) else f"a {type(x).__name__}"
            name = path.split("[")[0].split(".")[0]
            choice = f"jit(..., static_argnames={name!r}) if it chooses what is computed, or pass numbers"
            raise TraceError(
                f"jit({name_of(self.f)}): {path} is {f'a {type(x).__name__}' if subclass else what}, and not a number "
                f"or an array of numbers{at_line()}\n  write: {f'np.asarray({path})' if subclass else choice}"
            )

    def donated(self, kwargs: Any, leaves: Sequence[Any], treedef: pytree.TreeDef) -> tuple[bool, ...]:
        """Which leaves are donated; an array must not be donated and given otherwise too."""
        if not self.donate.names and not self.donate.positions:
            return (False,) * len(leaves)
        given, named = treedef.children
        mask: list[bool] = []
        for k, child in enumerate(given.children):
            mask += [k in self.donate.positions] * child.size
        for k, child in zip(kwargs, named.children, strict=True):
            mask += [k in self.donate.names] * child.size
        if shared(leaves, mask):
            raise ValueError(
                f"jit({name_of(self.f)}): an array that is donated is given as another argument too{at_line()}\n"
                "  write: x.copy() for one of the two"
            )
        return tuple(mask)


def _drop(forms: dict[int, Any], key: int, _: Any) -> None:
    forms.pop(key, None)


def _hashable(x: Any) -> bool:
    try:
        hash(x)
    except TypeError:
        return False
    return True


def is_object(x: Any) -> bool:
    """Whether an argument is an object of the user's, such as a method's ``self``, and not a tree of numbers."""
    return hasattr(x, "__dict__") and is_users(type(x)) and not is_number(x) and pytree.flatten(x)[1] is pytree.LEAF
