"""Layers that go through time: x has shape (batch, time, features), one series a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

from numpy.typing import DTypeLike

import wengert.numpy as np
from wengert import random
from wengert.control import scan
from wengert.errors import ModelError, ShapeError
from wengert.nn.cells import GRUCell, LSTMCell, RNNCell
from wengert.nn.initial import Initial
from wengert.nn.layers import Dropout
from wengert.pytree import static
from wengert.random import Key

__all__ = ["GRU", "LSTM", "RNN"]


@dataclass(frozen=True, eq=False)
class _Recurrent:
    """Cells one above the other, run over time."""

    cells: tuple[Any, ...]
    return_sequences: bool = static(default=False)
    dropout: float = static(default=0.0)
    cell: ClassVar[type[Any]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "cells", tuple(self.cells))
        Dropout(self.dropout)
        if not self.cells or not all(isinstance(cell, self.cell) for cell in self.cells):
            raise ModelError(f"{type(self).__name__} takes a tuple of {self.cell.__name__}, one for each layer")
        for below, above in zip(self.cells, self.cells[1:], strict=False):
            if np.shape(above.weight)[0] != below.hidden:
                raise ShapeError(f"{above} stands above {below} and takes as many inputs as that has hidden units")

    @classmethod
    def init(
        cls,
        key: Key,
        inputs: int,
        hidden: int,
        layers: int = 1,
        *,
        return_sequences: bool = False,
        dropout: float = 0.0,
        init: str | Initial = "xavier_uniform",
        recurrent_init: str | Initial = "orthogonal",
        dtype: DTypeLike = np.float64,
    ) -> Self:
        """A layer of ``layers`` cells with initial values by name (``nn.initial.INITIAL``)."""
        if type(layers) is not int or layers < 1:
            raise ModelError(f"a recurrent network needs at least one layer, not {layers!r}")
        cells = tuple(
            cls.cell.init(own, hidden if k else inputs, hidden, init, recurrent_init, dtype=dtype)
            for k, own in enumerate(random.split(key, layers))
        )
        return cls(cells, return_sequences, dropout)

    @property
    def draws(self) -> bool:
        """Whether it draws random numbers in training: with dropout, between layers."""
        return self.dropout > 0 and len(self.cells) > 1

    def __call__(self, x: Any, *, key: Key | None = None, training: bool = False, initial: Any = None) -> Any:
        """The last output of each series, (batch, hidden), or with ``return_sequences`` all, (batch, time, hidden).

        ``initial`` holds the state of each cell before the first step, by default zeros.
        """
        outputs, _ = self._over_time(x, initial, key, training, self.return_sequences)
        return outputs

    def run(
        self, x: Any, initial: Sequence[Any] | None = None, *, key: Key | None = None, training: bool = False
    ) -> tuple[Any, tuple[Any, ...]]:
        """``(outputs, states)``: all outputs, (batch, time, hidden), and the last state of each cell.

        The states are what ``initial`` takes, so that a series can be run in parts.
        """
        return self._over_time(x, initial, key, training, True)

    def _over_time(self, x: Any, initial: Any, key: Any, training: bool, sequences: bool) -> tuple[Any, Any]:
        batch, time, _ = self._checked(x)
        if initial is not None and len(initial) != len(self.cells):
            raise ShapeError(f"{self} takes {len(self.cells)} initial states, one for each cell, not {len(initial)}")
        drop = Dropout(self.dropout if self.draws else 0.0)
        keys = [None] * len(self.cells) if key is None else random.split(key, len(self.cells))
        flat, states = np.reshape(np.swapaxes(x, 0, 1), (time * batch, -1)), []
        for k, cell in enumerate(self.cells):
            flat = drop(flat, key=keys[k], training=training) if k else flat
            projected = np.reshape(cell.project(flat), (time, batch, -1))
            start = cell.start(batch, projected.dtype) if initial is None else initial[k]
            needed = sequences or k + 1 < len(self.cells)
            state, outputs = scan(_stepped(cell, needed), start, projected)
            states.append(state)
            flat = np.reshape(outputs, (time * batch, -1)) if needed else None
        last = np.reshape(flat, (time, batch, -1)) if sequences else None
        return (np.swapaxes(last, 0, 1) if sequences else _output(states[-1])), tuple(states)

    def _checked(self, x: Any) -> tuple[int, ...]:
        shape, inputs = np.shape(x), np.shape(self.cells[0].weight)[0]
        if len(shape) != 3 or shape[2] != inputs or not shape[1]:
            series = "x[..., None] for series of one number a step" if inputs == 1 else "x[None] for one series"
            raise ShapeError(
                f"{self} takes x of shape (batch, time, {inputs}), with at least one step; x has shape {shape}\n"
                f"  write: {series if len(shape) == 2 else 'a layer with as many inputs as x has features'}"
            )
        return shape

    def __repr__(self) -> str:
        layers = "" if len(self.cells) == 1 else f", {len(self.cells)} layers"
        return f"{type(self).__name__}({np.shape(self.cells[0].weight)[0]} → {self.cells[-1].hidden}{layers})"


def _stepped(cell: Any, needed: bool) -> Any:
    """The body of the loop; outputs that nobody needs are not stacked."""

    def body(state: Any, projected: Any) -> tuple[Any, Any]:
        state, output = cell.step(state, projected)
        return state, output if needed else None

    return body


def _output(state: Any) -> Any:
    """The output that belongs to a state: h, of (h, c)."""
    return state[0] if isinstance(state, tuple) else state


@final
@dataclass(frozen=True, eq=False, repr=False)
class RNN(_Recurrent):
    """A simple recurrent network, h ← tanh(x W + h U + b), of :class:`RNNCell`.

    Example:
        >>> import numpy as np
        >>> from wengert import nn, random
        >>> x = np.ones((4, 10, 3))  # four series of ten steps
        >>> nn.RNN.init(random.key(0), 3, 8)(x).shape
        (4, 8)
        >>> nn.RNN.init(random.key(0), 3, 8, layers=2, return_sequences=True)(x).shape
        (4, 10, 8)
    """

    cell: ClassVar[type[Any]] = RNNCell


@final
@dataclass(frozen=True, eq=False, repr=False)
class LSTM(_Recurrent):
    """A long short-term memory, of :class:`LSTMCell`, where its formulas stand.

    Example:
        >>> import numpy as np
        >>> from wengert import nn, random
        >>> lstm, x = nn.LSTM.init(random.key(0), 3, 8), np.ones((4, 10, 3))
        >>> outputs, states = lstm.run(x[:, :6])
        >>> bool(np.allclose(lstm(x[:, 6:], initial=states), lstm(x)))
        True
    """

    cell: ClassVar[type[Any]] = LSTMCell


@final
@dataclass(frozen=True, eq=False, repr=False)
class GRU(_Recurrent):
    """A network of gated recurrent units, of :class:`GRUCell`, where its formulas stand.

    Example:
        >>> from wengert import nn, random
        >>> nn.Sequential([nn.GRU.init(random.key(0), 3, 8, layers=2, dropout=0.2), nn.Dense.init(random.key(1), 8, 1)])
        Sequential(layers=(GRU(3 → 8, 2 layers), Dense(8 → 1)))
    """

    cell: ClassVar[type[Any]] = GRUCell
