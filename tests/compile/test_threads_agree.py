"""A team computes what one thread computes, and waits where it must."""

from __future__ import annotations

import ctypes
import itertools
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from wengert import control, grad, make_program, pytree
from wengert.compile.compiler import compile_program
from wengert.compile.core import Frame, emit_core
from wengert.compile.emit import I32
from wengert.compile.making import prepared
from wengert.compile.objects import address_of
from wengert.compile.sharing import Access, By, Traffic
from wengert.compile.threads import get_threads, set_threads

RNG = np.random.default_rng(0)


def mlp(sizes: list[int], rows: int) -> tuple[Any, ...]:
    params = [
        (RNG.normal(size=(a, b)).astype("f4") / np.float32(a**0.5), np.zeros(b, "f4"))
        for a, b in itertools.pairwise(sizes)
    ]
    return params, RNG.normal(size=(rows, sizes[0])).astype("f4"), RNG.integers(0, sizes[-1], rows)


def loss(params: Any, x: Any, y: Any) -> Any:
    for w, b in params[:-1]:
        x = np.tanh(x @ w + b)
    z = x @ params[-1][0] + params[-1][1]
    z = z - z.max(1, keepdims=True)
    return np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(len(y)), y])


def epoch(params: Any, x: Any, y: Any, order: Any) -> Any:
    def step(params: Any, rows: Any) -> Any:
        g = grad(loss)(params, x[rows], y[rows])
        return pytree.map(lambda p, d: p - np.float32(0.1) * d, params, g), x[rows].sum()

    return control.scan(step, params, order)


def both(f: Callable[..., Any], *args: Any) -> tuple[list[Any], list[Any]]:
    leaves, treedef = pytree.flatten(args)
    program = make_program(lambda *x: f(*pytree.unflatten(treedef, x)))(*leaves)
    return compile_program(program, threads=1)(*leaves), compile_program(program, threads=2)(*leaves)


@pytest.mark.parametrize("sizes", [[12, 64, 64, 2], [5, 7, 3], [16, 33, 10]])
def test_training_epochs(sizes: list[int]) -> None:
    params, x, y = mlp(sizes, 320)
    order = RNG.permutation(320).reshape(10, 32)
    for a, b in zip(*both(epoch, params, x, y, order), strict=True):
        np.testing.assert_array_equal(a, b)  # each element is computed by one thread, in the same order


def normed(params: Any, x: Any, y: Any) -> Any:
    """A loss behind batch norm: sums over rows, and what is computed from them for each row."""
    for w, b in params[:-1]:
        z = x @ w + b
        mean = np.mean(z, 0)
        x = np.tanh((z - mean) / np.sqrt(np.mean((z - mean) ** 2, 0) + np.float32(1e-5)))
    z = x @ params[-1][0] + params[-1][1]
    z = z - z.max(1, keepdims=True)
    return np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(len(y)), y])


def batch_norm_epoch(params: Any, x: Any, y: Any, order: Any) -> Any:
    def step(params: Any, rows: Any) -> Any:
        g = grad(normed)(params, x[rows], y[rows])
        return pytree.map(lambda p, d: p - np.float32(0.1) * d, params, g), None

    return control.scan(step, params, order)


@pytest.mark.parametrize("rows", [32, 64, 24])
def test_batch_norm(rows: int) -> None:
    params, x, y = mlp([12, 64, 64, 2], 10 * rows)
    order = RNG.permutation(10 * rows).reshape(10, rows)
    alone, team = both(batch_norm_epoch, params, x, y, order)
    for a, b in zip(alone, team, strict=True):
        np.testing.assert_array_equal(a, b)
    leaves, treedef = pytree.flatten((params, x, y, order))
    wanted = make_program(lambda *v: batch_norm_epoch(*pytree.unflatten(treedef, v)))(*leaves).evaluate(leaves)
    for a, b in zip(team, wanted, strict=True):  # ten steps of single precision
        np.testing.assert_allclose(a, b, rtol=0, atol=2e-4)


def barriers(f: Callable[..., Any], *args: Any) -> int:
    """How often a team of two waits, as the code stands."""
    leaves, treedef = pytree.flatten(args)
    program = make_program(lambda *x: f(*pytree.unflatten(treedef, x)))(*leaves)
    text = emit_core(prepared(program), threads=2).emitter.text()
    return text.count("call i32 @wengert_barrier")


@pytest.mark.parametrize(("f", "most"), [(epoch, 4), (batch_norm_epoch, 12)])
def test_a_step_of_training_waits_seldom(f: Any, most: int) -> None:
    """Of plain descent: before products that read all rows, and before the next step reads all weights."""
    with team_of(2):
        params, x, y = mlp([12, 64, 64, 2], 640)
        assert barriers(f, params, x, y, RNG.permutation(640).reshape(10, 64)) <= most


@contextmanager
def team_of(threads: int) -> Generator[None]:
    before = get_threads()
    set_threads(threads)
    try:
        yield
    finally:
        set_threads(before)


@pytest.mark.parametrize("shape", [(16, 8), (64, 64), (640, 33), (30, 64), (64, 7), (8, 64)])
def test_sums_over_rows_are_what_they_are_alone(shape: tuple[int, ...]) -> None:
    """Parts of them are summed first: as many as there are threads, whoever computes them."""
    x = RNG.normal(size=shape).astype("f4")

    def f(x: Any) -> Any:
        return np.sum(x, 0), np.mean(x * x, 0, keepdims=True), x - np.sum(np.exp(x), 0)

    for threads in (1, 2):
        with team_of(threads):
            alone, team = both(f, x)
            for a, b, wanted in zip(alone, team, f(x.astype("f8")), strict=True):
                np.testing.assert_array_equal(a, b)
                assert a.shape == wanted.shape
                np.testing.assert_allclose(a, wanted, rtol=0, atol=shape[0] * 2**-23 * np.abs(wanted).max())


