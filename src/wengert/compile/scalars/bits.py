"""What many formulas share: formats, polynomials, signs, powers of two, sums and products with their errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

from wengert.compile.emit import Type, Value

__all__ = [
    "Format", "absolute", "any_lane", "avx512", "bits", "chosen", "constant", "copysign", "floats", "fma", "form",
    "has_avx512", "horner", "infinite", "is_negative", "larger", "power_of_two", "product", "rarely", "scaled",
    "smaller", "total",
]  # fmt: skip


@final
@dataclass(frozen=True)
class Format:
    """A floating-point format of IEEE 754: bits behind the point, the bias of exponents."""

    element: str
    mantissa: int
    bias: int

    @property
    def magic(self) -> float:
        """A number added to which another one is rounded to an integer, that then stands in the lowest bits."""
        return 1.5 * 2.0**self.mantissa

    @property
    def biased(self) -> float:
        """The same, with the bias in the lowest bits: shifted to the exponent's place they are a power of two."""
        return self.magic + self.bias

    @property
    def magic_bits(self) -> int:
        """The bits of the magic number."""
        return ((self.bias + self.mantissa) << self.mantissa) | (1 << (self.mantissa - 1))

    @property
    def one(self) -> int:
        """The bits of 1."""
        return self.bias << self.mantissa

    @property
    def tiny(self) -> float:
        """The smallest normal number."""
        return 2.0 ** (1 - self.bias)

    @property
    def size(self) -> int:
        """Bits in all."""
        return 32 if self.element == "f32" else 64


FORMATS = {"f32": Format("f32", 23, 127), "f64": Format("f64", 52, 1023)}


def form(x: Value) -> Format:
    """The format of a value's elements."""
    return FORMATS[x.type.element]


def constant(like: Value, number: Any) -> Value:
    """A number in the type of another value."""
    return like.e.const(like.type, number)


def fma(a: Any, b: Any, c: Any) -> Value:
    """A b + c."""
    e = next(v.e for v in (a, b, c) if isinstance(v, Value))
    return e.fma(a, b, c)


def horner(x: Value, coefficients: Sequence[float]) -> Value:
    """Σ cₖ xᵏ, by Horner's rule."""
    y = constant(x, coefficients[-1])
    for c in coefficients[-2::-1]:
        y = fma(y, x, c)
    return y


def bits(x: Value) -> Value:
    """The bits of floats as integers."""
    return x.e.bitcast(x, x.type.integer)


def floats(i: Value) -> Value:
    """Integers as the bits of floats."""
    return i.e.bitcast(i, i.type.of(f"f{i.type.bits}"))


def smaller(a: Any, b: Value) -> Value:
    """Of two; the second one beside a NaN, and of equals."""
    return b.e.select(b.e.compare("lt", a, b), a, b)


def larger(a: Any, b: Value) -> Value:
    """Of two; the second one beside a NaN, and of equals."""
    return b.e.select(b.e.compare("gt", a, b), a, b)


def absolute(x: Value) -> Value:
    """|x|."""
    return x.e.fabs(x)


def copysign(size: Value, sign: Value) -> Value:
    """``size`` with another one's sign."""
    return size.e.intrinsic("copysign", size, sign)


def is_negative(x: Value) -> Value:
    """Whether the sign is set, also of zeros and NaNs."""
    i = bits(x)
    return x.e.compare("lt", i, 0)


def infinite(x: Value) -> Value:
    """Whether |x| is ∞."""
    return absolute(x).equals(float("inf"))


def chosen(like: Value, *cases: tuple[Value, Any], otherwise: Any) -> Value:
    """The value beside the first condition that holds."""
    result = otherwise if isinstance(otherwise, Value) else constant(like, otherwise)
    for condition, value in reversed(cases):
        result = like.e.select(condition, value, result)
    return result


# ---- powers of two


def power_of_two(rounded: Value) -> Value:
    """2ᵏ, where k and the bias stand in the low bits of what was rounded by :attr:`Format.biased`."""
    return floats(bits(rounded) << form(rounded).mantissa)


def scaled(p: Value, k: Value, rounded: Value) -> Value:
    """``p`` 2ᵏ, rounded once where it is subnormal; |k| is at most one and a half times the bias."""
    e, f = p.e, form(p)
    if has_avx512(p):
        return avx512("scalef", p, k)
    # in two steps, of which the first one is exact
    half = (f.bias + 1) // 2
    low = k < 0.0
    there = e.select(low, constant(bits(p), half << f.mantissa), constant(bits(p), -half << f.mantissa))
    back = e.select(low, constant(p, 2.0**-half), constant(p, 2.0**half))
    return p * floats((bits(rounded) << f.mantissa) + there) * back


def has_avx512(x: Value) -> bool:
    """Whether these vectors have the instructions of :func:`avx512`."""
    return x.e.target.masks and not x.e.target.arm and x.type.lanes * x.type.bits in (128, 256, 512)


def avx512(name: str, x: Value, *others: Value) -> Value:
    """An instruction of AVX-512 in all lanes: scalef, getexp, getmant."""
    e, t = x.e, x.type
    full = f"llvm.x86.avx512.mask.{name}.{'ps' if t.bits == 32 else 'pd'}.{t.lanes * t.bits}"
    operands = [x, *others, e.undefined(t), e.const(Type("i16" if t.lanes == 16 else "i8"), -1)]
    if t.lanes * t.bits == 512:
        operands.append(e.const(Type("i32"), 4))  # round as ever
    e.declare(full, f"declare {t} @{full}({', '.join(str(v.type) for v in operands)})")
    return e.call(full, t, *operands)


# ---- sums and products with their errors: T. Dekker, "A floating-point technique for extending the available
# precision", Numerische Mathematik 18 (1971)


def total(a: Value, b: Any, *, ordered: bool = False) -> tuple[Value, Value]:
    """A + b rounded, and what was lost; ``ordered``: |a| ≥ |b|, or a is zero."""
    s = a + b
    if ordered:
        return s, (a - s) + b
    c = s - a
    return s, (a - (s - c)) + (b - c)


def product(a: Value, b: Value) -> tuple[Value, Value]:
    """A b rounded, and what was lost."""
    p = a * b
    if a.e.target.fused:
        return p, fma(a, b, -p)
    (ah, al), (bh, bl) = _halves(a), _halves(b)
    return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl


def _halves(a: Value) -> tuple[Value, Value]:
    """Two numbers of half as many bits."""
    c = a * (2.0 ** ((form(a).mantissa + 2) // 2) + 1)
    high = c - (c - a)
    return high, a - high


# ---- lanes that need more


def any_lane(condition: Value) -> Value:
    """Whether a condition holds in some lane, as a scalar."""
    lanes = condition.type.lanes
    if not lanes:
        return condition
    packed = condition.e.bitcast(condition, Type(f"i{lanes}"))
    return packed.e.compare("ne", packed, 0) if lanes > 1 else condition.e.extract(condition, 0)


def rarely(condition: Value, usual: Value, slow: Callable[[], Value]) -> Value:
    """``slow()`` in place of ``usual`` where the condition holds in some lane of it; the branch skips it elsewhere."""
    e = usual.e
    found = e.if_(any_lane(condition), lambda: [e.select(condition, slow(), usual)], lambda: [usual])
    return found[0]
