"""Random programs on plain NumPy: statements that read, make views, write through them, loop and branch.

A statement is a function of two arrays. What it returns is a new name of the program; a statement that
returns None has written. A program is a list of statements and the names that each is applied to.
"""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from operator import setitem
from typing import Any

import numpy as np

Statement = Callable[[Any, Any], Any]
Step = tuple[Statement, int, int]

CLOSURE = np.array([0.3, -0.4, 0.9])  # a plain array that programs close over, and overwrite

READS: list[Statement] = [
    lambda a, _: np.sin(a), lambda a, _: np.tanh(a), lambda a, _: np.exp(-a * a), lambda a, _: a**3 - a / 3.0,
    lambda a, _: 1.0 / (1.0 + a**2), lambda a, _: np.where(a > 0.1, a, 2 * a), lambda a, _: np.maximum(a, 0.2),
    lambda a, _: np.clip(a, -0.7, 0.7), lambda a, _: np.hypot(a, 1.0), lambda a, _: np.abs(a),
    lambda a, _: np.abs(np.exp(1j * a) + a), lambda a, _: (1j * a * np.exp(1j * a)).imag,
    lambda a, b: a + b, lambda a, b: a - 0.5 * b, lambda a, b: a * b, lambda a, b: a / (2.0 + b**2),
    lambda a, b: np.maximum(a, b), lambda a, b: a @ b, lambda a, b: np.outer(a, b), lambda a, b: np.logaddexp(a, b),
    lambda a, b: np.concatenate([a, b]), lambda a, b: np.stack([a, b]), lambda a, b: a * np.sum(b),
    lambda a, _: np.sum(a, axis=-1, keepdims=True), lambda a, _: a.mean(0), lambda a, _: np.max(a, axis=0),
    lambda a, _: np.prod(a, axis=0), lambda a, _: np.std(a), lambda a, _: np.cumsum(a), lambda a, _: np.cumprod(a, -1),
    lambda a, _: np.sort(a, axis=-1), lambda a, _: a[a > 0], lambda a, _: a[[0, -1, 0]], lambda a, _: np.tril(a),
    lambda a, _: np.einsum("i...,i...->...", a, a), lambda a, _: np.tensordot(a, a, axes=([0], [0])),
    lambda a, _: np.linalg.inv(a @ a.T + 3 * np.eye(a.shape[0])), lambda a, _: np.pad(a, 1, mode="edge"),
    lambda a, _: np.roll(a, 1, axis=0), lambda a, _: np.repeat(a, 2), lambda a, _: np.kron(a, [1.0, -1.0]),
    lambda a, _: np.array([np.sum(a), 0.5]), lambda a, _: sum(a.ravel()), lambda a, _: max(a.ravel()) * min(a.ravel()),
    lambda a, _: a * CLOSURE[0] + np.sum(CLOSURE), lambda a, _: np.array([q**2 for q in a.ravel()]),
    lambda a, _: a.copy(), lambda a, _: np.diff(a, axis=0), lambda a, _: np.linalg.norm(a, axis=-1),
]  # fmt: skip

VIEWS: list[Statement] = [
    lambda a, _: a[1:], lambda a, _: a[::-1], lambda a, _: a[..., ::2], lambda a, _: a[0], lambda a, _: a.T,
    lambda a, _: a[None], lambda a, _: a[..., None], lambda a, _: a.swapaxes(0, -1), lambda a, _: np.flip(a),
    lambda a, _: np.moveaxis(a, 0, -1), lambda a, _: np.squeeze(a), lambda a, _: np.atleast_2d(a),
    lambda a, _: np.split(a, [1])[0], lambda a, _: np.expand_dims(a, 0), lambda a, _: np.rot90(a),
    lambda a, _: np.asarray(a), lambda a, _: a[:],
]  # fmt: skip


def swap(a: Any, _: Any) -> None:
    """The first row becomes the last, and the last the first."""
    a[0], a[-1] = a[-1].copy(), a[0].copy()


def by_position(a: Any, b: Any) -> None:
    """A place that is named twice keeps the last value."""
    a[[0, -1, 0]] = np.sum(b)


def by_mask(a: Any, _: Any) -> None:
    """Read and write by a mask that follows from the values."""
    a[a > 0.3] = a[a > 0.3] ** 2


def recurrence(a: Any, _: Any) -> None:
    """Each row from the one before."""
    for k in range(a.shape[0]):
        a[k] = a[k - 1] * 0.5 + np.sin(a[k])


