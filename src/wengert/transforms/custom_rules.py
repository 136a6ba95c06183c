"""custom_jvp and custom_vjp."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from wengert import pytree
from wengert.core.trace import Constant, Tracer
from wengert.core.types import dtype_of
from wengert.errors import at_line
from wengert.transforms.batch import vmap
from wengert.transforms.custom import Call, Custom, zeros
from wengert.transforms.inputs import zeros_for
from wengert.transforms.reverse import Tape, pull

__all__ = ["custom_jvp", "custom_vjp"]


class custom_jvp(Custom):
    """A function whose forward rule is given; reverse mode transposes it.

    ``defjvp(rule)`` takes ``rule(primals, tangents) -> (output, tangent of the output)``, linear in the tangents;
    these are tuples like the arguments, with zeros where nothing is differentiated and None for what has no
    derivative (integers, strings). ``defjvps(d0, d1, ...)`` takes a differential for each argument instead,
    ``d(tangent, output, *args)``, or None where the derivative is zero; their results are added up.

    Rules are written in NumPy, and are differentiated themselves for higher derivatives. The function itself may be
    anything that takes plain arrays (compiled code, SciPy), as it is never traced save under ``vmap`` and staging;
    ``batch="loop"`` calls it for each element of a batch then. It must not close over traced values.

    Raises:
        DerivativeError: if no rule has been given, or the function closes over a traced value.
        ShapeError: if a rule's result has another structure or shape than its value.

    Example:
        >>> import numpy as np
        >>> from wengert import custom_jvp, grad
        >>> @custom_jvp
        ... def softplus(x):
        ...     return np.logaddexp(x, 0.0)
        >>> @softplus.defjvps
        ... def _(t, y, x):
        ...     return t * -np.expm1(-y)
        >>> grad(softplus)(0.0)
        0.5
        >>> grad(grad(softplus))(0.0)
        0.25
    """

    kind = "custom_jvp"
    missing = "@{}.defjvp before a function rule(primals, tangents) that returns (output, tangent)"
    rule: Callable[..., Any] | None = None
    differentials: tuple[Any, ...] | None = None

    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Give the rule ``rule(primals, tangents) -> (output, tangent)``; can be used as a decorator."""
        self.rule = rule
        return rule

    def defjvps(self, *differentials: Callable[..., Any] | None) -> Any:
        """Give ``d(tangent, output, *args)`` for each argument, None where the derivative is zero."""
        self.differentials = differentials
        return differentials[0] if differentials else None

    def tangents(self, call: Call, operands: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The tangents of the outputs."""
        args = call.arguments(operands)
        if self.differentials is not None:
            return self.sum_of_differentials(call, args, call.tangents(tangents))
        if self.rule is None:
            raise self.without_rule()
        given = call.run(self.rule, args, call.tangents(zeros(tangents, operands)))
        if not (isinstance(given, tuple) and len(given) == 2):
            raise TypeError(
                f"the rule of {self!r} must return (output, tangent){at_line()}\n  write: return y, tangent_of_y"
            )
        out = call.flatten(given[0])
        ts = zeros(call.match(given[1], given[0], len(out), "tangent"), out)
        call.check(ts, out, "tangent")
        return ts

    def sum_of_differentials(self, call: Call, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> Sequence[Any]:
        """Σ d(tangent, output, *args) over the arguments that have a tangent."""
        differentials = self.differentials or ()
        if len(differentials) != len(args):
            raise TypeError(
                f"{self!r} was called with {len(args)} arguments, and has {len(differentials)} differentials"
                f"{at_line()}\n  write: .defjvps(...) with one for each argument, None where its derivative is zero"
            )
        total: Any = None
        out: Any = None
        for t, d in zip(tangents, differentials, strict=True):
            if t is None or d is None or not pytree.leaves(t):
                continue
            out = self(*args) if out is None else out
            term = call.run(d, t, out, *args)
            total = term if total is None else pytree.map(lambda a, b: a + b, total, term)
        out = self(*args) if out is None else out
        leaves = pytree.leaves(out)
        ts = zeros(call.match(total, out, len(leaves), "tangent"), leaves)
        call.check(ts, leaves, "tangent")
        return ts

    def cotangents(self, call: Call, operands: Sequence[Any], outs: Any, cts: Sequence[Any]) -> Sequence[Any]:
        """The cotangents of the operands."""
        del outs

        def push(ts: Sequence[Any]) -> Sequence[Any]:
            return self.tangents(call, operands, ts)

        return transposed(push, operands, cts)

    def batched(self, call: Call, axes: tuple[Any, ...]) -> Custom:
        """The same function for each element of a batch, its rule by vmap."""

        def one(*operands: Any) -> Any:
            return call.flatten(self.evaluate(call, operands))

        def rule_of_one(operands: Any, tangents: Any) -> Any:
            return one(*operands), tuple(self.tangents(call, operands, tangents))

        inner = custom_jvp(vmap(one, in_axes=axes))
        inner.defjvp(vmap(rule_of_one, in_axes=(axes, axes)))
        return inner


class custom_vjp(Custom):
    """A function whose reverse rule is given; forward mode transposes it.

    ``defvjp(forward, backward)``: ``forward(*args) -> (output, residuals)`` computes the function and what the way
    back will read, ``backward(residuals, cotangent) -> tuple`` gives a cotangent for each argument, None where the
    derivative is zero. Cotangents are transposed, never conjugated: Jᵀ times the cotangent.

    Both are written in NumPy for higher derivatives and ``vmap``; for the first derivative by reverse mode they,
    and the function, may be anything that takes plain arrays. ``batch="loop"`` calls them for each element of a
    batch. None of them may close over traced values.

    Raises:
        DerivativeError: if no rule has been given, or the function closes over a traced value.
        ShapeError: if a cotangent has another structure or shape than its argument.

    Example:
        A function whose gradient is clipped on its way back:

        >>> import numpy as np
        >>> from wengert import custom_vjp, grad
        >>> @custom_vjp
        ... def clip_gradient(x, limit):
        ...     return x
        >>> clip_gradient.defvjp(
        ...     lambda x, limit: (x, limit),
        ...     lambda limit, g: (np.clip(g, -limit, limit), None),
        ... )
        >>> grad(lambda x: 10 * clip_gradient(x, 1.0))(3.0)
        1.0
    """

    kind = "custom_vjp"
    missing = "{}.defvjp(forward, backward): forward(*args) -> (output, residuals), backward(residuals, ct) -> tuple"
    forward: Callable[..., Any] | None = None
    backward: Callable[..., Any] | None = None

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Give the two halves of the rule."""
        self.forward, self.backward = forward, backward

    def evaluate(self, call: Call, operands: Sequence[Any]) -> Any:
        """The function, or the forward rule where a walk back will read what it keeps."""
        if self.forward is None or not call.taped:
            return super().evaluate(call, operands)
        out, residuals = self.run_forward(call, operands)
        call.kept = (operands, residuals)
        return out

    def run_forward(self, call: Call, operands: Sequence[Any]) -> Any:
        """The output and the residuals."""
        assert self.forward is not None
        given = call.run(self.forward, *call.arguments(operands))
        if not (isinstance(given, tuple) and len(given) == 2):
            raise TypeError(
                f"the forward rule of {self!r} must return (output, residuals){at_line()}\n"
                "  write: return y, (what, backward, reads)"
            )
        return given

    def residuals(self, call: Call, operands: Sequence[Any]) -> Any:
        """What the evaluation kept, if it was at these very operands, or the forward rule run once more."""
        if self.forward is None:
            raise self.without_rule()
        known, residuals = call.kept
        if len(known) == len(operands) and all(a is b for a, b in zip(known, operands, strict=True)):
            return residuals
        return self.run_forward(call, operands)[1]

    def pullback(self, call: Call, residuals: Any, cts: Sequence[Any]) -> list[Any]:
        """The cotangents of the operands, None where the rule gives none."""
        assert self.backward is not None
        args = call.arguments([0.0] * len(call.at))
        given = call.run(self.backward, residuals, pytree.unflatten(call.out_def, cts))
        if not (isinstance(given, tuple) and len(given) == len(args)):
            raise TypeError(
                f"the backward rule of {self!r} must return a tuple of {len(args)} cotangents, one for each "
                f"argument{at_line()}\n  write: None for an argument whose derivative is zero"
            )
        found = call.match(given, args, len(call.leaves), "cotangent")
        return [found[k] for k in call.at]

    def cotangents(self, call: Call, operands: Sequence[Any], outs: Any, cts: Sequence[Any]) -> Sequence[Any]:
        """The cotangents of the operands."""
        return self.checked(call, operands, self.pullback(call, self.residuals(call, operands), zeros(cts, outs)))

    def checked(self, call: Call, operands: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
        """Cotangents of the operands' shapes, zeros where the rule gives none."""
        call.check(cts, operands, "cotangent")
        return zeros(cts, operands)

    def tangents(self, call: Call, operands: Sequence[Any], tangents: Sequence[Any]) -> Sequence[Any]:
        """The tangents of the outputs."""
        residuals = self.residuals(call, operands)
        outs = call.flatten(self.evaluate(call, operands))

        def back(cts: Sequence[Any]) -> Sequence[Any]:
            return self.checked(call, operands, self.pullback(call, residuals, zeros(cts, outs)))

        return transposed(back, outs, tangents)

    def batched(self, call: Call, axes: tuple[Any, ...]) -> Custom:
        """The same function for each element of a batch, its rule by vmap."""
        structure: list[Any] = []

        def forward(*operands: Any) -> Any:
            out, residuals = self.run_forward(call, operands)
            leaves, treedef = pytree.flatten(residuals)
            structure[:] = [treedef, [x if isinstance(x, str) or callable(x) else None for x in leaves]]
            return call.flatten(out), [x for x in leaves if not (isinstance(x, str) or callable(x))]

        def backward(residuals: Any, cts: Any) -> Any:
            rest = iter(residuals)
            leaves = [next(rest) if x is None else x for x in structure[1]]
            return tuple(self.pullback(call, pytree.unflatten(structure[0], leaves), cts))

        def total(residuals: Any, cts: Any) -> Any:
            ds = vmap(backward)(residuals, cts)
            return tuple(d if d is None or axis == 0 else np.sum(d, axis=0) for d, axis in zip(ds, axes, strict=True))

        inner = custom_vjp(vmap(lambda *operands: call.flatten(Custom.evaluate(self, call, operands)), in_axes=axes))
        if self.forward is not None:
            inner.defvjp(vmap(forward, in_axes=axes), total)
        return inner


def transposed(linear: Callable[[list[Any]], Sequence[Any]], inputs: Sequence[Any], cts: Sequence[Any]) -> list[Any]:
    """Lᵀ cts for a linear L, from lists to lists; ``inputs`` are values of the types that L takes."""
    tape = Tape()
    leaves = [tape.leaf(zeros_for(x)) if dtype_of(x).kind in "fc" else None for x in inputs]
    outs = linear(leaves)
    ends = [
        (y.i, ct) for y, ct in zip(outs, cts, strict=True)
        if ct is not None and isinstance(y, Tracer) and y.t is tape and type(y) is not Constant
    ]  # fmt: skip
    at = [x.i for x in leaves if x is not None]
    rest = iter(pull(tape.close(), ends, at))
    return zeros([None if x is None else next(rest) for x in leaves], inputs)
