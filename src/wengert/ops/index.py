"""Reading from and writing to parts of arrays.

An index is a *template*, a tuple of ints, slices, None, Ellipsis and :data:`ARRAY`, and the integer
arrays that stand, in order, where ``ARRAY`` does; these are operands, for they may be traced. A *chain*
is the way from a root to one of its views, a tuple of steps, each an index, a transpose, a reshape, a
diagonal (an einsum of one operand), sliding windows, a 'gather' of elements by their numbers, a part ('real',
'imag') of complex numbers, or an index 'by' integers that are traced themselves (with a template and these).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.handles import copied
from wengert.core.types import Aval, dtype_of, ndim_of, shape_of
from wengert.errors import UnsupportedError, at_line
from wengert.ops.families import batch_by_loop, fit, flat, general, linear, repeated
from wengert.ops.shape import broadcast_to, reshape, transpose


class _Array:
    def __repr__(self) -> str:
        return "·"


ARRAY = _Array()
Template = tuple[Any, ...]
Step = tuple[str, Any]


def fill(template: Template, arrays: Sequence[Any]) -> tuple[Any, ...]:
    """The index that NumPy understands."""
    if not arrays:
        return template
    rest = iter(arrays)
    return tuple(next(rest) if entry is ARRAY else entry for entry in template)


def expand(template: Template, ndim: int) -> Template:
    """A template without Ellipsis, one entry for each axis (and None for each new one)."""
    used = sum(entry is not None and entry is not Ellipsis for entry in template)
    rest = (slice(None),) * (ndim - used)
    if Ellipsis in [e for e in template if e is Ellipsis]:
        at = next(k for k, e in enumerate(template) if e is Ellipsis)
        return (*template[:at], *rest, *template[at + 1 :])
    return (*template, *rest)


def _getitem(x: Any, *arrays: Any, index: Template) -> Any:
    return x[fill(index, arrays)]


def _infer_getitem(x: Aval, *arrays: Aval, index: Template) -> Aval:
    dummy = np.broadcast_to(np.zeros((), x.dtype), x.shape)
    out = dummy[fill(index, [np.zeros(a.shape, np.intp) for a in arrays])]
    return Aval(out.shape, x.dtype, "array" if type(out) is np.ndarray else "scalar")


def _transpose_getitem(g: Any, x: Any, *arrays: Any, index: Template) -> Any:
    return scatter_add(g, *arrays, shape=shape_of(x), index=index)


def batch_index(
    template: Template, arrays: Sequence[Any], batched: Sequence[bool], ndim: int, size: int
) -> tuple[Template, list[Any], tuple[int, ...] | None]:
    """The index that does for each of ``size`` arrays of ``ndim`` axes, stacked, what ``template`` does for one.

    Returns the template, its arrays, and the permutation of axes, if any, that brings the result to
    NumPy's order with the batch in front.
    """
    full = expand(template, ndim)
    if not arrays:
        return (slice(None), *full), [], None
    # beside an array an int is one too; all are made arrays of one number of axes, with one for the batch
    depth = max(ndim_of(a) - b for a, b in zip(arrays, batched, strict=True))
    rest = iter(zip(arrays, batched, strict=True))
    entries: list[Any] = []
    out: list[Any] = []
    for entry in full:
        if entry is not ARRAY and not isinstance(entry, int):
            entries.append(entry)
            continue
        array, is_batched = next(rest) if entry is ARRAY else (np.asarray(entry), False)
        shape = shape_of(array)
        own = shape[1:] if is_batched else shape
        out.append(np.reshape(array, (shape[0] if is_batched else 1, *(1,) * (depth - len(own)), *own)))
        entries.append(ARRAY)
    rows = np.arange(size).reshape((size, *(1,) * depth))
    places = [k for k, entry in enumerate(entries) if entry is ARRAY]
    adjacent = places == list(range(places[0], places[-1] + 1))
    # where the arrays are not adjacent to axis 0 NumPy puts their axes first: (batch, arrays..., slices...)
    before = sum(not isinstance(e, int) and e is not ARRAY for e in entries[: places[0]]) if adjacent else 0
    slices = sum(e is not ARRAY for e in entries)
    order = None
    if before:
        arrays_at = range(1, 1 + depth)
        slices_at = range(1 + depth, 1 + depth + slices)
        order = (0, *slices_at[:before], *arrays_at, *slices_at[before:])
    return (ARRAY, *entries), [rows, *out], order


def _batch_getitem(batched: Any, operands: Any, params: dict[str, Any]) -> Any:
    x, *arrays = operands
    size = next(shape_of(o)[0] for o, b in zip(operands, batched, strict=True) if b)
    if not batched[0]:
        x = np.broadcast_to(x, (size, *shape_of(x)))
    index, arrays, order = batch_index(params["index"], arrays, batched[1:], ndim_of(x) - 1, size)
    out = getitem(x, *arrays, index=index)
    return out if order is None else transpose(out, axes=order)


getitem = linear("getitem", _getitem, _transpose_getitem, _batch_getitem, r"{0}[\cdot]", infer=_infer_getitem)


def _scatter_add(g: Any, *arrays: Any, shape: tuple[int, ...], index: Template) -> Any:
    out = np.zeros(shape, dtype_of(g))
    if arrays:
        np.add.at(out, fill(index, arrays), g)
    else:
        out[index] = g
    return out


def _batch_scatter_add(batched: Any, operands: Any, params: dict[str, Any]) -> Any:
    g, *arrays = operands
    size = next(shape_of(o)[0] for o, b in zip(operands, batched, strict=True) if b)
    if not batched[0]:
        g = np.broadcast_to(g, (size, *shape_of(g)))
    shape = params["shape"]
    index, arrays, order = batch_index(params["index"], arrays, batched[1:], len(shape), size)
    if order is not None:
        g = transpose(g, axes=tuple(int(k) for k in np.argsort(order)))
    return scatter_add(g, *arrays, shape=(size, *shape), index=index)


scatter_add = linear(
    "scatter_add", _scatter_add, lambda g, _x, *arrays, shape, index: getitem(g, *arrays, index=index),
    _batch_scatter_add, r"\operatorname{{scatter}} {0}",
    infer=lambda g, *_a, shape, index: Aval(shape, g.dtype, "array"),
)  # fmt: skip

# ---- views and writes


def step_into(x: Any, step: Step) -> Any:
    """One step of a chain, on anything that can be indexed, transposed and reshaped."""
    kind, what = step
    if kind == "index":
        return x[what]
    if kind == "einsum":
        return np.einsum(what, x)
    if kind == "part":
        return getattr(x, what)
    if kind == "diagonal":
        return x.diagonal(*what)
    if kind == "windows":
        return np.lib.stride_tricks.sliding_window_view(x, *what)
    if kind == "broadcast":
        return np.broadcast_to(x, what)
    if kind == "gather":
        return x.reshape(-1)[what]
    if kind == "by":
        raise TypeError("a chain with traced integers is followed by primitives")
    return x.transpose(what) if kind == "transpose" else x.reshape(what)


def assign(x: Any, chain: Sequence[Step], where: Any, value: Any) -> None:
    """Write ``value`` into the part ``where`` of the view of ``x``, whatever way ``x`` lies in memory."""
    if not any(kind == "reshape" for kind, _ in chain):
        follow(x, chain)[where] = value
        return
    # a reshape of an array that lies otherwise than the root did would be a copy: write by elements' numbers
    numbers = follow(np.arange(x.size).reshape(x.shape), [s for s in chain if s[0] != "part"])[where]
    value = np.asarray(value)
    while value.ndim > np.ndim(numbers) and value.shape[0] == 1:  # NumPy drops leading axes of length one
        value = value[0]
    x = follow(x, [s for s in chain if s[0] == "part"])
    # flattened is a copy: the value may share memory with x, which flat does not look after
    x.flat[np.ravel(numbers)] = np.broadcast_to(value, np.shape(numbers)).flatten()


def unknown_view() -> UnsupportedError:
    """The error where NumPy's aliasing depends on what staging does not know."""
    return UnsupportedError(
        f"a write to an array that was reshaped, or to its base, while a function is staged{at_line()}\n"
        "  whether NumPy's reshape shares memory depends on how the array lies in memory, which is not known here;\n"
        "  write: x.reshape(...).copy(), or index the array itself"
    )


