"""Random bits: Philox4x64-10 of J. Salmon, M. Moraes, R. Dror and D. Shaw, SC 2011."""

from __future__ import annotations

from wengert.compile.emit import Emitter, Type, Value

__all__ = ["philox"]

MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
STEPS = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)  # what the key's words grow by each round
ROUNDS = 10
LOW = 0xFFFFFFFF


def philox(
    _e: Emitter, k: Value, l: Value, a: Value, b: Value, c: Value, d: Value
) -> tuple[Value, Value, Value, Value]:  # fmt: skip
    """Four random words for each lane, from a key (k, l) and a counter (a, b, c, d), lowest words first.

    Words are i64, scalars or vectors. NumPy's generator adds 1 to its counter before it takes a block from it: with
    ``np.random.Philox(key=key, counter=c)``, element i of ``random_raw(n)`` is word i mod 4 of the block at the
    counter c + 1 + ⌊i/4⌋. That is also element i of :func:`wengert.random._philox.bits`, where c is
    ``(0, 0, data, purpose)``: nothing carries beyond the lowest word, and the block's counter is
    ``(1 + ⌊i/4⌋, 0, data, purpose)``.
    """
    for n in range(ROUNDS):
        high, low = _product(a, MULTIPLIERS[0])
        high_too, low_too = _product(c, MULTIPLIERS[1])
        a, b, c, d = high_too ^ b ^ k, low_too, high ^ d ^ l, low
        if n + 1 < ROUNDS:
            k, l = k + STEPS[0], l + STEPS[1]
    return a, b, c, d


def _product(a: Value, m: int) -> tuple[Value, Value]:
    """The 128 bits of a product, in two words."""
    return _by_halves(a, m) if a.type.lanes else _in_128_bits(a, m)


def _in_128_bits(a: Value, m: int) -> tuple[Value, Value]:
    e, wide = a.e, Type("i128")
    p = e.convert(a, wide, unsigned=True) * e.const(wide, m)
    return e.convert(e.shr(p, 64), a.type), e.convert(p, a.type)


def _by_halves(a: Value, m: int) -> tuple[Value, Value]:
    """Vectors multiply 32 bits with 32 bits: four of those."""
    e = a.e
    a0, a1 = a & LOW, e.shr(a, 32)
    m0, m1 = m & LOW, m >> 32
    bottom = a0 * m0
    middle = a1 * m0 + e.shr(bottom, 32)
    other = a0 * m1 + (middle & LOW)
    high = a1 * m1 + e.shr(middle, 32) + e.shr(other, 32)
    # machines with masks have an instruction for the low words of products too
    return high, a * m if e.target.masks else (other << 32) | (bottom & LOW)
