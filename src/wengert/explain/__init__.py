"""Every value, local derivative, upstream gradient and contribution, to look at.

The room is itself the function: ``wengert.explain(f)(*args)`` is ``wengert.explain.explain(f)(*args)``, and
``wengert.explain.report`` writes reports of training.

Example:
    >>> import wengert
    >>> e = wengert.explain(lambda x: x * x + x)(3.0)
    >>> e.value, e.gradients
    (12.0, {'x': 7.0})
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from wengert.explain.doctor import Diagnosis, Doctor, Finding, diagnose
from wengert.explain.explanation import Explanation, explain
from wengert.explain.graph import Edge, Step
from wengert.explain.layers import LayerHealth
from wengert.explain.paths import Path, Paths

__all__ = [
    "Diagnosis",
    "Doctor",
    "Edge",
    "Explanation",
    "Finding",
    "LayerHealth",
    "Path",
    "Paths",
    "Step",
    "diagnose",
    "explain",
]


class _Room(ModuleType):
    """A module that is called like the function it is named after."""

    def __call__(
        self, f: Callable[..., Any], argnums: int | tuple[int, ...] | None = None
    ) -> Callable[..., Explanation]:
        return explain(f, argnums)


# Python puts the module at `wengert.explain` when a submodule is imported: it must do what the function does.
sys.modules[__name__].__class__ = _Room
