"""Ways out of a trace through the program around it: containers, threads, caches, errors, libraries."""

from __future__ import annotations

import asyncio
import collections
import concurrent.futures
import contextlib
import contextvars
import copy
import dataclasses
import functools
import heapq
import itertools
import marshal
import math
import operator
import queue
import random
import threading
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.signal
import scipy.sparse
import scipy.spatial
import scipy.stats

from wengert import grad, jvp, vmap

Function = Callable[[Any], Any]


def rng() -> Any:
    return np.random.default_rng(3)


def thread(x: Any) -> Any:
    out: list[Any] = []
    worker = threading.Thread(target=lambda: out.append(np.sin(x) * np.array([1.0, 2.0, 3.0])))
    worker.start()
    worker.join()
    return np.sum(out[0])


def filled_in_a_thread(x: Any) -> Any:
    """A thread does not know of the transform: what it makes is plain."""

    def work() -> Any:
        a = np.zeros(3)
        a[0] = x[0] * 2
        return a

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return np.sum(pool.submit(work).result() * x)


def filled_in_a_thread_with_the_context(x: Any) -> Any:
    def work() -> Any:
        a = np.zeros(3)
        a[0] = x[0] * 2
        return a

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return np.sum(pool.submit(contextvars.copy_context().run, work).result() * x)


def pool_of_threads(x: Any) -> Any:
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return sum(pool.map(lambda k: x[k] ** 2, range(3)))


def tasks(x: Any) -> Any:
    async def one(k: int) -> Any:
        await asyncio.sleep(0)
        a = np.zeros(3)
        a[k] = x[k] ** 2
        return a

    async def main() -> Any:
        return sum(await asyncio.gather(*(one(k) for k in range(3))))

    return np.sum(asyncio.run(main()) * x)


def from_a_queue(x: Any) -> Any:
    q: Any = queue.Queue()
    q.put(x[0])
    return q.get() * x[1]


def sent_to_a_generator(x: Any) -> Any:
    def total() -> Any:
        s: Any = 0.0
        while True:
            s = s + (yield s) ** 2

    steps = total()
    next(steps)
    return [steps.send(t) for t in x][-1]


def cached(x: Any) -> Any:
    return functools.lru_cache(lambda t: t * t)(x[0]) * x[1]


def cached_by_identity(x: Any) -> Any:
    class Model:
        @functools.cached_property
        def squares(self) -> Any:
            return x**2

    model = Model()
    return np.sum(model.squares * model.squares)


def dispatched_by_type(x: Any) -> Any:
    @functools.singledispatch
    def f(_: Any) -> Any:
        raise AssertionError

    f.register(float, lambda t: t * 2)
    f.register(np.ndarray, lambda t: np.sum(t * 3))
    return f(x[0]) * f(x)


def matched(x: Any) -> Any:
    match list(x):
        case [float(a), float(b), c]:
            return a * b * c
    raise AssertionError


def default_that_changes(x: Any) -> Any:
    def f(t: Any, seen: Any = []) -> Any:  # noqa: B006 - on purpose
        seen.append(t)
        return sum(seen)

    return f(x[0]) + f(x[1]) * x[2]


def error_half_way(x: Any) -> Any:
    a = x * 1.0
    try:
        a[0] = x[1]
        a[5] = 1.0
    except IndexError:
        a[1] *= 3
    return np.sum(a * x)


def interrupted(x: Any) -> Any:
    """What was interrupted inside leaves nothing behind."""

    def stops(t: Any) -> Any:
        raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        grad(stops)(1.0)
    a = np.zeros(3)
    a[:] = x
    return np.sum(a * x)


def refused_and_caught(x: Any) -> Any:
    try:
        y = float(x[0])
    except TypeError:
        y = x[0]
    return y * x[1]


