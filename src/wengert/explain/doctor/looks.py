"""How the layers of a network look on some rows: read off one recording of the loss and its derivatives."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from wengert.core.types import ndim_of, shape_of
from wengert.explain.doctor import thresholds
from wengert.explain.explanation import Explanation
from wengert.explain.graph import Edge, Step
from wengert.explain.layers import pre_activations

__all__ = ["Look", "Parameter", "looks_of", "own_gradients"]

Array = NDArray[Any]
_LAST_PART = re.compile(r"(\.\w+|\[[^\[\]]*\])$")
_IN_STEP = re.compile(r" in \S+$")
_MOST_VALUES = 4000


@final
@dataclass(frozen=True, eq=False)
class Parameter:
    """An array that a layer learns: its path in the model, value, and the loss's gradient by it."""

    path: str
    value: Array
    gradient: Array


@final
@dataclass(frozen=True, eq=False)
class Look:
    """A layer on some rows: what comes in for its activation, what goes out, and the gradient that returns.

    ``layer`` is its path in the model and ``label`` what it is called in sentences. ``scale`` is the root mean square
    of its pre-activations s, ``flow`` the norm of δ = ∂L/∂s, ``gradient`` and ``weight`` the norms of what it learns.
    ``activation`` is "relu", "sigmoid", "tanh", or empty where it has none of these; ``dead`` is the share of ReLUs
    that are 0 on every row, ``flat`` the share of responses, over rows and units, at a sigmoid's or tanh's ends.
    ``matrix`` says whether it multiplies by weights, and not only scales or looks up. ``sums`` are its
    pre-activations, ``values`` some of its activations.
    """

    layer: str
    label: str
    activation: str
    units: int
    scale: float
    flow: float
    gradient: float
    weight: float
    dead: float
    flat: float
    matrix: bool
    parameters: tuple[Parameter, ...]
    sums: Array
    values: Array

    def to_dict(self) -> dict[str, Any]:
        """The numbers, without parameters and activations."""
        left_out = ("parameters", "sums", "values")
        return {name: value for name, value in vars(self).items() if name not in left_out}

    @property
    def name(self) -> str:
        """The layer as sentences call it."""
        return f"{self.label} ({self.layer})" if self.layer != self.label else self.label


def looks_of(explanation: Explanation, argument: str) -> tuple[Look, ...]:
    """The layers of the model that is the explained function's ``argument``, from the first to the last."""
    steps = (*explanation.inputs.values(), *explanation.steps)
    edges = _on_the_way(explanation.edges, explanation.output)
    reaching = {step for edge in edges for step in (edge.source, edge.target)}
    steps = tuple(step for step in steps if step in reaching)
    number = {step: k for k, step in enumerate(steps)}
    parameters = {p.path: p for p in own_gradients(explanation)}
    entries = sorted(_entries(steps, edges, list(parameters), number), key=lambda entry: number[entry[1]])
    readers, starts = _elementwise_readers(edges), {step for _, step, _ in entries}
    return tuple(
        _look(
            name.removeprefix(argument).removeprefix(".") or name, _label(k, len(entries)), step,
            tuple(parameters[leaf] for leaf in leaves), readers, starts,
        )
        for k, (name, step, leaves) in enumerate(entries)
    )  # fmt: skip


def _entries(
    steps: Sequence[Step], edges: Sequence[Edge], inputs: Sequence[str], number: dict[Step, int]
) -> Iterator[tuple[str, Step, list[str]]]:
    """For each layer its name, where it enters, and its parameters.

    Parameters side by side in one model make several layers if they enter with several arrays of rows: then each is
    named after its first.
    """
    found: dict[str, list[Step]] = {}
    for name, step in sorted(pre_activations(steps).items(), key=lambda item: number[item[1]]):
        if not isinstance(step.value, tuple) and ndim_of(step.value):
            layer = _LAST_PART.sub("", _IN_STEP.sub("", name)) if _IN_STEP.search(name) else name
            found.setdefault(layer, []).append(step)
    first_read: dict[str, int] = {}
    for edge in edges:
        first_read.setdefault(edge.source.name, number[edge.target])
    for layer, places in found.items():
        leaves = [leaf for leaf in inputs if layer in (leaf, _LAST_PART.sub("", leaf))]
        rows = [step for step in places if ndim_of(step.value) > 1] or places[-1:]
        if len(rows) == 1:
            yield layer, rows[0], leaves
            continue
        for step in rows:
            own = [leaf for leaf in leaves if first_read.get(leaf, len(number)) <= number[step]]
            leaves = [leaf for leaf in leaves if leaf not in own]
            if own:  # what enters again, as in a loop, was seen where it did first
                yield own[0], step, own


