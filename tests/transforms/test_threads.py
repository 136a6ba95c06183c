"""Transforms in several threads and tasks at once: traces do not meet, and NumPy's names come back."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from wengert import EscapeError, grad, hessian, jacfwd, jvp, vmap
from wengert.core.trace import current
from wengert.frontend.creation import NAMES, ORIGINALS


def f(x: Any) -> Any:
    y = np.zeros(3)
    for k in range(3):
        y[k] = np.sin(x[k]) * x[k - 1]
    return np.sum(y**2)


def names_are_numpys() -> bool:
    return all(getattr(np, name) is ORIGINALS[name] for name in NAMES)


def test_many_threads_at_once() -> None:
    xs = [np.linspace(0.1, 1.0, 3) * (k + 1) for k in range(16)]
    want = [(grad(f)(x), jacfwd(f)(x), hessian(f)(x), vmap(grad(f))(np.stack([x, x]))) for x in xs]
    barrier = threading.Barrier(4)

    def work(x: Any) -> Any:
        barrier.wait(timeout=60)
        return [(grad(f)(x), jacfwd(f)(x), hessian(f)(x), vmap(grad(f))(np.stack([x, x]))) for _ in range(5)]

    with ThreadPoolExecutor(4) as pool:
        for results, expected in zip(pool.map(work, xs), want, strict=True):
            for result in results:
                for got, exact in zip(result, expected, strict=True):
                    np.testing.assert_array_equal(got, exact)
    assert names_are_numpys()


def test_transforms_that_overlap_in_time() -> None:
    """One thread is in the middle of a transform while another one enters and leaves its own."""
    inside, done = threading.Event(), threading.Event()
    results: list[Any] = []

    def slow(x: Any) -> Any:
        y = np.zeros(2)
        inside.set()
        assert done.wait(timeout=60)
        y[0] = x
        z = np.ones(2)
        z[1] = x * x
        return np.sum(y * z)

    thread = threading.Thread(target=lambda: results.append(grad(slow)(3.0)))
    thread.start()
    assert inside.wait(timeout=60)
    assert type(np.zeros(2)) is np.ndarray
    assert grad(lambda x: np.sum(np.array([x, x * x])))(3.0) == 7.0
    assert type(np.zeros(2)) is np.ndarray
    done.set()
    thread.join()
    assert results == [1.0]
    assert names_are_numpys()


def test_a_traced_value_in_another_thread() -> None:
    """The other thread has no trace of its own: it computes on, and what it makes is plain NumPy."""

    def g(x: Any) -> Any:
        out: list[Any] = []
        thread = threading.Thread(target=lambda: out.append((np.sin(x) * 2.0, type(np.zeros(2)))))
        thread.start()
        thread.join()
        assert out[0][1] is np.ndarray
        return np.sum(out[0][0])

    x = np.array([0.3, 0.7])
    np.testing.assert_allclose(grad(g)(x), 2 * np.cos(x))


def test_a_context_that_is_copied_keeps_its_trace() -> None:
    def g(x: Any) -> Any:
        def inner() -> Any:
            y = np.zeros(2)
            y[0] = x * x
            return np.sum(y)

        return contextvars.copy_context().run(inner)

    assert grad(g)(3.0) == 6.0


def test_tasks() -> None:
    async def one(x: Any) -> Any:
        await asyncio.sleep(0)
        value = grad(f)(x)
        await asyncio.sleep(0)
        return value

    async def every() -> Any:
        return await asyncio.gather(*(one(np.full(3, 0.1 * k)) for k in range(5)))

    for k, got in enumerate(asyncio.run(every())):
        np.testing.assert_array_equal(got, grad(f)(np.full(3, 0.1 * k)))
    assert names_are_numpys()


def test_after_an_error_in_one_of_two_threads() -> None:
    ready, go = threading.Event(), threading.Event()
    errors: list[BaseException] = []

    def fails(x: Any) -> Any:
        ready.set()
        assert go.wait(timeout=60)
        return float(x)

    def run() -> None:
        try:
            grad(fails)(1.0)
        except EscapeError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(timeout=60)

    def inner(x: Any) -> Any:
        go.set()
        thread.join()
        y = np.zeros(2)  # the other one has left: the guards are still here
        y[0] = x
        return np.sum(y)

    assert grad(inner)(2.0) == 1.0
    assert len(errors) == 1
    assert names_are_numpys()


def test_nothing_runs_between_transforms() -> None:
    assert current() is None
    grad(f)(np.ones(3))
    assert current() is None
    with pytest.raises(EscapeError):
        jvp(lambda x: float(x), (1.0,), (1.0,))
    assert current() is None


def test_a_tape_is_not_cyclic() -> None:
    """What a derivative used is free when it returns, without the garbage collector."""
    gc.collect()
    gc.disable()
    try:
        alive: list[Any] = []

        def g(x: Any) -> Any:
            y = np.sin(x) * x
            alive.append(weakref.ref(y))
            z = np.zeros(3)
            z[:] = y
            alive.append(weakref.ref(z))
            return np.sum(z[1:] * y[:2])

        for _ in range(3):
            grad(g)(np.ones(3))
            assert [r() for r in alive] == [None] * len(alive)
        jvp(g, (np.ones(3),), (np.ones(3),))
        vmap(g)(np.ones((2, 3)))
        assert [r() for r in alive] == [None] * len(alive)
    finally:
        gc.enable()
