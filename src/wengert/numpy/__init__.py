"""NumPy's namespace, on plain and on traced arrays.

On plain arrays these are NumPy's own functions. On traced ones NumPy itself dispatches to the same rules, so
that only the functions which make arrays (``array``, ``zeros``, ``arange``, …) stand here: inside a transform
they return arrays that can take traced values in, whoever calls them.

Example:
    >>> import wengert.numpy as jnp
    >>> from wengert import grad
    >>> grad(lambda x: jnp.sum(jnp.array([x, x**2]) * jnp.arange(1.0, 3.0)))(3.0)
    13.0
"""

from typing import Any

import numpy as _numpy

from wengert.frontend.creation import NAMES as _NAMES
from wengert.frontend.creation import facade as _facade

globals().update({name: _facade(name) for name in _NAMES})

__all__ = [name for name in dir(_numpy) if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    return getattr(_numpy, name)


def __dir__() -> list[str]:
    return __all__
