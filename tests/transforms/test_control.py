"""control.scan, while_loop, fori_loop, cond, switch, map, associative_scan: against Python's own loops and branches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from wengert import control, grad, jit, make_program, pytree, vmap
from wengert.errors import ShapeError, TraceError
from wengert.transforms.control_revolve import SNAPSHOTS, next_snapshot

A = np.array([[0.2, -0.4], [0.7, 0.1]])
C = np.array([0.3, -0.5])
XS = np.linspace(-1.0, 1.0, 10).reshape(5, 2)


def same(got: Any, want: Any, rtol: float = 1e-13) -> None:
    """Trees with the same types of leaves, and the same numbers."""

    def one(g: Any, w: Any) -> None:
        assert type(g) is type(w), (g, w)
        np.testing.assert_allclose(g, w, rtol=rtol, atol=1e-15)

    pytree.map(one, got, want)


# ---- scan


def test_scan_is_a_loop():
    def f(c: Any, x: Any) -> Any:
        c = np.tanh(A @ c + x)
        return c, {"sum": np.sum(c), "x": x}

    c, rows = C, []
    for x in XS:
        c, y = f(c, x)
        rows.append(y)
    ys = {key: np.stack([row[key] for row in rows]) for key in ("sum", "x")}
    same(control.scan(f, C, XS), (c, ys))
    same(jit(lambda c, xs: control.scan(f, c, xs))(C, XS), (c, ys))


def test_scan_from_the_last_to_the_first():
    total, sums = control.scan(lambda t, x: (t + x, t), 0.0, np.array([1.0, 2.0, 4.0]), reverse=True)
    same((total, sums), (np.float64(7.0), np.array([6.0, 4.0, 0.0])))


def test_scan_of_no_steps():
    carry, ys = control.scan(lambda c, x: (c + x, c * x), C, np.zeros((0, 2)))
    same((carry, ys), (C, np.zeros((0, 2))))
    same(grad(lambda c: np.sum(control.scan(lambda c, x: (c * x, None), c, np.zeros((0, 2)))[0] ** 2))(C), 2 * C)
    same(control.scan(lambda c, _: (c * 2.0, None), 1.5, length=0), (1.5, None))


def test_scan_of_trees():
    @dataclass(frozen=True)
    class State:
        x: Any
        n: Any

    def f(s: Any, ab: Any) -> Any:
        a, b = ab
        return State(s.x * a["k"] + b, s.n + 1), (s.n, None)

    xs = ({"k": np.array([1.0, 2.0, 3.0])}, np.array([0.5, 0.25, 0.125]))
    out, (counts, nothing) = control.scan(f, State(1.0, 0), xs)
    assert nothing is None
    assert (out.x, out.n) == (((1.0 + 0.5) * 2 + 0.25) * 3 + 0.125, 3)
    assert type(out) is State
    assert type(out.n) is int
    np.testing.assert_array_equal(counts, [0, 1, 2])


def test_numbers_in_the_carry_become_what_the_body_gives():
    x32 = np.ones(3, np.float32)
    out, _ = control.scan(lambda c, x: (c + x, None), 0, x32)
    assert type(out) is np.float32
    out, _ = control.scan(lambda c, x: (c + x, None), np.array(0.0), np.ones(3))
    assert type(out) is np.float64
    out, _ = control.scan(lambda c, _: (c * 0.5, None), 1, length=3)
    assert (type(out), out) == (float, 0.125)
    out, _ = control.scan(lambda c, _: (2.0, None), np.float64(1), length=3)
    assert type(out) is np.float64


def test_trace_time_does_not_grow_with_the_length():
    runs: list[int] = []

    def f(c: Any, x: Any) -> Any:
        runs.append(1)
        return c + x, None

    for n in (3, 3000):
        runs.clear()
        make_program(lambda xs: control.scan(f, np.float64(0), xs)[0])(np.ones(n))
        assert len(runs) == 1
        lines = str(make_program(grad(lambda xs: control.scan(f, np.float64(0), xs)[0]))(np.ones(n))).splitlines()
        assert len(lines) < 20


def test_arrays_that_are_closed_over_are_read_at_the_call():
    scale = np.array([2.0])

    def total() -> Any:
        return control.scan(lambda c, x: (c + x * scale[0], None), 0.0, np.ones(3))[0]

    first = total()
    scale[0] = 5.0
    assert (first, total()) == (6.0, 15.0)


def test_the_carry_may_be_written_to():
    def f(c: Any, x: Any) -> Any:
        c[0] += x
        return c, c[0]

    start = np.zeros(2)
    carry, ys = control.scan(f, start, np.array([1.0, 2.0]))
    np.testing.assert_array_equal(carry, [3.0, 0.0])
    np.testing.assert_array_equal(ys, [1.0, 3.0])
    np.testing.assert_array_equal(start, 0.0)


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda: control.scan(lambda c, x: (c + x, x), np.zeros(3), np.ones((2, 4, 3))),
         r"carry goes into a step as f64\[3\] and comes out as f64\[4,3\].*\n.*\n  write: an initial value of shape"),
        (lambda: control.scan(lambda c, x: ({"a": c["a"] + x}, x), {"a": np.zeros(3, np.float32)}, np.ones((2, 3))),
         r"carry\['a'\] goes into a step as f32\[3\] and comes out as f64\[3\](?s:.*)write: init\['a'\].astype\(np.float64\)"),
        (lambda: control.scan(lambda c, x: ((c, c), x), 0.0, np.ones(2)),
         r"the carry has structure \*, and the function gave \(\*, \*\)"),
        (lambda: control.scan(lambda c, x: c, 0.0, np.ones(2)),
         r"must return \(carry, y\), and returned float(?s:.*)write: return carry, None"),
        (lambda: control.scan(lambda c, x: (c, x), "a", np.ones(2)), r"init is a str"),
        (lambda: control.scan(lambda c, x: (c, "a"), 0.0, np.ones(2)), r"the function returned a str"),
        (lambda: control.scan(lambda c, x: (c, x), 0.0), r"neither xs nor length"),
        (lambda: control.scan(lambda c, x: (c, x), 0.0, np.ones(3), length=4), r"differ in the number of steps: \[3, 4\]"),
        (lambda: control.scan(lambda c, x: (c, x), 0.0, (np.ones(3), np.ones(2))), r"number of steps: \[2, 3\]"),
        (lambda: control.scan(lambda c, x: (c, x), 0.0, 1.0), r"without axes"),
    ],
)  # fmt: skip
def test_scan_says_what_does_not_fit(run: Any, message: str):
    with pytest.raises((ShapeError, TraceError), match=message):
        run()


# ---- while_loop


def root(a: Any) -> Any:
    """Newton's iteration for √a."""
    return control.while_loop(lambda x: abs(x * x - a) > 1e-13 * a, lambda x: 0.5 * (x + a / x), 0.5 * a + 0.5)