def is_read_only(chain: Sequence[Step]) -> bool:
    """Whether NumPy gives, at the end of this chain, a view that cannot be written to."""
    return any(kind in ("diagonal", "broadcast", "windows", "gather") for kind, _ in chain)


def last_by(chain: Sequence[Step]) -> int:
    """Where in a chain the last index by traced integers stands; -1 if there is none."""
    for k in range(len(chain) - 1, -1, -1):
        if chain[k][0] == "by":
            return k
    return -1


def refuse_read_only(chain: Sequence[Step]) -> None:
    """What NumPy refuses as well."""
    if any(kind == "unknown" for kind, _ in chain):
        raise unknown_view()
    if any(kind == "gather" for kind, _ in chain):
        raise UnsupportedError(
            f"writing through a view that was made by a NumPy function without a rule{at_line()}\n"
            "  write: a copy of the view, if its base is not meant to change, or index the base itself"
        )
    if is_read_only(chain):
        raise ValueError(
            f"assignment destination is read-only: a diagonal, windows, or an array that was stretched{at_line()}"
        )


def follow(x: Any, chain: Sequence[Step]) -> Any:
    """Go from a root to its view."""
    for step in chain:
        x = step_into(x, step)
    return x


def follow_layout(x: Any, chain: Sequence[Step]) -> Any:
    """The same where only the layout matters: by whichever traced integers, it is that of the first part."""
    for kind, what in chain:
        x = x[fill(what[0], [0] * len(what[1]))] if kind == "by" else step_into(x, (kind, what))
    return x


