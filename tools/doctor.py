"""How many planted illnesses the doctor finds and names, and how often it is alarmed without cause.

    python tools/doctor.py [--seeds N] [--split tuning|held out] [--only NAME] [--verbose]

The runs are those of ``benchmarks/planted.py``; those held out were not there when thresholds were chosen.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from planted import HEALTHY, PLANTED, Planted


def judged(run: Planted, seed: int, verbose: bool) -> bool:
    """One row of the table; whether the doctor was right."""
    begun = time.perf_counter()
    diagnosis = run.diagnose(seed)
    seconds = time.perf_counter() - begun
    found = diagnosis.illnesses
    right = run.illness in found if run.illness else not found
    also = ", ".join(name for name in found if name != run.illness)
    mark = "yes" if right else "NO"
    print(
        f"{mark:5} {run.split:9} {run.illness or 'healthy':27} {run.name:45} {seed:4} {seconds:5.1f} s  {also}",
        flush=True,
    )
    if verbose:
        print(diagnosis, "\n")
    return right


def main() -> None:
    """Print the table and its sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="so many seeds for each run")
    parser.add_argument("--split", default="")
    parser.add_argument("--only", default="")
    parser.add_argument("--verbose", action="store_true")
    chosen = parser.parse_args()
    runs = [r for r in PLANTED if chosen.split in r.split and chosen.only in f"{r.name} {r.illness}"]
    right: dict[tuple[str, str], list[bool]] = {}
    print(f"{'right':5} {'split':9} {'illness':27} {'run':45} {'seed':4} {'time':>7}  also found")
    for run in runs:
        for k in range(chosen.seeds):
            kind = "healthy" if run.illness == HEALTHY else "ill"
            right.setdefault((run.split, kind), []).append(judged(run, run.seed + k, chosen.verbose))
    print()
    for (split, kind), marks in right.items():
        what = "found and named" if kind == "ill" else "without an alarm"
        print(f"{split}: of {len(marks)} {kind} runs {sum(marks)} {what}")


if __name__ == "__main__":
    main()
