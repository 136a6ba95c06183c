"""Discrete Fourier transforms: three linear records, of which all of numpy.fft is made, and cosine transforms.

With w = exp(−2πi/n), the transform X_k = c Σ_j x_j w^(jk) has a symmetric matrix: it is its own transpose. The
transform of real numbers keeps k = 0, …, n//2 alone, and its inverse takes the other half to be the conjugate of
this one; so in their transposes the frequencies that have a partner in the other half count twice.

Axes are counted from the end, where a batch does not move them. ``n`` and ``s`` are the lengths transformed:
along each axis the operand is cropped, or filled up with zeros, to it.

Sources: Cooley and Tukey 1965; NumPy's manual, "Discrete Fourier Transform", for signs and norms.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.types import Aval, dtype_of, shape_of
from wengert.ops.families import fit, linear
from wengert.ops.index import scatter_add
from wengert.ops.linalg import conj, real_dtype

Shape = tuple[int, ...]
# the norm with which the other direction has the same factor
SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def resize(x: Any, shape: Shape) -> Any:
    """``x`` cropped or filled up with zeros behind its end, along each axis."""
    have = shape_of(x)
    if have == shape:
        return x
    kept = tuple(slice(min(n, m)) for n, m in zip(have, shape, strict=True))
    if any(n > m for n, m in zip(have, shape, strict=True)):
        x = x[kept]
    return x if shape_of(x) == shape else scatter_add(x, shape=shape, index=kept)


def lengths(shape: Shape, axes: Shape, s: Shape) -> Shape:
    """``shape`` with other lengths along ``axes``, which are counted from the end."""
    out = list(shape)
    for axis, n in zip(axes, s, strict=True):
        out[axis] = n
    return tuple(out)


def _complex(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.result_type(dtype, 1j)


def _real(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.result_type(real_dtype(dtype), 1.0)


def _ends(x: Any, n: int, axis: int, end: float, inner: float) -> Any:
    """Weights of the frequencies of ``n`` real numbers: ``end`` where k is 0 or n/2, else ``inner``."""
    weights = np.full(n // 2 + 1, inner, _real(dtype_of(x)))
    weights[0] = end
    if n % 2 == 0:
        weights[-1] = end
    return weights.reshape(-1, *(1,) * (-axis - 1))


# ---- complex numbers to complex numbers


def _fft(x: Any, *, s: Shape, axes: Shape, inverse: bool, norm: str | None) -> Any:
    return (np.fft.ifftn if inverse else np.fft.fftn)(x, s, axes, norm)  # type: ignore[arg-type]


fft = linear(
    "fft", _fft,
    lambda g, x, *, s, axes, inverse, norm: fit(
        resize(fft(g, s=s, axes=axes, inverse=inverse, norm=norm), shape_of(x)), x
    ),
    lambda _b, xs, p: fft(xs[0], **p),
    r"\mathcal{{F}} {0}",
    infer=lambda x, *, s, axes, **_: Aval(lengths(x.shape, axes, s), _complex(x.dtype), "array"),
)  # fmt: skip

# ---- real numbers to the frequencies that are not negative, and back


def _transpose_rfft(g: Any, x: Any, *, n: int, axis: int, norm: str | None) -> Any:
    # Re Σ_k g_k w^(jk) = Re Σ_k conj(g_k) w^(-jk), where the inverse would count the inner terms twice
    halved = conj(g) * _ends(g, n, axis, 1.0, 0.5)
    return resize(irfft(halved, n=n, axis=axis, norm=SWAPPED[norm]), shape_of(x))


rfft = linear(
    "rfft", lambda x, *, n, axis, norm: np.fft.rfft(x, n, axis, norm),
    _transpose_rfft, lambda _b, xs, p: rfft(xs[0], **p), r"\mathcal{{F}} {0}",
    infer=lambda x, *, n, axis, **_: Aval(lengths(x.shape, (axis,), (n // 2 + 1,)), _complex(x.dtype), "array"),
)  # fmt: skip


def _transpose_irfft(g: Any, x: Any, *, n: int, axis: int, norm: str | None) -> Any:
    # x_j = Re Σ_k c_k y_k w^(-jk) with c = 1, 2, 2, …: what is imaginary in y_0 and y_(n/2) has no effect
    pulled = conj(rfft(g, n=n, axis=axis, norm=SWAPPED[norm])) * _ends(g, n, axis, 1.0, 2.0)
    return fit(resize(pulled, shape_of(x)), x)


irfft = linear(
    "irfft", lambda x, *, n, axis, norm: np.fft.irfft(x, n, axis, norm),
    _transpose_irfft, lambda _b, xs, p: irfft(xs[0], **p), r"\mathcal{{F}}^{{-1}} {0}",
    infer=lambda x, *, n, axis, **_: Aval(lengths(x.shape, (axis,), (n,)), _real(x.dtype), "array"),
)  # fmt: skip

# ---- sums of cosines and of sines


def _trigonometric(x: Any, *, sines: bool, kind: int, axis: int, norm: str | None, orthogonal: bool) -> Any:
    import scipy.fft  # loaded by those who use it

    transform: Any = scipy.fft.dst if sines else scipy.fft.dct
    if dtype_of(x).kind == "c" and orthogonal != (norm == "ortho"):  # which SciPy 1.17 does not heed
        parts = [transform(part, kind, axis=axis, norm=norm, orthogonalize=orthogonal) for part in (x.real, x.imag)]
        return parts[0] + 1j * parts[1]
    return transform(x, kind, axis=axis, norm=norm, orthogonalize=orthogonal)


def _transpose_trigonometric(
    g: Any, x: Any, *, sines: bool, kind: int, axis: int, norm: str | None, orthogonal: bool
) -> Any:
    # kinds 2 and 3 are one another's transposes, kinds 1 and 4 their own, but for factors at the ends,
    # which the orthogonal ones share equally
    def turned(g: Any) -> Any:
        back = {2: 3, 3: 2}.get(kind, kind)
        return trigonometric(g, sines=sines, kind=back, axis=axis, norm=norm, orthogonal=orthogonal)

    if orthogonal or kind == 4 or (sines and kind == 1):
        return fit(turned(g), x)
    weights = np.ones(shape_of(x)[axis], _real(dtype_of(g)))
    weights[-1 if sines else 0] = 2.0
    if kind == 1:
        weights[-1] = 2.0
    weights = weights.reshape(-1, *(1,) * (-axis - 1))
    if kind == 2:
        return fit(turned(g * weights), x)
    return fit(turned(g * weights) / weights if kind == 1 else turned(g) / weights, x)


# discrete cosine and sine transforms of kinds 1 to 4: Rao and Yip 1990; SciPy's manual for factors
trigonometric = linear(
    "trigonometric", _trigonometric, _transpose_trigonometric, lambda _b, xs, p: trigonometric(xs[0], **p),
    r"\mathcal{{C}} {0}", infer=lambda x, **_: Aval(x.shape, np.result_type(x.dtype, 1.0), "array"),
)  # fmt: skip
