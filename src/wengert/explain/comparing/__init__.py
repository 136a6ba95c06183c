"""Automatic, numerical and symbolic derivatives of one function, side by side."""

from wengert.explain.comparing.compare import compare_derivatives
from wengert.explain.comparing.comparison import Comparison, Method
from wengert.explain.comparing.numerical import Curve
from wengert.explain.comparing.symbolic import Growth

__all__ = ["Comparison", "Curve", "Growth", "Method", "compare_derivatives"]
