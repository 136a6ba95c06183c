"""The record of a primitive, and the families from which its rules are derived.

Everything about an operation stands in one record. A family takes what is natural to declare and
derives the rest:

- ``elementwise``: for each operand the *differential*, the map from the operand's tangent to the
  output's, ``diff(t, z, *operands)``. It is diagonal, hence its own transpose: the same line serves
  forward and reverse mode (there with un-broadcasting).
- ``linear``: the transpose with respect to the first operand; forward mode is the operation itself.
- ``bilinear``: a transpose for each operand.
- ``general``: jvp and vjp; either may be left out and is then derived from the other one.
- ``flat``: integer- or step-valued; its derivative is zero wherever it exists.

A differential's parameter whose name begins with an underscore is not read, and such an operand is not
kept for the backward walk. Cotangents are transposed, never conjugated; an absent one is None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from wengert.core.trace import Tracer, bind
from wengert.core.types import Aval, aval_of

__all__ = ["REGISTRY", "Augmented", "Family", "Primitive", "Rule", "register"]

Family = Literal["elementwise", "linear", "bilinear", "reduction", "general", "flat"]
Rule = Callable[..., Any]
REGISTRY: dict[str, Primitive] = {}


@dataclass(frozen=True, slots=True)
class Augmented:
    """An operation in the form in which a tape records it.

    ``params`` are those of the operation with more outputs than its own first ``outputs``, ``rule`` those that its
    vjp is given. ``reads`` says which operands the vjp reads, ``sources`` which of its own outputs, and ``active``
    which of these derivatives pass through; ``more`` are operands besides its own.
    """

    params: dict[str, Any]
    rule: dict[str, Any]
    outputs: int
    reads: tuple[bool, ...]
    sources: tuple[int, ...]
    active: tuple[bool, ...]
    more: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """One operation and all its rules.

    ``impl(*operands, **params)`` computes on plain values. ``infer(*avals, **params)`` gives the output's
    abstract value (a tuple of them where ``multiple``). ``jvp(tangents, out, operands, params)`` gives the
    output's tangent, ``vjp(cotangent, out, operands, wanted, params)`` a tuple with the cotangent of each
    wanted operand. ``batch(batched, operands, params)`` computes with axis 0 of the batched operands as
    the batch, and gives outputs with the batch at axis 0. ``reads(k, n)`` says which of the n operands,
    and whether the output (at position n), the rule of operand k reads.

    ``augment(avals, wanted, params)``, where there is one, gives the :class:`Augmented` form in which a tape records
    the operation: with more outputs, behind its own, for the walk back to read (its residuals).
    ``dual(tangents, operands, params)`` gives outputs and tangents together.
    """

    name: str
    family: Family
    impl: Rule
    infer: Rule
    jvp: Rule
    vjp: Rule
    batch: Rule
    reads: Callable[[int, int], tuple[bool, ...]]
    tex: str
    multiple: bool = False
    diffs: tuple[Rule | None, ...] = ()
    ufunc: np.ufunc | None = None
    augment: Rule | None = None
    dual: Rule | None = None
    cache: dict[Any, Any] = field(default_factory=dict[Any, Any], repr=False)

    def __call__(self, *operands: Any, **params: Any) -> Any:
        for x in operands:
            if isinstance(x, Tracer):
                return bind(self, *operands, **params)
        return self.impl(*operands, **params)

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    @property
    def flat(self) -> bool:
        """Whether its derivative is zero wherever it exists."""
        return self.family == "flat"

    def kept(self, wanted: tuple[bool, ...]) -> tuple[bool, ...]:
        """Which operands, and last the output, the backward walk will read for the wanted operands.

        Empty where the function is flat in all of these.
        """
        mask = self.cache.get(wanted)
        if mask is None:
            n = len(wanted)
            curved = [k for k, want in enumerate(wanted) if want and not (self.diffs and self.diffs[k] is None)]
            columns = zip(*[self.reads(k, n) for k in curved], strict=True)
            mask = self.cache[wanted] = tuple(any(column) for column in columns)
        return mask


def register(primitive: Primitive) -> Primitive:
    """Enter a primitive into the registry, over which the laws run."""
    if primitive.name in REGISTRY:
        raise ValueError(f"a primitive named {primitive.name!r} exists already")
    REGISTRY[primitive.name] = primitive
    return primitive


def reads_nothing(_k: int, n: int) -> tuple[bool, ...]:
    """For rules that need shapes only."""
    return (False,) * (n + 1)


def reads_everything(_k: int, n: int) -> tuple[bool, ...]:
    """For rules that read operands and output."""
    return (True,) * (n + 1)


def reads_others(k: int, n: int) -> tuple[bool, ...]:
    """For products: the rule of one operand reads the others."""
    return (*(j != k for j in range(n)), False)


def reads_by_name(diffs: Sequence[Rule | None]) -> Callable[[int, int], tuple[bool, ...]]:
    """From the parameters of differentials ``(t, z, *operands)``: an underscore means that it is not read."""
    table: list[tuple[bool, ...]] = []
    for diff in diffs:
        if diff is None:
            table.append((False,) * (len(diffs) + 1))
            continue
        code = diff.__code__  # type: ignore[attr-defined]  # a plain function
        _t, z, *names = code.co_varnames[: code.co_argcount]
        table.append((*(not name.startswith("_") for name in names), not z.startswith("_")))
    return lambda k, _n: table[k]


def infer_by_running(impl: Rule, *avals: Aval, **params: Any) -> Aval | tuple[Aval, ...]:
    """The output's abstract value from running ``impl`` on arrays that take no memory (all strides zero)."""
    from_dummy: list[Any] = []
    for aval in avals:
        if aval.kind == "array":
            from_dummy.append(np.broadcast_to(np.zeros((), aval.dtype), aval.shape))
        else:
            from_dummy.append(aval.dtype.type(0) if aval.kind == "scalar" else aval.dtype.type(0).item())
    out = impl(*from_dummy, **params)
    return tuple(aval_of(o) for o in out) if isinstance(out, tuple) else aval_of(out)
