"""Mutation testing of the operations: small faults are planted in ``src/wengert/ops``, and the tests must find them.

    make mutation                                          # a sample of 600 mutants
    .venv/bin/python tools/mutate.py --sample 0            # every mutant: hours
    .venv/bin/python tools/mutate.py --files special_erf   # one file

A mutant changes one operator, number, comparison, condition or statement. Mutants that nothing can tell from the
original are left out (``mutate_equivalent.py``). Which tests run a line is found by coverage (``mutate_map.py``). A
mutant is tried in a process of its own: first by the laws of the records that the line serves, then by the other tests
of that line: the quickest, and others drawn at random up to ``BUDGET``. It is killed when one of them fails, or when
they take ten times as long as they should.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import ast
import importlib.abc
import importlib.util
import random
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mutate_equivalent import function_of, listed, parents, rule_for
from mutate_map import CACHE, OPS, ROOT, Tests, find_tests, state

LAW = "tests/ops/test_laws.py::test_law["
BUDGET = 20.0  # seconds for the tests of a mutant, beside the laws
LEAST, SLOWER = 120, 10  # seconds given to a mutant in any case; how much longer than it should it may take
MOST_LAWS = 300
BROKEN = 3  # the exit code of a process that could not try


@dataclass(frozen=True)
class Mutant:
    """One planted fault: the how-manieth of its file, the line, the function, and what is changed into what."""

    file: Path
    number: int
    line: int
    function: str
    change: str

    def __str__(self) -> str:
        return f"{self.file.name}:{self.line}: {self.function}: {self.change}"

    @property
    def source(self) -> str:
        """The source of the file with the fault in it."""
        return next(ast.unparse(module) for mutant, module in plant(self.file) if mutant == self)


# ---- planting

SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.MatMult: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.FloorDiv: ast.Mod, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What can be planted in the place of a node."""
    if isinstance(node, ast.BinOp | ast.BoolOp) and type(node.op) in SWAPS:
        yield _with(node, op=SWAPS[type(node.op)]())
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        yield _with(node, ops=[SWAPS[type(node.ops[0])](), *node.ops[1:]])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not | ast.Invert):
        yield node.operand
    if isinstance(node, ast.Constant) and type(node.value) is bool:
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        # one more in the last digit of a large coefficient is below rounding, and twice the terms are only slower
        large = node.value // 2 if type(node.value) is int else 2 * node.value
        yield ast.Constant(node.value + 1 if abs(node.value) < 10 else large)
    if isinstance(node, ast.IfExp | ast.If):
        for value in (True, False):
            yield _with(node, test=ast.Constant(value))
    if isinstance(node, ast.AugAssign) or (isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)):
        yield ast.Pass()


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


def plant(file: Path, left_out: Counter[object] | None = None) -> Iterator[tuple[Mutant, ast.Module]]:
    """All mutants of a file, each with the tree that holds it for the time being; equivalent ones are counted only."""
    counts = Counter[object]() if left_out is None else left_out
    module = ast.parse(file.read_text())
    above = parents(module)
    number = 0
    for node, parent, field, index in places(module):
        function = function_of(node, above)
        name = "" if function is None else function.name
        rule = rule_for(node, file.name, above)
        shown = node if isinstance(node, ast.stmt) else parent
        for new in changes(node):
            before = _text(shown)
            put(parent, field, index, ast.fix_missing_locations(ast.copy_location(new, node)))
            change = f"{before}  ->  {_text(new if shown is node else parent)}"
            number += 1
            if rule or (file.name, name, change) in listed():
                counts[rule or (file.name, name, change)] += 1
            else:
                yield Mutant(file, number, getattr(node, "lineno", 1), name, change), module
            put(parent, field, index, node)


def places(tree: ast.AST) -> Iterator[tuple[ast.AST, ast.AST, str, int | None]]:
    """All nodes below one that may be changed, each with its parent and where it stands in it."""
    for field, value in ast.iter_fields(tree):
        if field in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(child, ast.AST) and not skipped(child):
                yield child, tree, field, index
                yield from places(child)


def _text(node: ast.AST) -> str:
    """The first line of what a node says."""
    return ast.unparse(node).partition("\n")[0]


def put(parent: ast.AST, field: str, index: int | None, node: ast.AST) -> None:
    """Set a child of a node."""
    if index is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[index] = node


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


