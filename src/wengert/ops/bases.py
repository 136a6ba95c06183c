"""Orthonormal bases of spaces that a matrix determines, where the basis itself is one choice of many.

The space moves smoothly; of a function that sees only the space, any basis that moves with it gives the
derivative. In reverse mode what reaches a basis B shows whether that holds to first order: B exp(tR) leaves the
function alone if and only if the antihermitian part of Bᴴ conj(g) is zero. Forward mode cannot see it, and
refuses: the tangent of such a basis is one that nothing may use.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wengert.core.primitive import Primitive, reads_everything
from wengert.core.trace import ArrayTracer, Trace, fresh_level
from wengert.core.types import Aval, shape_of
from wengert.errors import DerivativeError, at_line
from wengert.ops.families import align
from wengert.ops.gaps import checked, condition, largest, noise
from wengert.ops.linalg import Operands, Params, adjoint, conj
from wengert.ops.pseudoinverse import pinv

WHAT = "vectors that are one orthonormal basis of many (beside the range of a matrix, in it, or of its null space)"


@condition("one basis of many")
def _no_choice(g: np.ndarray[Any, Any], basis: np.ndarray[Any, Any]) -> None:
    """No rotation of the basis matters."""
    turn = adjoint(basis) @ conj(g)
    if np.any(np.abs(turn - adjoint(turn)) > noise(g, basis) * largest(g)):
        raise DerivativeError(
            f"{WHAT}:\n  the function depends on which one it is, and has no derivative{at_line()}\n"
            "  write: a function of the space alone, such as N @ N.T, or full_matrices=False where these vectors\n"
            "  are not used"
        )


# ---- a tangent that nothing may use


class Refused(Trace):
    """The innermost trace of all, which refuses every operation."""

    scalar = array = ArrayTracer

    def __init__(self, why: str) -> None:
        self.level = fresh_level()
        self.why = why

    def process(self, primitive: Any, operands: Any, params: Any) -> Any:
        """Say why; only the matrix may be turned."""
        if primitive.name in ("transpose", "conjugate"):
            return unusable(primitive.impl(operands[0].v, **params), self.why)
        raise DerivativeError(self.why)


class Unusable(ArrayTracer):
    """What stands for a tangent that is not known."""

    __slots__ = ()


def unusable(like: Any, why: str) -> Any:
    """A tangent of the shape of ``like`` that raises a DerivativeError where it is used."""
    z = Unusable.__new__(Unusable)
    z.v, z.t, z.i = np.zeros(shape_of(like), like.dtype), Refused(why), -1
    return z


def _forward(_ts: Operands, z: Any, _xs: Operands, _params: Params) -> Any:
    return unusable(
        z,
        f"{WHAT}:\n  forward mode cannot see whether what follows depends on the choice{at_line()}\n"
        "  write: wengert.grad, which can see it, or full_matrices=False where these vectors are not used",
    )


# ---- the records. Their second operand is a basis as it was computed, without a derivative. They are not in the
# registry, over which the laws run: along almost every direction they refuse


def _refusing(name: str, impl: Any, vjp: Any, batch: Any, infer: Any, tex: str) -> Primitive:
    return Primitive(name, "general", impl, infer, _forward, vjp, batch, reads_everything, tex)


def _extended_vjp(g: Any, z: Any, xs: Operands, wanted: Any, _params: Params) -> Any:
    # [U, N] with dN = −U dUᴴ N
    if not wanted[0]:
        return None, None
    u = xs[0]
    k = shape_of(u)[-1]
    n = z[..., k:]
    side = checked(g[..., k:], n, test="one basis of many", order=0)
    return g[..., :k] - conj(n) @ (adjoint(side) @ conj(u)), None


def _extended_infer(u: Aval, n: Aval) -> Aval:
    return Aval((*u.shape[:-1], u.shape[-1] + n.shape[-1]), u.dtype, "array")


# orthonormal columns U, and beside them others that make the matrix square
extended = _refusing(
    "extended", lambda u, n: np.concatenate([u, n], axis=-1), _extended_vjp,
    lambda b, xs, _p: extended(*_full(b, xs)), _extended_infer, r"[{0}, {0}_\perp]",
)  # fmt: skip


def _full(batched: Any, xs: Operands) -> list[Any]:
    """Operands with every axis of the stack in each."""
    xs = align(batched, xs)
    stack = np.broadcast_shapes(*(shape_of(x)[:-2] for x in xs))
    return [np.broadcast_to(x, (*stack, *shape_of(x)[-2:])) for x in xs]


def _range_vjp(g: Any, z: Any, xs: Operands, wanted: Any, params: Params) -> Any:
    # dZ = (I − Z Zᴴ) dA A⁺ Z
    if not wanted[0]:
        return None, None
    g = checked(g, z, test="one basis of many", order=0)
    outside = g - conj(z) @ (z.mT @ g)
    return outside @ (_inverse(xs[0], params) @ z).mT, None


def _null_vjp(g: Any, z: Any, xs: Operands, wanted: Any, params: Params) -> Any:
    # dN = −A⁺ dA N
    if not wanted[0]:
        return None, None
    g = checked(g, z, test="one basis of many", order=0)
    return -(_inverse(xs[0], params).mT @ g @ z.mT), None


def _inverse(a: Any, params: Params) -> Any:
    """A⁺, with a warning where its rank is not full: it is taken to stay."""
    p = pinv(a, rcond=params["rcond"])
    return checked(p, p, a, test="rank kept, reverse", order=0)


def _basis(name: str, vjp: Any, tex: str) -> Any:
    record = _refusing(
        name, lambda a, z, *, rcond: z, vjp, lambda b, xs, p: record(*_full(b, xs), **p),
        lambda a, z, **_: Aval(z.shape, z.dtype, z.kind), tex,
    )  # fmt: skip
    return record


# of the range of A, and of its null space; singular values up to rcond times the largest count as zero
range_basis = _basis("range_basis", _range_vjp, r"\operatorname{{ran}} {0}")
null_basis = _basis("null_basis", _null_vjp, r"\operatorname{{null}} {0}")
