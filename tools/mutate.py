"""Mutation testing of the operations: small faults are planted in ``src/wengert/ops``, and the tests must find them.

    make mutation                                          # a sample of 600 mutants
    .venv/bin/python tools/mutate.py --sample 0            # every mutant: hours
    .venv/bin/python tools/mutate.py --files special_erf   # one file

A mutant changes one operator, number, comparison, condition or statement. Which tests run a line is found once, by
coverage with a context for each test. A mutant is tried in a process of its own: first by the laws of the records
that the line serves, then by the other tests of that line, the quickest first. It is killed when one of them
fails, or when they take ten times as long as they should.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import ast
import importlib.abc
import importlib.util
import json
import random
import signal
import subprocess
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
OPS = ROOT / "src" / "wengert" / "ops"
TESTS = ["tests/ops", "tests/frontend", "tests/transforms", "tests/scipy"]
CACHE = ROOT / ".mutation"
LAW = "tests/ops/test_laws.py::test_law["
LIMIT, TRIED = 60, 150  # seconds for a mutant, and tests beside the laws
BROKEN = 3  # the exit code of a process that could not try


@dataclass(frozen=True)
class Mutant:
    """One planted fault: the file, the line, what it changes, and the changed source."""

    file: Path
    line: int
    what: str
    source: str

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line}: {self.what}"


# ---- planting

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.FloorDiv: ast.Mod, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What can be planted at a node: a description, and the node that takes its place."""
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS:
        new = SWAPS[type(node.op)]()
        yield f"{type(node.op).__name__} -> {type(new).__name__}", _with(node, op=new)
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        new = SWAPS[type(node.ops[0])]()
        yield f"{type(node.ops[0]).__name__} -> {type(new).__name__}", _with(node, ops=[new, *node.ops[1:]])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not | ast.Invert):
        yield f"{type(node.op).__name__} left out", node.operand
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        yield f"{node.value} -> {not node.value}", ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        # large numbers twice over: one more in the last digit of a coefficient is below rounding
        new = node.value + 1 if abs(node.value) < 10 else 2 * node.value
        yield f"{node.value} -> {new}", ast.Constant(new)
    if isinstance(node, ast.IfExp | ast.If):
        for value in (True, False):
            yield f"condition -> {value}", _with(node, test=ast.Constant(value))
    if isinstance(node, ast.AugAssign):
        yield "statement left out", ast.Pass()
    if isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
        yield "statement left out", ast.Pass()


def _with(node: ast.AST, **fields: object) -> ast.AST:
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def skipped(node: ast.AST) -> bool:
    """What is no arithmetic: messages of errors, formulas, what the module exports."""
    if isinstance(node, ast.keyword):
        return node.arg == "strict"  # zip's own check of what always holds
    if isinstance(node, ast.Raise | ast.Import | ast.ImportFrom | ast.JoinedStr | ast.Assert):
        return True
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
    return False


def plant(file: Path) -> list[Mutant]:
    """All mutants of a file."""
    source = file.read_text()
    found: list[Mutant] = []

    def visit(tree: ast.AST, parent: ast.AST, field: str, index: int | None) -> None:
        if skipped(tree):
            return
        for what, new in changes(tree):
            put(parent, field, index, ast.copy_location(new, tree))
            found.append(Mutant(file, getattr(tree, "lineno", 1), what, ast.unparse(ast.fix_missing_locations(module))))
            put(parent, field, index, tree)
        walk(tree)

    def walk(tree: ast.AST) -> None:
        for name, value in ast.iter_fields(tree):
            if name in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            if isinstance(value, ast.AST):
                visit(value, tree, name, None)
            elif isinstance(value, list):
                for k, child in enumerate(value):
                    if isinstance(child, ast.AST):
                        visit(child, tree, name, k)

    module = ast.parse(source)
    walk(module)
    return found


