"""The graph of derivatives: steps are its nodes, and each edge carries a derivative."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.core.types import dtype_of, shape_of
from wengert.explain.recording.phases import Phase
from wengert.explain.recording.scopes import Place, Scope
from wengert.transforms.gradients import seed
from wengert.transforms.inputs import finish

__all__ = ["Edge", "Step", "finished", "is_differentiable", "plus", "size_of"]


# The writers of formulas, which live in a module of their own.
FORMULAS: dict[str, Any] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of Wengert's list: an input, or an operation on earlier steps and constants.

    ``value`` is what it gave, ``gradient`` the derivative of the output with respect to it, of the value's
    shape, or None where there is none (the output is no number, or the function has raised an exception).
    ``operands`` are steps, or plain values where nothing is differentiated; inputs have none, and no ``primitive``.
    ``line`` is the user's line that led here, as ``file:line: source``, and ``place`` its file and
    number. ``number`` counts from 0, inputs first. ``variable`` is the variable of the user's that the value was kept
    in, or an empty string; ``scopes`` are the functions, layers and turns of loops around the step, outermost first.

    In forward mode ``tangent`` is the derivative along the direction. Of transforms in the function, ``phase`` is
    "backward" for a step of a walk back (``order`` 1, of a walk back over that one 2) and "tangent" for one of forward
    mode; ``of`` is then the name of the step whose gradient or tangent it is, where that is known, and ``variable``
    says it (``∂v3``). Under ``vmap``, ``batch`` holds the sizes of the batch axes in front of the value's own.
    ``labels`` name operands that are arguments held constant, with an empty string for the others, or nothing at all.

    Example:
        >>> import wengert
        >>> step = wengert.explain(lambda x, y: x * y)(2.0, 3.0).steps[0]
        >>> step.name, step.primitive.name, [x.name for x in step.operands], step.value
        ('v1', 'multiply', ['x', 'y'], 6.0)
        >>> def total(x, y):
        ...     product = x * y
        ...     return product + x
        >>> e = wengert.explain(total)(2.0, 3.0)
        >>> e["v1"].number, e["v1"].variable, e["v2"].variable
        (2, 'product', '')
    """

    name: str
    value: Any
    gradient: Any
    primitive: Primitive | None = None
    operands: tuple[Any, ...] = ()
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    line: str = ""
    number: int = 0
    variable: str = ""
    scopes: tuple[Scope, ...] = ()
    place: Place = ("", 0)
    tangent: Any = None
    phase: Phase = "forward"
    order: int = 0
    of: str = ""
    batch: tuple[int, ...] = ()
    labels: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[Any, ...]:
        """The plain values of the operands."""
        return tuple(x.value if isinstance(x, Step) else x for x in self.operands)

    def formula(self, whole: bool = False) -> Any:
        """What the step computes, a :class:`~wengert.explain.formulas.formula.Formula` with the user's names.

        ``whole`` puts in the steps that have no name of their own.
        """
        return FORMULAS["step"](self, whole)

    def __repr__(self) -> str:
        return f"<step {self.name}: {self.primitive.name if self.primitive else 'input'}>"


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """The way from a step to one that reads it, as operand ``position``.

    ``contribution`` is what the source receives along this edge: upstream gradient times local derivative.
    An input's gradient is the sum of the contributions on its outgoing edges. Both are None where the explanation
    has no gradients.

    Example:
        >>> import wengert
        >>> edge = wengert.explain(lambda x, y: (x + 1) * y)(2.0, 4.0).edges[1]
        >>> edge
        <edge v1 → v2>
        >>> float(edge.local), float(edge.upstream), float(edge.contribution)
        (4.0, 1.0, 4.0)
    """

    source: Step
    target: Step
    position: int
    contribution: Any

    @property
    def primitive(self) -> Primitive:
        """The operation at the edge's end."""
        assert self.target.primitive is not None  # inputs have no incoming edges
        return self.target.primitive

    @property
    def upstream(self) -> Any:
        """The derivative of the output with respect to the edge's end."""
        return self.target.gradient

    @property
    def local(self) -> Any:
        """The derivative of the edge's end by its beginning, where one number an element says it.

        For functions of each element it has the shape of the end's value; from a number to a number it is a
        number. Elsewhere it is None, and :meth:`jacobian` has it.
        """
        if not self.is_elementwise:
            return None
        step, value = self.target, self.source.value
        one = np.ones(shape_of(value), dtype_of(value)) if shape_of(value) else dtype_of(value).type(1)
        tangents = [one if k == self.position else None for k in range(len(step.operands))]
        with np.errstate(all="ignore"):  # what is not finite is shown
            local = self.primitive.jvp(tangents, step.value, step.values, step.params)
        return _zeros(step.value) if local is None else local

    @property
    def pushed(self) -> Any:
        """In forward mode what the edge adds to its end's tangent: local derivative times the source's tangent."""
        if self.source.tangent is None:
            return None
        step = self.target
        tangents = [self.source.tangent if k == self.position else None for k in range(len(step.operands))]
        with np.errstate(all="ignore"):  # what is not finite is shown
            pushed = self.primitive.jvp(tangents, step.value, step.values, step.params)
        return _zeros(step.value) if pushed is None and not isinstance(step.value, tuple) else pushed

    @property
    def is_elementwise(self) -> bool:
        """Whether each element of the end depends on one element of the beginning."""
        ends = (self.source.value, self.target.value)
        if any(isinstance(value, tuple) for value in ends):
            return False
        return self.primitive.family in ("elementwise", "flat") or all(size_of(value) == 1 for value in ends)

    def jacobian(self) -> Any:
        """All derivatives of the edge's end by its beginning: shape of the end + shape of the beginning.

        Where one of the two is the tuple of an operation with several outputs, a matrix of them laid flat.
        """
        step, source = self.target, self.source.value
        wanted = tuple(k == self.position for k in range(len(step.operands)))
        rows: list[Any] = []
        for unit in _units(step.value):
            with np.errstate(all="ignore"):  # what is not finite is shown
                pulled = self.primitive.vjp(unit, step.value, step.values, wanted, step.params)[self.position]
            rows.append(_flattened(finished(pulled, source)))
        shape = (len(rows), size_of(source))
        if not isinstance(step.value, tuple) and not isinstance(source, tuple):
            shape = (*shape_of(step.value), *shape_of(source))
        out = np.array(rows).reshape(shape)
        return out if shape else out[()]

    def formula(self) -> Any:
        """The local derivative, or how the upstream gradient is pulled back, as a formula."""
        return FORMULAS["edge"](self)

    def __repr__(self) -> str:
        return f"<edge {self.source.name} → {self.target.name}>"


