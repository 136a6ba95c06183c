"""Layers found in a recording: where parameters enter, the deltas there, and units that no longer learn."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.core.types import dtype_of, ndim_of, shape_of
from wengert.explain.graph import Edge, Step

__all__ = ["LayerHealth", "health", "pre_activations"]

# What only rearranges parameters: a weight transposed is still the weight.
_VIEWS = frozenset({"transpose", "reshape", "broadcast_to", "getitem"})
_SUMS = frozenset({"add", "subtract"})
_PRODUCTS = frozenset({"multiply", "divide"})
_LAST_PART = re.compile(r"(\.\w+|\[[^\[\]]*\])$")


def pre_activations(steps: Sequence[Step]) -> dict[str, Step]:
    """For each layer the step s at which the last of its parameters enters, as in s = a W + b.

    Parameters belong to one layer where their names differ in the last part only (``model.layers[0].weight``
    and ``.bias``, ``params[0][0]`` and ``[0][1]``); a parameter of no tree is a layer of its own. A sum of two values
    that the same parameters have entered is theirs too: the x W + b and h U of a recurrent layer. Where a layer enters
    several times, each has the name of the parameter and the step.
    """
    places = _Places()
    for step in steps:
        places.visit(step)
    found: dict[str, Step] = {}
    for layer, entered in places.entered.items():
        last = {step: leaf for step, leaf in entered.items() if (layer, step) not in places.surpassed}
        for step, leaf in last.items():
            found[layer if len(last) == 1 else f"{leaf} in {step.name}"] = step
    return found


class _Places:
    """Where the parameters of each layer have entered, and which of these places a later one builds on."""

    def __init__(self) -> None:
        self.owners: dict[Step, str] = {}  # inputs and views of them
        self.entered: defaultdict[str, dict[Step, str]] = defaultdict(dict)
        self.surpassed: set[tuple[str, Step]] = set()
        # for a step, by layer, the place that it is, or is a view of
        self.views: defaultdict[Step, dict[str, Step]] = defaultdict(dict)

    def visit(self, step: Step) -> None:
        """The steps come in order."""
        given = [x for x in step.operands if isinstance(x, Step)]
        if step.primitive is None:
            self.owners[step] = step.name
            return
        if step.primitive.name == "stop_gradient":  # what a layer remembers, and does not learn
            return
        is_view = step.primitive.name in _VIEWS
        if is_view and given and given[0] in self.owners:
            self.owners[step] = self.owners[given[0]]
            return
        leaves = [self.owners[x] for x in given if x in self.owners]
        for leaf in leaves:
            self.enter(_LAST_PART.sub("", leaf), leaf, step, given)
        shared = {layer for x in given for layer in self.views[x]}
        for layer in shared:
            own = [self.views[x][layer] for x in given if layer in self.views[x]]
            rest = [x for x in given if layer not in self.views[x]]
            scaled = step.primitive.name in _PRODUCTS and all(x.number < own[0].number for x in rest)
            if len(own) == 1 and (is_view or scaled):  # by something that does not depend on it
                self.views[step][layer] = own[0]
            elif len(own) > 1 and not rest and step.primitive.name in _SUMS:
                self.enter(layer, self.entered[layer][max(own, key=lambda place: place.number)], step, given)

    def enter(self, layer: str, leaf: str, step: Step, given: Sequence[Step]) -> None:
        """Parameters enter here, or come together."""
        self.surpassed |= {(layer, self.views[x][layer]) for x in given if layer in self.views[x]}
        self.entered[layer][step] = leaf
        self.views[step][layer] = step


@dataclass(frozen=True, slots=True)
class LayerHealth:
    """How a hidden layer's units respond: the derivative of their activation, for a batch of samples.

    A unit is ``dead`` where value and derivative are 0 on every sample (a ReLU that is off), ``saturated``
    where the derivative is below the tolerance on every sample (a sigmoid far out): neither learns from
    these samples. Both are tuples of unit numbers. ``flat`` is the share of derivatives, over samples and
    units, that are below the tolerance.

    Example:
        >>> import numpy as np
        >>> import wengert
        >>> def loss(params, x):
        ...     (W, b), v = params
        ...     return np.sum(np.maximum(x @ W + b, 0.0) @ v)
        >>> params = ((np.eye(2), np.array([0.0, -9.0])), np.ones(2))
        >>> print(wengert.explain(loss, argnums=0)(params, np.array([[1.0, 2.0], [3.0, 1.0]])).health()[0])
        params[0]: of 2 units on 2 samples 1 (no. 1) dead, 0 saturated; 50 % of derivatives are flat
    """

    name: str
    units: int
    samples: int
    dead: tuple[int, ...]
    saturated: tuple[int, ...]
    flat: float

    @property
    def ok(self) -> bool:
        """Whether every unit responds to some sample."""
        return not self.dead and not self.saturated

    def __str__(self) -> str:
        return (
            f"{self.name}: of {self.units} units on {self.samples} samples {_counted(self.dead)} dead, "
            f"{_counted(self.saturated)} saturated; {100 * self.flat:.0f} % of derivatives are flat"
        )


def _counted(units: tuple[int, ...]) -> str:
    shown = ", ".join(map(str, units[:8])) + (", …" if len(units) > 8 else "")
    return f"{len(units)} (no. {shown})" if units else "0"


def health(steps: Sequence[Step], edges: Sequence[Edge], tol: float) -> list[LayerHealth]:
    """The health of each hidden layer, from the first to the last."""
    nearest: dict[Step, tuple[str, Step, Any]] = {}
    order = {step: n for n, step in enumerate(steps)}
    for name, step in sorted(pre_activations(steps).items(), key=lambda item: order[item[1]]):
        if not isinstance(step.value, tuple) and ndim_of(step.value):
            for activation, derivative in responses(step, steps, edges):
                nearest[activation] = name, activation, derivative
    return [_health(name, activation.value, d, tol) for name, activation, d in nearest.values()]


def responses(start: Step, steps: Sequence[Step], edges: Sequence[Edge]) -> Iterator[tuple[Step, Any]]:
    """Where functions of each element end in a product, their values' steps and derivatives by ``start``."""
    value = start.value
    tangents: dict[Step, Any] = {start: np.ones(shape_of(value), dtype_of(value))}
    into_products = {edge.source for edge in edges if edge.primitive.family == "bilinear"}
    for step in steps[steps.index(start) + 1 :]:
        ts = [tangents.get(x) if isinstance(x, Step) else None for x in step.operands]
        if step.primitive is None or step.primitive.family != "elementwise" or all(t is None for t in ts):
            continue
        t = step.primitive.jvp(ts, step.value, step.values, step.params)
        if t is not None:
            tangents[step] = t
            if step in into_products:
                yield step, t


def _health(name: str, value: Any, derivative: Any, tol: float) -> LayerHealth:
    value, derivative = (np.asarray(a).reshape(-1, a.shape[-1]) for a in (value, derivative))
    flat = np.abs(derivative) < tol
    dead = np.all((derivative == 0) & (value == 0), axis=0)
    saturated = np.all(flat, axis=0) & ~dead
    off, far = (tuple(int(k) for k in np.flatnonzero(units)) for units in (dead, saturated))
    return LayerHealth(name, value.shape[1], len(value), off, far, float(np.mean(flat)))
