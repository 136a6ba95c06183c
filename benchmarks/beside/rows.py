"""What is measured: each row's problem with its data, its arithmetic, and the ratios it is held to."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Network:
    """A classifier with tanh hidden layers, trained for one epoch of ``steps`` mini-batches."""

    sizes: tuple[int, ...]
    batch: int
    steps: int
    optimizer: str = "sgd"
    rate: float = 0.01
    dropout: float = 0.0
    batch_norm: bool = False

    @property
    def units(self) -> int:
        return self.steps

    def flops(self) -> float:
        """Of the products of one step: forward, in the weights, and in the inputs of all layers but the first."""
        weights = [a * b for a, b in zip(self.sizes[:-1], self.sizes[1:], strict=True)]
        return 2.0 * self.batch * (3 * sum(weights) - weights[0])

    def data(self) -> tuple[Any, Any, Any]:
        """Samples, labels that depend on them, and the shuffled order, a mini-batch a row."""
        rng = np.random.default_rng(0)
        n = self.batch * self.steps
        x = rng.normal(size=(n, self.sizes[0])).astype(np.float32)
        y = np.argmax(x @ rng.normal(size=(self.sizes[0], self.sizes[-1])), axis=1)
        return x, y.astype(np.int32), rng.permutation(n).reshape(self.steps, self.batch).astype(np.int32)

    def params(self) -> list[dict[str, Any]]:
        rng = np.random.default_rng(1)
        layers: list[dict[str, Any]] = []
        for a, b in zip(self.sizes[:-1], self.sizes[1:], strict=True):
            layers.append({"w": (rng.normal(size=(a, b)) / math.sqrt(a)).astype(np.float32), "b": zeros(b)})
        if self.batch_norm:
            for layer, n in zip(layers[:-1], self.sizes[1:], strict=False):
                layer |= {"gamma": zeros(n) + 1, "beta": zeros(n)}
        return layers

    def stats(self) -> list[dict[str, Any]]:
        """Running mean and variance of each hidden layer."""
        return [{"mean": zeros(n), "var": zeros(n) + 1} for n in self.sizes[1:-1] if self.batch_norm]


@dataclass(frozen=True)
class Rosenbrock:
    n: int
    units: int = 1

    def flops(self) -> float:
        return 0.0

    def arguments(self) -> tuple[Any, ...]:
        return (np.random.default_rng(0).normal(size=self.n),)


@dataclass(frozen=True)
class LSTM:
    """Two layers over a sequence; the gradient of the mean squared error in their weights."""

    steps: int = 1000
    batch: int = 16
    inputs: int = 64
    hidden: int = 64
    # both layers in one scan, or layer by layer: which is faster depends on the library
    together: bool = True
    units: int = 1

    def flops(self) -> float:
        macs = self.steps * self.batch * 4 * self.hidden * (self.inputs + 3 * self.hidden)
        return 2.0 * (3 * macs - self.steps * self.batch * 4 * self.hidden * self.inputs)

    def arguments(self) -> tuple[Any, ...]:
        rng = np.random.default_rng(0)

        def draw(*shape: int) -> Any:
            return (rng.normal(size=shape) / math.sqrt(shape[0])).astype(np.float32)

        h = self.hidden
        layers = [{"w": draw(n, 4 * h), "u": draw(h, 4 * h), "b": zeros(4 * h)} for n in (self.inputs, h)]
        xs = rng.normal(size=(self.steps, self.batch, self.inputs)).astype(np.float32)
        return layers, xs, rng.normal(size=(self.steps, self.batch, h)).astype(np.float32)


@dataclass(frozen=True)
class Mixture:
    """Gaussians in the parametrisation of ADBench: logits, means, log diagonals and lower triangles."""

    samples: int = 1000
    dimension: int = 10
    components: int = 25
    units: int = 1

    def flops(self) -> float:
        return 0.0

    def arguments(self) -> tuple[Any, ...]:
        rng = np.random.default_rng(0)
        k, d = self.components, self.dimension
        params = rng.normal(size=k), rng.normal(size=(k, d)), 0.3 * rng.normal(size=(k, d * (d + 1) // 2))
        return params, rng.normal(size=(self.samples, d))


@dataclass(frozen=True)
class Unrolled:
    """A Python loop that is traced step by step: what is measured is the first call. At 0 the derivative is 1.1ⁿ."""

    steps: int = 4000
    units: int = 1

    def flops(self) -> float:
        return 0.0

    def arguments(self) -> tuple[Any, ...]:
        return (np.array(0.0),)


Problem = Network | Rosenbrock | LSTM | Mixture | Unrolled


@dataclass(frozen=True)
class Row:
    """``required``: how many times faster than a peer. ``first``: what part of JAX's first call, at most."""

    name: str
    problem: Problem
    dtype: str = "float32"
    required: dict[str, float] = field(default_factory=dict)
    # of the products' measured rate
    peak: float | None = None

    @property
    def once(self) -> bool:
        """Only the first call is of interest."""
        return isinstance(self.problem, Unrolled)

    @property
    def tolerance(self) -> tuple[float, float]:
        """Of the first number of a check and of the others, relative. Dropout draws other masks in each library."""
        if isinstance(self.problem, Network) and self.problem.dropout:
            return 0.05, 0.01
        return (1e-9, 1e-9) if self.dtype == "float64" else (1e-4, 1e-4)


def zeros(n: int) -> Any:
    return np.zeros(n, np.float32)


def _training(sizes: tuple[int, ...], batch: int, steps: int, jax: float, torch: float, peak: float | None) -> Row:
    name = "-".join(map(str, sizes))
    return Row(f"{name} sgd", Network(sizes, batch, steps), required={"jax": jax, "torch": torch}, peak=peak)


def _variants(row: Row) -> list[Row]:
    """The row with Adam, with dropout, with batch norm: held to the same ratios."""
    assert isinstance(row.problem, Network)
    name = row.name.removesuffix(" sgd")
    changes: dict[str, Any] = {
        "adam": {"optimizer": "adam", "rate": 0.001},
        "dropout": {"dropout": 0.2},
        "batchnorm": {"batch_norm": True},
    }
    return [replace(row, name=f"{name} {what}", problem=replace(row.problem, **how)) for what, how in changes.items()]


_SMALL = _training((12, 64, 64, 2), 64, 100, 2.0, 15, None)
_MIDDLE = _training((64, 128, 128, 10), 128, 60, 1.5, 3, None)

ROWS: dict[str, Row] = {
    row.name: row
    for row in (
        Row("rosenbrock 10", Rosenbrock(10), "float64", {"jax": 2.0}),
        Row("rosenbrock 1e5", Rosenbrock(100_000), "float64", {"jax": 1.5}),
        _training((2, 8, 8, 3), 32, 200, 3.0, 60, None),
        _SMALL,
        _MIDDLE,
        _training((784, 512, 512, 10), 128, 20, 1.05, 1.2, None),
        _training((784, 2048, 2048, 10), 512, 4, 0.97, 1.1, 0.85),
        *_variants(_SMALL),
        *_variants(_MIDDLE),
        Row("lstm 1000", LSTM(), required={"jax": 1.0}),
        Row("gmm 1000x10x25", Mixture(), "float64", {"jax": 1.5}),
        Row("unrolled 4000", Unrolled(), "float64"),
    )
}

# The first call, as a part of JAX's: compiled anew, and from the cache on the disk. The unrolled loop: in seconds.
FIRST, CACHED, UNROLLED_SECONDS = 0.25, 0.1, 1.0
