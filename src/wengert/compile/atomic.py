"""Memory that several threads read and write, and waiting for it to change.

The instructions are LLVM's own (ordered as C++ orders its atomics), so they mean the same on every processor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wengert.compile.emit import I32, I64, Emitter, Value

__all__ = ["add", "load", "pause", "put_if_zero", "spin", "store"]


def load(e: Emitter, address: Value, order: str = "acquire") -> Value:
    """Read an i64; what its writer wrote before is seen afterwards."""
    return e.value(I64, f"load atomic i64, {address} {order}, align 8")


def store(e: Emitter, a: Value | int, address: Value, order: str = "release") -> None:
    """Write an i64 after all that was written before."""
    value = a if isinstance(a, Value) else e.const(I64, a)
    e.line(f"store atomic {value}, {address} {order}, align 8")


def add(e: Emitter, address: Value, n: int, order: str = "seq_cst") -> Value:
    """Add to an i64; gives what was there."""
    return e.value(I64, f"atomicrmw add {address}, i64 {n} {order}")


def put_if_zero(e: Emitter, a: Value, address: Value) -> None:
    """Write an i64 where zero stands; what stands there otherwise stays."""
    name = f"%{e.fresh('x')}"
    e.line(f"{name} = cmpxchg {address}, i64 0, {a} seq_cst seq_cst")


def pause(e: Emitter) -> None:
    """Tell the processor that this thread is only waiting, where there is a way to say so."""
    triple = e.target.triple
    if triple.startswith(("x86_64", "i686", "i386", "amd64")):
        e.declare("llvm.x86.sse2.pause", "declare void @llvm.x86.sse2.pause()")
        e.call("llvm.x86.sse2.pause", None)
    elif triple.startswith(("aarch64", "arm64")):
        e.declare("llvm.aarch64.hint", "declare void @llvm.aarch64.hint(i32)")
        e.call("llvm.aarch64.hint", None, e.const(I32, 1))  # YIELD


def spin(e: Emitter, ready: Callable[[], Value], otherwise: Callable[[], None], patience: Value | int) -> None:
    """Look again and again until ready; after every ``patience`` looks do something else once."""

    def again(k: Value) -> Sequence[Value]:
        pause(e)
        k = k + 1
        tired = k >= patience
        e.if_(tired, lambda: otherwise() or ())
        return [e.select(tired, e.const(I64, 0), k)]

    e.while_(lambda _k: e.invert(ready()), again, [e.const(I64, 0)])
