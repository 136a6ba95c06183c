"""Whose NumPy, gradients and loops the programs run on: JAX, this library compiled, and this library as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from beside import programs
from beside.programs import Lib
from beside.rows import LSTM, Network, Row

# Does a row's work once. Gives the losses, or None, and a tree of results; both are there when it returns.
Run = Callable[[], tuple[Any, Any]]
Make = Callable[[], Run]


class Peer:
    """A library that runs the programs. ``makes(row)`` gives the forms of a row, each made when it is wanted."""

    # forms that are shown for information, and do not count as the library's figure
    aside: frozenset[str] = frozenset()

    def __init__(self, lib: Lib) -> None:
        self.lib = lib

    def precision(self, dtype: str) -> None:
        """Make ready for a row of this dtype."""

    def host(self, tree: Any) -> Any:
        """NumPy's arrays of the library's, waited for."""
        return tree

    def makes(self, row: Row) -> dict[str, Make]:
        problem = row.problem
        if isinstance(problem, Network):
            return {"scan": lambda: self.scanned(problem), "step": lambda: self.stepped(problem)}
        if isinstance(problem, LSTM):
            by_layer = replace(row, problem=replace(problem, together=False))
            return {"one scan": lambda: self.arrays(row), "by layer": lambda: self.arrays(by_layer)}
        return {"arrays": lambda: self.arrays(row)}

    def gradient(self, row: Row) -> Callable[..., Any]:
        return self.lib.jit(self.lib.grad(programs.SCALAR[type(row.problem)](self.lib, row.problem)))

    def arrays(self, row: Row) -> Run:
        """A gradient, plain arrays in and out."""
        f, arguments = self.gradient(row), row.problem.arguments()
        return lambda: (None, self.host(f(*arguments)))

    def scanned(self, net: Network) -> Run:
        """An epoch in one call."""
        f = self.lib.jit(programs.epoch(self.lib, net), donate=(0,))
        state, data = programs.start(self.lib, net), self.lib.put(net.data())

        def run() -> tuple[Any, Any]:
            nonlocal state
            state, losses = f(state, *data)
            return self.host(losses), state["params"]

        return run

    def stepped(self, net: Network) -> Run:
        """A compiled step, called from a loop of Python."""
        f = self.lib.jit(programs.step(self.lib, net), donate=(0,))
        (x, y, order), state = net.data(), programs.start(self.lib, net)
        (x, y), batches = self.lib.put((x, y)), [self.lib.put(rows) for rows in order]

        def run() -> tuple[Any, Any]:
            nonlocal state
            losses = []
            for rows in batches:
                state, loss = f(state, x, y, rows)
                losses.append(loss)
            return self.host(losses), state["params"]

        return run


class Jax(Peer):
    aside = frozenset({"device"})

    def __init__(self) -> None:
        import jax

        self.jax = jax

        def jit(f: Callable[..., Any], donate: tuple[int, ...] = ()) -> Callable[..., Any]:
            return jax.jit(f, donate_argnums=donate)

        lib = Lib(
            xp=jax.numpy,
            grad=jax.grad,
            value_and_grad=jax.value_and_grad,
            stop_gradient=jax.lax.stop_gradient,
            put=jax.device_put,
            scan=jax.lax.scan,
            jit=jit,
            map=jax.tree.map,
            random=jax.random,
        )
        jax.jit(jax.numpy.abs)(1.0)  # what a process needs once
        super().__init__(lib)

    def precision(self, dtype: str) -> None:
        self.jax.config.update("jax_enable_x64", dtype == "float64")

    def host(self, tree: Any) -> Any:
        return self.jax.tree.map(np.asarray, tree)

    def makes(self, row: Row) -> dict[str, Make]:
        if isinstance(row.problem, Network):
            return super().makes(row)
        return super().makes(row) | {"device": lambda: self.device(row)}

    def device(self, row: Row) -> Run:
        """A gradient of JAX's own arrays, left where they are."""
        f, arguments = self.gradient(row), self.lib.put(row.problem.arguments())
        return lambda: (None, self.jax.block_until_ready(f(*arguments)))


def loop(f: Callable[..., Any], init: Any, xs: Any) -> tuple[Any, Any]:
    """What scan means."""
    carry, ys = init, []
    for x in xs:
        carry, y = f(carry, x)
        ys.append(y)
    return carry, np.stack(ys)


def _wengert(scan: Callable[..., Any], jit: Callable[..., Any]) -> Lib:
    import wengert

    return Lib(
        xp=np,
        grad=wengert.grad,
        value_and_grad=wengert.value_and_grad,
        stop_gradient=wengert.stop_gradient,
        put=lambda tree: wengert.pytree.map(lambda x: np.copy(x) if isinstance(x, np.ndarray) else x, tree),
        scan=scan,
        jit=jit,
        map=wengert.pytree.map,
        random=wengert.random,
    )


class Eager(Peer):
    """This library without its compiler: what the tests try the programs on."""

    def __init__(self) -> None:
        super().__init__(_wengert(loop, lambda f, donate=(): f))  # noqa: ARG005


class Wengert(Peer):
    def __init__(self, threads: int = 2) -> None:
        import wengert
        import wengert.compile.making  # the compiler is loaded with the library, as JAX's is

        wengert.set_threads(threads)
        wengert.jit(abs)(1.0)  # what a process needs once
        super().__init__(_wengert(wengert.control.scan, wengert.jit))
