"""Gradient descent of any function, to a point that no longer moves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import wengert.numpy as np
from wengert import pytree
from wengert.errors import ModelError
from wengert.optim._parts import global_norm, positive
from wengert.transforms import value_and_grad

__all__ = ["Descent", "gradient_descent"]


@final
@dataclass(frozen=True)
class Descent:
    """Where :func:`gradient_descent` ended and how it got there.

    ``x`` is the last point and ``value`` the function there; ``steps`` were taken, ``converged`` says whether
    the last one was short enough, ``length`` is the length of the way, and ``trajectory`` its points, first
    and last included, if they were asked for.
    """

    x: Any
    value: float
    steps: int
    converged: bool
    length: float
    trajectory: tuple[Any, ...] = ()


def _as_float(leaf: Any) -> Any:
    leaf = np.asarray(leaf)
    return leaf.astype(np.float64) if leaf.dtype.kind in "iub" else leaf


def _check(value: Any, move: float, t: int, step: float) -> None:
    if not (math.isfinite(value) and math.isfinite(move)):
        raise ModelError(
            f"gradient descent left the finite numbers at step {t} (value {float(value)}, moved by {move}): "
            f"the step is too long, try step={step / 10:g}"
        )


def gradient_descent(
    f: Callable[[Any], Any],
    x0: Any,
    step: float = 0.1,
    tol: float = 1e-8,
    max_steps: int = 10_000,
    *,
    record: bool = False,
) -> Descent:
    """The point that xₜ = xₜ₋₁ − λ ∇f(xₜ₋₁) comes to, from x₀, with λ = ``step``.

    Stops when ‖xₜ − xₜ₋₁‖ ≤ ``tol``, with the norm over all leaves of the tree ``x``, or after ``max_steps``;
    ``converged`` of the result says which. With ``record`` it keeps every point. The numbers may be complex.

    A. Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées", 1847.

    Raises:
        ModelError: if the values or points do not stay finite, since the step is too long.

    Example:
        >>> import numpy as np
        >>> from wengert import optim
        >>> result = optim.gradient_descent(lambda x: (x[0] - 3) ** 2 + x[1] ** 2, np.array([0.0, 4.0]))
        >>> result.x.round(6), result.converged, round(result.length, 6)
        (array([3., 0.]), True, 5.0)
    """
    step, tol = positive(step, "the step"), float(tol)
    value_and_gradient = value_and_grad(f)
    x = pytree.map(_as_float, x0)
    points, length, t, move = [x] if record else [], 0.0, 0, math.inf
    while t < max_steps and move > tol:
        t += 1
        value, gradient = value_and_gradient(x)
        # of complex numbers the gradient is ∂u/∂x − i ∂u/∂y, whose conjugate points uphill
        updates = pytree.map(lambda g: -step * np.conj(g), gradient)
        move = float(global_norm(updates))
        _check(value, move, t, step)
        x = pytree.map(lambda p, u: p + u, x, updates)
        length += move
        if record:
            points.append(x)
    return Descent(x, float(f(x)), t, move <= tol, length, tuple(points))
