"""The programs, as plain NumPy code. ``lib`` says whose NumPy, gradient, loop and random numbers they use."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from beside.rows import LSTM, Mixture, Network, Rosenbrock, Unrolled


@dataclass(frozen=True)
class Lib:
    """The names by which a program reaches a library."""

    xp: Any
    grad: Callable[..., Any]
    value_and_grad: Callable[..., Any]
    stop_gradient: Callable[[Any], Any]
    # the library's arrays of NumPy's, leaf by leaf
    put: Callable[[Any], Any]
    scan: Callable[..., Any]
    jit: Callable[..., Any]
    map: Callable[..., Any]
    random: Any = None


# ---- scalar functions, of which gradients are taken


def rosenbrock(lib: Lib, problem: Rosenbrock) -> Callable[..., Any]:
    del problem
    xp = lib.xp

    def f(x: Any) -> Any:
        return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)

    return f


def unrolled(lib: Lib, problem: Unrolled) -> Callable[..., Any]:
    xp = lib.xp

    def f(x: Any) -> Any:
        for _ in range(problem.steps):
            x = xp.sin(x) + 0.1 * x
        return x

    return f


def lstm(lib: Lib, problem: LSTM) -> Callable[..., Any]:
    """Mean squared error of the second layer's outputs."""
    xp = lib.xp
    zero = np.zeros((problem.batch, problem.hidden), np.float32)

    def sigmoid(x: Any) -> Any:
        return 1 / (1 + xp.exp(-x))

    def cell(z: Any, c: Any) -> tuple[Any, Any]:
        i, f, g, o = xp.split(z, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * xp.tanh(g)
        return sigmoid(o) * xp.tanh(c), c

    def together(params: Any, xs: Any) -> Any:
        def step(carry: Any, x: Any) -> Any:
            new = []
            for p, (h, c) in zip(params, carry, strict=True):
                x, c = cell(x @ p["w"] + h @ p["u"] + p["b"], c)
                new.append((x, c))
            return new, x

        return lib.scan(step, [(zero, zero) for _ in params], xs)[1]

    def layer(p: Any, xs: Any) -> Any:
        """The inputs' part of all steps is one product, and what remains is scanned."""

        def step(carry: Any, z: Any) -> Any:
            h, c = cell(z + carry[0] @ p["u"], carry[1])
            return (h, c), h

        return lib.scan(step, (zero, zero), xs @ p["w"] + p["b"])[1]

    def loss(params: Any, xs: Any, targets: Any) -> Any:
        outputs = together(params, xs) if problem.together else layer(params[1], layer(params[0], xs))
        return xp.mean((outputs - targets) ** 2)

    return loss


def mixture(lib: Lib, problem: Mixture) -> Callable[..., Any]:
    """Log-likelihood of a mixture of Gaussians with a Wishart prior (γ = 1, m = 0), as in ADBench.

    F. Šrajer, Z. Kukelova, A. Fitzgibbon, "A benchmark of selected algorithmic differentiation tools on some
    problems in computer vision and machine learning", Optimization Methods and Software 33 (2018).
    """
    xp, n, d, k = lib.xp, problem.samples, problem.dimension, problem.components
    # where in a component's numbers the entries below the diagonal are, column by column
    where = np.zeros((d, d), int)
    columns, rows = np.triu_indices(d, 1)
    where[rows, columns] = d + np.arange(len(rows))
    where, below, eye = lib.put(where), lib.put(np.tril(np.ones((d, d)), -1)), lib.put(np.eye(d))
    # of the prior's normalisation, with d + 1 degrees of freedom
    log_gamma = 0.25 * d * (d - 1) * math.log(math.pi) + sum(math.lgamma(0.5 * (d + 1 - j)) for j in range(d))
    constant = -0.5 * n * d * math.log(2 * math.pi) + k * (0.5 * d * (d + 1) * math.log(2) + log_gamma)

    def log_sum_exp(z: Any) -> Any:
        top = lib.stop_gradient(xp.max(z, axis=0))
        return top + xp.log(xp.sum(xp.exp(z - top), axis=0))

    def f(params: Any, x: Any) -> Any:
        alphas, means, factors = params
        log_diagonal = factors[:, :d]
        diagonal, lower = xp.exp(log_diagonal), factors[:, where] * below
        y = (x - means[:, None, :]) @ xp.swapaxes(diagonal[:, :, None] * eye + lower, 1, 2)
        inner = (alphas + xp.sum(log_diagonal, axis=1))[:, None] - 0.5 * xp.sum(y * y, axis=2)
        prior = 0.5 * (xp.sum(diagonal * diagonal) + xp.sum(lower * lower))
        return xp.sum(log_sum_exp(inner)) - n * log_sum_exp(alphas) + prior + constant

    return f


SCALAR: dict[type, Callable[[Lib, Any], Callable[..., Any]]] = {
    Rosenbrock: rosenbrock,
    Unrolled: unrolled,
    LSTM: lstm,
    Mixture: mixture,
}

# ---- training


def cross_entropy(lib: Lib, z: Any, y: Any) -> Any:
    xp = lib.xp
    z = z - lib.stop_gradient(xp.max(z, axis=1, keepdims=True))
    chosen = (y[:, None] == xp.arange(z.shape[1])).astype(z.dtype)
    return -xp.sum(chosen * (z - xp.log(xp.sum(xp.exp(z), axis=1, keepdims=True)))) / len(z)


def network_loss(lib: Lib, net: Network) -> Callable[..., Any]:
    xp = lib.xp

    def normalised(x: Any, layer: Any, old: Any) -> Any:
        n = len(x)
        mean = xp.mean(x, axis=0)
        x = x - mean
        var = xp.mean(x * x, axis=0)
        new = {"mean": 0.9 * old["mean"] + 0.1 * mean, "var": 0.9 * old["var"] + (0.1 * n / (n - 1)) * var}
        return x / xp.sqrt(var + 1e-5) * layer["gamma"] + layer["beta"], new

    def dropped(x: Any, key: Any) -> Any:
        keep = 1 - net.dropout
        return x * (lib.random.bernoulli(key, keep, x.shape).astype(x.dtype) * (1 / keep))

    def loss(params: Any, stats: Any, keys: Any, x: Any, y: Any) -> Any:
        new = []
        for i, layer in enumerate(params[:-1]):
            x = x @ layer["w"] + layer["b"]
            if net.batch_norm:
                x, seen = normalised(x, layer, stats[i])
                new.append(seen)
            x = xp.tanh(x)
            if net.dropout:
                x = dropped(x, keys[i])
        return cross_entropy(lib, x @ params[-1]["w"] + params[-1]["b"], y), new

    return loss


def start(lib: Lib, net: Network) -> dict[str, Any]:
    """The state that training carries from step to step."""
    state = {"params": net.params(), "stats": net.stats()}
    if net.optimizer == "adam":
        m, v = net.params(), net.params()
        for a in (a for tree in (m, v) for layer in tree for a in layer.values()):
            a[:] = 0
        state |= {"m": m, "v": v, "t": np.float32(0)}
    state = lib.put(state)
    return state | {"key": lib.random.key(0)} if net.dropout else state


def sgd(lib: Lib, net: Network, state: Any, gradient: Any) -> dict[str, Any]:
    return {"params": lib.map(lambda p, g: p - net.rate * g, state["params"], gradient)}


def adam(lib: Lib, net: Network, state: Any, gradient: Any) -> dict[str, Any]:
    """D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015."""
    xp = lib.xp
    t = state["t"] + 1
    m = lib.map(lambda m, g: 0.9 * m + 0.1 * g, state["m"], gradient)
    v = lib.map(lambda v, g: 0.999 * v + 0.001 * g * g, state["v"], gradient)
    a, b = net.rate / (1 - 0.9**t), 1 / xp.sqrt(1 - 0.999**t)
    params = lib.map(lambda p, m, v: p - a * m / (xp.sqrt(v) * b + 1e-8), state["params"], m, v)
    return {"params": params, "m": m, "v": v, "t": t}


def step(lib: Lib, net: Network) -> Callable[..., Any]:
    """One step: ``(state, x, y, rows) -> (state, loss)``, where ``rows`` says which samples are in the batch."""
    value_and_grad = lib.value_and_grad(network_loss(lib, net), has_aux=True)
    update = {"sgd": sgd, "adam": adam}[net.optimizer]

    def f(state: Any, x: Any, y: Any, rows: Any) -> Any:
        key, *keys = lib.random.split(state["key"], len(net.sizes) - 1) if net.dropout else (None,)
        (loss, stats), gradient = value_and_grad(state["params"], state["stats"], keys, x[rows], y[rows])
        new = state | update(lib, net, state, gradient) | {"stats": stats}
        return new | {"key": key} if net.dropout else new, loss

    return f


def epoch(lib: Lib, net: Network) -> Callable[..., Any]:
    """All steps of an epoch: ``(state, x, y, order) -> (state, losses)``."""
    one = step(lib, net)

    def f(state: Any, x: Any, y: Any, order: Any) -> Any:
        return lib.scan(lambda carry, rows: one(carry, x, y, rows), state, order)

    return f
