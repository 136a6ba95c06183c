"""What a call of compiled code costs beside the code's own work: operands, results, threads, Python called back.

    python benchmarks/calls.py

Each figure is the median of rounds in which all are measured in turn; NumPy's `np.negative` stands beside them.
"""

import timeit
from statistics import median

import numpy as np

from wengert.compile.callbacks import callback
from wengert.compile.emit import F64, I32, PTR, Emitter
from wengert.compile.engine import link, object_code
from wengert.compile.entry import entry
from wengert.compile.threads import barrier, get_threads
from wengert.core.types import Aval, aval_of

ROUNDS, CALLS = 15, 2000


def build(body, inputs, outputs, symbols=(), keep=None, **options):
    """An entry to a core with this body."""
    e = Emitter()
    for name, address in symbols:
        e.external(name, address, I32, PTR)
    with e.function("core", ["ptr", "ptr", "i64", "ptr"], I32) as (operands, arena, thread, team):
        e.ret(body(e, operands, arena, thread, team) or e.const(I32, 0))
    unit = link(object_code(e.text()), e.exports, e.symbols, keep)
    return entry(unit["core"], inputs, outputs, unit=unit, **options)


def nothing(*_):
    """A core that leaves its outputs as they are."""


def copy(e, operands, *_):
    """Ten numbers."""
    x, y = e.load(operands, PTR, 0), e.load(operands, PTR, 1)
    e.store(e.load(x, F64.wide(8)), y)
    e.store(e.load(x, F64.wide(2), 8), y, 8)


def barriers(count, threads):
    """A core that only waits."""

    def body(e, _operands, _arena, _thread, team):
        for _ in range(count):
            barrier(e, team, threads)

    return body


def cases():
    """Names, functions, operands."""
    ten, number = np.arange(10.0), 0.5
    array, weak, strong = aval_of(ten), aval_of(number), Aval((), ten.dtype, "scalar")
    threads = max(2, get_threads())
    address, keep = callback(lambda x: x, [array], [array])
    python = [("python", address)]
    back = build(lambda e, operands, *_: e.call("python", I32, operands), [array], [array], python, keep)
    yield "np.negative, f64[10]", lambda x: np.negative(x), (ten,)
    yield "no operands, no results", build(nothing, [], []), ()
    yield "f64[10] to f64[10]", build(copy, [array], [array], result="single"), (ten,)
    yield "the same, lock given up", build(copy, [array], [array], result="single", seconds=1), (ten,)
    yield "float to float", build(nothing, [weak], [weak], result="single"), (number,)
    yield "np.float64 to np.float64", build(nothing, [strong], [strong], result="single"), (ten[0],)
    yield "10 arrays to 10 arrays", build(nothing, [array] * 10, [array] * 10), (ten,) * 10
    yield "refused", build(copy, [array], [array]), (ten[::-1],)
    yield "Python called back", back, (ten,)
    yield f"{threads} threads", build(nothing, [array], [array], threads=threads), (ten,)
    yield f"{threads} threads, 100 barriers", build(barriers(100, threads), [array], [array], threads=threads), (ten,)


def main():
    """Measure in turn and print."""
    found = [(name, f, operands, []) for name, f, operands in cases()]
    for _ in range(ROUNDS):
        for _name, f, operands, times in found:
            calls = CALLS if len(times) < 1 or times[0] < 5e-6 else 200
            times.append(timeit.timeit(lambda f=f, o=operands: f(*o), number=calls) / calls)
    empty = median(timeit.repeat(lambda f=abs, o=(1,): f(*o), number=CALLS, repeat=ROUNDS)) / CALLS
    print(f"{'microseconds a call':32}  median    least   (a call of abs alone: {empty * 1e6:.2f})")
    for name, _f, _operands, times in found:
        print(f"{name:32} {median(times) * 1e6:7.2f}  {min(times) * 1e6:7.2f}")


if __name__ == "__main__":
    main()
