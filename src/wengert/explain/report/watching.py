"""How the units of hidden layers respond while they learn, sampled between epochs."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any, final

import numpy as np
from numpy.typing import ArrayLike

from wengert import nn, pytree
from wengert.errors import DataError
from wengert.training import Epoch
from wengert.transforms import jvp

__all__ = ["ActivationWatch"]

KINDS = ("activation_mean", "activation_std", "idle_units", "flat_share")
_ROWS = 128
_FLAT = 1e-2  # a derivative below it passes hardly anything back
_BY_ROW = {"softmax", "log_softmax"}  # functions of a row, whose units have no derivative of their own


@final
class ActivationWatch:
    """A callback of :func:`wengert.training.fit` that samples the activations of a ``Sequential``'s hidden layers.

    After an epoch some rows go through the model as it is then, without dropout. :attr:`columns` has a value for each
    epoch, NaN where none was taken, and for each hidden layer, named by the place of its weights:

    - ``activation_mean/<layer>`` and ``activation_std/<layer>``, over rows and units;
    - ``idle_units/<layer>``: the share of units that respond to none of the rows: the derivative of the activation is
      below ``flat`` for each, as in a dead ReLU or a saturated sigmoid;
    - ``flat_share/<layer>``: the share of such derivatives over rows and units (of ReLUs: how often they are off).

    It looks after the first epoch, and then as often as takes less than ``share`` of the time spent in training, at
    best after each epoch. It runs between epochs, so training as machine code is watched like any other.

    Args:
        inputs: rows to send through, as ``fit`` takes them; up to ``rows`` of them, evenly spaced, are.
        share: of the training time that it may take.

    Raises:
        DataError: if there are no rows.

    Example:
        >>> import numpy as np
        >>> from wengert import nn, optim, random, training
        >>> from wengert.explain.report import ActivationWatch
        >>> x = np.linspace(-1, 1, 100)[:, None]
        >>> watch = ActivationWatch(x)
        >>> result = training.fit(
        ...     nn.mlp(random.key(0), [1, 8, 1], "tanh"), x, x**2, loss=nn.mse, optimizer=optim.adam(0.01),
        ...     epochs=3, progress="none", callbacks=[watch],
        ... )
        >>> list(watch.columns)
        ['activation_mean/layers[0]', 'activation_std/layers[0]', 'idle_units/layers[0]', 'flat_share/layers[0]']
    """

    def __init__(self, inputs: ArrayLike, *, rows: int = _ROWS, share: float = 0.04, flat: float = _FLAT) -> None:
        found = np.asarray(inputs)
        if found.ndim < 1 or not len(found) or rows < 1:
            raise DataError(f"inputs have shape {found.shape}, and rows is {rows}: there is no row to look at")
        self.inputs = found[np.linspace(0, len(found) - 1, min(len(found), rows)).astype(int)]
        self.share, self.flat = share, flat
        self.epochs = 0
        self.looks = 0
        self.spent, self.training = 0.0, 0.0
        self._least = 0.0  # of what a look takes; what only one of them took was the machine's business
        self._taken: dict[str, dict[int, float]] = {}

    def __call__(self, epoch: Epoch) -> None:
        """Look at the model of this epoch, if there is time."""
        self.epochs = epoch.number
        self.training += epoch.row.get("seconds", 0.0)
        if self.looks and self.spent + self._least > self.share * self.training:
            return
        begun = time.perf_counter()
        for name, value in self._measured(epoch.model):
            self._taken.setdefault(name, {})[epoch.number] = value
        taken = time.perf_counter() - begun
        self._least = min(self._least or taken, taken)
        self.spent += taken
        self.looks += 1

    @property
    def columns(self) -> dict[str, list[float]]:
        """What was found, a value for each epoch."""
        numbers = range(1, self.epochs + 1)
        order = sorted(self._taken, key=lambda name: KINDS.index(name.partition("/")[0]))
        return {name: [self._taken[name].get(n, math.nan) for n in numbers] for name in order}

    def _measured(self, model: Any) -> Iterator[tuple[str, float]]:
        for layer, values, derivatives in hidden_activations(model, self.inputs):
            flat = np.abs(derivatives.reshape(-1, derivatives.shape[-1])) < self.flat
            found = float(values.mean()), float(values.std()), float(flat.all(axis=0).mean()), float(flat.mean())
            yield from ((f"{kind}/{layer}", value) for kind, value in zip(KINDS, found, strict=True))


def hidden_activations(model: Any, inputs: Any) -> Iterator[tuple[str, Any, Any]]:
    """For each hidden layer of a ``Sequential``: the place of its weights, its activations, their derivatives.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> model = nn.Sequential([nn.Dense(np.array([[1.0, -1.0]])), nn.relu, nn.Dense(np.ones((2, 1)))])
        >>> [(name, a.tolist(), d.tolist()) for name, a, d in hidden_activations(model, np.array([[3.0]]))]
        [('layers[0]', [[3.0, -0.0]], [[1.0, 0.0]])]
    """
    if not isinstance(model, nn.Sequential):
        return
    x, owner = inputs, ""
    for number, layer in enumerate(model.layers):
        name = getattr(layer, "function", None)
        if isinstance(layer, nn.Activation) and owner and name not in _BY_ROW:
            x, derivatives = jvp(layer, (x,), (np.ones_like(x),))
            if number < len(model.layers) - 1:
                yield owner, np.asarray(x), np.asarray(derivatives)
        else:
            x = layer(x)
        owner = f"layers[{number}]" if pytree.leaves(layer) else owner
