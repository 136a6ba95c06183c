"""The plane that a surface stands on: two directions in the space of parameters, and what of a path lies in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from wengert.errors import DataError
from wengert.explain.charts.numbers import count, percent
from wengert.training import Layout, Trajectory

__all__ = ["Plane", "chosen_plane", "common_layout", "principal_plane", "random_plane", "whole_plane"]

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class Plane:
    """θ = origin + a u + b v: ``directions`` are the rows u and v (of one parameter u alone), of any length.

    ``explained`` are the shares of the paths' variance along each of two principal directions, else empty.

    Example:
        >>> import numpy as np
        >>> from wengert.explain.surface.plane import Plane
        >>> plane = Plane(np.zeros(3), np.eye(3)[:2], ("x", "y"))
        >>> plane.places(np.array([[1.0, 2.0, 3.0]])), plane.distances(np.array([[1.0, 2.0, 3.0]]))
        (array([[1., 2.]]), array([3.]))
    """

    origin: Array
    directions: Array
    names: tuple[str, ...]
    explained: tuple[float, ...] = ()
    words: str = ""

    def places(self, points: Any) -> Array:
        """(a, b) of the points of the plane that are nearest to ``points``, (points, 2)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return (np.asarray(points, np.float64) - self.origin) @ np.linalg.pinv(self.directions)

    def points(self, places: Array) -> Array:
        """The points of the plane at (a, b)."""
        return self.origin + places @ self.directions

    def distances(self, points: Any) -> Array:
        """How far points are from the plane, ‖θ − its nearest point‖."""
        return np.linalg.norm(np.asarray(points, np.float64) - self.points(self.places(points)), axis=1)


def principal_plane(points: Array, origin: Array) -> Plane:
    """The plane through ``origin`` along the two directions in which ``points`` vary most.

    They are the first right singular vectors of the points less their mean, of length 1, and the shares are
    σₖ² / Σ σ². Each points to where the path goes: from the first point to the last.

    H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, "Visualizing the loss landscape of neural nets", NeurIPS 2018;
    E. Lorch, "Visualizing deep network training trajectories with PCA", ICML workshop 2016.

    Raises:
        DataError: if all points are one.
    """
    centred = points - points.mean(0)
    size = float(np.abs(centred).max())
    if size <= 1e-13 * max(float(np.abs(points).max()), 1e-300):
        raise DataError(
            f"the path has no directions: {_all_the_same(len(points))}\n"
            '  write: draw_surface(f, path, along="random"), or along=("w", "b") with two parameters\' names'
        )
    values, directions = _leading(centred / size)
    total = float(np.sum((centred / size) ** 2))
    shares = tuple(float(s) / total for s in values)
    names = [f"principal direction {k} ({percent(share)})" for k, share in enumerate(shares, 1)]
    words = f"the two principal directions hold {percent(min(sum(shares), 1.0))} of the variance of the paths' points"
    if shares[1] < 1e-14:  # rounding has no direction worth a name
        names[1], words = "a random direction", "the path is a straight line, and the second direction random"
        directions[1] = _beside(directions[0])
    turned = np.stack([_towards(direction, points[-1] - points[0]) for direction in directions])
    return Plane(origin, turned, tuple(names), shares, words)


def _all_the_same(points: int) -> str:
    return "it has one point" if points == 1 else f"its {count(points, 'point')} are one and the same"


def _leading(rows: Array) -> tuple[Array, Array]:
    """The first two σ² and right singular vectors, from the smaller of the two Gram matrices."""
    wide = rows.shape[1] > rows.shape[0]
    _, vectors = np.linalg.eigh(rows @ rows.T if wide else rows.T @ rows)
    first = vectors[:, ::-1][:, :2]
    basis = np.linalg.qr(rows.T @ first if wide else first)[0]
    # squares lose half of the digits: a step of orthogonal iteration gives them back
    basis = np.linalg.qr(rows.T @ (rows @ basis))[0]
    _, singular, turn = np.linalg.svd(rows @ basis, full_matrices=False)
    return singular**2, turn @ basis.T


def _beside(direction: Array) -> Array:
    noise = np.random.default_rng(0).normal(size=direction.shape)
    noise -= noise @ direction * direction
    return noise / np.linalg.norm(noise)


def _towards(direction: Array, way: Array) -> Array:
    along = float(direction @ way)
    if abs(along) <= 1e-9 * float(np.linalg.norm(way)):
        along = float(direction[np.argmax(np.abs(direction))])
    return -direction if along < 0 else direction


