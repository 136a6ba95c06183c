"""PyTorch, eager: each row as one writes it there, with its own fused losses, normalisation and optimisers."""

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

from beside import programs
from beside.libraries import Make, Peer, Run
from beside.programs import Lib
from beside.rows import LSTM, Network, Row


class Numpy:
    """NumPy's names for what the programs use, where PyTorch's are others."""

    max = staticmethod(torch.amax)

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


def put(a: Any) -> Any:
    return torch.from_numpy(a)


def leaves(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree) for leaf in leaves(tree[key])]
    return [leaf for part in tree for leaf in leaves(part)] if isinstance(tree, tuple | list) else [tree]


def mapped(f: Any, tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: mapped(f, part) for key, part in tree.items()}
    return type(tree)(mapped(f, part) for part in tree) if isinstance(tree, tuple | list) else f(tree)


class Torch(Peer):
    def __init__(self, threads: int = 2) -> None:
        torch.set_num_threads(threads)
        missing: Any = None
        super().__init__(Lib(Numpy(), missing, missing, torch.detach, put, missing, missing, missing))

    def makes(self, row: Row) -> dict[str, Make]:
        problem = row.problem
        if isinstance(problem, Network):
            return {"eager": lambda: training(problem)}
        if isinstance(problem, LSTM):
            return {"eager": lambda: lstm(problem)}
        return {"eager": lambda: self.arrays(row)}

    def arrays(self, row: Row) -> Run:
        f = programs.SCALAR[type(row.problem)](self.lib, row.problem)
        arguments = row.problem.arguments()

        def run() -> tuple[Any, Any]:
            at, *rest = (mapped(put, argument) for argument in arguments)
            for leaf in leaves(at):
                leaf.requires_grad_()
            f(at, *rest).backward()
            return None, mapped(lambda a: a.grad.numpy(), at)

        return run


def lstm(problem: LSTM) -> Run:
    """``torch.nn.LSTM``, whose weights are transposed and whose second bias stays zero."""
    params, xs, targets = problem.arguments()
    model = torch.nn.LSTM(problem.inputs, problem.hidden, num_layers=len(params))
    with torch.no_grad():
        for i, p in enumerate(params):
            for name, value in (("weight_ih", p["w"].T), ("weight_hh", p["u"].T), ("bias_ih", p["b"])):
                getattr(model, f"{name}_l{i}").copy_(put(value.copy()))
            getattr(model, f"bias_hh_l{i}").zero_()

    def gradient(name: str, layer: int) -> Any:
        return getattr(model, f"{name}_l{layer}").grad.numpy().T

    names = {"w": "weight_ih", "u": "weight_hh", "b": "bias_ih"}

    def run() -> tuple[Any, Any]:
        model.zero_grad()
        functional.mse_loss(model(put(xs))[0], put(targets)).backward()
        return None, [{key: gradient(name, i) for key, name in names.items()} for i in range(len(params))]

    return run


class SGD:
    """A quarter of a small network's step faster than ``torch.optim.SGD``."""

    def __init__(self, params: list[Any], rate: float) -> None:
        self.params, self.rate = params, rate

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    @torch.no_grad()
    def step(self) -> None:
        torch._foreach_add_(self.params, [p.grad for p in self.params], alpha=-self.rate)


def training(net: Network) -> Run:
    params, stats = mapped(put, net.params()), mapped(put, net.stats())
    for leaf in leaves(params):
        leaf.requires_grad_()
    optimizer: Any = SGD(leaves(params), net.rate)
    if net.optimizer == "adam":
        optimizer = torch.optim.Adam(leaves(params), lr=net.rate, fused=True)
    x, y, order = net.data()
    x, y, batches = put(x), put(y).long(), [put(rows) for rows in order]

    def forward(h: Any) -> Any:
        for i, layer in enumerate(params[:-1]):
            h = torch.addmm(layer["b"], h, layer["w"])
            if net.batch_norm:
                old = stats[i]
                h = functional.batch_norm(h, old["mean"], old["var"], layer["gamma"], layer["beta"], training=True)
            h = torch.tanh(h)
            if net.dropout:
                h = functional.dropout(h, net.dropout)
        return torch.addmm(params[-1]["b"], h, params[-1]["w"])

    def run() -> tuple[Any, Any]:
        losses = []
        for rows in batches:
            optimizer.zero_grad()
            loss = functional.cross_entropy(forward(x.index_select(0, rows)), y.index_select(0, rows))
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
        return [float(loss) for loss in losses], mapped(torch.detach, params)

    return run
