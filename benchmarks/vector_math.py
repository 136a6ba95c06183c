"""Elementary functions of machine code beside NumPy's and SciPy's: nanoseconds an element, in one process by turns.

    python benchmarks/vector_math.py            the main functions
    python benchmarks/vector_math.py tanh erf   these

4096 elements, in the caches; medians over rounds. The last column is how many times faster machine code is.
"""

from __future__ import annotations

import ctypes
import statistics
import sys
import time
from typing import Any

import numpy as np
import scipy.special as sc

from wengert.compile.emit import Emitter, type_of
from wengert.compile.engine import link, object_code
from wengert.compile.scalars import LOWER

MAIN = "exp log tanh expit sin cos erf log1p expm1 exp2 log2 arctan cosh power arctan2 hypot logaddexp remainder cbrt"
SIZE, ROUNDS, CALLS = 4096, 60, 5


def compiled(name: str, dtype: np.dtype[Any], operands: int) -> Any:
    """A loop of the function over arrays, in vectors of the machine's width."""
    e = Emitter()
    t = type_of(dtype).wide(e.target.lanes(dtype.itemsize))
    with e.function("f", ["ptr"] * (operands + 1)) as (*xs, y):

        def step(i: Any) -> None:
            e.store(LOWER[name](e, [e.load(x, t, i) for x in xs], dtype, {}), y, i)

        e.loop(SIZE, step, step=t.lanes)
    unit = link(object_code(e.text()), e.exports, e.symbols)
    return unit.function("f", None, *[ctypes.c_void_p] * (operands + 1))


def median_of(runs: list[Any]) -> list[float]:
    """Nanoseconds an element of each, measured by turns."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for run, record in zip(runs, times, strict=True):
            start = time.perf_counter()
            for _ in range(CALLS):
                run()
            record.append(time.perf_counter() - start)
    return [statistics.median(t) / CALLS / SIZE * 1e9 for t in times]


def row(name: str, dtype: Any) -> str:
    """One function in one precision."""
    ufunc = getattr(np, name, None) or getattr(sc, name)
    rng = np.random.default_rng(0)
    xs = [rng.uniform(0.05, 3, SIZE).astype(dtype) for _ in range(ufunc.nin)]
    if ufunc.nin == 1 and not name.startswith("log"):
        xs[0] = (xs[0] * rng.choice([-1, 1], SIZE)).astype(dtype)
    y = np.empty(SIZE, dtype)
    f = compiled(name, np.dtype(dtype), ufunc.nin)
    pointers = [ctypes.c_void_p(a.ctypes.data) for a in (*xs, y)]
    ours, theirs = median_of([lambda: f(*pointers), lambda: ufunc(*xs, out=y)])
    return f"{name:10} {np.dtype(dtype).name:8} {ours:7.3f} {theirs:9.3f} {theirs / ours:7.2f}"


def main() -> None:
    print(f"{'':19} {'ours':>7} {'NumPy':>9} {'times':>7}")
    with np.errstate(all="ignore"):
        for name in sys.argv[1:] or MAIN.split():
            for dtype in (np.float32, np.float64):
                print(row(name, dtype))


if __name__ == "__main__":
    main()