def put(parent: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    """Set a child of a node."""
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


# ---- which tests run which line


def tests_by_line() -> dict[str, dict[int, list[str]]]:
    """For each file of the operations, the tests that run each of its lines, the quickest first."""
    CACHE.mkdir(exist_ok=True)
    data, durations = CACHE / "coverage", CACHE / "durations.json"
    if not data.exists():
        print("which tests run which line: the tests run once under coverage, some minutes", flush=True)
        command = [
            sys.executable, "-m", "pytest", *TESTS, "-q", "-p", "no:cacheprovider", "-p", "tools.mutate_durations",
            f"--cov={OPS}", "--cov-context=test", "--cov-report=", "-W", "ignore",
        ]  # fmt: skip
        env = {**os.environ, "COVERAGE_FILE": str(data), "WENGERT_DURATIONS": str(durations), "PYTHONPATH": str(ROOT)}
        subprocess.run(command, cwd=ROOT, env=env, check=False)
    from coverage import CoverageData

    took = json.loads(durations.read_text())
    found: dict[str, dict[int, list[str]]] = {}
    covered = CoverageData(str(data))
    covered.read()
    for file in covered.measured_files():
        lines = {
            line: sorted({c.split("|")[0] for c in contexts if c}, key=lambda test: took.get(test, 1.0))
            for line, contexts in covered.contexts_by_lineno(file).items()
        }
        found[Path(file).name] = lines
    return found


def tests_of(mutant: Mutant, lines: dict[int, list[str]]) -> list[str]:
    """The tests that run the mutant's line; of a line that runs on import alone, all tests of the file."""
    return lines.get(mutant.line) or sorted({test for tests in lines.values() for test in tests})


# ---- trying


class Planted(importlib.abc.Loader, importlib.abc.MetaPathFinder):
    """Imports the mutant in the place of its module."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.name = f"wengert.ops.{mutant.file.stem}".removesuffix(".__init__")

    def find_spec(self, name: str, *_: object) -> object:
        """The mutant's module alone is ours."""
        if name != self.name:
            return None
        return importlib.util.spec_from_loader(name, self, origin=str(self.mutant.file))

    def exec_module(self, module: object) -> None:
        """Run the changed source."""
        module.__file__ = str(self.mutant.file)  # type: ignore[attr-defined]
        exec(compile(self.mutant.source, str(self.mutant.file), "exec"), module.__dict__)  # noqa: S102


def start(mutant: Mutant, tests: list[str]) -> int:
    """Try a mutant in a process of its own, which ends with 0 if it survives and with 1 if a test finds it."""
    pid = os.fork()
    if pid == 0:
        code = BROKEN
        try:
            with open(os.devnull, "w") as sink:  # noqa: PTH123
                os.dup2(sink.fileno(), 1)
                os.dup2(sink.fileno(), 2)
            signal.alarm(LIMIT)
            code = 0 if run(mutant, tests) else 1
        except BaseException:
            (CACHE / "broken.txt").write_text(f"{mutant}\n{traceback.format_exc()}")
            raise
        finally:
            os._exit(code)
    return pid


def attempts(mutants: list[Mutant], lines: dict[str, Any], processes: int) -> Iterator[tuple[Mutant, bool]]:
    """Each mutant and whether it survives, some processes side by side."""
    waiting, running = list(reversed(mutants)), dict[int, Mutant]()
    while waiting or running:
        while waiting and len(running) < processes:
            mutant = waiting.pop()
            running[start(mutant, tests_of(mutant, lines.get(mutant.file.name, {})))] = mutant
        pid, status = os.wait()
        mutant, code = running.pop(pid), os.waitstatus_to_exitcode(status)
        if code == BROKEN:
            raise RuntimeError(f"{mutant}: the tests could not be run\n  see {CACHE / 'broken.txt'}")
        yield mutant, code == 0


def run(mutant: Mutant, tests: list[str]) -> bool:
    """In the child: whether all tests pass."""
    import pytest

    sys.meta_path.insert(0, Planted(mutant))
    laws = [t[len(LAW) : -1].partition("-") for t in tests if t.startswith(LAW)]
    rest = [t for t in tests if not t.startswith(LAW)]
    try:
        obey([(record, law) for record, _, law in laws])
    except BaseException:  # noqa: BLE001 - whatever is raised, the mutant is found
        return False
    if not rest:
        return True
    chosen = rest if len(rest) <= TRIED else [*rest[: TRIED // 2], *random.Random(0).sample(rest, TRIED // 2)]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return pytest.main([*options, *chosen]) == 0


def obey(laws: list[tuple[str, str]]) -> None:
    """Run laws of records directly; of very many a sample, spread over the records."""
    import warnings

    import numpy as np
    from tests.ops._samples import samples
    from tests.ops.test_laws import NUMPY

    from wengert.core.primitive import REGISTRY
    from wengert.extend import LAWS
    from wengert.extend._derivatives import is_what_the_oracle_computes

    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    chosen = laws if len(laws) <= 300 else random.Random(0).sample(laws, 300)
    for name in dict.fromkeys(name for name, _ in chosen):
        record = REGISTRY[name]
        oracle = record.ufunc or NUMPY.get(name)
        for sample in samples(record):
            if oracle is not None:
                is_what_the_oracle_computes(record, sample, oracle)
    for name, law in chosen:
        for sample in samples(REGISTRY[name]):
            LAWS[law](REGISTRY[name], sample)


def main() -> None:
    """Plant, try, and print what survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sample", type=int, default=600, help="how many mutants, drawn at random; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", nargs="*", default=[], help="names of files in ops/, all of them by default")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    sys.path[0] = str(ROOT)  # in place of tools/, whose coverage.py is another one
    os.chdir(ROOT)

    wanted = {name.removesuffix(".py") for name in options.files}
    files = [f for f in sorted(OPS.glob("*.py")) if f.stem != "__init__" and (not wanted or f.stem in wanted)]
    mutants = [m for f in files for m in plant(f)]
    if options.sample and options.sample < len(mutants):
        mutants = random.Random(options.seed).sample(mutants, options.sample)
    lines = tests_by_line()
    import hypothesis
    import numpy as np
    import pytest
    import scipy.special

    _ = (hypothesis, np, pytest, scipy)  # loaded once, for all the children
    tally: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    survivors: list[Mutant] = []
    begin = time.monotonic()

    for k, (mutant, alive) in enumerate(attempts(mutants, lines, options.processes), 1):
        tally[mutant.file.stem][0] += 1
        tally[mutant.file.stem][1] += not alive
        if alive:
            survivors.append(mutant)
        if k % 25 == 0:
            print(f"  {k} of {len(mutants)} tried, {len(survivors)} survive", flush=True)
    for mutant in sorted(survivors, key=str):
        print(f"survived  {mutant}")
    print(f"\n{'file':<28}{'mutants':>9}{'killed':>9}")
    for name, (tried, killed) in sorted(tally.items()):
        print(f"{name:<28}{tried:>9}{killed / tried:>9.0%}")
    tried = len(mutants)
    killed = tried - len(survivors)
    print(f"{'all':<28}{tried:>9}{killed / max(tried, 1):>9.1%}   in {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
