"""What the disk keeps of a compiled Program: its object file, and all that is needed beside it to run it again.

The key is that of the Program as it was staged: where an entry is found, nothing is rewritten or emitted. An object
file imports functions by name; those that fall back to Python are made anew from the rewritten Program, whose
equations are found by their places.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from wengert.compile import names
from wengert.compile.cache import store
from wengert.compile.callbacks import of_equation
from wengert.compile.engine import Unit, link
from wengert.compile.keys import constants_of, program_key
from wengert.compile.threads import get_threads
from wengert.core.program import Equation, Program
from wengert.core.types import Aval
from wengert.errors import CompileError

__all__ = ["Kept", "Shelf", "describe"]

LARGEST = 16 << 20  # bytes of constants that are not in the staged Program and have to be kept

Place = list[Any]  # of an equation: its number, then parameter, number of the Program in it, and number there, …


@final
@dataclass(eq=False)
class Kept:
    """Machine code, what it imports, and how it is to be called."""

    code: list[bytes]
    exports: list[str]
    symbols: dict[str, str]  # functions that are imported, with their signatures
    arena: int
    constants: list[np.ndarray[Any, Any]]
    donated: dict[int, int]
    outputs: list[Aval]
    seconds: float
    kernels: int
    blas: bool  # whether it calls BLAS, which may use threads of its own
    called: list[Place] = field(default_factory=list[Place])
    rewritten: str = ""  # the key of the Program whose equations these are
    lasting: bool = True  # whether another process can use it

    def linked(self, rewritten: Callable[[], Program], threads: int) -> Unit:
        """The code in memory.

        Raises:
            CompileError: what it imports is not here, or is another than it was.
        """
        addresses, keep = self._callbacks(rewritten, threads) if self.called else ({}, [])
        for name, expected in self.symbols.items():
            where = names.address(name)
            if where is None or names.signature(name) != expected:
                raise CompileError(f"{name} is not what it was")
            addresses[name] = where
        return link(self.code, self.exports, addresses, keep)

    def _callbacks(self, rewritten: Callable[[], Program], threads: int) -> tuple[dict[str, int], list[Any]]:
        program = rewritten()
        if program_key(program) != self.rewritten:
            raise CompileError("the Program was rewritten another way than when it was kept")
        made = [of_equation(_equation(program, place), threads > 1) for place in self.called]
        return {f"python{k + 1}": address for k, (address, _) in enumerate(made)}, [keep for _, keep in made]


def describe(program: Program, rewritten: Program, core: Any, code: list[bytes], cost: Any) -> Kept:
    """An emitted core as what is kept of it, ``lasting`` unless it refers to what is only in this process."""
    python = {f"python{k + 1}" for k in range(len(core.called))}
    imported = {name: where for name, where in core.emitter.symbols.items() if name not in python}
    places = _places(rewritten) if python else {}
    found = [places.get(id(equation)) for equation in core.called]
    own = {id(x) for x in constants_of(program)}
    key = program_key(rewritten) if found else ""
    lasting = (
        len(found) == len(core.callbacks) and None not in found and key is not None
        and all(where == names.address(name) for name, where in imported.items())
        and sum(x.nbytes for x in core.constants if id(x) not in own) <= LARGEST
    )  # fmt: skip
    return Kept(
        code, list(core.emitter.exports), {name: names.signature(name) for name in imported}, core.arena,
        list(core.constants), dict(core.donated), [a.aval for a in rewritten.outputs], cost.seconds, cost.kernels,
        core.uses_blas, [x for x in found if x is not None], key or "", lasting,
    )  # fmt: skip


# ---- where an equation stands


def _places(program: Program, before: Sequence[Any] = ()) -> dict[int, Place]:
    """The place of each equation, by its identity."""
    found: dict[int, Place] = {}
    for k, equation in enumerate(program.equations):
        found[id(equation)] = [*before, k]
        for name, value in equation.params.items():
            for j, inner in enumerate(value if isinstance(value, tuple) else (value,)):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
                if isinstance(inner, Program):
                    found |= _places(inner, [*before, k, name, j])
    return found


def _equation(program: Program, place: Place) -> Equation:
    k, *rest = place
    equation = program.equations[k]
    if not rest:
        return equation
    name, j, *inside = rest
    value = equation.params[name]
    return _equation(value[j] if isinstance(value, tuple) else value, inside)


# ---- to and from the disk


@final
class Shelf:
    """The entries of one Program, one for each number of threads."""

    def __init__(self, program: Program, donated: Sequence[bool]) -> None:
        self.program, self.donated = program, tuple(map(bool, donated))
        self.store = store()
        self.found: dict[int, Kept | None] = {}
        self.keys: dict[int, str | None] = {}

    def key(self, threads: int) -> str | None:
        """The name of an entry."""
        if threads not in self.keys:
            self.keys[threads] = self.store and program_key(self.program, self.donated, threads, get_threads())
        return self.keys[threads]

    def get(self, threads: int) -> Kept | None:
        """The entry for so many threads."""
        if threads not in self.found:
            key = self.key(threads)
            content = self.store.read(key) if self.store and key else None
            self.found[threads] = self._unpacked(content) if content is not None else None
        return self.found[threads]

    def put(self, threads: int, kept: Kept) -> None:
        """Keep an entry, where it can be."""
        if self.store and kept.lasting and (key := self.key(threads)):
            self.store.write(key, self._packed(kept))

    def drop(self, threads: int) -> None:
        """An entry that is of no use here."""
        self.found[threads] = None
        if self.store and (key := self.key(threads)):
            self.store.remove(key)

    def _packed(self, kept: Kept) -> bytes:
        own: dict[int, Any] = {id(x): k for k, x in enumerate(constants_of(self.program))}
        more = [x for x in kept.constants if id(x) not in own]
        header = {**vars(kept), "code": [len(part) for part in kept.code]}
        header["outputs"] = [(a.shape, a.dtype.str, a.kind) for a in kept.outputs]
        header["constants"] = [own.get(id(x), (x.dtype.str, x.shape)) for x in kept.constants]
        text = json.dumps(header).encode()
        parts = [len(text).to_bytes(8, "little"), text, *kept.code]
        return b"".join([*parts, *(np.ascontiguousarray(x).tobytes() for x in more)])

    def _unpacked(self, content: bytes) -> Kept:
        size = int.from_bytes(content[:8], "little")
        header, at = json.loads(content[8 : 8 + size]), 8 + size
        code = list[bytes]()
        for length in header["code"]:
            code.append(content[at : at + length])
            at += length
        own, constants = constants_of(self.program), list[Any]()
        for kind in header["constants"]:
            if isinstance(kind, int):
                constants.append(own[kind])
                continue
            dtype, shape = np.dtype(kind[0]), tuple(kind[1])
            count = int(np.prod(shape, dtype=np.int64))
            constants.append(np.frombuffer(content, dtype, count, at).reshape(shape))
            at += count * dtype.itemsize
        header["outputs"] = [Aval(tuple(shape), np.dtype(dtype), kind) for shape, dtype, kind in header["outputs"]]
        header["donated"] = {int(k): j for k, j in header["donated"].items()}
        return Kept(**(header | {"code": code, "constants": constants}))
