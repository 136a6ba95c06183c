"""numpy.fft on traced values."""