def test_while_loop_is_a_loop():
    n, s = control.while_loop(lambda c: c[0] < 5, lambda c: (c[0] + 1, c[1] * 2.0), (0, 1.5))
    assert (n, s) == (5, 48.0)
    assert control.while_loop(lambda c: c < 0, lambda c: c + 1, 3) == 3


@pytest.mark.parametrize("a", [2.0, 1e-3, 700.0])
def test_derivatives_of_an_iteration(a: float):
    assert root(a) == pytest.approx(np.sqrt(a), rel=1e-13)
    assert grad(root)(a) == pytest.approx(0.5 / np.sqrt(a), rel=1e-10)
    assert jit(grad(root))(a) == pytest.approx(0.5 / np.sqrt(a), rel=1e-10)
    assert grad(grad(root))(a) == pytest.approx(-0.25 * a**-1.5, rel=1e-6)
    values = vmap(grad(root))(np.array([a, 4.0, 9.0]))
    np.testing.assert_allclose(values, 0.5 / np.sqrt([a, 4.0, 9.0]), rtol=1e-10)


@pytest.mark.parametrize("n", [0, 1, 2, SNAPSHOTS, SNAPSHOTS + 1, 150])
def test_reverse_through_any_number_of_steps(n: int):
    def f(w: Any) -> Any:
        return control.while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, np.sin(w * c[1]) + 0.1), (0, w))[1]

    def g(w: Any) -> Any:
        x = w
        for _ in range(n):
            x = np.sin(w * x) + 0.1
        return x

    assert grad(f)(0.9) == pytest.approx(grad(g)(0.9), rel=1e-12)


