"""What an optimiser is: two pure functions, and how several become one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from wengert import pytree
from wengert.errors import ModelError

__all__ = ["Optimizer", "apply_updates", "chain", "identity", "stateless"]


@final
@dataclass(frozen=True)
class Optimizer:
    """A pair of pure functions that turn gradients into updates.

    ``init(params) -> state``; ``update(gradients, state, params) -> (updates, state)``. Gradients, updates
    and parameters are trees of one form; the state is a tree too. ``rate(step)`` is the learning rate,
    where there is one, for those who keep a record of it, and ``name`` what people call it.

    Example:
        >>> import numpy as np
        >>> from wengert import optim
        >>> optimizer = optim.sgd(0.1)
        >>> params = {"w": np.array([1.0, 2.0])}
        >>> state = optimizer.init(params)
        >>> gradients = {"w": np.array([10.0, 0.0])}
        >>> updates, state = optimizer.update(gradients, state, params)
        >>> optim.apply_updates(params, updates)
        {'w': array([0., 2.])}
    """

    init: Callable[[Any], Any]
    update: Callable[[Any, Any, Any], tuple[Any, Any]]
    rate: Callable[[Any], Any] | None = None
    name: str = ""


def stateless(f: Callable[[Any, Any], Any]) -> Optimizer:
    """The optimiser of a function ``(gradients, params) -> updates``, which remembers nothing.

    Example:
        >>> import numpy as np
        >>> from wengert import optim, pytree
        >>> sign = optim.stateless(lambda g, p: pytree.map(np.sign, g))
        >>> optim.chain(sign, optim.scale(-0.1)).update(np.array([-5.0]), ((), ()), None)[0]
        array([0.1])
    """
    return Optimizer(lambda _params: (), lambda gradients, state, params: (f(gradients, params), state))


def identity() -> Optimizer:
    """Updates are the gradients as they come.

    Example:
        >>> from wengert import optim
        >>> optim.identity().update(3.0, (), None)
        (3.0, ())
    """
    return stateless(lambda gradients, _params: gradients)


def chain(*parts: Optimizer, name: str = "") -> Optimizer:
    """One optimiser of several: the updates of each are the gradients of the next.

    It is called ``name``, by default as those of its parts that have one.

    Example:
        >>> import numpy as np
        >>> from wengert import optim
        >>> optimizer = optim.chain(optim.clip(1.0), optim.momentum(0.1))
        >>> params = np.array([5.0])
        >>> optimizer.update(np.array([100.0]), optimizer.init(params), params)[0]
        array([-0.1])
    """
    strange = [part for part in parts if type(part) is not Optimizer]
    if strange:
        raise ModelError(f"chain takes optimisers, as in chain(clip(1.0), adam(1e-3)), not {strange[0]!r}")

    def init(params: Any) -> Any:
        return tuple(part.init(params) for part in parts)

    def update(gradients: Any, state: Any, params: Any) -> tuple[Any, Any]:
        states: list[Any] = []
        for part, old in zip(parts, state, strict=True):
            gradients, new = part.update(gradients, old, params)
            states.append(new)
        return gradients, tuple(states)

    rate = next((part.rate for part in parts[::-1] if part.rate), None)
    return Optimizer(init, update, rate, name or " + ".join(part.name for part in parts if part.name))


def apply_updates(params: Any, updates: Any) -> Any:
    """Parameters plus updates, leaf by leaf; new arrays, the old ones stay.

    What a model remembers and does not learn (:func:`wengert.pytree.state`) stays as it is in ``params``.

    Raises:
        ModelError: if a parameter is complex: the recurrences of optimisers are those of real numbers.

    Example:
        >>> from wengert import optim
        >>> optim.apply_updates({"w": 1.0}, {"w": -0.25})
        {'w': 0.75}
    """
    return pytree.map_learned(_moved, params, updates)


def _moved(p: Any, u: Any) -> Any:
    if isinstance(p, complex | np.complexfloating) or (isinstance(p, np.ndarray) and p.dtype.kind == "c"):
        raise ModelError(
            "optimisers are of real parameters: with the gradient ∂u/∂x − i ∂u/∂y of a complex one their updates would "
            "go uphill in its imaginary part\n"
            "  write: two real parameters, x and y of z = x + 1j * y; or a step of steepest descent,\n"
            "  z - rate * np.conj(gradient)"
        )
    return p + u
