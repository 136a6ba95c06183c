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

from wengert.explain.comparing import Comparison, compare_derivatives
from wengert.explain.doctor import Diagnosis, Doctor, Finding, diagnose
from wengert.explain.drawing import Drawing, draw
from wengert.explain.explaining import explain, refuse_arguments
from wengert.explain.explanation import Explanation
from wengert.explain.formulas.formula import Formula
from wengert.explain.graph import Edge, Step
from wengert.explain.layers import LayerHealth
from wengert.explain.moments import BackwardMoment, ForwardMoment
from wengert.explain.nonfinite import NonFinite
from wengert.explain.nudge import Moved, Nudged
from wengert.explain.paths import Path, Paths
from wengert.explain.recording.failures import Failure
from wengert.explain.recording.scopes import Scope
from wengert.explain.summaries.summary import LayerRow, ModelSummary, summary
from wengert.explain.surface import Surface, draw_surface
from wengert.explain.values import Summary, summarise

__all__ = [
    "BackwardMoment", "Comparison", "Diagnosis", "Doctor", "Drawing", "Edge", "Explanation", "Failure", "Finding",
    "Formula", "ForwardMoment", "LayerHealth", "LayerRow", "ModelSummary", "Moved", "NonFinite", "Nudged", "Path",
    "Paths", "Scope", "Step", "Summary", "Surface", "compare_derivatives", "diagnose", "draw", "draw_surface",
    "explain", "summarise", "summary",
]  # fmt: skip


class _Room(ModuleType):
    """A module that is called like the function it is named after."""

    def __call__(
        self, f: Callable[..., Any], argnums: int | tuple[int, ...] | None = None, *misplaced: Any, **options: Any
    ) -> Callable[..., Explanation]:
        if misplaced:
            refuse_arguments(f, (argnums, *misplaced))
        return explain(f, argnums, **options)


# Python puts the module at `wengert.explain` when a submodule is imported: it must do what the function does.
sys.modules[__name__].__class__ = _Room
