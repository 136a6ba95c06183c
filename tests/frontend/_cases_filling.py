"""Calls of NumPy's functions that write into their argument, as users write them."""

from __future__ import annotations
