"""Unrolled loops, rerolled: values and gradients are those of the unrolled Program, whatever the loop carries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.rewrite._equal import close, rewritten_is_equal, same_bits

import wengert.transforms.control_scan
from wengert import grad, make_program, value_and_grad
from wengert.core.program import Program
from wengert.rewrite import count, rewrite
from wengert.rewrite.runs import find_runs

assert wengert.transforms.control_scan  # the record of scan
RNG = np.random.default_rng(7)
V = RNG.normal(size=5)
TURNS = 70


def scans(program: Program) -> list[dict[str, Any]]:
    """The parameters of a Program's scans."""
    return [e.params for e in program.equations if e.primitive.name == "scan"]


def simple(x: Any) -> Any:
    for _ in range(TURNS):
        x = np.sin(x) + 0.1 * x
        x = x - 0.01 * x * x
    return np.sum(x)


def from_further_back(x: Any) -> Any:
    a, b, c = x, 2 * x, np.cos(x)
    for _ in range(TURNS):
        a, b, c = np.tanh(b) - 0.1 * a, c, np.sin(a + 0.5 * c)
    return np.sum(a * b + c)


def numbers_that_differ(x: Any) -> Any:
    for k in range(TURNS):
        x = np.tanh(x * (1.0 + 0.01 * k)) + np.float64(k) / 50 + k
        x = np.cos(x) * np.sin(x)
    return np.sum(x)


def rows_of_an_array(x: Any) -> Any:
    a = np.outer(np.linspace(0.5, 1.5, TURNS), x)
    b = np.outer(np.linspace(0.5, 1.5, 2 * TURNS + 2), np.sin(x))
    for k in range(TURNS):
        x = np.tanh(x * a[k] + a[TURNS - 1 - k, ::-1]) - b[2 * k + 1] * a[k, 0]
    return np.sum(x)


def rows_around_the_end(x: Any) -> Any:
    a = np.outer(np.linspace(0.5, 1.5, TURNS), x)
    b = np.outer(np.linspace(0.5, 1.5, TURNS // 2), x)
    for k in range(TURNS):
        x = np.tanh(x * a[k - 1] + a[-1 - k]) - a[k - TURNS, 2] + b[k % (TURNS // 2)] + np.sin(b[:, 1])[k // 2]
    return np.sum(x)


def rows_written(x: Any) -> Any:
    y = np.zeros((TURNS, 5))
    for k in range(TURNS):
        y[k] = np.sin(x) * 0.5
        x = np.cos(y[k]) + x * 0.1
    return np.sum(y * y * np.arange(5.0))


def all_kept(x: Any) -> Any:
    kept = [x]
    for _ in range(TURNS):
        kept.append(np.tanh(kept[-1] * 1.1) * 0.9 + 0.01)
    return np.sum(np.stack(kept) ** 2) + sum(np.max(y) for y in kept[3:6])


def small_weights(x: Any) -> Any:
    w = [np.cos(k * V + x) for k in range(TURNS)]
    for u in w:
        x = np.tanh(x * u + np.sum(u)) + 0.1
    return np.sum(x)


def of_a_number(x: Any) -> Any:
    x = np.sum(x)
    for _ in range(TURNS):
        x = np.sin(x) * 1.5 + x / 3
    return x


def two_loops(x: Any) -> Any:
    states = []
    for _ in range(TURNS):
        x = np.sin(x * 1.1) + 0.2
        states.append(x)
    y = x
    for s in reversed(states):
        y = np.cos(y + s) * s
    for s in states:
        y = np.tanh(y * s) + s
    return np.sum(y)


def with_edges(x: Any) -> Any:
    for k in range(TURNS):
        x = np.exp(-x) if k in (0, TURNS - 1) else np.cos(x)
        x = np.tanh(x + x * x) - 0.3
    return np.sum(x)


LOOPS: list[Callable[[Any], Any]] = [
    simple, from_further_back, numbers_that_differ, rows_of_an_array, rows_around_the_end, rows_written, all_kept, small_weights,
    of_a_number, two_loops, with_edges,
]  # fmt: skip


@pytest.mark.parametrize("f", LOOPS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("of", [lambda f: f, grad], ids=["value", "gradient"])
def test_a_loop_is_found(f: Any, of: Any) -> None:
    program = make_program(of(f))(V)
    new = rewritten_is_equal(program, [V], rtol=1e-10)
    assert scans(new)
    assert count(new).equations < len(program.equations) / 2


def test_nothing_is_made_of_short_loops() -> None:
    program = make_program(lambda x: np.sin(np.sin(np.sin(np.sin(x)))))(V)
    assert not scans(rewrite(program))


def lstm(p: Any, xs: Any) -> Any:
    w, u, b = p
    h, c = np.zeros((xs.shape[1], 4)), np.zeros((xs.shape[1], 4))
    for x in xs:
        i, f, o, g = np.split(x @ w + h @ u + b, 4, axis=1)
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
    return np.sum(h * h)


PARAMETERS = [RNG.normal(size=(3, 16)), RNG.normal(size=(4, 16)), RNG.normal(size=16)]
SEQUENCE = RNG.normal(size=(20, 6, 3))


def test_a_recurrent_network() -> None:
    program = make_program(value_and_grad(lstm))(PARAMETERS, SEQUENCE)
    new = rewritten_is_equal(program, [*PARAMETERS, SEQUENCE])
    forward, backward = scans(new)
    assert forward["length"] == 20
    assert (backward["length"], backward["reverse"]) == (18, True)
    names = [[e.primitive.name for e in s["body"].equations] for s in (forward, backward)]
    # the products with the inputs are one before the loop, gradients of weights are products after it
    assert [n.count("dot") for n in names] == [1, 1]
    assert [tuple(v.aval.shape for v in e.outputs) for e in new.equations if e.primitive.name == "dot"].count(
        ((20, 6, 16),)
    ) == 1
    assert "sum" not in names[1]


def test_numbers_of_single_precision_stay_so() -> None:
    def f(x: Any) -> Any:
        for k in range(TURNS):
            x = x * (0.9 + 0.001 * k) + np.float32(k)
            x = np.sqrt(np.abs(x)) + k
        return x

    x = V.astype(np.float32)
    program = make_program(f)(x)
    new = rewrite(program)
    assert scans(new)
    same_bits(new(x), program(x))


def test_windows_that_repeat() -> None:
    body = [3, 1, 4, 1, 5]
    symbols = np.array([9, 8, *body * 10, 3, 1, 7, *[2] * 30, 6])
    runs = find_runs(symbols, turns=4, least=20)
    assert [(r.start, r.stop, r.period) for r in runs] == [(2, 54, 5), (55, 85, 1)]


def test_random_symbols_have_no_runs() -> None:
    assert find_runs(RNG.integers(0, 50, 2000), turns=4, least=20) == []


def test_a_body_that_is_repeated_with_one_difference() -> None:
    def f(x: Any) -> Any:
        for k in range(2 * TURNS):
            x = np.tanh(x) * 1.01
            x = np.cos(x + 0.5) if k == TURNS else np.sin(x + 0.5)
        return np.sum(x)

    program = make_program(grad(f))(V)
    new = rewritten_is_equal(program, [V])
    assert len(scans(new)) >= 2


def test_close_tells_apart() -> None:
    with pytest.raises(AssertionError):
        close(np.array([1.0, 2.0]), np.array([1.0, 2.1]), 1e-3)
