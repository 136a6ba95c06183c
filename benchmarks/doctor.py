"""What the doctor's callback costs: the same training with and without it, in turns, and the quotient of the times.

python benchmarks/doctor.py [--rounds N]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import wengert
from wengert import nn, optim, random, training

CE = nn.softmax_cross_entropy


def data(n: int, width: int, classes: int) -> tuple[Any, Any]:
    x = random.normal(random.key(0), (n, width))
    return x, np.argmax(x @ random.normal(random.key(1), (width, classes)), axis=1)


# name, model, data, epochs, and whether it is compiled
RUNS: list[tuple[str, Any, tuple[Any, Any], int, bool]] = [
    ("64-64-32-10 on 1,797 rows, in Python", nn.mlp(random.key(0), [64, 64, 32, 10]), data(1797, 64, 10), 60, False),
    ("64-64-32-10 on 1,797 rows, compiled", nn.mlp(random.key(0), [64, 64, 32, 10]), data(1797, 64, 10), 600, True),
    ("784-128-10 on 4,000 rows, in Python", nn.mlp(random.key(0), [784, 128, 10]), data(4000, 784, 10), 3, False),
    ("784-128-10 on 4,000 rows, compiled", nn.mlp(random.key(0), [784, 128, 10]), data(4000, 784, 10), 10, True),
]


def seconds(run: tuple[str, Any, tuple[Any, Any], int, bool], callbacks: list[Any]) -> float:
    _, model, (x, y), epochs, compiled = run
    begun = time.process_time()  # of this process alone: other loads of the machine are not the doctor's
    training.fit(
        model, x, y, loss=CE, optimizer=optim.adam(1e-3), epochs=epochs, batch_size=64, validation=None,
        progress="none", compiled=compiled, callbacks=callbacks,
    )  # fmt: skip
    return time.process_time() - begun


def measured(run: tuple[str, Any, tuple[Any, Any], int, bool], rounds: int) -> None:
    make: Callable[[], wengert.explain.Doctor] = wengert.explain.Doctor
    seconds(run, [make()])  # what loads on first use
    plain, watched, doctors = [], [], [make() for _ in range(rounds)]
    for k, doctor in enumerate(doctors):
        for with_it in (False, True) if k % 2 else (True, False):
            (watched if with_it else plain).append(seconds(run, [doctor] if with_it else []))
    glances = [len(doctor.glances) for doctor in doctors]
    spent = statistics.median(doctor.spent / s for doctor, s in zip(doctors, watched, strict=True))
    more = min(watched) / min(plain) - 1
    print(
        f"{run[0]:38} {min(plain):7.2f} s {min(watched):7.2f} s {100 * more:+8.1f} % "
        f"{100 * spent:8.1f} % {statistics.median(glances):8.0f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    print(f"{'run':38} {'without':>9} {'with':>9} {'more':>10} {'glances':>10} {'number':>8}")
    for run in RUNS:
        measured(run, rounds)
    print("processor time, the least of the rounds; glances: their share of the time, as the doctor counts it")


if __name__ == "__main__":
    main()
