"""What :func:`wengert.compare_derivatives` found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.explain.comparing.drawing import as_fragment, as_page, error_chart, growth_chart
from wengert.explain.comparing.numerical import STEPS, Curve
from wengert.explain.comparing.symbolic import Growth
from wengert.explain.text import number as value_text

__all__ = ["Comparison", "Method"]


@dataclass(frozen=True)
class Method:
    """One way to the derivative: its ``error`` against the reference, its costs, and what is to be said of it.

    ``error`` is relative to the largest derivative. ``operations`` are arithmetic ones on single numbers, of the value
    and the whole gradient together, and ``times`` how many times those of the function that is. ``seconds`` are those
    of one evaluation, the best of several. A method that could not be used has a ``refusal``.
    """

    name: str
    error: float | None = None
    operations: int | None = None
    times: float | None = None
    seconds: float | None = None
    note: str = ""
    refusal: str = ""

    def cells(self) -> list[str]:
        """The method as a row of a table."""
        if self.refusal:
            return [self.name, "–", "", "", "", self.refusal]
        error = "–" if self.error is None else f"{self.error:.1e}" if self.error else "0"
        times = "" if self.times is None else f"{self.times:.3g}"
        operations = "" if self.operations is None else f"{self.operations:,}"
        return [self.name, error, operations, times, seconds_text(self.seconds), self.note]


HEADS = ("method", "error", "operations", "× f", "time", "")


def seconds_text(seconds: float | None) -> str:
    """A short time in the units people say it in."""
    if seconds is None:
        return ""
    for factor, unit in ((1e6, "µs"), (1e3, "ms"), (1, "s")):
        if seconds * factor < 1000:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.0f} s"


@dataclass(frozen=True)
class Comparison:
    """The derivative of a function by every way there is: its error, and its costs.

    ``methods`` are the rows of the table. ``reference`` says what errors are measured against, ``gradient`` is that
    derivative. ``curves`` hold the errors of the numerical ways for each step size, ``growth`` the sizes of symbolic
    derivatives (None where there are none), ``expression`` the symbolic derivative where it is short.
    ``print`` shows the table, :meth:`svg` draws the errors or the growth, :meth:`html` is a page with all of it.

    Example:
        >>> import numpy as np
        >>> import wengert
        >>> comparison = wengert.compare_derivatives(lambda x: np.exp(x) * np.sin(x), 1.0)
        >>> comparison["reverse mode"].error < 1e-15
        True
        >>> comparison["forward differences"].error > 1e-11
        True
    """

    name: str
    x: Any
    value: float
    gradient: NDArray[np.float64]
    reference: str
    methods: tuple[Method, ...]
    curves: tuple[Curve, ...]
    growth: Growth | None = None
    expression: str = ""
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Method:
        return next(method for method in self.methods if method.name == name)

    @property
    def title(self) -> str:
        """What was differentiated, and where."""
        return f"The derivative of {self.name} at x = {value_text(self.x)}"

    def sentences(self) -> list[str]:
        """What there is to be seen, in words."""
        said = [f"Errors are relative, against {self.reference}."]
        for curve in self.curves:
            if curve.name in ("forward differences", "central differences") and not math.isnan(curve.best_error):
                by_theory = f" (theory: {curve.predicted:.1e})" if curve.predicted else ""
                said.append(
                    f"{curve.name.capitalize()} are best at h = {curve.best_step:.1e}{by_theory}, where the error is "
                    f"{curve.best_error:.1e}: larger steps cut the series off, smaller ones lose digits."
                )
        if self.growth is not None:
            g = self.growth
            said.append(
                f"Expression swell: over {g.places[0]} to {g.places[-1]} {g.of}, the symbolic derivative goes from "
                f"{g.derivatives[0]:,} to {g.derivatives[-1]:,} nodes, reverse mode from {g.reverse[0]:,} to "
                f"{g.reverse[-1]:,} operations."
            )
        return [*said, *self.notes]

    def __str__(self) -> str:
        rows = [list(HEADS), *(method.cells() for method in self.methods)]
        widths = [max(len(row[k]) for row in rows) for k in range(len(HEADS))]
        lines = [
            "  " + "  ".join(c.ljust(w) if k in (0, 5) else c.rjust(w) for k, (c, w) in enumerate(zip(r, widths)))  # noqa: B905
            for r in rows
        ]
        shown = [f"  f′ = {self.expression}", ""] if self.expression else []
        return "\n".join([self.title, "", *shown, *(line.rstrip() for line in lines), "", *self.sentences()])

    __repr__ = __str__

    def svg(self, what: str = "errors") -> str:
        """A chart as SVG: the ``"errors"`` against the step size, or the ``"growth"`` of expressions.

        Raises:
            KeyError: for another word.
        """
        return {"errors": error_chart, "growth": growth_chart}[what](self)

    def html(self) -> str:
        """A page with the table and both charts, which needs nothing but itself."""
        return as_page(self)

    def _repr_html_(self) -> str:
        return as_fragment(self)

    def to_dict(self) -> dict[str, Any]:
        """All of it in JSON's own types."""
        growth = self.growth
        return {
            "function": self.name, "x": np.asarray(self.x).tolist(), "value": self.value,
            "gradient": self.gradient.tolist(), "reference": self.reference,
            "methods": [{key: getattr(m, key) for key in m.__dataclass_fields__} for m in self.methods],
            "steps": list(STEPS),
            "errors": {c.name: [None if math.isnan(e) else e for e in c.errors] for c in self.curves},
            "growth": None if growth is None else {k: getattr(growth, k) for k in growth.__dataclass_fields__},
            "expression": self.expression, "notes": list(self.notes),
        }  # fmt: skip