@pytest.mark.parametrize("places", [1, 2, 3, 7])
@pytest.mark.parametrize("steps", [1, 2, 3, 10, 36, 100])
def test_snapshots_stand_where_few_steps_are_repeated(places: int, steps: int):
    """The numbers of forward steps are those of Griewank's optimal schedule, from its recurrence."""

    def taken(l: int, s: int) -> int:
        if l == 1:
            return 0
        x = int(next_snapshot(np.int64(0), np.int64(l - 1), np.int64(s)))
        assert 0 < x < l
        if s == 1:
            assert x == l - 1, "without another place, the state is computed and not kept"
            return x + taken(x, 1)
        return x + taken(l - x, s - 1) + taken(x, s)

    best: dict[tuple[int, int], int] = {}

    def optimal(l: int, s: int) -> int:
        if l == 1 or s == 1:
            return l * (l - 1) // 2
        if (l, s) not in best:
            best[l, s] = min(x + optimal(l - x, s - 1) + optimal(x, s) for x in range(1, l))
        return best[l, s]

    assert taken(steps, places) == optimal(steps, places)


def test_the_test_must_give_one_bool():
    with pytest.raises(ShapeError, match=r"must give one bool, and gave \(bool\[2\]\)(?s:.*)np.any"):
        control.while_loop(lambda c: c > 0, lambda c: c, np.ones(2))
    assert control.while_loop(lambda n: n, lambda n: n - 1, 4) == 0


# ---- fori_loop


def test_fori_loop():
    assert control.fori_loop(1, 5, lambda i, p: p * i, 1) == 24
    assert control.fori_loop(3, 3, lambda i, p: p * i, 7) == 7
    assert control.fori_loop(5, 2, lambda i, p: p * i, 7) == 7
    f = lambda n, w: control.fori_loop(0, n, lambda i, p: p * w + i, 1.0)
    assert f(4, 2.0) == 27.0
    assert jit(f)(4, 2.0) == 27.0
    assert jit(f)(0, 2.0) == 1.0
    assert grad(lambda w: f(4, w))(2.0) == 4 * 8 + 4 + 2
    assert grad(lambda w: jit(f)(4, w))(2.0) == 38.0


def test_a_counter_is_a_number_of_pythons():
    out = control.fori_loop(0, 3, lambda i, c: c + i, np.zeros(2, np.float32))
    assert out.dtype == np.float32


# ---- cond and switch


def test_cond_runs_one_branch():
    calls: list[str] = []

    def branch(name: str, value: Any) -> Any:
        return lambda: (calls.append(name), value)[1]

    assert control.cond(True, branch("a", 1.0), branch("b", 2.0)) == 1.0
    assert control.cond(np.float64(0.0), branch("a", 1.0), branch("b", 2.0)) == 2.0
    assert calls == ["a", "b"]


def test_cond_of_an_abstract_condition():
    f = jit(lambda x: control.cond(x > 0, np.sqrt, np.negative, x))
    assert (f(4.0), f(-3.0)) == (2.0, 3.0)
    assert (grad(f)(4.0), grad(f)(-3.0)) == (0.25, -1.0)
    with np.errstate(all="ignore"):  # both branches run
        np.testing.assert_array_equal(vmap(f)(np.array([4.0, -3.0])), [2.0, 3.0])
        np.testing.assert_array_equal(vmap(grad(f))(np.array([4.0, -3.0, 0.0])), [0.25, -1.0, -1.0])


def test_what_a_branch_computes_of_outer_values_stays_in_the_branch():
    text = str(make_program(lambda w, x: control.cond(x > 0, lambda: np.log(w) * x, lambda: x))(2.0, 1.0))
    outer, inner = text.split("branches 0", 1)
    assert "log" not in outer
    assert "log" in inner
    f = lambda w: jit(lambda x: control.cond(x > 0, lambda: np.log(w) * x, lambda: x * w))(1.0)
    assert grad(f)(2.0) == 0.5


