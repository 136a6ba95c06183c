"""Functions that are written out in elementary steps, found again: sigmoid, softmax, its logarithm, softplus, relu."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.explain.formulas.terms import Term, call
from wengert.explain.graph import Step

__all__ = ["Pattern", "recognised"]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A known function of ``operands``: its name, how it is written, its derivative from the output z alone."""

    name: str
    written: str
    derivative: str
    operands: tuple[Step, ...]
    term: Callable[..., Term] | None

    def text(self, *names: str) -> str:
        """What it is, in words with the operands' names.

        Example:
            >>> from wengert.explain.formulas.recognised import Pattern
            >>> Pattern("sigmoid", "σ({0})", "z(1 − z)", (), None).text("s")
            'sigmoid: σ(s), with derivative z(1 − z)'
        """
        return f"{self.name}: {self.written.format(*names)}, with derivative {self.derivative.format(*names)}"


def recognised(step: Step) -> Pattern | None:
    """The known function that ends in this step, or None.

    Example:
        >>> import numpy as np
        >>> import wengert
        >>> e = wengert.explain(lambda s: 1 / (1 + np.exp(-s)))(0.5)
        >>> e.output.formula().note
        'sigmoid: σ(s), with derivative z(1 − z)'
    """
    for name, written, derivative, find, term in _PATTERNS:
        operands = find(step)
        if operands:
            return Pattern(name, written, derivative, operands, term)
    return None


# ---- matching


def made_by(x: Any, name: str) -> tuple[Any, ...] | None:
    """The operands of a step that ``name`` made."""
    return x.operands if isinstance(x, Step) and x.primitive is not None and x.primitive.name == name else None


def is_constant(x: Any, value: float) -> bool:
    """Whether ``x`` is a constant that is ``value`` throughout."""
    return not isinstance(x, Step | tuple) and bool(np.all(np.asarray(x) == value)) and np.size(x) > 0


def either(x: Any, name: str, other: Callable[[Any], bool]) -> Any:
    """The one operand of a sum or product whose second one is ``other``."""
    operands = made_by(x, name) or ()
    for k in (0, 1) if len(operands) == 2 else ():
        if other(operands[1 - k]):
            return operands[k]
    return None


def through_views(x: Any) -> Any:
    """What a step shows that only stretches or reshapes."""
    while isinstance(x, Step) and x.primitive is not None and x.primitive.name in ("broadcast_to", "reshape", "cast"):
        x = x.operands[0]
    return x


def one_plus(x: Any) -> Any:
    """U of 1 + u."""
    return either(x, "add", lambda other: is_constant(other, 1))


def exponent(x: Any) -> Any:
    """U of eᵘ."""
    found = made_by(x, "exp")
    return found[0] if found else None


# ---- the functions


def _sigmoid(step: Step) -> tuple[Step, ...]:
    top = made_by(step, "divide") or (made_by(step, "reciprocal") and (1.0, *step.operands))
    if not top:
        return ()
    e = one_plus(top[1])
    if e is None:
        return ()
    minus = made_by(exponent(e), "negative")
    if is_constant(top[0], 1) and minus:
        return _steps(minus[0])
    # the stable form: (1 where x ≥ 0, else e) / (1 + e), e = exp(−x where x ≥ 0, else x)
    branch, inner = made_by(top[0], "where"), made_by(exponent(e), "where")
    if branch and inner and is_constant(branch[1], 1) and branch[2] is e:
        minus = made_by(inner[1], "negative")
        if minus and minus[0] is inner[2]:
            return _steps(inner[2])
    if exponent(e) is not None and exponent(top[0]) is exponent(e):  # eˣ/(1 + eˣ)
        return _steps(exponent(e))
    return ()


def _steps(*found: Any) -> tuple[Step, ...]:
    return found if all(isinstance(x, Step) for x in found) else ()


def _softmax(step: Step) -> tuple[Step, ...]:
    top = made_by(step, "divide")
    if not top or exponent(top[0]) is None:
        return ()
    total = made_by(through_views(top[1]), "sum")
    return _steps(_logits(exponent(top[0]))) if total and total[0] is top[0] else ()


def _logits(x: Any) -> Any:
    """S of s − max s, and of s."""
    shifted = made_by(x, "subtract")
    if not shifted:
        return x
    peak = through_views(shifted[1])
    if isinstance(peak, Step) and made_by(peak, "stop_gradient"):
        peak = through_views(peak.operands[0])
    found = made_by(peak, "max")
    constant = isinstance(peak, np.ndarray | float | np.floating)
    return shifted[0] if (found and found[0] is shifted[0]) or constant else x


