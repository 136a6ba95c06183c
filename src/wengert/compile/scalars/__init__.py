"""Lowering of functions of each element to instructions, for scalars and vectors of any lanes.

``LOWER[name](e, operands, dtype, params)`` emits a primitive. Operands have NumPy's loop types already, as
``ufunc.resolve_dtypes`` gives them; ``dtype`` is that of the loop (for ``cast`` the operand's, for ``where`` that of
the choices, for ``ldexp`` the number's) and tells whether integers are signed. The result has the type that NumPy's
loop gives. A comparison of int64 with uint64 gets the first operand's dtype, and the second one's as
``params["other"]``.

What is exact in NumPy is equal to NumPy here, bit for bit; the rest has its bound in ``BOUNDS``. No warnings are
given, and integers to negative powers, which NumPy refuses, give the whole part. The primitives in ``LANEWISE`` are
calls of SciPy's own functions, lane by lane.
"""

from wengert.compile.scalars import (
    arithmetic,
    comparisons,
    exponentials,
    hyperbolic,
    integers,
    pointwise,
    powers,
    rounding,
    special,
    trigonometric,
)
from wengert.compile.scalars.casts import convert
from wengert.compile.scalars.library import address
from wengert.compile.scalars.philox import philox
from wengert.compile.scalars.pointwise import LANEWISE
from wengert.compile.scalars.table import BOUNDS, KINDS, LOWER, Bound, Rule, supports

__all__ = ["BOUNDS", "KINDS", "LANEWISE", "LOWER", "Bound", "Rule", "address", "convert", "philox", "supports"]

_ = (arithmetic, comparisons, exponentials, hyperbolic, integers, pointwise, powers, rounding, special, trigonometric)
