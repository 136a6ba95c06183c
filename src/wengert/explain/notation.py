"""How a term is written: as text, in LaTeX, and as Python with NumPy's names.

LaTeX of functions comes from the records' own ``tex``. Brackets stand where the binding of operations asks for them.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from wengert.core.primitive import REGISTRY
from wengert.explain.terms import Term, is_number

__all__ = ["LATEX", "PLAIN", "PYTHON", "Notation", "barred", "latex_name", "latex_number", "plain_number"]

# How tightly an expression binds: a choice, a comparison, a sum, a product, a function before its argument, a power.
# A sum over indices stands bare among summands, and in brackets among factors.
CHOICE, COMPARISON, SUM, SERIES, PRODUCT, FUNCTION, POWER, ATOM = range(8)
Written = tuple[str, int]

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"
).split()
_LETTERS = dict(zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", _GREEK, strict=True)) | {"ς": "sigma", "ϵ": "epsilon"}
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_CYRILLIC = dict(
    zip(
        "абвгґдеёєжзиіїйклмнопрстуфхцчшщъыьэюя",
        "a b v h g d e e ie zh z y i i i k l m n o p r s t u f kh ts ch sh shch _ y _ e iu ia".split(),
        strict=True,
    )
)  # as passports do (ICAO 9303), for engines without these letters
_PARTS = re.compile(r"(\[[^\[\]]*\]|\.)")
_TURN = re.compile(r"(.+)\((\d+)\)")
_INDEXED = re.compile(r"([A-Za-z]+)_?(\d+)")


# ---- names


def latex_name(name: str) -> str:
    r"""A Python name in LaTeX: indices below, Greek letters as such, words upright below and slanted above.

    Example:
        >>> [latex_name(n) for n in ("x_1", "x12", "alpha", "W_hidden", "loss", "params[0].w", "σ", "a_b%")]
        ['x_{1}', 'x_{12}', '\\alpha', 'W_{\\mathrm{hidden}}', '\\mathit{loss}', '\\mathit{params}_{0}.w', '\\sigma', 'a_{\\mathrm{b\\%}}']
    """
    turn = _TURN.fullmatch(name)
    if turn:
        return f"{{{latex_name(turn[1])}^{{({turn[2]})}}}}"
    written = ""
    for part in _PARTS.split(name):
        if part.startswith("["):
            # the index of a subscripted name stands beside it, not below it once more
            inner = escaped(part[1:-1])
            written = f"{{{written}}}_{{{inner}}}" if "_" in written else f"{written}_{{{inner}}}"
        else:
            written += "." if part == "." else _word(part)
    return written


def barred(tex: str) -> str:
    r"""The gradient of the output by a name: a bar over its letter.

    Example:
        >>> print(barred("v_{12}"), barred("W"), barred(latex_name("loss")))
        \bar{v}_{12} \bar{W} \overline{\mathit{loss}}
    """
    letter, separator, below = tex.partition("_")
    if re.fullmatch(r"[A-Za-z]|\\[a-zA-Z]+", letter):
        return rf"\bar{{{letter}}}{separator}{below}"
    return rf"\overline{{{tex}}}"


def _word(word: str) -> str:
    word = word.translate(_SUBSCRIPTS)
    found = _INDEXED.fullmatch(word)
    head, index = (found[1], found[2]) if found else _divided(word)
    if not index:
        return _letters(head)
    below = index if index.isdigit() or (len(index) == 1 and index.isalpha() and index.isascii()) else _below(index)
    return f"{_letters(head)}_{{{below}}}"


def _divided(word: str) -> tuple[str, str]:
    head, _, rest = word.strip("_").partition("_")
    for letter in word[:1]:  # σ1, and not only s1
        if letter in _LETTERS and word[1:].isdigit():
            return letter, word[1:]
    return (head, rest) if head and rest else (word, "")


def _below(index: str) -> str:
    return f"\\{index}" if index in _GREEK else rf"\mathrm{{{escaped(index)}}}"


def _letters(word: str) -> str:
    if word in _GREEK or word in _LETTERS:
        return "\\" + _LETTERS.get(word, word)
    shown = escaped(word)
    return shown if len(shown) == 1 else rf"\mathit{{{shown}}}" if shown else ""


_ESCAPES = {
    "\\": r"\backslash{}", "{": r"\{", "}": r"\}", "_": r"\_", "%": r"\%", "#": r"\#", "&": r"\&", "$": r"\$",
    "^": r"\hat{}", "~": r"\sim{}", "<": "<", ">": ">",
}  # fmt: skip


def escaped(text: str) -> str:
    """Text for LaTeX's mathematics, in ASCII: other letters by their nearest ones, or by their code."""
    return "".join(_ESCAPES.get(c) or _ascii(c) for c in text)


