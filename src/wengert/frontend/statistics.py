"""NumPy's statistics: quantiles, functions that pass over NaN, covariances, histograms, sets."""
