"""How a term is written: as text, in LaTeX, and as Python with NumPy's names.

LaTeX of functions comes from the records' own ``tex``. Brackets stand where the binding of operations asks for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from wengert.core.primitive import REGISTRY
from wengert.explain.formulas.spelling import latex_name, latex_number, plain_number
from wengert.explain.formulas.terms import Term, is_number

__all__ = ["LATEX", "PLAIN", "PYTHON", "Notation", "Written", "with_arrays"]

# How tightly an expression binds: a choice, a comparison, a sum, a product, a function before its argument, a power.
# A sum over indices stands bare among summands, and in brackets among factors.
CHOICE, COMPARISON, SUM, SERIES, PRODUCT, FUNCTION, POWER, ATOM = range(8)
Written = tuple[str, int]

# ---- operations


@dataclass(frozen=True)
class Notation:
    """One way of writing: how symbols, numbers and functions look, and the operations that stand between operands.

    ``infix`` has for each operation its template, how tightly it binds, and how tightly its operands must; ``shaped``
    has the writers of operations on arrays, whose terms hold their parameters.
    """

    symbol: Callable[[str], str]
    number: Callable[[Any], str]
    function: Callable[[str, list[Written]], Written]
    choice: Callable[[str, str, str], Written]
    infix: dict[str, tuple[str, int, tuple[int, ...]]] = field(default_factory=dict[str, Any])
    bracket: str = "({0})"
    spaced: bool = False
    shaped: dict[str, Callable[[Notation, Term], Written]] = field(default_factory=dict[str, Any])

    def write(self, x: Term) -> str:
        """The term as text."""
        return self.written(x)[0]

    def atom(self, x: Term, least: int = ATOM) -> str:
        """The term, in brackets where it binds less tightly than ``least``."""
        return self.within(self.written(x), least)

    def within(self, written: Written, least: int) -> str:
        """A piece, in brackets where it binds less tightly than ``least``."""
        return written[0] if written[1] >= least else self.bracket.format(written[0])

    def written(self, x: Term) -> Written:
        """The term, and how tightly it binds."""
        if x.op == "symbol":
            return self.symbol(x.value), ATOM
        if x.op in ("number", "literal"):
            return self._constant(x.value)
        if x.op == "where":
            return self.choice(*map(self.write, x.args))
        if x.op in self.shaped:
            return self.shaped[x.op](self, x)
        if x.op == "multiply" and self.spaced:
            return self._product(*x.args)
        found = self.infix.get(x.op)
        if found is None or len(found[2]) != len(x.args):
            return self.function(x.op, [self.written(a) for a in x.args])
        template, binding, least = found
        return template.format(*(self.atom(a, b) for a, b in zip(x.args, least, strict=True))), binding

    def _constant(self, value: Any) -> Written:
        shown = self.number(value)
        compound = not re.fullmatch(r"[\w.]+", shown)
        return shown, SUM if shown.startswith(("-", "−")) or isinstance(value, complex) else (
            PRODUCT if compound else ATOM
        )

    def _product(self, x: Term, y: Term) -> Written:
        left, right = self.atom(x, PRODUCT), self.atom(y, FUNCTION if y.op != "divide" else PRODUCT)
        beside = _is_short(x) and _is_short(y) and not is_number(y)
        sign = r"\odot" if x.dims and y.dims else r"\cdot"
        return (f"{left} {right}" if beside and sign == r"\cdot" else f"{left} {sign} {right}"), PRODUCT


def _is_short(x: Term) -> bool:
    """What may stand beside another factor without a sign: symbols, numbers, their powers, sums in brackets."""
    if x.op == "multiply":
        return all(map(_is_short, x.args))
    return x.op in ("symbol", "number", "add", "subtract") or (x.op == "power" and x.args[0].op == "symbol")


def with_arrays(write: Notation, shaped: dict[str, Callable[[Notation, Term], Written]]) -> Notation:
    """A notation that can write operations on arrays too."""
    return replace(write, shaped=shaped)


# ---- LaTeX of functions, from the records

_SLOT = re.compile(r"\{(\d)\}")
_OPENING, _CLOSING = (
    ("{{", "(", "|", ", ", "; ", r"\lfloor ", r"\lceil "),
    ("}}", ")", "|", r"\right|", ",", ";", " \\r"),
)


def _latex_function(name: str, operands: list[Written]) -> Written:
    if name in _LOGICAL:
        name = f"logical_{_LOGICAL[name]}"
    record = REGISTRY.get(name)
    template = record.tex if record else rf"\operatorname{{{{{name.replace('_', '-')}}}}}(" + ", ".join(
        f"{{{k}}}" for k in range(len(operands))
    ) + ")"  # fmt: skip
    shown = [LATEX.within(o, CHOICE if _is_closed(template, k) else ATOM) for k, o in enumerate(operands)]
    return template.format(*shown), _binding(template)


def _is_closed(template: str, k: int) -> bool:
    """Whether the template itself sets slot k apart on both sides, as a fraction or brackets do."""
    before, _, after = template.partition(f"{{{k}}}")
    return before.endswith(_OPENING) and after.startswith(_CLOSING)


def _binding(template: str) -> int:
    outside = re.sub(r"\([^()]*\)|\{\{.*?\}\}(?!\})", "", template)
    if " + " in outside or " - " in outside:
        return SUM
    return FUNCTION if _SLOT.search(outside) else POWER


_CASES, _ESAC = r"\begin{cases}", r"\end{cases}"


def _latex_choice(condition: str, x: str, y: str) -> Written:
    rest = rf"{y} & \text{{else}}"
    if y.startswith(_CASES) and y.endswith(_ESAC):  # one choice after another
        rest = y.removeprefix(_CASES).removesuffix(_ESAC)
    return rf"{_CASES}{x} & {condition} \\ {rest}{_ESAC}", CHOICE


# ---- the three ways

_COMPARED = {"less": "<", "greater": ">"}
_LOGICAL = {"logical_and": "and", "logical_or": "or", "bitwise_and": "and", "bitwise_or": "or"}


def _infix(dot: str, minus: str, between: dict[str, str], power: str = "{0}^{1}") -> Any:
    operators = {
        "add": ("{0} + {1}", SUM, (SUM, SERIES)),
        "subtract": (f"{{0}} {minus} {{1}}", SUM, (SUM, SERIES)),
        "multiply": (f"{{0}}{dot}{{1}}", PRODUCT, (PRODUCT, FUNCTION)),
        "divide": ("{0} / {1}", PRODUCT, (PRODUCT, FUNCTION)),
        "negative": (f"{minus}{{0}}", SUM, (PRODUCT,)),
        "power": (power, POWER, (ATOM, ATOM)),
    }
    sides = (SUM, SUM)
    compared = {name: (f"{{0}} {sign} {{1}}", COMPARISON, sides) for name, sign in between.items()}
    return operators | compared


_SUPERSCRIPTS = str.maketrans("−0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_AROUND = {"absolute": "|{0}|", "euclidean": "‖{0}‖", "floor": "⌊{0}⌋", "ceil": "⌈{0}⌉", "inv": "inv({0})"}
_GLYPHS = {
    "maximum": "max",
    "minimum": "min",
    "expit": "σ",
    "log": "ln",
    "sqrt": "√",
    "cbrt": "∛",
    "ndtr": "Φ",
    "gamma": "Γ",
}


def _plain_function(name: str, operands: list[Written]) -> Written:
    inside = ", ".join(text for text, _ in operands)
    if name in _LOGICAL:
        return f" {_LOGICAL[name]} ".join(PLAIN.within(o, COMPARISON) for o in operands), CHOICE
    if name in ("exp2", "exp10"):
        return f"{name[3:]}^{PLAIN.within(operands[0], ATOM)}", POWER
    if name in _AROUND:
        return _AROUND[name].format(inside), ATOM
    if name == "power":
        base, exponent = operands
        raised = exponent[0].translate(_SUPERSCRIPTS)
        if re.fullmatch(r"[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+", raised):
            return PLAIN.within(base, ATOM) + raised, POWER
        return f"{PLAIN.within(base, ATOM)}^{PLAIN.within(exponent, ATOM)}", POWER
    if name in ("bell", "gaussian"):
        return f"exp(−{PLAIN.within(operands[0], ATOM)}²{'/2' if name == 'bell' else ''})", ATOM
    if name == "exp" and len(inside) == 1:
        return f"e^{inside}", POWER
    return f"{_GLYPHS.get(name, name)}({inside})", ATOM


def _without(table: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in table.items() if key not in names}


PLAIN = Notation(
    symbol=str, number=plain_number, function=_plain_function,
    choice=lambda c, x, y: (f"{x} if {c} else {y}", CHOICE),
    infix=_without(
        _infix("·", "−", {**_COMPARED, "less_equal": "≤", "greater_equal": "≥", "equal": "=", "not_equal": "≠"}),
        "power",
    ),
)  # fmt: skip
PYTHON = Notation(
    symbol=str, number=repr, function=lambda name, xs: (f"{name}({', '.join(t for t, _ in xs)})", ATOM),
    choice=lambda c, x, y: (f"where({c}, {x}, {y})", ATOM),
    infix=_infix(
        " * ", "-", {**_COMPARED, "less_equal": "<=", "greater_equal": ">=", "equal": "==", "not_equal": "!="},
        "{0}**{1}",
    ),
)  # fmt: skip
LATEX = Notation(
    symbol=latex_name, number=latex_number, function=_latex_function, choice=_latex_choice,
    infix=_infix(
        "", "-", {**_COMPARED, "less_equal": r"\le", "greater_equal": r"\ge", "equal": "=", "not_equal": r"\ne"}
    )
    | {"divide": (r"\frac{{{0}}}{{{1}}}", POWER, (CHOICE, CHOICE)), "power": ("{0}^{{{1}}}", POWER, (ATOM, CHOICE))},
    bracket=r"\left({0}\right)", spaced=True,
)  # fmt: skip
