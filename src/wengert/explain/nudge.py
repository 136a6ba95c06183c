"""What a small change of an input does to every later value, beside the prediction of the derivatives.

The function is truly run again; the prediction is the tangent, pushed forward along the edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wengert import pytree
from wengert.core.types import aval_of, dtype_of, is_array, shape_of
from wengert.errors import ModelError, ShapeError, UnsupportedError, at_line
from wengert.explain import text
from wengert.explain.charts.elements import escape
from wengert.explain.formulas.formula import name_of
from wengert.explain.graph import Step, is_differentiable, size_of
from wengert.explain.number_lines import number_lines
from wengert.explain.tangents import push

if TYPE_CHECKING:
    from wengert.explain.derivations import Derivations

__all__ = ["Moved", "Nudged", "nudged", "with_inputs"]


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """What became of one step: its value ``before`` and ``after``, and the ``predicted`` change.

    ``predicted`` is the derivative times the nudge, None where a step's rule has no forward mode. All have the shape
    of the step's value.
    """

    step: Step
    after: Any
    predicted: Any

    @property
    def before(self) -> Any:
        """The value before the nudge."""
        return self.step.value

    @property
    def change(self) -> Any:
        """The true change, after − before."""
        if isinstance(self.before, tuple):
            return tuple(self.between(a, b) for a, b in zip(self.before, self.after, strict=True))
        return self.between(self.before, self.after)

    @staticmethod
    def between(before: Any, after: Any) -> Any:
        """What must be added to ``before``; truth values count as 0 and 1."""
        first, second = (np.asarray(x).astype(int) if dtype_of(x).kind == "b" else x for x in (before, after))
        with np.errstate(invalid="ignore", over="ignore"):
            return second - first

    @property
    def error(self) -> Any:
        """The true change less the predicted one: what the linear prediction misses, of second order in the nudge."""
        return None if self.predicted is None else self.change - self.predicted

    @property
    def at(self) -> tuple[int, ...]:
        """The element that changed most, which stands for an array in the picture."""
        change = np.nan_to_num(np.abs(np.asarray(self.change)))
        return tuple(int(k) for k in np.unravel_index(int(np.argmax(change)), change.shape)) if change.ndim else ()


@dataclass(frozen=True, slots=True, eq=False)
class Nudged:
    """What :meth:`Explanation.nudge` found: one :class:`Moved` for each step, in the order of the list.

    ``input`` is the name of the nudged input and ``delta`` what was added to it; ``before`` and ``after`` are both
    explanations. ``flow`` says where the second run took another way than the first one, "" where it did not; from
    there on only the output is compared.

    Example:
        >>> import wengert
        >>> def cost(w):
        ...     z = 2 * w
        ...     a = z * z
        ...     return a
        >>> nudged = wengert.explain(cost)(3.0).nudge("w", 0.1)
        >>> [(row.step.name, round(float(row.change), 6), round(float(row.predicted), 6)) for row in nudged.rows]
        [('w', 0.1, 0.1), ('v1', 0.2, 0.2), ('v2', 2.44, 2.4)]
    """

    input: str
    delta: Any
    before: Derivations
    after: Derivations
    rows: tuple[Moved, ...]
    flow: str = ""

    def __getitem__(self, name: str) -> Moved:
        for row in self.rows:
            if name in (row.step.name, row.step.variable):
                return row
        known = ", ".join(row.step.name for row in self.rows[:12])
        raise ModelError(f"no step {name!r} was compared{at_line()}\n  these were: {known}")

    def text(self, width: int | None = None, most: int | None = 40) -> str:
        """A table of the steps that moved: both values, the true and the predicted change; ``most`` rows of it.

        Of arrays the changes are Euclidean norms, and errors of the size of rounding are 0.
        """
        moved = [row for row in self.rows if _has_moved(row)]
        rows = text.rows_of(moved, _table_row, most)
        head = ["step", "before", "after", "change", "predicted", "error"]
        title = f"{self.before.name}: {self.input} nudged by {text.number(self.delta)}"
        table = text.table(head, rows, width or text.shutil.get_terminal_size().columns)
        still = len(self.rows) - len(moved)
        rest = [f"  {still} more did not move"] if still else []
        return "\n".join([title, "", table, *rest, *(["", self.flow] if self.flow else [])])

    def svg(self, most: int = 10, unnamed: bool = False) -> str:
        """Number lines under one another, of the nudged input and what it moved, at most ``most`` of them, as SVG.

        Where two steps or more are kept in variables, these and the output are shown; with ``unnamed`` the others too.

        Raises:
            UnsupportedError: if there is no line to draw, as where all is complex or empty.
        """
        return number_lines(self, most, unnamed)

    def _repr_html_(self) -> str:
        try:
            return f'<div style="max-width:560px">{self.svg()}</div>'
        except UnsupportedError:  # nothing that a line could show
            return f"<pre>{escape(self.text())}</pre>"

    def __str__(self) -> str:
        return self.text()

    __repr__ = __str__


def _table_row(row: Moved) -> list[str]:
    name, values = name_of(row.step), [text.number(row.before), text.number(row.after)]
    if isinstance(row.before, tuple) or not is_differentiable(row.before):
        return [name, *values, "changed", "–", "–"]
    if row.predicted is None:
        return [name, *values, _size(row.change), "–", "–"]
    error = row.error
    rounding = 8 * np.finfo(dtype_of(row.before)).eps * np.max(np.abs(row.after), initial=0)
    if np.all(np.abs(error) <= rounding):
        error = error * 0
    return [name, *values, _size(row.change), _size(row.predicted), _size(error)]


def _size(change: Any) -> str:
    """A change: a number, or the Euclidean norm of an array's."""
    if not shape_of(change):
        return text.number(change)
    return f"‖ ‖ {float(np.linalg.norm(np.ravel(change))):.4g}"


