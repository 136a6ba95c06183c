"""How large weights and gradients are, layer by layer: what shows saturated and dead units."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from typing import Any

import numpy as np

from wengert import pytree

__all__ = ["layer_norms"]

# the last step of a path: .weight, [0] or ['name']
_LAST = re.compile(r"(\.[^.\[\]]+|\[[^\[\]]*\])$")


def _owner(path: str) -> str:
    """The path of what a leaf belongs to: ``layers[0]`` for ``.layers[0].weight``."""
    return _LAST.sub("", path).removeprefix(".") or "model"


def layer_norms(tree: Any, kind: str) -> dict[str, float]:
    """√ of the sum of squares of what each layer learns, by ``kind/layer``."""
    squares: defaultdict[str, float] = defaultdict(float)
    for (path, leaf), held in zip(pytree.flatten_with_paths(tree), pytree.state_mask(tree), strict=True):
        if not held:
            squares[_owner(path)] += float(np.sum(np.square(leaf, dtype=np.float64)))
    return {f"{kind}/{layer}": math.sqrt(total) for layer, total in squares.items()}
