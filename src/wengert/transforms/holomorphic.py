"""Derivatives in complex numbers: what the responses to 1 and to i say, and whether they agree.

A real-differentiable f has df = a dz + b conj(dz), with Wirtinger's a = ∂f/∂z and b = ∂f/∂z̄ (Wirtinger 1927).
It is holomorphic where b = 0 (the Cauchy–Riemann equations), and then f′ = a. A walk back (or a pass forward)
with 1 gives p = a + b, one with i gives q = i (a − b) (reverse mode has conj(b) for b); so b = (p + i q)/2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wengert.core.trace import Tracer
from wengert.core.types import Aval, dtype_of, shape_of
from wengert.errors import DerivativeError, at_line
from wengert.frontend.values import like_scalar
from wengert.transforms.inputs import name_of, real_output

__all__ = ["Claim", "check_outputs", "is_complex", "joined", "rounding"]


def is_complex(x: Any) -> bool:
    """Whether ``x`` is a complex number or an array of them."""
    return dtype_of(x).kind == "c"


def joined(p: Any, q: Any, start: Any, end: Any) -> Any:
    """One block of a Jacobian from the responses ``p`` to 1 and ``q`` to i.

    A pass starts at inputs and ends at outputs, a walk back the other way round. From complex numbers to real ones
    a walk back gives p = Re J and q = Re iJ, a pass forward p = ∂u/∂x and q = ∂u/∂y of the gradient ∂u/∂x − i ∂u/∂y.
    From real numbers there is no response to i, and p is all.
    """
    return p - 1j * q if is_complex(start) and not is_complex(end) else p


@dataclass(frozen=True)
class Claim:
    """That ``f`` is holomorphic at ``inputs``, where it gives ``outputs``."""

    f: Callable[..., Any]
    transform: str
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    reverse: bool = True

    def derivative(self, p: Any, q: Any) -> Any:
        """``p``, having checked that ``q`` is i p.

        Under vmap all elements of the batch are looked at. Of what is staged there are no values to look at:
        there the derivative is NaN wherever the equations do not hold.
        """
        apart, size = np.absolute(p + 1j * q), np.absolute(p)
        single = dtype_of(p).itemsize < 16
        tol = 1e-3 if single else 1e-6
        plain = bare(apart)
        if isinstance(plain, Aval):
            limit = tol * (np.max(size, initial=0.0) if shape_of(size) else size)
            return like_scalar(p, np.where(apart <= limit, p, np.nan))
        limit = tol * _largest([bare(size)]) + rounding(self.inputs, self.outputs, single)
        if not np.all((plain <= limit) | np.isnan(plain)):
            raise DerivativeError(self.refuted(bare(p), bare(q), plain))
        return p

    def refuted(self, p: Any, q: Any, apart: Any) -> str:
        """The message, with both derivatives where they are worst."""
        at = np.unravel_index(int(np.argmax(apart)), np.shape(apart))
        dz, other = np.asarray((p - 1j * q) / 2)[at], np.asarray((p + 1j * q) / 2)[at]
        name = name_of(self.f)
        return (
            f"{self.transform}({name}, holomorphic=True): the function is not holomorphic at this point: besides\n"
            f"  ∂f/∂z = {dz:.6g} it has ∂f/∂z̄ = {np.conj(other) if self.reverse else other:.6g}, which would have to "
            f"be 0 (Cauchy–Riemann){at_line()}\n"
            "  write: it without conj, abs, angle, .real and .imag; or the gradient of a real number, as in\n"
            f"  grad(lambda z: np.abs({name}(z))**2); or a function of two real numbers, x and y of z = x + iy"
        )


def rounding(values: Sequence[Any], outputs: Sequence[Any], single: bool) -> float:
    """What rounding alone may leave of a derivative that is zero: some ε |f|/|z|."""
    eps = float(np.finfo(np.float32 if single else np.float64).eps)
    sizes = [_largest([np.absolute(x) for x in map(bare, xs) if not isinstance(x, Aval)]) for xs in (outputs, values)]
    return 1e3 * eps * sizes[0] / (sizes[1] or 1.0)


def _largest(xs: Sequence[Any]) -> float:
    return max((float(np.max(x, initial=0.0, where=np.isfinite(x))) for x in xs), default=0.0)


def bare(x: Any) -> Any:
    """The array or number behind all traces, of a batch the whole of it; an abstract value where there is none."""
    while isinstance(x, Tracer):
        x = x.v
    return x


def check_outputs(f: Any, transform: str, inputs: Sequence[Any], outputs: Sequence[Any], holomorphic: bool) -> None:
    """Refuse complex outputs in complex inputs, which have two derivatives, unless the function is holomorphic."""
    if holomorphic and not all(map(is_complex, outputs)):
        raise DerivativeError(real_output(f, transform))
    if not holomorphic and any(map(is_complex, inputs)) and any(map(is_complex, outputs)):
        raise DerivativeError(
            f"{transform}({name_of(f)}): input and output are complex, so there are two derivatives, ∂f/∂z and ∂f/∂z̄"
            f"{at_line()}\n"
            f"  write: {transform}({name_of(f)}, holomorphic=True) if the function is complex-differentiable, or\n"
            "  the real and imaginary parts of the output, one by one"
        )
