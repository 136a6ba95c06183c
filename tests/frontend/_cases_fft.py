"""Calls of NumPy's discrete Fourier transforms, as users write them."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.frontend._cases import T, X, add
from tests.frontend._harness import draw

Z = draw("Z", 6)  # as numbers z = x + i x², below


def _complex(x: Any) -> Any:
    return x + 1j * x * x


def _parts(y: Any) -> Any:
    # one real array in which each part has weights of its own
    return y.real + 0.7 * y.imag if np.iscomplexobj(y) else y


def _real(f: Any) -> Any:
    return lambda x: _parts(f(x))


def _of_complex(f: Any) -> Any:
    return lambda x: _parts(f(_complex(x)))


def _into(f: Any, *shape: int, real: bool = False) -> Any:
    def call(x: Any) -> Any:
        dtype = x.dtype if real else np.result_type(x.dtype, 1j)
        out = np.zeros(shape, dtype)
        assert f(x, out=out) is out
        return out

    return call


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    _f: Any = getattr(np.fft, _name)
    _calls = [_f, *(lambda x, f=_f, n=n: f(x, n) for n in (1, 5, 8)),
              *(lambda x, f=_f, norm=norm: f(x, norm=norm) for norm in ("ortho", "forward")),
              lambda x, f=_f: f(x, n=7, norm="ortho")]  # fmt: skip
    _wrapped = [_real] if _name in ("rfft", "ihfft") else [_real, _of_complex]
    add(_f, *(wrap(call) for wrap in _wrapped for call in _calls), args=(Z,))
    add(_f, *(wrap(lambda x, f=_f, k=k: f(x, axis=k)) for wrap in _wrapped for k in (0, 1, -1)),
        _real(lambda x, f=_f: f(x.T, 5, axis=-2)), args=(T,))  # fmt: skip
add(np.fft.fft, _real(_into(np.fft.fft, 6)), args=(Z,))
add(np.fft.rfft, _real(_into(np.fft.rfft, 4)), args=(Z,))
add(np.fft.irfft, _into(np.fft.irfft, 10, real=True), args=(Z,))
add(np.fft.ihfft, _real(_into(np.fft.ihfft, 4)), args=(Z,))

for _name in ("fftn", "ifftn", "rfftn", "irfftn", "fft2", "ifft2", "rfft2", "irfft2"):
    _f = getattr(np.fft, _name)
    _calls = [
        _f, lambda x, f=_f: f(x, norm="ortho"), lambda x, f=_f: f(x, s=(3, 5), axes=(0, 1), norm="forward"),
        lambda x, f=_f: f(x, s=(4, -1), axes=(1, 2)), lambda x, f=_f: f(x, axes=(2, 0)), lambda x, f=_f: f(x, axes=(1,)),
        lambda x, f=_f: f(x, s=(2, 3, 4), axes=(0, -1, 1)), lambda x, f=_f: f(x, axes=(1, 1)),
        lambda x, f=_f: f(x, s=(6, 3, 4), axes=(2, 0, 2)),
    ]  # fmt: skip
    _wrapped = [_real] if _name.startswith("r") else [_real, _of_complex]
    add(_f, *(wrap(call) for wrap in _wrapped for call in _calls), args=(T,))
add(np.fft.fftn, _real(_into(np.fft.fftn, 2, 3)), _real(lambda x: np.fft.fftn(x, axes=())), args=(X,))

for _f in (np.fft.fftshift, np.fft.ifftshift):
    add(_f, _f, lambda x, f=_f: f(x, 0), lambda x, f=_f: f(x, axes=(1, -1)), lambda x, f=_f: f(x.T, axes=[2, 0]),
        _of_complex(lambda x, f=_f: f(x, 1)), args=(T,))  # fmt: skip
for _f in (np.fft.fftfreq, np.fft.rfftfreq):
    add(_f, *(lambda d, f=_f, n=n: f(n, d) for n in (1, 4, 5)), lambda d, f=_f: np.fft.fftshift(f(6, d=d)), args=(0.3,))

# as they are used: a convolution, a power spectrum, a spectral derivative, white noise filtered
add(np.fft.fft,
    lambda x: np.fft.ifft(np.fft.fft(x) * np.fft.fft(np.arange(6.0))).real,
    lambda x: np.abs(np.fft.fft(x)) ** 2,
    lambda x: np.fft.ifft(2j * np.pi * np.fft.fftfreq(6, 1 / 6) * np.fft.fft(x)).real,
    lambda x: np.fft.irfft(np.fft.rfft(x) / (1 + np.fft.rfftfreq(6)), 6), args=(Z,))  # fmt: skip
