"""numpy.fft: on traced arrays NumPy dispatches to the rules; what makes arrays is here.

Example:
    >>> import numpy as np
    >>> from wengert import grad
    >>> from wengert.numpy.fft import fft
    >>> grad(lambda x: np.sum(np.abs(fft(x)) ** 2))(np.array([1.0, 2.0]))
    array([4., 8.])
"""

import functools as _functools
from typing import Any

import numpy.fft as _fft

from wengert.frontend.creation import handle as _handle

__all__ = list(_fft.__all__)  # pyright: ignore[reportUnsupportedDunderAll]

globals().update({name: getattr(_fft, name) for name in __all__})


@_functools.wraps(_fft.fftfreq)
def fftfreq(*args: Any, **kwargs: Any) -> Any:
    return _handle(_fft.fftfreq(*args, **kwargs))


@_functools.wraps(_fft.rfftfreq)
def rfftfreq(*args: Any, **kwargs: Any) -> Any:
    return _handle(_fft.rfftfreq(*args, **kwargs))
