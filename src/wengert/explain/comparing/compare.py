"""compare_derivatives: automatic, numerical and symbolic, on one function."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wengert.core.trace import current
from wengert.errors import DerivativeError, UnsupportedError, WengertError, at_line
from wengert.explain.comparing.comparison import Comparison, Method, seconds_text
from wengert.explain.comparing.expressions import Formula
from wengert.explain.comparing.numerical import (
    Curve,
    Objective,
    all_places,
    complex_step,
    estimate,
    relative,
    sweep,
    taken,
)
from wengert.explain.comparing.symbolic import Growth, Symbolic, derivative_of, growth_of, precise_gradient, shown
from wengert.explain.summaries.operations import Work, work_of
from wengert.explain.summaries.watching import watch
from wengert.transforms import grad, jacfwd, jvp
from wengert.transforms.inputs import check_input, name_of

__all__ = ["compare_derivatives"]

Array = NDArray[np.float64]
_MOST_PLACES = 12
_MOST_FORWARD = 512  # inputs, of which each takes a pass of forward mode
_TINY = 1e-30
_EXACT = 1e-8  # what the complex step must reach to be believed
_SHORT = 70
_BUDGET = 0.02  # seconds to measure a time in


def compare_derivatives(f: Callable[[Any], Any], x: Any) -> Comparison:
    """The derivative of ``f`` at ``x`` by every way there is, with its error and its costs.

    Automatic: reverse and forward mode of this library. Numerical: forward and central differences for steps from 0.1
    to 10⁻¹⁵, and where ``f`` can be computed with complex numbers the complex step. Symbolic: ``f`` is run on SymPy's
    symbols, operation by operation, and its expression differentiated (``pip install 'wengert[symbolic]'``); a
    Python branch is followed as it goes at ``x``. What one way cannot do is said in its row; the others stand.

    ``f`` takes a real number or an array and returns one real number. Of large arrays the derivatives by twelve numbers
    are compared, evenly spaced. Errors are measured against central differences in 60 digits where SymPy can evaluate
    ``f``, else against the complex step at h = 10⁻³⁰, else against reverse mode. Expressions are measured as trees, the
    way they are written down; automatic differentiation shares what is equal.

    A. Baydin, B. Pearlmutter, A. Radul, J. Siskind, "Automatic differentiation in machine learning: a survey", JMLR 18
    (2018).

    Raises:
        DerivativeError: if ``x`` is no real number or array, or ``f`` does not return one real number.

    Example:
        >>> import wengert
        >>> def logistic(x):
        ...     for _ in range(3):
        ...         x = 4 * x * (1 - x)
        ...     return x
        >>> comparison = wengert.compare_derivatives(logistic, 0.2)
        >>> comparison.value, comparison.gradient
        (0.2890137600..., array([9.0660864]))
        >>> comparison["forward differences"].error > 1e6 * comparison["reverse mode"].error
        True
    """
    if current() is not None:
        raise UnsupportedError(f"compare_derivatives({name_of(f)}) is asked inside another transform{at_line()}\n"
                               "  write: it outside")  # fmt: skip
    with np.errstate(all="ignore"):
        return _compared(_Study.begun(f, _as_input(x)))


def _compared(work: _Study) -> Comparison:
    truth, reference = work.truth()
    curves = tuple(sweep(work.objective, way, truth) for way in ("forward differences", "central differences"))
    complex_curve, refusal = work.complex_curve(truth)
    if complex_curve is not None:
        curves = (*curves, complex_curve)
    symbolic, growth, expression = work.symbolic(truth)
    methods = (
        *work.automatic(truth, reference), work.of_complex_step(complex_curve, refusal), *work.of_differences(curves),
        symbolic,
    )  # fmt: skip
    return Comparison(
        name_of(work.f), work.x, work.value, truth, reference, methods, curves, growth, expression, tuple(work.notes())
    )


def _as_input(x: Any) -> Any:
    if isinstance(x, int) and not isinstance(x, bool):
        return float(x)
    if isinstance(x, list | tuple):
        x = np.asarray(x, float)
    if isinstance(x, np.floating):
        return float(x)
    if isinstance(x, np.ndarray):
        if x.dtype.kind in "iu" or x.dtype == np.float32:
            x = x.astype(float)
        if not x.size:
            raise DerivativeError(f"compare_derivatives: x is empty{at_line()}\n  write: an array with numbers in it")
        return x.copy() if x.ndim else float(x)
    check_input(x, "x", "compare_derivatives")
    return x


@dataclass(frozen=True)
class _Study:
    """What all ways share: the function, its value, its formula or why there is none, and what it costs."""

    f: Callable[[Any], Any]
    x: Any
    value: float
    objective: Objective
    cost: Work
    seconds: float
    formula: Formula | None
    refusal: str
    branches: bool

    @staticmethod
    def begun(f: Callable[[Any], Any], x: Any) -> _Study:
        """Run the function once, and watch it."""

        def call() -> Any:
            return f(x.copy() if isinstance(x, np.ndarray) else x)  # f may write to it

        value = call()
        if not (np.ndim(value) == 0 and isinstance(value, float | int | np.floating | np.integer | np.ndarray)):
            shape = f"an array of shape {np.shape(value)}" if np.ndim(value) else f"a {type(value).__name__}"
            raise DerivativeError(
                f"compare_derivatives({name_of(f)}): the function returned {shape}; one real number is compared"
                f"{at_line()}\n  write: np.sum(...) of it, or one of its elements"
            )
        seen = watch(lambda _, x: f(x), (x,))
        if seen.error is not None:
            raise seen.error
        formula, refusal = None, ""
        try:
            formula = Formula.of(seen)
            formula.begun(x)
        except UnsupportedError as error:
            formula, refusal = None, str(error)
        objective = Objective(f, x, all_places(x, _MOST_PLACES))
        return _Study(f, x, float(value), objective, work_of(seen.trace.equations), _seconds(call),
                     formula, refusal, bool(seen.reason))  # fmt: skip

    @property
    def size(self) -> int:
        """How many numbers x holds."""
        return int(np.size(self.x))

    def notes(self) -> list[str]:
        """What readers must know."""
        found: list[str] = []
        if not math.isfinite(self.value):
            found.append(f"f has no finite value at x: it is {self.value}.")
        if len(self.objective.places) < self.size:
            found.append(f"The derivatives by {len(self.objective.places)} of the {self.size:,} numbers are compared.")
        if self.branches:
            found.append("f decides by values: its expression is that of the branches taken at x.")
        if self.cost.uncounted:
            found.append(f"Operations are not counted, for {', '.join(sorted(self.cost.uncounted))} have no formula.")
        return found

    # ---- what is true

    def truth(self) -> tuple[Array, str]:
        """The derivatives, as exactly as they can be had without the rules under test, and how."""
        places = self.objective.places
        if self.formula is not None:
            try:
                found = precise_gradient(self.formula, self.x, places)
                if np.all(np.isfinite(found)):
                    return found, "central differences in 60 digits"
            except Exception:  # noqa: BLE001 - a reference is looked for among several
                pass
        automatic = taken(grad(self.f)(self.x), places)
        found = self._by_complex_step()
        if found is not None and relative(found, automatic) < _EXACT:
            return found, "the complex step at h = 10⁻³⁰"
        return automatic, "reverse mode, whose own error is not seen then"

    def _by_complex_step(self) -> Array | None:
        try:
            found = np.array([complex_step(self.objective, place, _TINY) for place in self.objective.places])
        except Exception:  # noqa: BLE001 - whatever f raises for complex numbers
            return None
        return found if np.all(np.isfinite(found)) else None

    # ---- the methods

    def automatic(self, truth: Array, reference: str) -> list[Method]:
        """Reverse and forward mode."""
        places, f, x = self.objective.places, self.f, self.x
        gradient = grad(f)
        unseen = reference.startswith("reverse")
        reverse = self._costed(
            "reverse mode", None if unseen else relative(taken(gradient(x), places), truth),
            work_of(watch(lambda _, x: gradient(x), (x,)).trace.equations), _seconds(lambda: gradient(x)),
            "all derivatives in one pass",
        )  # fmt: skip
        if self.size > _MOST_FORWARD:
            return [reverse, Method("forward mode", refusal=f"takes a pass for each of {self.size:,} inputs")]
        unit = self.objective.direction(0)
        forward = jacfwd(f) if self.size > 1 else lambda x: jvp(f, (x,), (unit,))[1]
        pushed = work_of(watch(lambda _, x, t: jvp(f, (x,), (t,))[1], (x, unit)).trace.equations)
        passes = f"{self.size} passes, one for each input" if self.size > 1 else "one pass for the one input"
        error = relative(taken(forward(x), places), truth)
        seconds = _seconds(lambda: forward(x))
        return [reverse, self._costed("forward mode", error, pushed.times(self.size), seconds, passes)]

    def _costed(self, name: str, error: float | None, cost: Work, seconds: float, note: str) -> Method:
        """A row; operations that have no formula, such as those of a factorisation, are not passed over."""
        if cost.uncounted or self.cost.uncounted:
            return Method(name, error, seconds=seconds, note=note)
        times = cost.total / self.cost.total if self.cost.total else None
        return Method(name, error, cost.total, times, seconds, note)

    def of_differences(self, curves: tuple[Curve, ...]) -> list[Method]:
        """Central and forward differences at their best steps."""
        found: list[Method] = []
        for curve in reversed(curves[:2]):
            evaluations = 2 * self.size if curve.name.startswith("central") else self.size + 1
            if math.isnan(curve.best_error):
                found.append(Method(curve.name, refusal="f has no value beside x at any step"))
                continue
            note = f"at its best step, h = {curve.best_step:.1e}; {evaluations} evaluations"
            found.append(self._costed(
                curve.name, curve.best_error, self.cost.times(evaluations), evaluations * self.seconds, note
            ))  # fmt: skip
        return found

    def complex_curve(self, truth: Array) -> tuple[Curve | None, str]:
        """The errors of the complex step, or why it is of no use here."""
        try:
            found = estimate(self.objective, "complex step", _TINY)
        except Exception as error:  # noqa: BLE001 - whatever f raises for complex numbers
            return None, f"f refuses complex numbers: {type(error).__name__}: {str(error).splitlines()[0]}"
        if not np.all(np.isfinite(found)) or relative(found, truth) > _EXACT:
            return None, "f is not complex-differentiable as it is computed (abs, real parts, comparisons)"
        return sweep(self.objective, "complex step", truth), ""

    def of_complex_step(self, curve: Curve | None, refusal: str) -> Method:
        """The complex step."""
        if curve is None:
            return Method("complex step", refusal=refusal)
        moved = self.objective.moved(0, complex(0.0, _TINY))
        seconds = self.size * _seconds(lambda: self.f(moved))
        note = f"{self.size} complex evaluation{'s' if self.size > 1 else ''}, any small h"
        # a complex multiplication is four real ones and two additions, an addition two
        return self._costed("complex step", curve.best_error, self.cost.times(4 * self.size), seconds, note)

    def symbolic(self, truth: Array) -> tuple[Method, Growth | None, str]:
        """SymPy's derivative, how it grows, and its text where it is short."""
        if self.formula is None:
            return Method("symbolic (SymPy)", refusal=self.refusal), None, ""
        growth = None
        try:
            growth = growth_of(self.formula, self.f, self.x)
            found = derivative_of(self.formula, self.x)
            error = relative(found.evaluate(self.x)[list(self.objective.places)], truth)
        except WengertError as error:
            return Method("symbolic (SymPy)", refusal=str(error)), growth, ""
        except Exception as error:  # noqa: BLE001 - SymPy raises of all kinds
            return Method("symbolic (SymPy)", refusal=f"SymPy fails: {type(error).__name__}: {error}"), growth, ""
        text = shown(found.expressions[0]) if self.size == 1 else ""
        method = self._costed(
            "symbolic (SymPy)", error, Work(others=found.operations), _seconds(lambda: found.evaluate(self.x)),
            _words(found),
        )  # fmt: skip
        return method, growth, text if len(text) <= _SHORT else ""


def _words(found: Symbolic) -> str:
    shared = "" if found.shared is None else f", {found.shared:,} operations if what is equal is shared"
    return f"{found.nodes:,} nodes{shared}; made in {seconds_text(found.seconds)}"


def _seconds(call: Callable[[], Any]) -> float:
    """The best of several times; not a benchmark, but an order of magnitude."""
    best, spent = math.inf, 0.0
    with np.errstate(all="ignore"):
        while spent < _BUDGET:
            began = time.perf_counter()
            call()
            last = time.perf_counter() - began
            best, spent = min(best, last), spent + max(last, 1e-6)
    return best
