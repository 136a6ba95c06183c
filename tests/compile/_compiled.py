"""A function as machine code, beside what NumPy computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import wengert.transforms
from wengert import make_program
from wengert.compile.compiler import compile_program
from wengert.core.program import Program
from wengert.core.types import aval_of

assert wengert.transforms

# records that compute by multiplying complex numbers and the like are interpreted: no native code was promised
EPS = 32.0  # what sums in another order and other functions may differ by, in eps of the largest element


def run(program: Program, operands: Sequence[Any], threads: int = 1) -> tuple[list[Any], list[str]]:
    """A Program's results as machine code, and the names of what called NumPy there."""
    code = compile_program(program, threads=threads)
    return code(*operands), [e.primitive.name for e in code.core.fallbacks]


def near(got: Any, want: Any, eps: float = EPS) -> None:
    """The same type and, up to rounding relative to the largest finite element, the same numbers; 0 for the same bits.

    NaNs and infinities stand in the same places.
    """
    assert aval_of(got) == aval_of(want)
    got, want = np.asarray(got), np.asarray(want)
    if not eps or got.dtype.kind not in "fc":
        np.testing.assert_array_equal(got, want)
        return
    finite = np.abs(want[np.isfinite(want)])
    atol = eps * float(np.finfo(want.dtype).eps) * float(finite.max(initial=0.0))
    np.testing.assert_allclose(got, want, rtol=0, atol=atol)


def agrees(
    f: Callable[..., Any], *operands: Any, threads: int = 1, eps: float = 0.0, interpreted: Sequence[str] = ()
) -> None:
    """Machine code computes what NumPy does, and calls it for nothing but what is named."""
    program = make_program(f)(*operands)
    got, fallbacks = run(program, operands, threads)
    assert sorted(set(fallbacks)) == sorted(interpreted)
    want = f(*operands)
    for a, b in zip(got, want if isinstance(want, tuple | list) else [want], strict=True):
        near(a, b, eps)
