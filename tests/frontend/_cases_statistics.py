"""Calls of NumPy's statistics: quantiles, functions that pass over NaN, histograms, sets, as users write them."""

from __future__ import annotations
