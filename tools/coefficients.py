"""Compute the coefficients of the compiler's elementary functions, and write them as a module of literals.

    python tools/coefficients.py > src/wengert/compile/scalars/coefficients.py

Polynomials are minimax fits by Remez' exchange, in 200 bits with mpmath: E. Remez 1934; W. Cody, "A survey of
practical rational and polynomial approximation of functions", SIAM Review 12 (1970).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np

mp.mp.prec = 200
Function = Callable[[Any], Any]


def remez(f: Function, low: Any, high: Any, n: int, weight: Function = lambda _x: mp.mpf(1)) -> tuple[list[Any], Any]:
    """``n`` coefficients, constant first, of the polynomial p with the least max |weight (f − p)|; and that."""
    low, high = mp.mpf(low), mp.mpf(high)
    nodes = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * k / n) for k in range(n + 1)]
    grid = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * k / (24 * n)) for k in range(24 * n + 1)]
    values = [f(x) for x in grid]
    weights = [weight(x) for x in grid]
    coefficients: list[Any] = []
    for _ in range(12):
        rows = [[x**j for j in range(n)] + [(-1) ** k / weight(x)] for k, x in enumerate(nodes)]
        solved = mp.lu_solve(mp.matrix(rows), mp.matrix([f(x) for x in nodes]))
        coefficients = [solved[j] for j in range(n)]
        errors = [w * (v - mp.polyval(coefficients[::-1], x)) for x, v, w in zip(grid, values, weights, strict=True)]
        nodes = _extrema(grid, errors, n + 1)
        worst = max(abs(e) for e in errors)
        if worst < abs(solved[n]) * mp.mpf("1.01"):
            break
    return coefficients, worst


def _extrema(grid: list[Any], errors: list[Any], wanted: int) -> list[Any]:
    """The largest error of each run of one sign, ``wanted`` of them."""
    runs: list[int] = []
    for k in range(len(grid)):
        if runs and (errors[k] > 0) == (errors[runs[-1]] > 0):
            runs[-1] = max(runs[-1], k, key=lambda j: abs(errors[j]))
        else:
            runs.append(k)
    while len(runs) > wanted:
        runs.pop(0 if abs(errors[runs[0]]) < abs(errors[runs[-1]]) else -1)
    if len(runs) < wanted:
        raise ValueError(f"the error changes its sign {len(runs)} times and not {wanted}: the fit is exact to rounding")
    return [grid[k] for k in runs]


# ---- what is fitted; each is smooth on its range, and its first terms are written out where it is used


def root_series(f: Function, first: list[Any]) -> Function:
    """(f(√z) − Σ first[k] z^(k + ½)) / z^(n + ½): what is left of an odd function behind its first terms."""

    def rest(z: Any) -> Any:
        z = max(z, mp.mpf(10) ** -16)
        with mp.workprec(500):
            r = mp.sqrt(z)
            return (f(r) / r - sum(c * z**k for k, c in enumerate(first))) / z ** len(first)

    return rest


def exp_rest(r: Any) -> Any:
    """(eʳ − 1 − r)/r²."""
    with mp.workprec(500):
        r = r if abs(r) > mp.mpf(10) ** -25 else mp.mpf(10) ** -25
        return (mp.expm1(r) - r) / r**2


def exp2_rest(r: Any) -> Any:
    """(2ʳ − 1)/r."""
    with mp.workprec(500):
        r = r if abs(r) > mp.mpf(10) ** -25 else mp.mpf(10) ** -25
        return mp.expm1(r * mp.log(2)) / r


def cos_rest(z: Any) -> Any:
    """(cos r − 1 + r²/2)/r⁴ of z = r²."""
    with mp.workprec(500):
        z = max(z, mp.mpf(10) ** -20)
        return (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2


def erfcx(a: Any) -> Any:
    """Exp(a²) erfc a, by its asymptotic series far out."""
    with mp.workprec(400):
        if a > 60:
            s, term = mp.mpf(0), mp.mpf(1)
            for k in range(40):
                s, term = s + term, -term * (2 * k + 1) / (2 * a * a)
            return s / (a * mp.sqrt(mp.pi))
        return mp.exp(a * a) * mp.erfc(a)


CENTRE = 4


def erfcx_of_t(t: Any) -> Any:
    """(1 + 2a) e^(a²) erfc(a), where t = (a − 4)/(a + 4)."""
    if t >= 1 - mp.mpf(10) ** -25:
        return 2 / mp.sqrt(mp.pi)
    a = CENTRE * (1 + t) / (1 - t)
    return (1 + 2 * a) * erfcx(a)


HALF_LN2 = mp.log(2) / 2 * mp.mpf("1.002")
EIGHTH = (mp.pi / 4 * mp.mpf("1.002")) ** 2
TAN_EIGHTH = mp.tan(mp.pi / 8) ** 2 * mp.mpf("1.0005")
LOG_END = mp.mpf("0.04005")  # ((m − 1)/(m + 1))² at m = 1½

# name: what it is, function, range, how many coefficients for f32 and f64 (0: none)
POLYNOMIALS: dict[str, tuple[str, Function, Any, Any, int, int]] = {
    "EXP": ("(eʳ − 1 − r)/r² for |r| ≤ ½ ln 2", exp_rest, -HALF_LN2, HALF_LN2, 5, 10),
    "EXP2": ("(2ʳ − 1)/r for |r| ≤ ½", exp2_rest, "-0.501", "0.501", 7, 12),
    "LOG": ("(2 artanh s − 2s)/s³ of z = s², s = (m − 1)/(m + 1), ½√2 ≤ m ≤ 1½",
            lambda z: 2 * root_series(mp.atanh, [mp.mpf(1)])(z), 0, LOG_END, 4, 8),
    "LOG_REST": ("(2 artanh s − 2s − ⅔s³)/s⁵ of the same z",
                 lambda z: 2 * root_series(mp.atanh, [mp.mpf(1), mp.mpf(1) / 3])(z), 0, LOG_END, 0, 9),
    # in double precision, as exact as powers in single precision need them
    "EXP_SHORT": ("(eʳ − 1 − r)/r² for |r| ≤ ½ ln 2", exp_rest, -HALF_LN2, HALF_LN2, 0, 6),
    "LOG_SHORT": ("(2 artanh s − 2s)/s³ of the same z",
                  lambda z: 2 * root_series(mp.atanh, [mp.mpf(1)])(z), 0, LOG_END, 0, 5),
    "SIN": ("(sin r − r)/r³ of z = r², |r| ≤ π/4", root_series(mp.sin, [mp.mpf(1)]), 0, EIGHTH, 3, 6),
    "COS": ("(cos r − 1 + r²/2)/r⁴ of z = r², |r| ≤ π/4", cos_rest, 0, EIGHTH, 3, 6),
    "ATAN": ("(arctan r − r)/r³ of z = r², |r| ≤ tan π/8", root_series(mp.atan, [mp.mpf(1)]), 0, TAN_EIGHTH, 5, 11),
    "ASIN": ("(arcsin r − r)/r³ of z = r² ≤ ¼", root_series(mp.asin, [mp.mpf(1)]), 0, "0.2501", 5, 12),
    "CBRT": ("r^(−1/3) for |r − 1| ≤ 0.12, of r − 1", lambda d: (1 + d) ** (mp.mpf(-1) / 3), "-0.12", "0.12", 0, 8),
    "ERF": ("(erf r − r)/r of z = r² ≤ 1; the error beside erf r / r", lambda z: root_series(mp.erf, [])(z) - 1,
            0, "1.001", 6, 13),
    "LOG_ERFC": ("−ln erfc a for 1 ≤ a ≤ 4; the error times erfc a", lambda a: -mp.log(mp.erfc(a)), 1, 4, 7, 0),
    "ERFCX": ("(1 + 2a) e^(a²) erfc a of t = (a − 4)/(a + 4), a ≥ 0", erfcx_of_t, -1, 1, 0, 24),
}  # fmt: skip

# where the error does not stand beside the function itself
WEIGHTS: dict[str, Function] = {
    "ERF": lambda z: 1 / root_series(mp.erf, [])(z),
    "LOG_ERFC": mp.erfc,
}

# numbers in parts of so many bits, for f32 and f64: their products with small integers are exact
CONSTANTS: dict[str, tuple[str, Any, tuple[int, ...], tuple[int, ...]]] = {
    "HALF_PI": ("π/2", mp.pi / 2, (24, 11, 24, 24), (53, 33, 53)),
    "HALF_PI_UNFUSED": ("π/2", mp.pi / 2, (11, 11, 11, 11, 24), (33, 33, 53)),
}


def parts(number: Any, widths: tuple[int, ...]) -> list[float]:
    """A number as a sum of numbers of so many bits."""
    out = []
    for width in widths:
        with mp.workprec(width):
            out.append(float(+number))
        number = number - mp.mpf(out[-1])
    return out


HEAD = '''"""Coefficients of polynomials, constant first. Written by tools/coefficients.py: change it there.

