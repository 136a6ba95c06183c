"""Functions of the C library and of SciPy, called lane by lane through their addresses."""

from __future__ import annotations

from wengert.compile.emit import F32, F64, Type, Value
from wengert.compile.names import PREFIX, address, capsule

__all__ = ["address", "call_lanes", "has", "libm", "scipy_special"]


def has(name: str) -> bool:
    """Whether this SciPy gives the address of a function."""
    return capsule(name) is not None


def libm(name: str, *operands: Value) -> Value:
    """A function of the C library in each lane; its single-precision twin for f32."""
    single = operands[0].type.element == "f32"
    t = F32 if single else F64
    symbol = PREFIX["c"] + name + ("f" if single else "")
    e, found = operands[0].e, address(symbol)
    assert found is not None, f"the C library has no function {symbol}"
    e.external(symbol, found, t, *[t] * len(operands))
    return call_lanes(symbol, t, *operands)


def scipy_special(name: str, *operands: Value) -> Value:
    """A function of ``scipy.special`` in each lane, in double precision."""
    e, symbol = operands[0].e, PREFIX["scipy"] + name
    found = address(symbol)
    assert found is not None, f"SciPy has no pointer to {name}"
    # the last argument is Cython's own: whether to skip the dispatch to methods
    e.external(symbol, found, F64, *[F64] * len(operands), Type("i32"))
    return call_lanes(symbol, F64, *operands, extra=(e.const(Type("i32"), 1),))


def call_lanes(symbol: str, t: Type, *operands: Value, extra: tuple[Value, ...] = ()) -> Value:
    """Call a function of scalars in each lane, from a function of its own: the code around stays small and fast."""
    e, lanes = operands[0].e, operands[0].type.lanes
    if not lanes:
        return e.call(symbol, t, *operands, *extra)
    name, wide = f"lanes_{lanes}_{symbol}", t.wide(lanes)
    if name not in e.helpers:
        e.helpers.add(name)
        with e.function(name, [x.type for x in operands], wide, export=False, attributes="noinline cold ") as args:
            places = [e.alloca(x.type) for x in args]
            out = e.alloca(wide)
            for x, place in zip(args, places, strict=True):
                e.store(x, place)

            def one(i: Value) -> None:
                e.store(e.call(symbol, t, *(e.load(p, t, i) for p in places), *extra), out, i)

            e.loop(lanes, one)
            e.ret(e.load(out, wide))
    return e.call(name, wide, *operands)