def start(mutant: Mutant, tests: Tests) -> int:
    """Try a mutant in a process of its own, which ends with 0 if it survives and with 1 if a test finds it."""
    found = tests.of(mutant.file.name, mutant.line)
    laws = [t for t in found if t.startswith(LAW)]
    laws = laws if len(laws) <= MOST_LAWS else random.Random(0).sample(laws, MOST_LAWS)
    rest = tests.within([t for t in found if not t.startswith(LAW)], BUDGET)
    pid = os.fork()
    if pid == 0:
        code = BROKEN
        try:
            with open(os.devnull, "w") as sink:  # noqa: PTH123
                os.dup2(sink.fileno(), 1)
                os.dup2(sink.fileno(), 2)
            signal.alarm(int(max(LEAST, SLOWER * tests.seconds(laws + rest))))
            code = 0 if run(mutant, laws, rest) else 1
        except BaseException:
            (CACHE / "broken.txt").write_text(f"{mutant}\n{traceback.format_exc()}")
            raise
        finally:
            os._exit(code)
    return pid


def attempts(mutants: list[Mutant], tests: Tests, processes: int) -> Iterator[tuple[Mutant, str]]:
    """Each mutant and what became of it, some processes side by side."""
    waiting, running = list(reversed(mutants)), dict[int, Mutant]()
    while waiting or running:
        while waiting and len(running) < processes:
            mutant = waiting.pop()
            running[start(mutant, tests)] = mutant
        pid, status = os.wait()
        mutant, code = running.pop(pid), os.waitstatus_to_exitcode(status)
        if code == BROKEN:
            raise RuntimeError(f"{mutant}: the tests could not be run\n  see {CACHE / 'broken.txt'}")
        yield mutant, "survived" if code == 0 else "out of time" if code == -signal.SIGALRM else "killed"


def run(mutant: Mutant, laws: list[str], rest: list[str]) -> bool:
    """In the child: whether all tests pass."""
    import pytest

    sys.meta_path.insert(0, Planted(mutant))
    try:
        obey([t[len(LAW) : -1].partition("-")[::2] for t in laws])
    except BaseException:  # noqa: BLE001 - whatever is raised, the mutant is found
        return False
    options = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return not rest or pytest.main([*options, *rest]) == 0


def obey(laws: list[tuple[str, str]]) -> None:
    """Run laws of records directly."""
    import warnings

    import numpy as np
    from tests.ops._samples import samples
    from tests.ops.test_laws import NUMPY

    from wengert.core.primitive import REGISTRY
    from wengert.extend import LAWS
    from wengert.extend._derivatives import is_what_the_oracle_computes

    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    for name in dict.fromkeys(name for name, _ in laws):
        record = REGISTRY[name]
        oracle = record.ufunc or NUMPY.get(name)
        for sample in samples(record):
            if oracle is not None:
                is_what_the_oracle_computes(record, sample, oracle)
    for name, law in laws:
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
    left_out = Counter[object]()
    mutants = [mutant for f in files for mutant, _ in plant(f, left_out)]
    for mark in listed():
        if mark[0] in {f.name for f in files} and not left_out[mark]:
            sys.exit(f"listed as equivalent, but no longer there: {mark}")
    said = ", ".join(f"{n} {rule}" for rule, n in left_out.items() if rule not in listed())
    print(
        f"{len(mutants)} mutants; equivalent ones left out: {said}, {sum(left_out[m] for m in listed())} listed",
        flush=True,
    )
    if options.sample and options.sample < len(mutants):
        mutants = random.Random(options.seed).sample(mutants, options.sample)
    tests, before = find_tests(), state()
    import hypothesis
    import numpy as np
    import pytest
    import scipy.special

    _ = (hypothesis, np, pytest, scipy)  # loaded once, for all the children
    begin = time.monotonic()
    ends: dict[Mutant, str] = {}
    for mutant, end in attempts(mutants, tests, options.processes):
        ends[mutant] = end
        if end == "survived":
            print(f"survived  {mutant}", flush=True)
        if len(ends) % 25 == 0:
            print(f"  {len(ends)} of {len(mutants)} tried, {count(ends, 'survived')} survive", flush=True)
    summary(ends)
    if state() != before:
        print("source or tests have changed meanwhile: tests that are no longer there count as failed")
    print(f"in {time.monotonic() - begin:.0f} s; {count(ends, 'out of time')} of the killed ran out of time")


def count(ends: dict[Mutant, str], end: str) -> int:
    """How many mutants ended so."""
    return list(ends.values()).count(end)


def summary(ends: dict[Mutant, str]) -> None:
    """Print what survived, and how many were killed in each file."""
    for mutant in sorted(ends, key=str):
        if ends[mutant] == "survived":
            print(f"survived  {mutant}")
    print(f"\n{'file':<32}{'mutants':>9}{'killed':>9}")
    for name in [*sorted({m.file.stem for m in ends}), "all"]:
        alive = [end == "survived" for m, end in ends.items() if name in (m.file.stem, "all")]
        print(f"{name:<32}{len(alive):>9}{1 - sum(alive) / max(len(alive), 1):>9.1%}")


if __name__ == "__main__":
    main()