def _log_softmax(step: Step) -> tuple[Step, ...]:
    logarithm = made_by(step, "log")
    if logarithm and isinstance(logarithm[0], Step):
        return _softmax(logarithm[0])
    top = made_by(step, "subtract")
    inner = made_by(through_views(top[1]), "log") if top else None
    total = made_by(through_views(inner[0]), "sum") if inner else None
    if not top or not total or exponent(total[0]) is not top[0]:
        return ()
    return _steps(_logits(top[0]))


_LONGEST = 12  # operations between a softmax and the number that is made of it: products are not followed for ever


def _cross_entropy(step: Step) -> tuple[Step, ...]:
    """−Σ t ln softmax(s), or −(ln softmax(s))[k], or their mean."""
    x: Any = step
    negated = False
    for _ in range(_LONGEST):
        if not isinstance(x, Step) or x.primitive is None:
            return ()
        if found := _log_softmax(x):
            return found if negated else ()
        if found := _log_sum_less_logit(x):
            return () if negated else found
        name, operands = x.primitive.name, x.operands
        negated = negated != (name == "negative")
        if name in ("negative", "sum", "getitem", "reshape", "cast"):
            x = operands[0]
        elif name in ("divide", "multiply"):
            x = operands[0] if isinstance(operands[0], Step) else operands[1]
            if name == "divide" and x is not operands[0]:
                return ()
        else:
            return ()
    return ()


def _log_sum_less_logit(step: Step) -> tuple[Step, ...]:
    """S of ln Σ eˢ − s[k], which is −ln softmax(s)[k]; and of s less its maximum."""
    top = made_by(step, "subtract")
    inner = made_by(through_views(top[0]), "log") if top else None
    total = made_by(through_views(inner[0]), "sum") if inner else None
    chosen = made_by(through_views(top[1]), "getitem") if top else None
    if not total or not chosen or exponent(total[0]) is not chosen[0]:
        return ()
    return _steps(_logits(chosen[0]))


def _softplus(step: Step) -> tuple[Step, ...]:
    inner = made_by(step, "log1p") or (made_by(step, "log") and (one_plus(step.operands[0]),))
    found = exponent(inner[0]) if inner else None
    if found is None:
        found = either(step, "logaddexp", lambda other: is_constant(other, 0))
    return _steps(found)


def _relu(step: Step) -> tuple[Step, ...]:
    found = either(step, "maximum", lambda other: is_constant(other, 0))
    if found is None and (operands := made_by(step, "multiply")):
        for x, mask in (operands, operands[::-1]):
            asked = made_by(mask, "greater")
            if asked and asked[0] is x and is_constant(asked[1], 0):
                found = x
    return _steps(found)


def _tanh(step: Step) -> tuple[Step, ...]:
    """(1 − y)/(1 + y) for y = e^(−2x)."""
    top = made_by(step, "divide")
    left = made_by(top[0], "subtract") if top else None
    y = one_plus(top[1]) if top else None
    if not left or y is None or left[1] is not y or not is_constant(left[0], 1):
        return ()
    return _steps(either(exponent(y), "multiply", lambda other: is_constant(other, -2)))


def _named(name: str) -> Callable[..., Term]:
    return lambda *operands: call(name, *operands)


_Finder = Callable[[Step], tuple[Step, ...]]
_PATTERNS: tuple[tuple[str, str, str, _Finder, Callable[..., Term] | None], ...] = (
    ("sigmoid", "σ({0})", "z(1 − z)", _sigmoid, _named("expit")),
    ("softmax", "softmax({0})", "diag(z) − z zᵀ", _softmax, _named("softmax")),
    (
        "logarithm of softmax", "ln softmax({0})", "1 − softmax({0}) at the place itself, − softmax({0}) beside",
        _log_softmax, lambda s: call("log", call("softmax", s)),
    ),
    (
        "cross-entropy of softmax", "CE(softmax({0}), t)", "softmax({0}) − t, over the number of samples in a mean",
        _cross_entropy, None,  # a sum over samples and a mean are told apart in the note alone
    ),
    ("softplus", "ln(1 + e^{0})", "σ({0})", _softplus, lambda s: call("log", call("add", 1, call("exp", s)))),
    ("relu", "max({0}, 0)", "1 where {0} > 0, else 0", _relu, lambda s: call("maximum", s, 0)),
    ("tanh", "tanh({0})", "1 − z²", _tanh, _named("tanh")),
)  # fmt: skip
