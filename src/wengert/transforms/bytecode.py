"""What names code reads, found in its bytecode.

``dis`` tells it, with the line and the text of each instruction, which takes most of the time that it takes to reach
what a function reads. Here only loads of names are decoded, and for Pythons that are not known ``dis`` is asked.
"""

from __future__ import annotations

import dis
import functools
import sys
import types
from collections.abc import Iterator

__all__ = ["attribute_names", "loads", "read_names"]

_KNOWN = (3, 11) <= sys.version_info < (3, 15)
_EXTENDED = dis.EXTENDED_ARG
_SKIPPED = frozenset(dis.opmap[name] for name in ("CACHE", "PUSH_NULL", "EXTENDED_ARG") if name in dis.opmap)
_LOADS = {dis.opmap[name]: name for name in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_ATTR", "LOAD_METHOD")
          if name in dis.opmap}  # fmt: skip
# whose lowest bit says something else: whether a NULL is pushed, whether a method is looked up
_FLAGGED = frozenset({"LOAD_GLOBAL"} if sys.version_info < (3, 12) else {"LOAD_GLOBAL", "LOAD_ATTR"})


def loads(code: types.CodeType) -> Iterator[tuple[str, str]]:
    """For each instruction its operation and its name, where it loads one, else empty texts.

    Example:
        >>> from wengert.transforms.bytecode import loads
        >>> [name for _, name in loads((lambda x: abs(x.real)).__code__) if name]
        ['abs', 'real']
    """
    return _decoded(code) if _KNOWN else _told(code)


def _decoded(code: types.CodeType) -> Iterator[tuple[str, str]]:
    names, bytecode, high = code.co_names, code.co_code, 0
    for at in range(0, len(bytecode), 2):
        number, argument = bytecode[at], bytecode[at + 1] | high
        high = argument << 8 if number == _EXTENDED else 0
        operation = _LOADS.get(number)
        if operation is None:
            if number not in _SKIPPED:
                yield "", ""
        elif operation == "LOAD_DEREF":
            yield operation, _variable(code, argument)
        else:
            yield operation, names[argument >> (operation in _FLAGGED)]


def _variable(code: types.CodeType, argument: int) -> str:
    return code._varname_from_oparg(argument)  # pyright: ignore[reportAttributeAccessIssue]  # `dis` asks it too


def _told(code: types.CodeType) -> Iterator[tuple[str, str]]:
    for step in dis.get_instructions(code):
        if step.opname in _LOADS.values():
            yield step.opname, step.argval
        elif step.opcode not in _SKIPPED:
            yield "", ""


@functools.lru_cache(maxsize=4096)
def read_names(code: types.CodeType) -> dict[str, set[tuple[str, ...]]]:
    """The names from outside that code reads, functions within it included, with chains of attributes read of them."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for inner in codes_in(code):
        name: str | None = None
        chain: tuple[str, ...] = ()
        for operation, argument in loads(inner):
            if operation in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF"):
                name, chain = argument, ()
                found.setdefault(argument, set())
            elif operation in ("LOAD_ATTR", "LOAD_METHOD") and name is not None:
                chain = (*chain, argument)
                found[name].add(chain)
            else:
                name = None
    return found


@functools.lru_cache(maxsize=4096)
def attribute_names(code: types.CodeType) -> frozenset[str]:
    """The names of attributes that code reads, and of functions that may read any."""
    wanted = ("LOAD_ATTR", "LOAD_METHOD", "LOAD_GLOBAL")
    return frozenset(name for inner in codes_in(code) for operation, name in loads(inner) if operation in wanted)


def codes_in(code: types.CodeType) -> Iterator[types.CodeType]:
    """Code, and that of the functions within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_in(constant)
