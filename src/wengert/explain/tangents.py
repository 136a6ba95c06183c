"""Derivatives between any two steps of a recording: tangents pushed along its edges, and Jacobians of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wengert.core.types import dtype_of, shape_of
from wengert.errors import UnsupportedError, WengertError, at_line
from wengert.explain.graph import Edge, Step, is_differentiable, size_of

__all__ = ["MOST_NUMBERS", "jacobian_between", "local_jacobians", "push"]

MOST_NUMBERS = 1_000_000


def push(steps: Sequence[Step], tangents: dict[Step, Any]) -> dict[Step, Any]:
    """The tangents of ``steps``, in the order of the list, from those of the steps in ``tangents``.

    A step has none where nothing arrives, or where its rule has no forward mode.

    Example:
        >>> import wengert
        >>> from wengert.explain.tangents import push
        >>> e = wengert.explain(lambda x, y: x * y + x)(2.0, 3.0)
        >>> float(push(e.steps, {e["x"]: 1.0})[e.output])
        4.0
    """
    # Python's own numbers raise where they are divided by zero; NumPy's are infinite there
    known = {step: np.float64(t) if type(t) is float else t for step, t in tangents.items()}
    for step in steps:
        arriving = [known.get(x) if isinstance(x, Step) else None for x in step.operands]
        if step in known or step.primitive is None or all(t is None for t in arriving):
            continue
        try:
            with np.errstate(all="ignore"):  # what is not finite is shown
                found = step.primitive.jvp(arriving, step.value, step.values, step.params)
        except WengertError:  # a rule of the user's own that has reverse mode alone
            continue
        if found is not None:
            known[step] = found
    return known


# ---- Jacobians


def check_size(what: str, rows: int, columns: int) -> None:
    """Refuse a matrix that would fill the memory."""
    if rows * columns > MOST_NUMBERS:
        raise UnsupportedError(
            f"{what} has {rows} × {columns} numbers, too many to write down: at most {MOST_NUMBERS}{at_line()}\n"
            "  write: explain with fewer samples or units, or take products with it: "
            "wengert.jvp(f, (x,), (tangent,)), wengert.vjp(f, x)"
        )


def local_jacobians(step: Step, edges: Sequence[Edge]) -> dict[str, Any]:
    """The Jacobian of a step by each of its operands that is differentiated, by the operand's name."""
    found: dict[str, Any] = {}
    for edge in edges:
        if edge.target is step:
            name = edge.source.name
            check_size(f"the Jacobian of {step.name} by {name}", size_of(step.value), size_of(edge.source.value))
            jacobian = edge.jacobian()
            # an operand that is read twice, as in x·x, counts twice
            found[name] = found[name] + jacobian if name in found else jacobian
    return found


def jacobian_between(of: Step, by: Step, steps: Sequence[Step]) -> Any:
    """∂of/∂by, of the shape of both together: columns by forward mode, over the steps between the two."""
    check_size(f"the Jacobian of {of.name} by {by.name}", size_of(of.value), size_of(by.value))
    if not is_differentiable(by.value) or isinstance(of.value, tuple) or isinstance(by.value, tuple):
        raise UnsupportedError(
            f"the Jacobian of {of.name} by {by.name}: one of the two is neither a number nor an array of them"
            f"{at_line()}\n"
            "  write: explanation.jacobian(of, by) with the names of such steps"
        )
    shape = (*shape_of(of.value), *shape_of(by.value))
    between = [s for s in steps if by.number < s.number <= of.number]
    columns = [_column(of, by, n, between) for n in range(size_of(by.value))]
    out = np.stack(columns, axis=-1).reshape(shape) if columns else np.zeros(shape)
    return out if shape else out[()]


def _column(of: Step, by: Step, n: int, between: Sequence[Step]) -> Any:
    shape, kind = shape_of(by.value), dtype_of(by.value)
    unit = np.zeros(shape, kind)
    unit.flat[n] = 1
    tangent = push(between, {by: unit if shape else unit[()]}).get(of)
    return np.zeros(shape_of(of.value)) if tangent is None else np.asarray(tangent)
