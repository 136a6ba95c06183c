"""A model that is run: its layers as blocks, joined as the data goes, with the shapes that come out of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Literal

import numpy as np

from wengert import pytree
from wengert.core.types import dtype_of, shape_of
from wengert.explain.charts.numbers import count
from wengert.explain.drawing.computation import failure_note
from wengert.explain.drawing.diagram import Block, Diagram, Line, Link
from wengert.explain.drawing.networks import LONG, block_of, even
from wengert.explain.explaining import explain
from wengert.explain.graph import Step
from wengert.explain.recording.scopes import Scope

__all__ = ["running"]


def running(model: Any, args: Sequence[Any], direction: Literal["right", "down"] | None) -> Diagram:
    """The layers of ``model(*args)``: those that hold no other layer are blocks, the others frames."""

    def run(model: Any, *args: Any) -> Any:
        return model(*args)

    real = [k for k, x in enumerate(args, 1) if dtype_of(np.asarray(x)).kind == "f"]
    e = explain(run, argnums=(0, *real))(model, *args)
    data = [step for step in e.inputs.values() if step.name.startswith("args")]
    steps = [step for step in e.steps if step.scopes]
    outer = {scope for step in steps for scope in layers_of(step)[:-1]}
    owner: dict[Step, Hashable] = {step: step.name for step in data}
    inside: dict[Hashable, list[Step]] = {}
    for step in steps:
        innermost = layers_of(step)[-1:]
        owner[step] = innermost[0] if innermost and innermost[0] not in outer else step
        inside.setdefault(owner[step], []).append(step)
    nodes = dict(pytree.nodes_with_paths(model))
    blocks = [_data(step, "x" if len(data) == 1 else step.name) for step in data]
    blocks += [_block(key, members[-1], _around(key, members[-1], outer), nodes) for key, members in inside.items()]
    frames = {b.group[: k + 1]: str(scope) for b in blocks for k, scope in enumerate(b.group)}
    links = dict.fromkeys(
        Link(owner[x], owner[step])
        for step in steps for x in step.operands if isinstance(x, Step) and x in owner and owner[x] != owner[step]
    )  # fmt: skip
    title = f"{type(model).__name__} on {', '.join(size(s) for s in data) or count(len(args), 'argument')}"
    chosen = direction or ("right" if len(blocks) <= LONG else "down")
    return Diagram(title, even(blocks), list(links), frames, failure_note(e), chosen)


def _around(key: Hashable, step: Step, outer: set[Scope]) -> tuple[Hashable, ...]:
    """The frames around a block: all layers that hold it but the model itself."""
    return tuple(scope for scope in layers_of(step)[1:] if scope is not key and scope in outer)


def _data(step: Step, name: str) -> Block:
    return Block(step.name, (Line(name, "head"), Line(size(step), "note")), "input")


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
