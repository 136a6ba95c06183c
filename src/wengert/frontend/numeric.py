"""NumPy's numerical functions: interpolation, gradients, convolution, polynomials."""
