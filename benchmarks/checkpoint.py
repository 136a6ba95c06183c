"""What rematerialisation saves and costs: peak memory and time of gradients with and without checkpoints.

    .venv/bin/python benchmarks/checkpoint.py

Memory is counted in arrays of the size of the state, by tracemalloc; time is the median of interleaved runs,
as a ratio to the gradient that keeps everything.
"""

from __future__ import annotations

import functools
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import checkpoint, grad

DEPTH, GROUP, REPEATS = 144, 12, 7


def waves(wrap: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """144 elementwise steps in 12 groups of 12."""

    def group(x: Any) -> Any:
        for _ in range(GROUP):
            x = np.sin(x) + 0.1 * x
        return x

    step = wrap(group)

    def f(x: Any) -> Any:
        for _ in range(DEPTH // GROUP):
            x = step(x)
        return np.sum(x)

    return f


def layers(wrap: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """48 layers with two elementwise functions each, in groups of 4; the weights come by closure."""
    weights = np.random.default_rng(0).normal(size=(256, 256)) / 16

    def group(x: Any) -> Any:
        for _ in range(4):
            x = x + np.tanh(np.exp(-np.square(x @ weights)))
        return x

    step = wrap(group)

    def f(x: Any) -> Any:
        for _ in range(12):
            x = step(x)
        return np.sum(x * x)

    return f


def peak(run: Callable[[], Any], size: int) -> float:
    tracemalloc.start()
    run()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most / size


def main() -> None:
    ways: dict[str, Callable[[Any], Any]] = {
        "everything kept": lambda f: f,
        "checkpoint": checkpoint,
        'checkpoint, policy="products"': lambda f: checkpoint(f, "products"),
    }
    for name, make, x in (
        ("144 sines of 10^6 numbers", waves, np.ones(1_000_000)),
        ("48 layers of 256, batch 512", layers, np.random.default_rng(1).normal(size=(512, 256))),
    ):
        runs = {way: functools.partial(grad(make(wrap)), x) for way, wrap in ways.items()}
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(REPEATS):
            for way, run in runs.items():
                start = time.perf_counter()
                run()
                seconds[way].append(time.perf_counter() - start)
        base = statistics.median(seconds["everything kept"])
        print(f"{name}")
        for way, run in runs.items():
            ratio = statistics.median(seconds[way]) / base
            print(f"  {way:<32} peak {peak(run, x.nbytes):6.1f} arrays   time {ratio:5.2f} x")


if __name__ == "__main__":
    main()
