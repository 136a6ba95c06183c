"""The parent's side of the pipes, and the plan of a measurement: who runs when, in what process."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beside.rows import Row

WORKER = Path(__file__).parent / "worker.py"
# Idle threads of BLAS and OpenMP spin for some milliseconds after a call: the next library must not feel them.
PAUSE = 0.12
LASTING = 1.5  # seconds of calls in which a library has taken the memory that it takes


class FailedError(Exception):
    """A worker could not do what it was asked, or is gone."""


class Process:
    """A worker, to be asked one thing at a time."""

    def __init__(self, name: str, threads: int, **environment: str) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, str(WORKER), name, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        self.answer()

    def answer(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise FailedError(f"the process of {self.name} ended with status {self.process.wait()}")
        message = json.loads(line)
        if "error" in message:
            raise FailedError(message["error"])
        return message

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise FailedError(f"the process of {self.name} is gone") from None
        return self.answer()

    def close(self) -> None:
        assert self.process.stdin
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()


@contextmanager
def fresh(name: str, threads: int, cache: Path) -> Iterator[Process]:
    """A new process, whose caches of compiled code are in a folder of ours."""
    process = Process(
        name,
        threads,
        WENGERT_CACHE_DIR=str(cache / "wengert"),
        XDG_CACHE_HOME=str(cache),
        JAX_COMPILATION_CACHE_DIR=str(cache / "jax"),
        JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS="0",
        JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES="-1",
    )
    try:
        yield process
    finally:
        process.close()


@dataclass
class Figures:
    """What was measured of one library on one row; seconds and bytes."""

    check: list[float] = field(default_factory=list)
    # form -> seconds of each round
    times: dict[str, list[float]] = field(default_factory=dict)
    aside: list[str] = field(default_factory=list)
    # of each new process
    first: list[float] = field(default_factory=list)
    cached: list[float] = field(default_factory=list)
    memory: int | None = None
    error: str | None = None

    @property
    def form(self) -> str | None:
        """The better form."""
        medians = {form: statistics.median(t) for form, t in self.times.items() if t and form not in self.aside}
        return min(medians, key=medians.__getitem__) if medians else None

    @property
    def median(self) -> float | None:
        return statistics.median(self.times[self.form]) if self.form else None


def interleaved(row: Row, workers: dict[str, Process], rounds: int, turn: float) -> dict[str, Any]:
    """Each library by turns, each turn about ``turn`` seconds long; ``rate`` holds NumPy's products of each round."""
    found = {name: Figures() for name in workers}
    calls: dict[tuple[str, str], int] = {}
    for name, worker in workers.items():
        try:
            told = worker.ask("forms", row=row.name)
            found[name].aside = told["aside"]
            for form in dict.fromkeys(told["forms"] + ([] if row.once else told["aside"])):
                prepared = worker.ask("prepare", row=row.name, form=form)
                found[name].check = found[name].check or prepared["check"]
                found[name].times[form] = []
                calls[name, form] = max(1, round(turn / prepared["second"]))
        except FailedError as error:
            found[name].error = str(error)
    rates: list[float] = []
    for _ in range(rounds):
        for (name, form), k in list(calls.items()):
            time.sleep(PAUSE)
            try:
                told = workers[name].ask("time", row=row.name, form=form, calls=k)
                found[name].times[form].append(told["seconds"])
            except FailedError as error:
                found[name].error = str(error)
                del calls[name, form]
        if "numpy" in workers and row.problem.flops():
            time.sleep(PAUSE)
            rates.append(workers["numpy"].ask("rate", dtype=row.dtype)["rate"])
    for worker in workers.values():
        with suppress(FailedError):
            worker.ask("drop", row=row.name)
    return {"figures": found, "rate": statistics.median(rates) if rates else None}


def first_calls(row: Row, name: str, threads: int, figures: Figures) -> None:
    """What a first call costs beyond a second, in a new process, and in another that finds what it left on the disk.

    The first time also how far the calls of a second and a half raise the peak of memory.
    """
    with tempfile.TemporaryDirectory() as folder:
        try:
            for again in (False, True):
                with fresh(name, threads, Path(folder)) as worker:
                    told = worker.ask("forms", row=row.name)
                    if not told["forms"]:
                        return
                    form = figures.form or told["forms"][0]
                    lasting = LASTING if figures.memory is None and not row.once else 0.0
                    prepared = worker.ask("prepare", row=row.name, form=form, lasting=lasting)
                figures.check = figures.check or prepared["check"]
                # a call does the row's work too, which can take longer than compiling
                beyond = max(0.0, prepared["first"] - prepared["second"])
                (figures.cached if again else figures.first).append(beyond)
                if figures.memory is None:
                    figures.memory = prepared["memory"]
                if name not in ("wengert", "jax"):
                    return
        except FailedError as error:
            figures.error = str(error)
