"""A function watched: the equations of what it computes, staged on abstract values, or where that is refused run.

:func:`wengert.make_program` drops what nothing needs and refuses functions that ask for a value. Who counts what is
computed wants all of it, and of such functions what they computed at these arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from wengert import pytree
from wengert.core.primitive import Primitive
from wengert.core.program import Atom, Equation, Literal, Var
from wengert.core.trace import ArrayTracer, Constant, Trace, Tracer, bind, constant_in, fresh_level, leaked
from wengert.core.types import Aval, aval_of, dtype_of, is_array
from wengert.errors import ConcretizationError, TraceError, UnsupportedError, user_line
from wengert.transforms.inputs import run
from wengert.transforms.stage import Stage

__all__ = ["Placeholder", "Staging", "Watch", "Watching", "watch"]

SEED = 0


@final
class Placeholder:
    """An argument of which only shape and dtype are known; where values are wanted they are standard normal."""

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.aval = Aval(shape, np.dtype(dtype), "array")

    def values(self) -> Any:
        """Values of this type, the same ones each time."""
        drawn = np.random.default_rng(SEED).standard_normal(self.aval.shape)
        return drawn.astype(self.aval.dtype)


class WatchedScalar(Tracer):
    """A number ``v`` that is the variable ``i``."""

    __slots__ = ()


class WatchedArray(ArrayTracer):
    """An array ``v`` that is the variable ``i``."""

    __slots__ = ()


def inlined(primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """What a function with a rule of its own computes, or None for other operations."""
    return primitive.impl(*operands, **params) if hasattr(params.get("call"), "custom") else None


class Staging(Stage):
    """The trace of :func:`wengert.make_program`, which looks into functions that have rules of their own."""

    __slots__ = ()

    def enter(self, x: Any) -> Any:
        """An argument's number or array as an input."""
        return self.declare(x.aval) if isinstance(x, Placeholder) else self.input(x)

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Write an equation down, or those of the function that has a rule."""
        inside = inlined(primitive, operands, params)
        return inside if inside is not None else super().process(primitive, operands, params)


class Watching(Trace):
    """A trace that computes, and writes down the equations of what it computed."""

    __slots__ = ("around", "constants", "equations", "known", "level", "open")
    scalar, array = WatchedScalar, WatchedArray

    def __init__(self) -> None:
        self.level = fresh_level()
        self.equations: list[Equation] = []
        self.constants: list[tuple[Var, Any]] = []
        # arrays that are constants, or have left the trace as nothing can be differentiated in them, by identity
        self.known: dict[int, tuple[Any, Var]] = {}
        self.open = True

    def tracer(self, value: Any, var: Var) -> Any:
        """A tracer of a value that is this variable."""
        cls = WatchedArray if is_array(value) else WatchedScalar
        z = cls.__new__(cls)
        z.v, z.t, z.i, z.born = value, self, var, fresh_level()
        return z

    def enter(self, x: Any) -> Any:
        """An argument's number or array as an input."""
        value = x.values() if isinstance(x, Placeholder) else x.copy() if is_array(x) else x
        return self.tracer(value, Var(aval_of(value)))

    def lift(self, value: Any) -> Any:
        """A tracer of a constant that traced values may be written into."""
        return self.tracer(value.copy(), Var(aval_of(value)))

    def process(self, primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Compute on plain values, and write down what was."""
        if not self.open:
            raise leaked("the run")
        inside = inlined(primitive, operands, params)
        if inside is not None:
            return inside
        values, atoms = zip(*map(self.read, operands), strict=True)
        found = bind(primitive, *values, **params)
        outs = found if primitive.multiple else (found,)
        variables = tuple(Var(aval_of(out)) for out in outs)
        self.equations.append(Equation(primitive, atoms, variables, params, user_line()))
        left = tuple(self.leave(primitive, out, var) for out, var in zip(outs, variables, strict=True))
        return left if primitive.multiple else left[0]

    def read(self, x: Any) -> tuple[Any, Atom]:
        """An operand's value, and its variable or literal."""
        if isinstance(x, Tracer):
            if type(x) is not Constant:
                return x.v, x.i
            x = x.v
        if not is_array(x):
            return x, Literal(x)
        known = self.known.get(id(x))
        if known is None:
            known = self.known[id(x)] = x, Var(aval_of(x))
            self.constants.append((known[1], x))
        return known

    def leave(self, primitive: Primitive, out: Any, var: Var) -> Any:
        """What the function gets: a tracer, or where no derivative passes the plain value."""
        if dtype_of(out).kind in "fc" and not primitive.flat:
            return self.tracer(out, var)
        if type(out) is not np.ndarray:
            return out
        self.known[id(out)] = out, var
        return constant_in(self, out)


@dataclass(frozen=True)
class Watch:
    """What was seen: the trace with its ``equations``, the variables of the inputs, the result or what was raised.

    ``inputs`` holds for each argument a variable for each of its leaves, or None for one that is not watched.
    ``reason`` says why the function was run on numbers; it is empty where staging was enough.
    """

    trace: Staging | Watching
    inputs: tuple[tuple[Var | None, ...], ...]
    out: Any = None
    error: Exception | None = None
    reason: str = ""


def enters(x: Any) -> bool:
    """Whether a leaf is watched: real or complex floating point, or an array of any numbers."""
    if isinstance(x, Placeholder):
        return True
    if isinstance(x, np.ndarray | np.generic):
        return x.dtype.kind in ("biufc" if x.ndim else "fc")
    return isinstance(x, float | complex)


def watch(f: Callable[..., Any], args: tuple[Any, ...]) -> Watch:
    """Watch ``f(trace, *args)``, where numbers in ``args`` have become inputs of the trace.

    Example:
        >>> import numpy as np
        >>> seen = watch(lambda _trace, x: np.sin(x) @ x, (np.ones(3),))
        >>> [equation.primitive.name for equation in seen.trace.equations], seen.reason
        (['sin', 'matmul'], '')
        >>> seen = watch(lambda _trace, x: x * x if x > 0 else x, (2.0,))
        >>> [equation.primitive.name for equation in seen.trace.equations][-1], bool(seen.reason)
        ('multiply', True)
    """
    staged = watch_by(Staging(), f, args)
    if not isinstance(staged.error, ConcretizationError | TraceError | UnsupportedError):
        return staged
    reason, *where = str(staged.error).splitlines()[:2]
    return watch_by(Watching(), f, args, " ".join([reason, *(f"({line.strip()})" for line in where)]))


def watch_by(trace: Staging | Watching, f: Callable[..., Any], args: tuple[Any, ...], reason: str = "") -> Watch:
    """The same by one of the two traces."""
    entered = pytree.map(lambda x: trace.enter(x) if enters(x) else x, args)
    # now: the function may write to its arguments
    inputs = tuple(tuple(x.i if isinstance(x, Tracer) else None for x in pytree.leaves(arg)) for arg in entered)
    try:
        with np.errstate(all="ignore"):
            out = run(trace, f, [trace, *entered], {})
    except Exception as error:  # noqa: BLE001 - whatever the function raises is part of the picture
        return Watch(trace, inputs, error=error, reason=reason)
    finally:
        trace.open = False
    return Watch(trace, inputs, out, reason=reason)
