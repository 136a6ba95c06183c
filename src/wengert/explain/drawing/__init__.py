"""Pictures of computations, models and Programs: :func:`wengert.draw`.

Example:
    >>> import wengert
    >>> wengert.draw(lambda x: x * x + 1.0, 3.0)
    <drawing: 3 blocks, 3 links>
"""

from wengert.explain.drawing.drawer import draw
from wengert.explain.drawing.drawing import Drawing

__all__ = ["Drawing", "draw"]
