"""``cond``: one of several Programs, chosen by an integer, as one operation.

``cond[branches] index *operands -> outputs``; an index below 0 or beyond the last branch takes the nearest one.
"""

from __future__ import annotations

from typing import Any

from wengert.core.primitive import Primitive, reads_everything, register
from wengert.core.program import Program
from wengert.core.types import Aval
from wengert.transforms.call import execute
from wengert.transforms.programs import retyped, types_of

__all__ = ["cond_p"]


def _impl(index: Any, *operands: Any, branches: tuple[Program, ...]) -> tuple[Any, ...]:
    return tuple(execute(branches[min(max(int(index), 0), len(branches) - 1)], operands))


def _infer(_index: Aval, *avals: Aval, branches: tuple[Program, ...]) -> tuple[Aval, ...]:
    return types_of(retyped(branches[0], avals))


def _todo(*_: Any) -> Any:
    raise NotImplementedError


cond_p = register(
    Primitive(
        "cond", "general", _impl, _infer, _todo, _todo, _todo, reads_everything,
        r"\operatorname{{cond}}({0})", multiple=True,
    )
)  # fmt: skip
