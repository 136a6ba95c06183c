"""What a Program is known by on the disk: a hash of all that decides about its machine code.

Two Programs have the same key where they are equal but for the names of their variables and the lines they came from. A
Program with something in it that means nothing in another process (a function, an operation of the user's) has none.
"""

from __future__ import annotations

import functools
import hashlib
import os
import struct
import sys
from typing import Any, Final, final

import llvmlite
import numpy as np

from wengert.compile.target import host
from wengert.core.primitive import REGISTRY, Primitive
from wengert.core.program import Atom, Equation, Program, Var, uniform
from wengert.core.types import Aval
from wengert.ops.index import ARRAY

__all__ = ["compiler_key", "constants_of", "program_key"]

SOURCES: Final = ("compile", "rewrite", "core", "ops", "frontend", "transforms")
LIBRARIES: Final = ("wengert.", "numpy.", "scipy.", "_operator.", "operator.", "math.", "builtins.")


class _NoKeyError(Exception):
    """There is something that has no meaning elsewhere."""


def program_key(program: Program, *options: Any) -> str | None:
    """The key of a Program that is compiled with these options; None where it has none.

    Example:
        >>> import numpy as np
        >>> from wengert import make_program
        >>> from wengert.compile.keys import program_key
        >>> f, g = make_program(np.sin)(1.0), make_program(np.sin)(2.0)
        >>> program_key(f) == program_key(g) != program_key(f, "more")
        True
    """
    writer = _Writer()
    try:
        writer.value((compiler_key(), options))
        writer.program(program)
    except _NoKeyError:
        return None
    return writer.hash.hexdigest()


@functools.cache
def compiler_key() -> str:
    """Of the machine, and of all that makes code for it: this library's sources, as they lie on the disk."""
    version = sys.modules[__name__.partition(".")[0]].__version__
    found = [version, llvmlite.__version__, np.__version__, sys.version, sys.platform, host().key]
    for room in SOURCES:
        found += sorted(_sources(os.path.join(os.path.dirname(os.path.dirname(__file__)), room)))
    return hashlib.blake2b("\n".join(found).encode(), digest_size=16).hexdigest()


def _sources(directory: str) -> list[str]:
    """Each source file with its size and time: reading them all would take as long as the rest of a first call."""
    found: list[str] = []
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                about = entry.stat()
                found.append(f"{entry.path} {about.st_size} {about.st_mtime_ns}")
            elif entry.is_dir():
                found += _sources(entry.path)
    return found


def constants_of(program: Program) -> list[Any]:
    """All arrays of a Program and of those inside its equations, each once, in an order that its key determines."""
    found: dict[int, Any] = {}
    _constants(program, found, set())
    return list(found.values())


def _constants(program: Program, found: dict[int, Any], seen: set[int]) -> None:
    if id(program) in seen:
        return
    seen.add(id(program))
    found.update((id(x), x) for _, x in program.constants)
    for equation in program.equations:
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple) else (value,):  # pyright: ignore[reportUnknownVariableType]
                if isinstance(inner, Program):
                    _constants(inner, found, seen)


def _same_everywhere(f: Any) -> bool:
    """Whether a function is a library's own, and not the user's, or made of the user's."""
    if isinstance(f, functools.partial):
        return all(map(_same_everywhere, (f.func, *filter(callable, (*f.args, *f.keywords.values())))))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    if isinstance(f, np.ufunc):
        homes = [np, sys.modules.get("scipy.special")]
        return any(getattr(home, f.__name__, None) is f for home in homes)
    if isinstance(f, np.vectorize) or not f"{getattr(f, '__module__', None)}.".startswith(LIBRARIES):
        return False
    held = [cell.cell_contents for cell in getattr(f, "__closure__", None) or ()]
    return all(map(_same_everywhere, filter(callable, held)))


def _named(f: Any) -> bool:
    """Whether a function is what its name says."""
    return getattr(sys.modules.get(f.__module__), getattr(f, "__qualname__", ""), None) is f


