"""Rules of scalar functions compiled into loops over arrays."""

import ctypes
from functools import cache

import numpy as np

from wengert.compile.emit import Emitter, type_of
from wengert.compile.engine import link, object_code
from wengert.compile.scalars import LOWER
from wengert.compile.target import Target, host

# other processors of this machine's kind: without masks, and without fused products
X86 = host().triple.startswith("x86_64")
OTHERS = {
    "avx2": Target(host().triple, "haswell", "+avx2,+fma", 32, False, 16),
    "sse2": Target(host().triple, "x86-64", "", 16, False, 16),
}


@cache
def _compiled(name, dtypes, loop, out, lanes, params, target=None):
    e = Emitter(target)
    with e.function("f", ["ptr"] * (len(dtypes) + 1) + ["i64"]) as (*xs, y, n):

        def one(i):
            operands = [e.load(x, type_of(d).wide(lanes), i) for x, d in zip(xs, dtypes, strict=True)]
            e.store(LOWER[name](e, operands, loop, dict(params)), y, i)

        e.loop(n, one, step=lanes or 1)
    unit = link(object_code(e.text(), e.target), e.exports, e.symbols)
    return unit.function("f", None, *[ctypes.c_void_p] * (len(dtypes) + 1), ctypes.c_int64)


def run(name, *operands, out=None, lanes=8, loop=None, target=None, **params):
    """The rule ``name`` over equally long arrays; ``loop``: its dtype, the first operand's unless given."""
    operands = [np.ascontiguousarray(x) for x in operands]
    dtypes = tuple(x.dtype for x in operands)
    out = np.dtype(out) if out is not None else dtypes[0]
    f = _compiled(
        name,
        dtypes,
        np.dtype(loop) if loop is not None else dtypes[0],
        out,
        lanes,
        tuple(params.items()),
        OTHERS.get(target),
    )
    size, step = operands[0].size, lanes or 1
    padded = -(-size // step) * step
    # what is left over at the end is filled with the last elements
    filled = [np.pad(x, (0, padded - size), mode="edge") for x in operands]
    y = np.empty(padded, out)
    f(*[x.ctypes.data for x in filled], y.ctypes.data, padded)
    return y[:size]


def compiled_function(f, x, lanes=8):
    """``f(e, value)`` over an array."""
    e = Emitter()
    with e.function("f", ["ptr", "ptr", "i64"]) as (source, out, n):
        t = type_of(x.dtype).wide(lanes)
        e.loop(n, lambda i: e.store(f(e, e.load(source, t, i)), out, i), step=lanes)
    unit = link(object_code(e.text()), e.exports, e.symbols)
    padded = np.pad(x, (0, -x.size % lanes), mode="edge")
    y = np.empty_like(padded)
    unit.function("f", None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)(
        padded.ctypes.data, y.ctypes.data, y.size
    )
    return y[: x.size]