def follow_traced(x: Any, chain: Sequence[Step]) -> Any:
    """The same by primitives, with results that are not views."""
    for kind, what in chain:
        if kind == "index":
            x = getitem(x, index=what if isinstance(what, tuple) else (what,))
        elif kind == "einsum":
            x = np.einsum(what, x)
        elif kind == "by":
            x = getitem(x, *what[1], index=what[0])
        elif kind == "gather":
            x = getitem(reshape(x, shape=(x.size,)), what, index=(ARRAY,))
        elif kind == "part":
            x = getattr(x, what)
        elif kind == "unknown":
            raise unknown_view()
        elif kind == "diagonal":
            x = np.diagonal(x, *what)
        elif kind == "windows":
            x = np.lib.stride_tricks.sliding_window_view(x, *what)
        elif kind == "broadcast":
            x = broadcast_to(x, shape=what)
        else:
            x = transpose(x, axes=what) if kind == "transpose" else reshape(x, shape=what)
    return x


def _update(x: Any, v: Any, *arrays: Any, chain: tuple[Step, ...], index: Template) -> Any:
    out = copied(np.asarray(x))
    assign(out, chain, fill(index, arrays), v)
    return out


def _last_written(*arrays: Any, shape: tuple[int, ...], index: Template) -> Any:
    numbers = np.full(shape, -1, np.intp)
    where = fill(index, arrays)
    order = np.arange(numbers[where].size).reshape(numbers[where].shape)
    numbers[where] = order
    return numbers[where] == order


# where an index names a place more than once: which of the values written there is the one that stays
last_written = flat(
    "last_written", _last_written, r"\text{{last at }} {0}", batch=batch_by_loop(lambda: last_written)
)  # fmt: skip


def _read(g: Any, arrays: Any, chain: tuple[Step, ...], index: Template) -> Any:
    """The cotangent of what was written from that of the result."""
    for step in chain:
        # transposed, not conjugated: what is written to the imaginary part enters times i
        g = -np.imag(g) if step == ("part", "imag") else follow_traced(g, (step,))
    d = getitem(g, *arrays, index=index)
    return np.where(last_written(*arrays, shape=shape_of(g), index=index), d, 0.0) if arrays else d


