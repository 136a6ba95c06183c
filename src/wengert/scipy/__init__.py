"""SciPy's functions, on plain and on traced arrays; on plain ones they are SciPy's own.

SciPy's ufuncs (most of ``scipy.special``) need none of this: they find a traced value's rules by themselves. Its
other functions cannot be intercepted, so that they have namesakes here. Each part is loaded on its first use.

Example:
    >>> import numpy as np
    >>> from wengert import grad, scipy
    >>> grad(scipy.special.logsumexp)(np.array([0.0, 0.0]))
    array([0.5, 0.5])
"""

from importlib import import_module
from types import ModuleType

__all__ = ["fft", "linalg", "special"]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> ModuleType:
    if name not in __all__:
        raise AttributeError(f"module 'wengert.scipy' has no attribute {name!r}")
    return import_module(f"wengert.scipy.{name}")


def __dir__() -> list[str]:
    return sorted(__all__)
