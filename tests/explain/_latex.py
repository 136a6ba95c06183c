"""What the tests know of LaTeX, without an engine: is it well formed, and what number is it."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

TOKEN = re.compile(r"\\[a-zA-Z]+|\\.|\d+(?:\.\d+)?|[^\s]", re.DOTALL)
GREEK = [
    r"\alpha",
    r"\beta",
    r"\gamma",
    r"\delta",
    r"\epsilon",
    r"\zeta",
    r"\eta",
    r"\theta",
    r"\kappa",
    r"\lambda",
    r"\mu",
    r"\nu",
    r"\xi",
    r"\pi",
    r"\rho",
    r"\sigma",
    r"\tau",
    r"\phi",
    r"\chi",
    r"\psi",
    r"\omega",
    r"\Gamma",
    r"\Delta",
    r"\Theta",
    r"\Lambda",
    r"\Xi",
    r"\Pi",
    r"\Sigma",
    r"\Phi",
    r"\Psi",
    r"\Omega",
]
# What amsmath and amssymb define, of what is used.
KNOWN = frozenset([
    *GREEK, *(rf"\{name}" for name in ["arcsin", "arccos", "arctan", "ast", "backslash", "bar", "begin", "bf", "bmod", "cases", "cdot", "cdots", "circ", "cos", "cosh", "dfrac", "det", "emptyset", "end", "exists", "exp", "forall", "frac", "gcd", "ge", "hat", "in", "infty", "int", "langle", "lceil", "ldots", "le", "left", "leftarrow", "lfloor", "ll", "ln", "log", "mapsto", "mathbb", "mathbf", "mathcal", "mathit", "mathrel", "mathrm", "mathsf", "max", "min", "ne", "neg", "noindent", "odot", "operatorname", "oplus", "overline", "partial", "perp", "prod", "qquad", "quad", "rangle", "rceil", "rfloor", "right", "rightarrow", "setminus", "sim", "sin", "sinh", "sqrt", "star", "sum", "tan", "tanh", "text", "textbf", "texttt", "tfrac", "times", "to", "top", "vdots", "vee", "wedge", "widehat", "widetilde", "mid", "Re", "Im", "iota", "bigl", "bigr", "gg", "tfrac", "binom", "pmod", "vartheta", "upsilon", "Upsilon", "mathfrak", "mathop", "nolimits", "limits", "ell"]),
    *(rf"\{c}" for c in r"\{}_%#&$,;:!| "),
])  # fmt: skip


def check(tex: str) -> None:
    """Well formed: braces, \\left and \\right, environments; known macros; no second index at one place."""
    tokens = TOKEN.findall(tex)
    unknown = {t for t in tokens if t.startswith("\\") and t not in KNOWN}
    assert not unknown, f"{unknown} in {tex}"
    assert tex.isascii(), tex
    depth = pairs = 0
    for token in tokens:
        depth += (token == "{") - (token == "}")
        pairs += (token == r"\left") - (token == r"\right")
        assert depth >= 0 <= pairs, tex
    assert depth == pairs == 0, tex
    opened = re.findall(r"\\begin\{(\w+\*?)\}", tex)
    assert sorted(opened) == sorted(re.findall(r"\\end\{(\w+\*?)\}", tex)), tex
    assert not _has_double_script(tokens), f"two indices at one place: {tex}"


def _has_double_script(tokens: list[str]) -> bool:
    met: set[str] = set()
    k = 0
    while k < len(tokens):
        token = tokens[k]
        if token in "_^" and len(token) == 1:
            if token in met:
                return True
            met.add(token)
            k = _after_group(tokens, k + 1)
            continue
        met.clear()
        k += 1
    return False


def _after_group(tokens: list[str], k: int) -> int:
    if k >= len(tokens) or tokens[k] != "{":
        return k + 1
    depth = 0
    while True:
        depth += (tokens[k] == "{") - (tokens[k] == "}")
        k += 1
        if depth == 0:
            return k


# ---- values


FUNCTIONS: dict[str, Any] = {
    r"\sin": np.sin, r"\cos": np.cos, r"\tan": np.tan, r"\sinh": np.sinh, r"\cosh": np.cosh, r"\tanh": np.tanh,
    r"\ln": np.log, r"\arcsin": np.arcsin, "sign": np.sign, "round": np.rint,
}  # fmt: skip


class Reader:
    """A reader of the formulas of functions of numbers: juxtaposition and \\cdot are products."""

    def __init__(self, tex: str, names: dict[str, Any]) -> None:
        self.tokens, self.k, self.names = TOKEN.findall(tex), 0, names

    def peek(self) -> str:
        return self.tokens[self.k] if self.k < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        token = self.peek()
        assert not wanted or token in wanted, f"{token!r} where {wanted} is wanted, in {' '.join(self.tokens)}"
        self.k += 1
        return token

    def group(self) -> Any:
        self.take("{")
        value = self.comparison()
        self.take("}")
        return value

    def raw_group(self) -> str:
        end = _after_group(self.tokens, self.k)
        inside = "".join(self.tokens[self.k + 1 : end - 1])
        self.k = end
        return inside

    def comparison(self) -> Any:
        left = self.sum()
        signs = {"=": np.equal, "<": np.less, ">": np.greater, r"\le": np.less_equal, r"\ge": np.greater_equal}
        while self.peek() in signs:
            left = signs[self.take()](left, self.sum())
        while self.peek() == r"\wedge":
            self.take()
            right = self.comparison()
            left = left and right
        return left

    def sum(self) -> Any:
        negative = self.peek() == "-" and self.take()
        total = -self.product() if negative else self.product()
        while self.peek() in ("+", "-") and self.peek():
            total = total + self.product() if self.take() == "+" else total - self.product()
        return total

    def product(self) -> Any:
        value = self.factor()
        while True:
            if self.peek() == r"\cdot":
                self.take()
            elif self.peek() in ("", "}", ")", "+", "-", "=", "<", ">", ",", "&", "|", r"\right", r"\\", r"\end", r"\le",
                                 r"\ge", r"\wedge", r"\rfloor", "/"):  # fmt: skip
                return value
            value = value * self.factor()

    def factor(self) -> Any:
        if self.peek() in FUNCTIONS:
            return FUNCTIONS[self.take()](self.factor())
        base = self.atom()
        if self.peek() == "^":
            self.take()
            return np.power(base, self.group() if self.peek() == "{" else float(self.take()))
        return base

    def atom(self) -> Any:
        token = self.take()
        if token == r"\left":
            sign = self.take("(", "|")
            value = self.comparison()
            self.take(r"\right")
            self.take(")", "|")
            return abs(value) if sign == "|" else value
        if token == "(":
            value = self.comparison()
            self.take(")")
            return value
        if token == "{":
            self.k -= 1
            return self.group()
        if token in (r"\frac", r"\tfrac"):
            top = self.group()
            return top / self.group()
        if token == r"\sqrt":
            return np.sqrt(self.group())
        if token == r"\operatorname":
            return FUNCTIONS[self.raw_group()](self.factor())
        if token == r"\sigma" and self.peek() == "(":
            return 1 / (1 + np.exp(-self.atom()))
        if token == r"\lfloor":
            top = self.sum()
            self.take("/")
            value = np.floor(top / self.sum())
            self.take(r"\rfloor")
            return value
        if token == r"\begin":
            return self.cases()
        if token == r"\pi":
            return math.pi
        if token == "e":
            return math.e
        if token[0].isdigit():
            return float(token)
        return self.names[token]

    def cases(self) -> Any:
        assert self.raw_group() == "cases"
        chosen: Any = None
        while True:
            value = self.comparison()
            self.take("&")
            if self.peek() == r"\text":
                self.take()
                assert self.raw_group() == "else"
                holds = True
            else:
                holds = bool(self.comparison())
            chosen = value if holds and chosen is None else chosen
            if self.take(r"\\", r"\end") == r"\end":
                self.raw_group()
                return chosen


def value_of(tex: str, names: dict[str, Any]) -> Any:
    """The number that a formula is, for the values of its symbols."""
    reader = Reader(tex, names)
    value = reader.comparison()
    assert reader.k == len(reader.tokens), f"read to {reader.k} of {reader.tokens}"
    return value
