"""Formulas of steps and of their derivatives, with the user's names, as text and in LaTeX.

The derivative of a function of each element is read off the rule that computes it: the rule is staged, and the Program
is written as a formula. So no second table of derivatives can be wrong. What is linear in whole arrays has a
*pullback*, how the upstream gradient goes through it.
"""

from __future__ import annotations

import functools
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.core.types import aval_of, dtype_of, is_array, shape_of
from wengert.explain.formulas.notation import PYTHON
from wengert.explain.formulas.pullbacks import pullback
from wengert.explain.formulas.recognised import recognised
from wengert.explain.formulas.shaped import LATEX, PLAIN, SHAPED
from wengert.explain.formulas.spelling import barred
from wengert.explain.formulas.terms import Term, call, number, replaced, symbol, terms_of
from wengert.explain.graph import FORMULAS, Edge, Step, size_of
from wengert.transforms.stage import make_program

__all__ = ["Formula", "local_formula", "name_of", "step_formula", "term_of"]

_LONGEST = 40  # operations and leaves of a formula that is still read
_DEEPEST = 12  # steps without a name of their own that stand in one another
Naming = Callable[[Step], str]


@dataclass(frozen=True, slots=True, repr=False)
class Formula:
    r"""An equation as text and in LaTeX: ``left`` of its sign, and ``right`` of it.

    ``sign`` is ``=``, or ``←`` where the right side is one contribution to the left one. ``python`` is the right side
    as an expression with NumPy's names, "" where it is none; ``note`` says what the formula leaves out,
    ``shapes`` which shapes meet in a product of arrays, and on the way back which shape becomes which.

    Example:
        >>> import wengert
        >>> edge = wengert.explain(lambda x, y: x * y)(2.0, 3.0).edges[0]
        >>> formula = edge.formula()
        >>> str(formula), formula.latex
        ('∂v1/∂x = y', '\\frac{\\partial v_{1}}{\\partial x} = y')
    """

    left: str
    right: str
    latex_left: str
    latex_right: str
    sign: str = "="
    python: str = ""
    note: str = ""
    shapes: str = ""

    @property
    def latex(self) -> str:
        """The equation in LaTeX."""
        sign = "=" if self.sign == "=" else r"\mathrel{+}="
        return f"{self.latex_left} {sign} {self.latex_right}"

    def __str__(self) -> str:
        return f"{self.left} {self.sign} {self.right}"

    __repr__ = __str__


def name_of(step: Step) -> str:
    """The user's name of the value, or the step's."""
    return getattr(step, "variable", "") or step.name


# ---- steps


def _shapes(step: Step) -> str:
    """The shapes in a product, as (4, 3) @ (3, 2) → (4, 2)."""
    if step.primitive is None or step.primitive.family != "bilinear":
        return ""
    sign = " @ " if step.primitive.name == "matmul" else ", "
    return f"{sign.join(str(shape_of(x)) for x in step.values)} → {shape_of(step.value)}"


def apart(step: Step, whole: bool = False) -> Naming:
    """Names around a step: a variable that several values were kept in, as in ``x = x + 1``, names none of them.

    ``whole`` looks behind what has no name too.
    """
    around, waiting = {step}, [step]
    while waiting:
        for x in waiting.pop().operands[:_LONGEST]:
            end = _cast_from(x) if isinstance(x, Step) else step
            if end not in around:
                around.add(end)
                waiting += [end] if whole and not getattr(end, "variable", "") and len(around) < _LONGEST else []
    taken = Counter([*map(name_of, around), *filter(None, step.labels)])
    return lambda x: x.name if taken[name_of(x)] > 1 else name_of(x)


def step_formula(step: Step, whole: bool = False, naming: Naming | None = None) -> Formula:
    """What a step computes; ``whole`` puts in what has no name of its own, ``naming`` gives names to steps.

    Example:
        >>> import numpy as np
        >>> import wengert
        >>> e = wengert.explain(lambda x: np.sum(x**2))(np.arange(3.0))
        >>> print(e.output.formula(), "|", e.output.formula(whole=True))
        v2 = Σ_i v1_i | v2 = Σ_i x_i²
    """
    naming = naming or apart(step, whole)
    name = naming(step)
    if step.primitive is None:
        shown = operand_term(step.value, naming, 0)
        return Formula(name, PLAIN.write(shown), LATEX.symbol(name), LATEX.write(shown))
    out = _whole(step, naming) if whole else term_of(step, naming)
    python = PYTHON.write(out) if not _has_arrays(out) else ""
    pattern = recognised(step)
    note = pattern.text(*map(naming, pattern.operands)) if pattern else ""
    return Formula(
        name, PLAIN.write(out), LATEX.symbol(name), LATEX.write(out), python=python, note=note, shapes=_shapes(step)
    )


