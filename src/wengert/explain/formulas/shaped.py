"""How operations on arrays are written: products, sums over indices, transposes, elements, joins.

Their terms hold the operation's parameters as ``value``. A sum is written with the indices that it runs over, on each
factor below: Σ_ij w_ij².
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.core.primitive import REGISTRY
from wengert.core.show import param_text
from wengert.explain.formulas import notation
from wengert.explain.formulas.notation import ATOM, CHOICE, FUNCTION, POWER, PRODUCT, SERIES, Notation, Written
from wengert.explain.formulas.spelling import escaped
from wengert.explain.formulas.terms import Term

__all__ = ["LATEX", "PLAIN", "SHAPED"]

_INDICES = "ijklmnpq"
_SERIES = frozenset({"sum", "prod", "max", "min", "all", "any"})


def indexed(x: Term, letters: str) -> Term:
    """The element of ``x`` at the indices ``letters``: functions of each element hand them to their operands."""
    if x.op in _SERIES and len(x.args[0].dims) <= len(_INDICES):
        return _series(x, letters)
    if not x.dims or not letters or x.op == "number":
        return x
    family = REGISTRY[x.op].family if x.op in REGISTRY else ""
    if x.args and family in ("elementwise", "flat") and x.op not in SHAPED:
        return Term(x.op, tuple(indexed(a, letters) for a in x.args), x.value)
    own = letters[len(letters) - len(x.dims) :]
    return Term("element", (x,), "".join(c for c, n in zip(own, x.dims, strict=True) if n != 1))


def _series(x: Term, letters: str) -> Term:
    """A reduction among outer indices: what is kept has theirs, what is reduced others."""
    axes, kept = x.value["axes"], list(letters[len(letters) - len(x.dims) :] if x.dims else "")
    fresh = iter(c for c in _INDICES if c not in letters)
    own = ""
    for k in range(len(x.args[0].dims)):
        if k in axes:
            own += next(fresh, "i")
            if x.value.get("keepdims"):
                kept[:1] = []
        else:
            own += kept.pop(0) if kept else "i"
    return Term(x.op, x.args, {**x.value, "letters": own})


def _element(write: Notation, x: Term) -> Written:
    if not x.value:
        return write.written(x.args[0])
    inside = write.atom(x.args[0])
    if write is PLAIN:
        return f"{inside}_{x.value}", ATOM
    if "_" in inside and not inside.startswith(r"\left("):  # no index below an index
        inside = write.bracket.format(inside)
    return f"{inside}_{{{x.value}}}", ATOM


def _over(sign: str, tex: str) -> Callable[[Notation, Term], Written]:
    """A reduction: its sign, the indices it runs over, and the element that is reduced."""

    def written(write: Notation, x: Term) -> Written:
        (body,), axes = x.args, x.value["axes"]
        letters = x.value.get("letters") or _INDICES[: len(body.dims)]
        # an axis of one element has no index: the element that is reduced has none for it either
        below = "".join(letters[k] for k in axes if body.dims[k] != 1) or "".join(letters[k] for k in axes)
        plain = write is PLAIN
        if not axes or len(body.dims) > len(_INDICES):
            return f"{sign if plain else tex} {write.atom(body, FUNCTION)}", FUNCTION
        bare = body.op == "multiply" or not plain
        least = SERIES if body.op in _SERIES else PRODUCT if bare else FUNCTION
        inner = write.atom(indexed(body, letters), least)
        return (f"{sign}_{below} {inner}" if plain else f"{tex}_{{{below}}} {inner}"), SERIES

    return written


def _matmul(write: Notation, x: Term) -> Written:
    left, right = (write.atom(a, PRODUCT if k == 0 else FUNCTION) for k, a in enumerate(x.args))
    return (f"{left} @ {right}" if write is PLAIN else rf"{left} \, {right}"), PRODUCT


def _einsum(write: Notation, x: Term) -> Written:
    inputs, output = x.value["inputs"], x.value["output"]
    summed = "".join(dict.fromkeys(c for labels in inputs for c in labels if c not in output))
    factors = [write.written(Term("element", (a,), labels))[0] for a, labels in zip(x.args, inputs, strict=True)]
    if write is PLAIN:
        return (f"Σ_{summed} " if summed else "") + "·".join(factors), PRODUCT
    return (rf"\sum_{{{summed}}} " if summed else "") + r" \, ".join(factors), PRODUCT


def _transpose(write: Notation, x: Term) -> Written:
    axes, body = x.value["axes"], write.atom(x.args[0])
    if write is not PLAIN:
        return f"{body}^{{\\top{_order(axes)}}}", POWER
    return f"{body}ᵀ" if not _order(axes) else f"{body}.transpose({', '.join(map(str, axes))})", ATOM


def _order(axes: tuple[int, ...]) -> str:
    return "" if axes == tuple(reversed(range(len(axes)))) else f"({','.join(map(str, axes))})"


def _getitem(write: Notation, x: Term) -> Written:
    body = write.atom(x.args[0])
    index = ", ".join(map(index_text, x.value.get("index", ()))) if not x.value.get("chain") else "…"
    if write is PLAIN:
        return f"{body}[{index}]", ATOM
    return f"{body}[{latex_index(index)}]", ATOM


def index_text(part: Any) -> str:
    """One part of an index: an array's is not said."""
    shown = param_text(part)
    return shown if len(shown) <= 24 and not shown.startswith("<") else "…"