def random_plane(layout: Layout, origin: Array, seed: int = 0) -> Plane:
    """Two random directions, each scaled like the filter (the weights of one unit) it stands for.

    d ← d ‖θ‖ / ‖d‖ for each filter, the last axis of a weight counting the filters; biases and other vectors stay,
    unless there is nothing else. So a step of 1 is as long as the weights themselves, whatever their scale is.

    H. Li et al., "Visualizing the loss landscape of neural nets", NeurIPS 2018, section 4.
    """
    generator = np.random.default_rng(seed)
    flat = all(len(leaf.shape) < 2 for leaf in layout.leaves)
    directions = np.zeros((2, layout.size))
    for direction in directions:
        for leaf in layout.leaves:
            here = slice(leaf.start, leaf.stop)
            shape = (-1, leaf.shape[-1]) if len(leaf.shape) > 1 else (-1, 1)
            weights, noise = origin[here].reshape(shape), generator.normal(size=leaf.stop - leaf.start).reshape(shape)
            if len(leaf.shape) > 1 or flat:
                lengths = np.linalg.norm(weights, axis=0)
                lengths = np.where(lengths > 0, lengths, 1.0 if flat else 0.0)
                direction[here] = (noise / np.linalg.norm(noise, axis=0) * lengths).ravel()
    names = ("random direction 1", "random direction 2")
    return Plane(origin, directions, names, words="the directions are random, each scaled as the filters are")


def chosen_plane(layout: Layout, origin: Array, along: Sequence[Any], prefix: str) -> Plane:
    """The plane along two of: the name of an element, its number, or a direction as a tree or a row.

    Along elements places are the elements' own values; along directions they count from the origin.

    Raises:
        DataError: if they are not two, one is not there, or they are the same.
    """
    chosen = [_direction(layout, item, prefix) for item in along]
    if len(chosen) != 2:
        raise DataError(f'along takes two names or directions, as along=("w", "b"), not {len(chosen)}')
    directions, names = np.stack([d for d, _ in chosen]), tuple(name for _, name in chosen)
    if np.linalg.matrix_rank(directions) < 2:
        raise DataError(f"{names[0]} and {names[1]} are one direction: a plane has two")
    at = np.array(origin)
    for item, (direction, _) in zip(along, chosen, strict=True):
        if isinstance(item, str | int | np.integer):
            at[direction > 0] = 0.0  # so that places are values
    held = layout.size - 2
    words = f"the other {count(held, 'parameter')} held at the end's values" if held else ""
    return Plane(at, directions, tuple(n or f"direction {k}" for k, n in enumerate(names, 1)), words=words)


def _direction(layout: Layout, item: Any, prefix: str) -> tuple[Array, str]:
    if isinstance(item, str):
        place = _place(layout, item, prefix)
    elif isinstance(item, int | np.integer) and not isinstance(item, bool):
        if not -layout.size <= item < layout.size:
            raise DataError(f"there is no element {item} among {layout.size}")
        place = int(item) % layout.size
    else:
        row = item if isinstance(item, np.ndarray) and item.shape == (layout.size,) else layout.row(item)
        row = np.asarray(row, np.float64)
        if not np.isfinite(row).all() or not row.any():
            raise DataError("a direction is a tree of finite numbers like the parameters, not all of them 0")
        return row, ""
    unit = np.zeros(layout.size)
    unit[place] = 1.0
    return unit, _element_name(layout, place, prefix)


def _place(layout: Layout, name: str, prefix: str) -> int:
    """The place of a name, with or without what ``f`` calls its parameters before it."""
    if prefix and name.startswith((prefix + "[", prefix + ".")):
        try:
            return layout.place(name.removeprefix(prefix))
        except DataError as error:
            raise DataError(f"in {name}: {error}") from None
    return layout.place(name)


def _element_name(layout: Layout, place: int, prefix: str) -> str:
    """What an element is called in a picture, after ``f``'s argument where it has no name of its own."""
    name = layout.name(place)
    return (prefix or "θ") + name if not name or name.startswith("[") else name


def whole_plane(layout: Layout, prefix: str) -> Plane:
    """The space of two parameters, or the line of one, as it is."""
    names = tuple(_element_name(layout, place, prefix) for place in range(layout.size))
    return Plane(np.zeros(layout.size), np.eye(layout.size), names)


def common_layout(paths: dict[str, Trajectory]) -> Layout:
    """The layout that all paths have.

    Raises:
        DataError: if they are of different parameters, with the first that differs.
    """
    (first, path), *others = paths.items()
    for name, other in others:
        if difference := path.layout.differs(other.layout):
            raise DataError(f'the paths "{first}" and "{name}" are of different parameters: {difference}')
    return path.layout