def asserted(x: Any) -> Any:
    np.testing.assert_allclose(x, x)
    np.testing.assert_array_equal(x, x)
    assert np.allclose(x, x)
    assert np.isclose(x[0], x[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.warn(f"the loss is {x[0]}", stacklevel=1)
    return np.sum(x * x)


def looked_at(x: Any) -> Any:
    for name in dir(x):
        if not name.startswith("_"):
            with contextlib.suppress(TypeError, NotImplementedError, ValueError):
                getattr(x, name)
    assert not hasattr(x, "no_such_thing")
    return np.sum(x * x)


def counted_finalised(x: Any) -> Any:
    gone: list[int] = []
    y = x * 2.0
    weakref.finalize(y, gone.append, 1)
    z = weakref.ref(y)() * x
    del y
    return np.sum(z)


def fields(x: Any) -> Any:
    @dataclasses.dataclass
    class Model:
        a: Any
        b: Any

    model = dataclasses.replace(Model(x[0], x), a=x[0] * 2)
    return model.a * np.sum(dataclasses.asdict(model)["b"] * x)


def inner_value(transform: Callable[[Function], Any]) -> Function:
    def f(x: Any) -> Any:
        out: list[Any] = []
        transform(lambda y: (out.append(y * x[0]), y * y)[1])
        return np.sum(out[0]) * x[1]

    return f


def rows_shuffled(x: Any) -> Any:
    a = np.outer(x, [1.0, 2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rng().shuffle(a)
    return np.sum(a * np.arange(6.0).reshape(3, 2))


def shuffled(x: Any) -> Any:
    a = x * 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rng().shuffle(a)
    return np.sum(a * np.array([1.0, 2.0, 4.0]))


def drawn_into(x: Any) -> Any:
    a = np.empty(3)
    rng().standard_normal(out=a)
    return np.sum(a * x)


REFUSED: dict[str, tuple[Function, str]] = {
    "hash": (lambda x: hash(x[0]) * x[1], "as the key of the dict"),
    "a set": (lambda x: len({x[0]}) * x[1], "as the key of the dict"),
    "a key": (lambda x: {x[0]: x[1]}[x[0]], "as the key of the dict"),
    "a counter": (lambda x: len(collections.Counter(x)) * x[1], "as the key of the dict"),
    "a weak set": (lambda x: len(weakref.WeakSet([x[0]])) * x[1], "as the key of the dict"),
    "lru_cache": (cached, "as the key of the dict"),
    "marshal": (lambda x: marshal.loads(marshal.dumps([x[0]]))[0] * x[1], "stop_gradient"),
    "a list repeated": (lambda x: sum([1.0] * x[0]) * x[1], r"np\.array"),
    "filled in a thread": (filled_in_a_thread, r"np\.zeros"),
    "an inner value of grad": (inner_value(lambda f: grad(f)(2.0)), "has_aux"),
    "an inner value of jvp": (inner_value(lambda f: jvp(f, (2.0,), (1.0,))), "has_aux"),
    "an inner value of vmap": (inner_value(lambda f: vmap(f)(np.ones(2))), "has_aux"),
    "vectorize over math": (lambda x: np.sum(np.vectorize(math.sin)(x)), ""),
    "apply_along_axis over math": (lambda x: np.sum(np.apply_along_axis(lambda r: math.sin(r[0]), 0, x)), ""),
    "rows shuffled": (rows_shuffled, r"rng\.permutation"),
    "drawn into out": (drawn_into, "stop_gradient"),
    "random numbers around": (lambda x: rng().normal(x[0], 1.0) * x[1], ""),
    "random choice": (lambda x: np.sum(rng().choice(x, 2)) * x[1], ""),
    "scipy: interp1d": (lambda x: scipy.interpolate.interp1d([0, 1, 2], x)(0.5) * x[1], ""),
    "scipy: CubicSpline": (lambda x: scipy.interpolate.CubicSpline([0, 1, 2], x)(0.5) * x[1], ""),
    "scipy: quad": (lambda x: scipy.integrate.quad(lambda t: t * x[0], 0, 1)[0] * x[1], ""),
    "scipy: solve_ivp": (lambda x: scipy.integrate.solve_ivp(lambda _, y: -y * x[0], (0, 1), [1.0]).y[0, -1], ""),
    "scipy: minimize": (lambda x: scipy.optimize.minimize(lambda z: np.sum((z - x) ** 2), np.zeros(3)).x[0], ""),
    "scipy: least_squares": (lambda x: scipy.optimize.least_squares(lambda z: z - x, np.zeros(3)).x[0] * x[1], ""),
    "scipy: csr_matrix": (lambda x: scipy.sparse.csr_matrix(np.outer(x, x)).sum(), ""),
    "scipy: a sparse product": (lambda x: np.sum(scipy.sparse.csr_matrix(np.eye(3)) @ x) * x[1], ""),
    "scipy: blas": (lambda x: scipy.linalg.blas.ddot(x, x), ""),
    "scipy: convolve": (lambda x: np.sum(scipy.signal.convolve(x, x)), ""),
    "scipy: gaussian_filter": (lambda x: np.sum(scipy.ndimage.gaussian_filter(x, 1.0) * x), ""),
    "scipy: euclidean": (lambda x: scipy.spatial.distance.euclidean(x, [0, 0, 0]) * x[1], ""),
    "scipy: stats": (lambda x: scipy.stats.norm.pdf(x[0]) * x[1], ""),
}  # fmt: skip

FOLLOWED: dict[str, Function] = {
    "thread": thread, "thread with the context": filled_in_a_thread_with_the_context, "pool of threads": pool_of_threads,
    "tasks": tasks, "queue": from_a_queue, "generator": lambda x: sum(t * t for t in x), "coroutine": sent_to_a_generator,
    "cached by identity": cached_by_identity, "dispatched by type": dispatched_by_type, "matched": matched,
    "a default that changes": default_that_changes, "an error half-way": error_half_way, "interrupted": interrupted,
    "refused and caught": refused_and_caught, "asserted": asserted, "looked at": looked_at, "finalised": counted_finalised,
    "fields": fields, "shuffled": shuffled,
    "copied": lambda x: copy.copy(x)[0] * copy.deepcopy({"a": [x]})["a"][0][1] * copy.copy(x[0]),
    "accumulated": lambda x: list(itertools.accumulate(x))[-1] * functools.reduce(operator.mul, x),
    "a heap": lambda x: heapq.nsmallest(1, x)[0] * x[1],
    "a deque": lambda x: sum(collections.deque(x)) * collections.OrderedDict(a=x[0])["a"],
    "vectorize": lambda x: np.sum(np.vectorize(np.sin)(x)) * x[1],
    "piecewise": lambda x: np.sum(np.piecewise(x, [x < 0.5], [lambda t: t**2, lambda t: 3 * t])),
    "apply_along_axis": lambda x: np.sum(np.apply_along_axis(lambda r: np.sin(r[0]) * r, 0, x)),
    "a list shuffled": lambda x: (random.Random(0).shuffle(a := list(x)), a[0] + 2 * a[1] + 4 * a[2])[1],
    "permuted by index": lambda x: np.sum(x[rng().permutation(3)] * np.array([1.0, 2.0, 4.0])),
}  # fmt: skip