def _has_moved(row: Moved) -> bool:
    if isinstance(row.before, tuple):
        return not _same(row.before, row.after)
    return not _same(row.before, row.after) or (row.predicted is not None and bool(np.any(row.predicted)))


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, tuple):
        return isinstance(b, tuple) and all(map(_same, a, b))
    return bool(np.array_equal(a, b))


# ---- running again


def with_inputs(args: Sequence[Any], names: Sequence[str], values: dict[str, Any]) -> list[Any]:
    """Positional arguments with other leaves where their names are in ``values``."""
    changed: list[Any] = []
    for tree, name in zip(args, names, strict=True):
        leaves = [values.get(name + path, leaf) for path, leaf in pytree.flatten_with_paths(tree)]
        changed.append(pytree.unflatten(pytree.flatten(tree)[1], leaves))
    return changed


def nudged(e: Derivations, name: str, delta: Any, at: Any = None) -> Nudged:
    """The explanation ``e`` against that of the same call with ``delta`` added to an input."""
    if name not in e.inputs:
        raise ModelError(
            f"{e.name} has no input {name!r} to nudge: it has {', '.join(e.inputs)}{at_line()}\n"
            f'  write: explanation.nudge("{next(iter(e.inputs))}", 0.01)'
        )
    if e.again is None:
        raise ModelError("this explanation was not made by explain(f)(*args), so that it cannot be run again")
    step = e.inputs[name]
    new = moved_value(step.value, delta, at, name)
    values = {key: source.value for key, source in e.inputs.items()} | {name: new}
    after = e.again(values)
    with np.errstate(invalid="ignore", over="ignore"):
        change = new - step.value
    pairs, flow = pairs_of(e, after)
    tangents = push(e.steps, {step: change})
    rows = tuple(Moved(a, b.value, _tangent(tangents.get(a), a, step)) for a, b in pairs)
    return Nudged(name, change, e, after, rows, flow)


def _tangent(found: Any, step: Step, source: Step) -> Any:
    if found is None and is_differentiable(step.value) and not isinstance(step.value, tuple):
        reached = step is not source and any(isinstance(x, Step) for x in step.operands)
        shape = shape_of(step.value)
        return None if reached and _depends_blindly(step, source) else (np.zeros(shape) if shape else 0.0)
    return found


