"""Calls of NumPy's numerical functions: interpolation, convolution, polynomials, functions of functions, as users write them."""

from __future__ import annotations
