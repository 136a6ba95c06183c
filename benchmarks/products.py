"""Matrix products in machine code beside BLAS and NumPy: GFLOP/s, as a share of the peak of the core.

    python benchmarks/products.py                 squares and the shapes of networks, float32 and float64
    python benchmarks/products.py --only 64x64x64 --rounds 15

``A'B`` and ``AB'`` are the products of the backward pass: the transposed operand lies in rows. Medians.
"""

from __future__ import annotations

import os

for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import ctypes
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import threadpoolctl

from wengert.compile.emit import F32, I64, PTR, Emitter, Type, Value, type_of
from wengert.compile.engine import link, object_code
from wengert.compile.products import Matrix, product, workspace_bytes
from wengert.compile.target import host

# time of this thread alone: what others do on the machine disturbs it less
clock = time.thread_time
SQUARES = [(n, n, n) for n in (16, 32, 64, 96, 128, 192, 256, 384, 512)]
NETWORKS = [
    (64, 64, 12),
    (64, 64, 64),
    (64, 2, 64),
    (32, 8, 2),
    (32, 8, 8),
    (32, 3, 8),
    (128, 128, 64),
    (128, 128, 128),
    (128, 10, 128),
    (128, 512, 784),
    (128, 512, 512),
]  # fmt: skip  (m, n, k)


def aligned(rows: int, columns: int, dtype: Any, rng: np.random.Generator) -> np.ndarray:
    """A random matrix that begins at a cache line."""
    count = rows * columns
    memory = np.empty(count + 64, dtype)
    start = (-memory.ctypes.data % 64) // memory.itemsize
    memory[start : start + count] = rng.normal(size=count)
    return memory[start : start + count].reshape(rows, columns)


def native(build: Callable[..., None], pointers: int) -> tuple[Callable[..., None], float, int]:
    """A function of pointers and a number; how long it took to make, and its lines of IR."""
    began = time.perf_counter()
    e = Emitter()
    with e.function("f", [PTR] * pointers + [I64]) as arguments:
        build(e, *arguments)
    text = e.text()
    unit = link(object_code(text), ["f"], e.symbols)
    took = time.perf_counter() - began
    call = unit.function("f", None, *[ctypes.c_void_p] * pointers, ctypes.c_int64)
    return call, took, text.count("\n")


def peak(t: Type) -> float:
    """Multiplications and additions a second in registers, in 1e9."""
    wide = t.wide(host().lanes(t.size))

    def build(e: Emitter, p: Value, n: Value) -> None:
        x, y = e.load(p, wide), e.load(p, wide, 16)
        sums = e.loop(n, lambda _, *s: [e.fma(e.fma(v, x, y), x, y) for v in s], [e.load(p, wide)] * 12)
        for k, s in enumerate(sums):
            e.store(s, p, k * wide.lanes)

    call, _, _ = native(build, 1)
    memory, rounds, best = np.full(4096, 0.5), 100_000, float("inf")
    for _ in range(9):
        began = clock()
        call(memory.ctypes.data, rounds)
        best = min(best, clock() - began)
    return rounds * 12 * 2 * wide.lanes * 2 / best / 1e9


def contender(m: int, n: int, k: int, t: Type, a: np.ndarray, b: np.ndarray, c: np.ndarray, by: Any) -> Any:
    sa, sb = (tuple(s // x.itemsize for s in x.strides) for x in (a, b))
    space = np.zeros(workspace_bytes(m, n, k, sa, sb, (n, 1), t, by=by) + 128, np.uint8)
    at = space.ctypes.data + -space.ctypes.data % 64

    def build(e: Emitter, pa: Value, pb: Value, pc: Value, ps: Value, rounds: Value) -> None:
        e.loop(rounds, lambda _: product(
            e, m, n, k, Matrix(pa, *sa), Matrix(pb, *sb), Matrix(pc, n, 1), t, workspace=ps, by=by))  # fmt: skip

    call, took, lines = native(build, 4)

    def run(rounds: int) -> None:
        call(a.ctypes.data, b.ctypes.data, c.ctypes.data, at, rounds)

    run.keep = space  # type: ignore[attr-defined]
    return run, took, lines


def row(m: int, n: int, k: int, t: Type, form: str, top: float, rounds: int) -> None:
    rng = np.random.default_rng(0)
    dtype = np.float32 if t == F32 else np.float64
    a = aligned(k, m, dtype, rng).T if form == "A'B" else aligned(m, k, dtype, rng)
    b = aligned(n, k, dtype, rng).T if form == "AB'" else aligned(k, n, dtype, rng)
    c = aligned(m, n, dtype, rng)
    runs: dict[str, Any] = {by: contender(m, n, k, t, a, b, c, by) for by in ("kernel", "blas")}
    repeat = max(1, int(4e6 / (m * n * k)))
    times: dict[str, list[float]] = {name: [] for name in ("kernel", "blas", "numpy")}
    for run, _, _ in runs.values():
        c[:] = 0
        run(1)
        assert np.allclose(c, a @ b, rtol=1e-3, atol=1e-3)
    for _ in range(rounds):
        for name, (run, _, _) in runs.items():
            began = clock()
            run(repeat)
            times[name].append((clock() - began) / repeat)
        began = clock()
        for _ in range(max(1, repeat // 20)):
            np.matmul(a, b, out=c)
        times["numpy"].append((clock() - began) / max(1, repeat // 20))
    middle = {name: statistics.median(x) for name, x in times.items()}
    shares = "  ".join(
        f"{name} {2e-9 * m * n * k / s:6.1f} GF/s {200e-9 * m * n * k / s / top:4.0f} %" for name, s in middle.items()
    )
    _, took, lines = runs["kernel"]
    print(f"{t} {m:4}x{k:4}x{n:4} {form:4} {middle['kernel'] * 1e6:9.2f} us  {shares}  "
          f"compiled {took * 1e3:5.1f} ms, {lines} lines", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="shapes m x k x n or dtypes that contain this")
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    threadpoolctl.threadpool_limits(1)
    for t in (F32, type_of(np.dtype(np.float64))):
        top = peak(t)
        print(f"{t}: peak {top:.0f} GFLOP/s", flush=True)
        rows = [(s, "AB") for s in SQUARES] + [(s, form) for s in NETWORKS for form in ("AB", "A'B", "AB'")]
        for (m, n, k), form in rows:
            if chosen.only is None or chosen.only in f"{t} {m}x{k}x{n} {form}":
                row(m, n, k, t, form, top, chosen.rounds)


if __name__ == "__main__":
    main()
