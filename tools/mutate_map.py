"""Which tests run which line of ``src/wengert/ops``, and how long each of them takes: kept in ``.mutation``.

The tests run once under coverage, with a context for each; again, all of them or the files that have changed, when
source or tests are not what they were.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OPS = ROOT / "src" / "wengert" / "ops"
TESTS = ["tests/ops", "tests/frontend", "tests/transforms", "tests/scipy"]
CACHE = ROOT / ".mutation"


@dataclass(frozen=True)
class Tests:
    """How long each test takes, and for each file of the operations the tests that run each of its lines."""

    took: dict[str, float]
    lines: dict[str, dict[int, list[str]]]

    def of(self, file: str, line: int) -> list[str]:
        """The tests that run a line, the quickest first.

        Of a line that runs on import, all tests of the file, and those that run no line at all: of what is registered.
        """
        lines = self.lines.get(file, {})
        found = set(lines.get(line, ()))
        if not found:
            found = {test for tests in lines.values() for test in tests} | self.of_no_line
        return sorted(found, key=lambda test: self.took.get(test, 1.0))

    @property
    def of_no_line(self) -> set[str]:
        """The tests that run no line of the operations, but those of a record that is found by its name."""
        found = {test for lines in self.lines.values() for tests in lines.values() for test in tests}
        return {test for test in self.took if test not in found and "test_laws.py" not in test}

    def seconds(self, tests: list[str]) -> float:
        """How long tests take."""
        return sum(self.took.get(test, 1.0) for test in tests)

    def within(self, tests: list[str], budget: float) -> list[str]:
        """The quickest tests up to half of the budget, and of the others a sample for the other half; one at least."""
        if self.seconds(tests) <= budget:
            return tests
        quick = self._first(tests, budget / 2)
        rest = random.Random(0).sample(tests[len(quick) :], len(tests) - len(quick))
        return [*quick, *self._first(rest, budget / 2)] or tests[:1]

    def _first(self, tests: list[str], budget: float) -> list[str]:
        taken = accumulate(self.took.get(test, 1.0) for test in tests)
        return [test for test, seconds in zip(tests, taken, strict=True) if seconds < budget]


def state() -> dict[str, str]:
    """Fingerprints of the source and the tests: what the map of lines is valid for."""
    files = sorted(f for folder in ("src", "tests") for f in (ROOT / folder).rglob("*.py"))
    return {str(f.relative_to(ROOT)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def to_map(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """Which tests have to be run to know the lines they run: if only files of tests have changed, those."""
    changed = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if any(not Path(name).name.startswith("test_") for name in changed):
        return TESTS
    return [name for name in changed if name in now and any(name.startswith(f"{folder}/") for folder in TESTS)]


def find_tests() -> Tests:
    """Which tests run which line: found once for a state of source and tests."""
    CACHE.mkdir(exist_ok=True)
    data, durations, valid = CACHE / "coverage", CACHE / "durations.json", CACHE / "valid_for.json"
    latest = CACHE / "latest_durations.json"
    before, now = json.loads(valid.read_text()) if valid.exists() else {}, state()
    wanted = to_map(before, now)
    took: dict[str, float] = {} if wanted is TESTS or not valid.exists() else json.loads(durations.read_text())
    took = {test: s for test, s in took.items() if before.get(file := test.partition("::")[0]) == now.get(file)}
    if wanted:
        if not took:
            data.unlink(missing_ok=True)
            valid.unlink(missing_ok=True)
        print(f"which tests run which line: run once under coverage, some minutes for all: {wanted}", flush=True)
        command = [
            sys.executable, "-m", "pytest", *wanted, "-q", "-p", "no:cacheprovider", "-p", "tools.mutate_durations",
            f"--cov={OPS}", "--cov-context=test", "--cov-report=", "-W", "ignore", *(["--cov-append"] if took else []),
        ]  # fmt: skip
        env = {**os.environ, "COVERAGE_FILE": str(data), "WENGERT_DURATIONS": str(latest)}
        env["PYTHONPATH"] = f"{ROOT}{os.pathsep}{ROOT / 'src'}"  # this tree, wherever else wengert is installed
        subprocess.run(command, cwd=ROOT, env=env, check=False, stdout=subprocess.DEVNULL)
        took.update(json.loads(latest.read_text()))
        durations.write_text(json.dumps(took))
        valid.write_text(json.dumps(now))
    from coverage import CoverageData

    found: dict[str, dict[int, list[str]]] = {}
    covered = CoverageData(str(data))
    covered.read()
    for file in covered.measured_files():
        of_file = found.setdefault(Path(file).name, {})
        for line, contexts in covered.contexts_by_lineno(file).items():
            of_file.setdefault(line, []).extend(test for test in {c.split("|")[0] for c in contexts} if test in took)
    return Tests(took, found)
