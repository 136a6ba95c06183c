"""Compiled gradients and whole training epochs beside JAX and PyTorch, each in a process of its own, by turns.

    python benchmarks/compiled.py                        all rows
    python benchmarks/compiled.py --only 12-64 --rounds 15
    python benchmarks/compiled.py --quick --json out.json

Only one process works at a time, on the same number of threads. Prints medians, ratios (how many times faster this
library is) beside what they are held to, the part of the measured rate of NumPy's large products, and of each library
the first call in a new process, the first call with what it cached on the disk (medians of several processes), and how
far calls raise the peak of memory. JAX's figure is the better one of a scan and of a compiled step in a loop. Libraries
that are not installed are left out.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from beside import machine
from beside.processes import FailedError, Figures, Process, first_calls, interleaved
from beside.rows import CACHED, FIRST, ROWS, UNROLLED_SECONDS, Network, Row

PEERS = ("wengert", "jax", "torch", "numpy")
Results = dict[str, dict[str, Any]]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="rows whose name contains this; several, separated by commas")
    parser.add_argument("--peers", default=",".join(PEERS), help="libraries, separated by commas")
    parser.add_argument("--threads", type=int, default=2, choices=(1, 2))
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--firsts", type=int, default=3, help="new processes for each first call")
    parser.add_argument("--quick", action="store_true", help="three short rounds, no first calls, no unrolled loop")
    parser.add_argument("--steady", action="store_true", help="no first calls in new processes")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    return parser.parse_args()


def chosen(only: str) -> list[Row]:
    parts = only.split(",")
    return [row for row in ROWS.values() if any(part.strip() in row.name for part in parts)]


# ---- measuring


def start(names: list[str], threads: int) -> dict[str, Process]:
    workers: dict[str, Process] = {}
    for name in names:
        try:
            workers[name] = Process(name, threads)
        except FailedError as error:
            print(f"without {name}: {error}")
    return workers


def measure(rows: list[Row], names: list[str], args: argparse.Namespace) -> Iterator[tuple[Row, dict[str, Any]]]:
    """Each row as soon as it is measured."""
    workers = start(names, args.threads)
    rounds, turn = (3, 0.02) if args.quick else (args.rounds, 0.1)
    try:
        for row in rows:
            if row.once:
                if args.quick or args.steady:
                    continue
                found: dict[str, Any] = {"figures": {name: Figures() for name in workers}, "rate": None}
            else:
                found = interleaved(row, workers, rounds, turn)
            if not (args.quick or args.steady):
                for _ in range(args.firsts):
                    for name, figures in found["figures"].items():
                        if figures.error is None:
                            time.sleep(0.1)
                            first_calls(row, name, args.threads, figures)
            yield row, found
    finally:
        for worker in workers.values():
            worker.close()


def rates(threads: int) -> dict[str, float | None]:
    """The machine's rates in operations a second, by the largest of three."""
    worker = Process("numpy", threads)
    found: dict[str, float | None] = {}
    for dtype in ("float32", "float64"):
        found[f"product {dtype}"] = max(worker.ask("rate", dtype=dtype)["rate"] for _ in range(3))
        found[f"fma {dtype}"] = worker.ask("fma", dtype=dtype)["rate"]
    worker.close()
    return found


# ---- what they agree on


