"""One library in a process of its own: it reads what to do from its input, a line of JSON each, and answers.

    python benchmarks/beside/worker.py PEER THREADS

The requests: ``prepare`` a form of a row (and say what it computed), ``time`` it, ``rate`` of the machine.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.pop(1)  # this folder: its modules are `beside`'s

from beside import machine

if __name__ == "__main__":  # BLAS counts its threads when it is loaded, which is with NumPy
    machine.limit(int(sys.argv[2]))

from beside.rows import ROWS

# Seconds before a call that is timed by itself: BLAS's idle threads spin for a tenth of one after the data are made,
# and after the first call code may still be getting better.
SETTLED = 0.5
NAMES = ("wengert", "jax", "torch", "numpy")


def peer(name: str, threads: int) -> Any:
    """The library's way with the rows; loads the library."""
    if name == "torch":
        from beside.torch_peer import Torch

        return Torch(threads)
    if name == "numpy":
        from beside.by_hand import ByHand

        return ByHand()
    from beside.libraries import Jax, Wengert

    return Jax() if name == "jax" else Wengert(threads)


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree) for leaf in leaves(tree[key])]
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple | list) else [tree]


def check(losses: Any, tree: Any) -> list[float]:
    """What all libraries must agree on: the mean loss, then the size and a fixed projection of the results."""
    import numpy as np

    numbers = [np.asarray(leaf, np.float64).ravel() for leaf in leaves(tree)]
    size = float(sum(np.sum(np.abs(a)) for a in numbers))
    projection = sum(float(a @ np.cos(np.arange(a.size))) for a in numbers)
    # beside the size, where the projection happens to be small
    return [size if losses is None else float(np.mean(np.asarray(losses))), size, size + projection]


class Worker:
    """The rows that have been prepared."""

    def __init__(self, name: str, threads: int) -> None:
        start = time.perf_counter()
        self.peer, self.threads = peer(name, threads), threads
        self.loading = time.perf_counter() - start
        self.runs: dict[tuple[str, str], Any] = {}

    def forms(self, row: str) -> dict[str, Any]:
        makes = self.peer.makes(ROWS[row])
        aside = [form for form in makes if form in self.peer.aside]
        return {"forms": [form for form in makes if form not in aside], "aside": aside}

    def prepare(self, row: str, form: str, lasting: float = 0.0) -> dict[str, Any]:
        """The first call: its time, its result, and how far it and the next ones raised this process's peak of memory.

        There are two more, or as many as fill so many seconds.
        """
        self.peer.precision(ROWS[row].dtype)
        run = self.runs[row, form] = self.peer.makes(ROWS[row])[form]()
        gc.collect()
        time.sleep(SETTLED)
        memory, start = machine.peak_memory(), time.perf_counter()
        result = run()
        first = time.perf_counter() - start
        checked = check(*result)
        del result
        time.sleep(SETTLED)
        # of two, for one compiles again where a state comes back as another type than it began as
        second = min(self.time(row, form, 1)["seconds"] for _ in range(2))
        end = time.perf_counter() + lasting
        while time.perf_counter() < end:
            run()
        return {
            "loading": self.loading,
            "first": first,
            "second": second,
            "check": checked,
            "memory": machine.peak_memory() - memory,
        }

    def time(self, row: str, form: str, calls: int) -> dict[str, Any]:
        self.peer.precision(ROWS[row].dtype)
        run = self.runs[row, form]
        gc.collect()
        gc.disable()
        try:
            start = time.perf_counter()
            for _ in range(calls):
                run()
            return {"seconds": (time.perf_counter() - start) / calls}
        finally:
            gc.enable()

    def drop(self, row: str) -> dict[str, Any]:
        """Forget a row."""
        self.runs = {key: run for key, run in self.runs.items() if key[0] != row}
        gc.collect()
        return {}

    def rate(self, dtype: str) -> dict[str, Any]:
        return {"rate": machine.product_rate(dtype)}

    def fma(self, dtype: str) -> dict[str, Any]:
        return {"rate": machine.fma_rate(dtype, self.threads)}


def serve(name: str, threads: int) -> None:
    # answers go where the parent reads; what libraries print goes to stderr
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def answer(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    try:
        worker = Worker(name, threads)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent tells
        answer(failure(error))
        return
    answer({"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer(getattr(worker, request.pop("do"))(**request))
        except Exception as error:  # noqa: BLE001 - as above
            answer(failure(error))


def failure(error: Exception) -> dict[str, Any]:
    lines = str(error).strip().splitlines() or [""]
    return {"error": f"{type(error).__name__}: {lines[0]}"[:300]}


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
