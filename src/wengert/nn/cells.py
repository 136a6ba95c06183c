"""Steps through time: a *cell* is one step, from a state and inputs to the next state and an output.

A layer runs one or several of them over all steps, one above the other. What the inputs contribute to all steps is
one product, before the loop; within it stands only the product with the last state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

from numpy.typing import DTypeLike

import wengert.numpy as np
from wengert import random
from wengert.errors import ModelError, ShapeError
from wengert.nn import initial as initial_values
from wengert.nn.initial import Initial
from wengert.random import Key

__all__ = ["GRUCell", "LSTMCell", "RNNCell"]


def _gate(x: Any) -> Any:
    """σ(x) = (1 + tanh(x/2))/2: one function for a value and its derivative, exact to an ulp of 1."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


@dataclass(frozen=True, eq=False)
class _Cell:
    """Weights of all gates side by side: ``weight`` of the inputs, ``recurrent`` of the state."""

    weight: Any
    recurrent: Any
    bias: Any
    gates: ClassVar[int]

    def __post_init__(self) -> None:
        weight, recurrent, bias = np.shape(self.weight), np.shape(self.recurrent), np.shape(self.bias)
        wide = self.gates * recurrent[0] if len(recurrent) == 2 else None
        if len(weight) != 2 or not weight[1:] == recurrent[1:] == bias == (wide,):
            n = "" if self.gates == 1 else f"{self.gates} · "
            raise ShapeError(
                f"{type(self).__name__} takes weights of shape (inputs, {n}hidden) and (hidden, {n}hidden) and a "
                f"bias of shape ({n}hidden,), not {weight}, {recurrent} and {bias}"
            )

    @classmethod
    def init(
        cls,
        key: Key,
        inputs: int,
        hidden: int,
        init: str | Initial = "xavier_uniform",
        recurrent_init: str | Initial = "orthogonal",
        *,
        dtype: DTypeLike = np.float64,
    ) -> Self:
        """A cell with initial values by name (``nn.initial.INITIAL``) for each gate by itself."""
        if any(type(n) is not int or n < 1 for n in (inputs, hidden)):
            raise ModelError(f"a cell needs at least one input and one hidden unit, not {inputs!r} and {hidden!r}")
        keys = random.split(key, 2 * cls.gates)
        of_inputs, of_state = initial_values.by_name(init), initial_values.by_name(recurrent_init)
        weight = np.concatenate([of_inputs(k, (inputs, hidden), dtype) for k in keys[: cls.gates]], axis=1)
        recurrent = np.concatenate([of_state(k, (hidden, hidden), dtype) for k in keys[cls.gates :]], axis=1)
        return cls(weight, recurrent, *cls.biases(hidden, dtype))

    @classmethod
    def biases(cls, hidden: int, dtype: DTypeLike) -> tuple[Any, ...]:
        """What stands behind the weights in the constructor."""
        return (np.zeros(cls.gates * hidden, dtype),)

    @property
    def hidden(self) -> int:
        """The number of hidden units."""
        return np.shape(self.recurrent)[0]

    def start(self, batch: int, dtype: Any) -> Any:
        """The state before the first step, by default: zeros."""
        return np.zeros((batch, self.hidden), dtype)

    def project(self, x: Any) -> Any:
        """What inputs (…, inputs) contribute to the gates: x W + b."""
        return x @ self.weight + self.bias

    def step(self, state: Any, projected: Any) -> tuple[Any, Any]:
        """The next state and the output, from what :meth:`project` made of the inputs."""
        raise NotImplementedError

    def __call__(self, state: Any, x: Any) -> tuple[Any, Any]:
        """One step: ``(state, output)`` from a state and inputs (batch, inputs)."""
        return self.step(state, self.project(x))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({np.shape(self.weight)[0]} → {self.hidden})"