def disagreement(row: Row, figures: dict[str, Figures]) -> list[str]:
    """The libraries whose results are not those of most others: compared with the middle one."""
    checks = {name: f.check for name, f in figures.items() if f.check}
    if len(checks) < 2:
        return []
    loss, others = row.tolerance
    finite = [check for check in checks.values() if all(map(math.isfinite, check))]
    if not finite:
        return list(checks)
    middle = [sorted(values)[len(values) // 2] for values in zip(*finite, strict=True)]
    size = abs(middle[1])

    def far(check: list[float]) -> bool:
        bounds = (loss * abs(middle[0]), others * size, others * size)
        return not all(abs(a - b) <= bound for a, b, bound in zip(check, middle, bounds, strict=True))

    return [name for name, check in checks.items() if far(check)]


# ---- tables

HEAD = (
    f"{'row':24}{'wengert':>10}{'JAX':>10}{'torch':>10}{'NumPy':>10}"
    f"{'JAX/w':>8}{'needs':>7}{'torch/w':>9}{'needs':>7}{'% peak':>8}{'needs':>7}"
)


def number(x: float | None, width: int, digits: int = 3) -> str:
    if x is None or not math.isfinite(x):
        return f"{'–':>{width}}"
    places = max(0, digits - 1 - math.floor(math.log10(abs(x)))) if x else 0
    return f"{x:>{width}.{min(places, digits)}f}"


def micros(row: Row, figures: Figures | None) -> float | None:
    if figures is None or figures.median is None:
        return None
    return figures.median / row.problem.units * 1e6


def middle(times: list[float]) -> float | None:
    return statistics.median(times) if times else None


def ratio(a: float | None, b: float | None) -> float | None:
    return a / b if a is not None and b else None


def rated(row: Row, found: dict[str, Any], name: str) -> float | None:
    """The part of the products' rate that a library reaches."""
    took = micros(row, found["figures"].get(name))
    if took is None or not found["rate"] or not row.problem.flops():
        return None
    return row.problem.flops() / (took * 1e-6) / found["rate"]


def line(row: Row, found: dict[str, Any]) -> str:
    figures: dict[str, Figures] = found["figures"]
    took = {name: micros(row, figures.get(name)) for name in PEERS}
    parts = [f"{row.name:24}", *(number(took[name], 10) for name in PEERS)]
    for name, width in (("jax", 8), ("torch", 9)):
        parts += [number(ratio(took[name], took["wengert"]), width), number(row.required.get(name), 7)]
    part = rated(row, found, "wengert")
    parts += [number(None if part is None else 100 * part, 8), number(row.peak and 100 * row.peak, 7)]
    if strange := disagreement(row, figures):
        parts.append(f"  ! other results: {', '.join(strange)}")
    return "".join(parts)


def first_table(rows: list[Row], results: Results) -> None:
    """What first calls cost beyond second ones, in seconds, and how far calls raise the peak of memory, in MiB."""
    print(
        f"\n{'first − second call, s':24}{'wengert':>10}{'cached':>10}{'JAX':>10}{'cached':>10}{'torch':>10}"
        f"{'w/JAX':>8}{'needs':>7}{'cached/JAX':>12}{'needs':>7}   peak memory, MiB: wengert, JAX, torch"
    )
    for row in rows:
        if row.name not in results:
            continue
        empty = Figures()
        w, j, t = (results[row.name]["figures"].get(name, empty) for name in ("wengert", "jax", "torch"))
        first, cached, *jax = (middle(times) for times in (w.first, w.cached, j.first, j.cached))
        needs = (None if row.once else FIRST, None if row.once else CACHED)
        print(
            f"{row.name:24}{number(first, 10)}{number(cached, 10)}{number(jax[0], 10)}{number(jax[1], 10)}"
            f"{number(middle(t.first), 10)}{number(ratio(first, jax[0]), 8)}{number(needs[0], 7, 2)}"
            f"{number(ratio(cached, jax[0]), 12)}{number(needs[1], 7, 2)}   "
            + ", ".join(number(None if f.memory is None else f.memory / 2**20, 0) for f in (w, j, t))
            + (f"   (wengert needs: under {UNROLLED_SECONDS:g} s)" if row.once else "")
            + ("   (wengert needs: not above JAX)" if isinstance(row.problem, Network) else "")
        )


def details(rows: list[Row], results: Results) -> None:
    """All forms, and what went wrong."""
    print("\nµs of each form, and the part of the products' rate that the better one reaches")
    errors: dict[str, list[str]] = {}
    for row in rows:
        if row.name not in results:
            continue
        told = []
        for name, f in results[row.name]["figures"].items():
            if f.error:
                errors.setdefault(f"{name}: {f.error}", []).append(row.name)
            for form, times in f.times.items():
                if times:
                    took = statistics.median(times) / row.problem.units * 1e6
                    told.append(f"{name} {form}{'*' if form in f.aside else ''} {number(took, 0)}")
            part = rated(row, results[row.name], name)
            if part is not None:
                told.append(f"({100 * part:.0f} %)")
        print(f"{row.name:24}{'; '.join(told).replace('; (', ' (')}")
    print("* for information: JAX's own arrays in and out")
    for error, where in errors.items():
        print(f"{error}  [{', '.join(where)}]")


def record(row: Row, found: dict[str, Any]) -> dict[str, Any]:
    """A row for the file of figures: seconds of each round, bytes, operations a second."""
    return {
        "rate": found["rate"],
        "units": row.problem.units,
        "flops": row.problem.flops(),
        "required": row.required,
        "disagree": disagreement(row, found["figures"]),
        "figures": {name: asdict(f) | {"form": f.form} for name, f in found["figures"].items()},
    }


def versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("wengert", "jax", "torch", "numpy", "llvmlite"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def main() -> None:
    args = arguments()
    rows, names = chosen(args.only), [name for name in PEERS if name in args.peers.split(",")]
    print(machine.describe())
    print(machine.busy(), end="")
    measured = rates(args.threads)
    print(", ".join(f"{name} {v}" for name, v in versions().items()), f"; {args.threads} threads")
    print("GFLOP/s: " + ", ".join(f"{name} {number(r and r / 1e9, 0)}" for name, r in measured.items()))
    print(f"\nµs a step or gradient\n{HEAD}")
    told = {"machine": machine.describe(), "busy": machine.busy().strip(), "versions": versions()}
    told |= {"threads": args.threads, "rates": measured, "rows": {}}
    results: Results = {}
    for row, found in measure(rows, names, args):
        results[row.name] = found
        print(line(row, found), flush=True)
        if args.json:  # after each row: a long run may be interrupted
            told["rows"][row.name] = record(row, found)
            args.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if not (args.quick or args.steady):
        first_table(rows, results)
    details(rows, results)


if __name__ == "__main__":
    main()