def _label(k: int, layers: int) -> str:
    return "output" if k == layers - 1 else f"hidden {k + 1}"


def _on_the_way(edges: Sequence[Edge], output: Step) -> list[Edge]:
    """The edges that lead to the output: what a layer only remembers is not on its way."""
    reaching = {output}
    kept: list[Edge] = []
    for edge in reversed(edges):
        if edge.target in reaching:
            reaching.add(edge.source)
            kept.append(edge)
    return kept[::-1]


def _elementwise_readers(edges: Sequence[Edge]) -> dict[Step, list[Step]]:
    readers: dict[Step, list[Step]] = {}
    for edge in edges:
        if edge.primitive.family == "elementwise":
            readers.setdefault(edge.source, []).append(edge.target)
    return readers


def own_gradients(explanation: Explanation) -> list[Parameter]:
    """Every array of floats among the inputs, with its gradient."""
    return [
        Parameter(name, np.asarray(step.value), np.asarray(step.gradient))
        for name, step in explanation.inputs.items()
        if not isinstance(step.value, tuple)
    ]


def _look(
    layer: str,
    label: str,
    start: Step,
    own: tuple[Parameter, ...],
    readers: dict[Step, list[Step]],
    starts: set[Step],
) -> Look:
    z = np.asarray(start.value)
    kind, values = _activation(start, readers, starts)
    dead, flat = _unresponsive(kind, z, values)
    return Look(
        layer=layer,
        label=label,
        activation=kind,
        units=z.shape[-1],
        scale=_rms(z),
        flow=_norm([start.gradient]),
        gradient=_norm([p.gradient for p in own]),
        weight=_norm([p.value for p in own]),
        dead=dead,
        flat=flat,
        matrix=any(p.value.ndim > 1 for p in own) and _multiplies(own, start),
        parameters=own,
        sums=z,
        values=_some(values),
    )


def _multiplies(own: Sequence[Parameter], start: Step) -> bool:
    """Whether the layer is no table that rows are looked up in: those are read by an index, and by nothing else."""
    primitive = start.primitive
    return not (len(own) == 1 and primitive is not None and primitive.name in ("positive", "getitem"))


def _sigmoid(z: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * z))


_KINDS: dict[str, Callable[[Array], Array]] = {
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
}


def _activation(start: Step, readers: dict[Step, list[Step]], starts: set[Step]) -> tuple[str, Array]:
    """The layer's activation by what it computes, whatever it is written with, and its values."""
    z = np.asarray(start.value)
    part = np.s_[:8]
    expected = {kind: f(z[part]) for kind, f in _KINDS.items()}
    if not z[part].any():  # 0 is where all of them agree
        return "", z
    tolerance = 50 * float(np.finfo(z.dtype).eps) if z.dtype.kind == "f" else 0.0
    waiting, seen = list(readers.get(start, ())), {start}
    while waiting:
        step = waiting.pop(0)
        if step in seen or step in starts:
            continue
        seen.add(step)
        waiting += readers.get(step, ())
        if isinstance(step.value, tuple) or shape_of(step.value) != z.shape:
            continue
        for kind, values in expected.items():
            if np.allclose(step.value[part], values, rtol=tolerance, atol=tolerance):
                return kind, np.asarray(step.value)
    return "", z


def _unresponsive(kind: str, z: Array, values: Array) -> tuple[float, float]:
    """The share of units that are dead, and of responses that are flat."""
    if kind == "relu":
        units = z.reshape(-1, z.shape[-1])
        return float(np.mean(np.all(units <= 0, axis=0))), 0.0
    if kind == "tanh":
        return 0.0, float(np.mean(1 - values * values < thresholds.FLAT))
    if kind == "sigmoid":
        return 0.0, float(np.mean(4 * values * (1 - values) < thresholds.FLAT))
    return 0.0, 0.0


def _rms(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def _norm(arrays: Sequence[Any]) -> float:
    return float(np.sqrt(sum(np.sum(np.square(a, dtype=np.float64)) for a in arrays if not isinstance(a, tuple))))


def _some(values: Array) -> Array:
    flat = values.ravel()
    return flat[:: max(1, len(flat) // _MOST_VALUES)]
