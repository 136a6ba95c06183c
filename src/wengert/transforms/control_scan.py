"""``scan``: a loop of known length over slices, as one operation.

``scan[body, length, constants, carry, reverse] *constants *carry *xs -> *carry *ys``; the body takes constants, carry
and a slice of each of ``xs`` to the new carry and a slice of each of ``ys``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive, reads_everything, register
from wengert.core.program import Program
from wengert.core.types import Aval
from wengert.transforms.call import execute
from wengert.transforms.programs import retyped, types_of

__all__ = ["scan_p"]


def sliced(aval: Aval) -> Aval:
    """The type of a slice."""
    return Aval(aval.shape[1:], aval.dtype, "array" if aval.ndim > 1 else "scalar")


def stacked(aval: Aval, length: int) -> Aval:
    """The type of ``length`` values of a type, stacked."""
    return Aval((length, *aval.shape), aval.dtype, "array")


def _impl(
    *operands: Any, body: Program, length: int, constants: int, carry: int, reverse: bool
) -> tuple[Any, ...]:
    consts, state, xs = split(operands, constants, carry)
    types = types_of(body)[carry:]
    ys: list[Any] = [np.empty((length, *t.shape), t.dtype) for t in types]
    for k in reversed(range(length)) if reverse else range(length):
        out = execute(body, [*consts, *state, *(x[k] for x in xs)])
        state = out[:carry]
        for n, y in enumerate(out[carry:]):
            ys[n] = ys[n] if ys[n].dtype == np.asarray(y).dtype else ys[n].astype(np.asarray(y).dtype)
            ys[n][k] = y
    return (*state, *ys)


def split(operands: Sequence[Any], constants: int, carry: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Operands or types as constants, carry and what is run over."""
    at = constants + carry
    return list(operands[:constants]), list(operands[constants:at]), list(operands[at:])


def _infer(
    *avals: Aval, body: Program, length: int, constants: int, carry: int, reverse: bool
) -> tuple[Aval, ...]:
    del reverse
    at = constants + carry
    types = types_of(retyped(body, (*avals[:at], *map(sliced, avals[at:]))))
    return (*types[:carry], *(stacked(t, length) for t in types[carry:]))


def _todo(*_: Any) -> Any:
    raise NotImplementedError


scan_p = register(
    Primitive(
        "scan", "general", _impl, _infer, _todo, _todo, _todo, reads_everything,
        r"\operatorname{{scan}}({0})", multiple=True,
    )
)  # fmt: skip
