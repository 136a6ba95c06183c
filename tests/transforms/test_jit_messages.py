# ruff: noqa: RET504
"""What a message shows where a staged value would have to decide: the user's own lines, rewritten."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wengert import control, jit, pytree, vmap
from wengert.errors import ConcretizationError


def if_else(x: Any) -> Any:
    y = 0.0 * x
    if np.sum(x) > 1:
        y = x * 2
        z = y + 1
    else:
        z = x
    return y + z


def if_else_of_one(x: Any) -> Any:
    if x[0] > 0:
        y = x * 2
    else:
        y = -x
    return y


def if_without_else(x: Any) -> Any:
    if x[0] > 0:
        x += 1
    return x


def if_without_else_of_two(x: Any) -> Any:
    y = x
    if x[0] > 0:
        y = y * 2
        x[1] = 1.0
    return x + y


def if_return(x: Any) -> Any:
    if x[0] > 0:
        return x
    return -x


def if_return_of_more(x: Any) -> Any:
    if x[0] > 0:
        y = x * 2
        return y
    z = -x
    return z


def if_raise(x: Any) -> Any:
    if x[0] < 0:
        raise ValueError("negative")
    return x


def while_of_one(x: Any) -> Any:
    while x[0] < 100:
        x = x * 2
    return x


def while_of_two(x: Any) -> Any:
    n = 0
    while np.sum(x) < 100:
        x = x * 2
        n += 1
    return x, n


def while_and(x: Any) -> Any:
    while x[0] < 100 and x[1] < 50:
        x = x * 2
    return x


def while_break(x: Any) -> Any:
    while x[0] < 100:
        x = x * 2
        if x[1] > 5:
            break
    return x


def both(x: Any) -> Any:
    ok = x[0] > 0 and x[1] > 0
    return ok


def either_or_not(x: Any) -> Any:
    if x[0] > 0 or not x[1] > 0:
        y = x
    else:
        y = 2 * x
    return y


def chained(x: Any) -> Any:
    return x if 0 < x[0] < 1 else -x


def ternary(x: Any) -> Any:
    return x * 2 if x[0] > 0 else x


def asserted(x: Any) -> Any:
    assert x[0] > 0, "positive"
    return x


def as_float(x: Any) -> Any:
    y = float(x[0])
    return y


def as_int(x: Any) -> Any:
    return int(x[0] * 3)


def count(n: Any) -> Any:
    s = 0.0
    for k in range(n):
        s = s + k
    return s


def bounds(n: Any) -> Any:
    s, p = 0.0, 1.0
    for k in range(1, n):
        s = s + k
        p = p * k
    return s, p


def zeros(n: Any, x: Any) -> Any:
    return np.zeros((n, 2)) + x


def larger(x: Any) -> Any:
    return max(x[0], x[1])


GOLDEN: dict[Callable[..., Any], str] = {
    if_else: """
        def if_true(y):
            y = x * 2
            z = y + 1
            return y, z
        def if_false(y):
            z = x
            return y, z
        y, z = control.cond(np.sum(x) > 1, if_true, if_false, y)
    """,
    if_else_of_one: "y = np.where(x[0] > 0, x * 2, -x)",
    if_without_else: "x = np.where(x[0] > 0, x + 1, x)",
    if_without_else_of_two: """
        def if_true(y, x):
            y = y * 2
            x[1] = 1.0
            return y, x
        def if_false(y, x):
            return y, x
        y, x = control.cond(x[0] > 0, if_true, if_false, y, x)
    """,
    if_return: "return np.where(x[0] > 0, x, -x)",
    if_return_of_more: """
        def if_true():
            y = x * 2
            return y
        def if_false():
            z = -x
            return z
        return control.cond(x[0] > 0, if_true, if_false)
    """,
    if_raise: "# raise, break and continue need a value to decide by: check it outside, on results that are numbers",
    while_of_one: """
        def test(x):
            return x[0] < 100
        def body(x):
            x = x * 2
            return x
        x = control.while_loop(test, body, x)
    """,
    while_of_two: """
        def test(state):
            x, n = state
            return np.sum(x) < 100
        def body(state):
            x, n = state
            x = x * 2
            n += 1
            return x, n
        x, n = control.while_loop(test, body, (x, n))
    """,
    while_and: """
        def test(x):
            return np.logical_and(x[0] < 100, x[1] < 50)
        def body(x):
            x = x * 2
            return x
        x = control.while_loop(test, body, x)
    """,
    while_break: """
        # break, continue and return need a value to decide by: put them into the test, as
        control.while_loop(lambda state: test of state, body, state)
    """,
    both: "np.logical_and(x[0] > 0, x[1] > 0)",
    either_or_not: "y = np.where(np.logical_or(x[0] > 0, np.logical_not(x[1] > 0)), x, 2 * x)",
    chained: "np.where(np.logical_and(0 < x[0], x[0] < 1), x, -x)",
    ternary: "np.where(x[0] > 0, x * 2, x)",
    asserted: """
        # an assert needs a value: check it outside, on results that are numbers, or let NaN say it:
        np.where(x[0] > 0, result, np.nan)
    """,
    as_float: "x[0]  # is a number already; outside of the staged function: float(...) of its result",
    as_int: "np.asarray(x[0] * 3).astype(int)",
    count: """
        def body(k, s):
            s = s + k
            return s
        s = control.fori_loop(0, n, body, s)
    """,
    bounds: """
        def body(k, state):
            s, p = state
            s = s + k
            p = p * k
            return s, p
        s, p = control.fori_loop(1, n, body, (s, p))
    """,
    zeros: "jit(zeros, static_argnames='n')  # np.zeros((n, 2)) needs a number",
    larger: "np.maximum(x[0], x[1])",
}
X = np.array([0.5, 2.0])
ARGS: dict[Any, tuple[Any, ...]] = {count: (4,), bounds: (4,), zeros: (4, 1.0)}


def suggested(f: Any) -> str:
    with pytest.raises(ConcretizationError) as caught:
        jit(f)(*ARGS.get(f, (X,)))
    message = str(caught.value)
    assert f"{__file__}:" in message
    lines = message.split("\n  write:")[1]
    return textwrap.dedent(lines.lstrip(" ") if "\n" not in lines else lines)


@pytest.mark.parametrize("f", GOLDEN, ids=lambda f: f.__name__)
def test_the_lines_to_write(f: Any):
    assert suggested(f).strip() == textwrap.dedent(GOLDEN[f]).strip()


RUNS = [if_else, if_else_of_one, if_without_else, if_without_else_of_two, if_return, if_return_of_more, while_of_one,
        while_of_two, while_and, either_or_not, chained, ternary, count, bounds, larger]  # fmt: skip


@pytest.mark.parametrize("f", RUNS, ids=lambda f: f.__name__)
def test_the_lines_do_what_the_statement_did(f: Any):
    """The suggestion, put in the place of what it stands for, runs under jit and gives what the function gives."""
    source = ast.parse(textwrap.dedent(inspect.getsource(f)))
    lines = ast.parse(suggested(f)) if not _is_expression(f) else None
    function = source.body[0]
    assert isinstance(function, ast.FunctionDef)
    function.decorator_list = []
    if lines is None:
        assert isinstance(function.body[-1], ast.Return)
        function.body[-1].value = ast.parse(suggested(f).strip(), mode="eval").body
    else:
        at_ = next(k for k, n in enumerate(function.body) if isinstance(n, ast.If | ast.While | ast.For))
        rest = [] if f in (if_return, if_return_of_more) else function.body[at_ + 1 :]
        function.body[at_:] = [*lines.body, *rest]
    space: dict[str, Any] = {"np": np, "control": control, "Any": Any}
    exec(compile(ast.fix_missing_locations(source), "rewritten", "exec"), space)  # noqa: S102
    rewritten = space[f.__name__]
    for args in [ARGS[f]] if f in ARGS else [(X.copy(),), (-X,), (np.array([0.5, -3.0]),)]:
        if f in (while_of_one, while_of_two, while_and) and np.sum(args[0]) < 0:
            continue
        got, want = jit(rewritten)(*args), f(*[np.copy(a)[()] if f not in ARGS else a for a in args])
        pytree.map(np.testing.assert_array_equal, got, want)


def _is_expression(f: Any) -> bool:
    return f in (chained, ternary, larger)


def test_under_vmap_the_lines_are_the_same():
    with pytest.raises(ConcretizationError, match=r"under vmap(?s:.*)write: y = np\.where\(x\[0\] > 0, x \* 2, -x\)"):
        vmap(if_else_of_one)(np.ones((3, 2)))


def test_where_there_is_no_source():
    space: dict[str, Any] = {}
    exec("def f(x):\n    if x > 0:\n        return x\n    return -x\n", space)  # noqa: S102
    with pytest.raises(ConcretizationError, match=r"write: np\.where"):
        jit(space["f"])(1.0)