def _update_jvp(ts: Any, _z: Any, operands: Any, params: dict[str, Any]) -> Any:
    x, v, *arrays = operands
    tx = np.zeros_like(x, dtype=dtype_of(x)) if ts[0] is None else ts[0]
    tv = np.zeros(shape_of(v)) if ts[1] is None else ts[1]
    return update(tx, tv, *arrays, **params)


def _update_vjp(g: Any, _z: Any, operands: Any, wanted: Any, params: dict[str, Any]) -> Any:
    _x, v, *arrays = operands
    gx = update(g, 0.0, *arrays, **params) if wanted[0] else None
    gv = None
    if wanted[1]:
        gv = fit(_read(g, arrays, **params), v)
    return (gx, gv, *(None,) * len(arrays))


def _batch_step(step: Step, size: int, ndim: int) -> Step:
    kind, what = step
    if kind == "index":
        return ("index", (slice(None), *expand(what if isinstance(what, tuple) else (what,), ndim)))
    if kind == "transpose":
        return ("transpose", (0, *(k + 1 for k in what)))
    if kind == "einsum":
        return ("einsum", "..." + what.replace("->", "->..."))
    return ("reshape", (size, *what)) if kind == "reshape" else step


def _batch_update(batched: Any, operands: Any, params: dict[str, Any]) -> Any:
    x, v, *arrays = operands
    size = next(shape_of(o)[0] for o, b in zip(operands, batched, strict=True) if b)
    if not batched[0]:
        x = repeated(x, size)
    dummy: Any = np.broadcast_to(np.zeros(()), shape_of(x)[1:])
    chain: list[Step] = []
    for step in params["chain"]:
        chain.append(_batch_step(step, size, dummy.ndim))
        dummy = step_into(dummy, step)
    index, arrays, order = batch_index(params["index"], arrays, batched[2:], dummy.ndim, size)
    target = _infer_getitem(
        Aval((size, *dummy.shape), dtype_of(x), "array"),
        *[Aval(shape_of(a), np.dtype(np.intp), "array") for a in arrays], index=index,
    ).shape  # fmt: skip
    ordered = target if order is None else tuple(target[k] for k in order)
    own = shape_of(v)[1:] if batched[1] else shape_of(v)
    # NumPy lets a value have leading axes of length one too many
    while len(own) > len(ordered) - 1 and own[0] == 1:
        own = own[1:]
    if batched[1]:
        v = np.reshape(v, (size, *(1,) * (len(ordered) - 1 - len(own)), *own))
    elif own != shape_of(v):
        v = np.reshape(v, own)
    v = np.broadcast_to(v, ordered)
    if order is not None:
        v = transpose(v, axes=tuple(int(k) for k in np.argsort(order)))
    return update(x, v, *arrays, chain=tuple(chain), index=index)


def _infer_update(x: Aval, v: Aval, *arrays: Aval, chain: tuple[Step, ...], index: Template) -> Aval:
    part = follow(np.broadcast_to(np.zeros((), x.dtype), x.shape), chain)
    shape = shape_of(part[fill(index, [np.zeros(a.shape, np.intp) for a in arrays])])
    extra = max(v.ndim - len(shape), 0)  # NumPy lets a value have leading axes of length one too many
    if set(v.shape[:extra]) <= {1}:
        np.broadcast_to(np.broadcast_to(np.zeros(()), v.shape[extra:]), shape)  # its own error where it does not fit
    return Aval(x.shape, x.dtype, "array")


update = general(
    "update", _update, jvp=_update_jvp, vjp=_update_vjp, batch=_batch_update,
    infer=_infer_update,
    reads=lambda _k, n: (False, False, *(True,) * (n - 2), False), tex=r"{0}[\cdot] \leftarrow {1}",
    family="linear",
)  # fmt: skip