def latex_index(index: str) -> str:
    """An index in LaTeX, where three dots are a command."""
    plain = escaped(index.replace("…", "...").replace("·", "@"))
    return plain.replace("...", r"\ldots{}").replace("@", r"\cdot{}")


def _update(write: Notation, x: Term) -> Written:
    arrow = "←" if write is PLAIN else r"\leftarrow"
    place = _getitem(write, Term("getitem", x.args[:1], x.value))[0]
    return f"{place} {arrow} {write.write(x.args[1]) if len(x.args) > 1 else ''}".strip(), CHOICE


def _concatenate(write: Notation, x: Term) -> Written:
    shown = [write.write(a) for a in x.args]
    if len(shown) > 6:
        shown = [*shown[:3], "…" if write is PLAIN else r"\ldots", *shown[-2:]]
    axis = x.value.get("axis", 0)
    if write is PLAIN:
        return f"concatenate([{', '.join(shown)}]" + (f", axis={axis})" if axis else ")"), ATOM
    return r"\left[" + ", ".join(shown) + r"\right]" + (rf"_{{\mathrm{{axis}}\,{axis}}}" if axis else ""), ATOM


def _reshape(write: Notation, x: Term) -> Written:
    shape = x.value["shape"]
    if write is PLAIN:
        return f"{write.atom(x.args[0])}.reshape({plain_shape(shape)})", ATOM
    return rf"\operatorname{{reshape}}_{{{latex_shape(shape)}}} {write.atom(x.args[0])}", FUNCTION


def plain_shape(shape: tuple[int, ...]) -> str:
    """A shape as ``reshape`` takes it."""
    return ", ".join(map(str, shape)) or "()"


def latex_shape(shape: tuple[int, ...]) -> str:
    r"""A shape as it stands below or above: ``3 \times 4``."""
    return r" \times ".join(map(str, shape)) if shape else "1"


def _stretched(write: Notation, x: Term) -> Written:
    if write is PLAIN:
        return f"broadcast_to({write.write(x.args[0])}, {x.value['shape']})", ATOM
    return write.written(x.args[0])


def _constant(write: Notation, x: Term) -> Written:
    return (x.value if write is PLAIN else rf"C_{{{latex_shape(x.dims)}}}"), ATOM


def _vector(write: Notation, x: Term) -> Written:
    shown = [write.number(v) for v in x.value]
    return (f"[{' '.join(shown)}]" if write is PLAIN else f"({', '.join(shown)})"), ATOM


SHAPED: dict[str, Callable[[Notation, Term], Written]] = {
    "element": _element, "constant": _constant, "vector": _vector,
    "matmul": _matmul, "einsum": _einsum, "transpose": _transpose, "getitem": _getitem, "update": _update,
    "concatenate": _concatenate, "reshape": _reshape, "broadcast_to": _stretched,
    "sum": _over("Σ", r"\sum"), "prod": _over("Π", r"\prod"), "max": _over("max", r"\max"),
    "min": _over("min", r"\min"), "all": _over("∀", r"\forall"), "any": _over("∃", r"\exists"),
}  # fmt: skip
PLAIN = notation.with_arrays(notation.PLAIN, SHAPED)
LATEX = notation.with_arrays(notation.LATEX, SHAPED)