def rows(a: Any, _: Any) -> None:
    """The rows of an array are views of it."""
    for row in a:
        row += 0.5


def overwrite_closure(_a: Any, _b: Any) -> None:
    """What the program has read of the closure is overwritten."""
    CLOSURE[...] = CLOSURE[::-1] * 1.1


def into(a: Any, b: Any) -> None:
    """Results stored where they are wanted."""
    np.add(a, b, out=a)
    np.sin(a[1:], out=a[1:])


WRITES: list[Statement] = [
    swap, by_position, by_mask, recurrence, rows, overwrite_closure, into,
    lambda a, _: setitem(a, 0, np.sin(a[-1])), lambda a, b: setitem(a, ..., np.tanh(b)),
    lambda a, _: setitem(a, slice(1, None), a[:-1]), lambda a, b: setitem(a.T, ..., np.cos(b)),
    lambda a, b: setitem(a[..., :1], ..., np.sum(b)), lambda a, _: a.sort(axis=0),
    lambda a, b: np.copyto(a, b, where=a > 0), lambda a, b: a.fill(np.sum(b)),
]  # fmt: skip


def branch(a: Any, b: Any) -> Any:
    """A way that depends on the values."""
    return a * 2.0 if np.sum(a) > 0.1 else np.sin(b)


def halve(a: Any, _: Any) -> Any:
    """A number of turns that depends on the values."""
    total = np.sum(a)
    while np.abs(total) > 0.5:
        total = total * 0.5
    return total


def fill(a: Any, b: Any) -> Any:
    """An array made inside, filled by and by."""
    out = np.zeros((2, *a.shape))
    out[0] = a
    a[0] = 0.0
    out[1] = a
    out[1] *= np.sum(b)
    return out


def columns(a: Any, _: Any) -> Any:
    """Columns of an empty array, one from the other."""
    out = np.empty((a.size, 2))
    out[:, 0] = a.ravel()
    out[:, 1] = out[:, 0] ** 2
    out[0] += out[1]
    return out


FLOWS: list[Statement] = [branch, halve, fill, columns]
SHAPES = [(3,), (4,), (2, 2), (2, 3), (3, 2), (3, 3), (2, 2, 2), (1, 3), (1,)]


@dataclass(frozen=True)
class Program:
    """Statements applied to names; the result is all names, so that each write shows in all its views."""

    steps: tuple[Step, ...]
    x: np.ndarray[Any, Any]
    y: np.ndarray[Any, Any]

    def run(self, x: Any, y: Any) -> list[Any]:
        """All arrays of the program, after its last statement."""
        CLOSURE[...] = [0.3, -0.4, 0.9]
        names = [x, y]
        for statement, i, j in self.steps:
            out = statement(names[i], names[j])
            if out is not None:
                names.append(out)
        return names

    def loss(self, x: Any, y: Any) -> Any:
        """One number in which every element has a weight of its own."""
        total = 0.0
        for k, v in enumerate(self.run(x, y)):
            total = total + np.sum(v * np.cos(1.3 * k + np.arange(np.size(v)).reshape(np.shape(v))))
        return total


def tame(values: list[Any]) -> bool:
    """Whether all are small arrays or NumPy numbers, real and of moderate size."""
    return all(
        isinstance(v, np.ndarray | np.floating) and v.dtype == float and 0 < v.size <= 40 and np.abs(v).max() < 50
        for v in values
    )


def generate(seed: int, length: int) -> Program:
    """A program of which NumPy runs every statement without a warning."""
    choose = random.Random(seed)
    draw = np.random.default_rng(seed)
    program = Program((), *(0.7 * draw.normal(size=choose.choice(SHAPES)) for _ in range(2)))
    names: list[Any] = [program.x, program.y]
    for _ in range(20 * length):
        if len(program.steps) == length:
            break
        statement = choose.choice(choose.choices([READS, VIEWS, WRITES, FLOWS], [4, 3, 4, 2])[0])
        recent = range(max(0, len(names) - 6), len(names))  # some array is always among them
        step = (statement, choose.choice([i for i in recent if names[i].ndim]), choose.choice(recent))
        longer = Program((*program.steps, step), program.x, program.y)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = longer.run(program.x.copy(), program.y.copy())
        except Exception:  # noqa: BLE001 - whatever NumPy refuses is no program
            continue
        if tame(found):
            program, names = longer, found
    return program
