"""Patterns: a small language in which algebraic identities are written down, and the engine that applies them.

``Rule("a negative added", x + -y, x - y)``. Names stand for any operand, numbers for themselves; the parameters of
an operation are given by name, as numbers and tuples, as a :class:`Param` that stands for any, or, on the right,
as a function of what was matched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from wengert.core.primitive import Primitive
from wengert.core.program import Atom, Equation, Literal, Program, Var
from wengert.core.types import Aval
from wengert.ops import elementwise
from wengert.rewrite.edit import Editor, inferred, literal_of, uses

__all__ = ["Match", "Name", "Param", "Rule", "Table", "Term", "apply_rules", "op"]

COMMUTATIVE = frozenset(["add", "multiply", "equal", "not_equal", "logical_and", "logical_or", "bitwise_and"])


class Pattern:
    """What patterns are built from; arithmetic on patterns is a pattern."""

    __slots__ = ()

    def __add__(self, other: Any) -> Term:
        return Term(elementwise.add, (self, other))

    def __radd__(self, other: Any) -> Term:
        return Term(elementwise.add, (other, self))

    def __sub__(self, other: Any) -> Term:
        return Term(elementwise.subtract, (self, other))

    def __rsub__(self, other: Any) -> Term:
        return Term(elementwise.subtract, (other, self))

    def __mul__(self, other: Any) -> Term:
        return Term(elementwise.multiply, (self, other))

    def __rmul__(self, other: Any) -> Term:
        return Term(elementwise.multiply, (other, self))

    def __truediv__(self, other: Any) -> Term:
        return Term(elementwise.divide, (self, other))

    def __rtruediv__(self, other: Any) -> Term:
        return Term(elementwise.divide, (other, self))

    def __pow__(self, other: Any) -> Term:
        return Term(elementwise.power, (self, other))

    def __neg__(self) -> Term:
        return Term(elementwise.negative, (self,))


@dataclass(frozen=True, slots=True)
class Name(Pattern):
    """Any operand; a number, or a number stretched, if ``number``."""

    name: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Param:
    """Any value of a parameter."""

    name: str


@dataclass(frozen=True, slots=True)
class Term(Pattern):
    """An operation on patterns."""

    primitive: Primitive
    inputs: tuple[Any, ...]
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])


def op(primitive: Primitive) -> Callable[..., Term]:
    """Patterns of an operation: ``op(reshape)(x, shape=Param("shape"))``."""
    return lambda *inputs, **params: Term(primitive, inputs, params)


class UnfitError(Exception):
    """The right side of a rule has no type, or another one than the left side."""


@dataclass(slots=True)
class Match:
    """What the names of a pattern stand for, the parameters, and the equation that is to be replaced."""

    equation: Equation
    made: dict[Var, Equation]
    atoms: dict[str, Atom] = field(default_factory=dict[str, Atom])
    params: dict[str, Any] = field(default_factory=dict[str, Any])
    inner: list[Var] = field(default_factory=list[Var])

    def dtype(self, name: str) -> np.dtype[Any]:
        """The dtype of an operand."""
        return self.atoms[name].aval.dtype

    @property
    def aval(self) -> Aval:
        """The type of the result."""
        return self.equation.outputs[0].aval

    def number(self, name: str) -> Any:
        """The number that an operand is; of the operand's dtype, unless it stands there itself."""
        atom = self.atoms[name]
        found = literal_of(atom, self.made)
        assert found is not None
        return found.value if found is atom else atom.aval.dtype.type(found.value)


Condition = Callable[[Match], bool]


def always(_match: Match) -> bool:
    """No condition."""
    return True


@dataclass(frozen=True, slots=True)
class Rule:
    """``left`` is replaced by ``right`` where ``when`` holds, and where the result is of the same type.

    ``single``: only if nothing else reads what stands inside, so that no work is done twice.
    """

    name: str
    left: Term
    right: Any
    when: Condition = always
    fast: bool = False
    single: bool = False


class Table:
    """Rules by the primitive on their left, and by what its operands are made by: most need not be tried."""

    __slots__ = ("found", "rules")

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.rules: dict[Primitive, list[Rule]] = {}
        self.found: dict[Any, tuple[tuple[Rule, bool], ...]] = {}
        for rule in rules:
            self.rules.setdefault(rule.left.primitive, []).append(rule)

    def candidates(self, equation: Equation, made: dict[Var, Equation]) -> tuple[tuple[Rule, bool], ...]:
        """The rules that may match, each with whether operands are swapped."""
        primitive = equation.primitive
        if primitive not in self.rules:
            return ()
        heads = tuple(head(a, made) for a in equation.inputs)
        found = self.found.get((primitive, heads))
        if found is None:
            ways = (False, True) if primitive.name in COMMUTATIVE else (False,)
            found = self.found[primitive, heads] = tuple(
                (rule, swapped)
                for rule in self.rules[primitive]
                for swapped in ways
                if fits(rule.left.inputs, heads[::-1] if swapped else heads)
            )
        return found


SPECIAL = frozenset([0, 1, -1, 2, 3, 0.5])  # the numbers that rules name
OTHER = object()
Head = tuple[Primitive | None, Any]


def head(atom: Atom, made: dict[Var, Equation]) -> Head:
    """By which primitive an operand is made, and which number it is: None where it is none."""
    if isinstance(atom, Literal):
        return None, atom.value if atom.value in SPECIAL else OTHER
    equation = made.get(atom)
    if equation is None:
        return None, None
    if equation.primitive.name != "broadcast_to":
        return equation.primitive, None
    found = literal_of(atom, made)
    return equation.primitive, None if found is None else found.value if found.value in SPECIAL else OTHER


