"""Backpropagation layer by layer, as it is taught: forward_pass, backward_pass, and what each layer saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import wengert.numpy as np
from wengert import pytree
from wengert.errors import ModelError, ShapeError
from wengert.nn.sequential import Sequential
from wengert.transforms import vjp

__all__ = ["LayerStepper", "Node", "Stepper"]


def _inexact(x: Any) -> Any:
    """An array of floats: numbers that are to be nudged are not integers."""
    x = np.asarray(x)
    return x.astype(float) if x.dtype.kind in "iub" else x


@final
@dataclass(frozen=True)
class Node:
    """A node of the graph: ``forward(inputs)`` and ``backward(inputs, incoming)`` of any function or layer.

    A function of several arguments takes a tuple of inputs and gives a tuple of gradients.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> node = nn.Node(nn.sigmoid)
        >>> node.forward(np.array([0.0])), node.backward(np.array([0.0]), np.array([8.0]))
        (array([0.5]), array([2.]))
    """

    function: Callable[..., Any]

    def forward(self, inputs: Any) -> Any:
        """The function's value."""
        return self.function(*inputs) if isinstance(inputs, tuple) else self.function(inputs)

    def backward(self, inputs: Any, incoming: Any) -> Any:
        """The gradient of the loss by the inputs, from ``incoming``, its gradient by the output."""
        many = isinstance(inputs, tuple)
        _, pull = vjp(self.function, *map(_inexact, inputs if many else (inputs,)))
        gradients = pull(_inexact(incoming))
        return tuple(gradients) if many else gradients[0]


@final
class LayerStepper:
    """One layer of a :class:`Stepper`, and what it saw in the last two passes.

    ``inputs`` and ``outputs`` are of the last forward pass; ``dvalues`` (what came in), ``dinputs`` (what
    is handed on) and ``gradients`` (of the layer, in its own form) are of the last backward pass.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> layer = nn.LayerStepper(nn.Dense(np.array([[2.0], [3.0]]), np.array([1.0])))
        >>> layer.forward_pass(np.array([[1.0, 1.0]]))
        array([[6.]])
        >>> layer.backward_pass(np.array([[10.0]]))
        array([[20., 30.]])
        >>> layer.dweights.ravel(), layer.dbiases
        (array([10., 10.]), array([10.]))
    """

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.inputs: Any = None
        self.outputs: Any = None
        self.dvalues: Any = None
        self.dinputs: Any = None
        self.gradients: Any = None
        self._pull: Callable[[Any], Any] | None = None

    def forward_pass(self, inputs: Any) -> Any:
        """The layer's outputs; the local derivatives are kept for the way back."""
        self.inputs = _inexact(inputs)
        self.outputs, self._pull = vjp(lambda layer, x: layer(x), self.layer, self.inputs)
        self.dvalues = self.dinputs = self.gradients = None
        return self.outputs

    def backward_pass(self, dvalues: Any) -> Any:
        """The gradient by the layer's inputs, from ``dvalues``, the gradient by its outputs.

        Raises:
            ModelError: if there was no forward pass.
            ShapeError: if ``dvalues`` has not the shape of the outputs.
        """
        if self._pull is None:
            raise ModelError(f"{self.layer} has nothing to go back through: call forward_pass(inputs) first")
        dvalues = _inexact(dvalues).astype(self.outputs.dtype)
        if dvalues.shape != self.outputs.shape:
            raise ShapeError(
                f"{self.layer} gave outputs of shape {self.outputs.shape} and their gradient "
                f"has shape {dvalues.shape}: there is one derivative for each output"
            )
        self.dvalues = dvalues
        self.gradients, self.dinputs = self._pull(dvalues)
        return self.dinputs

    @property
    def dweights(self) -> Any:
        """The gradient by the weight, shape (inputs, outputs); None for a layer that has none."""
        return getattr(self.gradients, "weight", None)

    @property
    def dbiases(self) -> Any:
        """The gradient by the bias, shape (outputs,); None for a layer that has none."""
        return getattr(self.gradients, "bias", None)

    def __repr__(self) -> str:
        return f"LayerStepper({self.layer})"


@final
class Stepper:
    """A model walked through layer by layer: forward in order, backward in reverse.

    ``layers`` holds one :class:`LayerStepper` for each layer (for one that is no Sequential: one).

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> model = nn.Sequential([nn.Dense(np.array([[1.0], [2.0]])), nn.relu])
        >>> stepper = nn.Stepper(model)
        >>> outputs = stepper.forward_pass(np.array([[3.0, 4.0]]))
        >>> stepper.backward_pass(outputs - 10.0)  # the gradient of half_sse at the target 10
        array([[1., 2.]])
        >>> stepper.layers[0].dweights.ravel()
        array([3., 4.])
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        layers = model.layers if isinstance(model, Sequential) else (model,)
        self.layers = [LayerStepper(layer) for layer in layers]

    def forward_pass(self, inputs: Any) -> Any:
        """The model's outputs for a batch, one sample a row."""
        for layer in self.layers:
            inputs = layer.forward_pass(inputs)
        return inputs

    def backward_pass(self, dvalues: Any) -> Any:
        """The gradient by the model's inputs, from the gradient by its outputs."""
        for layer in reversed(self.layers):
            dvalues = layer.backward_pass(dvalues)
        return dvalues

    @property
    def gradients(self) -> Any:
        """The gradient by everything the model learns, in the model's own form, for an optimiser."""
        found = [leaf for layer in self.layers for leaf in pytree.leaves(layer.gradients)]
        return pytree.unflatten(pytree.flatten(self.model)[1], found)
