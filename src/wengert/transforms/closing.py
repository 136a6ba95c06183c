"""Functions of control flow staged: what they close over becomes the first operands of their Programs.

A function is staged anew at each call, for it may close over other values each time; Programs that are alike are then
one Program (:func:`canonical`), so that what is derived from it, and its machine code, is made once.
"""

from __future__ import annotations

import functools
import types
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wengert import pytree
from wengert.core.program import Atom, Literal, Program, Var
from wengert.core.trace import Tracer, set_class
from wengert.core.types import Aval, aval_of
from wengert.errors import TraceError, at_line
from wengert.transforms.inputs import is_number, name_of, run
from wengert.transforms.reverse import ReverseArray, ReverseScalar, take_general_path
from wengert.transforms.stage import Capture

__all__ = ["Closed", "canonical", "stage_closed"]


Finish = Callable[[list[Any]], list[Any]]


@dataclass(frozen=True, slots=True)
class Closed:
    """A staged function: its Program takes ``constants``, the values that it closes over, and then its operands."""

    program: Program
    constants: list[Any]
    out_def: pytree.TreeDef
    avals: tuple[Aval, ...]


def stage_closed(
    f: Callable[..., Any], avals: Sequence[Aval], treedef: pytree.TreeDef, finish: Finish, what: str
) -> Closed:
    """Stage ``f`` for a tree of arguments; ``avals`` of the result are those before ``finish`` has seen its leaves."""
    trace = Capture()
    inputs = [trace.declare(aval) for aval in avals]
    variables = [z.i for z in inputs]
    with general_paths(f):
        out = run(trace, f, pytree.unflatten(treedef, inputs), {})
        leaves, out_def = pytree.flatten(out)
        for x in leaves:
            if not is_number(x):
                raise TraceError(
                    f"{what}({name_of(f)}): the function returned a {type(x).__name__}, where numbers and arrays are "
                    f"carried{at_line()}\n  write: return numbers and arrays alone (in tuples, dicts, dataclasses)"
                )
        types_ = tuple(aval_of(x) for x in leaves)
        program = trace.program(variables, run(trace, finish, [leaves], {}), name_of(f))
    hoisted = (*(v for v, _ in program.constants), *program.inputs)
    closed = Program(hoisted, (), program.equations, program.outputs, program.name)
    return Closed(canonical(closed), [x for _, x in program.constants], out_def, types_)


# ---- values of a tape, whose operators have paths of their own past the innermost trace


class general_paths:
    """While a function is staged: the tape's tracers that it closes over go through ``bind``, as all others do."""

    __slots__ = ("changed", "f")

    def __init__(self, f: Any) -> None:
        self.f = f
        self.changed: list[tuple[Tracer, type[Tracer]]] = []

    def __enter__(self) -> None:
        for x in enclosed(self.f, set()):
            if type(x) is ReverseArray or type(x) is ReverseScalar:
                self.changed.append((x, type(x)))
                take_general_path(x)

    def __exit__(self, *_: object) -> None:
        for x, cls in self.changed:
            set_class(x, cls)


def enclosed(x: Any, seen: set[int]) -> Iterator[Tracer]:
    """The tracers that a function, or a value that it closes over, holds."""
    if id(x) in seen:
        return
    seen.add(id(x))
    for inner in held(x):
        if isinstance(inner, Tracer):
            yield inner
        else:
            yield from enclosed(inner, seen)


def held(x: Any) -> Sequence[Any]:
    """What a function, a container or an object holds."""
    if isinstance(x, Tracer):
        return [x]
    if isinstance(x, types.FunctionType):
        cells = [c.cell_contents for c in x.__closure__ or () if _is_filled(c)]
        return [*cells, *(x.__defaults__ or ()), *(x.__kwdefaults__ or {}).values()]
    if isinstance(x, types.MethodType):
        return [x.__func__, x.__self__]
    if isinstance(x, functools.partial):
        return [x.func, *x.args, *x.keywords.values()]
    if isinstance(x, list | tuple | set):
        return list(x)
    if isinstance(x, dict):
        return list(x.values())
    if isinstance(x, type | types.ModuleType):
        return []
    return list(getattr(x, "__dict__", {}).values())


def _is_filled(cell: Any) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:  # of a function that is defined further down
        return False
    return True


# ---- Programs that are alike

_KNOWN: OrderedDict[Any, Program] = OrderedDict()
MOST = 512  # Programs without constants hold no arrays


def canonical(program: Program) -> Program:
    """The first Program that was like this one: the same operations on the same types, in the same order."""
    try:
        key = fingerprint(program)
        known = _KNOWN.setdefault(key, program)
        _KNOWN.move_to_end(key)
    except TypeError:  # a parameter that cannot be hashed, such as a custom rule's
        return program
    while len(_KNOWN) > MOST:
        _KNOWN.popitem(last=False)
    return known


def fingerprint(program: Program) -> Any:
    """A key that Programs share if and only if they are alike; Programs within them are known by identity."""
    numbers: dict[Var, int] = {}

    def of(atom: Atom) -> Any:
        if isinstance(atom, Literal):
            return (type(atom.value), repr(atom.value))
        return numbers[atom]

    def name(var: Var) -> Aval:
        numbers[var] = len(numbers)
        return var.aval

    inputs = tuple(name(v) for v in program.inputs)
    equations = tuple(
        (e.primitive, tuple(of(a) for a in e.inputs), tuple(name(v) for v in e.outputs), frozen(e.params))
        for e in program.equations
    )
    return program.name, inputs, equations, tuple(of(a) for a in program.outputs)


def frozen(value: Any) -> Any:
    """A parameter as a part of a key."""
    if isinstance(value, dict):
        return tuple((k, frozen(v)) for k, v in value.items())
    if isinstance(value, tuple | list):
        return (type(value), *(frozen(v) for v in value))
    if isinstance(value, slice):
        return (slice, value.start, value.stop, value.step)
    return (type(value), repr(value)) if isinstance(value, float | complex) else (type(value), value)
