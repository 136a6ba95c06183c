"""Reading and writing parts of arrays in reverse mode, in time linear in what is read and written.

Cotangents of reads accumulate in one buffer that the walk owns, and writes go into the array in place
where nobody else holds it: n reads or writes of an array of n elements cost O(n) in time and tape.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy import ndarray

from wengert.core.handles import adopt, attach, copied, live_views, root_of
from wengert.core.trace import born_at
from wengert.core.types import Aval, shape_of
from wengert.frontend import indexing
from wengert.frontend.indexing import is_basic
from wengert.ops.families import unbroadcast
from wengert.ops.index import (
    assign,
    follow,
    follow_traced,
    is_read_only,
    last_by,
    refuse_read_only,
    scatter_add,
    update,
)
from wengert.transforms.fast import NUMBERS, A, S
from wengert.transforms.reverse import Cotangents, Ghost, new


def back_getitem(ct: Cotangents, g: Any, e: Any) -> None:
    """Add ``g`` into the part of the operand's cotangent that was read."""
    _, i, shape, dtype, idx = e
    c = ct[i]
    if type(g) not in PLAIN or (c is not None and type(c) is not ndarray):
        d = scatter_add(g, shape=shape, index=idx if type(idx) is tuple else (idx,))
        ct[i] = d if c is None else c + d
        return
    if c is None:
        ct[i] = c = np.zeros(shape, dtype)
        ct.own.add(i)
        c[idx] = g
    else:
        if i not in ct.own:
            ct[i] = c = c.copy()
            ct.own.add(i)
        c[idx] += g


PLAIN = frozenset({ndarray, float, np.float64, np.float32, np.float16, np.longdouble})


def getitem(x: Any, idx: Any) -> Any:
    """``x[idx]`` of a real array tracer."""
    v = x.v
    if type(v) is not ndarray or not is_basic(idx):
        return indexing.getitem(x, idx)
    w = v[idx]
    t = x.t
    if type(w) is ndarray:
        z = new(A)
        attach(z, x, ("index", idx))
        if w.size * 4 <= v.size and w.flags.c_contiguous:
            w = w.copy()  # a small view must not pin the root's buffer, or each write copies it
    else:
        z = new(S)
    z.v = w
    z.t = t
    z.i = len(t)
    t.append((back_getitem, x.i, v.shape, v.dtype, idx))
    return z


# ---- writes, in place unless the tape or somebody else still needs the old value


def holders(root: Any) -> int:
    """How many references there are to the array behind a handle."""
    v = root.v
    return sys.getrefcount(v)


def _calibrate() -> int:
    # references that the count itself makes differ between Pythons; without a reliable count, always copy
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        return -1
    handle = new(A)
    handle.v = np.zeros(1)
    return holders(handle)


ALONE = _calibrate()


def back_setitem(ct: Cotangents, g: Any, e: Any) -> None:
    """What was written takes its part of the cotangent; the rest goes on to the old value."""
    _, n, i, chain, idx, j, shape = e
    if type(g) is not ndarray:
        _back_setitem_traced(ct, g, e)
        return
    part = follow(g, chain)[idx]
    if j >= 0:
        d = unbroadcast(part.copy() if type(part) is ndarray else part, shape)
        c = ct[j]
        ct[j] = d if c is None else c + d
    if i >= 0:
        if n not in ct.own:
            g = g.copy()
        assign(g, chain, idx, 0.0)
        c = ct[i]
        if c is None:
            ct[i] = g
            ct.own.add(i)
        else:
            ct[i] = c + g


def _back_setitem_traced(ct: Cotangents, g: Any, e: Any) -> None:
    _, _n, i, chain, idx, j, shape = e
    index = idx if type(idx) is tuple else (idx,)
    wanted = (i >= 0, j >= 0)
    stand_in = Aval(shape, np.dtype(float), "array")
    gx, gv = update.vjp(g, None, (Ghost(g), stand_in), wanted, {"chain": chain, "index": index})
    for k, d in ((i, gx), (j, gv)):
        if k >= 0:
            c = ct[k]
            ct[k] = d if c is None else c + d


def setitem(x: Any, idx: Any, value: Any) -> None:
    """``x[idx] = value`` on a real array tracer with a plain array behind it."""
    root, chain = root_of(x)
    if chain:
        refuse_read_only(chain)
    t = x.t
    kind = type(value)
    if type(root.v) is not ndarray or not is_basic(idx) or type(root) is not A or (chain and last_by(chain) >= 0):
        return indexing.setitem(x, idx, value)
    if (kind is S or kind is A) and value.t is t and type(value.v) in PLAIN:
        if kind is A and getattr(value, "root", None) is root:
            indexing.refuse_shuffle()
        q, j = value.v, value.i
    elif kind in NUMBERS or kind is ndarray:
        q, j = value, -1
    else:
        return indexing.setitem(x, idx, value)
    if root.v.dtype.kind != "f":
        indexing.refuse_truncation(root, value)
        return indexing.setitem(x, idx, value)
    # an array that is itself a view shares its base with views of it, which the count does not see
    if root.v.base is not None or holders(root) > ALONE or not root.v.flags.writeable:
        root.v = copied(root.v)
    v = root.v
    if chain:
        assign(v, chain, idx, q)
    else:
        v[idx] = q
    n = len(t)
    t.append((back_setitem, n, root.i, chain, idx, j, shape_of(q)))
    if t.within:
        root.born = born_at(root)
    root.i = n
    for view in live_views(root):
        if is_read_only(view.chain) or last_by(view.chain) >= 0:
            adopt(view, follow_traced(root, view.chain))
            continue
        w = follow(v, view.chain)
        view.v = w.copy("K") if type(w) is ndarray else w
        view.i = len(t)
        t.append((back_follow, n, v.shape, v.dtype, view.chain))
    return None


def back_follow(ct: Cotangents, g: Any, e: Any) -> None:
    """A view that was read anew after a write: its cotangent goes to its part of the root's."""
    _, i, shape, dtype, chain = e
    if type(g) is not ndarray:
        zero = np.zeros(shape, dtype)
        d: Any = update(zero, g, chain=chain, index=(Ellipsis,))
    else:
        d = np.zeros(shape, dtype)
        assign(d, chain, Ellipsis, g)
    c = ct[i]
    ct[i] = d if c is None else c + d
