"""What has no derivative: flat by nature, for its results are no real numbers, or refused, and why.

A reason may end with ``; write: `` and the line to write instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy._core import umath as _umath  # type: ignore[attr-defined]  # the ufuncs behind np.clip and np.ones_like

from wengert.frontend.tables import FLAT, REFUSED, reason_of


def named(owner: Any, names: str) -> Iterable[Any]:
    """The functions of these names, as far as this NumPy has them."""
    return [getattr(owner, name) for name in names.split() if hasattr(owner, name)]


# ---- flat: positions, counts, truth values, types and text; they are steps, and zero is their derivative

FLAT.update(named(np, """
    all allclose any argmax argmin argpartition argsort argwhere around array2string array_equal array_equiv array_repr
    array_str bitwise_count can_cast common_type count_nonzero diag_indices_from digitize einsum_path fix flatnonzero
    in1d isclose iscomplex iscomplexobj isin isneginf isposinf isreal isrealobj ix_ lexsort may_share_memory
    min_scalar_type nanargmax nanargmin ndim nonzero packbits ravel_multi_index result_type round searchsorted shape
    shares_memory size tril_indices_from triu_indices_from unpackbits unravel_index
"""))  # fmt: skip
FLAT.update(named(np.linalg, "matrix_rank"))
FLAT.update(named(np.ndarray, """
    all any argmax argmin argpartition argsort nonzero searchsorted round
    shape ndim size dtype itemsize nbytes device strides flags base
"""))  # fmt: skip

# ---- refused

_RECORDS = "it works on records of named fields; write: the columns as arrays of their own, x[:, k]"
_DATES = "dates are counted in whole days; write: it outside of the function, and its result as an argument"
_TEXT = "it works on text; write: it outside of the function"
_FILE = "it writes to a file; write: return the value, and save it outside of the function"
_READS = "it reads numbers from elsewhere, which are constants; write: it outside of the function"
_BYTES = "it takes the bytes out of the trace; write: index the array (x[i]), or return it and convert it outside"
_PARTS = "what works with it writes to memory past the trace; write: x[i] = v"

# by the module, for these load much that nobody may want
REFUSED["numpy.lib.recfunctions"] = _RECORDS
REFUSED["numpy.strings"] = REFUSED["numpy.char"] = _TEXT
REFUSED.update(dict.fromkeys(named(np, "busday_count busday_offset is_busday datetime_as_string isnat"), _DATES))
REFUSED.update(dict.fromkeys(named(np, "save savez savez_compressed savetxt"), _FILE))
REFUSED.update(dict.fromkeys(named(np, "frombuffer fromfile fromstring genfromtxt loadtxt"), _READS))
REFUSED.update(dict.fromkeys(
    named(np.ndarray, "item tolist tobytes dump dumps tofile view byteswap getfield"), _BYTES,
))  # fmt: skip
REFUSED.update(dict.fromkeys(named(np.ndarray, "data ctypes setfield setflags"), _PARTS))
REFUSED.update(dict.fromkeys(
    named(np.ndarray, "resize"), "it changes the shape of an array in place; write: x = np.resize(x, shape)",
))  # fmt: skip


_OLD = "later NumPys do without it; write: x[i] = v, x.astype(dtype), np.ptp(x) or x.tobytes()"
REFUSED.update(dict.fromkeys(named(np.ndarray, "itemset newbyteorder ptp tostring"), _OLD))
# the inside of other functions
for _name, _instead in {"clip": "np.clip(x, low, high)", "_ones_like": "np.ones_like(x)"}.items():
    REFUSED.update(dict.fromkeys(named(_umath, _name), f"it is the inside of another function; write: {_instead}"))


def refused(function: Any) -> str:
    """Why a function is refused: what was entered for it, for its module, or for all ufuncs of text."""
    if isinstance(function, np.ufunc) and not function.types:
        return _TEXT
    return reason_of(function)