def size_of(value: Any) -> int:
    """How many numbers a value holds."""
    return sum(map(size_of, value)) if isinstance(value, tuple) else math.prod(shape_of(value))


def _flattened(value: Any) -> Any:
    return np.concatenate([np.ravel(v) for v in value]) if isinstance(value, tuple) else np.ravel(value)


def _zeros(value: Any) -> Any:
    kind = dtype_of(value) if dtype_of(value).kind in "fc" else np.dtype(float)
    return np.zeros(shape_of(value), kind) if shape_of(value) else kind.type(0)


def finished(d: Any, value: Any) -> Any:
    """A gradient of the shape of its value; zeros where nothing arrived."""
    if isinstance(value, tuple):
        return tuple(finished(g, v) for g, v in zip(d or (None,) * len(value), value, strict=True))
    return _zeros(value) if d is None else finish(d, value)


def _units(value: Any) -> Iterator[Any]:
    """One cotangent for each number in ``value``: 1 there, 0 elsewhere."""
    if isinstance(value, tuple):
        for k, part in enumerate(value):
            for unit in _units(part):
                yield tuple(unit if j == k else None for j in range(len(value)))
    elif not shape_of(value):
        yield seed(value)
    else:
        for n in range(size_of(value)):
            unit = _zeros(value)
            unit.flat[n] = 1
            yield unit


def plus(a: Any, b: Any) -> Any:
    """The sum of two gradients, of which either may be absent."""
    if a is None or b is None:
        return b if a is None else a
    return tuple(map(plus, a, b)) if isinstance(a, tuple) else a + b


def is_differentiable(value: Any) -> bool:
    """Whether a value is made of real or complex numbers, and not of integers or truth values."""
    return isinstance(value, tuple) or dtype_of(value).kind in "fc"
