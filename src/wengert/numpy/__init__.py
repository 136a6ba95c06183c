"""NumPy's namespace, on plain and on traced arrays.

On plain arrays these are NumPy's own functions. On traced ones NumPy itself dispatches to the same rules, so
that only the functions which make arrays (``array``, ``zeros``, ``arange``, …) stand here: inside a transform
they return arrays that can take traced values in, whoever calls them.

It is a namespace of the Python array API standard (2024.12, as far as the installed NumPy has it), which traced
arrays name as theirs, so that code written against the standard differentiates: ``xp = x.__array_namespace__()``.

Example:
    >>> import wengert.numpy as jnp
    >>> from wengert import grad
    >>> grad(lambda x: jnp.sum(jnp.array([x, x**2]) * jnp.arange(1.0, 3.0)))(3.0)
    13.0
"""

import sys as _sys
from typing import Any

import numpy as _numpy

from wengert.core.trace import Tracer as _Tracer
from wengert.frontend.creation import NAMES as _NAMES
from wengert.frontend.creation import facade as _facade
from wengert.frontend.creation import handle as _handle
from wengert.frontend.standard import NAMESPACE as _NAMESPACE
from wengert.numpy import fft, linalg

globals().update({name: _facade(name) for name in _NAMES})
_NAMESPACE.append(_sys.modules[__name__])

__all__ = [name for name in dir(_numpy) if not name.startswith("_")]  # pyright: ignore[reportUnsupportedDunderAll]


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """An array on the memory of any object that has ``__dlpack__``; a traced array is itself, or a copy.

    Example:
        >>> import numpy as np
        >>> import wengert.numpy as jnp
        >>> jnp.from_dlpack(np.ones(2))
        array([1., 1.])
    """
    if isinstance(x, _Tracer):
        return x.copy() if copy else x.to_device("cpu" if device is None else device)
    options: dict[str, Any] = {} if device is None and copy is None else {"device": device, "copy": copy}
    return _handle(_numpy.from_dlpack(x, **options))


def __getattr__(name: str) -> Any:
    return getattr(_numpy, name)


def __dir__() -> list[str]:
    return __all__


_ = (fft, linalg)  # modules of their own, to be imported from
