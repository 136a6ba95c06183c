"""Models as diagrams: units and weights of small ones, layers with shapes and parameters of large ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from wengert import nn, pytree
from wengert.core.types import shape_of
from wengert.explain.charts.numbers import count
from wengert.explain.drawing.diagram import Block, Diagram, Line, Link, Units
from wengert.explain.recording.owners import describe

__all__ = ["LONG", "block_of", "even", "is_model", "network"]

Direction = Literal["right", "down"]
MOST_UNITS = 12
LONG = 7  # layers beside one another; more stand below one another
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_UNJOINED = "how the parts are joined is not in the parameters: draw(model, x) runs the model and shows it"
_RECURRENT = (nn.RNN, nn.LSTM, nn.GRU, nn.RNNCell, nn.LSTMCell, nn.GRUCell)


def is_model(x: Any) -> bool:
    """Whether this is a tree with arrays in it."""
    leaves = pytree.leaves(x)
    return not (len(leaves) == 1 and leaves[0] is x) and any(isinstance(leaf, np.ndarray) for leaf in leaves)


def network(model: Any, direction: Direction | None) -> Diagram:
    """The diagram of a model of which only the parameters are known."""
    title = f"{type(model).__name__} of {count(nn.count_parameters(model), 'parameter')}"
    stages = dense_stages(model)
    if stages and all(max(s.weight.shape) <= MOST_UNITS for s in stages):
        return unit_diagram(title, stages)
    return block_diagram(title, model, direction)


# ---- units


@dataclass(frozen=True)
class Stage:
    """One dense layer: s = x W + b, and the names of what follows it."""

    weight: np.ndarray
    bias: np.ndarray | None
    after: tuple[str, ...] = ()


def dense_stages(model: Any) -> list[Stage] | None:
    """The dense layers that a model consists of, one after another, or None where it is another kind of model."""
    stages: list[Stage] = []
    for layer in _flat(model):
        match layer:
            case nn.Dense(weight=weight, bias=bias):
                stages.append(Stage(np.asarray(weight), None if bias is None else np.asarray(bias)))
            case (np.ndarray() as weight, np.ndarray() as bias) if weight.ndim == 2 and bias.size == weight.shape[1]:
                stages.append(Stage(weight, np.ravel(bias)))
            case nn.Activation() | nn.Dropout() if stages:
                stages[-1] = replace(stages[-1], after=(*stages[-1].after, layer_name(layer)))
            case _:
                return None
    joined = all(a.weight.shape[1] == b.weight.shape[0] for a, b in pairwise(stages))
    numbers = all(a.weight.size and a.weight.dtype.kind in "fiub" for a in stages)
    return stages if joined and numbers and stages else None


def _flat(model: Any) -> Iterator[Any]:
    """Layers one after another, those of a Sequential in a Sequential too."""
    if isinstance(model, nn.Sequential | list) or (isinstance(model, tuple) and not _is_pair(model)):
        for layer in model:  # pyright: ignore[reportUnknownVariableType]
            yield from _flat(layer)
    else:
        yield model


def _is_pair(x: Any) -> bool:
    return len(x) == 2 and all(isinstance(part, np.ndarray) for part in x)


def layer_name(layer: Any) -> str:
    """``relu`` of an activation, else the class."""
    if isinstance(layer, nn.Activation):
        return str(getattr(layer.function, "__name__", layer.function))
    return f"dropout {layer.rate:g}" if isinstance(layer, nn.Dropout) else type(layer).__name__


def unit_diagram(title: str, stages: Sequence[Stage]) -> Diagram:
    """A circle for each unit, a line for each weight."""
    columns: list[tuple[tuple[str, ...], str]] = [(_numbered("x", stages[0].weight.shape[0]), "input")]
    for k, stage in enumerate(stages, 1):
        last = k == len(stages)
        letter = "y" if last else "h" if len(stages) == 2 else "hgfedcba"[(k - 1) % 8]
        head = "output" if last else "hidden" if len(stages) == 2 else f"hidden {k}"
        heading = f"{head}\n{', '.join(stage.after)}" if stage.after else head
        columns.append((_numbered(letter, stage.weight.shape[1]), heading))
    weights = tuple(np.asarray(stage.weight, float) for stage in stages)
    units = Units(tuple(columns), weights, tuple(stage.bias for stage in stages))
    blocks = [
        Block((c, k), (Line(key, "head"),), "input" if not c else "layer") for c, (keys, _) in enumerate(columns)
        for k, key in enumerate(keys)
    ]  # fmt: skip
    links = [
        Link((c, i), (c + 1, j), f"{weight[i, j]:.3g}") for c, weight in enumerate(weights)
        for i in range(weight.shape[0]) for j in range(weight.shape[1])
    ]  # fmt: skip
    largest = max((float(np.max(np.abs(w), initial=0)) for w in weights), default=0.0)
    note = f"blue weights are positive, orange ones negative; the widest line is |w| = {largest:.3g}"
    return Diagram(title, blocks, links, note=note, units=units)


def _numbered(letter: str, number: int) -> tuple[str, ...]:
    return tuple(f"{letter}{str(k).translate(_SUBSCRIPTS)}" for k in range(1, number + 1))


# ---- layers


def block_diagram(title: str, model: Any, direction: Direction | None) -> Diagram:
    """A block for each layer; those of a Sequential are joined, since it is known how they follow."""
    blocks: list[Block] = []
    frames: dict[tuple[Hashable, ...], str] = {}
    links: list[Link] = []
    unjoined = _blocks(model, "", (), blocks, frames, links) is None
    note = _UNJOINED if unjoined else ""
    chosen = direction or ("right" if len(blocks) <= LONG and not unjoined else "down")
    return Diagram(title, even(blocks), links, frames, note, chosen)


def even(blocks: Sequence[Block]) -> list[Block]:
    """The same blocks, all as wide as the widest."""
    widest = max((block.width for block in blocks), default=0.0)
    return [replace(block, least=widest) for block in blocks]


def _blocks(
    node: Any, path: str, group: tuple[Hashable, ...], blocks: list[Block],
    frames: dict[tuple[Hashable, ...], str], links: list[Link],
) -> tuple[Hashable, Hashable] | None:  # fmt: skip
    """Add the blocks of a part; gives the first and the last where one leads to the other."""
    parts = _parts(node)
    if not parts:
        blocks.append(block_of(node, path, group))
        return blocks[-1].key, blocks[-1].key
    if path:
        group = (*group, path)
        frames[group] = f"{path.lstrip('.')} {type(node).__name__}"
    ends = [_blocks(part, path + name, group, blocks, frames, links) for name, part in parts]
    known = [end for end in ends if end is not None]
    if not isinstance(node, nn.Sequential) or len(known) < len(ends):
        return None if len(ends) > 1 else ends[0]
    links += [Link(a[1], b[0]) for a, b in pairwise(known)]
    return known[0][0], known[-1][1]


def _parts(node: Any) -> list[tuple[str, Any]]:
    """The parts of what is no single block: layers in a model, entries of containers."""
    if isinstance(node, nn.Sequential):
        return [(f".layers[{k}]", layer) for k, layer in enumerate(node)]
    if isinstance(node, dict):
        return [(f"[{key!r}]", part) for key, part in node.items()]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(node, list | tuple) and not _is_pair(node):
        return [(f"[{k}]", part) for k, part in enumerate(node)]  # pyright: ignore[reportUnknownVariableType]
    if type(node).__module__.startswith("wengert.nn") or not dataclasses.is_dataclass(node):
        return []
    fields = [(f".{f.name}", getattr(node, f.name)) for f in dataclasses.fields(node)]
    found = [(name, part) for name, part in fields if is_model(part) or isinstance(part, np.ndarray | nn.Activation)]
    # a layer of the user's own, with nothing but arrays, is one block
    return found if any(not isinstance(part, np.ndarray) for _, part in found) else []


def block_of(layer: Any, path: str = "", group: tuple[Hashable, ...] = (), shape: str = "") -> Block:
    """The block of one layer: its kind, what it makes of what, its parameters, the output's shape if known."""
    tip = path.lstrip(".")
    if isinstance(layer, nn.Activation):
        lines = [Line(layer_name(layer), "head"), *([Line(shape, "note")] if shape else [])]
        return Block(path or "model", tuple(lines), "activation", group, tip)
    head, _, inside = layer_text(layer).partition("(")
    lines = [Line(head, "head")]
    lines += [Line(inside.removesuffix(")"))] if inside.removesuffix(")") else []
    parameters = nn.count_parameters(layer)
    lines += [Line(count(parameters, "parameter"), "note")] if parameters else []
    lines += [Line(shape, "note")] if shape else []
    kind = "layer" if parameters else "operation"
    return Block(path or "model", tuple(lines), kind, group, tip, isinstance(layer, _RECURRENT))


def layer_text(layer: Any) -> str:
    """A layer's class, and in brackets what matters about it."""
    if isinstance(layer, np.ndarray):
        return f"array({' × '.join(map(str, shape_of(layer))) or 'number'})"
    if isinstance(layer, tuple):
        return f"dense({' → '.join(map(str, shape_of(layer[0])))})"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(layer, nn.Maxout):
        return f"Maxout({' → '.join(map(str, layer.pieces[0].weight.shape))}, {len(layer.pieces)} pieces)"
    if dataclasses.is_dataclass(layer) and not pytree.leaves(layer):
        kept = [(f.name, getattr(layer, f.name)) for f in dataclasses.fields(layer)]
        return f"{type(layer).__name__}({', '.join(f'{k} {v}' for k, v in kept if v is not None)})"
    return describe(layer)