def _depends_blindly(step: Step, source: Step) -> bool:
    """Whether a step reads the source although no tangent came to it, through a rule without forward mode."""
    waiting, met = [step], set[Step]()
    while waiting:
        x = waiting.pop()
        if x is source:
            return True
        if x in met or x.primitive is None or x.primitive.flat:
            continue
        met.add(x)
        waiting += [y for y in x.operands if isinstance(y, Step)]
    return False


def moved_value(value: Any, delta: Any, at: Any, name: str) -> Any:
    """``value`` plus ``delta``, at one element where ``at`` says which; in the value's dtype."""
    try:
        change = np.asarray(delta)
    except ValueError:  # rows of unlike lengths
        change = np.array(None)
    if change.dtype.kind not in "biufc" or (change.dtype.kind == "c" and dtype_of(value).kind != "c"):
        raise ModelError(
            f"a nudge of {name} is a real number or array, and this is {delta!r:.60}{at_line()}\n"
            f'  write: explanation.nudge("{name}", 0.01)'
        )
    if not np.all(np.isfinite(change)):
        raise ModelError(f"a nudge of {name} that is not finite predicts nothing{at_line()}\n  write: a small number")
    shape = shape_of(value)
    if at is None and change.ndim and change.shape != shape:
        raise ShapeError(
            f"{name} is {aval_of(value)}, and the nudge has shape {change.shape}{at_line()}\n"
            f"  write: a number, which moves every element, or an array of shape {shape}"
        )
    if not is_array(value):
        _check_place(at, shape, name)
        kind = dtype_of(value).type
        moved = kind(value) + kind(change[()])
        return moved.item() if isinstance(value, float | complex) and not isinstance(value, np.generic) else moved
    out = value.copy()
    if at is None:
        out += change.astype(out.dtype)
        return out
    _check_place(at, shape, name)
    out[at] += change.astype(out.dtype)
    return out


def _check_place(at: Any, shape: tuple[int, ...], name: str) -> None:
    place: tuple[Any, ...] = at if isinstance(at, tuple) else () if at is None else (at,)
    inside = len(place) == len(shape) and all(
        isinstance(k, int | np.integer) and -n <= k < n for k, n in zip(place, shape, strict=False)
    )
    if not inside:
        raise ShapeError(
            f"{name} has shape {shape}, and no one element at {at!r}{at_line()}\n"
            f"  write: at={tuple(max(n - 1, 0) for n in shape)} for the last one"
        )


def pairs_of(before: Derivations, after: Derivations) -> tuple[list[tuple[Step, Step]], str]:
    """Steps of both runs side by side, and where the second one took another way."""
    pairs = list(zip(before.inputs.values(), after.inputs.values(), strict=True))
    n = 0
    for a, b in zip(before.steps, after.steps, strict=False):
        if not _alike(a, b):
            break
        pairs.append((a, b))
        n += 1
    if n == len(before.steps) == len(after.steps):
        return pairs, ""
    if after.failure is not None and before.failure is None:
        return pairs, f"the nudged run stopped: {type(after.failure.error).__name__}: {after.failure.message}"
    if all(before.output is not a for a, _ in pairs):
        pairs.append((before.output, after.output))
    return pairs, _parting(before.steps[n:], after.steps[n:])


def _alike(a: Step, b: Step) -> bool:
    if isinstance(a.value, tuple) or isinstance(b.value, tuple):
        return a.primitive is b.primitive and size_of(a.value) == size_of(b.value)
    return a.primitive is b.primitive and shape_of(a.value) == shape_of(b.value) and a.place == b.place


def _parting(first: Sequence[Step], second: Sequence[Step]) -> str:
    lines = [text.place(rest[0].line) if rest else "its end" for rest in (first, second)]
    return (
        f"the nudge changed the control flow: the first run goes on at {lines[0]}, the second at {lines[1]}; "
        "no derivative sees that. From there on the outputs alone are compared"
    )
