"""Every array primitive and all its rules, once.

Rules are written in NumPy's own notation, on values that may be plain or traced, so they differentiate
again, batch and stage.
"""

from wengert.ops import elementwise, index, linalg, products, reduce, shape

__all__ = ["elementwise", "index", "linalg", "products", "reduce", "shape"]