@final
class _Writer:
    """Writes a Program into a hash: each part begins with a letter that says what it is."""

    def __init__(self) -> None:
        self.hash = hashlib.blake2b(digest_size=20)
        self.numbers: dict[Var, int] = {}
        self.programs: dict[Program, int] = {}
        self.primitives: dict[str, None] = {}

    def program(self, program: Program) -> None:
        """Variables become numbers in the order of their appearance."""
        known = self.programs.get(program)
        if known is not None:
            return self.text("again", known)
        self.programs[program] = len(self.programs)
        self.text("program", program.name, len(program.inputs), len(program.constants), len(program.equations))
        for var in program.inputs:
            self.made(var)
        for var, value in program.constants:
            self.made(var)
            self.value(np.asarray(value))
        for equation in program.equations:
            self.equation(equation)
        self.text("outputs", len(program.outputs))
        for atom in program.outputs:
            self.atom(atom)
        return None

    def equation(self, equation: Equation) -> None:
        """An equation, without its line."""
        self.primitive(equation.primitive)
        self.text("equation", equation.primitive.name, len(equation.inputs), len(equation.params))
        for atom in equation.inputs:
            self.atom(atom)
        for name, value in equation.params.items():
            self.text("parameter", name)
            self.value(value)
        for var in equation.outputs:
            self.made(var)

    def primitive(self, primitive: Primitive) -> None:
        """Only operations of this library mean the same everywhere."""
        if primitive.name in self.primitives:
            return
        if REGISTRY.get(primitive.name) is not primitive or not _same_everywhere(primitive.impl):
            raise _NoKeyError(primitive.name)
        self.primitives[primitive.name] = None

    def made(self, var: Var) -> None:
        """A variable where it gets its value."""
        self.numbers[var] = len(self.numbers)
        self.aval(var.aval)

    def atom(self, atom: Atom) -> None:
        """An operand."""
        if isinstance(atom, Var):
            self.text("v", self.numbers[atom])
        else:
            self.value(atom.value)

    def aval(self, aval: Aval) -> None:
        """A type."""
        self.text(aval.kind, aval.dtype.str, *aval.shape)

    def text(self, *parts: Any) -> None:
        """Words and numbers."""
        self.hash.update(f"{parts!r};".encode())

    def value(self, value: Any) -> None:
        """Any parameter or number."""
        if isinstance(value, Program):
            self.program(value)
        elif value is None or value is Ellipsis or value is ARRAY or isinstance(value, bool | int | str | bytes):
            self.text(type(value).__name__, value)  # ARRAY is shown as a dot
        elif type(value) is float:
            self.hash.update(b"float" + struct.pack("<d", value))
        elif type(value) is complex:
            self.hash.update(b"complex" + struct.pack("<dd", value.real, value.imag))
        elif isinstance(value, np.generic) or type(value) is np.ndarray:
            self.array(np.asarray(value), type(value).__name__)
        elif isinstance(value, np.dtype):
            self.text("dtype", value.str)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        elif isinstance(value, slice):
            self.value(("slice", value.start, value.stop, value.step))
        elif isinstance(value, tuple | list | frozenset | dict):
            self.several(value)
        elif isinstance(value, Aval):
            self.aval(value)
        elif isinstance(value, type) and issubclass(value, np.generic | bool | int | float | complex):
            self.text("type", value.__name__)
        elif callable(value) and _same_everywhere(value) and _named(value):
            self.text("function", value.__module__, value.__qualname__)
        else:
            raise _NoKeyError(type(value))

    def array(self, x: np.ndarray[Any, Any], kind: str) -> None:
        """All bits of an array."""
        if x.dtype.kind not in "biufc":
            raise _NoKeyError(x.dtype)
        number = uniform(x) if x.size > 1 else None  # many constants are, and it is found sooner than a hash
        self.text(kind, x.dtype.str, *x.shape, number is not None)
        self.hash.update(np.ascontiguousarray(x if number is None else number).data if x.size else b"")

    def several(self, value: Any) -> None:
        """What holds values."""
        if isinstance(value, frozenset):
            value = ("frozenset", *sorted(value, key=repr))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        elif isinstance(value, dict):
            value = ("dict", *value.items())  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
        self.text(type(value).__name__, len(value))
        for x in value:
            self.value(x)
