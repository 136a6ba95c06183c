"""The values of a function at many points, in batches within a bound of memory, and the minima among them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from wengert.errors import DataError, WengertError
from wengert.explain.surface.plane import Plane
from wengert.training import Layout
from wengert.transforms import jit, machine_code, make_program, vmap

__all__ = ["Evaluator", "Grid", "Minimum", "minima"]

Array = NDArray[np.float64]
MEMORY = 32 * 2**20  # bytes that a batch of evaluations may take: about what caches hold
_RESOLUTIONS = (
    (1e3, 161),
    (1e4, 101),
    (1e5, 61),
    (1e7, 41),
    (math.inf, 25),
)  # nodes a side, by numbers made in one evaluation


@final
class Evaluator:
    """``f`` at many points, staged once, batched and compiled where ``f`` can be; one after another where it cannot.

    A batch has as many points as fit into ``memory`` bytes if no value of ``f`` were freed before the end.

    Raises:
        DataError: if ``f`` does not give one real number.
    """

    def __init__(self, f: Callable[[Any], Any], layout: Layout, memory: int = MEMORY) -> None:
        self.f, self.layout, self.memory = f, layout, memory
        self.numbers = self._numbers()
        self.batch = max(1, int(memory // (8 * self.numbers))) if math.isfinite(self.numbers) else 1
        self._many: Any = None

    def _numbers(self) -> float:
        """How many numbers one evaluation makes, ∞ where ``f`` cannot be staged."""
        like = np.zeros(self.layout.size)
        try:
            program = make_program(self._at)(like)
        except Exception:  # noqa: BLE001 - whatever it is, plain calls of f will show it
            return math.inf
        made = (math.prod(out.aval.shape) for equation in program.equations for out in equation.outputs)
        return float(self.layout.size + sum(made))

    def _at(self, row: Any) -> Any:
        return self.f(self.layout.tree(row))

    @property
    def resolution(self) -> int:
        """How many nodes a side an evaluation of this cost affords."""
        numbers = self.numbers if math.isfinite(self.numbers) else 1e5
        return next(nodes for most, nodes in _RESOLUTIONS if numbers <= most)

    def at(self, rows: Array) -> Array:
        """The values at rows of parameters, (points,)."""
        parts = [self._part(rows[k : k + self.batch]) for k in range(0, len(rows), self.batch)]
        return np.concatenate([np.zeros(0), *parts])

    def on(self, plane: Plane, places: Array) -> Array:
        """The values at places of a plane; no more rows are made at a time than a batch has."""
        size = max(self.batch, 16) if math.isfinite(self.numbers) else 16
        parts = [self.at(plane.points(places[k : k + size])) for k in range(0, len(places), size)]
        return np.concatenate([np.zeros(0), *parts])

    def exact(self, row: Array) -> float:
        """``f`` itself at one point, with its own errors."""
        value = np.asarray(self._at(row))
        if value.size != 1 or value.dtype.kind not in "fiub":
            raise DataError(
                "a surface is that of a function with one real number as its value, and this one gives "
                f"{'complex numbers' if value.dtype.kind == 'c' else f'an array of shape {value.shape}'}\n"
                "  write: a loss, as lambda model: nn.mse(model(x), y)"
            )
        return float(value.reshape(()))

    def _part(self, rows: Array) -> Array:
        with np.errstate(all="ignore"):
            if not math.isfinite(self.numbers):
                return np.array([self._one(row) for row in rows])
            try:
                return self._compiled(rows)
            except WengertError:
                self.numbers, self.batch = math.inf, 1
                return np.array([self._one(row) for row in rows])

    def _one(self, row: Array) -> float:
        try:
            return float(np.asarray(self._at(row)).reshape(()))
        except (ArithmeticError, ValueError):  # outside of the domain of f
            return math.nan

    def _compiled(self, rows: Array) -> Array:
        if self._many is None:
            many = vmap(self._at) if self.batch > 1 else lambda rows: self._at(rows[0])
            self._many = jit(many) if machine_code() else many
        full = self.batch if len(rows) > self.batch // 2 else _round_up(len(rows))
        padded = np.concatenate([rows, np.repeat(rows[-1:], min(full, self.batch) - len(rows), axis=0)])
        return np.asarray(self._many(padded), np.float64).reshape(-1)[: len(rows)]


def _round_up(size: int) -> int:
    """A power of 4: few sizes of batches, each compiled once."""
    return 4 ** math.ceil(math.log(max(size, 1), 4) - 1e-9)


@final
@dataclass(frozen=True, eq=False)
class Grid:
    """Values on a grid of a plane: ``values[i, j]`` at ``xs[j]``, ``ys[i]``. Of one parameter, ``ys`` has one entry."""

    xs: Array
    ys: Array
    values: Array

    @staticmethod
    def over(evaluator: Evaluator, plane: Plane, window: Any, resolution: int) -> Grid:
        """The values over a window ((left, right), (bottom, top)), of one parameter ((left, right),)."""
        axes = [np.linspace(low, high, resolution) for low, high in window]
        if len(axes) == 1:
            return Grid(axes[0], np.zeros(1), evaluator.on(plane, axes[0][:, None])[None])
        x, y = np.meshgrid(*axes)
        values = evaluator.on(plane, np.stack([x.ravel(), y.ravel()], 1))
        return Grid(axes[0], axes[1], values.reshape(x.shape))

    @property
    def cell(self) -> Array:
        """The size of a cell."""
        return np.array([self.xs[1] - self.xs[0], self.ys[1] - self.ys[0] if len(self.ys) > 1 else 1.0])


# ---- minima -----------------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class Minimum:
    """A local minimum of the function on the plane, and its value."""

    place: tuple[float, ...]
    value: float


_MOST_MINIMA = 6
_STENCIL = np.array([(i, j) for j in (-1, 0, 1) for i in (-1, 0, 1)], np.float64)
# least squares of c, gx, gy, hxx, hxy, hyy on the stencil
_FIT = np.linalg.pinv(
    np.stack([np.ones(9), _STENCIL[:, 0], _STENCIL[:, 1], _STENCIL[:, 0] ** 2 / 2, _STENCIL[:, 0] * _STENCIL[:, 1],
              _STENCIL[:, 1] ** 2 / 2], 1)
)  # fmt: skip


def minima(
    grid: Grid, f: Callable[[Array], Array], starts: Array, *, most: int = 12, rounds: int = 40
) -> list[Minimum]:
    """Local minima inside the grid, the lowest first: from its low nodes and ``starts`` down to a thousandth of a cell.

    ``most`` of them are followed, each with quadratic fits on a stencil of 3 × 3 that shrinks about it; ``f`` gives the
    values at places.
    """
    lowest = sorted(starts, key=lambda place: float(f(place[None])[0]))
    candidates = [*_low_nodes(grid)[: most - 1], *lowest][:most]
    found: list[Minimum] = []
    for place in candidates:
        end = _descended(f, np.asarray(place, np.float64), grid.cell, rounds)
        if end is None or not _inside(grid, end.place):
            continue
        if all(np.abs((np.subtract(end.place, other.place)) / grid.cell).max() > 1 for other in found):
            found.append(end)
    return sorted(found, key=lambda minimum: minimum.value)[:_MOST_MINIMA]


def _low_nodes(grid: Grid) -> list[tuple[float, float]]:
    """Nodes below their eight neighbours, the lowest first."""
    values = np.where(np.isfinite(grid.values), grid.values, np.inf)
    inner = values[1:-1, 1:-1]
    low = np.isfinite(inner)
    for i in range(3):
        for j in range(3):
            if (i, j) != (1, 1):
                low &= inner <= values[i : i + inner.shape[0], j : j + inner.shape[1]]
    places = np.argwhere(low) + 1
    order = np.argsort([values[i, j] for i, j in places], kind="stable")
    return [(float(grid.xs[j]), float(grid.ys[i])) for i, j in places[order]]


def _inside(grid: Grid, place: tuple[float, ...]) -> bool:
    return grid.xs[0] < place[0] < grid.xs[-1] and grid.ys[0] < place[1] < grid.ys[-1]


def _descended(f: Callable[[Array], Array], place: Array, cell: Array, rounds: int) -> Minimum | None:
    """Where a descent from ``place`` comes to rest, None if it does not."""
    size = 1.0
    for _ in range(rounds):
        values = f(place + _STENCIL * size * cell)
        if not np.isfinite(values).all() or values.min() == values.max():
            return None
        step = _model_step(values)
        lowest = _STENCIL[int(np.argmin(values))]
        if step is None:
            step = lowest
        candidate = float(f((place + step * size * cell)[None])[0])
        if not candidate <= values.min():
            step, candidate = lowest, float(values.min())
        place = place + step * size * cell
        if np.abs(step).max() < 0.7:
            size /= 4
        if size < 1e-3:
            return Minimum((float(place[0]), float(place[1])), candidate)
    return None


def _model_step(values: Array) -> Array | None:
    """To the minimum of the quadratic through a stencil, in its own units and cut to 3; None where there is none."""
    above = values - values[4]
    scale = float(np.abs(above).max())  # the minimum's place does not depend on it, products of second derivatives do
    _, gx, gy, hxx, hxy, hyy = _FIT @ (above / (scale if np.isfinite(scale) and scale > 0 else 1.0))
    determinant = hxx * hyy - hxy * hxy
    if not (hxx > 0 and determinant > 1e-14 * hxx * hxx):
        return None
    step = np.array([hxy * gy - hyy * gx, hxy * gx - hxx * gy]) / determinant
    return step * min(1.0, 3.0 / max(float(np.abs(step).max()), 1e-300))
