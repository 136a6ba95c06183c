"""Exact values of elementary functions by mpmath, and operands that try all of a function's branches."""

import mpmath as mp
import numpy as np
import scipy.special as sc

with mp.workdps(60):
    SQRT2 = mp.sqrt(2)


def inside(f, low, high):
    return lambda x: f(x) if low <= x <= high else mp.nan


def log_or(f):
    return lambda x: mp.nan if x < 0 else (-mp.inf if x == 0 else f(x))


def log_add(exp, log):
    return lambda x, y: max(x, y) + log(1 + exp(-abs(x - y)))


def power(x, y):
    return mp.nan if x < 0 and y != mp.floor(y) else mp.power(x, y)


def cbrt(x):
    return mp.sign(x) * mp.cbrt(abs(x))


def log_ndtr(x):
    return mp.log(mp.erfc(-x / SQRT2) / 2) if x < 1 else mp.log1p(-mp.erfc(x / SQRT2) / 2)


# name: (exact, NumPy's or SciPy's, largest operand that is worth trying)
ONE = {
    "exp": (mp.exp, np.exp, 760), "exp2": (lambda x: mp.mpf(2) ** x, np.exp2, 1090), "exp10": (lambda x: mp.mpf(10) ** x, sc.exp10, 330),
    "expm1": (mp.expm1, np.expm1, 720), "log": (log_or(mp.log), np.log, 1e300), "log2": (log_or(lambda x: mp.log(x, 2)), np.log2, 1e300),
    "log10": (log_or(mp.log10), np.log10, 1e300),
    "log1p": (lambda x: mp.nan if x < -1 else (-mp.inf if x == -1 else mp.log1p(x)), np.log1p, 1e300),
    "cbrt": (cbrt, np.cbrt, 1e300), "sin": (mp.sin, np.sin, 1e6), "cos": (mp.cos, np.cos, 1e6), "tan": (mp.tan, np.tan, 1e6),
    "arcsin": (inside(mp.asin, -1, 1), np.arcsin, 1), "arccos": (inside(mp.acos, -1, 1), np.arccos, 1), "arctan": (mp.atan, np.arctan, 1e300),
    "sinh": (mp.sinh, np.sinh, 715), "cosh": (mp.cosh, np.cosh, 715), "tanh": (mp.tanh, np.tanh, 25),
    "arcsinh": (mp.asinh, np.arcsinh, 1e300), "arccosh": (lambda x: mp.acosh(x) if x >= 1 else mp.nan, np.arccosh, 1e300),
    "arctanh": (inside(lambda x: mp.inf * x if abs(x) == 1 else mp.atanh(x), -1, 1), np.arctanh, 1),
    "expit": (lambda x: 1 / (1 + mp.exp(-x)), sc.expit, 750),
    "log_expit": (lambda x: -mp.log1p(mp.exp(-x)) if x > 0 else x - mp.log1p(mp.exp(x)), sc.log_expit, 750),
    "logit": (inside(lambda p: mp.log(p / (1 - p)) if 0 < p < 1 else mp.inf * (p - 0.5), 0, 1), sc.logit, 1),
    "entr": (lambda x: -x * mp.log(x) if x > 0 else (-mp.inf if x < 0 else 0), sc.entr, 1e300),
    "erf": (mp.erf, sc.erf, 7), "erfc": (mp.erfc, sc.erfc, 28), "erfcx": (lambda x: mp.exp(x * x) * mp.erfc(x), sc.erfcx, 27),
    "ndtr": (lambda x: mp.erfc(-x / SQRT2) / 2, sc.ndtr, 39), "log_ndtr": (log_ndtr, sc.log_ndtr, 60),
    "gaussian": (lambda x: mp.exp(-x * x), None, 28), "bell": (lambda x: mp.exp(-x * x / 2), None, 39),
}  # fmt: skip
TWO = {
    "power": (power, np.power), "float_power": (power, np.float_power),
    "arctan2": (lambda y, x: mp.atan2(y, x), np.arctan2), "hypot": (mp.hypot, np.hypot),
    "xlogy": (lambda x, y: x * mp.log(y) if y > 0 else mp.nan, sc.xlogy),
    "xlog1py": (lambda x, y: x * mp.log1p(y) if y > -1 else mp.nan, sc.xlog1py),
}  # fmt: skip
SUMS = {
    "logaddexp": (log_add(mp.exp, mp.log), np.logaddexp),
    "logaddexp2": (log_add(lambda x: mp.mpf(2) ** x, lambda x: mp.log(x, 2)), np.logaddexp2),
}


def operands(dtype, largest, n, seed=1):
    """Small and large, near 1 and over all exponents, both signs."""
    rng, info = np.random.default_rng(seed), np.finfo(dtype)
    largest = min(largest, float(info.max))
    low, high = int(np.log2(float(info.smallest_subnormal))), info.maxexp - 1
    parts = [
        rng.normal(size=n) * 10.0 ** rng.uniform(-8, 3, n), rng.uniform(-3, 3, n), rng.uniform(-1, 1, n), rng.uniform(0, 1, n),
        rng.uniform(-1, 1, n) * largest, 1 + rng.normal(size=n) * 10.0 ** rng.uniform(-8, 0, n),
        np.ldexp(rng.uniform(1, 2, n), rng.integers(low, high, n)) * rng.choice([-1, 1], n),
    ]  # fmt: skip
    with np.errstate(over="ignore"):
        x = np.concatenate(parts).astype(dtype)
    return x[np.abs(x) <= largest]


def exact(f, *columns):
    """Pairs (rounded to double, the rest), enough for half a hundred more bits."""
    high, low = [], []
    with mp.workdps(45):
        for row in zip(*columns, strict=True):
            value = f(*[mp.mpf(float(v)) for v in row])
            head = float(value)
            high.append(head)
            low.append(float(value - head) if np.isfinite(head) else 0.0)
    return np.array(high), np.array(low)


def ulps(ours, high, low):
    """The distance from high + low in units of the last place; infinite where ours is of another kind."""
    dtype = ours.dtype
    with np.errstate(all="ignore"):
        rounded = high.astype(dtype)
        unit = np.spacing(np.abs(rounded)).astype(np.float64)
        top = float(np.finfo(dtype).max)
        distance = np.abs((ours.astype(np.float64) - high) - low) / np.where(np.isfinite(unit), unit, 1)
    same = (ours == rounded) | (np.isnan(ours) & np.isnan(rounded))
    # what rounds to infinity or to the largest number is right either way within one unit
    edge = np.isinf(ours) & (np.abs(high) >= top * (1 - 4 * np.finfo(dtype).eps)) & (np.sign(ours) == np.sign(high))
    distance = np.where(np.isfinite(ours) & np.isfinite(rounded), distance, np.inf)
    return np.where(same & ~np.isfinite(rounded), 0.0, np.where(edge, 0.0, distance))
