"""A walk through an explanation as a debugger walks: one moment after another, forward and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wengert.core.types import shape_of
from wengert.explain.graph import Edge, Step
from wengert.explain.text import number, operand_names, operation

__all__ = ["BackwardMoment", "ForwardMoment"]


@dataclass(frozen=True, slots=True, eq=False)
class ForwardMoment:
    """A step on the way forward: what it did, to which values; ``edges`` end in it, and have the local derivatives."""

    step: Step
    edges: tuple[Edge, ...]

    @property
    def formula(self) -> str:
        """The operation on the names of its operands."""
        return operation(self.step)

    @property
    def operands(self) -> dict[str, Any]:
        """The values of the operands by name; a constant has its own text."""
        return dict(zip(operand_names(self.step), self.step.values, strict=True))

    @property
    def locals(self) -> dict[str, Any]:
        """The local derivative with respect to each operand, None where it is a Jacobian."""
        return {edge.source.name: edge.local for edge in self.edges}

    def __str__(self) -> str:
        step = self.step
        kept = f"  ({step.variable})" if step.variable else ""
        rows = [f"{step.name} = {self.formula} = {number(step.value)}{kept}"]
        given = [f"{edge.source.name} = {number(edge.source.value)}" for edge in self.edges]
        width = max((len(text) for text in given), default=0) + 4
        for edge, text in zip(self.edges, given, strict=True):
            local = f"∂{step.name}/∂{edge.source.name} = {derivative(edge)}"
            pushed = "" if edge.pushed is None else f"    adds {number(edge.pushed)} to the tangent"
            rows.append(f"  {text.ljust(width)}{local}{pushed}")
        if step.tangent is not None:
            rows.append(f"  tangent {number(step.tangent)}")
        return "\n".join(rows)

    __repr__ = __str__


@dataclass(frozen=True, slots=True, eq=False)
class BackwardMoment:
    """A step on the way back: the edges whose contributions make its gradient, and those by which it hands it on."""

    step: Step
    received: tuple[Edge, ...]
    sent: tuple[Edge, ...]

    @property
    def upstream(self) -> Any:
        """The gradient, which has added up by now."""
        return self.step.gradient

    @property
    def contributions(self) -> list[tuple[str, Any]]:
        """What the gradient adds up from: the step that it came from, and how much."""
        return [(edge.target.name, edge.contribution) for edge in self.received]

    def __str__(self) -> str:
        step = self.step
        parts = [f"{number(edge.contribution)} from {edge.target.name}" for edge in self.received]
        total = number(step.gradient)
        sums = " + ".join(parts) + (f" = {total}" if len(parts) > 1 else "") if parts else total
        rows = [f"∂{step.name} = {sums}"]
        rows += [
            f"  to {edge.source.name}: {total} {times(edge)} {derivative(edge)} = {number(edge.contribution)}"
            for edge in self.sent
        ]
        return "\n".join(rows)

    __repr__ = __str__


def derivative(edge: Edge) -> str:
    """A local derivative as text; a Jacobian's shape."""
    local = edge.local
    if local is not None:
        return number(local)
    source, target = (edge.source.value, edge.target.value)
    sizes: Sequence[str] = [
        " × ".join(map(str, shape_of(v))) or "1" if not isinstance(v, tuple) else "…" for v in (target, source)
    ]
    return f"Jacobian ({sizes[0]}) by ({sizes[1]})"


def times(edge: Edge) -> str:
    """The product of a contribution: of numbers, of elements, or with a Jacobian."""
    if edge.local is None:
        return "·"
    return "⊙" if shape_of(edge.target.value) else "×"
