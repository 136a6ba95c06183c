r"""The derivation in LaTeX: the forward equations with their values, then upstream × local = contribution, and sums.

:math:`\bar v` is the derivative of the output with respect to v. It needs the packages amsmath and amssymb.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from wengert.core.types import is_array, shape_of
from wengert.explain.formulas.formula import Naming, applied, local_formula, name_of, step_formula
from wengert.explain.formulas.shaped import LATEX, latex_shape
from wengert.explain.formulas.spelling import barred, escaped, latex_number
from wengert.explain.formulas.terms import literal
from wengert.explain.graph import Edge, Step, is_differentiable, size_of

if TYPE_CHECKING:
    from wengert.explain.derivations import Derivations

__all__ = ["derivation"]

T = TypeVar("T")
_LISTED = 6  # elements of an array that are written out
_DIGITS = 4
_WIDEST = 64  # letters of a line that is not broken
_UNSEEN = re.compile(r"\\(?:left|right|bar|overline|text|mathit|mathrm|operatorname|cdot)\b|\\[a-z]+|[{}_^\\ ]")

_HEAD = r"""\documentclass{article}
\usepackage[margin=2cm]{geometry}
\usepackage{amsmath,amssymb}
\allowdisplaybreaks
\begin{document}
"""
_TAIL = "\n\\end{document}\n"


def derivation(e: Derivations, standalone: bool = False, most: int | None = 40) -> str:
    """The derivation of an explanation as ``align*``; ``standalone`` makes a document of it.

    Of more than ``most`` equations in a pass the first and last are shown, and how many are between.
    """
    naming = unique_names(e)
    forward = _folded((*e.inputs.values(), *e.steps), lambda step: forward_equation(step, naming), most)
    backward = _folded(collected(e), lambda found: backward_equation(*found, naming), most)
    title = rf"\section*{{\texttt{{{_text(e.name)}}}}}" + "\n" if standalone else ""
    body = _heading("Forward") + _aligned(forward)
    if backward:
        body += "\n\n" + _heading("Backward") + _aligned(backward)
    if e.error is not None:
        body += "\n\n" + rf"\noindent\textbf{{Stopped}} \texttt{{{_text(type(e.error).__name__)}}}"
    return _HEAD + title + body + _TAIL if standalone else body


def _text(name: str) -> str:
    return escaped(name).replace("<", r"\textless{}").replace(">", r"\textgreater{}")


def _heading(word: str) -> str:
    return rf"\noindent\textbf{{{word}}}" + "\n"


def _aligned(lines: Sequence[str]) -> str:
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


def _folded(items: Sequence[T], write: Callable[[T], str], most: int | None) -> list[str]:
    """The equations of ``items``; of many the first and last ones alone are written."""
    if most is None or len(items) <= most:
        return [write(item) for item in items]
    head, tail = items[: most - most // 2], items[len(items) - most // 2 :]
    gap = rf"&\;\;\vdots \quad \text{{{len(items) - most} more}}"
    return [*map(write, head), gap, *map(write, tail)]


def unique_names(e: Derivations) -> Naming:
    """Names by which steps are told apart: a variable that holds several values in turn is numbered."""
    steps = (*e.inputs.values(), *e.steps, e.output)
    counts = Counter(name_of(step) for step in dict.fromkeys(steps))
    met: defaultdict[str, int] = defaultdict(int)
    names: dict[Step, str] = {}
    for step in dict.fromkeys(steps):
        name = name_of(step)
        met[name] += 1
        names[step] = name if met[name] == 1 else f"{name}({met[name]})"
        if counts[name] > 1 and not step.primitive:
            names[step] = name
    return lambda step: names.get(step) or name_of(step)


# ---- equations


def _chain(left: str, *rights: str) -> str:
    """Left = a = b = c, broken where the line grows too long."""
    shown = [right for k, right in enumerate(rights) if right and right not in rights[:k]]
    if sum(len(_UNSEEN.sub("", right)) + 3 for right in shown) <= _WIDEST:
        return f"{left} &= " + " = ".join(shown)
    return f"{left} &= " + " \\\\\n  &= ".join(shown)


def forward_equation(step: Step, naming: Naming) -> str:
    """A step's equation: its formula, with the operands' values in it where they are numbers, and its value."""
    formula = step_formula(step, naming=naming)
    if step.primitive is None:
        return _chain(formula.latex_left, value_text(step.value))
    between = ""
    if _is_number(step.value) and all(isinstance(x, Step) or np.ndim(x) == 0 for x in step.operands):
        between = with_values(step)
    line = _chain(formula.latex_left, formula.latex_right, between, value_text(step.value))
    return rf"{line} \qquad \text{{({_note(formula.note)})}}" if formula.note else line


def _note(note: str) -> str:
    word = note.partition(":")[0]
    return escaped(word)


def with_values(step: Step) -> str:
    """The formula with numbers in the places of operands."""
    values = [x.value if isinstance(x, Step) else x for x in step.operands]
    if step.primitive is None or step.primitive.name == "where" or not all(map(_is_number, values)):
        return ""
    return LATEX.write(applied(step, [literal(_rounded(x)) for x in values]))


def _rounded(value: Any) -> Any:
    plain = _plain(value)
    short = isinstance(plain, float) and abs(plain) < 10**_DIGITS
    return float(f"{plain:.{_DIGITS}g}") if short else plain


def _signed(value: Any) -> str:
    shown = latex_number(_plain(value), _DIGITS)
    return rf"\left({shown}\right)" if not shown.replace(".", "").isdigit() else shown


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic | np.ndarray) else value


def _is_number(value: Any) -> bool:
    return not isinstance(value, tuple) and not shape_of(value)


def value_text(value: Any) -> str:
    """A value: a number, a short vector whole, a small matrix whole, of others the shape."""
    if isinstance(value, tuple):
        return r"\left(" + ", ".join(map(value_text, value)) + r"\right)"
    if not is_array(value) or value.ndim == 0:
        return latex_number(_plain(value), _DIGITS)
    if value.ndim == 1 and value.size <= _LISTED:
        return r"\left(" + ", ".join(latex_number(v, _DIGITS) for v in value.tolist()) + r"\right)"
    if value.ndim == 2 and 0 < value.size <= 2 * _LISTED and value.shape[1] <= _LISTED:
        rows = (" & ".join(latex_number(v, _DIGITS) for v in row) for row in value.tolist())
        return r"\begin{pmatrix}" + r" \\ ".join(rows) + r"\end{pmatrix}"
    return rf"\cdot \in {_set(value.dtype)}^{{{latex_shape(value.shape)}}}".replace(r"\cdot \in", r"\ldots \in")


def _set(dtype: np.dtype[Any]) -> str:
    return {"c": r"\mathbb{C}", "b": r"\{0,1\}", "i": r"\mathbb{Z}", "u": r"\mathbb{N}"}.get(dtype.kind, r"\mathbb{R}")


def collected(e: Derivations) -> list[tuple[Step, list[Edge]]]:
    """The steps that have a gradient, from the output back to the inputs, with the edges that it is collected from."""
    if e.missing or e.error is not None:
        return []
    outgoing: defaultdict[Step, list[Edge]] = defaultdict(list)
    for edge in e.edges:
        outgoing[edge.source].append(edge)
    found: list[tuple[Step, list[Edge]]] = [(e.output, [])]
    for step in (*reversed(e.steps), *e.inputs.values()):
        edges = [edge for edge in outgoing[step] if edge.target is e.output or outgoing[edge.target]]
        if step is not e.output and is_differentiable(step.value) and (edges or step.primitive is None):
            found.append((step, edges))
    return found


def _bar(name: str) -> str:
    return barred(LATEX.symbol(name))


def backward_equation(step: Step, edges: Sequence[Edge], naming: Naming) -> str:
    """A gradient as the sum of its contributions, in symbols, in numbers, and its value."""
    bar = _bar(naming(step))
    if not edges:
        return _chain(bar, value_text(step.gradient))
    terms = [contribution(edge, naming) for edge in edges]
    numbers = [in_numbers(edge) for edge in edges]
    products = " + ".join(numbers) if all(numbers) else ""
    parts = ""
    if len(edges) > 1 and all(numbers):
        parts = " + ".join(_signed_sum([edge.contribution for edge in edges]))
    chain = [" + ".join(partial(edge, naming) for edge in edges)] if all(numbers) else []
    return _chain(bar, *chain, " + ".join(terms), products, parts, value_text(step.gradient))


def _signed_sum(values: Sequence[Any]) -> list[str]:
    return [_signed(v) if k else latex_number(_plain(v), _DIGITS) for k, v in enumerate(values)]


def partial(edge: Edge, naming: Naming) -> str:
    """Upstream × ∂end/∂beginning, before the formula is put in."""
    end, beginning = LATEX.symbol(naming(edge.target)), LATEX.symbol(naming(edge.source))
    return rf"{_bar(naming(edge.target))} \cdot \frac{{\partial {end}}}{{\partial {beginning}}}"


def contribution(edge: Edge, naming: Naming) -> str:
    """Upstream × local derivative in symbols."""
    formula = local_formula(edge, naming)
    if formula.sign != "=":
        return formula.latex_right
    bar, local = _bar(naming(edge.target)), formula.latex_right
    joined = r"\cdot" if _is_number(edge.target.value) else r"\odot"
    if local == "1":
        product = bar
    else:
        # a sum or a choice needs brackets beside a factor
        bare = _factor(local)
        product = rf"{bar} {joined} {bare}"
    return rf"\sum {product}" if formula.note else product


def _factor(local: str) -> str:
    """A factor: in brackets where it is a sum, a choice, or has a sign."""
    outside, depth = "", 0
    for c in local:
        depth += (c in "{(") - (c in "})")
        outside += c if depth == 0 else ""
    loose = local.startswith(("-", r"\begin{cases}")) or " + " in outside or " - " in outside
    return rf"\left({local}\right)" if loose else local


def in_numbers(edge: Edge) -> str:
    """Upstream × local derivative, where both are numbers."""
    if not (_is_number(edge.target.value) and _is_number(edge.source.value)):
        return ""
    local = edge.local
    if local is None or size_of(local) != 1:
        return ""
    return rf"{_signed(edge.upstream)} \cdot {_signed(local)}"
