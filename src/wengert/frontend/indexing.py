"""Indexing and assignment: users' indices to templates, reads that are views, writes through them."""

from __future__ import annotations

import dis
import sys
from typing import Any

import numpy as np

from wengert.core import handles
from wengert.core.handles import adopt, attach, copied, held_elsewhere, refresh, root_of
from wengert.core.trace import ArrayTracer, Constant, Tracer, innermost, lower, made_within, plain
from wengert.core.types import aval_of, dtype_of, shape_of
from wengert.errors import HOME, ConcretizationError, EscapeError, LeakError, UnsupportedError, at_line
from wengert.frontend.tables import READ_ONLY
from wengert.ops import index as ops
from wengert.ops.index import ARRAY, assign, follow, update


def _follow(x: Any, chain: Any) -> Any:
    traced = isinstance(x, Tracer) or ops.last_by(chain) >= 0
    return ops.follow_traced(x, chain) if traced else follow(x, chain)


handles.FOLLOW.append(_follow)


def is_basic(idx: Any) -> bool:
    """Whether an index is made of ints, slices, None and Ellipsis alone, so that NumPy gives a view."""
    kind = type(idx)
    if kind is int or kind is slice or idx is Ellipsis or idx is None:
        return True
    return kind is tuple and all(type(e) is int or type(e) is slice or e is Ellipsis or e is None for e in idx)


def split_index(idx: Any, shape: tuple[int, ...]) -> tuple[tuple[Any, ...], list[Any]]:
    """A user's index of an array of this shape as a template and its integer arrays."""
    template: list[Any] = []
    arrays: list[Any] = []
    masks: list[tuple[int, tuple[int, ...]]] = []
    for raw in idx if isinstance(idx, tuple) else (idx,):
        entry = lower(_stack(raw) if isinstance(raw, list) and _has_tracer(raw) else raw)
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
            found, mask = _index_arrays(entry)
            if mask:
                masks.append((len(template), mask))
            template.extend([ARRAY] * len(found))
            arrays.extend(found)
    if masks:
        _check_masks(template, masks, shape)
    return tuple(template), arrays


def _check_masks(template: list[Any], masks: list[tuple[int, tuple[int, ...]]], shape: tuple[int, ...]) -> None:
    """A mask is as long as the axes that it chooses from."""
    used = [entry is not None and entry is not Ellipsis for entry in template]
    for at, mask in masks:
        beyond = any(entry is Ellipsis for entry in template[:at])
        axis = len(shape) - sum(used[at:]) if beyond else sum(used[:at])
        if shape[axis : axis + len(mask)] != mask:
            raise IndexError(
                f"a boolean index of shape {mask} does not fit axis {axis} of an array of shape {shape}{at_line()}"
            )


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
        raise EscapeError(f"a traced {entry.aval} is not an index{at_line()}\n  write: integers, such as x.astype(int)")


def _index_arrays(entry: Any) -> tuple[list[Any], tuple[int, ...]]:
    """The integer arrays that an entry stands for, and its shape if it is a mask."""
    array = np.asarray(entry)
    if array.dtype == bool:
        if array.ndim == 0:
            raise UnsupportedError(f"indexing a traced array with a single True or False{at_line()}")
        return list(array.nonzero()), array.shape
    if array.size == 0 and array.dtype == float and isinstance(entry, list):
        array = array.astype(np.intp)
    if array.dtype.kind not in "iu":
        raise IndexError(f"arrays used as indices must be of integer or boolean type, not {array.dtype}{at_line()}")
    return [array], ()


def is_truth(idx: Any) -> bool:
    """Whether an index is one True or False, which NumPy takes for a mask without axes: it adds an axis."""
    kind = type(idx)
    return kind is bool or kind is np.bool_ or (isinstance(idx, np.ndarray) and not idx.shape and idx.dtype == bool)


def getitem(x: Any, idx: Any) -> Any:
    """``x[idx]``; a basic index of an array gives a view."""
    if is_truth(idx):
        return getitem(getitem(x, None), np.zeros(int(plain(idx)), np.intp))
    template, arrays = split_index(idx, shape_of(x))
    out = ops.getitem(x, *arrays, index=template)
    if isinstance(out, ArrayTracer) and isinstance(x, ArrayTracer):
        if not arrays:
            attach(out, x, ("index", template))
        elif all(isinstance(a, Tracer) and aval_of(a).kind != "array" for a in arrays):
            attach(out, x, ("by", (template, tuple(arrays))))
    return out


def setitem(x: ArrayTracer, idx: Any, value: Any) -> None:
    """``x[idx] = value``: rebind the root of ``x``, and with it all its views."""
    if is_truth(idx):
        getitem(x, None)[np.zeros(int(plain(idx)), np.intp)] = value
        return
    template, arrays = split_index(idx, shape_of(x))
    root, chain = root_of(x)
    ops.refuse_read_only(chain)
    if isinstance(value, list | tuple):
        value = np.array(value) if not _has_tracer(value) else _stack(value)
    if isinstance(value, ArrayTracer) and root_of(value)[0] is root:
        refuse_shuffle()
        mask = np.asarray(idx) if isinstance(idx, list) and not _has_tracer(idx) else idx
        if isinstance(mask, np.ndarray) and mask.dtype == bool and mask.shape == x.shape:
            refuse_overlap(x, np.flatnonzero(plain(mask)), value, "a mask")
    while (k := ops.last_by(chain)) >= 0:  # write to that part, and then the part to its place
        outer, inner = chain[k][1]
        part = ops.follow_traced(lower(root), chain[: k + 1])
        refuse_truncation(root, value)
        value = update(part, lower(value), *arrays, chain=chain[k + 1 :], index=template)
        chain, template, arrays = chain[:k], outer, list(inner)
    trace = innermost((root, value, *arrays))
    if type(root) is Constant:
        if trace is None:
            write_constant(root, chain, ops.fill(template, [lower(a) for a in arrays]), lower(value))
            return
        promote(root)
    bring_in(root, trace)
    refuse_truncation(root, value)
    adopt(root, update(root, value, *arrays, chain=chain, index=template))
    refresh(root)


