"""A long campaign of random programs: ``make fuzz``, for a night rather than for every change.

    make fuzz                                                   # 100,000 programs of each kind
    .venv/bin/python tools/fuzz.py --programs 2000 --start 5000

The tests in ``tests/fuzz`` and ``tests/compile/test_generated.py`` try a bounded sample of programs each time; this
runs the same tests over as many seeds as asked for, in processes side by side, and prints the seeds at which a test
failed, crashed or did not come to an end, with the command that repeats one.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = ["tests/fuzz/test_programs.py", "tests/fuzz/test_writes.py", "tests/compile/test_generated.py"]
CHUNK = 500
PATIENCE = 5  # seconds that the tests of one seed may take, on average


def attempt(start: int, count: int, files: Sequence[str]) -> tuple[int, list[str], str]:
    """Run the tests at some seeds: how many tests passed, which failed, and pytest's last line.

    Where the process dies or does not come to an end, the seeds are tried in halves until it is known which.
    """
    try:
        return run(start, count, files)
    except (ChildProcessError, subprocess.TimeoutExpired) as error:
        what = "hangs" if isinstance(error, subprocess.TimeoutExpired) else "crashes"
        if count == 1:
            return 0, [f"{' '.join(files)}  # it {what} [{start}]"], f"it {what}"
        half = count // 2
        parts = [attempt(start, half, files), attempt(start + half, count - half, files)]
        return sum(p[0] for p in parts), [name for p in parts for name in p[1]], f"it {what} somewhere"


def run(start: int, count: int, files: Sequence[str]) -> tuple[int, list[str], str]:
    """The tests of some seeds in a process of their own."""
    command = [sys.executable, "-m", "pytest", *files, "-q", "-p", "no:cacheprovider", "--tb=no"]
    env = {**os.environ, "WENGERT_FUZZ": str(count), "WENGERT_FUZZ_START": str(start), "OPENBLAS_NUM_THREADS": "1"}
    env["PYTHONMALLOC"] = "debug"  # blocks of memory are looked at when they are freed
    if sys.platform == "linux":
        env["WENGERT_FENCED"] = "1"  # arrays end where a page ends that nobody may touch
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60 + PATIENCE * count
    )
    if done.returncode not in (0, 1):
        raise ChildProcessError(done.returncode)
    out = done.stdout
    last = out.rstrip().rpartition("\n")[2]
    passed = re.search(r"(\d+) passed", last)
    failed = [f"'{name}'" for name in re.findall(r"^FAILED (\S+)", out, re.MULTILINE)]
    return int(passed[1]) if passed else 0, failed, last


def main() -> int:
    """Run the campaign; 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=int, default=100_000)
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--files", nargs="+", default=FILES, help="of which tests")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    begin, total, failures = time.monotonic(), 0, list[str]()
    end = options.start + options.programs
    chunks = [(at, min(CHUNK, end - at)) for at in range(options.start, end, CHUNK)]
    with ThreadPoolExecutor(options.processes) as pool:
        tried = pool.map(lambda chunk: attempt(*chunk, options.files), chunks)
        for (at, count), (passed, failed, last) in zip(chunks, tried, strict=True):
            total += passed
            failures += failed
            print(f"seeds {at} to {at + count - 1}: {last}", flush=True)
    for name in failures:
        seed = re.search(r"\[(\d+)", name)
        where = f"WENGERT_FUZZ=1 WENGERT_FUZZ_START={seed[1]} " if seed else ""
        print(f"failed: {where}{sys.executable} -m pytest {name}")
    print(f"{options.programs} programs of each kind, {total} tests passed, {len(failures)} failed, "
          f"in {time.monotonic() - begin:.0f} s")  # fmt: skip
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