def fits(patterns: tuple[Any, ...], heads: tuple[Head, ...]) -> bool:
    """Whether operands made so may match."""
    return len(patterns) == len(heads) and all(
        primitive is p.primitive
        if isinstance(p, Term)
        else (not p.number or number is not None)
        if isinstance(p, Name)
        else number is not None and number == p
        for p, (primitive, number) in zip(patterns, heads, strict=True)
    )


def apply_rules(program: Program, rules: Table) -> Program:
    """Each equation, in order, replaced by the first rule for its primitive that matches, again and again."""
    editor = Editor(program)
    count = uses(program)
    for equation in program.equations:
        inputs = editor.inputs(equation)
        now = equation if inputs is equation.inputs else replace(equation, inputs=inputs)
        atom = rewritten(now, editor, rules, count, fuel=8)
        if atom is None:
            editor.append(now)
        else:
            editor.replace(equation.outputs, (atom,))
    return editor.finish() if editor.replaced else program


def rewritten(equation: Equation, editor: Editor, rules: Table, count: dict[Var, int], fuel: int) -> Atom | None:
    """What an equation becomes; None if no rule applies. New equations are rewritten in their turn."""

    def emit(primitive: Primitive, inputs: tuple[Atom, ...], params: dict[str, Any], avals: tuple[Aval, ...]) -> Atom:
        new = Equation(primitive, inputs, (Var(avals[0]),), params, equation.line)
        again = rewritten(new, editor, rules, count, fuel - 1) if fuel else None
        return editor.append(new).outputs[0] if again is None else again

    for rule, swapped in rules.candidates(equation, editor.made):
        match = matched(rule, equation, editor.made, swapped)
        if match is None or (rule.single and any(count.get(v, 1) > 1 for v in match.inner)):
            continue
        mark = len(editor.equations)
        try:
            return built(rule.right, match, emit, match.aval)
        except UnfitError:
            forget(editor, mark)
    return None


# ---- matching


def matched(rule: Rule, equation: Equation, made: dict[Var, Equation], swapped: bool = False) -> Match | None:
    """What the names of the rule's left side stand for in an equation; None where it does not match."""
    match = Match(equation, made)
    if match_term(rule.left, equation, match, made, swapped) and rule.when(match):
        return match
    return None


def match_term(term: Term, equation: Equation, match: Match, made: dict[Var, Equation], swapped: bool = False) -> bool:
    """Whether an equation is this term."""
    if term.primitive is not equation.primitive or len(term.inputs) != len(equation.inputs):
        return False
    for key, want in term.params.items():
        have = equation.params[key]
        if isinstance(want, Param):
            if match.params.setdefault(want.name, have) != have:
                return False
        elif want != have:
            return False
    inputs = reversed(equation.inputs) if swapped else equation.inputs
    return all(match_atom(p, a, match, made) for p, a in zip(term.inputs, inputs, strict=True))


def match_atom(pattern: Any, atom: Atom, match: Match, made: dict[Var, Equation]) -> bool:
    """Whether an operand is what the pattern says."""
    if isinstance(pattern, Name):
        if pattern.number and literal_of(atom, made) is None:
            return False
        return same(match.atoms.setdefault(pattern.name, atom), atom)
    if isinstance(pattern, Term):
        equation = made.get(atom) if isinstance(atom, Var) else None
        if equation is None or equation.primitive is not pattern.primitive:
            return False
        match.inner.append(equation.outputs[0])
        either = pattern.primitive.name in COMMUTATIVE
        before = dict(match.atoms), dict(match.params)
        if match_term(pattern, equation, match, made):
            return True
        match.atoms, match.params = before
        return either and match_term(pattern, equation, match, made, swapped=True)
    found = literal_of(atom, made)
    return found is not None and is_number(found.value, pattern)


def is_number(value: Any, want: Any) -> bool:
    """Whether a literal is this number; zeros by their sign."""
    return bool(value == want) and np.signbit(np.real(value)) == np.signbit(np.real(want))


def same(a: Atom, b: Atom) -> bool:
    """Whether two operands are the same variable, or the same literal."""
    return a is b or (isinstance(a, Literal) and isinstance(b, Literal) and type(a.value) is type(b.value)
                      and np.asarray(a.value).tobytes() == np.asarray(b.value).tobytes())  # fmt: skip


# ---- building


def built(pattern: Any, match: Match, emit: Callable[..., Atom], want: Aval | None = None) -> Atom:
    """The right side of a rule, of the type ``want``."""
    if isinstance(pattern, Term):
        inputs = tuple(built(p, match, emit) for p in pattern.inputs)
        params = {key: parameter(value, match) for key, value in pattern.params.items()}
        try:
            avals = inferred(pattern.primitive, inputs, params)
        except (TypeError, ValueError) as error:  # NumPy has no such operation on these types and shapes
            raise UnfitError from error
        if want is not None and avals[0] != want:
            raise UnfitError
        return emit(pattern.primitive, inputs, params, avals)
    if isinstance(pattern, Name):
        atom = match.atoms[pattern.name]
    else:
        atom = Literal(pattern(match) if callable(pattern) else pattern)
    if want is not None and atom.aval != want:
        raise UnfitError
    return atom


def parameter(value: Any, match: Match) -> Any:
    """A parameter on the right side: what was matched, a function of it, or a value."""
    if isinstance(value, Param):
        return match.params[value.name]
    return value(match) if callable(value) and not isinstance(value, type) else value


def forget(editor: Editor, mark: int) -> None:
    """Take back the equations appended since."""
    for equation in editor.equations[mark:]:
        for var in equation.outputs:
            del editor.made[var]
    del editor.equations[mark:]
