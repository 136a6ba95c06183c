"""The derivations of an explanation: in LaTeX, against a true change of an input, and as Jacobians."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert.explain import nudge, tangents
from wengert.explain.formulas import latex
from wengert.explain.graph import Edge, Step
from wengert.explain.recording.failures import Failure

__all__ = ["Derivations"]


class Derivations:
    """What an :class:`~wengert.explain.Explanation` derives from its list; the list is that class's."""

    name: str
    inputs: dict[str, Step]
    steps: tuple[Step, ...]
    edges: tuple[Edge, ...]
    output: Step
    missing: str
    failure: Failure | None
    again: Callable[[dict[str, Any]], Any] | None

    def __getitem__(self, name: str) -> Step:
        raise NotImplementedError

    @property
    def error(self) -> Exception | None:
        """The exception that the function raised, or None."""
        raise NotImplementedError

    def latex(self, standalone: bool = False, most: int | None = 40) -> str:
        r"""The derivation as chains of equations, ``align*`` for LaTeX with amsmath and amssymb.

        Forward each step's formula with its values; then backward upstream × local = contribution, and their sums,
        with a bar for the derivative of the output. ``standalone`` makes a whole document. Of a pass with more than
        ``most`` equations the middle is left out, and said so.

        Example:
            >>> import wengert
            >>> def f(x, y, z):
            ...     q = x + y
            ...     return q * z
            >>> print(wengert.explain(f)(-2.0, 5.0, -4.0).latex().splitlines()[5])
            q &= x + y = -2 + 5 = 3 \\
        """
        return latex.derivation(self, standalone, most)

    def nudge(self, name: str, delta: Any, at: Any = None) -> nudge.Nudged:
        """What adding ``delta`` to the input ``name`` does to every later value, beside the linear prediction.

        ``delta`` is a number, which moves every element, or an array of the input's shape; ``at`` is the place of
        one element. The function runs again, truly: arrays among the other arguments must not have changed since.

        Raises:
            ModelError: if there is no such input, or ``delta`` is not a finite real number or array.
            ShapeError: if the shapes of ``delta`` or ``at`` do not fit.

        Example:
            >>> import wengert
            >>> print(wengert.explain(lambda w: (2 * w) ** 2)(3.0).nudge("w", 0.1).text(width=70))
            <lambda>: w nudged by 0.1
            <BLANKLINE>
              step  before  after  change  predicted  error
              w     3       3.1    0.1     0.1        0
              v1    6       6.2    0.2     0.2        0
              v2    36      38.44  2.44    2.4        0.04
        """
        return nudge.nudged(self, name, delta, at)

    def jacobian_of(self, name: str) -> dict[str, Any]:
        """The local Jacobian of a step by each of its operands: shape of the step + shape of the operand.

        Raises:
            UnsupportedError: if one has more than 1 000 000 numbers.

        Example:
            >>> import numpy as np
            >>> import wengert
            >>> e = wengert.explain(lambda W, x: np.sum(W @ x))(np.array([[1.0, 2.0], [3.0, 4.0]]), np.ones(2))
            >>> e.jacobian_of("v1")["x"].tolist()
            [[1.0, 2.0], [3.0, 4.0]]
        """
        return tangents.local_jacobians(self[name], self.edges)

    def jacobian(self, of: str, by: str) -> Any:
        """The derivative of any step by any earlier one, over all ways between: shape of ``of`` + shape of ``by``.

        Raises:
            UnsupportedError: if it has more than 1 000 000 numbers.

        Example:
            >>> import wengert
            >>> e = wengert.explain(lambda x: (x * x) * x)(3.0)
            >>> float(e.jacobian("v2", "x")), float(e.jacobian("v2", "v1"))
            (27.0, 3.0)
        """
        return tangents.jacobian_between(self[of], self[by], (*self.inputs.values(), *self.steps))