def test_switch_takes_the_nearest_branch():
    f = jit(lambda i, x: control.switch(i, [np.sin, np.cos, np.exp], x))
    for i, g in [(-3, np.sin), (0, np.sin), (1, np.cos), (2, np.exp), (9, np.exp)]:
        assert f(i, 0.7) == g(0.7)
        assert control.switch(i, [np.sin, np.cos, np.exp], 0.7) == g(0.7)
    got = vmap(f)(np.array([-1, 0, 1, 2, 3]), np.full(5, 0.7))
    np.testing.assert_array_equal(got, [g(0.7) for g in (np.sin, np.sin, np.cos, np.exp, np.exp)])


def test_branches_that_do_not_agree():
    with pytest.raises(ShapeError, match=r"result is f64\[3\] in branch 0 and float in branch 1"):
        jit(lambda x: control.cond(x > 0, lambda: x, lambda: np.ones(3)))(1.0)
    with pytest.raises(ShapeError, match=r"structure \(\*, \*\), branch 1 one of \*"):
        jit(lambda x: control.cond(x > 0, lambda: x, lambda: (x, x)))(1.0)
    with pytest.raises(ShapeError, match=r"array of shape \(2,\)(?s:.*)np.where"):
        control.cond(np.ones(2), lambda: 0, lambda: 1)
    with pytest.raises(ShapeError, match="not one integer"):
        control.switch(1.5, [np.sin], 0.0)
    with pytest.raises(ValueError, match="no branches"):
        control.switch(0, [])


def test_branches_meet_in_one_type():
    f = jit(lambda x, y: control.cond(x > 0, lambda: y, lambda: 0))
    assert type(f(1.0, np.float32(2.0))) is np.float32
    assert type(f(-1.0, np.float32(2.0))) is np.float32


# ---- map and associative_scan


def test_map():
    xs = np.arange(6.0).reshape(3, 2)
    same(control.map(lambda r: (r @ r, r[0]), xs), (np.array([1.0, 13.0, 41.0]), np.array([0.0, 2.0, 4.0])))
    same(grad(lambda xs: np.sum(control.map(lambda r: r @ r, xs)))(xs), 2 * xs)


@pytest.mark.parametrize("n", range(1, 10))
@pytest.mark.parametrize("reverse", [False, True])
def test_associative_scan_is_a_running_sum(n: int, reverse: bool):
    x = np.arange(1.0, 1 + 6 * n).reshape(2, 3, n)[..., :n] if n > 1 else np.ones((2, 3, 1))
    want = np.flip(np.cumsum(np.flip(x, -1), -1), -1) if reverse else np.cumsum(x, -1)
    np.testing.assert_array_equal(control.associative_scan(np.add, x, axis=-1, reverse=reverse), want)
    np.testing.assert_array_equal(jit(lambda x: control.associative_scan(np.add, x, 2, reverse))(x), want)


@pytest.mark.parametrize("reverse", [False, True])
def test_associative_scan_keeps_the_order(reverse: bool):
    rng = np.random.default_rng(0)
    ms = rng.normal(size=(7, 2, 2))
    got = control.associative_scan(lambda a, b: b @ a, ms, reverse=reverse)
    product = np.eye(2)
    for k in range(6, -1, -1) if reverse else range(7):
        # f(a, b) = b @ a of what stands earlier and what stands later
        product = product @ ms[k] if reverse else ms[k] @ product
        np.testing.assert_allclose(got[k], product, rtol=1e-12)


def test_associative_scan_of_trees_and_its_derivative():
    def after(first: Any, second: Any) -> Any:
        return first[0] * second[0], second[0] * first[1] + second[1]

    a, b = np.linspace(0.1, 0.9, 6), np.linspace(1.0, 2.0, 6)

    def loop(a: Any, b: Any) -> Any:
        y, total = 0.0, 0.0
        for k in range(6):
            y = a[k] * y + b[k]
            total = total + np.sin(y)
        return total

    f = lambda a, b: np.sum(np.sin(control.associative_scan(after, (a, b))[1]))
    assert f(a, b) == pytest.approx(loop(a, b), rel=1e-14)
    for k in (0, 1):
        np.testing.assert_allclose(grad(f, k)(a, b), grad(loop, k)(a, b), rtol=1e-12)
    with pytest.raises(ShapeError, match="axis 1 must have one length"):
        control.associative_scan(np.add, np.ones(3), axis=1)
