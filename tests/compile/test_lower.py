"""lower, and the report of jit: every stage can be looked at, and what falls back is named."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from tests.compile._processes import python

import wengert
from wengert import control, grad, jit, lower

X = np.linspace(0.1, 1.0, 6)


def loss(w: Any, x: Any) -> Any:
    return np.mean(np.tanh(x @ w) ** 2)


W, XS = np.ones((3, 4)), np.ones((5, 3))


def test_the_program_is_as_it_was_staged():
    low = lower(lambda x: (-x) * 1.0 + np.sin(x))(X)
    assert [e.primitive.name for e in low.program.equations] == ["negative", "multiply", "sin", "add"]
    assert [e.primitive.name for e in low.rewritten.equations] == ["sin", "subtract"]


def test_passes_are_those_that_changed_something():
    low = lower(lambda x: (-x) * 1.0 + np.sin(x))(X)
    found = low.passes()
    assert found[0][0] == "simplify"
    texts = [str(low.program), *(str(p) for _, p in found)]
    assert all(a != b for a, b in pairwise(texts))
    assert texts[-1] == str(low.rewritten)
    lines = str(found).splitlines()
    assert lines[0] == "<lambda>: 4 equations as staged"
    assert [line.split(":")[0].strip() for line in lines[1:]] == [name for name, _ in found]
    assert lines[-1].endswith(" → 2")
    assert len(lower(np.sin)(X).passes()) == 0


def test_the_plan_names_loops_products_and_what_is_in_registers():
    text = lower(grad(loss))(W, XS).plan
    assert "product 5 × 3 × 4 by a kernel, 120 operations" in text
    assert "tanh(" in text
    assert "registers" in text
    assert "one thread" in text.splitlines()[0]


def test_the_plan_shows_the_bodies_of_loops():
    f = lambda x: control.scan(lambda c, row: (np.sin(c) * row, np.sum(c)), np.zeros(3), x)
    lines = lower(f)(np.ones((7, 3))).plan.splitlines()
    (at,) = (k for k, line in enumerate(lines) if line.endswith(" scan"))
    assert lines[at + 1].strip() == "body × 7"
    assert any("sin(" in line for line in lines[at + 2 :])


def test_code_can_be_read():
    low = lower(lambda x: np.sqrt(x))(X)
    assert "define i32 @core(" in low.llvm
    assert "sqrt" in low.llvm
    assert "core:" in low.assembly
    assert "sqrt" in low.assembly


def test_the_report_of_what_is_fused():
    found = lower(lambda x: np.sum(np.exp(x) * x + 1))(X).report()
    assert found.fused == (("6", 4),)
    assert found.fallbacks == found.products == found.blas == ()
    assert (found.moved, found.constants) == (8 * 7, 0)
    assert found.flops == 4 * 6 - 5
    assert 0 < found.seconds < 1e-3


def test_the_report_names_what_falls_back_with_its_line():
    def f(x: Any) -> Any:
        y = np.cos(x)
        return np.abs(np.fft.fft(y)) + 1  # this line

    found = jit(f).report(X)
    assert "fft" in found.fallbacks[0][0]
    for _, line in found.fallbacks:
        assert line.startswith(__file__)
        assert line.endswith("return np.abs(np.fft.fft(y)) + 1  # this line")
    assert f"fallbacks  {len(found.fallbacks)}\n" in str(found)


def test_the_report_names_libraries():
    x = np.ones((1500, 1500))
    found = jit(lambda x: x @ x).report(x)
    assert found.blas == ("dgemm",)
    assert found.flops == 2 * 1500**3
    assert found.moved == 2 * x.nbytes
    assert "6.75 billion operations" in str(found)


def test_the_report_counts_loops_and_donated_results():
    f = lambda x: control.fori_loop(0, 10, lambda _i, c: np.sin(c), x)
    found = lower(f, donate="x")(X).report()
    assert found.donated == 1
    assert found.flops >= 60
    assert "take over the memory" in str(found)


def test_teams_wait():
    f = lambda w, x: np.sum(np.tanh(x @ w), axis=0)
    w, x = np.ones((64, 64)), np.ones((64, 64))
    assert lower(f)(w, x).report().barriers == 0
    low = lower(f, threads=2)(w, x)
    assert low.report().barriers > 0
    assert "by 2 threads, cut along" in low.plan


def test_options_and_functions_under_jit():
    f = jit(lambda x, n: x**n, static_argnames="n")
    assert str(lower(f)(X, 2).program) == str(lower(f.jitted.f, static_argnames="n")(X, n=2).program)


def test_what_closes_over_arrays_reads_them_as_inputs():
    table = np.ones(6)
    assert len(lower(lambda x: x * table)(X).program.inputs) == 2


# ---- without llvmlite

WITHOUT = """
import sys, warnings
sys.modules["llvmlite"] = None
import numpy as np
import wengert
from wengert import InterpretedWarning, grad, jit
x = np.array([0.0, 1.0])
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    for f in (np.sin, np.cos):
        print(jit(grad(lambda x: np.sum(f(x))))(x).tolist() == grad(lambda x: np.sum(f(x)))(x).tolist())
(one,) = found
print(one.category is InterpretedWarning, "pip install llvmlite" in str(one.message))
low = wengert.lower(lambda x: (-x) * 1.0 + np.sin(x))(x)
print(len(low.program.equations), len(low.rewritten.equations), len(low.passes()) > 0)
for ask in (lambda: low.llvm, lambda: low.plan, low.report, lambda: low.export("nowhere")):
    try:
        ask()
    except wengert.WengertError as error:
        print("pip install llvmlite" in str(error))
"""


def test_without_llvmlite_jit_interprets_and_says_so_once():
    assert python(WITHOUT).split() == [*["True"] * 4, "4", "2", *["True"] * 5]


def test_the_compiler_is_loaded_by_the_first_call_alone():
    program = """
import sys, numpy as np, wengert
f = wengert.jit(np.sin)
print("llvmlite" in sys.modules)
f(1.0)
print("llvmlite" in sys.modules, "scipy" in sys.modules)
"""
    assert python(program).split() == ["False", "True", "False"]


def test_a_broken_installation_of_our_own_is_not_hidden():
    program = """
import sys, numpy as np, wengert
sys.modules["wengert.compile.compiler"] = None
try:
    wengert.jit(np.sin)(1.0)
except ImportError as error:
    print(error.name)
"""
    assert python(program).strip() == "wengert.compile.compiler"


def test_lower_and_export_are_public():
    assert wengert.lower is lower
    assert {"lower", "export"} <= set(wengert.__all__)


@pytest.mark.parametrize("ask", ["plan", "llvm", "assembly"])
def test_nothing_runs(ask: str):
    ran: list[int] = []

    def f(x: Any) -> Any:
        ran.append(1)
        return x + 1

    low = lower(f)(X)
    assert getattr(low, ask)
    assert ran == [1], "it was staged, once"
