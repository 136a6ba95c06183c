"""Functions with derivative rules of their own: what custom_jvp and custom_vjp have in common.

A call is one operation of a record made for it. Its operands are the numeric leaves of the arguments, its
outputs those of the result; the structure around them stands in its one parameter, the :class:`Call`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from wengert import pytree
from wengert.core.primitive import Primitive, reads_everything
from wengert.core.trace import Tracer, bind, innermost, lower, outside
from wengert.core.types import Aval, aval_of, dtype_of, shape_of
from wengert.errors import DerivativeError, ShapeError, at_line
from wengert.transforms.inputs import NUMBER_TYPES, name_of, run, zeros_for
from wengert.transforms.reverse import Tape
from wengert.transforms.stage import Stage

__all__ = ["Call", "Custom"]

Batching = Literal["trace", "loop"]


class Custom:
    """A function with a rule of its own."""

    kind = "custom"
    missing = ""  # the line that gives it its rule

    def __init__(self, f: Callable[..., Any], batch: Batching = "trace") -> None:
        if batch not in ("trace", "loop"):
            raise ValueError(f"{self.kind}: batch={batch!r}{at_line()}\n  write: batch='trace' or batch='loop'")
        self.f, self.batch = f, batch
        self.arity = _arity(f)
        functools.update_wrapper(self, f, updated=())

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"{self.kind}({name_of(self.f)})"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function itself, as one operation."""
        call = Call(self, self.positional(args, kwargs))
        operands = call.operands()
        call.taped = isinstance(innermost(tuple(operands)), Tape)
        outs = bind(call.record(), *operands, call=call)
        return pytree.unflatten(call.out_def, outs)

    def positional(self, args: Any, kwargs: Any) -> tuple[Any, ...]:
        """The arguments by position, defaults filled in: what rules are given."""
        if not kwargs and self.arity in (None, len(args)):
            return args
        bound = inspect.signature(self.f).bind(*args, **kwargs)
        if bound.kwargs:
            raise TypeError(
                f"{self!r}: {', '.join(bound.kwargs)} can be given by keyword only, and rules take arguments by "
                f"position{at_line()}\n  write: the function without * and **kwargs in its signature"
            )
        bound.apply_defaults()
        return bound.args

    def without_rule(self) -> DerivativeError:
        """The error for a rule that has not been given."""
        return DerivativeError(f"{self!r} has no rule yet{at_line()}\n  write: {self.missing.format(name_of(self.f))}")

    def evaluate(self, call: Call, operands: Sequence[Any]) -> Any:
        """The result, on values of one level."""
        return call.run(self.f, *call.arguments(operands))

    def tangents(self, call: Call, operands: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The tangents of the outputs."""
        raise NotImplementedError

    def cotangents(self, call: Call, operands: Sequence[Any], outs: Any, cts: Sequence[Any]) -> Sequence[Any]:
        """The cotangents of the operands."""
        raise NotImplementedError

    def batched(self, call: Call, axes: tuple[Any, ...]) -> Custom:
        """The function of flat operands that does for each element of a batch what this one does for one."""
        raise NotImplementedError


def _arity(f: Callable[..., Any]) -> int | None:
    """The number of arguments, defaults counted; None where that is not known, or any number will do."""
    if isinstance(f, np.ufunc):
        return None
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return None
    kinds = [p.kind for p in parameters]
    anything = inspect.Parameter.VAR_POSITIONAL in kinds
    return None if anything else sum(k in (k.POSITIONAL_ONLY, k.POSITIONAL_OR_KEYWORD) for k in kinds)


def is_operand(x: Any) -> bool:
    """Whether a leaf is an operand: Python's ints and bools count, name and choose; they are structure."""
    if isinstance(x, np.ndarray | np.generic) and not isinstance(x, Tracer):
        return x.dtype.kind in "biufc"
    return isinstance(x, Tracer) or type(x) in (float, complex)


class Call:
    """One call: the structure around its operands, and around its result once that is known."""

    __slots__ = ("at", "custom", "kept", "known", "leaves", "out_def", "taped", "treedef")

    def __init__(self, custom: Custom, args: tuple[Any, ...]) -> None:
        self.custom = custom
        self.leaves, self.treedef = pytree.flatten(args)
        self.at = [k for k, x in enumerate(self.leaves) if is_operand(x)]
        self.out_def: Any = None
        self.taped = False  # whether a walk back over this call is to be expected
        # the outputs' types by those of the operands, and the last evaluation's residuals
        self.known: dict[tuple[Aval, ...], tuple[Aval, ...]] = {}
        self.kept: tuple[Sequence[Any], Any] = ((), None)

    def __repr__(self) -> str:
        return name_of(self.custom.f)

    def operands(self) -> list[Any]:
        """The numeric leaves; the call itself keeps the others alone, and never a traced value."""
        found = [self.leaves[k] for k in self.at]
        for k in self.at:
            self.leaves[k] = None
        return found

    def arguments(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments with these values for operands."""
        leaves = list(self.leaves)
        for k, x in zip(self.at, values, strict=True):
            leaves[k] = x
        return pytree.unflatten(self.treedef, leaves)

    def tangents(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """A tree like the arguments', with None for what has no tangent."""
        leaves: list[Any] = [None] * len(self.leaves)
        for k, x in zip(self.at, values, strict=True):
            leaves[k] = x
        return pytree.unflatten(self.treedef, leaves)

    def flatten(self, out: Any) -> tuple[Any, ...]:
        """The leaves of a result, and its structure noted."""
        leaves, self.out_def = pytree.flatten(out)
        for x in leaves:
            if not isinstance(x, Tracer | np.ndarray | NUMBER_TYPES):
                raise TypeError(
                    f"{self.custom!r} returned a {type(x).__name__}, where a number or an array was expected"
                    f"{at_line()}\n  write: return arrays alone (in tuples, dicts, dataclasses)"
                )
        return tuple(leaves)

    def run(self, f: Callable[..., Any], *args: Any) -> Any:
        """Call what the user wrote with values of one level, and see to it that no other level comes in."""
        outer = innermost(tuple(pytree.leaves(args)))
        with outside(outer):
            out = f(*args)
        inner = innermost(tuple(pytree.leaves(out)))
        if inner is not None and (outer is None or inner.level > outer.level):
            raise DerivativeError(
                f"{self.custom!r} closes over a traced value, of which its rule knows nothing{at_line()}\n"
                "  write: pass it as an argument of the function"
            )
        return pytree.map(lower, out)

    def match(self, got: Any, like: Any, size: int, what: str) -> list[Any]:
        """The leaves of what a rule gave, by their paths in ``like``; None for those that it left out."""
        paths = [path for path, _ in pytree.flatten_with_paths(like)]
        found = dict(pytree.flatten_with_paths(got))
        unknown = [path for path in found if path not in paths]
        if unknown or len(paths) != size:
            raise ShapeError(
                f"the rule of {self.custom!r} gave a {what} of structure {pytree.flatten(got)[1]} for values of "
                f"structure {pytree.flatten(like)[1]}{at_line()}\n"
                f"  write: the same structure, with None for what has no {what}"
            )
        return [found.get(path) for path in paths]

    def check(self, got: Sequence[Any], like: Sequence[Any], what: str) -> None:
        """A rule's results must have the shapes of what they belong to."""
        for d, x in zip(got, like, strict=True):
            if d is not None and shape_of(d) != shape_of(x):
                raise ShapeError(
                    f"the rule of {self.custom!r} gave a {what} of shape {shape_of(d)}, its value has shape "
                    f"{shape_of(x)}{at_line()}\n  write: one of the value's own shape"
                )

    def record(self) -> Primitive:
        """The record of this call's operation."""
        name = name_of(self.custom.f)
        letters = name.replace("_", r"\_").replace("<", "").replace(">", "")
        return Primitive(
            name, "general", _impl, _infer, _jvp, _vjp, _batch, reads_everything,
            r"\operatorname{{" + letters + "}}({0})", multiple=True,
        )  # fmt: skip


def _impl(*operands: Any, call: Call) -> tuple[Any, ...]:
    return call.flatten(call.custom.evaluate(call, operands))


def _infer(*avals: Aval, call: Call) -> tuple[Aval, ...]:
    if avals not in call.known:
        trace = Stage()
        out = run(trace, call.custom.f, call.arguments([trace.input(aval) for aval in avals]), {})
        call.known[avals] = tuple(aval_of(x) for x in call.flatten(out))
    return call.known[avals]


def _jvp(tangents: Sequence[Any], outs: Any, operands: Sequence[Any], params: Any) -> tuple[Any, ...]:
    call: Call = params["call"]
    ts = call.custom.tangents(call, operands, tangents)
    return tuple(t if dtype_of(o).kind in "fc" else None for t, o in zip(ts, outs, strict=True))


def _vjp(cts: Any, outs: Any, operands: Sequence[Any], wanted: Sequence[bool], params: Any) -> tuple[Any, ...]:
    call: Call = params["call"]
    ds = call.custom.cotangents(call, operands, outs, cts)
    return tuple(d if want else None for d, want in zip(ds, wanted, strict=True))


def _batch(mask: Sequence[bool], operands: Sequence[Any], params: Any) -> tuple[Any, ...]:
    call: Call = params["call"]
    if call.custom.batch == "loop":
        return _by_loop(call, mask, operands)
    return call.custom.batched(call, tuple(0 if b else None for b in mask))(*operands)


def _by_loop(call: Call, mask: Sequence[bool], operands: Sequence[Any]) -> tuple[Any, ...]:
    size = next(shape_of(x)[0] for x, b in zip(operands, mask, strict=True) if b)
    if size == 0:
        raise DerivativeError(f"vmap of {call.custom!r} with batch='loop' over an empty batch axis{at_line()}")
    rows: list[Any] = []
    for r in range(size):
        row = [x[r] if b else x for x, b in zip(operands, mask, strict=True)]
        rows.append(bind(call.record(), *row, call=call))
        call.known[tuple(aval_of(x) for x in row)] = tuple(aval_of(x) for x in rows[-1])
    return tuple(np.stack(column) for column in zip(*rows, strict=True))


def zeros(tangents: Sequence[Any], values: Sequence[Any]) -> list[Any]:
    """Tangents or cotangents, zeros where none is given; None for integers and booleans."""
    return [
        None if dtype_of(x).kind not in "fc" else zeros_for(x) if t is None else t
        for t, x in zip(tangents, values, strict=True)
    ]
