"""NumPy's questions about types, memory and text: the answers are no arrays, and have no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.handles import root_of
from wengert.core.trace import ArrayTracer, Constant, Tracer, plain, sample
from wengert.core.types import dtype_of
from wengert.errors import UnsupportedError, at_line
from wengert.frontend.asking import rehearse, stand_in
from wengert.frontend.tables import implements
from wengert.frontend.texts import text_of
from wengert.frontend.values import as_array
from wengert.ops.index import follow_layout

# ---- types


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    if isinstance(from_, Tracer):
        from_ = stand_in(from_) if from_.aval.kind == "python" else from_.dtype
    return np.can_cast(from_, to.dtype if isinstance(to, Tracer) else to, casting)


@implements(np.common_type)
def common_type(*arrays: Any) -> Any:
    return np.common_type(*[np.empty(0, dtype_of(as_array(x))) for x in arrays])


@implements(np.min_scalar_type)
def min_scalar_type(a: Any, /) -> Any:
    return a.dtype if isinstance(a, np.ndarray) and a.ndim else np.min_scalar_type(plain(a))


if hasattr(np, "astype"):

    @implements(np.astype)
    def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
        del device
        return x.astype(dtype, copy=copy)


@implements(np.einsum_path)
def einsum_path(*operands: Any, optimize: Any = "greedy", einsum_call: Any = False) -> Any:
    return np.einsum_path(*[stand_in(x) for x in operands], optimize=optimize, einsum_call=einsum_call)


# ---- memory


def _place(x: Any) -> tuple[Any, Any]:
    """Whose memory a value lies in, and the steps from there to where."""
    return root_of(x) if isinstance(x, ArrayTracer) else (x, ())


def _overlap(question: Any) -> Any:
    def rule(a: Any, b: Any, /, max_work: Any = None) -> bool:
        (base, way), (other, back) = _place(a), _place(b)
        options = {} if max_work is None else {"max_work": max_work}
        if options:
            rehearse(question, a, b, **options)
        plainly = [x.v if type(x) is Constant else x for x in (base, other)]
        if base is not other and any(isinstance(x, Tracer) for x in plainly):
            return False  # traced values with different roots have nothing in common, as far as writes go
        if isinstance(plainly[0], Tracer) and not isinstance(plainly[0], ArrayTracer):
            return False
        try:
            first = sample(plainly[0])
        except TypeError:
            raise UnsupportedError(
                f"np.{question.__name__} of arrays of which it is not known how they lie in memory{at_line()}\n"
                "  write: a copy, where memory must not be shared"
            ) from None
        second = first if base is other else plainly[1]
        return bool(question(follow_layout(first, way), follow_layout(second, back), **options))

    return rule


implements(np.shares_memory, always=True)(_overlap(np.shares_memory))
implements(np.may_share_memory, always=True)(_overlap(np.may_share_memory))


# ---- text: a traced array is shown as NumPy shows its value


def _text(function: Any) -> None:
    implements(function)(lambda a, *args, **kwargs: text_of(function(plain(a), *args, **kwargs)))


for _function in (np.array2string, np.array_repr, np.array_str):
    _text(_function)
