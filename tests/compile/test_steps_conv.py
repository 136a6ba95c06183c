"""Convolutions as machine code against the interpreter's: all windows, strides, margins, dilations and groups."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from tests.compile._compiled import agrees

from wengert import grad
from wengert.ops.conv import conv, output_sizes


def problem(seed: int) -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    """Shapes and parameters of a convolution that has a result."""
    choose = random.Random(seed)
    while True:
        n = choose.choice([1, 2, 2, 2, 3])
        groups = choose.choice([1, 1, 1, 2, 3])
        inputs, outputs = choose.choice([1, 2, 5]), groups * choose.choice([1, 3, 17])
        spatial = tuple(choose.randint(1, 9) for _ in range(n))
        window = tuple(choose.randint(1, 4) for _ in range(n))
        params = {
            "strides": tuple(choose.randint(1, 3) for _ in range(n)),
            "padding": tuple((choose.randint(-1, 3), choose.randint(-1, 3)) for _ in range(n)),
            "input_dilation": tuple(choose.choice([1, 1, 2]) for _ in range(n)),
            "kernel_dilation": tuple(choose.choice([1, 1, 2, 3]) for _ in range(n)),
            "groups": groups,
        }
        if all(output_sizes(spatial, window, params)):
            return (choose.randint(1, 3), *spatial, groups * inputs), (*window, inputs, outputs), params


def data(*shapes: tuple[int, ...], dtype: str = "f8") -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.normal(size=s).astype(dtype) for s in shapes]


@pytest.mark.parametrize("seed", range(40))
def test_values_and_gradients(seed: int) -> None:
    x_shape, k_shape, params = problem(seed)
    x, k = data(x_shape, k_shape, dtype="f4" if seed % 3 == 0 else "f8")
    threads = 1 + seed % 2

    def f(x: Any, k: Any) -> Any:
        return conv(x, k, **params)

    agrees(f, x, k, threads=threads, eps=64)
    agrees(grad(lambda x, k: np.sum(np.sin(f(x, k))), (0, 1)), x, k, threads=threads, eps=256)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    ("x", "k"),
    [
        ((3, 20, 30, 8), (3, 3, 8, 16)),  # blocks of rows
        ((2, 5000, 3), (7, 3, 4)),  # a long line
        ((130, 3, 3, 4), (3, 3, 4, 8)),  # several samples at once, and some left
        ((4, 9, 9, 4), (1, 1, 4, 8)),
    ],
)
def test_many_places(x: tuple[int, ...], k: tuple[int, ...], threads: int) -> None:
    n = len(k) - 2
    params = {"strides": (1,) * n, "padding": ((1, 1),) * n, "input_dilation": (1,) * n, "kernel_dilation": (1,) * n}

    def f(x: Any, k: Any) -> Any:
        return conv(x, k, **params, groups=1)

    operands = data(x, k)
    agrees(f, *operands, threads=threads, eps=64)
    agrees(grad(lambda x, k: np.sum(f(x, k) ** 2), (0, 1)), *operands, threads=threads, eps=512)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("channels", [2, 16, 37])
def test_each_channel_by_itself(channels: int, dtype: str, threads: int) -> None:
    params: dict[str, Any] = {"input_dilation": (1, 1), "kernel_dilation": (1, 2), "groups": channels}
    operands = data((3, 9, 8, channels), (3, 2, 1, channels), dtype=dtype)
    for padding in (((0, 0), (0, 0)), ((1, 1), (2, 0))):
        for strides in ((1, 1), (2, 3)):

            def f(x: Any, k: Any, now: Any = params | {"padding": padding, "strides": strides}) -> Any:
                return conv(x, k, **now)

            agrees(f, *operands, threads=threads, eps=64)
            agrees(grad(lambda x, k, f=f: np.sum(f(x, k) ** 2), (0, 1)), *operands, threads=threads, eps=256)
    line = data((2, 9, 1, channels), (3, 1, 1, channels), dtype=dtype)
    agrees(grad(lambda x, k: np.sum(f(x, k)), (0, 1)), *line, threads=threads, eps=256)


def test_of_what_is_computed() -> None:
    """Operands that are views, or elementwise, and what follows elementwise."""
    x, k = data((2, 6, 7, 3), (2, 2, 3, 4))
    params = {"strides": (1, 1), "padding": ((0, 0),) * 2, "input_dilation": (1, 1), "kernel_dilation": (1, 1)}

    def f(x: Any, k: Any) -> Any:
        turned = conv(np.swapaxes(x, 1, 2), k[::-1], **params, groups=1)
        return np.maximum(turned, 0) + conv(np.tanh(np.swapaxes(x, 1, 2)), 2 * k, **params, groups=1)

    agrees(f, x, k, eps=64)


@pytest.mark.parametrize("shapes", [((5,), (3,)), ((2, 5), (4,)), ((3,), (7,))])
def test_convolve(shapes: Any) -> None:
    agrees(np.convolve if len(shapes[0]) == 1 else _rows, *data(*shapes), eps=32)


def _rows(a: Any, v: Any) -> Any:
    return np.stack([np.convolve(row, v) for row in a])