def _ascii(c: str) -> str:
    if " " <= c <= "~":
        return c
    if c in _LETTERS:
        return rf"\{_LETTERS[c]}{{}}"
    if c.lower() in _CYRILLIC:
        return _CYRILLIC[c.lower()].strip("_").title() if c != c.lower() else _CYRILLIC[c].strip("_")
    plain = unicodedata.normalize("NFKD", c).encode("ascii", "ignore").decode()
    return "".join(_ESCAPES.get(p) or p for p in plain) or f"u{ord(c):04x}"


# ---- numbers

_NAMED: tuple[tuple[float, str, str], ...] = (
    (math.pi, "π", r"\pi"), (2 * math.pi, "2π", r"2\pi"), (math.pi / 2, "π/2", r"\frac{\pi}{2}"),
    (math.log(2.0), "ln 2", r"\ln 2"), (math.log(10.0), "ln 10", r"\ln 10"),
    (math.pi / 180, "π/180", r"\frac{\pi}{180}"), (180 / math.pi, "180/π", r"\frac{180}{\pi}"),
    (math.sqrt(math.pi), "√π", r"\sqrt{\pi}"), (2 / math.sqrt(math.pi), "2/√π", r"\frac{2}{\sqrt{\pi}}"),
    (math.sqrt(2 * math.pi), "√(2π)", r"\sqrt{2\pi}"), (math.sqrt(2.0), "√2", r"\sqrt{2}"),
)  # fmt: skip


def _named(value: Any) -> tuple[str, str] | None:
    if not isinstance(value, float) or not math.isfinite(value):
        return None
    for constant, plain, tex in _NAMED:
        if abs(value) == constant:
            return ("−" * (value < 0) + plain, "-" * (value < 0) + tex)
    return None


def plain_number(value: Any) -> str:
    """A number as text, to six digits.

    Example:
        >>> import math
        >>> plain_number(-0.5), plain_number(math.pi / 180), plain_number(2.0), plain_number(1e-20)
        ('−0.5', 'π/180', '2', '1e−20')
    """
    named = _named(value)
    if named:
        return named[0]
    if isinstance(value, bool | str | complex):
        return str(value)
    mantissa, e, exponent = f"{value + 0:.6g}".partition("e")
    return (mantissa + (f"e{int(exponent)}" if e else "")).replace("-", "−")


def latex_number(value: Any, digits: int = 6) -> str:
    r"""A number in LaTeX.

    Example:
        >>> [latex_number(v) for v in (1.5, -2.5e-7, float("inf"), float("nan"), 1 + 2j)]
        ['1.5', '-2.5 \\cdot 10^{-7}', '\\infty', '\\mathrm{NaN}', '1 + 2\\mathrm{i}']
    """
    if isinstance(value, bool):
        return rf"\mathrm{{{value}}}"
    if isinstance(value, complex):
        sign = "-" if math.copysign(1, value.imag) < 0 else "+"
        return f"{latex_number(value.real, digits)} {sign} {latex_number(abs(value.imag), digits)}" + r"\mathrm{i}"
    named = _named(value)
    if named:
        return named[1]
    if isinstance(value, float) and not math.isfinite(value):
        return r"\mathrm{NaN}" if math.isnan(value) else "-" * (value < 0) + r"\infty"
    mantissa, _, exponent = f"{value + 0:.{digits}g}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


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
_OPENING, _CLOSING = ("{{", "(", "|", ", ", "; ", r"\lfloor ", r"\lceil "), ("}}", ")", "|", r"\right|", ",", ";", " \\r")


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
        "add": (f"{{0}} + {{1}}", SUM, (SUM, SERIES)),
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
_GLYPHS = {"maximum": "max", "minimum": "min", "expit": "σ", "log": "ln", "sqrt": "√", "cbrt": "∛", "ndtr": "Φ", "gamma": "Γ"}


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
    infix=_infix("", "-", {**_COMPARED, "less_equal": r"\le", "greater_equal": r"\ge", "equal": "=", "not_equal": r"\ne"})
    | {"divide": (r"\frac{{{0}}}{{{1}}}", POWER, (CHOICE, CHOICE)), "power": ("{0}^{{{1}}}", POWER, (ATOM, CHOICE))},
    bracket=r"\left({0}\right)", spaced=True,
)  # fmt: skip
