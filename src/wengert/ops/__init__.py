"""Every array primitive and all its rules, once.

Rules are written in NumPy's own notation, on values that may be plain or traced, so they differentiate
again, batch and stage.
"""

from wengert.ops import (
    bases,
    conv,
    convolve,
    determinants,
    eigen,
    elementwise,
    factorisations,
    fft,
    gaps,
    householder,
    index,
    linalg,
    norms,
    order,
    polynomials,
    products,
    pseudoinverse,
    random,
    reduce,
    running,
    shape,
    singular,
    spectra,
    splitting,
)

__all__ = [
    "bases",
    "conv",
    "convolve",
    "determinants",
    "eigen",
    "elementwise",
    "factorisations",
    "fft",
    "gaps",
    "householder",
    "index",
    "linalg",
    "norms",
    "order",
    "polynomials",
    "products",
    "pseudoinverse",
    "random",
    "reduce",
    "running",
    "shape",
    "singular",
    "spectra",
    "splitting",
]
