"""Random programs explained: gradients, contributions, Jacobians, nudges and formulas are what they are said to be."""

from __future__ import annotations

import os
import re
import warnings
from collections import Counter
from typing import Any

import numpy as np
import pytest
from tests.fuzz._programs import Program, generate

import wengert
from wengert.explain import Explanation, Step
from wengert.explain.formulas.formula import name_of

COUNT = int(os.environ.get("WENGERT_FUZZ", "60"))
START = int(os.environ.get("WENGERT_FUZZ_START", "0"))
_LARGEST = 400  # numbers of a Jacobian that is written out


@pytest.fixture(params=range(START, START + COUNT))
def program(request: pytest.FixtureRequest) -> Program:
    return generate(request.param, 3 + request.param % 12)


@pytest.fixture(autouse=True)
def _flat_programs_are_programs_too() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def close(actual: Any, wanted: Any, tol: float = 1e-11, scale: float = 1.0) -> None:
    size = max(scale, float(np.max(np.abs(wanted), initial=0.0)))
    np.testing.assert_allclose(actual, wanted, rtol=tol, atol=tol * size)


def plain(value: Any) -> bool:
    return not isinstance(value, tuple) and np.asarray(value).dtype.kind == "f"


def pulled_back(edge: Any) -> Any:
    """Upstream times the Jacobian, summed over the axes of the edge's end."""
    return np.tensordot(edge.upstream, edge.jacobian(), axes=np.ndim(edge.upstream))


def test_what_is_shown_is_what_is_true(program: Program) -> None:
    e = wengert.explain(program.loss)(program.x, program.y)
    value, (gx, gy) = wengert.value_and_grad(program.loss, (0, 1))(program.x, program.y)
    assert e.value == value
    close(value, program.loss(program.x.copy(), program.y.copy()), 1e-13)
    close(e.gradients["x"], gx, 1e-12)
    close(e.gradients["y"], gy, 1e-12)
    check_edges(e)
    check_sums(e)
    check_formulas(e)
    check_nudge(e, program)


def check_edges(e: Explanation) -> None:
    """Each contribution is upstream · Jacobian, and where there is one number an element the product with it."""
    for edge in e.edges:
        ends = edge.source.value, edge.target.value
        if not all(map(plain, ends)):
            continue
        if np.size(ends[0]) * np.size(ends[1]) <= _LARGEST:
            close(edge.contribution, pulled_back(edge))
        if edge.local is not None and np.shape(ends[0]) == np.shape(ends[1]):
            close(edge.upstream * edge.local, edge.contribution)


def check_sums(e: Explanation) -> None:
    """A gradient is the sum of the contributions that arrive."""
    for step in e.all_steps:
        if step is not e.output and plain(step.value):
            total = sum((edge.contribution for edge in e.outgoing(step.name)), np.zeros(np.shape(step.value)))
            largest = max((np.max(np.abs(x.contribution), initial=0.0) for x in e.outgoing(step.name)), default=0.0)
            close(total, step.gradient, 1e-12, float(largest))


def check_formulas(e: Explanation) -> None:
    """What a formula says in Python gives the value, and for an edge the local derivative."""
    for step in e.steps:
        check_formula(step.formula(), step, step.value)
    for edge in e.edges:
        if edge.local is not None:
            check_formula(edge.formula(), edge.target, edge.local)


def check_formula(formula: Any, step: Any, wanted: Any) -> None:
    """Names are the variables', or the steps' where a variable was used for several of them."""
    around = {step, *(x for x in step.operands if isinstance(x, Step))}
    shown = Counter(map(name_of, around))
    names = {x.name if shown[name_of(x)] > 1 else name_of(x): x.value for x in around}
    words = set(re.findall(r"(?<![\w.])[^\W\d]\w*", formula.python)) - {"np"}
    if formula.python and words <= set(names) and formula.python.isascii():  # else constant arrays stand there
        close(np.broadcast_to(eval(formula.python, {"np": np, **names}), np.shape(wanted)), wanted)  # noqa: S307


def check_nudge(e: Explanation, program: Program) -> None:
    """The true change is f(x + d) − f(x), to the bit, and near the gradient's prediction."""
    d = 1e-6 * np.cos(np.arange(program.x.size)).reshape(program.x.shape)
    nudged = e.nudge("x", d)
    after, _ = wengert.value_and_grad(program.loss)(program.x + d, program.y)
    row = next(row for row in nudged.rows if row.step is e.output)
    assert row.change == after - e.value
    if row.predicted is not None:
        close(row.predicted, np.sum(e.gradients["x"] * ((program.x + d) - program.x)), 1e-9, 1e-6)
