"""Calls of NumPy's functions of types, which the Python array API standard has."""

from __future__ import annotations

import numpy as np
from tests.frontend._cases import X, add

if hasattr(np, "astype"):
    add(np.astype, lambda x: np.astype(x, np.float64), lambda x: np.astype(x, np.float64, copy=False),
        lambda x: np.astype(x, np.complex128).real, lambda x: x * np.astype(x, np.int64),
        lambda x: np.astype(x, x.dtype, copy=False, device="cpu"), args=(X,))  # fmt: skip
add(np.can_cast, lambda x: x * np.can_cast(x, np.float16), lambda x: x * np.can_cast(x, np.float32, "same_kind"),
    lambda x: x * np.can_cast(np.float32, x.dtype), args=(X,))  # fmt: skip
