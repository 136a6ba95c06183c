"""What a picture of a surface shows, as numbers: the plane, the values on it, the courses of the paths over it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from wengert.explain.charts.numbers import number
from wengert.explain.surface.contours import Levels
from wengert.explain.surface.grid import Evaluator, Grid, Minimum
from wengert.explain.surface.plane import Plane
from wengert.training import Trajectory

__all__ = ["Course", "Scene", "window_of"]

Array = NDArray[np.float64]
ROOM = 0.14  # of the window on each side of the paths
ALIKE = 3.0  # axes whose extents differ by less have one scale


@final
@dataclass(frozen=True, eq=False)
class Course:
    """A path over the plane.

    ``places`` (points, 2) are those of its projection, ``losses`` the true ones at its points, ``on_plane`` the values
    at their projections, and ``distances`` how far the two are apart. ``shown`` are the points that have to be seen.
    """

    name: str
    path: Trajectory
    places: Array
    losses: Array
    on_plane: Array
    distances: Array
    shown: NDArray[np.bool_]

    @staticmethod
    def over(
        plane: Plane, name: str, path: Trajectory, losses: Array, shown: NDArray[np.bool_], evaluator: Evaluator
    ) -> Course:
        """The course of a path over a plane."""
        points = np.asarray(path.points, np.float64)
        places = plane.places(points)
        if len(plane.origin) <= 2:
            return Course(name, path, places, losses, losses, np.zeros(len(points)), shown)
        distances, size = plane.distances(points), np.linalg.norm(points, axis=1)
        distances = np.where(distances > 1e-12 * size, distances, 0.0)  # or it is rounding
        return Course(name, path, places, losses, evaluator.on(plane, places), distances, shown)

    @property
    def steps(self) -> NDArray[np.int64]:
        """The numbers of the steps at the points."""
        return self.path.steps

    @property
    def gaps(self) -> Array:
        """The value on the plane less the true loss."""
        with np.errstate(invalid="ignore"):
            return self.on_plane - self.losses


@final
@dataclass(frozen=True, eq=False)
class Scene:
    """All that is drawn."""

    title: str
    plane: Plane
    grid: Grid
    levels: Levels
    courses: Sequence[Course]
    minima: Sequence[Minimum]
    batch: int

    @property
    def flat(self) -> bool:
        """Whether there is but one parameter: a curve, no map."""
        return len(self.plane.directions) == 1

    @property
    def whole(self) -> bool:
        """Whether the plane is all there is, and nothing is projected."""
        return len(self.plane.origin) <= 2

    @property
    def last_step(self) -> int:
        """The number of the last step of all paths."""
        return max(int(course.steps[-1]) for course in self.courses)

    @property
    def unit(self) -> str:
        """What steps are called."""
        return self.courses[0].path.unit

    def told(self, value: float) -> str:
        """A value in words; 0 where beside the values of the map it is nothing."""
        values = self.grid.values[np.isfinite(self.grid.values)]
        size = float(np.median(np.abs(values))) if len(values) else 0.0
        return number(value, 3) if abs(value) > 1e-9 * size else "0"

    def apart(self, course: Course) -> NDArray[np.bool_]:
        """Where the map misleads: true loss and value on the plane are more than one line of the map apart."""
        if self.whole:
            return np.zeros(len(course.places), bool)
        difference = np.abs(self.levels.band(course.losses) - self.levels.band(course.on_plane))
        return (difference > 1) | (np.isfinite(course.losses) != np.isfinite(course.on_plane))

    def marked_steps(self, wanted: int = 7) -> list[int]:
        """The steps at which paths carry numbers: multiples of a round number of steps."""
        raw = max(self.last_step, 1) / wanted
        power = 10 ** math.floor(math.log10(max(raw, 1)))
        every = max(1, next(m * power for m in (1, 2, 5, 10) if m * power >= raw))
        return list(range(every, self.last_step + 1, every))


def window_of(courses: Sequence[Course]) -> tuple[tuple[float, float], ...]:
    """The window about those places of all paths that are to be shown, with some room.

    Axes of about the same extent have one scale, so that angles are as they are; others fill the window.
    """
    points = np.concatenate([course.places[course.shown] for course in courses])
    low, high = points.min(0), points.max(0)
    middle, extent = (low + high) / 2, high - low
    size = float(extent.max()) or max(1.0, float(np.abs(middle).max()) / 2)
    extent = np.where(extent > 1e-9 * size, extent, size / 4)
    if len(extent) > 1 and extent.max() <= ALIKE * extent.min():
        extent = np.full_like(extent, extent.max())
    half = extent * (0.5 + ROOM)
    return tuple((float(m - h), float(m + h)) for m, h in zip(middle, half, strict=True))


def worth_showing(paths: Sequence[Trajectory], losses: Sequence[Array]) -> list[NDArray[np.bool_]]:
    """Of each path the points that a picture must have room for: all, but of paths that run away the first.

    Those are the ones that are not much farther from their start than the tame paths go, or, where all run away, than
    their own first step.
    """
    away = [_away(path) for path in paths]
    wild = [_runs_away(path, own, far) for path, own, far in zip(paths, losses, away, strict=True)]
    tame = [float(far.max()) for far, runs in zip(away, wild, strict=True) if not runs]
    limit = 3.0 * max(tame) if tame else 5.0 * max((float(far[1]) for far in away if len(far) > 1), default=0.0)
    return [far <= limit if runs else np.isfinite(far) for far, runs in zip(away, wild, strict=True)]


def _away(path: Trajectory) -> Array:
    """How far the points of a path are from its start."""
    points = np.asarray(path.points, np.float64)
    with np.errstate(over="ignore"):
        return np.linalg.norm(points - points[0], axis=1)


def _runs_away(path: Trajectory, losses: Array, away: Array) -> bool:
    """Whether a path ended in what is not finite, or rises and goes ever farther, as it does on its way there."""
    if path.ended == "diverged" or not np.isfinite(away).all():
        return True
    rises = not math.isfinite(losses[-1]) or losses[-1] > 100 * abs(losses[0])
    return bool(rises and away[-1] > 10 * np.median(away))