Behind each its worst error, relative to the function that it approximates.
"""

from __future__ import annotations

# fmt: off
'''


def single(v: Any) -> float:
    """The nearest number of single precision."""
    return float(np.float32(float(v)))


def main() -> None:
    """Write the module."""
    out = [HEAD]
    for name, (what, f, low, high, short, long) in POLYNOMIALS.items():
        sys.stderr.write(f"{name}\n")
        out.append(f"# {what}\n{name} = {{\n")
        for element, n, shape in (("f32", short, single), ("f64", long, float)):
            if n:
                cs, worst = remez(f, low, high, n, WEIGHTS.get(name, lambda x, f=f: 1 / abs(f(x))))
                sys.stderr.write(f"  {element} {float(worst):.2e}\n")
                out.append(listed(element, [shape(c) for c in cs], f"  # {float(worst):.1e}"))
        out.append("}\n")
    for name, (what, number, short, long) in CONSTANTS.items():
        out.append(f"# {what} in parts of {short} and {long} bits\n{name} = {{\n")
        out.extend(listed(key, parts(number, widths), "") for key, widths in (("f32", short), ("f64", long)))
        out.append("}\n")
    sys.stdout.write("".join(out))


def listed(key: str, numbers: list[float], note: str) -> str:
    """An entry of a table, four numbers a line."""
    lines = [", ".join(repr(c) for c in numbers[k : k + 4]) for k in range(0, len(numbers), 4)]
    body = "".join(f"        {line},\n" for line in lines)
    return f'    "{key}": ({note}\n{body}    ),\n'


if __name__ == "__main__":
    main()