def _whole(step: Step, naming: Naming) -> Term:
    """The term with what has no name put in, as deep as it stays readable."""
    out = term_of(step, naming)
    for depth in range(1, _DEEPEST + 1):
        deeper = term_of(step, naming, depth)
        if deeper.size > _LONGEST:
            break
        out = deeper
    return out


def term_of(step: Step, naming: Naming = name_of, depth: int = 0) -> Term:
    """The operation of a step as a term of its operands, and of theirs where these have no name, ``depth`` deep."""
    assert step.primitive is not None
    pattern = recognised(step) if depth else None
    if pattern and pattern.term:
        return pattern.term(*(operand_term(x, naming, depth - 1) for x in pattern.operands))
    return applied(step, operand_terms(step, naming, depth))


def applied(step: Step, operands: Sequence[Term]) -> Term:
    """The operation of a step on other terms."""
    assert step.primitive is not None
    name = step.primitive.name
    dims = () if isinstance(step.value, tuple) else shape_of(step.value)
    if name in SHAPED:
        return Term(name, tuple(operands), step.params, dims)
    if step.primitive.family in ("elementwise", "flat") and not step.primitive.multiple:
        return call(name, *operands)
    if name == "output":
        return Term("getitem", tuple(operands), {"index": (step.params["k"],)}, dims)
    return Term(name, tuple(operands), step.params, dims)


def operand_terms(step: Step, naming: Naming, depth: int = 0) -> list[Term]:
    """The operands of a step: arguments that are held constant have their names."""
    return [_nth_operand(step, k, naming, depth) for k in range(len(step.operands))]


def _nth_operand(step: Step, k: int, naming: Naming, depth: int) -> Term:
    label, x = step.labels[k] if step.labels else "", step.operands[k]
    return symbol(label, shape_of(x)) if label else operand_term(x, naming, depth)


def operand_term(x: Any, naming: Naming, depth: int) -> Term:
    """An operand: a step's name, what it computes, a number, or the type of a constant array."""
    if isinstance(x, Step):
        x = _cast_from(x)
        if depth and x.primitive is not None and not getattr(x, "variable", ""):
            return term_of(x, naming, depth - 1)
        return symbol(naming(x), () if isinstance(x.value, tuple) else shape_of(x.value))
    if isinstance(x, tuple):
        return symbol("(…)")
    if not is_array(x) or x.ndim == 0:
        return number(x)
    if x.ndim == 1 and 0 < x.size <= 4:
        return Term("vector", value=tuple(x.tolist()), dims=x.shape)
    return Term("constant", value=str(aval_of(x)), dims=x.shape)


def _cast_from(step: Step) -> Step:
    """What a step without a name only casts."""
    if step.primitive is not None and step.primitive.name == "cast" and not getattr(step, "variable", ""):
        return step.operands[0] if isinstance(step.operands[0], Step) else step
    return step


def _has_arrays(x: Term) -> bool:
    return x.op in SHAPED or any(map(_has_arrays, x.args))


# ---- edges


def local_formula(edge: Edge, naming: Naming | None = None) -> Formula:
    """The derivative of an edge's end by its beginning; of operations on whole arrays the pullback.

    Example:
        >>> import numpy as np
        >>> import wengert
        >>> e = wengert.explain(lambda W, x: np.sum(np.tanh(W @ x)))(np.eye(2), np.ones(2))
        >>> for edge in e.edges:
        ...     print(edge.formula())
        W ← outer(upstream, x)
        x ← Wᵀ @ upstream
        ∂v2/∂v1 = 1 − v2²
        v2 ← upstream, broadcast to (2,)
    """
    naming = naming or apart(edge.target)
    source, target = naming(edge.source), naming(edge.target)
    if edge.primitive.family in ("elementwise", "flat") and not isinstance(edge.target.value, tuple):
        return _derivative(edge, source, target, naming)
    named = {"x": 0, "y": min(1, len(edge.target.operands) - 1), "own": edge.position}
    terms = {key: _nth_operand(edge.target, k, naming, 0) for key, k in named.items()}
    words = {key: PLAIN.write(term) for key, term in terms.items()} | {"z": target}
    signs = {key: LATEX.write(term) for key, term in terms.items()} | {"z": LATEX.symbol(target)}
    plain, tex = pullback(edge, words, signs)
    return Formula(source, plain, barred(LATEX.symbol(source)), tex, "←", note=_stretch(edge), shapes=_turned(edge))


