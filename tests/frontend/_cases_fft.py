"""Calls of NumPy's discrete Fourier transforms, as users write them."""

from __future__ import annotations
