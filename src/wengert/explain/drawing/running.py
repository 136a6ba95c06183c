"""A model that is run: its layers as blocks, joined as the data goes, with the shapes that come out of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Literal

import numpy as np

import wengert.numpy as wnp
from wengert import pytree
from wengert.core.types import dtype_of, shape_of
from wengert.explain.charts.numbers import count
from wengert.explain.drawing.diagram import Block, Diagram, Line, Link
from wengert.explain.drawing.networks import block_of
from wengert.explain.explaining import explain
from wengert.explain.graph import Step
from wengert.explain.scopes import Scope

__all__ = ["running"]


def running(model: Any, args: Sequence[Any], direction: Literal["right", "down"] | None) -> Diagram:
    """The layers of ``model(*args)``: those that hold no other layer are blocks, the others frames."""

    def total(model: Any, *args: Any) -> Any:
        return sum(wnp.sum(leaf) for leaf in pytree.leaves(model(*args)))

    real = [k for k, x in enumerate(args, 1) if dtype_of(np.asarray(x)).kind == "f"]
    e = explain(total, argnums=(0, *real))(model, *args)
    data = [step for step in e.inputs.values() if step.name.startswith("args")]
    steps = [step for step in e.steps if step.scopes]
    nodes = dict(pytree.nodes_with_paths(model))
    outer = {scope for step in steps for k, scope in enumerate(layers_of(step)) if k < len(layers_of(step)) - 1}
    owner: dict[Step, Hashable] = {step: step.name for step in data}
    blocks = [Block(s.name, (Line("x" if len(data) == 1 else s.name, "head"), Line(size(s), "note")), "input") for s in data]
    frames: dict[tuple[Hashable, ...], str] = {}
    inside: dict[Hashable, list[Step]] = {}
    for step in steps:
        layers = layers_of(step)
        leaf = layers[-1] if layers and layers[-1] not in outer else None
        owner[step] = leaf or step
        inside.setdefault(owner[step], []).append(step)
    for key, members in inside.items():
        last = members[-1]
        group = tuple(scope for scope in layers_of(last)[1:] if scope is not key and scope in outer)
        for k, scope in enumerate(group):
            frames[group[: k + 1]] = str(scope)
        blocks.append(_block(key, last, group, nodes))
    links = dict.fromkeys(
        Link(owner[x], owner[step])
        for step in steps for x in step.operands if isinstance(x, Step) and x in owner and owner[x] != owner[step]
    )  # fmt: skip
    title = f"{type(model).__name__} on {', '.join(size(s) for s in data) or count(len(args), 'argument')}"
    return Diagram(title, blocks, list(links), frames, direction=direction or ("right" if len(blocks) <= 7 else "down"))


def layers_of(step: Step) -> list[Scope]:
    """The layers around a step."""
    return [scope for scope in step.scopes if scope.kind == "layer"]


def size(step: Step) -> str:
    """The shape of a value."""
    return " × ".join(map(str, shape_of(step.value))) or "a number"


def _block(key: Hashable, last: Step, group: tuple[Hashable, ...], nodes: dict[str, Any]) -> Block:
    if not isinstance(key, Scope):
        assert last.primitive is not None
        return Block(key, (Line(last.primitive.name, "head"), Line(size(last), "note")), "operation", group)
    layer = nodes.get(key.name.removeprefix("model"))
    if layer is None:
        return Block(key, (Line(key.label or key.name, "head"), Line(size(last), "note")), "layer", group, key.name)
    block = block_of(layer, key.name, group, f"gives {size(last)}")
    return Block(key, block.lines, block.kind, group, key.name, block.recurrent)