def _derivative(edge: Edge, source: str, target: str, naming: Naming) -> Formula:
    left, below = LATEX.symbol(target), LATEX.symbol(source)
    tex_left = rf"\frac{{\partial {left}}}{{\partial {below}}}"
    found = derivative_term(edge, naming)
    if found is None:
        shown = term_of(edge.target, naming)
        names = ", ".join(map(PLAIN.write, operand_terms(edge.target, naming)))
        several = len(edge.target.operands) > 1
        plain = (
            f"∂{_place(edge.position)}{edge.primitive.name}({names})"
            if several
            else (f"{edge.primitive.name}′({names})")
        )
        tex = rf"\frac{{\partial}}{{\partial {below}}} {LATEX.atom(shown, 4)}"
        return Formula(f"∂{target}/∂{source}", plain, tex_left, tex, note=_stretch(edge))
    python = PYTHON.write(found) if not _has_arrays(found) else ""
    return Formula(
        f"∂{target}/∂{source}", PLAIN.write(found), tex_left, LATEX.write(found), python=python, note=_stretch(edge)
    )


def _place(k: int) -> str:
    return "₁₂₃₄₅₆₇₈₉"[k] if k < 9 else str(k + 1)


def _turned(edge: Edge) -> str:
    """The shapes on the way back: the upstream gradient's, and the contribution's."""
    if isinstance(edge.target.value, tuple) or isinstance(edge.source.value, tuple):
        return ""
    return f"{shape_of(edge.target.value)} → {shape_of(edge.source.value)}"


def _stretch(edge: Edge) -> str:
    """What broadcasting adds to a local derivative on the way back."""
    ends = (edge.source.value, edge.target.value)
    if any(isinstance(v, tuple) for v in ends) or not edge.is_elementwise or size_of(ends[0]) == size_of(ends[1]):
        return ""
    return f"summed over the axes along which {name_of(edge.source)} was stretched"


def derivative_term(edge: Edge, naming: Naming = name_of) -> Term | None:
    """The local derivative of a function of each element; None where it is too long to be read."""
    step = edge.target
    operands = operand_terms(step, naming)
    found = _staged(edge.primitive, edge.position, step)
    if found is None:
        return None
    names = {f"\0{k}": x for k, x in enumerate(operands)} | {"\0z": symbol(naming(step), shape_of(step.value))}
    return _renamed(found, names)


def _renamed(x: Term, names: dict[str, Term]) -> Term:
    if x.op == "symbol":
        return names[x.value]
    return call(x.op, *(_renamed(a, names) for a in x.args)) if x.args else x


def _staged(primitive: Primitive, position: int, step: Step) -> Term | None:
    kinds = tuple(_kind(x) for x in step.operands)
    params = step.params
    try:
        return _cached(primitive, position, kinds, dtype_of(step.value).char, tuple(sorted(params.items())))
    except TypeError:  # a parameter without a hash
        return _stage(primitive, position, kinds, dtype_of(step.value).char, params)


def _kind(x: Any) -> tuple[str, Any]:
    """What of an operand a rule's formula depends on: a constant's value, or else the type alone."""
    if isinstance(x, Step):
        return dtype_of(x.value).char, None
    if type(x) in (int, float) or isinstance(x, np.integer):
        return "constant", x
    return dtype_of(x).char, None


@functools.lru_cache(maxsize=1024)
def _cached(primitive: Primitive, position: int, kinds: Any, out: str, params: Any) -> Term | None:
    return _stage(primitive, position, kinds, out, dict(params))


def _stage(
    primitive: Primitive, position: int, kinds: Sequence[tuple[str, Any]], out: str, params: dict[str, Any]
) -> Term | None:
    """The rule's formula, in symbols that stand for its operands and its output; None where it has none."""
    free = [k for k, (_, value) in enumerate(kinds) if value is None]

    def rule(t: Any, z: Any, *given: Any) -> Any:
        values = dict(zip(free, given, strict=True))
        operands = [values.get(k, value) for k, (_, value) in enumerate(kinds)]
        tangents = [t if k == position else None for k in range(len(kinds))]
        return primitive.jvp(tangents, z, operands, params)

    samples = [np.dtype(kinds[k][0]).type(1) for k in free]
    one = np.dtype(kinds[position][0] if kinds[position][1] is None else float).type(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = make_program(rule)(one, np.dtype(out).type(1), *samples)
    except Exception:  # noqa: BLE001 - a rule may ask for what only numbers have; the derivative is then named, not written
        return None
    symbols = [symbol(f"\0{k}") for k in free]
    if not program.outputs:
        return number(0)
    found = terms_of(program, [number(1), symbol("\0z"), *symbols], _LONGEST)
    if found is None or _choices(found) > 2:
        return None
    if len(free) == len(kinds):  # σ(1 − σ) from the output alone
        found = replaced(found, call(primitive.name, *symbols), symbol("\0z"))
    return found


def _choices(x: Term) -> int:
    return (x.op == "where") + sum(map(_choices, x.args))


FORMULAS.update(step=step_formula, edge=local_formula)
