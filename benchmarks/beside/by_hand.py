"""The training steps with their derivatives written out, a loop of NumPy."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from beside.libraries import Make, Peer, Run
from beside.programs import Lib
from beside.rows import Network, Row


class ByHand(Peer):
    def __init__(self) -> None:
        nothing: Any = None
        super().__init__(Lib(np, *[nothing] * 7, nothing))

    def makes(self, row: Row) -> dict[str, Make]:
        net = row.problem
        return {"by hand": lambda: training(net)} if isinstance(net, Network) else {}


def training(net: Network) -> Run:
    params, stats = net.params(), net.stats()
    x, y, order = net.data()
    update = _adam(net, params) if net.optimizer == "adam" else _sgd(net, params)
    rng = np.random.default_rng(0)

    def run() -> tuple[Any, Any]:
        losses = []
        for rows in order:
            loss, gradient = _gradient(net, params, stats, rng, x[rows], y[rows])
            update(gradient)
            losses.append(loss)
        return losses, params

    return run


def _gradient(net: Network, params: Any, stats: Any, rng: Any, x: Any, y: Any) -> tuple[Any, list[dict[str, Any]]]:
    h, kept, n = x, [], len(x)
    for i, layer in enumerate(params[:-1]):
        inputs, a = h, h @ layer["w"] + layer["b"]
        deviation = mask = None
        if net.batch_norm:
            mean = a.mean(axis=0)
            a = a - mean
            var = np.mean(a * a, axis=0)
            stats[i]["mean"] += 0.1 * (mean - stats[i]["mean"])
            stats[i]["var"] += 0.1 * (var * (n / (n - 1)) - stats[i]["var"])
            deviation = np.sqrt(var + 1e-5)
            a /= deviation
        normalised = a
        h = t = np.tanh(a * layer["gamma"] + layer["beta"] if net.batch_norm else a)
        if net.dropout:
            mask = (rng.random(t.shape, np.float32) >= net.dropout) * np.float32(1 / (1 - net.dropout))
            h = t * mask
        kept.append((inputs, normalised, deviation, t, mask))
    z = h @ params[-1]["w"] + params[-1]["b"]
    z -= z.max(axis=1, keepdims=True)
    p = np.exp(z)
    total = p.sum(axis=1)
    at = np.arange(n), y
    loss = np.mean(np.log(total) - z[at])
    p /= total[:, None]
    p[at] -= 1
    d = p / n
    gradient = [{"w": h.T @ d, "b": d.sum(axis=0)}]
    for i in reversed(range(len(kept))):
        inputs, a, deviation, t, mask = kept[i]
        d = d @ params[i + 1]["w"].T
        if mask is not None:
            d *= mask
        d *= 1 - t * t
        more: dict[str, Any] = {}
        if deviation is not None:
            more = {"gamma": np.sum(d * a, axis=0), "beta": d.sum(axis=0)}
            d = params[i]["gamma"] / deviation * (d - more["beta"] / n - a * (more["gamma"] / n))
        gradient.append({"w": inputs.T @ d, "b": d.sum(axis=0)} | more)
    return loss, gradient[::-1]


def _sgd(net: Network, params: Any) -> Any:
    def update(gradient: Any) -> None:
        for layer, g in zip(params, gradient, strict=True):
            for name in layer:
                layer[name] -= net.rate * g[name]

    return update


def _adam(net: Network, params: Any) -> Any:
    m, v = copy.deepcopy(params), copy.deepcopy(params)
    for a in (a for tree in (m, v) for layer in tree for a in layer.values()):
        a[:] = 0
    t = 0

    def update(gradient: Any) -> None:
        nonlocal t
        t += 1
        a, b = net.rate / (1 - 0.9**t), 1 / np.sqrt(np.float32(1 - 0.999**t))
        for layer, g, ms, vs in zip(params, gradient, m, v, strict=True):
            for name in layer:
                ms[name] += 0.1 * (g[name] - ms[name])
                vs[name] += 0.001 * (g[name] * g[name] - vs[name])
                layer[name] -= a * ms[name] / (np.sqrt(vs[name]) * b + 1e-8)

    return update
