"""Models that remember: fields made by :func:`wengert.pytree.state`, and how they get new values.

A model is a value, and calling it changes nothing. A layer that has something to remember says so by
:func:`remember`; :func:`apply` gives it back in a new model, wherever in the model the layer stands.
"""

from __future__ import annotations

import dataclasses
from contextvars import ContextVar
from typing import Any, TypeVar

from wengert import pytree
from wengert.random import Key
from wengert.transforms import stop_gradient

__all__ = ["apply", "newest", "remember", "state_of", "with_state"]

Layer = TypeVar("Layer")
# layers by identity as they were in the model, and as they are now; None outside of apply
_heard: ContextVar[dict[int, tuple[Any, Any]] | None] = ContextVar("wengert_nn_state", default=None)


def apply(model: Any, x: Any, key: Key | None = None, training: bool = False) -> tuple[Any, Any]:
    """``(y, model)``: the model's output, and the model with what its layers remember from this call.

    Where nothing was remembered, it is the model itself.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> model = nn.Sequential([nn.BatchNorm.init(1)])
        >>> y, after = nn.apply(model, np.array([[1.0], [3.0]]), training=True)
        >>> y.ravel().round(3), after[0].mean, model[0].mean
        (array([-1.,  1.]), array([0.2]), array([0.]))

        A step of training, written out:

        >>> from wengert import optim, value_and_grad
        >>> def objective(model, x):
        ...     y, after = nn.apply(model, x, training=True)
        ...     return nn.mse(y, x), nn.state_of(after)
        >>> optimizer = optim.sgd(0.1)
        >>> (loss, state), gradients = value_and_grad(objective, has_aux=True)(model, np.array([[1.0], [3.0]]))
        >>> updates, _ = optimizer.update(gradients, optimizer.init(model), model)
        >>> model = nn.with_state(optim.apply_updates(model, updates), state)
        >>> model[0].mean, model[0].shift
        (array([0.2]), array([0.4]))
    """
    token = _heard.set({})
    try:
        y = model(x, key=key, training=training)
        heard = _heard.get()
    finally:
        _heard.reset(token)
    return y, pytree.replace_nodes(model, lambda node: heard.get(id(node), (None, None))[1]) if heard else model


def remember(layer: Any, **values: Any) -> None:
    """Give fields of ``layer`` new values in the model that :func:`apply` returns; outside of it, do nothing.

    For layers of one's own, from their ``__call__``: ``nn.remember(self, count=self.count + 1)``. Values carry no
    derivative. They must belong to the call itself: not to the inside of a ``vmap`` or a ``scan`` in the model.

    Example:
        >>> from dataclasses import dataclass
        >>> from wengert import nn, pytree
        >>> @dataclass(frozen=True, eq=False)
        ... class Counter:
        ...     count: float = pytree.state(default=0.0)
        ...     def __call__(self, x, *, key=None, training=False):
        ...         nn.remember(self, count=self.count + 1)
        ...         return x
        >>> nn.apply(Counter(), 5.0)
        (5.0, Counter(count=1.0))
    """
    heard = _heard.get()
    if heard is not None:
        values = {name: pytree.map(stop_gradient, value) for name, value in values.items()}
        heard[id(layer)] = (layer, dataclasses.replace(newest(layer), **values))


def newest(layer: Layer) -> Layer:
    """``layer`` as it is after what it has remembered so far in this call of :func:`apply`.

    A layer that stands in a model twice is called twice; the second call goes on from the first.

    Example:
        >>> from wengert import nn
        >>> layer = nn.BatchNorm.init(3)
        >>> nn.state.newest(layer) is layer
        True
    """
    heard = _heard.get() or {}
    return heard.get(id(layer), (layer, layer))[1]


def state_of(model: Any) -> list[Any]:
    """The leaves that the model remembers and does not learn, left to right.

    Example:
        >>> from wengert import nn
        >>> nn.state_of(nn.Sequential([nn.relu, nn.BatchNorm.init(1)]))
        [array([0.]), array([1.])]
    """
    return [leaf for leaf, held in zip(pytree.leaves(model), pytree.state_mask(model), strict=True) if held]


def with_state(model: Any, state: list[Any]) -> Any:
    """``model`` with the leaves of :func:`state_of` another model of its structure.

    Example:
        >>> import numpy as np
        >>> from wengert import nn
        >>> nn.with_state(nn.BatchNorm.init(1), [np.array([5.0]), np.array([9.0])]).mean
        array([5.])
    """
    leaves, treedef = pytree.flatten(model)
    rest = iter(state)
    held = pytree.state_mask(model)
    return pytree.unflatten(treedef, [next(rest) if h else leaf for leaf, h in zip(leaves, held, strict=True)])