def refuse_shuffle() -> None:
    """NumPy's shuffle of what is no ndarray swaps rows that are views, and so loses some."""
    frame = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
    while frame.f_back is not None and frame.f_code.co_filename.startswith(HOME):
        frame = frame.f_back
    code = frame.f_code
    if "shuffle" in code.co_names and dis.opname[code.co_code[frame.f_lasti]].startswith(("CALL", "PRECALL")):
        raise UnsupportedError(
            f"shuffle of an array with several axes swaps its rows while it reads them{at_line()}\n"
            "  write: x = rng.permutation(x), or x[...] = x[rng.permutation(len(x))]"
        )


def _has_tracer(value: Any) -> bool:
    return any(isinstance(e, Tracer) or (isinstance(e, list | tuple) and _has_tracer(e)) for e in value)


def _stack(value: Any) -> Any:
    return np.stack([_stack(e) if isinstance(e, list | tuple) else e for e in value])


def write_constant(root: Constant, chain: Any, where: Any, value: Any) -> None:
    """A write of plain values into a plain array: NumPy's own; the caller's arrays are copied first."""
    refuse_read_only(root)
    if not root.v.flags.writeable:
        refuse_held(root)
        root.v = copied(root.v)
        refresh(root)
    assign(root.v, chain, where, value)
    refresh(root)


def promote(root: Constant) -> None:
    """Turn a constant handle, and its views, into handles of the trace in which it was made."""
    refuse_read_only(root)
    refuse_held(root)
    adopt(root, root.t.lift(root.v))
    refresh(root)


def refuse_held(root: Constant) -> None:
    """Foreign code that holds the plain array behind a handle would go on with numbers that are out of date."""
    if held_elsewhere(root):
        raise EscapeError(
            f"compiled code or a library holds the memory of an array, and would not see this write to it{at_line()}\n"
            "  write: to a copy (y = x.copy()), or give the library one; np.asarray instead of a name kept from before"
        )


def refuse_read_only(root: Constant) -> None:
    """A view that NumPy made, and no handle knows of: what is written to it would not reach its base."""
    if root.i == READ_ONLY:
        raise UnsupportedError(
            f"writing through a view that was made by a NumPy function without a rule{at_line()}\n"
            "  write: a copy of the view, if its base is not meant to change, or index the base itself"
        )


def bring_in(root: ArrayTracer, trace: Any) -> None:
    """Make an array one of the trace whose value is about to be written into it: one that was made within that.

    What does not depend on an inner transform's variables is a value of the outer one, also where it was computed
    within. In an array from outside a value would outlive the inner transform.
    """
    if trace is None or trace.level <= root.t.level:
        return
    if not made_within(root, trace):
        raise LeakError(
            f"a value of an inner transform is written into an array of an outer one{at_line()}\n"
            "  it would outlive the inner transform; write: make the array inside the inner function and return it"
        )
    adopt(root, trace.lift(root))
    refresh(root)


def refuse_truncation(root: ArrayTracer, value: Any) -> None:
    """NumPy truncates floats written into integers, which would lose the derivative without a word."""
    if isinstance(value, Tracer) and value.dtype.kind in "fc" and dtype_of(root).kind in "iub":
        raise EscapeError(
            f"a traced {value.aval} is written into an array of {root.dtype}, which would truncate it{at_line()}\n"
            "  write: make the array with dtype=float"
        )


def places_of(x: Any) -> Any:
    """For each element of a view its number in the root, in one row; None where integers in its chain are traced."""
    root, chain = root_of(x)
    if ops.last_by(chain) >= 0:
        return None
    numbers = np.arange(root.size).reshape(root.shape)
    return follow(numbers, [step for step in chain if step[0] != "part"]).ravel()


def refuse_overlap(base: Any, numbers: Any, value: Any, way: str) -> None:
    """A value that changes while it is written: by these ways NumPy reads what it has just written."""
    if not isinstance(value, ArrayTracer) or root_of(value)[0] is not root_of(base)[0] or isinstance(numbers, Tracer):
        return
    written, read = places_of(base), places_of(value)
    if written is None or read is None or not read.size:
        return
    written = written[np.ravel(numbers)]
    turns = np.arange(written.size)
    first = np.full(root_of(base)[0].size, written.size)
    np.minimum.at(first, written, turns)
    if np.any(first[read[turns % read.size]] < turns):
        raise UnsupportedError(
            f"what is written through {way} shares memory with the value, which changes meanwhile{at_line()}\n"
            "  write: value.copy() in place of the value"
        )
