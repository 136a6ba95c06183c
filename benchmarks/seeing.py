"""What it costs to look: explanations, pages, layouts, diagnoses, summaries.

    make bench BENCH=seeing

Each line is the median of three runs, the first of which also loads what it needs; and the size of what was made.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import wengert
from wengert import nn, optim, random
from wengert.explain.layout import Arc, Node, layout

LARGE = nn.mlp(random.key(0), [784, 512, 512, 10], dtype=np.float32)
X = np.asarray(random.normal(random.key(1), (128, 784)), np.float32)
Y = np.arange(128) % 10


def loss(model: Any) -> Any:
    return nn.softmax_cross_entropy(model(X), Y)


def loop(x: Any) -> Any:
    for _ in range(2500):
        x = np.sin(x) + 0.1 * x
    return x


def scattered(count: int) -> tuple[list[Node], list[Arc]]:
    """A graph in which each node reads one or two of the fifty before it."""
    rng = np.random.default_rng(0)
    nodes = [Node(k, 90.0, 40.0) for k in range(count)]
    pairs = {(max(0, k - int(rng.integers(1, 50))), k) for k in range(1, count) for _ in range(2)}
    return nodes, [Arc(a, b) for a, b in sorted(pairs)]


THOUSAND = scattered(1000)
CASES: dict[str, Callable[[], Any]] = {
    "explain, 784-512-512-10, batch of 128": lambda: wengert.explain(loss)(LARGE),
    "explain and its page, the same": lambda: wengert.explain(loss)(LARGE).html(),
    "explain and its page, loop of 2500 turns": lambda: wengert.explain(loop)(0.5).html(),
    "layout of 1000 nodes": lambda: layout(*THOUSAND),
    "diagnose, 784-512-512-10, 256 rows": lambda: wengert.diagnose(
        LARGE, (np.tile(X, (2, 1)), np.tile(Y, 2)), nn.softmax_cross_entropy, optimizer=optim.adam(1e-3)
    ),
    "summary, 784-512-512-10": lambda: wengert.summary(LARGE, (128, 784)),
    "compare_derivatives, exp x sin x": lambda: wengert.compare_derivatives(lambda x: np.exp(x) * np.sin(x), 1.0),
}


def main() -> None:
    print(f"{'':44}{'median s':>9}{'first s':>9}{'MB':>8}")
    for name, run in CASES.items():
        times: list[float] = []
        made: Any = None
        for _ in range(3):
            begun = time.perf_counter()
            made = run()
            times.append(time.perf_counter() - begun)
        size = f"{len(made.encode()) / 1e6:8.2f}" if isinstance(made, str) else ""
        print(f"{name:44}{statistics.median(times):9.2f}{times[0]:9.2f}{size}", flush=True)


if __name__ == "__main__":
    main()
