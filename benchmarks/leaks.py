"""What compiling leaves behind: the memory of this process after many compilations that were dropped.

    .venv/bin/python benchmarks/leaks.py --compilations 10000

Programs differ in a constant, so that nothing is found again. Prints the growth for each compilation, of the second
half, when all that is loaded once has been loaded; and how many file descriptors and threads are left over.
"""

from __future__ import annotations

import argparse
import gc
import os
import threading
from pathlib import Path

os.environ["WENGERT_CACHE"] = "0"

import numpy as np

import wengert
from wengert import make_program
from wengert.compile.compiler import compile_program

ROUNDS = 8


def resident() -> int:
    """Bytes of this process's memory; of Linux."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def kinds(k: int) -> None:
    """Compile three Programs, call them and drop them: of elements, of a product, of a loop with its gradient."""
    x, m = np.ones(4), np.ones((40, 40))
    compile_program(make_program(lambda x: x * float(k + 2) + 1)(x), threads=1)(x)
    compile_program(make_program(lambda m: np.tanh(m @ m) * float(k + 2))(m), threads=2)(m)

    def loop(x: object) -> object:
        return np.sum(wengert.control.fori_loop(0, 9, lambda _, y: np.sin(y) * float(k + 2), x))

    compile_program(make_program(wengert.grad(loop))(x), threads=1)(x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--compilations", type=int, default=2400)
    each = max(1, parser.parse_args().compilations // (3 * ROUNDS))
    found: list[int] = []
    before = descriptors(), threading.active_count()
    for number in range(ROUNDS):
        for k in range(each):
            kinds(number * each + k)
        gc.collect()
        found.append(resident())
        print(f"{3 * each * (number + 1):7d} compilations  {found[-1] / 2**20:7.1f} MiB", flush=True)
    half = ROUNDS // 2
    grown = (found[-1] - found[half - 1]) / (3 * each * (ROUNDS - half))
    after = descriptors(), threading.active_count()
    print(
        f"{grown / 1024:.2f} KiB a compilation; descriptors {before[0]} → {after[0]}, threads {before[1]} → {after[1]}"
    )


if __name__ == "__main__":
    main()
