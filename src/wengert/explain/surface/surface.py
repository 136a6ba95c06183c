"""`draw_surface`: the loss about the paths of optimisers, on the plane that shows most of them."""

from __future__ import annotations

import inspect
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from wengert.errors import DataError
from wengert.explain.charts.elements import picture, tag
from wengert.explain.charts.numbers import count, number
from wengert.explain.surface import player, raster
from wengert.explain.surface.contours import Levels
from wengert.explain.surface.grid import MEMORY, Evaluator, Grid, Minimum, minima
from wengert.explain.surface.legend import legend
from wengert.explain.surface.picture import map_of
from wengert.explain.surface.plane import Plane, chosen_plane, common_layout, principal_plane, random_plane, whole_plane
from wengert.explain.surface.scene import Course, Scene, window_of, worth_showing
from wengert.explain.surface.strips import strips
from wengert.explain.surface.theme import plain, style
from wengert.files import write_atomically
from wengert.optim import Descent
from wengert.training import Trajectory, TrajectoryRecorder

__all__ = ["Surface", "draw_surface"]

Array = NDArray[np.float64]
Path_ = Trajectory | TrajectoryRecorder | Descent
WIDTH, HEIGHT = 600, 520
WINDOW = "window=((left, right), (bottom, top))"


@final
@dataclass(frozen=True, eq=False)
class Surface:
    """A loss surface with the paths of optimisers on it: what :func:`draw_surface` gives.

    ``scene`` holds its numbers: ``scene.plane`` (origin, directions, explained shares), ``scene.grid`` (the values),
    ``scene.levels``, ``scene.courses`` (of each path its places, true losses, values on the plane, distances from it)
    and ``scene.minima``. In a notebook it shows itself.
    """

    scene: Scene

    @property
    def explained(self) -> tuple[float, ...]:
        """The shares of the variance of the paths' points along each principal direction; empty for other planes."""
        return self.scene.plane.explained

    @property
    def minimum(self) -> Minimum | None:
        """The lowest local minimum of the map, if there is one inside."""
        return self.scene.minima[0] if self.scene.minima else None

    def svg(self, theme: Literal["auto", "light", "dark"] = "auto") -> str:
        """The picture: map, paths, losses by step, and the distance from the plane.

        With the theme "auto" it is light or dark as its reader's system is; "light" and "dark" write the colours out,
        for programs that know no style sheets.
        """
        bands = len(self.scene.levels.values) + 1
        key, top = legend(self.scene, WIDTH)
        below, height = strips(self.scene, WIDTH)
        paper = tag("rect", None, width="100%", height="100%", fill="var(--paper,#ffffff)")
        body = paper + key + tag("g", map_of(self.scene, "surface", WIDTH, HEIGHT), transform=f"translate(0 {top:.0f})")
        body += tag("g", below, transform=f"translate(0 {top + HEIGHT + 8:.0f})")
        body = tag("style", style(bands)) + body
        svg = picture("surface", self.scene.title, self.describe(), WIDTH, top + HEIGHT + 8 + height, body)
        svg = svg.replace("<svg ", f'<svg class="surface{bands}" ', 1)
        svg = svg.replace('font-family="inherit"', f'font-family="{FONT}"')
        return svg if theme == "auto" else plain(svg, theme, bands)

    def html(self) -> str:
        """The page: the picture with a slider and keys that play the race. Readable without scripts too."""
        return player.page(self.scene, self.describe())

    def _repr_html_(self) -> str:
        return player.embedded(self.html())

    def png(self, path: str | os.PathLike[str] | None = None, *, dpi: int = 150, theme: str = "light") -> bytes:
        """The picture drawn by matplotlib (the extra ``plots``), and written to ``path`` if it is given.

        Raises:
            UnsupportedError: if matplotlib is not installed.
        """
        data = raster.png(self.scene, dpi, theme)
        if path is not None:
            write_atomically(path, data)
        return data

    def gif(
        self,
        path: str | os.PathLike[str],
        *,
        seconds: float = 6.0,
        frames: int = 60,
        dpi: int = 90,
        theme: str = "light",
    ) -> None:
        """The race as an animation of so many ``frames``, played in ``seconds``, by matplotlib and Pillow.

        Raises:
            UnsupportedError: if matplotlib is not installed.
        """
        write_atomically(path, raster.gif(self.scene, seconds, frames, dpi, theme))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the picture in the form that the name ends in: .svg, .html, .png or .gif.

        Raises:
            DataError: for another ending, or if it cannot be written there.
        """
        ending = Path(path).suffix.lower()
        if ending == ".gif":
            self.gif(path)
        elif ending == ".png":
            self.png(path)
        elif ending in (".svg", ".html"):
            write_atomically(path, (self.svg() if ending == ".svg" else self.html()).encode())
        else:
            raise DataError(f'"{path}" ends in "{ending}"; a surface is written as .svg, .html, .png or .gif')

    def describe(self) -> str:
        """The picture in words: the plane and what it explains, where each path came to, how far it is from the map.

        Example:
            >>> import numpy as np
            >>> import wengert
            >>> from wengert import optim, training
            >>> f = lambda p: p["x"] ** 2 + 4 * p["y"] ** 2
            >>> path = training.trajectory(f, {"x": 1.0, "y": 1.0}, optim.sgd(0.1), steps=10)
            >>> print(wengert.draw_surface(f, path, resolution=21).describe())
            loss over x and y; sgd: 10 steps from loss 5 to 0.01153; minimum 0 at (0, 0).
        """
        scene = self.scene
        about = f" ({scene.plane.words})" if scene.plane.words else ""
        parts = [f"loss over {' and '.join(scene.plane.names)}{about}"]
        parts += [_course_words(scene, course) for course in scene.courses]
        if scene.minima:
            low = scene.minima[0]
            spot = ", ".join(number(_round(v, cell), 4) for v, cell in zip(low.place, scene.grid.cell, strict=False))
            parts.append(f"minimum {scene.told(low.value)} at ({spot})")
        return "; ".join(parts) + "."

    def __repr__(self) -> str:
        return f"<Surface: {self.describe()}>"


FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Liberation Sans',Arial,sans-serif"


def _round(value: float, cell: float) -> float:
    """A place to a thousandth of a cell, which is what a minimum is followed to."""
    return round(value, max(0, 3 - math.floor(math.log10(cell)))) + 0.0


def _course_words(scene: Scene, course: Course) -> str:
    words = (
        f"{course.name}: {count(int(course.steps[-1]), scene.unit)} from loss {number(course.losses[0])} "
        f"to {number(course.losses[-1])}"
    )
    if course.path.ended != "steps":
        words += f", {course.path.ended}"
    if not scene.whole:
        farthest = int(np.argmax(course.distances))
        away, step = number(course.distances[farthest], 3), course.steps[farthest]
        words += f", at most {away} from the plane ({scene.unit} {step})"
    return words


# ---- making one -------------------------------------------------------------------------------


def draw_surface(
    f: Callable[[Any], Any],
    trajectories: Path_ | Sequence[Path_] | Mapping[str, Path_],
    *,
    along: Literal["principal", "random"] | Sequence[Any] | None = None,
    origin: Any = "end",
    window: Sequence[Sequence[float]] | None = None,
    resolution: int | None = None,
    levels: int = 14,
    seed: int = 0,
    title: str = "Loss surface",
    memory: int = MEMORY,
) -> Surface:
    """The loss about the paths of optimisers: a map of ``f`` on a plane, the paths on it, and what the map leaves out.

    Args:
        f: the function of the parameters: a loss, as ``lambda model: nn.mse(model(x), y)``.
        trajectories: one path or several that race: what :func:`wengert.training.trajectory` gives, a
            ``TrajectoryRecorder`` after training, a ``Descent`` with its points; a mapping names them.
        along: the plane. By default, for more than two parameters, the two principal directions of all points of the
            paths (PCA); two names or numbers of elements (``("w[0]", "b")``), or two directions (trees like the
            parameters); "random": two random directions, each scaled as the filters are (with ``seed``).
        origin: where the plane stands: at the "end" of the path that came lowest, at the "start", the "mean" of all
            points, or a tree of parameters.
        window: what to show, in the plane's own coordinates: ((left, right), (bottom, top)). By default, the paths.
        resolution: nodes a side; by default 101 where ``f`` is cheap, down to 25.
        levels: about how many lines. They are spaced in decades where the loss spans some.
        seed: of the random directions.
        title: of the picture.
        memory: bytes that a batch of evaluations may take, counted as if nothing were freed within one.

    A point of a path that is not on the plane is drawn at its projection. Where the loss there and the true loss lie
    more than one line of the map apart, the path is dashed and its markers are hollow; strips show both losses and the
    distance from the plane by step. On two parameters the map is the whole truth; of one it is a curve.

    H. Li, Z. Xu, G. Taylor, C. Studer, T. Goldstein, "Visualizing the loss landscape of neural nets", NeurIPS 2018.

    Raises:
        DataError: if the paths are of different parameters, there is no plane (a single point, all points the same), a
            parameter is not there, or ``f`` does not give one real number.

    Example:
        >>> import numpy as np
        >>> import wengert
        >>> from wengert import optim, training
        >>> def rosenbrock(p):
        ...     return (1 - p["x"]) ** 2 + 100 * (p["y"] - p["x"] ** 2) ** 2
        >>> start = {"x": -1.5, "y": 2.0}
        >>> race = [
        ...     training.trajectory(rosenbrock, start, optimizer, steps=200)
        ...     for optimizer in (optim.sgd(1e-3), optim.adam(0.1))
        ... ]
        >>> surface = wengert.draw_surface(rosenbrock, race, window=((-2, 2), (-1, 3)))
        >>> [round(c, 2) for c in surface.minimum.place], surface.svg()[:4]
        ([1.0, 1.0], '<svg')
    """
    if resolution is not None and (isinstance(resolution, bool) or not 3 <= resolution <= 1000):
        raise DataError(f"resolution is {resolution!r} and must be a number of nodes from 3 to 1000")
    paths = _named(trajectories)
    evaluator = Evaluator(f, common_layout(paths), memory)
    for path in paths.values():
        evaluator.exact(np.asarray(path.points[0], np.float64))  # f's own errors come before any picture
    losses = [evaluator.at(np.asarray(path.points, np.float64)) for path in paths.values()]
    shown = worth_showing(list(paths.values()), losses)
    plane = _plane(evaluator, list(paths.values()), shown, along, origin, seed)
    courses = [
        Course.over(plane, name, path, true, own, evaluator)
        for (name, path), true, own in zip(paths.items(), losses, shown, strict=True)
    ]
    shape = _window(window, len(plane.directions)) or window_of(courses)
    grid = Grid.over(evaluator, plane, shape, resolution or (401 if len(shape) == 1 else evaluator.resolution))
    scene = Scene(title, plane, grid, Levels.of(grid.values, levels), courses, [], evaluator.batch)
    return Surface(_with_minima(scene, evaluator))


def _with_minima(scene: Scene, evaluator: Evaluator) -> Scene:
    if scene.flat:
        return scene
    lows = [c.places[int(np.nanargmin(c.on_plane))] for c in scene.courses if np.isfinite(c.on_plane).any()]
    effort = {"most": 12, "rounds": 40} if evaluator.numbers < 1e5 else {"most": 3, "rounds": 8}
    found = minima(scene.grid, lambda places: evaluator.on(scene.plane, places), np.array(lows), **effort)
    return Scene(scene.title, scene.plane, scene.grid, scene.levels, scene.courses, found, scene.batch)


def _named(trajectories: Any) -> dict[str, Trajectory]:
    """The paths by name: those of one name are told apart by their learning rates, or by numbers."""
    if isinstance(trajectories, Mapping):
        return {str(name): _finite(_path(item)) for name, item in trajectories.items()} or _named([])
    items = [trajectories] if isinstance(trajectories, Path_) or trajectories is None else list(trajectories)
    if not items:
        raise DataError("there is no path to draw: trajectories is empty")
    found = [_finite(_path(item)) for item in items]
    names = [path.name or "path" for path in found]
    rates = ["" if path.learning_rate is None else f", λ = {path.learning_rate:g}" for path in found]
    names = [name + rate if names.count(name) > 1 else name for name, rate in zip(names, rates, strict=True)]
    return {
        f"{name} ({names[: k + 1].count(name)})" if names.count(name) > 1 else name: path
        for k, (name, path) in enumerate(zip(names, found, strict=True))
    }


def _finite(path: Trajectory) -> Trajectory:
    """The path without points that lie nowhere."""
    good = np.isfinite(path.points).all(axis=1)
    if not good.any():
        raise DataError(f'no point of the path "{path.name or "path"}" is finite: there is nothing to draw')
    if good.all():
        return path
    return replace(path, points=path.points[good], steps=path.steps[good], losses=path.losses[good])


def _path(item: Any) -> Trajectory:
    if isinstance(item, TrajectoryRecorder):
        return item.trajectory
    if isinstance(item, Descent):
        if not item.trajectory:
            raise DataError("this descent kept no points\n  write: optim.gradient_descent(f, x0, record=True)")
        return Trajectory.of(item.trajectory, name="gradient descent")
    if not isinstance(item, Trajectory):
        raise DataError(f"a path is what training.trajectory(f, start, optimizer) gives, not {type(item).__name__}")
    return item


def _plane(
    evaluator: Evaluator,
    paths: list[Trajectory],
    shown: list[NDArray[np.bool_]],
    along: Any,
    origin: Any,
    seed: int,
) -> Plane:
    layout, prefix = evaluator.layout, _argument(evaluator.f)
    if layout.size <= 2 and along is None:
        return whole_plane(layout, prefix)
    points = [np.asarray(path.points, np.float64)[own] for path, own in zip(paths, shown, strict=True)]
    at = _origin(origin, evaluator, paths, points)
    if along is None or (isinstance(along, str) and along == "principal"):
        return principal_plane(np.concatenate(points), at)
    if isinstance(along, str):
        if along != "random":
            raise DataError(f'along is "principal", "random" or two names, as ("w", "b"), and not {along!r}')
        return random_plane(layout, at, seed)
    return chosen_plane(layout, at, along, prefix)


def _origin(origin: Any, evaluator: Evaluator, paths: list[Trajectory], points: list[Array]) -> Array:
    if not isinstance(origin, str):
        return np.asarray(evaluator.layout.row(origin), np.float64)
    if origin == "mean":
        return np.concatenate(points).mean(0)
    if origin not in ("start", "end"):
        raise DataError(f'origin is "end", "start", "mean" or a tree of parameters, and not {origin!r}')
    ends = [own[-1] for path, own in zip(paths, points, strict=True) if len(own) == len(path)]
    if origin == "start" or not ends:
        return points[0][0]
    losses = evaluator.at(np.stack(ends))
    return ends[int(np.nanargmin(losses)) if np.isfinite(losses).any() else 0]


def _argument(f: Any) -> str:
    """What ``f`` calls its parameters, if it says."""
    try:
        return next(iter(inspect.signature(f).parameters), "")
    except (TypeError, ValueError):
        return ""


def _window(window: Any, axes: int) -> tuple[tuple[float, float], ...] | None:
    if window is None:
        return None
    found = np.asarray(window, np.float64)
    if found.shape != (axes, 2) or not np.isfinite(found).all() or not (found[:, 0] < found[:, 1]).all():
        raise DataError(f"a window is {WINDOW if axes == 2 else 'window=((left, right),)'}, not {window!r}")
    return tuple((float(low), float(high)) for low, high in found)
