"""This version beside another one, by turns: what a change costs those who don't use it.

    .venv/bin/python benchmarks/versions.py v0.1.0          a tag, branch or commit of this repository
    .venv/bin/python benchmarks/versions.py ../elsewhere    another checkout

Processor time of a gradient in microseconds, the least of all rounds of both, and their ratio. The other version is
checked out under build/. What is timed lies in this file, and runs on both: short and long vectors, many small steps,
a training step, a compiled gradient, and the import.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

TIMED = r"""
import json, sys, time
begun = time.process_time()
import numpy as np
numpy = time.process_time()
import wengert
loaded = {"import": 1e6 * (time.process_time() - numpy)}
from wengert import grad, jit, nn, random, value_and_grad

def rosenbrock(x): return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
def sines(x):
    for _ in range(50): x = np.sin(x)
    return x
def loop(x):
    y = x
    for _ in range(3000): y = y * 0.999 + x
    return y
model = nn.mlp(random.key(0), [12, 64, 64, 2])
x, y = np.ones((64, 12)), np.arange(64) % 2
step = value_and_grad(lambda model: nn.softmax_cross_entropy(model(x), y))
CASES = {
    "rosenbrock 10": (grad(rosenbrock), (np.full(10, 0.5),), 300),
    "rosenbrock 1000": (grad(rosenbrock), (np.full(1000, 0.5),), 300),
    "50 sines": (grad(sines), (1.0,), 200),
    "loop of 3000": (grad(loop), (0.5,), 5),
    "12-64-64-2, a step": (step, (model,), 40),
    "rosenbrock 10, jit": (jit(grad(rosenbrock)), (np.full(10, 0.5),), 3000),
}
for name, (f, args, count) in CASES.items():
    f(*args)
    times = []
    for _ in range(5):
        begun = time.process_time()
        for _ in range(count): f(*args)
        times.append((time.process_time() - begun) / count * 1e6)
    loaded[name] = min(times)
print(json.dumps(loaded))
"""


def checkout(other: str) -> Path:
    """The sources of another version."""
    if Path(other, "src", "wengert").is_dir():
        return Path(other).resolve()
    commit = subprocess.run(["git", "rev-parse", "--verify", f"{other}^{{commit}}"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.strip()  # fmt: skip
    where = ROOT / "build" / "versions" / commit[:12]
    if not where.is_dir():
        where.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(where), commit], cwd=ROOT, check=True)
    return where


def timed(where: Path) -> dict[str, float]:
    env = {**os.environ, "PYTHONPATH": str(where / "src"), "OPENBLAS_NUM_THREADS": "1", "WENGERT_CACHE": "0"}
    done = subprocess.run([sys.executable, "-c", TIMED], env=env, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("other", help="a tag, branch or commit, or the directory of a checkout")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    places = {"this": ROOT, "other": checkout(options.other)}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in places}
    for _ in range(options.rounds):
        for name, where in places.items():
            found[name].append(timed(where))
    print(f"{'µs of processor time':24}{'this':>10}{'other':>10}{'this / other':>14}")
    for case in found["this"][0]:
        this, other = (min(times[case] for times in found[name]) for name in places)
        print(f"{case:24}{this:10.2f}{other:10.2f}{this / other:14.3f}")


if __name__ == "__main__":
    main()
