"""How names and numbers are spelled, as text and in LaTeX: indices below, Greek letters, powers of ten."""

from __future__ import annotations

import functools
import math
import re
import unicodedata
from typing import Any

__all__ = ["barred", "escaped", "latex_name", "latex_number", "plain_number"]

_WHOLE = 1_000_000  # below it the digits in front of the point are all shown
_GREEK = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi",
    "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
]  # fmt: skip
_LETTERS = dict(zip("αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", _GREEK, strict=True)) | {"ς": "sigma", "ϵ": "epsilon"}
_RAISED = str.maketrans("²³⁴⁵⁶⁷⁸⁹", "23456789")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
# as passports do (ICAO 9303), for engines without these letters
_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "h", "ґ": "g", "д": "d", "е": "e", "ё": "e", "є": "ie", "ж": "zh", "з": "z",
    "и": "y", "і": "i", "ї": "i", "й": "i", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r",
    "с": "s", "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "",
    "ы": "y", "ь": "", "э": "e", "ю": "iu", "я": "ia",
}  # fmt: skip
_PARTS = re.compile(r"(\[[^\[\]]*\]|\.)")
_TURN = re.compile(r"(.+)\((\d+)\)")
_INDEXED = re.compile(r"([A-Za-z]+)_?(\d+)")


# ---- names


@functools.lru_cache(maxsize=4096)
def latex_name(name: str) -> str:
    r"""A Python name in LaTeX: indices below, Greek letters as such, words upright below and slanted above.

    Example:
        >>> print(*map(latex_name, ("x_1", "x12", "alpha", "W_hidden", "loss", "params[0].w", "σ", "a_b%")))
        x_{1} x_{12} \alpha W_{\mathrm{hidden}} \mathit{loss} \mathit{params}_{0}.w \sigma a_{\mathrm{b\%}}
    """
    if name.startswith("∂"):  # what record calls the gradient of a step
        order = name[1:2].translate(_RAISED) if name[1:2] in "²³⁴⁵⁶⁷⁸⁹" else ""
        raised = f"^{{{order}}}" if order else ""
        return rf"{{\partial{raised} {latex_name(name[1 + bool(order) :])}}}"
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


@functools.lru_cache(maxsize=4096)
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
        return _CYRILLIC[c] if c in _CYRILLIC else _CYRILLIC[c.lower()].title()
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
    if 10**digits <= abs(value) < _WHOLE:
        return str(round(value))
    mantissa, _, exponent = f"{value + 0:.{digits}g}".partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa
