"""The path of an optimiser through the space of parameters: recorded in training, or of any function."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from wengert import pytree
from wengert.errors import DataError, ModelError, WengertError
from wengert.optim import Optimizer, apply_updates, global_norm
from wengert.training._layout import Layout
from wengert.transforms import jit, machine_code, value_and_grad

if TYPE_CHECKING:
    from wengert.training._fit import Epoch
    from wengert.training._watching import Failure, Setup, Step

__all__ = ["Ended", "Trajectory", "TrajectoryRecorder", "trajectory"]

Ended = Literal["steps", "converged", "diverged", "interrupted"]
MEMORY = 64 * 2**20  # bytes that the points of a path may take
MOST = 1000  # points of a path: more than a picture can show
FEWEST = 8
LARGE = 100_000  # numbers in a point, from which on they are kept in float32
WORTH_COMPILING = 300  # steps


@final
@dataclass(frozen=True, eq=False)
class Trajectory:
    """A path of parameters: where an optimiser was, and when.

    ``points`` has a row for each point kept, all learned numbers in it leaf after leaf (``layout`` says where);
    ``steps`` are the numbers of the steps, from 0, after which it was there, ``losses`` the losses there as they were
    measured (NaN where none was). Long paths are thinned: between two points lie ``stride`` steps, the last one is
    always kept. ``path[k]`` is point k as the tree it was. ``ended`` says how: after all "steps", "converged",
    "diverged" (to what is no longer finite; the last finite point is the last one here) or "interrupted".

    Example:
        >>> import numpy as np
        >>> from wengert import optim, training
        >>> path = training.trajectory(lambda p: p["x"] ** 2, {"x": 1.0}, optim.sgd(0.25), steps=2)
        >>> path.points.ravel(), path.losses, path[1], path.name
        (array([1.  , 0.5 , 0.25]), array([1.    , 0.25  , 0.0625]), {'x': 0.5}, 'sgd')
    """

    points: NDArray[Any]
    steps: NDArray[np.int64]
    losses: NDArray[np.float64]
    layout: Layout
    name: str = ""
    learning_rate: float | None = None
    ended: Ended = "steps"
    unit: str = "step"

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, place: int) -> Any:
        return self.layout.tree(self.points[place])

    def __iter__(self) -> Iterator[Any]:
        return (self[place] for place in range(len(self)))

    def __repr__(self) -> str:
        rate = "" if self.learning_rate is None else f", learning rate {self.learning_rate:g}"
        ending = {"steps": ""}.get(self.ended, f", {self.ended}")
        return (
            f"<Trajectory {self.name or 'of no name'}{rate}: {len(self)} points of {self.layout.size} numbers, "
            f"to {self.unit} {self.steps[-1]}{ending}>"
        )

    @property
    def stride(self) -> int:
        """Steps between two points."""
        return int(self.steps[1] - self.steps[0]) if len(self) > 1 else 1

    @classmethod
    def of(
        cls,
        points: Sequence[Any],
        losses: Sequence[float] | None = None,
        *,
        name: str = "",
        learning_rate: float | None = None,
        memory: int = MEMORY,
        most: int = MOST,
    ) -> Trajectory:
        """A path of points that were recorded elsewhere: trees of one structure, one a step.

        Raises:
            DataError: if there are none, or not as many losses.
            ShapeError: if the trees differ.

        Example:
            >>> import numpy as np
            >>> from wengert import optim
            >>> from wengert.training import Trajectory
            >>> descent = optim.gradient_descent(lambda x: x @ x, np.array([3.0, 4.0]), record=True)
            >>> Trajectory.of(descent.trajectory, name="gradient descent").points[0]
            array([3., 4.])
        """
        if losses is not None and len(losses) != len(points):
            raise DataError(f"a path of {len(points)} points has as many losses, not {len(losses)}")
        kept = _Kept(memory, most)
        for step, point in enumerate(points):
            kept.add(step, point, math.nan if losses is None else float(losses[step]))
        return kept.path(name, learning_rate, "steps", "step")


@final
class _Kept:
    """Points that are kept of a path under way: at first all; where they get too many, every third one.

    Every second one of a path that swings from side to side would lie on one side.
    """

    def __init__(self, memory: int, most: int) -> None:
        if memory < 1 or most < 2:
            raise ModelError(f"a path needs room: memory={memory!r} bytes and most={most!r} points, of at least 2")
        self.memory, self.most = memory, most
        self.layout: Layout | None = None
        self.kept: list[tuple[int, NDArray[Any], float]] = []
        self.last: tuple[int, Any, float] | None = None
        self.seen, self.stride = 0, 1

    def add(self, step: int, tree: Any, loss: float) -> None:
        """Take note of where the path is after ``step``."""
        layout = self.layout
        if layout is None:
            layout = self.layout = Layout(tree)
            narrow = np.dtype(np.float32) if layout.size >= LARGE else layout.dtype
            self.dtype = narrow
            self.most = min(self.most, max(FEWEST, self.memory // (layout.size * narrow.itemsize)))
        if self.seen % self.stride == 0:
            if len(self.kept) >= self.most:
                self.kept, self.stride = self.kept[::3], 3 * self.stride
            if self.seen % self.stride == 0:
                # an exchange, not a change: Ctrl-C finds the points before or those after
                self.kept = [*self.kept, (step, layout.row(tree).astype(self.dtype), loss)]
        self.last = step, tree, loss
        self.seen += 1

    def path(self, name: str, rate: float | None, ended: Ended, unit: str) -> Trajectory:
        """What was kept, with the last point."""
        layout, last = self.layout, self.last
        if layout is None or last is None:
            raise DataError("nothing was recorded: a path has one point at least")
        kept = self.kept
        if not kept or kept[-1][0] != last[0]:
            kept = [*kept, (last[0], layout.row(last[1]).astype(self.dtype), last[2])]
        steps, rows, losses = zip(*kept, strict=True)
        # what a model remembers is the last one's
        return Trajectory(
            np.stack(rows), np.array(steps), np.array(losses, np.float64), Layout(last[1]), name, rate, ended, unit
        )


def _rate(optimizer: Optimizer) -> float | None:
    return None if optimizer.rate is None else float(optimizer.rate(0))


@final
class TrajectoryRecorder:
    """A callback of :func:`fit` that records the path: the start, and the parameters after each epoch.

    With ``every`` it takes them after every so many steps (batches) instead; compiled training then returns to Python
    as often. ``losses`` are those of training: the epoch's, or the last batch's before its step. At most ``most``
    points are kept, and ``memory`` bytes of them: longer paths are thinned evenly. Points of 100,000 numbers and more
    are kept in float32. What was recorded is there after Ctrl-C too.

    Example:
        >>> import numpy as np
        >>> from wengert import nn, optim, random, training
        >>> x = np.linspace(-1, 1, 50)[:, None]
        >>> record = training.TrajectoryRecorder()
        >>> result = training.fit(
        ...     nn.mlp(random.key(0), [1, 8, 1]), x, x**2, loss=nn.mse, optimizer=optim.adam(0.01), epochs=5,
        ...     callbacks=[record], progress="none",
        ... )
        >>> record.trajectory
        <Trajectory adam, learning rate 0.01: 6 points of 25 numbers, to epoch 5>
    """

    def __init__(
        self, every: int | None = None, *, name: str | None = None, memory: int = MEMORY, most: int = MOST
    ) -> None:
        if every is not None and (isinstance(every, bool) or not hasattr(every, "__index__") or every < 1):
            raise ModelError(f"every is {every!r} and must be a number of steps, at least 1, or None for epochs")
        self.every, self.name = every, name
        self._room = memory, most
        self._kept = _Kept(memory, most)
        self._optimizer: Optimizer | None = None
        self._ended: Ended = "steps"

    def begin(self, told: Setup) -> None:
        """Called by :func:`fit` before the first step: the start is the first point."""
        self._kept, self._optimizer, self._ended = _Kept(*self._room), told.optimizer, "steps"
        self._kept.add(0, told.model, math.nan)

    def step(self, told: Step) -> None:
        """Called by :func:`fit` after every ``every``-th step."""
        self._kept.add(told.number, told.model, told.loss)

    def __call__(self, told: Epoch) -> None:
        """Called by :func:`fit` after each epoch."""
        if self.every is None:
            self._kept.add(told.number, told.model, told.row["loss"])

    def failed(self, told: Failure) -> None:
        """Called by :func:`fit` where training diverges."""
        del told
        self._ended = "diverged"

    @property
    def trajectory(self) -> Trajectory:
        """The path so far.

        Raises:
            DataError: if there is none: ``fit`` was not called with this callback.
        """
        optimizer = self._optimizer
        name, rate = ("", None) if optimizer is None else (optimizer.name, _rate(optimizer))
        unit = "epoch" if self.every is None else "step"
        return self._kept.path(name if self.name is None else self.name, rate, self._ended, unit)


def trajectory(
    f: Callable[[Any], Any],
    start: Any,
    optimizer: Optimizer,
    *,
    steps: int = 1000,
    until: float | None = None,
    name: str | None = None,
    compiled: bool | Literal["auto"] = "auto",
    memory: int = MEMORY,
    most: int = MOST,
) -> Trajectory:
    """The path θ₀, θ₁, … that ``optimizer`` takes on ``f`` from ``start``.

    Args:
        f: a function of a tree of parameters that gives one number.
        start: θ₀: a number, an array or a tree of them; integers count as floats.
        optimizer: from :mod:`wengert.optim`.
        steps: how many to take at most.
        until: stop at ‖θₜ − θₜ₋₁‖ ≤ until, with the norm over the whole tree.
        name: what to call the path; by default the optimiser's name.
        compiled: whether steps run as machine code: from some 300 steps on, if ``f`` can be staged, unless told.
        memory: bytes that the points may take. Longer paths are thinned evenly, to ``most`` points at most.
        most: the most points to keep. Points of 100,000 numbers and more are kept in float32.

    Ctrl-C ends the path and gives what was recorded; so do values that are no longer finite.

    Raises:
        ModelError: if a parameter is complex, or an argument makes no sense.

    Example:
        >>> import numpy as np
        >>> from wengert import optim, training
        >>> path = training.trajectory(lambda x: x @ x, np.array([3.0, 4.0]), optim.sgd(0.1), until=1e-6)
        >>> path.ended, int(path.steps[-1]), bool(path.losses[-1] < 1e-10)
        ('converged', 63, True)
    """
    if not isinstance(optimizer, Optimizer):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ModelError(f"optimizer is {optimizer!r}; write one as in trajectory(f, start, optim.sgd(0.1))")
    if isinstance(steps, bool) or not hasattr(steps, "__index__") or steps < 0:
        raise ModelError(f"steps is {steps!r} and must be an integer of at least 0")
    if until is not None and not (np.asarray(until).dtype.kind in "iuf" and until >= 0):
        raise ModelError(f"until is {until!r} and must be a length of steps, at least 0, or None")
    kept = _Kept(memory, most)
    compiled = steps >= WORTH_COMPILING and machine_code() if compiled == "auto" else compiled
    ended: Ended = "interrupted"
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # a path may diverge: it says so
            ended = _descend(f, pytree.map(_as_float, start), optimizer, int(steps), until, compiled, kept)
    except KeyboardInterrupt:
        if kept.last is None:
            raise
    return kept.path(optimizer.name if name is None else name, _rate(optimizer), ended, "step")


def _as_float(leaf: Any) -> Any:
    leaf = leaf if isinstance(leaf, float | np.floating | np.ndarray) else np.asarray(leaf)[()]
    if not hasattr(leaf, "dtype") or leaf.dtype.kind not in "iub":
        return leaf
    return leaf.astype(np.float64) if leaf.ndim else float(leaf)


def _descend(
    f: Callable[[Any], Any],
    params: Any,
    optimizer: Optimizer,
    steps: int,
    until: float | None,
    compiled: bool,
    kept: _Kept,
) -> Ended:
    Layout(params)  # refuses what is no number, by name
    state, step = optimizer.init(params), _stepper(f, optimizer)
    quick = jit(step) if compiled else step
    for t in range(steps):
        # the first step is taken in Python: it shows the user's own errors
        try:
            new, state, value, move = (step if t == 0 else quick)(params, state)
        except WengertError:
            if quick is step or t == 0:
                raise
            quick = step  # what cannot be staged goes on in Python
            new, state, value, move = step(params, state)
        kept.add(t, params, float(value))
        if not math.isfinite(move):
            return "diverged"
        params = new
        if until is not None and move <= until:
            kept.add(t + 1, params, float(f(params)))
            return "converged"
    kept.add(steps, params, float(f(params)))
    return "steps"


def _stepper(f: Callable[[Any], Any], optimizer: Optimizer) -> Callable[[Any, Any], tuple[Any, Any, Any, Any]]:
    value_and_gradient = value_and_grad(f)

    def step(params: Any, state: Any) -> tuple[Any, Any, Any, Any]:
        value, gradients = value_and_gradient(params)
        updates, state = optimizer.update(gradients, state, params)
        return apply_updates(params, updates), state, value, global_norm(updates)

    return step
