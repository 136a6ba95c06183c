"""Whether two Programs compute the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.program import Program
from wengert.core.types import aval_of
from wengert.rewrite import rewrite

# products are summed in another order
PRODUCTS = ("products", "layout", "batch_products")


def bits(x: Any) -> tuple[Any, ...]:
    """A value as its type and bits; all NaNs are one."""
    array = np.asarray(x)
    if array.dtype.kind in "fc":
        array = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
    return str(aval_of(x)), array.tobytes()


def same_bits(got: Any, want: Any) -> None:
    """Equal to the bit, and of the same type."""
    if bits(got) != bits(want):  # not an assert, whose message would show all bits
        raise AssertionError(f"{aval_of(got)}: {got!r}, {aval_of(want)}: {want!r}"[:600])


def close(got: Any, want: Any, rtol: float) -> None:
    """Equal up to rounding, relative to the largest element, and of the same type."""
    assert aval_of(got) == aval_of(want)
    scale = float(np.max(np.abs(want), initial=0.0))
    np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * scale)


def rewritten_is_equal(program: Program, operands: Any, rtol: float = 1e-12, exact: bool = True) -> Program:
    """Without passes that sum in another order to the bit, with them up to rounding.

    Not ``exact``: how arrays lie in memory, which changes, decides in which order NumPy's products sum.
    """
    with np.errstate(all="ignore"):
        want = program.evaluate(operands)
        careful = rewrite(program, skip=PRODUCTS).evaluate(operands)
        new = rewrite(program)
        got = new.evaluate(operands)
    for a, b, c in zip(careful, got, want, strict=True):
        if exact:
            same_bits(a, c)
        close(b, c, rtol)
    return new