@final
@dataclass(frozen=True, eq=False, repr=False)
class RNNCell(_Cell):
    """A step of the simple recurrent network, h ← tanh(x W + h U + b); the state is h.

    J. Elman, "Finding structure in time", Cognitive Science 14 (1990).

    Example:
        >>> import numpy as np
        >>> from wengert import nn, random
        >>> cell = nn.RNNCell.init(random.key(0), 3, 5)
        >>> state, output = cell(cell.start(2, float), np.ones((2, 3)))
        >>> output.shape, state is output
        ((2, 5), True)
    """

    gates: ClassVar[int] = 1

    def step(self, state: Any, projected: Any) -> tuple[Any, Any]:
        """H ← tanh(projected + h U)."""
        h = np.tanh(projected + state @ self.recurrent)
        return h, h


@final
@dataclass(frozen=True, eq=False, repr=False)
class LSTMCell(_Cell):
    """A step of the long short-term memory; the state is the pair (h, c).

    With a = x W + h U + b, cut into four runs of ``hidden`` columns, in this order,

        i = σ(a₁),  f = σ(a₂),  o = σ(a₃),  g = tanh(a₄),
        c ← f c + i g,  h ← o tanh(c).

    S. Hochreiter, J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997); with forget gates:
    F. Gers, J. Schmidhuber, F. Cummins, "Learning to forget", Neural Computation 12 (2000). The forget gate's bias
    begins at 1 (R. Jozefowicz, W. Zaremba, I. Sutskever, "An empirical exploration of recurrent network
    architectures", ICML 2015).

    Example:
        >>> import numpy as np
        >>> from wengert import nn, random
        >>> cell = nn.LSTMCell.init(random.key(0), 3, 2)
        >>> cell.weight.shape, cell.bias
        ((3, 8), array([0., 0., 1., 1., 0., 0., 0., 0.]))
    """

    gates: ClassVar[int] = 4

    @classmethod
    def biases(cls, hidden: int, dtype: DTypeLike) -> tuple[Any, ...]:
        """Zeros, and ones for the forget gate."""
        return (np.repeat(np.array([0, 1, 0, 0], dtype), hidden),)

    def start(self, batch: int, dtype: Any) -> Any:
        """Zeros for h and c."""
        return np.zeros((batch, self.hidden), dtype), np.zeros((batch, self.hidden), dtype)

    def step(self, state: Any, projected: Any) -> tuple[Any, Any]:
        """The gates, the cell c and the output h."""
        (h, c), n = state, self.hidden
        a = projected + h @ self.recurrent
        gates, g = _gate(a[:, : 3 * n]), np.tanh(a[:, 3 * n :])
        c = gates[:, n : 2 * n] * c + gates[:, :n] * g
        h = gates[:, 2 * n :] * np.tanh(c)
        return (h, c), h


@final
@dataclass(frozen=True, eq=False, repr=False)
class GRUCell(_Cell):
    """A step of the gated recurrent unit; the state is h.

    With a = x W + b and u = h U, cut into three runs of ``hidden`` columns, in this order,

        z = σ(a₁ + u₁),  r = σ(a₂ + u₂),  n = tanh(a₃ + r (u₃ + d)),
        h ← (1 − z) n + z h,

    where ``candidate_bias`` is d. The reset gate r acts behind the product, so that there is one product a step.

    K. Cho, B. van Merriënboer, Ç. Gülçehre, D. Bahdanau, F. Bougares, H. Schwenk, Y. Bengio, "Learning phrase
    representations using RNN encoder–decoder for statistical machine translation", EMNLP 2014.

    Example:
        >>> from wengert import nn, random
        >>> cell = nn.GRUCell.init(random.key(0), 3, 2)
        >>> cell.recurrent.shape, cell.candidate_bias
        ((2, 6), array([0., 0.]))
    """

    candidate_bias: Any
    gates: ClassVar[int] = 3

    @classmethod
    def biases(cls, hidden: int, dtype: DTypeLike) -> tuple[Any, ...]:
        """Zeros."""
        return np.zeros(3 * hidden, dtype), np.zeros(hidden, dtype)

    def step(self, state: Any, projected: Any) -> tuple[Any, Any]:
        """The gates, the candidate n and the output h."""
        n, u = self.hidden, state @ self.recurrent
        gates = _gate(projected[:, : 2 * n] + u[:, : 2 * n])
        candidate = np.tanh(projected[:, 2 * n :] + gates[:, n:] * (u[:, 2 * n :] + self.candidate_bias))
        h = candidate + gates[:, :n] * (state - candidate)
        return h, h
