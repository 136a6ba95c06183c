"""Programs before and after, as they print. ``WENGERT_UPDATE=1`` writes the files anew; read the difference."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.rewrite.test_loops import PARAMETERS, SEQUENCE, lstm

from wengert import grad, make_program, value_and_grad
from wengert.control import scan
from wengert.core.program import Program
from wengert.rewrite import count, rewrite

HERE = Path(__file__).parent / "golden"


def network() -> Program:
    """The gradient of a layer with a mean of squares."""

    def loss(w: Any, b: Any, x: Any, y: Any) -> Any:
        return np.mean((np.tanh(x @ w + b) - y) ** 2)

    return make_program(value_and_grad(loss, argnums=(0, 1)))(
        np.ones((3, 2), "f"), np.ones(2, "f"), np.ones((4, 3), "f"), np.ones((4, 2), "f")
    )


def classifier() -> Program:
    """Softmax cross-entropy with labels."""

    def loss(z: Any, y: Any) -> Any:
        z = z - np.max(z, axis=1, keepdims=True)
        return -np.mean((z - np.log(np.sum(np.exp(z), axis=1, keepdims=True)))[np.arange(4), y])

    return make_program(grad(loss))(np.ones((4, 3)), np.array([0, 1, 2, 1]))


def rosenbrock() -> Program:
    """Slices, and the pieces that their gradients are."""
    return make_program(grad(lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)))(np.ones(5))


def gates() -> Program:
    """Four parts of an array, one after the other, as a recurrent cell has them."""

    def f(z: Any) -> Any:
        i, f, o, g = np.split(z, 4, axis=1)
        return np.sum(np.tanh(i) * f + o / (1 + np.exp(-g)))

    return make_program(grad(f))(np.ones((2, 8)))


def attention() -> Program:
    """Products of stacks of matrices."""

    def f(q: Any, k: Any, v: Any) -> Any:
        a = np.exp(q @ k.swapaxes(-1, -2) / 4.0)
        return np.sum((a / np.sum(a, axis=-1, keepdims=True)) @ v)

    return make_program(grad(f, argnums=(0, 1, 2)))(np.ones((2, 5, 3)), np.ones((2, 5, 3)), np.ones((2, 5, 4)))


def unrolled() -> Program:
    """A loop, forward and backward."""

    def f(x: Any) -> Any:
        for _ in range(200):
            x = np.sin(x) + 0.1 * x
        return np.sum(x)

    return make_program(grad(f))(np.ones(3))


def recurrent() -> Program:
    """An LSTM over a sequence, with its gradient."""
    return make_program(grad(lstm))(PARAMETERS, SEQUENCE)


def rolled() -> Program:
    """A recurrent network written as a scan, with its gradient."""

    def f(w: Any, u: Any, xs: Any) -> Any:
        return np.sum(scan(lambda h, x: (np.tanh(x @ w + h @ u), None), np.zeros((2, 4)), xs)[0])

    return make_program(grad(f, argnums=(0, 1)))(np.ones((3, 4)), np.ones((4, 4)), np.ones((6, 2, 3)))


def shown(program: Program) -> str:
    """A Program as text, a long one by its ends."""
    lines = str(program).splitlines()
    if len(lines) > 100:
        lines = [*lines[:12], f"  … {len(lines) - 24} lines", *lines[-12:]]
    return "\n".join(line.rstrip() for line in lines)


@pytest.mark.parametrize(
    "make", [network, classifier, rosenbrock, gates, attention, unrolled, recurrent, rolled], ids=lambda f: f.__name__
)
def test_golden(make: Any) -> None:
    before = make()
    after = rewrite(before)
    text = "\n".join(
        [
            make.__doc__ or "", "", f"before: {count(before)}", "", shown(before),
            "", f"after: {count(after)}", "", "\n".join(line.rstrip() for line in str(after).splitlines()), "",
        ]
    )  # fmt: skip
    path = HERE / f"{make.__name__}.txt"
    if os.environ.get("WENGERT_UPDATE"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"write WENGERT_UPDATE=1 and read what changes in {path.name}"