@pytest.mark.parametrize("shape", [(64, 64), (3, 500), (10_000,), (64, 2), (8, 1, 40), (2, 2)])
def test_reductions_and_maps(shape: tuple[int, ...]) -> None:
    def f(x: Any) -> Any:
        y = np.exp(x - x.max(-1, keepdims=True))
        return y / y.sum(-1, keepdims=True), y.sum(0), x.sum(), (x * 2).max(0), np.tanh(x).T.copy()

    for a, b in zip(*both(f, RNG.normal(size=shape)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_loops_with_conditions() -> None:
    def f(x: Any) -> Any:
        def body(c: Any) -> Any:
            k, v = c
            return k + 1, control.cond(k % 2 == 0, lambda v: v @ v * 0.1, lambda v: np.sin(v), v)

        return control.while_loop(lambda c: (c[0] < 9) & (c[1].sum() < 1e6), body, (0, x))

    for a, b in zip(*both(f, RNG.normal(size=(16, 16))), strict=True):
        np.testing.assert_array_equal(a, b)


def access(place: str, start: int, stop: int, by: By = "all", *, write: bool = False) -> Access:
    return Access(place, start, stop, by, write)


def test_a_barrier_stands_between_a_write_and_a_read_of_all() -> None:
    traffic = Traffic()
    assert not traffic.enter([access("arena", 0, 64, "own 64", write=True)])
    assert not traffic.enter([access("arena", 0, 64, "own 64")])  # each reads what it has written
    assert traffic.enter([access("arena", 0, 64)])


def test_a_barrier_stands_before_what_others_still_read_is_overwritten() -> None:
    traffic = Traffic()
    assert not traffic.enter([access("arena", 0, 64)])
    assert traffic.enter([access("arena", 32, 96, "own 64", write=True)])
    assert not traffic.enter([access("other", 32, 96, "own 64", write=True)])


def test_columns_are_other_parts_than_rows() -> None:
    traffic = Traffic()
    assert not traffic.enter([access("arena", 0, 64, "own 8", write=True)])
    assert not traffic.enter([access("arena", 0, 64, "own 8")])
    assert traffic.enter([access("arena", 0, 64, "own 64")])


def test_memory_that_is_cut_otherwise_is_shared() -> None:
    traffic = Traffic()
    traffic.enter([access("arena", 0, 64, "own 64", write=True)])
    assert traffic.enter([access("arena", 0, 32, "own 64")])


def test_what_one_thread_does_waits_for_the_others_only() -> None:
    traffic = Traffic()
    assert not traffic.enter([access("arena", 0, 64, "one", write=True)])
    assert not traffic.enter([access("arena", 32, 96, "one", write=True), access("arena", 0, 8, "one")])
    assert traffic.enter([access("arena", 0, 64, "own 64")])


# ---- with one thread late at each kernel, whoever does not wait for it reads what is not there yet


def mirrored(x: Any, w: Any) -> Any:
    y = np.tanh(x)
    return y @ w + y[::-1], y


def turned(x: Any, w: Any) -> Any:
    y = np.tanh(x)
    return y @ w + y.T, y.sum(0)


def rolled(x: Any, w: Any) -> Any:
    y = np.tanh(x)
    return (y - y.mean(0)) @ w + np.roll(y, 1, 0), np.exp(y).sum()


def written(x: Any, w: Any) -> Any:
    v = np.take(x, 0, axis=1)
    z = np.roll(v, 2)
    z[::-1] = v
    return np.sqrt(v[None, :, None] ** 2 + z**2), x @ w


LATE = {
    "mirrored": (mirrored, RNG.normal(size=(64, 64)), RNG.normal(size=(64, 64)) / 8),
    "turned": (turned, RNG.normal(size=(64, 64)), RNG.normal(size=(64, 64)) / 8),
    "rolled": (rolled, RNG.normal(size=(48, 32)), RNG.normal(size=(32, 32)) / 8),
    "written": (written, RNG.normal(size=(16, 32)), RNG.normal(size=(32, 8))),
    "descent": (epoch, *mlp([12, 64, 64, 2], 320), RNG.permutation(320).reshape(5, 64)),
    "batch norm": (batch_norm_epoch, *mlp([12, 64, 64, 2], 320), RNG.permutation(320).reshape(5, 64)),
}


@pytest.mark.skipif(sys.platform == "win32", reason="usleep is POSIX's")
@pytest.mark.parametrize("late", [0, 1])
@pytest.mark.parametrize("name", LATE)
def test_nobody_reads_what_a_late_thread_has_not_written(
    monkeypatch: pytest.MonkeyPatch, name: str, late: int
) -> None:  # fmt: skip
    f, *args = LATE[name]
    leaves, treedef = pytree.flatten(tuple(args))
    program = make_program(lambda *x: f(*pytree.unflatten(treedef, x)))(*leaves)
    alone = compile_program(program, threads=1)(*leaves)
    touch, usleep = Frame.touch, address_of(ctypes.CDLL(None).usleep)

    def sleeping(frame: Frame, accesses: Any) -> None:
        touch(frame, accesses)
        frame.e.external("late", usleep, I32, I32)

        def sleep() -> None:
            frame.e.call("late", I32, frame.e.const(I32, 150))

        if frame.core.threads > 1:
            frame.e.if_(frame.thread.equals(late), sleep)

    monkeypatch.setenv("WENGERT_CACHE", "0")
    monkeypatch.setattr(Frame, "touch", sleeping)
    run = compile_program(program, threads=2)
    for _ in range(3):
        for a, b in zip(alone, run(*leaves), strict=True):
            np.testing.assert_array_equal(a, b)
