"""Forward mode: each value carries its tangent along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.primitive import Primitive
from wengert.core.trace import (
    ArrayTracer,
    Constant,
    Trace,
    Tracer,
    bind,
    constant_in,
    fresh_handle,
    fresh_level,
    leaked,
)
from wengert.core.types import aval_of, dtype_of, is_array, refuse_strange
from wengert.errors import ShapeError, at_line
from wengert.transforms.inputs import (
    check_tangent,
    differentiable_leaves,
    enter_constants,
    finish,
    leave,
    name_of,
    run,
    zeros_for,
)

__all__ = ["jvp"]


class ForwardScalar(Tracer):
    """A number ``v`` with its tangent ``i``."""

    __slots__ = ()


class ForwardArray(ArrayTracer):
    """An array ``v`` with its tangent ``i``."""

    __slots__ = ()


class Forward(Trace):
    """The trace of a jvp."""

    __slots__ = ("around", "level", "open")
    scalar, array = ForwardScalar, ForwardArray

    def __init__(self) -> None:
        self.level = fresh_level()
        self.open = True

    def tracer(self, value: Any, tangent: Any) -> Any:
        """A dual number."""
        cls = ForwardArray if is_array(value) else ForwardScalar
        z = cls.__new__(cls)
        z.v, z.t, z.i, z.born = value, self, tangent, fresh_level()
        return z

    def lift(self, value: Any) -> Any:
        return self.tracer(fresh_handle(value) if isinstance(value, ArrayTracer) else value, None)

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        if not self.open:
            raise leaked("the jvp, linearize or jacobian")
        primals: list[Any] = []
        tangents: list[Any] = []
        for x in operands:
            if isinstance(x, Tracer) and x.t is self and type(x) is not Constant:
                primals.append(x.v)
                tangents.append(x.i)
            else:
                primals.append(x.v if type(x) is Constant else x)
                tangents.append(None)
        if primitive.dual is not None and any(t is not None for t in tangents) and not _apart(primals, tangents):
            pairs = zip(*primitive.dual(tangents, primals, params), strict=True)
            return tuple(self.wrapped(o, t) for o, t in pairs)
        out = bind(primitive, *primals, **params)
        for o in out if primitive.multiple else (out,):
            refuse_strange(primitive.name, o)
        if all(t is None for t in tangents):
            return tuple(self.wrapped(o, None) for o in out) if primitive.multiple else self.wrapped(out, None)
        if primitive.multiple:
            ts = primitive.jvp(tangents, out, primals, params) or (None,) * len(out)
            return tuple(self.wrapped(o, t) for o, t in zip(out, ts, strict=True))
        return self.wrapped(out, primitive.jvp(tangents, out, primals, params))

    def wrapped(self, out: Any, tangent: Any) -> Any:
        """A result with its tangent; without one it leaves the trace, unless it can be written to."""
        if dtype_of(out).kind not in "fc" or (tangent is None and not is_array(out)):
            return out
        return constant_in(self, out) if tangent is None and type(out) is np.ndarray else self.tracer(out, tangent)


def _apart(primals: list[Any], tangents: list[Any]) -> bool:
    """Whether tangents are only written down, where the primals have values: then these are computed by themselves."""
    trace = max((t.t for t in tangents if isinstance(t, Tracer)), key=lambda t: t.level, default=None)
    if trace is None or not trace.writes:
        return False
    return not any(isinstance(x, Tracer) and x.t.level >= trace.level for x in primals)


def jvp(f: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """``(f(*primals), J tangents)``: the value, and its derivative along a direction.

    The Jacobian-vector product ∂f(x + εt)/∂ε at ε = 0, computed beside the value in one pass, without
    a tape. ``primals`` and ``tangents`` are tuples of arguments of the same structure. With ``has_aux``
    the result is ``(value, tangent, aux)``.

    Source: Wengert 1964, "A simple automatic derivative evaluation program", CACM 7.

    Example:
        >>> import numpy as np
        >>> from wengert import jvp
        >>> jvp(lambda x, y: x * np.sin(y), (2.0, 0.0), (0.0, 1.0))
        (np.float64(0.0), np.float64(2.0))
    """
    primals, tangents = tuple(primals), tuple(tangents)
    if len(primals) != len(tangents):
        raise ShapeError(f"jvp({name_of(f)}): {len(primals)} primals, {len(tangents)} tangents{at_line()}")
    trace = Forward()
    args: list[Any] = []
    for k, (x, t) in enumerate(zip(primals, tangents, strict=True)):
        args.append(_enter(trace, f, x, t, k))
    out = run(trace, f, args, {})
    aux: Any = None
    if has_aux:
        out, aux = out
        aux = leave(trace, aux, lambda z: z.v)
    trace.open = False
    value = leave(trace, out, lambda z: z.v)
    tangent = pytree.map(lambda z: _tangent(trace, z), out) if not isinstance(out, Tracer) else _tangent(trace, out)
    return (value, tangent, aux) if has_aux else (value, tangent)


def _enter(trace: Forward, f: Any, x: Any, t: Any, k: int) -> Any:
    if t is None:
        return enter_constants(trace, x)
    leaves, treedef = differentiable_leaves(x, k, "jvp", "fc")
    directions, t_def = pytree.flatten(t)
    if t_def != treedef:
        raise ShapeError(f"jvp({name_of(f)}): tangent {k} has structure {t_def}, its primal {treedef}{at_line()}")
    tracers = [
        trace.tracer(
            fresh_handle(v) if isinstance(v, ArrayTracer) else v,
            _numpy(check_tangent(d, v, f"tangent {k}", f"jvp({name_of(f)})")),
        )
        for v, d in zip(leaves, directions, strict=True)
    ]
    return pytree.unflatten(treedef, tracers)


def _numpy(t: Any) -> Any:
    return np.float64(t) if type(t) is float else np.complex128(t) if type(t) is complex else t


def _tangent(trace: Forward, z: Any) -> Any:
    if isinstance(z, Tracer) and type(z) is not Constant and z.t is trace:
        value, tangent = z.v, z.i
        if tangent is None:
            return _zero(value)
        return (
            np.float64(tangent) if type(value) is float and not isinstance(tangent, Tracer) else finish(tangent, value)
        )
    return _zero(z.v if type(z) is Constant else z)


def _zero(value: Any) -> Any:
    return 0.0 if aval_of(value).kind == "python" and type(value) is not complex else zeros_for(value)
