"""Indexing and assignment: users' indices to templates, reads that are views, writes through them."""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core import handles
from wengert.core.handles import adopt, attach, refresh, root_of
from wengert.core.trace import ArrayTracer, Constant, Tracer, innermost, lower, plain
from wengert.core.types import dtype_of
from wengert.errors import ConcretizationError, EscapeError, LeakError, UnsupportedError, at_line
from wengert.frontend.tables import READ_ONLY
from wengert.ops import index as ops
from wengert.ops.index import ARRAY, assign, follow, update

handles.FOLLOW.append(lambda x, chain: ops.follow_traced(x, chain) if isinstance(x, Tracer) else follow(x, chain))


def is_basic(idx: Any) -> bool:
    """Whether an index is made of ints, slices, None and Ellipsis alone, so that NumPy gives a view."""
    kind = type(idx)
    if kind is int or kind is slice or idx is Ellipsis or idx is None:
        return True
    return kind is tuple and all(type(e) is int or type(e) is slice or e is Ellipsis or e is None for e in idx)


def split_index(idx: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """A user's index as a template and its integer arrays."""
    template: list[Any] = []
    arrays: list[Any] = []
    for raw in idx if isinstance(idx, tuple) else (idx,):
        entry = lower(raw)
        if isinstance(entry, np.integer) and not isinstance(entry, Tracer):
            entry = int(entry)
        if entry is None or entry is Ellipsis or type(entry) is int:
            template.append(entry)
        elif isinstance(entry, slice):
            template.append(slice(_bound(entry.start), _bound(entry.stop), _bound(entry.step)))
        elif isinstance(entry, Tracer):
            _refuse_index(entry)
            template.append(ARRAY)
            arrays.append(entry)
        else:
            found = _index_arrays(entry)
            template.extend([ARRAY] * len(found))
            arrays.extend(found)
    return tuple(template), arrays


def _bound(bound: Any) -> int | None:
    bound = lower(bound)
    return None if bound is None else bound.__index__()


def _refuse_index(entry: Tracer) -> None:
    kind = entry.dtype.kind
    if kind == "b":
        raise ConcretizationError(
            f"a boolean mask that is traced ({entry.aval}) would give a result of unknown shape{at_line()}\n"
            "  write: np.where(mask, x, 0.0) in place of x[mask]"
        )
    if kind not in "iu":
        raise EscapeError(f"a traced {entry.aval} is not an index{at_line()}\n  indices are integers")


def _index_arrays(entry: Any) -> list[Any]:
    if isinstance(entry, list) and any(isinstance(e, Tracer) for e in entry):
        entry = [plain(e) if type(e) is Constant else e for e in entry]
    array = np.asarray(entry)
    if array.dtype == bool:
        if array.ndim == 0:
            raise UnsupportedError(f"indexing a traced array with a single True or False{at_line()}")
        return list(array.nonzero())
    if array.size == 0 and array.dtype == float and isinstance(entry, list):
        array = array.astype(np.intp)
    if array.dtype.kind not in "iu":
        raise IndexError(f"arrays used as indices must be of integer or boolean type, not {array.dtype}{at_line()}")
    return [array]


def getitem(x: Any, idx: Any) -> Any:
    """``x[idx]``; a basic index of an array gives a view."""
    template, arrays = split_index(idx)
    out = ops.getitem(x, *arrays, index=template)
    if not arrays and isinstance(out, ArrayTracer) and isinstance(x, ArrayTracer):
        attach(out, x, ("index", template))
    return out


def setitem(x: ArrayTracer, idx: Any, value: Any) -> None:
    """``x[idx] = value``: rebind the root of ``x``, and with it all its views."""
    template, arrays = split_index(idx)
    root, chain = root_of(x)
    ops.refuse_read_only(chain)
    if isinstance(value, list | tuple):
        value = np.array(value) if not _has_tracer(value) else _stack(value)
    trace = innermost((root, value, *arrays))
    if type(root) is Constant:
        if trace is None:
            write_constant(root, chain, ops.fill(template, [lower(a) for a in arrays]), lower(value))
            return
        promote(root)
    refuse_leak(root, trace)
    refuse_truncation(root, value)
    adopt(root, update(root, value, *arrays, chain=chain, index=template))
    refresh(root)


def _has_tracer(value: Any) -> bool:
    return any(isinstance(e, Tracer) or (isinstance(e, list | tuple) and _has_tracer(e)) for e in value)


def _stack(value: Any) -> Any:
    return np.stack([_stack(e) if isinstance(e, list | tuple) else e for e in value])


def write_constant(root: Constant, chain: Any, where: Any, value: Any) -> None:
    """A write of plain values into a plain array: NumPy's own; the caller's arrays are copied first."""
    refuse_read_only(root)
    if not root.v.flags.writeable:
        root.v = root.v.copy("K")
        refresh(root)
    assign(root.v, chain, where, value)
    refresh(root)


def promote(root: Constant) -> None:
    """Turn a constant handle, and its views, into handles of the trace in which it was made."""
    refuse_read_only(root)
    adopt(root, root.t.lift(root.v))
    refresh(root)


def refuse_read_only(root: Constant) -> None:
    """A view that NumPy made, and no handle knows of: what is written to it would not reach its base."""
    if root.i == READ_ONLY:
        raise UnsupportedError(
            f"writing through a view that was made by a NumPy function without a rule{at_line()}\n"
            "  write: a copy of the view, if its base is not meant to change, or index the base itself"
        )


def refuse_leak(root: ArrayTracer, trace: Any) -> None:
    """A value of an inner transform must not be stored where it would outlive it."""
    if trace is not None and trace.level > root.t.level:
        raise LeakError(
            f"a value of an inner transform is written into an array of an outer one{at_line()}\n"
            "  it would outlive the inner transform; write: make the array inside the inner function and return it"
        )


def refuse_truncation(root: ArrayTracer, value: Any) -> None:
    """NumPy truncates floats written into integers, which would lose the derivative without a word."""
    if isinstance(value, Tracer) and value.dtype.kind in "fc" and dtype_of(root).kind in "iub":
        raise EscapeError(
            f"a traced {value.aval} is written into an array of {root.dtype}, which would truncate it{at_line()}\n"
            "  write: make the array with dtype=float"
        )
