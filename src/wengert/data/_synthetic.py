"""Small sets drawn by a seed, each a table with its target: the classics of the lectures and textbooks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wengert import random
from wengert.data._table import Table
from wengert.errors import DataError

__all__ = ["blobs", "circles", "moons", "polynomial_regression", "spirals", "triangle"]

Points = NDArray[np.float64]


def _keys(n: int, seed: int, groups: int = 1) -> list[random.Key]:
    if n < groups:
        raise DataError(f"{n} points are too few: there are {groups} groups, and each has at least one")
    return random.split(random.key(seed), 2)


def _labelled(name: str, points: Points, labels: NDArray[np.int64]) -> Table:
    columns = {"x1": points[:, 0], "x2": points[:, 1], "label": labels}
    return Table(columns, name=name, target="label")


def _turns(n: int, classes: int) -> NDArray[np.int64]:
    """Class numbers 0, 1, …, 0, 1, …: sizes differ by at most one."""
    return np.resize(np.arange(classes), n)


def blobs(
    n: int = 200,
    spread: float = 0.3,
    centers: Sequence[Sequence[float]] = ((1.0, 4.3), (2.1, 0.9)),
    seed: int = 0,
) -> Table:
    """Round clouds, one a class: xᵢ ~ N(center, spread²).

    Example:
        >>> from wengert import data
        >>> data.blobs()
        Table "blobs": 200 rows, 3 columns
    """
    labels = _turns(n, len(centers))
    noise = random.normal(_keys(n, seed, len(centers))[0], (n, 2))
    return _labelled("blobs", np.asarray(centers, dtype=np.float64)[labels] + spread * noise, labels)


def triangle(n: int = 400, seed: int = 0) -> Table:
    """Points of the square [−1, 1]², label 1 inside the triangle (−0.8, −0.7), (0.8, −0.7), (0, 0.8).

    Three lines bound the triangle, so three logistic units and one on top can learn it.

    Example:
        >>> from wengert import data
        >>> set(data.triangle().columns["label"].tolist())
        {0, 1}
    """
    points = 2 * random.uniform(_keys(n, seed)[0], (n, 2)) - 1
    corners = np.array([(-0.8, -0.7), (0.8, -0.7), (0.0, 0.8)])
    sides = np.roll(corners, -1, axis=0) - corners
    offsets = points[:, None, :] - corners
    left_of = sides[:, 0] * offsets[..., 1] - sides[:, 1] * offsets[..., 0] > 0
    return _labelled("triangle", points, np.where(np.all(left_of, axis=1), 1, 0))


def moons(n: int = 200, noise: float = 0.1, seed: int = 0) -> Table:
    """Two half circles that reach into each other: (cos t, sin t) and (1 − cos t, ½ − sin t).

    Example:
        >>> from wengert import data
        >>> float(data.moons(100).columns["label"].mean())
        0.5
    """
    (where, jitter), labels = _keys(n, seed, 2), _turns(n, 2)
    t = np.pi * random.uniform(where, (n,))
    x = np.where(labels == 0, np.cos(t), 1 - np.cos(t))
    y = np.where(labels == 0, np.sin(t), 0.5 - np.sin(t))
    return _labelled("moons", np.stack([x, y], axis=1) + noise * random.normal(jitter, (n, 2)), labels)


def circles(n: int = 200, noise: float = 0.05, factor: float = 0.5, seed: int = 0) -> Table:
    """A circle of radius 1 (label 0) around one of radius ``factor`` (label 1).

    Example:
        >>> from wengert import data
        >>> table = data.circles(noise=0.0)
        >>> x, labels = table.arrays()
        >>> sorted({round(float(r), 3) for r in (x**2).sum(axis=1) ** 0.5})
        [0.5, 1.0]
    """
    (where, jitter), labels = _keys(n, seed, 2), _turns(n, 2)
    t = 2 * np.pi * random.uniform(where, (n,))
    points = np.stack([np.cos(t), np.sin(t)], axis=1) * np.where(labels == 0, 1.0, factor)[:, None]
    return _labelled("circles", points + noise * random.normal(jitter, (n, 2)), labels)


def spirals(n: int = 300, arms: int = 3, noise: float = 0.1, turns: float = 0.75, seed: int = 0) -> Table:
    """Arms that wind around the origin, one a class: radius r ~ U(0, 1), angle 2π (turns · r + arm / arms).

    ``noise`` is the deviation of the angle in radians.

    Example:
        >>> from wengert import data
        >>> sorted(set(data.spirals(arms=2).columns["label"].tolist()))
        [0, 1]
    """
    (where, jitter), labels = _keys(n, seed, arms), _turns(n, arms)
    radius = random.uniform(where, (n,))
    angle = 2 * np.pi * (turns * radius + labels / arms) + noise * random.normal(jitter, (n,))
    return _labelled("spirals", np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), labels)


def polynomial_regression(n: int = 30, noise: float = 0.1, seed: int = 0) -> Table:
    """Noisy samples of y = cos(3π/2 · x), x ~ U(0, 1): degree 1 is too low to fit them, 15 too high.

    Example:
        >>> from wengert import data
        >>> list(data.polynomial_regression().columns)
        ['x', 'y']
    """
    where, jitter = _keys(n, seed)
    x = np.sort(random.uniform(where, (n,)))
    y = np.cos(1.5 * np.pi * x) + noise * random.normal(jitter, (n,))
    return Table({"x": x, "y": y}, name="polynomial_regression", target="y")
