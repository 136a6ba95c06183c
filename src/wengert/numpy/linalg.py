"""numpy.linalg: on traced arrays NumPy dispatches to the rules.

Example:
    >>> import numpy as np
    >>> from wengert import grad
    >>> from wengert.numpy.linalg import det
    >>> grad(det)(np.diag([2.0, 3.0]))
    array([[3., 0.],
           [0., 2.]])
"""

import numpy.linalg as _linalg

__all__ = list(_linalg.__all__)  # pyright: ignore[reportUnsupportedDunderAll]

globals().update({name: getattr(_linalg, name) for name in __all__})
