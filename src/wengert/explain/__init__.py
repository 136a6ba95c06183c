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
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wengert.explain.comparing import Comparison, compare_derivatives
    from wengert.explain.doctor import Diagnosis, Doctor, Finding, diagnose
    from wengert.explain.drawing import Drawing, draw
    from wengert.explain.explaining import explain
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

# Each name is loaded on its first use: a report needs no doctor, and an explanation no drawing.
_WHERE = {
    "wengert.explain.comparing": ("Comparison", "compare_derivatives"),
    "wengert.explain.doctor": ("Diagnosis", "Doctor", "Finding", "diagnose"),
    "wengert.explain.drawing": ("Drawing", "draw"),
    "wengert.explain.explaining": ("explain", "refuse_arguments"),
    "wengert.explain.explanation": ("Explanation",),
    "wengert.explain.formulas.formula": ("Formula",),
    "wengert.explain.graph": ("Edge", "Step"),
    "wengert.explain.layers": ("LayerHealth",),
    "wengert.explain.moments": ("BackwardMoment", "ForwardMoment"),
    "wengert.explain.nonfinite": ("NonFinite",),
    "wengert.explain.nudge": ("Moved", "Nudged"),
    "wengert.explain.paths": ("Path", "Paths"),
    "wengert.explain.recording.failures": ("Failure",),
    "wengert.explain.recording.scopes": ("Scope",),
    "wengert.explain.summaries.summary": ("LayerRow", "ModelSummary", "summary"),
    "wengert.explain.surface": ("Surface", "draw_surface"),
    "wengert.explain.values": ("Summary", "summarise"),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    for module, names in _WHERE.items():
        if name in names:
            value = globals()[name] = getattr(import_module(module), name)
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Room(ModuleType):
    """A module that is called like the function it is named after."""

    def __call__(
        self, f: Callable[..., Any], argnums: int | tuple[int, ...] | None = None, *misplaced: Any, **options: Any
    ) -> "Callable[..., Explanation]":
        if misplaced:
            __getattr__("refuse_arguments")(f, (argnums, *misplaced))
        return __getattr__("explain")(f, argnums, **options)


# Python puts the module at `wengert.explain` when a submodule is imported: it must do what the function does.
sys.modules[__name__].__class__ = _Room
