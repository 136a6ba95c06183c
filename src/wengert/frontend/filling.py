"""NumPy's functions that write into their argument: put, place, putmask, fill_diagonal, flat, ufunc.at."""
