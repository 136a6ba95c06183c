"""``while_loop``: a loop that runs as long as a test holds, as one operation.

``while_loop[test, body, test_constants, body_constants] *test_constants *body_constants *carry -> *carry``; the test
takes its constants and the carry to one bool, the body takes its constants and the carry to the new carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wengert.core.primitive import Primitive, reads_everything, register
from wengert.core.program import Program
from wengert.core.types import Aval
from wengert.transforms.call import execute
from wengert.transforms.programs import retyped, types_of

__all__ = ["while_p"]


def _impl(
    *operands: Any, test: Program, body: Program, test_constants: int, body_constants: int
) -> tuple[Any, ...]:
    for_test, for_body, state = parts(operands, test_constants, body_constants)
    while execute(test, [*for_test, *state])[0]:
        state = execute(body, [*for_body, *state])
    return tuple(state)


def parts(operands: Sequence[Any], test_constants: int, body_constants: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Operands or types as constants of the test, constants of the body and carry."""
    at = test_constants + body_constants
    return list(operands[:test_constants]), list(operands[test_constants:at]), list(operands[at:])


def _infer(
    *avals: Aval, test: Program, body: Program, test_constants: int, body_constants: int
) -> tuple[Aval, ...]:
    del test
    return types_of(retyped(body, (*parts(avals, test_constants, body_constants)[1], *avals[test_constants + body_constants :])))


def _todo(*_: Any) -> Any:
    raise NotImplementedError


while_p = register(
    Primitive(
        "while_loop", "general", _impl, _infer, _todo, _todo, _todo, reads_everything,
        r"\operatorname{{while}}({0})", multiple=True,
    )
)  # fmt: skip
