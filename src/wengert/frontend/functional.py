"""NumPy's functions of functions: vectorize, apply_along_axis, piecewise."""
