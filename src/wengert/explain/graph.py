"""The graph of derivatives: steps are its nodes, and each edge carries a derivative."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.core.types import dtype_of, shape_of
from wengert.errors import place_line
from wengert.explain.record import Entry
from wengert.explain.scopes import Place, Scope
from wengert.transforms.gradients import seed
from wengert.transforms.inputs import finish

__all__ = ["Edge", "Step", "build", "is_differentiable", "size_of"]


# The writers of formulas, which live in a module of their own.
FORMULAS: dict[str, Any] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step of Wengert's list: an input, or an operation on earlier steps and constants.

    ``value`` is what it gave, ``gradient`` the derivative of the output with respect to it, of the value's
    shape. ``operands`` are steps, or plain values where nothing is differentiated; inputs have none, and no
    ``primitive``. ``line`` is the user's line that led here, as ``file:line: source``, and ``place`` its file and
    number. ``number`` counts from 0, inputs first. ``variable`` is the variable of the user's that the value was kept
    in, or an empty string; ``scopes`` are the functions, layers and turns of loops around the step, the outermost first.

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

    @property
    def values(self) -> tuple[Any, ...]:
        """The plain values of the operands."""
        return tuple(x.value if isinstance(x, Step) else x for x in self.operands)

    def formula(self, whole: bool = False) -> Any:
        """What the step computes, a :class:`~wengert.explain.formulas.Formula` with the user's names.

        ``whole`` puts in the steps that have no name of their own.
        """
        return FORMULAS["step"](self, whole)

    def __repr__(self) -> str:
        return f"<step {self.name}: {self.primitive.name if self.primitive else 'input'}>"


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """The way from a step to one that reads it, as operand ``position``.

    ``contribution`` is what the source receives along this edge: upstream gradient times local derivative.
    An input's gradient is the sum of the contributions on its outgoing edges.

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
        local = self.primitive.jvp(tangents, step.value, step.values, step.params)
        return _zeros(step.value) if local is None else local

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
            pulled = self.primitive.vjp(unit, step.value, step.values, wanted, step.params)[self.position]
            rows.append(_flattened(_finished(pulled, source)))
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
    return sum(map(size_of, value)) if isinstance(value, tuple) else int(np.prod(shape_of(value), dtype=int))


def _flattened(value: Any) -> Any:
    return np.concatenate([np.ravel(v) for v in value]) if isinstance(value, tuple) else np.ravel(value)


def _zeros(value: Any) -> Any:
    kind = dtype_of(value) if dtype_of(value).kind in "fc" else np.dtype(float)
    return np.zeros(shape_of(value), kind) if shape_of(value) else kind.type(0)


def _finished(d: Any, value: Any) -> Any:
    """A gradient of the shape of its value; zeros where nothing arrived."""
    if isinstance(value, tuple):
        return tuple(_finished(g, v) for g, v in zip(d or (None,) * len(value), value, strict=True))
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


def _plus(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return tuple(map(_plus, a, b)) if isinstance(a, tuple) else a + b


def is_differentiable(value: Any) -> bool:
    """Whether a value is made of real or complex numbers, and not of integers or truth values."""
    return isinstance(value, tuple) or dtype_of(value).kind in "fc"


def walk_back(entries: list[Entry], output: int) -> tuple[list[Any], dict[tuple[int, int], Any]]:
    """The gradient of each entry, and the contribution of each edge ``(entry, operand)``, in one walk."""
    gradients: list[Any] = [None] * len(entries)
    contributions: dict[tuple[int, int], Any] = {}
    gradients[output] = seed(entries[output].out)
    for n in range(output, -1, -1):
        g, entry = gradients[n], entries[n]
        wanted = tuple(i >= 0 and is_differentiable(entries[i].out) for i in entry.sources)
        if g is None or entry.primitive is None or not any(wanted):
            continue
        pulled = entry.primitive.vjp(g, entry.out, entry.operands, wanted, entry.params)
        for k, (i, d) in enumerate(zip(entry.sources, pulled, strict=True)):
            if wanted[k]:
                contributions[n, k] = d
                gradients[i] = _plus(gradients[i], d)
    return gradients, contributions


def build(
    entries: list[Entry], names: list[str], variables: dict[int, str], output: int
) -> tuple[list[Step], list[Edge]]:
    """Steps and edges, in the order of the list, from its entries, their names, and those of variables."""
    gradients, contributions = walk_back(entries, output)
    steps: list[Step] = []
    edges: list[Edge] = []
    for n, (entry, name) in enumerate(zip(entries, names, strict=True)):
        operands = tuple(steps[i] if i >= 0 else x for i, x in zip(entry.sources, entry.operands, strict=True))
        gradient, line = _finished(gradients[n], entry.out), place_line(entry.place)
        variable = variables.get(n, "") if entry.primitive else name
        steps.append(
            Step(
                name, entry.out, gradient, entry.primitive, operands, entry.params, line, n, variable, entry.scopes,
                entry.place,
            )
        )  # fmt: skip
        for k, source in enumerate(operands):
            if isinstance(source, Step) and is_differentiable(source.value):
                contribution = _finished(contributions.get((n, k)), source.value)
                edges.append(Edge(source, steps[n], k, contribution))
    return steps, edges
